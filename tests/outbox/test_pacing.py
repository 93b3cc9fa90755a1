"""When an account may post next: the cases that an owner would think of, and what never happens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.outbox.pacing import (
    AHEAD,
    Call,
    Timing,
    budget_left,
    expires,
    gate,
    micros,
    month_start,
    openings,
    purses,
    timing_of,
)
from bot.outbox.slots import DAY, EPOCH, HOUR, MINUTE, is_quiet
from bot.settings import Account, Budget
from tests.outbox.test_slots import CHANGES, first_shown, utc, watched

TOKYO = "Asia/Tokyo"


def timing(zone: str = TOKYO, **said: Any) -> Timing:
    return timing_of(Account(name="a", network="file", **said), zone)


def at(text: str, zone: str = TOKYO) -> int:
    """A moment as clocks show it there; `+1` behind it: the second time."""
    text, again, _ = text.partition("+1")
    shown = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=bool(again))
    return (shown - EPOCH) // timedelta(microseconds=1)


def shown(moments: Sequence[int], zone: str = TOKYO) -> list[str]:
    return [
        (EPOCH + timedelta(microseconds=m)).astimezone(ZoneInfo(zone)).strftime("%a %H:%M")
        for m in moments
    ]


def calls(*texts: str, linked: bool = False) -> list[Call]:
    """Newest first."""
    return [Call(at=at(text), linked=linked) for text in reversed(texts)]


# --- slots --------------------------------------------------------------------------------------

THREE: dict[str, Any] = {"slots": ("mon-fri 08:00,12:10,19:00", "sat,sun 10:00")}


def test_without_settings_everything_goes_at_once() -> None:
    now = at("2026-02-10 09:00")
    met = gate(timing(), [], now)
    assert (met.open, met.until, met.reason, met.exact_open, met.link) == (
        True,
        None,
        None,
        True,
        True,
    )
    assert openings(timing(), [], now, 3) == [now] * 3


def test_the_next_slots_one_post_each() -> None:
    """10 February 2026 is a Tuesday."""
    used = calls("2026-02-13 08:02")
    found = openings(timing(**THREE), used, at("2026-02-13 09:00"), 6)
    assert shown(found) == [
        "Fri 12:10",
        "Fri 19:00",
        "Sat 10:00",
        "Sun 10:00",
        "Mon 08:00",
        "Mon 12:10",
    ]


def test_a_slot_stays_open_until_the_next_one() -> None:
    late = at("2026-02-10 12:09:59")
    assert gate(timing(**THREE), calls("2026-02-09 19:00"), late).open


def test_a_slot_of_a_week_is_open_for_a_week() -> None:
    weekly = timing(slots=("mon 08:00",))
    assert gate(weekly, calls("2026-02-06 08:00"), at("2026-02-15 23:00")).open


def test_a_slot_is_used_by_whatever_was_posted_in_it() -> None:
    used = [Call(at=at("2026-02-10 08:00"), exact=True)]
    met = gate(timing(**THREE), used, at("2026-02-10 12:09"))
    assert (met.open, met.reason, met.until) == (False, "slot", at("2026-02-10 12:10"))
    assert gate(timing(**THREE), used, at("2026-02-10 12:10")).open


def test_after_a_downtime_one_now_and_the_rest_in_the_slots() -> None:
    last = calls("2026-02-06 08:00")
    found = openings(timing(**THREE), last, at("2026-02-10 15:00"), 3)
    assert shown(found) == ["Tue 15:00", "Tue 19:00", "Wed 08:00"]


def test_slot_open_ends_a_slot_before_the_next() -> None:
    short = timing(**THREE, slot_open="90m")
    assert gate(short, [], at("2026-02-10 09:29")).open
    met = gate(short, [], at("2026-02-10 09:30"))
    assert (met.open, met.reason, met.until) == (False, "slot", at("2026-02-10 12:10"))


def test_what_a_person_sent_between_two_slots_uses_none() -> None:
    short = timing(**THREE, slot_open="90m")
    assert gate(short, calls("2026-02-10 11:00"), at("2026-02-10 12:10")).open


def test_a_skipped_slot_comes_when_the_clocks_are_changed_and_a_doubled_one_once() -> None:
    night = timing("Europe/Berlin", slots=("02:30",))
    spring = openings(night, [], at("2026-03-28 03:00", "Europe/Berlin"), 3)
    assert shown(spring, "Europe/Berlin") == ["Sat 03:00", "Sun 03:00", "Mon 02:30"]
    autumn = openings(night, [], at("2026-10-25 02:30", "Europe/Berlin"), 2)
    assert autumn[1] - autumn[0] == 25 * HOUR
    assert shown(autumn, "Europe/Berlin") == ["Sun 02:30", "Mon 02:30"]


def test_jitter_puts_a_post_into_the_first_half_of_its_slot_at_the_most() -> None:
    late = timing(slots=("08:00,09:00",), jitter="12h")
    found = openings(late, calls("2026-02-09 10:00"), at("2026-02-09 23:00"), 40)
    assert found == openings(late, calls("2026-02-09 10:00"), at("2026-02-09 23:00"), 40)
    eight = [m - at("2026-02-10 08:00") - n * DAY for n, m in enumerate(found[::2])]
    nine = [m - at("2026-02-10 09:00") - n * DAY for n, m in enumerate(found[1::2])]
    assert all(0 <= wait <= HOUR // 2 for wait in eight)
    assert all(0 <= wait <= 23 * HOUR // 2 for wait in nine)
    assert len(set(eight)) > 10


def test_jitter_puts_no_post_into_quiet_hours() -> None:
    late = timing(slots=("22:50",), jitter="1h", quiet="23:00-07:00")
    found = openings(late, calls("2026-02-09 23:00"), at("2026-02-10 12:00"), 30)
    assert {text[4:8] for text in shown(found)} == {"22:5"}


def test_jitter_keeps_a_late_run_from_nothing() -> None:
    """A run at the slot's last minute finds it open, whatever its delay is."""
    late = timing(slots=("08:00,09:00",), jitter="12h")
    assert all(gate(late, [], at("2026-02-10 08:59") + n * DAY).open for n in range(30))


