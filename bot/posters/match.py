"""Is this the post that was sent? Links and text as they come back from a network, compared."""

from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

URLS = re.compile(r"https?://[^\s<>\"]+")
TRAILING = ".,;:!?)]}'」』）。、"
MARKUP = str.maketrans("", "", "*_~`\\#>")  # a server may read these as Markdown
PORTS = {"http": 80, "https": 443}


class _Reader(HTMLParser):
    """The text of a piece of HTML, and the addresses it links to."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("br", "p"):
            self.text.append("\n")
        self.links += [value for name, value in attrs if name == "href" and value]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read_html(html: str) -> tuple[str, list[str]]:
    """The plain text of `html` and its hrefs, in order."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return "".join(reader.text), reader.links


def same_link(one: str, other: str) -> bool:
    """Whether two spellings name the same address: the scheme, the letters of the host, a default
    port, percent signs and a last slash make no difference."""
    return _address(one) == _address(other)


def shows_link(text: str, links: list[str], link: str) -> bool:
    """Whether `link` is among `links` or stands in the text."""
    found = [
        *links,
        *(url for match in URLS.findall(text) for url in (match, match.rstrip(TRAILING))),
    ]
    return any(same_link(url, link) for url in found)


def same_text(one: str, other: str) -> bool:
    """Whether two texts say the same, apart from space, Unicode's forms and Markdown's signs."""
    return _plain(one) == _plain(other)


def shows_text(html: str, text: str) -> bool:
    """Whether `html` is what a server made of `text`; some take its angle brackets for HTML."""
    shown = read_html(html)[0]
    return same_text(shown, text) or same_text(shown, read_html(text)[0])


def _address(url: str) -> tuple[str, str, str]:
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return ("", url, "")
    host = (parts.hostname or "").lower()
    if port and port != PORTS.get(parts.scheme.lower()):
        host = f"{host}:{port}"
    path = unicodedata.normalize("NFC", unquote(parts.path)).rstrip("/")
    return host, path, unquote(parts.query)


def _plain(text: str) -> str:
    """Without space, signs and what no reader sees (a server may drop a zero width space)."""
    text = "".join(unicodedata.normalize("NFC", text).translate(MARKUP).split())
    return "".join(c for c in text if unicodedata.category(c) != "Cf")
