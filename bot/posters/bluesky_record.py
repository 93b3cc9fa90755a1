"""Records of Bluesky as values: post, facets, record keys. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.links import canonical, find_addresses
from bot.model import Json, Receipt, Seen
from bot.posters.base import moment

COLLECTION = "app.bsky.feed.post"
ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"  # https://atproto.com/specs/tid
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CLOCK_IDS = 1024

_KIND = "app.bsky.richtext.facet#"
_AFTER_TAG = r"(?=[.,;:!?'\")\]}。、．，：；！？）」』】〉》…]*(?:\s|$))"
"""What ends a tag: ・ and letters go on with it."""


def micros(when: datetime) -> int:
    return (when - EPOCH) // timedelta(microseconds=1)


def tid(microseconds: int, clock_id: int) -> str:
    """The record key of an instant: 53 bits of microseconds, 10 of who counted them."""
    number = (microseconds << 10) | clock_id
    return "".join(ALPHABET[number >> shift & 31] for shift in range(60, -1, -5))


def post_record(
    *,
    text: str,
    created: int,
    language: str,
    link: str | None,
    hashtags: Sequence[str],
    embed: Json | None,
    parents: Sequence[Receipt],
) -> dict[str, Any]:
    """https://github.com/bluesky-social/atproto/blob/main/lexicons/app/bsky/feed/post.json"""
    when = EPOCH + timedelta(microseconds=created)
    record: dict[str, Any] = {
        "$type": COLLECTION,
        "text": text,
        "createdAt": when.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }
    if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", language):
        record["langs"] = [language]
    if found := facets(text, link, hashtags):
        record["facets"] = found
    if embed is not None:
        record["embed"] = embed
    if parents:
        record["reply"] = {"root": _reference(parents[0]), "parent": _reference(parents[-1])}
    return record


def seen(entry: Any) -> Seen | None:
    """A record as it is listed, with the links of its facets and its card."""
    record = _dig(entry, "value")
    uri, text = _dig(entry, "uri"), _dig(record, "text")
    when = moment(_dig(record, "createdAt"))
    if not isinstance(uri, str) or not isinstance(text, str) or when is None:
        return None
    repo, _, rkey = uri.removeprefix("at://").partition(f"/{COLLECTION}/")
    features = [f for facet in _list(record, "facets") for f in _list(facet, "features")]
    links = [*(_dig(f, "uri") for f in features), _dig(record, "embed", "external", "uri")]
    return Seen(
        id=uri,
        url=post_url(repo, rkey),
        at=when,
        text=text,
        links=tuple(link for link in links if isinstance(link, str)),
    )


def post_url(repo: str, rkey: str) -> str:
    return f"https://bsky.app/profile/{repo}/post/{rkey}"


def facets(text: str, link: str | None, hashtags: Sequence[str]) -> list[dict[str, Any]]:
    """What of the text is a link or a hashtag, by offsets into its UTF-8 bytes, none overlapping:
    the server takes wrong ones without a word.
    https://docs.bsky.app/docs/advanced-guides/post-richtext"""
    found: list[tuple[int, int, dict[str, Any]]] = []
    if link and (span := _last(re.escape(link) + r"(?=[\s\"'）」』)]|$)", text)):
        _add(found, span, {"$type": _KIND + "link", "uri": link})
    for start, end in find_addresses(text):
        address = text[start:end]
        uri = address if address.isascii() else canonical(address)
        _add(found, (start, end), {"$type": _KIND + "link", "uri": uri})
    for tag in hashtags:
        if span := _last(rf"(?<![\w#・])#{re.escape(tag)}{_AFTER_TAG}", text):
            _add(found, span, {"$type": _KIND + "tag", "tag": tag})
    return [_facet(text, start, end, feature) for start, end, feature in sorted(found, key=_start)]


def _add(
    found: list[tuple[int, int, dict[str, Any]]], span: tuple[int, int], feature: dict[str, Any]
) -> None:
    if all(span[1] <= start or end <= span[0] for start, end, _ in found):
        found.append((*span, feature))


def _last(pattern: str, text: str) -> tuple[int, int] | None:
    """The last one: a template puts the link and the hashtags after the title."""
    matches = list(re.finditer(pattern, text))
    return matches[-1].span() if matches else None


def _start(found: tuple[int, int, dict[str, Any]]) -> int:
    return found[0]


def _facet(text: str, start: int, end: int, feature: dict[str, Any]) -> dict[str, Any]:
    first = len(text[:start].encode())
    index = {"byteStart": first, "byteEnd": first + len(text[start:end].encode())}
    return {"index": index, "features": [feature]}


def _reference(receipt: Receipt) -> dict[str, Any]:
    """https://github.com/bluesky-social/atproto/blob/main/lexicons/com/atproto/repo/strongRef.json"""
    return {"uri": receipt.id, "cid": receipt.extra["cid"]}


def _dig(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _list(value: Any, name: str) -> list[Any]:
    found = _dig(value, name)
    return found if isinstance(found, list) else []
