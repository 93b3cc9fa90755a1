"""Tags become hashtags that all four networks detect whole."""

from __future__ import annotations

import pytest

from bot.compose.clean import guard
from bot.compose.hashtags import ALIASES, find_hashtags, hashtag, hashtags
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


def test_official_hashtags() -> None:
    tests = samples.conformance("extract.yml")
    for group in ("hashtags", "hashtags_from_astral", "hashtags_with_indices"):
        for case in tests[group]:
            expected = [tag if isinstance(tag, str) else tag["hashtag"] for tag in case["expected"]]
            assert find_hashtags(case["text"]) == expected, case["description"]
            assert find_hashtags(guard(case["text"], "x")) == [], case["description"]
    for case in samples.conformance("validate.yml")["hashtags"]:
        assert (find_hashtags(case["text"]) == [case["text"][1:]]) is case["expected"]


def test_what_x_detects_in_the_shared_cases() -> None:
    shared = samples.shared_json("hashtags.json")
    for case in shared["cases"]:
        assert find_hashtags(f"#{case['input']}") == case["raw_detection"]["x"], case["input"]
        if case["portable"]:
            assert find_hashtags(f"題 #{case['portable']}") == [case["portable"]]
    for context in shared["contexts"]:
        assert find_hashtags(context["text"]) == context["x"], context["text"]


@pytest.mark.parametrize(
    ("tag", "name"),
    [("C++17", "Cpp17"), (".NET 10", "dotNET10"), ("C# 12", "CSharp12"), ("二〇二六年", None), ("Ⅳ期①", "IV期1"),
     ("GPT-4", "GPT4"), ("C++ templates", "CppTemplates")],
)  # fmt: skip
def test_a_tag_never_names_another_thing(tag: str, name: str | None) -> None:
    assert hashtag(tag) == name
