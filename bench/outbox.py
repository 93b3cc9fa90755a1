"""Deliveries a second: the real dispatcher on a real store, to a network that answers at once.

Every delivery is claimed, prepared, stored as `sending`, called and stored as sent, durably
(SQLite with synchronous FULL, PostgreSQL with fsync), with so many rows there already. `BENCH_ROWS`
names other amounts, as in `BENCH_ROWS=1000,1000000 python -m bench outbox`, and `BENCH_DIR` the
folder of the stores (in memory a sync costs nothing).
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from sqlalchemy import Engine, text

from bot.app.wiring import SystemClock
from bot.ledger.store import Ledger, open_ledger
from bot.model import Delivery, Json, Receipt, Replay, State
from bot.outbox.dispatcher import Dispatcher, Outfit
from bot.outbox.drafts import draft_json
from bot.outbox.plan import delivery_id
from bot.outbox.states import SECOND, Policy
from tests import postgres
from tests.outbox.world import FakeClock, FakePoster, Network, a_draft

SITE = "blog.example"
ROWS = (1_000, 100_000)
DELIVERIES = 400
TARGETS = 8
POLICY = Policy(settling=16 * SECOND, gap=2 * SECOND, give_up=10**15, timeout=15 * SECOND)
TEXT = "三行要約の文です。" * 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table: deliveries a second to one target and to several, and how long
    `bot status` reads."""

    store: str
    there: int
    one: float
    several: float
    status: float


class AtOnce(FakePoster):
    """Takes every call, keeps nothing."""

    def __init__(self) -> None:
        super().__init__(Network(FakeClock()), Replay.KEYED)
        self._ids = count(1)

    def commit(self, payload: Json, key: str, guard: Callable[[], None]) -> Receipt:
        guard()
        id = str(next(self._ids))
        return Receipt(id=id, url=f"https://net.example/{id}", at=self.net.clock.now())


def table() -> str:
    """Both stores, each with few and many rows there already; in brackets: how many times slower
    than with few."""
    lines = [
        f"| store | rows there | 1 target, a second | {TARGETS} targets, a second | status, ms |",
        "|---|---:|---:|---:|---:|",
    ]
    for store in ("sqlite", "postgresql"):
        if store == "postgresql" and postgres.binaries() is None:
            lines.append("| postgresql | not on this machine | | | |")
            continue
        measured = [measure(store, there) for there in amounts()]
        lines += [_line(row, measured[0]) for row in measured]
    return "\n".join(lines)


def amounts() -> list[int]:
    named = os.environ.get("BENCH_ROWS", "")
    return [int(n) for n in named.split(",")] if named else list(ROWS)


def measure(store: str, there: int) -> Row:
    """One store with so many rows."""
    with opened(store) as ledger:
        fill(ledger, there)
        one = rate(ledger, ["one"])
        several = rate(ledger, [f"t{n}" for n in range(TARGETS)])
        began = time.perf_counter()
        ledger.open()
        ledger.targets()
        ledger.first_run_at()
        status = time.perf_counter() - began
    return Row(store=store, there=there, one=one, several=several, status=status)


@contextmanager
def opened(store: str) -> Iterator[Ledger]:
    """A new ledger in a new folder; a PostgreSQL of its own that syncs as an installed one does."""
    with tempfile.TemporaryDirectory(
        prefix="bot-bench-", dir=os.environ.get("BENCH_DIR")
    ) as folder:
        if store == "sqlite":
            yield from _ledger("sqlite:///bot.db", Path(folder))
        else:
            Path(folder).chmod(0o755)
            with postgres.cluster(Path(folder, "pg"), fsync=True) as url:
                yield from _ledger(url, Path(folder))


def fill(ledger: Ledger, there: int) -> None:
    """Rows that were sent long ago, each with its draft, its payload and its history."""
    random = "md5(i::text)" if ledger._engine.dialect.name == "postgresql" else "hex(randomblob(8))"
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :there) "
    kept = f'\'{{"text": "{TEXT}"}}\''
    rows = (
        "INSERT INTO deliveries (site, id, subject, account, network, kind, generation, part, state,"
        " due, seq, path, url, draft, payload, key_seconds, attempts, fence, looks, with_images,"
        " frozen, remote_id, remote_url, sent_at, source, needs_person, notes, planned_at,"
        f" created_at, updated_at) SELECT '{SITE}', {random}, 'old' || i, 't' || (i % {TARGETS}),"
        f" 'fake', 'share', 0, 0, 'sent', i, i, 'a.md', 'https://blog.example/a/', {kept}, {kept},"
        " 3600, 0, 1, 0, true, true, 'r' || i, 'https://net.example/' || i, i, 'sent', false, '[]',"
        " i, i, i FROM n"
    )
    steps = "('planned'), ('claimed'), ('sending'), ('sent')"
    log = (
        "INSERT INTO history (site, delivery, at, after, fence, event)"
        " SELECT site, id, due, step.column1, 1, step.column1 FROM deliveries,"
        f" (VALUES {steps}) AS step"
    )
    with ledger._writing() as c:
        c.execute(text(numbers + rows), {"there": there})
        c.execute(text(log))
    _tidy(ledger._engine)


def rate(ledger: Ledger, accounts: list[str]) -> float:
    """Deliveries a second, the same number whatever the accounts."""
    for account in accounts:
        plan(ledger, account, DELIVERIES // len(accounts))
    made = dispatcher(ledger)
    began = time.perf_counter()
    made.turn(accounts)
    took = time.perf_counter() - began
    assert not ledger.open(), "something was not sent"
    return DELIVERIES / took


def plan(ledger: Ledger, account: str, how_many: int) -> None:
    now = ledger.now()
    draft = draft_json(a_draft(TEXT, account))
    rows = [
        Delivery(
            id=delivery_id(ledger.site, f"new{n}", account, "share", 0, 0),
            subject=f"new{n}",
            account=account,
            network="fake",
            kind="share",
            generation=0,
            part=0,
            state=State.PLANNED,
            due=now,
            seq=n,
            path=f"content/posts/{n}.md",
            draft=draft,
            planned_at=now,
            created_at=now,
        )
        for n in range(how_many)
    ]
    ledger.add(rows, now)


def dispatcher(ledger: Ledger) -> Dispatcher:
    posters = {name: AtOnce() for name in ("one", *(f"t{n}" for n in range(TARGETS)))}
    return Dispatcher(
        Outfit(
            ledger=ledger,
            poster=posters.__getitem__,
            compose=lambda delivery, link: None,
            policy=POLICY,
            owner="bench",
            clock=SystemClock(),
            jitter=lambda: 0.5,
            stop=threading.Event(),
        )
    )


def _ledger(url: str, root: Path) -> Iterator[Ledger]:
    ledger = open_ledger(url, root, SITE, SystemClock(), address="https://blog.example", named=True)
    assert ledger is not None
    try:
        yield ledger
    finally:
        ledger.close()


def _tidy(engine: Engine) -> None:
    """What a database does by itself with time."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def _line(row: Row, first: Row) -> str:
    cells = (
        f"{row.one:.0f} ({_times(first.one, row.one)})",
        f"{row.several:.0f} ({_times(first.several, row.several)})",
        f"{row.status * 1000:.1f} ({_times(row.status, first.status)})",
    )
    return f"| {row.store} | {row.there:,} | {' | '.join(cells)} |"


def _times(slower: float, faster: float) -> str:
    return f"×{slower / faster:.1f}"
