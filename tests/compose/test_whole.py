"""A cut never makes another value, half a name or half a word."""

from __future__ import annotations

import pytest

from bot.compose.phrases import cut
from bot.compose.units import graphemes, mastodon_length

BEFORE, AFTER = "世界では", "になったと発表され、今後さらに増える見込みだ"

VALUES = ["2026 年 11 月", "約 1.5 ギガワット", "3 時 30 分", "5 か月ぶり", "約 130 億ドル", "100 万人", "第 3 四半期", "10 万円", "50 パーセント", "1.5 メートル", "毎秒 10 ギガビット", "午前 10 時 30 分", "2026 年 11 月 20 日", "１兆２０００億円", "１兆，２０００億円", "１兆、２０００億円", "一兆二千億円", "二〇二六年度", "十二月二十四日", "令和八年十一月二十日", "二分の一", "千分の一", "3 分の 1", "第二四半期", "第3四半期", "第1四半期", "午後3時", "約6兆2,000億円", "2026年11月20日", "1万2千人", "数百万人", "3〜5年", "3 〜 5 年", "１０時３０分", "32GB VRAM", "GPT-4o mini", "iPhone 17 Pro Max", "foo_bar()", "J. R. R. Tolkien", "−12.5℃", "1,200ルピー", "80 billion", "二、三人", "5 年連続", "RTX 4060 Ti", "第 十 回", "3 度目", "1/3", "10x", "100 m²"]  # fmt: skip


@pytest.mark.parametrize("value", VALUES)
def test_a_value_stays_whole(value: str) -> None:
    text = BEFORE + value + AFTER
    for room in range(3, len(text)):
        shown = cut(text, lambda s, most=room: graphemes(s) <= most, 1)  # type: ignore[misc]
        if shown is None:
            continue
        kept = len(shown.rpartition("…")[0])
        assert not len(BEFORE) < kept < len(BEFORE + value), shown


@pytest.mark.parametrize(
    ("text", "stump"),
    [
        ("The award goes to Dr. Smith of the institute for his work", "Dr"),
        ("They live near St. Helens and are happy with it all", "St"),
        ("Many tools, e.g. compilers, are slow in the morning", "e.g"),
        ("A law of the U.S. Congress will change it for all", "U.S"),
        ("新しい計画、それによると来年には完成する", "それに"),
        ("新しい方法、すなわち並べて動かす方法を取る", "すな"),
    ],
)
def test_no_stump_of_a_word(text: str, stump: str) -> None:
    for room in range(3, len(text)):
        shown = cut(text, lambda s, most=room: graphemes(s) <= most, 1)  # type: ignore[misc]
        assert shown is None or not shown.rstrip("…").endswith(stump), shown


def test_an_address_ends_before_the_ellipsis() -> None:
    text = "See https://example.com/a/b?id=c for all that nobody ever told you about it"
    shown = cut(text, lambda s: mastodon_length(s) <= 30, 1)
    assert shown == "See https://example.com/a/b?id=c …"
    assert mastodon_length(shown) == 4 + 23 + 2
