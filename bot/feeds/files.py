"""Feeds on disk: whole or not at all, and only if they changed. Others' files are left alone."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bot.feeds.mark import is_ours
from bot.i18n import msg
from bot.model import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """File names: those whose bytes changed, those left as they were; and what could not be done."""

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    refused: tuple[Problem, ...]


def write_feeds(files: Mapping[str, bytes], folder: Path) -> Written:
    """Put each file in place by a rename, after its bytes are on the disk. A reader sees the old
    file or the new one. A file that is the same keeps its time."""
    written: list[str] = []
    unchanged: list[str] = []
    refused: list[Problem] = []
    for name, data in files.items():
        try:
            outcome = _write(name, data, folder)
        except OSError as error:
            outcome = _failed(folder / name, error)
        if isinstance(outcome, Problem):
            refused.append(outcome)
        else:
            (written if outcome else unchanged).append(name)
    return Written(written=tuple(written), unchanged=tuple(unchanged), refused=tuple(refused))


def _write(name: str, data: bytes, folder: Path) -> bool | Problem:
    """True: written; False: there already."""
    if not _inside(name):
        return _outside(name, folder)
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    there = path.read_bytes() if path.exists() else None
    if there == data:
        return False
    if there is not None and not is_ours(there):
        return _not_ours(path)
    _replace(path, data)
    return True


def _inside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return (
        bool(parts) and ".." not in parts and not name.startswith(("/", "\\")) and "\0" not in name
    )


def _replace(path: Path, data: bytes) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        _save(draft, data, path)
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _save(draft: Path, data: bytes, like: Path) -> None:
    """A new file with the rights of the one it replaces, else those that the umask leaves."""
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
        if like.exists():
            os.chmod(draft, stat.S_IMODE(like.stat().st_mode))
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Without this a power cut may undo the rename. Windows cannot open a folder, and need not."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _not_ours(path: Path) -> Problem:
    return Problem(
        path=str(path),
        message=msg("{path} was not written by bot, so it is left as it is", path=path.name),
        code="feed-not-ours",
        hint=msg("Give the feed another name in [feed], or move the file away"),
        post_lost=False,
    )


def _outside(name: str, folder: Path) -> Problem:
    return Problem(
        path=str(folder / name),
        message=msg("{name} would lie outside the folder of the feeds", name=name),
        code="feed-outside",
        hint=msg("Name a file inside the folder, without `..` and without a leading slash"),
        post_lost=False,
    )


def _failed(path: Path, error: OSError) -> Problem:
    return Problem(
        path=str(path),
        message=msg("The feed could not be written: {reason}", reason=error.strerror or str(error)),
        code="feed-not-written",
        hint=msg("Check that the folder of [feed] path exists or can be made, and its rights"),
        post_lost=False,
    )
