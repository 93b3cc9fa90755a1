"""What a feed says, whatever its format: the values of its head and of its items, made ready.

Pure: `Entry` and `Site` in, clean text, encoded addresses and UTC dates out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.feeds.text import address, clean, identity, language_tag, line, name, path_of, whole
from bot.model import Entry, Image, Post
from bot.settings import Feed, Site

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""When a feed without items was updated: Atom wants a time, and the clock would change the bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """`size` and `mime` are None where not known; then it is shown, but is no enclosure."""

    url: str
    alt: str
    mime: str | None
    size: int | None
    width: int | None
    height: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A tag or category; `scheme` names the taxonomy it belongs to."""

    name: str
    scheme: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """`html` is empty where only summaries are to be shown. `language` only if not the site's."""

    id: str
    url: str
    title: str
    summary: str
    html: str
    published: datetime
    updated: datetime
    author: str
    terms: tuple[Term, ...]
    picture: Picture | None
    language: str | None

    @property
    def is_permalink(self) -> bool:
        """An address that the post has left is its name still, but no link."""
        return self.id == self.url


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """The head of a feed. `base` is where its files are served: its self link is `base` + name.
    `older`, `newer` and `current` are the bases of its neighbours in the archive."""

    link: str
    base: str
    title: str
    description: str
    language: str
    author: str
    updated: datetime
    hubs: tuple[str, ...] = ()
    ttl: int = 0
    icon: str | None = None
    style: str = ""
    older: str | None = None
    newer: str | None = None
    current: str | None = None


def channel(entries: Sequence[Entry], site: Site, feed: Feed) -> Channel:
    """The site's own feed."""
    link = home(site.url)
    title = line(site.title) or link.split("//", 1)[1].rstrip("/")
    return Channel(
        link=link,
        base=home(feed.url or site.url),
        title=title,
        description=line(site.description) or title,
        language=language_tag(site.language) or "en",
        author=line(site.author) or title,
        updated=latest(entries),
        hubs=hubs_of(feed),
        ttl=feed.ttl,
        icon=address(feed.icon, link) if feed.icon else None,
        style=feed.style,
    )


def hubs_of(feed: Feed) -> tuple[str, ...]:
    """The addresses of its hubs, each once."""
    return tuple(dict.fromkeys(hub for hub in map(address, feed.hubs) if hub))


def latest(entries: Iterable[Entry]) -> datetime:
    """The time of the latest change, so that the same posts give the same bytes."""
    times = [entry.updated for entry in entries]
    return whole(max(times)) if times else NEVER


def item(entry: Entry, head: Channel, site: Site, feed: Feed, html: str | None = None) -> Item:
    """`head` is that of the site's own feed: an item looks the same in each feed it is in."""
    post = entry.post
    url = address(post.url, head.link) or head.link
    lines = [text for text in map(line, post.summary.lines) if text]
    title = line(post.title) or (lines[0] if lines else url)
    language = language_tag(post.language) or head.language
    html = entry.html if html is None else html
    return Item(
        id=identity(entry.guid, scope(site)) if entry.guid.strip() else url,
        url=url,
        title=title,
        summary="\n".join(lines) or title,
        html=clean(html) if feed.content == "full" else "",
        published=whole(entry.published),
        updated=whole(entry.updated),
        author=name(post.author or "") or head.author,
        terms=(*_terms(post.categories, head, "categories"), *_terms(post.tags, head, "tags")),
        picture=_picture(post.cover, url),
        language=language if language != head.language else None,
    )


def first_guid(post: Post, published: datetime, site: Site, feed: Feed) -> str:
    """The id of a post that no feed has shown yet, to be kept for ever. By `[feed] guid`: its
    address (what Hugo's RSS gives, so that subscribers see nothing twice), or its own id, else a
    tag URI (https://www.rfc-editor.org/rfc/rfc4151)."""
    url = address(post.url, home(site.url)) or home(site.url)
    if feed.guid != "tag":
        return url
    if post.explicit_id and line(post.explicit_id):
        return identity(post.explicit_id, scope(site))
    host, path = path_of(url)
    return f"tag:{host},{whole(published):%Y-%m-%d}:{path}"


def home(url: str) -> str:
    """The address of a site with a slash at its end."""
    found = address(url) or "http://localhost/"
    return found if found.endswith("/") else found + "/"


def scope(site: Site) -> str:
    """What makes a name like `my-post` one of this site's; it stays when the site moves house."""
    return site.id or home(site.url).split("//", 1)[1].rstrip("/")


def _terms(names: Iterable[str], head: Channel, taxonomy: str) -> Iterable[Term]:
    kept = dict.fromkeys(text for text in map(name, names) if text)
    return (Term(name=text, scheme=f"{head.link}{taxonomy}/") for text in kept)


def _picture(image: Image | None, base: str) -> Picture | None:
    if image is None or not (where := image.public or image.url):
        return None
    if (url := address(where, base)) is None:
        return None
    return Picture(
        url=url,
        alt=line(image.alt),
        mime=image.mime,
        size=image.size,
        width=image.width,
        height=image.height,
    )
