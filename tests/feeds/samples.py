"""Entries for the tests of feeds: one that is whole, and a way to change any part of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from bot.model import Entry, Image, Post, Summary
from bot.settings import Feed, Site

JAPAN = timezone(timedelta(hours=9))
SHARED = Path(__file__).parents[3] / "shared"

SITE = Site(
    url="https://blog.example/",
    title="産業ブログ",
    language="ja",
    author="書き手",
    description="仕事と機械の話",
)
FEED = Feed()

COVER = Image(
    alt="川のそばの工場",
    url="https://blog.example/images/factory.png",
    mime="image/png",
    width=1200,
    height=630,
    size=4321,
)

POST = Post(
    path="content/posts/factory.md",
    source="content/posts/factory.md",
    url="https://blog.example/posts/factory/",
    title="工場の一日",
    date=datetime(2026, 2, 10, tzinfo=JAPAN),
    lastmod=datetime(2026, 2, 11, 12, 30, tzinfo=JAPAN),
    language="ja",
    tags=("製造", "GenAI"),
    categories=("ニュース",),
    summary=Summary(lines=("朝に始まる。", "昼に止まる。", "夜に片づける。"), source="section"),
    cover=COVER,
    content_hash="1",
    visible=True,
    why_not=None,
)


def entry(number: int = 0, *, html: str = "<p>本文です。</p>", **changes: Any) -> Entry:
    """The sample post; `number` makes another one, a day older each."""
    day = timedelta(days=number)
    url = f"https://blog.example/posts/factory-{number}/" if number else POST.url
    post = replace(POST, url=url, content_hash=str(number))
    post = replace(post, **{name: value for name, value in changes.items() if name not in _OWN})
    return Entry(
        post=post,
        guid=changes.get("guid", url),
        published=changes.get("published", datetime(2026, 2, 9, 15, tzinfo=UTC) - day),
        updated=changes.get("updated", datetime(2026, 2, 11, 3, 30, 0, 123456, tzinfo=UTC) - day),
        html=html,
    )


_OWN = ("guid", "published", "updated")
