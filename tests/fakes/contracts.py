"""Recorded requests against the networks' machine-readable contracts, where they are beside the
project (../shared/contracts); elsewhere nothing is checked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.fakes.http import Call

CONTRACTS = Path(__file__).resolve().parents[2].parent / "shared" / "contracts"


def mastodon_violations(call: Call) -> list[str]:
    """What a request breaks of the OpenAPI document of the Mastodon API."""
    # text and media together match two of its alternatives: read oneOf as anyOf
    document = _document("mastodon/dist/schema.json", '"oneOf"', '"anyOf"')
    # the document knows no forms; a list of one is a text there
    return OpenApi(document, forms_as_json=True).violations(call) if document else []


def x_violations(call: Call) -> list[str]:
    """What a request breaks of X's OpenAPI document, which does not tell of logins."""
    document = _document("x/openapi.json")
    if document is None or call.path == "/2/oauth2/token":
        return []
    # so the document; the pages and tweepy say tweet.fields. What a post refers to is a field of a
    # Post there, too, and only missing in the list of what can be asked for
    query = {name.replace("tweet.fields", "post.fields"): v for name, v in call.query.items()}
    query = {name: value.removesuffix(",referenced_tweets") for name, value in query.items()}
    return OpenApi(document).violations(call, query)


def misskey_violations(call: Call) -> list[str]:
    """What a body breaks of the schema that is derived from misskey-js."""
    names = [part.capitalize() for part in call.path.removeprefix("/api/").split("/")]
    name, body = "".join(names) + "Request", call.json()
    if call.path.startswith("/api/miauth/") or not (CONTRACTS / "misskey").exists():
        return []
    if call.path == "/api/i":  # the derived schema has its answer alone
        return [] if body == {} else [f"{call.path}: takes nothing"]
    if "multipart" in call.headers.get("content-type", ""):
        body = {
            n: data.decode() if file is None else {"size": len(data), "type": kind}
            for n, (file, kind, data) in call.multipart().items()
        }
    validator = _misskey(name)
    if validator is None:
        return [f"{call.path}: not in the contract"]
    return [f"{call.path}: {error.message}" for error in validator.iter_errors(body)]


@dataclass(frozen=True)
class OpenApi:
    """A document of OpenAPI 3: paths, parameters by their schemas, bodies by theirs."""

    document: Mapping[str, Any]
    forms_as_json: bool = False

    def violations(self, call: Call, query: Mapping[str, str] | None = None) -> list[str]:
        template = self._template(call.path)
        operation = self.document["paths"].get(template, {}).get(call.method.lower())
        if operation is None:
            return [f"{call.method} {call.path}: not in the contract"]
        found = self._parameter_errors(operation, call, template, query or call.query)
        return [
            f"{call.method} {call.path}: {error}"
            for error in found + self._body_errors(operation, call)
        ]

    def _parameter_errors(
        self, operation: Any, call: Call, template: str, query: Mapping[str, str]
    ) -> list[str]:
        known = [self._resolved(p) for p in operation.get("parameters", ())]
        pieces = zip(template.split("/"), call.path.split("/"), strict=True)
        path = {name[1:-1]: value for name, value in pieces if name.startswith("{")}
        given = {"query": query, "path": path}
        errors: list[str] = []
        for place, values in given.items():
            schemas = {p["name"].removesuffix("[]"): p["schema"] for p in known if p["in"] == place}
            errors += [f"unknown parameter {name}" for name in values if name not in schemas]
            for name in set(values) & set(schemas):
                typed = self._typed(values[name], schemas[name], split=True)
                errors += self._errors(schemas[name], typed)
        return errors

    def _body_errors(self, operation: Any, call: Call) -> list[str]:
        content = operation.get("requestBody", {}).get("content", {})
        if not content:
            return ["takes no body"] if call.body not in (b"", b"{}") else []
        kind = call.headers.get("content-type", "").split(";")[0]
        form = kind == "application/x-www-form-urlencoded" and self.forms_as_json
        schema = content.get("application/json" if form else kind, {}).get("schema")
        if schema is None:
            return [f"{kind} is not one of {sorted(content)}"]
        body = call.json()
        known = self._properties(schema)
        if form or kind == "multipart/form-data":
            texts = (
                call.form()
                if form
                else {n: d.decode("latin-1") for n, (_, _, d) in call.multipart().items()}
            )
            body = {n: self._typed(v, known.get(n, {}), split=False) for n, v in texts.items()}
        unknown = set(body) - set(known) if isinstance(body, dict) else ()
        return [*self._errors(schema, body), *(f"unknown field {name}" for name in unknown)]

    def _errors(self, schema: Any, value: Any) -> list[str]:
        import jsonschema  # type: ignore[import-untyped, unused-ignore]

        whole = {"allOf": [schema], "components": self.document["components"]}
        return [
            error.message for error in jsonschema.Draft202012Validator(whole).iter_errors(value)
        ]

    def _typed(self, text: str, schema: Any, *, split: bool) -> Any:
        """A text of a query or a form as what the schema says it is; else as it is."""
        schema = self._resolved(schema)
        kind = schema.get("type")
        if kind == "integer" and re.fullmatch(r"-?\d+", text):
            return int(text)
        if kind == "boolean" and text in ("true", "false"):
            return text == "true"
        if kind == "array":
            return text.split(",") if split else [text]
        return text

    def _properties(self, schema: Any) -> dict[str, Any]:
        schema = self._resolved(schema)
        # a form's `name[]` is `name` in JSON
        found = {
            name.removesuffix("[]"): part for name, part in schema.get("properties", {}).items()
        }
        for word in ("allOf", "anyOf", "oneOf"):
            for part in schema.get(word, ()):
                found |= self._properties(part)
        return found

    def _resolved(self, value: Any) -> Any:
        while "$ref" in value:
            place = self.document
            for name in value["$ref"].removeprefix("#/").split("/"):
                place = place[name]
            value = place
        return value

    def _template(self, path: str) -> str:
        paths = self.document["paths"]
        if path in paths:
            return path
        parts = path.split("/")
        for template in paths:
            pieces = template.split("/")
            if len(pieces) == len(parts) and all(
                piece.startswith("{") or piece == part
                for piece, part in zip(pieces, parts, strict=True)
            ):
                return str(template)
        return path


@cache
def _document(name: str, old: str = "", new: str = "") -> dict[str, Any] | None:
    file = CONTRACTS / name
    if not file.exists():
        return None
    text = file.read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text.replace(old, new) if old else text)
    return document


@cache
def _misskey(name: str) -> Any:
    import jsonschema  # type: ignore[import-untyped, unused-ignore]

    file = sorted((CONTRACTS / "misskey").glob("*.schema.json"))[-1]
    definitions = json.loads(file.read_text(encoding="utf-8"))["definitions"]
    if name not in definitions:
        return None
    schema = {"$ref": f"#/definitions/{name}", "definitions": definitions}
    return jsonschema.Draft7Validator(schema)
