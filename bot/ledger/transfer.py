"""A site's rows as JSON Lines, and back into an empty ledger of any store.

The first line names the schema, the site and how many rows follow; then one row a line, always in
the same order. Rows carry no site (the first line does) and history no number (its order is kept).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, islice
from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, Connection, Table, func, insert, select
from sqlalchemy.exc import IntegrityError

from bot.errors import UsageError
from bot.i18n import Message, msg
from bot.ledger import engine as opening
from bot.ledger import rows
from bot.ledger.store import Ledger
from bot.ledger.tables import IMPORTED, articles, deliveries, history, sites, targets
from bot.model import Replay, State

TABLES: tuple[Table, ...] = (sites, articles, targets, deliveries, history)
ORDER = {"sites": "id", "articles": "id", "targets": "name", "deliveries": "id", "history": "n"}
_TABLES = {table.name: table for table in TABLES}
_BATCH = 500
_STREAMED = {"yield_per": _BATCH}


def export(ledger: Ledger) -> Iterator[str]:
    """All rows of the site as they are at one moment, a line each, without line breaks."""
    with ledger._reading() as c:
        if c.dialect.name == "postgresql":
            c.execution_options(isolation_level="REPEATABLE READ")
        counts = {table.name: _count(c, table, ledger.site) for table in TABLES}
        yield _line({"revision": opening.HEAD, "site": ledger.site, "rows": counts})
        for table in TABLES:
            columns = _columns(table)
            pick = select(*columns).where(*_own(table, ledger.site))
            found = c.execute(pick.order_by(_order(c, table)), execution_options=_STREAMED)
            for row in found:
                yield _line({"table": table.name, **row._mapping})


def import_(ledger: Ledger, lines: Iterable[bytes], name: str) -> dict[str, int]:
    """Write an export into this ledger, all of it or nothing. `name` is the file's, for errors.
    Answers how many rows of each table. Raises UsageError where the ledger has rows of this site,
    or the file is of another site or schema, or is not whole."""
    counts = dict.fromkeys(_TABLES, 0)
    with ledger.together(), ledger._writing() as c:
        _refuse_rows(c, ledger.site)
        numbered = enumerate(lines, 1)
        expected = _head(next(numbered, (1, b""))[1], ledger.site, name)
        try:
            for table, batch in _batches(numbered, ledger.site, name):
                c.execute(insert(table), batch)
                counts[table.name] += len(batch)
        except IntegrityError as error:
            raise _bad(name, None, msg("the same row is there twice")) from error
        if counts != expected:
            raise _bad(name, None, msg("it is not whole: rows are missing at its end"))
    return counts


def note_import(ledger: Ledger) -> None:
    """What was imported may be an old copy: the next plan asks (see `lookups.is_imported`)."""
    with ledger._writing() as c:
        note = ledger._log("", ledger.now(), None, IMPORTED, 0, IMPORTED, None)
        c.execute(insert(history), note)


def _count(c: Connection, table: Table, site: str) -> int:
    return c.execute(select(func.count()).select_from(table).where(*_own(table, site))).scalar_one()


def _own(table: Table, site: str) -> tuple[ColumnElement[bool], ...]:
    """The rows of a site, without the note that they came from elsewhere."""
    own = _site(table) == site
    return (own, history.c.event != IMPORTED) if table is history else (own,)


def _site(table: Table) -> Column[Any]:
    return table.c.id if table is sites else table.c.site


def _columns(table: Table) -> list[Column[Any]]:
    return [
        c for c in table.columns if c.name != "site" and not (table is history and c.name == "n")
    ]


def _order(c: Connection, table: Table) -> ColumnElement[Any]:
    """By the bytes of the key, whatever the database's own idea of an alphabet."""
    column = table.c[ORDER[table.name]]
    if table is history or c.dialect.name == "sqlite":
        return column
    return column.collate("C")


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _refuse_rows(c: Connection, site: str) -> None:
    for table in TABLES:
        if c.execute(select(_site(table)).where(_site(table) == site).limit(1)).first():
            raise UsageError(
                msg("the ledger holds rows of this site already"),
                code="not-empty",
                hint=msg("import into a new, empty ledger (state.url); nothing was changed"),
            )


