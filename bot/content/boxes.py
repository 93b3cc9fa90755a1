"""Boxes that a feed leaves out: what a CSS selector finds goes, with the parents it empties, the line
that introduces it and the rule before it. Words of running text stay, without their link.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from bot.errors import ConfigError
from bot.i18n import msg

_INLINE = frozenset(
    ("a", "abbr", "b", "br", "code", "em", "font", "i", "mark", "s", "small", "span", "strong", "u")
)
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_CELLS = ("td", "th")
_MEDIA = "img, picture, video, audio, iframe, table, pre, object, svg"
_LEADS_ON = frozenset(("ul", "ol", "dl", "table", "blockquote", "figure", "details", "pre"))
"""What the line before a box may introduce as well, when it follows the box."""
_SENTENCE = re.compile(r"[。．！？!?]|[.](?:\s|$)")
_WORD = re.compile(r"\w")
_POINTS = re.compile(r"(?:[:：↓⇓⬇👇▼▽]\ufe0f?|こちら)\W*$")
LONGEST_LABEL = 60
"""A line of more characters is text, and introduces nothing."""


def without_boxes(html: str, selectors: Sequence[str]) -> str:
    """`html` without what `selectors` find. Untouched, to the byte, where they find nothing."""
    if not selectors or not any(_may_match(selector, html) for selector in selectors):
        return html
    from selectolax.lexbor import LexborHTMLParser

    body = LexborHTMLParser(html).body
    found = body.css(", ".join(selectors)) if body is not None else []
    if body is None or not found:
        return html
    _Broom(body, found).sweep()
    return (body.inner_html or "").strip() + "\n"


def selector_fault(selectors: Iterable[str]) -> ConfigError | None:
    """What is wrong with the first one that is no CSS selector."""
    for selector in selectors:
        if not _is_selector(selector):
            return ConfigError(
                msg("`{selector}` is no CSS selector", selector=selector),
                code="selector",
                hint=msg("Write it as in a stylesheet: a[rel~=sponsored], .ad, div[data-ad]"),
            )
    return None


def _is_selector(selector: str) -> bool:
    from selectolax.lexbor import LexborHTMLParser, SelectolaxError

    try:
        LexborHTMLParser("<p></p>").css(selector)
    except SelectolaxError:
        return False
    return True


@functools.lru_cache(maxsize=64)
def _words_of(selector: str) -> tuple[str, ...]:
    return () if ":" in selector or "," in selector else tuple(re.findall(r"[\w-]+", selector))


def _may_match(selector: str, html: str) -> bool:
    """Whether its names stand in the text at all: reading a tree costs more than rendering."""
    return all(re.search(re.escape(word), html, re.IGNORECASE) for word in _words_of(selector))


class _Broom:
    """Takes the boxes away one by one. What is gone is never touched again: its memory is free."""

    def __init__(self, body: Any, found: Iterable[Any]) -> None:
        self._body = body
        self._ids = {node.mem_id for node in found}
        self._boxes = [node for node in self._walk(body) if node.mem_id in self._ids]
        self._ids = {node.mem_id for node in self._boxes}
        self._gone: set[int] = set()

    def sweep(self) -> None:
        for box in self._boxes:
            if box.mem_id not in self._gone:
                self._leave_out(box)

    def _leave_out(self, box: Any) -> None:
        if box.tag in _INLINE:
            block = self._block_of(box)
            if _is_text(self._words(block)) and not _shows(box):
                box.unwrap()
                return
            box = self._line_of(block, box)
        box = self._emptied(box)
        before, after = _neighbour(box, "prev"), _neighbour(box, "next")
        self._remove(box)
        self._close_gap(before, after)

    def _block_of(self, box: Any) -> Any:
        node = box.parent
        while node.tag in _INLINE:
            node = node.parent
        return node

    def _words(self, block: Any) -> str:
        """What a block's own line says beside its boxes."""
        walked = self._walk(block, only=_INLINE)
        return "".join(
            node.text() or ""
            for node in walked
            if node.is_text_node and node.parent.mem_id not in self._ids
        ).strip()

    def _line_of(self, block: Any, box: Any) -> Any:
        """The block, where it is a line of labels and this is the last of its boxes."""
        if block.mem_id == self._body.mem_id or block.tag in _CELLS:
            return box
        for node in self._walk(block):
            other_box = node.mem_id in self._ids and node.mem_id != box.mem_id
            said = not node.is_text_node and node.tag not in _INLINE and _says(node)
            if node.mem_id != block.mem_id and (other_box or said):
                return box
        return block

    def _emptied(self, box: Any) -> Any:
        """The outermost element that holds nothing else; a cell stays as long as its row does."""
        cell = None
        while box.parent.mem_id != self._body.mem_id:
            others = box.parent.iter(include_text=True)
            if any(_says(other) for other in others if other.mem_id != box.mem_id):
                return cell or box
            cell = box if box.parent.tag in _CELLS else None
            box = box.parent
        return box

    def _remove(self, node: Any) -> None:
        self._gone.update(inner.mem_id for inner in node.traverse())
        node.decompose()

    def _close_gap(self, before: Any, after: Any) -> None:
        """Take away what only led to the box: the line before it, and the rule before that."""
        while before and _introduces(before, after):
            line, before = before, _neighbour(before, "prev")
            self._remove(line)
        if before and before.tag == "hr":
            self._remove(before)

    def _walk(self, top: Any, only: frozenset[str] = frozenset()) -> Iterator[Any]:
        """Top and all below it, in order; nothing inside a box, and only elements of `only`."""
        waiting = [top]
        while waiting:
            node = waiting.pop()
            yield node
            if node.mem_id in self._ids and node.mem_id != top.mem_id:
                continue
            if node.is_element_node:
                below = node.iter(include_text=True)
                waiting += [n for n in below if n.is_text_node or not only or n.tag in only][::-1]


def _says(node: Any) -> bool:
    return bool(_WORD.search(node.text() or "")) or (node.is_element_node and _shows(node))


def _shows(node: Any) -> bool:
    return bool(node.css_matches(_MEDIA))


def _is_text(line: str) -> bool:
    return len(line) > LONGEST_LABEL or bool(_SENTENCE.search(line) and _WORD.search(line))


def _neighbour(node: Any, side: str) -> Any:
    """The next element on that side with nothing said in between; None at the end, False where
    bare text stands there."""
    while (node := getattr(node, side)) is not None:
        if node.is_text_node and (node.text() or "").strip():
            return False
        if node.is_element_node:
            return node
    return None


def _introduces(line: Any, after: Any) -> bool:
    tag, next_tag = line.tag, (after.tag if after else "")
    if tag in _HEADINGS:
        return after is None or (next_tag in _HEADINGS and next_tag <= tag) or next_tag == "hr"
    text = (line.text() or "").strip()
    if tag != "p" or next_tag in _LEADS_ON or len(text) > LONGEST_LABEL or _shows(line):
        return False
    bold = "".join(node.text() or "" for node in line.css("strong, b"))
    plain = re.sub(r"\W", "", text)
    return bool(_POINTS.search(text)) or (bool(plain) and re.sub(r"\W", "", bold) == plain)
