"""`bot run` as a process: one at a time, ended cleanly, its configuration read anew, and its signs."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.app.heartbeat import beat_file, read_beat
from bot.app.process import Process
from bot.app.systemd import Systemd
from bot.app.wiring import App, World
from bot.config import load
from bot.errors import ConfigError
from tests.fakes.mastodon_server import MastodonServer
from tests.outbox.world import FakeClock
from tests.site import FILE_ACCOUNT, Site
from tests.test_loop import Hands

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PATIENCE = 30.0
SECOND_ACCOUNT = '[[accounts]]\nname = "two"\nnetwork = "file"\npath = "two.jsonl"\n'
MASTODON = """
[[accounts]]
name = "m"
network = "mastodon"
instance = "{base}"
token = {{ file = "token" }}
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path).configure()


def until(seen: Callable[[], Any]) -> Any:
    """What another process or thread is to bring about."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        found = seen()
        if found:
            return found
        time.sleep(0.01)  # waits for another process
    raise AssertionError("it did not come")


# --- a real process -------------------------------------------------------------------------------


class Child:
    """`bot run` in a process of its own, with somebody who listens in systemd's place."""

    def __init__(self, site: Site, ear: socket.socket, **environ: str) -> None:
        self.site, self._ear = site, ear
        address = ear.getsockname()
        self._log = site.root / "stderr"
        with self._log.open("a") as log:
            self.process = subprocess.Popen(
                site.command("run", "--first-run"),
                cwd=site.root,
                stderr=log,
                env={**os.environ, "NOTIFY_SOCKET": address, **environ},
            )

    def hear(self, word: str) -> str:
        """The next message that begins so."""
        while True:
            heard = self._ear.recv(1000).decode()
            if heard.startswith(word):
                return heard

    def end(self, name: int = signal.SIGTERM) -> float:
        """Seconds until it was gone."""
        began = time.monotonic()
        self.process.send_signal(name)
        self.process.wait(PATIENCE)
        return time.monotonic() - began

    @property
    def said(self) -> str:
        return self._log.read_text()


@pytest.fixture
def child(site: Site) -> Iterator[Callable[..., Child]]:
    begun: list[Child] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(site.root / "notify"))
        ear.settimeout(PATIENCE)

        def start(**environ: str) -> Child:
            begun.append(Child(site, ear, **environ))
            return begun[-1]

        yield start
        for one in begun:
            if one.process.poll() is None:
                one.process.kill()
                one.process.wait()


def codes(site: Site) -> list[str]:
    return [t["code"] for t in site.json("status", "--health")["troubles"]]


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_it_is_ready_lives_and_ends_cleanly(
    site: Site, child: Callable[..., Child], name: signal.Signals
) -> None:
    one = child(WATCHDOG_USEC="200000")
    one.hear("READY=1")
    one.hear("WATCHDOG=1")
    one.hear("WATCHDOG=1")
    assert codes(site) == []
    site.post("a")
    assert until(site.lines)
    one.end(name)
    one.hear("STOPPING=1")
    assert one.process.returncode == 0
    assert "Traceback" not in one.said
    assert not (site.root / "state" / "bot.db-wal").exists()
    assert codes(site) == ["not-running"]


def test_a_second_one_is_refused_and_the_first_goes_on(
    site: Site, child: Callable[..., Child]
) -> None:
    one = child()
    one.hear("READY=1")
    told = site.process("run")
    assert told.returncode == 2
    assert "runs-already" in told.stderr
    assert codes(site) == []
    one.process.kill()
    one.process.wait()
    assert codes(site) == ["dead"]
    child().hear("READY=1")  # a lock ends with its process
    assert codes(site) == []


def test_one_that_is_stopped_is_not_alive(site: Site, child: Callable[..., Child]) -> None:
    one = child()
    one.hear("READY=1")
    one.process.send_signal(signal.SIGSTOP)
    file = beat_file(site.root)
    beat = json.loads(file.read_text())
    file.write_text(json.dumps({**beat, "at": beat["at"] - 200_000_000}))  # as if much later
    assert codes(site) == ["stands-still"]
    one.process.send_signal(signal.SIGCONT)


@pytest.mark.slow
def test_a_call_under_way_is_left_in_time_and_settled_later(tmp_path: Path) -> None:
    """The server hangs after it took the post: the process is gone within five seconds, and the
    next start finds what it left."""
    with MastodonServer("gotosocial") as server:
        site = Site(tmp_path).configure(MASTODON.format(base=server.base), timeout=20, gap=0.1)
        (tmp_path / "token").write_text("a-token")
        assert site.run("post", "--first-run").returncode == 0
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
            ear.bind(str(tmp_path / "notify"))
            ear.settimeout(PATIENCE)
            one = Child(site, ear)
            one.hear("READY=1")
            server.script.append("hang_after")
            site.post("a")
            until(lambda: server.visible)
            assert one.end() < 5
        assert one.process.returncode == 0
        file = tmp_path / "bot.toml"
        file.write_text(file.read_text().replace("timeout = 20", "timeout = 0.2"))
        until(lambda: site.run("post").returncode == 0 and not site.json("status")["deliveries"])
        assert len(server.visible) == 1


