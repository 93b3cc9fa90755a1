"""`bot run` with 2,000 posts and five accounts: until it is ready, what it weighs, what it takes idle.

`BENCH_SECONDS` says how long it idles (90); of an hour: `BENCH_SECONDS=3600 python -m bench process`.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.content import ROOT, post
from bot.app.wiring import SystemClock
from tests.fakes.bluesky_server import BlueskyServer
from tests.fakes.mastodon_server import MastodonServer
from tests.fakes.misskey_server import MisskeyServer

POSTS, SAVES, STARTS = 2_000, 5, 5
SECRET = "bench-token"
PATIENCE = 120.0


def table() -> str:
    seconds = float(os.environ.get("BENCH_SECONDS", "90"))
    lines = ["| `bot run`, 2,000 posts, five accounts | | goal |", "|---|---:|---:|"]
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder, ExitStack() as on:
        root = Path(folder)
        servers = [on.enter_context(server) for server in _servers()]
        site(root, *(server.base for server in servers))
        _start(root)  # compiles the code, as an installation does
        for name in ("state", "public"):
            shutil.rmtree(root / name)
        wall, cpu = _start(root)
        lines.append(_row("ready with posts read for the first time: s", wall, "1.5"))
        lines.append(_row("of this on the CPU: s", cpu, ""))
        starts = [_start(root) for _ in range(STARTS)]
        lines.append(_row(f"ready on the next start, best of {STARTS}: s", min(starts)[0], "0.9"))
        lines.append(_row("of this on the CPU: s", min(cpu for _, cpu in starts), ""))
        lines += _life(root, seconds)
    return "\n".join(lines)


def site(root: Path, mastodon: str, other: str, misskey: str, bluesky: str) -> None:
    """Posts of 14 to 15 kB, and an account on each kind of server that can be played here."""
    server = 'network = "{n}"\ninstance = "{at}"\ntoken = {{ env = "TOKEN" }}\n'
    kinds = (
        ("file", 'network = "file"\npath = "out.jsonl"\n'),
        ("mastodon", server.format(n="mastodon", at=mastodon)),
        ("other", server.format(n="mastodon", at=other)),
        ("misskey", server.format(n="misskey", at=misskey)),
        ("bluesky", f'network = "bluesky"\nhandle = "alice.test"\npds = "{bluesky}"\napp_password = {{ env = "TOKEN" }}\n'),
    )  # fmt: skip
    accounts = "".join(f'[[accounts]]\nname = "{name}"\n{rest}' for name, rest in kinds)
    head = '[site]\nurl = "https://blog.example/"\nlanguage = "ja"\n[publish]\nwait_until_live = false\n'
    (root / "bot.toml").write_text(head + accounts, encoding="utf-8")
    (root / "content" / "posts").mkdir(parents=True)
    for number in range(POSTS):
        save(root, number)


def save(root: Path, number: int) -> None:
    text = re.sub(r"cover:\n(  .*\n)+", "", post(number))  # no picture is there
    (root / "content" / "posts" / f"p{number:05}.md").write_text(text, encoding="utf-8")


@contextmanager
def running(root: Path) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """The process, and the seconds until it said that it is ready."""
    address = root / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(address))
        ear.settimeout(PATIENCE)
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "run", "--first-run"],
            cwd=root,
            env=_environ(root) | {"NOTIFY_SOCKET": str(address), "TOKEN": SECRET},
            stderr=(root / "log").open("ab"),
        )
        try:
            while ear.recv(1000) != b"READY=1":
                pass
            yield process, time.perf_counter() - began
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)
            address.unlink()


def _environ(root: Path) -> dict[str, str]:
    """As in an installation: with compiled code, and without what only development brings and
    httpx would load."""
    hidden = root / "hidden"
    hidden.mkdir(exist_ok=True)
    for name in ("rich", "pygments", "brotli"):
        (hidden / f"{name}.py").write_text("raise ImportError")
    given = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return given | {
        "PYTHONPYCACHEPREFIX": str(root / "compiled"),
        "PYTHONPATH": f"{hidden}{os.pathsep}{ROOT}",
    }


def _servers() -> list[MastodonServer | MisskeyServer | BlueskyServer]:
    now = SystemClock().now
    return [
        MastodonServer(),
        MastodonServer("gotosocial"),
        MisskeyServer(SECRET, now),
        BlueskyServer(SECRET, now),
    ]


def _start(root: Path) -> tuple[float, float]:
    """Seconds until ready, by the clock and on the CPU: on a busy machine the second tells more."""
    with running(root) as (process, seconds):
        return seconds, _cpu(process.pid)


def _life(root: Path, seconds: float) -> Iterator[str]:
    """Some posts are saved and go everywhere; then nothing happens for a while."""
    with running(root) as (process, _):
        for number in range(POSTS, POSTS + SAVES):
            save(root, number)
        until = time.perf_counter() + PATIENCE
        while _sent(root) < SAVES * 5 and time.perf_counter() < until:
            time.sleep(0.1)
        assert _sent(root) == SAVES * 5, "not all was sent"
        busy = _mebibytes(process.pid, "VmRSS")
        before = _cpu(process.pid)
        time.sleep(seconds)
        idle = (_cpu(process.pid) - before) / seconds
        yield _row(f"memory after {SAVES} posts to each account: MiB", busy, "90")
        yield _row(f"memory {seconds:.0f} s later: MiB", _mebibytes(process.pid, "VmRSS"), "90")
        yield _row("memory at its peak: MiB", _mebibytes(process.pid, "VmHWM"), "")
        yield _row("idle CPU: ms a second", idle * 1000, "0")


def _sent(root: Path) -> int:
    import sqlite3

    with sqlite3.connect(f"file:{root}/state/bot.db?mode=ro", uri=True) as ledger:
        found = ledger.execute("SELECT count(*) FROM deliveries WHERE state = 'sent'").fetchone()
    ledger.close()
    return int(found[0])


def _mebibytes(pid: int, name: str) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(rf"{name}:\s+(\d+) kB", text)[0]) / 1024


def _cpu(pid: int) -> float:
    """User and system seconds of a process (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _row(what: str, value: float, goal: str) -> str:
    return f"| {what} | {value:.2f} | {goal} |"
