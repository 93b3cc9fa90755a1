"""The limits of the networks to come, and where X folds."""

from __future__ import annotations

import pytest

from bot.compose import compose, measure
from bot.compose.limits import LIMITS as TO_COME
from bot.compose.units import fold, x_weight
from tests.compose.samples import JAPANESE, LIMITS, LINK, SITE, account, post, text


@pytest.mark.parametrize(
    ("network", "length"), [("threads", 3 + 4 + 25), ("line", 3 + 2 + 11), ("telegram", 16), ("matrix", 5 + 4 + 25)]
)  # fmt: skip
def test_each_counts_its_way(network: str, length: int) -> None:
    assert measure("aあb😀👨‍👩‍👧‍👦", TO_COME[network])[0].length == length


def test_a_draft_for_each() -> None:
    for network, limit in TO_COME.items():
        made = compose(post(), account(network), limit, SITE)
        assert all(m.limit is None or m.length <= m.limit for m in made.parts[0].measures)
        assert LINK in text(made)


def test_the_fold_falls_at_280() -> None:
    assert fold("あ" * 140) is None
    assert fold("あ" * 141) == 140
    assert fold("あ" * 130 + " " + LINK) == 131  # before the link, never inside it


def test_the_link_stands_above_the_fold() -> None:
    made = compose(post(), account("x", limit=25_000), LIMITS["x"], SITE)
    assert text(made) == (
        f"{post().title}\n\n{LINK}\n\n"
        + "".join(f"・{line}\n" for line in JAPANESE)
        + "\n#処理系 #ニュース #GenAI"
    )
    folded = made.options["fold"]
    assert x_weight(text(made)[:folded]) <= 280 < x_weight(text(made))
    assert text(made).index(LINK) + len(LINK) <= folded


def test_what_does_not_fold_is_as_ever() -> None:
    made = compose(post(lines=JAPANESE[:1]), account("x", limit=25_000), LIMITS["x"], SITE)
    assert text(made).endswith(f"{LINK}\n#処理系 #ニュース #GenAI")
    assert "fold" not in made.options
    assert "fold" not in compose(post(), account("mastodon"), LIMITS["mastodon"], SITE).options
