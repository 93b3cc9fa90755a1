"""Where a sentence may be cut: between phrases (BudouX), never inside a number and its unit, a
Latin word, a link or an emoji; brackets that a cut leaves open are closed, and … says it was cut.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from bot.compose.whole import held, is_abbreviation

ELLIPSIS = "…"
SHORTEST = 8
"""Fewer characters than this of a cut sentence say nothing."""

_PAIRS = {
    "（": "）",
    "(": ")",
    "「": "」",
    "『": "』",
    "【": "】",
    "［": "］",
    "[": "]",
    "〈": "〉",
    "《": "》",
    "｛": "｝",
    "{": "}",
    "〔": "〕",
    "“": "”",
    "‘": "’",
}
_TRAILING = " \u3000、。，．,.:：;；・-–—―〜~～|｜→←…‥"
_ENDS = "。！？!?."
_PAUSE = "、，,;；:："
_ADDRESS_END = re.compile(r"https?://\S+\Z", re.I)
_KEEP = 0.6  # a cut after a pause is better if it keeps this much of the room

_NO_START = "、。，．：；？！ー）］｝」』】〉》〕”’ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ々〻ゝゞヽヾ゛゜%％)]}!?,.:;…‥・"


def cut(text: str, fits: Callable[[str], bool], shortest: int = SHORTEST) -> str | None:
    """The longest beginning that fits, cut between phrases, with … and its brackets closed; None
    where not even `shortest` characters do."""
    places = _places(text)
    outside: Mapping[int, str] = {
        place: closing for place, closing in places.items() if not closing
    }
    best = _longest(text, outside, fits)
    inside = best if len(outside) == len(places) else _longest(text, places, fits)
    if best < inside * _KEEP:
        best, outside = inside, places
    best = _at_pause(text, outside, best)
    if best < max(shortest, 1):
        return None
    shown = _shown(text, best, places[best])
    return shown if fits(shown) else None


def _shown(text: str, place: int, closing: str) -> str:
    """A space after an address: Mastodon would take … for a part of it."""
    kept = text[:place].rstrip(_TRAILING)
    return kept + (" " if _ADDRESS_END.search(kept) else "") + ELLIPSIS + closing


def _longest(text: str, places: Mapping[int, str], fits: Callable[[str], bool]) -> int:
    """The last place whose text fits; 0 where none does."""
    ends = list(places)
    index = bisect_left(ends, True, key=lambda end: not fits(_shown(text, end, places[end])))
    return ends[index - 1] if index else 0


def _at_pause(text: str, places: Mapping[int, str], best: int) -> int:
    """The last end of a sentence, else the last pause, that keeps enough of the room."""
    near = [place for place in places if best * _KEEP <= place <= best]
    for marks in (_ENDS, _PAUSE):
        found = [place for place in near if _ends(text[:place].rstrip(), marks)]
        if found:
            return found[-1]
    return best


def _ends(kept: str, marks: str) -> bool:
    return kept[-1:] in marks and not (kept.endswith(".") and is_abbreviation(kept))


def _places(text: str) -> dict[int, str]:
    """Where a cut may be, in order, with the closing brackets that it then needs."""
    whole, found, brackets, position = held(text), {}, _Brackets(), 0
    for phrase in _phrases(text)[:-1]:
        brackets.read(phrase)
        position += len(phrase)
        kept = text[:position].rstrip(_TRAILING)
        broken = position in whole or text[position] in _NO_START or kept[-1:] in _PAIRS
        if kept and not broken:
            found[position] = brackets.closing
    return found


class _Brackets:
    """The brackets that are open after what was read."""

    def __init__(self) -> None:
        self._stack: list[str] = []

    def read(self, phrase: str) -> None:
        for char in phrase:
            if char in _PAIRS:
                self._stack.append(_PAIRS[char])
            elif char in self._stack:
                del self._stack[len(self._stack) - 1 - self._stack[::-1].index(char) :]

    @property
    def closing(self) -> str:
        return "".join(reversed(self._stack))


def _phrases(text: str) -> list[str]:
    pieces = re.split(r"(?<=\s)(?=\S)", text)
    parser = _parser()
    return [
        p for piece in pieces for p in (parser.parse(piece) if not piece.isascii() else [piece])
    ]


@cache
def _parser() -> Any:
    import budoux

    return budoux.load_default_japanese_parser()
