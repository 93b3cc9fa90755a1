"""The entries of feeds: their order and times, and that what did not change is not made again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.app.entries import Entries
from bot.app.wiring import Site
from bot.model import Article, Post
from tests.feeds.samples import POST

DAY = datetime(2026, 2, 10, tzinfo=UTC)
MICROS = 1_770_681_600_000_000  # that day


def post(name: str, **more: Any) -> Post:
    return replace(POST, path=f"{name}.md", id=name, lastmod=None, **{"date": DAY, **more})


def article(post: Post, **more: Any) -> Article:
    values = {"guid": f"urn:{post.id}", "first_seen": MICROS, **more}
    return Article(
        id=post.id, path=post.path, url=post.url, title=post.title, content_hash="", **values
    )


def site(*pairs: tuple[Post, Article]) -> Site:
    return Site(
        posts=tuple(p for p, _ in pairs),
        problems=(),
        articles=tuple(a for _, a in pairs),
        changed=(),
        unreadable={},
        readable=True,
    )


def paths(entries: Entries, site: Site) -> list[str]:
    return [entry.post.id for entry in entries.of(site)]


def test_newest_first_then_first_seen_then_path() -> None:
    a, b, c = post("a"), post("b"), post("c")
    d, e = post("d", date=datetime(2026, 2, 11, tzinfo=UTC)), post("e", visible=False)
    pairs = [(p, article(p, first_visible=2 if p is b else 1)) for p in (a, b, c, d, e)]
    assert paths(Entries(), site(*pairs)) == ["d", "b", "a", "c"]


@pytest.mark.parametrize(
    ("given", "updated"),
    [
        ({}, DAY),
        ({"changed_at": MICROS + 5_000_000}, datetime(2026, 2, 10, 0, 0, 5, tzinfo=UTC)),
        ({"changed_at": MICROS - 5_000_000}, DAY),
    ],
)
def test_updated_is_never_the_clock(given: dict[str, int], updated: datetime) -> None:
    one = post("a")
    (entry,) = Entries().of(site((one, article(one, **given))))
    assert (entry.published, entry.updated, entry.guid) == (DAY, updated, "urn:a")


def test_lastmod_comes_before_the_time_of_a_change() -> None:
    later = datetime(2026, 3, 1, tzinfo=UTC)
    one = replace(post("a"), lastmod=later)
    (entry,) = Entries().of(site((one, article(one, changed_at=MICROS + 10**12))))
    assert entry.updated == later


def test_a_post_without_a_date_has_the_day_of_its_first_sight() -> None:
    one = post("a", date=None)
    (entry,) = Entries().of(site((one, article(one))))
    assert entry.published == DAY


def test_what_is_the_same_is_the_same_object() -> None:
    entries = Entries()
    a, b = post("a"), post("b")
    first = entries.of(site((a, article(a)), (b, article(b))))
    assert entries.of(site((a, article(a)), (b, article(b)))) is first
    second = entries.of(site((a, article(a)), (b, article(b, changed_at=MICROS + 10**9))))
    assert second[0] is first[0]
    assert second[1] is not first[1]


def test_what_stands_in_for_a_post_goes_when_it_can_be_read_again() -> None:
    entries = Entries()
    a, old = post("a"), post("b", title="の前")
    with_old = entries.of(site((a, article(a))), [(old, article(old))])
    assert [entry.post.id for entry in with_old] == ["a", "b"]
    assert paths(entries, site((a, article(a)))) == ["a"]


changes = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["guid", "changed", "title", "gone", "date"])),
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(changes)
def test_a_kept_one_tells_what_a_new_one_would(changes: list[tuple[int, str]]) -> None:
    kept = Entries()
    pairs = [(p, article(p)) for p in map(post, "abcd")]
    for number, (at, what) in enumerate(changes, 1):
        one, known = pairs[at]
        if what in ("guid", "changed"):
            more = {"guid": f"urn:{number}"} if what == "guid" else {"changed_at": MICROS + number}
            known = replace(known, **more)
        elif what == "title":
            one = replace(one, title=str(number))
        else:
            one = (
                replace(one, visible=not one.visible)
                if what == "gone"
                else replace(one, date=datetime(2026, 2, number, tzinfo=UTC))
            )
        pairs[at] = one, known
        assert kept.of(site(*pairs)) == Entries().of(site(*pairs))


def test_no_two_were_updated_in_one_second_and_a_new_one_moves_no_other() -> None:
    entries = Entries()
    pairs = [(p, article(p, first_visible=n)) for n, p in enumerate(map(post, "cab"), 1)]
    first = {e.post.id: e.updated for e in entries.of(site(*pairs))}
    later = [DAY + timedelta(seconds=n) for n in range(4)]
    assert first == {"c": later[0], "a": later[1], "b": later[2]}
    new = post("0")
    pairs.append((new, article(new, first_visible=9)))
    assert {e.post.id: e.updated for e in entries.of(site(*pairs))} == {**first, "0": later[3]}
    assert {e.published for e in entries.of(site(*pairs))} == {DAY}


def test_the_ends_of_the_calendar_are_times_too() -> None:
    zone = timezone(timedelta(hours=9))
    for moment in (datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=zone)):
        pairs = [(p, article(p)) for p in (post("a", date=moment), post("b", date=moment))]
        assert len(Entries().of(site(*pairs))) == 2
