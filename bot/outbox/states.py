"""The states of a delivery, pure: what has happened in, the next move out. See docs/architecture.md.

A Move names the columns to set; the ledger applies it guarded by id, state and fence. No clock, no
file, no socket: `now` is UTC microseconds and jitter a number in [0, 1).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from bot.errors import (
    Duplicate,
    IllegalMove,
    MediaRefused,
    MediaUnavailable,
    NotSent,
    OutcomeUnknown,
    OutOfQuota,
    PosterError,
    RateLimited,
    Rejected,
    Unauthorized,
)
from bot.i18n import Message, msg
from bot.model import Absent, Delivery, Finding, Found, Prepared, Receipt, Replay, State

SECOND = 1_000_000
LEASE = 60 * SECOND
BACKOFF_FIRST = 30 * SECOND
BACKOFF_MOST = 3600 * SECOND
PAUSE = 3600 * SECOND
"""A target whose login was refused is tried again with one call after this."""
PUT_OFF = 7 * 24 * 3600 * SECOND
"""What was claimed and not tried may wait so much longer than retries go on."""
STANDSTILL = 30 * SECOND
"""How often a call of a process that lives but stands still is looked for."""
IMAGE_ATTEMPTS = 3
"""So often an image may be the reason that a post waits; then it goes out without."""
NOT_LIVE = "not-live"
"""The reason of what is held until its page is online."""
ENDS_ALONE = frozenset({NOT_LIVE})
"""Reasons to hold that end without a person."""

_S = State
MOVES: Mapping[State, frozenset[State]] = {
    _S.PLANNED: frozenset({_S.HELD, _S.CLAIMED, _S.CANCELLED, _S.SKIPPED, _S.PLANNED, _S.SENT}),
    _S.HELD: frozenset({_S.PLANNED, _S.CANCELLED, _S.SKIPPED, _S.HELD, _S.SENT}),
    _S.CLAIMED: frozenset({_S.SENT, _S.SENDING, _S.RETRY, _S.FAILED, _S.CANCELLED}),
    _S.SENDING: frozenset({_S.SENT, _S.RETRY, _S.FAILED, _S.UNKNOWN}),
    _S.RETRY: frozenset(
        {_S.SENT, _S.CLAIMED, _S.FAILED, _S.SKIPPED, _S.CANCELLED, _S.RETRY, _S.HELD}
    ),
    _S.UNKNOWN: frozenset({_S.SENT, _S.RETRY, _S.SENDING, _S.UNKNOWN, _S.CANCELLED}),
    _S.SKIPPED: frozenset({_S.PLANNED, _S.HELD}),
    _S.CANCELLED: frozenset({_S.PLANNED, _S.HELD}),
    _S.SENT: frozenset(),
    _S.FAILED: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The settings that states depend on, in microseconds. `settling` is how long after a call a
    lost one may still become visible."""

    settling: int
    gap: int
    give_up: int
    timeout: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """The whole target waits: no call before `until`. `paused` is why a person should look."""

    until: int
    reason: str
    paused: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """From what was read to `state`, with these columns; `event` goes into the history."""

    state: State
    event: str
    values: Mapping[str, Any] = field(default_factory=dict)
    detail: str | None = None
    wait: Wait | None = None
    clear_wait: bool = False


Step = Literal["wait", "repeat", "look", "person"]


def check(before: State, after: State) -> None:
    """Raises IllegalMove where the drawing of the states has no such arrow."""
    if after not in MOVES[before]:
        raise IllegalMove(
            msg(
                "a delivery cannot go from {before} to {after}",
                before=before.value,
                after=after.value,
            )
        )


def asks(delivery: Delivery) -> bool:
    """Whether it waits for a person."""
    held = delivery.state is State.HELD and delivery.reason not in ENDS_ALONE
    return held or delivery.needs_person


