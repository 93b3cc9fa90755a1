"""Posts to feeds: RSS 2.0, Atom 1.0 and JSON Feed 1.1, as bytes and as files."""

from __future__ import annotations

from collections.abc import Sequence

from bot.feeds.files import Written, write_feeds
from bot.model import Entry
from bot.settings import Feed, Site

__all__ = ["Written", "render_feeds", "write_feeds"]


def render_feeds(entries: Sequence[Entry], site: Site, feed: Feed) -> dict[str, bytes]:
    """The feeds that `feed` names, by file name. `entries`: newest first, already limited. The same
    input gives the same bytes on any day and under any locale."""
    from bot.feeds.items import channel, item
    from bot.feeds.jsonfeed import render_json
    from bot.feeds.xmlfeed import render_atom, render_rss

    head = channel(entries, site, feed)
    items = [item(entry, head, site, feed) for entry in entries]
    formats = ((feed.rss, render_rss), (feed.atom, render_atom), (feed.json, render_json))
    return {name: render(head, items, name) for name, render in formats if name}
