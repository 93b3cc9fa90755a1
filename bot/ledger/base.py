"""The store of one site: its connection, its clock, and how it is written."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Table,
    and_,
    text,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from bot.ledger import engine as opening
from bot.ledger import rows
from bot.ledger.owners import Owners
from bot.ledger.tables import deliveries, targets
from bot.model import Clock, Delivery

BATCH = 500
ASK_CLOCK = 5.0
"""Seconds for which the server's clock is counted on before it is asked again."""
_SERVER_NOW = text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")


class Store:
    """Every statement names the site. Threads may share it. Raises StoreUnavailable."""

    def __init__(
        self, engine: Engine, site: str, clock: Clock, owners: Owners, *, own_clock: bool
    ) -> None:
        self._engine, self.site, self._clock, self.owners = engine, site, clock, owners
        self._own_clock = own_clock
        self._here = threading.local()
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._asked: tuple[float, int] = (float("-inf"), 0)
        # One question is its own transaction: on PostgreSQL that saves two ways to the server.
        alone: dict[str, Any] = {} if self._is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._read_options = {"bot_reads": True, **alone}

    def close(self) -> None:
        self.owners.release()
        self._engine.dispose()

    def now(self) -> int:
        """UTC microseconds of the one clock that due times and leases are compared with: the
        database server's on PostgreSQL (asked every few seconds, and counted on by a clock that
        also runs while the machine sleeps), the injected one on SQLite."""
        if self._own_clock:
            return round(self._clock.now().timestamp() * 1_000_000)
        steady = self._clock.steady()
        asked, server = self._asked
        if not 0 <= steady - asked < ASK_CLOCK:
            server = self._server_now()
            self._asked = asked, server = steady, server
        return server + round((steady - asked) * 1_000_000)

    def _server_now(self) -> int:
        with self._reading() as c:
            return int(c.execute(_SERVER_NOW).scalar_one())

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is read and written within is one transaction."""
        with self._writing():
            yield

    @contextmanager
    def together(self) -> Iterator[None]:
        """All that is written within is one transaction, and no two of a site run at once."""
        with self._writing() as c:
            if not self._is_sqlite:
                lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:site, 1))")
                c.execute(lock, {"site": self.site})
            yield

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        within: Connection | None = getattr(self._here, "connection", None)
        if within is not None:
            yield within
            return
        try:
            with self._engine.begin() as connection:
                self._here.connection = connection
                try:
                    yield connection
                finally:
                    self._here.connection = None
        except SQLAlchemyError as error:
            raise opening.unavailable(self._engine.url, error) from error

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        within: Connection | None = getattr(self._here, "connection", None)
        if within is not None:
            yield within
            return
        try:
            with self._engine.connect().execution_options(**self._read_options) as connection:
                yield connection
        except SQLAlchemyError as error:
            raise opening.unavailable(self._engine.url, error) from error

    def _inserted(self, c: Connection, table: Table, row: Mapping[str, Any]) -> bool:
        """Insert a row unless its key is there. (psycopg counts no rows of such an insert.)"""
        statement = self._insert(table).values(row).on_conflict_do_nothing()
        return c.execute(statement.returning(*table.primary_key)).first() is not None

    def _insert(self, table: Any) -> Any:
        if self._is_sqlite:
            from sqlalchemy.dialects import sqlite

            return sqlite.insert(table)
        from sqlalchemy.dialects import postgresql  # two MiB, where nobody has one

        return postgresql.insert(table)

    def _log(
        self,
        id: str,
        now: int,
        before: str | None,
        after: str,
        fence: int,
        event: str,
        detail: str | None,
    ) -> dict[str, Any]:
        kept = None if detail is None else rows.clean(detail)
        return {
            "site": self.site,
            "delivery": id,
            "at": now,
            "before": before,
            "after": after,
            "fence": fence,
            "event": event,
            "detail": kept,
        }


def thread(of: Delivery, site: str) -> ColumnElement[bool]:
    """All parts of the same share (or edit, or removal) on the same account."""
    d = deliveries.c
    return and_(
        d.site == site,
        d.subject == of.subject,
        d.account == of.account,
        d.kind == of.kind,
        d.generation == of.generation,
    )


def one(site: str, id: str) -> ColumnElement[bool]:
    return and_(deliveries.c.site == site, deliveries.c.id == id)


def target(site: str, name: str) -> Any:
    return update(targets).where(targets.c.site == site, targets.c.name == name)


def chunks(values: Sequence[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    for start in range(0, len(values), BATCH):
        yield values[start : start + BATCH]
