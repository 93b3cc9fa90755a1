"""The Mastodon poster before a real snac2: what the fake says is tried on the real thing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bot.errors import Rejected, Unauthorized
from bot.model import Absent, CannotTell, Changeable, Found, Learning, Replay, TextLimit
from bot.net import Net
from bot.posters.registry import NETWORKS
from bot.settings import Account, Secret
from tests.posters import snac
from tests.posters.contract import (
    LINK,
    PosterContract,
    ReadContract,
    Rig,
    TestClock,
    draft,
    picture,
)

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not snac.installed(), reason="snac2 is not installed (Debian: snac2)"),
]
TOKEN = Secret(env="T")
_names = (f"alice{number}" for number in count())


class RealClock(TestClock):
    """The time of the machine, which is the server's too."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251


class SnacRig(Rig):
    def __init__(self, server: snac.Snac, **settings: Any) -> None:
        super().__init__()
        self.clock = RealClock()
        self.net = Net(10, self.clock)
        self.token: str = server.add_user(next(_names), self.net)
        account = Account(
            name="alice", network="mastodon", instance=server.base, token=TOKEN, **settings
        )
        self.base = server.base
        self.poster = NETWORKS["mastodon"].make(account, lambda _: self.token, self.net, Path())

    def get(self, path: str) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.net.request("GET", self.base + path, headers=headers).json()

    def visible(self) -> list[Any]:
        me = self.get("/api/v1/accounts/verify_credentials")["id"]
        found: list[Any] = self.get(f"/api/v1/accounts/{me}/statuses?limit=40")
        return found

    def break_reading(self) -> None:
        self.token = "wrong"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[snac.Snac]:
    folder = tmp_path_factory.mktemp("snac") / "data"
    with snac.running(folder, Net(10, TestClock())) as server:
        yield server


@pytest.fixture
def rig(server: snac.Snac) -> SnacRig:
    return SnacRig(server)


class TestContract(PosterContract, ReadContract):
    network = "mastodon"


def test_it_is_read_back_not_trusted_to_keep_keys(rig: SnacRig) -> None:
    prepared = rig.prepare()
    assert prepared.replay is Replay.SEARCHABLE
    rig.commit(prepared)
    rig.commit(prepared)
    assert len(rig.visible()) == 2


def test_text_link_image_and_description(rig: SnacRig, tmp_path: Path) -> None:
    receipt = rig.commit(rig.prepare(image=picture(tmp_path)))
    (post,) = rig.visible()
    assert (post["id"], post["url"]) == (receipt.id, receipt.url)
    assert "題名" in post["content"]
    (media,) = post["media_attachments"]
    assert media["description"] == "山の絵"


def test_a_thread(rig: SnacRig) -> None:
    first = rig.commit(rig.prepare())
    prepared = rig.poster.prepare(draft("二つ目の投稿", link=None), 0, (first,), True)
    receipt = rig.commit(prepared, "key-2")
    finding = rig.poster.find(prepared.payload, "key-2", rig.earlier, ())
    assert isinstance(finding, Found)
    assert finding.receipt.id == receipt.id
    status = rig.get(f"/api/v1/statuses/{receipt.id}")
    assert status["in_reply_to_id"] == first.id


def test_more_posts_than_a_page(rig: SnacRig) -> None:
    """It has no pages: what is there is found, what is not cannot be told."""
    prepared = rig.prepare()
    receipt = rig.commit(prepared)
    for number in range(45):
        rig.commit(rig.prepare(f"後の投稿 {number}", link=None), f"later-{number}")
    finding = rig.poster.find(prepared.payload, "key-1", rig.earlier, ())
    assert isinstance(finding, Found)
    assert finding.receipt.id == receipt.id
    absent = rig.prepare(LINK + "other", link=LINK + "other")
    assert rig.poster.find(absent.payload, "key-9", rig.earlier, ()) == CannotTell()


def test_a_wrong_token(rig: SnacRig) -> None:
    prepared = rig.prepare()
    rig.token = "wrong"
    with pytest.raises(Unauthorized):
        rig.commit(prepared)
    with pytest.raises(Unauthorized):
        rig.poster.find(prepared.payload, "key-1", rig.earlier, ())


def test_private_posts_cannot_be_told(server: snac.Snac) -> None:
    rig = SnacRig(server, visibility="private")
    prepared = rig.prepare()
    rig.commit(prepared)
    assert rig.poster.find(prepared.payload, "key-1", rig.earlier, ()) == CannotTell()


def test_nothing_before_the_attempt(rig: SnacRig) -> None:
    prepared = rig.prepare()
    rig.commit(prepared)
    later = rig.clock.now() + timedelta(minutes=1)
    assert rig.poster.find(prepared.payload, "key-1", later, ()) == Absent()


def test_an_edit_answers_the_id_of_now(rig: SnacRig, tmp_path: Path) -> None:
    """Its ids begin with the time, so that of a later edit is another one."""
    image = picture(tmp_path)
    receipt = rig.commit(rig.prepare(image=image))
    assert isinstance(rig.poster, Changeable)
    better = draft(f"直した題名\n{LINK}", image=image)
    prepared = rig.poster.prepare_edit(better, 0, (), receipt, True)
    assert rig.poster.find(prepared.payload, "key-2", rig.earlier, ()) == Absent()
    edited = rig.commit(prepared, "key-2")
    (post,) = rig.visible()
    assert "直した題名" in post["content"]
    assert post["id"] == edited.id
    assert len(post["media_attachments"]) == 1
    assert isinstance(rig.poster.find(prepared.payload, "key-2", rig.earlier, ()), Found)
    again = rig.poster.prepare_edit(draft("また直した"), 0, (), edited, True)
    rig.commit(again, "key-3")
    assert "また直した" in rig.visible()[0]["content"]


def test_it_does_not_delete(rig: SnacRig) -> None:
    prepared = rig.retract(rig.commit(rig.prepare()))
    with pytest.raises(Rejected, match="does not delete"):
        rig.commit(prepared, "key-2")
    assert len(rig.visible()) == 1
    assert rig.poster.find(prepared.payload, "key-2", rig.earlier, ()) == Absent()


def test_how_it_counts_is_learnt(rig: SnacRig) -> None:
    assert isinstance(rig.poster, Learning)
    rig.prepare()
    assert rig.poster.learnt() == TextLimit(unit="code-points", maximum=100000)
