"""What the three formats say, read back by parsers that are not ours."""

from __future__ import annotations

import json
import locale
import threading
from typing import Any

import feedparser
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from bot.feeds import render_feeds
from bot.feeds.text import clean, line
from bot.model import Image, Summary
from bot.settings import Feed, Site
from tests.feeds.samples import FEED, SITE, entry

NS = {
    "a": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "media": "http://search.yahoo.com/mrss/",
}


def render(*entries: Any, site: Site = SITE, feed: Feed = FEED) -> tuple[Any, Any, Any]:
    files = render_feeds(entries, site, feed)
    rss, atom = (etree.fromstring(files[name]) for name in ("feed.xml", "atom.xml"))
    return rss, atom, json.loads(files["feed.json"])


def text(node: Any, path: str) -> str:
    found = node.find(path, NS)
    assert found is not None, path
    return found.text or ""


def test_only_named_files_are_made() -> None:
    names = ["feed.xml", "atom.xml", "feed.json", "feed.css"]
    assert list(render_feeds([entry()], SITE, FEED)) == names
    assert list(render_feeds([], SITE, FEED)) == names
    only = Feed(rss="", atom="news.atom", json="", style="")
    assert list(render_feeds([entry()], SITE, only)) == ["news.atom"]


def test_rss_item() -> None:
    rss, _, _ = render(entry())
    item = rss.find("channel/item")
    assert text(item, "title") == "工場の一日"
    assert text(item, "link") == "https://blog.example/posts/factory/"
    assert text(item, "description") == "朝に始まる。\n昼に止まる。\n夜に片づける。"
    assert text(item, "content:encoded") == "<p>本文です。</p>"
    assert text(item, "guid") == "https://blog.example/posts/factory/"
    assert item.find("guid").get("isPermaLink") == "true"
    assert text(item, "pubDate") == "Mon, 09 Feb 2026 15:00:00 +0000"
    assert text(item, "dc:creator") == "書き手"
    assert [c.text for c in item.findall("category")] == ["ニュース", "製造", "GenAI"]
    assert [c.get("domain") for c in item.findall("category")] == [
        "https://blog.example/categories/",
        "https://blog.example/tags/",
        "https://blog.example/tags/",
    ]
    tags = [child.tag for child in item]
    assert tags.index("description") < tags.index(f"{{{NS['content']}}}encoded")


def test_rss_channel() -> None:
    rss, _, _ = render(entry(1), entry(2))
    channel = rss.find("channel")
    assert text(channel, "title") == "産業ブログ"
    assert text(channel, "link") == "https://blog.example/"
    assert text(channel, "description") == "仕事と機械の話"
    assert text(channel, "language") == "ja"
    assert text(channel, "lastBuildDate") == "Tue, 10 Feb 2026 03:30:00 +0000"
    assert text(channel, "generator").startswith("sangyo-bot ")
    link = channel.find("a:link", NS)
    assert dict(link.attrib) == {
        "href": "https://blog.example/feed.xml",
        "rel": "self",
        "type": "application/rss+xml",
    }


def test_atom_entry() -> None:
    _, atom, _ = render(entry())
    found = atom.find("a:entry", NS)
    assert text(found, "a:id") == "https://blog.example/posts/factory/"
    assert text(found, "a:title") == "工場の一日"
    assert text(found, "a:published") == "2026-02-09T15:00:00+00:00"
    assert text(found, "a:updated") == "2026-02-11T03:30:00+00:00"
    assert text(found, "a:summary") == "朝に始まる。\n昼に止まる。\n夜に片づける。"
    assert text(found, "a:content") == "<p>本文です。</p>"
    assert found.find("a:content", NS).get("type") == "html"
    assert text(found, "a:author/a:name") == "書き手"
    assert [dict(link.attrib) for link in found.findall("a:link", NS)] == [
        {"href": "https://blog.example/posts/factory/", "rel": "alternate", "type": "text/html"},
        {
            "href": "https://blog.example/images/factory.png",
            "rel": "enclosure",
            "type": "image/png",
            "length": "4321",
        },
    ]


