"""What a person asked for, and which posts that names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from bot.app.wiring import App, Site
from bot.i18n import Message, msg
from bot.model import Post
from bot.outbox.plan import in_order, subject_of
from bot.words import why_not


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person asked for. No paths, no latest, no all: what is due. `patient`: a file that is
    still being written can wait for its end (`bot run` comes back to it). `now`: what is named
    passes slots and quiet hours. `may_expire`: what has waited too long is skipped."""

    paths: tuple[str, ...] = ()
    account: str | None = None
    latest: int | None = None
    all: bool = False
    yes: bool = False
    first_run: bool = False
    patient: bool = False
    now: bool = False
    may_expire: bool = True

    @property
    def names_posts(self) -> bool:
        return bool(self.paths) or self.latest is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A post that was asked for and cannot be sent, with the reason."""

    path: str
    message: Message
    code: str


def named_posts(
    app: App, site: Site, request: Request
) -> tuple[frozenset[str], tuple[Refusal, ...]]:
    """The posts that a person asked for by path, --latest or --all."""
    posts = site.posts
    by_path = {post.path: post for post in posts}
    named = {subject_of(p) for p in newest(posts, request.latest)} if request.latest else set()
    if request.all:
        named |= {subject_of(post) for post in posts if post.visible}
    refused: list[Refusal] = []
    for path in request.paths:
        names = spellings(app, path)
        post = next((by_path[p] for p in names if p in by_path), None)
        lost = next((p for p in site.problems if p.post_lost and p.path in names), None)
        if post is None and lost is not None:
            refused.append(Refusal(path=lost.path, message=lost.message, code=lost.code))
        elif post is None:
            hint = msg("there is no post {path} (bot list shows them all)", path=path)
            refused.append(Refusal(path=path, message=hint, code="no-such-post"))
        elif not post.visible:
            refused.append(Refusal(path=post.path, message=why_not(post), code=post.why_not or ""))
        else:
            named.add(subject_of(post))
    return frozenset(named), tuple(refused)


def spellings(app: App, path: str) -> list[str]:
    """A path as typed, seen from the current folder and from the configuration's. A bundle's
    folder stands for its index file."""
    root = str(app.root.resolve())
    candidates = [os.path.abspath(path), os.path.join(root, path)]
    found = []
    for candidate in candidates:
        relative = os.path.relpath(os.path.normpath(candidate), root).replace(os.sep, "/")
        found += [relative, f"{relative}/index.md"]
    return found


def newest(posts: Sequence[Post], count: int) -> list[Post]:
    """The newest visible ones, newest first."""
    return in_order(p for p in posts if p.visible)[::-1][:count]
