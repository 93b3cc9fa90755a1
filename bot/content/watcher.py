"""Hints that something changed, from the system (watchdog). The truth is a scan.

A closed or renamed file is told at once, anything else after 100 ms of quiet; many files that
change together (a checkout) are one hint.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

from bot.content.walk import is_temporary
from bot.i18n import Message, msg

AT_ONCE = 0.01
QUIET = 0.1
LONGEST = 2_000  # events that one batch may wait for
_AT_ONCE = frozenset(("closed", "moved"))
_NO_CHANGE = frozenset(("opened", "closed_no_write"))

Inode = tuple[int, int]
"""Device and number."""


class Watcher:
    """Calls `on_change` from a thread of its own. `problem` says why a folder is not watched."""

    def __init__(self, folders: Iterable[str], on_change: Callable[[], None]) -> None:
        self.folders = tuple(folders)
        self.on_change = on_change
        self.problem: Message | None = None
        self._observer: Any = None
        self._armed: dict[str, Inode | None] = {}
        self._stopped = threading.Event()
        self._hint = threading.Condition()
        self._names: set[str] = set()
        self._settled = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Arm the watch. Scan after this returns: what came before it gives no hint."""
        from watchdog.observers import Observer

        self._armed = {folder: _inode(folder) for folder in self.folders}
        observer = Observer()
        handler = self._handler()
        for folder in self.folders:
            if self._armed[folder] is None:
                self.problem = _not_watched(folder, os.strerror(errno.ENOENT))
                continue
            try:
                observer.schedule(handler, folder, recursive=True)
            except OSError as error:
                self.problem = _not_watched(folder, error.strerror or str(error))
        self._thread = threading.Thread(target=self._tell, name="content-watcher", daemon=True)
        self._thread.start()
        try:
            observer.start()
        except OSError as error:
            self.problem = _not_watched(", ".join(self.folders), error.strerror or str(error))
            return
        self._observer = observer

    def is_stale(self) -> bool:
        """Whether a folder is no longer the one that is watched."""
        return any(_inode(folder) != inode for folder, inode in self._armed.items())

    def stop(self) -> None:
        self._stopped.set()
        with self._hint:
            self._hint.notify()
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer = None
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
            self._thread = None

    def _handler(self) -> Any:
        from watchdog.events import FileSystemEvent, FileSystemEventHandler

        watcher = self

        class Handler(FileSystemEventHandler):
            def on_any_event(self, event: FileSystemEvent) -> None:
                if event.is_directory and event.event_type == "modified":
                    return  # said beside every change within it
                watcher.noticed(event.event_type, str(event.src_path), str(event.dest_path or ""))

        return Handler()

    def noticed(self, kind: str, source: str, target: str = "") -> None:
        """One event of the system. Editors' temporary files give no hint."""
        name = target or source
        if kind in _NO_CHANGE or is_temporary(name):
            return
        with self._hint:
            self._names.add(name)
            self._settled = self._settled or kind in _AT_ONCE
            self._hint.notify()

    def _tell(self) -> None:
        while not self._stopped.is_set():
            with self._hint:
                self._hint.wait_for(lambda: self._names or self._stopped.is_set())
                self._wait_for_quiet()
                self._names.clear()
                self._settled = False
            if not self._stopped.is_set():
                self.on_change()

    def _wait_for_quiet(self) -> None:
        """One settled file is told at once; several files are one batch, told when it is quiet."""
        for _ in range(LONGEST):
            one = self._settled and len(self._names) == 1
            if self._stopped.is_set() or not self._hint.wait(AT_ONCE if one else QUIET):
                return


def _inode(folder: str) -> Inode | None:
    try:
        info = os.stat(folder)
    except OSError:
        return None
    return info.st_dev, info.st_ino


def _not_watched(folder: str, reason: str) -> Message:
    return msg(
        "Changes in {folder} are not noticed at once ({reason}); they are found by looking at intervals.",
        folder=folder,
        reason=reason,
    )
