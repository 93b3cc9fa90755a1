"""Which copy of the site this is, and how new: two servers may hold the same blog."""

from __future__ import annotations

import hashlib
import socket
import subprocess
from pathlib import Path

GIT_SECONDS = 5


def name(folder: Path) -> str:
    """The same for every process on this copy of the site, another on any other copy."""
    where = f"{socket.gethostname()}\n{folder.resolve()}"
    return hashlib.sha256(where.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def version(folder: Path) -> int | None:
    """When the commit that this copy stands at was made, in UTC microseconds; None outside git."""
    if not any((parent / ".git").exists() for parent in (folder, *folder.resolve().parents)):
        return None
    try:
        told = subprocess.run(
            ["git", "-C", str(folder), "log", "-1", "--format=%ct"],
            capture_output=True,
            timeout=GIT_SECONDS,
            check=True,
        )
        return int(told.stdout) * 1_000_000
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
