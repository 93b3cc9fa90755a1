"""Prints all feeds of a site, and prints anew only what has changed.

Each item's serialised form is kept as long as its entry is the same; a feed whose head and entries
are those of the last printing is not touched. Files are compared while they are made, so that ten
thousand posts take no more memory than ten.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from bot.feeds.files import Stack, Written, left_over
from bot.feeds.frame import Frame
from bot.feeds.items import Channel, Item, channel, item
from bot.feeds.opml import render_opml
from bot.feeds.plan import Plan, feed_urls, formats, plan_feeds
from bot.feeds.style import render_style
from bot.model import Entry
from bot.settings import Feed, Site

Fragments = tuple[bytes, ...]
"""One item in each format that the settings name, in the order of `formats`."""
Body = Callable[[Entry], str]

ROOM = 64 * 2**20
"""Bytes of serialised items that are kept; the ones used longest ago go first."""


class Press:
    """For one site and one set of settings, kept as long as the process runs; one thread at a time."""

    def __init__(self, site: Site, feed: Feed, folder: Path, *, room: int = ROOM) -> None:
        self._site, self._feed, self._folder = site, feed, folder
        self._kept = _Kept(room)
        self._printed: dict[str, Plan] = {}
        self._last: tuple[list[Entry], Written, _Files] | None = None

    def publish(
        self, entries: Sequence[Entry], body: Body | None = None, *, only_main: bool = False
    ) -> Written:
        """Write what differs. `entries`: all that are published, newest first. `body` gives the HTML
        of an entry whose own is empty, and is asked only where it is needed. `only_main`: the other
        feeds stay as they are."""
        if self._last and self._last[0] == entries and self._last[2].are_there():
            self._last = (list(entries), *self._last[1:])  # the same objects compare at once
            return self._last[1]
        stack = Stack(self._folder, gzip=self._feed.gzip, brotli=self._feed.brotli)
        house = channel(entries[: self._feed.limit], self._site, self._feed)
        plans = plan_feeds(entries, self._site, self._feed)
        if only_main:
            self._last = None  # the others are printed again when all is there
            self._print(plans[0], house, body, stack)
            return stack.done()
        for plan in plans:
            self._print(plan, house, body, stack)
        for name in self._left_over(plans):
            stack.remove(name)
        if self._feed.opml:
            stack.add(whole({self._feed.opml: render_opml(plans, house, self._feed)}), ())
        return self._remember(entries, stack.done())

    def stands(self) -> bool:
        """Whether all that was last published is there."""
        return self._last is not None and self._there(self._last[1].unchanged)

    def addresses(self) -> dict[str, str]:
        """File name → public address of all that was printed and readers subscribe to."""
        current = (plan for plan in self._printed.values() if plan.head.current is None)
        return {name: url for plan in current for name, url in feed_urls(plan, self._feed).items()}

    def _print(self, plan: Plan, house: Channel, body: Body | None, stack: Stack) -> None:
        if self._printed.get(plan.folder) == plan and self._there(names(plan, self._feed)):
            stack.skip(names(plan, self._feed))
            return
        parts = (self._fragments(entry, house, body) for entry in plan.entries)
        printed = stack.add(frames(plan, self._feed), parts)
        printed = stack.add(whole(extras(plan, self._site, self._feed)), ()) and printed
        if printed:
            self._printed[plan.folder] = plan

    def _left_over(self, plans: Sequence[Plan]) -> list[str]:
        """Files of feeds that are no more: those of this process, at first also those of others."""
        planned = {plan.folder for plan in plans}
        gone = [self._printed.pop(folder) for folder in set(self._printed) - planned]
        found = [name for plan in gone for name in names(plan, self._feed)]
        if self._last is None:
            found += left_over(self._folder, self._feed, planned)
        return sorted(set(found))

    def _there(self, files: Iterable[str]) -> bool:
        """A build of the site may have emptied the folder meanwhile."""
        return all(os.path.exists(f"{self._folder}{os.sep}{name}") for name in files)

    def _fragments(self, entry: Entry, house: Channel, body: Body | None) -> Fragments:
        kept = self._kept.get(entry)
        if kept is None:
            html = entry.html or (body(entry) if body and self._feed.content == "full" else "")
            kept = serialise(item(entry, house, self._site, self._feed, html), self._feed)
            self._kept.put(entry, kept)
        return kept

    def _remember(self, entries: Sequence[Entry], done: Written) -> Written:
        same = Written(written=(), unchanged=done.written + done.unchanged, refused=())
        there = _Files(self._folder, same.unchanged)
        self._last = None if done.refused else (list(entries), same, there)
        return done


def render(plan: Plan, site: Site, feed: Feed) -> dict[str, bytes]:
    """All files of one feed, by name."""
    items = [item(entry, plan.head, site, feed) for entry in plan.entries]
    columns = zip(*(serialise(each, feed) for each in items), strict=True) if items else ()
    named = frames(plan, feed)
    rows = list(columns) or [()] * len(named)
    files = {
        name: frame.filled(row) for (name, frame), row in zip(named.items(), rows, strict=True)
    }
    return files | extras(plan, site, feed)


def frames(plan: Plan, feed: Feed) -> dict[str, Frame]:
    """The feed in each format, without its items."""
    from bot.feeds.jsonfeed import json_frame
    from bot.feeds.xmlfeed import atom_frame, rss_frame

    makers = {"rss": rss_frame, "atom": atom_frame, "feed": json_frame}
    return {
        plan.folder + name: makers[_family(kind)](plan.head, name) for kind, name in formats(feed)
    }


def serialise(item: Item, feed: Feed) -> Fragments:
    from bot.feeds.jsonfeed import json_item
    from bot.feeds.xmlfeed import atom_entry, rss_item

    makers = {"rss": rss_item, "atom": atom_entry, "feed": json_item}
    return tuple(makers[_family(kind)](item) for kind, _ in formats(feed))


def extras(plan: Plan, site: Site, feed: Feed) -> dict[str, bytes]:
    return {plan.folder + feed.style: render_style(plan, site.timezone)} if feed.style else {}


def names(plan: Plan, feed: Feed) -> list[str]:
    own = [name for _, name in formats(feed)] + ([feed.style] if feed.style else [])
    return [plan.folder + name for name in own]


def whole(files: Mapping[str, bytes]) -> dict[str, Frame]:
    return {name: Frame(before=data, between=b"", after=b"") for name, data in files.items()}


def _family(kind: str) -> str:
    return kind.removeprefix("application/").partition("+")[0]


class _Files:
    """Whether files are still there: none is asked for as long as its folder bears the same time."""

    def __init__(self, root: Path, names: Iterable[str]) -> None:
        self._files = [f"{root}{os.sep}{name}" for name in names]
        self._folders = sorted({os.path.dirname(file) for file in self._files})
        self._times: list[int] = []

    def are_there(self) -> bool:
        try:
            times = [os.stat(folder).st_mtime_ns for folder in self._folders]
        except OSError:
            return False
        if times != self._times:
            if not all(map(os.path.exists, self._files)):
                return False
            self._times = times
        return True


class _Kept:
    """Serialised items by path, within a number of bytes."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._items: OrderedDict[str, tuple[Entry, Fragments]] = OrderedDict()

    def get(self, entry: Entry) -> Fragments | None:
        found = self._items.get(entry.post.path)
        if found is None or found[0] != entry:
            return None
        self._items.move_to_end(entry.post.path)
        return found[1]

    def put(self, entry: Entry, fragments: Fragments) -> None:
        self._room += _size(self._items.pop(entry.post.path, None))
        self._items[entry.post.path] = (entry, fragments)
        self._room -= _size(self._items[entry.post.path])
        while self._room < 0 and self._items:
            self._room += _size(self._items.popitem(last=False)[1])


def _size(kept: tuple[Entry, Fragments] | None) -> int:
    return sum(map(len, kept[1])) + len(kept[0].html) if kept else 0
