"""The quick reader gives what the YAML parser gives, or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.content.matter import _load_any_yaml, plain_scalar
from bot.content.quick import read_quickly
from bot.errors import ContentError

from .support import SHARED, shared_json

LINES = st.sampled_from(
    [
        "title: x", 'title: "a: b"', "date: 2026-02-10T00:00:00+09:00", "tags:", "  - a", '  - "b"', "- c", " - d",
        "cover:", "  image: /a.png", "  alt: 'it''s'", "  relative: false", "   deep: 1", "draft: yes", "n: 0777", "e:",
        "", "  ", "# c", "x: a # c", "x: a#c", "u: http://e.example/a:b", "k: a: b", "k: [a, b]", "k: {a: 1}", "k: |", "  text",
        "k: *a", "k: &a b", "k: !!str 1", "- ", "-", "  -", "k: -", "k: - a", "k: ?", "a b: c", "'q': r", '"q": r', "k: \"a\\n\"",
        "日: 本", "k: 日本 語", "k:\tv", "k: a  ", "<<: x", "k: %a", "k: 'a' b", "K: v", "k: ~", "k: \u2028x", "---", "... ", "k: a\\b",
    ]
)  # fmt: skip


def same(text: str) -> bool:
    quick = read_quickly(text, plain_scalar)
    return quick is None or quick == (_load_any_yaml(text) or {})


@settings(max_examples=600, deadline=None)
@given(st.lists(LINES, max_size=7))
def test_any_lines(lines: list[str]) -> None:
    assert same("\n" + "".join(line + "\n" for line in lines))


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab:-# \"'\n[]{}&*!|>%@`?,.0189日~\\", max_size=40))
def test_any_text(text: str) -> None:
    try:
        assert same("\nk: " + text + "\n")
    except ContentError as error:  # it read what YAML refuses
        raise AssertionError(text) from error


def test_the_seed_and_the_cases_are_read_the_same() -> None:
    texts = [case.get("text", "") for case in shared_json("frontmatter.json")["cases"].values()]
    texts += [file.read_text(encoding="utf-8") for file in SHARED.glob("seed/*.md")]
    read = 0
    for text in texts:
        if text.startswith("---\n") and (end := text.find("\n---", 3)) > 0:
            quick = read_quickly(text[3 : end + 1], plain_scalar)
            if quick is not None:
                read += 1
                assert quick == _load_any_yaml(text[3 : end + 1])
    assert read > 20


@pytest.mark.parametrize(
    "text", ["\na: 1\na: 2\n", "\na:\n  b: 1\n  b: 2\n", " # c\na: 1\n", "\na: 1"]
)
def test_what_it_leaves_to_the_parser(text: str) -> None:
    assert read_quickly(text, plain_scalar) is None
