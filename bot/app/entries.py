"""The entries of a site's feeds: its published posts with what the ledger remembers of them, newest
first. Between two scans nearly all are the same, and stay the same objects.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import is_
from typing import NamedTuple

from bot.app.wiring import Site
from bot.model import Article, Entry, Post

SECOND = 1_000_000

Kept = Sequence[tuple[Post, Article]]


class _Row(NamedTuple):
    """`order` sorts: the newest first, posts of one time by when they were first seen, then by path."""

    order: tuple[float, int, str]
    post: Post
    article: Article
    updated: datetime
    entry: Entry


class Entries:
    """For one site, as long as the process runs."""

    def __init__(self) -> None:
        self._rows: dict[str, _Row] = {}
        self._posts: tuple[Post, ...] = ()
        self._told: list[list[object]] = []
        self._entries: list[Entry] | None = None

    def of(self, site: Site, kept: Kept = ()) -> list[Entry]:
        """`kept` stands in for posts that cannot be read. The same list as before, if all is."""
        told: list[list[object]] = [
            [article.guid for article in site.articles],
            [article.changed_at for article in site.articles],
        ]
        if self._entries is not None and not kept and self._same(site.posts, told):
            return self._entries
        articles = {article.id: article for article in site.articles}
        pairs = [(post, articles[post.id]) for post in site.posts if post.visible]
        rows = sorted(self._row(post, article) for post, article in (*pairs, *kept))
        rows = _apart(rows)
        self._rows = {row.post.path: row for row in rows}
        entries = [row.entry for row in rows]
        self._posts, self._told = site.posts, told
        self._entries = None if kept else entries
        return entries

    def _same(self, posts: tuple[Post, ...], told: list[list[object]]) -> bool:
        return (
            len(posts) == len(self._posts)
            and all(map(is_, posts, self._posts))
            and told == self._told
        )

    def _row(self, post: Post, article: Article) -> _Row:
        known = self._rows.get(post.path)
        if known and known.post is post and known.article == article:
            return known
        entry = _entry(post, article)
        order = (-entry.published.timestamp(), -(article.first_visible or 0), post.path)
        return _Row(order, post, article, entry.updated, entry)


def _apart(rows: Sequence[_Row]) -> list[_Row]:
    """No two entries were updated in one second (readers and validators take them for one change):
    of posts with the same time, as days have without a time of day, each one that was seen later is
    a second later. What is there already stays as it is, whatever becomes of the others' texts."""
    taken: set[datetime] = set()
    places: Counter[datetime] = Counter()
    apart = []
    for row in reversed(rows):
        said = row.post.lastmod or row.entry.published
        updated = _free(row.updated, places[said] if row.updated == said else 0, taken)
        places[said] += 1
        taken.add(updated)
        if updated != row.entry.updated:
            row = row._replace(entry=replace(row.entry, updated=updated))
        apart.append(row)
    return apart[::-1]


def _free(updated: datetime, place: int, taken: set[datetime]) -> datetime:
    """The time that is `place` seconds later, or the next one that nobody has."""
    try:
        found = updated + timedelta(seconds=place)
        while found in taken:
            found += timedelta(seconds=1)
    except OverflowError:  # at the very end of the calendar
        return updated
    return found


def _entry(post: Post, article: Article) -> Entry:
    """`updated`: lastmod, else when a change was first seen, else the date; never the clock."""
    published = post.date or _time(article.first_seen)
    changed = _time(article.changed_at) if article.changed_at else None
    return Entry(
        post=post,
        guid=article.guid,
        published=published,
        updated=max(post.lastmod or changed or published, published),
        html="",
    )


def _time(micros: int) -> datetime:
    return datetime.fromtimestamp(micros // SECOND, UTC)
