"""Slots and quiet hours where clocks are changed, against a clock that is looked at every minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.outbox.slots import (
    DAY,
    EPOCH,
    MINUTE,
    around,
    day_begins,
    delay,
    instant,
    is_quiet,
    quiet_begins,
    quiet_ends,
)
from bot.timetable import parse_quiet, parse_slots

CHANGES = {
    "Europe/Berlin": ("2026-03-29T01:00", "2026-10-25T01:00"),
    "America/New_York": ("2026-03-08T07:00", "2026-11-01T06:00"),
    "Australia/Lord_Howe": ("2026-04-04T15:00", "2026-10-03T15:30"),
    "America/Santiago": ("2026-04-05T03:00", "2026-09-06T04:00"),
    "Asia/Tokyo": ("2026-02-10T00:00", "2026-12-31T15:00"),
}
PLACES = [(name, moment) for name, moments in CHANGES.items() for moment in moments]
times = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 1, 15, 30, 59]))
places = st.sampled_from(PLACES)


def utc(text: str) -> int:
    """Microseconds of a moment that is written in UTC."""
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


def shown(zone: str, moment: int) -> str:
    local = (EPOCH + timedelta(microseconds=moment)).astimezone(ZoneInfo(zone))
    return local.strftime("%m-%d %H:%M %z")


@cache
def watched(zone: str, around_moment: str) -> list[tuple[int, datetime]]:
    """Five days of a clock on the wall, minute by minute: (moment, what it shows)."""
    middle, there = utc(around_moment), ZoneInfo(zone)
    moments = range(middle - 5 * DAY // 2, middle + 5 * DAY // 2, MINUTE)
    return [
        (m, (EPOCH + timedelta(microseconds=m)).astimezone(there).replace(tzinfo=None))
        for m in moments
    ]


def first_shown(zone: str, near: str, time: str) -> list[int]:
    """When that clock first shows the time of each day, or something later."""
    hour, minute = map(int, time.split(":"))
    wall = watched(zone, near)
    found = []
    for n in range(-1, 6):
        due = datetime.combine(wall[0][1] + timedelta(days=n), datetime.min.time())
        due += timedelta(hours=hour, minutes=minute)
        if wall[0][1] < due:
            found += [next((m for m, said in wall if said >= due), 0)]
    return [m for m in found if m]


@pytest.mark.parametrize(
    ("zone", "day", "time", "there"),
    [
        ("Europe/Berlin", "2026-03-28", "02:30", "03-28 02:30 +0100"),
        ("Europe/Berlin", "2026-03-29", "01:59", "03-29 01:59 +0100"),
        ("Europe/Berlin", "2026-03-29", "02:30", "03-29 03:00 +0200"),
        ("Europe/Berlin", "2026-03-29", "03:00", "03-29 03:00 +0200"),
        ("Europe/Berlin", "2026-10-25", "02:30", "10-25 02:30 +0200"),
        ("Europe/Berlin", "2026-10-25", "03:00", "10-25 03:00 +0100"),
        ("America/New_York", "2026-03-08", "02:00", "03-08 03:00 -0400"),
        ("America/New_York", "2026-11-01", "01:15", "11-01 01:15 -0400"),
        ("Australia/Lord_Howe", "2026-10-04", "02:15", "10-04 02:30 +1100"),
        ("Australia/Lord_Howe", "2026-04-05", "01:45", "04-05 01:45 +1100"),
        ("America/Santiago", "2026-09-06", "00:00", "09-06 01:00 -0300"),
        ("Asia/Tokyo", "2026-03-29", "02:30", "03-29 02:30 +0900"),
    ],
)
def test_a_time_that_is_skipped_or_shown_twice(zone: str, day: str, time: str, there: str) -> None:
    date = datetime.fromisoformat(day)
    hour, minute = map(int, time.split(":"))
    at = instant(ZoneInfo(zone), date.toordinal(), hour * 60 + minute)
    assert shown(zone, at) == there


@settings(max_examples=60, deadline=None)
@given(places, st.lists(times, min_size=1, max_size=4), st.integers(0, 5 * 24 * 60 - 1))
def test_the_slots_around_a_moment_are_those_of_the_clock_on_the_wall(
    place: tuple[str, str], wanted: list[str], after: int
) -> None:
    zone, near = place
    openings = sorted({m for time in wanted for m in first_shown(zone, near, time)})
    now = watched(zone, near)[after][0]
    found = around(parse_slots([",".join(wanted)]), ZoneInfo(zone), now)
    earlier, later = [m for m in openings if m <= now], [m for m in openings if m > now]
    if earlier:
        assert found.last == earlier[-1]
    if later:
        assert found.next == later[0]


@settings(max_examples=60, deadline=None)
@given(places, times, times, st.integers(0, 3 * 24 * 60))
def test_quiet_hours_end_and_begin_when_the_clock_on_the_wall_says_so(
    place: tuple[str, str], start: str, end: str, after: int
) -> None:
    if start == end:
        return
    zone, near = place
    spans = parse_quiet(f"{start}-{end}")
    wall = watched(zone, near)[after:]
    now, said = wall[0]
    quiet = _within(said, start, end)
    assert is_quiet(spans, ZoneInfo(zone), now) is quiet
    other = next(m for m, said in wall if _within(said, start, end) is not quiet)
    assert (quiet_ends if quiet else quiet_begins)(spans, ZoneInfo(zone), now) == other


@pytest.mark.parametrize(
    ("quiet", "now", "ends"),
    [
        ("02:30-05:00", "10-25 00:45", "10-25 01:00"),  # 02:45, then clocks show 02:00 again
        ("23:00-02:30", "10-24 22:00", "10-25 00:30"),
        ("23:00-02:30", "10-25 01:10", "10-25 01:30"),  # the second 02:10
        ("23:00-02:30", "03-28 23:00", "03-29 01:00"),  # 02:30 is skipped
        ("02:15-02:45,06:00-07:00", "03-29 04:30", "03-29 05:00"),
    ],
)
def test_quiet_hours_in_berlin_when_clocks_are_changed(quiet: str, now: str, ends: str) -> None:
    moments = utc(f"2026-{now}".replace(" ", "T")), utc(f"2026-{ends}".replace(" ", "T"))
    assert is_quiet(parse_quiet(quiet), ZoneInfo("Europe/Berlin"), moments[0])
    assert quiet_ends(parse_quiet(quiet), ZoneInfo("Europe/Berlin"), moments[0]) == moments[1]


def test_it_is_quiet_again_when_clocks_are_set_back_into_quiet_hours() -> None:
    spans, zone = parse_quiet("23:00-02:30"), ZoneInfo("Europe/Berlin")
    assert quiet_begins(spans, zone, utc("2026-10-25T00:40")) == utc("2026-10-25T01:00")


def _within(said: datetime, start: str, end: str) -> bool:
    """By texts, which sort as times do."""
    now = said.strftime("%H:%M")
    return start <= now < end if start < end else now >= start or now < end


def test_a_slot_that_comes_once_in_years_is_found_from_both_sides() -> None:
    rules, zone = parse_slots(["0 8 29 2 *"]), ZoneInfo("Europe/Berlin")
    found = around(rules, zone, utc("2026-02-10T00:00"))
    assert found == (utc("2024-02-29T07:00"), utc("2028-02-29T07:00"))


@pytest.mark.parametrize(
    ("zone", "now", "began"),
    [
        ("Asia/Tokyo", "2026-02-10T14:59", "2026-02-09T15:00"),
        ("Asia/Tokyo", "2026-02-10T15:00", "2026-02-10T15:00"),
        ("Europe/Berlin", "2026-03-29T12:00", "2026-03-28T23:00"),
        ("America/Santiago", "2026-09-06T12:00", "2026-09-06T04:00"),
    ],
)
def test_when_the_calendar_day_began(zone: str, now: str, began: str) -> None:
    assert day_begins(ZoneInfo(zone), utc(now)) == utc(began)


def test_the_delay_is_a_value_of_account_and_slot() -> None:
    slots = range(0, 50 * DAY, DAY)
    one = [delay("a", slot, 10 * MINUTE) for slot in slots]
    assert one == [delay("a", slot, 10 * MINUTE) for slot in slots]
    assert one != [delay("b", slot, 10 * MINUTE) for slot in slots]
    assert all(0 <= wait <= 10 * MINUTE for wait in one)
    assert len(set(one)) > 30
    assert delay("a", 0, 0) == 0