# --- quiet, gap, counts -------------------------------------------------------------------------


def test_quiet_hours_are_those_of_the_clock_also_when_it_is_changed() -> None:
    night = timing("Europe/Berlin", quiet="23:00-07:00")
    for day, hours in (("2026-03-28", 7), ("2026-03-30", 8), ("2026-10-24", 9)):
        began = at(f"{day} 23:00", "Europe/Berlin")
        met = gate(night, [], began)
        assert (met.open, met.reason, met.until) == (False, "quiet", began + hours * HOUR)


def test_a_slot_in_quiet_hours_is_used_when_they_end() -> None:
    early = timing(slots=("06:30,12:00",), quiet="23:00-07:00")
    found = openings(early, calls("2026-02-09 13:00"), at("2026-02-10 06:00"), 2)
    assert shown(found) == ["Tue 07:00", "Tue 12:00"]


def test_the_gap_counts_from_the_newest() -> None:
    slow = timing(min_gap="45m")
    met = gate(slow, calls("2026-02-10 08:00", "2026-02-10 09:00"), at("2026-02-10 09:44"))
    assert (met.open, met.reason, met.until) == (False, "gap", at("2026-02-10 09:45"))
    assert gate(slow, calls("2026-02-10 09:00"), at("2026-02-10 09:45")).open


def test_a_day_is_the_calendar_day_of_the_account_s_zone() -> None:
    few = timing("UTC", timezone="America/New_York", max_per_day=2)
    used = [Call(at=at(f"2026-03-08 {hour}", "America/New_York")) for hour in ("10:00", "01:00")]
    met = gate(few, used, at("2026-03-08 11:00", "America/New_York"))
    tomorrow = at("2026-03-09 00:00", "America/New_York")
    assert (met.open, met.reason, met.until) == (False, "day", tomorrow)
    assert gate(few, used, tomorrow).open


def test_an_hour_is_any_sixty_minutes() -> None:
    few = timing(max_per_hour=2)
    used = calls("2026-02-10 09:10", "2026-02-10 09:50")
    met = gate(few, used, at("2026-02-10 10:05"))
    assert (met.open, met.reason, met.until) == (False, "hour", at("2026-02-10 10:10"))


def test_the_cap_stops_also_what_a_person_timed() -> None:
    capped = timing(daily_cap=2, quiet="23:00-07:00")
    used = calls("2026-02-09 20:00", "2026-02-10 08:00")
    met = gate(capped, used, at("2026-02-10 19:00"))
    assert (met.open, met.reason, met.exact_open) == (False, "cap", False)
    assert met.until == met.exact_until == at("2026-02-10 20:00")


def test_what_a_person_timed_passes_everything_else() -> None:
    strict = timing(**THREE, quiet="23:00-07:00", min_gap="2h", max_per_day=1, max_per_hour=1)
    met = gate(strict, calls("2026-02-10 00:30"), at("2026-02-10 01:00"))
    assert (met.open, met.exact_open, met.exact_until) == (False, True, None)


