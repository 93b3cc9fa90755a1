"""Markdown → plain text, for what is shared: comrak reads it, and only words are kept.

No markup, tag, shortcode, footnote mark or task box comes through; images give their alt text,
code its text. A soft line break joins Japanese text with nothing and other text with a space.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

SHORTCODE_BLOCK = re.compile(
    r"^[ \t]*\{\{(?:<|%)\s*(\w[\w./-]*)[^\n]*?(?:>|%)\}\}[ \t]*\n.*?\{\{(?:<|%)\s*/\s*\1\s*(?:>|%)\}\}",
    re.MULTILINE | re.DOTALL,
)
SHORTCODE = re.compile(r"\{\{\s*(?:<[^{}]*>|%[^{}]*%)\s*\}\}")
_FOOTNOTE = re.compile(r"\[\^[^\]\s]{1,40}\]")
_WIDE = r"[\u2e80-\u303f\u3040-\u30ff\u3100-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
_WIDE_BREAK = re.compile(rf"(?<={_WIDE})[ \t]*\n[ \t]*(?={_WIDE})")
_BLANKS = re.compile(r"[ \t\r\n\f\v]+")
_MARKUP = frozenset("*_`[]<>&\\~!{$:@/")
_HARD_BREAK = "\x1e"

_SKIPPED = frozenset(
    (
        "script",
        "style",
        "table",
        "iframe",
        "object",
        "pre",
        "template",
        "svg",
        "video",
        "audio",
        "form",
    )
)
_BOXES = frozenset(("div", "aside", "blockquote", "section", "figure", "nav", "footer"))
_BLOCKS = frozenset(
    ("p", "li", "ul", "ol", "dl", "dd", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "hr")
)


@dataclass
class Outline:
    """What a piece of Markdown holds: the items of its first list, and the paragraphs before it."""

    items: list[str] = field(default_factory=list)
    paragraphs: list[str] = field(default_factory=list)


def plain_text(markdown: str) -> str:
    """One line of plain text."""
    if not _MARKUP.intersection(markdown) and "\n" not in markdown:
        return markdown.strip()
    found = outline(markdown)
    return " ".join(tidy(part) for part in (*found.paragraphs, *found.items) if tidy(part))


def outline(markdown: str, boxes: bool = False) -> Outline:
    """The first list's top-level items and the paragraphs before it, raw (see `tidy`, `lines_of`).
    Boxes (div, aside, quotes) are left out unless `boxes`."""
    parser = _Reader(boxes)
    parser.feed(to_html(without_shortcodes(markdown)))
    parser.close()
    parser.end_paragraph()
    return parser.found


def to_html(markdown: str) -> str:
    import comrak

    html: str = comrak.render_markdown(markdown, *_options())
    return html


@functools.cache
def _options() -> tuple[Any, Any, Any]:
    import comrak

    extension, parse, render = (
        comrak.ExtensionOptions(),
        comrak.ParseOptions(),
        comrak.RenderOptions(),
    )
    extension.strikethrough = extension.tasklist = extension.footnotes = extension.table = True
    extension.cjk_friendly_emphasis = True
    render.unsafe_ = True
    return extension, parse, render


def without_shortcodes(markdown: str) -> str:
    """Shortcodes that stand on lines of their own go with what they enclose; others go alone."""
    if "{{" not in markdown:
        return markdown
    return SHORTCODE.sub("", SHORTCODE_BLOCK.sub("", markdown))


def tidy(text: str) -> str:
    """One line: soft breaks joined as the script asks, blanks collapsed, footnote marks gone."""
    if text.isascii() and text.isalnum():
        return text
    text = _FOOTNOTE.sub("", text) if "[^" in text else text
    text = _WIDE_BREAK.sub("", text) if "\n" in text else text
    return _BLANKS.sub(" ", text.replace(_HARD_BREAK, " ")).strip()


def lines_of(text: str) -> list[str]:
    """A paragraph's lines as they stand in the source."""
    return [line for line in map(tidy, re.split(rf"[\n{_HARD_BREAK}]", text)) if line]


class _Reader(HTMLParser):
    """Walks comrak's HTML. `depth` counts open lists; `skip` open elements that are left out."""

    def __init__(self, boxes: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.found = Outline()
        self.left_out = _SKIPPED if boxes else _SKIPPED | _BOXES
        self.skip: list[str] = []
        self.depth = 0
        self.done = False
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.done or tag in ("input", "meta", "link", "source", "wbr"):
            return
        values = dict(attrs)
        if tag == "img":
            self._add(values.get("alt") or "")
        elif tag == "br":
            self._add(_HARD_BREAK)
        elif tag in self.left_out or (
            tag == "sup" and "footnote-ref" in (values.get("class") or "")
        ):
            self.skip.append(tag)
        elif not self.skip:
            self._open(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("img", "br"):
            self.handle_starttag(tag, attrs)

    def _open(self, tag: str) -> None:
        if tag in ("ul", "ol"):
            if not self.depth:
                self.end_paragraph()
            self.depth += 1
        elif tag == "li" and self.depth == 1:
            self.text = []
        elif tag in _BLOCKS and not self.depth:
            self.end_paragraph()
        elif tag in _BLOCKS:
            self._add(_HARD_BREAK)

    def handle_endtag(self, tag: str) -> None:
        if self.done:
            return
        if self.skip:
            if tag in self.skip:
                while self.skip and self.skip.pop() != tag:
                    pass
            return
        if tag == "li" and self.depth == 1:
            self._end_item()
        elif tag in ("ul", "ol") and self.depth:
            self.depth -= 1
            self.done = not self.depth and bool(self.found.items)
        elif tag in _BLOCKS and not self.depth:
            self.end_paragraph()

    def handle_data(self, data: str) -> None:
        self._add(data)

    def _add(self, text: str) -> None:
        if not self.skip and not self.done and self.depth <= 1:
            self.text.append(text)

    def _end_item(self) -> None:
        self.found.items.append("".join(self.text))
        self.text = []

    def end_paragraph(self) -> None:
        text = "".join(self.text)
        self.text = []
        if text.strip() and not self.done:
            self.found.paragraphs.append(text)
