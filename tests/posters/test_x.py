"""X: the contract suite before a fake that checks signatures, and what is its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot.errors import (
    Duplicate,
    MediaRefused,
    OutcomeUnknown,
    OutOfQuota,
    PosterError,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
)
from bot.model import Absent, CannotTell, Found, Identified
from bot.net import Answer
from bot.posters import x
from bot.posters.base import verdict
from bot.posters.kept import StaleToken
from bot.settings import Account, Secret
from tests.fakes.http import Reply
from tests.fakes.x_server import XServer, problem
from tests.posters.contract import (
    CANARY,
    LINK,
    TEXT,
    HttpContract,
    HttpRetractContract,
    HttpRig,
    ReadContract,
    draft,
)
from tests.posters.test_bluesky import picture

SECRETS = {name: f"{CANARY}-{name}" for name in x.SECRETS}


class XRig(HttpRig):
    server: XServer

    def __init__(self, root: Path) -> None:
        super().__init__(XServer(SECRETS, lambda: self.clock.now()))
        self.server.start()
        named: dict[str, Any] = {name: Secret(env=name) for name in SECRETS}
        account = Account(name="alice", network="x", **named)
        self.poster = x.XPoster(account, self.read_secret, self.net, root, self.server.base)

    def read_secret(self, secret: Secret) -> str | None:
        return SECRETS[secret.env or ""]

    def visible(self) -> list[Any]:
        return self.server.visible


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


def test_the_request(rig: XRig, tmp_path: Path) -> None:
    receipt = rig.commit(rig.prepare(image=picture(tmp_path)))
    (call,) = rig.visible_calls()
    ((media_id, media),) = rig.server.media.items()
    assert call.json() == {"text": TEXT, "media": {"media_ids": [media_id]}}
    assert (media["type"], media["alt"]) == ("image/png", "山の絵")
    assert call.headers["user-agent"].startswith("bot/")
    assert receipt.id == rig.visible()[0]["id"]


def test_a_thread_hangs_together(rig: XRig) -> None:
    first = rig.commit(rig.prepare())
    one = draft("二つ目 <&>", link=None)
    prepared = rig.poster.prepare(replace(one, parts=one.parts * 2), 1, (first,), True)
    rig.commit(prepared, "key-2")
    finding = rig.poster.find(prepared.payload, "key-2", rig.earlier, ())
    assert isinstance(finding, Found)
    assert finding.receipt.id == rig.visible()[1]["id"]


def test_a_reply_that_is_refused(rig: XRig) -> None:
    first = rig.commit(rig.prepare())
    rig.server.threads = False
    prepared = rig.poster.prepare(draft("二つ目", link=None), 0, (first,), True)
    with pytest.raises(Rejected, match="Reply to this conversation"):
        rig.commit(prepared, "key-2")


def test_the_same_text_again_is_refused(rig: XRig) -> None:
    prepared = rig.prepare()
    rig.commit(prepared)
    with pytest.raises(Rejected, match="duplicate content"):
        rig.commit(prepared)
    assert len(rig.visible()) == 1


def test_text_with_a_picture_is_found_without_its_link(rig: XRig, tmp_path: Path) -> None:
    prepared = rig.prepare("写真 & 山", link=None, image=picture(tmp_path))
    rig.commit(prepared)
    assert rig.visible()[0]["text"] == "写真 &amp; 山 https://t.co/pic"
    assert isinstance(rig.poster.find(prepared.payload, "key-1", rig.earlier, ()), Found)


def test_reading_back_asks_only_for_what_is_later(rig: XRig) -> None:
    """Each post that is read costs."""
    for number in range(30):
        rig.server.add(f"前 {number}")
    rig.clock.passed += 3600
    rig.server.add("後")
    assert rig.poster.find(rig.prepare().payload, "k", rig.earlier, ()) == Absent()
    assert rig.server.read == 1


def test_more_pages_than_are_read_cannot_tell(rig: XRig) -> None:
    for number in range(600):
        rig.server.add(f"後 {number}")
    assert rig.poster.find(rig.prepare().payload, "k", rig.earlier, ()) == CannotTell()


def test_another_link_and_a_reply_are_not_it(rig: XRig) -> None:
    rig.server.add(LINK + "3")
    rig.server.add(LINK, referenced_tweets=[{"type": "replied_to", "id": "7"}])
    payload = rig.prepare().payload
    assert rig.poster.find(payload, "k", rig.earlier, ()) == Absent()
    rig.server.add(LINK, referenced_tweets=[{"type": "quoted", "id": "7"}])
    assert isinstance(rig.poster.find(payload, "k", rig.earlier, ()), Found)


@pytest.mark.parametrize("status", [400, 403, 413])
def test_an_image_that_is_refused_is_left_out(rig: XRig, tmp_path: Path, status: int) -> None:
    rig.server.script_for["/2/media/upload"] = [problem(status, "no")]
    prepared = rig.prepare(image=picture(tmp_path))
    assert "media_ids" not in prepared.payload
    assert "static/cover.png" in str(prepared.notes[0])


def test_an_alt_text_that_is_refused_is_said(rig: XRig, tmp_path: Path) -> None:
    rig.server.script_for["/2/media/metadata"] = [problem(400, "no")]
    prepared = rig.prepare(image=picture(tmp_path))
    assert prepared.payload["media_ids"]
    assert "alt text" in str(prepared.notes[0])


@pytest.mark.parametrize("path", ["/2/media/upload", "/2/media/metadata"])
def test_an_upload_that_fails_is_tried_again_later(rig: XRig, tmp_path: Path, path: str) -> None:
    rig.server.script_for[path] = [Reply(503, "<html>")]
    with pytest.raises(Transient):
        rig.prepare(image=picture(tmp_path))


def test_media_that_are_gone_at_the_commit(rig: XRig, tmp_path: Path) -> None:
    prepared = rig.prepare(image=picture(tmp_path))
    rig.server.media.clear()
    with pytest.raises(MediaRefused):
        rig.commit(prepared)


@pytest.mark.parametrize(
    "reply", [problem(403, "no"), problem(404, "no"), Reply(200, "<html>"), Reply(200, [])]
)
def test_posts_that_cannot_be_read_are_not_taken_for_none(rig: XRig, reply: Reply) -> None:
    payload = rig.prepare().payload
    for path in ("/2/users/me", "/2/users/42/tweets"):
        rig.server.script_for[path] = [reply]
        with pytest.raises(Transient):
            rig.poster.find(payload, "k", rig.earlier, ())


def test_credits_that_ran_out(rig: XRig) -> None:
    prepared = rig.prepare()
    rig.server.script_for["/2/tweets"] = [problem(402, "CreditsDepleted")]
    with pytest.raises(OutOfQuota):
        rig.commit(prepared)


CASES: list[tuple[int, str, str, type[PosterError] | None]] = [
    # https://docs.x.com/x-api/fundamentals/response-codes-and-errors
    (201, "", "", None),
    (401, "", "Unauthorized", Unauthorized),
    (403, "", "Unsupported Authentication", Unauthorized),
    (403, "", "You are not allowed to create a Tweet with duplicate content.", Duplicate),
    (403, "", "You are not permitted to perform this action.", Rejected),
    (403, "", "The Tweet contains an invalid URL.", Rejected),
    (403, "user-suspended", "The user used for authentication is suspended", Unauthorized),
    (403, "client-forbidden", "", Unauthorized),
    (403, "oauth1-permissions", "Your client app is not configured …", Unauthorized),
    (403, "client-not-enrolled", "", Unauthorized),
    (403, "not-authorized-for-resource", "", Rejected),
    (404, "resource-not-found", "", Rejected),
    (403, "", "Reply to this conversation is not allowed because you have not …", Rejected),
    (400, "invalid-request", "One or more parameters to your request was invalid.", Rejected),
    (400, "invalid-request", "Your media IDs are invalid.", MediaRefused),
    (402, "", "CreditsDepleted", OutOfQuota),
    (429, "usage-capped", "Usage cap exceeded: Monthly product cap", OutOfQuota),
    (429, "rate-limit-exceeded", "Too Many Requests", RateLimited),
    (500, "", "", OutcomeUnknown),
    (503, "", "Service Unavailable", OutcomeUnknown),
]


@pytest.mark.parametrize(("status", "kind", "detail", "expected"), CASES)
def test_verdicts(status: int, kind: str, detail: str, expected: type[PosterError] | None) -> None:
    for host in ("api.x.com", "api.twitter.com"):  # older answers
        place = f"https://{host}/2/problems/{kind}" if kind else "about:blank"
        body = json.dumps({"title": "x", "detail": detail, "type": place, "status": status})
        assert verdict(Answer(status, {}, body.encode()), x.ROWS) is expected


def test_verdicts_on_what_is_no_problem_document() -> None:
    for status in (500, 503):
        assert verdict(Answer(status, {}, b"<html>Over capacity"), x.ROWS) is OutcomeUnknown
    no_credits = Answer(402, {}, b'{"title":"CreditsDepleted"}')
    assert verdict(no_credits, x.ROWS) is OutOfQuota


def test_an_access_token_is_refreshed_before_it_counts_as_refused() -> None:
    answer = Answer(401, {}, b'{"title":"Unauthorized","type":"about:blank","status":401}')
    assert verdict(answer, (*x.BORNE_ROWS, *x.ROWS)) is StaleToken


def test_who_it_is_and_what_is_left(rig: XRig) -> None:
    assert isinstance(rig.poster, Identified)
    who = rig.poster.identity()
    assert (who.id, who.name, who.left) == ("42", "@alice", 74)
    assert who.resets is not None
    assert 899 <= (who.resets - rig.clock.now()).total_seconds() <= 900


def test_an_acceptance_that_names_no_post(rig: XRig) -> None:
    """A partial success is a 200 with `errors`: whether it is there, nobody has said."""
    prepared = rig.prepare()
    bodies: list[Any] = [{"errors": [{"title": "x"}]}, {"data": {}}, {"data": {"id": 7}}]
    for body in bodies:
        rig.server.script_for["/2/tweets"] = [Reply(200, body)]
        with pytest.raises(OutcomeUnknown):
            rig.commit(prepared)


def test_what_an_account_needs() -> None:
    account = Account(name="a", network="x")
    assert "No token" in str(x.missing(account, lambda _: None))
    named: dict[str, Any] = {name: Secret(env=name.upper()) for name in x.SECRETS}
    account = replace(account, **named)
    assert x.missing(account, lambda _: "t") is None
    only_three = {"CONSUMER_KEY": "a", "CONSUMER_SECRET": "b", "ACCESS_TOKEN": "c"}
    reason = x.missing(account, lambda secret: only_three.get(secret.env or ""))
    assert "ACCESS_TOKEN_SECRET" in str(reason)
