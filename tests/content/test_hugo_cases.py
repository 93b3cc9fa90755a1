"""What the real Hugo did with a file under a configuration, row by row, read through a scan."""

from __future__ import annotations

import os
import tomllib
from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot.content.hugo_config import read_hugo
from bot.content.hugo_rules import rules_from
from bot.content.rules import SiteRules
from bot.content.scanner import Scanner
from bot.model import Scan

from .support import NOW, rules_at, shared_json, write

MTIME = 1_770_000_000_000_000_000
ZERO = "0001-01-01T00:00:00Z"

# Where bot means to differ, and why.
EXPLAINED = {
    "baseURL-idn": "Hugo percent-encodes a Japanese host, which no browser opens; bot writes punycode",
    "outputs.md": "a page without HTML has no address to share; Hugo lists its index.json",
}


def _sites() -> list[tuple[str, list[dict[str, Any]]]]:
    try:
        rows = shared_json("hugo_permalinks.json")["rows"]
    except pytest.skip.Exception:
        return []
    sites: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        sites[f"{row['group']}-{row['site']}"].append(row)
    return sorted(sites.items())


SITES = _sites()


@pytest.mark.skipif(not SITES, reason="the cases are not beside this repository")
def test_every_row_that_is_not_explained(tmp_path: Path) -> None:
    wrong: list[str] = []
    count = 0
    for name, rows in SITES:
        scan = _scan(tmp_path / name.replace("/", "-"), rows)
        for row in rows:
            if row.get("collision") or any(key in row["id"] + row["file"] for key in EXPLAINED):
                continue
            count += 1
            wrong += [f"{row['id']}: {problem}" for problem in _differences(row, scan)]
    assert not wrong, "\n".join(wrong)
    assert count > 450


def _scan(root: Path, rows: list[dict[str, Any]]) -> Scan:
    for row in rows:
        file = write(root / row["file"], row["source"])
        os.utime(file, ns=(MTIME, MTIME))
    write(root / "hugo.toml", rows[0]["hugo_toml"])
    rules = _flagged(rules_from(read_hugo(str(root)), str(root), rules_at(root)), rows[0]["flags"])
    now = datetime.fromisoformat(rows[0]["clock"]) if rows[0]["clock"] else NOW
    return Scanner(replace(rules, root_pages=True)).scan(now)


def _flagged(rules: SiteRules, flags: list[str]) -> SiteRules:
    return replace(
        rules,
        build_drafts=rules.build_drafts or bool({"-D", "--buildDrafts"} & set(flags)),
        build_future=rules.build_future or bool({"-F", "--buildFuture"} & set(flags)),
        build_expired=rules.build_expired or bool({"-E", "--buildExpired"} & set(flags)),
    )


def _differences(row: dict[str, Any], scan: Scan) -> list[str]:
    expect = row.get("expect_0_168_0") or row["expect"]
    post = next((post for post in scan.posts if post.path == row["file"]), None)
    if not expect["published"]:
        return ["visible, should not be"] if post is not None and post.visible else []
    if post is None:
        return ["no post"]
    found = [] if post.url == expect["permalink"] else [f"{post.url} is not {expect['permalink']}"]
    if post.title != expect["title"]:
        found.append(f"title {post.title!r} is not {expect['title']!r}")
    if expect["kind"] != "page":
        return [] if not post.visible else ["a section page is visible"]
    bad_date = post.why_not == "bad-date"  # Hugo says ERROR and ends with 1; bot says it, too
    if post.visible != expect["listed"] and not bad_date:
        found.append(f"{post.why_not} but listed is {expect['listed']}")
    found += [
        f"{name} {getattr(post, name)} is not {expect[name]}"
        for name in ("date", "lastmod")
        if _instant(getattr(post, name)) != _instant(_stated(expect[name]))
    ]
    return found


def _stated(text: str) -> datetime | None:
    return None if text.startswith("0001-01-01") else datetime.fromisoformat(text)


def _instant(moment: datetime | None) -> str:
    return moment.astimezone(NOW.tzinfo).isoformat(timespec="seconds") if moment else ""


def test_what_might_be_a_draft_is_a_draft(tmp_path: Path) -> None:
    for value in ("true", "yes", "on", '"true"', "1", "TRUE", "maybe"):
        write(tmp_path / "content" / "a.md", f"---\ntitle: x\ndraft: {value}\n---\n")
        post = Scanner(rules_at(tmp_path)).scan(NOW).posts[0]
        assert (post.visible, post.why_not) == (False, "draft"), value


def test_toml_of_the_cases_is_valid() -> None:
    for _, rows in SITES:
        tomllib.loads(rows[0]["hugo_toml"])
