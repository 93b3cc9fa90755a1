"""Posts with bytes changed, cut, doubled and mixed: a post or a ContentError, and no hang."""

from __future__ import annotations

import contextlib
import random  # noqa: TID251 (seeded: the same mutants every time)
from pathlib import Path

import pytest

from bot.content.cover import find_cover
from bot.content.files import decode
from bot.content.markdown import to_html
from bot.content.matter import split_matter
from bot.content.reader import read_page
from bot.errors import ContentError

from .support import NOW, rules_at

MUTANTS = 10_000
YAML = (
    "---\ntitle: \"題名: 一つ\"\ndate: 2026-02-10T00:00:00+09:00\ntags: [a, 'b']\ncover:\n  image: /a.png\n"
    "  alt: |\n    図\n---\n前置き。\n\n## 3行要約\n\n- **一**つ目[^1]。\n- `二`つ[目](https://e.example)。\n"
    '- 三つ目{{< ruby "a" "b" >}}。\n\n{{< rawhtml >}}\n<div><a href="x">広告</a></div>\n{{< /rawhtml >}}\n\n'
    "| a | b |\n|---|---|\n| 1 | 2 |\n\n```md\n## 3行要約\n```\n\n[^1]: 注\n\n<!--more-->\n本文です。\n"
)
TOML = (
    '+++\ntitle = "x"\ndate = 2026-02-10\n[cover]\nimage = "a.png"\n[params]\nx = [1, {a = 2}]\n+++\n'
    "TL;DR\n-----\n\n1. one\n2. two\n\n> [!NOTE]\n> **3行要約**\n> - a\n"
)
JSON = (
    '{"title": "x", "date": "2026-02-10", "tags": ["a", {"b": null}]}\n\n<details><summary>要約</summary>\n'
    "<ul><li>a<li>b</ul></details>\n\n:::message\n3行まとめ\n・一\n・二\n:::\n"
)
SEEDS = (YAML, TOML, JSON)
PIECES = (
    b"---\n", b"+++\n", b"{", b"}", b"\n", b"\r\n", b"\t", b"&a *a", b"<<: *a\n", b": ", b"- ", b"[", b"](", b"```\n",
    b"<!--", b"-->", b"<ul>", b"</li>", b"{{< ", b" >}}", b"\xff", b"\x00", b"\xef\xbf\xbd", b"\xef\xbb\xbf", b"!!binary x",
    "\u2028".encode(), "\u3000".encode(), "## 3行要約\n".encode(), b"> " * 50, b"[" * 200, b"*" * 300, b"date: 2026/1/1\n",
)  # fmt: skip


def mutant(choose: random.Random) -> bytes:
    data = bytearray(choose.choice(SEEDS).encode())
    for _ in range(choose.randint(1, 8)):
        at = choose.randrange(len(data) + 1)
        end = min(len(data), at + choose.randint(0, 40))
        kind = choose.randrange(4)
        if kind == 0:
            data[at:at] = choose.choice(PIECES)
        elif kind == 1:
            del data[at:end]
        elif kind == 2:
            data[at:at] = data[at:end] * choose.randint(1, 20)
        elif data:
            data[at % len(data)] = choose.randrange(256)
    return bytes(data)


@pytest.mark.slow
def test_mutated_posts_are_read_or_refused(tmp_path: Path) -> None:
    choose = random.Random(3)
    rules = rules_at(tmp_path, body_cover=True)
    source = str(tmp_path / "content/posts/a.md")
    read = refused = 0
    for _ in range(MUTANTS):
        data = mutant(choose)
        try:
            page = read_page(data, "content/posts/a.md", source, rules)
        except ContentError as error:
            assert error.path, data
            refused += 1
        else:
            read += 1
            post = page.at(NOW)
            assert post.url.isascii(), data
            assert all(line == line.strip() and "\n" not in line for line in post.summary.lines), (
                data
            )
            if page.wanted:
                find_cover(page.wanted, post.path, source, post.url, rules)
            to_html(split_matter(decode(data))[1], post.url)
    assert min(read, refused) > MUTANTS // 20


@pytest.mark.parametrize(
    "piece", ["> ", "[", "*", "`", "- ", "![", "<!--", "<ul>", "<div>", "{{<", "{{< a >}}\n", "## 3行要約\n", "・", "(", "\\", "[^1]", "[a]: b\n", "|", "：", "(（", "。", "。。", "<"]
)  # fmt: skip
def test_repetition_is_no_trap(piece: str, tmp_path: Path) -> None:
    body = "## 3行要約\n\n" + piece * (200_000 // len(piece)) + "\n\n# 次\n" + piece * 2_000
    data = (
        f"---\ntitle: x\ndescription: '{piece.strip().replace(chr(39), '') * 2000}...'\n---\n{body}"
    )
    with contextlib.suppress(ContentError):
        read_page(data.encode(), "a.md", str(tmp_path / "content/a.md"), rules_at(tmp_path))
