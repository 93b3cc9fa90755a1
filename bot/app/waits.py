"""Why what is due does not go now: the same gate that a claim asks, looked at from outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.app.wiring import App
from bot.model import Delivery, State
from bot.outbox.pacing import Call, Gate, budget_left, gate, month_start

if TYPE_CHECKING:
    from bot.ledger.store import Ledger
    from bot.outbox.claiming import Pace

BUDGET = "budget"
LINKS = "links"


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """An account's gate at a moment, and what it may still spend this month (None: no budget)."""

    gate: Gate
    left: int | None
    month_end: int

    def keeps(self, row: Delivery) -> tuple[str, int | None] | None:
        """The reason (a word of REASONS) why this row does not go, and until when; None: it may."""
        met = self.gate
        if row.exact and not met.exact_open:
            return met.reason or LINKS, met.exact_until
        if not row.exact and not met.open:
            return met.reason or LINKS, met.until
        if row.linked and not met.link:
            return LINKS, met.link_until
        if self.left is not None and (row.cost or 0) > self.left:
            return BUDGET, self.month_end
        return None


def late(app: App, ledger: Ledger, account: str, before: int, now: int) -> list[Delivery]:
    """What was due before then and could have gone since: not what waits for a slot, a cap, a quiet
    hour, money, or behind others that go."""
    from bot.ledger import digest

    pace = app.pace(account)
    rows = digest.due_before(ledger, account, before)
    if not rows or pace is None:
        return rows
    calls = _calls(ledger, account, now)
    goes_on = any(call.at >= before for call in calls)
    doors = [_door(ledger, pace, calls, at) for at in (before, now)]
    return [
        row
        for row in rows
        if row.state is State.UNKNOWN
        or not (goes_on or any(door.keeps(row) is not None for door in doors))
    ]


def _door(ledger: Ledger, pace: Pace, calls: Sequence[Call], at: int) -> Door:
    left = None
    if pace.purse is not None:
        left = budget_left(pace.purse, ledger.money(pace.purse.accounts, month_start(at)))
    return Door(gate=gate(pace.timing, calls, at), left=left, month_end=month_start(at, 1))


def _calls(ledger: Ledger, account: str, now: int) -> Sequence[Call]:
    from bot.outbox.claiming import calls_of

    return calls_of(ledger, account, now)
