"""Hugo's globs of paths, kinds and languages. Pure. https://gohugo.io/quick-reference/glob-patterns/"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any


@functools.lru_cache(maxsize=256)
def glob(pattern: str) -> re.Pattern[str]:
    """`**` reaches over slashes, `*` and `?` do not, `{a,b}` is either."""
    balanced = pattern.count("{") == pattern.count("}")
    pieces = re.findall(r"\*\*|\{[^{}]*\}|[*?]|[^*?{]+|\{", pattern)
    return re.compile("".join(_piece(piece, balanced) for piece in pieces), re.IGNORECASE)


def languages_of(target: Mapping[str, Any]) -> tuple[str, ...]:
    """The languages that a target names: https://gohugo.io/configuration/sites/#matrix"""
    at: Any = target
    for key in ("sites", "matrix", "languages"):
        at = at.get(key) if isinstance(at, Mapping) else None
    return tuple(map(str, at if isinstance(at, list) else [at] if at else []))


def speaks(patterns: Sequence[str], language: str) -> bool:
    """Whether these globs name the language; `! en` takes one away, none at all name every one."""
    fit = [pattern for pattern in patterns if not pattern.startswith("!")]
    unfit = [pattern[1:].strip() for pattern in patterns if pattern.startswith("!")]
    named = not fit or any(glob(pattern).fullmatch(language) for pattern in fit)
    return named and not any(glob(pattern).fullmatch(language) for pattern in unfit)


def _piece(piece: str, balanced: bool) -> str:
    if balanced and piece[0] == "{":
        return "(?:" + "|".join(glob(choice).pattern for choice in piece[1:-1].split(",")) + ")"
    return {"**": ".*", "*": "[^/]*", "?": "[^/]"}.get(piece) or re.escape(piece)
