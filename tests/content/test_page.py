"""Whether a page of the web is a post's: what it says of itself, and what passes as the same."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.content.page import LONGEST, MOST, READ, Page, is_page_of, read_page, same_address

PLACE = "https://blog.example/posts/a/"


def read(html: str | bytes, content_type: str = "text/html; charset=utf-8") -> Page:
    body = html.encode() if isinstance(html, str) else html
    return read_page(body, content_type, PLACE)


def test_what_a_page_says_of_itself() -> None:
    page = read("""<!doctype html><html><head>
        <title>
          猫 &amp; 犬 | ことのは
        </title>
        <link rel="alternate" href="/feed.xml"><link rel="Canonical" href="/posts/a/">
        <meta property="og:url" content="https://blog.example/posts/a/?x=1">
        <meta name="og:title" content="猫 &amp; 犬">
        <meta property="og:image" content="cover.png"></head><body></body></html>""")
    assert page == Page(
        addresses=("https://blog.example/posts/a/", "https://blog.example/posts/a/?x=1"),
        titles=("猫 & 犬 | ことのは", "猫 & 犬"),
        image="https://blog.example/posts/a/cover.png",
    )


@pytest.mark.parametrize(
    "hidden",
    [
        "<!-- {} -->",
        "<script>'{}'</script>",
        "<style>{}</style>",
        "<template>{}</template>",
        "<svg>{}</svg>",
        '<p data-x="{}">',
    ],
)
def test_what_is_not_the_page_s_own_does_not_count(hidden: str) -> None:
    own = "<title>x</title><link rel=canonical href=/x>".replace('"', "")
    page = read(hidden.replace("{}", own) + "<title>y</title><link rel=canonical href=/y>")
    assert (page.titles, page.addresses) == (("y",), ("https://blog.example/y",))


def test_addresses_that_are_none_are_left_out() -> None:
    bad = [
        "javascript:alert(1)",
        "data:text/html,x",
        "",
        "http://[",
        "mailto:a@b",
        "x" * (LONGEST + 1),
    ]
    links = "".join(f'<link rel=canonical href="{address}">' for address in bad)
    assert read(links + '<meta property="og:image" content="file:///etc/passwd">') == Page()


def test_a_base_is_followed() -> None:
    page = read('<base href="https://cdn.example/x/"><link rel=canonical href="y/">')
    assert page.addresses == ("https://cdn.example/x/y/",)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("<title>日本</title>".encode("cp932"), "text/html; charset=Shift_JIS"),
        ("<meta charset='euc-jp'><title>日本</title>".encode("euc-jp"), "text/html"),
        ("\ufeff<title>日本</title>".encode("utf-16-le"), "text/html; charset=latin-1"),
        ("\ufeff<title>日本</title>".encode(), ""),
        ("<title>日本</title>".encode(), "text/html; charset=no-such"),
        ("<title>日本</title>".encode(), "text/html; charset=base64"),
    ],
)
def test_letters_are_read_in_the_page_s_own_coding(body: bytes, content_type: str) -> None:
    assert read(body, content_type).titles == ("日本",)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00\xff\xfe",
        b"\x89PNG\r\n\x1a\n",
        b"{}",
        b"<title>",
        b"<!--" * 250_000,
        b"<" * READ,
        b'<a b="' * 150_000,
        b"<div>" * 200_000,
        b"&#x1F4A9" * 100_000,
        b"<script>" * 100_000,
    ],
    ids=lambda body: body[:6].hex() or "empty",
)
def test_a_hostile_page_says_nothing(body: bytes) -> None:
    assert read(body).addresses == ()
    assert all(len(title) <= LONGEST for title in read(body).titles)


def test_what_is_read_is_bounded() -> None:
    many = "<link rel=canonical href=/a><meta property=og:title content=b>" * 1000
    page = read(many)
    assert (len(page.addresses), len(page.titles)) == (MOST, MOST)
    assert read(" " * READ + "<title>late</title>") == Page()


@settings(max_examples=60)
@given(st.binary(max_size=300), st.text(max_size=20))
def test_no_page_breaks_the_reading(body: bytes, content_type: str) -> None:
    page = read_page(b"<head><meta property=og:url content='" + body, content_type, PLACE)
    assert is_page_of(page, PLACE, "題", "site") in (True, False)


@pytest.mark.parametrize(
    "other",
    [
        "https://blog.example/posts/日記/",
        "http://blog.example/posts/日記",
        "https://BLOG.example:443/posts/%E6%97%A5%E8%A8%98/",
        "https://www.blog.example/posts/%e6%97%a5%e8%a8%98/index.html",
        "https://blog.example/posts/日記/?utm_source=x#top",
    ],
)
def test_spellings_of_one_address(other: str) -> None:
    assert same_address(other, "https://blog.example/posts/%E6%97%A5%E8%A8%98/")


@pytest.mark.parametrize(
    "other",
    [
        "https://blog.example/posts/",
        "https://other.example/posts/日記/",
        "https://blog.example:8443/posts/日記/",
        "https://blog.example/posts/日記/?p=2",
        "ftp://blog.example/posts/日記/",
        "/posts/日記/",
        "",
        "http://[/posts/日記/",
        "http://blog.example:x/posts/日記/",
    ],
)
def test_other_addresses(other: str) -> None:
    assert not same_address(other, "https://blog.example/posts/%E6%97%A5%E8%A8%98/")
    assert not same_address(other, other) or "://" in other


def test_composed_letters_and_names_in_punycode_are_one() -> None:
    assert same_address("https://b.example/%E3%81%8B%E3%82%99/", "https://b.example/が/")
    assert same_address("https://日本.example/a/", "https://xn--wgv71a.example/a/")


def titled(*titles: str) -> Page:
    return Page(titles=titles, addresses=("https://blog.example/404.html",))


@pytest.mark.parametrize(
    ("found", "title"),
    [
        ("Don’t panic — 猫", "Don't panic - 猫"),
        ("ＡＩと  暮らす", "AIと 暮らす"),
        ("カ\u3099ット", "ガット"),
        ("make test を速くする", "`make test` を*速く*する"),
        ("新しい記事 | 別の名前", "新しい記事"),
        ("新しい記事｜別の名前", "新しい記事"),
        ("新しい記事 - Blog", "新しい記事"),
        ("新しい記事 — Blog", "新しい記事"),
        ("新しい記事: Blog", "新しい記事"),
        ("ことのは | 新しい記事", "新しい記事"),
        ("ことのは: 新しい記事", "新しい記事"),
    ],
)
def test_titles_that_are_the_same(found: str, title: str) -> None:
    assert is_page_of(titled("404", found), PLACE, title, "ことのは")


@pytest.mark.parametrize(
    ("found", "title"),
    [
        ("404 Not Found", "新しい記事"),
        ("新しい記事の続き", "新しい記事"),
        ("新しい記事-2", "新しい記事"),
        ("別の名前 | 新しい記事", "新しい記事"),
        ("Page not found | ことのは", "ことのは"),
        ("ことのは", "ことのは"),
        ("ことのは | ブログ", "ことのは"),
        ("", ""),
        (" | ことのは", ""),
        ("C++", "C"),
    ],
)
def test_titles_that_are_others(found: str, title: str) -> None:
    assert not is_page_of(titled(found), PLACE, title, "ことのは")


def test_the_address_is_enough_and_so_is_the_title() -> None:
    here = Page(addresses=("http://blog.example/posts/a",), titles=("another",))
    assert is_page_of(here, PLACE, "新しい記事", "")
    assert is_page_of(Page(titles=("新しい記事",)), PLACE, "新しい記事", "")
    assert not is_page_of(Page(), PLACE, "新しい記事", "")
