"""Times of day as an owner writes them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.timetable import clock, in_spans, parse_quiet, parse_slots, times_on

MONDAY = date(2026, 2, 9)


def week(*texts: str) -> dict[str, list[str]]:
    """The times of a week, by weekday; days without one are left out."""
    rules = parse_slots(texts)
    days = [(MONDAY + timedelta(days=n)) for n in range(7)]
    found = {f"{day:%a}": [clock(time) for time in times_on(rules, day)] for day in days}
    return {name: times for name, times in found.items() if times}


WORKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri")
ALL = (*WORKDAYS, "Sat", "Sun")


@pytest.mark.parametrize(
    ("text", "days", "times"),
    [
        ("mon-fri 08:00,12:10,19:00", WORKDAYS, ["08:00", "12:10", "19:00"]),
        ("Mon - Fri 19:00, 08:00", WORKDAYS, ["08:00", "19:00"]),
        ("sat,sun 10:00", ("Sat", "Sun"), ["10:00"]),
        ("08:00,19:00", ALL, ["08:00", "19:00"]),
        ("8:05", ALL, ["08:05"]),
        ("daily 08:00,08:00", ALL, ["08:00"]),
        ("fri-mon 09:00", ("Mon", "Fri", "Sat", "Sun"), ["09:00"]),
        ("tuesday,thurs 09:00", ("Tue", "Thu"), ["09:00"]),
        ("weekends 09:00", ("Sat", "Sun"), ["09:00"]),
        ("月-金 08:00", WORKDAYS, ["08:00"]),
        ("月〜金 ０８：００、１２：１０", WORKDAYS, ["08:00", "12:10"]),
        ("土日 10:00", ("Sat", "Sun"), ["10:00"]),
        ("月曜日、水曜 10:00", ("Mon", "Wed"), ["10:00"]),
        ("平日 10:00", WORKDAYS, ["10:00"]),
        ("0 8 * * 1-5", WORKDAYS, ["08:00"]),
        ("10,40 9-11/2 * * 0", ("Sun",), ["09:10", "09:40", "11:10", "11:40"]),
        ("0 8 * * 7", ("Sun",), ["08:00"]),
        ("0 8 * * fri-sun", ("Fri", "Sat", "Sun"), ["08:00"]),
        ("0 8 * * 5-7", ("Fri", "Sat", "Sun"), ["08:00"]),
        ("*/30 7 * * SAT", ("Sat",), ["07:00", "07:30"]),
        ("0 8 10 2 *", ("Tue",), ["08:00"]),
        ("0 8 10 feb mon", ("Mon", "Tue"), ["08:00"]),
        ("0 8 */2 * mon", ("Mon",), ["08:00"]),
        ("0 8 * mar *", (), []),
    ],
)
def test_what_a_text_says_of_the_week_of_9_february_2026(
    text: str, days: tuple[str, ...], times: list[str]
) -> None:
    assert week(text) == dict.fromkeys(days, times)


def test_several_texts_stand_together_and_a_time_comes_once() -> None:
    assert week("mon 08:00", "mon,tue 08:00,09:00") == {
        "Mon": ["08:00", "09:00"],
        "Tue": ["08:00", "09:00"],
    }


def test_a_leap_day_is_a_day() -> None:
    rules = parse_slots(["0 8 29 2 *"])
    assert times_on(rules, date(2028, 2, 29)) == [480]
    assert times_on(rules, date(2028, 2, 28)) == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", ""),
        ("8h", "8h"),
        ("mon-fri", "mon-fri"),
        ("mon 25:00", "25:00"),
        ("mon 08:60", "08:60"),
        ("mo 08:00", "mo"),
        ("mon-xyz 08:00", "xyz"),
        ("mon 08:00,", ""),
        ("mon 08:00 09:00", "mon 08:00 09:00"),
        ("60 8 * * *", "60"),
        ("0 24 * * *", "24"),
        ("0 8 0 * *", "0"),
        ("0 8 * 13 *", "13"),
        ("0 8 * * 8", "8"),
        ("0 8 * * mun", "mun"),
        ("0 10-8 * * *", "10-8"),
        ("*/0 8 * * *", "0"),
        ("0 8 L * *", "l"),
        ("0 8 30 2 *", "0 8 30 2 *"),
        ("0 8 31 apr,jun *", "0 8 31 apr,jun *"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, word: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_slots([text])
    assert str(caught.value) == word


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("23:00-07:00", ["23:00", "03:00", "06:59"], ["07:00", "22:59"]),
        ("12:00 – 13:00", ["12:00", "12:59"], ["11:59", "13:00"]),
        ("12:00-13:00, 22:00-24:00", ["12:30", "23:59"], ["00:00", "13:00"]),
        ("22:00〜06:00", ["05:59"], ["06:00"]),
        ("", [], ["00:00", "12:00"]),
    ],
)
def test_quiet_hours(text: str, inside: list[str], outside: list[str]) -> None:
    spans = parse_quiet(text)
    quiet = {shown for shown in (*inside, *outside) if in_spans(spans, _minute(shown))}
    assert quiet == set(inside)


def _minute(shown: str) -> int:
    hours, minutes = shown.split(":")
    return int(hours) * 60 + int(minutes)


@pytest.mark.parametrize(
    "text", ["23:00", "23-7", "25:00-07:00", "08:00-08:00", "00:00-12:00,12:00-00:00", ",", "夜"]
)
def test_quiet_hours_that_cannot_be(text: str) -> None:
    with pytest.raises(ValueError):
        parse_quiet(text)


signs = st.text(st.sampled_from(list("0123456789:,-*/ monfrisu月金土〜平日、L#@")), max_size=24)


@settings(max_examples=300, deadline=None)
@given(signs | st.text(max_size=12))
def test_any_text_is_times_of_the_week_or_cannot_be_read(text: str) -> None:
    try:
        rules = parse_slots([text])
    except ValueError:
        return
    assert all(rule.times and 0 <= min(rule.times) <= max(rule.times) < 1440 for rule in rules)
    assert all(rule.weekdays and rule.weekdays <= set(range(7)) for rule in rules)


@settings(max_examples=200, deadline=None)
@given(signs | st.text(max_size=12))
def test_any_text_is_quiet_hours_or_cannot_be_read(text: str) -> None:
    try:
        spans = parse_quiet(text)
    except ValueError:
        return
    assert bool(spans) == bool(text)
    assert not all(in_spans(spans, minute) for minute in range(1440))
