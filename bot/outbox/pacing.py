"""When an account may post next: slots, quiet hours, gaps and caps, from what it posted before. Pure.

Moments are UTC microseconds. What was posted counts by the moment it began. A clock that is set back
finds posts ahead of it: they count as if they were of now, up to a day ahead, so that no slot and no
cap is used twice; what lies farther ahead counts for its own slot alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bot.outbox.slots import (
    DAY,
    EPOCH,
    HOUR,
    MICRO,
    around,
    day_begins,
    delay,
    is_quiet,
    quiet_begins,
    quiet_ends,
)
from bot.schema import parse_duration
from bot.settings import NO_BUDGET, Account, Budget
from bot.timetable import Rule, Spans, parse_quiet, parse_slots

LOOKBACK = 49 * HOUR
"""What was posted in this time decides, and the newest post at all."""
AHEAD = 26 * HOUR
"""So far ahead of the clock a post counts as of now: longer than any calendar day."""
_ROUNDS = 60
"""So often a moment is looked at again for one opening; a wait is never missed, only shortened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """An account's settings of time, read once. Spans in microseconds; 0 (links: None): no limit."""

    account: str
    zone: ZoneInfo
    slots: tuple[Rule, ...]
    slot_open: int | None
    quiet: Spans
    min_gap: int
    jitter: int
    max_per_day: int
    max_per_hour: int
    links_per_day: int | None
    daily_cap: int
    max_age: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One earlier visible share of the account: its first part, also where its answer was lost."""

    at: int
    linked: bool = False
    exact: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """`open`: an ordinary delivery may be claimed now; else `until` and `reason` (a word of
    `bot.words.REASONS`) say when that may change. `exact_open`: one whose time a person set may go;
    `link`: one with a link may, as far as links are counted. Each `…until` is None where open."""

    open: bool
    until: int | None
    reason: str | None
    exact_open: bool
    exact_until: int | None
    link: bool
    link_until: int | None


class Wait(NamedTuple):
    until: int
    reason: str


def timing_of(account: Account, timezone: str) -> Timing:
    """`timezone`: the site's, where the account has none."""
    return Timing(
        account=account.name,
        zone=ZoneInfo(account.timezone or timezone),
        slots=parse_slots(account.slots),
        slot_open=_micros(account.slot_open) or None,
        quiet=parse_quiet(account.quiet),
        min_gap=_micros(account.min_gap),
        jitter=_micros(account.jitter),
        max_per_day=account.max_per_day,
        max_per_hour=account.max_per_hour,
        links_per_day=account.links_per_day,
        daily_cap=account.daily_cap,
        max_age=_micros(account.max_age) or None,
    )


def gate(timing: Timing, calls: Sequence[Call], now: int) -> Gate:
    """What may go now. `calls`: those of the last LOOKBACK and the newest at all, in any order."""
    waits = list(_waits(timing, calls, now))
    longest = max(waits, default=None)
    cap = _cap(timing, _ats(calls, now), now)
    link_until = _links(timing, calls, now)
    return Gate(
        open=longest is None,
        until=longest and _open_from(timing, calls, longest.until),
        reason=longest and longest.reason,
        exact_open=cap is None,
        exact_until=cap and cap.until,
        link=link_until is None,
        link_until=link_until,
    )


def openings(timing: Timing, calls: Sequence[Call], now: int, count: int) -> Sequence[int]:
    """The next `count` moments at which a post would go, each used; fewer where there are none."""
    used, found = list(calls), list[int]()
    for _ in range(count):
        now = _open_from(timing, used, now)
        if next(_waits(timing, used, now), None) is not None:
            break
        used.insert(0, Call(at=now))
        found.append(now)
    return found


def expires(timing: Timing, first_seen: int) -> int | None:
    """When a post has waited too long; None: never."""
    return None if timing.max_age is None else first_seen + timing.max_age


# --- why not now --------------------------------------------------------------------------------


def _waits(timing: Timing, calls: Sequence[Call], now: int) -> Iterator[Wait]:
    """Everything that stands against a post now, and when each may end."""
    ats = _ats(calls, now)
    for wait in (
        _cap(timing, ats, now),
        _day(timing, ats, now),
        _rolling(ats, timing.max_per_hour, HOUR, now, "hour"),
        _slot(timing, calls, ats, now) if timing.slots else None,
        _quiet(timing, now) if timing.quiet else None,
        _rolling(ats, 1, timing.min_gap, now, "gap"),
    ):
        if wait is not None:
            yield wait


def _ats(calls: Sequence[Call], now: int) -> list[int]:
    return sorted((call.at for call in calls if call.at <= now + AHEAD), reverse=True)


def _cap(timing: Timing, ats: Sequence[int], now: int) -> Wait | None:
    return _rolling(ats, timing.daily_cap, DAY, now, "cap")


