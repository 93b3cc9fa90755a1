"""What `bot state` does with the ledger as a whole: its schema, copies of it, moves between stores."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.app.branch import changing
from bot.app.store import store_url
from bot.app.wiring import App
from bot.errors import UsageError
from bot.i18n import msg

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from bot.ledger.store import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrated:
    """The schema before (None: there was none) and now. `copy`: what was made before."""

    before: str | None
    after: str
    copy: Path | None
    postgresql: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """A copy of the ledger. `rows` where it is an export: how many of each table."""

    file: Path
    rows: Mapping[str, int] | None = None


def migrate(app: App) -> Migrated:
    """Bring the schema to this bot's, after a copy. Raises UsageError where there is no ledger."""
    from bot.ledger import engine as opening

    with _engine(app):
        """Only to see that there is one: nothing is made where nothing is."""
    engine = opening.open_engine(store_url(app), app.root, readonly=False)
    assert engine is not None
    try:
        before = opening.revision(engine)
        copy = opening.migrate(engine, app.now())
        postgresql = engine.dialect.name == "postgresql"
        return Migrated(before=before, after=opening.HEAD, copy=copy, postgresql=postgresql)
    finally:
        engine.dispose()


def back_up(app: App, file: str | None) -> Copied:
    """A copy that was checked: a database on SQLite; this site's rows as an export on PostgreSQL."""
    from bot.ledger import copies
    from bot.ledger import engine as opening

    with _engine(app) as engine:
        sqlite = engine.dialect.name == "sqlite"
        revision = opening.revision(engine) or "0000"
        folder = (
            Path(str(engine.url.database)).parent / copies.FOLDER
            if sqlite
            else app.root / "state" / copies.FOLDER
        )
        suffix = "db" if sqlite else "jsonl"
        target = (
            Path(os.path.abspath(file))
            if file
            else copies.free_name(folder, revision, app.now(), suffix)
        )
        if sqlite:
            copies.back_up(engine, target)
            return Copied(file=target)
    return export_to(app, target)


def check(app: App) -> Mapping[str, int]:
    """Read the whole ledger. Raises StoreUnavailable where it is damaged. Answers how many rows."""
    from bot.ledger import copies
    from bot.ledger.transfer import export

    with _engine(app) as engine:
        copies.check(engine)
    with _ledger(app) as ledger:
        lines = export(ledger)
        rows = _rows(next(lines))
        for _ in lines:
            pass  # that every row can be read is what was asked
        return rows


def export_to(app: App, file: Path) -> Copied:
    """This site's rows into a new file."""
    from bot.ledger import copies
    from bot.ledger.transfer import export

    with (
        _ledger(app) as ledger,
        copies.new_file(file) as unfinished,
        unfinished.open("w", encoding="utf-8", newline="\n") as out,
    ):
        lines = export(ledger)
        head = next(lines)
        out.write(head + "\n")
        out.writelines(line + "\n" for line in lines)
    return Copied(file=file, rows=_rows(head))


def export_lines(app: App) -> Iterator[str]:
    """This site's rows, a line each."""
    from bot.ledger.transfer import export

    with _ledger(app) as ledger:
        yield from export(ledger)


@changing
def import_from(app: App, file: str) -> Mapping[str, int]:
    """An export into this site's empty ledger, which is made where it is missing."""
    from bot.ledger.transfer import import_, note_import

    try:
        with open(file, "rb") as lines, app.ledger.together():
            rows = import_(app.ledger, lines, file)
            note_import(app.ledger)
            return rows
    except OSError as error:
        detail = error.strerror or type(error).__name__
        raise UsageError(
            msg("{file} cannot be read: {detail}", file=file, detail=detail), code="file"
        ) from error


@contextmanager
def _engine(app: App) -> Iterator[Engine]:
    """The store to read only. Raises UsageError where there is none."""
    from bot.ledger import engine as opening

    engine = opening.open_engine(store_url(app), app.root, readonly=True)
    if engine is None:
        raise _no_ledger()
    try:
        if opening.revision(engine) is None:
            raise _no_ledger() if engine.dialect.name != "sqlite" else _empty(engine)
        yield engine
    finally:
        engine.dispose()


@contextmanager
def _ledger(app: App) -> Iterator[Ledger]:
    """The ledger to read only. Raises UsageError where there is none, StoreUnavailable where its
    schema is another."""
    from bot.ledger import engine as opening

    with _engine(app) as engine:
        opening.readable(engine)
    ledger = app.peek()
    if ledger is None:
        raise _no_ledger()
    try:
        yield ledger
    finally:
        ledger.close()


def _empty(engine: Engine) -> UsageError:
    return UsageError(
        msg("the file {file} is empty: there is no ledger in it", file=str(engine.url.database)),
        code="no-ledger",
        hint=msg("put a backup in its place; where there was none, say bot post --first-run"),
    )


def _no_ledger() -> UsageError:
    return UsageError(
        msg("there is no ledger yet"),
        code="no-ledger",
        hint=msg(
            "bot run --first-run or bot post --first-run makes one; bot state import fills one"
        ),
    )


def _rows(head: str) -> dict[str, int]:
    rows: dict[str, int] = json.loads(head)["rows"]
    return rows
