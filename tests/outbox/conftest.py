"""A real ledger for each test: SQLite always, PostgreSQL where there is one."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.ledger.store import Ledger, open_ledger
from tests.outbox.world import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def ledgers(
    request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock
) -> Iterator[Callable[[], Ledger]]:
    """Opens the same store again and again, as several processes would."""
    sqlite = request.param == "sqlite"
    url: str = "sqlite:///state/bot.db" if sqlite else request.getfixturevalue("postgres_url")
    site = f"site-{uuid.uuid4().hex[:8]}"
    opened: list[Ledger] = []

    def open_again() -> Ledger:
        ledger = open_ledger(
            url, tmp_path, site, clock, address="https://blog.example", named=True, own_clock=True
        )
        assert ledger is not None
        opened.append(ledger)
        return ledger

    yield open_again
    for ledger in opened:
        ledger.close()


@pytest.fixture
def ledger(ledgers: Callable[[], Ledger]) -> Ledger:
    return ledgers()
