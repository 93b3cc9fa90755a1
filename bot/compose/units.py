"""How long a text is, in the unit of each network: exact, since a letter too many is refused.

X: https://docs.x.com/fundamentals/counting-characters (twitter-text, config v3).
Mastodon: https://docs.joinmastodon.org/user/posting/#text and its status_length_validator.rb.
Bluesky: graphemes and UTF-8 bytes, lexicons/app/bsky/feed/post.json of bluesky-social/atproto.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from bot.links import Span, find_links, find_scheme_links, utf16_units, whole_characters
from bot.model import Measure, TextLimit, Unit

_HEAVY = re.compile("[^\u0000-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]")
_MANY_CODES = re.compile(
    "[\u200d\u20e3\ufe0f\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")
_ONE_EACH = re.compile(
    r"[\n -~、-〩〰-ゖ゛-ヿ㐀-䶿一-鿿！-ﾝ\u00a1-\u00a8\u00b0-\u02ff\u2010-\u2027\u2030-\u205e]*"
)
_MENTION = re.compile(r"(?<![\w/])(@[a-z0-9_]+(?:[a-z0-9_.\-]*[a-z0-9_]+)?)@[\w.\-]*\w", re.I)
_FLAGS = (
    "AC AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ "
    "BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CP CQ CR CU CV CW CX CY CZ DE DG DJ "
    "DK DM DO DZ EA EC EE EG EH ER ES ET EU FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP "
    "GQ GR GS GT GU GW GY HK HM HN HR HT HU IC ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH "
    "KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO "
    "MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL "
    "PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV "
    "SX SY SZ TA TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM UN US UY UZ VA VC VE VG "
    "VI VN VU WF WS XK YE YT ZA ZM ZW"
)
"""The pairs of regional indicators that are a flag: https://www.unicode.org/reports/tr51/#Flags"""

_JOINED = (
    "❤💋👨👩🧑👦👧🧒🤝🐰🦰🦱🦲🦳♀♂⚕⚖✈🌾🍳🍼🎓🎤🎨🏫🏭💻💼🔧🔬🚀🚒🦯🦼🦽🎄🩰"
    "⚧☠❄⬛🗨🌈🦺🔥🩹💨💫🌫↔↕➡💥🟩🟫🫯"
)
"""What an emoji may be joined with: https://unicode.org/Public/emoji/latest/emoji-zwj-sequences.txt.
Others stand one beside the other, and each has its weight."""


def measure(text: str, limit: TextLimit) -> tuple[Measure, ...]:
    """The length in the network's unit, then in bytes where those are capped too."""
    length = _counter(limit)(text)
    main = Measure(length=length, limit=limit.maximum, unit=limit.unit)
    if limit.byte_cap is None:
        return (main,)
    return main, Measure(length=utf8_bytes(text), limit=limit.byte_cap, unit="bytes")


def fits(text: str, limit: TextLimit) -> bool:
    return all(m.limit is None or m.length <= m.limit for m in measure(text, limit))


def x_weight(text: str, link_cost: int = 23) -> int:
    """X's weighted length: Latin 1, Japanese 2, an emoji of any length 2, a link 23."""
    text = unicodedata.normalize("NFC", text)
    emoji = _emoji_spans(text)
    if emoji or "." in text:
        text = utf16_units(text)
    entities = [(*span, link_cost) for span in find_links(text)] + [(*span, 2) for span in emoji]
    weight, position = 0, 0
    for start, end, cost in sorted(entities, key=lambda entity: entity[0]):
        if start >= position:
            weight += _plain_weight(text[position:start]) + cost
            position = end
    return weight + _plain_weight(text[position:])


def fold(text: str, room: int = 280) -> int | None:
    """Where X folds a long post behind "Show more", as an offset; None where it does not. A link
    is never folded in the middle."""
    if x_weight(text) <= room:
        return None
    low, high = 0, len(text)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if x_weight(text[:middle]) <= room else (low, middle)
    return next((start for start, end in find_links(text) if start < low < end), low)


