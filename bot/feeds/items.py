"""What a feed says, whatever its format: the values of its head and of its items, made ready.

Pure: `Entry` and `Site` in, clean text, encoded addresses and UTC dates out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.feeds.text import address, clean, identity, language_tag, line, whole
from bot.model import Entry, Image
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
    """`html` is empty where only summaries are to be shown. `language` only if not the feed's."""

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
    """The head of a feed. `base` is where its file is served: the self link is `base` + name."""

    id: str
    link: str
    base: str
    title: str
    description: str
    language: str
    author: str
    updated: datetime


def channel(entries: Sequence[Entry], site: Site, feed: Feed) -> Channel:
    """The site's own feed. Its time is that of the latest change: the same posts, the same bytes."""
    link = home(site)
    title = line(site.title) or link.split("//", 1)[1].rstrip("/")
    return Channel(
        id=link,
        link=link,
        base=link,
        title=title,
        description=line(site.description) or title,
        language=language_tag(site.language) or "en",
        author=line(site.author) or title,
        updated=max((whole(entry.updated) for entry in entries), default=NEVER),
    )


def item(entry: Entry, head: Channel, site: Site, feed: Feed) -> Item:
    post = entry.post
    url = address(post.url, head.link) or head.link
    lines = [text for text in map(line, post.summary.lines) if text]
    title = line(post.title) or (lines[0] if lines else url)
    language = language_tag(post.language) or head.language
    return Item(
        id=identity(entry.guid, scope(site)) if entry.guid.strip() else url,
        url=url,
        title=title,
        summary="\n".join(lines) or title,
        html=clean(entry.html) if feed.content == "full" else "",
        published=whole(entry.published),
        updated=whole(entry.updated),
        author=line(post.author or "") or head.author,
        terms=tuple(_terms(post.categories, head, "categories"))
        + tuple(_terms(post.tags, head, "tags")),
        picture=_picture(post.cover, url),
        language=language if language != head.language else None,
    )


def home(site: Site) -> str:
    """The site's address with a slash at its end."""
    url = address(site.url) or "http://localhost/"
    return url if url.endswith("/") else url + "/"


def scope(site: Site) -> str:
    """What makes a name like `my-post` one of this site's; it stays when the site moves house."""
    return site.id or home(site).split("//", 1)[1].rstrip("/")


def _terms(names: Iterable[str], head: Channel, taxonomy: str) -> Iterable[Term]:
    kept = dict.fromkeys(text for text in map(line, names) if text)
    return (Term(name=name, scheme=f"{head.base}{taxonomy}/") for name in kept)


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
