"""The W3C feed validator's objections: none of them to our feeds, each of them to a broken one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.feeds import plan_feeds
from bot.feeds.press import render
from bot.model import Image, Summary
from bot.settings import Feed, Site
from tests.feeds.objections import objections
from tests.feeds.samples import SITE, entry

RICH = Feed(
    limit=3,
    hubs=("https://hub.example/",),
    ttl=60,
    icon="/icon.png",
    tags=True,
    archive="archive",
    languages=True,
)
ENTRIES = [
    entry(1),
    entry(2, url="https://blog.example/記事/<2>?a=1&b", guid="https://blog.example/記事/<2>?a=1&b"),
    entry(3, title="<b>太字</b> と AT&T", summary=Summary(lines=("<3 & <b",), source="lead")),
    entry(
        4,
        tags=("\x00", " ", "あ い"),
        cover=Image(alt="", url="/絵 1.png", mime="image/png", size=0),
    ),
    entry(5, guid="my post", author="名無し", language="en"),
    entry(6, guid="https://blog.example/old-address/", cover=None),
    entry(8, title="<T>と&amp;とR&D2", tags=("<b>", "Q&A"), categories=("a<b",)),
    entry(7, published=datetime(999, 1, 1, tzinfo=UTC), title=""),
]


@pytest.mark.parametrize("site", [SITE, Site(url="https://例え.jp/ブログ")], ids=["site", "bare"])
@pytest.mark.parametrize(
    "feed", [Feed(), Feed(guid="tag", content="summary", icon="/icon.svg"), RICH]
)
def test_no_feed_meets_an_objection(site: Site, feed: Feed) -> None:
    for plan in plan_feeds(ENTRIES, site, feed):
        for name, data in render(plan, site, feed).items():
            if name.endswith(".xml"):
                assert objections(data) == [], name


def rss(item: str = "", channel: str = "") -> bytes:
    return (
        '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"'
        ' xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>t</title>'
        "<link>https://h.example/</link><description>d</description>"
        '<atom:link rel="self" href="https://h.example/f"/>'
        f"{channel}<item>{item}</item></channel></rss>"
    ).encode()


def atom(entry: str) -> bytes:
    return (
        '<feed xmlns="http://www.w3.org/2005/Atom"><id>https://h.example/</id>'
        '<author><name>a</name></author><link rel="self" href="https://h.example/f"/>'
        f"<entry><id>urn:x</id><author><name>a</name></author>{entry}</entry></feed>"
    ).encode()


def test_the_frames_of_the_broken_ones_are_sound() -> None:
    assert objections(rss()) == objections(atom("")) == []


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("MissingAtomSelfLink", rss().replace(b'rel="self"', b'rel="hub"')),
        ("MissingChannelElement", rss().replace(b"<description>d", b"<description>")),
        (
            "ImageTitleDoesntMatch",
            rss(channel="<image><title>x</title><link>https://h.example/</link></image>"),
        ),
        (
            "ImageLinkDoesntMatch",
            rss(channel="<image><title>t</title><link>https://x.example/</link></image>"),
        ),
        ("NeedDescriptionBeforeContent", rss("<content:encoded/><description/>")),
        ("InvalidPermalink", rss("<guid>tag:h.example,2026:/a</guid>")),
        ("InvalidContact", rss("<author>a name</author>")),
        ("NotBlank", rss("<category> </category>")),
        ("ContainsHTML", rss("<title>&lt;b&gt;x&lt;/b&gt;</title>")),
        ("NotHtml", rss("<description>I &lt;3 it</description>")),
        ("NotHtml", rss("<description>a &amp; b</description>")),
        ("SecurityRisk", rss("<description>&lt;script&gt;1&lt;/script&gt;</description>")),
        ("SecurityRiskAttr", rss("<description>&lt;b onclick=1&gt;1&lt;/b&gt;</description>")),
        ("ContainsRelRef", rss("<description>&lt;a href='/x'&gt;1&lt;/a&gt;</description>")),
        ("MissingAttribute", rss("<enclosure url='https://h.example/x' type='image/png'/>")),
        (
            "InvalidURLAttribute",
            rss("<enclosure url='https://h.example/あ' length='1' type='a/b'/>"),
        ),
        ("ContainsHTML", rss("<title>a &amp;amp; b</title>")),
        ("ContainsHTML", rss("<category>R&amp;D2</category>")),
        ("CharacterData", rss("<title>a &lt;T> b</title>")),
        ("SecurityRisk", rss("<description>&lt;bdo&gt;1&lt;/bdo&gt;</description>")),
        (
            "ImageUrlFormat",
            rss(
                channel="<image><title>t</title><link>https://h.example/</link>"
                "<url>https://h.example/a.svg</url></image>"
            ),
        ),
        (
            "InvalidPositiveInteger",
            rss("<m:content xmlns:m='http://search.yahoo.com/mrss/' fileSize='0'/>"),
        ),
        ("InvalidRFC2822Date", rss("<pubDate>2026-02-10T00:00:00Z</pubDate>")),
        ("IncorrectDOW", rss("<pubDate>Mon, 10 Feb 2026 00:00:00 +0000</pubDate>")),
        ("UriNotIri", rss("<link>https://h.example/あ</link>")),
        ("InvalidFullLink", rss("<link>/posts/</link>")),
        ("MissingSelf", atom("").replace(b'rel="self"', b'rel="hub"')),
        (
            "DuplicateAtomLink",
            atom("<link href='https://h.example/1'/><link href='https://h.example/2'/>"),
        ),
        ("InvalidFullLink", atom("").replace(b"urn:x", b"my post")),
        (
            "MissingAuthor",
            atom("").replace(b"<id>urn:x</id><author><name>a</name></author>", b"<id>urn:x</id>"),
        ),
        (
            "DuplicateIds",
            atom("</entry><entry><id>urn:x</id><author><name>a</name></author>"),
        ),
        (
            "DuplicateUpdated",
            atom(
                "<updated>2026-02-10T00:00:00Z</updated></entry><entry><id>urn:y</id>"
                "<author><name>a</name></author><updated>2026-02-10T00:00:00Z</updated>"
            ),
        ),
        ("InvalidMIMEType", atom("<content type='CDATA'>x</content>")),
        ("InvalidRFC3339Date", atom("<updated>2026-02-10T00:00:00.123456</updated>")),
    ],
)
def test_a_broken_feed_meets_it(name: str, data: bytes) -> None:
    assert objections(data) == [name]
