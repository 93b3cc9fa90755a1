"""`bot status` over a ledger of ten rows and of a million: the whole command, and what it reads."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from sqlalchemy import text

from bot.app.health import check_health
from bot.app.report import status
from bot.app.wiring import App, system_world
from bot.config import load

ROWS = (10, 1_000_000)
ACCOUNTS = 5
ROUNDS = 9
WAITING = 20
DAY = 86_400_000_000


def table() -> str:
    lines = [
        "| rows | history | `bot status`, s | what it reads, ms | `bot status --health`, s |",
        "|---:|---:|---:|---:|---:|",
    ]
    measured = [measure(rows) for rows in amounts()]
    return "\n".join([*lines, *(_line(row, measured[0]) for row in measured)])


def amounts() -> list[int]:
    named = os.environ.get("BENCH_ROWS", "")
    return [int(n) for n in named.split(",")] if named else list(ROWS)


def measure(there: int) -> tuple[int, float, float, float]:
    """A ledger with so many rows that are done, `WAITING` that are not, and one account that never
    sent anything: seconds of the command, of reading in this process, and of the health check."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        root = Path(folder)
        app = site(root)
        fill(app, there)
        app.close()  # all that was written is in the database now, not in its log
        app = App(app.config, system_world())
        reading = median(_wall(lambda: (check_health(app, watching=False), status(app, all=False))) for _ in range(ROUNDS))  # fmt: skip
        whole = median(_wall(lambda: _command(root)) for _ in range(ROUNDS))
        health = median(_wall(lambda: _command(root, "--health")) for _ in range(ROUNDS))
    return there, whole, reading, health


def site(root: Path) -> App:
    accounts = "".join(
        f'[[accounts]]\nname = "t{n}"\nnetwork = "file"\npath = "t{n}.jsonl"\n'
        for n in range(ACCOUNTS + 1)
    )
    head = '[site]\nurl = "https://blog.example"\n[health]\nrun = false\n'
    (root / "bot.toml").write_text(head + accounts, encoding="utf-8")
    app = App(load(None, str(root)), system_world())
    app.ledger.agree_first_run(app.config.site.url, app.ledger.now())
    return app


def fill(app: App, there: int) -> None:
    """Rows of years, the newest of now, each with its history; and what waits."""
    now = app.ledger.now()
    gap = 3 * 365 * DAY // there
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :there) "
    rows = (
        "INSERT INTO deliveries (site, id, subject, account, network, kind, generation, part, state,"
        " due, seq, path, url, draft, key_seconds, attempts, fence, looks, with_images, frozen,"
        " remote_id, remote_url, sent_at, spent_at, cost, source, needs_person, notes, planned_at,"
        " created_at, updated_at) SELECT :site, hex(randomblob(8)), 's' || i, 't' || (i % :accounts),"
        " 'file', 'share', 0, 0, CASE WHEN i % 3 THEN 'sent' ELSE 'skipped' END, :now - i * :gap, i,"
        " 'a.md', 'https://blog.example/a/', '{}', 3600, 0, 1, 0, true, true, 'r' || i,"
        " 'https://net.example/' || i, :now - i * :gap,"
        " CASE WHEN i % 3 THEN :now - i * :gap END, 15000, 'sent', false, '[]', i, i, i FROM n"
    )
    log = (
        "INSERT INTO history (site, delivery, at, before, after, fence, event)"
        " SELECT site, id, due, step.column1, step.column2, 1, step.column2 FROM deliveries,"
        " (VALUES (null, 'planned'), ('planned', 'claimed'), ('claimed', 'sending'), ('sending', 'sent'))"
        " AS step ORDER BY due"
    )
    values = {"there": there, "site": app.site_id, "accounts": ACCOUNTS, "now": now, "gap": gap}
    with app.ledger._writing() as c:
        c.execute(text(numbers + rows), values)
        c.execute(text(log))
        c.execute(
            text(
                "UPDATE deliveries SET state = 'planned', spent_at = NULL WHERE rowid IN"
                " (SELECT rowid FROM deliveries ORDER BY due LIMIT :few)"
            ),
            {"few": min(WAITING, there // 2)},
        )


def _command(root: Path, *options: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "bot", "status", *options],
        cwd=root,
        stdout=subprocess.DEVNULL,
        check=not options,
    )


def _wall(work: object) -> float:
    assert callable(work)
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _line(row: tuple[int, float, float, float], first: tuple[int, float, float, float]) -> str:
    there, whole, reading, health = row
    cells = (
        f"{whole:.2f} (×{whole / first[1]:.1f})",
        f"{reading * 1000:.1f} (×{reading / first[2]:.1f})",
        f"{health:.2f} (×{health / first[3]:.1f})",
    )
    return f"| {there:,} | {there * 4:,} | {' | '.join(cells)} |"
