"""The long-lived process: what each tick does. `bot.schedule` says when."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from bot.app.asked import Request
from bot.app.branch import refuse_branch
from bot.app.feeding import write_site_feeds
from bot.app.heartbeat import Signs, fault_of
from bot.app.idle import Idle
from bot.app.journal import about
from bot.app.live import Pages, waits
from bot.app.old_ledger import doubt
from bot.app.pings import plan_pings
from bot.app.report import told_of
from bot.app.shrunk import note
from bot.app.timing import ClockWatch
from bot.app.turn import (
    Outlook,
    agree_first_run,
    carry_out,
    make_dispatcher,
    outlook,
    rename_accounts,
)
from bot.app.wiring import App, Site
from bot.errors import BotError
from bot.i18n import Message, msg
from bot.model import Delivery, Post, Problem, State
from bot.outbox.states import load, micros
from bot.words import LEASES, first_seen, flooded, ran_out

if TYPE_CHECKING:
    from bot.content import Watcher
    from bot.outbox.dispatcher import Dispatcher

log = logging.getLogger("bot.run")
STOP_SECONDS = 3.0
"""How long a stop waits for calls under way (the process is to be gone within five); what it abandons
is settled at the next start."""


class Loop:
    """`wake` asks for a tick; `stop` ends it all. Deliveries run in a thread for each account.
    `scanned` says when the content was last looked at, `fault` what the last tick met."""

    def __init__(
        self,
        app: App,
        stop: threading.Event,
        wake: threading.Event,
        signs: Signs | None = None,
    ) -> None:
        self._app, self._stop, self.wake = app, stop, wake
        self._signs = signs or Signs(lambda: micros(app.now()))
        self.scanned: int | None = None
        self.fault: Message | None = None
        self._hinted = True
        self._idle: Idle | None = None
        self._clock = ClockWatch(app.world.clock)
        self._posts: Sequence[Post] = ()
        self._said: set[tuple[str, str]] = set()
        self._workers: dict[str, tuple[threading.Thread, threading.Event]] = {}
        self._pages_wake = threading.Event()
        self._watcher: Watcher | None = None
        self._lease = "ours"
        self._again: datetime | None = None

    def start(self, *, first_run: bool, held: bool = False) -> None:
        """Agree the first run, arm the watch, start the workers. `held`: this process is known to be
        alive. Raises ConfigError."""
        app = self._app
        refuse_branch(app)
        agree_first_run(app, agreed=first_run)
        rename_accounts(app)
        if not held:
            app.ledger.owners.hold(app.world.owner)
        self._idle = Idle(app)
        self._watch()
        if doubt(app, app.ledger, frozenset()):  # what is held must be, before anybody sends
            self._plan(outlook(app, app.ledger, Request(patient=True)))
        app.in_use = True
        dispatcher = make_dispatcher(app, lambda: self._posts, self._stop, self._report)
        dispatcher.take_over()
        for account in app.active():
            why = app.missing(account)
            if why is None:
                self._work(dispatcher, account.name)
            else:
                log.warning("%s", msg("{name}: not ready: {why}", name=account.name, why=str(why)))
        for hub in app.hubs:
            self._work(dispatcher, hub)
        self._dispatcher = dispatcher
        self._look_at_pages()
        app.ledger.listen(self._wake_workers, self._stop)
        self.wake.set()

    def tick(self) -> None:
        """Scan, plan, write the feeds, wake the workers; nothing of it where nothing can be new. What
        goes wrong is said, not raised."""
        try:
            self._watch()
            if self._may_rest():
                self._scanned()
            else:
                self._look()
        except BotError as error:
            self.fault = error.message
            log.error("%s%s", f"{error.place}: " if error.place else "", error)
        except Exception as error:
            self.fault = fault_of(error)
            log.exception("%s", self.fault)

    def _may_rest(self) -> bool:
        """A tick that no change of the content asked for."""
        hinted, self._hinted = self._hinted, False
        assert self._idle is not None
        if not hinted and self._idle.nothing_new(self._idle.stamp()):
            return True
        self._idle.looked(None)
        return False

    def _look(self) -> None:
        app = self._app
        sure = self._clock.is_sure()
        seen = outlook(app, app.ledger, Request(patient=True, may_expire=sure))
        self._posts, self._again = seen.site.posts, seen.again
        problems = [*seen.site.problems]
        self._plan(seen)
        self._wake_workers()
        note(app, seen.site)
        if seen.site.readable and not self._stop.is_set():
            problems += self._feed(seen.site)
        self._say(problems)
        if seen.site.readable:
            self._scanned()
        else:
            self.fault = problems[0].message if problems else None
        self._dispatcher.take_over()
        if self._idle is not None and self._lease == "ours":
            self._idle.looked(seen)

    def _scanned(self) -> None:
        self.scanned, self.fault = micros(self._app.now()), None

    def _watch(self) -> None:
        """Arm the watch before a scan; anew where a folder is another one than before (it was made
        again, or its drive is back)."""
        from bot.content import Watcher

        if self._watcher is not None:
            if not self._watcher.is_stale():
                return
            self._watcher.stop()
        folders = [mount.source for mount in self._app.scanner.rules.roots]
        before = self._watcher
        self._watcher = Watcher(folders, self._changed)
        self._watcher.start()
        if self._watcher.problem is not None and before is None:
            log.warning("%s", self._watcher.problem)

    def _changed(self) -> None:
        self._hinted = True
        self.wake.set()

    def _plan(self, seen: Outlook) -> None:
        if self._idle is not None and not self._idle.needs_lease(seen):
            return
        lease = self._app.planning()
        if lease != self._lease and lease != "ours":
            log.warning("%s", LEASES[lease])
        self._lease = lease
        if lease != "ours":
            return
        if self._idle is not None:
            self._idle.leased()
        for account, count in carry_out(self._app, seen).items():
            log.info("%s", first_seen(account, count))
        if seen.plan.held:
            log.warning("%s", flooded(seen.plan.held))
        for row in seen.plan.expired:
            log.warning("%s", ran_out(row.account, row.path), extra=about(row))

    def next_change(self) -> datetime | None:
        """When the clock alone next makes a post visible or takes it away."""
        times = [post.changes_at for post in self._posts if post.changes_at is not None]
        times += [self._again] if self._again is not None else []
        return min(times, default=None)

    def end(self, seconds: float = STOP_SECONDS) -> bool:
        """Let calls under way finish, for so long at most. Whether all have."""
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher = None
        if self._idle is not None:
            self._idle.close()
        self._wake_workers()
        ends = time.monotonic() + seconds
        for thread, _wake in self._workers.values():
            thread.join(max(0.0, ends - time.monotonic()))
        return not any(thread.is_alive() for thread, _wake in self._workers.values())

    @property
    def workers(self) -> dict[str, bool]:
        """Which accounts have a thread, and whether it lives."""
        return {name: thread.is_alive() for name, (thread, _wake) in self._workers.items()}

    def _wake_workers(self) -> None:
        for _thread, wake in self._workers.values():
            wake.set()
        self._pages_wake.set()

    def _look_at_pages(self) -> None:
        """The pages of new posts, where an account waits for them."""
        if waits(self._app):
            serve, wake = Pages(self._app, self._stop).serve, self._pages_wake
            threading.Thread(
                target=serve, args=(wake, self._wake_workers), name="bot-pages", daemon=True
            ).start()

    def _work(self, dispatcher: Dispatcher, account: str) -> None:
        wake = threading.Event()
        thread = threading.Thread(
            target=dispatcher.serve,
            args=(account, wake, self._signs),
            name=f"bot-{account}",
            daemon=True,
        )
        self._workers[account] = (thread, wake)
        thread.start()

    def _feed(self, site: Site) -> Sequence[Problem]:
        written = write_site_feeds(self._app, site)
        if written.written:
            log.info("%s", msg("feeds written: {names}", names=", ".join(written.written)))
        if plan_pings(self._app, written):
            self._wake_workers()
        return (*written.problems, *written.refused)

    def _say(self, problems: Sequence[Problem]) -> None:
        """Each problem once, until it is gone and comes back."""
        for problem in problems:
            if (problem.path, problem.code) not in self._said:
                place = problem.path if problem.line is None else f"{problem.path}:{problem.line}"
                hint = f" — {problem.hint}" if problem.hint else ""
                log.warning("%s: %s%s", place, problem.message, hint)
        self._said = {(p.path, p.code) for p in problems}

    def _report(self, delivery: Delivery) -> None:
        self._signs.busy(delivery.account)
        told = told_of(delivery)
        if told is not None:
            level = logging.INFO if delivery.state is State.SENT else logging.WARNING
            extra = about(delivery) | {"code": delivery.error_code or delivery.state.value}
            log.log(level, "%s", told, extra=extra)
        for left_out in delivery.notes if delivery.state is State.SENT else ():
            log.warning("%s: %s", delivery.account, load(left_out), extra=about(delivery))
