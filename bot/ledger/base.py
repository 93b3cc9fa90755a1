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
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from bot.ledger import engine as opening
from bot.ledger import rows
from bot.ledger.owners import Owners
from bot.ledger.tables import deliveries, targets
from bot.model import Clock, Delivery

BATCH = 500


class Store:
    """Every statement names the site. Threads may share it. Raises StoreUnavailable."""

    def __init__(
        self, engine: Engine, site: str, clock: Clock, owners: Owners, *, own_clock: bool
    ) -> None:
        self._engine, self.site, self._clock, self.owners = engine, site, clock, owners
        self._own_clock = own_clock
        self._here = threading.local()
        self._is_sqlite = engine.dialect.name == "sqlite"

    def close(self) -> None:
        self.owners.release()
        self._engine.dispose()

    def now(self) -> int:
        """UTC microseconds of the one clock that due times and leases are compared with: the
        database server's on PostgreSQL, the injected one on SQLite."""
        if self._own_clock:
            return round(self._clock.now().timestamp() * 1_000_000)
        with self._reading() as c:
            return int(
                c.execute(
                    text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
                ).scalar_one()
            )

    @contextmanager
    def together(self) -> Iterator[None]:
        """All that is written within is one transaction, and no two of a site run at once."""
        with self._writing() as c:
            if not self._is_sqlite:
                lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:site, 1))")
                c.execute(lock, {"site": self.site})
            self._here.connection = c
            try:
                yield
            finally:
                self._here.connection = None

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        within: Connection | None = getattr(self._here, "connection", None)
        if within is not None:
            yield within
            return
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise opening.unavailable(self._engine.url, error) from error

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self._engine.connect().execution_options(bot_reads=True) as connection:
                yield connection
        except SQLAlchemyError as error:
            raise opening.unavailable(self._engine.url, error) from error

    def _inserted(self, c: Connection, table: Table, row: Mapping[str, Any]) -> bool:
        """Insert a row unless its key is there. (psycopg counts no rows of such an insert.)"""
        statement = self._insert(table).values(row).on_conflict_do_nothing()
        return c.execute(statement.returning(*table.primary_key)).first() is not None

    def _insert(self, table: Any) -> Any:
        dialect = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        return dialect.insert(table)

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
