"""`bot run` as a whole: one loop at a time, another one when the configuration changes, and the signs
that it lives. `bot.schedule` says when; every method is of one thread."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from bot import i18n
from bot.app import reload
from bot.app.health import ledger_folder, stuck, troubles
from bot.app.heartbeat import Beat, Signs, Worker, beat_file, write_beat
from bot.app.loop import Loop
from bot.app.notify import Notifier
from bot.app.pull import Puller
from bot.app.systemd import Systemd
from bot.app.wiring import App
from bot.config import parse_duration
from bot.errors import BotError, ConfigError
from bot.i18n import Message, msg
from bot.outbox.states import SECOND, dump, micros

log = logging.getLogger("bot.run")

PULSE = 30.0
"""Seconds between two signs of life, where systemd asks for none sooner."""
HEALTH = 60 * SECOND
LOCK_SECONDS = 1.0
TURN = 0.5
"""Seconds that a change of the configuration waits at once for calls under way."""


class Process:
    """`stop` ends it, `wake` asks for a tick, `again` for another reading of the configuration."""

    def __init__(self, app: App, systemd: Systemd) -> None:
        self.app, self._systemd = app, systemd
        self.stop, self.wake, self.again = (threading.Event() for _ in range(3))
        self._halt = threading.Event()
        self._signs = Signs(self._now)
        self._lock, self._first_run = RunLock(app), False
        self._stamps: reload.Stamps = ()
        self._notifier = Notifier(app)
        self._loop: Loop | None = None
        self._puller: Puller | None = None
        self._refused: Message | None = None
        self._started = self._now()
        self._checked = 0
        self._quiet = False

    @property
    def pulse_seconds(self) -> float:
        return min(PULSE, self._systemd.interval or PULSE)

    def start(self, *, first_run: bool) -> None:
        """Raises ConfigError where it cannot start, or another process runs for this site."""
        self._first_run = first_run
        self._lock.take()
        self._stamps = reload.stamps(self.app)
        self._begin(held=False)
        self._write(self._beat())

    def turn(self) -> None:
        """What `wake` asked for: read the configuration anew where it changed, and tick."""
        if self.again.is_set() or reload.stamps(self.app) != self._stamps:
            self.again.clear()
            self._reload()
        if not self.stop.is_set() and self._loop is not None:
            self._loop.tick()

    def ready(self) -> None:
        self._systemd.ready()

    def pulse(self) -> None:
        """Tell that it lives, and what is wrong."""
        beat = self._beat()
        self._write(beat)
        if not stuck(beat, beat.at) and all(self._loop.workers.values() if self._loop else ()):
            self._systemd.alive()
        self._notice(beat)

    def next_change(self) -> datetime | None:
        return self._loop.next_change() if self._loop is not None else None

    def halt(self) -> None:
        """For a signal: nothing new is begun."""
        self.stop.set()
        self._halt.set()
        self.wake.set()

    def end(self) -> None:
        """Let calls under way finish, for a while; give up what makes others wait."""
        self._systemd.stopping()
        self.halt()
        if self._puller is not None:
            self._puller.end()
        ended = self._loop is None or self._loop.end()
        if not ended:
            log.warning("%s", msg("a call under way is left: the next start settles it"))
        if self._lock.is_ours:
            beat_file(self.app.root).unlink(missing_ok=True)
            self._lock.give_back()

    # --- one loop after another ---------------------------------------------------------------------

    def _begin(self, *, held: bool) -> None:
        self._halt = threading.Event()
        if self.stop.is_set():
            self._halt.set()
        self._signs = Signs(self._now)
        self._loop = Loop(self.app, self._halt, self.wake, self._signs)
        self._loop.start(first_run=self._first_run, held=held)
        self._puller = self._pull()
        self._notifier = Notifier(self.app)

    def _reload(self) -> None:
        """Where the new configuration is wrong it is told once, and the old one holds."""
        self._stamps = reload.stamps(self.app)
        self._systemd.reloading()
        try:
            new = reload.renewed(self.app, first_run=self._first_run)
        except BotError as error:
            self._refused = error.message
            _tell(error)
            self._systemd.ready()
            return
        self._refused = None
        self._change(new)
        self._systemd.ready()

    def _change(self, new: App) -> None:
        """What is in hand is finished first: nothing of the old settings goes on beside the new."""
        self._halt.set()
        if self._puller is not None:
            self._puller.end()
        while self._loop is not None and not self._loop.end(TURN):
            self._write(self._beat())
            self._systemd.alive()
            if self.stop.is_set():
                return
        old, self.app = self.app, new
        reload.hand_over(old)
        i18n.use(i18n.choose(new.config.ui.language, new.world.environ, new.config.site.language))
        _set_up(new)
        self._begin(held=True)
        log.info("%s", msg("the configuration was read anew"))

    def _pull(self) -> Puller | None:
        interval = self.app.config.content.pull
        if not interval:
            return None
        seconds = parse_duration(interval).total_seconds()
        world = self.app.world
        folder = self.app.root / self.app.config.content.path
        puller = Puller(
            folder if folder.is_dir() else self.app.root,
            max(seconds, 1.0),
            world.clock,
            world.environ,
            self.wake.set,
        )
        threading.Thread(
            target=puller.serve, args=(self._halt,), name="bot-pull", daemon=True
        ).start()
        return puller

    # --- signs of life ------------------------------------------------------------------------------

    def _beat(self) -> Beat:
        loop, puller = self._loop, self._puller
        return Beat(
            owner=self.app.world.owner,
            pid=os.getpid(),
            started=self._started,
            at=self._now(),
            scanned=loop.scanned if loop else None,
            scan_fault=dump(loop.fault) if loop and loop.fault else None,
            refused=dump(self._refused) if self._refused else None,
            pull_fault=dump(puller.fault) if puller and puller.fault else None,
            pull_failed=puller.failed if puller else None,
            workers=self._workers(),
        )

    def _workers(self) -> Mapping[str, Worker]:
        """A thread that has ended is a fault: none ends by itself."""
        alive = self._loop.workers if self._loop is not None else {}
        signs = self._signs.only(alive)
        gone = dump(msg("its thread has ended"))
        return {
            name: sign if alive[name] or self._halt.is_set() else replace(sign, fault=gone)
            for name, sign in signs.items()
        }

    def _write(self, beat: Beat) -> None:
        try:
            write_beat(beat_file(self.app.root), beat)
            self._quiet = False
        except OSError as error:
            if not self._quiet:
                why = error.strerror or type(error).__name__
                log.warning("%s", msg("the sign of life cannot be written: {why}", why=why))
            self._quiet = True

    def _notice(self, beat: Beat) -> None:
        if not self._notifier.wanted or beat.at - self._checked < HEALTH:
            return
        self._checked = beat.at
        try:
            self._notifier.notice(troubles(self.app, self.app.ledger, beat))
        except BotError as error:
            _tell(error)
        except OSError as error:
            log.warning("%s", error.strerror)

    def _now(self) -> int:
        return micros(self.app.now())


class RunLock:
    """One `bot run` for a site's ledger on SQLite; on PostgreSQL one for each copy of the site."""

    def __init__(self, app: App) -> None:
        from filelock import FileLock

        name = "".join(c if c.isalnum() else "-" for c in app.site_id)
        self._app = app
        self._file = ledger_folder(app) / "locks" / f"run-{name}.lock"
        self._lock = FileLock(self._file, timeout=LOCK_SECONDS)

    def take(self) -> None:
        """Raises ConfigError where another process has it."""
        from filelock import Timeout

        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except Timeout:
            raise ConfigError(
                msg("bot run is running for this site already"),
                code="runs-already",
                path=self._app.config.file,
                hint=msg("end that one first, or say bot post for a single turn"),
            ) from None
        except OSError as error:
            raise ConfigError(
                msg(
                    "{folder} cannot be written: {why}",
                    folder=self._file.parent.name,
                    why=error.strerror or type(error).__name__,
                ),
                code="no-lock",
                path=self._app.config.file,
                hint=msg("bot run keeps its lock there: let it write"),
            ) from None

    @property
    def is_ours(self) -> bool:
        return self._lock.is_locked

    def give_back(self) -> None:
        self._lock.release()


def _set_up(app: App) -> None:
    from bot.app.journal import set_up

    set_up(app.config.log)


def _tell(error: BotError) -> None:
    place = f"{error.place}: " if error.place else ""
    hint = f" — {error.hint}" if error.hint else ""
    log.error("%s%s%s", place, error.message, hint, extra={"code": error.code})
