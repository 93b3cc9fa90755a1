"""The author's word in front matter: it wins, and a slip in it is named."""

from __future__ import annotations

from typing import Any

import pytest

from bot.app.timing import is_time
from bot.compose import compose
from bot.compose.social import Social, line_of, social_for, social_problems
from bot.errors import DraftError
from bot.model import Draft
from tests.compose.samples import LIMITS, LINK, SITE, account, post, text


def draft(network: str, social: dict[str, Any], **changes: Any) -> Draft:
    return compose(post(social=social, **changes), account(network), LIMITS[network], SITE)


def test_a_networks_own_word_wins() -> None:
    social = {"text": "皆に", "priority": 2, "x": {"text": "Xに", "link": False}, "bluesky": {}}
    assert social_for(social, "x") == Social(text="Xに", priority=2, link="never")
    assert social_for(social, "bluesky") == Social(text="皆に", priority=2)
    assert social_for({}, "x") == Social()


@pytest.mark.parametrize(
    ("social", "said"),
    [
        ({"txet": "a"}, "`social.txet` is unknown; did you mean `text`?"),
        ({"x": {"skp": True}}, "`social.x.skp` is unknown; did you mean `skip`?"),
        ({"x": {"x": {}}}, "`social.x.x` is unknown; known are text, fit, priority, at, tags, link, skip, cw"),
        ({"mastodn": {}}, "`social.mastodn` is unknown; did you mean `mastodon`?"),
        ({"priority": "high"}, "`social.priority` cannot be high"),
        ({"skip": "yes"}, "`social.skip` cannot be yes"),
        ({"link": "perhaps"}, "`social.link` cannot be perhaps"),
        ({"x": "hello"}, "`social.x` holds settings of its own, like {text: …}"),
    ],
)  # fmt: skip
def test_slips_are_named(social: dict[str, Any], said: str) -> None:
    assert [str(slip.message) for slip in social_problems(social)] == [said]


@pytest.mark.parametrize(
    ("matter", "line"),
    [
        ("---\ntitle: skp\nsocial:\n  skp: true\n  x:\n    skp: true\n---\n", 6),
        ("---\nx: {skp: 1}\nsocial: {text: a,\n  x: {skp: true}}\n---\n", 4),
        ("+++\n[social]\ntext = 'a'\n[social.x]\nSKP = true\n+++\n", 5),
        ("+++\n[social]\ntext = 'a'\nx.skp = true\n+++\n", 4),
        ('{"social": {\n"x": {\n"skp": true}}}\n', 3),
        ("---\ntitle: a\n---\n", None),
    ],
)
def test_where_a_slip_stands(matter: str, line: int | None) -> None:
    assert line_of(matter, ("social", "x", "skp")) == line


def test_what_is_well_is_not_named() -> None:
    good = {"text": "a", "tags": ["b"], "link": True, "cw": "c", "x": {"skip": False, "fit": True}}
    assert social_problems(good) == ()


def test_his_text_stands_as_it_is_with_link_and_hashtags() -> None:
    made = draft("x", {"text": "@someone へ\n$NVDA の話", "tags": ["AI"]})
    assert text(made) == f"@someone へ\n$NVDA の話\n\n{LINK}\n#AI"
    assert made.title == post().title


def test_a_link_in_his_text_is_not_said_twice() -> None:
    made = draft("x", {"text": f"ここ {LINK} です", "tags": []})
    assert text(made) == f"ここ {LINK} です"
    assert made.link == LINK


def test_his_text_is_never_cut_in_silence() -> None:
    long = "長い文が続く。" * 40
    with pytest.raises(DraftError) as caught:
        draft("x", {"text": long})
    assert (caught.value.code, caught.value.path) == ("own-text-too-long", "content/posts/plain.md")
    made = draft("x", {"text": long, "fit": True})
    assert text(made).startswith("長い文が続く")
    assert made.parts[0].measures[0].length <= 280
    assert str(made.left_out[0]) == "the end of the title"


def test_his_hashtags_yield_to_his_text() -> None:
    made = draft("x", {"text": "あ" * 123})
    assert made.hashtags == ("処理系",)
    assert made.parts[0].measures[0].length == 246 + 2 + 23 + 1 + 7


def test_a_content_warning_counts_on_mastodon() -> None:
    made = draft("mastodon", {"cw": "長文です"})
    plain = draft("mastodon", {})
    assert made.options["cw"] == "長文です"
    assert made.parts[0].measures[0].length == plain.parts[0].measures[0].length + 4
    assert draft("x", {"cw": "長文です"}).parts == draft("x", {}).parts


def test_a_time_that_cannot_be_read_is_told() -> None:
    (slip,) = social_problems({"x": {"at": "tomorrow at six"}}, is_time)
    assert (slip.keys, slip.code) == (("social", "x", "at"), "social-at")
    assert social_problems({"at": "2026-12-24 18:00"}, is_time) == ()
    assert social_problems({"at": "2026-12-24T18:00:00+09:00"}, is_time) == ()
