"""The author's word: front matter `social: {text, priority, at, tags, link, skip, cw, fit, x: {…}}`.

What stands under a network's name holds for that network and wins over the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any

from bot.i18n import Message, msg
from bot.model import Json
from bot.settings import NETWORKS

LINKS = ("always", "auto", "never")


@dataclass(frozen=True, slots=True, kw_only=True)
class Social:
    """None: the author did not say."""

    text: str | None = None
    fit: bool = False
    priority: int | None = None
    at: datetime | str | None = None
    tags: tuple[str, ...] | None = None
    link: str | None = None
    skip: bool = False
    cw: str | None = None


KEYS = tuple(Social.__dataclass_fields__)


def social_for(social: Json, network: str) -> Social:
    """The author's word for a network. What cannot be is left out: `social_problems` tells it."""
    own = social.get(network)
    merged = {**social, **(own if isinstance(own, Mapping) else {})}
    values = {key: _read(key, merged[key]) for key in KEYS if key in merged}
    return Social(**{key: value for key, value in values.items() if value is not None})


def social_problems(social: Json) -> tuple[Message, ...]:
    """Unknown keys with the nearest known one, and values of the wrong kind."""
    return tuple(_problems(social, "social", (*KEYS, *NETWORKS)))


def _problems(table: Json, path: str, known: tuple[str, ...]) -> Iterator[Message]:
    for key, value in table.items():
        place = f"{path}.{key}"
        if key not in known:
            near = get_close_matches(str(key).lower(), known, 1, 0.5)
            if near:
                yield msg("`{key}` is unknown; did you mean `{near}`?", key=place, near=near[0])
            else:
                yield msg(
                    "`{key}` is unknown; known are {names}", key=place, names=", ".join(known)
                )
        elif key in KEYS and _read(key, value) is None and value is not None:
            yield msg("`{key}` cannot be {value}", key=place, value=str(value)[:40])
        elif key not in KEYS and isinstance(value, Mapping):
            yield from _problems(value, place, KEYS)
        elif key not in KEYS:
            yield msg("`{key}` holds settings of its own, like {{text: …}}", key=place)


def _read(key: str, value: Any) -> Any:
    """The value as `Social` holds it; None where it is of another kind."""
    if key in ("text", "cw"):
        return value if isinstance(value, str) and value.strip() else None
    if key in ("skip", "fit"):
        return value if isinstance(value, bool) else None
    if key == "priority":
        return value if isinstance(value, int) and not isinstance(value, bool) else None
    if key == "at":
        return value if isinstance(value, str | datetime | date) else None
    if key == "tags":
        return _texts(value)
    if isinstance(value, bool):
        return "always" if value else "never"
    return value if value in LINKS else None


def _texts(value: Any) -> tuple[str, ...] | None:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list | tuple):
        return tuple(str(tag) for tag in value)
    return None