def test_a_signal_reads_the_configuration_anew(site: Site, child: Callable[..., Child]) -> None:
    one = child()
    one.hear("READY=1")
    file = site.root / "bot.toml"
    good = file.read_text()
    file.write_text(good + "[[accounts]]\nname = 5\n")
    one.process.send_signal(signal.SIGHUP)
    one.hear("RELOADING=1")
    one.hear("READY=1")
    assert f"bot.toml:{len(good.splitlines()) + 2}: " in one.said
    site.post("a")
    assert until(site.lines)
    until(lambda: read_beat(beat_file(site.root)).refused)  # type: ignore[union-attr]
    file.write_text(good + SECOND_ACCOUNT)
    one.process.send_signal(signal.SIGHUP)
    one.hear("RELOADING=1")
    one.hear("READY=1")
    until(lambda: set(read_beat(beat_file(site.root)).workers) == {"log", "two"})  # type: ignore[union-attr]
    assert codes(site) == []
    site.post("b")
    until(lambda: len(site.lines()) == 2 and site.lines("two.jsonl"))
    assert [line["url"][-3:] for line in site.lines("two.jsonl")] == ["/b/"]
    one.end()
    assert one.process.returncode == 0


def test_no_secret_is_in_what_it_writes(tmp_path: Path) -> None:
    secret = "canary-4711"
    with MastodonServer() as server:
        server.echo = True
        account = MASTODON.format(base=server.base)
        site = Site(tmp_path).configure(account + '[log]\nlevel = "debug"\nformat = "json"\n', timeout=1)  # fmt: skip
        (tmp_path / "token").write_text(secret)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
            ear.bind(str(tmp_path / "notify"))
            ear.settimeout(PATIENCE)
            one = Child(site, ear)
            one.hear("READY=1")
            server.script += ["422", "401"]
            site.post("a")
            until(lambda: "failed" in one.said or "paused" in one.said or "refused" in one.said)
            one.end()
    lines = [json.loads(line) for line in one.said.splitlines()]
    about = next(line for line in lines if line.get("delivery"))
    assert (about["account"], about["post"]) == ("m", "content/posts/a.md")
    kept = [one.said, *(f.read_text() for f in (tmp_path / "state").glob("*.json"))]
    assert not any(secret in text for text in kept)


# --- in this process, with a clock that is a value ------------------------------------------------


@contextmanager
def running(site: Site, clock: Hands | None = None) -> Iterator[Process]:
    world = World(clock=clock or Hands(NOW), environ={}, jitter=lambda: 0.0, owner="test")
    app = App(load(None, str(site.root)), world)
    process = Process(app, Systemd({}))
    try:
        process.start(first_run=True)
        process.turn()
        process.pulse()
        yield process
    finally:
        process.end()
        process.app.close()
        if process.app is not app:
            app.close()


def change(site: Site, before: str, after: str) -> None:
    file = site.root / "bot.toml"
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))


def log_names(process: Process) -> set[str]:
    return set(process._loop.workers) if process._loop else set()


def test_a_changed_file_is_noticed_without_a_signal(site: Site) -> None:
    with running(site) as process:
        change(site, FILE_ACCOUNT, FILE_ACCOUNT + SECOND_ACCOUNT)
        process.turn()
        assert log_names(process) == {"log", "two"}
        change(site, FILE_ACCOUNT, "")
        process.turn()
        assert log_names(process) == {"two"}
        before = process.app
        process.turn()
        assert process.app is before  # what is the same is not read again


def test_a_wrong_file_is_refused_once_and_the_old_one_holds(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    with running(site) as process:
        before = process.app
        change(site, 'network = "file"', 'network = "fiel"')
        for _ in range(3):
            process.turn()
        assert process.app is before
        assert log_names(process) == {"log"}
        assert len([r for r in caplog.records if "bot.toml:" in r.getMessage()]) == 1
        process.pulse()
        assert site.json("status", "--health")["error"]["code"] == "config-value"
        beat = read_beat(beat_file(site.root))
        assert beat is not None
        assert beat.refused is not None
        change(site, 'network = "fiel"', 'network = "file"')
        process.turn()
        process.pulse()
        beat = read_beat(beat_file(site.root))
        assert beat is not None
        assert beat.refused is None


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ('[state]\nurl = "sqlite:///elsewhere.db"\n', "another place"),
        ('[site]\nid = "another"\n', "another one"),
    ],
)
def test_what_needs_a_new_process_is_refused(
    site: Site, more: str, word: str, caplog: pytest.LogCaptureFixture
) -> None:
    with running(site) as process:
        before = process.app
        if more.startswith("[site]"):
            change(site, "[site]\n", more)
        else:
            change(site, FILE_ACCOUNT, FILE_ACCOUNT + more)
        process.turn()
        assert process.app is before
        assert word in caplog.text
        assert not (site.root / "elsewhere.db").exists()


