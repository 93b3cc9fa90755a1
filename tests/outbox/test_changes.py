"""Edits and removals: coalesced, after their share's receipt, never twice, never by a rename."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.ledger.store import Ledger
from bot.model import Delivery, Draft, Post, Replay, State
from bot.outbox.changes import EDIT, RETRACT, STAYS_AWAY, edits, removals
from bot.outbox.plan import Plan
from bot.settings import Account
from tests.outbox.test_dispatcher import dispatcher
from tests.outbox.test_plan import A, applied, planning, post
from tests.outbox.world import FakeClock, Network, a_draft

NOW = 5_000_000


def sent(rows: Sequence[Delivery]) -> list[Delivery]:
    return [
        replace(r, state=State.SENT, frozen=True, remote_id=f"r{r.part}", sent_at=NOW) for r in rows
    ]


def share(text: str = "一", parts: int = 1) -> list[Delivery]:
    def compose(post: Post, account: Account) -> Draft:
        return a_draft(text, account.name, parts)

    return applied([], planning([post("x")], compose=compose))


def test_an_edit_waits_for_its_shares_receipt() -> None:
    rows = share()
    assert not edits(rows, a_draft("二"), NOW).new
    (edit,) = edits(sent(rows), a_draft("二"), NOW).new
    assert (edit.kind, edit.generation, edit.subject) == (EDIT, 0, "x")


def test_an_unchanged_draft_is_no_edit() -> None:
    assert not edits(sent(share()), a_draft("一"), NOW).new


def test_edits_coalesce_and_one_that_is_taken_back_is_not_made() -> None:
    rows = sent(share())
    first = edits(rows, a_draft("二"), NOW)
    rows = [*rows, *first.new]
    second = edits(rows, a_draft("三"), NOW)
    assert not second.new
    ((_, values),) = second.anew
    assert values["draft"]["parts"][0]["text"] == "三"
    back = edits(rows, a_draft("一"), NOW)
    assert [(m.state, m.values["reason"]) for _, m in back.moves] == [
        (State.CANCELLED, "unchanged")
    ]


def test_the_next_edit_is_against_the_last_one() -> None:
    rows = sent(share())
    rows += sent(edits(rows, a_draft("二"), NOW).new)
    assert not edits(rows, a_draft("二"), NOW).new
    (edit,) = edits(rows, a_draft("三"), NOW).new
    assert edit.generation == 1


@pytest.mark.parametrize("state", [State.CLAIMED, State.SENDING, State.UNKNOWN])
def test_nothing_while_an_edit_is_under_way(state: State) -> None:
    rows = sent(share())
    rows += [replace(r, state=state, frozen=True) for r in edits(rows, a_draft("二"), NOW).new]
    made = edits(rows, a_draft("三"), NOW)
    assert not made.new
    assert not made.anew


def test_an_edit_that_was_refused_is_not_tried_again_and_again() -> None:
    rows = sent(share())
    rows += [replace(r, state=State.FAILED) for r in edits(rows, a_draft("二"), NOW).new]
    assert not edits(rows, a_draft("二"), NOW).new
    assert edits(rows, a_draft("三"), NOW).new


def test_each_part_is_edited_by_itself() -> None:
    rows = sent(share("一", parts=2))
    changed = a_draft("一", parts=2)
    changed = replace(changed, parts=(changed.parts[0], replace(changed.parts[1], text="別の文")))
    assert [r.part for r in edits(rows, changed, NOW).new] == [1]


def test_a_removal_counts_after_an_hour() -> None:
    rows = sent(share())
    assert not removals(rows, NOW, NOW + STAYS_AWAY - 1).new
    (row,) = removals(rows, NOW, NOW + STAYS_AWAY).new
    assert row.kind == RETRACT
    assert not removals([*rows, row], NOW, NOW + STAYS_AWAY * 2).new


def test_a_post_that_is_back_keeps_its_share() -> None:
    rows = sent(share())
    rows += removals(rows, NOW, NOW + STAYS_AWAY).new
    ((_, move),) = removals(rows, None, NOW).moves
    assert (move.state, move.values["reason"]) == (State.CANCELLED, "back")


def test_what_was_not_sent_is_not_taken_back() -> None:
    assert not removals(share(), NOW, NOW + STAYS_AWAY).new


def changing(posts: Sequence[Post], rows: Sequence[Delivery], **more: object) -> Plan:
    whole = {row.subject for row in rows}
    return planning(posts, rows, edits={"a"}, retracts={"a"}, whole=whole, **more)


def test_a_flood_of_edits_is_held() -> None:
    posts = [post(f"p{n}") for n in range(11)]
    rows = sent(applied([], planning(posts)))
    edited = [replace(p, title=p.title + "！") for p in posts]
    made = changing(edited, rows)
    assert {(r.kind, r.state, r.reason) for r in made.new} == {(EDIT, State.HELD, "flood")}
    assert len({r.id for r in made.new}) == 11
    ten = changing(edited[:10], rows)
    assert {r.state for r in ten.new} == {State.PLANNED}


def test_accounts_that_do_not_want_it_change_nothing() -> None:
    rows = sent(applied([], planning([post("x")])))
    assert not planning([replace(post("x"), title="別")], rows, whole={"x"}).new
    assert not planning([], rows, gone={"x": 0}, now=STAYS_AWAY * 2).new


@pytest.mark.parametrize("replay", [Replay.KEYED, Replay.SEARCHABLE])
@pytest.mark.parametrize("fault", [None, "before", "after"])
def test_an_edit_and_a_removal_reach_the_network_once(
    ledger: Ledger, clock: FakeClock, replay: Replay, fault: str | None
) -> None:
    net = Network(clock)
    known = planning([post("x")], baselined={"a"}, now=ledger.now())
    ledger.add(known.new, ledger.now())
    dispatcher(ledger, net, replay).turn(["a"])
    net.faults = [fault]
    edited = changing([replace(post("x"), title="直した")], ledger.deliveries(), now=ledger.now())
    ledger.add(edited.new, ledger.now())
    dispatcher(ledger, net, replay).turn(["a"])
    assert net.texts() == ["直した"]
    net.faults = [fault]
    clock.go(7200)
    gone = changing([], ledger.deliveries(), gone={"x": 0}, now=ledger.now())
    ledger.add(gone.new, ledger.now())
    dispatcher(ledger, net, replay).turn(["a"])
    assert net.texts() == []
    assert {d.state for d in ledger.deliveries()} == {State.SENT}
    assert A.name == "a"
