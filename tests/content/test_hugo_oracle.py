"""Generated sites, read here and by the real Hugo: path, address, title, date and draft are equal."""

from __future__ import annotations

import csv
import io
import json
import os
import random  # noqa: TID251 (seeded: the same sites every time)
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.app.hugo_check import find_hugo
from bot.content.hugo_config import read_hugo
from bot.content.hugo_rules import rules_from
from bot.content.scanner import Scanner
from bot.model import Post

from .support import NOW, rules_at, write

HUGO = find_hugo(os.environ)
WORDS = [
    "Hello",
    "world",
    "日本語",
    "タイトル",
    "C++",
    "C#",
    "AI/ML",
    "ＡＩ",
    "é",
    "ガ",
    "10%",
    "a_b",
    "v1.2",
    "…",
    "「カギ」",
    "🎉",
    "–",
    "&",
    "Ⅳ",
    "½",
    "①",
    "が",
    "\u3000",
    "İ",
    "ß",
    "%41",
    "~",
    "@x",
    "+",
    "=",
    "!",
    "(p)",
    "'s",
    "x:y",
    "#1",
    "-",
    "_",
    "ﾊﾝ",
    "한글",
    "मराठी",
    "Σ",
    "②",
    "ー",
    "々",
    "〇",
    "a\xa0b",
    "\u2028x",
]
DATES = [
    "2026-02-10",
    "2026-02-10T09:08:07+09:00",
    "2026-02-10 09:08:07",
    "2027-02-10",
    "10 Feb 2026",
    "1999-01-02T03:04:05Z",
    "",
]
FOLDERS = ("posts", "posts/sub", "posts/Deep Dir/深い", "other", "", "notes 1")
TOKENS = [
    ":title",
    ":slug",
    ":slugorfilename",
    ":year",
    ":month",
    ":day",
    ":section",
    ":sections",
    ":sections[last]",
    ":filename",
    ":06",
    "Fixed",
    "固定",
]


@pytest.mark.real
@pytest.mark.skipif(HUGO is None, reason="there is no hugo here")
@pytest.mark.parametrize("seed", range(6))
def test_a_generated_site(seed: int, tmp_path: Path) -> None:
    _generate(random.Random(seed), tmp_path)
    _compare(tmp_path)


@pytest.mark.real
@pytest.mark.skipif(HUGO is None, reason="there is no hugo here")
@pytest.mark.parametrize("seed", range(16))
def test_a_generated_site_of_several_languages(seed: int, tmp_path: Path) -> None:
    choose = random.Random(seed)
    _generate(choose, tmp_path, endings=("", "", ".ja", ".en", ".fr", ".zh-cn"))
    with (tmp_path / "hugo.toml").open("a", encoding="utf-8") as file:
        file.write(_languages(choose))
    _compare(tmp_path)


def _compare(tmp_path: Path) -> None:
    listed = _listed(tmp_path)
    scan = Scanner(rules_from(read_hugo(str(tmp_path)), str(tmp_path), rules_at(tmp_path))).scan(
        NOW
    )
    posts = {post.path: post for post in scan.posts}
    wrong = [
        f"{path}: {mine} is not {theirs}"
        for path, theirs in listed.items()
        if (mine := _facts(posts.get(path))) != theirs
    ]
    wrong += [
        f"{path}: {post.url} is no page of Hugo"
        for path, post in posts.items()
        if post.visible and path not in listed
    ]
    assert not wrong, "\n".join(wrong)
    assert len(listed) > 50


def _facts(post: Post | None) -> tuple[str, str, str, bool] | None:
    if post is None:
        return None
    moment = post.date.astimezone(UTC).isoformat(timespec="seconds") if post.date else ""
    return post.url, post.title, moment, post.draft


def _listed(root: Path) -> dict[str, tuple[str, str, str, bool]]:
    assert HUGO is not None
    run = subprocess.run(
        [HUGO, "list", "all"], cwd=root, capture_output=True, text=True, check=True
    )
    rows = csv.DictReader(io.StringIO(run.stdout[run.stdout.index("path,") :]))
    return {
        row["path"]: (row["permalink"], row["title"], _moment(row["date"]), row["draft"] == "true")
        for row in rows
        if row["kind"] == "page"
    }


def _moment(text: str) -> str:
    if text.startswith("0001-01-01"):
        return ""
    return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="seconds")


