"""A day of `bot run` at a high rate, in a few seconds: does its memory grow?

Simulated minutes, a clock that is a value, one App that lives all day as in `bot run`: each minute a
scan, a plan, the feeds and what is due to two accounts; every third minute a new post comes and an
old one goes (so that the site does not grow), every tenth one is edited. The table holds the resident memory after each quarter of the day and what went out.
"""

from __future__ import annotations

import gc
import tempfile
import threading
from datetime import timedelta
from pathlib import Path
from zlib import crc32

from bot.app.asked import Request
from bot.app.feeding import write_site_feeds
from bot.app.turn import Outlook, agree_first_run, carry_out, make_dispatcher, outlook
from bot.app.wiring import App, World
from bot.config import load
from tests.outbox.world import FakeClock

MINUTES = 24 * 60
OLD_POSTS = 500
CONFIG = """
[site]
title = "試験"
url = "https://blog.example"
language = "ja"
timezone = "Asia/Tokyo"
[publish]
wait_until_live = false
[[accounts]]
name = "all"
network = "file"
path = "all.jsonl"
daily_cap = 0
[[accounts]]
name = "slots"
network = "file"
path = "slots.jsonl"
daily_cap = 0
slots = "*/15 * * * *"
order = ["priority", "newest"]
"""


def table() -> str:
    with tempfile.TemporaryDirectory(prefix="bot-soak-") as folder:
        marks, sent = day(Path(folder))
    lines = ["| simulated hours | resident, MiB | × the first quarter |", "|---:|---:|---:|"]
    lines += [f"| {hour} | {mib:.1f} | {mib / marks[0][1]:.2f} |" for hour, mib in marks]
    lines.append("")
    lines += [f"{name}: {count} shares, {twice} twice" for name, count, twice in sent]
    return "\n".join(lines)


def day(root: Path) -> tuple[list[tuple[int, float]], list[tuple[str, int, int]]]:
    """The memory after each quarter, and each account's shares: how many, how many of them twice."""
    (root / "content").mkdir()
    (root / "bot.toml").write_text(CONFIG, encoding="utf-8")
    for n in range(OLD_POSTS):
        post(root, f"old{n}", "昔の話")
    clock = FakeClock()
    app = App(
        load(None, str(root)), World(clock=clock, environ={}, jitter=lambda: 0.5, owner="soak")
    )
    agree_first_run(app, agreed=True)
    app.ledger.owners.hold("soak")
    for name in ("all", "slots"):
        (root / f"{name}.jsonl").touch()
    marks = []
    latest: list[Outlook] = []
    sends = make_dispatcher(
        app, lambda: latest[0].site.posts, threading.Event(), lambda delivery: None
    )
    for minute in range(MINUTES):
        if minute % 3 == 1:
            post(root, f"new{minute}", "新しい話")
            (root / "content" / f"old{minute // 3}.md").unlink()
        if minute % 10 == 9:
            post(root, f"new{minute // 10 * 3 + 1}", f"{minute}分に直した話")
        latest[:] = [outlook(app, app.ledger, Request())]
        carry_out(app, latest[0])
        write_site_feeds(app, latest[0].site)
        sends.turn(["all", "slots"])
        clock.go(timedelta(minutes=1).total_seconds())
        if (minute + 1) % (MINUTES // 4) == 0:
            gc.collect()
            marks.append(((minute + 1) // 60, resident()))
    app.close()
    return marks, [shares(root, name) for name in ("all", "slots")]


def post(root: Path, name: str, title: str) -> None:
    lines = "".join(
        f"- {name}の{n}行目は{crc32((name + n).encode())}という数の話です\n" for n in "一二三"
    )
    (root / "content" / f"{name}.md").write_text(
        f"---\ntitle: {name}の{title}\ndate: 2026-02-10\n---\n## 3行要約\n\n{lines}",
        encoding="utf-8",
    )


def resident() -> float:
    """MiB of this process (https://man7.org/linux/man-pages/man5/proc_pid_statm.5.html)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


def shares(root: Path, account: str) -> tuple[str, int, int]:
    lines = (root / f"{account}.jsonl").read_text(encoding="utf-8").splitlines()
    keys = [line.partition('"url": "')[2].partition('"')[0] for line in lines]
    return account, len(keys), len(keys) - len(set(keys))
