"""A bad edit of a good post: its last good version stays in the feeds, in this process and later."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.site import Site


def _nul(text: str) -> bytes:
    return text.replace("です", "\0", 1).encode()


def _unclosed(text: str) -> bytes:
    return text.replace("\n---\n", "\n", 1).encode()


BAD_EDITS: dict[str, Callable[[str], bytes]] = {
    "not UTF-8": lambda text: text.encode("cp932"),
    "UTF-16": lambda text: text.encode("utf-16"),
    "NUL": _nul,
    "lost character": lambda text: text.replace("です", "\ufffd").encode(),
    "unclosed front matter": _unclosed,
    "duplicate key": lambda text: text.replace("title:", "title: x\ntitle:").encode(),
    "YAML error": lambda text: text.replace("title:", "title: [\nx:").encode(),
    "alias bomb": lambda text: text.replace(
        "title:", "a: &a [x, x]\nb: &b [*a, *a]\n" + _bomb() + "title:"
    ).encode(),
    "impossible date": lambda text: text.replace("-01T", "-31T").encode(),
    "a whole address as url": lambda text: text.replace("title:", "url: https://x.example/\ntitle:").encode(),
    "too large": lambda text: text.encode() + b"x" * 5_000_000,
}  # fmt: skip


def _bomb() -> str:
    names = "bcdefghijklmnopqrstuvw"
    return "".join(
        f"{one}: &{one} [*{before}, *{before}, *{before}, *{before}]\n"
        for before, one in itertools.pairwise(names)
    )


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path).configure()
    site.post("other")
    assert site.run("post", "--first-run").returncode == 0
    return site


def items(site: Site) -> dict[str, dict[str, Any]]:
    feed = json.loads((site.root / "public" / "feed.json").read_text(encoding="utf-8"))
    return {item["url"].split("/")[-2]: item for item in feed["items"]}


@pytest.mark.parametrize("name", BAD_EDITS)
def test_a_bad_edit_keeps_the_last_good_version(site: Site, name: str) -> None:
    file = site.post("good")
    good = file.read_text(encoding="utf-8")
    assert site.run("post").returncode == 0
    assert site.run("feed").returncode == 0
    before = items(site)
    file.write_bytes(BAD_EDITS[name](good))
    site.post("newer", day=2)
    told = site.run("feed")
    assert "content/posts/good.md" in told.stderr
    assert "Traceback" not in told.stderr
    now = items(site)
    assert set(now) == {"good", "other", "newer"}
    shown = ("id", "url", "title", "content_html", "date_published")
    assert [now["good"][key] for key in shown] == [before["good"][key] for key in shown]
    shutil.rmtree(site.root / "public")
    site.run("feed")
    assert now["good"] == items(site)["good"]
    site.run("post")
    assert [line["url"][-5:-1] for line in site.lines()] == ["good", "ewer"]


def test_the_mended_post_takes_its_place_again(site: Site) -> None:
    file = site.post("good")
    site.run("feed")
    file.write_bytes(b"---\n\xff\n---\n")
    site.run("feed")
    site.post("good", title="直した題")
    assert site.run("feed").returncode == 0
    assert items(site)["good"]["title"] == "直した題"


def test_a_post_that_was_taken_back_does_not_return(site: Site) -> None:
    file = site.post("good")
    site.run("feed")
    site.post("good", more="draft: true\n")
    site.run("feed")
    assert "good" not in items(site)
    file.write_bytes(b"---\n\xff\n---\n")
    site.run("feed")
    assert "good" not in items(site)
    file.unlink()
    assert site.run("feed").returncode == 0
    assert set(items(site)) == {"other"}


def test_what_expires_meanwhile_leaves_the_feed(site: Site) -> None:
    file = site.post("good", more="expiryDate: 2099-01-01\n")
    site.run("feed")
    assert "good" in items(site)
    (copy,) = (
        kept for kept in (site.root / "state" / "last-good").iterdir()
        if b"expiryDate" in kept.read_bytes()
    )  # fmt: skip
    copy.write_bytes(copy.read_bytes().replace(b"2099", b"2020"))
    file.write_bytes(b"---\n\xff\n---\n")
    site.run("feed")
    assert "good" not in items(site)


def test_copies_are_only_of_what_the_feed_shows(site: Site) -> None:
    config = site.root / "bot.toml"
    config.write_text(config.read_text(encoding="utf-8") + "[feed]\nlimit = 2\n", encoding="utf-8")
    for day in (3, 4, 5):
        site.post(f"p{day}", day=day)
    site.run("feed")
    folder = site.root / "state" / "last-good"
    kept = sorted(file.read_text(encoding="utf-8").split('"')[1] for file in folder.iterdir())
    assert kept == ["p4", "p5"]


def test_an_unreadable_folder_keeps_its_posts(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    site.post("good")
    (site.root / "content" / "more").mkdir()
    (site.root / "content" / "more" / "x.md").write_text("---\ntitle: X\ndate: 2026-01-01\n---\n")
    assert site.run("post").returncode == 0
    site.run("feed")
    sent = len(site.lines())
    real = os.scandir

    def refuses(path: str) -> Any:
        if path.endswith("posts"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    with monkeypatch.context() as patched:
        patched.setattr("bot.content.walk.os.scandir", refuses)
        told = site.run("feed")
        assert "content/posts" in told.stderr
        assert set(items(site)) == {"good", "other", "x"}
        assert site.run("post").returncode == 1
    assert site.run("post").returncode == 0
    assert len(site.lines()) == sent
