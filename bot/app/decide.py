"""What a person decides about deliveries that wait."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence

from bot.app.turn import spellings
from bot.app.wiring import App
from bot.errors import LostLease, UsageError
from bot.i18n import msg
from bot.model import Delivery, State


def approve(app: App, which: Sequence[str]) -> list[Delivery]:
    """Held deliveries become planned: all, or those named by id (a unique prefix) or path."""
    return _decide(app, which, {State.HELD}, State.PLANNED, "approved", all_without_names=True)


def skip(app: App, which: Sequence[str]) -> list[Delivery]:
    """Planned, held or retried deliveries are not sent."""
    waiting = {State.PLANNED, State.HELD, State.RETRY}
    return _decide(app, which, waiting, State.SKIPPED, "skip", all_without_names=False)


def _decide(
    app: App,
    which: Sequence[str],
    states: Collection[State],
    state: State,
    event: str,
    *,
    all_without_names: bool,
) -> list[Delivery]:
    ledger = app.ledger
    rows = ledger.deliveries(states)
    chosen = rows if all_without_names and not which else _pick(app, rows, which)
    now = ledger.now()
    reason = None if state is State.PLANNED else event
    done = []
    for row in chosen:
        if row.state is State.HELD and row.reason == "draft" and state is State.PLANNED:
            continue  # its text cannot be made; only the post itself can change that
        with contextlib.suppress(LostLease):
            values = {"reason": reason, "planned_at": now, "due": now}
            done.append(ledger.move(row, state, values, now=now, event=event))
    return done


def _pick(app: App, rows: Sequence[Delivery], which: Sequence[str]) -> list[Delivery]:
    chosen: dict[str, Delivery] = {}
    for name in which:
        ids = [row for row in rows if row.id.startswith(name)] if len(name) >= 4 else []
        paths = set(spellings(app, name))
        found = [row for row in rows if row.path in paths] or ids
        if not found:
            raise UsageError(
                msg("nothing that waits is named {name}", name=name),
                code="no-such-delivery",
                hint=msg("bot status shows what waits, with ids and paths"),
            )
        if found is ids and len(ids) > 1:
            raise UsageError(
                msg("{name} is the beginning of several ids", name=name),
                code="ambiguous-id",
                hint=msg("write more of the id"),
            )
        chosen |= {row.id: row for row in found}
    return list(chosen.values())
