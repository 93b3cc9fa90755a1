"""Dates as Hugo reads them: which spellings count, and which zone one without a zone is in.

The spellings are those of https://github.com/spf13/cast (its list of time formats), which Hugo uses.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Any

_ABBREVIATIONS = (
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
)
_MONTHS = dict(zip(_ABBREVIATIONS, range(1, 13), strict=True))
_CLOCK = r"(?P<H>\d{1,2}):(?P<M>\d{2}):(?P<S>\d{2})(?P<f>[.,]\d+)?"
_ZONE = r"(?P<z>Z|[-+]\d{2}:?\d{2})"
_DAY = r"(?P<Y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})"
_WORDY = r"(?P<d>\d{2})[ -](?P<b>[A-Za-z]{3})[ -]"
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"{_DAY}(?:[T ]{_CLOCK}(?: ?{_ZONE})?)?",
        rf"{_DAY} {_CLOCK} {_ZONE} [A-Z]{{3,4}}",
        rf"(?:[A-Za-z]{{3}}, )?{_WORDY}(?P<Y>\d{{4}})(?: {_CLOCK}(?: (?:{_ZONE}|UTC|GMT))?)?",
        rf"[A-Za-z]{{3}} (?P<b>[A-Za-z]{{3}}) (?P<d>[ \d]\d) {_CLOCK}(?: (?:{_ZONE}|UTC|GMT))? (?P<Y>\d{{4}})",
    )
)


class BadDate(ValueError):
    """Something stands there, and Hugo cannot read it as a date."""


def read_date(value: Any, zone: tzinfo) -> datetime | None:
    """The moment that a front matter value names; None where it is empty. Raises BadDate."""
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=zone)
    if isinstance(value, date):
        return datetime.combine(value, time(), zone)
    if isinstance(value, int) and not isinstance(value, bool):
        return _unix(value)
    if not isinstance(value, str):
        raise BadDate(str(value))
    return _text(value, zone)


def _unix(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise BadDate(str(seconds)) from None


def _text(text: str, zone: tzinfo) -> datetime | None:
    for form in _FORMS:
        found = form.fullmatch(text)
        if found:
            return _moment(found.groupdict(), text, zone)
    raise BadDate(text)


def _moment(part: dict[str, str | None], text: str, zone: tzinfo) -> datetime | None:
    month = part.get("m") or _MONTHS.get((part.get("b") or "").lower(), 0)
    fraction = (part.get("f") or "").lstrip(".,")[:6].ljust(6, "0")
    try:
        moment = datetime(
            int(part["Y"] or 0),
            int(month),
            int(part["d"] or 0),
            int(part["H"] or 0),
            int(part["M"] or 0),
            int(part["S"] or 0),
            int(fraction),
            tzinfo=_zone(part.get("z"), text, zone),
        )
        moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadDate(text) from None
    return None if moment.astimezone(UTC) == datetime(1, 1, 1, tzinfo=UTC) else moment


def _zone(name: str | None, text: str, zone: tzinfo) -> tzinfo:
    if not name:
        return UTC if text.endswith((" UTC", " GMT")) else zone
    if name == "Z":
        return UTC
    minutes = int(name[1:3]) * 60 + int(name[-2:])
    return timezone(timedelta(minutes=-minutes if name[0] == "-" else minutes))
