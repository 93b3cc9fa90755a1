"""Bluesky: the contract suite before a fake server, sessions, records and verdicts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import (
    MediaRefused,
    OutcomeUnknown,
    PosterError,
    RateLimited,
    Rejected,
    Unauthorized,
)
from bot.model import Absent, Image
from bot.net import Answer
from bot.posters import bluesky
from bot.posters.base import verdict
from bot.posters.bluesky_record import facets, micros, tid
from bot.posters.bluesky_session import ROWS
from bot.posters.kept import StaleToken
from bot.settings import Account, Secret
from tests.fakes.bluesky_server import DID, TID, BlueskyServer
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

PASSWORD = Secret(env="BLUESKY_PASSWORD")


class BlueskyRig(HttpRig):
    server: BlueskyServer

    def __init__(self, root: Path, **settings: Any) -> None:
        super().__init__(BlueskyServer(CANARY, lambda: self.clock.now()))
        self.server.start()
        self.root = root
        self.account = Account(
            name="alice/日",
            network="bluesky",
            handle="alice.test",
            pds=self.server.base,
            app_password=PASSWORD,
            **settings,
        )
        self.poster = self.another()

    def another(self) -> bluesky.BlueskyPoster:
        """A poster of the same account, as in another process."""
        return bluesky.make(self.account, self.read_secret, self.net, self.root)

    def visible(self) -> list[Any]:
        return self.server.visible

    @property
    def session(self) -> Path:
        (file,) = (self.root / "state" / "sessions").glob("*.json")
        return file


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[BlueskyRig]:
    rig = BlueskyRig(tmp_path)
    yield rig
    rig.server.stop()
    assert rig.server.violations == []


def picture(folder: Path, size: tuple[int, int] = (40, 30)) -> Image:
    pillow = pytest.importorskip("PIL.Image")
    file = folder / "cover.png"
    pillow.new("RGB", size, "red").save(file)
    return Image(alt="山の絵", file=str(file), shown="static/cover.png", mime="image/png")


class TestContract(HttpContract, HttpRetractContract, ReadContract):
    network = "bluesky"
    own_reset = "RateLimit-Reset"

    def own_reset_value(self, when: datetime) -> str:
        return str(int(when.timestamp()))


# --- record keys and facets -----------------------------------------------------------------------


def test_a_record_key_says_its_instant() -> None:
    """https://atproto.com/specs/tid: 3jzfcijpj2z2a is one, zero is all twos; 63 bits of ones are
    three (the eighth letter) and twelve times five."""
    assert tid(0, 0) == "2" * 13
    assert tid(2**53 - 1, 1023) == "b" + "z" * 12
    number = sum(bluesky_value(c) << 5 * n for n, c in enumerate(reversed("3jzfcijpj2z2a")))
    assert tid(number >> 10, number & 1023) == "3jzfcijpj2z2a"


def bluesky_value(character: str) -> int:
    return "234567abcdefghijklmnopqrstuvwxyz".index(character)


@given(st.integers(0, 2**53 - 2), st.integers(0, 1023))
def test_record_keys_sort_as_their_instants(microseconds: int, clock_id: int) -> None:
    key = tid(microseconds, clock_id)
    assert TID.fullmatch(key)
    assert key < tid(microseconds + 1, 0)


def test_facets_are_offsets_into_the_bytes() -> None:
    text = f"日記 #日記\n{LINK}\n#日記 #b"
    found = facets(text, LINK, ("日記", "b"))
    data = text.encode()
    shown = [
        (data[f["index"]["byteStart"] : f["index"]["byteEnd"]].decode(), f["features"][0])
        for f in found
    ]
    assert shown == [
        (LINK, {"$type": "app.bsky.richtext.facet#link", "uri": LINK}),
        ("#日記", {"$type": "app.bsky.richtext.facet#tag", "tag": "日記"}),
        ("#b", {"$type": "app.bsky.richtext.facet#tag", "tag": "b"}),
    ]
    assert found[1]["index"]["byteStart"] > found[0]["index"]["byteEnd"]


@settings(max_examples=60)
@given(
    st.text(alphabet="#a日記 \n👨‍👩‍👧https:/", max_size=40), st.sampled_from(["a", "日記", "日"])
)
def test_facets_never_overlap_and_never_cut_a_character(text: str, tag: str) -> None:
    found = facets(text + LINK + " #" + tag + text, LINK, (tag, tag))
    end = 0
    data = (text + LINK + " #" + tag + text).encode()
    for facet in found:
        index = facet["index"]
        assert end <= index["byteStart"] < index["byteEnd"] <= len(data)
        end = index["byteEnd"]
        data[index["byteStart"] : end].decode()


# --- what is sent ---------------------------------------------------------------------------------


def test_the_request(rig: BlueskyRig, tmp_path: Path) -> None:
    prepared = rig.prepare(image=picture(tmp_path))
    receipt = rig.commit(prepared)
    (call,) = rig.visible_calls()
    body = call.json()
    assert (body["repo"], body["collection"]) == (DID, "app.bsky.feed.post")
    assert body["swapRecord"] is None
    record = body["record"]
    assert record["text"] == TEXT
    assert record["createdAt"] == "2026-03-04T12:00:00.123456Z"
    assert body["rkey"][:11] == tid(micros(NOON), 0)[:11]
    assert record["langs"] == ["ja"]
    card = record["embed"]["external"]
    assert (card["uri"], card["title"], card["description"]) == (LINK, draft().title, "")
    assert card["thumb"]["ref"]["$link"] in rig.server.blobs
    assert receipt.id == f"at://{DID}/app.bsky.feed.post/{body['rkey']}"
    assert receipt.url == f"https://bsky.app/profile/{DID}/post/{body['rkey']}"


def test_pictures_with_their_alt_text(rig: BlueskyRig, tmp_path: Path) -> None:
    shown = replace(draft(image=picture(tmp_path, (400, 100))), options={"embed": "image"})
    rig.commit(rig.poster.prepare(shown, 0, (), True))
    embed = rig.visible()[0]["embed"]
    (shown,) = embed["images"]
    assert shown["alt"] == "山の絵"
    assert shown["aspectRatio"] == {"width": 400, "height": 100}


def test_without_images_the_card_stays(rig: BlueskyRig, tmp_path: Path) -> None:
    prepared = rig.poster.prepare(draft(image=picture(tmp_path)), 0, (), False)
    assert "thumb" not in prepared.payload["record"]["embed"]["external"]


def test_a_draft_may_want_neither_card_nor_picture(rig: BlueskyRig) -> None:
    prepared = rig.poster.prepare(replace(draft(), options={"embed": "none"}), 0, (), True)
    assert "embed" not in prepared.payload["record"]


def test_a_thread_names_its_root_and_its_parent(rig: BlueskyRig) -> None:
    receipts = [rig.commit(rig.prepare())]
    for number in (2, 3):
        rig.clock.passed += 1
        one = draft(f"part {number}", link=None)
        prepared = rig.poster.prepare(replace(one, parts=one.parts * 3), 1, tuple(receipts), True)
        receipts.append(rig.commit(prepared, f"key-{number}"))
    reply = rig.visible()[2]["reply"]
    assert reply["root"] == {"uri": receipts[0].id, "cid": receipts[0].extra["cid"]}
    assert reply["parent"] == {"uri": receipts[1].id, "cid": receipts[1].extra["cid"]}
    assert "embed" not in rig.visible()[2]


def test_record_keys_of_one_instant_differ(rig: BlueskyRig) -> None:
    keys = [rig.prepare().payload["rkey"] for _ in range(3)]
    assert keys == sorted(set(keys))


def test_the_same_request_for_ever(rig: BlueskyRig) -> None:
    prepared = rig.prepare()
    first = rig.commit(prepared)
    rig.clock.passed += 200 * 86400
    assert rig.commit(prepared) == first
    assert len(rig.visible()) == 1


def test_another_record_under_our_key_is_not_ours(rig: BlueskyRig) -> None:
    prepared = rig.prepare()
    rig.server.records[prepared.payload["rkey"]] = {"text": "other"}
    with pytest.raises(OutcomeUnknown):
        rig.commit(prepared)
    assert rig.poster.find(prepared.payload, "key-1", rig.earlier, ()) == Absent()


def test_a_blob_that_is_gone_at_the_commit(rig: BlueskyRig, tmp_path: Path) -> None:
    prepared = rig.prepare(image=picture(tmp_path))
    rig.server.blobs.clear()
    with pytest.raises(MediaRefused):
        rig.commit(prepared)


# --- verdicts -------------------------------------------------------------------------------------

CASES: list[tuple[int, str, str, type[PosterError] | None]] = [
    (200, "", "", None),
    (429, "RateLimitExceeded", "Rate Limit Exceeded", RateLimited),
    (400, "ExpiredToken", "Token has expired", StaleToken),
    (400, "InvalidToken", "Token could not be verified", StaleToken),
    (401, "AuthMissing", "Authentication Required", Unauthorized),
    (401, "AuthenticationRequired", "Invalid identifier or password", Unauthorized),
    (401, "AuthFactorTokenRequired", "", Unauthorized),
    (401, "AccountTakedown", "", Unauthorized),
    (401, "AccountDeactivated", "", Unauthorized),
    (400, "AccountTakedown", "", Unauthorized),
    (400, "AccountDeactivated", "", Unauthorized),
    (403, "AccountNotFound", "", Unauthorized),
    (400, "SyntaxError", "Unexpected token", Rejected),
    (400, "InvalidRequest", "Invalid datetime", Rejected),
    (400, "InvalidRequest", "Record/text must not be longer than 300 graphemes", Rejected),
    (400, "InvalidRequest", "grapheme too big (maximum 300, got 301) at $.record.text", Rejected),
    (400, "InvalidSwap", "Record was at bafyrei", OutcomeUnknown),
    (400, "BlobNotFound", "Could not find blob: bafkrei", MediaRefused),
    (400, "InvalidRequest", "Could not find blob: bafkrei", MediaRefused),
    (400, "InvalidMimeType", "", MediaRefused),
    (400, "InvalidSize", "Expected: 137, Got: 1", MediaRefused),
    (400, "InvalidRequest", "blob too big (maximum 2000000, got 2000001)", MediaRefused),
    (413, "PayloadTooLarge", "request entity too large", Rejected),
    (413, "PayloadTooLargeError", "request entity too large", Rejected),
    (500, "InternalServerError", "Internal Server Error", OutcomeUnknown),
    (502, "UpstreamFailure", "", OutcomeUnknown),
]


@pytest.mark.parametrize(("status", "name", "message", "kind"), CASES)
def test_verdicts(status: int, name: str, message: str, kind: type[PosterError] | None) -> None:
    body = json.dumps({"error": name, "message": message}, separators=(",", ":")).encode()
    assert verdict(Answer(status, {}, body), ROWS) is kind


# --- readiness ------------------------------------------------------------------------------------


def test_what_an_account_needs() -> None:
    account = Account(name="a", network="bluesky")
    assert "handle" in str(bluesky.missing(account, lambda _: None))
    account = replace(account, handle="alice.test")
    assert "No token" in str(bluesky.missing(account, lambda _: None))
    account = replace(account, app_password=PASSWORD)
    assert "BLUESKY_PASSWORD" in str(bluesky.missing(account, lambda _: None))
    assert bluesky.missing(account, lambda _: "x") is None
    assert "https" in str(bluesky.missing(replace(account, pds="http://p.example"), lambda _: "x"))