def test_atom_head() -> None:
    _, atom, _ = render(entry())
    assert text(atom, "a:updated") == "2026-02-11T03:30:00+00:00"
    assert atom.get("{http://www.w3.org/XML/1998/namespace}lang") == "ja"
    assert [(link.get("rel"), link.get("href")) for link in atom.findall("a:link", NS)] == [
        ("alternate", "https://blog.example/"),
        ("self", "https://blog.example/atom.xml"),
    ]
    generator = atom.find("a:generator", NS)
    assert generator.text == "sangyo-bot"
    assert generator.get("version")


def test_json_item() -> None:
    _, _, feed = render(entry())
    assert feed["feed_url"] == "https://blog.example/feed.json"
    assert feed["home_page_url"] == "https://blog.example/"
    assert feed["language"] == "ja"
    assert feed["items"] == [
        {
            "id": "https://blog.example/posts/factory/",
            "url": "https://blog.example/posts/factory/",
            "title": "工場の一日",
            "summary": "朝に始まる。\n昼に止まる。\n夜に片づける。",
            "content_html": "<p>本文です。</p>",
            "image": "https://blog.example/images/factory.png",
            "date_published": "2026-02-09T15:00:00Z",
            "date_modified": "2026-02-11T03:30:00Z",
            "authors": [{"name": "書き手"}],
            "tags": ["ニュース", "製造", "GenAI"],
            "attachments": [
                {
                    "url": "https://blog.example/images/factory.png",
                    "mime_type": "image/png",
                    "size_in_bytes": 4321,
                }
            ],
        }
    ]


def test_a_picture_with_size_and_type_is_an_enclosure() -> None:
    rss, atom, _ = render(entry())
    enclosure = rss.find("channel/item/enclosure")
    assert dict(enclosure.attrib) == {
        "url": "https://blog.example/images/factory.png",
        "length": "4321",
        "type": "image/png",
    }
    for media in (rss.find("channel/item/media:content", NS), atom.find(".//media:content", NS)):
        assert media.get("medium") == "image"
        assert (media.get("width"), media.get("height")) == ("1200", "630")
        assert text(media, "media:description") == "川のそばの工場"


@pytest.mark.parametrize("unknown", ["size", "mime"])
def test_a_picture_of_unknown_size_or_type_is_shown_but_no_enclosure(unknown: str) -> None:
    known: dict[str, Any] = {"mime": "image/png", "size": 9} | {unknown: None}
    cover = Image(alt="", url="https://cdn.example/x.png", **known)
    rss, atom, feed = render(entry(cover=cover))
    assert rss.find("channel/item/enclosure") is None
    assert atom.find(".//a:link[@rel='enclosure']", NS) is None
    assert "attachments" not in feed["items"][0]
    assert rss.find("channel/item/media:content", NS).get("url") == "https://cdn.example/x.png"
    assert rss.find("channel/item/media:content/media:description", NS) is None
    assert feed["items"][0]["image"] == "https://cdn.example/x.png"


def test_a_thumbnail_of_the_same_address_is_not_written() -> None:
    rss, atom, _ = render(entry())  # it would hide the enclosure from Miniflux
    assert rss.find(".//media:thumbnail", NS) is None
    assert atom.find(".//media:thumbnail", NS) is None


def test_without_a_cover_there_is_no_picture() -> None:
    rss, _, feed = render(entry(cover=None), entry(1, cover=Image(alt="x", url="javascript:1")))
    assert rss.find(".//enclosure") is None
    assert rss.find(".//media:content", NS) is None
    assert all("image" not in item for item in feed["items"])


def test_plain_text_in_a_description_is_escaped_for_html_and_elsewhere_once() -> None:
    lines = ("1 < 2 & <b", "AT&amp;T")
    rss, atom, feed = render(entry(summary=Summary(lines=lines, source="section")))
    assert text(rss, "channel/item/description") == "1 &lt; 2 &amp; &lt;b\nAT&amp;amp;T"
    assert text(atom, "a:entry/a:summary") == "1 < 2 & <b\nAT&amp;T"
    assert feed["items"][0]["summary"] == "1 < 2 & <b\nAT&amp;T"


