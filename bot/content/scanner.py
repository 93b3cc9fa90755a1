"""The content folder as it is now. What has not changed on disk is not read again."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from bot.content.cover import find_cover
from bot.content.reader import MAX_FILE, Page, open_regular, read_page, unreadable
from bot.content.rules import SiteRules
from bot.errors import ContentError
from bot.i18n import msg
from bot.model import Post, Problem, Scan

SUFFIXES = (".md", ".markdown")
MAX_DEPTH = 64

# what editors leave beside a file: backups, locks and half-written copies
_TEMPORARY = re.compile(r"^[.#]|~$|^~\$|\.(?:sw[a-p]|tmp|bak|part|crdownload)(?:\.|$)|___jb_")

_Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    source: str
    stamp: _Stamp


@dataclass(frozen=True, slots=True)
class _Kept:
    stamp: _Stamp
    page: Page | None
    problems: tuple[Problem, ...]


class Scanner:
    """Keeps the pages of the last scan by path and stamp (mtime, size, inode)."""

    def __init__(self, rules: SiteRules) -> None:
        self.rules = rules
        self._kept: dict[str, _Kept] = {}

    def scan(self, now: datetime) -> Scan:
        """All posts, sorted by path, with their visibility at `now`."""
        problems: list[Problem] = []
        if not _is_readable(self.rules.content):
            return Scan(posts=(), problems=(_no_folder(self.rules),), readable=False)
        before, self._kept = self._kept, {}
        changed = set(before)
        posts: list[Post] = []
        for file in sorted(self._files(problems), key=lambda file: file.path):
            kept = before.get(file.path)
            if kept is None or kept.stamp != file.stamp or _may_have_come(kept):
                fresh = self._read(file)
                if kept is not None and kept.stamp == file.stamp and kept == fresh:
                    changed.discard(file.path)
                else:
                    changed.add(file.path)
                kept = fresh
            else:
                changed.discard(file.path)
            self._kept[file.path] = kept
            problems += kept.problems
            if kept.page:
                posts.append(kept.page.at(now, self.rules))
        problems += _collisions(posts)
        return Scan(
            posts=tuple(posts), problems=tuple(problems), readable=True, changed=frozenset(changed)
        )

    # --- the walk ---------------------------------------------------------------------------------

    def _files(self, problems: list[Problem]) -> Iterator[_File]:
        seen: set[tuple[int, int]] = set()
        waiting = [(self.rules.content, 0)]
        while waiting:
            folder, depth = waiting.pop()
            try:
                info = os.stat(folder)
                entries = list(os.scandir(folder))
            except OSError as error:
                problems.append(self._problem(folder, error))
                continue
            if (info.st_dev, info.st_ino) in seen or depth > MAX_DEPTH:
                continue
            seen.add((info.st_dev, info.st_ino))
            bundle = any(
                entry.name.startswith("index.") for entry in entries if _is_post(entry.name)
            )
            for entry in entries:
                yield from self._entry(entry, depth, bundle, waiting, problems)

    def _entry(
        self,
        entry: os.DirEntry[str],
        depth: int,
        bundle: bool,
        waiting: list[tuple[str, int]],
        problems: list[Problem],
    ) -> Iterator[_File]:
        name = entry.name
        if is_temporary(name):
            return
        post = _is_post(name)
        try:
            if entry.is_dir():
                if post:
                    problems.append(self._folder_named_post(entry.path))
                waiting.append((entry.path, depth + 1))
            elif post and not (bundle and not name.startswith(("index.", "_index."))):
                info = entry.stat()
                stamp = (info.st_mtime_ns, info.st_size, info.st_ino)
                yield _File(self._shown(entry.path), entry.path, stamp)
        except OSError as error:
            problems.append(self._problem(entry.path, error))

    def _shown(self, file: str) -> str:
        root = self.rules.root.rstrip(os.sep) + os.sep
        shown = file[len(root) :] if file.startswith(root) else os.path.relpath(file, root)
        return shown.replace(os.sep, "/")

    # --- one file ---------------------------------------------------------------------------------

    def _read(self, file: _File) -> _Kept:
        try:
            with open_regular(file.source) as stream:
                data = stream.read(MAX_FILE + 1)
            page = read_page(data, file.path, file.source, self.rules)
        except OSError as error:
            return _Kept(file.stamp, None, (_as_problem(unreadable(file.path, error)),))
        except ContentError as error:
            return _Kept(file.stamp, None, (_as_problem(error),))
        problems = page.problems
        if page.wanted:
            cover, problem = find_cover(
                page.wanted, file.path, file.source, page.post.url, self.rules
            )
            page = replace(page, post=replace(page.post, cover=cover))
            problems = (*problems, problem) if problem else problems
        return _Kept(file.stamp, page, problems)

    def _problem(self, file: str, error: OSError) -> Problem:
        return _as_problem(unreadable(self._shown(file), error))

    def _folder_named_post(self, folder: str) -> Problem:
        return Problem(
            path=self._shown(folder),
            message=msg("This is a folder with the name of a post."),
            code="folder",
            hint=msg("Rename it without the ending."),
            post_lost=False,
        )


def is_temporary(name: str) -> bool:
    """A dot-file, a backup, or what an editor writes beside a file while saving."""
    return _TEMPORARY.search(os.path.basename(name)) is not None


def _is_post(name: str) -> bool:
    return name.lower().endswith(SUFFIXES)


def _may_have_come(kept: _Kept) -> bool:
    """A file that could not be read, or a cover that was not there, may be fine without a change
    of the post's own stamp."""
    return any(p.code == "unreadable" or p.code.startswith("cover-") for p in kept.problems)


def _is_readable(folder: str) -> bool:
    return os.path.isdir(folder) and os.access(folder, os.R_OK | os.X_OK)


def _no_folder(rules: SiteRules) -> Problem:
    shown = os.path.relpath(rules.content, rules.root).replace(os.sep, "/")
    return Problem(
        path=shown,
        message=msg("The content folder {folder} is missing or cannot be read.", folder=shown),
        code="content-folder",
        hint=msg("Check `path` under [content], and that the drive is there."),
    )


def _as_problem(error: ContentError) -> Problem:
    return Problem(
        path=error.path or "",
        message=error.message,
        code=error.code,
        line=error.line,
        hint=error.hint,
    )


def _collisions(posts: list[Post]) -> Iterator[Problem]:
    """Two files that claim one address: said of every one but the first."""
    first: dict[str, str] = {}
    for post in posts:
        if post.why_not in ("section-page", "not-rendered", "headless"):
            continue
        other = first.setdefault(post.url, post.path)
        if other != post.path:
            yield Problem(
                path=post.path,
                message=msg("{other} has the same address: {url}", other=other, url=post.url),
                code="url-collision",
                hint=msg("Give one of them another `slug`."),
                post_lost=False,
            )
