"""The ledgers of the outbox's tests, and two SQLite stores beside one another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from bot.ledger import engine as opening
from tests.outbox.conftest import clock, ledger, ledgers

__all__ = ["clock", "ledger", "ledgers"]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Engine]]:
    """Two SQLite stores."""
    engines = [opened(tmp_path_factory.mktemp("store")) for _ in range(2)]
    yield engines[0], engines[1]
    for engine in engines:
        engine.dispose()


@pytest.fixture(scope="module")
def server(postgres_url: str) -> Iterator[Engine]:
    """A store on PostgreSQL."""
    engine = opened(Path(), postgres_url)
    yield engine
    engine.dispose()


def opened(root: Path, url: str = "sqlite:///state/bot.db") -> Engine:
    engine = opening.open_engine(url, root, readonly=False)
    assert engine is not None
    opening.migrate(engine)
    return engine
