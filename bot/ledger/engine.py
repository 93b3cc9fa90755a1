"""Opening the store: SQLite (WAL, synchronous FULL, BEGIN IMMEDIATE) or PostgreSQL, and its schema.

Alembic costs 0.4 s to import, so it is imported only where the schema is not the one of HEAD.
"""

from __future__ import annotations

import os
import sqlite3
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from bot.errors import ConfigError, StoreUnavailable
from bot.i18n import Message, msg

HEAD = "0002"
"""The newest revision in migrations/versions (a test holds the two together)."""
CACHE_KIB = 512
BUSY_SECONDS = 30
"""How long a writer waits for another; a turn's transactions are milliseconds."""
CONNECTIONS = 8
"""So many a process has on PostgreSQL, beside those of its lock and of its listener: a server takes a
hundred in all, and more than these wait for one another anyway."""
IDLE_SECONDS = 10.0
"""A connection to PostgreSQL that nobody used for so long is asked whether it still lives."""

_MEND = msg("nothing was sent; mend the store or restore a backup, then run the command again")


def open_engine(url: str, root: Path, *, readonly: bool) -> Engine | None:
    """An engine on the store that `url` names (a SQLite path is relative to `root`).

    Read-only opens write nothing and answer None where there is no SQLite file yet.
    Raises ConfigError for a URL that names no store, StoreUnavailable where it cannot be opened.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, root, readonly)
    return _postgresql(parsed)


def migrate(engine: Engine, now: datetime | None = None) -> Path | None:
    """Bring the schema to HEAD; refuse one that a newer bot made. An older SQLite ledger is copied
    before: answers the copy, whose name tells `now`. Raises StoreUnavailable."""
    found = revision(engine)
    if found == HEAD:
        return None
    from bot.ledger.migrate import upgrade

    return upgrade(engine, found, now)


def revision(engine: Engine) -> str | None:
    """The schema's revision, None in an empty store. Raises StoreUnavailable."""
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except (DBAPIError, SQLAlchemyError) as error:
        raise unavailable(engine.url, error) from error


def readable(engine: Engine) -> bool:
    """Whether there is a ledger to read: False in an empty store. Raises StoreUnavailable for the
    schema of another bot, which is not changed by reading."""
    found = revision(engine)
    if found is None or found == HEAD:
        return found is not None
    refuse_newer(found)
    raise StoreUnavailable(
        msg(
            "the ledger is of an older bot (schema {found}; this one has {head})",
            found=found,
            head=HEAD,
        ),
        code="ledger-older",
        hint=msg("bring it to this one: bot state migrate, or the next bot post or bot run"),
    )


def refuse_newer(found: str) -> None:
    """Raises StoreUnavailable for a schema that this bot does not know."""
    versions = Path(__file__).parent / "migrations" / "versions"
    if found not in {file.name.partition("_")[0] for file in versions.glob("*.py")}:
        raise newer(found)


def newer(found: str) -> StoreUnavailable:
    return StoreUnavailable(
        msg("the ledger was made by a newer bot (schema {found})", found=found),
        code="ledger-newer",
        hint=msg("upgrade bot; nothing was changed"),
    )


def unavailable(url: URL, error: Exception) -> StoreUnavailable:
    """The store's own words for a person, without the password of its URL, and what to do."""
    cause = getattr(error, "orig", None) or error
    sqlite = url.get_backend_name() == "sqlite"
    where = url.database if sqlite else url.render_as_string()
    said = " ".join("".join(c if c.isprintable() else " " for c in str(cause)).split())
    code, hint = _sqlite_advice(url, said) if sqlite else _server_advice(said)
    return StoreUnavailable(
        msg("the ledger {where} cannot be used: {cause}", where=where or "", cause=said),
        code=code,
        hint=hint,
    )


def newest_backup(file: Path) -> Path | None:
    """The copy of this database that `bot state backup` or a migration made last."""
    copies = (file.parent / "backups").glob("bot-*.db")
    return max(copies, key=lambda copy: copy.name.rpartition("-")[2], default=None)


def damage_advice(file: Path) -> Message:
    copy = newest_backup(file)
    if copy is None:
        return msg("bot state check tells more; put a backup in its place, if there is one")
    return msg("bot state check tells more; the newest backup is {copy}", copy=str(copy))


def _sqlite_advice(url: URL, said: str) -> tuple[str, Message]:
    """By the words of https://www.sqlite.org/rescode.html"""
    if "is full" in said:
        return "disk-full", msg("nothing was sent; make room on the disk")
    if "readonly" in said or "unable to open" in said:
        return "not-writable", msg(
            "nothing was sent; the user that bot runs as may not write that file or its folder"
        )
    if "malformed" in said or "not a database" in said:
        return "ledger-damaged", damage_advice(Path(url.database or ""))
    return "store-unavailable", _MEND


def _server_advice(said: str) -> tuple[str, Message]:
    low = said.lower()
    if "no space left" in low:
        return "disk-full", msg("nothing was sent; make room on the disk")
    if "permission denied" in low or "read-only" in low:
        return "not-writable", msg("nothing was sent; state.url's user may not write there")
    if "connection" in low or "connect" in low or "resolve" in low:
        return "server-away", msg("nothing was sent; is PostgreSQL running, and state.url right?")
    return "store-unavailable", _MEND


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError):
        backend = ""
    if backend not in ("sqlite", "postgresql"):
        raise ConfigError(
            msg("state.url names no store that bot knows"),
            code="state-url",
            key="state.url",
            hint=msg("write sqlite:///state/bot.db or postgresql://user@host/database"),
        )
    return parsed


def _postgresql(url: URL) -> Engine:
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"), pool_size=CONNECTIONS, max_overflow=0
    )

    # A connection that stood idle is asked whether it still lives; asking at each use would cost
    # every statement a way to the server.
    @event.listens_for(engine, "checkin")
    def _back(_connection: Any, record: Any) -> None:
        record.info["idle_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _out(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("idle_since", float("inf")) < IDLE_SECONDS:
            return
        try:
            connection.execute("SELECT 1")
            connection.rollback()
        except connection.Error as error:
            raise DisconnectionError from error

    return engine


def _sqlite(url: URL, root: Path, readonly: bool) -> Engine | None:
    file = root / (url.database or "state/bot.db")
    if readonly and not file.exists():
        return None
    if not readonly:
        _make_folder(file)
    address = f"file:{quote(file.resolve().as_posix())}?mode={'ro' if readonly else 'rwc'}"
    if readonly and not os.access(file.parent, os.W_OK) and not Path(f"{file}-wal").exists():
        address += "&immutable=1"  # nothing can write there, so nothing changes under the reading

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            address, uri=True, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None
        )

    engine = create_engine(
        URL.create("sqlite", database=str(file)),
        creator=connect,
        poolclass=QueuePool,
        pool_size=16,
        pool_use_lifo=True,
    )
    _set_up_sqlite(engine, readonly)
    return engine


def _make_folder(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(
            msg(
                "the folder {folder} of the ledger cannot be made: {why}",
                folder=file.parent.name,
                why=error.strerror,
            ),
            hint=msg("nothing was sent; let bot write there, or name another place in state.url"),
        ) from error


def _set_up_sqlite(engine: Engine, readonly: bool) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        # Each of a dozen keeps pages of what it has read; the system keeps them all, too.
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        if not readonly:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        reading = readonly or connection.get_execution_options().get("bot_reads")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
