"""Markdown → the HTML of a feed entry: rendered by comrak, with Hugo's shortcodes and ids, sanitised
by nh3, every address absolute and percent-encoded.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

from bot.content.anchors import like_hugo
from bot.content.boxes import without_boxes
from bot.content.hugo_shortcodes import Tools, show
from bot.content.names import escape
from bot.content.shortcodes import Trouble, expand

_READY = re.compile(r"https?://[a-z0-9.-]+/(?:[A-Za-z0-9:/?@!$&'()*+,;=._~-]|%[0-9A-F]{2})*")
"""An address that is whole already: most are, and there may be fifty in a post."""
_SCOPES = re.compile(r"<(?:applet|button|form|marquee|math|object|select|svg|template)\b", re.I)
"""Within these HTML nests what it does not elsewhere; they go, and what is left is read once more."""
_REFUSED = frozenset(("bdo", "rtc"))
"""Harmless, and yet warned of by the W3C's validator of feeds."""
_ADDRESS = frozenset(("src", "href", "poster", "cite"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a site renders. `unsafe`: raw HTML is kept (and sanitised). `strip`: CSS selectors of what
    is left out. `page`: the address of the page that a `ref` names."""

    unsafe: bool = True
    strip: tuple[str, ...] = ()
    page: Callable[[str], str | None] = lambda ref: None


PLAIN = Manner()


def to_html(body: str, page_url: str, manner: Manner = PLAIN) -> str:
    """`body` as clean HTML whose links work outside the page at `page_url`."""
    return render(body, page_url, manner)[0]


def render(body: str, page_url: str, manner: Manner = PLAIN) -> tuple[str, Mapping[str, Trouble]]:
    """The HTML, and the shortcodes that could not be shown."""
    import comrak

    tools = Tools(inline=_inline, page=manner.page)
    source = expand(body, lambda code: show(code, tools))
    html = like_hugo(comrak.render_markdown(source.text, *_options(manner.unsafe)), source.words)
    html = without_boxes(source.finish(html), manner.strip)
    clean = _cleaned(html, page_url)
    if _SCOPES.search(html):
        clean = _cleaned(clean, page_url)
    return clean, source.troubles


def _cleaned(html: str, page_url: str) -> str:
    import nh3

    return nh3.clean(
        html,
        tags=_tags(),
        attributes=_attributes(),
        attribute_filter=functools.partial(_attribute, page_url),
        link_rel=None,
        strip_comments=True,
    )


def _inline(line: str) -> str:
    """A caption or a title: Markdown without paragraphs."""
    import comrak

    html: str = comrak.render_markdown(line, *_options(True))
    return html.strip().removeprefix("<p>").removesuffix("</p>")


@functools.cache
def _options(unsafe: bool) -> tuple[Any, Any, Any]:
    import comrak

    extension, parse, render = (
        comrak.ExtensionOptions(),
        comrak.ParseOptions(),
        comrak.RenderOptions(),
    )
    extension.table = extension.strikethrough = extension.autolink = extension.tasklist = True
    extension.footnotes = extension.cjk_friendly_emphasis = extension.description_lists = True
    extension.header_id_prefix = ""
    render.unsafe_ = unsafe
    return extension, parse, render


@functools.cache
def _tags() -> set[str]:
    import nh3

    more = {"input", "section", "figure", "figcaption", "picture", "source", "video", "audio"}
    return set(nh3.ALLOWED_TAGS) - _REFUSED | more


@functools.cache
def _attributes() -> dict[str, set[str]]:
    import nh3

    allowed = {tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()}
    for tag, names in {
        "a": {"id"},
        "li": {"id"},
        "sup": {"id"},
        **{f"h{level}": {"id"} for level in range(1, 7)},
        "details": {"open"},
        "input": {"type", "checked", "disabled"},
        "code": {"class"},
        "img": {"src", "alt", "title", "width", "height", "srcset"},
        "source": {"src", "srcset", "type"},
        "video": {"src", "poster", "controls", "width", "height"},
        "audio": {"src", "controls"},
    }.items():
        allowed.setdefault(tag, set()).update(names)
    return allowed


def _attribute(page_url: str, tag: str, name: str, value: str) -> str | None:
    if tag == "input" and name == "type" and value != "checkbox":
        return None
    if name in _ADDRESS:
        return absolute(value, page_url)
    if name == "srcset":
        return _srcset(value, page_url)
    return value


def _srcset(value: str, page_url: str) -> str | None:
    candidates = [part.split() for part in value.split(",") if part.strip()]
    shown = [" ".join([absolute(c[0], page_url) or "", *c[1:2]]) for c in candidates]
    return ", ".join(shown) or None


def absolute(ref: str, page_url: str) -> str | None:
    """`ref` as seen from the page; None where it is no address at all."""
    if _READY.fullmatch(ref):
        return ref
    try:
        parts = urlsplit(urljoin(page_url, ref.strip()))
        host = parts.hostname or ""
        netloc = parts.netloc if host.isascii() else _punycode(parts.netloc, host)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https"):
        return quote(ref.strip(), safe="%:/?#[]@!$&'()*+,;=-._~")
    return urlunsplit(
        (parts.scheme, netloc, escape(parts.path), _query(parts.query), _query(parts.fragment))
    )


def _punycode(netloc: str, host: str) -> str:
    return netloc.lower().replace(host, host.encode("idna").decode("ascii"))


def _query(text: str) -> str:
    return (
        text
        if text.isascii() and " " not in text
        else quote(unquote(text), safe="%&=+/?:@!$'()*,;-._~")
    )
