"""When a page was first seen online, and what waits for one, on both stores."""

from __future__ import annotations

from dataclasses import replace

from bot.ledger.store import Ledger
from bot.model import Article, Delivery, State

NOW = 1_000_000


def article(id: str, url: str = "https://blog.example/a/") -> Article:
    return Article(
        id=id,
        path=f"content/{id}.md",
        guid=url,
        url=url,
        title=id,
        content_hash="h",
        first_seen=NOW,
        sketch="",
        subject="s",
        first_visible=NOW,
    )


def live(ledger: Ledger) -> dict[str, int | None]:
    return {a.id: a.live_at for a in ledger.articles()}


def test_a_page_is_that_of_one_translation_and_its_first_time_stays(ledger: Ledger) -> None:
    ledger.save_articles([article("ja"), article("en", "https://blog.example/en/a/")])
    ledger.set_live("s", "https://blog.example/a/", NOW)
    ledger.set_live("s", "https://blog.example/a/", NOW + 5)
    ledger.set_live("other", "https://blog.example/en/a/", NOW)
    assert live(ledger) == {"ja": NOW, "en": None}


def test_a_scan_that_knows_less_forgets_no_page(ledger: Ledger) -> None:
    ledger.save_articles([article("ja")])
    ledger.set_live("s", "https://blog.example/a/", NOW)
    ledger.save_articles([replace(article("ja"), title="new")])
    assert live(ledger) == {"ja": NOW}


def test_a_page_at_another_address_is_another_page(ledger: Ledger) -> None:
    ledger.save_articles([article("ja")])
    ledger.set_live("s", "https://blog.example/a/", NOW)
    ledger.save_articles([article("ja", "https://blog.example/b/")])
    assert live(ledger) == {"ja": None}


def test_what_is_held_for_one_reason_in_its_order(ledger: Ledger) -> None:
    def row(id: str, state: State, reason: str | None, seq: int) -> Delivery:
        return Delivery(
            id=id,
            subject=id,
            account="a",
            network="fake",
            kind="share",
            generation=0,
            part=0,
            state=state,
            due=NOW,
            seq=seq,
            reason=reason,
        )

    rows = [
        row("1", State.HELD, "not-live", 2),
        row("2", State.HELD, "flood", 0),
        row("3", State.PLANNED, "not-live", 0),
        row("4", State.HELD, "not-live", 1),
    ]
    ledger.add(rows, NOW)
    assert [d.id for d in ledger.held("not-live")] == ["4", "1"]
