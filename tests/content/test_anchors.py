"""Ids of headings and footnotes as Hugo gives them; held against the real program where it is."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from bot.app.hugo_check import find_hugo
from bot.content.anchors import heading_id
from bot.content.markdown import to_html

HUGO = find_hugo(os.environ)
PAGE = "https://blog.example/posts/a/"

HEADINGS = (
    "# A *b* c",
    "## 3行要約",
    "## 3行要約",
    "## 3行要約",
    "## 3行要約-1",
    "## Hello, World!",
    "## `code -- x` & <b>x</b>",
    "## [link](https://example.org/x?y=1) text",
    "## !!!",
    "## ！？",
    "## ＡＢＣ　全角 １２",
    "## Ⅳ ① ½",
    "## か\u3099 decomposed は\u309a",
    "## emoji 😀👨‍👩‍👧 x",
    "## a_b - c_",
    "## trailing ##",
    "## custom {#my-id}",
    "## custom2 {.cls #other key=v}",
    "## 日本 {#日本-x}",
    "## not {attributes}",
    "## ![alt](x.png)",
    "## **太字**です",
    "## &amp; entity &lt;",
    "## Über Straße İstanbul",
    "Setext\nmore\n------",
    "> ## quoted",
    "- ## in list",
    "## a\\*b",
    "##   spaced   out",
    '## "quoted" -- dash --- two ... dots',
    "## 1. 番号 (2026/02/10)",
    "## C++ & C#",
    "## ~~gone~~",
    "## x\u00a0y\u200bz",
    "## heading",
    "## 「カギ」・中黒、読点。",
    "## tab\there",
)
NOTES = "a[^x] b[^x-2] c[^x] d[^1] e[^x]\n\n[^x]: foo\n[^1]: bar\n[^x-2]: baz"


def ids(html: str) -> list[str]:
    return re.findall(r'\bid="?([^" >]*)', html)


@pytest.mark.parametrize(
    ("text", "name"),
    [("3行要約", "3行要約"), ("Hello, World!", "hello-world"), ("！？", "heading"), ("a_b - c", "a_b---c")],
)  # fmt: skip
def test_a_heading_by_its_words(text: str, name: str) -> None:
    assert heading_id(text) == name


def test_the_second_of_one_name_has_a_number() -> None:
    assert ids(to_html("# あ\n\n# あ\n\n# あ-1\n\n# あ", PAGE)) == ["あ", "あ-1", "あ-1-1", "あ-2"]


def test_an_id_of_the_authors_own_is_taken() -> None:
    assert to_html("## 題 {#own .k}", PAGE).strip() == '<h2 id="own">題</h2>'
    assert "{x}" in to_html("## 題 {x}", PAGE)


def test_headings_of_raw_html_are_left_alone() -> None:
    assert to_html("<h2>raw</h2>", PAGE).strip() == "<h2>raw</h2>"


def test_a_note_and_its_mention_lead_to_one_another() -> None:
    made = to_html("a[^n] b[^n]\n\n[^n]: c", PAGE)
    assert ids(made) == ["fnref:1", "fnref1:1", "fn:1"]
    assert re.findall(r'href="([^"]*)"', made) == [
        f"{PAGE}#{part}" for part in ("fn:1", "fn:1", "fnref:1", "fnref1:1")
    ]


@pytest.mark.real
@pytest.mark.skipif(HUGO is None, reason="no hugo on this machine (make real)")
def test_the_real_hugo_gives_the_same_ids(tmp_path: Path) -> None:
    body = "\n\n".join((*HEADINGS, NOTES))
    files = {
        "hugo.toml": 'baseURL = "https://blog.example/"\n',
        "layouts/_default/single.html": "{{ .Content }}",
        "content/posts/a.md": f"---\ntitle: a\ndate: 2026-01-01\n---\n{body}\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert HUGO is not None
    subprocess.run([HUGO, "--quiet"], cwd=tmp_path, check=True, capture_output=True)
    theirs = (tmp_path / "public" / "posts" / "a" / "index.html").read_text(encoding="utf-8")
    assert sorted(ids(to_html(body, PAGE))) == sorted(ids(theirs))