def _head(line: bytes, site: str, name: str) -> dict[str, int]:
    """The first line's counts. Raises UsageError where the file is not for this ledger."""
    head = _object(line, name, 1)
    counts = head.get("rows")
    if not isinstance(counts, dict) or set(counts) != set(_TABLES) or "site" not in head:
        raise _bad(name, 1, msg("it does not begin like an export of bot"))
    if head.get("revision") != opening.HEAD:
        raise UsageError(
            msg(
                "{file} was made with schema {found}, and this bot has {head}",
                file=name,
                found=str(head.get("revision")),
                head=opening.HEAD,
            ),
            code="other-revision",
            path=name,
            hint=msg("import it with the bot that made it, then let this one migrate that ledger"),
        )
    if head["site"] != site:
        raise UsageError(
            msg(
                "{file} is of the site {found}, not {site}",
                file=name,
                found=head["site"],
                site=site,
            ),
            code="other-site",
            path=name,
            hint=msg('if it is the same site, add to [site]: id = "{id}"', id=head["site"]),
        )
    return counts


def _batches(
    numbered: Iterable[tuple[int, bytes]], site: str, name: str
) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    """Rows that stand together and are of one table, some at a time."""
    read = (_row(line, site, name, number) for number, line in numbered)
    for _, together in groupby(read, key=lambda pair: pair[0].name):
        while some := list(islice(together, _BATCH)):
            yield some[0][0], [row for _, row in some]


def _row(line: bytes, site: str, name: str, number: int) -> tuple[Table, dict[str, Any]]:
    """One line as the row that it is. Raises UsageError with its place."""
    values = _object(line, name, number)
    table = _TABLES.get(str(values.pop("table", None)))
    if table is None:
        raise _bad(name, number, msg("it names no table of the ledger"))
    columns = _columns(table)
    if set(values) != {column.name for column in columns}:
        raise _bad(name, number, msg("its columns are not those of {table}", table=table.name))
    for column in columns:
        if not _fits(column, values[column.name]):
            raise _bad(
                name,
                number,
                msg(
                    "{column} cannot be {value}",
                    column=column.name,
                    value=str(values[column.name])[:60],
                ),
            )
    if table is sites:
        if values["id"] != site:
            raise _bad(name, number, msg("it is of another site"))
    else:
        values["site"] = site
    return table, {k: rows.clean(v) if isinstance(v, str) else v for k, v in values.items()}


def _object(line: bytes, name: str, number: int) -> dict[str, Any]:
    try:
        value = json.loads(line.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise _bad(name, number, msg("it is no JSON")) from error
    if not isinstance(value, dict):
        raise _bad(name, number, msg("it is no JSON object"))
    return value


def _no_number(text: str) -> float:
    raise ValueError(text)


def _fits(column: Column[Any], value: Any) -> bool:
    """Whether a column takes the value, and bot can read it again."""
    if value is None:
        return bool(column.nullable)
    expected = column.type.python_type
    if expected is float and type(value) is int:
        return abs(value) < 2**53
    if type(value) is not expected:
        return False
    if expected is int:
        most = 2 ** (63 if isinstance(column.type, BigInteger) else 31)
        return bool(-most <= value < most)
    return not isinstance(value, str) or _reads(column, value)


def _reads(column: Column[Any], value: str) -> bool:
    if column.table is deliveries and column.name == "state":
        return value in set(State)
    if column.table is deliveries and column.name == "replay":
        return value in set(Replay)
    expected = _JSON.get(column.name) if column.table in (deliveries, targets) else None
    if expected is None:
        return True
    try:
        return isinstance(json.loads(value), expected)
    except (ValueError, RecursionError):
        return False


_JSON: Mapping[str, type[Any]] = {
    "draft": dict,
    "payload": dict,
    "remote_extra": dict,
    "notes": list,
    "error": dict,
    "paused": dict,
    "learnt": dict,
}


def _bad(name: str, number: int | None, why: Message) -> UsageError:
    return UsageError(
        msg("{file} cannot be imported: {why}", file=name, why=why),
        code="import-file",
        path=name,
        line=number,
        hint=msg("nothing was written"),
    )
