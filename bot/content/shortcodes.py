"""Hugo's shortcodes in a piece of Markdown: found as Hugo finds them, though not inside code. Pure.

What one becomes stands in the text as a word of its own until the Markdown is rendered, so that
Markdown neither reads nor breaks it. (https://gohugo.io/content-management/shortcodes/)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Literal

VERBATIM = frozenset(("highlight", "rawhtml", "comment", "qr"))
"""Those that take what they enclose as it is: it is no Markdown, and holds no shortcodes."""

_FENCE = (
    r"^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?(?P<fence>`{3,}|~{3,})[^\n`]*\n"
    r".*?(?:^[ \t>]*(?P=fence)[`~]*[ \t]*$|\Z)"
)
_SPAN = r"(?<!`)(?P<ticks>`+)(?!`)(?:(?!\n[ \t]*\n).)*?(?<!`)(?P=ticks)(?!`)"
_ESCAPED = r"\{\{(?P<from>[<%])/\*(?P<shown>(?:(?!\{\{[<%]).)*?)\*/(?P<to>[>%])\}\}"
_END = r"\{\{[<%]\s*/\s*(?P<end>[\w./-]+?)\s*[>%]\}\}"
_NAME = r"[A-Za-z_][\w.-]*(?:/[\w.-]+)*"
_START = (
    rf"\{{\{{[<%]\s*(?P<name>{_NAME})"
    r"(?P<args>(?:\s(?:\"(?:\\.|[^\"\\])*\"|`[^`]*`|(?!\{\{)[^\"`])*?)?)(?P<alone>/?)[>%]\}\}"
)
_PIECE = re.compile(
    rf"(?P<code>{_FENCE}|{_SPAN})|{_ESCAPED}|{_END}|{_START}", re.DOTALL | re.MULTILINE
)
_IN_CODE = re.compile(_ESCAPED, re.DOTALL)
_ARGUMENT = re.compile(r"(?:([\w-]+)=)?(?:\"((?:\\.|[^\"\\])*)\"|`([^`]*)`|([^\s\"`]+))", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcode:
    """`inner` is what a verbatim one encloses; of the others it stays in the text."""

    name: str
    args: tuple[str, ...] = ()
    named: Mapping[str, str] = field(default_factory=dict)
    paired: bool = False
    inner: str = ""

    def get(self, key: str, place: int = -1) -> str:
        """An argument by its name, else by its place; empty where it is not given."""
        if key in self.named:
            return self.named[key]
        return self.args[place] if 0 <= place < len(self.args) else ""


@dataclass(frozen=True, slots=True)
class Html:
    """Stands in place of the shortcode: on lines of its own, or in a line with other words."""

    text: str
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Around:
    """HTML before and after what a shortcode encloses, which is Markdown still."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Words:
    """Goes into the Markdown and is read as such."""

    text: str


