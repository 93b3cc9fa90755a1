"""Which lines open a summary section: a heading is compared as a whole, without what people put
around it (numbers, emoji, brackets, remarks), in all the shapes a heading may have. Pure.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator, Mapping

ATX = re.compile(r"^ {0,3}#{1,6}(?=[\s#]|[^\s#])")
_CALLOUT = re.compile(r"^\[!(\w+)\][-+]?\s*(.*)$")
_CONTAINER = re.compile(r"^:{3,}\s*\{?\.?([\w-]*)\}?\s*(.*)$")
_SHORTCODE_LINE = re.compile(r"^\{\{[<%]\s*([\w./-]+)\s*(.*?)\s*[%>]\}\}$")
_QUOTED = re.compile(r"\"([^\"]*)\"|`([^`]*)`")
_TAG = re.compile(r"<[^<>]{0,200}>")
_ATTRIBUTES = re.compile(r"\s*\{[#.:][^{}]*\}\s*$")
_EDGE = (
    "".join(chr(c) for c in range(0x21, 0x7F) if not chr(c).isalnum())
    + "【】〔〕「」『』〈〉《》・…―"
)
_OPEN_EDGE = _EDGE.translate(str.maketrans("", "", "()[]【】")) + " "
_PARENTHESIS = re.compile(r"[(（\[【][^()（）\[\]【】]*[)）\]】]$")
_NUMBER = re.compile(r"^(?:第?\d{1,2}\s*[.．:：)）章、-]\s*)+")
_OPENERS = ("この記事の", "この記事を", "本記事の", "記事の", "今日の", "今回の")
_LABEL = re.compile(r"^.{1,40}[?？!！:：|｜]\s*(?=\S)")


@functools.lru_cache(maxsize=64)
def keys(headings: tuple[str, ...]) -> tuple[Mapping[str, int], re.Pattern[str]]:
    """Normalised heading → rank, and a cheap first look: a character of each that is rare."""
    ranks: dict[str, int] = {}
    for rank, heading in enumerate(headings):
        ranks.setdefault(normal(heading), rank)
    looks = {_loose(key[-1]) for key in ranks if key} | {_loose(key[0]) for key in ranks if key}
    return ranks, re.compile("|".join(sorted(looks)) or r"(?!)", re.IGNORECASE)


def _loose(char: str) -> str:
    wide = chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else ""
    more = {"3": "三", "1": "一"}.get(char, "")
    return f"[{re.escape(char + wide + more)}]"


def shapes(text: str) -> Iterator[tuple[str, str]]:
    """The words of a line as a heading, with what kind of heading that makes it."""
    if ATX.match(text):
        yield _TAG.sub("", text.strip("#")).strip(), "heading"
        return
    if callout := _CALLOUT.match(text):
        yield callout[2], "callout"
        yield callout[1], "callout"
    elif container := _CONTAINER.match(text):
        yield container[2], "container"
        yield container[1], "container"
    elif shortcode := _SHORTCODE_LINE.match(text):
        yield shortcode[1], "shortcode:" + shortcode[1]
        for pair in _QUOTED.findall(shortcode[2]):
            yield pair[0] or pair[1], "shortcode:" + shortcode[1]
    elif "<" in text and (bare := _TAG.sub("", text).strip()):
        yield bare, "details" if "summary" in text.lower() else "bold"
    else:
        bold = text.startswith(("**", "__")) and len(text) > 4
        yield text, "bold" if bold else "plain"


def rank_of(words: str, ranks: Mapping[str, int]) -> int | None:
    rank = ranks.get(normal(words))
    return (
        rank
        if rank is not None
        else next((ranks[form] for form in _forms(words) if form in ranks), None)
    )


def _forms(words: str) -> Iterator[str]:
    """The normalised heading, then without what may stand around it: a number, a remark, a label."""
    words = _ATTRIBUTES.sub("", words)
    yield normal(words)
    bare = _NUMBER.sub("", unicodedata.normalize("NFKC", words).strip("*_ ")).strip()
    yield normal(bare)
    bare = _PARENTHESIS.sub("", bare.strip(_OPEN_EDGE)).strip(_EDGE + " ")
    yield normal(bare)
    if label := _LABEL.match(bare):
        bare = bare[label.end() :]
        yield normal(bare)
    opener = next((o for o in _OPENERS if bare.startswith(o)), None)
    if opener:
        yield normal(bare[len(opener) :])


@functools.lru_cache(maxsize=2048)
def normal(heading: str) -> str:
    """A heading for comparison: width, case, blanks, emoji and the marks around it do not count."""
    text = unicodedata.normalize("NFKC", heading).casefold()
    text = "".join(c for c in text if unicodedata.category(c)[0] in "LNP")
    text = re.sub(r"^三行", "3行", text.strip(_EDGE))
    return "".join(c for c in text if unicodedata.category(c)[0] in "LN")
