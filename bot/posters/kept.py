"""Logins that change by themselves, kept in a file that only its owner reads: whole or not at all,
by one process at a time."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bot.errors import Transient
from bot.i18n import Message, msg
from bot.settings import Account

LOCK_SECONDS = 60


class StaleToken(Transient):
    """The access token is not good any more: refresh, and go on."""

    code = "stale-token"


class Kept:
    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> dict[str, Any]:
        """What is kept; nothing where that cannot be read."""
        try:
            content = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def write(self, content: Mapping[str, Any]) -> None:
        """On the disk when this returns. Raises Transient."""
        try:
            write_private(self._file, json.dumps(content))
        except OSError as error:
            raise Transient(self._trouble(error)) from None

    def locked(self) -> Any:
        """A lock between processes, to be entered. Raises Transient where it cannot be had."""
        from filelock import FileLock

        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise Transient(self._trouble(error)) from None
        return FileLock(self._file.with_suffix(".lock"), timeout=LOCK_SECONDS)

    def _trouble(self, error: OSError) -> Message:
        detail = error.strerror or type(error).__name__
        return msg(
            "The session cannot be kept in {file}: {detail}.", file=self._file.name, detail=detail
        )


def session_file(root: Path, account: Account) -> Path:
    return root / "state" / "sessions" / f"{quote(account.name, safe='')}.json"


def write_private(file: Path, text: str) -> None:
    """Whole or not at all, never readable for others. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        draft.unlink()
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    draft.replace(file)
