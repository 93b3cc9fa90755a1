"""A Hugo site's own configuration, in the places and formats in which it may stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.config import load
from bot.content.hugo_config import hugo_site, read_hugo
from bot.content.hugo_rules import rules_from
from bot.content.rules import SiteRules
from bot.content.scanner import Scanner
from bot.errors import ConfigError

from .support import NOW, rules_at, write


def rules_of(root: Path) -> SiteRules:
    return rules_from(read_hugo(str(root)), str(root), rules_at(root))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hugo.toml", 'baseURL = "https://h.example/"\ntimeZone = "Asia/Tokyo"\n[Permalinks]\nPosts = "/:year/:slug/"\n'),
        ("hugo.yaml", "baseURL: https://h.example/\ntimeZone: Asia/Tokyo\npermalinks:\n  posts: /:year/:slug/\n"),
        ("config.json", '{"baseURL": "https://h.example/", "timezone": "Asia/Tokyo", "permalinks": {"posts": "/:year/:slug/"}}'),
        ("config.yml", "baseurl: https://h.example/\ntimezone: Asia/Tokyo\npermalinks:\n  page:\n    posts: /:year/:slug/\n"),
    ],
)  # fmt: skip
def test_formats(tmp_path: Path, name: str, text: str) -> None:
    write(tmp_path / name, text)
    rules = rules_of(tmp_path)
    assert (rules.url, rules.timezone, rules.language) == ("https://h.example/", "Asia/Tokyo", "en")
    assert rules.permalink is None
    assert [(one.path, one.kind, one.pattern) for one in rules.permalinks] == [
        ("/posts", "page", "/:year/:slug/"),
        ("/posts/**", "page", "/:year/:slug/"),
    ]


def test_a_configuration_folder(tmp_path: Path) -> None:
    write(tmp_path / "config/_default/hugo.toml", 'baseURL = "https://a.example/"\ntitle = "A"\n')
    write(
        tmp_path / "config/_default/languages.toml",
        '[ja]\nlanguageCode = "ja-JP"\n[en]\nweight = 2\n',
    )
    write(tmp_path / "config/_default/params.yaml", "mainSections: [blog]\n")
    write(tmp_path / "config/production/config.yaml", "baseURL: https://b.example/\n")
    write(tmp_path / "config/_default/languages.en.toml", "disabled = false\n")
    write(tmp_path / "hugo.toml", 'defaultContentLanguage = "ja"\n')
    rules = rules_of(tmp_path)
    assert (rules.url, rules.sections) == ("https://b.example/", ("blog",))
    assert [(lang.name, lang.code, lang.prefix) for lang in rules.languages] == [
        ("ja", "ja-JP", ""),
        ("en", "en", "en/"),
    ]


def test_a_broken_one_is_said(tmp_path: Path) -> None:
    write(tmp_path / "hugo.toml", "a = 1\nbaseURL = x\n")
    with pytest.raises(ConfigError) as caught:
        rules_of(tmp_path)
    assert (caught.value.line, caught.value.path) == (2, str(tmp_path / "hugo.toml"))
    write(tmp_path / "hugo.toml", 'title = "x"\na = [\n')
    with pytest.raises(ConfigError) as caught:
        rules_of(tmp_path)
    assert caught.value.line == 2
    write(tmp_path / "hugo.toml", 'ignoreFiles = ["["]\n')
    with pytest.raises(ConfigError):
        rules_of(tmp_path)


BOT = '[site]\nurl = "https://bot.example"\ntitle = "B"\nauthor = "A"\ntimezone = "UTC"\n[content]\nhugo = "."\n'


def test_beside_bots_own_file(tmp_path: Path) -> None:
    write(tmp_path / "config.toml", BOT)
    with pytest.raises(ConfigError) as caught:
        SiteRules.from_config(load(None, str(tmp_path)))
    assert (caught.value.code, caught.value.line) == ("hugo-missing", 7)
    write(
        tmp_path / "hugo.yaml",
        "baseURL: https://h.example/b\ntitle: H\nlanguageCode: ja\ntimeZone: Asia/Tokyo\n",
    )
    config = load(None, str(tmp_path))
    site = hugo_site(config)
    assert (site.url, site.title, site.author) == ("https://h.example/b/", "H", "A")
    assert (site.language, site.timezone) == ("ja", "Asia/Tokyo")
    rules = SiteRules.from_config(config)
    assert (rules.permalink, rules.content) == (None, str(tmp_path / "content"))


def test_pages_beside_the_sections_are_no_posts(tmp_path: Path) -> None:
    write(tmp_path / "hugo.toml", 'baseURL = "https://h.example/"\n')
    for name in ("about.md", "posts/a.md", "blog/b.md"):
        write(tmp_path / "content" / name, "---\ntitle: x\n---\n")
    scan = Scanner(rules_of(tmp_path)).scan(NOW)
    assert {p.path[8:]: p.why_not for p in scan.posts} == {
        "about.md": "no-section", "blog/b.md": None, "posts/a.md": None,
    }  # fmt: skip
    write(
        tmp_path / "hugo.toml", 'baseURL = "https://h.example/"\n[params]\nmainSections = "posts"\n'
    )
    scan = Scanner(rules_of(tmp_path)).scan(NOW)
    assert [p.path for p in scan.posts if p.visible] == ["content/posts/a.md"]


def test_languages_with_folders_and_hosts_of_their_own(tmp_path: Path) -> None:
    write(
        tmp_path / "hugo.toml",
        'defaultContentLanguage = "ja"\n[languages.ja]\ncontentDir = "c/ja"\nbaseURL = "https://ja.example/"\n'
        '[languages.en]\ncontentDir = "c/en"\nbaseURL = "https://en.example/"\n',
    )
    for language in ("ja", "en"):
        write(tmp_path / "c" / language / "posts/a.md", "---\ntitle: x\n---\n")
    posts = Scanner(rules_of(tmp_path)).scan(NOW).posts
    assert {(p.path, p.url, p.language) for p in posts} == {
        ("c/en/posts/a.md", "https://en.example/posts/a/", "en"),
        ("c/ja/posts/a.md", "https://ja.example/posts/a/", "ja"),
    }


def test_static_folders_of_the_site_and_its_theme(tmp_path: Path) -> None:
    write(
        tmp_path / "hugo.toml",
        'baseURL = "https://h.example/"\ntheme = "t"\nstaticDir = ["s1", "s2"]\n',
    )
    expected = tuple(str(tmp_path / name) for name in ("s1", "s2", "themes/t/static"))
    assert rules_of(tmp_path).static == expected


def test_the_same_rules_without_hugo(tmp_path: Path) -> None:
    write(
        tmp_path / "bot.toml",
        '[site]\nurl = "https://日本語.jp/b"\nlanguage = "ja"\n[content]\nlanguages = ["ja", "en"]\n'
        'ugly_urls = true\nignore = ["secret"]\npermalink = "/:year/:filename"\n',
    )
    for name in ("a.md", "a.en.md", "secret.md"):
        write(tmp_path / "content/posts" / name, "---\ntitle: x\ndate: 2026-01-01\n---\n")
    scan = Scanner(SiteRules.from_config(load(None, str(tmp_path)))).scan(NOW)
    assert [(p.url, p.language) for p in scan.posts] == [
        ("https://xn--wgv71a119e.jp/b/en/2026/a.html", "en"),
        ("https://xn--wgv71a119e.jp/b/2026/a.html", "ja"),
    ]
