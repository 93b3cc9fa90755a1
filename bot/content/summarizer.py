"""The summary that is shared: the items of the post's summary section, else the next best source.

In order: the section under one of `headings`, under one of `aliases`, front matter (summary, tldr,
description), the text before `<!--more-->`, the best sentences of the lead, the title.
Pure. A heading counts only as a whole: "requirements.txtは3行で足りる" is no summary.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.content import plain
from bot.content.headings import ATX, keys, normal, rank_of, shapes
from bot.content.lead import best_sentences
from bot.model import Summary, SummarySource

FRONT_MATTER_KEYS = ("summary", "tldr", "tl;dr", "description")
MORE = re.compile(r"^<!--\s*more\s*-->[ \t]*$", re.MULTILINE)
MAX_SECTION = 20_000
MAX_HEADING = 100
HEAD_LINES = 40

_BULLET = re.compile(r"\s*(?:[・•●○■□◆◇▪▶►✓✔✅☑➤‣⁃–]|[①-⑳❶-❿]|\(?\d{1,2}[.)）．、])\s*(?=\S)")
_SIMPLE_ITEM = re.compile(r"[-*+] ([^\s\\*_`\[\]<>&~!{$:@/+#|-][^\\*_`\[\]<>&~!{]*)")
_NOTE = re.compile(
    r"\s*[A-Z]{3,}[A-Z0-9]*_[A-Z_]{2,}\b|\s*(?:HASHTAGS|TWEET|KEYWORDS|SLUG)\b\s*[:：=]?\s*\S"
)
_QUOTE = re.compile(r"^ {0,3}(?:> ?)+")
_FENCE = re.compile(r"^ {0,3}(?:[-*+]\s+|\d+[.)]\s+)?(`{3,}|~{3,})(.*)$")
_UNDERLINE = re.compile(r"^ {0,3}(?:=+|-{2,})[ \t]*$")
_LIST_LINE = re.compile(r"^\s*(?:[-*+•・●]|\d{1,2}[.)．、]|[①-⑳])\s*\S|^\s*<[uo]l\b", re.IGNORECASE)
_SOME_LINES = re.compile(r"[三0-9]行|今北")
_TABLE = re.compile(r"^\||\|$")
_CLOSING = re.compile(r"\{\{[<%]\s*/")
_DEFINITION = re.compile(r"^ {0,3}\[[^\]\n]{1,200}\]:[^\n]*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Section:
    rank: int
    markdown: str
    paragraphs: bool
    lines: bool
    end: int


def summarize(
    body: str,
    matter: Mapping[str, Any],
    title: str,
    headings: Sequence[str],
    aliases: Sequence[str] = (),
) -> Summary:
    """The summary of a post. `matter` is its front matter with lower-case keys."""
    sources: tuple[tuple[SummarySource, Any], ...] = (
        ("section", lambda: section_items(body, tuple(headings), tuple(aliases))),
        ("front-matter", lambda: _from_matter(matter)),
        ("more", lambda: _before_more(body)),
        ("lead", lambda: best_sentences(_prose(body), title)),
    )
    for source, find in sources:
        lines = tuple(line for line in find() if line)
        if lines:
            return Summary(lines=lines, source=source)
    return Summary(lines=(plain.tidy(title),) if title.strip() else (), source="title")


# --- the section ----------------------------------------------------------------------------------


def section_items(
    body: str, headings: Sequence[str], aliases: Sequence[str] = ()
) -> tuple[str, ...]:
    """The items of the first section that has any, in the headings' order of priority."""
    head = body.split("\n", HEAD_LINES)
    if len(head) > HEAD_LINES and (items := _first_of_all(head[:-1], body, headings, aliases)):
        return items
    best: tuple[str, ...] = ()
    best_rank = len(headings) + len(aliases)
    for section in _sections(body.split("\n"), body, (*headings, *aliases)):
        if section.rank < best_rank and (items := _items(section)):
            best, best_rank = items, section.rank
            if not best_rank:
                break
    return best


def _first_of_all(
    head: list[str], body: str, headings: Sequence[str], aliases: Sequence[str]
) -> tuple[str, ...]:
    """The usual case: the section stands at the beginning, and ends there too."""
    for section in _sections(head, body, (*headings, *aliases)):
        if not section.rank and section.end < len(head) and (items := _items(section)):
            return items
    return ()


