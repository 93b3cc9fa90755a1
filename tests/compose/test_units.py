"""Every unit counts exactly: the official cases, the shared ones, and traps by hand."""

from __future__ import annotations

import pytest

from bot.compose import measure
from bot.compose.units import fits, graphemes, mastodon_length, utf8_bytes, utf16, x_weight
from bot.model import Measure, TextLimit
from tests.compose import samples

NEWER_THAN_THE_COUNTER = {"🧑‍🧑‍🧒", "🐦‍🔥", "🙂‍↔️", "🏳‍🌈", "🧔‍♂️"}
"""Emoji that X itself counts as 2, and twitter-text 3.1.0 as their pieces."""


def test_official_weights() -> None:
    tests = samples.conformance("validate.yml")
    seen = 0
    for group in (
        "WeightedTweetsWithDiscountedEmojiCounterTest",
        "UnicodeDirectionalMarkerCounterTest",
    ):
        for case in tests[group]:
            assert x_weight(case["text"]) == case["expected"]["weightedLength"], case["description"]
            seen += 1
    assert seen > 10


def test_official_weights_before_emoji_were_one() -> None:
    """Config v2 differs only in counting an emoji's pieces."""
    for case in samples.conformance("validate.yml")["WeightedTweetsCounterTest"]:
        if "emoji" in case["description"] and "modifiers" in case["description"]:
            continue
        if "double word" in case["description"]:
            continue
        assert x_weight(case["text"]) == case["expected"]["weightedLength"], case["description"]


def test_shared_weights() -> None:
    for case in samples.shared_json("x_weights.json")["cases"]:
        expected = 2 if case["text"] in NEWER_THAN_THE_COUNTER else case["weightedLength"]
        assert x_weight(case["text"]) == expected, case["text"]


def test_shared_graphemes() -> None:
    for case in samples.shared_json("graphemes.json")["cases"]:
        text = case["text"]
        counted = (graphemes(text), len(text), utf8_bytes(text), utf16(text))
        expected = (case["intl_segmenter"], case["codepoints"], case["utf8_bytes"], case["utf16"])
        assert counted == expected, case["name"]


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("", 0),
        ("abc", 3),
        ("日本語", 6),
        ("…", 2),
        ("・", 2),
        ("“—”", 3),
        ("か\u3099", 2),  # decomposed
        ("か\u309a", 4),  # has no composed form
        ("ﾊﾞ", 4),
        ("a\u200bb", 3),
        ("©", 1),
        ("©\ufe0f", 2),
        ("1\ufe0f\u20e3", 2),
        ("🇯🇵", 2),
        ("🇦🇧", 4),  # no country
        ("👍️🏿", 6),
        ("https://example.com/" + "a" * 200, 23),
        ("見よ:https://example.com/a。次", 4 + 1 + 23 + 4),
        ("README.md", 23),
        ("README.\u200bmd", 10),
        ("Node.js", 7),
        ("それでは、また次回の記事でお会いしましょう。DESIGN.md", 44 + 23),  # 。 parts the labels
    ],
)
def test_weights_by_hand(text: str, weight: int) -> None:
    assert x_weight(text) == weight


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("https://example.com/" + "a" * 200, 23),
        ("例https://a.jp/と", 1 + 23),  # Mastodon takes the と into the link
        ("https://a.jp/ と", 25),
        ("example.com", 11),
        ("@someone@social.example.com です", 11),
        ("mail a@b.example.com", 20),
        ("👩🏽‍🚀", 1),
    ],
)
def test_mastodon_by_hand(text: str, length: int) -> None:
    assert mastodon_length(text) == length


def test_bluesky_has_two_limits() -> None:
    family = "👨‍👩‍👧‍👦"
    assert measure(family * 150, samples.BLUESKY) == (
        Measure(length=150, limit=300, unit="graphemes"),
        Measure(length=3750, limit=3000, unit="bytes"),
    )
    assert not fits(family * 150, samples.BLUESKY)
    assert fits("あ" * 300, samples.BLUESKY)
    assert not fits("あ" * 301, samples.BLUESKY)


@pytest.mark.parametrize(
    ("limit", "length"),
    [
        (TextLimit(unit="utf16", maximum=10), 5),
        (TextLimit(unit="bytes", maximum=10), 10),
        (TextLimit(unit="code-points", maximum=10), 4),
        (TextLimit(unit="code-points", maximum=None), 4),
        (TextLimit(unit="graphemes", maximum=10), 4),
    ],
)
def test_each_unit(limit: TextLimit, length: int) -> None:
    assert measure("aあ😀é", limit)[0].length == length


def test_a_link_cost_in_any_unit() -> None:
    limit = TextLimit(unit="code-points", maximum=100, link_cost=10)
    assert measure("見よ https://example.com/long/path", limit)[0].length == 13


def test_what_is_no_emoji_together_weighs_one_by_one() -> None:
    assert x_weight("👩\u200d🚀") == x_weight("🏳️\u200d🌈") == 2
    assert x_weight("☺\u200d😀") == 2 + 1 + 2
