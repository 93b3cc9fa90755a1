"""Sends what is due: one worker a target, one visible call at a time, every step in the ledger first.

The order is the promise: claim, prepare, store `sending` with the exact payload, call, store the
answer. A process that dies anywhere leaves a row that says how far it came.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from bot.errors import (
    BotError,
    LostLease,
    OutcomeUnknown,
    PosterError,
    Rejected,
    StoreUnavailable,
    Transient,
)
from bot.i18n import Message, msg
from bot.ledger import lookups
from bot.ledger.store import Ledger
from bot.model import (
    Changeable,
    Clock,
    Delivery,
    Draft,
    Learning,
    Poster,
    Prepared,
    Readable,
    Receipt,
    State,
    TextLimit,
)
from bot.outbox import states
from bot.outbox.adoption import OutThere
from bot.outbox.claiming import Compose, Cost, Desk, Pace
from bot.outbox.drafts import draft_from
from bot.outbox.pacing import Gate
from bot.outbox.states import LEASE, SECOND, Move, Policy

log = logging.getLogger("bot.outbox")

SERVER_CLOCK_SLACK = timedelta(minutes=10)
"""A server's clock may be so far behind ours: what it dates this much before the attempt counts."""
LONGEST_WAIT = 600.0
BLOCKED_PAUSE = 1.0
"""Seconds before what is due but in other hands is asked for again."""
STORE_PAUSE = 10.0
_TO_COME = frozenset({State.PLANNED, State.RETRY, State.UNKNOWN})
LEASE_MARGIN = 5.0
"""Seconds before the lease's end after which no call is begun."""

