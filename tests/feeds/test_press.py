"""All feeds of a site, printed anew only where something changed."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from bot.feeds import Press, plan_feeds, render_feeds
from bot.feeds.press import render
from bot.model import Entry
from bot.settings import Feed
from tests.feeds.samples import FEED, SHARED, SITE, entry

MANY = Feed(limit=3, tags=True, archive="archive", opml="feeds.opml")


class Bodies:
    """Gives HTML and remembers for which posts it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, entry: Entry) -> str:
        self.asked.append(entry.post.path)
        return f"<p>{entry.post.path}</p>"


def posts(count: int, tags: Callable[[int], tuple[str, ...]] = lambda _: ()) -> list[Entry]:
    return [
        entry(n, html="", path=f"{n}.md", tags=tags(n), categories=()) for n in range(1, count + 1)
    ]


def test_the_press_prints_what_render_gives(tmp_path: Path) -> None:
    entries = [entry(n, path=f"{n}.md") for n in range(1, 4)]
    done = Press(SITE, FEED, tmp_path).publish(entries)
    assert done.written == ("feed.xml", "atom.xml", "feed.json", "feed.css")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == render_feeds(
        entries, SITE, FEED
    )


def test_a_new_process_writes_nothing_where_nothing_changed(tmp_path: Path) -> None:
    entries = [entry(n, path=f"{n}.md") for n in range(1, 9)]
    first = Press(SITE, MANY, tmp_path).publish(entries)
    again = Press(SITE, MANY, tmp_path).publish(entries)
    assert first.written == again.unchanged
    assert (again.written, again.refused) == ((), ())


def test_nothing_is_read_or_opened_when_nothing_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    press, bodies = Press(SITE, FEED, tmp_path), Bodies()
    entries = posts(5)
    press.publish(entries, bodies)
    bodies.asked.clear()
    monkeypatch.setattr(os, "open", None)
    monkeypatch.setattr(Path, "open", None)
    assert press.publish(list(entries), bodies).written == ()
    assert bodies.asked == []


def test_a_folder_emptied_by_a_build_is_filled_again(tmp_path: Path) -> None:
    press, entries = Press(SITE, MANY, tmp_path), posts(3)
    press.publish(entries)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for path in before:
        path.unlink()
    press.publish(entries)
    assert {path: path.read_bytes() for path in before} == before
    (tmp_path / "feed.xml").unlink()
    assert press.publish(entries).written == ("feed.xml",)


def test_one_changed_post_touches_its_own_feeds(tmp_path: Path) -> None:
    press, bodies = Press(SITE, replace(MANY, archive=""), tmp_path), Bodies()
    entries = posts(9, lambda n: (f"t{n % 3}",))
    press.publish(entries, bodies)
    bodies.asked.clear()
    entries[4] = replace(
        entries[4], post=replace(entries[4].post, title="新しい", content_hash="x")
    )
    done = press.publish(entries, bodies)  # number 5 is in t2's feed, not in the site's newest 3
    assert done.written == ("tags/t2/feed.xml", "tags/t2/atom.xml", "tags/t2/feed.json")
    assert "feed.xml" in done.unchanged
    assert bodies.asked == ["5.md"]


def test_an_item_is_made_once_for_all_its_feeds(tmp_path: Path) -> None:
    bodies = Bodies()
    Press(SITE, MANY, tmp_path).publish(posts(3, lambda _: ("a", "b")), bodies)
    assert sorted(bodies.asked) == ["1.md", "2.md", "3.md"]
    items = [
        re.findall(rb"<item>.*?</item>", (tmp_path / name).read_bytes(), re.DOTALL)
        for name in ("feed.xml", "tags/a/feed.xml", "tags/b/feed.xml")
    ]
    assert items[0] == items[1] == items[2]


def test_a_press_with_no_room_prints_the_same(tmp_path: Path) -> None:
    entries = posts(30, lambda n: (f"t{n % 2}",))
    for folder, room in (("wide", 2**20), ("narrow", 0)):
        press = Press(SITE, MANY, tmp_path / folder, room=room)
        press.publish(entries[1:], Bodies())
        press.publish(entries, Bodies())
    wide, narrow = (
        {
            str(path.relative_to(tmp_path / folder)): path.read_bytes()
            for path in (tmp_path / folder).rglob("*.*")
            if path.is_file()
        }
        for folder in ("wide", "narrow")
    )
    assert wide == narrow
    assert len(wide) > 12


def test_summaries_need_no_body(tmp_path: Path) -> None:
    bodies = Bodies()
    Press(SITE, Feed(content="summary"), tmp_path).publish(posts(2), bodies)
    assert bodies.asked == []


