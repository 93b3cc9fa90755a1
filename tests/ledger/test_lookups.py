"""Looking up is as quick among a million rows as among ten: by an index, and only what was asked."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import event, text

from bot.ledger.lookups import receipts_among
from bot.ledger.store import Ledger
from bot.model import State
from tests.outbox.test_dispatcher import planned


def fill(ledger: Ledger, count: int) -> None:
    (pattern,) = planned(ledger, "pattern")
    sent = [
        replace(
            pattern,
            id=f"{n:016x}",
            subject=f"p{n}",
            account="ab"[n % 2],
            state=State.SENT,
            remote_id=f"r{n}",
            sent_at=n,
        )
        for n in range(count)
    ]
    ledger.add(sent, 0)


def test_only_receipts_of_this_account_and_among_those_asked(ledger: Ledger) -> None:
    fill(ledger, 10)
    assert receipts_among(ledger, "a", ["r0", "r1", "r2", "r99"]) == {"r0", "r2"}
    assert receipts_among(ledger, "a", []) == set()
    assert receipts_among(ledger, "c", ["r0"]) == set()


def test_an_index_finds_the_receipts(ledger: Ledger) -> None:
    fill(ledger, 2_000)
    asked: list[tuple[str, object]] = []

    @event.listens_for(ledger._engine, "before_cursor_execute")
    def _asked(_c: object, _cursor: object, statement: str, values: object, *_: object) -> None:
        asked.append((statement, values))

    receipts_among(ledger, "a", [f"r{n}" for n in range(40)])
    (question,) = (one for one in asked if "remote_id" in one[0])
    sqlite = ledger._engine.dialect.name == "sqlite"
    with ledger._engine.connect() as connection:
        if not sqlite:
            connection.execute(text("ANALYZE deliveries"))
        explain = "EXPLAIN QUERY PLAN" if sqlite else "EXPLAIN"
        plan = connection.exec_driver_sql(f"{explain} {question[0]}", question[1]).all()  # type: ignore[arg-type]
    assert "deliveries_receipt" in str(plan)
