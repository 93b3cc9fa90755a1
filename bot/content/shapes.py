"""Values of the front matter that are of another kind than their keys want. The post goes on
without them; what is wrong is said. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.i18n import Message, msg

_TEXT = ("title", "slug", "url", "description", "layout", "translationkey", "id", "guid")
_TEXTS = ("tags", "categories", "aliases")
_COVER = ("cover",)
_TABLE = ("social", "build", "_build")
_YES_OR_NO = ("draft", "headless")
_WORDS = frozenset(("", "true", "false", "yes", "no", "on", "off", "y", "n", "t", "f", "1", "0"))

WANTED: Mapping[str, Message] = {
    **dict.fromkeys(_TEXT, msg("one text")),
    **dict.fromkeys(_TEXTS, msg("a list of texts")),
    **dict.fromkeys(_COVER, msg("a path, or a table with `image`")),
    **dict.fromkeys(_TABLE, msg("a table")),
    **dict.fromkeys(_YES_OR_NO, msg("true or false")),
}


def wrong(matter: Mapping[str, Any]) -> Iterator[tuple[str, Message, Message]]:
    """Each key whose value cannot be used, what it wants, and what stands there."""
    for key, value in matter.items():
        wanted = WANTED.get(key)
        if wanted is not None and value is not None and not _fits(key, value):
            yield key, wanted, kind_of(value)


def _fits(key: str, value: Any) -> bool:
    if key in _TEXT:
        return not isinstance(value, dict | list)
    if key in _TEXTS:
        items = value if isinstance(value, list) else [value]
        number = key == "aliases" and not all(isinstance(item, str) for item in items)
        return not number and not any(isinstance(item, dict | list) for item in items)
    if key in _COVER:
        return isinstance(value, str | dict)
    if key in _TABLE:
        return isinstance(value, dict)
    return str(value).strip().lower() in _WORDS and not isinstance(value, dict | list)


def kind_of(value: Any) -> Message:
    if isinstance(value, dict):
        return msg("a table")
    if isinstance(value, list):
        inner = next((item for item in value if isinstance(item, dict | list)), None)
        return msg("a list") if inner is None else msg("a list that holds more than texts")
    if isinstance(value, bool):
        return msg("true or false")
    if isinstance(value, int | float):
        return msg("a number")
    return msg("a text")