def prepared(delivery: Delivery, ready: Prepared, now: int) -> Move:
    """claimed → sending: the exact payload is stored before the first byte of the call."""
    notes = tuple(dump(note) for note in (*ready.notes, *_left_out(delivery)))
    return Move(
        state=State.SENDING,
        event="sending",
        values={
            "payload": ready.payload,
            "replay": ready.replay,
            "key_seconds": ready.key_seconds,
            # What was read back as absent goes out under the same key: one more net below.
            "key": delivery.key or f"{delivery.id}-{delivery.fence}",
            "sending_at": now,
            "first_sending_at": (delivery.first_sending_at if delivery.key else None) or now,
            "lease_until": now + LEASE,
            "looks": 0,
            "notes": notes,
        },
        detail=notes[0] if notes else None,
    )


def repeated(delivery: Delivery, now: int) -> Move:
    """unknown → sending once more: the same payload under the same key. The doubt stays."""
    return Move(
        state=State.SENDING,
        event="repeated",
        values={"sending_at": now, "lease_until": now + LEASE, "reason": _REPEATED},
    )


def sent(delivery: Delivery, receipt: Receipt, source: str, now: int) -> Move:
    """It is out there: `source` says how that is known (sent, found, person)."""
    return Move(
        state=State.SENT,
        event=source,
        values={
            **_RELEASED,
            "remote_id": receipt.id,
            "remote_url": receipt.url,
            "remote_extra": receipt.extra or None,
            "sent_at": now,
            "spent_at": delivery.spent_at or micros(receipt.at),
            "source": source,
            "doubt_since": None,
            "error": None,
            "error_code": None,
            "needs_person": False,
            "reason": None,
        },
        detail=receipt.url or receipt.id,
        clear_wait=source == "sent",
    )


def failed_call(
    delivery: Delivery, error: PosterError, now: int, policy: Policy, jitter: float
) -> Move:
    """What an error of `prepare` or `commit` means. In doubt nothing but an answer settles it."""
    told = {"error": dump(error.message), "error_code": error.code}
    wait = _target_wait(error, delivery.attempts, now, jitter)
    doubted = delivery.doubt_since is not None
    again = delivery.first_sending_at != delivery.sending_at
    if isinstance(error, Duplicate) and again:  # what was not found may have come since
        doubted = True
    if isinstance(error, OutcomeUnknown) or doubted:
        return _unknown(delivery, error, now, policy, jitter, wait)
    if isinstance(error, Rejected):
        return Move(
            state=State.FAILED,
            event=error.code,
            values={**_RELEASED, **_UNSPENT, **told},
            detail=told["error"],
        )
    assert isinstance(error, NotSent)
    return _retry(delivery, error, now, policy, jitter, told, wait)


def lease_lost(delivery: Delivery, now: int, policy: Policy, *, owner_dead: bool) -> Move:
    """Its process is gone or stood still too long. In `sending` the call may have been made; a
    living owner stays named: while it lives, what is not found may still come."""
    event = "owner-dead" if owner_dead else "lease-expired"
    if delivery.state is State.CLAIMED:
        told = dump(msg("the process ended before the call; nothing was sent"))
        values = {
            **_RELEASED,
            **_UNSPENT,
            "due": min(delivery.due, now),
            "error": told,
            "error_code": "not-sent",
        }
        return Move(state=State.RETRY, event=event, values=values)
    assert delivery.sending_at is not None
    began = delivery.sending_at
    return Move(
        state=State.UNKNOWN,
        event=event,
        values={
            "owner": None if owner_dead else delivery.owner,
            "lease_until": None,
            "doubt_since": delivery.doubt_since or began,
            "due": now + policy.settling,  # it may have called just now
            "looks": 0,
            "error": dump(
                msg("the process ended during the call; whether it is there is being settled")
            ),
            "error_code": "outcome-unknown",
            "needs_person": delivery.replay is Replay.BLIND,
        },
    )


