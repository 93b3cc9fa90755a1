"""Requests and records against the AT Protocol's lexicons, where they are beside the project."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from tests.fakes.contracts import CONTRACTS

if TYPE_CHECKING:
    from tests.fakes.http import Call


def xrpc_violations(call: Call) -> list[str]:
    """What a request breaks of its method's lexicon: verb, parameters, input and its encoding."""
    name = call.path.removeprefix("/xrpc/")
    if not (CONTRACTS / "atproto").exists():
        return []
    main = _lexicon(name).get("main", {})
    verb = {"query": "GET", "procedure": "POST"}.get(main.get("type", ""))
    if call.method != verb:
        return [f"{call.method} {call.path}: not in the contract"]
    if verb == "GET":
        return list(_lexicon_errors(_as_object(main), _typed(main, call.query), name, "$"))
    wanted, given = main.get("input"), call.headers.get("content-type", "")
    if wanted is None:
        return [f"{call.path}: takes no input"] if call.body else []
    if wanted["encoding"] not in ("*/*", given):
        return [f"{call.path}: {given} is not {wanted['encoding']}"]
    if wanted["encoding"] == "*/*":
        return [] if given and call.body else [f"{call.path}: no input, or no type"]
    return list(_lexicon_errors(wanted["schema"], call.json(), name, "$"))


def _as_object(main: dict[str, Any]) -> dict[str, Any]:
    return {"properties": {}, **main.get("parameters", {}), "type": "object"}


def _typed(main: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
    """A query's texts as what the lexicon says they are."""
    known = main.get("parameters", {}).get("properties", {})
    whole = {name for name, part in known.items() if part["type"] == "integer"}
    return {n: int(v) if n in whole and v.isdigit() else v for n, v in query.items()}


def lexicon_violations(name: str, value: Any) -> list[str]:
    """What a value breaks of an AT Protocol lexicon: the input of a procedure, or a record."""
    main = _lexicon(name)["main"] if _lexicon(name) else None
    if main is None:
        return []
    schema = main["record"] if main["type"] == "record" else main["input"]["schema"]
    return list(_lexicon_errors(schema, value, name, "$"))


def _lexicon_errors(schema: dict[str, Any], value: Any, home: str, path: str) -> Iterator[str]:
    kind = schema["type"]
    if kind == "ref":
        yield from _lexicon_errors(*_lexicon_ref(schema["ref"], home, value, path))
    elif kind == "union":
        refs = schema["refs"]
        named = value.get("$type") if isinstance(value, dict) else None
        found = next((ref for ref in refs if named in (ref, home + ref)), None)
        if found is None:
            yield f"{path}: $type {named} is none of {sorted(refs)}"
        else:
            yield from _lexicon_errors(*_lexicon_ref(found, home, value, path))
    elif kind == "object":
        yield from _lexicon_object(schema, value, home, path)
    elif kind == "array":
        if not isinstance(value, list) or len(value) > schema.get("maxLength", 10**6):
            yield f"{path}: no array, or too long"
            return
        for number, item in enumerate(value):
            yield from _lexicon_errors(schema["items"], item, home, f"{path}[{number}]")
    elif kind in _LEXICON_TYPES and not isinstance(value, _LEXICON_TYPES[kind]):
        yield f"{path}: no {kind}"
    elif kind == "string":
        yield from _lexicon_string(schema, value, path)
    elif kind == "integer" and not (
        schema.get("minimum", value) <= value <= schema.get("maximum", value)
    ):
        yield f"{path}: too small or too large"
    elif kind == "blob" and value.get("size", 0) > schema.get("maxSize", 10**9):
        yield f"{path}: blob too big"


_LEXICON_TYPES: dict[str, Any] = {"string": str, "integer": int, "boolean": bool, "blob": dict}


def _lexicon_object(schema: dict[str, Any], value: Any, home: str, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: no object"
        return
    yield from (f"{path}: {n} is missing" for n in schema.get("required", ()) if n not in value)
    known = schema.get("properties", {})
    yield from (f"{path}: unknown field {n}" for n in value if n not in known and n != "$type")
    for name, part in known.items():
        nullable = name in schema.get("nullable", ())
        if name in value and not (nullable and value[name] is None):
            yield from _lexicon_errors(part, value[name], home, f"{path}.{name}")


def _lexicon_string(schema: dict[str, Any], value: str, path: str) -> Iterator[str]:
    import regex  # type: ignore[import-untyped, unused-ignore]

    graphemes = len(regex.findall(r"\X", value))
    if graphemes > schema.get("maxGraphemes", graphemes):
        yield f"grapheme too big (maximum {schema['maxGraphemes']}, got {graphemes}) at {path}"
    size = len(value.encode("utf-8", "replace"))
    if size > schema.get("maxLength", size):
        yield f"string too big (maximum {schema['maxLength']}, got {size}) at {path}"
    pattern = _LEXICON_FORMATS.get(schema.get("format", ""))
    if pattern and not re.fullmatch(pattern, value):
        yield f"Invalid {schema['format']} at {path}"


_LEXICON_FORMATS = {
    "datetime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
    "uri": r"[a-z][a-z0-9+.-]*:\S+",
    "at-uri": r"at://\S+",
    "did": r"did:[a-z]+:\S+",
    "cid": r"baf\w+",
    "at-identifier": r"did:[a-z]+:\S+|[a-z0-9-]+(\.[a-z0-9-]+)+",
    "handle": r"[a-z0-9-]+(\.[a-z0-9-]+)+",
    "nsid": r"[a-z0-9-]+(\.[a-zA-Z0-9-]+){2,}",
    "record-key": r"[A-Za-z0-9._:~-]{1,512}",
    "tid": r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}",
    "language": r"[A-Za-z]{2,3}(-[A-Za-z0-9]+)*",
}


def _lexicon_ref(
    ref: str, home: str, value: Any, path: str
) -> tuple[dict[str, Any], Any, str, str]:
    name, _, part = ref.partition("#")
    name = name or home
    return _lexicon(name)[part or "main"], value, name, path


@cache
def _lexicon(name: str) -> dict[str, Any]:
    file = CONTRACTS / "atproto" / "lexicons" / (name.replace(".", "/") + ".json")
    if not file.exists():
        return {}
    defs: dict[str, Any] = json.loads(file.read_text())["defs"]
    return defs
