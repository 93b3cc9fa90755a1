"""From a post's tags to hashtags that X, Mastodon, Bluesky and Misskey all detect whole.

One spelling for all: letters, marks and digits, `_` and ・ only inside, at least one letter.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from bot.links import find_links

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "c++": "Cpp",
        "c#": "CSharp",
        "f#": "FSharp",
        "j#": "JSharp",
        "g++": "Gpp",
        ".net": "dotNET",
        "asp.net": "ASPNET",
        "vb.net": "VBNET",
        "notepad++": "NotepadPP",
        "objective-c++": "ObjectiveCpp",
    }
)
"""Names that plain cleaning would turn into another thing's name (C++ into C)."""

LONGEST = 64
"""Bluesky: 64 graphemes, 640 bytes (lexicons/app/bsky/richtext/facet.json); Misskey takes more."""

_SIGNS = re.compile("[™®©℠]")
_MARKED = re.compile(r"\A\.|[+#]")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.\-]*://|www\.", re.I)


def hashtags(
    tags: Iterable[str], aliases: Mapping[str, str] = ALIASES
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The hashtags without `#`, each once, and the tags that cannot be one. `aliases` maps a tag
    (in lower case) to its spelling; an empty spelling leaves the tag out."""
    found: dict[str, str] = {}
    refused: list[str] = []
    for tag in tags:
        name = hashtag(tag, aliases)
        if name:
            found.setdefault(name.casefold(), name)
        elif name is None and tag.strip():
            refused.append(tag.strip())
    return tuple(found.values()), tuple(refused)


def hashtag(tag: str, aliases: Mapping[str, str] = ALIASES) -> str | None:
    """The portable spelling of one tag; None where there is none, empty where it is excluded."""
    plain = unicodedata.normalize("NFKC", _SIGNS.sub("", tag)).strip()
    alias = aliases.get(plain.casefold())
    if alias is not None:
        return _spell(alias) if alias else ""
    if _ADDRESS.match(plain):
        return None
    return _spell(" ".join(_known(word, aliases) for word in plain.split()))


def _known(word: str, aliases: Mapping[str, str]) -> str:
    """C++17 → Cpp17, the .NET of .NET 10 → dotNET: plain cleaning would name another thing."""
    name = word.rstrip("0123456789.")
    alias = aliases.get(name.casefold()) if _MARKED.search(name) else None
    return alias + word[len(name) :] if alias else word


def find_hashtags(text: str) -> list[str]:
    """What X detects in a text, by twitter-text's rule: not inside a link, and not before another
    `#` or `://`."""
    if "#" not in text and "＃" not in text:
        return []
    links = find_links(text)
    return [
        match[1]
        for match in _x_hashtag().finditer(text)
        if not any(start <= match.start(1) - 1 < end for start, end in links)
    ]


@cache
def _x_hashtag() -> Any:
    import regex  # type: ignore[import-untyped]

    inside = (
        r"[\p{L}\p{M}\p{Nd}_\u200c\u200d\ua67e\u05be\u05f3\u05f4～〜゛゜゠・〃\u0f0b\u0f0c\xb7]"
    )
    before = rf"(?:^|[\ufe0e\ufe0f]|(?!{inside}|&).)"
    letter = rf"(?={inside}*[\p{{L}}\p{{M}}])"
    return regex.compile(
        rf"{before}[#＃](?![\ufe0f\u20e3]){letter}({inside}++)(?![#＃]|://)", regex.S
    )


def _spell(tag: str) -> str | None:
    words = tag.replace("-", " ").split()
    joined = "".join(_capital(word) for word in words) if len(words) > 1 else "".join(words)
    if any(unicodedata.category(char) in ("Nl", "No") for char in joined):
        return None  # 二〇二六 without its 〇 would be another number
    name = "".join(filter(_allowed, joined))
    name = _without_leading_marks(name).strip("_・")
    if not any(unicodedata.category(char)[0] == "L" for char in name):
        return None
    too_long = len(name) > LONGEST or len(name.encode("utf-8", "replace")) > LONGEST * 10
    return None if too_long else name


def _capital(word: str) -> str:
    """machine learning → MachineLearning, but iPhone, GPU and 生成 as they are."""
    return word[0].upper() + word[1:] if word.islower() and word.isascii() else word


def _allowed(char: str) -> bool:
    if char in "_・":
        return True
    category = unicodedata.category(char)
    return category[0] in "LM" or category == "Nd"


def _without_leading_marks(name: str) -> str:
    """A mark has nothing to stand on at the beginning of a tag."""
    for index, char in enumerate(name):
        if unicodedata.category(char)[0] != "M" and char not in "_・":
            return name[index:]
    return ""
