"""Tags become hashtags that all four networks detect whole."""

from __future__ import annotations

import pytest

from bot.compose.hashtags import ALIASES, hashtag, hashtags
from tests.compose import samples


def test_shared_cases() -> None:
    for case in samples.shared_json("hashtags.json")["cases"]:
        assert hashtag(case["input"]) in (case["portable"], *case["acceptable"]), case["input"]


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("GenAI", "GenAI"),
        ("速報", "速報"),
        ("C++", "Cpp"),
        ("c#", "CSharp"),
        (".NET", "dotNET"),
        ("Node.js", "Nodejs"),
        ("machine learning", "MachineLearning"),
        ("CI/CD", "CICD"),
        ("ＡＩ", "AI"),
        ("iPhone 17 Pro", "iPhone17Pro"),
        ("RTX 4060 Ti 16GB", "RTX4060Ti16GB"),
        ("Acme™", "Acme"),
        ("_private_", "private"),
        ("__", None),
        ("2026", None),
        ("", None),
        ("\u3099が", "が"),
        ("a" * 65, None),
        ("🤖", None),
        ("AI🤖", "AI"),
        ("https://example.com/", None),
    ],
)
def test_by_hand(tag: str, name: str | None) -> None:
    assert hashtag(tag) == name


def test_each_once_in_order_and_what_cannot_be_one_is_told() -> None:
    assert hashtags(["AI", "2026", "ai", "ＡＩ", "速報", " "]) == (("AI", "速報"), ("2026",))


def test_aliases_are_extended_and_exclude() -> None:
    aliases = {**ALIASES, "ai news": "AIニュース", "secret": ""}
    assert hashtags(["AI News", "Secret", "C++"], aliases) == (("AIニュース", "Cpp"), ())
