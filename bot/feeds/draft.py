"""One file in the making: as long as it is what is there already, nothing is written.

The first difference begins a temporary file beside it, which takes its place by a rename once its
bytes are on the disk: a reader sees the old file or the new one.
"""

from __future__ import annotations

import glob
import os
import secrets
import stat
from pathlib import Path
from typing import BinaryIO

BLOCK = 2**20
ABANDONED = 3600.0
"""Seconds by which a temporary file must be older than ours before it counts as a dead process's."""


class Draft:
    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._old: BinaryIO | None = path.open("rb") if path.exists() else None
        self._new: BinaryIO | None = None
        self._temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
        self._length = 0

    def add(self, chunk: bytes) -> None:
        if self._new is None and self._old is not None and self._old.read(len(chunk)) == chunk:
            self._length += len(chunk)
            return
        self._begun().write(chunk)

    def finish(self) -> bool:
        """True: written and in place; False: it was the same to the end."""
        try:
            if self._new is None and self._old is not None and not self._old.read(1):
                return False
            new = self._begun()
            new.flush()
            os.fsync(new.fileno())
            self._close()
            os.replace(self._temporary, self._path)
            return True
        finally:
            self.drop()

    def drop(self) -> None:
        """Leave the old file as it is. Does nothing after `finish`."""
        began = self._new is not None
        self._close()
        if began:
            self._temporary.unlink(missing_ok=True)

    def _begun(self) -> BinaryIO:
        if self._new is None:
            handle = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            self._new = os.fdopen(handle, "wb")
            self._take_over()
            _sweep(self._temporary, self._path)
        return self._new

    def _take_over(self) -> None:
        """The rights of the file before, and its beginning, which was the same."""
        if self._old is None or self._new is None:
            return
        os.chmod(self._temporary, stat.S_IMODE(os.fstat(self._old.fileno()).st_mode))
        self._old.seek(0)
        left = self._length
        while left and (block := self._old.read(min(left, BLOCK))):
            self._new.write(block)
            left -= len(block)

    def _close(self) -> None:
        for file in (self._old, self._new):
            if file is not None:
                file.close()


def sync_folder(folder: Path) -> None:
    """Without this a power cut may undo a rename. Windows cannot open a folder, and need not."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sweep(ours: Path, path: Path) -> None:
    """Take away what a killed process left. Ages are compared by the disk's own clock."""
    now = ours.stat().st_mtime
    for name in glob.glob(
        f".{glob.escape(path.name)}.*.tmp", root_dir=path.parent, include_hidden=True
    ):
        other = path.parent / name
        try:
            if now - other.stat().st_mtime > ABANDONED:
                other.unlink()
        except FileNotFoundError:  # its process lives, and has just finished
            continue
