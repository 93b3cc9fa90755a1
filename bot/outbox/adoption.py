"""What an account showed before this process shared anything: it is not repeated. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from urllib.parse import unquote, urlsplit

from bot.model import Delivery, Seen
from bot.outbox.changes import SHARE


class OutThere:
    """The first reading of each account, by link; kept for what is planned or approved later."""

    def __init__(self) -> None:
        self._links: dict[str, dict[str, Seen]] = {}

    def knows(self, account: str) -> bool:
        return account in self._links

    def keep(self, account: str, seen: Sequence[Seen], known: Collection[str]) -> None:
        """`seen`: newest first. Those whose ids are in `known` are other deliveries' own."""
        others = [post for post in reversed(seen) if post.id not in known]
        self._links[account] = {canonical_link(link): p for p in others for link in p.links}

    def find(self, row: Delivery) -> Seen | None:
        """What was there already of this first share."""
        if row.kind != SHARE or row.generation or row.part:
            return None
        return self._links.get(row.account, {}).get(_link(row))

    def forget(self, row: Delivery) -> None:
        self._links[row.account].pop(_link(row), None)


def canonical_link(link: str) -> str:
    """Two spellings of one address are one: scheme, case of the host, a last slash, tracking."""
    parts = urlsplit(link)
    query = "&".join(q for q in parts.query.split("&") if q and not q.startswith("utm_"))
    path = unquote(parts.path).rstrip("/")
    return f"{(parts.hostname or '').removeprefix('www.')}{path}" + (f"?{query}" if query else "")


def _link(row: Delivery) -> str:
    return canonical_link((row.draft or {}).get("link") or row.url)
