"""Posts to feeds: RSS 2.0, Atom 1.0 and JSON Feed 1.1, as bytes and as files."""

from __future__ import annotations

from collections.abc import Sequence

from bot.feeds.compare import REASONS, Comparison, Difference, compare
from bot.feeds.files import Written, write_feeds
from bot.feeds.items import first_guid, hubs_of
from bot.feeds.plan import Alternate, Plan, alternates, discover, feed_urls, plan_feeds
from bot.feeds.press import Press
from bot.model import Entry
from bot.settings import Feed, Site

__all__ = [
    "REASONS",
    "Alternate",
    "Comparison",
    "Difference",
    "Plan",
    "Press",
    "Written",
    "alternates",
    "compare",
    "discover",
    "feed_urls",
    "first_guid",
    "hubs_of",
    "plan_feeds",
    "render_feeds",
    "write_feeds",
]


def render_feeds(entries: Sequence[Entry], site: Site, feed: Feed) -> dict[str, bytes]:
    """The site's own feeds, by file name. `entries`: newest first, already limited. The same input
    gives the same bytes on any day and under any locale."""
    from bot.feeds.items import channel
    from bot.feeds.press import render

    plan = Plan(head=channel(entries, site, feed), entries=tuple(entries), folder="")
    return render(plan, site, feed)
