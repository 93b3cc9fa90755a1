"""Drafts as JSON and back: the same value is previewed, stored and sent."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bot.i18n import Message
from bot.model import Draft, Image, Json, Measure, Part


def draft_json(draft: Draft) -> dict[str, Any]:
    """A Draft as the ledger keeps it. JSON has no tuples, so neither has this."""
    kept = asdict(draft)
    kept["left_out"] = [{"t": m.template, "v": dict(m.values)} for m in draft.left_out]
    return dict(_listed(kept))


def draft_from(kept: Json) -> Draft:
    """What `draft_json` kept."""
    values = dict(kept)
    values["parts"] = tuple(
        Part(text=p["text"], measures=tuple(Measure(**m) for m in p["measures"]))
        for p in kept["parts"]
    )
    values["images"] = tuple(Image(**image) for image in kept["images"])
    values["hashtags"] = tuple(kept["hashtags"])
    values["left_out"] = tuple(Message(m["t"], m["v"]) for m in kept["left_out"])
    return Draft(**values)


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _listed(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_listed(item) for item in value]
    return value if value is None or isinstance(value, str | int | float) else str(value)
