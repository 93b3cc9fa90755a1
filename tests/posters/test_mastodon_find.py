"""Mastodon and its kin, read back: what is found, what is absent, what cannot be told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from bot.errors import OutcomeUnknown, Transient
from bot.model import Absent, CannotTell, Found, Readable
from bot.net import Answer
from bot.posters.mastodon import DETECTED_SECONDS
from tests.posters.contract import CANARY, LINK, NOON
from tests.posters.test_mastodon import MastodonRig


@pytest.fixture
def rig() -> Iterator[MastodonRig]:
    rig = MastodonRig("mastodon")
    yield rig
    rig.server.stop()
    assert rig.server.violations == []


def find(rig: MastodonRig, **more: Any) -> Any:
    return rig.poster.find(rig.prepare(**more).payload, "key-1", rig.earlier, ())


def test_an_older_post_with_the_link_is_not_it(rig: MastodonRig) -> None:
    rig.commit(rig.prepare())
    rig.clock.passed += 3600
    assert find(rig) == Absent()


def test_a_link_is_found_in_the_card(rig: MastodonRig) -> None:
    rig.server.add(CANARY, status="ご覧ください", card={"url": LINK})
    assert isinstance(find(rig), Found)


@pytest.mark.parametrize(
    "spelling",
    [
        "https://blog.example/posts/日記/?a=1&b=2",
        "http://BLOG.example:80/posts/%e6%97%a5%e8%a8%98?a=1&b=2",
    ],
)
def test_a_link_in_another_spelling_is_found(rig: MastodonRig, spelling: str) -> None:
    rig.server.add(CANARY, status=f"見て {spelling}")
    assert isinstance(find(rig), Found)


@pytest.mark.parametrize(
    "other",
    [LINK + "3", "https://blog.example/posts/", "https://other.example/posts/日記/?a=1&b=2"],
)
def test_another_link_is_not_it(rig: MastodonRig, other: str) -> None:
    rig.server.add(CANARY, status=f"見て {other}")
    assert find(rig) == Absent()


def test_a_reply_with_the_link_is_not_it(rig: MastodonRig) -> None:
    rig.server.add(CANARY, status=LINK, in_reply_to_id="77")
    assert find(rig) == Absent()


@pytest.mark.parametrize("leaves_out", [True, False], ids=["left out", "listed all the same"])
def test_a_boost_of_somebody_elses_link_is_not_it(rig: MastodonRig, leaves_out: bool) -> None:
    rig.server.leaves_out_reblogs = leaves_out
    rig.server.add(CANARY, status=LINK, reblog={"id": "77", "content": LINK})
    assert find(rig) == Absent()
    assert isinstance(rig.poster, Readable)
    assert list(rig.poster.recent(20)) == []


def test_a_post_without_a_link_is_found_by_its_text(rig: MastodonRig) -> None:
    text = "コマンド *a* < b\n\nか\u3099 👍 #tag"
    rig.server.add(CANARY, status="コマンド a < b\n\nが 👍 #tag")
    assert isinstance(find(rig, text=text, link=None), Found)
    assert find(rig, text=text + "!", link=None) == Absent()


def test_the_posts_of_others_are_not_read(rig: MastodonRig) -> None:
    rig.server.add("another token", status=LINK)
    assert find(rig) == Absent()


def test_pages_are_turned_until_the_time_is_reached(rig: MastodonRig) -> None:
    receipt = rig.commit(rig.prepare())
    for number in range(100):
        rig.server.add(CANARY, status=f"後 {number}")
    finding = find(rig)
    assert isinstance(finding, Found)
    assert finding.receipt.id == receipt.id
    assert len(rig.calls("/statuses")) == 1 + 3


def test_too_many_pages_cannot_tell(rig: MastodonRig) -> None:
    rig.commit(rig.prepare())
    for number in range(500):
        rig.server.add(CANARY, status=f"後 {number}")
    assert find(rig) == CannotTell()


@pytest.mark.parametrize(("others", "finding"), [(38, Absent()), (60, CannotTell())])
def test_a_server_that_turns_no_pages(rig: MastodonRig, others: int, finding: Any) -> None:
    """snac ignores limit and max_id, and gives what it has; 40 or more may not be all."""
    rig.server.turns_pages = False
    for number in range(others):
        rig.server.add(CANARY, status=f"別 {number}")
    assert find(rig) == finding
    rig.clock.passed += 3600
    assert find(rig) == Absent()


def test_a_zero_width_space_that_a_server_dropped_makes_no_difference(rig: MastodonRig) -> None:
    rig.server.add(CANARY, status="#1位 の日")
    assert isinstance(find(rig, text="#\u200b1位 の日", link=None), Found)


def test_text_that_a_server_took_for_html_is_found(rig: MastodonRig) -> None:
    text = "</p> &amp; <b>x</b> 1 < 2"
    rig.commit(rig.prepare(text, link=None))
    rig.visible()[0]["content"] = text
    assert isinstance(find(rig, text=text, link=None), Found)


def test_one_backdated_post_does_not_end_the_search(rig: MastodonRig) -> None:
    receipt = rig.commit(rig.prepare())
    for number in range(39):
        rig.server.add(CANARY, status=f"後 {number}")
    rig.server.add(CANARY, status="昔", created_at="2020-01-01T00:00:00Z")
    finding = find(rig)
    assert isinstance(finding, Found)
    assert finding.receipt.id == receipt.id


def test_private_posts_of_an_unknown_server_cannot_be_told() -> None:
    rig = MastodonRig("mastodon", visibility="private")
    with rig.server:
        assert find(rig) == Absent()
        rig.clock.passed += DETECTED_SECONDS
        rig.server.version = "4.0.0 (not true; really snac/2.75)"
        assert find(rig) == CannotTell()


@pytest.mark.parametrize("page", ["<html>", {"error": "x"}, [{"id": 5}], [None]])
def test_a_page_that_is_none_is_not_taken_for_empty(rig: MastodonRig, page: Any) -> None:
    answer = Answer(200, {}, json.dumps(page).encode())
    payload = rig.prepare().payload
    net_request = rig.net.request

    def request(method: str, url: str, **more: Any) -> Answer:
        return answer if url.endswith("/statuses") else net_request(method, url, **more)

    rig.net.request = request  # type: ignore[method-assign]
    with pytest.raises(Transient):
        rig.poster.find(payload, "key-1", rig.earlier, ())


def test_the_key_of_mastodon_ends_after_an_hour(rig: MastodonRig) -> None:
    """The fake follows its source; so the window of a repeat must end before."""
    prepared = rig.prepare()
    rig.commit(prepared)
    rig.clock.passed += 3601
    rig.commit(prepared)
    assert len(rig.visible()) == 2
    assert prepared.key_seconds < 3600


def test_a_repeat_that_the_server_fails_on_is_settled_by_reading_back() -> None:
    """Mastodon 4.6.0 to about 4.6.7 answers 500 to a key that it knows."""
    rig = MastodonRig("mastodon46")
    with rig.server:
        prepared = rig.prepare()
        receipt = rig.commit(prepared)
        with pytest.raises(OutcomeUnknown):
            rig.commit(prepared)
        finding = rig.poster.find(prepared.payload, "key-1", rig.earlier, ())
    assert isinstance(finding, Found)
    assert finding.receipt.id == receipt.id
    assert len(rig.visible()) == 1


def test_the_clock_of_the_server_counts(rig: MastodonRig) -> None:
    """`since` is compared with the server's own times."""
    prepared = rig.prepare()
    rig.server.now = lambda: NOON + timedelta(minutes=5)
    rig.commit(prepared)
    assert isinstance(rig.poster.find(prepared.payload, "k", NOON, ()), Found)
    later = NOON + timedelta(minutes=5)
    assert rig.poster.find(prepared.payload, "k", later, ()) == Absent()
