"""Whether the ledger may be an old copy, and whom that concerns: accounts that are not read back."""

from __future__ import annotations

from datetime import timedelta

from bot.app.wiring import App
from bot.config import parse_duration
from bot.ledger import lookups
from bot.ledger.store import Ledger
from bot.model import Replay
from bot.outbox.old_ledger import Doubt
from bot.posters.registry import NETWORKS


def doubt(app: App, ledger: Ledger | None, named: frozenset[str]) -> Doubt | None:
    """`named`: subjects that a person asks for. None where nothing is in doubt: the ledger is in use, or every account is read back."""
    blind = frozenset(
        a.name for a in app.active() if not a.adopt or Replay.BLIND in NETWORKS[a.network].lost
    )
    if not blind or ledger is None or app.in_use:
        return None
    publish, now, looked_at = app.config.publish, ledger.now(), ledger.looked_at()
    if lookups.is_imported(ledger):
        return Doubt(accounts=blind, until=now, most=publish.old_ledger_posts, named=named)
    patience = parse_duration(publish.old_ledger) // timedelta(microseconds=1)
    if looked_at is None or now - looked_at <= patience:
        return None
    return Doubt(accounts=blind, until=looked_at, most=publish.old_ledger_posts, named=named)
