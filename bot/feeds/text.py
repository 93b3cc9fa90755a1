"""Text, addresses and dates as feeds want them. Pure; whatever comes in, what goes out is legal."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from functools import lru_cache
from html import escape
from urllib.parse import quote, urljoin

# What XML 1.0 can hold (https://www.w3.org/TR/xml/#charsets) without what it discourages: C0 but
# TAB and LF, DEL and C1, surrogates, U+FDD0-FDEF, the last two of every plane.
_LEGAL = "\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd" + "".join(
    f"{chr(plane)}-{chr(plane + 0xFFFD)}" for plane in range(0x10000, 0x110000, 0x10000)
)
_ALL_LEGAL = re.compile(f"[{_LEGAL}]*")
_ILLEGAL = re.compile(f"[^{_LEGAL}]")
_MARKUP = re.compile(r"<([a-z][a-z0-9-]*)(?:\s[^<>]*)?>(.*?)</\1\s*>", re.IGNORECASE | re.DOTALL)
_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:[^\s]", re.IGNORECASE)
_PARTS = re.compile(r"(https?)://([^/?#]*)([^#]*)(#?)(.*)", re.IGNORECASE | re.DOTALL)
_HOST = re.compile(r"(?:[A-Za-z0-9._~:-]+@)?(?:\[[0-9a-f:.]+\]|[a-z0-9._~-]+)(?::[0-9]+)?")
_READY = re.compile(r"https?://[a-z0-9.-]+/(?:[A-Za-z0-9:/?@!$&'()*+,;=._~-]|%[0-9A-F]{2})*")
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_RESERVED = ":/?@!$&'()*+,;=-._~%"  # https://www.rfc-editor.org/rfc/rfc3986#section-3.3
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def clean(text: str) -> str:
    """`text` without the characters that no feed may hold; line ends are LF."""
    if _ALL_LEGAL.fullmatch(text):  # a tenth of what the search costs, and nearly always true
        return text
    return _ILLEGAL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def line(text: str) -> str:
    """One line of plain text: markup that is closed again (`<b>x</b>`) is taken off, because half
    of the readers would show it and half obey it; a lone `<T>` is text that is talked about."""
    text = clean(text)
    while "</" in text and (bare := _MARKUP.sub(r"\2", text)) != text:
        text = bare
    return " ".join(text.split())


@lru_cache(maxsize=4096)
def name(text: str) -> str:
    """As `line`, for what comes again in every item: people, tags, categories."""
    return line(text)


def as_html(text: str) -> str:
    """Plain text for an element that is read as HTML, as RSS's description is."""
    return escape(text, quote=False)


def address(url: str, base: str = "") -> str | None:
    """`url` absolute, in ASCII, percent-encoded, its host in punycode; None if it is not HTTP."""
    if _READY.fullmatch(url):
        return url
    url = clean(url).strip()
    try:
        found = _PARTS.match(url) or _PARTS.match(urljoin(base, url))
    except ValueError:  # a host like `[::1` that urllib refuses
        return None
    if found is None or (host := _host(found[2])) is None:
        return None
    scheme, _, path, mark, fragment = found.groups()
    return f"{scheme.lower()}://{host}{_quote(path) or '/'}{mark}{_quote(fragment)}"


def path_of(url: str) -> tuple[str, str]:
    """Host (without port) and the rest of an address made by `address`."""
    host, path = url.split("//", 1)[1].split("/", 1)
    return host.rpartition("@")[2].partition(":")[0], "/" + path


def identity(guid: str, scope: str) -> str:
    """`guid` as the URI that Atom wants (https://www.rfc-editor.org/rfc/rfc4287#section-4.2.6).
    What is no URI becomes the UUID of that name within `scope`, the same each time."""
    known = clean(guid).strip()
    if _ABSOLUTE.match(known):
        return address(known) or quote(_LONE_PERCENT.sub("%25", known), safe=_RESERVED + "#")
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{scope}\n{known}").urn


def rfc822(moment: datetime) -> str:
    """https://www.rssboard.org/rss-specification: English names whatever the locale, UTC."""
    utc = whole(moment)
    day, month = _DAYS[utc.weekday()], _MONTHS[utc.month - 1]
    return f"{day}, {utc.day:02} {month} {utc.year:04} {utc:%H:%M:%S} +0000"


def rfc3339(moment: datetime) -> str:
    """https://www.rfc-editor.org/rfc/rfc3339: whole seconds, UTC."""
    return whole(moment).isoformat().replace("+00:00", "Z")


def whole(moment: datetime) -> datetime:
    """The second, in UTC; at the very ends of the calendar the zone's shift would fall off it."""
    try:
        utc = moment.astimezone(UTC)
    except OverflowError:
        utc = moment.replace(tzinfo=UTC)
    return utc.replace(microsecond=0)


def language_tag(text: str) -> str:
    """`text` if it has the form of BCP 47 (https://www.rfc-editor.org/rfc/rfc5646), else nothing."""
    return text if _LANGUAGE.fullmatch(text) else ""


def _host(authority: str) -> str | None:
    user, at, host = authority.rpartition("@")
    try:
        whole_host = user + at + host.encode("idna").decode("ascii").lower()
    except UnicodeError:  # a label that is empty or too long
        return None
    return whole_host if _HOST.fullmatch(whole_host) else None


def _quote(part: str) -> str:
    return quote(_LONE_PERCENT.sub("%25", part), safe=_RESERVED)
