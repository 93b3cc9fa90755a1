"""A ledger of another schema, an empty one, a store that is full, locked or away: each in its words."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from bot.ledger import engine as opening
from tests.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path).configure()
    assert made.run("post", "--first-run").returncode == 0
    return made


def revise(site: Site, revision: str) -> None:
    ledger = sqlite3.connect(site.root / "state" / "bot.db")
    ledger.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    ledger.commit()
    ledger.close()


READING = [["status"], ["status", "--health"], ["state", "check"], ["state", "export"]]


@pytest.mark.parametrize("command", [*READING, ["post", "--dry-run"]])
def test_a_newer_ledger_wants_a_newer_bot(site: Site, command: list[str]) -> None:
    revise(site, "9999")
    told = site.run(*command)
    assert told.returncode == 2
    assert "[ledger-newer]" in told.stderr
    assert "upgrade bot" in told.stderr
    assert "migrate" not in told.stderr


@pytest.mark.parametrize("command", READING)
def test_an_older_ledger_is_no_missing_one(site: Site, command: list[str]) -> None:
    revise(site, "0001")
    told = site.run(*command)
    assert told.returncode == 2
    assert "bot state migrate" in told.stderr
    assert "first-run" not in told.stdout + told.stderr


def test_an_empty_file_is_no_sound_ledger(site: Site) -> None:
    for name in ("bot.db-wal", "bot.db-shm"):
        (site.root / "state" / name).unlink(missing_ok=True)
    (site.root / "state" / "bot.db").write_bytes(b"")
    told = site.run("state", "check")
    assert told.returncode == 2
    assert "empty" in told.stderr


def test_a_migration_that_fails_is_told(site: Site) -> None:
    """The columns of the newer revision are there already."""
    revise(site, "0001")
    told = site.run("state", "migrate")
    assert told.returncode == 2
    assert "Traceback" not in told.stderr
    assert "[migration-failed]" in told.stderr


@pytest.mark.parametrize(
    ("cause", "code", "advice"),
    [
        ("database or disk is full", "disk-full", "make room"),
        ("attempt to write a readonly database", "not-writable", "user"),
        ("unable to open database file", "not-writable", "user"),
        ("database disk image is malformed", "ledger-damaged", "bot state check"),
        ("file is not a database", "ledger-damaged", "bot state check"),
        ("something else", "store-unavailable", "mend the store"),
    ],
)
def test_sqlite_fails_in_its_ways(tmp_path: Path, cause: str, code: str, advice: str) -> None:
    url = make_url(f"sqlite:///{tmp_path}/state/bot.db")
    error = opening.unavailable(url, sqlite3.OperationalError(cause))
    assert (error.code, advice in str(error.hint)) == (code, True)


def test_the_newest_backup_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "backups"
    folder.mkdir(parents=True)
    for name in ("bot-0002-20260101T000000Z.db", "bot-0002-20260301T000000Z.db"):
        (folder / name).touch()
    url = make_url(f"sqlite:///{tmp_path}/state/bot.db")
    error = opening.unavailable(url, sqlite3.DatabaseError("file is not a database"))
    assert "20260301" in str(error.hint)
    assert "20260101" not in str(error.hint)


def test_a_server_that_is_away(tmp_path: Path) -> None:
    site = Site(tmp_path).configure()
    file = tmp_path / "bot.toml"
    file.write_text(
        file.read_text().replace("[ui]", 'id = "b"\n[ui]')
        + '[state]\nurl = "postgresql://u@127.0.0.1:1/x"\n'
    )
    told = site.run("post")
    assert told.returncode == 2
    assert "[server-away]" in told.stderr
    assert "is PostgreSQL running" in told.stderr


def test_nothing_unprintable_is_told(tmp_path: Path) -> None:
    url = make_url("postgresql://u@127.0.0.1/x")
    error = opening.unavailable(url, OSError("one\x01two\x1b[31m\n  three"))
    assert all(c.isprintable() for c in str(error))


def test_the_ledger_of_another_site(site: Site) -> None:
    site.configure(url="https://other.example")
    told = site.run("status")
    assert told.returncode == 2
    assert "state.url" in told.stderr
