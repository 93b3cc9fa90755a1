"""Files that may still be being written: `bot run` sees a post between two writes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.model import Post
from bot.outbox.states import micros

QUIET = timedelta(seconds=1)
"""How long a file that looks unfinished must have been still."""
NEW = timedelta(minutes=1)
"""Posts that were first seen longer ago are what they are."""


def written(posts: Sequence[Post], now: datetime) -> tuple[Sequence[Post], datetime | None]:
    """New files without their lines, or without a last line end, may still be being written: they
    wait until they have been quiet for a while. Answers when to look again."""
    quiet = {post.path: at for post in posts if (at := _quiet_at(post, now)) is not None}
    if not quiet:
        return posts, None
    waiting = (
        replace(p, visible=False, why_not="unfinished") if p.path in quiet else p for p in posts
    )
    return tuple(waiting), min(quiet.values())


def _quiet_at(post: Post, now: datetime) -> datetime | None:
    fresh = (post.first_visible or 0) > micros(now - NEW)
    if not (post.visible and post.unfinished and fresh):
        return None
    try:
        quiet = datetime.fromtimestamp(os.stat(post.source).st_mtime, UTC) + QUIET
    except OSError:
        return None
    return quiet if now < quiet < now + NEW else None
