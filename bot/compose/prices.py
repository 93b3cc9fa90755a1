"""What a post costs on a network that takes money, from a dated table.

X: https://docs.x.com/x-api/getting-started/pricing
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from bot.compose.links import find_links
from bot.model import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars from a day on: a post without a link, one with a link, an image's alt text."""

    since: date
    post: Decimal
    link_post: Decimal
    alt: Decimal


PRICES: Mapping[str, tuple[Price, ...]] = MappingProxyType(
    {
        "x": (
            Price(
                since=date(2026, 4, 20),
                post=Decimal("0.015"),
                link_post=Decimal("0.200"),
                alt=Decimal("0.005"),
            ),
        )
    }
)


def cost(
    draft: Draft, on: date, prices: Mapping[str, tuple[Price, ...]] = PRICES
) -> Decimal | None:
    """Dollars for all parts of the draft on that day; None where the network takes none, or the
    table does not reach back so far."""
    valid = [price for price in prices.get(draft.network, ()) if price.since <= on]
    if not valid:
        return None
    price = max(valid, key=lambda price: price.since)
    texts = [price.link_post if find_links(part.text) else price.post for part in draft.parts]
    alts = [price.alt for image in draft.images if image.alt]
    return sum([*texts, *alts], Decimal(0))
