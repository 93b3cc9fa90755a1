"""What `bot status` reads: answers by the indices alone, as quick among a million rows as among ten."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Select, case, func, select

from bot.ledger import rows
from bot.ledger.store import Ledger
from bot.ledger.tables import deliveries, history, sites
from bot.model import ANSWERED, OPEN_STATES, Delivery, State

COUNTED = (State.SENT, State.FAILED, State.UNKNOWN, State.HELD, State.SKIPPED)
_BRIEF = (*rows.LIGHT, "seq", "attempts", "needs_person", "remote_id", "cost", "planned_at")


def open_rows(ledger: Ledger) -> list[Delivery]:
    """What is not there yet and not given up, without its texts (a `draft` is empty where there is
    one), in the order it is due."""
    d = deliveries.c
    pick = _brief().where(
        d.site == ledger.site,
        d.state.in_([s.value for s in OPEN_STATES]),
        (d.state != State.FAILED.value) | d.reason.is_distinct_from(ANSWERED),
    )
    with ledger._reading() as c:
        return list(_read(c, pick.order_by(d.due, d.seq, d.id)))


def last_sent(ledger: Ledger, account: str) -> Delivery | None:
    """The newest share that this account has."""
    d = deliveries.c
    pick = (
        _brief()
        .where(d.site == ledger.site, d.account == account, d.spent_at.is_not(None))
        .where(d.state == State.SENT.value, d.kind == "share")
        .order_by(d.spent_at.desc())
        .limit(1)
    )
    with ledger._reading() as c:
        return next(iter(_read(c, pick)), None)


def spent(ledger: Ledger, account: str, since: int) -> tuple[int, int]:
    """How much this account has spent since then: shares (a thread is one, an edit none), and
    millionths of a US dollar for all that went."""
    d = deliveries.c
    share = case(((d.kind == "share") & (d.part == 0), 1))
    pick = select(func.count(share), func.coalesce(func.sum(d.cost), 0)).where(
        d.site == ledger.site, d.account == account, d.spent_at >= since
    )
    with ledger._reading() as c:
        count, cost = c.execute(pick).one()
        return int(count), int(cost)


def moved(ledger: Ledger, since: int) -> Mapping[str, int]:
    """How many deliveries became sent, failed, unknown, held and skipped since then; what an
    account's start took as seen is not among them."""
    h = history.c
    # Not by the index that begins with the site: SQLite, which keeps no statistics, would take it.
    mine = h.site.concat("") == ledger.site
    with ledger._reading() as c:
        pick = (
            select(h.after, func.count())
            .where(h.n >= _first_since(c, since), h.at >= since, mine)
            .where(h.after.in_([s.value for s in COUNTED]), h.event != "baseline")
            .where(h.before.is_distinct_from(h.after))
            .group_by(h.after)
        )
        found = {str(row.after): int(row[1]) for row in c.execute(pick)}
    return {state.value: found.get(state.value, 0) for state in COUNTED}


def due_before(ledger: Ledger, account: str, before: int) -> list[Delivery]:
    """Deliveries of this account that were due before then and are still to be brought on, the
    oldest first. What waits for an earlier part of its thread is not among them."""
    d = deliveries.c
    mine = (d.site == ledger.site, d.account == account, d.due < before, d.part == 0)
    waiting = _brief().where(*mine, d.state.in_([State.PLANNED.value, State.RETRY.value]))
    unsettled = _brief().where(*mine, d.state == State.UNKNOWN.value, d.needs_person.is_(False))
    with ledger._reading() as c:
        found = [row for pick in (waiting, unsettled) for row in _read(c, pick)]
    return sorted(found, key=lambda row: row.due)


def planned_until(ledger: Ledger) -> int | None:
    """Until when the last planning leased the right to plan: so long after it was done."""
    with ledger._reading() as c:
        pick = select(sites.c.plan_until).where(sites.c.id == ledger.site)
        return c.execute(pick).scalar_one_or_none()


def _brief() -> Select[Any]:
    columns = [deliveries.c[name] for name in _BRIEF]
    return select(*columns, deliveries.c.draft.is_not(None).label("drafted"))


def _read(c: Connection, pick: Select[Any]) -> Iterable[Delivery]:
    for row in c.execute(pick):
        values = dict(row._mapping)
        values["draft"] = {} if values.pop("drafted") else None
        yield Delivery(**{**values, "state": State(values["state"])})


def _first_since(c: Connection, since: int) -> int:
    """The number of the first step since then, found by halves: numbers grow with time, and need
    no index beside their own."""
    h = history.c
    # One at a time: SQLite finds either by the index, and both only by reading all.
    low, high = (c.execute(select(end(h.n))).scalar() or 0 for end in (func.min, func.max))
    while low < high:
        middle = (low + high) // 2
        n, at = c.execute(select(h.n, h.at).where(h.n >= middle).order_by(h.n).limit(1)).one()
        low, high = (n + 1, high) if at < since else (low, middle)
    return low
