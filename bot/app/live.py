"""Only when it is live: a new post is held until its page is online, then it is set free.

The plan holds; here the pages are looked at, in `bot run` by a thread of its own, in `bot post` for a
while. What was seen stays in the ledger, so a process that ends in between loses nothing.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from bot.app.fetch import Get, NotThere, Wanted, getter, look
from bot.app.wiring import App
from bot.config import parse_duration
from bot.errors import BotError, LostLease
from bot.i18n import Message, msg
from bot.model import Article, Delivery, State
from bot.outbox.changes import SHARE
from bot.outbox.states import NOT_LIVE, SECOND, dump

log = logging.getLogger("bot.live")

PAUSES = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 60.0, 60.0, 60.0)
"""Seconds between the looks at one page: a deploy takes minutes, mostly."""
LATER = 300.0
AFTER_DEADLINE = 3600.0
PICTURE_WAIT = 900 * SECOND
"""So long a picture alone may keep a post back; then it is shared as its page is."""
LONGEST_WAIT = 600.0
ROUND = 20
STORE_PAUSE = 10.0

Key = tuple[str, str]
"""Subject and address: a translation has a page of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """One page that deliveries wait for, and those deliveries."""

    key: Key
    rows: tuple[Delivery, ...]

    @property
    def since(self) -> int:
        return min(row.planned_at for row in self.rows)

    def is_for(self, accounts: Collection[str]) -> bool:
        return any(row.account in accounts for row in self.rows)

    def wanted(self, site: str) -> Wanted:
        drafts = [row.draft for row in self.rows if row.draft]
        return Wanted(
            url=self.key[1],
            title=drafts[0]["title"] if drafts else "",
            site=site,
            card=any(draft["link"] and not draft["images"] for draft in drafts),
        )


def waits(app: App) -> set[str]:
    """The accounts whose posts wait until their page is online; a file is no place for readers."""
    usual = app.config.publish.wait_until_live
    return {
        a.name
        for a in app.active()
        if a.network != "file" and (usual if a.wait_until_live is None else a.wait_until_live)
    }


def unseen(app: App, articles: Iterable[Article], existing: Iterable[Delivery]) -> set[str]:
    """Ids of the posts whose page is not known to be online: nobody has seen it, and no account
    that waits for such has shared it."""
    names = waits(app)
    if not names:
        return set()
    shared = {
        (row.subject, row.url)
        for row in existing
        if row.kind == SHARE and row.state is State.SENT and row.account in names
    }
    known = (a for a in articles if a.live_at is None)
    return {a.id for a in known if (a.subject or a.id, a.url) not in shared}


