"""The author's word: front matter `social: {text, priority, at, tags, link, skip, cw, fit, x: {…}}`.

What stands under a network's name holds for that network and wins over the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any, NamedTuple

from bot.i18n import Message, msg
from bot.model import Json
from bot.settings import LINKS, NETWORKS

UNKNOWN, VALUE, TIME = "social-unknown-key", "social-value", "social-at"


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


class Slip(NamedTuple):
    """What is wrong at a key of front matter, from `social` on."""

    keys: tuple[str, ...]
    code: str
    message: Message


def social_problems(
    social: Json, is_time: Callable[[str], bool] = lambda text: True
) -> tuple[Slip, ...]:
    """Unknown keys with the nearest known one, and values of the wrong kind."""
    return tuple(_problems(social, ("social",), (*KEYS, *NETWORKS), is_time))


def line_of(matter: str, keys: tuple[str, ...]) -> int | None:
    """The line of a key in front matter of any kind: each key is looked for after the one around
    it. None where one is not there."""
    at = 0
    for key in keys:
        name = rf"(?:^|(?<=[\s,{{\[.\"']))({re.escape(key)})[\"']?\s*[:=.\]]"
        found = re.compile(name, re.I | re.M).search(matter, at)
        if found is None:
            return None
        at = found.start(1)
    return matter.count("\n", 0, at) + 1


def _problems(
    table: Json, path: tuple[str, ...], known: tuple[str, ...], is_time: Callable[[str], bool]
) -> Iterator[Slip]:
    for key, value in table.items():
        keys = (*path, str(key))
        place = ".".join(keys)
        if key not in known:
            yield Slip(keys, UNKNOWN, _unknown(place, str(key), known))
        elif key in KEYS and _read(key, value) is None and value is not None:
            said = msg("`{key}` cannot be {value}", key=place, value=str(value)[:40])
            yield Slip(keys, VALUE, said)
        elif key == "at" and isinstance(value, str) and not is_time(value):
            said = msg(
                "`{key}` is no time: {value} (write it like 2026-12-24 18:00)",
                key=place,
                value=value[:40],
            )
            yield Slip(keys, TIME, said)
        elif key not in KEYS and isinstance(value, Mapping):
            yield from _problems(value, keys, KEYS, is_time)
        elif key not in KEYS:
            said = msg("`{key}` holds settings of its own, like {{text: …}}", key=place)
            yield Slip(keys, VALUE, said)


def _unknown(place: str, key: str, known: tuple[str, ...]) -> Message:
    near = get_close_matches(key.lower(), known, 1, 0.5)
    if near:
        return msg("`{key}` is unknown; did you mean `{near}`?", key=place, near=near[0])
    return msg("`{key}` is unknown; known are {names}", key=place, names=", ".join(known))


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
