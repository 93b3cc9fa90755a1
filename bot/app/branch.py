"""The ledger of a branch, laid out for one process: fetched at its start, pushed before each call
that anybody can see, and at its end.

Whoever pushes first is right. Who finds the branch moved fetches it, brings over what came of its
own calls, and plans again (`changing`).
"""

from __future__ import annotations

import contextlib
import logging
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from bot.errors import BotError, ConfigError, LostLease, StoreUnavailable, Transient
from bot.i18n import msg
from bot.ledger.git import FILE, Branch, Moved
from bot.model import Delivery, State
from bot.outbox.states import LEASE, SECOND, failed_call

if TYPE_CHECKING:
    from bot.app.wiring import App
    from bot.ledger.store import Ledger

log = logging.getLogger("bot.state")

ROUNDS = 20
"""So often a command begins again because others were quicker."""
CLOCKS_APART = 60 * SECOND
"""Two machines' clocks may differ by so much: for this much longer a process counts as at work."""

P = ParamSpec("P")
T = TypeVar("T")
Doing = Callable[Concatenate["App", P], T]


def changing(function: Doing[P, T]) -> Doing[P, T]:
    """What writes to the ledger. With a branch it is done on the newest view of it, and again
    where the branch has moved meanwhile; what it answers is pushed."""

    @wraps(function)
    def done(app: App, /, *args: P.args, **kwargs: P.kwargs) -> T:
        if app.bench is None:
            return function(app, *args, **kwargs)
        return app.bench.change(lambda: function(app, *args, **kwargs))

    return done


def finish(app: App) -> None:
    """What a command wrote that does not begin again by itself (`changing`) goes out at its end.
    Raises Moved, StoreUnavailable: then nothing of it is there."""
    if app.bench is not None:
        app.bench.push()


def refuse_faults(app: App) -> None:
    """Raises ConfigError where both an address and a branch are named, or a login stands in the
    address of the remote."""
    told, lines = None, app.config.lines
    if "state.url" in lines:
        told = msg("[state] names both a `url` and a branch of git: keep one")
    if re.match(r"https?://[^/]*@", app.config.state.git.remote):
        told = msg("`remote` holds a login, and a secret never stands here: git has its own for it")
    if told is not None:
        raise ConfigError(
            told,
            code="state-git",
            path=app.config.file,
            line=lines.get("state.git") or lines.get("state"),
            key="state.git",
        )


def refuse_branch(app: App) -> None:
    """For what goes on and on. Raises ConfigError where the ledger lives on a branch."""
    if app.bench is not None:
        raise ConfigError(
            msg("a ledger on a branch is for single turns: bot post"),
            code="branch-run",
            path=app.config.file,
            line=app.config.lines.get("state.git") or app.config.lines.get("state"),
            key="state.git",
            hint=msg("for bot run set state.url instead: it keeps its ledger on the disk"),
        )


