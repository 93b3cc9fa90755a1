"""Misskey: the contract suite before a fake server, and what is its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.errors import (
    MediaRefused,
    OutcomeUnknown,
    PosterError,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
)
from bot.model import Absent, CannotTell, Found
from bot.net import Answer
from bot.posters import misskey
from bot.posters.base import verdict
from bot.settings import Account, Secret
from tests.fakes.http import Reply
from tests.fakes.misskey_server import MisskeyServer
from tests.posters.contract import (
    CANARY,
    LINK,
    NOON,
    TEXT,
    HttpContract,
    HttpRetractContract,
    HttpRig,
    ReadContract,
    draft,
)
from tests.posters.test_bluesky import picture

TOKEN = Secret(env="MISSKEY_TOKEN")


class MisskeyRig(HttpRig):
    server: MisskeyServer

    def __init__(self, root: Path, **settings: Any) -> None:
        super().__init__(MisskeyServer(CANARY, lambda: self.clock.now()))
        self.server.start()
        base = self.server.base
        account = Account(name="a", network="misskey", instance=base, token=TOKEN, **settings)
        self.poster = misskey.make(account, self.read_secret, self.net, root)

    def visible(self) -> list[Any]:
        return self.server.visible


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[MisskeyRig]:
    rig = MisskeyRig(tmp_path)
    yield rig
    rig.server.stop()
    assert rig.server.violations == []


class TestContract(HttpContract, HttpRetractContract, ReadContract):
    network = "misskey"

    def test_too_many_calls(self, rig: HttpRig) -> None:
        """Its own way is `info.resetMs` in the body; the rest is as everywhere."""
        assert isinstance(rig, MisskeyRig)
        prepared = rig.prepare()
        reset_ms = int(NOON.timestamp() * 1000) + 60_500
        for headers, reset, seconds in (
            ({"Retry-After": "90"}, None, 90),
            ({}, reset_ms, 60.5),
            ({}, 0, None),
            ({}, None, None),
        ):
            rig.server.retry_headers = headers
            rig.server.reset_ms = reset
            rig.fail("429")
            with pytest.raises(RateLimited) as caught:
                rig.commit(prepared)
            until = caught.value.until
            left = until and (until - rig.clock.now()).total_seconds()
            assert left == (seconds and pytest.approx(seconds, abs=0.2))
        assert rig.visible() == []


def test_the_request(rig: MisskeyRig, tmp_path: Path) -> None:
    receipt = rig.commit(rig.prepare(image=picture(tmp_path)))
    (call,) = rig.visible_calls()
    (file,) = rig.server.files.values()
    assert call.json() == {"text": TEXT, "visibility": "public", "fileIds": [file["id"]]}
    assert (file["type"], file["comment"]) == ("image/png", "山の絵")
    assert receipt.url == f"{rig.server.base}/notes/{receipt.id}"
    assert receipt.at == NOON


@pytest.mark.parametrize(
    ("setting", "sent"), [("public", "public"), ("unlisted", "home"), ("private", "followers")]
)
def test_visibility(tmp_path: Path, setting: str, sent: str) -> None:
    rig = MisskeyRig(tmp_path, visibility=setting)
    with rig.server:
        assert rig.prepare().payload["visibility"] == sent


def test_a_thread_hangs_together(rig: MisskeyRig) -> None:
    first = rig.commit(rig.prepare())
    one = draft("二つ目", link=None)
    prepared = rig.poster.prepare(replace(one, parts=one.parts * 2), 1, (first,), True)
    rig.commit(prepared, "key-2")
    assert rig.visible()[1]["replyId"] == first.id
    assert rig.visible()[1]["visibility"] == "home"
    finding = rig.poster.find(prepared.payload, "key-2", rig.earlier, ())
    assert isinstance(finding, Found)


def test_a_server_with_a_shorter_limit_is_not_called(rig: MisskeyRig) -> None:
    rig.server.limit = 10
    with pytest.raises(Rejected, match="10"):
        rig.prepare()
    assert rig.visible_calls() == []


def test_an_image_that_is_refused_is_left_out(rig: MisskeyRig, tmp_path: Path) -> None:
    for status, code in ((400, "NO_FREE_SPACE"), (403, "PERMISSION_DENIED"), (413, "TOO_LARGE")):
        rig.server.upload_script = [Reply(status, {"error": {"code": code, "message": "no"}})]
        prepared = rig.prepare(image=picture(tmp_path))
        assert "fileIds" not in prepared.payload
        assert "static/cover.png" in str(prepared.notes[0])


def test_an_upload_that_fails_is_tried_again_later(rig: MisskeyRig, tmp_path: Path) -> None:
    rig.server.upload_script = [Reply(500, {"error": {"code": "INTERNAL_ERROR"}})]
    with pytest.raises(Transient):
        rig.prepare(image=picture(tmp_path))


def test_a_file_that_is_gone_at_the_commit(rig: MisskeyRig, tmp_path: Path) -> None:
    prepared = rig.prepare(image=picture(tmp_path))
    rig.server.files.clear()
    with pytest.raises(MediaRefused):
        rig.commit(prepared)


def test_pages_are_turned_until_the_time_is_reached(rig: MisskeyRig) -> None:
    prepared = rig.prepare()
    rig.server.add("前")
    rig.clock.passed += 3600
    for number in range(250):
        rig.server.add(f"後 {number}")
    assert rig.poster.find(prepared.payload, "k", rig.earlier, ()) == Absent()
    for number in range(250):
        rig.server.add(f"後 {number}")
    assert rig.poster.find(prepared.payload, "k", rig.earlier, ()) == CannotTell()


def test_another_link_and_a_reply_are_not_it(rig: MisskeyRig) -> None:
    rig.server.add(LINK + "3")
    rig.server.add(LINK, replyId="a77")
    payload = rig.prepare().payload
    assert rig.poster.find(payload, "k", rig.earlier, ()) == Absent()
    rig.server.add(f"({LINK})")
    assert isinstance(rig.poster.find(payload, "k", rig.earlier, ()), Found)


CASES: list[tuple[int, str, type[PosterError] | None]] = [
    # https://misskey-hub.net/docs/for-developers/api/
    (200, "", None),
    (401, "AUTHENTICATION_FAILED", Unauthorized),
    (403, "AUTHENTICATION_FAILED", Unauthorized),
    (401, "CREDENTIAL_REQUIRED", Unauthorized),
    (403, "PERMISSION_DENIED", Unauthorized),
    (403, "YOUR_ACCOUNT_SUSPENDED", Unauthorized),
    (403, "YOUR_ACCOUNT_MOVED", Unauthorized),
    (403, "ROLE_PERMISSION_DENIED", Unauthorized),
    (400, "INVALID_PARAM", Rejected),
    (400, "CONTENT_REQUIRED", Rejected),
    (400, "CONTAINS_PROHIBITED_WORDS", Rejected),
    (400, "CONTAINS_TOO_MANY_MENTIONS", Rejected),
    (400, "NO_SUCH_FILE", MediaRefused),
    (400, "NO_SUCH_REPLY_TARGET", Rejected),
    (429, "RATE_LIMIT_EXCEEDED", RateLimited),
    (418, "I_AM_A_TEAPOT", OutcomeUnknown),
    (500, "INTERNAL_ERROR", OutcomeUnknown),
]


@pytest.mark.parametrize(("status", "code", "kind"), CASES)
def test_verdicts(status: int, code: str, kind: type[PosterError] | None) -> None:
    body = json.dumps({"error": {"code": code, "message": "m", "id": "1"}}).encode()
    assert verdict(Answer(status, {}, body), misskey.ROWS) is kind


@pytest.mark.parametrize("code", ["PERMISSION_DENIED", "ROLE_PERMISSION_DENIED"])
def test_a_login_that_may_write_and_not_upload(code: str) -> None:
    body = json.dumps({"error": {"code": code}}).encode()
    rows = misskey.UPLOAD_ROWS + misskey.ROWS
    assert verdict(Answer(403, {}, body), rows) is MediaRefused


def test_what_an_account_needs() -> None:
    account = Account(name="a", network="misskey", instance="https://m.example", token=TOKEN)
    assert misskey.missing(account, lambda _: "t") is None
    assert "MISSKEY_TOKEN" in str(misskey.missing(account, lambda _: None))
    assert "https" in str(
        misskey.missing(replace(account, instance="http://m.example"), lambda _: "t")
    )
