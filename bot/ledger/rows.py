"""Rows to values and back: enums, JSON and tuples as the columns keep them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy import Row

from bot.model import Article, Delivery, Replay, State, Target, TextLimit

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_JSON = ("draft", "payload", "remote_extra")
ARTICLE = tuple(f.name for f in fields(Article))
_TARGET = tuple(f.name for f in fields(Target))
_DELIVERY = tuple(f.name for f in fields(Delivery))


def clean(text: str) -> str:
    """NUL and lone surrogates cannot be stored (PostgreSQL refuses them): they become U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def to_columns(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as the deliveries table keeps them."""
    return {name: _column(name, value) for name, value in values.items()}


def delivery_columns(delivery: Delivery) -> dict[str, Any]:
    return to_columns({name: getattr(delivery, name) for name in _DELIVERY})


def to_delivery(row: Row[Any]) -> Delivery:
    kept = row._mapping
    values = {name: kept[name] for name in _DELIVERY if name in kept}
    for name in _JSON:
        if values.get(name) is not None:
            values[name] = json.loads(values[name])
    values["state"] = State(values["state"])
    values["replay"] = Replay(values["replay"]) if values.get("replay") else None
    values["notes"] = tuple(json.loads(values.get("notes") or "[]"))
    return Delivery(**values)


LIGHT = (
    *("id", "subject", "account", "network", "kind", "generation", "part", "state", "due"),
    *("reason", "path", "url", "fence", "frozen", "remote_url", "error", "error_code"),
    *("spent_at", "linked", "exact", "sent_at", "created_at"),
)
"""The columns of a row that is not about to move."""


def to_light(row: Row[Any], shared: dict[str, str] | None = None) -> Delivery:
    """`shared`: what the rows of one reading have in common (a post's path and address, an
    account's name) is kept there once: of ten thousand rows that is half of the memory."""
    same = {} if shared is None else shared
    values: dict[str, Any] = {
        name: same.setdefault(kept, kept) if type(kept) is str else kept
        for name, kept in zip(LIGHT, row, strict=True)
    }
    values["state"] = State(values["state"])
    return Delivery(**values)


def to_article(row: Row[Any]) -> Article:
    """A row of the columns `ARTICLE`."""
    return Article(**dict(zip(ARTICLE, row, strict=True)))


def article_columns(article: Article) -> dict[str, Any]:
    return {name: _column(name, getattr(article, name)) for name in ARTICLE}


def to_target(row: Row[Any]) -> Target:
    values = {name: row._mapping[name] for name in _TARGET}
    learnt = values["learnt"]
    values["learnt"] = TextLimit(**json.loads(learnt)) if learnt else None
    return Target(**values)


def _column(name: str, value: Any) -> Any:
    if name in _JSON and value is not None:
        return clean(json.dumps(value, ensure_ascii=False, sort_keys=True))
    if name == "notes":
        return clean(json.dumps(list(value), ensure_ascii=False))
    if isinstance(value, State | Replay):
        return value.value
    return clean(value) if isinstance(value, str) else value
