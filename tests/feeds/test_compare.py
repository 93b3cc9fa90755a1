"""What subscribers of an older feed would see twice."""

from __future__ import annotations

import json

import pytest

from bot.errors import ContentError
from bot.feeds import compare, render_feeds
from tests.feeds.samples import FEED, SITE, entry

ENTRIES = [entry(n) for n in range(1, 5)]
OURS = render_feeds(ENTRIES, SITE, FEED)


def rss(*items: str) -> bytes:
    return f"<rss version='2.0'><channel>{''.join(items)}</channel></rss>".encode()


def item(guid: str, link: str, date: str = "Wed, 01 Jan 2020 00:00:00 GMT") -> str:
    return f"<item><guid>{guid}</guid><link>{link}</link><pubDate>{date}</pubDate></item>"


def reasons(old: bytes) -> list[tuple[str, str | None]]:
    return [(d.reason, d.old_id) for d in compare(old, ENTRIES[:1], SITE, FEED).differences]


@pytest.mark.parametrize("name", ["feed.xml", "atom.xml", "feed.json"])
def test_our_own_feeds_show_nothing_twice(name: str) -> None:
    done = compare(OURS[name], ENTRIES, SITE, FEED)
    assert (done.same, done.twice, done.differences) == (4, 0, ())


def test_hugos_rss_shows_nothing_twice() -> None:
    url = "https://blog.example/posts/factory-1/"
    assert reasons(rss(item(url, url))) == []


def test_another_id_of_the_same_address() -> None:
    url = "https://blog.example/posts/factory-1/"
    assert reasons(rss(item("17", url))) == [("id-changed", "17")]
    done = compare(rss(item("17", url)), ENTRIES, SITE, FEED)
    assert (done.same, done.twice, len(done.differences)) == (0, 1, 4)


@pytest.mark.parametrize(
    "spelled",
    [
        "http://blog.example/posts/factory-1/",
        "https://www.blog.example/posts/factory-1",
        "https://blog.example/posts/Factory-1/",
    ],
)
def test_the_same_address_spelled_otherwise(spelled: str) -> None:
    assert reasons(rss(item(spelled, spelled))) == [("spelled-otherwise", spelled)]


def test_an_older_post_and_a_new_one() -> None:
    far = item("x", "https://blog.example/x/", "Fri, 01 Jan 2038 00:00:00 GMT")
    assert reasons(rss(far)) == [("older", None)]
    assert reasons(rss(item("x", "https://blog.example/x/"))) == [("new", None)]
    assert reasons(rss()) == [("new", None)]


def test_atom_json_and_rdf_are_read_too() -> None:
    url = "https://blog.example/posts/factory-1/"
    atom = (
        f"<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>urn:x</id>"
        f"<link rel='enclosure' href='https://blog.example/x.png'/><link href='{url}'/></entry></feed>"
    )
    assert reasons(atom.encode()) == [("id-changed", "urn:x")]
    told = {"version": "https://jsonfeed.org/version/1", "items": [{"id": 7, "url": url}]}
    assert reasons(json.dumps(told).encode()) == [("id-changed", "7")]
    rdf = (
        "<r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'>"
        f"<item><link>{url}</link></item></r:RDF>"
    )
    assert reasons(rdf.encode()) == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\xff",
        b"<html><body/></html>",
        b"{",
        b"[]",
        b'{"version": 1}',
        b'{"items": 3}',
        b"text",
    ],
)
def test_what_is_no_feed_is_said(data: bytes) -> None:
    with pytest.raises(ContentError) as caught:
        compare(data, ENTRIES, SITE, FEED)
    assert caught.value.code == "feed-unreadable"
    assert caught.value.hint is not None


def test_entities_of_a_hostile_feed_are_not_followed() -> None:
    bomb = (
        b'<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>'
        b"<rss><channel><item><guid>&b;&c;</guid><link>https://blog.example/z/</link></item></channel></rss>"
    )
    assert reasons(bomb) == [("new", None)]


def test_a_feed_that_is_broken_at_its_end_is_read_as_far_as_it_goes() -> None:
    assert compare(OURS["feed.xml"][:-40], ENTRIES, SITE, FEED).same >= 3
