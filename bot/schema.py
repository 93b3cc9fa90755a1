"""What a setting may be: the types and metadata of `bot.settings`, as checks of one value.

Pure. An error says what is expected; it repeats only what can be no secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, timedelta
from functools import cache
from math import isfinite
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints
from urllib.parse import parse_qs, urlsplit

from bot.i18n import Message, msg
from bot.settings import Secret
from bot.timetable import parse_quiet, parse_slots

_LARGEST = 1_000_000_000
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")

BACKSLASH = msg("A backslash needs single quotes around the text: 'C:\\blog', not \"C:\\blog\".")


class Spec(NamedTuple):
    """One setting: `type` without None; `table` where it is a dataclass of its own, `tables` where
    it is a list of these (`type` is then that of one); `or_name` where a text may stand instead of
    the number; `one` and `built_in` as `setting` has them."""

    type: Any
    default: Any
    doc: str
    table: bool
    tables: bool
    choices: tuple[str, ...]
    least: float | None
    check: str | None
    networks: tuple[str, ...]
    or_secret: bool
    or_name: bool
    one: bool
    built_in: Mapping[str, Any]

    @property
    def required(self) -> bool:
        return self.default is MISSING and not self.table


class Refused(Exception):
    """A value that cannot be."""

    def __init__(self, code: str, message: Message, hint: Message | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.hint = code, message, hint


@cache
def schema(cls: type) -> Mapping[str, Spec]:
    """The settings of a dataclass, by name, in its order."""
    hints = get_type_hints(cls)
    return {f.name: _spec(hints[f.name], f.default, f.metadata) for f in fields(cls)}


def checked(key: str, spec: Spec, value: Any) -> Any:
    """`value` as the dataclass holds it. Raises Refused."""
    wanted = str if spec.or_name and type(value) is str else spec.type
    value = _converted(key, wanted, [value] if spec.one and type(value) is str else value)
    if value == spec.default:
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        _number(key, spec, value)
    for one in value if isinstance(value, tuple) else (value,):
        if spec.choices and one not in spec.choices:
            raise Refused(
                "config-value",
                msg("`{key}` cannot be “{value}”.", key=key, value=one),
                near_or_all(one, [choice for choice in spec.choices if choice]),
            )
    if spec.check and not (spec.or_name and wanted is not str):
        _CHECKS[spec.check](key, value)
    return value


def near_or_all(name: str, known: Collection[str]) -> Message:
    """The nearest of the known names, or all of them where none is near."""
    near = nearest(name, known)
    if near:
        return msg("Did you mean `{near}`?", near=near)
    return msg("Known here: {names}.", names=", ".join(known))


def nearest(name: str, known: Collection[str]) -> str | None:
    """The known name that `name` is most likely a slip of."""
    from difflib import get_close_matches

    by_lower = {candidate.lower(): candidate for candidate in known}
    found = get_close_matches(name.lower().replace("-", "_"), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def parse_duration(text: str) -> timedelta:
    """`90s`, `5m`, `36h`, `3d`, `2w`, or several: `1d 12h`. ValueError where it is none."""
    if not re.fullmatch(r"\s*(?:[0-9]{1,9}\s*[smhdw]\s*)+", text):
        raise ValueError("not a duration")
    pairs = re.findall(r"([0-9]+)\s*([smhdw])", text)
    try:
        return sum((timedelta(**{_UNITS[unit]: int(n)}) for n, unit in pairs), timedelta())
    except OverflowError:
        raise ValueError("too long") from None


def _spec(hint: Any, default: Any, more: Mapping[str, Any]) -> Spec:
    bare = [arg for arg in get_args(hint) if arg is not type(None)]
    or_secret = Secret in bare and str in bare
    or_name = float in bare and str in bare
    if type(None) in get_args(hint) or or_secret:
        hint = bare[0]
    row = get_args(hint)[0] if get_origin(hint) is tuple else None
    tables = is_dataclass(row)
    hint = row if tables else hint
    choices = more.get("choices", ())
    if get_origin(hint) is Literal:
        hint, choices = str, get_args(hint)
    return Spec(
        type=hint,
        default=default,
        doc=more.get("doc", ""),
        table=is_dataclass(hint) and hint is not Secret and not tables,
        tables=tables,
        choices=tuple(choices),
        least=more.get("least"),
        check=more.get("check"),
        networks=tuple(more.get("networks", ())),
        or_secret=or_secret,
        or_name=or_name,
        one=bool(more.get("one")),
        built_in=more.get("built_in", {}),
    )


# --- types --------------------------------------------------------------------------------------

_WORDS: Mapping[Any, Message] = {
    str: msg('text in quotes ("…")'),
    bool: msg("true or false"),
    int: msg("a whole number"),
    float: msg("a number"),
    tuple: msg('a list of texts (["…", "…"])'),
    dict: msg("a table"),
    date: msg("a date, without quotes (2026-04-20)"),
}
_GIVEN: Mapping[Any, Message] = {
    str: msg("text"),
    bool: msg("true or false"),
    int: msg("a number"),
    float: msg("a number"),
    list: msg("a list"),
    dict: msg("a table"),
}
_OTHER = msg("a date or time")


def _converted(key: str, wanted: Any, value: Any) -> Any:
    if wanted is float and type(value) is int:
        return float(value) if abs(value) <= _LARGEST else _LARGEST + 1.0
    if wanted in (str, bool, int, float, date) and type(value) is wanted:
        return _clean(key, value) if wanted is str else value
    origin = get_origin(wanted)
    if origin is tuple and isinstance(value, list) and all(type(item) is str for item in value):
        return tuple(_clean(key, item) for item in value)
    if origin is not None and issubclass(origin, Mapping) and isinstance(value, dict):
        of = get_args(wanted)[1]
        return {name: _converted(f"{key}.{name}", of, item) for name, item in value.items()}
    raise wrong_type(key, origin or wanted, value)


def wrong_type(key: str, wanted: Any, value: Any) -> Refused:
    """The error for a value of another type, in the reader's words."""
    words = _WORDS.get(wanted, _WORDS[dict])
    got = _GIVEN.get(type(value), _OTHER)
    if isinstance(value, list) and wanted is tuple:
        message = msg(
            "`{key}` must be {wanted}; one of its items is no text.", key=key, wanted=words
        )
    else:
        message = msg("`{key}` must be {wanted}, not {got}.", key=key, wanted=words, got=got)
    return Refused("config-type", message)


