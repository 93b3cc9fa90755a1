"""Slots and quiet hours in a time zone: from what clocks show there to moments and back. Pure.

Moments are UTC microseconds. What clocks skip in spring happens when they have skipped it; what they
show twice in autumn happens the first time.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bot.timetable import Rule, Spans, in_spans, times_on

MICRO = timedelta(microseconds=1)
SECOND = 1_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 24 * 3600 * SECOND
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FARTHEST = 29 * 366
"""Days within which every timetable has a slot: `timetable` refuses those that have none."""


class Around(NamedTuple):
    """The openings of slots around a moment; None where there is none within reach."""

    last: int | None
    next: int | None


def around(rules: tuple[Rule, ...], zone: ZoneInfo, moment: int) -> Around:
    """The last opening until `moment`, and the first after it."""
    today = local(zone, moment).toordinal()
    there = _openings(rules, zone, today)
    n = bisect_right(there, moment)
    last = there[n - 1] if n else _beyond(rules, zone, today, -1)
    after = there[n] if n < len(there) else _beyond(rules, zone, today, 1)
    return Around(last, after)


def delay(name: str, opening: int, longest: int) -> int:
    """Whole seconds, from none to `longest`: the same for one account and slot at all times."""
    digest = hashlib.sha256(f"{name}\n{opening}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8]) % (longest // SECOND + 1) * SECOND


def is_quiet(spans: Spans, zone: ZoneInfo, moment: int) -> bool:
    """By what the clocks there show, also where they show it twice."""
    now = local(zone, moment)
    return in_spans(spans, now.hour * 60 + now.minute)


def quiet_ends(spans: Spans, zone: ZoneInfo, moment: int) -> int:
    """When the quiet that holds at `moment` ends."""
    return _next_edge(spans, zone, moment, quiet=False)


def quiet_begins(spans: Spans, zone: ZoneInfo, moment: int) -> int:
    """When it is quiet next, where it is not at `moment`."""
    return _next_edge(spans, zone, moment, quiet=True)


def day_begins(zone: ZoneInfo, moment: int, ahead: int = 0) -> int:
    """When the calendar day of `moment` began there, or one so many days `ahead`."""
    return instant(zone, local(zone, moment).toordinal() + ahead, 0)


def local(zone: ZoneInfo, moment: int) -> datetime:
    """What clocks show there."""
    return (EPOCH + moment * MICRO).astimezone(zone)


def instant(zone: ZoneInfo, day: int, minute: int) -> int:
    """When clocks show that minute of that day (a proleptic ordinal), or have just skipped it."""
    early, late = (_shown(zone, day, minute, fold=fold) for fold in (0, 1))
    # Within a gap `fold` turns the order round: https://peps.python.org/pep-0495/
    return _change(zone, late, early) if late < early else early


# --- helpers ------------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def _openings(rules: tuple[Rule, ...], zone: ZoneInfo, day: int) -> Sequence[int]:
    return sorted({instant(zone, day, minute) for minute in times_on(rules, date.fromordinal(day))})


@lru_cache(maxsize=512)
def _beyond(rules: tuple[Rule, ...], zone: ZoneInfo, day: int, step: int) -> int | None:
    """The nearest opening of the days after (before) a day."""
    for n in range(1, FARTHEST):
        near = date.fromordinal(day + step * n)
        if any(rule.on(near) for rule in rules):
            return _openings(rules, zone, near.toordinal())[0 if step > 0 else -1]
    return None


def _next_edge(spans: Spans, zone: ZoneInfo, moment: int, *, quiet: bool) -> int:
    edges = _edges(spans, zone, local(zone, moment).toordinal())
    later = [edge for edge in edges if edge > moment]
    return next((edge for edge in later if is_quiet(spans, zone, edge) is quiet), later[-1])


@lru_cache(maxsize=64)
def _edges(spans: Spans, zone: ZoneInfo, today: int) -> Sequence[int]:
    """Where quiet may begin or end, today and the two days after: at the times that say so, each
    time that clocks show them, and where clocks are changed."""
    minutes = {minute for span in spans for minute in span}
    days = range(today, today + 3)
    found = {instant(zone, day, minute) for day in days for minute in minutes}
    found |= {_shown(zone, day, minute, fold=1) for day in days for minute in minutes}
    first, last = instant(zone, today, 0), instant(zone, today + 3, 0)
    if local(zone, first).utcoffset() != local(zone, last).utcoffset():
        found.add(_change(zone, first, last))
    return sorted({*found, last})


def _change(zone: ZoneInfo, before: int, after: int) -> int:
    """When, between these, the clocks are changed: to the second."""
    old = local(zone, before).utcoffset()
    low, high = before // SECOND, -(-after // SECOND)
    while high - low > 1:
        middle = (low + high) // 2
        if local(zone, middle * SECOND).utcoffset() == old:
            low = middle
        else:
            high = middle
    return high * SECOND


def _shown(zone: ZoneInfo, day: int, minute: int, *, fold: int) -> int:
    """When clocks show it, the first or (`fold`) the second time."""
    at = time(minute // 60, minute % 60, tzinfo=zone, fold=fold)
    return (datetime.combine(date.fromordinal(day), at) - EPOCH) // MICRO
