"""What a server of the Mastodon API says of itself, as values: how it counts, which pictures it
takes, and whether it keeps keys. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from bot.model import Replay, TextLimit
from bot.posters.images import MIME, PIXEL_CAP, Limits

LIMIT = TextLimit(unit="graphemes", maximum=500, link_cost=23)
"""https://docs.joinmastodon.org/user/posting/#text"""

# https://docs.joinmastodon.org/methods/statuses/#headers: kept for one hour after the status is made
KEY_SECONDS = 3600 - 300
# https://git.pleroma.social/pleroma/pleroma/-/blob/develop/lib/pleroma/web/plugs/idempotency_plug.ex
PLEROMA_KEY_SECONDS = 6 * 3600 - 600

# https://docs.joinmastodon.org/entities/Instance/#media_attachments: what is usual where it is not said
DESCRIPTION_LIMIT = 1500
IMAGE_BYTES, IMAGE_AREA = 16_777_216, 33_177_600
USUAL_TYPES = ("JPEG", "PNG", "GIF", "WEBP")
LONGEST_SIDE = 65_535
USUAL_PICTURES = Limits(
    size=IMAGE_BYTES, side=LONGEST_SIDE, area=IMAGE_AREA, formats=USUAL_TYPES, moving=True
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """`tells_private`: own followers-only posts can be read back. `limit` is None where nothing was
    said."""

    replay: Replay = Replay.SEARCHABLE
    key_seconds: float = 0
    description_limit: int = DESCRIPTION_LIMIT
    tells_private: bool = False
    limit: TextLimit | None = None
    pictures: Limits = USUAL_PICTURES


def read_server(instance: Any) -> Server:
    """The class of a server by the `version` of its /api/v2/instance or v1: its own where it is a
    Mastodon ≥ 3 (a fork adds `+name`), the compatible one where it names Pleroma or its kin."""
    instance = instance if isinstance(instance, dict) else {}
    version = instance.get("version")
    version = version if isinstance(version, str) else ""
    media = dig(instance, "configuration", "media_attachments")
    key_seconds = _key_seconds(version)
    return Server(
        replay=Replay.KEYED if key_seconds else Replay.SEARCHABLE,
        key_seconds=key_seconds,
        description_limit=_number(media, "description_limit") or DESCRIPTION_LIMIT,
        tells_private=bool(key_seconds or re.match(r"0\.\d+\.\d+", version)),
        limit=_text_limit(instance, key_seconds == KEY_SECONDS),
        pictures=_pictures(media),
    )


def dig(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _key_seconds(version: str) -> float:
    if re.search(r"\(compatible; (Pleroma|Akkoma|Rebased)\b", version):
        return PLEROMA_KEY_SECONDS
    own = re.fullmatch(r"v?(\d+)\.\d+[^()]*", version)
    return KEY_SECONDS if own and int(own[1]) >= 3 else 0


def _text_limit(instance: dict[str, Any], mastodon: bool) -> TextLimit | None:
    """Mastodon counts what a reader sees as one character, and each link as a fixed length; its kin
    count code points and whole links, whatever they announce (Takahe says 23 and counts in full)."""
    statuses = dig(instance, "configuration", "statuses")
    maximum = _number(statuses, "max_characters") or _number(instance, "max_toot_chars")
    if maximum is None:
        return None
    if not mastodon:
        return TextLimit(unit="code-points", maximum=maximum)
    link = _number(statuses, "characters_reserved_per_url") or LIMIT.link_cost
    return TextLimit(unit="graphemes", maximum=maximum, link_cost=link)


def _pictures(media: Any) -> Limits:
    types = dig(media, "supported_mime_types")
    types = types if isinstance(types, list) else [MIME[name] for name in USUAL_TYPES]
    formats = tuple(name for name, mime in MIME.items() if mime in types)
    return Limits(
        size=_number(media, "image_size_limit") or IMAGE_BYTES,
        side=LONGEST_SIDE,
        area=min(_number(media, "image_matrix_limit") or IMAGE_AREA, PIXEL_CAP),
        formats=formats or ("JPEG", "PNG"),
        moving=True,
    )


def _number(value: Any, name: str) -> int | None:
    found = dig(value, name)
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else None
