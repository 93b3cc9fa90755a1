"""How `bot run` says that it lives: a small file beside the ledger, written anew all the time, and the
signs that its workers give."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from bot.errors import BotError
from bot.i18n import Message, msg
from bot.outbox.states import dump, load


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One account's thread. `at`: its last sign; `busy`: it works, it does not wait; `fault`: what
    its last round met (None: nothing)."""

    at: int
    busy: bool = False
    fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """What a living process tells. Times are UTC microseconds. `owner` is the lock that ends with it;
    `scan_fault`, `refused` and `pull_fault` are sentences, or None where all is well; `pull_failed`
    says since when the site cannot be fetched."""

    owner: str
    pid: int
    started: int
    at: int
    scanned: int | None = None
    scan_fault: str | None = None
    refused: str | None = None
    pull_fault: str | None = None
    pull_failed: int | None = None
    workers: Mapping[str, Worker] = field(default_factory=dict)


class Signs:
    """What the workers tell of themselves. Any thread may call."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now, self._lock = now, threading.Lock()
        self._workers: dict[str, Worker] = {}

    def busy(self, account: str) -> None:
        with self._lock:
            before = self._workers.get(account)
            fault = before.fault if before else None
            self._workers[account] = Worker(at=self._now(), busy=True, fault=fault)

    def idle(self, account: str, fault: Exception | None) -> None:
        """A round has ended, well or with this."""
        told = dump(fault_of(fault)) if fault is not None else None
        with self._lock:
            self._workers[account] = Worker(at=self._now(), fault=told)

    def only(self, accounts: Mapping[str, Any]) -> Mapping[str, Worker]:
        """The signs of these accounts."""
        with self._lock:
            return {name: self._workers.get(name) or Worker(at=self._now()) for name in accounts}


def beat_file(root: Path) -> Path:
    return root / "state" / "run.json"


def write_beat(file: Path, beat: Beat) -> None:
    """Whole or not at all. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_text(json.dumps(asdict(beat), ensure_ascii=False), encoding="utf-8")
    draft.replace(file)


def read_beat(file: Path) -> Beat | None:
    """What the last process told; None where none runs, or its file cannot be read."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        workers = {name: Worker(**worker) for name, worker in kept.pop("workers").items()}
        return replace(Beat(**kept), workers=workers)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def sentence(kept: str | None) -> Message | None:
    return load(kept) if kept else None


def fault_of(error: Exception) -> Message:
    """What a person is told of it."""
    if isinstance(error, BotError):
        return error.message
    return msg("a fault of bot's own ({kind}); please report it", kind=type(error).__name__)
