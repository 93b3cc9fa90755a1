"""Whether all is well, told by what must be true of a bot that works: not by a port that answers."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bot.app.heartbeat import Beat, beat_file, read_beat, sentence
from bot.app.report import AccountReport, account_reports, moment
from bot.app.shrunk import noted
from bot.app.waits import late
from bot.app.wiring import App
from bot.config import parse_duration
from bot.i18n import Message, msg
from bot.outbox.states import LEASE, SECOND, micros

if TYPE_CHECKING:
    from bot.ledger.store import Ledger

STILL = 180 * SECOND
"""A process that has not told of itself for so long stands still (it does so every half minute)."""
STUCK = 300 * SECOND
"""A worker that is busy without a sign for so long stands still: no call may take as long."""
PULL_PATIENCE = 3600 * SECOND
MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing that is wrong. `code` and `account` name it."""

    code: str
    message: Message
    account: str | None = None
    since: datetime | None = None

    @property
    def key(self) -> str:
        return f"{self.code} {self.account or ''}".strip()


def check_health(app: App, *, watching: bool) -> list[Trouble]:
    """What is wrong now. `watching`: a process that was never started is missed, too."""
    ledger = app.peek()
    if ledger is None:
        missed = watching and bool(app.active())
        told = msg("There is no ledger for this site yet: start with --first-run.")
        return [Trouble(code="no-ledger", message=told)] if missed else []
    try:
        beat = read_beat(beat_file(app.root))
        return [*_process(app, ledger, beat, watching), *troubles(app, ledger, beat)]
    finally:
        ledger.close()


def troubles(app: App, ledger: Ledger, beat: Beat | None) -> list[Trouble]:
    """What a process can see itself: `beat` is its own, or what the last one left."""
    reports = account_reports(app, ledger)
    found = [*(_beat(app, beat) if beat else ()), *_accounts(reports), *_tokens(app, reports)]
    ready = [report.name for report in reports if report.state == "ready"]
    return [*found, *_content(app), *_overdue(app, ledger, ready), *_disk(app)]


def stuck(beat: Beat, now: int) -> list[str]:
    """Accounts whose worker stands still in the middle of something."""
    return [name for name, w in beat.workers.items() if w.busy and now - w.at > STUCK]


def seconds(duration: str) -> int:
    """A length of time in microseconds."""
    return int(parse_duration(duration) / timedelta(microseconds=1))


# --- the process --------------------------------------------------------------------------------


def _process(app: App, ledger: Ledger, beat: Beat | None, watching: bool) -> Iterator[Trouble]:
    now = micros(app.now())
    if not app.config.health.run:
        yield from _timer(app, ledger, watching)
    elif beat is None:
        if watching:
            yield Trouble(code="not-running", message=msg("bot run is not running."))
    elif not _alive(ledger, beat):
        told = msg("bot run is dead: it ended without a word; start it again.")
        yield Trouble(code="dead", message=told, since=moment(beat.at))
    elif now - beat.at > STILL:
        told = msg("bot run stands still (process {pid}): end it and start it again.", pid=beat.pid)
        yield Trouble(code="stands-still", message=told, since=moment(beat.at))


def _alive(ledger: Ledger, beat: Beat) -> bool:
    with contextlib.suppress(OSError):  # whose lock files may not be opened: its beat must do
        return ledger.owners.alive(beat.owner)
    return True


def _timer(app: App, ledger: Ledger, watching: bool) -> Iterator[Trouble]:
    """Where a timer calls `bot post`: when it last planned stands in the ledger."""
    from bot.ledger import digest

    until = digest.planned_until(ledger)
    last = None if until is None else until - LEASE
    if watching and (last is None or ledger.now() - last > seconds(app.config.health.scan)):
        yield _old_scan(last, None)


def _beat(app: App, beat: Beat) -> Iterator[Trouble]:
    now = micros(app.now())
    scanned = beat.scanned or beat.started
    if now - scanned > seconds(app.config.health.scan):
        yield _old_scan(beat.scanned, sentence(beat.scan_fault))
    for name in stuck(beat, now):
        told = msg("The worker of {account} stands still.", account=name)
        since = moment(beat.workers[name].at)
        yield Trouble(code="worker-stuck", message=told, account=name, since=since)
    for name, worker in beat.workers.items():
        if (why := sentence(worker.fault)) is not None:
            told = msg("The worker of {account} met a fault: {why}", account=name, why=why)
            since = moment(worker.at)
            yield Trouble(code="worker-fault", message=told, account=name, since=since)
    if (why := sentence(beat.refused)) is not None:
        told = msg("The changed configuration is refused, the old one still holds: {why}", why=why)
        yield Trouble(code="config-refused", message=told)
    if beat.pull_failed is not None and now - beat.pull_failed > PULL_PATIENCE:
        told = msg("The site cannot be fetched: {why}", why=sentence(beat.pull_fault) or "?")
        yield Trouble(code="pull", message=told, since=moment(beat.pull_failed))


def _old_scan(last: int | None, why: Message | None) -> Trouble:
    told = msg("The content has not been looked at for too long.")
    if why is not None:
        told = msg("The content has not been looked at for too long: {why}", why=why)
    return Trouble(code="scan-old", message=told, since=moment(last))


# --- accounts -----------------------------------------------------------------------------------


def _content(app: App) -> Iterator[Trouble]:
    told = noted(app.root)
    if told is not None:
        yield Trouble(code="content-shrunk", message=told)


def _accounts(reports: list[AccountReport]) -> Iterator[Trouble]:
    for report in reports:
        if report.state in ("paused", "not-ready"):
            why = report.reason or ""
            told = (
                msg("{account} is paused: {why}", account=report.name, why=why)
                if report.state == "paused"
                else msg("{account} is not ready: {why}", account=report.name, why=why)
            )
            yield Trouble(code=report.state, message=told, account=report.name)


def _tokens(app: App, reports: list[AccountReport]) -> Iterator[Trouble]:
    soon = app.now() + parse_duration(app.config.health.token)
    for report in reports:
        if report.state == "disabled" or report.renewed:
            continue
        if report.ends is not None and report.ends <= soon:
            day = report.ends.date().isoformat()
            told = msg("The token of {account} ends on {date}.", account=report.name, date=day)
            yield Trouble(code="token", message=told, account=report.name, since=report.ends)


def _overdue(app: App, ledger: Ledger, ready: list[str]) -> Iterator[Trouble]:
    now = ledger.now()
    for name in ready:
        rows = late(app, ledger, name, now - seconds(app.config.health.overdue), now)
        if rows:
            told = msg(
                "{count} deliveries to {account} are overdue.", count=len(rows), account=name
            )
            since = moment(rows[0].due)
            yield Trouble(code="overdue", message=told, account=name, since=since)


# --- the machine --------------------------------------------------------------------------------


def _disk(app: App) -> Iterator[Trouble]:
    least = app.config.health.disk
    folder = next(path for path in (ledger_folder(app), app.root) if path.is_dir())
    free = shutil.disk_usage(folder).free // MIB
    if free < least:
        told = msg("The disk is nearly full: {free} MiB are free.", free=free)
        yield Trouble(code="disk", message=told)


def ledger_folder(app: App) -> Path:
    """Where the ledger's file is, on SQLite; else the folder of what is kept."""
    url = app.config.state.url
    if isinstance(url, str) and url.startswith("sqlite:///"):
        return (app.root / url.removeprefix("sqlite:///")).parent
    return app.root / "state"
