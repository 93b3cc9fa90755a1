"""What every poster must do. A network's test file inherits `PosterContract` (or, where it speaks
HTTP, `HttpContract`) and gives a rig: its poster before a fake that keeps the visible posts."""

from __future__ import annotations

import json
import logging
import socket
import struct
import zlib
from abc import ABC, abstractmethod
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from threading import Event
from typing import Any, ClassVar

import pytest

from bot.errors import (
    LostLease,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
)
from bot.i18n import msg
from bot.model import (
    Absent,
    Changeable,
    Draft,
    Found,
    Identified,
    Image,
    Measure,
    Part,
    Poster,
    Prepared,
    Readable,
    Receipt,
    Replay,
)
from bot.net import Net
from bot.posters.match import same_link
from bot.posters.registry import NETWORKS
from bot.settings import Secret
from tests.fakes.http import FakeServer

CANARY = "canary-5f2c-secret"
LINK = "https://blog.example/posts/%E6%97%A5%E8%A8%98/?a=1&b=2"
TEXT = f"題名 & <b>title</b>\n・一つ目\n・second *point*\n{LINK}\n#日記"
NOON = datetime(2026, 3, 4, 12, 0, 0, 123456, tzinfo=UTC)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


PICTURE = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\0\x80"))
    + _chunk(b"IEND", b"")
)
"""A grey point."""


class TestClock:
    """Time that passes only when told to, or when something waits for it."""

    __test__ = False

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.passed)

    def steady(self) -> float:
        return self.passed

    def wait(self, event: Event, seconds: float) -> bool:
        self.passed += seconds
        return event.is_set()


