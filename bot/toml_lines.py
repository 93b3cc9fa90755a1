"""A TOML text: its values, what is wrong with it, and where a key stands, which tomllib does not say.

That scan follows tomllib, so it reads only what it needs to find keys; where it loses its way it
keeps what it has found.
"""

from __future__ import annotations

import re
import tomllib
from contextlib import suppress
from typing import Any

from bot.errors import ConfigError
from bot.i18n import msg
from bot.schema import BACKSLASH

Keys = tuple[str, ...]

_BLANK = re.compile(r"[ \t]*")
_BETWEEN = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|[A-Za-z0-9_-]+')
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE = re.compile(r"[^,\]}#\n]+")


def parse(text: str, shown: str) -> dict[str, Any]:
    """The values; what is no TOML is told with its line and what to do."""
    try:
        return tomllib.loads(text)
    except ValueError as error:
        said = str(error)
    except RecursionError:
        said = ""
    at = re.search(r"\(at line (\d+)", said)
    line = int(at[1]) if at else max(1, text.rstrip().count("\n") + 1)
    hint = next((hint for sign, hint in _SYNTAX if sign in said), _SYNTAX[-1][1])
    message = msg("This line, or what stands before it, is not valid TOML.")
    raise ConfigError(message, code="config-syntax", path=shown, line=line, hint=hint)


def locate(text: str) -> dict[Keys, int]:
    """The line, from 1, of every key, table and array element: `("accounts", "0", "name")` → 12."""
    scan = _Scan(text)
    with suppress(_Lost, ValueError, RecursionError):
        scan.run()
    return scan.lines


def line_of(lines: dict[Keys, int], keys: Keys) -> int | None:
    """The line of `keys`, else of the nearest table around it."""
    for end in range(len(keys), 0, -1):
        if keys[:end] in lines:
            return lines[keys[:end]]
    return None


_SYNTAX = (
    ("Cannot overwrite", msg("The key is there twice: keep one.")),
    ("Cannot declare", msg("The table is there twice: keep one ([[accounts]] has two brackets).")),
    ("Expected '='", msg("A line is `key = value`: the = is missing.")),
    ("Unescaped", BACKSLASH),
    ("Unclosed", msg("A bracket or brace is not closed.")),
    ("Expected ']'", msg("A bracket or brace is not closed.")),
    ("Unterminated", msg("A text is not closed: its last quote is missing.")),
    ("Illegal character", msg("A text is not closed on its line, or holds a control character.")),
    ("Found invalid", msg("A text is not closed on its line, or holds a control character.")),
    (
        "",
        msg(
            'Text stands in quotes ("…"), lists in brackets ([…]), true and false in small letters.'
        ),
    ),
)


class _Lost(Exception):
    """Not the TOML that this scan knows."""


class _Scan:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.lines: dict[Keys, int] = {}
        self.counts: dict[Keys, int] = {}

    def run(self) -> None:
        table: Keys = ()
        self.take(_BETWEEN)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)
            self.take(_BETWEEN)

    def header(self) -> Keys:
        """`[a.b]` or `[[a.b]]`: the table that the following keys belong to."""
        start, array = self.at, self.text.startswith("[[", self.at)
        self.at += 2 if array else 1
        *parents, last = self.key()
        for _ in range(2 if array else 1):
            self.expect("]")
        if array:
            return self.element((*self.resolve(parents, start), last), start)
        return self.resolve([*parents, last], start)

    def resolve(self, parts: list[str], start: int) -> Keys:
        """The keys of a header, where a name of an array of tables means its last element."""
        path: Keys = ()
        for part in parts:
            path = (*path, part)
            self.note(path, start)
            if path in self.counts:
                path = (*path, str(self.counts[path] - 1))
        return path

    def element(self, array: Keys, start: int) -> Keys:
        number = self.counts.get(array, 0)
        self.counts[array] = number + 1
        path = (*array, str(number))
        self.note(array, start)
        self.note(path, start)
        return path

    def pair(self, table: Keys) -> None:
        start, path = self.at, table
        for part in self.key():
            path = (*path, part)
            self.note(path, start)
        self.expect("=")
        self.value(path)

    def key(self) -> list[str]:
        parts = []
        while True:
            self.take(_BLANK)
            parts.append(_unquoted(self.take(_KEY)))
            self.take(_BLANK)
            if not self.text.startswith(".", self.at):
                return parts
            self.at += 1

    def value(self, path: Keys) -> None:
        self.take(_BLANK)
        opening = self.text[self.at : self.at + 1]
        if opening == "[":
            self.array(path)
        elif opening == "{":
            self.inline(path)
        else:
            self.take(_STRING if opening in ("'", '"') else _BARE)

    def array(self, path: Keys) -> None:
        number = 0
        self.open()
        while not self.closed("]"):
            element = (*path, str(number))
            self.note(element, self.at)
            self.value(element)
            self.comma()
            number += 1

    def inline(self, path: Keys) -> None:
        self.open()
        while not self.closed("}"):
            self.pair(path)
            self.comma()

    def open(self) -> None:
        self.at += 1
        self.take(_BETWEEN)

    def closed(self, bracket: str) -> bool:
        if not self.text.startswith(bracket, self.at):
            return False
        self.at += 1
        return True

    def comma(self) -> None:
        self.take(_BETWEEN)
        if self.text.startswith(",", self.at):
            self.open()

    def expect(self, sign: str) -> None:
        self.take(_BLANK)
        if not self.closed(sign):
            raise _Lost

    def take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise _Lost
        self.at = found.end()
        return found.group()

    def note(self, path: Keys, at: int) -> None:
        self.lines.setdefault(path, self.text.count("\n", 0, at) + 1)


def _unquoted(key: str) -> str:
    if key[0] == '"':
        return str(tomllib.loads(f"key = {key}")["key"])
    return key.strip("'")
