"""What is stored is what both databases can hold."""

from __future__ import annotations

import pytest

from bot.ledger.rows import clean, to_columns


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("記事 \U0001f600", "記事 \U0001f600"),
        ("a\x00b", "a\ufffdb"),
        ("a\ud83d", "a\ufffd"),
        ("\udc80\udfffz", "\ufffd\ufffdz"),
        ("\ud7ff\ue000\x01", "\ud7ff\ue000\x01"),
    ],
)
def test_what_cannot_be_stored_is_marked(text: str, kept: str) -> None:
    assert clean(text) == kept
    assert clean(clean(text)) == kept


def test_it_is_marked_inside_of_json_too() -> None:
    columns = to_columns({"draft": {"title": "a\ud83d?"}, "notes": ("\udc80",)})
    assert columns == {"draft": '{"title": "a\ufffd?"}', "notes": '["\ufffd"]'}
