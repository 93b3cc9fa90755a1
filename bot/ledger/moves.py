"""What is written of deliveries: planned rows, claims, and every guarded move."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any, Literal, Protocol

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    exists,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError

from bot.errors import LostLease
from bot.i18n import msg
from bot.ledger import rows
from bot.ledger.base import chunks, one, target, thread
from bot.ledger.reads import DOUBTFUL, Reads, in_states
from bot.ledger.sites import Sites
from bot.ledger.tables import deliveries, history, targets
from bot.model import Delivery, State

_OLDER = deliveries.alias("older")

Which = Literal["all", "exact", "rest"]
"""All that is due; only what has a time of its own (and what follows); only what follows: later
parts, edits and removals of what is out there."""


class Desk(Protocol):
    """Asked within the claim's transaction: what may go now, and what is booked for it."""

    def open(self, account: str, now: int) -> Which: ...
    def book(self, row: Delivery, now: int) -> Mapping[str, Any] | None:
        """Columns to set with the claim (draft, cost, …); None: it does not go now."""
        ...


class _Open:
    """Whatever is due may go."""

    def open(self, account: str, now: int) -> Which:
        return "all"

    def book(self, row: Delivery, now: int) -> Mapping[str, Any] | None:
        return {}


_OPEN = _Open()


class _Taken(Exception):
    """Another was first: the transaction ends with nothing done."""


class Moves(Sites, Reads):
    """One transaction a method, unless `together` binds them. A guard that finds no row is a LostLease."""

    def baseline(self, account: str, network: str, seen: Sequence[Delivery], now: int) -> bool:
        """Record an account's start: these rows and its baseline, in one transaction. False where
        another process was first; then nothing is written."""
        row = {"site": self.site, "name": account, "network": network, "baseline_at": now}
        with self._writing() as c:
            made = self._inserted(c, targets, row)
            if not made:
                made = (
                    c.execute(
                        target(self.site, account)
                        .where(targets.c.baseline_at.is_(None))
                        .values(baseline_at=now, network=network)
                    ).rowcount
                    == 1
                )
            if made:
                self._add(c, seen, now, "baseline")
            return made

    def add(self, planned: Sequence[Delivery], now: int) -> int:
        """Insert; what is there already (whoever planned it) stays as it is. How many were new."""
        with self._writing() as c:
            return self._add(c, planned, now, "planned")

    def _add(self, c: Connection, new: Sequence[Delivery], now: int, event: str) -> int:
        added = 0
        statement = self._insert(deliveries).on_conflict_do_nothing().returning(deliveries.c.id)
        for chunk in chunks([{"site": self.site, **rows.delivery_columns(d)} for d in new]):
            fresh = c.execute(statement, chunk).scalars().all()
            states = {row["id"]: row["state"] for row in chunk}
            log = [self._log(id, now, None, states[id], 0, event, None) for id in fresh]
            if log:
                c.execute(insert(history), log)
            added += len(fresh)
        return added

    def compose_anew(self, drafts: Sequence[tuple[Delivery, Mapping[str, Any]]], now: int) -> None:
        """New drafts and places of deliveries that have not moved since they were read."""
        with self._writing() as c:
            for delivery, values in drafts:
                c.execute(
                    update(deliveries)
                    .where(
                        one(self.site, delivery.id),
                        deliveries.c.state == delivery.state.value,
                        deliveries.c.fence == delivery.fence,
                    )
                    .values(**rows.to_columns(values), updated_at=now)
                )

    def freeze(self, delivery: Delivery, draft: Mapping[str, Any], now: int) -> None:
        """The last draft of a share, for all its parts."""
        with self._writing() as c:
            c.execute(
                update(deliveries)
                .where(thread(delivery, self.site))
                .values(**rows.to_columns({"draft": draft}), updated_at=now, frozen=True)
            )

    def has_next(self, account: str, now: int, which: Which, only: Collection[str] | None) -> bool:
        """Whether a claim now would find something."""
        values = {"site": self.site, "account": account, "now": now, "only": sorted(only or ())}
        with self._reading() as c:
            return c.execute(_next_due(which, only is not None), values).first() is not None

    def one_at_a_time(self, name: str) -> None:
        """Within a transaction: whoever else asks for this name waits until it has ended. (On
        SQLite there is one writer anyway.)"""
        if not self._is_sqlite:
            with self._writing() as c:
                lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 2))")
                c.execute(lock, {"name": f"{self.site} {name}"})

    def claim(
        self,
        account: str,
        owner: str,
        now: int,
        lease_until: int,
        only: Collection[str] | None,
        desk: Desk = _OPEN,
    ) -> Delivery | None:
        """The next due delivery of this target, claimed for `owner`; None where there is none, one
        is already under way, or `desk` says not now. `only`: of these subjects. `frozen` of the
        answer is as it was before: False means that its draft was composed for the last time now.
        One transaction: what `desk` counts and books cannot change under it."""
        with suppress(_Taken), self._writing() as c:
            which = desk.open(account, now)
            values = {"site": self.site, "account": account, "now": now, "only": sorted(only or ())}
            found = c.execute(_next_due(which, only is not None), values).one_or_none()
            if found is None:
                return None
            seen = rows.to_delivery(found)
            booked = desk.book(seen, now)
            if booked is None:
                return None
            taken = {"state": State.CLAIMED, "owner": owner, "lease_until": lease_until}
            values = {**booked, **taken, "frozen": True, "fence": seen.fence + 1}
            try:
                row = self._moved(c, seen, values, now)
            except IntegrityError as error:  # another call to this target is under way
                raise _Taken from error
            if row is None:
                return None
            log = self._log(seen.id, now, None, "claimed", row.fence, "claimed", owner)
            c.execute(insert(history), log)
            return replace(row, frozen=seen.frozen)
        return None

    def _moved(
        self, c: Connection, seen: Delivery, values: Mapping[str, Any], now: int
    ) -> Delivery | None:
        """The row of `seen` with new values, if state and fence are still what was seen. What it
        was made of is not read again."""
        columns = rows.to_columns({**values, "updated_at": now})
        new = {f"v_{name}": value for name, value in columns.items()}
        guard = {
            "g_site": self.site,
            "g_id": seen.id,
            "g_state": seen.state.value,
            "g_fence": seen.fence,
        }
        done = c.execute(_guarded(tuple(sorted(columns))), {**new, **guard})
        return replace(seen, **values, updated_at=now) if done.rowcount == 1 else None

    def claim_unknown(
        self, account: str, owner: str, now: int, lease_until: int
    ) -> Delivery | None:
        """An unknown delivery of this target whose next look is due, for `owner` to settle. Its
        last owner stays named in the answer (it may be alive and standing still)."""
        d = deliveries.c
        with self._writing() as c:
            pick = select(d.id).where(DOUBTFUL).order_by(d.due, d.seq).limit(1)
            if self._engine.dialect.name == "postgresql":
                pick = pick.with_for_update(skip_locked=True)
            values = {"site": self.site, "account": account, "now": now}
            id = c.execute(pick, values).scalar_one_or_none()
            if id is None:
                return None
            row = c.execute(
                update(deliveries)
                .where(one(self.site, id), d.state == State.UNKNOWN.value)
                .values(fence=d.fence + 1, looker=owner, lease_until=lease_until, updated_at=now)
                .returning(*deliveries.c)
            ).one_or_none()
            return None if row is None else rows.to_delivery(row)

    def move(
        self,
        seen: Delivery,
        state: State,
        values: Mapping[str, Any],
        *,
        now: int,
        event: str,
        detail: str | None = None,
        wait: tuple[int, str, str | None] | None = None,
        clear_wait: bool = False,
    ) -> Delivery:
        """One guarded step: id, state and fence must still be those of `seen`, else LostLease.
        The target's wait and the history row are in the same transaction."""
        with self._writing() as c:
            try:
                row = self._moved(c, seen, {**values, "state": state}, now)
            except IntegrityError as error:  # another call to this target is under way
                raise LostLease(msg("delivery {id} is in other hands", id=seen.id)) from error
            if row is None:
                raise LostLease(msg("delivery {id} is in other hands", id=seen.id))
            if wait is not None:
                self._wait(c, seen.account, seen.network, *wait)
            elif clear_wait:
                self._wait(c, seen.account, seen.network, None, None, None)
            if state is State.FAILED:
                self._end_thread(c, seen, now)
            c.execute(
                insert(history),
                self._log(seen.id, now, seen.state.value, state.value, seen.fence, event, detail),
            )
            return row

    def _end_thread(self, c: Connection, ended: Delivery, now: int) -> None:
        """When a part cannot be sent, the later ones are not sent either, and it is shown."""
        d = deliveries.c
        rest = c.execute(
            update(deliveries)
            .where(
                thread(ended, self.site),
                d.part > ended.part,
                d.state.in_([State.PLANNED.value, State.HELD.value, State.RETRY.value]),
            )
            .values(state=State.CANCELLED.value, reason="thread", updated_at=now)
            .returning(d.id, d.fence)
        ).all()
        for row in rest:
            log = self._log(row.id, now, None, State.CANCELLED.value, row.fence, "thread", ended.id)
            c.execute(insert(history), log)