def test_what_was_refused_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "atom.xml").write_text("<feed>mine</feed>")
    press = Press(SITE, FEED, tmp_path)
    entries = [entry(1)]
    assert [p.code for p in press.publish(entries).refused] == ["feed-not-ours"]
    assert [p.code for p in press.publish(entries).refused] == ["feed-not-ours"]
    (tmp_path / "atom.xml").unlink()
    done = press.publish(entries)
    assert (done.written, done.refused) == (("atom.xml",), ())


def test_a_body_that_fails_leaves_the_old_feed(tmp_path: Path) -> None:
    press = Press(SITE, FEED, tmp_path)
    press.publish(posts(1), Bodies())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def broken(entry: Entry) -> str:
        raise RuntimeError(entry.post.path)

    with pytest.raises(RuntimeError):
        press.publish(posts(2), broken)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_archive_can_be_walked_from_the_feed(tmp_path: Path) -> None:
    entries = [entry(n, path=f"{n}.md") for n in range(1, 100)]
    Press(SITE, MANY, tmp_path).publish(entries)
    for name, item, link in (
        ("feed.xml", "item/guid", "{http://www.w3.org/2005/Atom}link"),
        ("atom.xml", "{*}entry/{*}id", "{*}link"),
    ):
        seen: set[str] = set()
        url: str | None = f"https://blog.example/{name}"
        while url:
            root = etree.parse(tmp_path / url.removeprefix("https://blog.example/")).getroot()
            feed = root.find("channel") if root.find("channel") is not None else root
            assert feed is not None
            seen |= {found.text or "" for found in feed.findall(item)}
            is_archive = feed.find("{http://purl.org/syndication/history/1.0}archive") is not None
            assert is_archive == ("archive/" in url)
            links = {found.get("rel"): found.get("href") for found in feed.findall(link)}
            assert links["self"] == url
            url = links.get("prev-archive")
        assert seen == {e.guid for e in entries}


def test_json_pages_follow_one_another_without_a_loop(tmp_path: Path) -> None:
    entries = [entry(n, path=f"{n}.md") for n in range(1, 100)]
    Press(SITE, MANY, tmp_path).publish(entries)
    urls: list[str] = []
    seen: set[str] = set()
    url: str | None = "https://blog.example/feed.json"
    while url:
        assert url not in urls
        urls.append(url)
        page = json.loads((tmp_path / url.removeprefix("https://blog.example/")).read_bytes())
        assert page["feed_url"] == url
        seen |= {item["id"] for item in page["items"]}
        url = page.get("next_url")
    assert seen == {e.guid for e in entries}


def test_archives_follow_the_grammar_too() -> None:
    grammar = SHARED / "contracts" / "atom" / "atom.rng"
    if not grammar.exists():
        pytest.skip("RFC 4287's grammar is not beside this checkout")
    schema = etree.RelaxNG(etree.parse(grammar))
    feed = replace(MANY, hubs=("https://hub.example/",), icon="/icon.png", languages=True)
    for plan in plan_feeds([entry(n) for n in range(1, 60)], SITE, feed):
        document = etree.fromstring(render(plan, SITE, feed)[f"{plan.folder}atom.xml"])
        assert schema.validate(document), (plan.folder, schema.error_log)


