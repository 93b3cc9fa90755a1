"""Addresses: what was found beside the real Hugo (0.168), each a line of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.content.hugo import UNNAMED, Naming, page_path, place_of
from bot.content.hugo_rules import rules_from
from bot.content.names import escape, sanitize
from bot.content.permalink import expand
from bot.content.reader import read_page
from bot.content.rules import DATE_KEYS, Language, SiteRules
from bot.content.tree import Tree
from bot.errors import ContentError

from .support import rules_at

BASE = "https://example.com"


def url_of(file: str, matter: str = "title: T", tree: Tree | None = None, **rules: Any) -> str:
    patterns = rules.pop("permalinks", {})
    site = rules_at(Path("/site"), **{"permalink": None, **rules})
    known = rules_from({"permalinks": patterns}, "/site", site)
    site = replace(site, permalinks=known.permalinks)
    data = f"---\n{matter}\n---\n".encode()
    page = read_page(data, file, f"/site/content/{file}", site, tree or Tree())
    return page.post.url.removeprefix(BASE)


@pytest.mark.parametrize(
    ("slug", "path"),
    [
        ("+", "/"), ("a+", "/a/"), ("+a", "/-a/"), ("a++b", "/a-b/"), (".", "/"), ("a/../b", "/b/"),
        ("'%41'", "/a/"), ("a%20b", "/a-b/"), ("A#b", "/a%23b/"), ("'#'", "/"), ("a?b", "/ab/"), ("x / y", "/x-/-y/"),
    ],
)  # fmt: skip
def test_slugs_in_a_pattern(slug: str, path: str) -> None:
    assert url_of("posts/a.md", f"slug: {slug}", permalinks={"posts": "/:slug/"}) == path


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/Fixed/:slug/x y/a!b/", "/fixed/t/x-y/ab/"),
        ("/:weekdayname/:monthname/:yearday/:06/:1/:2", "/tuesday/february/41/26/2/10/"),
        ("/:sections[1:]/:slug", "/t/"),
        ("/:sections[last]/:section", "/posts/posts/"),
        ("/:sections[5]/:sections[:1]", "/posts/"),
        ("/:contentbasename/:slugorcontentbasename", "/a-b/a-b/"),
    ],
)
def test_patterns(pattern: str, path: str) -> None:
    matter = "title: T\ndate: 2026-02-10"
    assert url_of("posts/A b.md", matter, permalinks={"posts": pattern}) == path


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("/v1.2/x", "/v1.2/x"), ("/x/y", "/x/y/"), ("x.html", "/x.html"), ("/a b/", "/a%20b/"),
        ("/%41/あ/", "/A/%E3%81%82/"), ("/A/%41/", "/A/%41/"), ("../up/", "/up/"),
        ("/a/./b/", "/a/./b/"), ("a/../b", "/b/"), ("./x", "/./x"), ("a.b/../c", "/c/"), ("a/..b/", "/a/..b"),
        ("...", "/..."), ("..", "/"), ("/a//b/", "/a/b/"), ("a..b/c", "/a..b/c"),
    ],
)  # fmt: skip
def test_an_address_of_its_own(url: str, path: str) -> None:
    assert url_of("posts/a.md", f"url: '{url}'") == path


def test_what_hugo_cleans_may_hold_the_language_already() -> None:
    languages = (Language(name="en"), Language(name="ja", prefix="ja/"))
    for url, path in (("a/../ja/x", "/ja/x/"), ("ja/x", "/ja/ja/x/"), ("a/../x", "/ja/x/"), ("ja..x", "/ja..x")):  # fmt: skip
        assert url_of("posts/a.ja.md", f"title: T\nurl: {url}", languages=languages) == path


def test_a_slug_of_nothing_but_hyphens_is_a_slug() -> None:
    dates = {**DATE_KEYS, "date": (":filename", "date")}
    assert url_of("posts/2026-02-13-a b.md", "title: T", dates=dates) == "/posts/a-b/"
    assert url_of("posts/2026-02-13-a b.md", "title: T\nslug: '-'", dates=dates) == "/posts/2026-02-13-a-b/"  # fmt: skip


def test_ugly_addresses() -> None:
    assert url_of("posts/a.md", ugly_urls=True) == "/posts/a.html"
    assert url_of("posts/b/index.md", ugly_urls=True) == "/posts/b.html"
    assert url_of("posts/a.md", "slug: x 「", ugly_urls=True) == "/posts/x-.html"
    assert url_of("posts/a.md", ugly_urls={"other": True}) == "/posts/a/"


def test_case_and_spaces() -> None:
    assert url_of("posts/A = B.md") == "/posts/a--b/"
    assert url_of("posts/A = B.md", lower=False) == "/posts/A-B/"


def test_a_date_in_the_file_name_gives_date_and_slug() -> None:
    dates = {"date": (":filename",), "lastmod": (), "publishdate": (), "expirydate": ()}
    for name, path in (
        ("2026-01-01-v1.2.md", "/posts/v1/"),
        ("2026-01-04T10:20:30-z.md", "/posts/z/"),
        ("2026-01-05x.md", "/posts/x/"),
        ("2026-01-05.md", "/posts/2026-01-05/"),
        ("2026-13-05-x.md", "/posts/2026-13-05-x/"),
    ):
        assert url_of(f"posts/{name}", dates=dates) == path


def test_sections_are_those_of_the_language() -> None:
    tree = Tree({"ja": {"posts/sub": UNNAMED}})
    patterns = {"posts": "/:sections[last]/:slug"}
    assert url_of("posts/sub/deep/a.md", tree=tree, permalinks=patterns) == "/sub/t/"
    assert url_of("posts/subway/a.md", tree=tree, permalinks=patterns) == "/sub/t/"  # as Hugo does
    assert url_of("posts/a.md", tree=tree, permalinks=patterns) == "/posts/t/"


def test_an_unknown_token_is_said() -> None:
    with pytest.raises(ContentError) as caught:
        url_of("posts/a.md", permalinks={"posts": "/:nothing/"})
    assert "nothing" in str(caught.value)


def test_names() -> None:
    assert sanitize("a  -  b「c」\u3000d%zz%41") == "a-bc-dzz%41"
    assert escape("/a b/日#x") == "/a%20b/%E6%97%A5%23x"
    assert escape("/a%20b/%23") == "/a%20b/%23"
    rules = SiteRules(root="/", content="/c", url=BASE)
    place = place_of("posts/My Post.md", rules)
    assert page_path(place) == "/posts/my-post"
    assert place.key == "posts/My Post"


def test_expand_is_pure_text() -> None:
    rules = SiteRules(root="/", content="/c", url=BASE)
    naming = Naming(title="題 名", slug="", url="", date=None)
    assert expand("/:year/:month/:title/", place_of("a.md", rules), naming, rules) == "/1/01/題-名/"


SECTIONS = {
    "posts": Naming("P Title", "", "", None),
    "posts/sub": Naming("Sub Title", "ss", "", None),
    "posts/sub/deep": Naming("Deep Title", "", "", None),
}


@pytest.mark.parametrize(
    ("file", "path"),
    [
        ("posts/a.md", "/posts/a/"),
        ("posts/sub/b.md", "/posts/ss/b/"),
        ("posts/sub/c/index.md", "/posts/ss/c/"),
        ("posts/sub/deep/nob/d.md", "/posts/ss/deep/nob/d/"),
        ("posts/sub/_index.md", "/posts/ss/"),
    ],
)
def test_the_slug_of_a_section_counts_in_what_is_below(file: str, path: str) -> None:
    tree = Tree({"ja": SECTIONS})
    slug = "title: S\nslug: ss" if file.endswith("_index.md") else "title: T"
    assert url_of(file, slug, tree) == path
    other = Tree({"en": SECTIONS})
    assert url_of("posts/sub/b.md", "title: T", other) == "/posts/sub/b/"


@pytest.mark.parametrize(
    ("pattern", "file", "path"),
    [
        ("/x/:sectionslug/:slug/", "posts/a.md", "/x/p-title/t/"),
        ("/x/:sectionslug/:slug/", "posts/sub/deep/nob/d.md", "/x/p-title/t/"),
        ("/x/:sectionslugs/:slug/", "posts/sub/deep/nob/d.md", "/x/p-title/ss/deep-title/t/"),
        ("/x/:sectionslugs[1:]/:slug/", "posts/sub/b.md", "/x/ss/t/"),
        ("/x/:sectionslugs[last]/:slug/", "posts/sub/b.md", "/x/ss/t/"),
        ("/x/:section/:sections/:slug/", "posts/sub/b.md", "/x/posts/posts/sub/t/"),
    ],
)
def test_section_slugs_in_patterns(pattern: str, file: str, path: str) -> None:
    assert url_of(file, tree=Tree({"ja": SECTIONS}), permalinks={"posts": pattern}) == path


@pytest.mark.parametrize(
    ("folder", "slug"),
    [("other", "others"), ("story", "stories"), ("box", "boxes"), ("bus", "buses"), ("church", "churches"),
     ("day", "days"), ("news", "news"), ("my-notes", "my-notes"), ("日記", "%E6%97%A5%E8%A8%98s"), ("foo bar", "foo-bars")],
)  # fmt: skip
def test_a_section_without_a_page_is_called_by_its_folder(folder: str, slug: str) -> None:
    found = url_of(f"{folder}/x.md", permalinks={"**": "/y/:sectionslug/:slug"})
    assert found == f"/y/{slug}/t/"


def test_titles_of_sections_as_they_are() -> None:
    more: dict[str, Any] = {"lower": False, "plural_titles": False}
    found = url_of("my-note x/x.md", permalinks={"**": "/y/:sectionslug/:slug"}, **more)
    assert found == "/y/My-Note-X/T/"


FILES = ("posts/a.md", "posts/sub/b.md", "posts/Sub Dir/c/index.md", "posts.md", "notes/n.md", "top.md")  # fmt: skip


@pytest.mark.parametrize(
    ("key", "taken"),
    [
        ("posts/sub-dir", {"posts/Sub Dir/c/index.md"}),
        ("**", set(FILES)),
        ("*", set(FILES)),
        ("posts/*", {"posts/a.md", "posts/sub/b.md", "posts/Sub Dir/c/index.md"}),
        ("{posts,notes}", set(FILES) - {"top.md"}),
        ("/posts/", {"posts/a.md", "posts/sub/b.md", "posts/Sub Dir/c/index.md", "posts.md"}),
        ("p*", {"posts/a.md", "posts/sub/b.md", "posts/Sub Dir/c/index.md", "posts.md"}),
        ("/", {"posts.md", "top.md"}),
        ("posts/a", {"posts/a.md"}),
        ("posts/**/b", {"posts/sub/b.md"}),
        ("sub", set()),
    ],
)
def test_the_keys_of_patterns_are_paths(key: str, taken: set[str]) -> None:
    assert {f for f in FILES if url_of(f, permalinks={key: "/k/:slug"}) == "/k/t/"} == taken


def test_the_longest_key_counts() -> None:
    patterns = {"posts": "/po/:slug/", "posts/sub": "/ns/:slug/"}
    assert url_of("posts/sub/b.md", permalinks=patterns) == "/ns/t/"
    assert url_of("posts/a.md", permalinks=patterns) == "/po/t/"


@pytest.mark.parametrize(
    ("target", "taken"),
    [
        ({"kind": "page", "path": "/posts/**"}, {"posts/a.md", "posts/sub/b.md", "posts/Sub Dir/c/index.md"}),
        ({"path": "{/posts/**,/notes/**}"}, set(FILES) - {"posts.md", "top.md"}),
        ({"path": "posts/*"}, set()),
        ({"kind": "section"}, set()),
        ({"lang": "en"}, set(FILES)),
        ({"sites": {"matrix": {"languages": ["en"]}}}, set()),
        ({"sites": {"matrix": {"languages": ["ja"]}}}, set(FILES)),
        ({"environment": "development"}, set()),
        ({"environment": "production"}, set(FILES)),
    ],
)  # fmt: skip
def test_a_list_of_patterns(target: dict[str, Any], taken: set[str]) -> None:
    patterns = [{"pattern": "/k/:slug", "target": target}, {"pattern": 5}, "x"]
    assert {f for f in FILES if url_of(f, permalinks=patterns) == "/k/t/"} == taken


def test_the_first_of_a_list_counts() -> None:
    patterns = [{"pattern": "/1/:slug", "target": {"path": "/posts/**"}}, {"pattern": "/2/:slug"}]
    assert url_of("posts/a.md", permalinks=patterns) == "/1/t/"
    assert url_of("top.md", permalinks=patterns) == "/2/t/"


def test_the_name_and_folder_of_html_files() -> None:
    assert url_of("posts/a.md", html="idx") == "/posts/a/idx.html"
    assert url_of("posts/a.md", "title: T\nurl: /z/y.html", html="idx") == "/z/y.html"
    assert url_of("posts/a.md", html="idx", ugly_urls=True) == "/posts/a.html"
    assert url_of("posts/a.md", html="i", html_folder="sub") == "/sub/posts/a/i.html"
