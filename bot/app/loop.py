"""The long-lived process: what each tick does. `bot.schedule` says when."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from bot.app.asked import Request
from bot.app.branch import refuse_branch
from bot.app.feeding import write_site_feeds
from bot.app.live import Pages, waits
from bot.app.old_ledger import doubt
from bot.app.report import told_of
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
from bot.i18n import msg
from bot.model import Delivery, Post, Problem, State
from bot.words import LEASES, first_seen, flooded

if TYPE_CHECKING:
    from bot.content import Watcher
    from bot.outbox.dispatcher import Dispatcher

log = logging.getLogger("bot.run")
STOP_SECONDS = 5.0
"""How long a stop waits for calls under way; what it abandons is settled at the next start."""


class Loop:
    """`wake` asks for a tick; `stop` ends it all. Deliveries run in a thread for each account."""

    def __init__(self, app: App, stop: threading.Event, wake: threading.Event) -> None:
        self._app, self._stop, self.wake = app, stop, wake
        self._posts: Sequence[Post] = ()
        self._said: set[tuple[str, str]] = set()
        self._workers: dict[str, tuple[threading.Thread, threading.Event]] = {}
        self._pages_wake = threading.Event()
        self._watcher: Watcher | None = None
        self._lease = "ours"
        self._again: datetime | None = None

    def start(self, *, first_run: bool) -> None:
        """Agree the first run, arm the watch, start the workers. Raises ConfigError."""
        app = self._app
        refuse_branch(app)
        agree_first_run(app, agreed=first_run)
        rename_accounts(app)
        app.ledger.owners.hold(app.world.owner)
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
        self._dispatcher = dispatcher
        self._look_at_pages()
        app.ledger.listen(self._wake_workers, self._stop)
        self.wake.set()

    def tick(self) -> None:
        """Scan, plan, write the feeds, wake the workers. What goes wrong is said, not raised."""
        app = self._app
        try:
            self._watch()
            seen = outlook(app, app.ledger, Request(patient=True))
            self._posts, self._again = seen.site.posts, seen.again
            problems = [*seen.site.problems]
            self._plan(seen)
            self._wake_workers()
            if seen.site.readable and not seen.site.shrunk:
                problems += self._feed(seen.site)
            self._say(problems)
            self._dispatcher.take_over()
        except BotError as error:
            log.error("%s%s", f"{error.place}: " if error.place else "", error)

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
        self._watcher = Watcher(folders, self.wake.set)
        self._watcher.start()
        if self._watcher.problem is not None and before is None:
            log.warning("%s", self._watcher.problem)

    def _plan(self, seen: Outlook) -> None:
        lease = self._app.planning()
        if lease != self._lease and lease != "ours":
            log.warning("%s", LEASES[lease])
        self._lease = lease
        if lease != "ours":
            return
        for account, count in carry_out(self._app, seen).items():
            log.info("%s", first_seen(account, count))
        if seen.plan.held:
            log.warning("%s", flooded(seen.plan.held))

    def next_change(self) -> datetime | None:
        """When the clock alone next makes a post visible or takes it away."""
        times = [post.changes_at for post in self._posts if post.changes_at is not None]
        times += [self._again] if self._again is not None else []
        return min(times, default=None)

    def end(self) -> None:
        """Let calls under way finish, for a while."""
        if self._watcher is not None:
            self._watcher.stop()
        self._wake_workers()
        for thread, _wake in self._workers.values():
            thread.join(STOP_SECONDS / max(1, len(self._workers)))

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
            target=dispatcher.serve, args=(account, wake), name=f"bot-{account}", daemon=True
        )
        self._workers[account] = (thread, wake)
        thread.start()

    def _feed(self, site: Site) -> Sequence[Problem]:
        written = write_site_feeds(self._app, site)
        if written.written:
            log.info("%s", msg("feeds written: {names}", names=", ".join(written.written)))
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
        told = told_of(delivery)
        if told is not None:
            log.log(logging.INFO if delivery.state is State.SENT else logging.WARNING, "%s", told)
