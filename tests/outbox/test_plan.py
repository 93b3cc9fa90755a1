"""What is planned, as a table: posts and rows in, rows and moves out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bot.errors import DraftError
from bot.i18n import msg
from bot.model import Delivery, Draft, Post, State, Summary
from bot.outbox.plan import Plan, View, plan
from bot.settings import Account
from tests.outbox.world import a_draft

A = Account(name="a", network="fake")
NOW = 1_000_000


def post(name: str, *, visible: bool = True, why: str | None = None, day: int = 1) -> Post:
    return Post(
        id=name,
        path=f"content/{name}.md",
        source="",
        url=f"https://blog.example/{name}/",
        title=name,
        date=datetime(2026, 2, day, tzinfo=UTC),
        lastmod=None,
        language="ja",
        tags=(),
        categories=(),
        summary=Summary(lines=(), source="title"),
        cover=None,
        content_hash=name,
        visible=visible,
        why_not=why,
    )


def compose(post: Post, account: Account) -> Draft:
    return a_draft(post.title, account.name)


def planning(posts: Sequence[Post], rows: Sequence[Delivery] = (), **more: Any) -> Plan:
    view: dict[str, Any] = {
        "site": "s",
        "posts": posts,
        "accounts": [A],
        "existing": rows,
        "baselined": {"a"},
        "compose": compose,
        "flood": 10,
        "now": NOW,
    }
    return plan(View(**(view | more)))


def applied(rows: Sequence[Delivery], made: Plan) -> list[Delivery]:
    """The rows as the ledger would hold them after this plan."""
    changed = {d.id: replace(d, state=m.state, **m.values) for d, m in made.moves}
    changed |= {d.id: replace(d, **values) for d, values in made.anew}
    base = [d for group in made.baselines.values() for d in group]
    return [changed.get(d.id, d) for d in rows] + [*base, *made.new]


def summary(rows: Sequence[Delivery]) -> dict[str, tuple[str, str | None]]:
    return {d.subject: (d.state.value, d.reason) for d in rows}


def test_planning_twice_adds_nothing() -> None:
    rows = applied([], planning([post("x"), post("y")]))
    again = planning([post("x"), post("y")], rows)
    assert summary(rows) == {"x": ("planned", None), "y": ("planned", None)}
    assert not (again.new or again.moves or again.anew or again.baselines)


def test_baseline_takes_what_is_visible_and_nothing_else() -> None:
    posts = [
        post("x"),
        post("draft", visible=False, why="draft"),
        post("later", visible=False, why="future"),
    ]
    made = planning(posts, baselined=set(), unreadable={"broken": "content/broken.md"})
    assert summary(made.baselines["a"]) == {
        "x": ("skipped", "baseline"),
        "broken": ("skipped", "baseline"),
    }
    rows = applied([], made)
    after = applied(rows, planning([post("x"), post("draft"), post("later"), post("broken")], rows))
    assert summary(after)["draft"] == ("planned", None)
    assert summary(after)["later"] == ("planned", None)
    assert summary(after)["broken"] == ("skipped", "baseline")


def test_backfill_plans_the_newest() -> None:
    posts = [post(n, day=d) for d, n in enumerate("abcd", 1)]
    made = planning(posts, baselined=set(), accounts=[replace(A, backfill=2)])
    planned = [d.subject for d in made.baselines["a"] if d.state is State.PLANNED]
    assert planned == ["c", "d"]


def test_a_person_names_what_the_baseline_took() -> None:
    rows = applied([], planning([post("x"), post("y")], baselined=set()))
    after = applied(rows, planning([post("x"), post("y")], rows, named={"x"}))
    assert summary(after) == {"x": ("planned", None), "y": ("skipped", "baseline")}


def test_flood_holds_the_whole_scan_and_a_name_passes() -> None:
    posts = [post(f"p{n}") for n in range(11)]
    made = planning(posts)
    assert made.held == 11
    assert {d.reason for d in made.new} == {"flood"}
    rows = applied([], made)
    assert planning([*posts, post("next")], rows).held == 0
    named = applied(rows, planning(posts, rows, named={"p3"}))
    assert summary(named)["p3"] == ("planned", None)
    assert summary(named)["p4"] == ("held", "flood")
    assert planning(posts, named={p.id for p in posts}).held == 0


def test_ten_new_posts_are_no_flood() -> None:
    assert planning([post(f"p{n}") for n in range(10)]).held == 0


def test_a_typo_mended_before_the_slot_goes_out_mended() -> None:
    rows = applied([], planning([post("x")]))
    mended = replace(post("x"), title="直した")
    after = applied(rows, planning([mended], rows))
    assert after[0].draft is not None
    assert after[0].draft["parts"][0]["text"] == "直した"


def test_a_claimed_draft_is_frozen() -> None:
    (row,) = applied([], planning([post("x")]))
    frozen = replace(row, state=State.RETRY, frozen=True)
    made = planning([replace(post("x"), title="直した")], [frozen])
    assert not made.anew


def test_gone_drafted_and_back_again() -> None:
    rows = applied([], planning([post("x"), post("y")]))
    gone = applied(rows, planning([post("y", visible=False, why="draft")], rows))
    assert summary(gone) == {"x": ("cancelled", "gone"), "y": ("cancelled", "draft")}
    back = applied(gone, planning([post("x"), post("y")], gone))
    assert summary(back) == {"x": ("planned", None), "y": ("planned", None)}


def test_an_unreadable_file_is_no_removal() -> None:
    rows = applied([], planning([post("x")]))
    assert not planning([], rows, unreadable={"x": "content/x.md"}).moves


def test_what_is_being_sent_is_left_alone() -> None:
    (row,) = applied([], planning([post("x")]))
    for state in (State.CLAIMED, State.SENDING, State.UNKNOWN, State.SENT, State.FAILED):
        assert not planning([], [replace(row, state=state, frozen=True)]).moves


def test_a_text_that_cannot_be_made_is_held_and_goes_out_when_it_can() -> None:
    def refuses(post: Post, account: Account) -> Draft:
        raise DraftError(msg("nothing to say"))

    rows = applied([], planning([post("x")], compose=refuses))
    assert summary(rows) == {"x": ("held", "draft")}
    assert rows[0].error_code == "draft"
    assert not planning([post("x")], rows, compose=refuses).moves
    after = applied(rows, planning([post("x")], rows))
    assert summary(after) == {"x": ("planned", None)}
    assert after[0].error is None


def test_a_name_makes_waiting_retries_due_now() -> None:
    (row,) = applied([], planning([post("x")]))
    later = replace(row, state=State.RETRY, frozen=True, due=NOW * 100)
    ((_, move),) = planning([post("x")], [later], named={"x"}).moves
    assert (move.state, move.values["due"]) == (State.RETRY, NOW)


def test_threads_follow_their_draft_until_they_are_claimed() -> None:
    def parts(count: int) -> Any:
        return lambda post, account: a_draft(post.title, account.name, parts=count)

    rows = applied([], planning([post("x")], compose=parts(2)))
    assert [(d.part, d.state) for d in rows] == [(0, State.PLANNED), (1, State.PLANNED)]
    longer = applied(rows, planning([post("x")], rows, compose=parts(3)))
    assert [d.part for d in longer] == [0, 1, 2]
    shorter = applied(longer, planning([post("x")], longer, compose=parts(1)))
    assert [d.state for d in shorter] == [State.PLANNED, State.CANCELLED, State.CANCELLED]
    again = applied(shorter, planning([post("x")], shorter, compose=parts(2)))
    assert [d.state for d in again] == [State.PLANNED, State.PLANNED, State.CANCELLED]


def test_order_is_by_date_then_path() -> None:
    made = planning([post("b"), post("a"), post("z", day=1), post("old", day=1)])
    assert [d.subject for d in sorted(made.new, key=lambda d: d.seq)] == ["a", "b", "old", "z"]


def test_only_these_accounts() -> None:
    made = planning([post("x")], accounts=[])
    assert not (made.new or made.baselines)


def test_what_the_baseline_took_is_not_composed_again_and_again() -> None:
    rows = applied([], planning([post("x")], baselined=set()))

    def never(post: Post, account: Account) -> Draft:
        raise AssertionError("composed for nothing")

    assert not planning([post("x")], rows, compose=never).moves
