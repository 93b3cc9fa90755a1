"""What is written of deliveries: planned rows, claims, and every guarded move."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    exists,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from bot.errors import LostLease
from bot.i18n import msg
from bot.ledger import rows
from bot.ledger.base import chunks, one, target, thread
from bot.ledger.reads import CLAIMABLE, Reads
from bot.ledger.sites import Sites
from bot.ledger.tables import deliveries, history, targets
from bot.model import Delivery, State

_IN_FLIGHT = (State.CLAIMED.value, State.SENDING.value)
_OLDER = deliveries.alias("older")


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

    def claim(
        self, account: str, owner: str, now: int, lease_until: int, only: Collection[str] | None
    ) -> Delivery | None:
        """The next due delivery of this target, claimed for `owner`; None where there is none, or
        one is already under way. `only`: of these subjects. `frozen` of the answer is as it was
        before: False means that its draft is to be composed for the last time now."""
        with self._writing() as c:
            picked = c.execute(self._next_due(account, now, only)).one_or_none()
            if picked is None:
                return None
            id, frozen = picked
            moved = (
                update(deliveries)
                .where(one(self.site, id), deliveries.c.state.in_(CLAIMABLE))
                .values(
                    state=State.CLAIMED.value,
                    fence=deliveries.c.fence + 1,
                    owner=owner,
                    lease_until=lease_until,
                    frozen=True,
                    updated_at=now,
                )
                .returning(*deliveries.c)
            )
            try:
                row = c.execute(moved).one_or_none()
            except IntegrityError:
                c.rollback()
                return None
            if row is None:
                return None
            c.execute(
                insert(history), self._log(id, now, None, "claimed", row.fence, "claimed", owner)
            )
            return replace(rows.to_delivery(row), frozen=frozen)

    def claim_unknown(
        self, account: str, owner: str, now: int, lease_until: int
    ) -> Delivery | None:
        """An unknown delivery of this target whose next look is due, for `owner` to settle. Its
        last owner stays named in the answer (it may be alive and standing still)."""
        d = deliveries.c
        with self._writing() as c:
            pick = (
                select(d.id)
                .where(
                    d.site == self.site,
                    d.account == account,
                    d.state == State.UNKNOWN.value,
                    d.needs_person.is_(False),
                    d.due <= now,
                    or_(d.lease_until.is_(None), d.lease_until <= now),
                )
                .order_by(d.due, d.seq)
                .limit(1)
            )
            if self._engine.dialect.name == "postgresql":
                pick = pick.with_for_update(skip_locked=True)
            id = c.execute(pick).scalar_one_or_none()
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
            moved = (
                update(deliveries)
                .where(
                    one(self.site, seen.id),
                    deliveries.c.state == seen.state.value,
                    deliveries.c.fence == seen.fence,
                )
                .values(**rows.to_columns(values), state=state.value, updated_at=now)
                .returning(*deliveries.c)
            )
            try:
                row = c.execute(moved).one_or_none()
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
            return rows.to_delivery(row)

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

    def _next_due(self, account: str, now: int, only: Collection[str] | None) -> Any:
        d, o = deliveries.c, _OLDER.c
        same = and_(o.site == self.site, o.account == account)
        earlier = and_(
            same,
            o.subject == d.subject,
            o.kind == d.kind,
            o.generation == d.generation,
            o.part < d.part,
        )
        where: list[ColumnElement[bool]] = [
            d.site == self.site,
            d.account == account,
            d.state.in_(CLAIMABLE),
            d.due <= now,
            ~exists().where(same, o.state.in_(_IN_FLIGHT)),
            ~exists().where(earlier, o.state != State.SENT.value),
        ]
        if only is not None:
            where.append(d.subject.in_(sorted(only)))
        pick = select(d.id, d.frozen).where(*where).order_by(d.due, d.seq, d.id).limit(1)
        # A row that another process has locked is in its hands: skipping it would break the order,
        # waiting for it would stop this target; the in-flight rule above decides after the wait.
        return pick.with_for_update() if self._engine.dialect.name == "postgresql" else pick