@cache
def _next_due(which: Which, only: bool) -> Any:
    """The statement that picks what is claimed next. What waits for its turn goes by its sequence;
    `exact`: only what has a time of its own, and what follows something that is out there; `rest`:
    only the latter."""
    d, o = deliveries.c, _OLDER.c
    # Named by value and not by `d`: so each is a look into an index, however many rows there are.
    same = and_(o.site == bindparam("site"), o.account == bindparam("account"))
    earlier = and_(
        same,
        o.subject == d.subject,
        o.kind == d.kind,
        o.generation == d.generation,
        o.part < d.part,
    )
    where: list[ColumnElement[bool]] = [
        d.site == bindparam("site"),
        d.account == bindparam("account"),
        in_states(d.state, State.PLANNED, State.RETRY),
        d.due <= bindparam("now"),
        ~exists().where(same, in_states(o.state, State.CLAIMED, State.SENDING)),
        ~exists().where(earlier, o.state != State.SENT.value),
    ]
    follows = or_(d.kind != "share", d.part > 0)
    if which == "exact":
        where.append(or_(follows, d.exact))
    elif which == "rest":
        where.append(follows)
    if only:
        where.append(d.subject.in_(bindparam("only", expanding=True)))
    # A row that another process has locked is in its hands: skipping it would break the order,
    # waiting for it would stop this target; the in-flight rule above decides after the wait.
    # (SQLite has no such lock: there the whole transaction is one.)
    return select(deliveries).where(*where).order_by(d.seq, d.id).limit(1).with_for_update()


@cache
def _guarded(columns: tuple[str, ...]) -> Any:
    """The statement that sets these columns of one row, guarded: made once."""
    d = deliveries.c
    return (
        update(deliveries)
        .where(
            d.site == bindparam("g_site"),
            d.id == bindparam("g_id"),
            d.state == bindparam("g_state"),
            d.fence == bindparam("g_fence"),
        )
        .values({name: bindparam(f"v_{name}", type_=d[name].type) for name in columns})
    )
