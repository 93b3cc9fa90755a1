"""Deliveries of accounts that are no longer configured: nothing brings them on but a person."""

from __future__ import annotations

from collections.abc import Collection

from bot.app.wiring import App
from bot.i18n import Message, msg
from bot.model import WAITING, Delivery
from bot.outbox.pings import PING


def is_orphan(app: App, row: Delivery) -> bool:
    """Whether it waits for an account that is not in the configuration."""
    return row.state in WAITING and row.kind != PING and app.account(row.account) is None


def heir(app: App, name: str) -> str | None:
    """The account that says it was called so."""
    return next((a.name for a in app.active() if name in a.was), None)


def way_out(app: App, row: Delivery, id: str, started: Collection[str]) -> Message | None:
    """What a person says to it; None where the next run takes it over by itself. `started`: accounts
    that the ledger knows already, and so take over nothing."""
    now = heir(app, row.account)
    if now is None:
        return msg(
            'renamed? was = ["{name}"] on its new name; else bot skip {id}', name=row.account, id=id
        )
    if now not in started:
        return None
    return msg(
        "{name} had begun before it said was: bot post --account {name} {path}, then bot skip {id}",
        name=now,
        path=row.path,
        id=id,
    )
