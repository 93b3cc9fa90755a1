"""A ledger that may be an old copy: what it plans may be out there already. Pure.

An account that is read back answers that itself (see `adoption`). Of the others, more than a few
first shares at once are held until a person says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from bot.model import Delivery, State
from bot.outbox.changes import SHARE
from bot.outbox.plan import OLD_LEDGER, Plan
from bot.outbox.states import NOT_LIVE, Move


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """`accounts`: those that cannot be asked. Rows planned until `until` are of the ledger as it
    came back. `most`: so many posts at once may go. `named`: subjects that a person asked for."""

    accounts: frozenset[str]
    until: int
    most: int
    named: Collection[str] = frozenset()


def held_back(made: Plan, existing: Sequence[Delivery], doubt: Doubt) -> Plan:
    """The plan with what is in doubt held."""
    moving = {row.id for row, _ in made.moves}
    there = [
        row for row in existing if row.id not in moving and _doubtful(row.state, row.reason, row)
    ]
    there = [row for row in there if row.planned_at <= doubt.until]
    back = [row for row, move in made.moves if _doubtful(move.state, _reason(row, move), row)]
    new = [row for row in made.new if _doubtful(row.state, row.reason, row)]
    stopped = _too_many([*there, *back, *new], doubt)
    if not stopped:
        return made
    return replace(
        made,
        new=[
            replace(row, state=State.HELD, reason=OLD_LEDGER) if row.id in stopped else row
            for row in made.new
        ],
        moves=[
            *((row, _held(move) if row.id in stopped else move) for row, move in made.moves),
            *((row, _HOLD) for row in there if row.id in stopped),
        ],
    )


def _doubtful(state: State, reason: str | None, row: Delivery) -> bool:
    """Whether it goes out without a person's word."""
    goes = state in (State.PLANNED, State.RETRY) or (state, reason) == (State.HELD, NOT_LIVE)
    return goes and row.kind == SHARE and row.generation == 0


def _too_many(rows: Iterable[Delivery], doubt: Doubt) -> set[str]:
    """Ids of all that an account that cannot be asked would get, where that is more than a few."""
    found: dict[str, list[Delivery]] = {}
    for row in rows:
        if row.account in doubt.accounts and row.subject not in doubt.named:
            found.setdefault(row.account, []).append(row)
    many = (own for own in found.values() if len({row.subject for row in own}) > doubt.most)
    return {row.id for own in many for row in own}


def _reason(row: Delivery, move: Move) -> str | None:
    reason: str | None = move.values.get("reason", row.reason)
    return reason


_HOLD = Move(state=State.HELD, event="held", values={"reason": OLD_LEDGER})


def _held(move: Move) -> Move:
    return replace(
        move, state=State.HELD, event="held", values={**move.values, "reason": OLD_LEDGER}
    )