Shown = Html | Around | Words
Trouble = Literal["single", "paired", "no-page"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expanded:
    """Markdown, the HTML for the words that stand in it, and what was not known: name → trouble."""

    text: str
    blocks: Mapping[str, str]
    inline: Mapping[str, str]
    troubles: Mapping[str, Trouble]

    @property
    def words(self) -> str:
        """A pattern of the words that stand for HTML."""
        return "|".join((*self.blocks, *self.inline))

    def finish(self, html: str) -> str:
        """The rendered text with the HTML in its places; a paragraph of nothing else is none."""
        if self.blocks:
            word = "|".join(self.blocks)
            html = re.sub(rf"<p>\s*((?:(?:{word})\s*)+)</p>", r"\1", html)
        known = {**self.blocks, **self.inline}
        return re.sub(self.words, lambda found: known[found[0]], html) if known else html


def expand(body: str, show: Callable[[Shortcode], Shown | Trouble]) -> Expanded:
    """`body` with every shortcode as `show` says. Of what it does not know the inside is kept."""
    if "{{" not in body:
        return Expanded(text=body, blocks={}, inline={}, troubles={})
    work = _Work(body, show)
    work.run()
    text = "".join(work.out)
    return Expanded(text=text, blocks=work.blocks, inline=work.inline, troubles=work.troubles)


class _Work:
    """`out` holds the text so far; what is still open has an empty place in it."""

    def __init__(self, body: str, show: Callable[[Shortcode], Shown | Trouble]) -> None:
        self.body, self.show = body, show
        self.out: list[str] = []
        self.blocks: dict[str, str] = {}
        self.inline: dict[str, str] = {}
        self.troubles: dict[str, Trouble] = {}
        self._open: list[tuple[int, Shortcode]] = []
        self._names: Counter[str] = Counter()
        self._unended: set[str] = set()
        self._mark = "botword"
        while self._mark in body.lower():
            self._mark += "x"

    def run(self) -> None:
        at = 0
        while piece := _PIECE.search(self.body, at):
            self.out.append(self.body[at : piece.start()])
            at = self._take(piece)
        self.out.append(self.body[at:])
        while self._open:
            self._close_single()

    def _take(self, piece: re.Match[str]) -> int:
        """Handle one piece; answers where to go on."""
        if piece["code"] is not None:
            self.out.append(_IN_CODE.sub(self._literal, piece["code"]))
        elif piece["shown"] is not None:
            self.out.append(self._literal(piece))
        elif piece["end"] is not None:
            self._end(piece["end"])
        else:
            return self._start(piece)
        return piece.end()

    def _literal(self, piece: re.Match[str]) -> str:
        text = f"{{{{{piece['from']}{piece['shown']}{piece['to']}}}}}"
        return self._word(self.inline, escape(text))

    def _word(self, kind: dict[str, str], html: str) -> str:
        word = f"{self._mark}{len(self.blocks) + len(self.inline)}z"
        kind[word] = html
        return word

    def _start(self, piece: re.Match[str]) -> int:
        code = _read(piece["name"], piece["args"])
        end = None if piece["alone"] else self._end_of(code.name, piece.end())
        if end is not None:
            inner = self.body[piece.end() : end.start()]
            whole = Shortcode(
                name=code.name, args=code.args, named=code.named, paired=True, inner=inner
            )
            self.out.append("".join(self._shown(whole, "")))
            return end.end()
        if piece["alone"]:
            self.out.append("".join(self._shown(code, "")))
        else:
            self._open.append((len(self.out), code))
            self._names[code.name] += 1
            self.out.append("")
        return piece.end()

    def _end_of(self, name: str, at: int) -> re.Match[str] | None:
        """Where a verbatim one ends; looked for no more once there is no end."""
        if name not in VERBATIM or name in self._unended:
            return None
        found = re.compile(rf"\{{\{{[<%]\s*/\s*{name}\s*[>%]\}}\}}").search(self.body, at)
        if found is None:
            self._unended.add(name)
        return found

    def _end(self, name: str) -> None:
        if not self._names[name]:
            return
        while self._open[-1][1].name != name:
            self._close_single()
        place, code = self._open.pop()
        self._names[name] -= 1
        whole = Shortcode(name=code.name, args=code.args, named=code.named, paired=True)
        self.out[place], after = self._shown(whole, self._indent(place))
        self.out.append(after)

    def _close_single(self) -> None:
        place, code = self._open.pop()
        self._names[code.name] -= 1
        self.out[place] = "".join(self._shown(code, ""))

    def _indent(self, place: int) -> str:
        """The blanks of a list's item before the shortcode: its inside belongs to that item."""
        line = self.out[place - 1].rpartition("\n")[2] if place else ""
        return line if not line.strip() else ""

    def _shown(self, code: Shortcode, indent: str) -> tuple[str, str]:
        shown = self.show(code)
        if isinstance(shown, Html):
            return self._word(self.inline if shown.inline else self.blocks, shown.text), ""
        if isinstance(shown, Words):
            return shown.text, ""
        if isinstance(shown, Around):
            before, after = (self._word(self.blocks, h) for h in (shown.before, shown.after))
            gap = f"\n\n{indent}"
            return f"{before}{gap}", f"{gap}{after}{gap}"
        self.troubles.setdefault(code.name, shown)
        return code.inner, ""


def _read(name: str, text: str) -> Shortcode:
    args: list[str] = []
    named: dict[str, str] = {}
    for key, quoted, raw, bare in _ARGUMENT.findall(text):
        value = re.sub(r"\\(.)", r"\1", quoted) if quoted else raw or bare
        if key:
            named[key] = value
        else:
            args.append(value)
    return Shortcode(name=name, args=tuple(args), named=named)
