"""Hugo's globs of paths, kinds and languages. Pure. https://gohugo.io/quick-reference/glob-patterns/"""

from __future__ import annotations

import functools
import re


@functools.lru_cache(maxsize=256)
def glob(pattern: str) -> re.Pattern[str]:
    """`**` reaches over slashes, `*` and `?` do not, `{a,b}` is either."""
    balanced = pattern.count("{") == pattern.count("}")
    pieces = re.findall(r"\*\*|\{[^{}]*\}|[*?]|[^*?{]+|\{", pattern)
    return re.compile("".join(_piece(piece, balanced) for piece in pieces), re.IGNORECASE)


def _piece(piece: str, balanced: bool) -> str:
    if balanced and piece[0] == "{":
        return "(?:" + "|".join(glob(choice).pattern for choice in piece[1:-1].split(",")) + ")"
    return {"**": ".*", "*": "[^/]*", "?": "[^/]"}.get(piece) or re.escape(piece)
