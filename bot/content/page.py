"""Is this page of the web the page of this post? Its head is read, its address or title compared.

Pure: bytes in, an answer out. A page is a stranger's: what is read of it is bounded, and nothing of
it is run.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

READ = 1 << 20
"""So many bytes of a page are looked at; what names it stands in its head."""
LONGEST = 2000
"""An address or title is not longer than this."""
MOST = 20
"""So many of each are kept."""
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_CHARSET_HEADER = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_MARKS = {"utf-8": b"\xef\xbb\xbf", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
_TYPOGRAPHY = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "―": "-"})
_MARKUP = str.maketrans("", "", "`*")
"""A title's Markdown may be gone from its page."""
_APART = "|-·•:»«/~<>"
"""What stands between the title of a page and the name of its site."""
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a page says of itself: its addresses, its titles, and the picture that others show of
    it; whole addresses."""

    addresses: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    image: str | None = None


def read_page(body: bytes, content_type: str, place: str) -> Page:
    """The page that was found at `place`. What is no HTML says nothing of itself."""
    head = _Head()
    _parse(_text(body[:READ], content_type), head)
    base = _whole(place, head.base) or place
    addresses = (_whole(base, found) for found in head.addresses[:MOST])
    images = (_whole(base, found) for found in head.images[:MOST])
    return Page(
        addresses=tuple(a for a in addresses if a),
        titles=tuple(
            " ".join(title.split())[:LONGEST] for title in head.titles[:MOST] if title.strip()
        ),
        image=next((image for image in images if image), None),
    )


def is_page_of(page: Page, url: str, title: str, site: str) -> bool:
    """Whether it is the page of the post with this address and title, on the site of that name."""
    if any(same_address(found, url) for found in page.addresses):
        return True
    return any(_same_title(found, title, site) for found in page.titles)


def same_address(one: str, other: str) -> bool:
    """Whether two spellings name one page: scheme, `www.`, default port, percent signs, Unicode's
    forms, a last slash, `index.html` and tracking make no difference."""
    return _address(one) == _address(other) is not None


def _address(url: str) -> tuple[str, int, str, str] | None:
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").removeprefix("www."), parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not host:
        return None
    path = unicodedata.normalize("NFC", unquote(parts.path))
    query = "&".join(q for q in parts.query.split("&") if q and not q.startswith("utm_"))
    port = 0 if port is None or port in _PORTS.values() else port
    return _host(host), port, path.removesuffix("index.html").rstrip("/"), unquote(query)


def _host(host: str) -> str:
    """A name as it goes over the wire: `日本.example` and `xn--wgv71a.example` are one."""
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


# --- titles ---------------------------------------------------------------------------------------


def _same_title(found: str, title: str, site: str) -> bool:
    """The title itself, or with the site's name (or another's, after it) at its side. A post that
    is called like its site cannot be told from the front page by this."""
    found, title, site = _folded(found), _folded(title), _folded(site)
    if not title or title == site:
        return False
    if found == title:
        return True
    if found.startswith(title) and _stands_apart(found[len(title) :]):
        return True
    before = found.removesuffix(title)
    return bool(site) and before != found and before.rstrip(_APART + " ") == site


def _stands_apart(rest: str) -> bool:
    """` | My Blog`, ` - My Blog`, `: My Blog`."""
    bare = rest.lstrip()
    return bare[:1] in tuple(_APART) and (bare != rest or bare[0] in "|:»·•" or bare[1:2] == " ")


def _folded(text: str) -> str:
    """One spelling of a title: width and compositions, letters' case, quotes, dashes and space."""
    plain = unicodedata.normalize("NFKC", text.translate(_TYPOGRAPHY)).casefold()
    return " ".join(plain.translate(_TYPOGRAPHY).translate(_MARKUP).split())


# --- HTML -----------------------------------------------------------------------------------------


_NOT_OWN = ("svg", "template")


class _Head:
    """Gathers from the events of the parser (https://lxml.de/parsing.html#the-target-parser-interface).

    What stands in a drawing or a template is not the page's own."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.titles: list[str] = []
        self.images: list[str] = []
        self.base = ""
        self._title: list[str] | None = None
        self._titled = False
        self._inside = 0

    def start(self, tag: str, attributes: Any) -> None:
        self._inside += tag in _NOT_OWN
        if self._inside:
            return
        if tag == "title" and not self._titled:
            self._title = []
        elif tag == "base" and not self.base:
            self.base = attributes.get("href") or ""
        elif tag == "link" and "canonical" in (attributes.get("rel") or "").lower().split():
            self.addresses.append(attributes.get("href") or "")
        elif tag == "meta":
            self._meta(attributes)

    def _meta(self, attributes: Any) -> None:
        # https://ogp.me/#metadata; some themes say `name` for `property`
        name = (attributes.get("property") or attributes.get("name") or "").strip().lower()
        value = (attributes.get("content") or "").strip()
        if name == "og:url":
            self.addresses.append(value)
        elif name in ("og:title", "twitter:title"):
            self.titles.append(value)
        elif name in ("og:image", "og:image:url", "og:image:secure_url"):
            self.images.append(value)

    def data(self, text: str) -> None:
        if self._title is not None:
            self._title.append(text)

    def end(self, tag: str) -> None:
        self._inside -= tag in _NOT_OWN
        if tag == "title" and self._title is not None:
            self.titles.insert(0, "".join(self._title))
            self._title, self._titled = None, True

    def comment(self, text: str) -> None:
        """Nothing of a comment counts."""

    def close(self) -> None: ...


def _parse(text: str, head: Any) -> None:
    from lxml import etree

    parser = etree.HTMLParser(target=head, encoding="utf-8", no_network=True)
    try:
        parser.feed(text.encode("utf-8", "replace"))
        parser.close()
    except etree.XMLSyntaxError:
        return  # an empty page; what was seen of a broken one counts


def _text(body: bytes, content_type: str) -> str:
    named = _CHARSET_HEADER.search(content_type)
    marked = next((name for name, mark in _MARKS.items() if body.startswith(mark)), None)
    within = _CHARSET.search(body[:1024])
    charset = marked or (named[1] if named else None)
    charset = charset or (within[1].decode("ascii", "replace") if within else "utf-8")
    try:
        return body.decode(charset, "replace").lstrip("\ufeff")
    except (LookupError, ValueError):
        return body.decode("utf-8", "replace")


def _whole(base: str, found: str) -> str | None:
    """An address of the page as a whole one; None where it is none."""
    if not found.strip() or len(found) > LONGEST:
        return None
    try:
        url = urljoin(base, found.strip())
        return url if urlsplit(url).scheme in _PORTS and urlsplit(url).hostname else None
    except ValueError:
        return None
