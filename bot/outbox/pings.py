"""Which hubs are to be told of which feeds, decided without doing anything: a ping is a delivery of a
feed (its subject is the feed's address) to a hub. Pure. (https://www.w3.org/TR/websub/#publishing)

What was told is the feed's bytes, by their hash: the newest row of a feed and a hub says for which
bytes it is. A newer change takes the place of one that still waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from bot.model import Delivery, Draft, Part, State
from bot.outbox.drafts import draft_json
from bot.outbox.plan import delivery_id

PING = "ping"
NETWORK = "websub"
_MAY_CHANGE = frozenset({State.PLANNED, State.RETRY})


class Topic(NamedTuple):
    """A feed as it lies on the disk: its address, its file as a person writes it, its bytes' hash."""

    url: str
    path: str
    hash: str


class Pings(NamedTuple):
    new: list[Delivery]
    anew: list[tuple[Delivery, Mapping[str, Any]]]


def pings(
    topics: Iterable[Topic], hubs: Sequence[str], newest: Iterable[Delivery], site: str, now: int
) -> Pings:
    """`newest`: of each feed and hub the row of the highest generation. Planning twice adds nothing."""
    known = {(row.subject, row.account): row for row in newest}
    made = Pings([], [])
    for topic in topics:
        for hub in hubs:
            last = known.get((topic.url, hub))
            if last is not None and told_of_bytes(last) == topic.hash:
                continue
            if last is not None and last.state in _MAY_CHANGE:
                values = {"draft": _draft(topic, hub), "planned_at": now}
                made.anew.append((last, values))
            else:
                generation = last.generation + 1 if last else 0
                made.new.append(_row(topic, hub, generation, site, now))
    return made


def told_of_bytes(row: Delivery) -> str:
    options: Mapping[str, Any] = (row.draft or {}).get("options") or {}
    return str(options.get("hash", ""))


def _row(topic: Topic, hub: str, generation: int, site: str, now: int) -> Delivery:
    return Delivery(
        id=delivery_id(site, topic.url, hub, PING, generation, 0),
        subject=topic.url,
        account=hub,
        network=NETWORK,
        kind=PING,
        generation=generation,
        part=0,
        state=State.PLANNED,
        due=now,
        path=topic.path,
        url=topic.url,
        draft=_draft(topic, hub),
        planned_at=now,
        created_at=now,
        updated_at=now,
    )


def _draft(topic: Topic, hub: str) -> dict[str, Any]:
    return draft_json(
        Draft(
            account=hub,
            network=NETWORK,
            post="",
            url=topic.url,
            title="",
            description="",
            parts=(Part(text=topic.url, measures=()),),
            link=None,
            hashtags=(),
            images=(),
            language="",
            options={"hash": topic.hash},
        )
    )
