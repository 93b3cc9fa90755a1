"""Posts that may be old ones: whether there is anything to ask about, the deliveries tell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bot.app.wiring import Site
from bot.content.identity import DOUBT
from bot.model import WAITING, Delivery, State

_NEVER_OUT = WAITING | {State.CANCELLED}


def settled(site: Site, rows: Iterable[Delivery]) -> Site:
    """The site without doubts about articles that were never shared: nothing can be sent twice."""
    if not site.doubtful:
        return site
    shared = {row.subject for row in rows if row.state not in _NEVER_OUT}
    doubtful = {id: old for id, old in site.doubtful.items() if old in shared}
    clear = {post.path for post in site.posts if post.id in site.doubtful.keys() - doubtful.keys()}
    problems = (p for p in site.problems if not (p.code == DOUBT and p.path in clear))
    return replace(site, doubtful=doubtful, problems=tuple(problems))
