"""What the subscribers of a feed that is replaced would see twice, and why.

A reader knows an item by its guid (RSS), id (Atom, JSON), else by its link; whatever it has not met
under that name is new to it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from bot.errors import ContentError
from bot.feeds.items import channel, item
from bot.feeds.text import address
from bot.i18n import Message, msg
from bot.model import Entry
from bot.settings import Feed, Site

Reason = Literal["id-changed", "spelled-otherwise", "older", "new"]

REASONS: Mapping[Reason, Message] = {
    "id-changed": msg("the old feed gives this address another id"),
    "spelled-otherwise": msg(
        "the same id, spelled otherwise (scheme, host, slash or percent signs)"
    ),
    "older": msg("older than all that the old feed holds now; new unless it was in it before"),
    "new": msg("not in the old feed"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An entry that would look new. `old_id`: what the old feed calls the same post, where known."""

    id: str
    title: str
    reason: Reason
    old_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`same`: how many are known by their ids; `twice`: how many would be shown a second time."""

    same: int
    differences: tuple[Difference, ...]

    @property
    def twice(self) -> int:
        return sum(
            found.reason in ("id-changed", "spelled-otherwise") for found in self.differences
        )


@dataclass(frozen=True, slots=True)
class _Old:
    id: str
    link: str
    published: datetime | None


def compare(old: bytes, entries: Sequence[Entry], site: Site, feed: Feed) -> Comparison:
    """`old`: the bytes of the feed that people read now. Raises ContentError if it is none."""
    known = _read(old)
    head = channel(entries, site, feed)
    items = [item(entry, head, site, feed, "") for entry in entries]
    ids = {each.id for each in known}
    by_link = {_loosely(each.link): each.id for each in known if each.link}
    by_id = {_loosely(each.id): each.id for each in known}
    times = [each.published for each in known if each.published]
    oldest = min(times, default=None)
    differences = []
    for new in items:
        if new.id in ids:
            continue
        reason: Reason = "older" if oldest and new.published < oldest else "new"
        old_id = by_id.get(_loosely(new.id))
        if old_id is not None:
            reason = "spelled-otherwise"
        elif (old_id := by_link.get(_loosely(new.url))) is not None:
            reason = "id-changed"
        differences.append(Difference(id=new.id, title=new.title, reason=reason, old_id=old_id))
    return Comparison(same=len(items) - len(differences), differences=tuple(differences))


def _loosely(url: str) -> str:
    """An address without what people and programs spell in two ways."""
    plain = re.sub(r"^https?://(www\.)?", "", address(url) or url)
    return plain.rstrip("/").casefold()


def _read(data: bytes) -> list[_Old]:
    try:
        found = (
            _read_json(data) if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{" else _read_xml(data)
        )
    except (ValueError, AttributeError, TypeError, SyntaxError) as error:  # lxml's is a SyntaxError
        raise _unreadable() from error
    return found


def _read_json(data: bytes) -> list[_Old]:
    document = json.loads(data)
    if "jsonfeed.org" not in str(document.get("version")):
        raise ValueError
    return [
        _Old(str(item["id"]), str(item.get("url") or ""), _moment(item.get("date_published")))
        for item in document.get("items", [])
        if isinstance(item, dict) and "id" in item
    ]


def _read_xml(data: bytes) -> list[_Old]:
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True
    )
    root = etree.fromstring(data.lstrip(), parser)
    names = {"rss": "{*}item", "RDF": "{*}item", "feed": "{*}entry"}
    kind = etree.QName(root).localname
    if kind not in names:
        raise ValueError
    return [_xml_item(found) for found in root.iter(names[kind])]


def _xml_item(node: Any) -> _Old:
    links = node.findall("{*}link")
    pages = [x for x in links if x.get("rel", "alternate") == "alternate"]
    link = next((x.get("href") or (x.text or "").strip() for x in pages), "")
    name = _text(node, "{*}guid") or _text(node, "{http://www.w3.org/2005/Atom}id") or link
    published = _text(node, "{*}pubDate") or _text(node, "{*}published") or _text(node, "{*}date")
    return _Old(name, link, _moment(published))


def _text(node: Any, path: str) -> str:
    return (node.findtext(path) or "").strip()


def _moment(text: object) -> datetime | None:
    """A date of either kind; one that names no zone says too little."""
    from email.utils import parsedate_to_datetime

    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(str(text))
        except ValueError:
            continue
        return moment if moment.tzinfo else None
    return None


def _unreadable() -> ContentError:
    return ContentError(
        msg("This is no feed that can be read: neither RSS, Atom nor JSON Feed"),
        code="feed-unreadable",
        hint=msg(
            "Give the address of the feed itself, not of a page; save it to a file to look inside"
        ),
    )
