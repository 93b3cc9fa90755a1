"""Bluesky's facets: which bytes of a text are a link or a hashtag. The server takes wrong ones
without a word, so they are made from what is found in the very text that is sent.

https://docs.bsky.app/docs/advanced-guides/post-richtext
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bot.compose.links import Span, find_links

_KIND = "app.bsky.richtext.facet#"


def facets(text: str, link: str | None, hashtags: Sequence[str]) -> list[dict[str, Any]]:
    """The link, other addresses with a scheme, and the hashtags (without `#`), in order; none
    overlap another."""
    found: dict[Span, dict[str, Any]] = {}
    spans = find_links(text, bare=False)
    if link:
        spans = [match.span() for match in re.finditer(re.escape(link) + r"(?!\S)", text)] + spans
    for start, end in spans:
        _add(found, (start, end), {"$type": _KIND + "link", "uri": text[start:end]})
    for tag in hashtags:
        for match in re.finditer(rf"(?<!\S)#{re.escape(tag)}(?!\S)", text):
            _add(found, match.span(), {"$type": _KIND + "tag", "tag": tag})
    return [_facet(text, span, feature) for span, feature in sorted(found.items(), key=_place)]


def _add(found: dict[Span, dict[str, Any]], span: Span, feature: dict[str, Any]) -> None:
    if all(span[1] <= start or end <= span[0] for start, end in found):
        found[span] = feature


def _place(item: tuple[Span, dict[str, Any]]) -> Span:
    return item[0]


def _facet(text: str, span: Span, feature: dict[str, Any]) -> dict[str, Any]:
    start, end = (len(text[:place].encode("utf-8")) for place in span)
    return {"index": {"byteStart": start, "byteEnd": end}, "features": [feature]}
