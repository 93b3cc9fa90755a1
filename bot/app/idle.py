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
        self._last: Outlook | None = None

    def stamp(self) -> Stamp:
        """To be taken before a tick reads anything."""
        return self._mark.now()

    def nothing_new(self, stamp: Stamp) -> bool:
        """Whether a tick that begins now would find what the last one found."""
        now, last = self._app.now(), self._last
        scan = self._app.scanner.scan(now)
        seen = (stamp, scan.posts, scan.problems)
        same = self._seen is not None and _same(self._seen, seen)
        self._seen = seen
        if last is None or not same or not scan.readable or self._is_old(self._looked):
            return False
        waits = last.again is not None or self._fresh_removals(last)
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
        """A whole look has ended; None: not well."""
        self._last, self._looked = seen, self._app.now()

    def close(self) -> None:
        self._mark.close()

    def _is_old(self, at: datetime | None) -> bool:
        now = self._app.now()
        return at is None or not timedelta() <= now - at < FULL

    def _fresh_removals(self, last: Outlook) -> bool:
        since = self._app.ledger.now() - GONE
        return any(a.gone_at is None or a.gone_at > since for a in last.site.missing)


def _same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """The posts are one value as long as nothing of them changes; the rest is compared."""
    return one[0] == other[0] and one[1] is other[1] and one[2] == other[2]
