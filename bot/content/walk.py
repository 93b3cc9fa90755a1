"""The files below a folder that may be posts, each with a stamp that changes when it changes.

Only scandir and stat for a file that was there before: a look at an unchanged tree costs little more.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

SUFFIXES = (".md", ".mdown", ".markdown")
"""https://gohugo.io/configuration/media-types/: what Hugo reads as Markdown"""
MAX_DEPTH = 64

# what editors leave beside a file: backups, locks and half-written copies
_TEMPORARY = re.compile(r"^[.#]|~$|^~\$|\.(?:sw[a-p]|tmp|bak|part|crdownload)(?:\.|$)|___jb_")
_LEAF = re.compile(r"index(?:\.[\w-]+)?\.(?:md|mdown|markdown)$", re.IGNORECASE)

Stamp = tuple[int, int, int]
"""mtime in nanoseconds, size, inode"""


@dataclass(slots=True)
class Walk:
    """`files` are absolute; `errors` what could not be looked at; `folders` those named like posts;
    `links` symbolic links, which lead anywhere and are not followed."""

    files: dict[str, Stamp] = field(default_factory=dict)
    errors: list[tuple[str, OSError]] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)


def walk(
    tops: Sequence[str], known: Mapping[str, Stamp], ignored: Sequence[re.Pattern[str]] = ()
) -> Walk:
    """All files that may be posts below `tops` (which may be links themselves, as with Hugo); `known`
    is what the last walk found."""
    found = Walk()
    for top in tops:
        seen: set[tuple[int, int]] = set()
        waiting = [(top, 0)]
        while waiting:
            folder, depth = waiting.pop()
            try:
                info = os.stat(folder)
                if (info.st_dev, info.st_ino) in seen or depth > MAX_DEPTH:
                    continue  # a folder that is mounted in itself
                seen.add((info.st_dev, info.st_ino))
                with os.scandir(folder) as listing:
                    entries = list(listing)
            except OSError as error:
                found.errors.append((folder, error))
                continue
            inner = _look(_posts_of(entries, depth), known, ignored, found)
            waiting += ((path, depth + 1) for path in inner)
    return found


def is_temporary(name: str) -> bool:
    """A dot-file, a backup, or what an editor writes beside a file while saving."""
    return _TEMPORARY.search(os.path.basename(name)) is not None


def _posts_of(entries: list[os.DirEntry[str]], depth: int) -> list[os.DirEntry[str]]:
    """Beside a bundle's index.md, and below it, all other files are its resources."""
    if not depth:
        return entries
    leaves = [e for e in entries if e.name[:6].lower() == "index." and _LEAF.match(e.name)]
    return leaves or entries


def _look(
    entries: list[os.DirEntry[str]],
    known: Mapping[str, Stamp],
    ignored: Sequence[re.Pattern[str]],
    found: Walk,
) -> list[str]:
    """Take the files of one folder into `found`; the folders in it."""
    inner: list[str] = []
    for entry in entries:
        path = entry.path
        old = known.get(path)
        try:
            if old is not None:
                info = entry.stat(follow_symlinks=False)
                if old == (info.st_mtime_ns, info.st_size, info.st_ino):
                    found.files[path] = old
                    continue
            if _look_closer(entry, ignored, found):
                inner.append(path)
        except OSError as error:
            found.errors.append((path, error))
    return inner


def _look_closer(entry: os.DirEntry[str], ignored: Sequence[re.Pattern[str]], found: Walk) -> bool:
    """Take a file that is new or changed; True for a folder to go into."""
    is_post = entry.name.lower().endswith(SUFFIXES)
    is_link = entry.is_symlink()
    if is_temporary(entry.name) or not (is_post or entry.is_dir()):
        return False
    if any(pattern.search(entry.path) for pattern in ignored):
        return not is_post and not is_link
    if is_link:
        found.links.append(entry.path)
        return False
    if entry.is_dir():
        if is_post:
            found.folders.append(entry.path)
        return True
    info = entry.stat(follow_symlinks=False)
    found.files[entry.path] = (info.st_mtime_ns, info.st_size, info.st_ino)
    return False
