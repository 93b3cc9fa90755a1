"""Whether anybody has written to the ledger since: one cheap question, for whoever would look again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from bot.ledger import engine as opening
from bot.ledger.store import Ledger

Stamp = tuple[Any, ...]
_OPEN = text(
    "SELECT EXISTS (SELECT 1 FROM deliveries WHERE site = :site AND state IN"
    " ('planned', 'held', 'claimed', 'sending', 'retry', 'unknown'))"
)
# Every move leaves a row of history; articles and targets are few, and a row that is written anew
# has another xmin (https://www.postgresql.org/docs/current/ddl-system-columns.html).
_WRITTEN = text(
    "SELECT (SELECT max(n) FROM history),"
    " (SELECT (count(*), sum(xmin::text::bigint))::text FROM articles WHERE site = :site),"
    " (SELECT (count(*), sum(xmin::text::bigint))::text FROM targets WHERE site = :site)"
)


class Mark:
    """For one thread. On SQLite it keeps a connection of its own: what the others commit changes
    that one's `data_version` (https://www.sqlite.org/pragma.html#pragma_data_version)."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._own: Any = None

    def now(self) -> Stamp:
        """Another value than before where something was written meanwhile. Raises StoreUnavailable."""
        try:
            if self._ledger._is_sqlite:
                return (self._version(),)
            with self._ledger._reading() as c:
                return tuple(c.execute(_WRITTEN, {"site": self._ledger.site}).one())
        except SQLAlchemyError as error:
            raise opening.unavailable(self._ledger._engine.url, error) from error

    def is_settled(self) -> bool:
        """Whether nothing waits, is under way or in doubt."""
        with self._ledger._reading() as c:
            return not c.execute(_OPEN, {"site": self._ledger.site}).scalar()

    def close(self) -> None:
        if self._own is not None:
            self._own.close()
            self._own = None

    def _version(self) -> int:
        if self._own is None:
            # Bare: no transaction is begun on it, so it keeps nobody waiting.
            self._own = self._ledger._engine.raw_connection()
        cursor = self._own.cursor()
        try:
            return int(cursor.execute("PRAGMA data_version").fetchone()[0])
        finally:
            cursor.close()
