"""Posts as a server of the Mastodon API tells them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from bot.model import Json, Seen
from bot.posters.base import web_url
from bot.posters.mastodon_server import dig


def matches(status: Mapping[str, Any], payload: Json) -> bool:
    """The same parent, and the article's link (as href, card or text); without a link, the text."""
    from bot.posters.match import read_html, same_link, shows_link, shows_text

    if status.get("reblog") or status.get("in_reply_to_id") != payload.get("in_reply_to_id"):
        return False
    html = status.get("content")
    html = html if isinstance(html, str) else ""
    link = payload.get("_link")
    if link is None:
        return shows_text(html, payload["status"])
    text, links = read_html(html)
    card = dig(status, "card", "url")
    return shows_link(text, links, link) or (isinstance(card, str) and same_link(card, link))


def path_of(status_id: str) -> str:
    return f"/api/v1/statuses/{quote(status_id, safe='')}"


def media_of(status: Json) -> list[str]:
    media = status.get("media_attachments")
    found = [identifier(entry) for entry in media] if isinstance(media, list) else []
    return [media_id for media_id in found if media_id]


def seen(status: Mapping[str, Any], when: datetime) -> Seen:
    from bot.posters.match import URLS, read_html

    text, links = read_html(str(status.get("content") or ""))
    card = web_url(dig(status, "card", "url"))
    return Seen(
        id=status["id"],
        url=web_url(status.get("url")) or web_url(status.get("uri")),
        at=when,
        text=text,
        links=(*links, *URLS.findall(text), *([card] if card else [])),
    )


def identifier(value: Any) -> str | None:
    found = value.get("id") if isinstance(value, dict) else None
    return found if isinstance(found, str) and found else None
