"""Recorded requests against the networks' machine-readable contracts, where they are beside the
project (../shared/contracts); elsewhere nothing is checked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.fakes.http import Call

CONTRACTS = Path(__file__).resolve().parents[2].parent / "shared" / "contracts"


def mastodon_violations(call: Call) -> list[str]:
    """What the request breaks of the OpenAPI document of the Mastodon API."""
    document = _mastodon()
    if document is None:
        return []
    template = _template(call.path, document)
    operation = document["paths"].get(template, {}).get(call.method.lower())
    if operation is None:
        return [f"{call.method} {call.path}: not in the contract"]
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        return _body_errors(call, template)
    if "multipart/form-data" in content:
        known = set(content["multipart/form-data"]["schema"]["properties"])
        return [f"{call.path}: unknown field {name}" for name in set(call.multipart()) - known]
    names = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "query"}
    return [f"{call.path}: unknown parameter {name}" for name in set(call.query) - names]


def _body_errors(call: Call, template: str) -> list[str]:
    validator, names = _body_schema(template, call.method.lower())
    body = call.json()
    errors = [f"{call.path}: {error.message}" for error in validator.iter_errors(body)]
    unknown = set(body) - names if isinstance(body, dict) else ()
    return errors + [f"{call.path}: unknown field {name}" for name in unknown]


@cache
def _body_schema(template: str, method: str) -> tuple[Any, set[str]]:
    import jsonschema  # type: ignore[import-untyped, unused-ignore]

    document = _mastodon()
    assert document is not None
    body = document["paths"][template][method]["requestBody"]["content"]["application/json"]
    whole = body["schema"] | {"components": document["components"]}
    return jsonschema.Draft202012Validator(whole), _properties(body["schema"], document)


def _properties(schema: dict[str, Any], document: dict[str, Any]) -> set[str]:
    if "$ref" in schema:
        return _properties(
            document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]], document
        )
    # a form's `name[]` is `name` in JSON
    names = {name.removesuffix("[]") for name in schema.get("properties", ())}
    for word in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(word, ()):
            names |= _properties(part, document)
    return names


def _template(path: str, document: dict[str, Any]) -> str:
    if path in document["paths"]:
        return path
    parts = path.split("/")
    for template in document["paths"]:
        pieces = template.split("/")
        if len(pieces) == len(parts) and all(
            piece.startswith("{") or piece == part
            for piece, part in zip(pieces, parts, strict=True)
        ):
            return str(template)
    return path


@cache
def _mastodon() -> dict[str, Any] | None:
    file = CONTRACTS / "mastodon" / "dist" / "schema.json"
    if not file.exists():
        return None
    # text and media together match two of its alternatives: read oneOf as anyOf
    document: dict[str, Any] = json.loads(file.read_text().replace('"oneOf"', '"anyOf"'))
    return document


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
    elif kind == "integer" and value < schema.get("minimum", value):
        yield f"{path}: too small"
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


def misskey_violations(path: str, body: Any) -> list[str]:
    """What a body breaks of the schema that is derived from misskey-js."""
    name = "".join(part.capitalize() for part in path.removeprefix("/api/").split("/")) + "Request"
    validator = _misskey(name)
    if validator is None:
        return []
    return [f"{path}: {error.message}" for error in validator.iter_errors(body)]


@cache
def _misskey(name: str) -> Any:
    import jsonschema  # type: ignore[import-untyped, unused-ignore]

    files = sorted((CONTRACTS / "misskey").glob("*.schema.json"))
    if not files:
        return None
    definitions = json.loads(files[-1].read_text())["definitions"]
    schema = {"$ref": f"#/definitions/{name}", "definitions": definitions}
    return jsonschema.Draft7Validator(schema)


def x_violations(call: Call) -> list[str]:
    """What a JSON body or a query breaks of X's OpenAPI document."""
    document = _x()
    if document is None:
        return []
    operation = document["paths"].get(_template(call.path, document), {}).get(call.method.lower())
    if operation is None:
        return [f"{call.method} {call.path}: not in the contract"]
    content = operation.get("requestBody", {}).get("content", {})
    if "json" in call.headers.get("content-type", "") and call.body:
        validator = _x_body(content["application/json"]["schema"]["$ref"])
        return [f"{call.path}: {error.message}" for error in validator.iter_errors(call.json())]
    known = {_x_parameter(p, document)["name"] for p in operation.get("parameters", ())}
    if "post.fields" in known:  # so the document; the pages and tweepy say tweet.fields
        known.add("tweet.fields")
    return [f"{call.path}: unknown parameter {name}" for name in set(call.query) - known]


def _x_parameter(parameter: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in parameter:
        return parameter
    found: dict[str, Any] = document["components"]["parameters"][parameter["$ref"].split("/")[-1]]
    return found


@cache
def _x_body(ref: str) -> Any:
    import jsonschema  # type: ignore[import-untyped, unused-ignore]

    document = _x()
    assert document is not None
    return jsonschema.Draft4Validator({"$ref": ref, "components": document["components"]})


@cache
def _x() -> dict[str, Any] | None:
    file = CONTRACTS / "x" / "openapi.json"
    return json.loads(file.read_text()) if file.exists() else None
