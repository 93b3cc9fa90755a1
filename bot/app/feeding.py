"""Feeds of the published posts: what the ledger remembers of them keeps ids and times stable."""

from __future__ import annotations

import os
from dataclasses import replace

from bot.app.bodies import Bodies
from bot.app.branch import changing
from bot.app.wiring import App, Site
from bot.feeds import Written


def write_site_feeds(app: App, site: Site) -> Written:
    """Write the feeds of this scan; files that would not change are not touched. Of a post that
    cannot be read now they keep the last good version."""
    kept = list(app.last_good.posts(site.unread, app.scanner, app.now()))
    texts = {post.path: text for _, post, text in kept}
    entries = app.entries.of(site, [(post, article) for article, post, _ in kept])
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
