"""What is shown, and when: every reason in words, the site at another time, the clock alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest

from bot.words import REASONS, WhyNot
from tests.site import Site

REASON_OF = {
    "draft": "draft: true\n",
    "future": "publishDate: 2099-01-01\n",
    "expired": "expiryDate: 2026-01-01\n",
    "bad-date": "lastmod: 2026-02-30\n",
    "headless": "headless: true\n",
    "not-rendered": "build: {render: never}\n",
    "not-listed": "build: {list: never}\n",
    "not-html": "outputs: [json]\n",
    "not-a-post": "layout: search\n",
    "url-too-long": f"slug: {'あ' * 90}\n",
}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path).configure()


def test_no_reason_is_without_words() -> None:
    assert set(get_args(WhyNot)) - REASONS.keys() == set()


@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_is_not_published_is_listed_with_its_reason(site: Site, language: str) -> None:
    site.configure(language=language)
    for code, more in REASON_OF.items():
        site.post(code, more=more)
    site.post("_index")
    told = site.json("list")
    assert {p["path"][14:-3]: p["why_not"] for p in told["posts"]} == {
        **{code: code for code in REASON_OF},
        "_index": "section-page",
    }
    shown = site.run("list").stdout
    for code in (*REASON_OF, "section-page"):
        assert f"({REASONS[code].in_language(language)})" in shown, code


def test_sections_that_are_no_posts(site: Site) -> None:
    config = site.root / "bot.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text + '[content]\nsections = ["posts"]\n', encoding="utf-8")
    site.post("a")
    (site.root / "content" / "search.md").write_text("---\ntitle: Search\n---\n")
    told = {p["path"]: p["why_not"] for p in site.json("list")["posts"]}
    assert told == {"content/posts/a.md": None, "content/search.md": "not-in-sections"}


def test_a_page_beside_the_sections_of_hugo(site: Site) -> None:
    config = site.root / "bot.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text + '[content]\nhugo = "."\n', encoding="utf-8")
    (site.root / "hugo.toml").write_text('baseURL = "https://blog.example/"\n')
    site.post("a")
    (site.root / "content" / "about.md").write_text("---\ntitle: About\n---\n")
    told = {p["path"]: p["why_not"] for p in site.json("list")["posts"]}
    assert told == {"content/posts/a.md": None, "content/about.md": "no-section"}


@pytest.mark.parametrize(
    ("now", "visible"),
    [
        ("2026-11-30", False),
        ("2026-11-30T23:59:59", False),
        ("2026-12-01", True),  # midnight in Tokyo
        ("2026-12-01T00:00", True),
        ("2026-11-30T15:00:00Z", True),
        ("2026-11-30T14:59:59Z", False),
        ("2026-12-01 00:00:00+09:00", True),
    ],
)
def test_the_site_as_it_will_be(site: Site, now: str, visible: bool) -> None:
    site.post("a", more="publishDate: 2026-12-01\n")
    (post,) = site.json("list", "--now", now)["posts"]
    assert (post["visible"], post["why_not"]) == (visible, None if visible else "future")
    assert not (site.root / "state").exists()


@pytest.mark.parametrize("now", ["2026-02-30", "tomorrow", "", "0001-01-01", "99999-01-01"])
def test_what_is_no_time(site: Site, now: str) -> None:
    site.post("a")
    told = site.run("list", "--now", now)
    assert told.returncode == 2, told.stderr
    assert "Traceback" not in told.stderr


def test_a_file_that_was_only_touched_is_no_post_until_it_is_written(site: Site) -> None:
    """Neither the feeds nor a person see it, whatever address it has then."""
    config = site.root / "bot.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text + '[content]\npermalink = "/:title/"\n', encoding="utf-8")
    site.post("old")
    assert site.run("post", "--first-run").returncode == 0
    site.run("feed")
    file = site.root / "content" / "posts" / "n1.md"
    file.touch()
    told = site.run("post")
    assert (told.returncode, told.stderr) == (0, "")
    site.run("feed")
    feed = site.root / "public" / "feed.json"
    assert len(json.loads(feed.read_text(encoding="utf-8"))["items"]) == 1
    assert [p["why_not"] for p in site.json("list")["posts"]] == ["empty", None]
    site.post("n1", title="新しい題")
    told = site.run("post")
    assert (told.returncode, told.stderr) == (0, "")
    url = "https://blog.example/%E6%96%B0%E3%81%97%E3%81%84%E9%A1%8C/"
    assert [line["url"] for line in site.lines()] == [url]
    site.run("feed")
    ids = [item["id"] for item in json.loads(feed.read_text(encoding="utf-8"))["items"]]
    assert url in ids


def test_a_post_with_nothing_to_say_is_not_called_a_draft(site: Site) -> None:
    assert site.run("post", "--first-run").returncode == 0
    file = site.post("a")
    file.write_text("---\ntitle: ' '\n---\n![](a.png)\n", encoding="utf-8")
    site.run("post")
    told = site.run("post", "--dry-run", "--why").stdout
    assert "it is a draft" not in told
    assert "its text cannot be made" in told