def test_a_cap_of_none_is_none() -> None:
    free = timing(daily_cap=0)
    assert gate(free, [Call(at=at("2026-02-10 08:00"))] * 500, at("2026-02-10 09:00")).open


def test_until_is_when_all_of_it_has_ended() -> None:
    """The cap ends at 22:00, in slots there is one at 23:30, in quiet hours; the next is at 08:00."""
    strict = timing(slots=("08:00,23:30",), slot_open="1h", quiet="23:00-07:00", daily_cap=1)
    met = gate(strict, calls("2026-02-09 22:00"), at("2026-02-10 21:00"))
    assert (met.until, met.exact_until) == (at("2026-02-11 08:00"), at("2026-02-10 22:00"))


def test_links_are_counted_by_the_calendar_day() -> None:
    one = timing(links_per_day=1)
    used = calls("2026-02-10 08:00", linked=True)
    met = gate(one, used, at("2026-02-10 20:00"))
    assert (met.open, met.link, met.link_until) == (True, False, at("2026-02-11 00:00"))
    assert gate(one, used, at("2026-02-11 00:00")).link
    assert gate(one, calls("2026-02-10 08:00"), at("2026-02-10 20:00")).link


def test_no_links_at_all() -> None:
    assert not gate(timing(links_per_day=0), [], at("2026-02-10 20:00")).link


# --- a clock that jumps -------------------------------------------------------------------------


def test_a_clock_that_is_set_back_reopens_no_slot() -> None:
    used = calls("2026-02-10 12:30")
    met = gate(timing(**THREE), used, at("2026-02-10 11:30"))
    assert (met.open, met.until) == (False, at("2026-02-10 19:00"))


def test_a_clock_that_is_set_back_far_blocks_nothing() -> None:
    """What was posted while the clock was wrong by a year does not silence the account for one."""
    used = calls("2027-02-10 12:30")
    assert gate(timing(**THREE, min_gap="1h"), used, at("2026-02-10 12:30")).open


def test_links_that_lie_far_ahead_block_none() -> None:
    used = calls("2027-02-10 12:30", linked=True)
    assert gate(timing(links_per_day=1), used, at("2026-02-10 12:30")).link


def test_a_slot_of_a_week_is_used_once_also_when_the_clock_is_set_back_far() -> None:
    used = calls("2026-02-15 12:30")
    met = gate(timing(slots=("mon 08:00",)), used, at("2026-02-10 12:30"))
    assert (met.open, met.until) == (False, at("2026-02-16 08:00"))


def test_a_post_expires_by_its_first_sight() -> None:
    seen = at("2026-02-10 09:00")
    assert expires(timing(max_age="36h"), seen) == seen + 36 * HOUR
    assert expires(timing(), seen) == seen + 7 * DAY
    assert expires(timing(max_age=""), seen) is None


# --- what never happens -------------------------------------------------------------------------