def _rolling(ats: Sequence[int], most: int, span: int, now: int, reason: str) -> Wait | None:
    """At most so many in any time of that length."""
    if not most or not span or len(ats) < most or (ends := ats[most - 1] + span) <= now:
        return None
    return Wait(ends, reason)


def _day(timing: Timing, ats: Sequence[int], now: int) -> Wait | None:
    if not timing.max_per_day or len(ats) < timing.max_per_day:
        return None
    if ats[timing.max_per_day - 1] < day_begins(timing.zone, now):
        return None
    return Wait(day_begins(timing.zone, now, 1), "day")


def _links(timing: Timing, calls: Sequence[Call], now: int) -> int | None:
    """When a post with a link may go again; None: now."""
    most = timing.links_per_day
    if most is None:
        return None
    begins = day_begins(timing.zone, now)
    there = sum(call.linked and begins <= call.at <= now + AHEAD for call in calls)
    return None if there < most else day_begins(timing.zone, now, 1)


def _quiet(timing: Timing, now: int) -> Wait | None:
    if not is_quiet(timing.quiet, timing.zone, now):
        return None
    return Wait(quiet_ends(timing.quiet, timing.zone, now), "quiet")


def _slot(timing: Timing, calls: Sequence[Call], ats: Sequence[int], now: int) -> Wait | None:
    """A slot is one post: it is used by anything posted while it is open."""
    last, after = around(timing.slots, timing.zone, now)
    if last is not None:
        ends = _closes(timing, last, after)
        if now < ends and not _used(calls, ats, last, ends):
            opens = last + _delay(timing, last, ends)
            return Wait(opens, "slot") if now < opens else None
    if after is None:
        return Wait(now + DAY, "slot")
    ends = _closes(timing, after, around(timing.slots, timing.zone, after).next)
    return Wait(after + _delay(timing, after, ends), "slot")


def _used(calls: Sequence[Call], ats: Sequence[int], opened: int, ends: int) -> bool:
    return bool(ats and ats[0] >= opened) or any(opened <= call.at < ends for call in calls)


def _closes(timing: Timing, opened: int, after: int | None) -> int:
    own = opened + (timing.slot_open or 100 * 366 * DAY)
    return own if after is None else min(own, after)


def _delay(timing: Timing, opened: int, ends: int) -> int:
    """Within the first half of the slot, and before it is quiet: what comes late finds it open."""
    if not timing.jitter:
        return 0
    if timing.quiet and not is_quiet(timing.quiet, timing.zone, opened):
        ends = min(ends, quiet_begins(timing.quiet, timing.zone, opened))
    return delay(timing.account, opened, min(timing.jitter, (ends - opened) // 2))


def _open_from(timing: Timing, calls: Sequence[Call], moment: int) -> int:
    """The first moment from this one on at which nothing stands against a post."""
    for _ in range(_ROUNDS):
        longest = max(_waits(timing, calls, moment), default=None)
        if longest is None:
            break
        moment = longest.until
    return moment


def _micros(duration: str) -> int:
    return parse_duration(duration) // MICRO if duration else 0


# --- money --------------------------------------------------------------------------------------

MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Purse:
    """What these accounts may spend together in a month, in millionths of a dollar."""

    name: str
    limit: int
    accounts: tuple[str, ...]


def purses(accounts: Sequence[Account], budgets: Mapping[str, Budget]) -> Mapping[str, Purse]:
    """Each account's purse; an account without a budget has none."""
    shared: dict[str, list[str]] = {}
    for account in accounts:
        if isinstance(account.budget, str):
            shared.setdefault(account.budget, []).append(account.name)
    found: dict[str, Purse] = {}
    for account in accounts:
        said = account.budget
        if isinstance(said, str) and said != NO_BUDGET:
            names = tuple(shared[said])
            found[account.name] = Purse(name=said, limit=micros(budgets[said].usd), accounts=names)
        elif isinstance(said, float):
            own = (account.name,)
            found[account.name] = Purse(name=account.name, limit=micros(said), accounts=own)
    return found


def micros(dollars: Decimal | float) -> int:
    """Millionths of a dollar, rounded up."""
    return int((Decimal(str(dollars)) * MILLION).to_integral_value(ROUND_CEILING))


def budget_left(purse: Purse, spent: int) -> int:
    return max(0, purse.limit - spent)


def month_start(now: int, ahead: int = 0) -> int:
    """When the calendar month of `now` began in UTC, or one so many months `ahead`."""
    day = EPOCH + timedelta(microseconds=now)
    years, month = divmod(day.month - 1 + ahead, 12)
    first = day.replace(year=day.year + years, month=month + 1, day=1)
    return (first.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC) - EPOCH) // MICRO
