"""Mastodon and its kin: the contract suite before both kinds of server, and what is their own."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot.errors import (
    MediaRefused,
    MediaUnavailable,
    OutcomeUnknown,
    PosterError,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
)
from bot.model import (
    Absent,
    Changeable,
    Draft,
    Found,
    Identified,
    Image,
    Learning,
    Prepared,
    Receipt,
    Replay,
    TextLimit,
)
from bot.net import Answer
from bot.posters.base import verdict
from bot.posters.mastodon import DETECTED_SECONDS, MEDIA_ROWS, ROWS, WHO_ROWS, missing
from bot.posters.mastodon_server import read_server
from bot.posters.registry import NETWORKS
from bot.settings import Account, Secret
from tests.fakes.http import Reply
from tests.fakes.mastodon_server import MastodonServer
from tests.posters.contract import (
    CANARY,
    LINK,
    NOON,
    PICTURE,
    TEXT,
    HttpContract,
    HttpRetractContract,
    HttpRig,
    ReadContract,
    draft,
    picture,
)
from tests.posters.test_bluesky import picture as large_picture

TOKEN = Secret(env="MASTODON_TOKEN")


class MastodonRig(HttpRig):
    server: MastodonServer

    def __init__(self, flavour: str, **settings: Any) -> None:
        super().__init__(MastodonServer(flavour, now=lambda: self.clock.now()))
        self.server.start()
        account = Account(
            name="alice", network="mastodon", instance=self.server.base, token=TOKEN, **settings
        )
        network = NETWORKS["mastodon"]
        self.poster = network.make(account, self.read_secret, self.net, Path())

    def visible(self) -> list[Any]:
        return self.server.visible

    def calls(self, path: str) -> list[Any]:
        return [call for call in self.server.calls if path in call.path]


@pytest.fixture
def flavour() -> str:
    return "mastodon"


@pytest.fixture
def rig(flavour: str) -> Iterator[MastodonRig]:
    rig = MastodonRig(flavour)
    yield rig
    rig.server.stop()
    assert rig.server.violations == []


class MastodonContract(HttpContract, HttpRetractContract, ReadContract):
    network = "mastodon"
    own_reset = "X-RateLimit-Reset"

    def own_reset_value(self, when: datetime) -> str:
        return when.strftime("%Y-%m-%dT%H:%M:%S.000000Z")


class TestContract(MastodonContract):
    """Mastodon itself: the key settles a lost answer."""


class TestGoToSocial(MastodonContract):
    """A server that ignores the key: the account is read back."""

    own_reset = "x-ratelimit-reset"

    @pytest.fixture
    def flavour(self) -> str:
        return "gotosocial"

    def test_exactly_the_limit_and_one_more(self, rig: HttpRig) -> None:
        """Its limit is 5,000; a text over Mastodon's is no error."""
        rig.commit(rig.prepare("a" * 5000, link=None))
        with pytest.raises(Rejected):
            rig.commit(rig.prepare("b" * 5001, link=None), "key-2")
        assert len(rig.visible()) == 1


# --- what a server is -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "seconds"),
    [
        ("4.5.2", 3300),
        ("3.0.0", 3300),
        ("4.6.0-alpha.3", 3300),
        ("4.2.10+hometown-1.1.1", 3300),
        ("4.4.0+glitch", 3300),
        ("2.9.3", 0),
        ("2.7.2 (compatible; Pleroma 2.9.1)", 21000),
        ("2.7.2 (compatible; Akkoma 3.15.2-0-g1234)", 21000),
        ("2.7.2 (compatible; Rebased 2.4.50)", 21000),
        ("2.7.2 (compatible; Pleromaish 1)", 0),
        ("0.20.1+git-6a8e5dd", 0),
        ("3.5.3 (compatible; Pixelfed 0.12.5)", 0),
        ("4.0.0 (not true; really snac/2.75)", 0),
        ("4.2.1 (compatible; Iceshrimp.NET/2025.1)", 0),
        ("takahe/0.11.0", 0),
        ("", 0),
        (None, 0),
        (4, 0),
    ],
)
def test_the_class_of_a_server(version: Any, seconds: float) -> None:
    server = read_server({"version": version})
    assert server.key_seconds == seconds
    assert server.replay is (Replay.KEYED if seconds else Replay.SEARCHABLE)


