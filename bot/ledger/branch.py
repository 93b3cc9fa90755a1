"""A ledger between its branch and the SQLite file that a process works on: laid out, written down,
and brought over to a newer view of the branch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, Table, func, insert, select, update

from bot.errors import StoreUnavailable, UsageError
from bot.i18n import msg
from bot.ledger.base import one, target
from bot.ledger.store import Ledger
from bot.ledger.tables import deliveries, history, targets
from bot.ledger.transfer import export
from bot.model import State

_PASSING = ("plan_owner", "plan_checkout")
"""What is true of one process on one machine alone."""
_DAY = 86_400_000_000
_WAIT = ("wait_until", "wait_reason", "paused")
_BATCH = 500


def written(ledger: Ledger) -> bytes:
    """The whole ledger, a row a line: the same bytes for the same rows."""
    return b"".join(line.encode() + b"\n" for line in map(_lasting, export(ledger)))


def calls_in(lines: bytes, owner: str) -> dict[str, int]:
    """The deliveries that `owner` says here to be calling, with their fences."""
    found = {}
    for line in lines.splitlines():
        if b'"state":"sending"' in line:
            row = json.loads(line)
            if row.get("state") == State.SENDING.value and row.get("owner") == owner:
                found[str(row["id"])] = int(row["fence"])
    return found


def revision_of(lines: bytes) -> str | None:
    """The schema that these lines were written with, None where they do not say."""
    try:
        head = json.loads(lines.split(b"\n", 1)[0])
        return str(head["revision"])
    except (ValueError, TypeError, KeyError):
        return None


def lay_out_older(engine: Engine, revision: str, lines: bytes, site: str, name: str) -> None:
    """Rows of an older schema into an empty database of that schema; opening it brings it to this
    bot's. Raises StoreUnavailable where a newer bot wrote them, UsageError where they are broken."""
    from alembic.util import CommandError

    from bot.ledger.migrate import upgrade_to

    try:
        upgrade_to(engine, revision)
    except CommandError as error:
        raise StoreUnavailable(
            msg("the ledger was made by a newer bot (schema {found})", found=revision),
            code="ledger-newer",
            hint=msg("upgrade bot; nothing was changed"),
        ) from error
    known = MetaData()
    known.reflect(engine)
    try:
        with engine.begin() as connection:
            for table, rows in _older_rows(lines, known, site):
                connection.execute(insert(table), rows)
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            msg("{file} cannot be imported: {why}", file=name, why=msg("it is no JSON")),
            code="import-file",
            path=name,
        ) from error


def last_lease(ledger: Ledger, owner: str, lease: int) -> int | None:
    """When the last lease of `owner` ends, as far as its rows say; None where it has none. A call
    that was given up keeps its owner and loses its lease: it began one `lease` before."""
    d = deliveries.c
    mine = (d.site == ledger.site, (d.owner == owner) | (d.looker == owner))
    with ledger._reading() as c:
        pick = select(func.max(d.lease_until), func.max(d.sending_at) + lease).where(*mine)
        return max((end for end in c.execute(pick).one() if end is not None), default=None)


def carry(old: Ledger, new: Ledger, calls: Mapping[str, int]) -> list[str]:
    """What came of calls that were made, from the old view of the branch into the new one, where
    nobody has settled them meanwhile. Answers which."""
    carried = []
    with new.together(), new._writing() as c:
        for id, fence in calls.items():
            with old._reading() as before:
                if _carry_one(before, c, new.site, id, fence):
                    carried.append(id)
    return carried


def _carry_one(before: Connection, c: Connection, site: str, id: str, fence: int) -> bool:
    row = before.execute(select(deliveries).where(one(site, id))).one()._mapping
    if row["state"] == State.SENDING.value:
        return False  # nothing is known of it: whoever comes next settles it
    d = deliveries.c
    still = (one(site, id), d.state == State.SENDING.value, d.fence == fence)
    if c.execute(update(deliveries).where(*still).values(**row)).rowcount != 1:
        return False
    _end_thread(before, c, site, id)
    _carry_history(before, c, site, id)
    account = target(site, row["account"])
    wait = select(targets).where(targets.c.site == site, targets.c.name == row["account"])
    found = before.execute(wait).one_or_none()
    if found is not None:
        c.execute(account.values({name: found._mapping[name] for name in _WAIT}))
    return True


def _end_thread(before: Connection, c: Connection, site: str, id: str) -> None:
    """Later parts that ended with it."""
    h = history.c
    ended = select(h.delivery).where(h.site == site, h.event == "thread", h.detail == id)
    for other in before.execute(ended).scalars():
        row = before.execute(select(deliveries).where(one(site, other))).one()._mapping
        waiting = deliveries.c.state.in_([State.PLANNED, State.HELD, State.RETRY])
        there = update(deliveries).where(one(site, other), waiting)
        if c.execute(there.values(state=row["state"], reason=row["reason"])).rowcount:
            _carry_history(before, c, site, other)


def _carry_history(before: Connection, c: Connection, site: str, id: str) -> None:
    mine = select(history).where(history.c.site == site, history.c.delivery == id)
    known = len(c.execute(mine).all())
    steps = [dict(row._mapping) for row in before.execute(mine.order_by(history.c.n))]
    for step in steps[known:]:
        c.execute(insert(history).values({k: v for k, v in step.items() if k != "n"}))


def _lasting(line: str) -> str:
    """When it was last looked at is written to the day: else every turn would make a commit."""
    if not line.startswith('{"table":"sites"'):
        return line
    row = json.loads(line) | dict.fromkeys(_PASSING)
    if row["plan_until"] is not None:
        row["plan_until"] -= row["plan_until"] % _DAY
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def _older_rows(
    lines: bytes, known: MetaData, site: str
) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    rows: Iterable[dict[str, Any]] = map(json.loads, lines.splitlines()[1:])
    table: Table | None = None
    batch: list[dict[str, Any]] = []
    for row in rows:
        here = known.tables[row.pop("table")]
        if table is not None and (here is not table or len(batch) == _BATCH):
            yield table, batch
            batch = []
        table = here
        batch.append(row | ({"site": site} if "site" in here.c else {}))
    if table is not None:
        yield table, batch
