"""The HTML of a feed: clean, and with addresses that work from anywhere."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.content.markdown import absolute, to_html

PAGE = "https://example.com/posts/a/"


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("**「強調」**です", "<p><strong>「強調」</strong>です</p>"),
        ("~~a~~", "<p><del>a</del></p>"),
        ("| a |\n|---|\n| b |", "<table>"),
        ("- [x] a", 'type="checkbox"'),
        ("a[^1]\n\n[^1]: b", "/posts/a/#fn:1"),
        ("https://example.org", '<a href="https://example.org">'),
        ("<ruby>漢<rt>かん</rt></ruby>", "<ruby>漢<rt>かん</rt></ruby>"),
        ("![x](日本.png)", 'src="https://example.com/posts/a/%E6%97%A5%E6%9C%AC.png"'),
        ("[x](../b/#節)", 'href="https://example.com/posts/b/#%E7%AF%80"'),
        ("[x](/q?a=あ b)", "/q?a="),
        ("<img src='/a b.png'>", 'src="https://example.com/a%20b.png"'),
        ("<img srcset='a.png 1x, /b.png 2x'>", 'srcset="https://example.com/posts/a/a.png 1x, https://example.com/b.png 2x"'),
        ("[m](mailto:a@b.example)", 'href="mailto:a@b.example"'),
        ("`{{< keep >}}`", "<code>{{&lt; keep &gt;}}</code>"),
        ("{{< box >}}in{{< /box >}}", "<p>in</p>"),
        ("語\n: 意味\n: 別の意味", "<dl>\n<dt>語</dt>\n<dd>意味</dd>\n<dd>別の意味</dd>\n</dl>"),
        ("www.example.org/a", '<a href="https://www.example.org/a">www.example.org/a</a>'),
        ("[x](http://www.example.org)", '<a href="http://www.example.org">x</a>'),
        ("# 題", '<h1 id="題">題</h1>'),
        ("a {{% dot \"y\" %}} b", "<p>a  b</p>"),
    ],
)  # fmt: skip
def test_what_comes_out(markdown: str, html: str) -> None:
    assert html in to_html(markdown, PAGE)


def test_shortcodes_in_code_blocks_stay() -> None:
    html = to_html("```\n{{< keep >}}\n```\n\n{{< gone >}}\n", PAGE)
    assert "keep" in html
    assert "gone" not in html


@pytest.mark.parametrize(
    "markdown",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "<iframe src=//evil.example></iframe>",
        "<style>p{}</style>",
        "<form action=/x><input type=text></form>",
        "<a href='java\tscript:alert(1)'>x</a>",
        "<svg onload=alert(1)>",
        "<p style='x'>a</p>",
    ],
)
def test_what_never_comes_out(markdown: str) -> None:
    html = to_html(markdown, PAGE).lower()
    assert not re.search(
        r"<script|onerror|javascript:|<iframe|<style|<form|onload|style=|type=\"text", html
    )


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("<p>a<button><p>b</button>", "<p>a</p><p>b</p>"),
        ("<li>a<select><li>b</select>", "<li>a</li><li>b</li>"),
        ("<bdo dir=rtl>x</bdo>", "<p>x</p>"),
    ],
)
def test_what_is_left_of_a_form_is_nested_as_html_asks(markdown: str, html: str) -> None:
    made = to_html(markdown, PAGE)
    assert re.sub(r"\s+|<p></p>", "", made) == html


def test_addresses() -> None:
    assert absolute("https://日本語.jp/あ", PAGE) == "https://xn--wgv71a119e.jp/%E3%81%82"
    assert absolute("//cdn.example/a", PAGE) == "https://cdn.example/a"
    assert absolute("http://[bad", PAGE) is None
    assert absolute("a%20b.png", PAGE) == PAGE + "a%20b.png"


@settings(max_examples=50, deadline=None)
@given(st.text(alphabet="[]()<>!`\"' =:/#?%&;{}x日\n*_|", max_size=60))
def test_every_address_is_absolute_ascii(text: str) -> None:
    for address in re.findall(r'(?:src|href)="([^"]*)"', to_html(text, PAGE)):
        assert address.isascii()
        assert " " not in address