class Resolver:
    """Looks names up, remembers which, and can be made to fail."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.broken = False

    def __call__(self, host: str, port: int) -> list[Any]:
        self.asked.add(host)
        if self.broken:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def draft(text: str = TEXT, *, link: str | None = LINK, image: Image | None = None) -> Draft:
    return Draft(
        account="alice",
        network="any",
        post="posts/diary.md",
        url=LINK,
        title="題名 & <b>title</b>",
        description="",
        parts=(Part(text=text, measures=(Measure(length=0, limit=None, unit="bytes"),)),),
        link=link,
        hashtags=("日記",),
        images=(image,) if image else (),
        language="ja",
    )


def picture(folder: Path) -> Image:
    file = folder / "cover.png"
    file.write_bytes(PICTURE)
    return Image(alt="山の絵", file=str(file), shown="static/cover.png", mime="image/png")


class Rig(ABC):
    """A poster and what stands behind it."""

    def __init__(self) -> None:
        self.clock = TestClock()
        self.poster: Poster

    @abstractmethod
    def visible(self) -> list[Any]:
        """The posts that people see."""

    @abstractmethod
    def break_reading(self) -> None:
        """From now on the account cannot be read back."""

    def read_secret(self, secret: Secret) -> str | None:
        return f"{CANARY}\n"

    def prepare(self, text: str = TEXT, **more: Any) -> Prepared:
        return self.poster.prepare(draft(text, **more), 0, (), True)

    def commit(self, prepared: Prepared, key: str = "key-1") -> Receipt:
        return self.poster.commit(prepared.payload, key, lambda: None)

    def retract(self, receipt: Receipt) -> Prepared:
        assert isinstance(self.poster, Changeable)
        assert "retract" in self.poster.kinds
        return self.poster.prepare_retract(receipt)

    @property
    def earlier(self) -> datetime:
        return self.clock.now() - timedelta(minutes=10)


class PosterContract:
    network: ClassVar[str]

    def test_is_registered(self, rig: Rig) -> None:
        assert rig.poster.network == self.network
        assert self.network in NETWORKS

    def test_preparing_shows_nothing_and_its_payload_is_json(self, rig: Rig) -> None:
        prepared = rig.prepare()
        assert rig.visible() == []
        assert json.loads(json.dumps(dict(prepared.payload))) == prepared.payload

    def test_a_commit_is_one_post(self, rig: Rig) -> None:
        receipt = rig.commit(rig.prepare())
        assert len(rig.visible()) == 1
        assert receipt.id
        assert receipt.at.utcoffset() is not None

    def test_the_guard_is_asked_once_and_last(self, rig: Rig) -> None:
        prepared, seen = rig.prepare(), []
        rig.poster.commit(prepared.payload, "key-1", lambda: seen.append(len(rig.visible())))
        assert seen == [0]

    def test_a_lost_lease_posts_nothing(self, rig: Rig) -> None:
        def lost() -> None:
            raise LostLease(msg("lost"))

        with pytest.raises(LostLease):
            rig.poster.commit(rig.prepare().payload, "key-1", lost)
        assert rig.visible() == []

    def test_what_is_there_is_found(self, rig: Rig) -> None:
        prepared = rig.prepare()
        receipt = rig.commit(prepared)
        finding = rig.poster.find(prepared.payload, "key-1", rig.earlier, ())
        assert isinstance(finding, Found)
        assert finding.receipt.id == receipt.id
        assert finding.receipt.url == receipt.url

    def test_what_is_not_there_is_absent(self, rig: Rig) -> None:
        rig.commit(rig.prepare("別の記事", link=None), "key-0")
        assert rig.poster.find(rig.prepare().payload, "key-1", rig.earlier, ()) == Absent()

    def test_receipts_of_other_deliveries_are_left_out(self, rig: Rig) -> None:
        prepared = rig.prepare()
        receipt = rig.commit(prepared)
        finding = rig.poster.find(prepared.payload, "key-1", rig.earlier, {receipt.id})
        assert finding == Absent()

    def test_an_account_that_cannot_be_read_is_not_taken_for_empty(self, rig: Rig) -> None:
        prepared = rig.prepare()
        rig.commit(prepared)
        rig.break_reading()
        with pytest.raises(NotSent):
            rig.poster.find(prepared.payload, "key-1", rig.earlier, ())

    def test_hostile_text_survives(self, rig: Rig) -> None:
        prepared = rig.prepare("</p>\" \\ ' %s {x} \u202e 👨\u200d👩\u200d👧 &lt;&amp;", link=None)
        receipt = rig.commit(prepared)
        finding = rig.poster.find(prepared.payload, "key-1", rig.earlier, ())
        assert isinstance(finding, Found)
        assert finding.receipt.id == receipt.id

    def test_no_secret_is_told(self, rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        prepared = rig.prepare()
        receipt = rig.commit(prepared)
        finding = rig.poster.find(prepared.payload, "key-1", rig.earlier, ())
        told = [caplog.text, repr(rig.poster), repr(vars(rig.poster)), prepared, receipt, finding]
        assert CANARY not in repr(told)

    def test_closing_twice_is_fine(self, rig: Rig) -> None:
        rig.poster.close()
        rig.poster.close()


class HttpRig(Rig):
    """A rig with a fake server. `net` is what the poster is to call with."""

    def __init__(self, server: FakeServer) -> None:
        super().__init__()
        self.server = server
        self.resolver = Resolver()
        self.net = Net(10, self.clock, resolve=self.resolver)

    def break_reading(self) -> None:
        self.server.stop()

    def visible_calls(self) -> list[Any]:
        return [call for call in self.server.calls if self.server.is_visible(call)]

    def fail(self, fault: str) -> None:
        self.server.script.append(fault)

    def lose(self, prepared: Prepared, fault: str) -> None:
        """A commit whose answer does not come; patience is short where it is not to come at all."""
        self.fail(fault)
        self.net.timeout = 0.15 if fault.startswith("hang") else 10
        with pytest.raises(OutcomeUnknown):
            self.commit(prepared)
        self.net.timeout = 10


class HttpContract(PosterContract):
    own_reset: ClassVar[str]
    """The header in which this network names the time when its limit ends."""

    def own_reset_value(self, when: datetime) -> str:
        raise NotImplementedError

    def test_one_call_on_a_connection_of_its_own(self, rig: HttpRig) -> None:
        rig.commit(rig.prepare())
        assert len(rig.visible_calls()) == 1
        peers = [call.peer for call in rig.server.calls]
        assert len(set(peers)) == len(peers)

    def test_the_same_key_twice(self, rig: HttpRig) -> None:
        """Keyed: the same post. Searchable: only looking prevents the second, and it does."""
        prepared = rig.prepare()
        receipt = rig.commit(prepared)
        if prepared.replay is Replay.KEYED:
            rig.clock.passed += prepared.key_seconds - 1
            assert rig.commit(prepared).id == receipt.id
            assert len(rig.visible()) == 1
        else:
            finding = rig.poster.find(prepared.payload, "key-1", rig.earlier, ())
            assert isinstance(finding, Found)

    def test_a_server_that_is_away(self, rig: HttpRig) -> None:
        prepared = rig.prepare()
        rig.server.stop()
        with pytest.raises(Transient):
            rig.commit(prepared)

    def test_a_name_that_is_not_known(self, rig: HttpRig) -> None:
        prepared = rig.prepare()
        rig.resolver.broken = True
        with pytest.raises(Transient):
            rig.commit(prepared)
        assert rig.visible() == []

    def test_only_the_configured_host_is_called(self, rig: HttpRig) -> None:
        prepared = rig.prepare()
        rig.commit(prepared)
        rig.poster.find(prepared.payload, "key-1", rig.earlier, ())
        assert rig.resolver.asked == {"127.0.0.1"}

    @pytest.mark.parametrize("fault", ["drop_before", "502_before", "hang_before", "302"])
    def test_lost_before(self, rig: HttpRig, fault: str) -> None:
        prepared = rig.prepare()
        rig.lose(prepared, fault)
        assert rig.visible() == []
        assert len(rig.visible_calls()) == 1
        assert rig.poster.find(prepared.payload, "key-1", rig.earlier, ()) == Absent()

    @pytest.mark.parametrize("fault", ["drop_after", "502_after", "hang_after", "garbage_after"])
    def test_lost_after(self, rig: HttpRig, fault: str) -> None:
        prepared = rig.prepare()
        rig.lose(prepared, fault)
        assert len(rig.visible()) == 1
        finding = rig.poster.find(prepared.payload, "key-1", rig.earlier, ())
        assert isinstance(finding, Found)

    def test_too_many_calls(self, rig: HttpRig) -> None:
        """Retry-After as seconds and as a date, the network's own header, and none."""
        at = rig.clock.now().replace(microsecond=0) + timedelta(seconds=90)
        prepared = rig.prepare()
        for headers, until in (
            ({"Retry-After": "90"}, rig.clock.now() + timedelta(seconds=90)),
            ({"Retry-After": format_datetime(at, usegmt=True)}, at),
            ({self.own_reset: self.own_reset_value(at)}, at),
            ({}, None),
        ):
            rig.server.retry_headers = headers
            rig.fail("429")
            with pytest.raises(RateLimited) as caught:
                rig.commit(prepared)
            assert caught.value.until == until
        assert rig.visible() == []

    @pytest.mark.parametrize(("fault", "verdict"), [("401", Unauthorized), ("422", Rejected)])
    def test_refused(self, rig: HttpRig, fault: str, verdict: type[NotSent]) -> None:
        prepared = rig.prepare()
        rig.fail(fault)
        with pytest.raises(verdict) as caught:
            rig.commit(prepared)
        assert rig.visible() == []
        assert CANARY not in f"{caught.value} {caught.value.hint} {caught.value!r}"

    def test_exactly_the_limit_and_one_more(self, rig: HttpRig) -> None:
        limit = NETWORKS[self.network].limit.maximum
        assert limit is not None
        rig.commit(rig.prepare("a" * limit, link=None))
        with pytest.raises(Rejected):
            rig.commit(rig.prepare("b" * (limit + 1), link=None), "key-2")
        assert len(rig.visible()) == 1

    def test_an_image_that_is_gone_never_loses_the_post(self, rig: HttpRig, tmp_path: Path) -> None:
        gone = Image(alt="", file=str(tmp_path / "gone.png"), shown="gone.png", mime="image/png")
        prepared = rig.prepare(image=gone)
        assert [str(note) for note in prepared.notes]
        rig.commit(prepared)
        assert len(rig.visible()) == 1

    def test_an_upload_that_fails_posts_nothing(self, rig: HttpRig, tmp_path: Path) -> None:
        rig.server.stop()
        with pytest.raises(Transient):
            rig.prepare(image=picture(tmp_path))
        assert rig.visible() == []

    def test_an_echoed_secret_is_not_repeated(self, rig: HttpRig) -> None:
        prepared = rig.prepare()
        rig.server.echo = True
        rig.fail("422")
        with pytest.raises(Rejected) as caught:
            rig.commit(prepared)
        assert "you sent" in str(caught.value)
        assert CANARY not in str(caught.value)


