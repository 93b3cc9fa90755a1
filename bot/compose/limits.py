"""How the networks to come count a text, as data, each beside the page that says so. The networks
that are built declare theirs in bot/posters.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bot.model import TextLimit

LIMITS: Mapping[str, TextLimit] = MappingProxyType(
    {
        # https://developers.facebook.com/docs/threads/posts: emoji count as their UTF-8 bytes
        "threads": TextLimit(unit="code-points", maximum=500, emoji_bytes=True),
        # https://developers.line.biz/en/docs/messaging-api/text-character-count/
        "line": TextLimit(unit="utf16", maximum=5000),
        # https://core.telegram.org/bots/api#sendmessage
        "telegram": TextLimit(unit="utf16", maximum=4096),
        # https://discord.com/developers/docs/resources/message#create-message
        "discord": TextLimit(unit="code-points", maximum=2000),
        # https://docs.slack.dev/reference/methods/chat.postMessage/#truncating
        "slack": TextLimit(unit="code-points", maximum=4000),
        # https://learn.microsoft.com/linkedin/marketing/community-management/shares/posts-api
        "linkedin": TextLimit(unit="code-points", maximum=3000),
        # https://developers.facebook.com/docs/graph-api/reference/page/feed/
        "facebook": TextLimit(unit="code-points", maximum=63_206),
        # https://spec.matrix.org/latest/client-server-api/#size-limits: 65,536 bytes for the whole
        # event; what surrounds the text needs some of them
        "matrix": TextLimit(unit="bytes", maximum=60_000),
        # https://github.com/nostr-protocol/nips/blob/master/11.md: each relay says its own
        "nostr": TextLimit(unit="code-points", maximum=None, byte_cap=60_000),
    }
)