def _sections(lines: list[str], body: str, headings: tuple[str, ...]) -> Iterator[_Section]:
    ranks, trigger = keys(headings)
    fence = ""
    comment = False
    for number, line in enumerate(lines):
        if comment or fence:
            fence = "" if fence and _closes(line, fence) else fence
            comment = comment and "-->" not in line
            continue
        if not line or len(line) > MAX_HEADING * 3:
            continue
        if "`" in line or "~" in line:
            fence = _opens(line)
        if "<!--" in line:
            comment = "-->" not in line.split("<!--", 1)[1]
        if len(line) <= MAX_HEADING and trigger.search(line):
            yield from _candidate(lines, number, ranks, body)


def _opens(line: str) -> str:
    found = _FENCE.match(line)
    return found[1] if found and not (found[1][0] == "`" and "`" in found[2]) else ""


def _closes(line: str, fence: str) -> bool:
    text = line.strip()
    return len(text) >= len(fence) and not text.strip(fence[0])


def _candidate(
    lines: list[str], number: int, ranks: Mapping[str, int], body: str
) -> Iterator[_Section]:
    """The section that line `number` opens, if it is one of the headings in any of the shapes."""
    line = lines[number]
    if line.startswith(("    ", "\t")):
        return
    quote = _QUOTE.match(line)
    text = (line[quote.end() :] if quote else line).strip()
    for words, kind in shapes(text):
        rank = rank_of(words, ranks)
        if rank is None:
            continue
        setext = number + 1 < len(lines) and bool(_UNDERLINE.match(lines[number + 1]))
        strong = kind != "plain" or setext
        if not strong and not _list_follows(lines, number + 1, bool(quote)):
            continue
        start = number + (2 if setext and kind in ("plain", "bold") else 1)
        markdown, end = _until_end(lines, start, kind, bool(quote))
        three = _SOME_LINES.search(normal(words)) is not None
        yield _Section(rank, markdown + _definitions(markdown, body), strong, three, end)
        return


def _list_follows(lines: list[str], start: int, quoted: bool) -> bool:
    for line in lines[start : start + 3]:
        text = _QUOTE.sub("", line) if quoted else line
        if text.strip():
            return bool(_LIST_LINE.match(text))
    return False


def _until_end(lines: list[str], start: int, kind: str, quoted: bool) -> tuple[str, int]:
    """The lines of a section, and where it ends: at the next heading, or the end of what the opening
    line opened."""
    kept: list[str] = []
    fence, size = "", 0
    index = start
    for index in range(start, len(lines)):
        line = lines[index]
        if quoted:
            if not _QUOTE.match(line):
                break
            line = _QUOTE.sub("", line, count=1)
        if fence:
            fence = "" if _closes(line, fence) else fence
        elif _ends(line, lines, index, kind):
            break
        else:
            fence = _opens(line)
        size += len(line)
        if size > MAX_SECTION:
            break
        kept.append(line)
    else:
        index = len(lines)
    return "\n".join(kept), index


def _ends(line: str, lines: list[str], index: int, kind: str) -> bool:
    """Whether a section ends before this line: at a heading, or where what opened it is closed."""
    text = line.strip()
    if not text:
        return False
    if text[0] in "#:<{":
        if ATX.match(line) and (text.startswith("##") or text[:2] in ("#", "# ")):
            return True
        if text.startswith(":::") and kind != "heading":
            return True
        if kind == "details" and "</details>" in text.lower():
            return True
        if kind.startswith("shortcode:") and _CLOSING.match(text):
            return True
    following = lines[index + 1] if index + 1 < len(lines) else ""
    if not following or following.lstrip()[:1] not in ("=", "-"):
        return False
    return bool(
        _UNDERLINE.match(following) and not _LIST_LINE.match(line) and not _TABLE.search(text)
    )


def _definitions(markdown: str, body: str) -> str:
    """The link and footnote definitions of the body, where the section may refer to one."""
    if "[" not in markdown or "]:" not in body:
        return ""
    return "\n\n" + "\n".join(_DEFINITION.findall(body)[:500])