def test_a_post_that_moved_keeps_its_id_and_it_is_no_link() -> None:
    old = "https://blog.example/old/"
    rss, atom, feed = render(entry(guid=old))
    guid = rss.find("channel/item/guid")
    assert (guid.text, guid.get("isPermaLink")) == (old, "false")
    assert text(atom, "a:entry/a:id") == old
    assert feed["items"][0]["id"] == old
    assert text(rss, "channel/item/link") == "https://blog.example/posts/factory/"


def test_the_order_is_the_callers() -> None:
    rss, atom, feed = render(entry(3), entry(1), entry(2))
    wanted = [f"https://blog.example/posts/factory-{n}/" for n in (3, 1, 2)]
    assert [guid.text for guid in rss.findall("channel/item/guid")] == wanted
    assert [found.text for found in atom.findall("a:entry/a:id", NS)] == wanted
    assert [item["id"] for item in feed["items"]] == wanted


def test_summaries_alone_by_setting() -> None:
    rss, atom, feed = render(entry(), feed=Feed(content="summary"))
    assert rss.find(".//content:encoded", NS) is None
    assert atom.find(".//a:content", NS) is None
    assert "content_html" not in feed["items"][0]
    assert feed["items"][0]["content_text"] == "朝に始まる。\n昼に止まる。\n夜に片づける。"


def test_another_language_and_author_are_said() -> None:
    _, atom, feed = render(entry(language="en", author="Someone <b>else</b>"))
    lang = "{http://www.w3.org/XML/1998/namespace}lang"
    assert atom.find("a:entry", NS).get(lang) == "en"
    assert text(atom, "a:entry/a:author/a:name") == "Someone else"
    assert feed["items"][0]["language"] == "en"


def test_a_site_that_says_nothing_of_itself_still_has_feeds() -> None:
    site = Site(url="https://blog.example")
    rss, atom, feed = render(entry(title="\x00", language=""), site=site)
    assert text(rss, "channel/title") == "blog.example"
    assert text(rss, "channel/description") == "blog.example"
    assert text(rss, "channel/item/title") == "朝に始まる。"
    assert text(atom, "a:entry/a:author/a:name") == "blog.example"
    assert feed["title"] == "blog.example"


def test_no_posts_are_a_feed_too() -> None:
    rss, atom, feed = render()
    assert rss.findall("channel/item") == []
    assert rss.find("channel/lastBuildDate") is None
    assert text(atom, "a:updated") == "1970-01-01T00:00:00+00:00"
    assert feed["items"] == []


def test_the_same_bytes_each_time() -> None:
    first = render_feeds([entry(1), entry(2)], SITE, FEED)
    assert render_feeds([entry(1), entry(2)], SITE, FEED) == first


def test_the_locale_of_the_process_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("another thread would see the changed locale")

    monkeypatch.setattr(locale, "setlocale", refuse)
    render_feeds([entry()], SITE, FEED)


def test_feedgen_still_has_the_field_that_is_mended() -> None:
    from feedgen.feed import FeedGenerator

    assert hasattr(FeedGenerator(), "_FeedGenerator__rss_lastBuildDate")


def test_head_by_settings() -> None:
    feed = Feed(hubs=("https://hub.example/",), ttl=60, icon="/icon.png", style="look.css")
    files = render_feeds([entry()], SITE, feed)
    for name in ("feed.xml", "atom.xml"):
        assert b'<?xml-stylesheet type="text/css" href="look.css"?>' in files[name][:120]
    rss, atom, told = render(entry(), feed=feed)
    links = [(link.get("rel"), link.get("href")) for link in rss.findall("channel/a:link", NS)]
    assert links == [("self", "https://blog.example/feed.xml"), ("hub", "https://hub.example/")]
    assert text(rss, "channel/link") == "https://blog.example/"
    assert text(rss, "channel/ttl") == "60"
    assert text(rss, "channel/image/url") == "https://blog.example/icon.png"
    assert text(atom, "a:icon") == "https://blog.example/icon.png"
    assert ("hub", "https://hub.example/") in [
        (link.get("rel"), link.get("href")) for link in atom.findall("a:link", NS)
    ]
    assert told["hubs"] == [{"type": "WebSub", "url": "https://hub.example/"}]
    assert told["icon"] == "https://blog.example/icon.png"


