"""Bluesky. Only how it counts text, so far."""

from __future__ import annotations

from bot.model import TextLimit

LIMIT = TextLimit(unit="graphemes", maximum=300, byte_cap=3000)
"""maxGraphemes and maxLength of `text` in
https://github.com/bluesky-social/atproto/blob/main/lexicons/app/bsky/feed/post.json"""
