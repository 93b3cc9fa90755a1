"""The `file` network: one JSON object a line. It needs no account, and shows what would be sent.

A line is one write and one fsync under a lock; a line torn by a crash is closed before the next.
"""

from __future__ import annotations

import errno
import json
import os
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.errors import OutcomeUnknown, Transient, Unauthorized
from bot.i18n import Message, msg
from bot.model import (
    Absent,
    Clock,
    Draft,
    Finding,
    Found,
    Image,
    Json,
    Prepared,
    Receipt,
    Replay,
    Seen,
    TextLimit,
)
from bot.posters.base import ReadSecret
from bot.settings import Account

if TYPE_CHECKING:
    from bot.net import Net

LIMIT = TextLimit(unit="code-points", maximum=None)
LOCK_SECONDS = 10
FIELDS = ("account", "url", "text", "images")
OPEN_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)


def missing(account: Account, read: ReadSecret) -> Message | None:
    return None if account.path else msg("No path is set: the file that lines are added to.")


def make(account: Account, read: ReadSecret, net: Net, root: Path) -> FilePoster:
    return FilePoster(account, root, net.clock)


class FilePoster:
    network = "file"
    settling: float | None = 0.0  # a dead process writes nothing any more

    def __init__(self, account: Account, root: Path, clock: Clock) -> None:
        self._account, self._clock = account, clock
        self._file = root / account.path

    def prepare(
        self, draft: Draft, part: int, parents: tuple[Receipt, ...], with_images: bool
    ) -> Prepared:
        if self._file.is_dir():
            raise Unauthorized(
                msg("{file} is a folder; it must be a file.", file=self._account.path)
            )
        images = draft.images if with_images and part == 0 else ()
        payload = {
            "account": self._account.name,
            "url": draft.url,
            "text": draft.parts[part].text,
            "images": [_image(image) for image in images],
        }
        return Prepared(payload=payload, replay=Replay.SEARCHABLE)

    def commit(self, payload: Json, key: str, guard: Callable[[], None]) -> Receipt:
        told = {"key": key} | {name: payload[name] for name in FIELDS}
        line = json.dumps(told, ensure_ascii=False) + "\n"
        data = line.encode("utf-8", "replace")
        try:
            self._append(data, guard)
        except OSError as error:
            raise Transient(self._trouble(error)) from None
        return Receipt(id=key, url=None, at=self._clock.now())

    def find(self, payload: Json, key: str, since: datetime, known: Collection[str]) -> Finding:
        try:
            there = key not in known and self._holds(key)
        except OSError as error:
            raise Transient(self._trouble(error)) from None
        if not there:
            return Absent()
        return Found(receipt=Receipt(id=key, url=None, at=self._clock.now()))

    def recent(self, limit: int) -> list[Seen]:
        """The account's last lines. They hold no time, so the file's own stands for all."""
        self._must_be_a_file()
        names = (self._account.name, *self._account.was)
        try:
            at = datetime.fromtimestamp(self._file.stat().st_mtime, UTC)
            with self._file.open("rb") as lines:
                own = (seen for line in lines if (seen := _seen(line, names, at)) is not None)
                return list(deque(own, maxlen=limit))[::-1]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Transient(self._trouble(error)) from None

    def _must_be_a_file(self) -> None:
        if self._file.is_dir():
            raise Unauthorized(
                msg("{file} is a folder; it must be a file.", file=self._account.path)
            )

    def close(self) -> None:
        """Nothing is kept open."""

    def _append(self, data: bytes, guard: Callable[[], None]) -> None:
        from filelock import FileLock, Timeout

        self._file.parent.mkdir(parents=True, exist_ok=True)
        lock = self._file.with_name(f".{self._file.name}.lock")
        try:
            with FileLock(lock, timeout=LOCK_SECONDS):
                new = not self._file.exists()
                descriptor = os.open(self._file, OPEN_FLAGS, 0o644)
                try:
                    if new:
                        _sync_folder(self._file.parent)
                    self._write(descriptor, data, guard)
                finally:
                    with suppress(OSError):  # all that counts is already synced
                        os.close(descriptor)
        except Timeout:
            raise Transient(
                msg("{file} is locked by another program.", file=self._account.path)
            ) from None

    def _write(self, descriptor: int, data: bytes, guard: Callable[[], None]) -> None:
        size = os.fstat(descriptor).st_size
        if size and _last_byte(descriptor, size) != b"\n":
            data = b"\n" + data
        guard()
        written = os.write(descriptor, data)  # where it raises, nothing was written
        if written < len(data):
            os.ftruncate(descriptor, size)  # the disk is full: no half a line stays
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        try:
            os.fsync(descriptor)
        except OSError as error:
            raise OutcomeUnknown(self._trouble(error)) from None

    def _holds(self, key: str) -> bool:
        needle = json.dumps(key, ensure_ascii=False).encode()
        try:
            with self._file.open("rb") as lines:
                return any(needle in line and _key(line) == key for line in lines)
        except FileNotFoundError:
            return False

    def _trouble(self, error: OSError) -> Message:
        detail = error.strerror or type(error).__name__
        return msg(
            "{file} cannot be written or read: {detail}.", file=self._account.path, detail=detail
        )


def _image(image: Image) -> dict[str, str]:
    if image.shown is not None:
        return {"file": image.shown, "alt": image.alt}
    return {"url": image.url or "", "alt": image.alt}


def _last_byte(descriptor: int, size: int) -> bytes:
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1)


def _key(line: bytes) -> Any:
    return _read(line).get("key")


def _seen(line: bytes, names: Collection[str], at: datetime) -> Seen | None:
    told = _read(line)
    key, url, text = told.get("key"), told.get("url"), told.get("text")
    if told.get("account") not in names or not isinstance(key, str) or not isinstance(text, str):
        return None
    return Seen(id=key, url=None, at=at, text=text, links=(url,) if isinstance(url, str) else ())


def _read(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _sync_folder(folder: Path) -> None:
    """A new file's name is on disk only when its folder is."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