class Leases:
    """Who is alive, as far as a branch tells: a process whose lease runs. Its lock cannot be seen
    from another machine."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def hold(self, name: str) -> None:
        """Its rows say so."""

    def alive(self, name: str) -> bool:
        from bot.ledger.branch import last_lease

        last = last_lease(self._ledger, name, LEASE)
        return last is not None and self._ledger.now() < last + CLOCKS_APART

    def release(self) -> None:
        """Its rows say so."""


class Bench:
    """Where a process works on the ledger of a branch: a folder of its own, gone with it."""

    def __init__(self, app: App) -> None:
        git = app.config.state.git
        self._app = app
        self.branch = Branch(app.root, git.remote, git.branch, git.commits, self._pause)
        self._folder: Path | None = None
        self._fetched = False
        self._lines: bytes | None = None
        self._calls: dict[str, int] = {}
        self._lock = threading.RLock()
        self._failure: BotError | None = None
        self._within = False

    # --- the store --------------------------------------------------------------------------

    def url(self, *, writing: bool) -> str:
        """The working ledger's address, laid out from the branch. To read, what was fetched last
        will do where the remote is away, and it is said. Raises StoreUnavailable, ConfigError."""
        if self._folder is None or (writing and not self._fetched):
            self._lay_out(self._newest(writing=writing))
        return self._address()

    def take(self, ledger: Ledger) -> None:
        """Ask the branch who is alive, not this machine."""
        ledger.owners = Leases(ledger)

    def close(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder, self._fetched = None, False

    def _newest(self, *, writing: bool) -> bytes | None:
        self.branch.check()
        try:
            lines = self.branch.fetch()
            self._fetched = True
            return lines
        except StoreUnavailable as error:
            kept = None if writing else self.branch.kept()
            if kept is None:
                raise
            lines, at = kept
            when = at.isoformat().replace("+00:00", "Z")
            said = msg("{why}; shown is what it was at {time}", why=error.message, time=when)
            log.warning("%s", said)
            return lines

    def _lay_out(self, lines: bytes | None) -> None:
        """A database of these rows; none where there is no branch yet."""
        fetched = self._fetched
        self.close()
        self._fetched, self._lines = fetched, lines
        self._folder = Path(tempfile.mkdtemp(prefix="bot-"))
        if lines is not None:
            self._fill(lines)

    def _fill(self, lines: bytes) -> None:
        from bot.ledger import branch, transfer
        from bot.ledger import engine as opening

        name = f"{self.branch.where} {FILE}"
        revision = branch.revision_of(lines)
        if revision not in (None, opening.HEAD):
            engine = opening.open_engine(self._address(), self._app.root, readonly=False)
            assert engine is not None
            try:
                branch.lay_out_older(engine, str(revision), lines, self._app.site_id, name)
            finally:
                engine.dispose()
            self._working().close()
            return
        ledger = self._working()
        try:
            transfer.import_(ledger, lines.splitlines(), name)
        finally:
            ledger.close()

    def _working(self) -> Ledger:
        from bot.app.store import open_at

        ledger = open_at(self._app, self._address())
        assert ledger is not None
        return ledger

    def _address(self) -> str:
        return f"sqlite:///{self._folder}/bot.db"

    def _pause(self, seconds: float) -> None:
        self._app.world.clock.wait(threading.Event(), seconds)

    # --- pushing ----------------------------------------------------------------------------

    def before_call(self, delivery: Delivery) -> None:
        """Returns when the branch says that this call is being made. Those that wait while one
        pushes share the next push. Raises Moved, StoreUnavailable: then nothing may be called."""
        with self._lock:
            if self._failure is not None:
                raise self._failure
            if self._calls.get(delivery.id) == delivery.fence:
                return
            try:
                self.push()
            except BotError as error:
                self._failure = error
                raise
            if self._calls.get(delivery.id) != delivery.fence:
                raise LostLease(msg("delivery {id} is in other hands", id=delivery.id))

    def push(self) -> None:
        """The ledger as it is now. Raises Moved, StoreUnavailable."""
        from bot.ledger import branch

        if not self._app.has_ledger:
            return
        with self._lock:
            lines = branch.written(self._app.ledger)
            if lines == self._lines or (self._lines is None and lines.count(b"\n") == 1):
                return
            self._app.world.reached("pushing")
            self.branch.push(lines, self._app.now())
            self._app.world.reached("pushed")
            self._lines = lines
            self._calls = branch.calls_in(lines, self._app.world.owner)

    # --- changing ---------------------------------------------------------------------------

    def change(self, work: Callable[[], T]) -> T:
        """Do it on the newest view of the branch, until what it wrote is there."""
        if self._within:
            return work()
        with self._alone():
            for n in range(ROUNDS):
                if n:
                    self._pause(self._app.world.jitter())
                    self._catch_up()
                with contextlib.suppress(Moved), self._saving():
                    result = work()
                    self._end()
                    return result
        raise StoreUnavailable(
            msg("{branch} is changed by others all the time", branch=self.branch.where),
            code="branch-moved",
            hint=msg("run the command again; what was sent is in the ledger or will be found"),
        )

    def _catch_up(self) -> None:
        """The newest view of the branch, with what came of the calls that were made from the old
        one. Raises StoreUnavailable."""
        from bot.ledger.branch import carry

        calls, old, folder = self._calls, self._app.drop_ledger(), self._folder
        self._failure, self._folder, self._fetched = None, None, False
        try:
            self._lay_out(self._newest(writing=True))
            if old is not None and calls:
                carry(old, self._app.ledger, calls)
            self._calls = {}
        except StoreUnavailable:
            self._tell_unsaved()
            raise
        finally:
            if old is not None:
                old.close()
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        self._within, self._failure = True, None
        try:
            yield
        finally:
            self._within = False

    @contextlib.contextmanager
    def _saving(self) -> Iterator[None]:
        """What has happened goes out even where the rest failed."""
        try:
            yield
        except BaseException as failed:
            if not isinstance(failed, Moved):
                self._save()
            raise

    def _end(self) -> None:
        """Raises Moved where the work was ended by that, or its push is."""
        if isinstance(self._failure, Moved):
            raise self._failure
        self.push()

    def _save(self) -> None:
        try:
            with self._lock:
                self._failure = self._failure or LostLease(msg("the turn has ended"))
                self._give_back()
                self.push()
        except Moved:
            with contextlib.suppress(BotError):
                self._catch_up()
                self.push()
        except BotError:
            self._tell_unsaved()

    def _give_back(self) -> None:
        """What was about to be called when the push failed was not called."""
        if not self._app.has_ledger:
            return
        app, ledger = self._app, self._app.ledger
        now = ledger.now()
        why = Transient(msg("the branch of the ledger could not be pushed; nothing was sent"))
        for row in ledger.deliveries({State.SENDING}):
            if row.owner == app.world.owner and self._calls.get(row.id) != row.fence:
                move = failed_call(row, why, now, app.policy, app.world.jitter())
                ledger.move(row, move.state, move.values, now=now, event=move.event)

    def _tell_unsaved(self) -> None:
        if self._calls:
            told = msg(
                "{count} calls were made, and what came of them could not be pushed to {branch}: the next run reads the accounts back, or asks you",
                count=len(self._calls),
                branch=self.branch.where,
            )
            log.error("%s", told)
