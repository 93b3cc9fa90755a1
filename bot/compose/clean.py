"""Strings of a post made fit to be shown: one line, no control characters, and no accidents.

`guard` keeps a title's or bullet's `@name`, `#1位`, `$NVDA` or `DESIGN.md` from becoming a mention,
a hashtag, a cashtag or a link, by what each network honours and no reader sees.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping

from bot.links import find_domains, find_links

STOP = "\u200b"
"""Zero width space: weighs 1 on X, and ends a mention, tag, cashtag or domain."""

_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)
_COMPOSED = re.compile("[^\u0300-\u036f\u3099\u309a][\u0300-\u036f\u3099\u309a]+")

_MENTION = re.compile(r"(?<![A-Za-z0-9])([@＠])(?=[A-Za-z0-9_])")
_HASHTAG = re.compile(r"([#＃])(?=[^\W]|[_·・])")
_CASHTAG = re.compile(r"(\$)(?=[A-Za-z])")

_MFM_URL = re.compile(r"https?://[^\s<>()\[\]]+")
_MFM_ACTIVE = re.compile(
    r"[@#*_~`<$?]|\[|\\[(\[]|:[A-Za-z0-9_+\-]+:|^>|[ \u3000]\[?(?:検索|search)\]?$", re.I
)


def one_line(text: str) -> str:
    """White space as one space, unseen characters gone, kana and accents composed. Ideographs stay
    as they are written (full NFC would replace some of a name's)."""
    text = " ".join(_UNSEEN.sub("", text).split())
    return _COMPOSED.sub(lambda match: unicodedata.normalize("NFC", match[0]), text)


def own_lines(text: str) -> str:
    """`one_line` for each line of what an author wrote for the network; its lines stay."""
    return "\n".join(map(one_line, text.splitlines())).strip()


def guard(text: str, network: str) -> str:
    return _GUARDS.get(network, _stop_tags)(text)


def _stop_tags(text: str) -> str:
    """Mentions and hashtags, which nearly every network reads out of the text."""
    return _outside(_spans_with_scheme(text), text, _stop)


def _stop(text: str) -> str:
    return _HASHTAG.sub(rf"\1{STOP}", _MENTION.sub(rf"\1{STOP}", text))


def _stop_x(text: str) -> str:
    return _outside(_spans_with_scheme(text), text, _stop_x_piece)


def _stop_x_piece(text: str) -> str:
    text = _CASHTAG.sub(rf"\1{STOP}", _stop(text))
    for start, end in reversed(find_domains(text)):
        text = text[:start] + text[start:end].replace(".", f".{STOP}") + text[end:]
    return text


def _plain_mfm(text: str) -> str:
    """MFM's own word for "as it is": https://misskey-hub.net/docs/for-users/features/mfm/"""
    return _outside([m.span() for m in _MFM_URL.finditer(text)], text, _plain_piece)


def _plain_piece(text: str) -> str:
    if not _MFM_ACTIVE.search(text):
        return text
    return f"<plain>{text.replace('</plain>', f'</{STOP}plain>')}</plain>"


def _spans_with_scheme(text: str) -> list[tuple[int, int]]:
    return find_links(text, bare=False)


def _outside(spans: list[tuple[int, int]], text: str, change: Callable[[str], str]) -> str:
    """`change` on everything that is in none of the spans."""
    pieces, position = [], 0
    for start, end in spans:
        pieces += [change(text[position:start]), text[start:end]]
        position = end
    return "".join([*pieces, change(text[position:])])


_GUARDS: Mapping[str, Callable[[str], str]] = {
    "x": _stop_x,
    "mastodon": _stop_tags,
    "misskey": _plain_mfm,
    "bluesky": str,  # links and tags are what the post's facets say, nothing is read out of the text
    "file": str,
}
