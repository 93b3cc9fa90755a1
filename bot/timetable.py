"""Times of day as an owner writes them, without dates or zones: slots by weekday or as cron, and
quiet hours. Pure; a ValueError holds the word that cannot be read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

DAY_MINUTES = 24 * 60
Spans = tuple[tuple[int, int], ...]
"""From minute of the day to minute of the day; over midnight where the second is not larger."""

_ALL_MONTHS = frozenset(range(1, 13))
_ALL_DAYS = frozenset(range(1, 32))
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})")
_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_KANJI = "月火水木金土日"
_GROUPS = {
    "weekdays": frozenset(range(5)),
    "平日": frozenset(range(5)),
    "weekends": frozenset({5, 6}),
    "週末": frozenset({5, 6}),
    "daily": frozenset(range(7)),
    "毎日": frozenset(range(7)),
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CRON_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
_YEARS = 28
"""After so many years every date has had every weekday (but for a century without a leap day)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Times of some days: minutes of the day in order; weekdays from Monday, 0. `either`: a day
    that meets `days` or `weekdays` is enough, as cron has it where both are given."""

    times: tuple[int, ...]
    weekdays: frozenset[int]
    days: frozenset[int] = _ALL_DAYS
    months: frozenset[int] = _ALL_MONTHS
    either: bool = False

    def on(self, day: date) -> bool:
        by_week, by_month = day.weekday() in self.weekdays, day.day in self.days
        meets = by_week or by_month if self.either else by_week and by_month
        return meets and day.month in self.months


def times_on(rules: Sequence[Rule], day: date) -> list[int]:
    """The slots of that day, in order."""
    return sorted({time for rule in rules if rule.on(day) for time in rule.times})


def parse_slots(texts: Iterable[str]) -> tuple[Rule, ...]:
    """`mon-fri 08:00,12:10`, `08:00`, `月-金 08:00` or five fields of cron."""
    return tuple(_rule(text) for text in texts)


def parse_quiet(text: str) -> Spans:
    """`23:00-07:00`, several with commas between them; something of the day is left."""
    spans = tuple(_span(part) for part in _normal(text).split(",") if part) if text else ()
    if text and (not spans or all(in_spans(spans, minute) for minute in range(DAY_MINUTES))):
        raise ValueError(text)
    return spans


def in_spans(spans: Spans, minute: int) -> bool:
    """Whether a minute of the day lies in one of them; the end does not."""
    for start, end in spans:
        if start <= minute < end if start < end else minute >= start or minute < end:
            return True
    return False


def clock(minute: int) -> str:
    """490 → 08:10."""
    return f"{minute // 60:02}:{minute % 60:02}"


def _normal(text: str) -> str:
    """Full-width signs as the plain ones, one kind of dash and comma, no space around either."""
    text = unicodedata.normalize("NFKC", text).lower()
    text = re.sub(r"\s*[-–—−~〜]\s*", "-", text)
    return re.sub(r"\s*[,、]\s*", ",", text).strip()


def _rule(text: str) -> Rule:
    words = _normal(text).split()
    if len(words) == 5 and not any(":" in word for word in words):
        return _cron(*words)
    if not words or len(words) > 2:
        raise ValueError(text)
    weekdays = _weekdays(words[0]) if len(words) == 2 else _GROUPS["daily"]
    return Rule(times=tuple(sorted(set(map(_time, words[-1].split(","))))), weekdays=weekdays)


def _time(word: str) -> int:
    found = _CLOCK.fullmatch(word)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise ValueError(word)
    return int(found[1]) * 60 + int(found[2])


def _span(word: str) -> tuple[int, int]:
    start, dash, end = word.partition("-")
    if not dash:
        raise ValueError(word)
    span = _time(start), 0 if end == "24:00" else _time(end)
    if span[0] == span[1]:
        raise ValueError(word)
    return span


# --- weekdays -----------------------------------------------------------------------------------


def _weekdays(text: str) -> frozenset[int]:
    found: set[int] = set()
    for word in text.split(","):
        start, dash, end = word.partition("-")
        if dash:
            first, last = _weekday(start), _weekday(end)
            found |= {day % 7 for day in range(first, last + 1 + 7 * (last < first))}
        else:
            found |= _GROUPS.get(word) or _each_kanji(word) or {_weekday(word)}
    return frozenset(found)


def _each_kanji(word: str) -> frozenset[int]:
    """`月水金`: three days."""
    there = len(word) > 1 and all(sign in _KANJI for sign in word)
    return frozenset(map(_KANJI.index, word)) if there else frozenset()


def _weekday(word: str) -> int:
    japanese = re.fullmatch(f"([{_KANJI}])(?:曜日?)?", word)
    if japanese:
        return _KANJI.index(japanese[1])
    for n, name in enumerate(_NAMES):
        if len(word) >= 3 and name.startswith(word):
            return n
    raise ValueError(word)


# --- cron ---------------------------------------------------------------------------------------


def _cron(minutes: str, hours: str, days: str, months: str, weekdays: str) -> Rule:
    """https://pubs.opengroup.org/onlinepubs/9699919799/utilities/crontab.html, with names and
    steps; Sunday is 0 and 7."""
    every = _field(minutes, 0, 59)
    rule = Rule(
        times=tuple(
            hour * 60 + minute for hour in sorted(_field(hours, 0, 23)) for minute in sorted(every)
        ),
        weekdays=frozenset((day - 1) % 7 for day in _field(weekdays, 0, 7, _CRON_DAYS)),
        days=_field(days, 1, 31),
        months=_field(months, 1, 12, ("", *_MONTHS)),
        either=not days.startswith("*") and not weekdays.startswith("*"),
    )
    first = date(2001, 1, 1)
    if not any(rule.on(first + timedelta(days=n)) for n in range(_YEARS * 366)):
        raise ValueError(" ".join((minutes, hours, days, months, weekdays)))
    return rule


def _field(text: str, least: int, most: int, names: Sequence[str] = ()) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        start, dash, end = span.partition("-")
        if span == "*":
            first, last = least, most
        else:
            first = _number(start, least, most, names)
            last = _number(end, least, most, names) if dash else most if slash else first
            if first > last and names == _CRON_DAYS and last == 0:
                last = 7
        by = _number(step, 1, most) if slash else 1
        if first > last:
            raise ValueError(part)
        found |= set(range(first, last + 1, by))
    return frozenset(found)


def _number(word: str, least: int, most: int, names: Sequence[str] = ()) -> int:
    if word and word in names:
        return names.index(word)
    if not re.fullmatch(r"[0-9]{1,2}", word) or not least <= int(word) <= most:
        raise ValueError(word)
    return int(word)
