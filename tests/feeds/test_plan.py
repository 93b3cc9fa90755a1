"""Which feeds there are, where they lie and what is in them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from bot.feeds import discover, feed_urls, first_guid, plan_feeds
from bot.feeds.items import channel
from bot.feeds.opml import render_opml
from bot.feeds.plan import term_folder
from bot.model import Entry
from bot.settings import Feed, Site
from tests.feeds.samples import FEED, POST, SITE, entry

ALL = Feed(limit=2, tags=True, categories=True, sections=True, languages=True)


@pytest.mark.parametrize(
    ("term", "folder"),
    [  # what Hugo makes of terms
        ("AI ニュース", "ai-ニュース"),
        ("C++", "c++"),
        ("C#", "c#"),
        ("AI/ML", "ai/ml"),
        ("R&D", "rd"),
        ("a  b", "a--b"),
        ("GenAI", "genai"),
        (".NET", ".net"),
        ("ＡＢＣ", "ａｂｃ"),
        ("「工場」", "工場"),
        ("../../etc", "etc"),
        ("..", ""),
        ("🎉", ""),
        ("a\\b\0", "ab"),
    ],
)
def test_a_term_has_hugos_folder(term: str, folder: str) -> None:
    assert term_folder(term) == folder


@settings(max_examples=60)
@given(st.text())
def test_no_term_leads_out_of_the_folder(term: str) -> None:
    parts = term_folder(term).split("/")
    assert all(part not in (".", "..") for part in parts)
    assert not re.search(r'[\\\x00-\x1f:*?"<>|]', term_folder(term))


def test_the_site_alone_by_default() -> None:
    plans = plan_feeds([entry(n) for n in range(30)], SITE, FEED)
    assert [(plan.folder, len(plan.entries)) for plan in plans] == [("", 20)]


def test_each_kind_of_feed() -> None:
    entries = [
        entry(1, section="posts", tags=("GenAI",), categories=()),
        entry(2, section="posts", tags=("genai", "C#"), categories=("News",), language="en"),
        entry(3, section="notes", tags=("GENAI", "🎉"), categories=()),
    ]
    plans = {plan.folder: plan for plan in plan_feeds(entries, SITE, ALL)}
    numbers = {
        folder: [entries.index(e) + 1 for e in plan.entries] for folder, plan in plans.items()
    }
    assert numbers == {
        "": [1, 2],
        "categories/news/": [2],
        "tags/genai/": [1, 2],  # and no more than the limit
        "tags/c#/": [2],
        "posts/": [1, 2],
        "notes/": [3],
        "ja/": [1, 3],
        "en/": [2],
    }
    tag = plans["tags/c#/"].head
    assert tag.title == "C# - 産業ブログ"
    assert (tag.link, tag.base) == ("https://blog.example/tags/c%23/",) * 2
    assert tag.updated == datetime(2026, 2, 9, 3, 30, tzinfo=UTC)
    assert plans["en/"].head.language == "en"
    assert len({plan.head.link for plan in plans.values()}) == len(plans)


def test_two_feeds_of_one_folder_are_one() -> None:
    plans = plan_feeds([entry(section="en", language="en")], SITE, ALL)
    assert [plan.folder for plan in plans].count("en/") == 1
    assert plans[0].folder == ""


def test_the_archive_leaves_no_gap_and_needs_no_clock() -> None:
    feed = Feed(limit=10, archive="archive")
    entries = [entry(n) for n in range(80)]  # 2026-02-09 and a day older each
    main, *months = plan_feeds(entries, SITE, feed)
    assert [month.folder for month in months] == [
        "archive/2026-01/",
        "archive/2025-12/",
        "archive/2025-11/",
    ]
    seen = {e.guid for plan in (main, *months) for e in plan.entries}
    assert seen == {e.guid for e in entries}
    bases = [month.head.base for month in months]
    assert main.head.older == bases[0] == "https://blog.example/archive/2026-01/"
    assert [month.head.older for month in months] == [bases[1], bases[2], None]
    assert [month.head.newer for month in months] == [None, bases[0], bases[1]]
    assert {month.head.current for month in months} == {"https://blog.example/"}


def test_a_new_post_changes_only_its_own_month() -> None:
    feed = Feed(limit=3, archive="archive")
    entries = [entry(n) for n in range(80)]
    newer = replace(entry(99), published=datetime(2026, 2, 20, tzinfo=UTC))
    before = {plan.folder: plan for plan in plan_feeds(entries, SITE, feed)}
    after = {plan.folder: plan for plan in plan_feeds([newer, *entries], SITE, feed)}
    assert {folder for folder in after if after[folder] != before.get(folder)} == {
        "",
        "archive/2026-02/",
    }


def test_a_month_with_more_posts_than_the_feed_is_in_the_archive() -> None:
    day = datetime(2026, 2, 9, tzinfo=UTC)
    entries = [replace(entry(n), published=day) for n in range(1, 9)]
    _, month = plan_feeds(entries, SITE, Feed(limit=3, archive="/old/"))
    assert (month.folder, len(month.entries)) == ("old/2026-02/", 8)


def test_discover_names_each_feed_for_a_theme() -> None:
    feed = Feed(atom="", tags=True)
    plans = plan_feeds([entry(tags=('a"<b',))], SITE, feed)
    lines = discover(plans, feed).splitlines()
    assert lines[0] == (
        '<link rel="alternate" type="application/rss+xml" title="産業ブログ" '
        'href="https://blog.example/feed.xml">'
    )
    assert len(lines) == 4
    assert "&quot;&lt;b - 産業ブログ" in lines[2]
    assert 'type="application/feed+json"' in lines[3]


def test_opml_lists_all_but_the_archive() -> None:
    feed = Feed(limit=1, tags=True, archive="archive")
    plans = plan_feeds([entry(1), entry(40, tags=('a & "b"',))], SITE, feed)
    body = etree.fromstring(render_opml(plans, channel([], SITE, feed), feed)).find("body")
    assert body is not None
    assert [outline.get("xmlUrl") for outline in body] == [
        "https://blog.example/feed.xml",
        "https://blog.example/tags/%E8%A3%BD%E9%80%A0/feed.xml",
        "https://blog.example/tags/genai/feed.xml",
        "https://blog.example/tags/a--b/feed.xml",
    ]
    assert body[3].get("title") == 'a & "b" - 産業ブログ'
    assert {outline.get("type") for outline in body} == {"rss"}


def test_feed_urls_are_the_self_links() -> None:
    feed = Feed(json="")
    (main,) = plan_feeds([], SITE, feed)
    assert feed_urls(main, feed) == {
        "feed.xml": "https://blog.example/feed.xml",
        "atom.xml": "https://blog.example/atom.xml",
    }


class TestFirstGuid:
    WHEN = datetime(2026, 2, 9, 15, tzinfo=UTC)

    def test_the_permalink_as_hugo_gives_it(self) -> None:
        post = replace(POST, url="https://blog.example/posts/日本/")
        assert (
            first_guid(post, self.WHEN, SITE, FEED)
            == "https://blog.example/posts/%E6%97%A5%E6%9C%AC/"
        )

    def test_a_tag_uri_by_setting(self) -> None:
        site = Site(url="https://me@例え.jp:8080/")
        post = replace(POST, url="https://me@例え.jp:8080/posts/a/?b#c")
        made = first_guid(post, self.WHEN, site, Feed(guid="tag"))
        assert made == "tag:xn--r8jz45g.jp,2026-02-09:/posts/a/?b#c"

    def test_its_own_id_first(self) -> None:
        post = replace(POST, explicit_id="urn:isbn:1")
        assert first_guid(post, self.WHEN, SITE, Feed(guid="tag")) == "urn:isbn:1"
        named = replace(POST, explicit_id="my post")
        assert first_guid(named, self.WHEN, SITE, Feed(guid="tag")).startswith("urn:uuid:")
        assert first_guid(post, self.WHEN, SITE, FEED) == POST.url
        moved = replace(SITE, url="https://new.example/", id="blog.example")
        tag = Feed(guid="tag")
        assert first_guid(named, self.WHEN, moved, tag) == first_guid(named, self.WHEN, SITE, tag)


def test_entries_may_be_shared_by_any_sequence() -> None:
    entries: tuple[Entry, ...] = (entry(1),)
    assert plan_feeds(entries, SITE, FEED) == plan_feeds(list(entries), SITE, FEED)
