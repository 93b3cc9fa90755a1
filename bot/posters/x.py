"""X. Only how it counts text, so far."""

from __future__ import annotations

from bot.model import TextLimit

LIMIT = TextLimit(unit="x-weighted", maximum=280, link_cost=23)
"""https://docs.x.com/fundamentals/counting-characters"""
