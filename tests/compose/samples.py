"""Posts, limits and the shared cases that the tests of compose stand on."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.model import Draft, Image, Post, Summary, TextLimit
from bot.settings import Account, Site

SHARED = Path(__file__).parents[3] / "shared"
CONFORMANCE = SHARED / "contracts" / "twitter-text" / "conformance"

X = TextLimit(unit="x-weighted", maximum=280, link_cost=23)
BLUESKY = TextLimit(unit="graphemes", maximum=300, byte_cap=3000)
MASTODON = TextLimit(unit="graphemes", maximum=500, link_cost=23)
MISSKEY = TextLimit(unit="code-points", maximum=3000)
FILE = TextLimit(unit="code-points", maximum=None)
LIMITS = {"x": X, "bluesky": BLUESKY, "mastodon": MASTODON, "misskey": MISSKEY, "file": FILE}

SITE = Site(url="https://example.com/", title="例のサイト", language="ja", author="山田")
LINK = "https://example.com/posts/plain/"
COVER = Image(alt="A plain picture", file="/site/static/a.png", shown="static/a.png")

JAPANESE = (
    "新しい処理系が公開され、起動時間が従来の3分の1になったと開発元が発表した。",
    "「小さな会社（従業員20人以下）」でも導入できるよう、料金は月額1,500円からに抑えられている。",
    "移行の手順書と、既存の設定を読み替える道具が同時に用意された。",
)
ENGLISH = (
    "The new runtime starts in a third of the time, its makers say.",
    "Small companies (20 people or fewer) pay 12 dollars a month.",
)


def post(**changes: Any) -> Post:
    lines = changes.pop("lines", JAPANESE)
    values: dict[str, Any] = {
        "path": "content/posts/plain.md",
        "source": "",
        "url": LINK,
        "title": "起動の速い処理系が公開、料金は月額1,500円から",
        "date": datetime(2026, 2, 10, tzinfo=UTC),
        "lastmod": None,
        "language": "ja",
        "tags": ("処理系", "ニュース", "GenAI"),
        "categories": (),
        "summary": Summary(lines=lines, source="section"),
        "cover": COVER,
        "content_hash": "0",
        "visible": True,
        "why_not": None,
    }
    return Post(**(values | changes))


def account(network: str = "x", **changes: Any) -> Account:
    return Account(name=f"my-{network}", network=network, **changes)


def text(draft: Draft) -> str:
    return draft.parts[0].text


def shared_json(name: str) -> Any:
    return json.loads(_shared(SHARED / "cases" / name))


def conformance(name: str) -> Any:
    return _yaml(CONFORMANCE / name)


@cache
def _yaml(path: Path) -> Any:
    return yaml.load(_shared(path), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["tests"]


def _shared(path: Path) -> str:
    if not path.exists():
        pytest.skip(f"{path.name} is not beside this repository")
    return path.read_text(encoding="utf-8")