clock_times = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 10, 30, 45]))
slot_lists = st.lists(clock_times, min_size=1, max_size=4, unique=True).map(",".join)
spans = st.tuples(clock_times, clock_times).filter(lambda s: s[0] != s[1]).map("-".join)
minutes = st.sampled_from(["", "7m", "45m", "3h"])
accounts = st.fixed_dictionaries(
    {},
    optional={
        "slots": st.lists(slot_lists, min_size=1, max_size=2).map(tuple),
        "slot_open": st.sampled_from(["", "20m", "2h"]),
        "quiet": spans,
        "min_gap": minutes,
        "jitter": minutes,
        "max_per_day": st.integers(0, 4),
        "max_per_hour": st.integers(0, 3),
        "daily_cap": st.integers(0, 6),
    },
)
zones = st.sampled_from(list(CHANGES))
steps = st.lists(
    st.one_of(
        st.integers(1, 120),
        st.integers(1, 90).map(lambda n: n * 60),
        st.sampled_from([-3600, -7200, -86400, 86400, 30 * 3600, -50 * 3600]),
    ),
    min_size=5,
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(zones, st.integers(0, 1), accounts, steps)
def test_whatever_the_clock_does_no_limit_is_passed(
    zone: str, change: int, said: dict[str, Any], jumps: list[int]
) -> None:
    near = CHANGES[zone][change]
    paced, now = timing(zone, **said), utc(near) - DAY
    sent: list[Call] = []
    for seconds in jumps:
        now = min(max(now + seconds * 1_000_000, utc(near) - 2 * DAY), utc(near) + 2 * DAY)
        for _ in range(3):
            if gate(paced, sent, now).open:
                sent = sorted([*sent, Call(at=now)], key=lambda call: call.at, reverse=True)
    moments = [call.at for call in reversed(sent)]
    _keeps(paced, moments, zone, near, said)


def _keeps(
    paced: Timing, moments: Sequence[int], zone: str, near: str, said: dict[str, Any]
) -> None:
    assert not any(is_quiet(paced.quiet, paced.zone, m) for m in moments)
    assert all(b - a >= paced.min_gap for a, b in pairwise(moments))
    _at_most(moments, said.get("max_per_hour", 0), HOUR)
    _at_most(moments, said.get("daily_cap", 24), DAY)
    days = [(EPOCH + timedelta(microseconds=m)).astimezone(paced.zone).date() for m in moments]
    most = said.get("max_per_day", 0)
    assert not most or all(days.count(day) <= most for day in days)
    if "slots" in said:
        times = {time for text in said["slots"] for time in text.split(",")}
        opened = sorted({m for time in times for m in first_shown(zone, near, time)})
        windows = [(a, b) for a, b in pairwise([*opened, watched(zone, near)[-1][0]])]
        for begins, ends in windows:
            assert sum(begins <= m < ends for m in moments) <= 1


def _at_most(moments: Sequence[int], most: int, span: int) -> None:
    if most:
        assert all(b - a >= span for a, b in zip(moments, moments[most:], strict=False))


@settings(max_examples=40, deadline=None)
@given(zones, st.integers(0, 1), accounts, st.lists(st.integers(-1800, 30), max_size=6))
def test_until_is_neither_early_nor_late(
    zone: str, change: int, said: dict[str, Any], before: list[int]
) -> None:
    """Calls lie up to 30 hours back and half an hour ahead of a clock that was set back."""
    now = utc(CHANGES[zone][change]) - 5 * HOUR
    paced = timing(zone, **said)
    used = [Call(at=now + n * MINUTE) for n in sorted(before, reverse=True)]
    met = gate(paced, used, now)
    if met.open:
        assert (met.until, met.reason) == (None, None)
        return
    assert met.until is not None
    assert met.until > now
    if met.until < now + 3 * DAY:
        assert gate(paced, used, met.until).open
        assert not gate(paced, used, met.until - 1).open
    ends = min(met.until, now + 2 * DAY)
    assert not any(gate(paced, used, m).open for m in range(now, ends, 5 * MINUTE))


@settings(max_examples=40, deadline=None)
@given(zones, st.integers(0, 1), accounts)
def test_the_openings_that_are_told_are_those_that_come(
    zone: str, change: int, said: dict[str, Any]
) -> None:
    begins = utc(CHANGES[zone][change]) - 20 * HOUR
    paced = timing(zone, **{**said, "jitter": ""})
    told, came, used = openings(paced, [], begins, 5), list[int](), list[Call]()
    for now in range(begins, begins + 2 * DAY, MINUTE):
        while len(came) < len(told) and gate(paced, used, now).open:
            came.append(now)
            used.insert(0, Call(at=now))
    assert came == [m for m in told if m < begins + 2 * DAY]


def test_a_limit_looks_farther_ahead_than_the_longest_day() -> None:
    assert AHEAD > 25 * HOUR


# --- money --------------------------------------------------------------------------------------


def x(name: str, budget: float | str | None) -> Account:
    return Account(name=name, network="x", budget=budget)


def test_a_purse_is_the_account_s_own_or_shared() -> None:
    found = purses(
        [x("a", 5.0), x("b", "both"), x("c", "both"), x("d", "none"), x("e", None)],
        {"both": Budget(usd=0.29)},
    )
    assert {name: (p.name, p.limit, p.accounts) for name, p in found.items()} == {
        "a": ("a", 5_000_000, ("a",)),
        "b": ("both", 290_000, ("b", "c")),
        "c": ("both", 290_000, ("b", "c")),
    }
    assert (budget_left(found["b"], 90_000), budget_left(found["b"], 300_000)) == (200_000, 0)


def test_money_is_counted_in_millionths_and_never_too_low() -> None:
    assert micros(0.205) == 205_000
    assert micros(0.0000011) == 2


@pytest.mark.parametrize(
    ("now", "ahead", "start"),
    [
        ("2026-02-10T09:00", 0, "2026-02-01T00:00"),
        ("2026-03-01T00:00", 0, "2026-03-01T00:00"),
        ("2026-01-31T09:00", 1, "2026-02-01T00:00"),
        ("2026-12-31T23:59", 1, "2027-01-01T00:00"),
    ],
)
def test_a_month_is_the_calendar_month_in_utc(now: str, ahead: int, start: str) -> None:
    assert month_start(utc(now), ahead) == utc(start)