Reached = Callable[[str], None]
"""Called with the name of the place that the dispatcher has come to: where a test ends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outfit:
    """What a dispatcher works with: values and doors, no globals. `compose` makes a delivery's
    last draft (None: keep the planned one) and `cost` tells its price; `known` says, before an
    account's first call, that it is the one that it was; `adopt` how many of its own posts are read
    before its first share; `pace` when it may share."""

    ledger: Ledger
    poster: Callable[[str], Poster]
    compose: Compose
    policy: Policy
    owner: str
    clock: Clock
    jitter: Callable[[], float]
    stop: threading.Event
    known: Callable[[str], None] = lambda account: None
    adopt: Callable[[str], int] = lambda account: 0
    pace: Callable[[str], Pace | None] = lambda account: None
    cost: Cost = lambda draft: None
    report: Callable[[Delivery], None] = lambda delivery: None
    reached: Reached = lambda place: None
    before_call: Callable[[Delivery], None] = lambda delivery: None


class Signs(Protocol):
    """Whom a worker tells that it begins a round, and how that ended."""

    def busy(self, account: str) -> None: ...
    def idle(self, account: str, fault: Exception | None) -> None: ...


class Dispatcher:
    def __init__(self, outfit: Outfit) -> None:
        self._o = outfit
        self._ledger = outfit.ledger
        self._out_there = OutThere()
        self._desk = Desk(outfit.ledger, outfit.pace, outfit.compose, outfit.cost)
        self._known: set[str] = set()
        self._hands: set[str] = set()
        self._learnt: dict[str, TextLimit] = {}

    def turn(
        self, accounts: Iterable[str], *, only: Collection[str] | None = None, settle: bool = True
    ) -> None:
        """Send all that is due to these targets, each in a thread of its own, and come back.
        `settle`: wait for lost answers whose settling ends soon. `only`: of these subjects."""
        self.take_over()
        failures: list[BaseException] = []

        def work(account: str) -> None:
            try:
                self._work(account, only, settle)
            except BaseException as error:
                failures.append(error)
                self._o.stop.set()

        threads = [
            threading.Thread(target=work, args=(name,), name=f"bot-{name}", daemon=True)
            for name in accounts
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]

    def serve(self, account: str, wake: threading.Event, signs: Signs | None = None) -> None:
        """Send what is due to this target until the process stops; `wake` says that there may be
        something new. Each round gives its signs."""
        while not self._o.stop.is_set():
            wake.clear()
            if signs is not None:
                signs.busy(account)
            pause = STORE_PAUSE
            fault: Exception | None = None
            try:
                self._work(account, None, settle=True)
                pause = self._until_next(account)
            except StoreUnavailable as error:
                fault = error
                log.error("%s", error)
            except Exception as error:
                fault = error
                log.exception("the worker of %s met a fault of bot's own", account)
            if signs is not None:
                signs.idle(account, fault)
            self._o.clock.wait(wake, pause)

    def take_over(self) -> None:
        """What a dead process left, at once; what a living one stands still over, when its lease
        has run out."""
        now = self._ledger.now()
        for row in self._ledger.deliveries({State.CLAIMED, State.SENDING}):
            if row.id in self._hands:
                continue
            dead = self._is_gone(row.owner)
            if dead or (row.lease_until or 0) <= now:
                with contextlib.suppress(LostLease):
                    policy = self._policy(row.account)
                    self._move(row, states.lease_lost(row, now, policy, owner_dead=dead), now)
        for row in self._ledger.deliveries({State.UNKNOWN}):
            looked_at = row.lease_until is not None and row.id not in self._hands
            if looked_at and self._is_gone(row.looker):
                self._ledger.compose_anew([(row, {"lease_until": None})], now)

    def _is_gone(self, process: str | None) -> bool:
        """Whether nobody works on a row in the name of `process` any more. One of this process that
        is not in hand was dropped: the store was lost, or it stood still too long."""
        return process == self._o.owner or not self._ledger.owners.alive(process or "")

    # --- one target -------------------------------------------------------------------------

    def closed(self, account: str) -> Gate | None:
        """Why nothing of this account goes now that is due; None: it may."""
        return self._desk.closed(account)

    def _work(self, account: str, only: Collection[str] | None, settle: bool) -> None:
        while not self._o.stop.is_set():
            now = self._ledger.now()
            wait_until, doubtful = self._ledger.agenda(account, now)
            if (wait_until or 0) > now:
                return
            begins = doubtful or self._has_next(account, now, only)
            if begins and not self._is_known(account, now):
                return
            if doubtful and self._look_again(account, now):
                continue
            waited = wait_until is not None
            if not (begins and self._step(account, only, waited=waited)) and not (
                settle and self._wait_to_settle(account)
            ):
                return

    def _until_next(self, account: str) -> float:
        """Seconds until something of this target is due and may go."""
        now = self._ledger.now()
        wait_until, _ = self._ledger.agenda(account, now)
        closed = self._desk.closed(account)
        due = self._ledger.next_due(account, _TO_COME, after=now if closed else None)
        if closed is not None and closed.until is not None:
            due = min(due or closed.until, closed.until)
        if due is None:
            return LONGEST_WAIT
        due = max(due, wait_until or 0)
        return min(LONGEST_WAIT, max(BLOCKED_PAUSE, (due - now) / SECOND))

    def _look_again(self, account: str, now: int) -> bool:
        """One step towards a lost answer; False where another process is at it."""
        doubtful = self._ledger.claim_unknown(account, self._o.owner, now, now + LEASE)
        if doubtful is None:
            return False
        with contextlib.suppress(LostLease), self._hold(doubtful):
            self._settle(doubtful, now)
        return True

    def _step(self, account: str, only: Collection[str] | None, *, waited: bool) -> bool:
        """One delivery; False where nothing is due, or nothing may go now."""
        now = self._ledger.now()
        if not self._read_first(account, now):
            return False
        delivery = self._ledger.claim(account, self._o.owner, now, now + LEASE, only, self._desk)
        if delivery is None:
            return False
        with contextlib.suppress(LostLease), self._hold(delivery):
            self._o.reached("claimed")
            if not self._is_there(delivery):
                self._send(delivery, waited)
        return True

    @contextlib.contextmanager
    def _hold(self, delivery: Delivery) -> Iterator[None]:
        self._hands.add(delivery.id)
        try:
            yield
        finally:
            self._hands.discard(delivery.id)

    def _has_next(self, account: str, now: int, only: Collection[str] | None) -> bool:
        """Whether something may go now. Until an account was asked who it is and what it has (which
        may cost money) that is looked up first; later the claim itself tells."""
        if account in self._known:
            return True
        return self._ledger.has_next(account, now, self._desk.open(account, now), only)

    def _is_known(self, account: str, now: int) -> bool:
        """Before the first call in this process, ask whose account it is: neither a post nor the
        settling of one is another's. False: not now."""
        if account in self._known:
            return True
        try:
            self._o.known(account)
        except PosterError as error:
            self._hold_off(account, error, now)
            return False
        self._known.add(account)
        return True

    def _hold_off(self, account: str, error: PosterError, now: int) -> None:
        """It cannot be asked: no call for now, and it is said."""
        wait = states.not_asked(error, now, self._o.jitter())
        self._ledger.set_wait(account, wait.until, wait.reason, wait.paused)
        if wait.paused is None:
            why = msg("{account}: nothing is sent for now: {why}", account=account, why=str(error))
            log.warning("%s", why)

    def _read_first(self, account: str, now: int) -> bool:
        """Before the first share in this process, read what is out there: a restored ledger, a
        second tool or a lost receipt repeats nothing. False: not now."""
        if self._out_there.knows(account) or not (count := self._o.adopt(account)):
            return True
        waiting = self._ledger.first_shares(account, now)
        if not waiting:
            return True
        try:
            poster = self._o.poster(account)
            seen = poster.recent(count) if isinstance(poster, Readable) else ()
        except Rejected:
            seen = ()  # this login may write and not read: nothing can be known
        except PosterError as error:
            self._hold_off(account, error, now)
            return False
        known = lookups.receipts_among(self._ledger, account, [post.id for post in seen])
        self._out_there.keep(account, seen, known)
        return True

    def _is_there(self, row: Delivery) -> bool:
        """What was there when the account was first read counts as sent."""
        there = self._out_there.find(row)
        if there is None:
            return False
        now = self._ledger.now()
        # Whether the rest of a thread is out there too cannot be told by a link: a person is asked,
        # before the part that they wait for counts as sent.
        for part in self._ledger.parts(row):
            if part.part > row.part and part.state is State.PLANNED:
                self._move(part, states.in_doubt(), now)
        receipt = Receipt(id=there.id, url=there.url, at=there.at)
        self._move(row, states.sent(row, receipt, "found", now), now)
        self._out_there.forget(row)
        return True

    def _wait_to_settle(self, account: str) -> bool:
        """Wait for a look that is due within this turn; False where there is none."""
        due = self._ledger.next_due(account, {State.UNKNOWN})
        if due is None:
            return False
        policy = self._policy(account)
        away = due - self._ledger.now()
        if away > policy.settling + policy.gap:
            return False
        self._o.clock.wait(self._o.stop, max(0.0, away / SECOND))
        return True

    # --- one delivery -----------------------------------------------------------------------

    def _send(self, delivery: Delivery, waited: bool) -> None:
        now = self._ledger.now()
        if states.too_old(delivery, now, self._o.policy):
            self._move(delivery, states.give_up(delivery), now)
            return
        try:
            ready = self._prepare(delivery)
        except PosterError as error:
            self._fail(delivery, error)
            return
        self._o.reached("prepared")
        steady = self._o.clock.steady()
        now = self._ledger.now()
        sending = self._move(delivery, states.prepared(delivery, ready, now), now)
        self._o.reached("sending")
        self._call(sending, steady, waited)

    def _prepare(self, delivery: Delivery) -> Prepared:
        draft = _last_draft(delivery)
        try:
            return self._prepared(delivery, draft, self._o.poster(delivery.account))
        except OutcomeUnknown as error:
            # Nothing of `prepare` is visible: an answer lost there is no doubt.
            raise Transient(error.message) from error
        except BotError:
            raise
        except Exception as error:
            raise Transient(_fault(error)) from error

    def _prepared(self, delivery: Delivery, draft: Draft, poster: Poster) -> Prepared:
        thread = self._ledger.parts(delivery) if delivery.part else ()
        parents = tuple(_receipt(row) for row in thread if row.part < delivery.part)
        if delivery.kind in ("share", "ping"):
            return poster.prepare(draft, delivery.part, parents, delivery.with_images)
        there = self._ledger.newest(delivery)
        if not isinstance(poster, Changeable) or delivery.kind not in poster.kinds or there is None:
            raise Rejected(msg("this account cannot change what it shared"), code="no-change")
        if delivery.kind == "retract":
            return poster.prepare_retract(_receipt(there))
        return poster.prepare_edit(
            draft, delivery.part, parents, _receipt(there), delivery.with_images
        )

    def _call(self, sending: Delivery, steady: float, waited: bool = True) -> None:
        """The one visible call, and its answer into the ledger. `waited`: its target has a wait,
        which an answer ends."""
        assert sending.payload is not None
        assert sending.key is not None
        self._o.before_call(sending)
        try:
            poster = self._o.poster(sending.account)
            receipt = poster.commit(sending.payload, sending.key, self._guard(steady))
        except LostLease:
            raise
        except PosterError as error:
            self._o.reached("answered")
            self._fail(sending, error)
        except Exception as error:
            self._fail(sending, OutcomeUnknown(_fault(error)))
        else:
            self._o.reached("answered")
            now = self._ledger.now()
            move = states.sent(sending, receipt, "sent", now)
            self._move(sending, replace(move, clear_wait=move.clear_wait and waited), now)
            self._o.reached("sent")
            self._learn(sending, poster)

    def _learn(self, delivery: Delivery, poster: Poster) -> None:
        limit = poster.learnt() if isinstance(poster, Learning) else None
        if limit is not None and self._learnt.get(delivery.account) != limit:
            self._learnt[delivery.account] = limit
            self._ledger.learn(delivery, limit)

    def _guard(self, steady: float) -> Callable[[], None]:
        """Called last before the first byte: the lease, by a clock that runs while the machine
        sleeps, must still cover the call."""
        last = steady + LEASE / SECOND - self._o.policy.timeout / SECOND - LEASE_MARGIN

        def guard() -> None:
            if self._o.clock.steady() > last:
                raise LostLease(msg("the process stood still for too long; the call was not begun"))

        return guard

    def _fail(self, delivery: Delivery, error: PosterError) -> None:
        now = self._ledger.now()
        policy = self._policy(delivery.account)
        self._move(
            delivery, states.failed_call(delivery, error, now, policy, self._o.jitter()), now
        )

    def _settle(self, delivery: Delivery, now: int) -> None:
        """One step towards the answer of a lost call."""
        policy = self._policy(delivery.account)
        step = states.settle(delivery, now, policy)
        if step == "repeat":
            steady = self._o.clock.steady()
            sending = self._move(delivery, states.repeated(delivery, now), now, owner=True)
            self._o.reached("repeating")
            self._call(sending, steady)
        elif step == "look":
            self._look(delivery, policy)

    def _look(self, delivery: Delivery, policy: Policy) -> None:
        assert delivery.payload is not None
        began = delivery.first_sending_at or delivery.sending_at or delivery.created_at
        since = datetime.fromtimestamp(began / SECOND, UTC) - SERVER_CLOCK_SLACK
        known = self._ledger.receipts(delivery, states.micros(since))
        try:
            finding = self._o.poster(delivery.account).find(
                delivery.payload, delivery.key or "", since, known
            )
        except PosterError as error:
            now = self._ledger.now()
            self._move(delivery, states.look_failed(delivery, error, now, self._o.jitter()), now)
            return
        self._o.reached("looked")
        now = self._ledger.now()
        alive = delivery.owner not in (None, self._o.owner) and self._ledger.owners.alive(
            delivery.owner or ""
        )
        self._move(delivery, states.found(delivery, finding, now, policy, owner_alive=alive), now)

    # --- helpers ----------------------------------------------------------------------------

    def _policy(self, account: str) -> Policy:
        """The settings, with the poster's own settling time where it has one."""
        with contextlib.suppress(BotError):
            own = self._o.poster(account).settling
            if own is not None:
                policy = self._o.policy
                return Policy(
                    settling=int(own * SECOND),
                    gap=min(policy.gap, int(own * SECOND)),
                    give_up=policy.give_up,
                    timeout=policy.timeout,
                )
        return self._o.policy

    def _move(self, seen: Delivery, move: Move, now: int, *, owner: bool = False) -> Delivery:
        states.check(seen.state, move.state)
        wait = (move.wait.until, move.wait.reason, move.wait.paused) if move.wait else None
        values = {**move.values, "owner": self._o.owner} if owner else move.values
        moved = self._ledger.move(
            seen,
            move.state,
            values,
            now=now,
            event=move.event,
            detail=move.detail,
            wait=wait,
            clear_wait=move.clear_wait,
        )
        self._o.report(moved)
        return moved


def _last_draft(delivery: Delivery) -> Draft:
    """The draft that goes out, as the claim froze it. Raises Rejected where there is none."""
    draft = draft_from(delivery.draft) if delivery.draft is not None else None
    if draft is not None and delivery.part < len(draft.parts):
        return draft
    why = states.load(delivery.error) if delivery.draft is None else None
    code = delivery.error_code if why else None
    raise Rejected(why or msg("there is no text to send"), code=code or "no-draft")


def _receipt(row: Delivery) -> Receipt:
    sent = datetime.fromtimestamp((row.sent_at or 0) / SECOND, UTC)
    return Receipt(
        id=row.remote_id or "", url=row.remote_url, at=sent, extra=row.remote_extra or {}
    )


def _fault(error: Exception) -> Message:
    return msg("a fault of bot's own ({kind}); please report it", kind=type(error).__name__)