def test_feeds_may_be_served_elsewhere() -> None:
    rss, _, told = render(entry(), feed=Feed(url="https://feeds.example/blog"))
    assert rss.find("channel/a:link", NS).get("href") == "https://feeds.example/blog/feed.xml"
    assert told["feed_url"] == "https://feeds.example/blog/feed.json"
    assert text(rss, "channel/link") == "https://blog.example/"


def test_a_public_address_of_a_file_is_what_readers_get() -> None:
    rss, _, told = render(entry(cover=Image(alt="x", file="/home/x.png", public="/x.png")))
    assert told["items"][0]["image"] == "https://blog.example/x.png"
    assert b"/home/" not in etree.tostring(rss)


def test_threads_render_the_same() -> None:
    wanted = render_feeds([entry(n) for n in range(5)], SITE, FEED)
    got: list[dict[str, bytes]] = []

    def work() -> None:
        got.append(render_feeds([entry(n) for n in range(5)], SITE, FEED))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [wanted] * 4


@pytest.fixture(params=["feed.xml", "atom.xml"])
def read_by_feedparser(request: pytest.FixtureRequest) -> Any:
    files = render_feeds([entry(1), entry(2, title="AT&T と <T>")], SITE, FEED)
    return feedparser.parse(files[request.param])


def test_feedparser_reads_the_same_in_both(read_by_feedparser: Any) -> None:
    parsed = read_by_feedparser
    assert parsed.bozo == 0
    assert parsed.entries[0].title == "工場の一日"
    assert [e.id for e in parsed.entries] == [
        f"https://blog.example/posts/factory-{n}/" for n in (1, 2)
    ]
    assert parsed.entries[0].summary == "朝に始まる。\n昼に止まる。\n夜に片づける。"
    assert parsed.entries[0].content[0].value == "<p>本文です。</p>"
    assert parsed.entries[0].author == "書き手"
    assert parsed.entries[0].published_parsed[:6] == (2026, 2, 8, 15, 0, 0)
    assert [e.href for e in parsed.entries[0].enclosures] == [
        "https://blog.example/images/factory.png"
    ]


HOSTILE = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("<>&\"'\x00\x0b\x1b\ud800\udfff\ufffe\u202e\u200d👩🏽\r\n\u2028]"),
    ),
    max_size=30,
) | st.sampled_from(["]]>", "<![CDATA[", "<!--", "&#0;", "&nbsp;", "<script>x</script>", "]]]]>>"])


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(title=HOSTILE, body=HOSTILE, tag=HOSTILE, author=HOSTILE, alt=HOSTILE, path=HOSTILE)
def test_whatever_a_post_holds_the_feed_is_well_formed_and_the_text_comes_back(
    title: str, body: str, tag: str, author: str, alt: str, path: str
) -> None:
    rss, atom, feed = render(
        entry(
            html=f"<p>{body}</p>",
            title=f"t{title}",
            tags=(f"t{tag}",),
            categories=(),
            author=f"a{author}",
            summary=Summary(lines=(f"s{body}",), source="lead"),
            cover=Image(
                alt=f"x{alt}", url=f"https://blog.example/{path}", mime="image/png", size=1
            ),
            guid=f"https://blog.example/{path}",
            url=f"https://blog.example/{path}",
        )
    )
    item = rss.find("channel/item")
    found = atom.find("a:entry", NS)
    told = feed["items"][0]
    assert text(item, "title") == text(found, "a:title") == told["title"] == line(f"t{title}")
    whole = clean(f"<p>{body}</p>")
    assert (
        text(item, "content:encoded") == text(found, "a:content") == told["content_html"] == whole
    )
    assert text(item, "category") == told["tags"][0] == line(f"t{tag}")
    assert found.find("a:category", NS).get("term") == line(f"t{tag}")
    assert text(item, "dc:creator") == text(found, "a:author/a:name") == line(f"a{author}")
    assert text(found, "a:summary") == told["summary"] == line(f"s{body}")
    assert text(item, "media:content/media:description") == line(f"x{alt}")
    assert text(item, "guid") == text(found, "a:id") == told["id"] == text(item, "link")
    assert told["id"].isascii()
