"""WebSub: a hub is told that a feed has changed, and fetches it. (https://www.w3.org/TR/websub/)

The specification leaves to hubs how they are told; all take what PubSubHubbub 0.4 says: a form with
hub.mode=publish and the feed's address, as hub.url; newer ones read hub.topic.
(https://pubsubhubbub.github.io/PubSubHubbub/pubsubhubbub-core-0.4.html#publishing) Telling twice does
no harm, so whatever went wrong, it is told again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import TYPE_CHECKING

from bot.errors import OutcomeUnknown, RateLimited, Transient
from bot.i18n import msg
from bot.model import Absent, Draft, Finding, Json, Prepared, Receipt, Replay
from bot.posters.base import FOREVER, LONGEST_WAIT, reset_time, spoken

if TYPE_CHECKING:
    from bot.net import Answer, Net


class WebSubPoster:
    network = "websub"
    settling: float | None = 0.0  # a ping that comes late is a ping

    def __init__(self, hub: str, net: Net) -> None:
        self._hub, self._net = hub, net

    def prepare(
        self, draft: Draft, part: int, parents: tuple[Receipt, ...], with_images: bool
    ) -> Prepared:
        payload = {"hub": self._hub, "topic": draft.url}
        return Prepared(payload=payload, replay=Replay.KEYED, key_seconds=FOREVER)

    def commit(self, payload: Json, key: str, guard: Callable[[], None]) -> Receipt:
        topic = str(payload["topic"])
        form = {"hub.mode": "publish", "hub.url": topic, "hub.topic": topic}
        try:
            answer = self._net.request("POST", str(payload["hub"]), form=form, guard=guard)
        except OutcomeUnknown as error:
            raise Transient(error.message) from error
        if 200 <= answer.status < 300:
            return Receipt(id=topic, url=None, at=self._net.clock.now())
        raise self._refused(answer)

    def _refused(self, answer: Answer) -> Transient | RateLimited:
        said = msg("the hub answers {said}", said=spoken(answer))
        if answer.status in (429, 503):
            now = self._net.clock.now()
            until = reset_time(answer.headers, now)
            return RateLimited(said, until=until and min(until, now + LONGEST_WAIT))
        return Transient(said)

    def find(self, payload: Json, key: str, since: datetime, known: Collection[str]) -> Finding:
        """Nothing tells whether a hub was told: it is told again."""
        return Absent()

    def close(self) -> None:
        pass
