"""Which feeds there are: the site's, its archive, and one for each tag, category, section, language.

Pure. A feed is a folder with the same file names in it; a folder's name is the one that Hugo gives
to the page of that term, so that the feed lies beside its page.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from html import escape
from urllib.parse import quote

from bot.feeds.items import Channel, channel, latest
from bot.feeds.text import clean, language_tag, line, whole
from bot.model import Entry, Post
from bot.settings import Feed, Site

Format = tuple[str, str]
"""A media type and the file name that the settings give it."""

_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SPACES = re.compile(r"(?<!-)\s+|(?<=-)\s+")
_PATH = "/+~@"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One feed: its head, its entries, and its folder ("" or ending with a slash)."""

    head: Channel
    entries: tuple[Entry, ...]
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternate:
    """One feed in one format. `type` is its media type."""

    folder: str
    title: str
    type: str
    url: str


def formats(feed: Feed) -> tuple[Format, ...]:
    named = (
        ("application/rss+xml", feed.rss),
        ("application/atom+xml", feed.atom),
        ("application/feed+json", feed.json),
    )
    return tuple((kind, name) for kind, name in named if name)


def plan_feeds(entries: Sequence[Entry], site: Site, feed: Feed) -> tuple[Plan, ...]:
    """`entries`: all that are published, newest first. The site's own feed comes first; where two
    would share a folder the first one has it."""
    newest = entries[: feed.limit]
    head = channel(newest, site, feed)
    months = _months(entries, feed)
    main = replace(head, older=_base(head, months[0][0]) if months else None)
    plans = [Plan(head=main, entries=tuple(newest), folder="")]
    plans += _archive(head, months)
    plans += _groups(entries, head, feed)
    return tuple({plan.folder.casefold(): plan for plan in reversed(plans)}.values())[::-1]


def alternates(plans: Iterable[Plan], feed: Feed) -> Iterator[Alternate]:
    """Where readers subscribe: every feed in each of its formats, without the archive."""
    for plan in plans:
        if plan.head.current is None:
            for kind, name in formats(feed):
                yield Alternate(
                    folder=plan.folder,
                    title=plan.head.title,
                    type=kind,
                    url=plan.head.base + quote(name),
                )


def discover(plans: Iterable[Plan], feed: Feed) -> str:
    """The lines for the head of a theme's pages by which a reader finds the feeds."""
    lines = [
        f'<link rel="alternate" type="{found.type}" title="{escape(found.title)}" '
        f'href="{escape(found.url)}">'
        for found in alternates(plans, feed)
    ]
    return "\n".join(lines) + "\n"


def feed_urls(plan: Plan, feed: Feed) -> dict[str, str]:
    """File name → public address; what a hub is told when that file has changed."""
    return {plan.folder + name: plan.head.base + quote(name) for _, name in formats(feed)}


@lru_cache(maxsize=4096)
def term_folder(name: str) -> str:
    """The folder of a term as Hugo names it, without a way out of the feeds' own folder; empty
    where nothing of the name is left."""
    text = _PERCENT.sub("", clean(name).strip()).replace(" ", "-")
    text = _SPACES.sub("-", text)
    kept = "".join(char for char in text if _is_kept(char)).lower()
    return "/".join(part for part in kept.split("/") if part.strip("."))


def _is_kept(char: str) -> bool:
    return char in "./_-+~@#%" or unicodedata.category(char)[0] in "LM" or char.isdecimal()


def _months(entries: Sequence[Entry], feed: Feed) -> list[tuple[str, list[Entry]]]:
    """Newest first: each month that is not wholly in the site's feed. A month's document changes
    only with its own posts, and no clock says when it is closed."""
    if not feed.archive or len(entries) <= feed.limit:
        return []
    oldest_shown = whole(entries[feed.limit].published)
    last = f"{oldest_shown:%Y-%m}"
    months: dict[str, list[Entry]] = {}
    for entry in entries:
        month = f"{whole(entry.published):%Y-%m}"
        if month <= last:
            months.setdefault(f"{feed.archive.strip('/')}/{month}/", []).append(entry)
    return sorted(months.items(), reverse=True)


def _archive(head: Channel, months: list[tuple[str, list[Entry]]]) -> Iterator[Plan]:
    folders = [folder for folder, _ in months]
    for number, (folder, members) in enumerate(months):
        older = folders[number + 1] if number + 1 < len(folders) else None
        newer = folders[number - 1] if number else None
        yield Plan(
            head=replace(
                head,
                base=_base(head, folder),
                current=head.base,
                older=older and _base(head, older),
                newer=newer and _base(head, newer),
                updated=latest(members),
            ),
            entries=tuple(members),
            folder=folder,
        )


def _groups(entries: Sequence[Entry], head: Channel, feed: Feed) -> Iterator[Plan]:
    if feed.categories:
        yield from _grouped(entries, head, feed, "categories/", lambda post: post.categories)
    if feed.tags:
        yield from _grouped(entries, head, feed, "tags/", lambda post: post.tags)
    if feed.sections:
        yield from _grouped(entries, head, feed, "", lambda post: (post.section,))
    if feed.languages:
        for plan in _grouped(entries, head, feed, "", lambda post: (_language(post, head),)):
            tongue = _language(plan.entries[0].post, head)
            yield replace(plan, head=replace(plan.head, language=tongue))


def _language(post: Post, head: Channel) -> str:
    return language_tag(post.language) or head.language


def _grouped(
    entries: Sequence[Entry],
    head: Channel,
    feed: Feed,
    parent: str,
    names: Callable[[Post], Iterable[str]],
) -> Iterator[Plan]:
    """A feed for each name that a post bears; names that Hugo gives one page share a feed."""
    limit = feed.term_limit or feed.limit
    groups: dict[str, tuple[str, list[Entry]]] = {}
    for entry in entries:
        for folder in dict.fromkeys(term_folder(name) for name in names(entry.post)):
            if folder not in groups:
                groups[folder] = (_shown(folder, names(entry.post)), [])
            members = groups[folder][1]
            if len(members) < limit:
                members.append(entry)
    for folder, (name, members) in groups.items():
        if folder:
            yield _group_plan(f"{parent}{folder}/", name, members, head)


def _shown(folder: str, names: Iterable[str]) -> str:
    return next(line(name) for name in names if term_folder(name) == folder)


def _group_plan(folder: str, name: str, members: list[Entry], head: Channel) -> Plan:
    of_term = replace(
        head,
        link=head.link + quote(folder, safe=_PATH),
        base=_base(head, folder),
        title=f"{name} - {head.title}",
        updated=latest(members),
    )
    return Plan(head=of_term, entries=tuple(members), folder=folder)


def _base(head: Channel, folder: str) -> str:
    return head.base + quote(folder, safe=_PATH)
