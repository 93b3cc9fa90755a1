"""What a post costs, from the table of its day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from bot.compose import compose
from bot.compose.prices import cost
from bot.model import Draft
from bot.settings import Price
from tests.compose.samples import LIMITS, SITE, account, post

DAY = date(2026, 11, 24)


def draft(network: str = "x", changes: dict[str, Any] | None = None, **settings: Any) -> Draft:
    return compose(post(**(changes or {})), account(network, **settings), LIMITS[network], SITE)


def test_a_link_is_what_costs() -> None:
    assert cost(draft(), DAY) == Decimal("0.205")
    assert cost(draft(image="none"), DAY) == Decimal("0.200")
    assert cost(draft(link="never", image="none"), DAY) == Decimal("0.015")


def test_a_domain_that_is_newer_than_the_list_costs_as_a_link() -> None:
    made = draft(changes={"url": "https://blog.zzzz/a/"}, image="none")
    assert cost(made, DAY) == Decimal("0.200")


def test_each_part_of_a_thread_is_paid() -> None:
    assert cost(draft(thread=True, image="none"), DAY) == Decimal("0.215")


def test_free_networks_and_days_before_the_table() -> None:
    assert cost(draft("mastodon"), DAY) is None
    assert cost(draft(), date(2026, 4, 19)) is None


def test_the_latest_price_of_the_day_holds_and_ones_own_over_ours() -> None:
    own = (
        Price(since=date(2026, 11, 1), post=10, link_post=10, alt=1),
        Price(since=date(2026, 12, 1), post=2, link_post=2),
    )
    assert cost(draft(), DAY, own) == 11
    assert cost(draft(), date(2026, 10, 31), own) == Decimal("0.205")
    assert cost(draft(), date(2026, 12, 1), own) == 2
    assert cost(draft(), date(2026, 4, 20), (Price(since=date(2026, 4, 20)),)) == 0
    assert (
        cost(draft(), date(2026, 1, 1), (Price(since=date(2026, 1, 1), post=1, link_post=3),)) == 3
    )
