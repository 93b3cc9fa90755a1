"""Front matter as Hugo 0.168 reads it. What makes Hugo's build fail is a problem here, never a post
that is published without what it said."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.content.reader import read_page
from bot.errors import ContentError

from .support import NOW, rules_at, shared_json

# Where bot means to differ from Hugo 0.168, and why.
EXPLAINED = {
    "yaml-utf16": "not UTF-8: Hugo publishes the bytes as garbage, bot says it",
    "yaml-invalid-utf8": "not UTF-8: as above",
    "yaml-sjis": "not UTF-8: as above",
}


def test_every_case_that_is_not_explained(tmp_path: Path) -> None:
    cases = shared_json("frontmatter.json")["cases"]
    rules = rules_at(tmp_path, permalink=None, build_drafts=True, build_future=True)
    wrong: list[str] = []
    for name, case in cases.items():
        if name in EXPLAINED:
            continue
        data = bytes.fromhex(case["bytes_hex"]) if "bytes_hex" in case else case["text"].encode()
        path = str(tmp_path / "content" / "posts" / f"{name}.md")
        wrong += [f"{name}: {text}" for text in _differences(data, path, case["hugo_0.168"], rules)]
    assert not wrong, "\n".join(wrong)


def _differences(data: bytes, path: str, hugo: Any, rules: Any) -> list[str]:
    try:
        page = read_page(data, f"content/posts/{Path(path).name}", path, rules)
    except ContentError as error:
        said = error.path and error.hint
        return [] if hugo == "ERROR" and said else [f"{error} at {error.place}"]
    post = page.at(NOW)
    if isinstance(hugo, str):
        return [] if not post.visible else [f"visible, but Hugo says {hugo}"]
    tags = hugo["tags"] if isinstance(hugo["tags"], list) else [hugo["tags"]]
    pairs = {
        "title": (post.title, hugo["title"]),
        "date": (_seconds(post.date), _stated(hugo["date"])),
        "permalink": (post.url, hugo["permalink"]),
        "tags": (list(post.tags), [str(tag) for tag in tags if isinstance(tag, str | int)]),
        "description": (post.description, hugo["description"]),
    }
    return [f"{name} {a!r} is not {b!r}" for name, (a, b) in pairs.items() if a != b]


def _stated(text: str) -> datetime | None:
    return None if text.startswith("0001-01-01") else datetime.fromisoformat(text).astimezone(UTC)


def _seconds(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC).replace(microsecond=0) if moment else None


@pytest.mark.parametrize("name", ["yaml-sjis", "yaml-invalid-utf8", "yaml-utf16"])
def test_what_is_not_utf8_is_said_with_its_line(name: str, tmp_path: Path) -> None:
    data = bytes.fromhex(shared_json("frontmatter.json")["cases"][name]["bytes_hex"])
    with pytest.raises(ContentError) as caught:
        read_page(data, "content/a.md", str(tmp_path / "content/a.md"), rules_at(tmp_path))
    assert (caught.value.code, caught.value.path) == ("not-utf8", "content/a.md")
    assert caught.value.line in (1, 2)
