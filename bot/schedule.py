"""When: APScheduler's ticks and signals wake the process. No logic; the ledger knows what is due."""

from __future__ import annotations

import signal
from typing import Any

from bot.app.journal import set_up
from bot.app.process import Process
from bot.app.systemd import Systemd
from bot.app.wiring import App

RESCAN_SECONDS = 60
"""The scan is the truth; the watch only makes it sooner."""


def run(app: App, *, first_run: bool) -> None:
    """`bot run`: until SIGINT or SIGTERM; SIGHUP reads the configuration anew. Raises ConfigError
    where it cannot start."""
    set_up(app.config.log)
    process = Process(app, Systemd(app.world.environ))
    _on_signals(process)
    try:
        process.start(first_run=first_run)
        scheduler = _scheduler(process)
        try:
            _go_on(process, scheduler)
        finally:
            scheduler.shutdown(wait=False)
    finally:
        process.end()
        if process.app is not app:
            process.app.close()


def _go_on(process: Process, scheduler: Any) -> None:
    told = False
    while not process.stop.is_set():
        if process.wake.wait(process.pulse_seconds) and not process.stop.is_set():
            process.wake.clear()
            process.turn()
            _at_next_change(scheduler, process)
        process.pulse()
        if not told:
            process.ready()
            told = True


def _on_signals(process: Process) -> None:
    def end(_signal: int, _frame: object) -> None:
        process.halt()

    def again(_signal: int, _frame: object) -> None:
        process.again.set()
        process.wake.set()

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, end)
    signal.signal(signal.SIGHUP, again)


def _scheduler(process: Process) -> Any:
    from apscheduler.schedulers.background import BackgroundScheduler

    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_job(process.wake.set, "interval", seconds=RESCAN_SECONDS, coalesce=True)
    scheduler.start()
    return scheduler


def _at_next_change(scheduler: Any, process: Process) -> None:
    """A post whose time comes is published at that minute."""
    at = process.next_change()
    if at is not None:
        scheduler.add_job(
            process.wake.set,
            "date",
            run_date=at,
            id="change",
            replace_existing=True,
            misfire_grace_time=None,
        )