def _items(section: _Section) -> tuple[str, ...]:
    simple = _simple_list(section.markdown)
    if simple:
        return simple
    found = plain.outline(section.markdown)
    if not found.items and not found.paragraphs:
        found = plain.outline(_unquoted(section.markdown), boxes=True)
    items = [plain.tidy(item) for item in found.items]
    if not any(items):
        items = _from_paragraphs(found.paragraphs, section)
    return tuple(item for item in items if item and not _NOTE.match(item))


def _simple_list(markdown: str) -> tuple[str, ...]:
    """The usual case without a parser: `- ` lines without any markup, then a blank line."""
    items: list[str] = []
    lines = markdown.split("\n")
    while lines and not lines[0].strip():
        lines.pop(0)
    for index, line in enumerate(lines):
        if not line.strip():
            rest = next((later for later in lines[index:] if later.strip()), "")
            return (
                tuple(items) if not rest[:1].isspace() and rest[:1] not in ("-", "*", "+") else ()
            )
        item = _SIMPLE_ITEM.fullmatch(line)
        if item is None or line[0] != lines[0][0] or "\r" in line or "www." in line:
            return ()
        items.append(item[1].strip())
    return tuple(items)


def _unquoted(markdown: str) -> str:
    return "\n".join(_QUOTE.sub("", line) for line in markdown.split("\n"))


def _from_paragraphs(paragraphs: Sequence[str], section: _Section) -> list[str]:
    """Lines that begin with ・ or ①; else, under "3行…", the lines; else whole paragraphs."""
    lines = [line for paragraph in paragraphs for line in plain.lines_of(paragraph)]
    bullets = [_BULLET.sub("", line, count=1) for line in lines if _BULLET.match(line)]
    if len(bullets) > 1:
        return bullets
    if not section.paragraphs:
        return []
    if section.lines and paragraphs:
        first = plain.lines_of(paragraphs[0])
        return first if len(first) > 1 else [plain.tidy(p) for p in paragraphs[:3]]
    return [plain.tidy(paragraph) for paragraph in paragraphs]


# --- the other sources ----------------------------------------------------------------------------


def _from_matter(matter: Mapping[str, Any]) -> tuple[str, ...]:
    for key in FRONT_MATTER_KEYS:
        value = matter.get(key)
        texts = value if isinstance(value, list) else str(value).splitlines() if value else []
        lines = [cleaned(str(text)) for text in texts if isinstance(text, str | int | float)]
        if any(lines):
            return tuple(line for line in lines if line)
    return ()


def cleaned(text: str) -> str:
    """A description without `。。`, and without the sentence that its end cuts off."""
    text = plain.plain_text(plain.without_shortcodes(text))
    text = re.sub(r"。{2,}", "。", text)
    cut = re.search(r"\s*(?:\.{3,}|…+|\[…\])$", text)
    if cut is None:
        return text
    text = text[: cut.start()]
    ends = [end.end() for end in re.finditer(r"[。！？!?](?![。！？!?」』）)])|\.(?=\s)", text)]
    return text[: ends[-1]].strip() if ends else text.rstrip("、,。 ") + "…"


def _before_more(body: str) -> tuple[str, ...]:
    found = MORE.search(body)
    if found is None:
        return ()
    text = plain.outline(body[: found.start()][:MAX_SECTION])
    lines = [*map(plain.tidy, text.paragraphs), *map(plain.tidy, text.items)]
    return tuple(line for line in lines if line and not _NOTE.match(line))


def _prose(body: str) -> list[str]:
    """The first paragraphs of the body as plain text."""
    start = re.sub(r"(?ms)^ {0,3}(`{3,}|~{3,}).*?^ {0,3}\1[ \t]*$", "", body[:8000])
    start = re.sub(r"(?m)^ {0,3}#{1,6}\s.*$|<!--.*?-->", "", start)
    paragraphs: list[str] = []
    for block in re.split(r"\n\s*\n", plain.without_shortcodes(start))[:40]:
        if re.match(r"\s*(?:[-*+>|<]|\d+[.)]|:::|\[\^)", block):
            continue
        text = plain.plain_text(block)
        if text and not _NOTE.match(text):
            paragraphs.append(text)
    return paragraphs
