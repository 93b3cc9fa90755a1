"""What the ledger keeps of a message."""

from __future__ import annotations

from bot import i18n
from bot.i18n import msg
from bot.outbox.states import dump, load


def test_messages_are_kept_in_no_language() -> None:
    inner = msg("draft: {n}", n=3)
    kept = dump(msg("{path}: {why}", path="a.md", why=inner))
    i18n.use("ja")
    try:
        loaded = load(kept)
        assert loaded is not None
        assert loaded.values["why"] == inner
        assert str(loaded) == "a.md: draft: 3"
    finally:
        i18n.use("en")


def test_nothing_kept_is_nothing() -> None:
    assert load(None) is None
    assert load("") is None
