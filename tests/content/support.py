"""What the tests of this room share: sites in a temporary folder, and the measured cases."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.content.rules import SiteRules
from bot.settings import SummarySettings

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (40).to_bytes(4, "big") + (30).to_bytes(4, "big")
JPEG = (
    b"\xff\xd8\xff\xc0\x00\x11\x08"
    + (30).to_bytes(2, "big")
    + (40).to_bytes(2, "big")
    + b"\x03" * 9
)


def shared_json(name: str) -> Any:
    """A file of measured cases; the test is skipped where they are not beside the repository."""
    file = SHARED / "cases" / name
    if not file.is_file():
        pytest.skip(f"{name} is not beside this repository")
    return json.loads(file.read_text(encoding="utf-8"))


def rules_at(root: Path, **more: Any) -> SiteRules:
    """A site in `root` as config.toml would describe it."""
    settings = SummarySettings()
    values: dict[str, Any] = {
        "root": str(root),
        "content": str(root / "content"),
        "static": (str(root / "static"),),
        "assets": str(root / "assets"),
        "url": "https://example.com/",
        "language": "ja",
        "timezone": "Asia/Tokyo",
        "permalink": "/posts/:slugorfilename/",
        "headings": settings.headings,
        "aliases": settings.aliases,
    }
    return SiteRules(**{**values, **more})


def write(file: Path, text: str | bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file
