"""Whose turn it is among what waits, pure: the sequence of an account's queue, times that a person
set, and what has waited too long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bot.model import Delivery, Post

PRIORITY, NEWEST = "priority", "newest"
EXPIRED = "aged"
_STEP = 10**16
"""More microseconds than any date has: a priority outweighs every age."""
_MOST = 400
_UNDATED = datetime.min.replace(tzinfo=UTC)


def sequence(post: Post, place: int, order: Sequence[str], priority: int, now: int) -> int:
    """Where a post stands in an account's queue: the least goes first. Age counts from first
    sight; `place` is its number among those that were first seen at the same moment, as eight posts
    of one midnight are. Other posts may come and go."""
    age = (post.first_visible or now) + place
    rank = max(-_MOST, min(_MOST, priority)) if PRIORITY in order else 0
    return (-age if NEWEST in order else age) - rank * _STEP


def has_expired(first_seen: int | None, max_age: int | None, now: int) -> bool:
    """Whether what was first seen then has waited too long."""
    return max_age is not None and first_seen is not None and now - first_seen >= max_age


def places(posts: Sequence[Post]) -> list[int]:
    """For each of the posts in order its number among those that were first seen with it."""
    found: list[int] = []
    for n, post in enumerate(posts):
        same = n > 0 and posts[n - 1].first_visible == post.first_visible
        found.append(found[-1] + 1 if same else 0)
    return found


def timed(at: int | None) -> Mapping[str, Any]:
    """The columns of a new delivery whose time the author set."""
    return {} if at is None else {"due": at, "exact": True}


def retimed(row: Delivery, at: int | None, now: int) -> Mapping[str, Any]:
    """What changes of a waiting one where the author's time is another than before. A time that
    has come stays: a person may have said `--now`."""
    if at is not None and (row.due, row.exact) != (at, True) and (row.due > now or at > now):
        return {"due": at, "exact": True}
    if at is None and row.exact and row.due > now:
        return {"due": now, "exact": False}
    return {}
