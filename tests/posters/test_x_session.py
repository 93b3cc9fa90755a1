"""OAuth 2.0 at X: the contract suite with tokens that end and rotate, and what may go wrong."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot.errors import NotSent, Transient, Unauthorized
from bot.posters import x
from bot.posters.kept import session_file
from bot.settings import Account, Secret
from tests.fakes.http import Reply
from tests.fakes.x_server import CLIENT_ID, XServer
from tests.posters.contract import (
    HttpContract,
    HttpRetractContract,
    HttpRig,
    ReadContract,
)


class XRig(HttpRig):
    server: XServer

    def __init__(self, root: Path) -> None:
        super().__init__(XServer({}, lambda: self.clock.now()))
        self.server.start()
        self.root, self.configured = root, "refresh-0"
        self.account = Account(
            name="alice", network="x", client_id=CLIENT_ID, refresh_token=Secret(env="R")
        )
        self.poster = self.another()

    def read_secret(self, secret: Secret) -> str | None:
        return self.configured if secret.env == "R" else "client secret/+"

    def another(self) -> x.XPoster:
        """As in another process."""
        return x.XPoster(self.account, self.read_secret, self.net, self.root, self.server.base)

    def visible(self) -> list[Any]:
        return self.server.visible

    @property
    def session(self) -> Path:
        return session_file(self.root, self.account)

    def kept(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.session.read_text())
        return found


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[XRig]:
    rig = XRig(tmp_path)
    yield rig
    rig.server.stop()
    assert rig.server.violations == []


class TestContract(HttpContract, HttpRetractContract, ReadContract):
    network = "x"
    own_reset = "x-rate-limit-reset"

    def own_reset_value(self, when: datetime) -> str:
        return str(int(when.timestamp()))

    @pytest.mark.parametrize(("fault", "verdict"), [("401", Transient), ("422", NotSent)])
    def test_refused(self, rig: HttpRig, fault: str, verdict: type[NotSent]) -> None:
        """A refused access token is refreshed first; only a refused login pauses."""
        prepared = rig.prepare()
        rig.fail(fault)
        with pytest.raises(verdict):
            rig.commit(prepared)
        assert rig.visible() == []
        rig.commit(rig.prepare())
        assert len(rig.visible()) == 1

    @pytest.mark.parametrize(("fault", "verdict"), [("401", Transient)])
    def test_a_retract_that_is_refused(
        self, rig: HttpRig, fault: str, verdict: type[NotSent]
    ) -> None:
        super().test_a_retract_that_is_refused(rig, fault, verdict)


def test_tokens_are_kept_and_used_by_the_next_process(rig: XRig) -> None:
    rig.commit(rig.prepare())
    assert rig.session.stat().st_mode & 0o777 == 0o600
    rig.poster = rig.another()
    rig.commit(rig.prepare("別", link=None), "key-2")
    assert rig.server.rotations == 1


def test_a_token_that_ended_is_refreshed_with_the_newest(rig: XRig) -> None:
    for number in range(3):
        rig.commit(rig.prepare(f"{number}", link=None), f"key-{number}")
        rig.clock.passed += 7200
    assert rig.server.rotations == 3
    assert rig.kept()["refresh"] == "refresh-3"


def test_the_new_token_is_on_the_disk_before_it_is_used(rig: XRig) -> None:
    rig.prepare()
    assert rig.kept()["refresh"] == rig.server.refresh == "refresh-1"


def test_where_nothing_can_be_kept_nothing_is_refreshed(rig: XRig, tmp_path: Path) -> None:
    """Else the one token that is good would be lost."""
    (tmp_path / "state").write_text("a file where the folder should be")
    with pytest.raises(Transient, match="cannot be kept"):
        rig.prepare()
    assert rig.server.refresh == "refresh-0"


def test_two_at_once_refresh_once(rig: XRig) -> None:
    posters, failures = [rig.another() for _ in range(4)], list[Exception]()

    def work(poster: x.XPoster) -> None:
        try:
            poster.identity()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(poster,)) for poster in posters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert rig.server.rotations == 1


def test_a_refresh_token_that_is_void_asks_for_a_login(rig: XRig) -> None:
    rig.prepare()
    rig.server.refresh = "another"
    rig.clock.passed += 7200
    with pytest.raises(Unauthorized) as caught:
        rig.prepare()
    assert "bot login alice" in str(caught.value.hint)
    assert "refresh-1" not in str(caught.value)


def test_a_new_login_takes_the_place_of_what_was_kept(rig: XRig) -> None:
    rig.prepare()
    rig.server.refresh = rig.configured = "a new beginning"
    rig.prepare()
    assert rig.server.rotations == 2


@pytest.mark.parametrize(
    "answer",
    [Reply(502, "<html>"), Reply(200, "busy"), Reply(200, {}), Reply(200, {"access_token": "a"})],
)
def test_a_refresh_whose_answer_is_lost(rig: XRig, answer: Reply) -> None:
    """X may have taken the old token: nothing is posted, and the person is told."""
    rig.server.token_answer = answer
    with pytest.raises(Transient):
        rig.prepare()
    rig.server.token_answer = None
    with pytest.raises(Unauthorized):
        rig.prepare()
    assert rig.visible() == []


def test_a_confidential_client_says_who_it_is(rig: XRig) -> None:
    rig.server.client_secret = "client%20secret%2F%2B"
    with pytest.raises(Unauthorized):
        rig.prepare()
    rig.account = replace(rig.account, client_secret=Secret(env="S"))
    rig.poster = rig.another()
    rig.prepare()
    assert rig.server.rotations == 1


def test_a_garbled_file_begins_again_with_the_configured_token(rig: XRig) -> None:
    for content in ("", "[]", '{"seed": 1}', "\x00"):
        rig.session.parent.mkdir(parents=True, exist_ok=True)
        rig.session.write_text(content)
        rig.server.refresh = rig.configured
        rig.another().identity()
        assert rig.kept()["access"] in rig.server.access


def test_what_an_account_needs() -> None:
    account = Account(name="a", network="x", client_id=CLIENT_ID)
    assert "No token" in str(x.missing(account, lambda _: None))
    account = replace(account, refresh_token=Secret(file="r"))
    assert x.missing(account, lambda _: "t") is None
    assert "r" in str(x.missing(account, lambda _: None))
