"""What is planned while a post's page is not online yet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.errors import DraftError
from bot.i18n import msg
from bot.model import Delivery, Draft, Post, State
from bot.outbox import states
from bot.outbox.states import NOT_LIVE
from bot.settings import Account
from tests.outbox.test_plan import NOW, A, applied, compose, planning, post, summary
from tests.outbox.world import a_draft

FILE = Account(name="log", network="file")
HELD = ("held", NOT_LIVE)
SENT = ("planned", None)


def by_account(rows: list[Delivery]) -> dict[str, tuple[str, str | None]]:
    return {d.account: (d.state.value, d.reason) for d in rows}


def waiting(**more: Any) -> list[Delivery]:
    return applied([], planning([post("x")], unseen={"x"}, waits={"a"}, **more))


def test_a_new_post_waits_for_its_page_where_the_account_does() -> None:
    rows = waiting(accounts=[A, FILE], baselined={"a", "log"})
    assert by_account(rows) == {"a": HELD, "log": SENT}
    assert not any(states.asks(row) for row in rows)


def test_all_parts_of_a_thread_wait() -> None:
    def long(post: Post, account: Account) -> Draft:
        return a_draft(post.title, account.name, parts=3)

    assert [d.reason for d in waiting(compose=long)] == [NOT_LIVE] * 3


def test_a_page_that_is_known_is_not_waited_for() -> None:
    rows = applied([], planning([post("x"), post("y")], unseen={"y"}, waits={"a"}))
    assert summary(rows) == {"x": SENT, "y": HELD}


def test_backfilled_and_named_posts_wait_too() -> None:
    one = Account(name="a", network="fake", backfill=1)
    posts = [post("x"), post("y", day=2)]
    unseen: dict[str, Any] = {"unseen": {"x", "y"}, "waits": {"a"}}
    rows = applied([], planning(posts, accounts=[one], baselined=(), **unseen))
    assert summary(rows) == {"x": ("skipped", "baseline"), "y": HELD}
    rows = applied(rows, planning(posts, rows, named={"x"}, **unseen))
    assert summary(rows) == {"x": HELD, "y": HELD}


def test_planning_again_changes_nothing_and_keeps_what_the_look_said() -> None:
    (row,) = waiting()
    row = replace(row, error='{"t": "HTTP 404", "v": {}}', error_code="not-live")
    for named in ((), {"x"}):
        again = planning([post("x")], [row], unseen={"x"}, waits={"a"}, named=named)
        assert not again.changes_something
    mended = replace(post("x"), title="Y")
    (row,) = applied([row], planning([mended], [row], unseen={"x"}, waits={"a"}))
    assert (row.error_code, row.draft["title"] if row.draft else None) == ("not-live", "Y")


@pytest.mark.parametrize("why", ["live", "switched off"])
def test_it_goes_on_when_the_page_is_known_or_nobody_waits_any_more(why: str) -> None:
    (row,) = waiting()
    row = replace(row, needs_person=True, error='{"t": "HTTP 404", "v": {}}')
    more = {"unseen": (), "waits": {"a"}} if why == "live" else {"unseen": {"x"}, "waits": ()}
    (row,) = applied([row], planning([post("x")], [row], **more))
    assert (row.state, row.reason, row.error, row.needs_person) == (
        State.PLANNED,
        None,
        None,
        False,
    )


def test_what_a_person_approved_is_not_held_again() -> None:
    (row,) = waiting()
    row = replace(row, state=State.PLANNED, reason=None)
    assert not planning([post("x")], [row], unseen={"x"}, waits={"a"}).changes_something


def test_a_new_address_before_the_claim_is_waited_for_again() -> None:
    (row,) = waiting()
    row = replace(row, state=State.PLANNED, reason=None)
    elsewhere = replace(post("x"), url="https://blog.example/z/")
    look = {"unseen": {"x"}, "waits": {"a"}}
    (held,) = applied([row], planning([elsewhere], [row], **look))
    assert (held.state.value, held.reason) == HELD
    frozen = replace(row, frozen=True)
    assert not planning([elsewhere], [frozen], **look).changes_something


def test_a_flood_waits_for_a_person_first() -> None:
    posts = [post("x"), post("y")]
    rows = applied([], planning(posts, flood=1, unseen={"x", "y"}, waits={"a"}))
    assert summary(rows) == {"x": ("held", "flood"), "y": ("held", "flood")}
    rows = applied(
        rows, planning(posts, rows, flood=1, unseen={"x", "y"}, waits={"a"}, named={"x"})
    )
    assert summary(rows) == {"x": HELD, "y": ("held", "flood")}


def test_a_text_that_cannot_be_made_is_for_a_person_and_waits_when_it_is_mended() -> None:
    def broken(post: Post, account: Account) -> Draft:
        raise DraftError(msg("too long"), code="too-long")

    look = {"unseen": {"x"}, "waits": {"a"}}
    for rows in (waiting(compose=broken), waiting()):
        rows = applied(rows, planning([post("x")], rows, compose=broken, **look))
        assert summary(rows) == {"x": ("held", "draft")}
        assert states.asks(rows[0])
        rows = applied(rows, planning([post("x")], rows, compose=compose, **look))
        assert summary(rows) == {"x": HELD}


def test_what_comes_back_waits_again() -> None:
    rows = waiting()
    gone = applied(rows, planning([], rows))
    assert summary(gone) == {"x": ("cancelled", "gone")}
    assert summary(applied(gone, planning([post("x")], gone, unseen={"x"}, waits={"a"}))) == {
        "x": HELD
    }


def test_it_asks_for_a_person_at_its_deadline() -> None:
    (row,) = waiting()
    assert states.asks(replace(row, needs_person=True))
    assert states.asks(replace(row, reason="flood"))


def test_what_waits_too_long_for_its_page_is_skipped() -> None:
    (row,) = waiting()
    look: dict[str, Any] = {"unseen": {"x"}, "waits": {"a"}, "max_age": lambda account: 10}
    assert not planning([post("x")], [row], now=NOW + 9, **look).moves
    (late,) = applied([row], planning([post("x")], [row], now=NOW + 10, **look))
    assert (late.state.value, late.reason) == ("skipped", "aged")
    named = planning([post("x")], [row], now=NOW + 10, named={"x"}, **look)
    assert not named.moves


def test_asked_for_now_it_waits_for_its_page_and_for_nothing_else() -> None:
    (row,) = waiting()
    row = replace(row, due=NOW + 50)
    look: dict[str, Any] = {"unseen": {"x"}, "waits": {"a"}, "named": {"x"}, "now_asked": True}
    (asked,) = applied([row], planning([post("x")], [row], **look))
    assert (asked.reason, asked.due, asked.exact) == (NOT_LIVE, NOW, True)
