"""What a post costs on a network that takes money, from a dated table.

X: https://docs.x.com/x-api/getting-started/pricing
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from bot.links import find_links
from bot.model import Draft, Part
from bot.settings import Price

PRICES: Mapping[str, tuple[Price, ...]] = MappingProxyType(
    {"x": (Price(since=date(2026, 4, 20), post=0.015, link_post=0.200, alt=0.005),)}
)


def cost(draft: Draft, on: date, own: Sequence[Price] = ()) -> Decimal | None:
    """US dollars for all parts of the draft on that day; None where the network takes none, or no
    price reaches back so far. `own` stands beside the table and wins over a price of its day."""
    price = _price(draft.network, on, own)
    if price is None:
        return None
    texts = [price.link_post if _has_link(draft, part) else price.post for part in draft.parts]
    alts = [price.alt for image in draft.images if image.alt]
    return sum((Decimal(str(dollars)) for dollars in (*texts, *alts)), Decimal(0))


def link_costs(network: str, on: date, own: Sequence[Price] = ()) -> Decimal:
    """US dollars that a link adds to a post on that day."""
    price = _price(network, on, own)
    if price is None:
        return Decimal(0)
    return Decimal(str(price.link_post)) - Decimal(str(price.post))


def _price(network: str, on: date, own: Sequence[Price]) -> Price | None:
    valid = [price for price in (*own, *PRICES.get(network, ())) if price.since <= on]
    return max(valid, key=lambda price: price.since) if valid else None


def _has_link(draft: Draft, part: Part) -> bool:
    """The article's own, also where its domain is newer than the list that we know."""
    return bool(draft.link and draft.link in part.text) or bool(find_links(part.text))