def settle(delivery: Delivery, now: int, policy: Policy) -> Step:
    """What the next step towards an answer is. A keyed call is repeated once inside its window;
    after that, or where there is no key, the account is read back."""
    if delivery.needs_person or delivery.replay is Replay.BLIND:
        return "person"
    if now < delivery.due:
        return "wait"
    fresh = delivery.reason != _REPEATED and delivery.looks == 0
    if delivery.replay is Replay.KEYED and fresh and _in_window(delivery, now, policy):
        return "repeat"
    return "look"


def found(
    delivery: Delivery, finding: Finding, now: int, policy: Policy, *, owner_alive: bool
) -> Move:
    """What reading back says. Only absent, twice with a gap, permits another attempt, and only
    when nobody can still be about to make the call."""
    if isinstance(finding, Found):
        return sent(delivery, finding.receipt, "found", now)
    if not isinstance(finding, Absent):
        return _ask(
            delivery,
            msg("the account could not be read back far enough to tell whether it is there"),
        )
    looks = delivery.looks + 1
    if looks >= 2 and delivery.error_code == Duplicate.code:
        return _ask(delivery, msg("the network says that it is there, and it cannot be found"))
    if looks < 2 or owner_alive:
        gap = policy.gap if looks < 2 else STANDSTILL
        return Move(
            state=State.UNKNOWN,
            event="absent",
            values={"lease_until": None, "looks": looks, "due": now + gap},
        )
    return Move(
        state=State.RETRY,
        event="absent",
        values={
            **_RELEASED,
            **_UNSPENT,
            "doubt_since": None,
            "looks": 0,
            "due": now,
            "reason": None,
            "payload": None,
            "error_code": "not-sent",
            "error": dump(msg("read back twice: it is not there")),
        },
    )


def look_failed(delivery: Delivery, error: PosterError, now: int, jitter: float) -> Move:
    """The account could not be read: ask again later; the doubt stays."""
    return Move(
        state=State.UNKNOWN,
        event="look-failed",
        values={
            "lease_until": None,
            "due": now + backoff(delivery.looks + 1, jitter),
            "error": dump(error.message),
            "error_code": error.code,
        },
        wait=_target_wait(error, delivery.attempts, now, jitter),
    )


def not_asked(error: PosterError, now: int, jitter: float) -> Wait:
    """The account could not be asked who it is, or what it has shared: it makes no call for now."""
    later = Wait(until=now + max(SECOND, backoff(1, jitter)), reason=error.code)
    return _target_wait(error, 0, now, jitter) or later


def in_doubt() -> Move:
    """It may be out there already, and nothing can tell: held until a person says."""
    return Move(state=State.HELD, event="in-doubt", values={"reason": "doubt"})


def too_old(delivery: Delivery, now: int, policy: Policy) -> bool:
    """Only age ends retries, counted while they were tried: from the first that failed to when the
    next was due, not how long its turn was away. One that was only put off (the account waited,
    the process died) was not tried, and has longer."""
    if delivery.attempts:
        return delivery.due - delivery.planned_at > policy.give_up
    put_off = delivery.frozen and not delivery.part
    return put_off and now - delivery.planned_at > policy.give_up + PUT_OFF


def give_up(delivery: Delivery) -> Move:
    told = dump(msg("given up: it has been tried for too long"))
    return Move(
        state=State.FAILED,
        event="too-old",
        values={**_RELEASED, **_UNSPENT, "reason": "too-old"},
        detail=told,
    )


def backoff(attempts: int, jitter: float) -> int:
    """Exponential with full jitter, in microseconds."""
    most = min(BACKOFF_MOST, BACKOFF_FIRST * 2 ** max(0, min(attempts, 12) - 1))
    return int(most * jitter)


def micros(moment: datetime) -> int:
    """UTC microseconds of an aware datetime."""
    return round(moment.timestamp() * SECOND)


def dump(message: Message) -> str:
    """A message as the ledger keeps it: in no language, so that it can be shown in any."""
    return json.dumps(message, ensure_ascii=False, default=_plain)


