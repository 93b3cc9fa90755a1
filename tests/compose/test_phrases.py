"""Cuts fall between phrases and leave no stump."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.compose.phrases import cut
from bot.compose.units import split_graphemes, x_weight

OPEN, CLOSE = "（(「『【［[〈《", "）)」』】］]〉》"


def to(text: str, room: int, shortest: int = 1) -> str | None:
    return cut(text, lambda shown: x_weight(shown) <= room, shortest)


@pytest.mark.parametrize(
    ("text", "room", "shown"),
    [
        ("起動時間が3分の1になったと開発元が発表した。", 30, "起動時間が3分の1になったと…"),
        ("起動時間が3分の1になったと開発元が発表した。", 18, "起動時間が…"),
        ("C++で書かれた処理系", 8, "C++で…"),
        ("資金は200億ドルに達し、なお増えている。", 10, "資金は…"),
        ("資金は200億ドルに達し、なお増えている。", 27, "資金は200億ドルに達し…"),
        ("The quick brown fox jumps over the lazy dog", 17, "The quick brown…"),
        ("It needs 16 GB of memory at least, they say", 13, "It needs…"),
        ("An RTX 4060 Ti is enough for most of it", 9, "An…"),
        ("記号（かっこ）が閉じないまま終わらない文", 12, "記号…"),
    ],
)
def test_by_hand(text: str, room: int, shown: str) -> None:
    assert to(text, room) == shown


def test_brackets_around_nearly_everything_are_closed() -> None:
    shown = to("「長い引用がここにあり、まだまだ続いていて終わらない」と彼は言った", 40)
    assert shown is not None
    assert shown.startswith("「長い引用がここにあり")
    assert shown.endswith("…」")


def test_nothing_to_cut() -> None:
    assert to("Donaudampfschifffahrtsgesellschaft", 20) is None
    assert to("短い", 0) is None
    assert to("", 10) is None


def test_a_cut_after_a_pause_is_better() -> None:
    text = "わずか数か月前に調達したばかりだが、次世代の開発費が増えて追加の資金が要る。"
    assert to(text, 44) == "わずか数か月前に調達したばかりだが…"


def test_the_end_of_a_sentence_is_better_still() -> None:
    text = "新しい処理系が公開され、料金が下がった。小さな会社でも、導入がしやすくなるという。"
    assert to(text, 58) == "新しい処理系が公開され、料金が下がった…"


PIECES = st.sampled_from(
    ["資金は", "200億ドル", "（約3兆円）", "「", "」", "AI", "GPT-5.2", " ", "、", "。", "に達した", "👩🏽‍🚀", "が", "16 GB",
     "https://example.com/a ", "クラウド", "か\u309a", "(", ")", "次世代の"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=30).map("".join), st.integers(1, 80))
def test_any_cut_fits_and_leaves_no_stump(text: str, room: int) -> None:
    shown = to(text, room)
    if shown is None:
        return
    kept, _, closing = shown.rpartition("…")
    assert x_weight(shown) <= room
    assert text.startswith(kept)
    assert set(closing) <= set(CLOSE)
    assert surplus(shown) <= surplus(text)
    whole = split_graphemes(text)
    assert split_graphemes(kept) == whole[: len(split_graphemes(kept))]
    following = text[len(kept) :]
    assert not (
        kept[-1:].isascii()
        and kept[-1:].isalnum()
        and following[:1].isascii()
        and following[:1].isalnum()
    )
    assert not (kept[-1:].isdigit() and following[:1] in ("億", "兆", "円"))


def surplus(text: str) -> int:
    """How many brackets stay open."""
    open_: list[str] = []
    for char in text:
        if char in OPEN:
            open_.append(CLOSE[OPEN.index(char)])
        elif char in open_:
            del open_[len(open_) - 1 - open_[::-1].index(char) :]
    return len(open_)
