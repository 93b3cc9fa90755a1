"""`bot check --hugo`, beside a program that lists as Hugo does, and beside Hugo where it is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from bot.app.hugo_check import find_hugo
from bot.app.reload import stamps
from bot.app.wiring import App, system_world
from bot.config import load
from tests.site import FILE_ACCOUNT, Site

HUGO = find_hugo(os.environ)
HEADER = "path,slug,title,date,expiryDate,publishDate,draft,permalink,kind,section"
POST = "---\ntitle: T\ndate: 2026-02-10\n---\n"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "content" / "posts").mkdir(parents=True)
    (tmp_path / "hugo.toml").write_text('baseURL = "https://h.example/"\n')
    (tmp_path / "bot.toml").write_text('[content]\nhugo = "."\n')
    return Site(tmp_path)


def program(site: Site, script: str) -> dict[str, str]:
    """A program of that name on the PATH."""
    folder = site.root / "bin"
    folder.mkdir()
    file = folder / "hugo"
    file.write_text(f"#!{sys.executable}\n{script}\n", encoding="utf-8")
    file.chmod(0o755)
    return {"PATH": str(folder)}


def listing(*rows: tuple[str, str, str]) -> str:
    lines = [f"{path},,T,,,,false,{url},{kind}," for path, url, kind in rows]
    return f"print('Running Hugo\\n' + {HEADER!r} + '\\n' + {chr(10).join(lines)!r})"


def write(site: Site, name: str, text: str = POST) -> None:
    (site.root / "content" / name).write_text(text, encoding="utf-8")


def test_every_address_is_hugos(site: Site) -> None:
    write(site, "posts/a.md")
    env = program(site, listing(
        ("content/posts/a.md", "https://h.example/posts/a/", "page"),
        ("content/posts/_index.md", "https://h.example/posts/", "section"),
    ))  # fmt: skip
    told = site.run("check", "--hugo", env=env)
    assert told.returncode == 0, told.stderr
    assert "1" in told.stdout


def test_differences_are_named_with_both_addresses(site: Site) -> None:
    for name in ("posts/a.md", "posts/b.md", "posts/only-bot.md"):
        write(site, name)
    write(site, "posts/hidden.md", POST.replace("title", "draft: true\ntitle"))
    env = program(site, listing(
        ("content/posts/a.md", "https://h.example/posts/a/", "page"),
        ("content/posts/b.md", "https://h.example/other/", "page"),
        ("content/posts/page.html", "https://h.example/posts/page/", "page"),
    ))  # fmt: skip
    told = site.run("check", "--hugo", env=env)
    assert told.returncode == 1
    for part in ("content/posts/b.md", "https://h.example/posts/b/", "https://h.example/other/"):
        assert part in told.stdout
    assert "content/posts/a.md" not in told.stdout
    assert site.json("check", "--hugo", env=env) == {
        "pages": 3,
        "differences": [
            {
                "path": "content/posts/b.md",
                "bot": "https://h.example/posts/b/",
                "hugo": "https://h.example/other/",
            },
            {
                "path": "content/posts/only-bot.md",
                "bot": "https://h.example/posts/only-bot/",
                "hugo": None,
            },
            {
                "path": "content/posts/page.html",
                "bot": None,
                "hugo": "https://h.example/posts/page/",
            },
        ],
    }


def test_no_hugo_here(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.app.hugo_check.sys.executable", str(site.root / "python"))
    told = site.run("check", "--hugo", env={"PATH": str(site.root)})
    assert told.returncode == 2
    assert "hugo" in told.stderr
    assert "[no-hugo]" in told.stderr


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("import sys; print('ERROR no site\\n[security]', file=sys.stderr); sys.exit(1)", "no site"),
        ("import sys; sys.exit(3)", "3"),
        ("print('nothing')", "Hugo"),
    ],
)  # fmt: skip
def test_a_hugo_that_fails_is_told(site: Site, script: str, said: str) -> None:
    write(site, "posts/a.md")
    told = site.run("check", "--hugo", env=program(site, script))
    assert told.returncode == 2
    assert said in told.stderr
    assert "Traceback" not in told.stderr


def test_a_site_below_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "web" / "content" / "posts").mkdir(parents=True)
    (tmp_path / "web" / "hugo.toml").write_text('baseURL = "https://h.example/"\n')
    (tmp_path / "bot.toml").write_text('[content]\nhugo = "web"\n')
    site = Site(tmp_path)
    write(Site(tmp_path / "web"), "posts/a.md")
    env = program(site, listing(("content/posts/a.md", "https://h.example/posts/a/", "page")))
    assert site.json("check", "--hugo", env=env) == {"pages": 1, "differences": []}


@pytest.mark.real
@pytest.mark.skipif(HUGO is None, reason="there is no hugo here")
def test_beside_the_real_hugo(site: Site) -> None:
    write(site, "posts/日本語 の記事.md")
    write(site, "posts/slug.md", POST.replace("title", "slug: C++ と C#\ntitle"))
    write(site, "about.md")
    (site.root / "content" / "posts" / "bundle").mkdir()
    write(site, "posts/bundle/index.md")
    assert site.json("check", "--hugo") == {"pages": 4, "differences": []}
    config = site.root / "hugo.toml"
    config.write_text(config.read_text() + '[permalinks]\nposts = "/:year/:slug/"\n')
    assert site.run("check", "--hugo").returncode == 0


def test_bot_run_sees_a_change_of_hugos_own_configuration(site: Site) -> None:
    """Otherwise addresses go out that no longer are."""
    config = site.root / "bot.toml"
    config.write_text(config.read_text() + FILE_ACCOUNT, encoding="utf-8")
    app = App(load("bot.toml", str(site.root)), system_world())
    before = stamps(app)
    for name, text in (
        ("hugo.toml", 'baseURL = "https://h.example/"\n[permalinks]\nposts = "/new/:slug/"\n'),
        ("config/_default/languages.ja.toml", 'title = "J"\n'),
        ("config/production/config.yaml", "baseURL: https://other.example/\n"),
    ):
        file = site.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        after = stamps(app)
        assert after != before, name
        before = after
    app.close()
