"""A feed as a page: what its stylesheet says, and that nothing in a post can break out of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.feeds import plan_feeds
from bot.feeds.style import render_style
from bot.model import Image
from tests.feeds.samples import COVER, FEED, SITE, entry


def style(*covers: Image | None) -> str:
    (plan,) = plan_feeds([entry(n, cover=cover) for n, cover in enumerate(covers)], SITE, FEED)
    return render_style(plan, "Asia/Tokyo").decode()


def test_each_cover_is_shown_beside_its_own_title() -> None:
    made = style(COVER, None, Image(alt="", url="/b.png"))
    assert "item:nth-of-type(1) > title::before" in made
    assert 'url("https://blog.example/images/factory.png")' in made
    assert "item:nth-of-type(2) > title" not in made
    assert "entry:nth-of-type(3) > title::before" in made
    assert '"川のそばの工場"' in made


def test_it_says_how_to_subscribe() -> None:
    assert "https://blog.example/" in style().split("::after")[-1]


def test_a_day_is_the_readers_day() -> None:
    made = style(COVER)  # published at 15:00 UTC, which is midnight in Tokyo
    assert 'item:nth-of-type(1) > pubDate::after { content: "2026-02-10" }' in made


def test_atom_too_shows_where_the_post_is() -> None:
    address = "https://blog.example/posts/factory/"
    rule = "entry:nth-of-type(1) > published::after"
    assert f'{rule} {{ content: "{address}\\a 2026-02-10" }}' in style(COVER)


def test_the_first_day_of_the_calendar_has_no_day_before() -> None:
    first = datetime.min.replace(tzinfo=UTC)
    (plan,) = plan_feeds([entry(published=first)], SITE, FEED)
    assert b'"0001-01-01"' in render_style(plan, "America/Los_Angeles")


@pytest.mark.parametrize(
    "hostile", ['"} body { display: none } /*', "\\", "a\nb", "</style><script>", "\x00\ud800"]
)
def test_a_hostile_alt_or_address_stays_in_its_string(hostile: str) -> None:
    made = style(Image(alt=hostile, url=f"https://blog.example/{hostile}"))
    rule = made[
        made.index("item:nth-of-type(1) > title") : made.index("item:nth-of-type(1) > pubDate")
    ]
    outside = ""
    inside = escaped = False
    for char in rule:  # by https://www.w3.org/TR/css-syntax-3/#consume-string-token
        if inside:
            assert char != "\n"
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                inside = False
        elif char == '"':
            inside = True
        else:
            outside += char
    assert not inside
    assert outside.count("{") == outside.count("}") == 1
    assert "script" not in outside
