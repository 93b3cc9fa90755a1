"""Sites of several languages: what each says for itself, beside the real Hugo (0.168)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.content.hugo_config import read_hugo
from bot.content.hugo_rules import rules_from
from bot.content.scanner import Scanner
from bot.model import Post, Scan

from .support import NOW, rules_at, write

HEAD = 'baseURL = "https://x.example/"\n'


def scan_of(root: Path, config: str, *names: str, more: str = "") -> Scan:
    write(root / "hugo.toml", HEAD + config)
    for name in names:
        write(root / "content" / name, f"---\ntitle: T\ndate: 2026-02-10\n{more}---\nx\n")
    rules = rules_from(read_hugo(str(root)), str(root), rules_at(root))
    return Scanner(rules).scan(NOW)


def posts_of(scan: Scan) -> dict[str, Post]:
    return {post.path.removeprefix("content/"): post for post in scan.posts}


def urls_of(scan: Scan) -> dict[str, str]:
    return {
        name: post.url.removeprefix("https://x.example") for name, post in posts_of(scan).items()
    }


JA_EN = 'defaultContentLanguage = "ja"\n[languages.ja]\n{ja}\n[languages.en]\n{en}\n'


def test_the_zone_of_a_language_is_its_own(tmp_path: Path) -> None:
    config = JA_EN.format(ja='timeZone = "Asia/Tokyo"', en="")
    posts = posts_of(scan_of(tmp_path, config, "p/a.md", "p/a.en.md"))
    assert posts["p/a.md"].date == datetime(2026, 2, 9, 15, tzinfo=UTC)
    assert posts["p/a.en.md"].date == datetime(2026, 2, 10, tzinfo=UTC)


def test_the_patterns_of_a_language_stand_in_place_of_the_sites(tmp_path: Path) -> None:
    patterns = '[permalinks]\np = "/r/:slug/"\nn = "/rn/:slug/"\n'
    own = '[languages.en.permalinks]\np = "/e/:slug/"\n'
    config = 'defaultContentLanguage = "ja"\n' + patterns + "[languages.ja]\n[languages.en]\n" + own
    names = ("p/a.md", "p/a.en.md", "n/a.md", "n/a.en.md")
    assert urls_of(scan_of(tmp_path, config, *names)) == {
        "p/a.md": "/r/t/", "p/a.en.md": "/en/e/t/", "n/a.md": "/rn/t/", "n/a.en.md": "/en/n/a/",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ("disablePathToLower = true", "/en/p/Aé/"),
        ("removePathAccents = true", "/en/p/ae/"),
        ("uglyURLs = true", "/en/p/aé/"),
        ('outputFormats = {HTML = {baseName = "idx"}}', "/en/p/aé/idx.html"),
        ('cascade = {url = "/C/"}', "/p/aé/"),
    ],
)
def test_what_a_language_says(said: str, path: str, tmp_path: Path) -> None:
    """The same said by English alone: its own pages change, Japanese ones do not."""
    config = JA_EN.format(ja="", en=said)
    urls = urls_of(scan_of(tmp_path, config, "p/Aé.md", "p/Aé.en.md"))
    assert urls["p/Aé.md"] == "/p/a%C3%A9/"
    wanted = "/C/" if said.startswith("cascade") else path.replace("é", "%C3%A9")
    assert urls["p/Aé.en.md"] == wanted


def test_the_sites_cascade_reaches_all_where_a_language_has_none(tmp_path: Path) -> None:
    config = '[cascade]\nurl = "/R/"\n[languages.en]\n{en}[languages.ja]\n{ja}'
    for en, ja, found in (
        ('[languages.en.cascade]\nurl = "/E/"\n', "", ("/E/", "/R/")),
        ("", '[languages.ja.cascade]\nurl = "/J/"\n', ("/R/", "/R/")),
        (
            '[languages.en.cascade]\nurl = "/E/"\n',
            '[languages.ja.cascade]\nurl = "/J/"\n',
            ("/E/", "/J/"),
        ),
    ):
        urls = urls_of(scan_of(tmp_path, config.format(en=en, ja=ja), "p/a.md", "p/a.ja.md"))
        assert (urls["p/a.md"], urls["p/a.ja.md"]) == found


def test_dates_and_drafts_of_a_language(tmp_path: Path) -> None:
    config = JA_EN.format(
        ja='frontmatter = {date = ["x"]}', en="buildDrafts = true\nbuildFuture = true"
    )
    names = ("p/a.md", "p/a.en.md")
    more = "draft: true\npublishDate: 2030-01-01\n"
    posts = posts_of(scan_of(tmp_path, config, *names, more=more))
    assert (posts["p/a.md"].date, posts["p/a.md"].why_not) == (None, "draft")
    assert posts["p/a.en.md"].visible


def test_hosts_of_languages_and_a_disabled_one(tmp_path: Path) -> None:
    """One address of its own takes all prefixes away, but not while a language is switched off."""
    config = JA_EN.format(ja="", en='baseURL = "https://en.example/q"') + "[languages.fr]\n{fr}\n"
    names = ("p/a.ja.md", "p/a.en.md", "p/a.fr.md")
    posts = posts_of(scan_of(tmp_path, config.format(fr=""), *names))
    assert {post.url for post in posts.values()} == {
        "https://x.example/p/a/", "https://en.example/q/p/a/",
    }  # fmt: skip
    posts = posts_of(scan_of(tmp_path, config.format(fr="disabled = true"), *names))
    assert posts["p/a.en.md"].url == "https://en.example/q/en/p/a/"
    assert posts["p/a.ja.md"].url == "https://x.example/p/a/"


@pytest.mark.parametrize(
    "config",
    [
        'disableLanguages = ["fr"]\n[languages.en]\n[languages.fr]\n',
        "[languages.en]\n[languages.FR]\ndisabled = true\n",
    ],
)
def test_posts_of_a_disabled_language_are_not_published(config: str, tmp_path: Path) -> None:
    posts = posts_of(scan_of(tmp_path, config, "p/a.md", "p/b.fr.md", "p/c/index.fr.md"))
    assert {name: post.why_not for name, post in posts.items()} == {
        "p/a.md": None, "p/b.fr.md": "language-off", "p/c/index.fr.md": "language-off",
    }  # fmt: skip


def test_a_default_language_that_is_switched_off(tmp_path: Path) -> None:
    config = 'disableLanguages = ["en"]\n[languages.en]\n[languages.ja]\n'
    posts = posts_of(scan_of(tmp_path, config, "p/a.ja.md", "p/b.en.md"))
    assert posts["p/a.ja.md"].url == "https://x.example/p/a/"
    assert posts["p/b.en.md"].why_not == "language-off"


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (("a.md", "a.ja.md"), "a.ja.md"),
        (("a.md", "a/index.md"), "a/index.md"),
        (("a.ja.md", "a/index.md"), "a.ja.md"),
        (("a.ja.md", "a/index.ja.md"), "a/index.ja.md"),
        (("a.md", "a.markdown"), "a.md"),
        (("a.md", "a.mdown"), "a.mdown"),
        (("A.md", "a.md"), "A.md"),
        (("a b.md", "a-b.md"), "a b.md"),
    ],
)
def test_two_files_of_one_page(names: tuple[str, str], taken: str, tmp_path: Path) -> None:
    """Hugo takes one of them whatever their titles, and so their addresses, are."""
    config = 'defaultContentLanguage = "ja"\n[permalinks]\np = "/:title/"\n[languages.ja]\n[languages.en]\n'
    scan_of(tmp_path, config)
    for name in names:
        write(tmp_path / "content/p" / name, f"---\ntitle: {name}\n---\nx\n")
    scan = scan_of(tmp_path, config, "p/other.md", "p/a.en.md")
    posts = posts_of(scan)
    (lost,) = (name for name in names if name != taken)
    assert (posts[f"p/{taken}"].why_not, posts[f"p/{lost}"].why_not) == (None, "other-file")
    assert [(p.path, p.code) for p in scan.problems] == [(f"content/p/{lost}", "same-page")]
    assert f"content/p/{taken} " in str(scan.problems[0].message)


def test_a_name_that_comes_first_decides_later_too(tmp_path: Path) -> None:
    config = JA_EN.format(ja="", en="")
    rules = None
    scan_of(tmp_path, config, "p/a.md")
    rules = rules_from(read_hugo(str(tmp_path)), str(tmp_path), rules_at(tmp_path))
    scanner = Scanner(rules)
    assert [post.visible for post in scanner.scan(NOW).posts] == [True]
    other = write(tmp_path / "content/p/a.ja.md", "---\ntitle: x\n---\n")
    assert [post.visible for post in scanner.scan(NOW).posts] == [True, False]
    other.unlink()
    assert [post.visible for post in scanner.scan(NOW).posts] == [True]


@pytest.mark.parametrize(
    ("tables", "prefix"),
    [
        ({"ja": "", "en": "own"}, ""),
        ({"ja": "", "en": "own", "fr": "off"}, "en/"),
        ({"ja": "", "en": "own", "fr": "off", "zh": ""}, ""),
        ({"ja": "", "en": "own", "fr": "off", "de": "off", "zh": ""}, "en/"),
        ({"ja": "own", "en": ""}, ""),
    ],
)
def test_prefixes_beside_hosts_and_disabled_languages(
    tables: dict[str, str], prefix: str, tmp_path: Path
) -> None:
    """Where a language has an address of its own Hugo counts those that are switched off twice."""
    said = {"": "", "off": "disabled = true", "own": 'baseURL = "https://{}.example/q/"'}
    lines = [f"[languages.{name}]\n{said[what].format(name)}\n" for name, what in tables.items()]
    config = 'defaultContentLanguage = "ja"\n' + "".join(lines)
    posts = posts_of(scan_of(tmp_path, config, "p/a.md", "p/a.en.md"))
    home = {"own": "https://{}.example/q/", "": "https://x.example/"}
    assert posts["p/a.en.md"].url == home[tables["en"]].format("en") + prefix + "p/a/"
    assert posts["p/a.md"].url == home[tables["ja"]].format("ja") + "p/a/"


def test_a_list_of_patterns_said_by_a_language_is_not_heard(tmp_path: Path) -> None:
    config = JA_EN.format(ja="", en='permalinks = [{pattern = "/list/:slug"}]')
    assert urls_of(scan_of(tmp_path, config, "p/a.en.md")) == {"p/a.en.md": "/en/p/a/"}


def test_folders_and_cascades_of_a_language_in_the_newer_words(tmp_path: Path) -> None:
    """`lang` is gone since Hugo 0.153."""
    config = (
        "[languages.en]\n[languages.ja]\n"
        '[[module.mounts]]\nsource = "content"\ntarget = "content"\n'
        '[[module.mounts]]\nsource = "cja"\ntarget = "content"\n'
        '[module.mounts.sites.matrix]\nlanguages = ["ja"]\n'
        '[[cascade]]\ndraft = true\n[cascade.target.sites.matrix]\nlanguages = ["! en"]\n'
    )
    for name in ("b.md", "c.en.md", "d.ja.md"):
        write(tmp_path / "cja/p" / name, "---\ntitle: T\n---\n")
    scan = scan_of(tmp_path, config, "p/a.md")
    assert {p.path: (p.url.removeprefix("https://x.example"), p.draft) for p in scan.posts} == {
        "cja/p/b.md": ("/ja/p/b/", True),
        "cja/p/c.en.md": ("/p/c/", False),
        "cja/p/d.ja.md": ("/ja/p/d/", True),
        "content/p/a.md": ("/p/a/", False),
    }
