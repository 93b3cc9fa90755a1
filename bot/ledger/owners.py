"""Who is alive: each process holds a lock that the operating system or the database ends with it.

On SQLite a locked file beside the database, on PostgreSQL a session's advisory lock.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError


class Owners(Protocol):
    """`hold` a name for as long as this process lives; `alive` asks after another's."""

    def hold(self, name: str) -> None: ...
    def alive(self, name: str) -> bool: ...
    def release(self) -> None: ...


class FileOwners:
    """Locked files in a folder beside the database."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._held = folder, contextlib.ExitStack()

    def hold(self, name: str) -> None:
        from filelock import FileLock

        self._folder.mkdir(parents=True, exist_ok=True)
        self._held.enter_context(FileLock(self._file(name), timeout=0))
        self._held.callback(self._file(name).unlink, missing_ok=True)

    def alive(self, name: str) -> bool:
        from filelock import FileLock, Timeout

        if not self._file(name).exists():
            return False
        try:
            with FileLock(self._file(name), timeout=0):
                self._file(name).unlink(missing_ok=True)
        except Timeout:
            return True
        return False

    def release(self) -> None:
        self._held.close()

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.lock"


class SessionOwners:
    """An advisory lock of a PostgreSQL session that serves nothing else: lost with the session."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._session: Connection | None = None

    def hold(self, name: str) -> None:
        self._session = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._session.detach()
        self._session.execute(text("SELECT pg_advisory_lock(hashtextextended(:n, 0))"), {"n": name})

    def alive(self, name: str) -> bool:
        with self._engine.connect() as connection:
            free = connection.execute(
                text("SELECT pg_try_advisory_xact_lock(hashtextextended(:n, 0))"), {"n": name}
            ).scalar_one()
        return not free

    def release(self) -> None:
        if self._session is not None:
            with contextlib.suppress(SQLAlchemyError):
                # Closing alone gives it back when the server has noticed, some time later.
                self._session.execute(text("SELECT pg_advisory_unlock_all()"))
                self._session.close()