class Pages:
    """Looks at the pages that deliveries wait for, each when its time has come."""

    def __init__(
        self, app: App, stop: threading.Event | None = None, get: Get | None = None
    ) -> None:
        self._app, self._given, self._stop = app, get, stop or threading.Event()
        self._clock = app.world.clock
        self._looks: dict[Key, int] = {}
        self._next: dict[Key, float] = {}

    def look(self, only: Collection[str] | None = None) -> list[Delivery]:
        """Look at each page whose time has come (`only`: of these subjects). What may now be
        sent."""
        return self._look_at(self.sought(only), {})

    def rounds(self, only: Collection[str] | None = None) -> Iterator[list[Delivery]]:
        """As `look`, some pages at a time: of an archive the first posts need not wait for the
        last pages."""
        pages, dead = self.sought(only), dict[str, NotThere]()
        for start in range(0, len(pages), ROUND):
            yield self._look_at(pages[start : start + ROUND], dead)

    def awaited(
        self, subjects: Collection[str], accounts: Collection[str], seconds: float
    ) -> Iterator[list[Delivery]]:
        """Look again and again, for so long, until the pages of these are there: what may now be
        sent, each time."""
        ends, told = self._clock.steady() + seconds, False
        while not self._stop.is_set():
            rest = [page for page in self.sought(subjects) if page.is_for(accounts)]
            again = min((self._next.get(page.key, 0.0) for page in rest), default=ends + 1)
            if again > ends:
                return
            if not told:
                names = ", ".join(sorted({page.rows[0].path for page in rest}))
                log.warning("%s", msg("waiting until the page is there: {names}", names=names))
            told = True
            self._clock.wait(self._stop, max(0.0, again - self._clock.steady()))
            yield self.look(subjects)

    def serve(self, wake: threading.Event, on_free: Callable[[], None]) -> None:
        """Look until the process stops; `wake` says that there may be something new."""
        while not self._stop.is_set():
            wake.clear()
            pause = STORE_PAUSE
            try:
                if self.look():
                    on_free()
                pause = self._pause()
            except BotError as error:
                log.error("%s", error)
            except Exception:
                log.exception("looking at pages met a fault of bot's own")
            self._clock.wait(wake, pause)

    def sought(self, only: Collection[str] | None = None) -> list[Sought]:
        """The pages that deliveries wait for."""
        found: dict[Key, list[Delivery]] = {}
        for row in self._app.ledger.held(NOT_LIVE):
            if only is None or row.subject in only:
                found.setdefault((row.subject, row.url), []).append(row)
        return [Sought(key=key, rows=tuple(rows)) for key, rows in found.items()]

    def _look_at(self, pages: Iterable[Sought], dead: dict[str, NotThere]) -> list[Delivery]:
        """`dead`: hosts that do not answer; they are asked once."""
        freed: list[Delivery] = []
        for page in pages:
            if self._stop.is_set():
                break
            if self._next.get(page.key, 0.0) > self._clock.steady():
                continue
            host = page.key[1].partition("://")[2].partition("/")[0]
            missing = dead.get(host) or self._missing(page)
            if missing is None:
                freed += self._free(page)
                continue
            if not missing.reached:
                dead[host] = missing
            self._keep(page, missing)
        return freed

    def _pause(self) -> float:
        """Seconds until the next look."""
        now = self._clock.steady()
        times = [self._next.get(page.key, now) for page in self.sought()]
        return min(LONGEST_WAIT, max(PAUSES[0], min(times, default=now + LONGEST_WAIT) - now))

    @cached_property
    def _get(self) -> Get:
        config = self._app.config
        return self._given or getter(config.site.url, config.publish.timeout, self._clock)

    @cached_property
    def _deadline(self) -> int:
        given = parse_duration(self._app.config.publish.live_deadline)
        return int(given / timedelta(microseconds=1))

    def _missing(self, page: Sought) -> NotThere | None:
        try:
            look(self._get, page.wanted(self._app.config.site.title))
        except NotThere as missing:
            if missing.picture and self._app.ledger.now() - page.since >= PICTURE_WAIT:
                log.warning("%s: %s", page.rows[0].path, missing.why)
                return None
            return missing
        return None

    def _free(self, page: Sought) -> list[Delivery]:
        """The page is there: that is remembered and its deliveries are planned, all or nothing."""
        ledger = self._app.ledger
        self._app.world.reached("live")
        now = ledger.now()
        freed = []
        values = {
            "reason": None,
            "planned_at": now,
            "needs_person": False,
            "error": None,
            "error_code": None,
        }
        with ledger.together():
            ledger.set_live(*page.key, now)
            for row in page.rows:
                with contextlib.suppress(LostLease):
                    due = {"due": max(row.due, now)}  # its author may have set a time
                    moved = ledger.move(row, State.PLANNED, values | due, now=now, event="live")
                    freed.append(moved)
        self._app.world.reached("freed")
        self._looks.pop(page.key, None)
        self._next.pop(page.key, None)
        log.info("%s: %s", page.rows[0].path, msg("its page is there"))
        ledger.announce()
        return freed

    def _keep(self, page: Sought, missing: NotThere) -> None:
        """Remember why it waits and when to look again; at its deadline, that a person is needed."""
        ledger = self._app.ledger
        now = ledger.now()
        late = now - page.since >= self._deadline
        looks = self._looks.get(page.key, 0)
        pause = PAUSES[looks] if looks < len(PAUSES) else LATER
        self._looks[page.key] = looks + 1
        self._next[page.key] = self._clock.steady() + (AFTER_DEADLINE if late else pause)
        told = _told(missing.why)
        values = {"error": told, "error_code": NOT_LIVE, "needs_person": late}
        new = [row for row in page.rows if (row.error, row.needs_person) != (told, late)]
        if new:
            ledger.compose_anew([(row, values) for row in new], now)
            level = logging.WARNING if late else logging.INFO
            log.log(level, "%s: %s", page.rows[0].path, not_there(missing.why))


def not_there(why: Message) -> Message:
    return msg("its page is not there yet: {why}", why=why)


def _told(why: Message) -> str:
    return dump(not_there(why))


def waiting(rows: Iterable[Delivery]) -> list[Delivery]:
    """Those that wait for their page."""
    return [row for row in rows if row.state is State.HELD and row.reason == NOT_LIVE]
