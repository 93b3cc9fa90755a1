"""Markdown → the HTML of a feed entry: rendered by comrak, sanitised by nh3, every address absolute
and percent-encoded. Shortcodes go; those in pairs leave what they enclose.
"""

from __future__ import annotations

import functools
import re
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

from bot.content.names import escape
from bot.content.plain import SHORTCODE

_ADDRESS = frozenset(("src", "href", "poster", "cite"))
_FENCED = re.compile(r"(?ms)^ {0,3}(`{3,}|~{3,})[^\n]*\n.*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)|`[^`\n]+`")


def to_html(body: str, page_url: str) -> str:
    """`body` as clean HTML whose links work outside the page at `page_url`."""
    import comrak
    import nh3

    html = comrak.render_markdown(_without_shortcodes(body), *_options())
    return nh3.clean(
        html,
        tags=_tags(),
        attributes=_attributes(),
        attribute_filter=functools.partial(_attribute, page_url),
        link_rel=None,
        strip_comments=True,
    )


@functools.cache
def _options() -> tuple[Any, Any, Any]:
    import comrak

    extension, parse, render = (
        comrak.ExtensionOptions(),
        comrak.ParseOptions(),
        comrak.RenderOptions(),
    )
    extension.table = extension.strikethrough = extension.autolink = extension.tasklist = True
    extension.footnotes = extension.cjk_friendly_emphasis = True
    render.unsafe_ = True
    return extension, parse, render


@functools.cache
def _tags() -> set[str]:
    import nh3

    more = {"input", "section", "figure", "figcaption", "picture", "source", "video", "audio"}
    return set(nh3.ALLOWED_TAGS) | more


@functools.cache
def _attributes() -> dict[str, set[str]]:
    import nh3

    allowed = {tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()}
    for tag, names in {
        "a": {"id"},
        "li": {"id"},
        "sup": {"id"},
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


def _without_shortcodes(body: str) -> str:
    """Shortcode tags outside code are removed."""
    if "{{" not in body:
        return body
    kept: list[str] = []
    end = 0
    for code in _FENCED.finditer(body):
        kept += [SHORTCODE.sub("", body[end : code.start()]), code[0]]
        end = code.end()
    return "".join(kept) + SHORTCODE.sub("", body[end:])
