"""Copies of a SQLite ledger while it is in use, and whether a ledger is whole.

A copy is made by SQLite's own backup, checked, synced and only then given its name; nothing that is
there is overwritten. https://www.sqlite.org/backup.html
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from bot.errors import StoreUnavailable, UsageError
from bot.i18n import msg
from bot.ledger import engine as opening

FOLDER = "backups"
"""Beside the database."""


def back_up(engine: Engine, file: Path) -> None:
    """A whole copy of this SQLite database in a new file. Raises StoreUnavailable where the
    database is damaged, UsageError where the file cannot be made."""
    with new_file(file) as unfinished, _words(engine):
        source = engine.raw_connection()
        try:
            with contextlib.closing(sqlite3.connect(unfinished, isolation_level=None)) as copy:
                driver: Any = source.driver_connection
                driver.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a -wal beside it
                _refuse_damage(engine, _integrity(copy))
        finally:
            source.close()


def backup_before_migration(engine: Engine, found: str, now: datetime | None) -> Path | None:
    """The copy that is made before a schema changes: None on PostgreSQL, where a migration is one
    transaction and copies are pg_dump's."""
    if engine.dialect.name != "sqlite":
        return None
    file = free_name(Path(str(engine.url.database)).parent / FOLDER, found, now, "db")
    back_up(engine, file)
    return file


def check(engine: Engine) -> None:
    """Read every page of a SQLite database. Raises StoreUnavailable where it is damaged."""
    if engine.dialect.name == "sqlite":
        with _words(engine):
            source = engine.raw_connection()
            try:
                driver: Any = source.driver_connection
                _refuse_damage(engine, _integrity(driver))
            finally:
                source.close()


def free_name(folder: Path, revision: str, now: datetime | None, suffix: str) -> Path:
    """`bot-REVISION-TIME`, and a number where that is taken."""
    stem = f"bot-{revision}" + (f"-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}" if now else "")
    file, n = folder / f"{stem}.{suffix}", 2
    while file.exists():
        file, n = folder / f"{stem}-{n}.{suffix}", n + 1
    return file


@contextmanager
def new_file(file: Path) -> Iterator[Path]:
    """A name to write to; when that went well it is synced and becomes `file`, which must not be
    there yet. Raises UsageError."""
    if os.path.lexists(file):
        raise UsageError(
            msg("there is a file already: {file}", file=str(file)),
            code="file-exists",
            hint=msg("name a file that is not there yet; nothing is overwritten"),
        )
    unfinished = file.with_name(f".{file.name}.{os.getpid()}.unfinished")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished.touch(0o600, exist_ok=False)
        yield unfinished
        _sync(unfinished)
        unfinished.rename(file)
        _sync(file.parent)
    except OSError as error:
        detail = error.strerror or type(error).__name__
        raise UsageError(
            msg("{file} cannot be written: {detail}", file=str(file), detail=detail), code="file"
        ) from error
    finally:
        for left in (unfinished, Path(f"{unfinished}-journal"), Path(f"{unfinished}-wal")):
            with contextlib.suppress(OSError):
                left.unlink()


def _integrity(connection: sqlite3.Connection) -> list[str]:
    """https://www.sqlite.org/pragma.html#pragma_integrity_check"""
    found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(5)")]
    return [] if found == ["ok"] else found


def _refuse_damage(engine: Engine, found: list[str]) -> None:
    if found:
        raise StoreUnavailable(
            msg(
                "the ledger {where} is damaged: {found}",
                where=str(engine.url.database),
                found="; ".join(" ".join(line.split()) for line in found),
            ),
            code="ledger-damaged",
            hint=opening.damage_advice(Path(str(engine.url.database))),
        )


@contextmanager
def _words(engine: Engine) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, SQLAlchemyError) as error:
        raise opening.unavailable(engine.url, error) from error


def _sync(path: Path) -> None:
    """A new name is on disk only when its folder is."""
    if path.is_dir() and os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
