"""Copies of a ledger in use, the one before a migration, and a damaged ledger, which is only named."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from bot.errors import StoreUnavailable, UsageError
from bot.ledger import copies
from bot.ledger import engine as opening
from bot.ledger.migrate import SCRIPTS, upgrade
from bot.ledger.transfer import export
from tests.ledger.conftest import opened
from tests.ledger.test_transfer import ledger_on
from tests.outbox.test_dispatcher import planned

NOW = datetime(2026, 2, 10, 9, 0, tzinfo=UTC)
NEXT = """
import sqlalchemy as sa
from alembic import op
revision = "next"
down_revision = "{head}"
def upgrade():
    op.add_column("sites", sa.Column("fresh", sa.Text))
    {then}
"""


@pytest.fixture
def store(tmp_path: Path) -> Engine:
    return opened(tmp_path)


def newer(tmp_path: Path, then: str = "pass") -> Path:
    """The scripts of a bot with one revision more."""
    scripts = tmp_path / "scripts"
    shutil.copytree(SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "versions" / "next.py").write_text(NEXT.format(head=opening.HEAD, then=then))
    return scripts


def damage(file: Path) -> bytes:
    """The pages in the middle are overwritten; the first one, which names the tables, is whole."""
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    data = bytearray(file.read_bytes())
    for start in range(4096, len(data), 4096):
        data[start : start + 64] = b"\xee" * 64
    file.write_bytes(data)
    return bytes(data)


def test_a_copy_holds_what_was_written_to_the_log_alone(store: Engine, tmp_path: Path) -> None:
    ledger = ledger_on(store, "blog.example")
    planned(ledger, "一")
    assert (tmp_path / "state" / "bot.db-wal").stat().st_size > 0
    file = tmp_path / "copies" / "one.db"
    copies.back_up(store, file)
    assert [f.name for f in file.parent.iterdir()] == ["one.db"]
    engine = opening.open_engine(f"sqlite:///{file}", tmp_path, readonly=True)
    assert engine is not None
    assert list(export(ledger_on(engine, "blog.example"))) == list(export(ledger))


def test_a_copy_is_made_while_others_write(store: Engine, tmp_path: Path) -> None:
    ledger = ledger_on(store, "blog.example")
    done, begun = threading.Event(), threading.Event()

    def write() -> None:
        n = 0
        while not done.is_set():
            planned(ledger, f"p{n}", parts=3)
            n += 1
            begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert begun.wait(30)
    try:
        for n in range(5):
            copies.back_up(store, tmp_path / f"{n}.db")
    finally:
        done.set()
        writer.join()
    for n in range(5):
        with sqlite3.connect(tmp_path / f"{n}.db") as copy:
            (rows,) = copy.execute("SELECT count(*) FROM deliveries").fetchone()
            (steps,) = copy.execute("SELECT count(*) FROM history").fetchone()
        copy.close()
        assert rows == steps, "a transaction is whole in it or not at all"
        assert rows > 0
        assert rows % 3 == 0


def test_nothing_is_overwritten(store: Engine, tmp_path: Path) -> None:
    ledger = tmp_path / "state" / "bot.db"
    before = ledger.read_bytes()
    with pytest.raises(UsageError) as caught:
        copies.back_up(store, ledger)
    assert caught.value.code == "file-exists"
    assert ledger.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_an_error_in_words(store: Engine, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(UsageError):
        copies.back_up(store, tmp_path / "taken" / "copy.db")


def test_a_damaged_ledger_is_named_and_gives_no_copy(store: Engine, tmp_path: Path) -> None:
    planned(ledger_on(store, "blog.example"), "一")
    store.dispose()
    before = damage(tmp_path / "state" / "bot.db")
    with pytest.raises(StoreUnavailable, match=r"bot\.db"):
        copies.check(store)
    with pytest.raises(StoreUnavailable, match=r"bot\.db"):
        copies.back_up(store, tmp_path / "c.db")
    assert (tmp_path / "state" / "bot.db").read_bytes() == before
    assert sorted(f.name for f in tmp_path.iterdir()) == ["state"]


def test_a_sound_ledger_is_sound(store: Engine) -> None:
    copies.check(store)


def test_an_older_ledger_is_copied_before_it_is_migrated(store: Engine, tmp_path: Path) -> None:
    ledger = ledger_on(store, "blog.example")
    planned(ledger, "一")
    kept = list(export(ledger))
    copy = upgrade(store, opening.HEAD, NOW, newer(tmp_path))
    assert copy == tmp_path / "state" / "backups" / f"bot-{opening.HEAD}-20260210T090000Z.db"
    assert opening.revision(store) == "next"
    engine = opening.open_engine(f"sqlite:///{copy}", tmp_path, readonly=True)
    assert engine is not None
    assert opening.revision(engine) == opening.HEAD
    assert list(export(ledger_on(engine, "blog.example"))) == kept
    assert len(ledger.deliveries()) == 1


def test_a_migration_that_fails_leaves_the_ledger_as_it_was(store: Engine, tmp_path: Path) -> None:
    planned(ledger_on(store, "blog.example"), "一")
    kept = list(export(ledger_on(store, "blog.example")))
    with pytest.raises(ZeroDivisionError):
        upgrade(store, opening.HEAD, NOW, newer(tmp_path, then="1 / 0"))
    assert opening.revision(store) == opening.HEAD
    assert list(export(ledger_on(store, "blog.example"))) == kept
    with store.connect() as c, pytest.raises(Exception, match="fresh"):
        c.execute(text("SELECT fresh FROM sites"))


def test_where_no_copy_can_be_made_nothing_is_migrated(store: Engine, tmp_path: Path) -> None:
    (tmp_path / "state" / "backups").write_text("in the way")
    with pytest.raises(UsageError):
        upgrade(store, opening.HEAD, NOW, newer(tmp_path))
    assert opening.revision(store) == opening.HEAD


def test_an_empty_ledger_needs_no_copy(tmp_path: Path) -> None:
    opened(tmp_path)
    assert not (tmp_path / "state" / "backups").exists()


def test_copies_of_one_second_have_names_of_their_own(store: Engine, tmp_path: Path) -> None:
    made = [copies.backup_before_migration(store, opening.HEAD, NOW) for _ in range(3)]
    assert len(set(made)) == 3
    assert all(file and file.exists() for file in made)


@pytest.mark.real
def test_postgresql_copies_are_pg_dumps(server: Engine) -> None:
    assert copies.backup_before_migration(server, opening.HEAD, NOW) is None
