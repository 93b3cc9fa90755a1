"""Threads: every bullet is somewhere whole, each part fits and stands alone."""

from __future__ import annotations

from typing import Any

import pytest

from bot.compose import compose
from bot.model import Draft
from tests.compose.samples import JAPANESE, LIMITS, LINK, SITE, account, post


def draft(limit: int | None = None, lines: tuple[str, ...] = JAPANESE, **settings: Any) -> Draft:
    mine = account("x", thread=True, limit=limit, **settings)
    return compose(post(lines=lines), mine, LIMITS["x"], SITE)


def texts(made: Draft) -> list[str]:
    return [part.text for part in made.parts]


def test_one_part_where_all_fits() -> None:
    assert len(draft(limit=1000).parts) == 1


def test_the_bullets_go_on() -> None:
    made = draft()
    first, second = texts(made)
    assert first.endswith(f"{LINK}\n#処理系 #ニュース #GenAI")
    assert second == f"・{JAPANESE[2]}"
    assert made.left_out == ()
    assert made.link == LINK


def test_numbered_with_the_link_last() -> None:
    first, second, third = texts(draft(limit=150, numbered=True, thread_link="last"))
    assert first.endswith(f"・{JAPANESE[0]} (1/3)")
    assert second == f"・{JAPANESE[1]} (2/3)"
    assert third.endswith(f"・{JAPANESE[2]}\n\n{LINK}\n#処理系 #ニュース #GenAI (3/3)")


def test_the_link_has_a_part_of_its_own_where_the_last_is_full() -> None:
    made = draft(limit=110, thread_link="last")
    assert texts(made)[-1].startswith(f"{post().title}\n\n{LINK}")


@pytest.mark.parametrize("numbered", [False, True])
@pytest.mark.parametrize("last", ["first", "last"])
@pytest.mark.parametrize("limit", [100, 120, 150, 200, 280])
def test_each_part_is_within_the_limit(limit: int, last: str, numbered: bool) -> None:
    made = draft(limit=limit, thread_link=last, numbered=numbered)
    assert all(m.length <= limit for part in made.parts for m in part.measures)
    assert sum(text.count(LINK) for text in texts(made)) == 1
    if limit >= 120:
        assert all(any(line in text for text in texts(made)) for line in JAPANESE)


def test_a_bullet_too_long_for_a_part_is_cut_and_told() -> None:
    made = draft(lines=("短い。", "長い文がここに続いていく、" * 20))
    assert texts(made)[-1].endswith("…")
    assert [str(note) for note in made.left_out] == ["the end of a bullet"]


def test_off_by_default() -> None:
    assert len(compose(post(), account("x"), LIMITS["x"], SITE).parts) == 1
