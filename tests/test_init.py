"""`bot init`: what kind of site it is, a first configuration that works, and nothing overwritten."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from bot.app.hugo_check import find_hugo
from bot.config import load
from tests.site import Site

HUGO = find_hugo(os.environ)
POST = (
    "---\ntitle: 題名\ndate: 2026-02-10T09:00:00+09:00\n---\n## 3行要約\n\n- 一つ\n- 二つ\n- 三つ\n"
)
SITES: dict[str, tuple[str, dict[str, str]]] = {
    "hugo.toml": ("hugo", {"hugo.toml": 'baseURL = "https://h.example/"\ntitle = "H"\n'}),
    "hugo.yaml": ("hugo", {"hugo.yaml": "baseURL: https://h.example/\n"}),
    "config.toml": ("hugo", {"config.toml": 'baseURL = "https://h.example/"\n'}),
    "config.json": ("hugo", {"config.json": '{"baseURL": "https://h.example/"}'}),
    "config/_default": (
        "hugo",
        {"config/_default/hugo.toml": 'baseURL = "https://h.example/"\n'},
    ),
    "a host for each language": (
        "hugo",
        {"hugo.toml": '[languages.en]\nbaseURL = "https://h.example/"\n'},
    ),
    "zola": ("zola", {"config.toml": 'base_url = "https://h.example"\ntitle = "Z"\n'}),
    "jekyll": ("jekyll", {"_config.yml": "url: https://h.example\ntitle: J\n"}),
    "eleventy": ("eleventy", {"eleventy.config.mjs": "", "static/CNAME": "h.example\n"}),
    "markdown": ("markdown", {"CNAME": "h.example"}),
}


def lay(root: Path, files: dict[str, str], post: str = "content/posts/first.md") -> Site:
    for name, text in {**files, post: POST}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return Site(root)


@pytest.mark.parametrize("name", SITES)
def test_a_dry_run_works_at_once(name: str, tmp_path: Path) -> None:
    kind, files = SITES[name]
    site = lay(tmp_path, files)
    told = site.json("init")
    assert (told["kind"], told["written"], told["posts"]) == (kind, True, 1)
    assert told["newest"]["url"] == "https://h.example/posts/first/"
    assert len(told["next"]) == 3
    dry = site.run("post", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "https://h.example/posts/first/" in dry.stdout
    assert "一つ" in dry.stdout
    assert load("bot.toml", str(tmp_path)).content.hugo == ("." if kind == "hugo" else "")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_it_says_what_it_sees_and_what_comes_next(language: str, tmp_path: Path) -> None:
    site = lay(tmp_path, SITES["hugo.toml"][1])
    env = {"LC_ALL": f"{language}_{'JP' if language == 'ja' else 'US'}.UTF-8"}
    told = site.run("init", env=env)
    assert told.returncode == 0, told.stderr
    for command in ("bot check --hugo", "bot post --dry-run", "bot run --first-run"):
        assert command in told.stdout
    assert "https://h.example/posts/first/" in told.stdout
    written = (tmp_path / "bot.toml").read_text(encoding="utf-8")
    assert ("アカウント" in written) == (language == "ja")
    assert ("Hugoのサイト" in told.stdout) == (language == "ja")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    site = lay(tmp_path, SITES["hugo.toml"][1])
    mine = '[content]\nhugo = "."\n# mine\n'
    (tmp_path / "bot.toml").write_text(mine, encoding="utf-8")
    told = site.json("init")
    assert (told["written"], told["newest"]["title"]) == (False, "題名")
    assert (tmp_path / "bot.toml").read_text(encoding="utf-8") == mine


def test_a_configuration_of_bot_by_its_other_name(tmp_path: Path) -> None:
    site = lay(tmp_path, {"config.toml": '[site]\nurl = "https://b.example/"\n'})
    told = site.json("init")
    assert (told["kind"], told["written"]) == ("markdown", False)
    assert not (tmp_path / "bot.toml").exists()


def test_lines_for_git(tmp_path: Path) -> None:
    hugo = lay(tmp_path / "h", {**SITES["hugo.toml"][1], ".git/HEAD": "", ".gitignore": "/public"})
    assert hugo.json("init")["ignored"] == ["/state/"]
    assert (hugo.root / ".gitignore").read_text() == "/public\n/state/\n"
    assert hugo.json("init")["ignored"] == []
    plain = lay(tmp_path / "p", {".git/HEAD": ""})
    assert plain.json("init")["ignored"] == ["/state/", "/public/"]
    own = lay(tmp_path / "own", {".git/HEAD": "", "public/index.html": ""})
    assert own.json("init")["ignored"] == ["/state/"]
    no_git = lay(tmp_path / "none", {})
    assert no_git.json("init")["ignored"] == []
    assert not (no_git.root / ".gitignore").exists()


def test_another_folder(tmp_path: Path) -> None:
    lay(tmp_path / "my site", SITES["hugo.toml"][1])
    told = Site(tmp_path).run("init", "my site")
    assert told.returncode == 0, told.stderr
    assert (tmp_path / "my site" / "bot.toml").is_file()
    assert "cd 'my site'" in told.stdout


@pytest.mark.parametrize("post", ["_posts/2026-02-10-a.md", "posts/a.md", "a.md"])
def test_where_the_posts_are(post: str, tmp_path: Path) -> None:
    site = lay(tmp_path, {"README.md": "# x\n"}, post=post)
    told = site.json("init")
    assert told["newest"]["path"].endswith(post)
    assert "https://example.com/" in (tmp_path / "bot.toml").read_text(encoding="utf-8")
    assert "bot.toml" in site.run("init").stdout


def test_what_cannot_be(tmp_path: Path) -> None:
    missing = Site(tmp_path).run("init", "nowhere")
    assert missing.returncode == 2
    assert "nowhere" in missing.stderr
    (tmp_path / "hugo.toml").write_text("baseURL = [\n")
    broken = Site(tmp_path).run("init")
    assert broken.returncode == 2
    assert "hugo.toml:" in broken.stderr
    assert "front matter" not in broken.stderr
    assert not (tmp_path / "bot.toml").exists()


def test_a_base_url_that_is_no_address(tmp_path: Path) -> None:
    site = lay(tmp_path, {"hugo.toml": 'baseURL = "/"\n'})
    assert site.json("init")["newest"]["url"] == "https://example.com/posts/first/"


def test_texts_of_the_site_stay_texts(tmp_path: Path) -> None:
    title = 'a "b" \\ c \u2028 # [x]'
    site = lay(tmp_path, {"_config.yml": f"title: '{title}'\nurl: https://j.example\n"})
    assert site.run("init").returncode == 0
    assert load("bot.toml", str(tmp_path)).site.title == title


def test_without_any_post(tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()
    told = Site(tmp_path).json("init")
    assert (told["posts"], told["newest"]) == (0, None)


@pytest.mark.real
@pytest.mark.skipif(HUGO is None, reason="there is no hugo here")
def test_hugos_own_new_site(tmp_path: Path) -> None:
    assert HUGO is not None
    root = tmp_path / "site"
    run = {"check": True, "capture_output": True, "env": {**os.environ, "NO_COLOR": "1"}}
    subprocess.run([HUGO, "new", "site", str(root)], **run)  # type: ignore[call-overload]
    subprocess.run([HUGO, "new", "content", "posts/first.md"], cwd=root, **run)  # type: ignore[call-overload]
    site = Site(root)
    assert site.json("init")["kind"] == "hugo"
    (post,) = site.json("list")["posts"]
    assert (post["title"], post["why_not"]) == ("First", "draft")


def test_the_address_that_must_be_written_in_is_asked_for_until_it_is(tmp_path: Path) -> None:
    site = lay(tmp_path, {"hugo.toml": 'baseURL = "/"\n'})
    asked = "write the address of your site into bot.toml"
    assert asked in site.run("init").stdout
    assert asked in site.run("init").stdout
    file = tmp_path / "bot.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("https://example.com/", "https://h.example/"), encoding="utf-8")
    assert asked not in site.run("init").stdout
