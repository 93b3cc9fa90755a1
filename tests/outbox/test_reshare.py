"""What is shared again, and when."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.model import Delivery, Post, State, Summary
from bot.outbox.reshare import is_again, reshares, with_template
from bot.outbox.slots import DAY
from bot.settings import Account, Reshare

NOW = 20_000 * DAY
EVERGREEN = Reshare(tags=("evergreen",), min_age="90d")


def an_account(*rules: Reshare, template: str = "") -> Account:
    return Account(name="a", network="file", reshare=rules, template=template)


def a_post(id: str, *, tags: tuple[str, ...] = ("Evergreen",), **more: Any) -> Post:
    return Post(
        **{
            "id": id,
            "path": f"content/{id}.md",
            "source": "",
            "url": f"https://blog.example/{id}/",
            "title": id,
            "date": None,
            "lastmod": None,
            "language": "ja",
            "tags": tags,
            "categories": (),
            "summary": Summary(lines=(), source="title"),
            "cover": None,
            "content_hash": "",
            "visible": True,
            "why_not": None,
            **more,
        }
    )


def a_share(id: str, *, days_ago: float, generation: int = 0, **more: Any) -> Delivery:
    at = NOW - int(days_ago * DAY)
    return Delivery(
        **{
            "id": f"{id}-{generation}-{more.get('part', 0)}",
            "subject": id,
            "account": "a",
            "network": "file",
            "kind": "share",
            "generation": generation,
            "part": 0,
            "state": State.SENT,
            "due": at,
            "sent_at": at,
            "created_at": at,
            **more,
        }
    )


def chosen(account: Account, posts: list[Post], rows: list[Delivery]) -> list[tuple[str, int]]:
    return [(one.post.id, one.generation) for one in reshares(account, posts, rows, NOW)]


def test_nothing_is_shared_again_without_a_rule() -> None:
    assert chosen(an_account(), [a_post("p")], [a_share("p", days_ago=900)]) == []


def test_the_one_that_was_longest_ago() -> None:
    posts = [a_post("p"), a_post("q"), a_post("r")]
    rows = [a_share("p", days_ago=100), a_share("q", days_ago=300), a_share("r", days_ago=200)]
    assert chosen(an_account(EVERGREEN), posts, rows) == [("q", 1)]


def test_never_one_that_was_shared_lately() -> None:
    rows = [
        a_share("p", days_ago=400),
        a_share("p", days_ago=89, generation=1),
        a_share("q", days_ago=89.9),
    ]
    assert chosen(an_account(EVERGREEN), [a_post("p"), a_post("q")], rows) == []
    rows = [a_share("p", days_ago=400), a_share("p", days_ago=90, generation=1)]
    assert chosen(an_account(EVERGREEN), [a_post("p")], rows) == [("p", 2)]


@pytest.mark.parametrize(
    "post",
    [
        a_post("p", tags=("news",)),
        a_post("p", visible=False, why_not="draft"),
        a_post("p", unfinished=True),
    ],
)
def test_only_posts_that_a_rule_means_and_that_are_there(post: Post) -> None:
    assert chosen(an_account(EVERGREEN), [post], [a_share("p", days_ago=400)]) == []


def test_a_rule_may_mean_a_section() -> None:
    rule = Reshare(sections=("Guides",), min_age="90d")
    posts = [a_post("p", section="guides"), a_post("q", section="diary")]
    rows = [a_share("p", days_ago=100), a_share("q", days_ago=200)]
    assert chosen(an_account(rule), posts, rows) == [("p", 1)]


@pytest.mark.parametrize(
    ("state", "reason", "again"),
    [
        (State.SENT, None, True),
        (State.SKIPPED, "baseline", True),
        (State.SKIPPED, "skip", False),
        (State.SKIPPED, "expired", False),
        (State.CANCELLED, "gone", False),
        (State.PLANNED, None, False),
        (State.HELD, "flood", False),
        (State.UNKNOWN, None, False),
        (State.FAILED, None, False),
    ],
)
def test_only_what_was_shared_is_shared_again(
    state: State, reason: str | None, again: bool
) -> None:
    rows = [a_share("p", days_ago=400, state=state, reason=reason, sent_at=None)]
    assert chosen(an_account(EVERGREEN), [a_post("p")], rows) == ([("p", 1)] if again else [])


def test_a_post_of_which_a_share_is_open_waits() -> None:
    rows = [a_share("p", days_ago=400), a_share("p", days_ago=100, generation=1, state=State.RETRY)]
    assert chosen(an_account(EVERGREEN), [a_post("p")], rows) == []


def test_what_a_person_skipped_comes_back_only_when_it_is_old_again() -> None:
    skipped = a_share("p", days_ago=89, generation=1, state=State.SKIPPED, sent_at=None)
    assert chosen(an_account(EVERGREEN), [a_post("p")], [a_share("p", days_ago=400), skipped]) == []


def test_translations_are_one_article() -> None:
    post = a_post("p-en", subject="p")
    assert chosen(an_account(EVERGREEN), [post], [a_share("p", days_ago=100)]) == [("p-en", 1)]


def test_rules_do_not_choose_one_post_twice() -> None:
    account = an_account(EVERGREEN, Reshare(min_age="30d"))
    posts = [a_post("p"), a_post("q", tags=("news",))]
    rows = [a_share("p", days_ago=400), a_share("q", days_ago=100)]
    assert chosen(account, posts, rows) == [("p", 1)]


def test_the_template_is_the_rule_s_or_the_account_s() -> None:
    own = an_account(replace(EVERGREEN, template="Again: {{ title }}"), template="{{ title }}")
    assert with_template(own, a_post("p")).template == "Again: {{ title }}"
    assert with_template(own, a_post("p", tags=())).template == "{{ title }}"
    assert with_template(an_account(EVERGREEN, template="T"), a_post("p")).template == "T"
    again = reshares(own, [a_post("p")], [a_share("p", days_ago=100)], NOW)
    assert [one.account.template for one in again] == ["Again: {{ title }}"]


def test_what_a_person_sent_again_is_no_share_of_a_rule() -> None:
    again = a_share("p", days_ago=1, generation=1)
    assert is_again(again, a_share("p", days_ago=100))
    assert is_again(again, a_share("p", days_ago=100, state=State.SKIPPED, reason="baseline"))
    assert not is_again(again, a_share("p", days_ago=1, state=State.FAILED, reason="answered"))
    assert not is_again(a_share("p", days_ago=1), None)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 5), st.integers(1, 12), st.integers(1, 40), st.lists(st.integers(1, 60)))
def test_over_a_year_no_more_a_week_and_none_too_young(
    per_week: int, count: int, age: int, hours: list[int]
) -> None:
    """The picker is asked every few hours and everything is sent at once."""
    rule = Reshare(tags=("evergreen",), min_age=f"{age}d", per_week=per_week)
    posts = [a_post(f"p{n}") for n in range(count)]
    rows = [a_share(post.id, days_ago=500) for post in posts]
    now, made = NOW, list[int]()
    for step in (hours or [7]) * 20:
        now += step * DAY // 24
        for again in reshares(an_account(rule), posts, rows, now):
            subject, generation = again.post.id, again.generation
            earlier = [row for row in rows if row.subject == subject]
            assert all(now - (row.sent_at or 0) >= age * DAY for row in earlier)
            assert generation == len(earlier)
            fresh = a_share(subject, days_ago=(NOW - now) / DAY, generation=generation)
            rows.append(replace(fresh, sent_at=now, created_at=now))
            made.append(now)
    assert all(b - a >= 7 * DAY for a, b in zip(made, made[per_week:], strict=False))
