"""What a post costs, from the table of its day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from bot.compose import compose
from bot.compose.prices import Price, cost
from bot.model import Draft
from tests.compose.samples import LIMITS, SITE, account, post

DAY = date(2026, 11, 24)


def draft(network: str = "x", changes: dict[str, Any] | None = None, **settings: Any) -> Draft:
    return compose(post(**(changes or {})), account(network, **settings), LIMITS[network], SITE)


def test_a_link_is_what_costs() -> None:
    assert cost(draft(), DAY) == Decimal("0.205")
    assert cost(draft(image="none"), DAY) == Decimal("0.200")
    assert cost(draft(link="never", image="none"), DAY) == Decimal("0.015")


def test_each_part_of_a_thread_is_paid() -> None:
    assert cost(draft(thread=True, image="none"), DAY) == Decimal("0.215")


def test_free_networks_and_days_before_the_table() -> None:
    assert cost(draft("mastodon"), DAY) is None
    assert cost(draft(), date(2026, 4, 19)) is None


def test_the_latest_price_of_the_day_holds() -> None:
    one, ten = (Decimal(n) for n in (1, 10))
    table = {
        "x": (
            Price(since=date(2026, 1, 1), post=one, link_post=one, alt=one),
            Price(since=date(2026, 11, 1), post=ten, link_post=ten, alt=one),
        )
    }
    assert cost(draft(), DAY, table) == 11
    assert cost(draft(), date(2026, 10, 31), table) == 2