class TestCopies:
    ENTRIES = (entry(1),)

    def publish(self, folder: Path, **settings: bool) -> list[str]:
        feed = Feed(atom="", json="", style="", **settings)  # type: ignore[arg-type]
        done = Press(SITE, feed, folder).publish(self.ENTRIES)
        return [problem.code for problem in done.refused]

    def test_gzip_beside_the_feed(self, tmp_path: Path) -> None:
        assert self.publish(tmp_path, gzip=True) == []
        feed, copy = tmp_path / "feed.xml", tmp_path / "feed.xml.gz"
        assert gzip.decompress(copy.read_bytes()) == feed.read_bytes()
        assert copy.stat().st_mtime_ns == feed.stat().st_mtime_ns
        first = copy.read_bytes(), copy.stat().st_ino
        self.publish(tmp_path, gzip=True)
        assert (copy.read_bytes(), copy.stat().st_ino) == first

    def test_brotli_beside_the_feed(self, tmp_path: Path) -> None:
        brotli = pytest.importorskip("brotli")
        assert self.publish(tmp_path, brotli=True) == []
        packed = (tmp_path / "feed.xml.br").read_bytes()
        assert brotli.decompress(packed) == (tmp_path / "feed.xml").read_bytes()
        self.publish(tmp_path)
        assert not (tmp_path / "feed.xml.br").exists()

    def test_without_the_package_it_is_said(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(__import__("sys").modules, "brotli", None)
        assert self.publish(tmp_path, brotli=True) == ["brotli-missing"]
        assert (tmp_path / "feed.xml").exists()

    def test_a_copy_that_was_lost_or_is_stale_is_made_again(self, tmp_path: Path) -> None:
        self.publish(tmp_path, gzip=True)
        copy = tmp_path / "feed.xml.gz"
        copy.unlink()
        self.publish(tmp_path, gzip=True)
        fresh = copy.read_bytes()
        copy.write_bytes(gzip.compress(b"<generator>sangyo-bot 0</generator>", mtime=0))
        self.publish(tmp_path, gzip=True)
        assert copy.read_bytes() == fresh

    def test_a_copy_no_longer_wanted_is_taken_away(self, tmp_path: Path) -> None:
        self.publish(tmp_path, gzip=True)
        self.publish(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["feed.xml"]

    @pytest.mark.parametrize("data", [b"no gzip", gzip.compress(b"<rss>another's</rss>", mtime=0)])
    def test_anothers_copy_is_left_alone(self, tmp_path: Path, data: bytes) -> None:
        copy = tmp_path / "feed.xml.gz"
        copy.write_bytes(data)
        assert self.publish(tmp_path) == []
        assert self.publish(tmp_path, gzip=True) == ["feed-not-ours"]
        assert copy.read_bytes() == data


class TestFeedsOfWhatIsNoMore:
    """A subscriber learns that there is no such feed, and no text of a post that is gone stays."""

    TAGS = Feed(tags=True, archive="old", limit=1, gzip=True)

    def left(self, folder: Path) -> set[str]:
        return {f.parent.relative_to(folder).as_posix() for f in folder.rglob("feed.xml")}

    @pytest.mark.parametrize("again", [True, False], ids=["same process", "another process"])
    def test_they_are_taken_away(self, tmp_path: Path, again: bool) -> None:
        press = Press(SITE, self.TAGS, tmp_path)
        before = [entry(n, tags=(tag,)) for n, tag in ((1, "ai"), (2, "AI/ML"), (40, "古い"))]
        press.publish(before)
        assert {"tags/ai", "tags/ai/ml", "tags/古い", "old/2025-12"} <= self.left(tmp_path)
        done = (press if again else Press(SITE, self.TAGS, tmp_path)).publish(before[:2])
        assert "tags/古い/feed.xml" in done.removed
        assert self.left(tmp_path) == {".", "tags/ai", "tags/ai/ml", "old/2026-02"}
        assert not (tmp_path / "tags" / "古い").exists()
        assert not (tmp_path / "old" / "2025-12").exists()

    def test_a_folder_with_something_else_in_it_stays(self, tmp_path: Path) -> None:
        press = Press(SITE, self.TAGS, tmp_path)
        press.publish([entry(1, tags=("ai",)), entry(2, tags=("gone",))])
        page = tmp_path / "tags" / "gone" / "index.html"
        page.write_text("the tag's page")
        own = tmp_path / "tags" / "gone" / "atom.xml"
        own.write_text("<feed>somebody else's</feed>")
        press.publish([entry(1, tags=("ai",))])
        assert sorted(f.name for f in page.parent.iterdir()) == ["atom.xml", "index.html"]

    def test_other_folders_are_not_looked_at(self, tmp_path: Path) -> None:
        other = tmp_path / "en"
        Press(SITE, Feed(), other).publish([entry(1)])
        Press(SITE, self.TAGS, tmp_path).publish([entry(1, tags=())])
        assert (other / "feed.xml").exists()

    def test_it_comes_back_with_its_tag(self, tmp_path: Path) -> None:
        press = Press(SITE, self.TAGS, tmp_path)
        with_tag = [entry(1, tags=("ai",))]
        press.publish(with_tag)
        before = (tmp_path / "tags" / "ai" / "feed.xml").read_bytes()
        press.publish([entry(1, tags=())])
        press.publish(with_tag)
        assert (tmp_path / "tags" / "ai" / "feed.xml").read_bytes() == before


def test_a_single_file_that_is_gone_is_written_again(tmp_path: Path) -> None:
    press = Press(SITE, Feed(tags=True), tmp_path)
    entries = [entry(1)]
    press.publish(entries)
    press.publish(entries)
    lost = tmp_path / "tags" / "genai" / "atom.xml"
    data = lost.read_bytes()
    lost.unlink()
    assert press.publish(entries).written == ("tags/genai/atom.xml",)
    assert lost.read_bytes() == data
