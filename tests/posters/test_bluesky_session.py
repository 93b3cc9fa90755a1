"""Bluesky: sessions that are kept and renewed, and where an account lives."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.errors import OutcomeUnknown, Transient, Unauthorized
from bot.model import Absent
from bot.net import Answer
from bot.posters.bluesky_session import find_pds
from tests.fakes.bluesky_server import DID
from tests.posters.contract import CANARY, draft
from tests.posters.test_bluesky import BlueskyRig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[BlueskyRig]:
    rig = BlueskyRig(tmp_path)
    yield rig
    rig.server.stop()
    assert rig.server.violations == []


def test_one_login_serves_many_runs(rig: BlueskyRig) -> None:
    for number in range(3):
        rig.poster = rig.another()
        rig.commit(rig.prepare(), f"key-{number}")
    assert (rig.server.logins, rig.server.refreshes) == (1, 0)


def test_a_session_is_only_its_owners(rig: BlueskyRig) -> None:
    rig.prepare()
    assert stat.S_IMODE(rig.session.stat().st_mode) == 0o600
    assert CANARY not in rig.session.read_text()


def test_a_session_that_ends_soon_is_refreshed_before_it_is_used(rig: BlueskyRig) -> None:
    rig.prepare()
    rig.clock.passed += 2 * 3600 - 240
    rig.commit(rig.prepare())
    assert (rig.server.logins, rig.server.refreshes) == (1, 1)


def test_a_repeat_after_hours_refreshes_too(rig: BlueskyRig) -> None:
    prepared = rig.prepare()
    rig.fail("drop_after")
    with pytest.raises(OutcomeUnknown):
        rig.commit(prepared)
    rig.clock.passed += 5 * 3600
    rig.commit(prepared)
    assert len(rig.visible()) == 1


def test_a_session_that_ended_is_replaced_by_a_login(rig: BlueskyRig) -> None:
    rig.prepare()
    rig.clock.passed += 91 * 86400
    rig.commit(rig.prepare())
    assert rig.server.logins == 2


def test_a_session_that_the_server_forgot(rig: BlueskyRig, tmp_path: Path) -> None:
    """At a look it is renewed at once; at the visible call nothing was posted, and next time."""
    prepared = rig.prepare()
    rig.server.forget_sessions()
    assert rig.poster.find(prepared.payload, "key-1", rig.earlier, ()) == Absent()
    rig.server.forget_sessions()
    with pytest.raises(Transient):
        rig.commit(prepared)
    assert rig.visible() == []
    rig.commit(rig.prepare())
    assert rig.server.logins == 3


def test_a_password_that_is_refused(rig: BlueskyRig) -> None:
    rig.server.password = "another"
    with pytest.raises(Unauthorized) as caught:
        rig.prepare()
    assert "Invalid identifier or password" in str(caught.value)
    assert CANARY not in str(caught.value)


def test_an_account_that_was_taken_down(rig: BlueskyRig) -> None:
    prepared = rig.prepare()
    rig.server.taken_down = True
    with pytest.raises(Unauthorized):
        rig.commit(prepared)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"did": 1}', "null"])
def test_a_damaged_session_is_replaced(rig: BlueskyRig, content: str) -> None:
    rig.prepare()
    rig.session.write_text(content)
    rig.commit(rig.prepare())
    assert json.loads(rig.session.read_text())["did"] == DID


def test_a_session_of_another_handle_is_not_used(rig: BlueskyRig) -> None:
    rig.prepare()
    rig.account = replace(rig.account, handle="bob.test")
    with pytest.raises(Unauthorized):
        rig.another().prepare(draft(), 0, (), True)


# --- where the account lives ----------------------------------------------------------------------


class Directory:
    """A Net that answers by address."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, bool]] = []
        self.clock = None

    def request(self, method: str, url: str, *, public: bool, **more: Any) -> Answer:
        self.asked.append((url, public))
        return Answer(200, {}, json.dumps(self.answers[url]).encode())


RESOLVE = "https://bsky.social/xrpc/com.atproto.identity.resolveHandle"
PLC = f"https://plc.directory/{DID}"


def service(endpoint: Any) -> dict[str, Any]:
    return {"service": [{"id": "#other"}, {"id": "#atproto_pds", "serviceEndpoint": endpoint}]}


def test_the_server_of_a_handle_is_found() -> None:
    net = Directory({RESOLVE: {"did": DID}, PLC: service("https://pds.example/")})
    assert find_pds(net, "alice.test") == "https://pds.example"  # type: ignore[arg-type]
    assert net.asked == [(RESOLVE, False), (PLC, True)]


def test_a_did_of_the_web() -> None:
    place = "https://alice.example/.well-known/did.json"
    net = Directory(
        {RESOLVE: {"did": "did:web:alice.example"}, place: service("https://p.example")}
    )
    assert find_pds(net, "alice.example") == "https://p.example"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "did", ["did:web:127.0.0.1%3A80", "did:web:a.example:x", "did:key:z6", "x", None]
)
def test_a_did_that_leads_astray(did: Any) -> None:
    with pytest.raises(Unauthorized):
        find_pds(Directory({RESOLVE: {"did": did}}), "alice.test")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "endpoint", ["http://pds.example", "https://u:p@x.example", "file:///x", None, ""]
)
def test_a_server_that_is_not_safe(endpoint: Any) -> None:
    net = Directory({RESOLVE: {"did": DID}, PLC: service(endpoint)})
    with pytest.raises(Unauthorized):
        find_pds(net, "alice.test")  # type: ignore[arg-type]
