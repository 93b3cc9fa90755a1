"""What is read of deliveries. Nothing here writes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, exists, func, literal, or_, select

from bot.ledger import rows
from bot.ledger.base import BATCH, Store, one, thread
from bot.ledger.tables import deliveries, history, targets
from bot.model import ANSWERED, OPEN_STATES, WAITING, Delivery, State

CLAIMABLE = (State.PLANNED.value, State.RETRY.value)


def in_states(column: Any, *states: State) -> ColumnElement[bool]:
    """The states by name in the statement itself: an index that holds only rows in such a state
    serves a prepared statement only so
    (https://www.postgresql.org/docs/current/indexes-partial.html)."""
    names = [literal(state.value, literal_execute=True) for state in states]
    found: ColumnElement[bool] = column == names[0] if len(names) == 1 else column.in_(names)
    return found


_D = deliveries.c
_MINE = (_D.site == bindparam("site"), _D.account == bindparam("account"))
DOUBTFUL = and_(
    *_MINE,
    in_states(_D.state, State.UNKNOWN),
    _D.needs_person.is_(False),
    _D.due <= bindparam("now"),
    or_(_D.lease_until.is_(None), _D.lease_until <= bindparam("now")),
)
_AGENDA = select(
    select(targets.c.wait_until)
    .where(targets.c.site == bindparam("site"), targets.c.name == bindparam("account"))
    .scalar_subquery(),
    exists().where(DOUBTFUL),
)
_SHARES = (*_MINE, _D.spent_at.is_not(None), _D.kind == "share", _D.part == 0)
_SPENT = (
    select(*(getattr(_D, name) for name in rows.LIGHT))
    .where(*_SHARES, _D.spent_at >= bindparam("since"))
    .order_by(_D.spent_at.desc())
)
_LAST_SPENT = (
    select(*(getattr(_D, name) for name in rows.LIGHT))
    .where(*_SHARES)
    .order_by(_D.spent_at.desc())
    .limit(1)
)


class Reads(Store):
    def deliveries(self, states: Collection[State] | None = None) -> list[Delivery]:
        """Every delivery of the site, or those in these states, in the order they are due."""
        where = [deliveries.c.site == self.site]
        if states is not None:
            where.append(deliveries.c.state.in_([s.value for s in states]))
        with self._reading() as c:
            found = c.execute(
                select(deliveries)
                .where(*where)
                .order_by(deliveries.c.due, deliveries.c.seq, deliveries.c.id)
            )
            return [rows.to_delivery(row) for row in found]

    def survey(self, subjects: Collection[str], whole: Collection[str] = ()) -> list[Delivery]:
        """What a plan depends on: whole rows of all that waits and of the subjects in `whole`, and of
        the other `subjects` the rest without their texts. As quick in a ledger of a million rows as in one of ten."""
        waiting = [row for row in self.deliveries(WAITING) if row.kind != "ping"]
        found = list(waiting)
        names = sorted(set(subjects) - set(whole))
        d = deliveries.c
        columns = [getattr(d, name) for name in rows.LIGHT]
        shared: dict[str, str] = {}
        with self._reading() as c:
            for start in range(0, len(names), BATCH):
                some = names[start : start + BATCH]
                where = (d.site == self.site, d.subject.in_(some))
                done = select(*columns).where(*where, d.state.not_in([s.value for s in WAITING]))
                found += [rows.to_light(row, shared) for row in c.execute(done)]
            for subject in whole:
                mine = and_(d.site == self.site, d.subject == subject)
                ended = select(deliveries).where(mine, d.state.not_in([s.value for s in WAITING]))
                found += [rows.to_delivery(row) for row in c.execute(ended)]
        return found

    def held(self, reason: str) -> list[Delivery]:
        """What is held for this reason, in the order it is due."""
        d = deliveries.c
        with self._reading() as c:
            found = c.execute(
                select(deliveries)
                .where(d.site == self.site, d.state == State.HELD.value, d.reason == reason)
                .order_by(d.due, d.seq, d.id)
            )
            return [rows.to_delivery(row) for row in found]

    def open(self) -> list[Delivery]:
        """What is not there yet and not given up, and failures that nobody answered."""
        rows = self.deliveries(OPEN_STATES)
        return [d for d in rows if (d.state, d.reason) != (State.FAILED, ANSWERED)]

    def first_shares(self, account: str, now: int) -> list[Delivery]:
        """The first parts of first shares that this target is to get and are due."""
        d = deliveries.c
        with self._reading() as c:
            found = c.execute(
                select(deliveries).where(
                    d.site == self.site,
                    d.account == account,
                    d.state.in_(CLAIMABLE),
                    d.kind == "share",
                    d.generation == 0,
                    d.part == 0,
                    d.due <= now,
                )
            )
            return [rows.to_delivery(row) for row in found]

    def get(self, id: str) -> Delivery | None:
        with self._reading() as c:
            row = c.execute(select(deliveries).where(one(self.site, id))).one_or_none()
            return None if row is None else rows.to_delivery(row)

    def parts(self, delivery: Delivery) -> list[Delivery]:
        """All parts of the same thread, in order."""
        with self._reading() as c:
            found = c.execute(
                select(deliveries).where(thread(delivery, self.site)).order_by(deliveries.c.part)
            )
            return [rows.to_delivery(row) for row in found]

    def newest(self, delivery: Delivery) -> Delivery | None:
        """The newest share or edit of the same part that is out there: its receipt is the current
        one."""
        d = deliveries.c
        with self._reading() as c:
            row = c.execute(
                select(deliveries)
                .where(
                    d.site == self.site,
                    d.subject == delivery.subject,
                    d.account == delivery.account,
                    d.part == delivery.part,
                    d.kind.in_(["share", "edit"]),
                    d.state == State.SENT.value,
                )
                .order_by(d.sent_at.desc(), d.kind, d.generation.desc())
                .limit(1)
            ).one_or_none()
            return None if row is None else rows.to_delivery(row)

    def receipts(self, delivery: Delivery, since: int) -> set[str]:
        """Remote ids on this account that belong to other deliveries sent after `since`."""
        d = deliveries.c
        with self._reading() as c:
            found = c.execute(
                select(d.remote_id).where(
                    d.site == self.site,
                    d.account == delivery.account,
                    d.id != delivery.id,
                    d.remote_id.is_not(None),
                    d.sent_at >= since,
                )
            )
            return set(found.scalars())

    def agenda(self, account: str, now: int) -> tuple[int | None, bool]:
        """Until when this target waits (None: it does not), and whether a lost answer of it is to
        be looked for now. The question of every step, in one way to the store."""
        values = {"site": self.site, "account": account, "now": now}
        with self._reading() as c:
            wait_until, doubtful = c.execute(_AGENDA, values).one()
        return wait_until, bool(doubtful)

    def spent(self, account: str, since: int) -> list[Delivery]:
        """What this target's slots and caps count, the newest first: shares (their first parts)
        that were sent or may have been since then, and the newest one at all."""
        values = {"site": self.site, "account": account, "since": since}
        with self._reading() as c:
            found = c.execute(_SPENT, values).all() or c.execute(_LAST_SPENT, values).all()
            return [rows.to_light(row) for row in found]

    def money(self, accounts: Collection[str], since: int) -> int:
        """What these targets have spent since then, in millionths of a US dollar; what is in doubt
        counts as spent."""
        d = deliveries.c
        with self._reading() as c:
            total = c.execute(
                select(func.sum(d.cost)).where(
                    d.site == self.site, d.account.in_(sorted(accounts)), d.spent_at >= since
                )
            ).scalar()
            return int(total or 0)

    def next_due(
        self, account: str, states: Collection[State], after: int | None = None
    ) -> int | None:
        """When the next delivery of this target in these states is due; one that is in a look's
        hands, when their lease ends. `after`: of those that are due later than that."""
        d = deliveries.c
        due = case((d.lease_until > d.due, d.lease_until), else_=d.due)
        with self._reading() as c:
            return c.execute(
                select(func.min(due)).where(
                    d.site == self.site,
                    d.account == account,
                    d.state.in_([s.value for s in states]),
                    d.needs_person.is_(False),
                    *([due > after] if after is not None else []),
                )
            ).scalar_one_or_none()

    def log(self, id: str) -> list[Mapping[str, Any]]:
        """The whole history of one delivery, oldest first."""
        with self._reading() as c:
            found = c.execute(
                select(history)
                .where(history.c.site == self.site, history.c.delivery == id)
                .order_by(history.c.n)
            )
            return [dict(row._mapping) for row in found]
