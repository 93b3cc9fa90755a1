"""Feeds of the published posts: what the ledger remembers of them keeps ids and times stable."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from bot.app.bodies import Bodies
from bot.app.branch import changing
from bot.app.pings import plan_pings
from bot.app.shrunk import note
from bot.app.wiring import App, Site
from bot.feeds import Written
from bot.model import Entry


def write_site_feeds(app: App, site: Site) -> Written:
    """Write the feeds of this scan; files that would not change are not touched. Of a post that
    cannot be read now they keep the last good version, and while so many are gone that a person is
    asked, of those, too."""
    away = [a for a in site.missing if a.gone_at is None] if site.shrunk else []
    kept = list(app.last_good.posts([*site.unread, *away], app.scanner, app.now()))
    texts = {post.path: text for _, post, text in kept}
    entries = app.entries.of(site, [(post, article) for article, post, _ in kept])
    if site.shrunk and not _is_whole(app, site, entries):
        return Written(written=(), unchanged=(), refused=())
    bodies = Bodies(app, site.posts, texts)
    written = app.press.publish(entries, bodies, only_main=site.shrunk)
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
    note(app, site)
    if not site.readable:
        return site, None
    ledger.save_articles(site.changed)
    written = write_site_feeds(app, site)
    plan_pings(app, written)
    return site, written


def _is_whole(app: App, site: Site, entries: Sequence[Entry]) -> bool:
    """Whether the site's own feed can be written without losing an entry: copies are kept of as many
    posts as it shows, and not of what its archive shows."""
    away = [article for article in site.missing if article.gone_at is None]
    there = sum(article.first_visible is not None for article in (*away, *site.articles))
    return not app.config.feed.archive and len(entries) >= min(app.config.feed.limit, there)