@pytest.mark.parametrize("answer", [None, [], "x", {"version": ["4.5.2"]}, {"configuration": 3}])
def test_a_server_that_says_nonsense_is_searchable(answer: Any) -> None:
    assert read_server(answer).replay is Replay.SEARCHABLE


def test_a_server_without_v2_is_asked_by_v1(rig: MastodonRig) -> None:
    rig.server.has_v2 = False
    assert rig.prepare().replay is Replay.KEYED


def test_what_a_server_is_is_asked_again_after_some_minutes(rig: MastodonRig) -> None:
    rig.prepare()
    rig.server.version = "3.5.3 (compatible; Pixelfed 0.12.5)"
    assert rig.prepare().replay is Replay.KEYED
    rig.clock.passed += DETECTED_SECONDS
    assert rig.prepare().replay is Replay.SEARCHABLE
    assert len(rig.calls("instance")) == 2


# --- verdicts -------------------------------------------------------------------------------------

CASES: list[tuple[int, str, type[PosterError] | None]] = [
    # https://docs.joinmastodon.org/entities/Error/ and app/controllers/api/base_controller.rb
    (200, '{"id":"1"}', None),
    (401, '{"error":"The access token is invalid"}', Unauthorized),
    (401, '{"error":"The access token was revoked"}', Unauthorized),
    (403, '{"error":"Your login is currently disabled"}', Unauthorized),
    (403, '{"error":"Your login is missing a confirmed e-mail address"}', Unauthorized),
    (403, '{"error":"Your login is currently pending approval"}', Unauthorized),
    (403, '{"error":"This action is outside the authorized scopes"}', Unauthorized),
    (403, '{"error":"Your account requires two-factor authentication"}', Unauthorized),
    (404, '{"error":"Record not found"}', Rejected),
    (408, "", OutcomeUnknown),
    (409, "", OutcomeUnknown),
    (410, "", Rejected),
    (422, '{"error":"Validation failed: Text character limit of 500 exceeded"}', Rejected),
    (422, '{"error":"検証に失敗しました: 本文は500文字の上限を超えています"}', Rejected),
    (429, '{"error":"Too many requests"}', RateLimited),
    (429, '{"error":"rate limit reached"}', RateLimited),
    (500, '{"error":"undefined method \'account\' for nil"}', OutcomeUnknown),
    (502, "<html>", OutcomeUnknown),
    (503, '{"error":"There was a temporary problem serving your request"}', OutcomeUnknown),
    (504, "", OutcomeUnknown),
    (301, "", OutcomeUnknown),
    (418, "", OutcomeUnknown),
    # GoToSocial, Takahe, snac (measured)
    (400, '{"error":"Bad Request: text with spoiler exceed max chars (5000)"}', Rejected),
    (422, '{"error":"visibility x was not recognized"}', Rejected),
    (400, "Invalid Bearer token", Unauthorized),
    (406, '{"error":"Not Acceptable"}', OutcomeUnknown),
    (500, "<h1>Server Error</h1>", OutcomeUnknown),
]


@pytest.mark.parametrize(("status", "body", "kind"), CASES)
def test_verdicts(status: int, body: str, kind: type[PosterError] | None) -> None:
    assert verdict(Answer(status, {}, body.encode()), ROWS) is kind


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (422, '{"error":"Cannot attach files that have not finished processing."}'),
        (422, '{"error":"処理が終わっていないファイルは添付できません"}'),
        (400, '{"error":"Bad Request: media with ID 1 already attached to a status"}'),
        (404, '{"error":"Media 1 not found or already attached"}'),
    ],
)
def test_verdicts_on_a_post_with_images(status: int, body: str) -> None:
    assert verdict(Answer(status, {}, body.encode()), MEDIA_ROWS + ROWS) is MediaRefused


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_login_that_is_not_known_where_it_is_asked_who_it_is(status: int) -> None:
    """snac says 422, Takahe 400."""
    assert verdict(Answer(status, {}, b""), WHO_ROWS + ROWS) is Unauthorized


