"""Feeds on disk: whole or not at all, and only if they changed. Others' files are left alone."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bot.feeds.copies import BROTLI, GZIP, keep_copy
from bot.feeds.draft import Draft, sync_folder
from bot.feeds.frame import Frame
from bot.feeds.mark import HEAD, is_ours
from bot.i18n import msg
from bot.model import Problem
from bot.settings import Feed


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """File names: those whose bytes changed, those left as they were, those taken away; what could
    not be done, and what of the posts could not be shown."""

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    refused: tuple[Problem, ...]
    removed: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def write_feeds(files: Mapping[str, bytes], folder: Path) -> Written:
    """Put each file in place by a rename, after its bytes are on the disk. A reader sees the old
    file or the new one. A file that is the same keeps its time."""
    stack = Stack(folder)
    for name, data in files.items():
        stack.add({name: Frame(before=data, between=b"", after=b"")}, ())
    return stack.done()


class Stack:
    """Files on their way into `folder`, and what became of them."""

    def __init__(self, folder: Path, *, gzip: bool = False, brotli: bool = False) -> None:
        self._folder = folder
        self._copies = {GZIP: gzip, BROTLI: brotli}
        self._written: list[str] = []
        self._unchanged: list[str] = []
        self._refused: list[Problem] = []
        self._removed: list[str] = []

    def done(self) -> Written:
        return Written(
            written=tuple(self._written),
            unchanged=tuple(self._unchanged),
            refused=tuple(self._refused),
            removed=tuple(self._removed),
        )

    def skip(self, names: Iterable[str]) -> None:
        """These are known to be there as they should be."""
        self._unchanged += names

    def remove(self, name: str) -> None:
        """Take away a file that bot wrote, with its copies, and its folder once that is empty."""
        path = self._folder / name
        try:
            for suffix in self._copies:
                if path.exists():
                    keep_copy(path, suffix, wanted=False)
            if path.exists() and is_ours(_beginning(path)):
                path.unlink()
                self._removed.append(name)
                with contextlib.suppress(OSError):  # something else lies there
                    path.parent.rmdir()
        except OSError as error:
            self._refused.append(_failed(path, error))

    def add(self, frames: Mapping[str, Frame], parts: Iterable[Sequence[bytes]]) -> bool:
        """Several files in one pass over their items: `parts` holds each item once for each file.
        True if all are in place."""
        refused = len(self._refused)
        drafts = {name: draft for name in frames if (draft := self._draft(name))}
        try:
            self._fill(drafts, frames, parts)
            changed = {name for name, draft in list(drafts.items()) if self._finish(name, draft)}
        finally:
            for draft in drafts.values():
                draft.drop()
        for parent in {(self._folder / name).parent for name in changed}:
            sync_folder(parent)
        return len(self._refused) == refused

    def _draft(self, name: str) -> Draft | None:
        if not _inside(name):
            self._refused.append(_outside(name, self._folder))
            return None
        path = self._folder / name
        try:
            if path.exists() and not is_ours(_beginning(path)):
                self._refused.append(_not_ours(path))
                return None
            return Draft(path)
        except OSError as error:
            self._refused.append(_failed(path, error))
            return None

    def _fill(
        self,
        drafts: dict[str, Draft],
        frames: Mapping[str, Frame],
        parts: Iterable[Sequence[bytes]],
    ) -> None:
        order = {name: number for number, name in enumerate(frames)}
        for name in list(drafts):
            self._put(drafts, name, frames[name].before)
        for count, part in enumerate(parts):
            for name in list(drafts):
                self._put(
                    drafts, name, (frames[name].between if count else b"") + part[order[name]]
                )
        for name in list(drafts):
            self._put(drafts, name, frames[name].after)

    def _put(self, drafts: dict[str, Draft], name: str, chunk: bytes) -> None:
        try:
            drafts[name].add(chunk)
        except OSError as error:
            drafts.pop(name).drop()
            self._refused.append(_failed(self._folder / name, error))

    def _finish(self, name: str, draft: Draft) -> bool:
        try:
            changed = draft.finish()
        except OSError as error:
            self._refused.append(_failed(self._folder / name, error))
            return False
        (self._written if changed else self._unchanged).append(name)
        for suffix, wanted in self._copies.items():
            self._copy(self._folder / name, suffix, wanted)
        return changed

    def _copy(self, path: Path, suffix: str, wanted: bool) -> None:
        try:
            keep_copy(path, suffix, wanted)
        except FileExistsError:
            self._refused.append(_not_ours(path.with_name(path.name + suffix)))
        except ModuleNotFoundError:
            self._refused.append(_no_brotli(path))
        except OSError as error:
            self._refused.append(_failed(path.with_name(path.name + suffix), error))


def left_over(root: Path, feed: Feed, planned: Collection[str]) -> Iterator[str]:
    """Feeds of tags, categories and months that bot wrote once and `planned` (folders) has no more.
    Nowhere else is looked: what lies there may be the feed of another site."""
    known = {folder.casefold() for folder in planned}
    files = {feed.rss, feed.atom, feed.json, feed.style} - {""}
    for parent in {"tags", "categories", feed.archive.strip("/")} - {""}:
        for where, _, found in os.walk(root / parent):
            folder = Path(where).relative_to(root).as_posix() + "/"
            if folder.casefold() not in known:
                for name in files.intersection(found):
                    if is_ours(_beginning(Path(where, name))):
                        yield folder + name


def _inside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return (
        bool(parts) and ".." not in parts and not name.startswith(("/", "\\")) and "\0" not in name
    )


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD)


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


def _no_brotli(path: Path) -> Problem:
    return Problem(
        path=str(path),
        message=msg("No brotli copy was made: the Python package brotli is not installed"),
        code="brotli-missing",
        hint=msg("Install it beside bot (`pip install brotli`), or set [feed] brotli = false"),
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