def load(text: str | None) -> Message | None:
    """What `dump` kept."""
    if not text:
        return None
    kept = json.loads(text, object_hook=_message)
    return kept if isinstance(kept, Message) else None


def _plain(value: Any) -> Any:
    return (
        {"t": value.template, "v": dict(value.values)} if isinstance(value, Message) else str(value)
    )


def _message(kept: dict[str, Any]) -> Any:
    return Message(kept["t"], kept["v"]) if set(kept) == {"t", "v"} else kept


_RELEASED: Mapping[str, Any] = {"owner": None, "lease_until": None}
_UNSPENT: Mapping[str, Any] = {"spent_at": None}
_REPEATED = "repeated"


def _left_out(delivery: Delivery) -> Iterator[Message]:
    """That it goes without its image after too many tries, and why."""
    images = (delivery.draft or {}).get("images")
    if images and not (delivery.with_images or delivery.part or delivery.kind == "retract"):
        yield msg("sent without its image: {why}", why=load(delivery.error) or "")


def _unknown(
    delivery: Delivery,
    error: PosterError,
    now: int,
    policy: Policy,
    jitter: float,
    wait: Wait | None,
) -> Move:
    began = delivery.sending_at or now
    values: dict[str, Any] = {
        **_RELEASED,
        "error": dump(error.message),
        "error_code": error.code,
        "doubt_since": delivery.doubt_since or began,
        "due": now + policy.settling,
        "needs_person": delivery.replay is Replay.BLIND,
    }
    if isinstance(error, NotSent) and not isinstance(error, Rejected | MediaRefused):
        # The repeat never left, so the key may still be asked.
        values |= {"reason": None, "due": wait.until if wait else now + backoff(1, jitter)}
    return Move(
        state=State.UNKNOWN, event=error.code, values=values, detail=values["error"], wait=wait
    )


def _retry(
    delivery: Delivery,
    error: NotSent,
    now: int,
    policy: Policy,
    jitter: float,
    told: Mapping[str, Any],
    wait: Wait | None,
) -> Move:
    burns = wait is None
    attempts = delivery.attempts + (1 if burns else 0)
    due = wait.until if wait else now + backoff(attempts, jitter)
    values: dict[str, Any] = {
        **_RELEASED,
        **_UNSPENT,
        **told,
        "attempts": attempts,
        "due": due,
        "key": None,
        "payload": None,
    }
    if not delivery.frozen or (burns and not delivery.attempts):
        values |= {"planned_at": now}  # until now it waited for its turn
    if isinstance(error, MediaUnavailable) and attempts >= IMAGE_ATTEMPTS:
        values |= {"with_images": False}
    if isinstance(error, MediaRefused):
        values |= {"due": now, "with_images": attempts < IMAGE_ATTEMPTS}
    return Move(state=State.RETRY, event=error.code, values=values, detail=told["error"], wait=wait)


def _ask(delivery: Delivery, why: Message) -> Move:
    return Move(
        state=State.UNKNOWN,
        event="cannot-tell",
        values={
            "lease_until": None,
            "needs_person": True,
            "error": dump(why),
            "error_code": "cannot-tell",
        },
    )


def _target_wait(error: PosterError, attempts: int, now: int, jitter: float) -> Wait | None:
    if isinstance(error, Unauthorized):
        return Wait(until=now + PAUSE, reason="unauthorized", paused=dump(error.message))
    if isinstance(error, RateLimited | OutOfQuota):
        spent = isinstance(error, OutOfQuota)  # that is not over in seconds, and each try may cost
        later = now + (PAUSE if spent else max(SECOND, backoff(attempts + 1, jitter)))
        until = micros(error.until) if error.until else later
        return Wait(until=max(until, now + SECOND), reason=error.code)
    return None


def _in_window(delivery: Delivery, now: int, policy: Policy) -> bool:
    first = delivery.first_sending_at
    return first is not None and now + policy.timeout < first + int(delivery.key_seconds * SECOND)
