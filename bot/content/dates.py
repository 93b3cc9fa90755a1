"""Dates as Hugo reads them: which spellings count, and which zone one without a zone is in.

The spellings are those of https://github.com/spf13/cast (its list of time formats), which Hugo uses.
"""

from __future__ import annotations

import functools
import posixpath
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Any, NamedTuple

from bot.content.hugo import Place
from bot.content.rules import SiteRules

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
_ZERO = datetime(1, 1, 1, tzinfo=UTC)
_MONTHS = dict(zip(_ABBREVIATIONS, range(1, 13), strict=True))
_IN_NAME = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})(?:-(\d{2})-(\d{2})-(\d{2})|T(\d{2}):(\d{2}):(\d{2}))?", re.ASCII
)
_CLOCK = r"(?P<H>\d{1,2}):(?P<M>\d{2}):(?P<S>\d{2})(?P<f>[.,]\d+)?"
_ZONE = r"(?P<z>Z|[-+]\d{2}:?\d{2})"
_DAY = r"(?P<Y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})"
_WORDY = r"(?P<d>\d{2})[ -](?P<b>[A-Za-z]{3})[ -]"
_FORMS = tuple(
    re.compile(form, re.ASCII)
    for form in (
        rf"{_DAY}(?:[T ]{_CLOCK}(?: ?{_ZONE})?)?",
        rf"{_DAY} {_CLOCK} {_ZONE} [A-Z]{{3,4}}",
        rf"(?:[A-Za-z]{{3}}, )?{_WORDY}(?P<Y>\d{{4}})(?: {_CLOCK}(?: (?:{_ZONE}|UTC|GMT))?)?",
        rf"[A-Za-z]{{3}} (?P<b>[A-Za-z]{{3}}) (?P<d>[ \d]\d) {_CLOCK}(?: (?:{_ZONE}|UTC|GMT))? (?P<Y>\d{{4}})",
    )
)


class Dates(NamedTuple):
    """A page's four dates. `slug` is what stands behind a date that the file name gave; `bad` is
    the first key and value that Hugo could not read."""

    date: datetime | None
    lastmod: datetime | None
    publishdate: datetime | None
    expirydate: datetime | None
    slug: str = ""
    bad: tuple[str, Any] | None = None


class BadDate(ValueError):
    """Something stands there, and Hugo cannot read it as a date."""


def read_dates(
    matter: Mapping[str, Any], place: Place, rules: SiteRules, modified: datetime | None = None
) -> Dates:
    """Each date from the first of its keys that has a value (https://gohugo.io/configuration/front-matter/)."""
    read = _Keys(matter, place, rules.zone, modified)
    date, lastmod, publish, expiry = (
        read.first(rules.dates[name]) for name in ("date", "lastmod", "publishdate", "expirydate")
    )
    return Dates(
        date=date,
        lastmod=lastmod or date,
        publishdate=publish or date,
        expirydate=expiry,
        slug=read.slug,
        bad=read.bad,
    )


class _Keys:
    """The dates of one page by key, each read once."""

    def __init__(
        self, matter: Mapping[str, Any], place: Place, zone: tzinfo, modified: datetime | None
    ) -> None:
        self.matter, self.place, self.zone, self.modified = matter, place, zone, modified
        self.known: dict[str, datetime | None] = {}
        self.slug = ""
        self.bad: tuple[str, Any] | None = None

    def first(self, keys: Iterable[str]) -> datetime | None:
        for key in keys:
            if key in self.matter or key[0] == ":":
                if key not in self.known:
                    self.known[key] = self.read(key)
                if self.known[key]:
                    return self.known[key]
        return None

    def read(self, key: str) -> datetime | None:
        if key == ":filename":
            place = self.place
            name = posixpath.basename(place.folder) if place.kind == "bundle" else place.base
            moment, self.slug = date_in_name(name, self.zone)
            return moment
        if key[0] == ":":
            return self.modified if key == ":filemodtime" else None
        try:
            return read_date(self.matter[key], self.zone)
        except BadDate:
            self.bad = self.bad or (key, self.matter[key])
            return None


def date_in_name(name: str, zone: tzinfo) -> tuple[datetime | None, str]:
    """`2026-02-10-my-post` → its date and `my-post`; also with a time, `2026-02-10-10-20-30-x`."""
    shape = _IN_NAME.match(name)
    if shape is None:
        return None, ""
    try:
        moment = datetime(*(int(part) for part in shape.groups() if part), tzinfo=zone)  # type: ignore[misc, arg-type]
    except ValueError:
        return None, ""
    # Hugo cuts off one more ending here: 2026-02-10-v1.2 gives the slug v1
    return moment, posixpath.splitext(name[shape.end() :])[0].strip(" -_")


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


@functools.lru_cache(maxsize=4096)
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
        utc = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadDate(text) from None
    return None if utc == _ZERO else moment


def _zone(name: str | None, text: str, zone: tzinfo) -> tzinfo:
    if not name:
        return UTC if text.endswith((" UTC", " GMT")) else zone
    if name == "Z":
        return UTC
    minutes = int(name[1:3]) * 60 + int(name[-2:])
    return timezone(timedelta(minutes=-minutes if name[0] == "-" else minutes))