class RetractContract:
    """For the networks that let a post be taken back."""

    def test_a_retract_takes_that_post_away(self, rig: Rig) -> None:
        receipt = rig.commit(rig.prepare())
        rig.commit(rig.prepare("別の記事", link=None), "key-2")
        prepared = rig.retract(receipt)
        assert json.loads(json.dumps(dict(prepared.payload))) == prepared.payload
        assert len(rig.visible()) == 2
        assert rig.poster.find(prepared.payload, "key-3", rig.earlier, ()) == Absent()
        gone = rig.commit(prepared, "key-3")
        assert (gone.id, gone.url) == (receipt.id, receipt.url)
        assert len(rig.visible()) == 1
        assert isinstance(rig.poster.find(prepared.payload, "key-3", rig.earlier, ()), Found)

    def test_a_retract_again_changes_nothing(self, rig: Rig) -> None:
        prepared = rig.retract(rig.commit(rig.prepare()))
        assert prepared.replay is Replay.KEYED
        assert rig.commit(prepared, "key-2").id == rig.commit(prepared, "key-2").id
        assert rig.visible() == []

    def test_a_post_that_a_person_named_by_its_address(self, rig: Rig) -> None:
        receipt = rig.commit(rig.prepare())
        assert receipt.url
        rig.commit(rig.retract(replace(receipt, id=receipt.url, extra={})), "key-2")
        assert rig.visible() == []

    def test_a_lost_lease_takes_nothing_back(self, rig: Rig) -> None:
        def lost() -> None:
            raise LostLease(msg("lost"))

        prepared = rig.retract(rig.commit(rig.prepare()))
        with pytest.raises(LostLease):
            rig.poster.commit(prepared.payload, "key-2", lost)
        assert len(rig.visible()) == 1