def test_an_account_that_becomes_ready_begins_with_its_new_secret(tmp_path: Path) -> None:
    with MastodonServer() as server:
        site = Site(tmp_path).configure(MASTODON.format(base=server.base), gap=0.01)
        with running(site) as process:
            assert log_names(process) == set()
            (tmp_path / "token").write_text("a-token")
            process.again.set()
            process.turn()
            assert log_names(process) == {"m"}
            site.post("a")
            process.turn()
            until(lambda: server.visible)


def test_its_ledger_outlives_every_change_and_is_closed_once(site: Site) -> None:
    with running(site) as process:
        ledger = process.app.ledger
        change(site, "out.jsonl", "elsewhere.jsonl")
        process.turn()
        assert process.app.ledger is ledger
        site.post("a")
        process.turn()
        until(lambda: site.lines("elsewhere.jsonl"))


def test_a_worker_that_ended_is_told_and_the_watchdog_starves(site: Site) -> None:
    told: list[str] = []

    class Ear(Systemd):
        def alive(self) -> None:
            told.append("alive")

    with running(site) as process:
        process._systemd = Ear({})
        process.pulse()
        assert told == ["alive"]
        assert process._loop is not None
        process._halt.set()
        process._loop.end()
        process._halt.clear()
        process.pulse()
        assert told == ["alive"]
        beat = read_beat(beat_file(site.root))
        assert beat is not None
        assert beat.workers["log"].fault is not None
        process._halt.set()


def test_a_folder_that_cannot_be_written_is_the_configurations_fault(site: Site) -> None:
    (site.root / "state").write_text("a file")
    app = App(
        load(None, str(site.root)),
        World(clock=FakeClock(NOW), environ={}, jitter=float, owner="test"),
    )
    process = Process(app, Systemd({}))
    with pytest.raises(ConfigError):
        process.start(first_run=True)
    process.end()
    app.close()


def test_health_is_told_while_it_runs(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """Only where somebody is to be told, and not at every pulse."""
    change(site, "[ui]\n", '[health]\ndisk = 1000000000\n[notify]\nwebhook = { env = "H" }\n[ui]\n')
    clock = Hands(NOW)
    asked: list[int] = []
    with running(site, clock) as process:
        process._notifier.notice = lambda troubles: asked.append(len(troubles))  # type: ignore[method-assign]
        for _ in range(4):
            clock.go(31)
            process.pulse()
    assert asked == [1, 1]
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]


def test_on_postgresql_it_lives_reloads_and_rests_as_well(site: Site, postgres_url: str) -> None:
    change(site, "[site]\n", f'[site]\nid = "{site.root.name}"\n')
    change(site, "[ui]\n", f'[state]\nurl = "{postgres_url}"\n[ui]\n')
    world = World(jitter=lambda: 0.0, owner=f"living-{site.root.name}", environ={})
    process = Process(App(load(None, str(site.root)), world), Systemd({}))
    try:
        process.start(first_run=True)
        process.turn()
        process.pulse()
        assert codes(site) == []
        change(site, FILE_ACCOUNT, FILE_ACCOUNT + SECOND_ACCOUNT)
        process.turn()
        process.pulse()
        assert codes(site) == []  # the lock that says it lives went along
        site.post("a")
        process.turn()
        until(lambda: site.lines() and site.lines("two.jsonl"))
    finally:
        process.end()
        process.app.close()
    assert codes(site) == ["not-running"]


def test_a_fault_of_a_worker_is_told_until_a_round_goes_well(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(process: Process) -> str | None:
        process.pulse()
        beat = read_beat(beat_file(site.root))
        return beat.workers["log"].fault if beat else None

    with running(site) as process:
        assert process._loop is not None
        until(lambda: not fault(process))

        def broken(*_: object, **__: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(process._loop._dispatcher, "_work", broken)
        process._loop._wake_workers()
        assert "ZeroDivisionError" in until(lambda: fault(process))
        monkeypatch.undo()

        def well() -> bool:
            process._loop._wake_workers()  # type: ignore[union-attr]
            return fault(process) is None

        until(well)
