"""When a tick has nothing to do: the content is what it was, nobody has written to the ledger, and
the clock changes nothing. In doubt it has."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.app.turn import Outlook
from bot.app.wiring import App
from bot.outbox.states import SECOND

if TYPE_CHECKING:
    from bot.ledger.mark import Stamp

FULL = timedelta(minutes=10)
"""A whole look is made so often whatever seems to be: a mistake here heals by itself."""
GONE = 2 * 3600 * SECOND
"""A removal counts when its file was away for an hour; so long it is looked at by the minute."""


class Idle:
    """Remembers what the last quiet tick saw. For one thread."""

    def __init__(self, app: App) -> None:
        from bot.ledger.mark import Mark

        self._app, self._mark = app, Mark(app.ledger)
        self._seen: tuple[Any, ...] | None = None
        self._looked: datetime | None = None
        self._leased: datetime | None = None
        self._is_known = False
        self._waits = False
        self._removed: int | None = None

    def stamp(self) -> Stamp:
        """To be taken before a tick reads anything."""
        return self._mark.now()

    def nothing_new(self, stamp: Stamp) -> bool:
        """Whether a tick that begins now would find what the last one found."""
        now = self._app.now()
        scan = self._app.scanner.scan(now)
        seen = (stamp, scan.posts, scan.problems)
        same = self._seen is not None and _same(self._seen, seen)
        self._seen = seen
        if not (self._is_known and same and scan.readable) or self._is_old(self._looked):
            return False
        waits = self._waits or self._is_fresh_removal()
        return not waits and self._app.press.stands() and self._mark.is_settled()

    def needs_lease(self, seen: Outlook) -> bool:
        """Whether the plan writes; and now and then anyway, for when it was last planned is told by
        the lease."""
        fresh = not seen.site.shrunk and any(a.gone_at is None for a in seen.site.missing)
        writes = bool(seen.site.changed) or fresh or seen.plan.changes_something
        return writes or self._is_old(self._leased)

    def leased(self) -> None:
        self._leased = self._app.now()

    def looked(self, seen: Outlook | None) -> None:
        """A whole look has ended; None: it begins, and is not known to end well. Only what is asked
        again is kept of it: it holds every delivery of every post."""
        self._looked, self._is_known = self._app.now(), seen is not None
        if seen is not None:
            gone = [a.gone_at for a in seen.site.missing]
            self._waits = seen.again is not None or None in gone
            self._removed = max((at for at in gone if at is not None), default=None)

    def close(self) -> None:
        self._mark.close()

    def _is_old(self, at: datetime | None) -> bool:
        now = self._app.now()
        return at is None or not timedelta() <= now - at < FULL

    def _is_fresh_removal(self) -> bool:
        return self._removed is not None and self._removed > self._app.ledger.now() - GONE


def _same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """The posts are one value as long as nothing of them changes; the rest is compared."""
    return one[0] == other[0] and one[1] is other[1] and one[2] == other[2]
