"""Text, addresses and dates in the form that feeds want."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.feeds.text import address, clean, identity, language_tag, line, rfc822, rfc3339


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("a\x00b\x0bc\x1fd\x7fe\x85f", "abcdef"),
        ("tab\tline\nend", "tab\tline\nend"),
        ("dos\r\nmac\rend", "dos\nmac\nend"),
        ("lone \ud83d half", "lone  half"),
        ("\ufdd0\ufffe\uffff\U0001ffff", ""),
        ("👩‍👩‍👧 𠮷 שלום \u202e", "👩‍👩‍👧 𠮷 שלום \u202e"),
    ],
)
def test_clean_takes_only_what_no_feed_may_hold(raw: str, wanted: str) -> None:
    assert clean(raw) == wanted


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("  two\n lines ", "two lines"),
        ("<b>bold</b> and <i class='x'>more <code>y</code></i>", "bold and more y"),
        ("The <a> element", "The <a> element"),
        ("Vec<T> & 1 < 2", "Vec<T> & 1 < 2"),
        ("AT&amp;T", "AT&amp;T"),
    ],
)
def test_line_is_one_line_without_closed_markup(raw: str, wanted: str) -> None:
    assert line(raw) == wanted


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("https://h.example", "https://h.example/"),
        ("HTTPS://H.example/a b", "https://h.example/a%20b"),
        ("https://h.example/日本/", "https://h.example/%E6%97%A5%E6%9C%AC/"),
        ("https://h.example/%E6%97%A5/", "https://h.example/%E6%97%A5/"),
        ("https://h.example/100%/", "https://h.example/100%25/"),
        ('https://h.example/?q="<>"&r=[1]', "https://h.example/?q=%22%3C%3E%22&r=%5B1%5D"),
        ("https://h.example/a#b#c", "https://h.example/a#b%23c"),
        ("https://例え.テスト/a", "https://xn--r8jz45g.xn--zckzah/a"),
        ("/images/x.png", "https://blog.example/images/x.png"),
        ("https://h.example/a;?#", "https://h.example/a;?#"),
        ("x.png", "https://blog.example/posts/a/x.png"),
        ("//cdn.example/x.png", "https://cdn.example/x.png"),
        ("javascript:alert(1)", None),
        ("data:image/png;base64,AA", None),
        ("http://[::1]:8000/a", "http://[::1]:8000/a"),
        ("https://[::1", None),
        ("//[::1", None),
        ("https://a b.example/", None),
        ("ftp://h.example/", None),
    ],
)
def test_address_is_absolute_and_ascii(raw: str, wanted: str | None) -> None:
    assert address(raw, "https://blog.example/posts/a/") == wanted


@settings(max_examples=60)
@given(st.text())
def test_address_of_anything_is_ascii_or_nothing(raw: str) -> None:
    for url in (raw, f"https://h.example/{raw}", f"https://{raw}/"):
        made = address(url, "https://blog.example/")
        assert made is None or (made.isascii() and made.isprintable() and " " not in made)
        assert made is None or address(made) == made


def test_identity_keeps_a_uri_and_names_what_is_none() -> None:
    assert identity("https://h.example/日/", "h") == "https://h.example/%E6%97%A5/"
    assert identity("tag:h.example,2026-02-10:/a", "h") == "tag:h.example,2026-02-10:/a"
    assert identity("urn:uuid:0b8c7f3e-0000-4000-8000-000000000000", "h").startswith(
        "urn:uuid:0b8c"
    )
    made = identity("my post", "h")
    assert made.startswith("urn:uuid:")
    assert made == identity("my post", "h")
    assert made != identity("my post", "other")


def test_dates_are_english_utc_and_whole() -> None:
    moment = datetime(2026, 2, 10, 0, 0, 1, 999, tzinfo=timezone(timedelta(hours=9)))
    assert rfc822(moment) == "Mon, 09 Feb 2026 15:00:01 +0000"
    assert rfc3339(moment) == "2026-02-09T15:00:01Z"


def test_the_ends_of_the_calendar_do_not_overflow() -> None:
    first = datetime.min.replace(tzinfo=timezone(timedelta(hours=9)))
    assert rfc3339(first) == "0001-01-01T00:00:00Z"
    assert rfc822(first) == "Mon, 01 Jan 0001 00:00:00 +0000"


@settings(max_examples=60)
@given(st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.just(UTC)))
def test_dates_come_back(moment: datetime) -> None:
    assert parsedate_to_datetime(rfc822(moment)) == moment.replace(microsecond=0)
    assert datetime.fromisoformat(rfc3339(moment)) == moment.replace(microsecond=0)


def test_a_language_that_is_none_is_nothing() -> None:
    assert language_tag("zh-Hant-TW") == "zh-Hant-TW"
    assert language_tag("日本語") == ""
    assert language_tag('en" x="') == ""
