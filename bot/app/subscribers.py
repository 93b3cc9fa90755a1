"""`bot feed --discover` and `--compare`: how readers find the feeds, and what those of an older feed
would see twice. Nothing is written.
"""

from __future__ import annotations

import os
from urllib.parse import urljoin

from bot.app.entries import Entries
from bot.app.report import list_posts
from bot.app.wiring import App
from bot.errors import ContentError
from bot.feeds import Comparison, Plan, compare, plan_feeds
from bot.i18n import Message, msg
from bot.model import Entry

REDIRECTS = 5


def feeds_of(app: App) -> tuple[Plan, ...]:
    """The feeds that would be written now."""
    return plan_feeds(_entries(app), app.config.site, app.config.feed)


def compare_with(app: App, source: str) -> Comparison:
    """What would look new to the subscribers of the feed at `source`, an address or a file, if the
    site's own feed took its place. Raises ContentError or PosterError where it cannot be read."""
    old = _fetched(app, source) if source.startswith(("http://", "https://")) else _read(source)
    entries = _entries(app)[: app.config.feed.limit]
    try:
        return compare(old, entries, app.config.site, app.config.feed)
    except ContentError as error:
        error.path = source
        raise


def _entries(app: App) -> list[Entry]:
    site = list_posts(app)
    if not site.readable:
        why = site.problems[0]
        raise ContentError(why.message, code=why.code, path=why.path, hint=why.hint)
    return Entries().of(site)


def _read(file: str) -> bytes:
    try:
        with open(file, "rb") as opened:
            return opened.read()
    except (OSError, ValueError) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise _unread(file, msg("It cannot be read: {reason}", reason=why)) from None


def _fetched(app: App, url: str) -> bytes:
    """As a reader gets it: a feed that moved says where it is now."""
    net, here = app.net(), url
    for _ in range(REDIRECTS + 1):
        answer = net.request("GET", here)
        if answer.status == 200:
            return answer.body
        if answer.status not in (301, 302, 303, 307, 308) or "location" not in answer.headers:
            raise _unread(url, msg("The server answers {status}", status=answer.status))
        here = urljoin(here, answer.headers["location"])
    raise _unread(url, msg("It is moved on again and again"))


def _unread(source: str, message: Message) -> ContentError:
    return ContentError(
        message,
        code="feed-unreadable",
        path=source,
        hint=msg("give the address of the feed, or save it and give the file"),
    )
