"""The content folder as it is now. What has not changed on disk is not read again."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.content.cover import Wanted, bundle_cover, find_cover
from bot.content.files import decode, linked, read_file, unreadable
from bot.content.hugo import UNNAMED, Naming, page_path
from bot.content.identity import with_names
from bot.content.matter import split_matter
from bot.content.reader import Page, place_of_source, read_page
from bot.content.rules import Cascade, SiteRules
from bot.content.tree import EMPTY, Tree
from bot.content.walk import Stamp, Walk, walk
from bot.errors import ContentError
from bot.i18n import msg
from bot.model import Image, Post, Problem, Scan
from bot.words import WhyNot

NO_SECTION: WhyNot = "no-section"
OTHER_FILE: WhyNot = "other-file"


@dataclass(frozen=True, slots=True)
class _Kept:
    """What reading one file gave."""

    path: str
    page: Page | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _View:
    """The posts as they are from `since` until the clock changes one of them."""

    posts: tuple[Post, ...]
    problems: tuple[Problem, ...]
    since: datetime
    until: datetime | None

    def holds(self, now: datetime) -> bool:
        return self.since <= now and (self.until is None or now < self.until)


class Scanner:
    """Keeps the pages of the last scan by file, each with its stamp (mtime, size, inode)."""

    def __init__(self, rules: SiteRules) -> None:
        self.rules = rules
        self._ignored = [re.compile(pattern) for pattern in rules.ignore]
        self._stamps: dict[str, Stamp] = {}
        self._kept: dict[str, _Kept] = {}
        self._doubtful: frozenset[str] = frozenset()
        self._tree = EMPTY
        self._rivals: Mapping[str, str] = {}
        self._view: _View | None = None

    def scan(self, now: datetime) -> Scan:
        """All posts, sorted by path, with their visibility at `now`."""
        roots = [mount.source for mount in self.rules.roots]
        missing = [folder for folder in roots if not _is_readable(folder)]
        if len(missing) == len(roots):
            return Scan(posts=(), problems=(self._no_folder(missing[0]),), readable=False)
        seen = walk([root for root in roots if root not in missing], self._stamps, self._ignored)
        changed = self._refresh(seen.files)
        view = self._view_at(now)
        return Scan(
            posts=view.posts,
            problems=(*self._walk_problems(seen), *view.problems),
            readable=not missing,
            changed=changed,
        )

    def keep_names(self, posts: Iterable[Post]) -> None:
        """What the ledger calls these posts: the next scan brings it along, so that nearly all posts
        are made once and not at every scan."""
        for post in posts:
            kept = self._kept.get(post.source)
            if kept is None or kept.page is None:
                continue
            bare = kept.page.post
            named = with_names(bare, post.id, post.subject, post.first_visible)
            if named is not bare:
                self._kept[post.source] = replace(kept, page=replace(kept.page, post=named))
                self._view = None

    def reread(self, data: bytes, path: str, now: datetime) -> tuple[Post, str]:
        """An earlier version of the post at `path`, and its text. Raises ContentError."""
        source = os.path.normpath(os.path.join(self.rules.root, path))
        page = read_page(data, path, source, self.rules, self._tree, None, self._look)
        return page.at(now), split_matter(decode(data))[1]

    def _view_at(self, now: datetime) -> _View:
        if self._view is None or not self._view.holds(now):
            kept = sorted(self._kept.values(), key=lambda kept: kept.path)
            posts = [k.page.at(now) for k in kept if k.page is not None]
            if self._rivals:
                posts = [self._beside_rival(post) for post in posts]
            if not self.rules.root_pages:
                posts = _without_root_pages(posts)
            problems = [problem for one in kept for problem in one.problems]
            self._view = _View(
                posts=tuple(posts),
                problems=(*problems, *self._rival_problems()),
                since=now,
                until=min((post.changes_at for post in posts if post.changes_at), default=None),
            )
        return self._view

    # --- what changed -----------------------------------------------------------------------------

    def _refresh(self, files: dict[str, Stamp]) -> frozenset[str]:
        """Read what is new or has another stamp; the paths that changed, came or went."""
        if files == self._stamps and not self._doubtful:
            return frozenset()
        before, stamps, self._stamps = self._kept, self._stamps, files
        tree = self._read_tree(files)
        again = tree != self._tree
        self._tree = tree
        changed = {before[source].path for source in before.keys() - files.keys()}
        self._kept = {}
        for source, stamp in files.items():
            kept = before.get(source)
            fits = kept is not None and not again and stamp == stamps.get(source)
            if kept is None or not (fits and self._holds(source, kept)):
                fresh = self._read(source, stamp, tree)
                if fresh != kept:
                    changed.add(fresh.path)
                kept = fresh
            self._kept[source] = kept
        self._doubtful = frozenset(s for s, kept in self._kept.items() if _may_have_come(kept))
        if self._kept.keys() != before.keys():
            self._rivals = self._find_rivals()
            self._view = None
        if changed:
            self._view = None
        return frozenset(changed)

    def _holds(self, source: str, kept: _Kept) -> bool:
        """Whether what could not be found at the last reading (the file, its cover) is still so."""
        if source not in self._doubtful:
            return True
        if kept.page is None:
            return False
        post = kept.page.post
        image, problem = self._look(kept.page.wanted, post.path, source, post.url)
        known = (replace(known, line=None) for known in kept.problems)
        return image == post.cover and (problem is None or problem in known)

    def _read_tree(self, files: Mapping[str, Stamp]) -> Tree:
        """The folders with an _index.md, and what cascades down from there."""
        branches: dict[str, dict[str, Naming]] = {}
        cascades: list[Cascade] = []
        for source in sorted(files):
            if not os.path.basename(source).startswith("_index."):
                continue
            place = place_of_source(source, self.rules, EMPTY)
            if place.kind == "section":
                page = self._read(source, files[source], EMPTY).page
                named = (page.named if page else None) or UNNAMED
                branches.setdefault(place.language, {})[place.folder] = named
                cascades += page.cascade if page else ()
        return Tree(branches, tuple(cascades))

    def _find_rivals(self) -> Mapping[str, str]:
        """Of several files of one page and language Hugo takes one: file → the one that is taken."""
        near: dict[str, list[str]] = {}
        for source in self._kept:
            near.setdefault(_page_file(source), []).append(source)
        rivals: dict[str, str] = {}
        for sources in near.values():
            if len(sources) > 1:
                rivals |= self._rivals_of(sorted(sources))
        return dict(sorted(rivals.items()))

    def _rivals_of(self, sources: Sequence[str]) -> Iterator[tuple[str, str]]:
        pages: dict[tuple[str, str], list[tuple[tuple[bool, bool, str], str]]] = {}
        for source in sources:
            place = place_of_source(source, self.rules, EMPTY)
            rank = (place.spoken, place.kind == "bundle", os.path.splitext(source)[1].lower())
            pages.setdefault((page_path(place), place.language), []).append((rank, source))
        for rivals in pages.values():
            _, taken = max(rivals, key=lambda rival: rival[0])
            yield from ((source, taken) for _, source in rivals if source != taken)

    def _beside_rival(self, post: Post) -> Post:
        if post.source not in self._rivals or not post.visible:
            return post
        return replace(post, visible=False, why_not=OTHER_FILE, changes_at=None)

    def _rival_problems(self) -> Iterator[Problem]:
        for source, taken in self._rivals.items():
            yield Problem(
                path=self._shown(source),
                message=msg(
                    "{other} stands for the same page, in the same language, and is the one that counts.",
                    other=self._shown(taken),
                ),
                code="same-page",
                hint=msg("Rename one of them, or give it the language that it is in."),
                post_lost=False,
            )

    # --- one file ---------------------------------------------------------------------------------

    def _read(self, source: str, stamp: Stamp, tree: Tree) -> _Kept:
        path = self._shown(source)
        try:
            page = read_page(
                read_file(source),
                path,
                source,
                self.rules,
                tree,
                datetime.fromtimestamp(stamp[0] / 1e9, UTC),
                self._look,
            )
        except OSError as error:
            return _Kept(path, None, (_as_problem(unreadable(path, error)),))
        except ContentError as error:
            return _Kept(path, None, (_as_problem(error),))
        return _Kept(path, page, page.problems)

    def _look(
        self, wanted: Wanted | None, path: str, source: str, url: str
    ) -> tuple[Image | None, Problem | None]:
        wanted = wanted or bundle_cover(source)
        return find_cover(wanted, path, source, url, self.rules) if wanted else (None, None)

    def _shown(self, file: str) -> str:
        root = self.rules.root.rstrip(os.sep) + os.sep
        shown = file[len(root) :] if file.startswith(root) else os.path.relpath(file, root)
        return shown.replace(os.sep, "/")

    # --- problems ---------------------------------------------------------------------------------

    def _walk_problems(self, seen: Walk) -> Iterator[Problem]:
        for file, error in seen.errors:
            yield _as_problem(unreadable(self._shown(file), error))
        for link in seen.links:
            yield replace(_as_problem(linked(self._shown(link))), post_lost=False)
        for folder in seen.folders:
            yield Problem(
                path=self._shown(folder),
                message=msg("This is a folder with the name of a post."),
                code="folder",
                hint=msg("Rename it without the ending."),
                post_lost=False,
            )

    def _no_folder(self, folder: str) -> Problem:
        shown = self._shown(folder)
        return Problem(
            path=shown,
            message=msg("The content folder {folder} is missing or cannot be read.", folder=shown),
            code="content-folder",
            hint=msg("Check `path` under [content], and that the drive is there."),
        )


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
        else replace(post, visible=False, why_not=NO_SECTION, changes_at=None)
        for post in posts
    ]


def _page_file(source: str) -> str:
    """The same for all files that may stand for one page."""
    folder, _, name = source.rpartition(os.sep)
    base = name.partition(".")[0].lower()
    page = folder if base == "index" else f"{folder}{os.sep}{base}"
    return page.lower().replace(" ", "-")