# --- what is sent ---------------------------------------------------------------------------------


def test_the_request(rig: MastodonRig, tmp_path: Path) -> None:
    prepared = rig.prepare(image=picture(tmp_path))
    receipt = rig.commit(prepared, "key-7")
    (call,) = rig.visible_calls()
    assert call.json() == {
        "status": TEXT,
        "visibility": "public",
        "language": "ja",
        "media_ids": ["5001"],
    }
    assert call.headers["idempotency-key"] == "key-7"
    assert call.headers["authorization"] == f"Bearer {CANARY}"
    assert call.headers["user-agent"].startswith("bot/")
    assert receipt.url == rig.visible()[0]["url"]
    assert receipt.at == NOON
    (media,) = rig.server.media.values()
    assert media == {
        "bytes": PICTURE,
        "type": "image/png",
        "description": "山の絵",
        "used": True,
        "waits": 0,
    }


def test_a_thread_hangs_together(rig: MastodonRig) -> None:
    first = rig.commit(rig.prepare())
    prepared = rig.poster.prepare(draft("二つ目", link=None), 0, (first,), True)
    rig.commit(prepared, "key-2")
    assert rig.visible()[1]["in_reply_to_id"] == first.id
    finding = rig.poster.find(prepared.payload, "key-2", rig.earlier, ())
    assert isinstance(finding, Found)
    assert finding.receipt.id == rig.visible()[1]["id"]


@pytest.mark.parametrize(
    ("language", "sent"), [("ja-JP", "ja"), ("EN", "en"), ("x-klingon", None), ("", None)]
)
def test_the_language(rig: MastodonRig, language: str, sent: str | None) -> None:
    prepared = rig.poster.prepare(replace(draft(), language=language), 0, (), True)
    assert prepared.payload.get("language") == sent


def test_a_token_that_is_not_there_calls_nothing(rig: MastodonRig) -> None:
    account = Account(name="a", network="mastodon", instance=rig.server.base, token=TOKEN)
    for value in (None, "", "two\nlines", "日本"):
        poster = NETWORKS["mastodon"].make(account, lambda _, v=value: v, rig.net, Path())  # type: ignore[misc]
        with pytest.raises(Unauthorized, match="token"):
            poster.prepare(draft(), 0, (), True)
    assert rig.server.calls == []


# --- images ---------------------------------------------------------------------------------------


def test_an_image_is_waited_for(rig: MastodonRig, tmp_path: Path) -> None:
    rig.server.processing = 3
    prepared = rig.prepare(image=picture(tmp_path))
    assert prepared.payload["media_ids"] == ["5001"]
    assert len(rig.calls("/media/5001")) == 3


def test_an_image_that_is_never_ready_is_tried_again_later(
    rig: MastodonRig, tmp_path: Path
) -> None:
    rig.server.processing = 10**6
    with pytest.raises(Transient):
        rig.prepare(image=picture(tmp_path))
    assert rig.visible() == []


@pytest.mark.parametrize("status", [400, 403, 413, 415, 422])
def test_an_image_that_is_refused_is_left_out(
    rig: MastodonRig, tmp_path: Path, status: int
) -> None:
    rig.server.media_script = [Reply(status, {"error": "no"})]
    prepared = rig.prepare(image=picture(tmp_path))
    assert "media_ids" not in prepared.payload
    (note,) = prepared.notes
    assert "static/cover.png" in str(note)


@pytest.mark.parametrize("status", [500, 502, 503, 408])
def test_an_upload_that_fails_is_tried_again_later(
    rig: MastodonRig, tmp_path: Path, status: int
) -> None:
    rig.server.media_script = [Reply(status, {"error": "later"})]
    with pytest.raises(Transient):
        rig.prepare(image=picture(tmp_path))


@pytest.mark.parametrize("body", ["busy", {}, {"id": ""}, {"id": 7}, []])
def test_an_upload_without_an_id_is_left_out(rig: MastodonRig, tmp_path: Path, body: Any) -> None:
    rig.server.media_script = [Reply(200, body)]
    prepared = rig.prepare(image=picture(tmp_path))
    assert "media_ids" not in prepared.payload
    assert prepared.notes


