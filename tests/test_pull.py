"""The site is fetched from git, at an interval: quietly, in time, and a failure is said once."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bot.app.pull import Puller, quiet, without_login
from bot.app.wiring import SystemClock
from bot.outbox.states import micros
from tests.outbox.world import FakeClock


def git(folder: Path, *args: str) -> None:
    own = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", "-C", str(folder), *own, *args], check=True, capture_output=True)


@pytest.fixture
def copies(tmp_path: Path) -> tuple[Path, Path]:
    """Where posts are written, and the copy that bot works on."""
    origin, copy = tmp_path / "origin", tmp_path / "copy"
    (origin / "content").mkdir(parents=True)
    git(origin, "init")
    commit(origin, "a")
    subprocess.run(["git", "clone", "-q", str(origin), str(copy)], check=True, capture_output=True)
    return origin, copy


def commit(folder: Path, name: str) -> None:
    (folder / "content" / f"{name}.md").write_text(name)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", name)


def puller(folder: Path, clock: FakeClock | None = None) -> tuple[Puller, list[int]]:
    import os

    done: list[int] = []
    made = Puller(folder, 60, clock or SystemClock(), dict(os.environ), lambda: done.append(1))
    return made, done


def failed(made: Puller) -> int | None:
    return made.failed


def test_what_was_pushed_comes(copies: tuple[Path, Path]) -> None:
    origin, copy = copies
    made, done = puller(copy / "content")
    commit(origin, "b")
    made.pull(threading.Event())
    assert (copy / "content" / "b.md").read_text() == "b"
    assert (made.fault, made.failed, done) == (None, None, [1])


def test_a_failure_is_said_once_and_its_end(
    copies: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    origin, copy = copies
    clock = FakeClock()
    made, done = puller(copy, clock)
    caplog.set_level(logging.INFO, "bot.pull")
    away = origin.rename(origin.with_name("away"))
    began = micros(clock.now())
    for _ in range(3):
        made.pull(threading.Event())
        clock.go(60)
    assert failed(made) == began
    assert len([r for r in caplog.records if r.levelname == "WARNING"]) == 1
    away.rename(origin)
    made.pull(threading.Event())
    assert failed(made) is None
    assert "fetched again" in caplog.text
    assert len(done) == 4


def test_work_that_was_done_here_is_never_merged_or_lost(copies: tuple[Path, Path]) -> None:
    origin, copy = copies
    commit(copy, "mine")
    commit(origin, "theirs")
    made, _ = puller(copy)
    made.pull(threading.Event())
    assert made.fault is not None
    assert (copy / "content" / "mine.md").exists()
    assert not (copy / "content" / "theirs.md").exists()


def test_a_folder_outside_git_and_a_machine_without_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, _ = puller(tmp_path)
    made.pull(threading.Event())
    assert "git" in str(made.fault)
    monkeypatch.setenv("PATH", str(tmp_path))
    made, _ = puller(tmp_path)
    made.pull(threading.Event())
    assert "cannot be run" in str(made.fault)


def test_one_that_hangs_is_ended_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for git that starts a child and waits for ever."""
    script = tmp_path / "git"
    script.write_text(f"#!/bin/sh\n{sys.executable} -c 'import signal; signal.pause()'\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("bot.app.pull.PULL_SECONDS", 0.05)
    made, _ = puller(tmp_path)
    made.pull(threading.Event())
    assert "not answer in time" in str(made.fault)


def test_nobody_is_asked_for_a_password() -> None:
    environ = quiet({"SSH_ASKPASS": "/usr/bin/ask", "GIT_ASKPASS": "/usr/bin/ask", "HOME": "/h"})
    assert environ["GIT_TERMINAL_PROMPT"] == "0"
    assert (environ["GIT_ASKPASS"], environ["SSH_ASKPASS"], environ["HOME"]) == ("", "", "/h")


def test_an_address_with_a_password_is_told_without() -> None:
    said = "fatal: unable to access 'https://me:s3cret@git.example/x.git/': gone\n"
    assert without_login(said) == "fatal: unable to access 'https://git.example/x.git/': gone"
