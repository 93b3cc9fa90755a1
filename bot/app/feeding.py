"""Feeds of the published posts: what the ledger remembers of them keeps ids and times stable."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.app.wiring import App, Site
from bot.feeds import Written, render_feeds, write_feeds
from bot.model import Article, Entry, Post

SECOND = 1_000_000


def write_site_feeds(app: App, site: Site) -> Written:
    """Render and write the feeds of this scan; files that would not change are not touched."""
    feed = app.config.feed
    files = render_feeds(_entries(app, site), app.config.site, feed)
    return write_feeds(files, app.root / feed.path)


def feed_turn(app: App) -> tuple[Site, Written | None]:
    """`bot feed`. Nothing is written where the content folder cannot be read."""
    ledger = app.ledger
    site = app.scan(ledger.articles())
    if not site.readable:
        return site, None
    ledger.save_articles(site.changed)
    return site, write_site_feeds(app, site)


def _entries(app: App, site: Site) -> list[Entry]:
    articles = {a.id: a for a in site.articles}
    pairs = [(post, articles[post.id]) for post in site.posts if post.visible]
    pairs.sort(key=lambda pair: (_published(*pair), pair[1].first_visible or 0), reverse=True)
    return [_entry(post, article) for post, article in pairs[: app.config.feed.limit]]


def _entry(post: Post, article: Article) -> Entry:
    from bot.content import read_body, to_html

    published = _published(post, article)
    changed = _time(article.changed_at) if article.changed_at else None
    return Entry(
        post=post,
        guid=article.guid,
        published=published,
        updated=max(post.lastmod or changed or published, published),
        html=to_html(read_body(post), post.url),
    )


def _published(post: Post, article: Article) -> datetime:
    return post.date or _time(article.first_seen)


def _time(micros: int) -> datetime:
    return datetime.fromtimestamp(micros // SECOND, UTC)