class HttpRetractContract(RetractContract):
    def test_one_call_takes_it_back(self, rig: HttpRig) -> None:
        prepared = rig.retract(rig.commit(rig.prepare()))
        before = len(rig.visible_calls())
        rig.commit(prepared, "key-2")
        assert len(rig.visible_calls()) == before + 1

    @pytest.mark.parametrize("fault", ["drop_before", "502_before", "hang_before", "302"])
    def test_a_retract_lost_before(self, rig: HttpRig, fault: str) -> None:
        prepared = rig.retract(rig.commit(rig.prepare()))
        rig.lose(prepared, fault)
        assert len(rig.visible()) == 1
        assert rig.poster.find(prepared.payload, "key-1", rig.earlier, ()) == Absent()

    @pytest.mark.parametrize("fault", ["drop_after", "502_after", "hang_after"])
    def test_a_retract_lost_after(self, rig: HttpRig, fault: str) -> None:
        prepared = rig.retract(rig.commit(rig.prepare()))
        rig.lose(prepared, fault)
        assert rig.visible() == []
        assert isinstance(rig.poster.find(prepared.payload, "key-1", rig.earlier, ()), Found)

    @pytest.mark.parametrize(("fault", "verdict"), [("401", Unauthorized), ("429", RateLimited)])
    def test_a_retract_that_is_refused(
        self, rig: HttpRig, fault: str, verdict: type[NotSent]
    ) -> None:
        prepared = rig.retract(rig.commit(rig.prepare()))
        rig.fail(fault)
        with pytest.raises(verdict):
            rig.commit(prepared, "key-2")
        assert len(rig.visible()) == 1

    def test_reading_that_fails_does_not_mean_gone(self, rig: HttpRig) -> None:
        prepared = rig.retract(rig.commit(rig.prepare()))
        rig.break_reading()
        with pytest.raises(NotSent):
            rig.poster.find(prepared.payload, "key-1", rig.earlier, ())


class ReadContract:
    """For the networks whose accounts can be listed."""

    def test_what_is_there_is_listed_the_newest_first(self, rig: Rig) -> None:
        first = rig.commit(rig.prepare())
        rig.clock.passed += 60
        second = rig.commit(rig.prepare("別の記事", link=None), "key-2")
        assert isinstance(rig.poster, Readable)
        posts = list(rig.poster.recent(20))
        assert [post.id for post in posts] == [second.id, first.id]
        assert posts[1].url == first.url
        assert any(same_link(link, LINK) for link in posts[1].links)

    def test_whose_account_it_is(self, rig: Rig) -> None:
        assert isinstance(rig.poster, Identified)
        one, again = rig.poster.identity(), rig.poster.identity()
        assert one.id
        assert one.name.startswith("@")
        assert again.id == one.id
        assert one.limit.maximum
        assert rig.visible() == []

    def test_who_it_is_is_asked_once(self, rig: Rig) -> None:
        """The outbox asks before it reads what is there; at X each answer costs."""
        if not isinstance(rig, HttpRig):
            return
        assert isinstance(rig.poster, Identified)
        assert isinstance(rig.poster, Readable)
        rig.poster.identity()
        before = len(rig.server.calls)
        rig.poster.recent(5)
        assert len(rig.server.calls) == before + 1

    def test_an_account_that_cannot_be_asked(self, rig: Rig) -> None:
        rig.break_reading()
        assert isinstance(rig.poster, Identified)
        assert isinstance(rig.poster, Readable)
        with pytest.raises(NotSent):
            rig.poster.identity()
        with pytest.raises(NotSent):
            rig.poster.recent(5)
