"""The Bluesky poster before a real PDS: what the fake says is tried on the real thing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bot.errors import MediaRefused, OutcomeUnknown, Rejected, Transient, Unauthorized
from bot.model import Absent, Found, Identified
from bot.net import Net
from bot.posters import bluesky
from bot.settings import Account, Secret
from tests.fakes import pds
from tests.posters.contract import (
    TEXT,
    PosterContract,
    ReadContract,
    RetractContract,
    Rig,
    TestClock,
    draft,
)
from tests.posters.test_bluesky import picture

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(
        not pds.installed(), reason="the PDS is not installed: python -m tests.fakes.pds"
    ),
]
PASSWORD = Secret(env="P")
_names = (f"alice{number}" for number in count())


class RealClock(TestClock):
    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251


class PdsRig(Rig):
    def __init__(self, base: str, root: Path, **settings: Any) -> None:
        super().__init__()
        self.clock = RealClock()
        self.net = Net(10, self.clock)
        self.base, self.root = base, root
        self.handle = f"{next(_names)}.test"
        account = {"handle": self.handle, "email": f"{self.handle}@example.com"}
        self.password = "a long password"
        answer = self.call("server.createAccount", **account, password=self.password)
        self.did: str = answer["did"]
        self.account = Account(
            name="alice",
            network="bluesky",
            handle=self.handle,
            pds=base,
            app_password=PASSWORD,
            **settings,
        )
        self.poster = self.another()

    def another(self) -> bluesky.BlueskyPoster:
        return bluesky.make(self.account, lambda _: self.password, self.net, self.root)

    def call(self, name: str, **body: Any) -> Any:
        url = f"{self.base}/xrpc/com.atproto.{name}"
        return self.net.request("POST", url, json=body).json()

    def visible(self) -> list[Any]:
        params = {"repo": self.did, "collection": "app.bsky.feed.post"}
        url = f"{self.base}/xrpc/com.atproto.repo.listRecords"
        found: list[Any] = self.net.request("GET", url, params=params).json()["records"]
        return found

    def break_reading(self) -> None:
        self.poster = bluesky.make(
            replace(self.account, pds="http://127.0.0.1:9"),
            lambda _: self.password,
            self.net,
            self.root / "elsewhere",
        )


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with pds.running() as base:
        yield base


@pytest.fixture
def rig(base: str, tmp_path: Path) -> PdsRig:
    return PdsRig(base, tmp_path)


class TestContract(PosterContract, RetractContract, ReadContract):
    network = "bluesky"


def test_text_facets_and_card(rig: PdsRig, tmp_path: Path) -> None:
    receipt = rig.commit(rig.prepare(image=picture(tmp_path)))
    (record,) = rig.visible()
    assert (record["uri"], record["cid"]) == (receipt.id, receipt.extra["cid"])
    assert record["value"]["text"] == TEXT
    assert len(record["value"]["facets"]) == 2
    assert record["value"]["embed"]["external"]["thumb"]["mimeType"] == "image/png"


def test_pictures_with_alt_text(rig: PdsRig, tmp_path: Path) -> None:
    shown = replace(draft(image=picture(tmp_path)), options={"embed": "image"})
    rig.commit(rig.poster.prepare(shown, 0, (), True))
    (shown,) = rig.visible()[0]["value"]["embed"]["images"]
    assert shown["alt"] == "山の絵"
    assert shown["aspectRatio"] == {"width": 40, "height": 30}


def test_the_same_request_again_changes_nothing(rig: PdsRig) -> None:
    prepared = rig.prepare()
    assert rig.commit(prepared) == rig.commit(prepared)
    assert len(rig.visible()) == 1


def test_another_record_under_our_key_is_not_overwritten(rig: PdsRig) -> None:
    prepared = rig.prepare()
    rig.commit(prepared)
    other = dict(prepared.payload) | {"record": prepared.payload["record"] | {"text": "other"}}
    with pytest.raises(OutcomeUnknown):
        rig.poster.commit(other, "key-2", lambda: None)
    assert rig.visible()[0]["value"]["text"] == TEXT
    assert rig.poster.find(other, "key-2", rig.earlier, ()) == Absent()
    assert isinstance(rig.poster.find(prepared.payload, "key-1", rig.earlier, ()), Found)


def test_a_thread(rig: PdsRig) -> None:
    first = rig.commit(rig.prepare())
    one = draft("二つ目", link=None)
    prepared = rig.poster.prepare(replace(one, parts=one.parts * 2), 1, (first,), True)
    rig.commit(prepared, "key-2")
    reply = next(r["value"] for r in rig.visible() if r["value"]["text"] == "二つ目")["reply"]
    assert reply["root"]["uri"] == reply["parent"]["uri"] == first.id


def test_exactly_the_limits(rig: PdsRig) -> None:
    rig.commit(rig.prepare("字" * 300, link=None), "a")
    with pytest.raises(Rejected, match="300"):
        rig.commit(rig.prepare("字" * 301, link=None), "b")
    family = "👨\u200d👩\u200d👧\u200d👦"
    with pytest.raises(Rejected, match="3000"):
        rig.commit(rig.prepare(family * 121, link=None), "c")
    assert len(rig.visible()) == 1


def test_a_blob_that_is_not_there(rig: PdsRig, tmp_path: Path) -> None:
    prepared = rig.prepare(image=picture(tmp_path))
    text = str(dict(prepared.payload))
    assert "bafkrei" in text
    record = prepared.payload["record"]
    thumb = record["embed"]["external"]["thumb"]
    other = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
    gone = thumb | {"ref": {"$link": other}}
    external = record["embed"]["external"] | {"thumb": gone}
    payload = dict(prepared.payload) | {
        "record": record | {"embed": record["embed"] | {"external": external}}
    }
    with pytest.raises(MediaRefused):
        rig.poster.commit(payload, "key-1", lambda: None)
    assert rig.visible() == []


def test_a_session_serves_the_next_process(rig: PdsRig) -> None:
    rig.commit(rig.prepare())
    rig.password = "not needed"
    rig.poster = rig.another()
    rig.commit(rig.prepare(), "key-2")
    assert len(rig.visible()) == 2


def test_a_garbled_access_token_is_replaced(rig: PdsRig) -> None:
    prepared = rig.prepare()
    (file,) = (rig.root / "state" / "sessions").glob("*.json")
    text = file.read_text()
    access = rig.poster._sessions.current().access  # type: ignore[attr-defined]
    file.write_text(text.replace(access, access[:-6] + "AAAAAA"))
    with pytest.raises(Transient):
        rig.commit(prepared)
    assert rig.visible() == []
    rig.commit(rig.prepare())
    assert len(rig.visible()) == 1


def test_a_wrong_password(rig: PdsRig) -> None:
    rig.password = "wrong"
    with pytest.raises(Unauthorized, match="Invalid identifier or password"):
        rig.prepare()


def test_a_record_that_was_taken_back_can_be_made_anew(rig: PdsRig) -> None:
    prepared = rig.prepare()
    receipt = rig.commit(prepared)
    rig.commit(rig.retract(receipt), "key-2")
    assert rig.poster.find(prepared.payload, "key-1", rig.earlier, ()) == Absent()
    assert rig.commit(prepared).id == receipt.id


def test_when_its_login_ends(rig: PdsRig) -> None:
    assert isinstance(rig.poster, Identified)
    who = rig.poster.identity()
    assert (who.id, who.name) == (rig.did, f"@{rig.handle}")
    assert who.ends is not None
    assert 80 < (who.ends - rig.clock.now()).days <= 90
