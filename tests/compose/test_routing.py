"""Which account takes which post, and in which of its languages."""

from __future__ import annotations

from typing import Any

import pytest

from bot.compose import compose
from bot.compose.routing import choose, pick_language, route
from bot.settings import Rule, When
from tests.compose.samples import LIMITS, SITE, account, post


@pytest.mark.parametrize(
    ("settings", "changes", "taken"),
    [
        ({}, {}, True),
        ({"languages": ("en",)}, {}, False),
        ({"languages": ("en", "ja")}, {}, True),
        ({"languages": ("ja",)}, {"language": "ja-JP"}, True),
        ({"languages": ("ja-JP",)}, {"language": "ja"}, False),
        ({"tags": ("genai",)}, {}, True),
        ({"tags": ("その他",)}, {}, False),
        ({"sections": ("posts",)}, {"section": "posts"}, True),
        ({"sections": ("posts",)}, {"section": "notes"}, False),
        ({"categories": ("AI News",)}, {"categories": ("AI News",)}, True),
        ({"categories": ("AI News",), "tags": ("その他",)}, {"categories": ("AI News",)}, False),
        ({}, {"social": {"skip": True}}, False),
        ({}, {"social": {"mastodon": {"skip": True}}}, True),
    ],
)
def test_takes(settings: dict[str, Any], changes: dict[str, Any], taken: bool) -> None:
    assert route(post(**changes), account("x", **settings)).skip is not taken


def test_rules_hold_in_order_and_the_author_last() -> None:
    rules = (
        Rule(when=When(tags=("GenAI",)), priority=1, link="never"),
        Rule(when=When(tags=("その他",)), skip=True),
        Rule(priority=5, template="{{ title }}"),
    )
    made = route(post(), account("x", rules=rules))
    assert (made.skip, made.priority) == (False, 5)
    assert (made.account.link, made.account.template) == ("never", "{{ title }}")
    assert route(post(social={"priority": 9}), account("x", rules=rules)).priority == 9
    assert route(post(), account("x", rules=(Rule(when=When(tags=("GenAI",)), skip=True),))).skip


def test_a_rules_template_and_link_are_what_is_sent() -> None:
    rules = (Rule(when=When(tags=("genai",)), template="{{ title }} {{ link }}", link="never"),)
    ruled = account("x", rules=rules)
    assert compose(post(), ruled, LIMITS["x"], SITE).parts[0].text == post().title
    other = compose(post(tags=()), ruled, LIMITS["x"], SITE)
    assert other == compose(post(tags=()), account("x"), LIMITS["x"], SITE)


def test_one_of_the_translations() -> None:
    ja, en = post(), post(language="en", path="content/posts/plain.en.md")
    assert choose(account("x"), [en, ja], "ja") == ja
    assert choose(account("x"), [en], "ja") == en
    assert choose(account("x", languages=("en",)), [ja, en], "ja") == en
    assert choose(account("x", languages=("fr",)), [ja, en], "ja") is None
    quiet = post(social={"skip": True})
    assert choose(account("x"), [quiet, en], "ja") is None


@pytest.mark.parametrize(
    ("there", "languages", "picked"),
    [
        (("en", "ja"), (), "ja"),
        (("en", "fr"), (), "en"),
        ((), (), None),
        (("en", "ja"), ("en",), "en"),
        (("ja", "en"), ("en", "ja"), "en"),
        (("ja", "en"), ("fr",), None),
        (("ja-JP", "en"), (), "ja-JP"),
    ],
)
def test_one_language_and_never_two(
    there: tuple[str, ...], languages: tuple[str, ...], picked: str | None
) -> None:
    assert pick_language(there, account("x", languages=languages), "ja") == picked