def _generate(choose: random.Random, root: Path, endings: tuple[str, ...] = ("",)) -> None:
    write(root / "hugo.toml", _configuration(choose))
    for folder in FOLDERS[1:4]:
        if choose.random() < 0.4:
            more = "cascade:\n  draft: true\n" if choose.random() < 0.3 else ""
            more += f"slug: {json.dumps(_phrase(choose, 2))}\n" if choose.random() < 0.3 else ""
            name = f"_index{choose.choice(endings)}.md"
            write(root / "content" / folder / name, f"---\ntitle: S {folder}\n{more}---\n")
    for number in range(100):
        folder, name = choose.choice(FOLDERS), f"{number}{_phrase(choose, 3)}".replace("/", "_")
        if choose.random() < 0.2:
            name = f"2026-02-1{number % 10}-{name}"
        ending = choose.choice(endings) + choose.choice((".md", ".md", ".markdown", ".mdown"))
        file = os.path.join(folder, name + ("/index" if choose.random() < 0.2 else "") + ending)
        write(root / "content" / file, _source(choose))


def _configuration(choose: random.Random) -> str:
    lines = ['baseURL = "https://h.example/blog/"']
    for line in ('timeZone = "Asia/Tokyo"', "removePathAccents = true", "uglyURLs = true"):
        lines += [line] if choose.random() < 0.3 else []
    if choose.random() < 0.6:
        pattern = "/".join(choose.choice(TOKENS) for _ in range(choose.randint(1, 3)))
        lines.append(f'[permalinks]\nposts = "/{pattern}/"')
    if choose.random() < 0.3:
        lines.append('[frontmatter]\ndate = [":filename", ":default"]')
    return "\n".join(lines) + "\n"


SAID_BY_A_LANGUAGE = (
    'timeZone = "America/New_York"',
    'permalinks = { posts = "/own/:year/:slug/" }',
    'permalinks = { page = { "posts/sub" = "/deep/:title/", other = "/:sectionslugs/:slug" } }',
    'permalinks = [{ pattern = "/list/:slug", target = { path = "/posts/**", kind = "page" } }]',
    "disablePathToLower = true",
    "removePathAccents = true",
    "buildDrafts = true",
    'frontmatter = { date = [":filename", "lastmod"] }',
    'outputFormats = { HTML = { baseName = "idx" } }',
    "cascade = { draft = true }",
    'baseURL = "https://own.example/sub"',
    "disabled = true",
    "weight = 2",
)


def _languages(choose: random.Random) -> str:
    lines = []
    for language in ("en", "ja", "fr", "zh-cn"):
        lines.append(f"[languages.{language}]")
        own = choose.sample(SAID_BY_A_LANGUAGE, choose.randint(0, 3))
        said = {line.split(" ")[0]: line for line in own}
        if language == "en":
            said.pop("disabled", None)  # the default one must be there
        lines += said.values()
    return "\n".join(lines) + "\n"


def _source(choose: random.Random) -> str:
    matter: dict[str, object] = {"title": _phrase(choose, 5), "date": choose.choice(DATES)}
    if choose.random() < 0.3:
        matter["slug"] = _phrase(choose, 3)
    if choose.random() < 0.1:
        matter["url"] = _url(choose)
    if choose.random() < 0.2:
        matter["draft"] = choose.choice([True, False, "true"])
    if choose.random() < 0.2:
        lines = "".join(f"{k} = {json.dumps(v, ensure_ascii=False)}\n" for k, v in matter.items())
        return f"+++\n{lines}+++\nx\n"
    lines = "".join(f"{k}: {json.dumps(v, ensure_ascii=False)}\n" for k, v in matter.items())
    return f"---\n{lines}---\nx\n"


def _url(choose: random.Random) -> str:
    parts = [
        "..",
        ".",
        "a..b",
        "x",
        "en",
        "v1.2",
        "",
        _phrase(choose, 2).replace(":", "").replace("10%", ""),
    ]
    path = "/".join(choose.choice(parts) for _ in range(choose.randint(1, 4)))
    return choose.choice(["", "/"]) + path + choose.choice(["", "/", ".html"])


def _phrase(choose: random.Random, most: int) -> str:
    return " ".join(choose.choice(WORDS) for _ in range(choose.randint(1, most)))
