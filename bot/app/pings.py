"""Hubs are told of feeds whose bytes are others than those they were told of, once those are in place.

What was written and not yet planned when a process died is found by the next one: at first every
feed is compared with what the ledger says of it, later only what was written.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from hashlib import sha256

from bot.app.wiring import App
from bot.errors import LostLease
from bot.feeds import Written
from bot.model import State
from bot.outbox.pings import NETWORK, PING, Topic, pings

TRIES = 3
"""What another process claims or plans meanwhile is looked at again, so often."""


def plan_pings(app: App, written: Written) -> bool:
    """After the feeds were written. Whether there is something to tell."""
    hubs = app.hubs
    first, app.pings_compared = not app.pings_compared, True
    if first:
        _withdraw(app, hubs)
    if not hubs or not (first or written.written):
        return False
    addresses = app.press.addresses()
    names = [name for name in written.written if name in addresses]
    topics = _topics(app, addresses if first else names, addresses)
    planned = False
    for _ in range(TRIES):
        if not _plan(app, topics, hubs):
            break
        planned = True
    if planned:
        app.ledger.announce()
    return planned


def _plan(app: App, topics: Sequence[Topic], hubs: Sequence[str]) -> bool:
    from bot.ledger.pings import newest_pings

    ledger = app.ledger
    newest = newest_pings(ledger, [topic.url for topic in topics])
    now = ledger.now()
    made = pings(topics, hubs, newest, app.site_id, now)
    if not (made.new or made.anew):
        return False
    known = ledger.targets()
    with ledger.together():
        for hub in hubs:
            if hub not in known:
                ledger.baseline(hub, NETWORK, (), now)
        ledger.add(made.new, now)
        ledger.compose_anew(made.anew, now)
    return True


def _withdraw(app: App, hubs: Sequence[str]) -> None:
    """A hub that is no longer named is not told."""
    now, gone = app.ledger.now(), {"reason": "no-hub"}
    for row in app.ledger.deliveries({State.PLANNED, State.RETRY}):
        if row.kind == PING and row.account not in hubs:
            with contextlib.suppress(LostLease):
                app.ledger.move(row, State.CANCELLED, gone, now=now, event="withdrawn")


def _topics(app: App, names: Collection[str], addresses: dict[str, str]) -> list[Topic]:
    folder = app.root / app.config.feed.path
    found = []
    for name in names:
        with contextlib.suppress(OSError):  # a build has just emptied the folder
            digest = sha256((folder / name).read_bytes()).hexdigest()
            found.append(Topic(addresses[name], f"{app.config.feed.path}/{name}", digest))
    return found
