"""What a claim asks, within its transaction: whether something may go now, what it says at last, and
what is booked for it. The rules are in `bot.outbox.pacing`; here they meet the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.errors import DraftError
from bot.ledger.moves import Which
from bot.ledger.store import Ledger
from bot.model import Delivery, Draft
from bot.outbox.drafts import draft_json
from bot.outbox.pacing import LOOKBACK, Call, Gate, Purse, Timing, budget_left, gate, month_start
from bot.outbox.states import dump

BUDGET, LINKS = "budget", "links"
OPEN = Gate(
    open=True,
    until=None,
    reason=None,
    exact_open=True,
    exact_until=None,
    link=True,
    link_until=None,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """When an account may share, and the money that it shares with others (None: no budget)."""

    timing: Timing
    purse: Purse | None = None


Compose = Callable[[Delivery, bool], Draft | None]
"""A delivery's last draft; the flag says whether the day still has room for a link. None: keep the
planned one. Raises DraftError."""
Cost = Callable[[Draft], int | None]
"""What a draft costs today, in millionths of a US dollar; None: nothing is taken."""


def calls_of(ledger: Ledger, account: str, now: int) -> list[Call]:
    """What the account's slots and caps count."""
    spent = ledger.spent(account, now - LOOKBACK)
    return [Call(at=row.spent_at or 0, linked=bool(row.linked), exact=row.exact) for row in spent]


class Desk:
    """See `bot.ledger.moves.Desk`. `closed` tells, account for account, why nothing goes now."""

    def __init__(
        self, ledger: Ledger, pace: Callable[[str], Pace | None], compose: Compose, cost: Cost
    ) -> None:
        self._ledger, self._pace, self._compose, self._cost = ledger, pace, compose, cost
        self._gates: dict[str, Gate] = {}

    def closed(self, account: str) -> Gate | None:
        """What the last claim of this account met; None: it was open."""
        met = self._gates.get(account, OPEN)
        return None if met.open else met

    def open(self, account: str, now: int) -> Which:
        pace = self._pace(account)
        met = gate(pace.timing, calls_of(self._ledger, account, now), now) if pace else OPEN
        self._gates[account] = met
        if met.open:
            return "all"
        return "exact" if met.exact_open else "rest"

    def book(self, row: Delivery, now: int) -> Mapping[str, Any] | None:
        if row.kind == "retract":
            return {}
        if row.kind != "share":
            return self._values(row, self._last(row, link=True))
        if row.part:
            return {"spent_at": now, "cost": 0}  # the first part booked the whole thread
        left = self._left(row.account, now)
        met = self._gates[row.account]
        wait = (BUDGET, month_start(now, 1))
        for link in (True, False) if met.link else (False,):
            values = self._values(row, self._last(row, link=link))
            cost = values.get("cost", row.cost)
            if not met.link and values.get("linked", row.linked):
                wait = (LINKS, met.link_until or now)
            elif left is None or not cost or cost <= left:
                return {**values, "spent_at": now}
        reason, until = wait
        self._gates[row.account] = replace(
            met, open=False, until=until, reason=reason, exact_open=False, exact_until=until
        )
        return None

    def _left(self, account: str, now: int) -> int | None:
        """What the account may still spend this month; None: there is no budget. Until the claim
        has ended nobody else spends of it."""
        pace = self._pace(account)
        if pace is None or pace.purse is None:
            return None
        self._ledger.one_at_a_time(pace.purse.name)
        return budget_left(pace.purse, self._ledger.money(pace.purse.accounts, month_start(now)))

    def _last(self, row: Delivery, *, link: bool) -> Draft | DraftError | None:
        if row.frozen or row.part:
            return None
        try:
            return self._compose(row, link)
        except DraftError as error:
            return error

    def _values(self, row: Delivery, last: Draft | DraftError | None) -> dict[str, Any]:
        if last is None:
            return {}
        if isinstance(last, DraftError):
            return {"draft": None, "error": dump(last.message), "error_code": last.code}
        kept = draft_json(last)
        if len(last.parts) > 1 or len((row.draft or {}).get("parts", ())) > 1:
            self._ledger.freeze(row, kept, row.updated_at)
        told = {"error": None, "error_code": None}
        return {"draft": kept, "cost": self._cost(last), "linked": last.link is not None, **told}