def test_media_without_v2_goes_by_v1(rig: MastodonRig, tmp_path: Path) -> None:
    rig.server.has_v2 = False
    assert rig.prepare(image=picture(tmp_path)).payload["media_ids"] == ["5001"]


def test_media_that_are_gone_at_the_commit(rig: MastodonRig, tmp_path: Path) -> None:
    prepared = rig.prepare(image=picture(tmp_path))
    rig.server.media.clear()
    with pytest.raises(MediaRefused):
        rig.commit(prepared)
    assert rig.visible() == []


def test_a_description_is_cut_to_the_servers_limit(rig: MastodonRig, tmp_path: Path) -> None:
    rig.prepare(image=replace(picture(tmp_path), alt="字" * 2000))
    (media,) = rig.server.media.values()
    assert media["description"] == "字" * 1499 + "…"


def limit(rig: MastodonRig, **limits: Any) -> None:
    rig.server.media_limits = limits


@pytest.mark.parametrize(
    ("limits", "mime"),
    [
        ({}, "image/png"),
        ({"image_size_limit": 10**6, "image_matrix_limit": 1200}, "image/png"),
        ({"supported_mime_types": ["image/jpeg"]}, "image/jpeg"),
        ({"supported_mime_types": "any", "image_size_limit": "big"}, "image/png"),
    ],
)
def test_a_picture_is_changed_only_where_the_server_does_not_take_it(
    rig: MastodonRig, tmp_path: Path, limits: dict[str, Any], mime: str
) -> None:
    limit(rig, **limits)
    image = large_picture(tmp_path, (40, 30))
    rig.prepare(image=image)
    (media,) = rig.server.media.values()
    assert media["type"] == mime
    assert (media["bytes"] == Path(image.file or "").read_bytes()) == (mime == "image/png")


