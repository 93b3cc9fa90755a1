"""What X and Mastodon make a link of, and how our own link is written so that all take it whole."""

from __future__ import annotations

import pytest

from bot.links import (
    ascii_addresses,
    canonical,
    find_addresses,
    find_links,
    find_scheme_links,
)
from tests.compose import samples


def links(text: str) -> list[str]:
    return [text[start:end] for start, end in find_links(text)]


def test_official_urls() -> None:
    tests = samples.conformance("extract.yml")
    for group in ("urls", "tco_urls_with_params"):
        for case in tests[group]:
            assert links(case["text"]) == case["expected"], case["description"]
    for group in ("urls_with_indices", "urls_with_directional_markers"):
        for case in tests[group]:
            expected = [tuple(found["indices"]) for found in case["expected"]]
            assert find_links(case["text"]) == expected, case["description"]


def test_official_top_level_domains() -> None:
    tests = samples.conformance("tlds.yml")
    assert sum(map(len, tests.values())) > 1500
    for case in (case for group in tests.values() for case in group):
        assert links(case["text"]) == case["expected"], case["description"]


def test_shared_urls() -> None:
    for case in samples.shared_json("x_weights.json")["cases"]:
        assert links(case["text"]) == case["urls"], case["text"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("DESIGN.mdとAI.comとNode.js", ["DESIGN.md", "AI.com"]),
        ("a@b.example.com", []),
        ("-example.com _example.com /example.com", []),
        ("https://t.co/" + "a" * 41, []),
        ("https://t.co/abc/def", ["https://t.co/abc"]),
        ("https://" + "あ" * 64 + ".com", []),
        ("https://example.com/wiki/A_(b)_c)", ["https://example.com/wiki/A_(b)_c"]),
        ("a.music", []),
    ],
)
def test_bare_domains(text: str, found: list[str]) -> None:
    assert links(text) == found


def test_hostile_dots_are_read_in_good_time() -> None:
    assert links("a." * 3000) == []
    assert links("あ" * 3000 + ".") == []
    assert find_scheme_links("http://a.com/" + "(" * 3000) == [(0, 13)]


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://example.com/posts/a/", "https://example.com/posts/a/"),
        ("https://Example.com/記事/?q=あ い#見", "https://example.com/%E8%A8%98%E4%BA%8B/?q=%E3%81%82%20%E3%81%84#%E8%A6%8B"),
        ("https://例え.jp/a(b)", "https://xn--r8jz45g.jp/a%28b%29"),
        ("https://example.com/%E8%A8%98", "https://example.com/%E8%A8%98"),
        ("https://example.com/what?", "https://example.com/what"),
        ("https://example.com/wow!", "https://example.com/wow%21"),
        ("https://example.com/a.", "https://example.com/a%2E"),
        ('https://example.com/"><b>', "https://example.com/%22%3E%3Cb%3E"),
        ("https://example.com/a\n\tb", "https://example.com/ab"),
    ],
)  # fmt: skip
def test_our_link(url: str, written: str) -> None:
    assert canonical(url) == written
    assert links(f"題\n{written}\n#tag") == [written]
    text = f"題\n{written} #tag"
    assert [text[a:b] for a, b in find_scheme_links(text)] == [written]
    assert canonical(written) == written


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("see https://en.wikipedia.org/wiki/Foo_(bar) now", ["https://en.wikipedia.org/wiki/Foo_(bar)"]),
        ("(see https://a.example/b).", ["https://a.example/b"]),
        ("（https://a.example/Foo_(bar)）", ["https://a.example/Foo_(bar)"]),
        ("https://a.example/日本語/パス?q=検索 を開く", ["https://a.example/日本語/パス?q=検索"]),
        ("https://例え.jp/パス", ["https://例え.jp/パス"]),
        ("詳しくはhttps://a.example/bに続く", ["https://a.example/b"]),
        ("https://a.example/の記事、https://b.example。", ["https://a.example/", "https://b.example"]),
        ("http://localhost:8080/x?", ["http://localhost:8080/x"]),
        ("https://ja.wiki.example/wiki/AIエージェント", ["https://ja.wiki.example/wiki/AIエージェント"]),
        ("https:// nothing", []),
    ],
)  # fmt: skip
def test_whole_addresses_as_a_reader_takes_them(text: str, addresses: list[str]) -> None:
    assert [text[start:end] for start, end in find_addresses(text)] == addresses


def test_an_address_in_ascii_is_a_link_everywhere() -> None:
    text = ascii_addresses("見る https://例え.jp/パス?q=検索 と https://a.example/Foo_(bar)")
    first = "https://xn--r8jz45g.jp/%E3%83%91%E3%82%B9?q=%E6%A4%9C%E7%B4%A2"
    assert text == f"見る {first} と https://a.example/Foo_(bar)"
    assert text[slice(*find_links(text)[0])] == first
