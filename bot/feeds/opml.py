"""The list of all feeds, for a reader that takes them in at once (http://opml.org/spec2.opml)."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from urllib.parse import quote

from bot.feeds.items import Channel
from bot.feeds.mark import XML_MARK
from bot.feeds.plan import Plan
from bot.settings import Feed


def render_opml(plans: Iterable[Plan], head: Channel, feed: Feed) -> bytes:
    name = feed.rss or feed.atom or feed.json
    outlines = [_outline(plan, name) for plan in plans if plan.head.current is None and name]
    lines = (
        '<?xml version="1.0" encoding="utf-8"?>',
        f'{XML_MARK}<opml version="2.0">',
        f"<head><title>{escape(head.title)}</title></head>",
        "<body>",
        *outlines,
        "</body>",
        "</opml>",
        "",
    )
    return "\n".join(lines).encode()


def _outline(plan: Plan, name: str) -> str:
    values = {
        "type": "rss",  # so for Atom too: the specification knows no other
        "text": plan.head.title,
        "title": plan.head.title,
        "language": plan.head.language,
        "htmlUrl": plan.head.link,
        "xmlUrl": plan.head.base + quote(name),
    }
    return (
        "<outline " + " ".join(f'{key}="{escape(value)}"' for key, value in values.items()) + "/>"
    )
