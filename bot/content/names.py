"""How Hugo turns titles, slugs and file names into paths. Pure.

The rules: https://gohugo.io/content-management/urls/#slug
"""

from __future__ import annotations

import functools
import re
import unicodedata
from urllib.parse import quote, unquote

from bot.content.rules import SiteRules

_ALLOWED = frozenset("./\\_#+~-@")
_SPACES = frozenset(" \t\n\v\f\r\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000") | {
    chr(c) for c in range(0x2000, 0x200B)
}
_HEX = frozenset("0123456789abcdefABCDEF")
_SIMPLE = re.compile(r"[0-9A-Za-z./\\_#+~@\-]*")
_VALID_PATH = re.compile(r"(?:[A-Za-z0-9\-_.~$&+,/:;=@!'()*\[\]]|%[0-9A-Fa-f]{2})*")


def sanitize(text: str) -> str:
    """Only what Hugo lets into a path; a run of white space becomes one hyphen."""
    if _SIMPLE.fullmatch(text):
        return text
    kept: list[str] = []
    pending = hyphen = False
    for index, char in enumerate(text):
        if _is_allowed(text, index, char):
            hyphen = char == "-"
            if pending and not hyphen:
                kept.append("-")
            pending = False
            kept.append(char)
        elif kept and not hyphen and char in _SPACES:
            pending = True
    return "".join(kept)


def _is_allowed(text: str, index: int, char: str) -> bool:
    if char in _ALLOWED or (char.isascii() and char.isalnum()):
        return True
    if char == "%":
        return len(text) > index + 2 and text[index + 1] in _HEX and text[index + 2] in _HEX
    if char.isascii():
        return False
    category = unicodedata.category(char)
    return category[0] in "LM" or category == "Nd"


def path_name(text: str, rules: SiteRules) -> str:
    """`text` as a path: sanitised, without accents and in lower case as the rules say."""
    return _path_name(text, rules.lower, rules.remove_accents)


@functools.lru_cache(maxsize=8192)
def _path_name(text: str, lower: bool, remove_accents: bool) -> str:
    name = sanitize(text)
    if remove_accents:
        name = unicodedata.normalize(
            "NFC",
            "".join(
                c for c in unicodedata.normalize("NFD", name) if unicodedata.category(c) != "Mn"
            ),
        )
    return _lower(name) if lower else name


def _lower(text: str) -> str:
    """One character for one, as Go has it (İ keeps its dot apart in Python)."""
    if text.isascii():
        return text.lower()
    return "".join(low if len(low := c.lower()) == 1 else ("i" if c == "İ" else c) for c in text)


def file_name(text: str, rules: SiteRules) -> str:
    """A file or folder name as it stands in an address: every space is a hyphen of its own (where
    addresses keep their case Hugo takes the name as it is, and runs of spaces collapse)."""
    return path_name(text.replace(" ", "-") if rules.lower else text, rules)


def section_name(slug: str, rules: SiteRules) -> str:
    """The slug of a section as it stands in addresses: Hugo cleans it behind the slash before it, so
    that white space at its beginning is a hyphen, too."""
    return path_name("/" + slug, rules)[1:]


def escape(path: str) -> str:
    """Percent-encode a path as Go does: what is a valid encoding stays as it is."""
    path = path.replace("#", "%23")
    if _VALID_PATH.fullmatch(path):
        return path
    if "?" in path:
        return "?".join(escape(part) for part in path.split("?"))
    return quote(unquote(path), safe="$&+,/:;=@-_.~")
