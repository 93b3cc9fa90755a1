"""RSS 2.0 and Atom 1.0 by feedgen, mended here and nowhere else.

Mended through its extensions: Atom links that lose rel and type, channel links, dates that change
the process's locale, media, authors. By one private field: a build date that is the clock's.
Each item is serialised on its own and set into the head, so that it can be kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator
from lxml import etree

from bot import __version__
from bot.feeds.frame import Frame
from bot.feeds.items import NEVER, Channel, Item, Picture, Term
from bot.feeds.mark import GENERATOR, NAME
from bot.feeds.text import as_html, rfc822

ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
DC = "http://purl.org/dc/elements/1.1/"
HISTORY = "http://purl.org/syndication/history/1.0"
MEDIA = "http://search.yahoo.com/mrss/"  # https://www.rssboard.org/media-rss
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

_RSS_SPACES = {"atom": ATOM, "content": CONTENT, "dc": DC, "media": MEDIA}
_ATOM_SPACES = {"media": MEDIA}
_FORMATS = re.compile(r"\.(?:gif|jpe?g|png)$", re.IGNORECASE)
"""What RSS knows as a picture (https://www.rssboard.org/rss-specification#ltimagegtSubelementOfLtchannelgt)."""
_HERE = "-"
_DECLARATION = b'<?xml version="1.0" encoding="utf-8"?>\n'


def rss_frame(head: Channel, name: str) -> Frame:
    feed = _feed(head, name, _RSS_SPACES)
    feed.generator(GENERATOR)
    feed.ttl(head.ttl or None)
    if head.icon and _FORMATS.search(head.icon):
        feed.image(head.icon, title=head.title, link=head.link)
    feed.link(href=head.link)  # the last link is the one that feedgen takes for the channel
    # feedgen would print the clock, and change the locale of all threads to do it
    feed._FeedGenerator__rss_lastBuildDate = None
    return _split(_by_profile(feed.rss_str(xml_declaration=False)), b"</channel>", head)


def atom_frame(head: Channel, name: str) -> Frame:
    feed = _feed(head, name, _ATOM_SPACES)
    feed.generator(NAME, version=__version__)
    feed.link(href=head.link, rel="alternate", type="text/html")
    for rel, href in _links(head, name):
        kind = {} if rel == "hub" else {"type": "application/atom+xml"}
        feed.link(href=href, rel=rel, **kind)
    feed.author(name=head.author)
    if head.icon:
        feed.icon(head.icon)
        feed.logo(head.icon)
    return _split(feed.atom_str(xml_declaration=False), b"</feed>", head)


def rss_item(item: Item) -> bytes:
    entry = _entry(item)
    entry.guid(item.id, permalink=item.is_permalink)
    entry.link(href=item.url)
    entry.description(as_html(item.summary), isSummary=True)
    if item.html:
        entry.content(_HERE)
    element = _alone(entry.rss_entry(), _RSS_SPACES, b"item")
    return _filled(_by_profile(element), item.html)


def atom_entry(item: Item) -> bytes:
    entry = _entry(item)
    entry.id(item.id)
    entry.link(href=item.url)
    entry.published(item.published)
    entry.updated(item.updated)
    entry.author(name=item.author)
    entry.summary(item.summary)
    if item.html:
        entry.content(_HERE, type="html")
    return _filled(_alone(entry.atom_entry(), _ATOM_SPACES, b"entry"), item.html)


class _Head:
    """What feedgen leaves out of the head of a feed."""

    head: Channel
    name: str
    spaces: dict[str, str]

    def extend_ns(self) -> dict[str, str]:
        return self.spaces

    def extend_rss(self, rss: Any) -> None:
        channel = rss[0]
        for rel, href in _links(self.head, self.name):
            kind = None if rel == "hub" else "application/rss+xml"
            _add(channel, f"{{{ATOM}}}link", href=href, rel=rel, type=kind)
        if self.head.updated != NEVER:
            _add(channel, "lastBuildDate", rfc822(self.head.updated))
        self.extend_atom(channel)

    def extend_atom(self, feed: Any) -> None:
        if self.head.current:
            _add(feed, f"{{{HISTORY}}}archive")


class _Parts:
    """What feedgen leaves out of an item, or writes wrongly."""

    item: Item

    def extend_rss(self, entry: Any) -> None:
        item, picture = self.item, self.item.picture
        if picture and picture.mime and picture.size is not None:
            size = str(picture.size)
            _add(entry, "enclosure", url=picture.url, length=size, type=picture.mime)
        _add(entry, "pubDate", rfc822(item.published))
        _add(entry, f"{{{DC}}}creator", item.author)
        _add_media(entry, picture)

    def extend_atom(self, entry: Any) -> None:
        item, picture = self.item, self.item.picture
        for wrong in entry.findall("link"):
            entry.remove(wrong)
        _add(entry, "link", href=item.url, rel="alternate", type="text/html")
        if picture and picture.mime and picture.size is not None:
            size = str(picture.size)
            _add(entry, "link", href=picture.url, rel="enclosure", type=picture.mime, length=size)
        _add_media(entry, picture)
        if item.language:
            entry.set(XML_LANG, item.language)


def _links(head: Channel, name: str) -> Iterator[tuple[str, str]]:
    """The feed itself, its hubs, and its neighbours by https://www.rfc-editor.org/rfc/rfc5005."""
    yield "self", f"{head.base}{quote(name)}"
    for hub in head.hubs:
        yield "hub", hub
    near = (("current", head.current), ("prev-archive", head.older), ("next-archive", head.newer))
    for rel, base in near:
        if base:
            yield rel, f"{base}{quote(name)}"


def _feed(head: Channel, name: str, spaces: dict[str, str]) -> Any:
    feed = FeedGenerator()
    feed.register_extension("bot", _Head)
    feed.bot.head, feed.bot.name, feed.bot.spaces = head, name, spaces
    if head.current:
        feed.bot.spaces = {**spaces, "fh": HISTORY}
    feed.id(head.link)
    feed.title(head.title)
    feed.description(head.description)
    feed.language(head.language)
    feed.updated(head.updated)
    return feed


def _entry(item: Item) -> Any:
    entry = FeedEntry()
    entry.register_extension("bot", _Parts)
    entry.bot.item = item
    entry.title(item.title)
    if item.terms:
        entry.category([_category(term) for term in item.terms])
    return entry


def _category(term: Term) -> dict[str, str]:
    return {"term": term.name, "scheme": term.scheme, "label": term.name}


def _add_media(entry: Any, picture: Picture | None) -> None:
    if picture is None:
        return
    known: dict[str, Any] = {
        "url": picture.url,
        "medium": "image",
        "type": picture.mime,
        "fileSize": picture.size or None,
        "width": picture.width or None,
        "height": picture.height or None,
    }
    content = _add(entry, f"{{{MEDIA}}}content", **known)
    if picture.alt:
        _add(content, f"{{{MEDIA}}}description", picture.alt, type="plain")


def _add(parent: Any, tag: str, text: str | None = None, **attributes: Any) -> Any:
    element = etree.SubElement(parent, tag)
    element.text = text
    for name, value in attributes.items():
        if value is not None:
            element.set(name, str(value))
    return element


def _alone(element: Any, spaces: dict[str, str], tag: bytes) -> bytes:
    """The element as it stands in a document that declares `spaces`."""
    document = etree.Element("document", nsmap=spaces)
    document.append(element)
    text = etree.tostring(document, encoding="utf-8")
    end = b"</" + tag + b">"
    return text[text.index(b"<" + tag) : text.rindex(end) + len(end)]


def _by_profile(xml: bytes) -> bytes:
    """Half of the readers take a title for HTML and half for text; of these references both make the
    same (https://www.rssboard.org/rss-profile#data-types-characterdata)."""
    return xml.replace(b"&amp;", b"&#x26;").replace(b"&lt;", b"&#x3C;")


def _filled(element: bytes, html: str) -> bytes:
    """The body goes round feedgen and lxml: it is legal text already, nine tenths of the bytes, and
    they would look at each of them four times. No text can look like the tag that it stands in."""
    if not html:
        return element
    tag = b"content:encoded>" if b"<content:encoded>" in element else b'content type="html">'
    before, _, after = element.partition(b"<" + tag + _HERE.encode() + b"<")
    escaped = html.encode().replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;")
    return b"".join((before, b"<", tag, escaped, b"<", after))


def _split(document: bytes, end: bytes, head: Channel) -> Frame:
    before, _, after = document.rpartition(end)
    style = f'<?xml-stylesheet type="text/css" href="{quote(head.style)}"?>\n' if head.style else ""
    return Frame(
        before=b"".join((_DECLARATION, style.encode(), before, b"\n")),
        between=b"\n",
        after=b"\n" + end + after + b"\n",
    )
