"""What systemd is told: that bot is ready, reloads, ends, and works
(https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html)."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping


class Systemd:
    """Silent where nobody listens. `interval`: seconds between two signs of life, None where none are
    asked for."""

    def __init__(self, environ: Mapping[str, str], pid: int | None = None) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self.interval = _interval(environ, os.getpid() if pid is None else pid)

    def ready(self) -> None:
        self._tell("READY=1")

    def reloading(self) -> None:
        micros = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={micros}")

    def stopping(self) -> None:
        self._tell("STOPPING=1")

    def alive(self) -> None:
        if self.interval is not None:
            self._tell("WATCHDOG=1")

    def _tell(self, words: str) -> None:
        if not self._address.startswith(("/", "@")):
            return
        # A name that begins with @ lives outside the file system (unix(7)).
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as door:
                door.sendto(words.encode(), address)
        except OSError:
            pass  # whoever listened is gone; that ends nothing here


def _interval(environ: Mapping[str, str], pid: int) -> float | None:
    """Half of what systemd waits for; None where it waits for nothing, or for another process."""
    given, whose = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not given.isascii() or not given.isdigit() or int(given) == 0:
        return None
    return None if whose and whose != str(pid) else int(given) / 2_000_000
