"""What Hugo's own shortcodes become in a feed: the same HTML where a reader can show it, a link where
a frame or a script would stand. (https://gohugo.io/shortcodes/) Pure.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from bot.content.shortcodes import Around, Html, Shortcode, Shown, Trouble, Words

Show = Callable[[Shortcode, "Tools"], Shown | Trouble]


@dataclass(frozen=True, slots=True)
class Tools:
    """`inline` renders a line of Markdown; `page` gives the address of the page that a `ref` names,
    None where there is none."""

    inline: Callable[[str], str]
    page: Callable[[str], str | None]


def show(code: Shortcode, tools: Tools) -> Shown | Trouble:
    known = _OWN.get(code.name)
    if known is None:
        return "paired" if code.paired else "single"
    return known(code, tools)


def _figure(code: Shortcode, tools: Tools) -> Shown:
    """https://gohugo.io/shortcodes/figure/"""
    names = ("src", "alt", "width", "height")
    values = {name: code.get(name) for name in names} | {"alt": code.get("alt")}
    told = "".join(f' {k}="{escape(v)}"' for k, v in values.items() if v or k == "alt")
    image = f"<img{told}>"
    if link := code.get("link"):
        image = f'<a href="{escape(link)}">{image}</a>'
    return Html(f"<figure>{image}{_caption(code, tools)}</figure>")


def _caption(code: Shortcode, tools: Tools) -> str:
    title, caption, by, link = (code.get(k) for k in ("title", "caption", "attr", "attrlink"))
    made = f"<h4>{tools.inline(title)}</h4>" if title else ""
    if by := tools.inline(by) if by else "":
        by = f'<a href="{escape(link)}">{by}</a>' if link else by
    if text := " ".join(part for part in (tools.inline(caption) if caption else "", by) if part):
        made += f"<p>{text}</p>"
    return f"<figcaption>{made}</figcaption>" if made else ""


def _highlight(code: Shortcode, tools: Tools) -> Shown:
    """https://gohugo.io/shortcodes/highlight/"""
    language = code.get("lang", 0) or code.get("type")
    named = f' class="language-{escape(language)}"' if language else ""
    inner = textwrap.dedent(code.inner.strip("\n"))
    return Html(f"<pre><code{named}>{escape(inner)}\n</code></pre>")


def _details(code: Shortcode, tools: Tools) -> Shown:
    """https://gohugo.io/shortcodes/details/"""
    summary = code.get("summary", 0) or code.get("title") or "Details"
    unfolded = " open" if code.get("open").lower() == "true" else ""
    return Around(
        f"<details{unfolded}><summary>{tools.inline(summary)}</summary>",
        "</details>",
    )


def _ref(code: Shortcode, tools: Tools) -> Shown | Trouble:
    """https://gohugo.io/shortcodes/ref/"""
    address = tools.page(code.get("path", 0))
    return "no-page" if address is None else Words(address)


def _youtube(code: Shortcode, tools: Tools) -> Shown:
    start = code.get("start")
    after = f"&t={quote(start)}s" if start.isdigit() and start != "0" else ""
    return _link(f"https://www.youtube.com/watch?v={_id(code)}{after}", code.get("title"))


def _vimeo(code: Shortcode, tools: Tools) -> Shown:
    return _link(f"https://vimeo.com/{_id(code)}", code.get("title"))


def _gist(code: Shortcode, tools: Tools) -> Shown:
    user, gist, file = (code.get("", place) for place in range(3))
    part = f"#file-{quote(file.lower().replace('.', '-'))}" if file else ""
    return _link(f"https://gist.github.com/{quote(user)}/{quote(gist)}{part}", file)


def _x(code: Shortcode, tools: Tools) -> Shown:
    user = code.get("user") or "i"
    return _link(f"https://x.com/{quote(user)}/status/{_id(code)}")


def _instagram(code: Shortcode, tools: Tools) -> Shown:
    return _link(f"https://www.instagram.com/p/{_id(code)}/")


def _qr(code: Shortcode, tools: Tools) -> Shown:
    """https://gohugo.io/shortcodes/qr/ A picture that Hugo draws: what it says is told instead."""
    text = code.get("text") or code.inner.strip()
    if text.startswith(("http://", "https://")):
        return _link(text)
    return Html(escape(text), inline=True)


def _raw(code: Shortcode, tools: Tools) -> Shown:
    return Html(code.inner)


def _nothing(code: Shortcode, tools: Tools) -> Shown:
    return Words("")


def _id(code: Shortcode) -> str:
    return quote(code.get("id", 0), safe="")


def _link(address: str, words: str = "") -> Html:
    return Html(f'<a href="{escape(address)}">{escape(words or address)}</a>', inline=True)


_OWN: Mapping[str, Show] = {
    "comment": _nothing,
    "details": _details,
    "figure": _figure,
    "gist": _gist,
    "highlight": _highlight,
    "instagram": _instagram,
    "qr": _qr,
    "rawhtml": _raw,  # not Hugo's own, but that of so many sites that it is known by its name
    "ref": _ref,
    "relref": _ref,
    "tweet": _x,
    "twitter": _x,
    "twitter_simple": _x,
    "vimeo": _vimeo,
    "vimeo_simple": _vimeo,
    "x": _x,
    "x_simple": _x,
    "youtube": _youtube,
}
