"""Where a sentence may be cut: between phrases (BudouX), never inside a number and its unit, a
Latin word, a link or an emoji; brackets that a cut leaves open are closed, and … says it was cut.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from bot.compose.links import find_links
from bot.compose.units import grapheme_spans

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
_KEEP = 0.6  # a cut after a pause is better if it keeps this much of the room

_UNITS = (
    (
        "万 億 兆 千 百 十 パーセント ポイント ドル ユーロ ポンド ウォン 円 元 人 社 件 個 回 位 倍 歳 代 台 枚 本 冊 名 点 "
        "年 月 日 時間 時 分 秒 週 か月 カ月 ヶ月 ヵ月 ケ月 箇月 世代 番 号 章 行 文字 割 度 階 目 間 以上 以下 超 未満 "
        "前 後 % ％ ℃ キロ メガ ギガ テラ ミリ センチ メートル グラム バイト ビット トン ワット トークン"
    )
    .replace("万億兆千百十", "万 億 兆 千 百 十")
    .split()
)
_UNIT = "|".join(sorted(_UNITS, key=len, reverse=True))
_DIGITS = "[0-9０-９][0-9０-９.,，．:：/~～〜\\-]*"
_LATIN = "A-Za-zÀ-ɏ"
_WHOLE = tuple(
    re.compile(pattern)
    for pattern in (
        rf"[$¥€£￥＄約第計各全±+\-−]*{_DIGITS}(?:分の{_DIGITS})?(?:{_UNIT})*(?:[ \u00a0]?[{_LATIN}µμΩ°%]+)?",
        rf"[{_LATIN}0-9]+(?:[.'’_+/&@#\-][{_LATIN}0-9]+)*[+#]*",
        rf"[A-Z][{_LATIN}0-9.\-]*(?: [0-9][0-9.{_LATIN}]*)+",  # a product and its number
        r"[ァ-ヺー]+",
        r"[$@#＠＃＄]\S",
    )
)
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
    return text[:place].rstrip(_TRAILING) + ELLIPSIS + closing


def _longest(text: str, places: Mapping[int, str], fits: Callable[[str], bool]) -> int:
    """The last place whose text fits; 0 where none does."""
    ends = list(places)
    index = bisect_left(ends, True, key=lambda end: not fits(_shown(text, end, places[end])))
    return ends[index - 1] if index else 0


def _at_pause(text: str, places: Mapping[int, str], best: int) -> int:
    """The last end of a sentence, else the last pause, that keeps enough of the room."""
    near = [place for place in places if best * _KEEP <= place <= best]
    for marks in (_ENDS, _PAUSE):
        found = [place for place in near if text[:place].rstrip()[-1:] in marks]
        if found:
            return found[-1]
    return best


def _places(text: str) -> dict[int, str]:
    """Where a cut may be, in order, with the closing brackets that it then needs."""
    held, found, brackets, position = _held(text), {}, _Brackets(), 0
    for phrase in _phrases(text)[:-1]:
        brackets.read(phrase)
        position += len(phrase)
        kept = text[:position].rstrip(_TRAILING)
        broken = position in held or text[position] in _NO_START or kept[-1:] in _PAIRS
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


def _held(text: str) -> set[int]:
    """The positions inside what stays whole."""
    spans = [match.span() for whole in _WHOLE for match in whole.finditer(text)] + find_links(text)
    spans += grapheme_spans(text)
    return {place for start, end in spans for place in range(start + 1, end)}


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