def test_a_picture_is_made_to_fit_the_server(rig: MastodonRig, tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    limit(rig, image_matrix_limit=10_000, image_size_limit=2_000)
    rig.prepare(image=large_picture(tmp_path, (400, 300)))
    (media,) = rig.server.media.values()
    with pillow.open(io.BytesIO(media["bytes"])) as made:
        assert made.width * made.height <= 10_000
        assert made.width / made.height == pytest.approx(4 / 3, abs=0.03)
    assert len(media["bytes"]) <= 2_000


def test_a_picture_that_moves_goes_on_moving(rig: MastodonRig, tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    file = tmp_path / "moving.gif"
    frames = [pillow.new("RGB", (8, 8), color) for color in ("red", "green", "blue")]
    frames[0].save(file, save_all=True, append_images=frames[1:], duration=90, loop=0)
    rig.prepare(image=Image(alt="", file=str(file), shown="moving.gif", mime="image/gif"))
    (media,) = rig.server.media.values()
    assert media["bytes"] == file.read_bytes()


def test_a_point_to_keep(rig: MastodonRig, tmp_path: Path) -> None:
    rig.prepare(image=replace(picture(tmp_path), focus=(0.25, -7.0)))
    (media,) = rig.server.media.values()
    assert media["focus"] == "0.25,-1"


def test_only_uploading_fails(rig: MastodonRig, tmp_path: Path) -> None:
    """Then the outbox may go without the picture; where the whole server is ill, it may not."""
    image = picture(tmp_path)
    rig.server.media_script = [Reply(503, {"error": "later"})]
    with pytest.raises(MediaUnavailable):
        rig.prepare(image=image)
    rig.server.media_script = [Reply(503, {"error": "later"})]
    rig.server.ill = True
    with pytest.raises(Transient) as caught:
        rig.prepare(image=image)
    assert not isinstance(caught.value, MediaUnavailable)


# --- what a server teaches ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instance", "limit"),
    [
        ({"version": "4.5.2", "configuration": {"statuses": {}}}, None),
        (
            {
                "version": "4.5.2",
                "configuration": {
                    "statuses": {"max_characters": 1000, "characters_reserved_per_url": 25}
                },
            },
            TextLimit(unit="graphemes", maximum=1000, link_cost=25),
        ),
        (
            {"version": "2.7.2 (compatible; Pleroma 2.9.1)", "max_toot_chars": 5000},
            TextLimit(unit="code-points", maximum=5000),
        ),
        (
            {
                "version": "takahe/0.11.0",
                "configuration": {
                    "statuses": {"max_characters": 500, "characters_reserved_per_url": 23}
                },
            },
            TextLimit(unit="code-points", maximum=500),
        ),
        (
            {"version": "4.5.2", "configuration": {"statuses": {"max_characters": True}}},
            None,
        ),
        ({"version": "4.5.2", "configuration": {"statuses": {"max_characters": -1}}}, None),
    ],
)
def test_how_a_server_counts(instance: Any, limit: TextLimit | None) -> None:
    assert read_server(instance).limit == limit


def test_limits_are_learnt_when_sending(rig: MastodonRig) -> None:
    assert isinstance(rig.poster, Learning)
    assert rig.poster.learnt() is None
    rig.prepare()
    assert rig.poster.learnt() == TextLimit(unit="graphemes", maximum=500, link_cost=23)


def test_whose_login_it_is(rig: MastodonRig) -> None:
    assert isinstance(rig.poster, Identified)
    who, host = rig.poster.identity(), rig.server.base.removeprefix("http://")
    assert (who.id, who.name, who.left) == (f"1001@{host}", f"@alice@{host}", 299)


# --- warnings, edits, deletes ---------------------------------------------------------------------


def test_a_content_warning(rig: MastodonRig) -> None:
    one = replace(draft(), options={"cw": "虫の写真"})
    prepared = rig.poster.prepare(one, 0, (), True)
    rig.commit(prepared)
    assert rig.visible()[0]["spoiler_text"] == "虫の写真"
    rig.commit(edit(rig, draft(), rig.commit(prepared)), "key-2")
    assert rig.visible()[0]["spoiler_text"] == ""


def edit(rig: MastodonRig, one: Draft, receipt: Receipt, *, with_images: bool = True) -> Prepared:
    assert isinstance(rig.poster, Changeable)
    return rig.poster.prepare_edit(one, 0, (), receipt, with_images)


def test_an_edit_is_one_call_that_changes_the_text(rig: MastodonRig) -> None:
    receipt = rig.commit(rig.prepare())
    prepared = edit(rig, draft(f"直した題名\n{LINK}"), receipt)
    assert json.loads(json.dumps(dict(prepared.payload))) == prepared.payload
    assert rig.poster.find(prepared.payload, "key-2", rig.earlier, ()) == Absent()
    before = len(rig.visible_calls())
    assert rig.commit(prepared, "key-2").id == receipt.id
    assert len(rig.visible_calls()) == before + 1
    (post,) = rig.visible()
    assert "直した題名" in post["content"]
    assert post["visibility"] == "public"
    assert isinstance(rig.poster.find(prepared.payload, "key-2", rig.earlier, ()), Found)


@pytest.mark.parametrize("tells_source", [True, False])
@pytest.mark.parametrize("fault", ["drop_before", "502_before", "drop_after", "garbage_after"])
def test_an_edit_whose_answer_is_lost(rig: MastodonRig, fault: str, tells_source: bool) -> None:
    rig.server.tells_source = tells_source
    prepared = edit(rig, draft(f"直した <題名>\n{LINK}"), rig.commit(rig.prepare()))
    assert prepared.replay is Replay.SEARCHABLE
    rig.lose(prepared, fault)
    finding = rig.poster.find(prepared.payload, "key-2", rig.earlier, ())
    assert isinstance(finding, Found if fault.endswith("after") else Absent)


def test_an_edit_that_gives_the_post_another_id(rig: MastodonRig) -> None:
    rig.server.new_ids = True
    receipt = rig.commit(rig.prepare())
    edited = rig.commit(edit(rig, draft("直した"), receipt), "key-2")
    assert edited.id == receipt.id + "1"
    again = rig.commit(edit(rig, draft("また直した"), edited), "key-3")
    assert again.id == edited.id + "1"
    assert len(rig.visible()) == 1


def test_an_edit_of_a_post_that_is_gone(rig: MastodonRig) -> None:
    receipt = rig.commit(rig.prepare())
    prepared = edit(rig, draft("直した"), receipt)
    rig.server.visible.clear()
    with pytest.raises(Rejected, match="no longer there"):
        edit(rig, draft("直した"), receipt)
    with pytest.raises(Rejected):
        rig.commit(prepared, "key-2")
    assert rig.poster.find(prepared.payload, "key-2", rig.earlier, ()) == Absent()


def test_an_edit_keeps_the_picture_and_describes_it_anew(rig: MastodonRig, tmp_path: Path) -> None:
    image = picture(tmp_path)
    receipt = rig.commit(rig.prepare(image=image))
    better = replace(draft("直した", image=replace(image, alt="海の絵")))
    rig.commit(edit(rig, better, receipt), "key-2")
    assert rig.visible()[0]["media_attachments"] == [{"id": "5001", "description": "海の絵"}]
    assert len(rig.server.media) == 1


def test_an_edit_with_another_picture_replaces_it(rig: MastodonRig, tmp_path: Path) -> None:
    receipt = rig.commit(rig.prepare(image=picture(tmp_path)))
    other = large_picture(tmp_path, (9, 9))
    edited = rig.commit(edit(rig, draft("直した", image=other), receipt), "key-2")
    assert [m["id"] for m in rig.visible()[0]["media_attachments"]] == ["5002"]
    assert edited.extra["images"] != receipt.extra["images"]
    rig.commit(edit(rig, draft("また直した", image=other), edited), "key-3")
    assert [m["id"] for m in rig.visible()[0]["media_attachments"]] == ["5002"]
    rig.commit(edit(rig, draft("絵なし"), edited), "key-4")
    assert rig.visible()[0]["media_attachments"] == []


def test_an_edit_without_images_leaves_them_alone(rig: MastodonRig, tmp_path: Path) -> None:
    """The outbox gave up uploading: what is there stays."""
    receipt = rig.commit(rig.prepare(image=picture(tmp_path)))
    rig.commit(edit(rig, draft("直した"), receipt, with_images=False), "key-2")
    assert [m["id"] for m in rig.visible()[0]["media_attachments"]] == ["5001"]


def test_a_server_that_does_not_delete(rig: MastodonRig) -> None:
    prepared = rig.retract(rig.commit(rig.prepare()))
    rig.server.deletes = False
    with pytest.raises(Rejected, match="does not delete"):
        rig.commit(prepared, "key-2")
    assert len(rig.visible()) == 1


# --- readiness ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instance", "words"),
    [
        ("", "No server address"),
        ("mastodon.example", "not the address"),
        ("https://user:pw@mastodon.example", "not the address"),
        ("https://mastodon.example/@me", "not the address"),
        ("ftp://mastodon.example", "not the address"),
        ("http://mastodon.example", "unprotected"),
        ("https://mastodon.example\n", "not the address"),
    ],
)
def test_an_instance_that_cannot_be_one(instance: str, words: str) -> None:
    account = Account(name="a", network="mastodon", instance=instance, token=TOKEN)
    assert words in str(missing(account, lambda secret: "t"))


@pytest.mark.parametrize(
    "instance", ["https://m.example", "https://m.example/", "http://127.0.0.1:80"]
)
def test_an_account_that_is_ready(instance: str) -> None:
    account = Account(name="a", network="mastodon", instance=instance, token=TOKEN)
    assert missing(account, lambda secret: "t") is None


def test_an_account_without_its_token_names_where_it_should_be() -> None:
    account = Account(name="a", network="mastodon", instance="https://m.example")
    assert "No token" in str(missing(account, lambda secret: None))
    for token, place in ((TOKEN, "MASTODON_TOKEN"), (Secret(file="t.txt"), r"t.txt")):
        account = Account(name="a", network="mastodon", instance="https://m.example", token=token)
        assert place in str(missing(account, lambda secret: None))
        assert place in str(missing(account, lambda secret: " \n"))
