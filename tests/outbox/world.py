"""A clock that is a value, and one network that keeps the list of visible posts and injects faults."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.errors import OutcomeUnknown, PosterError
from bot.i18n import msg
from bot.model import Absent, Draft, Finding, Found, Json, Measure, Part, Prepared, Receipt, Replay

START = datetime(2026, 2, 10, 9, 0, tzinfo=UTC)


class FakeClock:
    """Stands still until somebody waits or it is told to go on."""

    def __init__(self, at: datetime = START) -> None:
        self._at, self._steady, self._lock = at, 1000.0, threading.Lock()

    def now(self) -> datetime:
        return self._at

    def steady(self) -> float:
        return self._steady

    def go(self, seconds: float) -> None:
        with self._lock:
            self._at += timedelta(seconds=seconds)
            self._steady += seconds

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.go(max(seconds, 0.001))
        return event.is_set()


@dataclass
class Network:
    """What is visible, and what goes wrong next: `faults` are taken one a call.

    Each fault is None (accept), "before" (answer lost, nothing there), "after" (answer lost, it is
    there) or an error to raise.
    """

    clock: FakeClock
    honours_keys: bool = True
    visible: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str | PosterError | None] = field(default_factory=list)
    look_faults: list[PosterError | None] = field(default_factory=list)
    prepare_faults: list[PosterError | None] = field(default_factory=list)
    calls: int = 0
    on_call: Callable[[], None] = lambda: None

    def texts(self) -> list[str]:
        return [post["text"] for post in self.visible]

    def post(self, payload: Json, key: str) -> Receipt:
        self.calls += 1
        self.on_call()
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, PosterError):
            raise fault
        if fault == "before":
            raise OutcomeUnknown(msg("the connection was lost"))
        receipt = self._accept(payload, key)
        if fault == "after":
            raise OutcomeUnknown(msg("the connection was lost"))
        return receipt

    def change(self, payload: Json) -> Receipt:
        """Edits in place (text) or takes away (None); both may be repeated."""
        self.calls += 1
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, PosterError):
            raise fault
        if fault != "before":
            there = next((p for p in self.visible if p["id"] == payload["change"]), None)
            if there and payload["text"] is None:
                self.visible.remove(there)
            elif there:
                there["text"] = payload["text"]
        if fault is not None:
            raise OutcomeUnknown(msg("the connection was lost"))
        return Receipt(
            id=payload["change"],
            url=f"https://net.example/{payload['change']}",
            at=self.clock.now(),
        )

    def _accept(self, payload: Json, key: str) -> Receipt:
        known = (
            next((p for p in self.visible if p["key"] == key), None) if self.honours_keys else None
        )
        if known is None:
            known = {
                "key": key,
                "text": payload["text"],
                "id": str(len(self.visible) + 1),
                "at": self.clock.now(),
            }
            self.visible.append(known)
        return Receipt(id=known["id"], url=f"https://net.example/{known['id']}", at=known["at"])


class FakePoster:
    """A poster of one replay class on the fake network."""

    network = "fake"
    kinds = frozenset({"edit", "retract"})
    settling: float | None = None

    def __init__(self, net: Network, replay: Replay) -> None:
        self.net, self.replay = net, replay

    def prepare(
        self, draft: Draft, part: int, parents: tuple[Receipt, ...], with_images: bool
    ) -> Prepared:
        fault = self.net.prepare_faults.pop(0) if self.net.prepare_faults else None
        if fault is not None:
            raise fault
        payload = {
            "text": draft.parts[part].text,
            "reply": parents[-1].id if parents else None,
            "images": with_images,
        }
        return Prepared(payload=payload, replay=self.replay, key_seconds=3600)

    def commit(self, payload: Json, key: str, guard: Callable[[], None]) -> Receipt:
        guard()
        return self.net.post(payload, key) if "change" not in payload else self.net.change(payload)

    def prepare_edit(
        self,
        draft: Draft,
        part: int,
        parents: tuple[Receipt, ...],
        receipt: Receipt,
        with_images: bool,
    ) -> Prepared:
        payload = {"change": receipt.id, "text": draft.parts[part].text}
        return Prepared(payload=payload, replay=self.replay, key_seconds=3600)

    def prepare_retract(self, receipt: Receipt) -> Prepared:
        return Prepared(
            payload={"change": receipt.id, "text": None}, replay=self.replay, key_seconds=3600
        )

    def find(self, payload: Json, key: str, since: datetime, known: Collection[str]) -> Finding:
        fault = self.net.look_faults.pop(0) if self.net.look_faults else None
        if fault is not None:
            raise fault
        if "change" in payload:
            return self._find_change(payload)
        for post in self.net.visible:
            if post["text"] == payload["text"] and post["at"] >= since and post["id"] not in known:
                return Found(
                    receipt=Receipt(
                        id=post["id"], url=f"https://net.example/{post['id']}", at=post["at"]
                    )
                )
        return Absent()

    def _find_change(self, payload: Json) -> Finding:
        there = next((p for p in self.net.visible if p["id"] == payload["change"]), None)
        if (there["text"] if there else None) != payload["text"]:
            return Absent()
        return Found(receipt=Receipt(id=payload["change"], url=None, at=self.net.clock.now()))

    def close(self) -> None: ...


def a_draft(text: str = "本文", account: str = "a", parts: int = 1) -> Draft:
    made = tuple(
        Part(
            text=text if n == 0 else f"{text} ({n + 1})",
            measures=(Measure(length=len(text), limit=500, unit="graphemes"),),
        )
        for n in range(parts)
    )
    return Draft(
        account=account,
        network="fake",
        post="content/posts/a.md",
        url="https://blog.example/posts/a/",
        title=text,
        description="",
        parts=made,
        link=None,
        hashtags=(),
        images=(),
        language="ja",
    )


def counter(start: int = 0) -> Iterator[int]:
    n = start
    while True:
        yield n
        n += 1
