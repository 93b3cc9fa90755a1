"""The dispatcher on a real ledger and a network that loses answers: once, and never lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.errors import (
    MediaRefused,
    MediaUnavailable,
    OutOfQuota,
    PosterError,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
)
from bot.i18n import msg
from bot.ledger.store import Ledger
from bot.model import Delivery, Draft, Replay, Seen, State, TextLimit
from bot.outbox.dispatcher import Dispatcher, Outfit
from bot.outbox.drafts import draft_json
from bot.outbox.plan import delivery_id
from bot.outbox.states import SECOND, Policy
from tests.outbox.world import START, FakeClock, FakePoster, Network, a_draft

POLICY = Policy(
    settling=16 * SECOND, gap=2 * SECOND, give_up=3 * 86400 * SECOND, timeout=15 * SECOND
)


class Died(BaseException):
    """The process ends here, as SIGKILL ends it: nothing after this place happens."""


def planned(
    ledger: Ledger, text: str, *, account: str = "a", seq: int = 0, parts: int = 1
) -> list[Delivery]:
    now = ledger.now()
    draft = a_draft(text, account, parts)
    rows = [
        Delivery(
            id=delivery_id(ledger.site, text, account, "share", 0, part),
            subject=text,
            account=account,
            network="fake",
            kind="share",
            generation=0,
            part=part,
            state=State.PLANNED,
            due=now,
            seq=seq,
            draft=draft_json(draft),
            planned_at=now,
            created_at=now,
        )
        for part in range(parts)
    ]
    ledger.add(rows, now)
    return rows


def dispatcher(
    ledger: Ledger,
    net: Network,
    replay: Replay,
    *,
    owner: str = "p1",
    dies_at: str | None = None,
    compose: Callable[[Delivery, bool], Draft | None] = lambda d, link: None,
) -> Dispatcher:
    poster = FakePoster(net, replay)

    def reached(place: str) -> None:
        if place == dies_at:
            raise Died(place)

    return Dispatcher(
        Outfit(
            ledger=ledger,
            poster=lambda name: poster,
            compose=compose,
            policy=POLICY,
            owner=owner,
            clock=net.clock,
            jitter=lambda: 0.5,
            stop=threading.Event(),
            reached=reached,
        )
    )


def states(ledger: Ledger) -> dict[str, State]:
    return {d.subject: d.state for d in ledger.deliveries() if d.part == 0}


@pytest.fixture
def net(clock: FakeClock) -> Network:
    return Network(clock)


REPLAYS = [Replay.KEYED, Replay.SEARCHABLE]


@pytest.mark.parametrize("replay", [*REPLAYS, Replay.BLIND])
def test_sends_in_order_once(ledger: Ledger, net: Network, replay: Replay) -> None:
    for seq, text in enumerate("一二三"):
        planned(ledger, text, seq=seq)
    dispatcher(ledger, net, replay).turn(["a"])
    dispatcher(ledger, net, replay).turn(["a"])
    assert net.texts() == ["一", "二", "三"]
    assert set(states(ledger).values()) == {State.SENT}
    assert {d.remote_url for d in ledger.deliveries()} == {
        f"https://net.example/{n}" for n in (1, 2, 3)
    }


@pytest.mark.parametrize("replay", REPLAYS)
@pytest.mark.parametrize(
    "faults",
    [
        ["before"],
        ["after"],
        ["after", "after"],
        ["before", "before"],
        ["before", "after", "before"],
    ],
)
def test_a_lost_answer_is_settled_in_the_same_turn(
    ledger: Ledger, net: Network, replay: Replay, faults: list[str | PosterError | None]
) -> None:
    net.honours_keys = replay is Replay.KEYED
    net.faults = faults
    planned(ledger, "一")
    dispatcher(ledger, net, replay).turn(["a"])
    assert net.texts() == ["一"]
    assert states(ledger) == {"一": State.SENT}


def test_blind_waits_for_a_person(ledger: Ledger, net: Network) -> None:
    net.faults = ["after"]
    planned(ledger, "一")
    planned(ledger, "二", seq=1)
    dispatcher(ledger, net, Replay.BLIND).turn(["a"])
    assert net.texts() == ["一", "二"]
    assert states(ledger) == {"一": State.UNKNOWN, "二": State.SENT}
    (row,) = [d for d in ledger.open() if d.subject == "一"]
    assert row.needs_person


def test_two_looks_with_a_gap_before_it_is_sent_again(ledger: Ledger, net: Network) -> None:
    """What becomes visible between the looks is found by the second."""
    net.honours_keys = False
    net.faults = ["before"]
    (row,) = planned(ledger, "一")
    times = []

    class Late(FakePoster):
        def find(self, payload, key, since, known):  # type: ignore[no-untyped-def]
            times.append(net.clock.now())
            answer = super().find(payload, key, since, known)
            if len(times) == 1:
                net._accept(payload, key)
            return answer

    poster = Late(net, Replay.SEARCHABLE)
    base = dispatcher(ledger, net, Replay.SEARCHABLE)
    base._o = replace(base._o, poster=lambda name: poster)
    base.turn(["a"])
    assert net.texts() == ["一"]
    assert times[0] - START >= timedelta(seconds=16)
    assert times[1] - times[0] >= timedelta(seconds=2)
    found = ledger.get(row.id)
    assert found is not None
    assert (found.state, found.source) == (State.SENT, "found")


PLACES = ["claimed", "prepared", "sending", "answered", "sent"]


@pytest.mark.parametrize("replay", REPLAYS)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("parts", [1, 2])
def test_dying_anywhere_posts_once(
    ledgers: Callable[[], Ledger],
    clock: FakeClock,
    net: Network,
    replay: Replay,
    place: str,
    parts: int,
) -> None:
    net.honours_keys = replay is Replay.KEYED
    first = ledgers()
    planned(first, "一", parts=parts)
    planned(first, "二", seq=1)
    first.owners.hold("dead")
    with pytest.raises(Died):
        dispatcher(first, net, replay, owner="dead", dies_at=place).turn(["a"])
    first.owners.release()
    second = ledgers()
    dispatcher(second, net, replay, owner="p2").turn(["a"])
    expected = ["一", "一 (2)"] if parts == 2 else ["一"]
    assert sorted(net.texts()) == sorted([*expected, "二"])
    assert all(d.state is State.SENT for d in second.deliveries())


@pytest.mark.parametrize("place", ["sending", "answered"])
def test_dying_in_the_repeat_posts_once(
    ledgers: Callable[[], Ledger], net: Network, place: str
) -> None:
    first = ledgers()
    planned(first, "一")
    net.faults = ["after"]
    first.owners.hold("dead")
    with pytest.raises(Died):
        dispatcher(
            first,
            net,
            Replay.KEYED,
            owner="dead",
            dies_at="repeating" if place == "sending" else "answered",
        ).turn(["a"])
    first.owners.release()
    dispatcher(ledgers(), net, Replay.KEYED, owner="p2").turn(["a"])
    assert net.texts() == ["一"]


def test_a_dead_owner_is_taken_over_at_once(ledgers: Callable[[], Ledger], net: Network) -> None:
    first = ledgers()
    (_row,) = planned(first, "一")
    first.owners.hold("dead")
    first.claim("a", "dead", first.now(), first.now() + 60 * SECOND, None)
    first.owners.release()
    before = net.clock.now()
    dispatcher(ledgers(), net, Replay.SEARCHABLE, owner="p2").turn(["a"])
    assert net.texts() == ["一"]
    assert net.clock.now() == before


def test_a_stopped_owner_is_never_overtaken_by_a_second_call(
    ledgers: Callable[[], Ledger], clock: FakeClock, net: Network
) -> None:
    """It lives, its lease has run out in `sending`, it wakes: one post."""
    net.honours_keys = False
    first = ledgers()
    (row,) = planned(first, "一")
    first.owners.hold("stopped")
    with pytest.raises(Died):
        dispatcher(first, net, Replay.SEARCHABLE, owner="stopped", dies_at="sending").turn(["a"])
    clock.go(120)
    second = ledgers()
    dispatcher(second, net, Replay.SEARCHABLE, owner="p2").turn(["a"], settle=False)
    for _ in range(5):
        clock.go(60)
        dispatcher(second, net, Replay.SEARCHABLE, owner="p2").turn(["a"], settle=False)
    assert states(second) == {"一": State.UNKNOWN}
    assert net.texts() == []
    waking = second.get(row.id)
    assert waking is not None
    net._accept({"text": "一"}, "k")
    clock.go(60)
    dispatcher(second, net, Replay.SEARCHABLE, owner="p2").turn(["a"], settle=False)
    assert states(second) == {"一": State.SENT}
    assert net.texts() == ["一"]


def test_a_process_that_stood_still_begins_no_call(
    ledger: Ledger, clock: FakeClock, net: Network
) -> None:
    """The last check before the write is a clock that also runs while the machine sleeps."""
    planned(ledger, "一")
    made = dispatcher(ledger, net, Replay.SEARCHABLE)

    def sleep(place: str) -> None:
        if place == "sending":
            clock.go(50)

    made._o = replace(made._o, reached=sleep)
    made.turn(["a"], settle=False)
    assert net.calls == 0
    assert states(ledger) == {"一": State.SENDING}


def test_a_moved_row_is_a_lost_lease(ledger: Ledger, clock: FakeClock, net: Network) -> None:
    """Another process took it between claim and `sending`: no call is made."""
    (row,) = planned(ledger, "一")
    made = dispatcher(ledger, net, Replay.SEARCHABLE)

    def steal(place: str) -> None:
        if place == "prepared":
            seen = ledger.get(row.id)
            assert seen is not None
            ledger.move(seen, State.RETRY, {"owner": None}, now=ledger.now(), event="stolen")
            clock.go(1)
            assert ledger.claim("a", "other", ledger.now(), ledger.now() + SECOND, None)

    made._o = replace(made._o, reached=steal)
    made.turn(["a"], settle=False)
    assert net.calls == 0


@pytest.mark.parametrize(
    ("error", "state", "attempts", "waits"),
    [
        (Transient(msg("busy")), State.RETRY, 1, False),
        (RateLimited(msg("slow down"), until=START + timedelta(minutes=5)), State.RETRY, 0, True),
        (OutOfQuota(msg("no credits"), until=START + timedelta(days=2)), State.RETRY, 0, True),
        (Unauthorized(msg("bad token")), State.RETRY, 0, True),
        (Rejected(msg("too long")), State.FAILED, 0, False),
    ],
)
def test_refusals(
    ledger: Ledger, net: Network, error: PosterError, state: State, attempts: int, waits: bool
) -> None:
    net.faults = [error]
    planned(ledger, "一")
    planned(ledger, "二", seq=1)
    dispatcher(ledger, net, Replay.SEARCHABLE).turn(["a"])
    row = next(d for d in ledger.deliveries() if d.subject == "一")
    assert (row.state, row.attempts) == (state, attempts)
    assert net.texts() == ([] if waits else ["二"])


def test_a_login_refused_in_prepare_burns_no_attempt_and_is_tried_after_the_pause(
    ledger: Ledger, clock: FakeClock, net: Network
) -> None:
    ledger.baseline("a", "fake", [], ledger.now())
    net.prepare_faults = [Unauthorized(msg("bad token"))]
    planned(ledger, "一")
    dispatcher(ledger, net, Replay.KEYED).turn(["a"])
    assert ledger.targets()["a"].paused
    clock.go(60)
    dispatcher(ledger, net, Replay.KEYED).turn(["a"])
    assert net.texts() == []
    clock.go(3600)
    dispatcher(ledger, net, Replay.KEYED).turn(["a"])
    assert net.texts() == ["一"]
    assert ledger.targets()["a"].paused is None


def test_an_image_that_is_refused_never_loses_the_post(ledger: Ledger, net: Network) -> None:
    net.faults = [MediaRefused(msg("no such media")) for _ in range(3)]
    planned(ledger, "一")
    dispatcher(ledger, net, Replay.SEARCHABLE).turn(["a"])
    assert net.texts() == ["一"]
    (row,) = ledger.deliveries()
    assert row.payload == {"text": "一", "reply": None, "images": False}


def test_only_age_ends_retries(ledger: Ledger, clock: FakeClock, net: Network) -> None:
    net.faults = [Transient(msg("busy")) for _ in range(400)]
    planned(ledger, "一")
    for _ in range(100):
        dispatcher(ledger, net, Replay.SEARCHABLE).turn(["a"])
        clock.go(3600)
    (row,) = ledger.deliveries()
    assert (row.state, row.reason) == (State.FAILED, "too-old")
    assert 70 <= row.attempts <= 90


def test_the_last_part_waits_for_the_first_and_falls_with_it(ledger: Ledger, net: Network) -> None:
    net.faults = [None, Rejected(msg("no replies"))]
    planned(ledger, "一", parts=3)
    dispatcher(ledger, net, Replay.KEYED).turn(["a"])
    assert net.texts() == ["一"]
    assert [d.state for d in sorted(ledger.deliveries(), key=lambda d: d.part)] == [
        State.SENT,
        State.FAILED,
        State.CANCELLED,
    ]


def test_a_reply_names_its_parent(ledger: Ledger, net: Network) -> None:
    planned(ledger, "一", parts=2)
    dispatcher(ledger, net, Replay.KEYED).turn(["a"])
    payloads = [d.payload for d in sorted(ledger.deliveries(), key=lambda d: d.part)]
    assert [p["reply"] for p in payloads if p] == [None, "1"]


def test_the_first_claim_composes_for_the_last_time(ledger: Ledger, net: Network) -> None:
    planned(ledger, "一")
    net.faults = [Transient(msg("busy"))]
    made = iter([a_draft("新しい本文")])
    run = dispatcher(ledger, net, Replay.KEYED, compose=lambda d, link: next(made))
    run.turn(["a"])
    net.clock.go(600)
    dispatcher(ledger, net, Replay.KEYED, compose=lambda d, link: a_draft("もっと新しい本文")).turn(
        ["a"]
    )
    assert net.texts() == ["新しい本文"]


def test_one_bad_account_does_not_stop_another(ledger: Ledger, clock: FakeClock) -> None:
    bad, good = Network(clock), Network(clock)
    bad.faults = [ValueError("a fault of the poster's own")]  # type: ignore[list-item]
    planned(ledger, "一", account="bad")
    planned(ledger, "一", account="good")
    base = dispatcher(ledger, good, Replay.SEARCHABLE)
    posters = {
        "bad": FakePoster(bad, Replay.SEARCHABLE),
        "good": FakePoster(good, Replay.SEARCHABLE),
    }
    base._o = replace(base._o, poster=lambda name: posters[name])
    base.turn(["bad", "good"])
    assert good.texts() == ["一"]
    assert bad.texts() == ["一"]


def test_a_refusal_in_doubt_is_no_failure(ledger: Ledger, net: Network) -> None:
    """A duplicate refused on the repeat is what a lost success looks like."""
    net.faults = ["after", Rejected(msg("duplicate"))]
    planned(ledger, "一")
    dispatcher(ledger, net, Replay.KEYED).turn(["a"])
    assert states(ledger) == {"一": State.SENT}
    assert net.texts() == ["一"]


def test_a_look_that_fails_settles_nothing(ledger: Ledger, clock: FakeClock, net: Network) -> None:
    net.honours_keys = False
    net.faults = ["after"]
    net.look_faults = [Transient(msg("down"))]
    planned(ledger, "一")
    dispatcher(ledger, net, Replay.SEARCHABLE).turn(["a"])
    clock.go(3600)
    dispatcher(ledger, net, Replay.SEARCHABLE).turn(["a"])
    assert states(ledger) == {"一": State.SENT}
    assert net.texts() == ["一"]


def test_history_tells_every_step(ledger: Ledger, net: Network) -> None:
    net.faults = ["after"]
    (row,) = planned(ledger, "一")
    dispatcher(ledger, net, Replay.SEARCHABLE).turn(["a"])
    assert [h["after"] for h in ledger.log(row.id)] == [
        "planned",
        "claimed",
        "sending",
        "unknown",
        "sent",
    ]


class Listing(FakePoster):
    """Can also be read: each post leads to a link made of its text."""

    def recent(self, limit: int) -> list[Seen]:
        fault = self.net.look_faults.pop(0) if self.net.look_faults else None
        if fault is not None:
            raise fault
        return [
            Seen(
                id=p["id"],
                url=f"https://net.example/{p['id']}",
                at=p["at"],
                text=p["text"],
                links=(p["link"],),
            )
            for p in self.net.visible[::-1][:limit]
        ]


def adopting(ledger: Ledger, net: Network) -> Dispatcher:
    made = dispatcher(ledger, net, Replay.SEARCHABLE)
    poster = Listing(net, Replay.SEARCHABLE)
    made._o = replace(made._o, poster=lambda name: poster, adopt=lambda name: 40)
    return made


def out_there(net: Network, link: str) -> None:
    net.visible.append(
        {"key": "other", "text": "by another tool", "id": "77", "at": START, "link": link}
    )


def test_what_is_out_there_already_is_not_repeated(ledger: Ledger, net: Network) -> None:
    out_there(net, "http://www.Blog.example/posts/a?utm_source=x")
    (row,) = planned(ledger, "一")
    with_link = draft_json(replace(a_draft("一"), link="https://blog.example/posts/a/"))
    ledger.compose_anew([(row, {"draft": with_link})], ledger.now())
    adopting(ledger, net).turn(["a"])
    assert net.calls == 0
    found = ledger.get(row.id)
    assert found is not None
    assert (found.state, found.source, found.remote_url) == (
        State.SENT,
        "found",
        "https://net.example/77",
    )


def test_only_the_same_link_is_adopted_and_reading_comes_once(ledger: Ledger, net: Network) -> None:
    out_there(net, "https://blog.example/posts/b/")
    (row,) = planned(ledger, "一")
    with_link = draft_json(replace(a_draft("一"), link="https://blog.example/posts/a/"))
    ledger.compose_anew([(row, {"draft": with_link})], ledger.now())
    net.look_faults = [None, Transient(msg("a second reading would fail"))]
    made = adopting(ledger, net)
    made.turn(["a"])
    planned(ledger, "二")
    made.turn(["a"])
    assert net.texts() == ["by another tool", "一", "二"]


def test_what_another_delivery_has_sent_is_not_adopted(ledger: Ledger, net: Network) -> None:
    """Another article at an address that was shared before: it is another post."""
    link = "https://blog.example/posts/a/"
    for title in ("一", "二"):
        (row,) = planned(ledger, title)
        with_link = draft_json(replace(a_draft(title), link=link))
        ledger.compose_anew([(row, {"draft": with_link})], ledger.now())
        adopting(ledger, net).turn(["a"])
        net.visible[-1]["link"] = link
    assert net.texts() == ["一", "二"]


def test_an_account_that_cannot_be_read_waits(
    ledger: Ledger, clock: FakeClock, net: Network
) -> None:
    net.look_faults = [Transient(msg("down"))]
    planned(ledger, "一")
    adopting(ledger, net).turn(["a"])
    assert net.calls == 0
    clock.go(60)
    adopting(ledger, net).turn(["a"])
    assert net.texts() == ["一"]


def test_a_login_that_may_not_read_still_writes(ledger: Ledger, net: Network) -> None:
    net.look_faults = [Rejected(msg("outside the authorized scopes"))]
    planned(ledger, "一")
    adopting(ledger, net).turn(["a"])
    assert net.texts() == ["一"]


def test_what_a_server_says_of_its_limit_is_remembered(ledger: Ledger, net: Network) -> None:
    limit = TextLimit(unit="graphemes", maximum=5000, link_cost=23)

    class Told(FakePoster):
        def learnt(self) -> TextLimit:
            return limit

    ledger.baseline("a", "fake", [], ledger.now())
    planned(ledger, "一")
    base = dispatcher(ledger, net, Replay.KEYED)
    base._o = replace(base._o, poster=lambda name: Told(net, Replay.KEYED))
    base.turn(["a"])
    assert ledger.targets()["a"].learnt == limit


def test_a_picture_that_cannot_be_uploaded_for_long_stays_away(
    ledger: Ledger, clock: FakeClock, net: Network
) -> None:
    net.prepare_faults = [MediaUnavailable(msg("upload failed")) for _ in range(3)]
    planned(ledger, "一")
    for _ in range(4):
        dispatcher(ledger, net, Replay.SEARCHABLE).turn(["a"])
        clock.go(600)
    assert net.texts() == ["一"]
    (row,) = ledger.deliveries()
    assert row.payload is not None
    assert row.payload["images"] is False


def test_the_rest_of_a_thread_whose_first_part_was_found_is_asked_about(
    ledger: Ledger, net: Network
) -> None:
    out_there(net, "https://blog.example/posts/a/")
    with_link = draft_json(replace(a_draft("一", parts=3), link="https://blog.example/posts/a/"))
    rows = planned(ledger, "一", parts=3)
    ledger.compose_anew([(row, {"draft": with_link}) for row in rows], ledger.now())
    adopting(ledger, net).turn(["a"])
    adopting(ledger, net).turn(["a"])
    assert net.calls == 0
    states_now = [(d.state, d.reason) for d in sorted(ledger.deliveries(), key=lambda d: d.part)]
    assert states_now == [(State.SENT, None), (State.HELD, "doubt"), (State.HELD, "doubt")]


def test_a_look_of_a_dead_process_is_taken_over_at_once(
    ledgers: Callable[[], Ledger], net: Network
) -> None:
    net.honours_keys = False
    net.faults = ["after"]
    first = ledgers()
    planned(first, "一")
    first.owners.hold("dead")
    with pytest.raises(Died):
        dispatcher(first, net, Replay.SEARCHABLE, owner="dead", dies_at="looked").turn(["a"])
    first.owners.release()
    before = net.clock.now()
    second = ledgers()
    dispatcher(second, net, Replay.SEARCHABLE, owner="p2").turn(["a"])
    assert states(second) == {"一": State.SENT}
    assert net.texts() == ["一"]
    assert net.clock.now() - before < timedelta(seconds=5)
