"""JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/): plain text as it is, nothing escaped twice."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from bot.feeds.frame import Frame
from bot.feeds.items import Channel, Item, Picture
from bot.feeds.mark import GENERATOR
from bot.feeds.text import rfc3339

VERSION = "https://jsonfeed.org/version/1.1"


def json_frame(head: Channel, name: str) -> Frame:
    """One item a line; the generator's mark stands before the items."""
    opening = _dump(_present(_head(head, name)))[:-1]
    return Frame(before=opening + b',"items":[\n', between=b",\n", after=b"\n]}\n")


def json_item(item: Item) -> bytes:
    return _dump(
        {key: value for key, value in _fields(item).items() if value not in (None, (), [])}
    )


def _head(head: Channel, name: str) -> dict[str, Any]:
    return {
        "version": VERSION,
        "title": head.title,
        "home_page_url": head.link,
        "feed_url": head.base + quote(name),
        "description": head.description,
        "language": head.language,
        "authors": [{"name": head.author}],
        "icon": head.icon,
        "next_url": head.older + quote(name) if head.older else None,
        "hubs": [{"type": "WebSub", "url": hub} for hub in head.hubs],
        "_bot": {"generator": GENERATOR},
    }


def _fields(item: Item) -> dict[str, Any]:
    picture = item.picture
    return {
        "id": item.id,
        "url": item.url,
        "title": item.title,
        "summary": item.summary,
        # one of the two must be there
        "content_html" if item.html else "content_text": item.html or item.summary,
        "image": picture.url if picture else None,
        "date_published": rfc3339(item.published),
        "date_modified": rfc3339(item.updated),
        "authors": [{"name": item.author}],
        "tags": list(dict.fromkeys(term.name for term in item.terms)),
        "language": item.language,
        "attachments": _attachments(picture),
    }


def _attachments(picture: Picture | None) -> list[dict[str, Any]]:
    if picture is None or picture.mime is None or picture.size is None:
        return []
    return [{"url": picture.url, "mime_type": picture.mime, "size_in_bytes": picture.size}]


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value not in (None, [])}


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
