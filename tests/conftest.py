"""Fixtures of the whole suite: a real PostgreSQL where there is one, and no way off loopback."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot import i18n
from tests import postgres

_connect = socket.socket.connect


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that would leave this machine fails."""

    def guarded(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if self.family in (socket.AF_INET, socket.AF_INET6):
            assert host in ("localhost", "::1") or str(host).startswith("127."), (
                f"{host} is not loopback"
            )
        _connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def english() -> None:
    """Every test begins in English, whatever language the one before it spoke."""
    i18n.use("en")


@pytest.fixture(autouse=True)
def no_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the suite itself runs in GitHub Actions, bot does not speak to that runner."""
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a real PostgreSQL; skips, with the reason, where there is none."""
    given = os.environ.get("BOT_TEST_POSTGRES")
    if given:
        yield given
        return
    if postgres.binaries() is None:
        pytest.skip("no PostgreSQL on this machine: neither BOT_TEST_POSTGRES nor initdb")
    folder = Path(tempfile.mkdtemp(prefix="bot-postgres-"))
    try:
        with postgres.cluster(folder) as url:
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)
