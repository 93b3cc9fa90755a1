"""The site is fetched from its git branch, at an interval: `git pull --ff-only`, never with a question
to anybody, never longer than a minute. Where it fails the site stays as it is, and it is said."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from bot.i18n import Message, msg
from bot.model import Clock
from bot.outbox.states import micros

log = logging.getLogger("bot.pull")

PULL_SECONDS = 60.0
LONGEST_WORD = 300
_LOGIN = re.compile(r"(?<=://)[^/@\s]+@")


class Puller:
    """In a thread of its own. `fault` and `failed` say what is wrong, and since when."""

    def __init__(
        self,
        folder: Path,
        seconds: float,
        clock: Clock,
        environ: Mapping[str, str],
        on_done: Callable[[], None],
    ) -> None:
        self.fault: Message | None = None
        self.failed: int | None = None
        self._folder, self._seconds, self._clock = folder, seconds, clock
        self._environ = quiet(environ)
        self._on_done = on_done
        self._lock = threading.Lock()
        self._running: subprocess.Popen[str] | None = None

    def serve(self, stop: threading.Event) -> None:
        """Pull at once and then at the interval, until the process stops."""
        while not stop.is_set():
            self.pull(stop)
            self._clock.wait(stop, self._seconds)

    def pull(self, stop: threading.Event) -> None:
        fault = self._pulled(stop)
        if stop.is_set():
            return
        if fault is None:
            if self.fault is not None:
                log.info("%s", msg("the site is fetched again"))
            self.fault, self.failed = None, None
        else:
            if str(fault) != str(self.fault or ""):
                log.warning("%s", msg("the site could not be fetched: {why}", why=fault))
            self.fault, self.failed = fault, self.failed or micros(self._clock.now())
        self._on_done()

    def end(self) -> None:
        """Let no fetching outlive the process."""
        with self._lock:
            running = self._running
        if running is not None:
            _kill(running)

    def _pulled(self, stop: threading.Event) -> Message | None:
        """What went wrong, None where all went well."""
        try:
            process = self._begun(stop)
        except OSError as error:
            return msg("git cannot be run: {why}", why=error.strerror or type(error).__name__)
        if process is None:
            return None
        try:
            said = process.communicate(timeout=PULL_SECONDS)[1]
        except subprocess.TimeoutExpired:
            _kill(process)
            process.communicate()
            return msg("git did not answer in time")
        finally:
            self._running = None
        return None if process.returncode == 0 else msg("git: {said}", said=without_login(said))

    def _begun(self, stop: threading.Event) -> subprocess.Popen[str] | None:
        """None where the process ends."""
        with self._lock:
            if stop.is_set():
                return None
            self._running = subprocess.Popen(
                ["git", "-C", str(self._folder), "pull", "--ff-only", "--quiet"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                env=self._environ,
                start_new_session=True,  # no terminal that ssh could ask at
            )
            return self._running


def quiet(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment in which git asks nobody for a name or a password."""
    own = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "", "SSH_ASKPASS": "", "LC_ALL": "C"}
    return {**environ, **own, "SSH_ASKPASS_REQUIRE": "never"}


def without_login(said: str) -> str:
    """git's last words, in one line, without a password in an address."""
    return " ".join(_LOGIN.sub("", said).split())[-LONGEST_WORD:]


def _kill(process: subprocess.Popen[str]) -> None:
    """With all that it has started (ssh, a helper)."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except OSError:
        process.kill()
    process.wait()
