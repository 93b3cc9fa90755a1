"""Values of another kind than their keys want; files without a word; pictures elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.content.cover import Wanted, find_cover
from bot.content.reader import Page, read_page
from bot.content.remote import is_private
from bot.content.scanner import Scanner
from bot.content.shapes import wrong
from bot.errors import ContentError
from bot.i18n import use

from .support import NOW, rules_at, write

RULES = rules_at(Path("/site"))


def page_of(text: str) -> Page:
    return read_page(text.encode(), "content/a.md", "/site/content/a.md", RULES)


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("title", [["a"], {"a": 1}]),
        ("slug", [{"a": 1}]),
        ("tags", [{"a": 1}, ["x", {"a": 1}], [["x"]]]),
        ("cover", [5, True, ["a.png"]]),
        ("aliases", [5, True, {"a": 1}, ["/a/", 5]]),
        ("social", ["x", False, ["x"]]),
        ("draft", ["maybe", 7, ["true"], "はい"]),
    ],
)
def test_values_of_a_wrong_kind(key: str, values: list[Any]) -> None:
    for value in values:
        assert [name for name, _, _ in wrong({key: value})] == [key], value


@pytest.mark.parametrize(
    "matter",
    [
        {"title": "x", "slug": "y", "tags": ["a", 2026], "aliases": "/a/", "draft": True},
        {"title": 2026, "tags": "a", "aliases": ["/a/"], "draft": "yes", "cover": "a.png"},
        {"title": None, "tags": None, "cover": {"image": "a"}, "social": {"text": "x"}, "draft": 0},
    ],
)
def test_values_that_fit(matter: dict[str, Any]) -> None:
    assert list(wrong(matter)) == []


def test_the_line_is_said_and_the_post_stays() -> None:
    page = page_of("---\ntitle: x\ntags: {a: b}\nsocial: はい\n---\nx\n")
    assert [(p.code, p.line, p.post_lost) for p in page.problems] == [
        ("wrong-type", 3, False),
        ("wrong-type", 4, False),
    ]
    assert (page.post.title, page.post.tags, dict(page.post.social)) == ("x", (), {})
    assert page.at(NOW).visible


def test_perhaps_a_draft_is_a_draft() -> None:
    page = page_of("---\ntitle: x\ndraft: maybe\n---\nx\n")
    assert page.at(NOW).why_not == "draft"
    assert [(p.code, p.line) for p in page.problems] == [("wrong-type", 3)]


@pytest.mark.parametrize("text", ["", "\n \n", "---\n---\n", "---\ntitle: ''\ndate: 2026-01-01\n---\n\n"])  # fmt: skip
def test_a_file_without_a_word_is_no_post_yet(text: str) -> None:
    page = page_of(text)
    assert (page.at(NOW).why_not, page.problems) == ("empty", ())


@pytest.mark.parametrize("text", ["x\n", "---\ntitle: x\n---\n", "---\nsummary: [x]\n---\n"])
def test_a_word_makes_a_post(text: str) -> None:
    assert page_of(text).at(NOW).visible


@pytest.mark.parametrize(
    "host",
    ["localhost", "a.localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "10.0.0.1", "192.168.1.1",
     "169.254.169.254", "::1", "::ffff:127.0.0.1", "fe80::1%eth0", "fd00::1", "nas.local", "0.0.0.0"],
)  # fmt: skip
def test_private_hosts(host: str) -> None:
    assert is_private(host)


@pytest.mark.parametrize("host", ["example.com", "localhost.example.com", "8.8.8.8", "2606:4700::1111", "10.example"])  # fmt: skip
def test_other_hosts(host: str) -> None:
    assert not is_private(host)


@pytest.mark.parametrize(
    ("ref", "refused"),
    [
        ("http://pictures.example/a.png", True),
        ("https://localhost/a.png", True),
        ("https://[::1]/a.png", True),
        ("https://10.0.0.1/a.png", True),
        ("https://nas.local/a.png", False),
        ("https://pictures.example/a.png", False),
    ],
)
def test_covers_elsewhere(ref: str, refused: bool, tmp_path: Path) -> None:
    rules = rules_at(tmp_path, cover_hosts=("nas.local",))
    source = str(tmp_path / "content/a.md")
    image, problem = find_cover(Wanted(ref=ref), "a.md", source, "https://example.com/a/", rules)
    assert (image is None, problem is not None) == (refused, refused)
    if problem is not None:
        assert (problem.code, problem.post_lost) == ("cover-refused", False)


def test_the_line_of_a_cover_is_said_once(tmp_path: Path) -> None:
    write(tmp_path / "content/a.md", "---\ntitle: x\ncover:\n  image: none.png\n---\nx\n")
    scanner = Scanner(rules_at(tmp_path))
    assert [(p.code, p.line) for p in scanner.scan(NOW).problems] == [("cover-missing", 4)]
    assert scanner.scan(NOW).changed == frozenset()


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("---\ntitle：題\n---\n", 2, "full-width colon"),
        ("---\ntitle: x\ndate：2026-01-01\n---\n", 3, "full-width colon"),
        ("---\ntitle: a: b\n---\n", 2, "quotes"),
    ],
)
def test_what_a_japanese_keyboard_writes_is_named(text: str, line: int, words: str) -> None:
    with pytest.raises(ContentError) as caught:
        page_of(text)
    assert (caught.value.line, words in str(caught.value.hint)) == (line, True)


@pytest.mark.parametrize(
    "text",
    ["---\na: b: c\n---\n", "---\na: [b\n---\n", "---\na: 'b\n---\n", "---\na: @b\n---\n", "---\na: *b\n---\n",
     "+++\na = b\n+++\n", "+++\na\n+++\n", "+++\na = [1\n+++\n", '+++\na = "b\n+++\n', '{"a": }', '{"a" 1}', "{a: 1}"],
)  # fmt: skip
def test_parsers_speak_japanese(text: str) -> None:
    use("ja")
    try:
        with pytest.raises(ContentError) as caught:
            page_of(text)
        reason = str(caught.value.message.values["reason"])
    finally:
        use("en")
    assert any("ぁ" <= c <= "ん" for c in reason), reason


def test_json_that_is_too_deep_is_said_in_words() -> None:
    with pytest.raises(ContentError) as caught:
        page_of('{"a":' * 5000)
    assert caught.value.code == "front-matter-size"


def test_line_ends_of_old_macs() -> None:
    with pytest.raises(ContentError) as caught:
        page_of("---\rtitle: x\r---\rx\r")
    assert caught.value.code == "cr-only"
    assert page_of("---\r\ntitle: x\r\n---\r\nx\r\n").post.title == "x"


@pytest.mark.parametrize("draft", ["true", "yes", "false"])
def test_whether_it_is_a_draft_is_said_even_where_drafts_are_built(draft: str) -> None:
    page = page_of(f"---\ntitle: x\ndraft: {draft}\n---\nx\n")
    assert page.post.draft == (draft != "false")