def graphemes(text: str) -> int:
    """What a reader takes for one character each (UAX #29, extended)."""
    if _ONE_EACH.fullmatch(text):
        return len(text)
    return len(split_graphemes(text))


def split_graphemes(text: str) -> list[str]:
    found: list[str] = _grapheme().findall(text)
    return found


def grapheme_spans(text: str) -> list[Span]:
    """Those of more than one code point."""
    if _ONE_EACH.fullmatch(text):
        return []
    return [match.span() for match in _grapheme().finditer(text) if len(match[0]) > 1]


def mastodon_length(text: str, link_cost: int = 23) -> int:
    """Graphemes, where a link has a fixed cost and of `@user@host` only `@user` counts."""
    return graphemes(_MENTION.sub(r"\1", _stand_in(text, find_scheme_links(text), "x" * link_cost)))


def code_points(text: str) -> int:
    return len(text)


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def utf8_bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


_COUNTERS: Mapping[Unit, Callable[[str], int]] = {
    "x-weighted": x_weight,
    "graphemes": graphemes,
    "code-points": code_points,
    "utf16": utf16,
    "bytes": utf8_bytes,
}


def _counter(limit: TextLimit) -> Callable[[str], int]:
    cost = limit.link_cost
    if limit.emoji_bytes:
        return _with_emoji_bytes
    if cost is None:
        return _COUNTERS[limit.unit]
    if limit.unit == "x-weighted":
        return lambda text: x_weight(text, cost)
    if limit.unit == "graphemes":
        return lambda text: mastodon_length(text, cost)
    plain = _COUNTERS[limit.unit]
    return lambda text: plain(_stand_in(text, find_scheme_links(text), "x" * cost))


def _with_emoji_bytes(text: str) -> int:
    """Threads: https://developers.facebook.com/docs/threads/posts"""
    return len(_emoji().sub(lambda match: "x" * utf8_bytes(match[0]), text))


def _stand_in(text: str, spans: list[Span], placeholder: str) -> str:
    pieces, position = [], 0
    for start, end in spans:
        pieces += [text[position:start], placeholder]
        position = end
    return "".join([*pieces, text[position:]])


def _emoji_spans(text: str) -> list[Span]:
    """The emoji of more than one code point, in UTF-16 units; the others weigh 2 anyway."""
    if not _MANY_CODES.search(text):
        return []
    found, place, position = [], 0, 0
    for match in _emoji().finditer(text):
        place += utf16(text[position : match.start()])
        found.append((place, place + utf16(match[0])))
        place, position = place + utf16(match[0]), match.end()
    return found


def _plain_weight(text: str) -> int:
    if _SURROGATES.search(text):
        text = whole_characters(text)
    return len(text) + len(_HEAVY.findall(text))


@cache
def _grapheme() -> Any:
    import regex  # type: ignore[import-untyped]

    return regex.compile(r"\X")


@cache
def _emoji() -> Any:
    """A whole emoji (https://www.unicode.org/reports/tr51/#EBNF_and_Regex), however many codes."""
    import regex

    one = (
        r"(?:\p{Emoji_Modifier_Base}\p{Emoji_Modifier}"
        r"|[©®]\uFE0F"
        r"|[[\p{Emoji}--\p{Emoji_Presentation}]--[0-9#*©®]]\uFE0F?"
        r"|[\p{Emoji_Presentation}--\p{Regional_Indicator}])"
    )
    joined = rf"[{_JOINED}]\p{{Emoji_Modifier}}?\uFE0F?"
    flags = "|".join(_shifted(flag, 0x1F1E6 - ord("A")) for flag in _FLAGS.split())
    nations = "|".join(_shifted(name, 0xE0000) for name in ("gbeng", "gbsct", "gbwls"))
    nations = f"\U0001f3f4(?:{nations})\U000e007f"
    keycap = r"[0-9#*]\uFE0F?\u20E3"
    return regex.compile(rf"{keycap}|{flags}|{nations}|{one}(?:\u200D{joined})*", regex.V1)


def _shifted(letters: str, by: int) -> str:
    return "".join(chr(ord(letter) + by) for letter in letters)
