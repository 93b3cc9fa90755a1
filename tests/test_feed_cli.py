"""`bot feed --discover` and `--compare`: what is asked of the feeds, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.http import Call, FakeServer, Reply
from tests.site import Site

HOME = "https://blog.example/"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path).configure()
    made.post("a", day=1, more='tags: ["AI & 機械"]\n')
    made.post("b", day=2)
    return made


def rss(*items: tuple[str, str]) -> bytes:
    told = "".join(f"<item><guid>{guid}</guid><link>{link}</link></item>" for guid, link in items)
    return f"<rss version='2.0'><channel>{told}</channel></rss>".encode()


class Web(FakeServer):
    """Pages by path."""

    def __init__(self, pages: dict[str, Reply]) -> None:
        super().__init__()
        self.pages = pages

    def handle(self, call: Call) -> Reply:
        return self.pages[call.path]

    def is_visible(self, call: Call) -> bool:
        return False


class TestDiscover:
    def test_the_lines_for_a_theme(self, site: Site) -> None:
        told = site.run("feed", "--discover")
        assert told.returncode == 0, told.stderr
        assert told.stdout.splitlines() == [
            f'<link rel="alternate" type="application/{kind}" title="試験" href="{HOME}{name}">'
            for kind, name in (
                ("rss+xml", "feed.xml"),
                ("atom+xml", "atom.xml"),
                ("feed+json", "feed.json"),
            )
        ]

    def test_nothing_is_written(self, site: Site) -> None:
        site.run("feed", "--discover")
        assert sorted(f.name for f in site.root.iterdir()) == ["bot.toml", "content"]

    def test_a_feed_of_a_tag_as_json(self, site: Site) -> None:
        with (site.root / "bot.toml").open("a") as file:
            file.write('[feed]\ntags = true\natom = ""\njson = ""\n')
        assert site.json("feed", "--discover") == {
            "feeds": [
                {
                    "folder": "",
                    "title": "試験",
                    "type": "application/rss+xml",
                    "url": HOME + "feed.xml",
                },
                {
                    "folder": "tags/ai--機械/",
                    "title": "AI & 機械 - 試験",
                    "type": "application/rss+xml",
                    "url": HOME + "tags/ai--%E6%A9%9F%E6%A2%B0/feed.xml",
                },
            ]
        }

    def test_a_missing_folder_is_said(self, site: Site) -> None:
        (site.root / "content").rename(site.root / "elsewhere")
        told = site.run("feed", "--discover")
        assert told.returncode == 2
        assert "content" in told.stderr


class TestCompare:
    def test_a_file_whose_ids_are_ours(self, site: Site) -> None:
        old = site.root / "old.xml"
        old.write_bytes(rss(*((f"{HOME}posts/{name}/",) * 2 for name in "ab")))
        told = site.run("feed", "--compare", "old.xml")
        assert told.returncode == 0, told.stderr
        assert told.stdout.startswith("2 known by their ids, 0 would look new")
        assert not (site.root / "public").exists()
        assert not (site.root / "state").exists()

    def test_what_would_be_seen_twice_is_named_with_its_reason(self, site: Site) -> None:
        (site.root / "old.xml").write_bytes(rss(("17", f"{HOME}posts/a/")))
        told = site.run("feed", "--compare", "old.xml")
        assert told.returncode == 1
        assert "0 known by their ids, 2 would look new, 1 of them a second time" in told.stdout
        assert f"17 → {HOME}posts/a/" in told.stdout
        assert "gives this address another id" in told.stdout
        assert site.json("feed", "--compare", "old.xml") == {
            "same": 0,
            "twice": 1,
            "different": [
                {"id": f"{HOME}posts/b/", "old_id": None, "title": "b", "reason": "new"},
                {"id": f"{HOME}posts/a/", "old_id": "17", "title": "a", "reason": "id-changed"},
            ],
        }

    def test_an_id_that_the_ledger_keeps_counts(self, site: Site) -> None:
        assert site.run("feed").returncode == 0
        old = (site.root / "public" / "feed.xml").read_bytes()
        (site.root / "old.xml").write_bytes(old)
        post = site.post("a", day=1, more="slug: elsewhere\n")
        assert post.exists()
        assert site.json("feed", "--compare", "old.xml")["same"] == 2

    def test_an_address_that_has_moved_is_followed(self, site: Site) -> None:
        feed = rss((f"{HOME}posts/b/", f"{HOME}posts/b/"))
        moved = Reply(301, "", {"Location": "/new"})
        with Web({"/old": moved, "/new": Reply(200, feed.decode())}) as web:
            told = site.json("feed", "--compare", f"{web.base}/old")
        assert (told["same"], told["twice"]) == (1, 0)

    @pytest.mark.parametrize(
        ("path", "words"),
        [("/gone", "404"), ("/loop", "again and again"), ("/page", "neither RSS")],
    )
    def test_an_address_that_is_no_feed_is_said(self, site: Site, path: str, words: str) -> None:
        pages = {
            "/gone": Reply(404, "gone"),
            "/loop": Reply(302, "", {"Location": "/loop"}),
            "/page": Reply(200, "<html><body>hello</body></html>"),
        }
        with Web(pages) as web:
            told = site.run("feed", "--compare", web.base + path)
        assert told.returncode == 2
        assert words in told.stderr
        assert web.base + path in told.stderr
        assert "Traceback" not in told.stderr

    @pytest.mark.parametrize("name", ["nowhere.xml", "content", "a\0b"])
    def test_a_file_that_cannot_be_read_is_said(self, site: Site, name: str) -> None:
        told = site.run("feed", "--compare", name)
        assert told.returncode == 2
        assert "[feed-unreadable]" in told.stderr

    def test_both_at_once_is_no_question(self, site: Site) -> None:
        told = site.run("feed", "--discover", "--compare", "x")
        assert told.returncode == 2
        assert "[usage]" in told.stderr
