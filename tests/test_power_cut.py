"""The power goes: every process and the server are frozen at once, and what is on the disk then is
carried on in another folder. The ledger opens clean, nothing is posted twice, nothing is lost."""

from __future__ import annotations

import contextlib
import os
import random  # noqa: TID251
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bot.app import wiring
from tests.fakes.mastodon_server import MastodonServer
from tests.site import FILE_ACCOUNT, Site
from tests.test_kill import ACCOUNT, ENV

POSTS = 60
POINTS = 20
PROCESSES = 2
PATIENCE = 2_000
FAULTS = "drop_before=0.1,drop_after=0.15,502_after=0.1"
KEPT = ("state/bot.db", "state/bot.db-wal", "visible.jsonl", "out.jsonl", "bot.toml")
ROOT = Path(__file__).parent.parent

Process = subprocess.Popen[str]


@pytest.mark.slow
@pytest.mark.parametrize("flavour", ["mastodon", "gotosocial"])
def test_the_power_goes_and_comes_back(
    tmp_path: Path, flavour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a slow machine a call may be cut off: it is made again at once.
    real = wiring.system_world
    monkeypatch.setattr(wiring, "system_world", lambda: replace(real(), jitter=lambda: 0.0))
    chance = random.Random(flavour)
    site = Site(tmp_path)
    with a_server(tmp_path, flavour) as (server, base):
        site.configure(
            ACCOUNT.format(base=base) + FILE_ACCOUNT + "daily_cap = 0\n", timeout=0.4, gap=0.05
        )
        for n in range(POSTS):
            site.post(f"p{n:02}", day=1 + n % 28)
        assert site.run("post", "--first-run", env=ENV).returncode == 0
        points = list(cuts(site, server, chance))
    met = [carried_on(point, flavour, base) for point in points]
    assert len(set(met)) > 1, met  # the work was met at different places
    assert any(under_way for under_way, _ in met)


def cuts(site: Site, server: Process, chance: random.Random) -> Iterator[Path]:
    """Copies of all that lasts, each of another moment of the work."""
    running = [begun(site) for _ in range(PROCESSES)]
    try:
        for _ in range(PATIENCE):
            if (site.root / "visible.jsonl").exists():
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                running[0].wait(0.01)
                running[0] = begun(site)
        for number in range(POINTS):
            running = [p for p in running if p.poll() is None]
            running += [begun(site) for _ in range(PROCESSES - len(running))]
            with contextlib.suppress(subprocess.TimeoutExpired):
                running[0].wait(chance.uniform(0.0, 0.5))
            with frozen([server, *(p for p in running if p.poll() is None)]):
                yield copied(site.root, site.root / f"point{number}")
    finally:
        for process in running:
            process.kill()
            process.wait()


def carried_on(point: Path, flavour: str, base: str) -> tuple[int, int]:
    """Turns on the copy, against a server that has only its list. Answers what was found there: how
    many calls were under way, and how many posts were out."""
    site = Site(point)
    under_way = sound(point / "state" / "bot.db")
    port = int(base.rsplit(":", 1)[1])
    with MastodonServer(flavour, port=port, state=point / "visible.jsonl") as server:
        out = len(server.visible)
        for _ in range(4):
            last = site.run("post", "--all", "--yes", env=ENV)
        assert last.returncode == 0, last.stderr
        texts = [post["content"] for post in server.visible]
        assert len(texts) == len(set(texts)) == POSTS
        assert server.violations == []
    lines = [line["url"] for line in site.lines()]
    assert len(lines) == len(set(lines)) == POSTS
    assert site.json("status", env=ENV)["deliveries"] == []
    return under_way, out


def sound(database: Path) -> int:
    connection = sqlite3.connect(database)
    with contextlib.closing(connection):
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        (count,) = connection.execute(
            "SELECT count(*) FROM deliveries WHERE state IN ('claimed', 'sending', 'unknown')"
        ).fetchone()
        return int(count)


def copied(root: Path, target: Path) -> Path:
    (target / "state").mkdir(parents=True)
    for name in KEPT:
        if (root / name).exists():
            shutil.copy(root / name, target / name)
    shutil.copytree(root / "content", target / "content")
    return target


@contextlib.contextmanager
def frozen(processes: Sequence[Process]) -> Iterator[None]:
    """All of them stand still, each thread of them."""
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    for process in processes:
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)


def begun(site: Site) -> Process:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.dying", "nowhere", "0", "post", "--all", "--yes"],
        cwd=site.root,
        env={**os.environ, **ENV, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )


@contextlib.contextmanager
def a_server(root: Path, flavour: str) -> Iterator[tuple[Process, str]]:
    """One in a process of its own, which keeps its list in a file; and its address."""
    command = [sys.executable, "-m", "tests.fakes.mastodon_server", "--flavour", flavour]
    process = subprocess.Popen(
        [*command, "--faults", FAULTS, "--seed", "7", "--state", str(root / "visible.jsonl")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()
