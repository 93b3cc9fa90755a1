"""One look at a page over the network: is it there, and is it this post's?

Only the post's own host is asked: a redirect may change http to https, a slash or `www.`, and leads
nowhere else. The host of the site may be in one's own network, since the owner named it; pictures of
other hosts are looked for at public addresses only.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from bot.content.page import READ, Page, is_page_of, read_page
from bot.errors import OutcomeUnknown, Rejected, Transient
from bot.i18n import Message, msg

if TYPE_CHECKING:
    from bot.model import Clock
    from bot.net import Answer

SECONDS = 10.0
"""A page that takes longer is asked for again later."""
CAP = 8 * 1024 * 1024
REDIRECTS = 5
MOVED = (301, 302, 303, 307, 308)
NO_HEAD = (400, 403, 405, 501)
"""Servers that know GET alone answer so."""
_PORTS = {"http": 80, "https": 443}

Get = Callable[[str, str], "Answer"]
"""Method and address → the answer. Raises Transient, Rejected or OutcomeUnknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The page of a post. `card`: a network will show the picture that it names for others."""

    url: str
    title: str
    site: str
    card: bool


class NotThere(Exception):
    """`why` in words. `reached`: its host answers at all; `picture`: only its picture is missing."""

    def __init__(self, why: Message, *, reached: bool = True, picture: bool = False) -> None:
        super().__init__(why)
        self.why, self.reached, self.picture = why, reached, picture


def getter(site: str, timeout: float, clock: Clock) -> Get:
    """How pages of this site are asked for."""
    from bot.net import Net

    bare = (urlsplit(site).hostname or "").removeprefix("www.")
    net = Net(min(timeout, SECONDS), clock, about=site, body_cap=CAP, inside=(bare, f"www.{bare}"))
    headers = {"Accept": "text/html, */*;q=0.5", "Cache-Control": "no-cache"}

    def get(method: str, url: str) -> Answer:
        return net.request(method, url, headers=headers, public=True)

    return get


def look(get: Get, wanted: Wanted) -> None:
    """Whether the page is online and the post's. Raises NotThere."""
    page = _page(get, wanted.url)
    if not is_page_of(page, wanted.url, wanted.title, wanted.site):
        title = next(iter(page.titles), "")
        raise NotThere(
            msg("another page is at its address: {title}", title=title)
            if title
            else msg("what is at its address is no page of a post")
        )
    if wanted.card and page.image is not None:
        _picture(get, page.image)


def onward(place: str, location: str, home: str) -> str | None:
    """Where a redirect from `place` leads; None where that is not the host of `home`, or no longer
    secure."""
    try:
        url = urljoin(place, _utf8(location))
        before, after, own = urlsplit(place), urlsplit(url), urlsplit(home)
        same = _host(after) == _host(own) and "@" not in after.netloc
    except ValueError:
        return None
    less = before.scheme == "https" and after.scheme != "https"
    return url if same and not less and after.scheme in _PORTS else None


def _page(get: Get, url: str) -> Page:
    place = url
    for _ in range(REDIRECTS + 1):
        answer = _asked(get, "GET", place)
        if answer.status not in MOVED:
            if answer.status != 200:
                raise NotThere(_status(answer))
            return read_page(_plain(answer), answer.headers.get("content-type", ""), place)
        location = answer.headers.get("location", "")
        there = onward(place, location, url) if location else None
        if there is None:
            raise NotThere(msg("its address leads elsewhere: {place}", place=location[:200]))
        place = there
    raise NotThere(msg("its address leads on and on"))


def _picture(get: Get, url: str) -> None:
    place = url
    for _ in range(REDIRECTS + 1):
        try:
            answer = _asked(get, "HEAD", place)
            if answer.status in NO_HEAD:
                answer = _asked(get, "GET", place)
        except NotThere as error:
            raise _no_picture(url, error.why) from None
        if answer.status not in MOVED:
            kind = answer.headers.get("content-type", "image/")
            if answer.status != 200:
                raise _no_picture(url, _status(answer))
            if not kind.lower().startswith(("image/", "application/octet-stream")):
                raise _no_picture(url, msg("it is no picture"))
            return
        place = _joined(place, answer.headers.get("location", ""))
    raise _no_picture(url, msg("its address leads on and on"))


def _no_picture(url: str, why: Message) -> NotThere:
    return NotThere(msg("its picture {url}: {why}", url=url, why=why), picture=True)


def _status(answer: Answer) -> Message:
    return Message("HTTP {status}", {"status": answer.status})


def _asked(get: Get, method: str, url: str) -> Answer:
    try:
        return get(method, url)
    except Transient as error:
        raise NotThere(error.message, reached=False) from None
    except (OutcomeUnknown, Rejected) as error:
        raise NotThere(error.message) from None


def _joined(place: str, location: str) -> str:
    try:
        return urljoin(place, _utf8(location))
    except ValueError:
        return ""


def _utf8(location: str) -> str:
    """Many servers write the letters of an address as they are."""
    try:
        return location.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return location


def _host(parts: Any) -> tuple[str, int]:
    port = parts.port
    default = port is None or port == _PORTS.get(parts.scheme)
    return (parts.hostname or "").removeprefix("www."), 0 if default else port


def _plain(answer: Answer) -> bytes:
    """The body, uncompressed: some servers compress whatever was asked for."""
    if answer.headers.get("content-encoding", "").strip().lower() not in ("gzip", "x-gzip"):
        return answer.body
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(answer.body, READ)
    except zlib.error:
        return b""
