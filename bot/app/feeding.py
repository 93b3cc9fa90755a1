"""Feeds of the published posts: what the ledger remembers of them keeps ids and times stable."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from bot.app.bodies import Bodies
from bot.app.branch import changing
from bot.app.wiring import App, Site
from bot.feeds import Written
from bot.model import Article, Entry, Post

SECOND = 1_000_000


def write_site_feeds(app: App, site: Site) -> Written:
    """Write the feeds of this scan; files that would not change are not touched. Of a post that
    cannot be read now they keep the last good version."""
    kept = list(app.last_good.posts(site.unread, app.scanner, app.now()))
    texts = {post.path: text for _, post, text in kept}
    entries = entries_of(site, [(post, article) for article, post, _ in kept])
    bodies = Bodies(app, site.posts, texts)
    written = app.press.publish(entries, bodies)
    app.last_good.keep(entry.post for entry in entries[: app.config.feed.limit])
    root = str(app.root)
    refused = (
        replace(p, path=os.path.relpath(p.path, root).replace(os.sep, "/")) for p in written.refused
    )
    return replace(written, refused=tuple(refused), problems=tuple(bodies.problems))


@changing
def feed_turn(app: App) -> tuple[Site, Written | None]:
    """`bot feed`. Nothing is written where the content folder cannot be read."""
    ledger = app.ledger
    site = app.scan(ledger.articles())
    if not site.readable or site.shrunk:
        return site, None
    ledger.save_articles(site.changed)
    return site, write_site_feeds(app, site)


def entries_of(site: Site, kept: Sequence[tuple[Post, Article]] = ()) -> list[Entry]:
    """Every published post, newest first; posts of one midnight by when they were first seen."""
    articles = {a.id: a for a in site.articles}
    pairs = [(post, articles[post.id]) for post in site.posts if post.visible]
    pairs += kept
    pairs.sort(key=lambda pair: pair[0].path)
    pairs.sort(key=lambda pair: (_published(*pair), pair[1].first_visible or 0), reverse=True)
    return [_entry(post, article) for post, article in pairs]


def _entry(post: Post, article: Article) -> Entry:
    """`updated`: lastmod, else when a change was first seen, else the date; never the clock."""
    published = _published(post, article)
    changed = _time(article.changed_at) if article.changed_at else None
    return Entry(
        post=post,
        guid=article.guid,
        published=published,
        updated=max(post.lastmod or changed or published, published),
        html="",
    )


def _published(post: Post, article: Article) -> datetime:
    return post.date or _time(article.first_seen)


def _time(micros: int) -> datetime:
    return datetime.fromtimestamp(micros // SECOND, UTC)
