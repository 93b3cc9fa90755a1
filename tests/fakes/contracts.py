"""Recorded requests against the networks' machine-readable contracts, where they are beside the
project (../shared/contracts); elsewhere nothing is checked."""

from __future__ import annotations

import json
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
    names = set(schema.get("properties", ()))
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