def _clean(key: str, text: str) -> str:
    if _CONTROL.search(text):
        message = msg("`{key}` holds a control character.", key=key)
        raise Refused("config-value", message, BACKSLASH)
    return text


# --- checks -------------------------------------------------------------------------------------


def _number(key: str, spec: Spec, value: float) -> None:
    if spec.least is not None and not value >= spec.least:
        message = msg("`{key}` must be {least} or more.", key=key, least=spec.least)
        raise Refused("config-value", message)
    if not isfinite(value) or abs(value) > _LARGEST:
        raise Refused("config-value", msg("`{key}` is too large.", key=key))


def _url(key: str, value: str) -> None:
    try:
        parts = urlsplit(value)
        whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        whole = False
    if not whole or parts.username is not None or re.search(r"[\s?#\\]", value):
        raise Refused(
            "config-value",
            msg("`{key}` must be a whole address.", key=key),
            msg("Like https://example.com/: with https://, without spaces, ?, # or a user name."),
        )


def _timezone(key: str, value: str) -> None:
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise Refused(
            "config-value",
            msg("There is no time zone “{value}”.", value=value),
            _near_zone(value, zoneinfo.available_timezones()),
        ) from None


def _near_zone(value: str, zones: Collection[str]) -> Message:
    near = nearest(value, sorted(zones)) or nearest(
        value, sorted(zone.split("/")[-1] for zone in zones)
    )
    whole = next((zone for zone in sorted(zones) if near and zone.endswith(near)), "Asia/Tokyo")
    return msg("Write its IANA name, like {zone}.", zone=whole)


def _language(key: str, value: str) -> None:
    if not _LANGUAGE.fullmatch(value):
        raise Refused(
            "config-value",
            msg("`{key}` must be a language code.", key=key),
            msg("Like ja, en or pt-BR, with a hyphen."),
        )


def _duration(key: str, value: str) -> None:
    try:
        parse_duration(value)
    except ValueError:
        raise Refused(
            "config-value",
            msg("`{key}` must be a length of time.", key=key),
            msg('Like "90s", "5m", "36h", "3d" or "2w".'),
        ) from None


def _positive(key: str, value: str) -> None:
    _duration(key, value)
    if not parse_duration(value):
        raise Refused("config-value", msg("`{key}` must be longer than nothing.", key=key))


def _age(key: str, value: str) -> None:
    """Empty: no age is too much."""
    if value:
        _positive(key, value)


def _slots(key: str, value: tuple[str, ...]) -> None:
    try:
        parse_slots(value)
    except ValueError as error:
        raise Refused(
            "config-value",
            msg("“{word}” in `{key}` cannot be read.", word=str(error), key=key),
            msg('Like "mon-fri 08:00,12:10,19:00", "08:00" for every day, or cron: "0 8 * * 1-5".'),
        ) from None


def _quiet(key: str, value: str) -> None:
    try:
        parse_quiet(value)
    except ValueError:
        raise Refused(
            "config-value",
            msg("`{key}` must be hours of the day, and leave some of it.", key=key),
            msg('Like "23:00-07:00", or "12:00-13:00, 23:00-07:00".'),
        ) from None


def _order(key: str, value: tuple[str, ...]) -> None:
    if len(set(value)) < len(value) or {"newest", "oldest"} <= set(value):
        raise Refused(
            "config-value",
            msg("`{key}` names each once, and either newest or oldest.", key=key),
            msg('Like ["priority", "oldest"].'),
        )


def _store(key: str, value: str) -> None:
    """A password in the address of a database is a secret."""
    try:
        parts = urlsplit(value)
        holds = bool(parts.password) or "password" in parse_qs(parts.query)
    except ValueError:
        holds = False
    if holds:
        raise Refused(
            "config-secret",
            msg("`{key}` holds a password, and a secret never stands here.", key=key),
            msg('Write {key} = {{ env = "DATABASE_URL" }} and set that variable.', key=key),
        )


def _name(key: str, value: str) -> None:
    if not value.strip() or value != value.strip() or "\n" in value:
        raise Refused("config-value", msg("`{key}` is empty, or has spaces around it.", key=key))


_CHECKS: Mapping[str, Callable[[str, Any], None]] = {
    "url": _url,
    "timezone": _timezone,
    "language": _language,
    "duration": _duration,
    "positive-duration": _positive,
    "age": _age,
    "slots": _slots,
    "quiet": _quiet,
    "order": _order,
    "name": _name,
    "store": _store,
}
