"""When: APScheduler's ticks wake the loop. No logic; the ledger knows what is due."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any

from bot.app.loop import Loop
from bot.app.wiring import App

RESCAN_SECONDS = 60
"""The scan is the truth; the watch only makes it sooner."""


def run(app: App, *, first_run: bool, ready: Callable[[], None] = lambda: None) -> None:
    """`bot run`: until SIGINT or SIGTERM. Raises ConfigError where it cannot start."""
    stop, wake = threading.Event(), threading.Event()
    _end_on_signals(stop, wake)
    loop = Loop(app, stop, wake)
    loop.start(first_run=first_run)
    scheduler = _scheduler(wake)
    try:
        while True:
            wake.wait()
            if stop.is_set():
                return
            wake.clear()
            loop.tick()
            ready()
            _at_next_change(scheduler, loop)
    finally:
        scheduler.shutdown(wait=False)
        stop.set()
        loop.end()


def _end_on_signals(stop: threading.Event, wake: threading.Event) -> None:
    def end(_signal: int, _frame: object) -> None:
        stop.set()
        wake.set()

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, end)


def _scheduler(wake: threading.Event) -> Any:
    from apscheduler.schedulers.background import BackgroundScheduler

    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_job(wake.set, "interval", seconds=RESCAN_SECONDS, coalesce=True)
    scheduler.start()
    return scheduler


def _at_next_change(scheduler: Any, loop: Loop) -> None:
    """A post whose time comes is published at that minute."""
    at = loop.next_change()
    if at is not None:
        scheduler.add_job(
            loop.wake.set,
            "date",
            run_date=at,
            id="change",
            replace_existing=True,
            misfire_grace_time=None,
        )
