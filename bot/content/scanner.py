"""The content folder as it is now. What has not changed on disk is not read again."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.content.cover import bundle_cover, find_cover, public_address
from bot.content.reader import Page, place_of_source, read_file, read_page, unreadable
from bot.content.rules import Cascade, SiteRules
from bot.content.tree import EMPTY, Tree
from bot.errors import ContentError
from bot.i18n import msg
from bot.model import Post, Problem, Scan

SUFFIXES = (".md", ".markdown")
MAX_DEPTH = 64

# what editors leave beside a file: backups, locks and half-written copies
_TEMPORARY = re.compile(r"^[.#]|~$|^~\$|\.(?:sw[a-p]|tmp|bak|part|crdownload)(?:\.|$)|___jb_")

_LEAF = re.compile(r"index(?:\.[\w-]+)?\.(?:md|markdown)$", re.IGNORECASE)

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
        self._tree = EMPTY
        self._ignored = [re.compile(pattern) for pattern in rules.ignore]

    def scan(self, now: datetime) -> Scan:
        """All posts, sorted by path, with their visibility at `now`."""
        problems: list[Problem] = []
        roots = [mount.source for mount in self.rules.roots]
        missing = [folder for folder in roots if not _is_readable(folder)]
        if len(missing) == len(roots):
            return Scan(posts=(), problems=(self._no_folder(missing[0]),), readable=False)
        files = self._found(problems)
        changed = self._refresh(files)
        posts = [
            kept.page.at(now, self.rules)
            for file in files
            if (kept := self._kept[file.path]).page is not None
        ]
        problems += (problem for file in files for problem in self._kept[file.path].problems)
        if not self.rules.root_pages:
            posts = _without_root_pages(posts)
        problems += _collisions(posts)
        return Scan(
            posts=tuple(posts),
            problems=tuple(problems),
            readable=not missing,
            changed=frozenset(changed),
        )

    def _refresh(self, files: list[_File]) -> set[str]:
        """Read what is new or has another stamp; the paths that changed, came or went."""
        before, self._kept = self._kept, {}
        tree = self._read_tree(files, before)
        all_again = tree != self._tree
        self._tree = tree
        changed = before.keys() - {file.path for file in files}
        for file in files:
            kept = before.get(file.path)
            if kept is None or kept.stamp != file.stamp or _may_have_come(kept) or all_again:
                fresh = self._read(file)
                if kept != fresh:
                    changed.add(file.path)
                kept = fresh
            self._kept[file.path] = kept
        return set(changed)

    def _read_tree(self, files: list[_File], before: dict[str, _Kept]) -> Tree:
        """The folders with an _index.md, and what cascades down from there."""
        branches: list[tuple[str, str]] = []
        cascades: list[Cascade] = []
        for file in files:
            place = place_of_source(file.source, self.rules, EMPTY)
            if place.kind != "section":
                continue
            branches.append((place.folder, place.language))
            kept = before.get(file.path)
            if kept is None or kept.stamp != file.stamp:
                kept = self._read(file)
            if kept.page is not None:
                cascades += kept.page.cascade
        return Tree(frozenset(branches), tuple(cascades))

    # --- the walk ---------------------------------------------------------------------------------

    def _found(self, problems: list[Problem]) -> list[_File]:
        """The files that may be posts, sorted; of two content folders the first has its file."""
        found: dict[str, _File] = {}
        for mount in self.rules.roots:
            for file in self._files(mount.source, problems):
                found.setdefault(file.path, file)
        return [found[path] for path in sorted(found)]

    def _files(self, top: str, problems: list[Problem]) -> Iterator[_File]:
        seen: set[tuple[int, int]] = set()
        waiting = [(top, 0)]
        while waiting:
            folder, depth = waiting.pop()
            try:
                info = os.stat(folder)
                with os.scandir(folder) as listing:
                    entries = list(listing)
            except OSError as error:
                problems.append(self._problem(folder, error))
                continue
            if (info.st_dev, info.st_ino) in seen or depth > MAX_DEPTH:
                continue
            seen.add((info.st_dev, info.st_ino))
            if depth:  # below a bundle's index.md all other files are its resources
                leaves = [entry for entry in entries if _LEAF.match(entry.name)]
                entries = leaves or entries
            for entry in entries:
                yield from self._entry(entry, depth, waiting, problems)

    def _entry(
        self,
        entry: os.DirEntry[str],
        depth: int,
        waiting: list[tuple[str, int]],
        problems: list[Problem],
    ) -> Iterator[_File]:
        name = entry.name
        post = name.endswith(SUFFIXES) or name.lower().endswith(SUFFIXES)
        try:
            if not post:
                if entry.is_dir() and not is_temporary(name):
                    waiting.append((entry.path, depth + 1))
            elif is_temporary(name) or any(p.search(entry.path) for p in self._ignored):
                return
            elif entry.is_dir():
                problems.append(self._folder_named_post(entry.path))
                waiting.append((entry.path, depth + 1))
            else:
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
            data = read_file(file.source)
            modified = datetime.fromtimestamp(file.stamp[0] / 1e9, UTC)
            page = read_page(data, file.path, file.source, self.rules, self._tree, modified)
        except OSError as error:
            return _Kept(file.stamp, None, (_as_problem(unreadable(file.path, error)),))
        except ContentError as error:
            return _Kept(file.stamp, None, (_as_problem(error),))
        problems = page.problems
        wanted = page.wanted or bundle_cover(file.source)
        if wanted:
            cover, problem = find_cover(wanted, file.path, file.source, self.rules)
            if cover is not None and cover.file is not None:
                cover = replace(cover, public=public_address(cover.file, page.post, self.rules))
            page = replace(page, post=replace(page.post, cover=cover))
            problems = (*problems, problem) if problem else problems
        return _Kept(file.stamp, page, problems)

    def _problem(self, file: str, error: OSError) -> Problem:
        return _as_problem(unreadable(self._shown(file), error))

    def _no_folder(self, folder: str) -> Problem:
        shown = self._shown(folder)
        return Problem(
            path=shown,
            message=msg("The content folder {folder} is missing or cannot be read.", folder=shown),
            code="content-folder",
            hint=msg("Check `path` under [content], and that the drive is there."),
        )

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


def _may_have_come(kept: _Kept) -> bool:
    """A file that could not be read, or a cover that was not there, may be fine without a change
    of the post's own stamp."""
    return any(p.code == "unreadable" or p.code.startswith("cover-") for p in kept.problems)


def _is_readable(folder: str) -> bool:
    return os.path.isdir(folder) and os.access(folder, os.R_OK | os.X_OK)


def _as_problem(error: ContentError) -> Problem:
    return Problem(
        path=error.path or "",
        message=error.message,
        code=error.code,
        line=error.line,
        hint=error.hint,
    )


def _without_root_pages(posts: list[Post]) -> list[Post]:
    """Pages beside the sections (about, search) are no posts, where there are sections."""
    if not any(post.section and post.why_not != "section-page" for post in posts):
        return posts
    return [
        post
        if post.section or not post.visible
        else replace(post, visible=False, why_not="no-section", changes_at=None)
        for post in posts
    ]


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
