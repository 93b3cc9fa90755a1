"""A post fitted for each network: what is shown, what yields, what is told."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from bot.compose import compose
from bot.compose.clean import STOP
from bot.compose.units import x_weight
from bot.errors import DraftError
from bot.model import Draft
from tests.compose import samples
from tests.compose.samples import ENGLISH, JAPANESE, LIMITS, LINK, SITE, account, post, text


def draft(
    network: str = "x", limit: int | None = None, settings: Any = None, **changes: Any
) -> Draft:
    mine = account(network, limit=limit, **(settings or {}))
    return compose(post(**changes), mine, LIMITS[network], SITE)


def told(made: Draft) -> list[str]:
    return [str(note) for note in made.left_out]


def test_all_of_it_where_there_is_room() -> None:
    made = draft("mastodon")
    assert text(made) == (
        "起動の速い処理系が公開、料金は月額1,500円から\n\n"
        + "".join(f"・{line}\n" for line in JAPANESE)
        + f"\n{LINK}\n#処理系 #ニュース #GenAI"
    )
    assert made.left_out == ()
    assert made.link == LINK
    assert made.hashtags == ("処理系", "ニュース", "GenAI")
    assert made.images == (samples.COVER,)
    assert (made.account, made.network, made.post) == (
        "my-mastodon",
        "mastodon",
        "content/posts/plain.md",
    )
    assert made.description == "\n".join(JAPANESE)


def test_english_has_its_own_bullets() -> None:
    made = draft("x", title="A fast runtime", lines=ENGLISH, language="en-GB", tags=("runtime",))
    assert text(made) == (f"A fast runtime\n\n• {ENGLISH[0]}\n• {ENGLISH[1]}\n\n{LINK}\n#runtime")


def test_the_last_bullet_goes_first() -> None:
    made = draft("x")
    assert f"・{JAPANESE[0]}\n・{JAPANESE[1]}\n\n" in text(made)
    assert JAPANESE[2] not in text(made)
    assert made.hashtags == ("処理系", "ニュース", "GenAI")
    assert told(made) == ["1 of 3 bullets"]


def test_hashtags_yield_before_the_only_bullet() -> None:
    one = draft("x", 166)
    assert f"・{JAPANESE[0]}" in text(one)
    assert one.parts[0].measures[0].length == 166
    assert one.hashtags == ("処理系", "ニュース")
    assert told(one) == ["2 of 3 bullets", "hashtags: #GenAI"]


def test_blank_lines_yield_before_the_last_whole_bullet_does() -> None:
    tight = draft("x", 145)
    assert text(tight) == f"起動の速い処理系が公開、料金は月額1,500円から\n{JAPANESE[0]}\n{LINK}"
    assert draft("x", 148).parts[0].text.count("\n\n") == 2
    assert tight.parts[0].measures[0].length == 45 + 1 + 74 + 1 + 23


def test_then_the_bullet_is_cut_at_a_phrase() -> None:
    made = draft("x", 120)
    assert "・新しい処理系が公開され…\n" in text(made)
    assert LINK in text(made)
    assert "the end of a bullet" in told(made)


def test_then_title_and_link_with_the_hashtags_that_fit() -> None:
    made = draft("x", 92)
    assert (
        text(made) == f"起動の速い処理系が公開、料金は月額1,500円から\n\n{LINK}\n#処理系 #ニュース"
    )


def test_then_the_title_is_cut_at_a_phrase() -> None:
    made = draft("x", 50)
    assert text(made) == f"起動の速い処理系が公開…\n\n{LINK}"
    assert told(made) == [
        "the end of the title",
        "3 of 3 bullets",
        "hashtags: #処理系 #ニュース #GenAI",
    ]


@pytest.mark.parametrize("limit", range(36, 300, 3))
def test_never_over_the_limit_and_never_a_cut_link(limit: int) -> None:
    made = draft("x", limit)
    (measure,) = made.parts[0].measures
    assert measure.limit == limit
    assert measure.length <= limit
    assert text(made).count(LINK) == 1


@pytest.mark.parametrize("limit", [0, 1, 23, 30])
def test_what_cannot_fit_is_said(limit: int) -> None:
    with pytest.raises(DraftError) as caught:
        draft("x", limit)
    assert caught.value.code == "too-long"


def test_another_bullet_where_the_first_is_too_long() -> None:
    made = draft("x", lines=("長い" * 200, JAPANESE[2]))
    assert f"・{JAPANESE[2]}" in text(made)
    assert told(made) == ["1 of 2 bullets"]


def test_no_link_no_hashtags_and_no_bullets_leave_no_hole() -> None:
    assert (
        text(draft("x", lines=(), tags=()))
        == f"起動の速い処理系が公開、料金は月額1,500円から\n\n{LINK}"
    )
    assert text(draft("x", title="", lines=("一行だけ。",), tags=())) == f"・一行だけ。\n\n{LINK}"


def test_a_title_given_as_its_own_summary_is_said_once() -> None:
    made = draft("x", title="題だけ", lines=("題だけ",), tags=())
    assert text(made) == f"題だけ\n\n{LINK}"


def test_how_many_hashtags_is_the_accounts_word() -> None:
    assert draft("mastodon", settings={"hashtags": 1}).hashtags == ("処理系",)
    assert draft("mastodon", settings={"hashtags": 0}).hashtags == ()
    assert draft("mastodon", tags=("2026", "AI")).hashtags == ("AI",)
    assert told(draft("mastodon", tags=("2026", "AI"))) == ["2026 cannot be a hashtag"]


def test_a_template_is_all_the_text() -> None:
    made = draft("mastodon", settings={"template": "{{ title }} {{ hashtags }}"})
    assert text(made) == "起動の速い処理系が公開、料金は月額1,500円から #処理系 #ニュース #GenAI"
    assert made.link is None
    assert made.url == LINK


def test_a_template_shrinks_too() -> None:
    made = draft("x", 80, {"template": "{{ title }}: {{ bullets|join('/') }} {{ link }}"})
    assert text(made) == f"起動の速い処理系が公開、料金は月額1,500円から:  {LINK}"
    assert made.hashtags == ()
    with pytest.raises(DraftError) as caught:
        draft("x", 80, {"template": "字" * 60 + "{{ title }}"})
    assert caught.value.code == "too-long"


def test_only_what_a_template_marks_may_shrink() -> None:
    template = "{{ title }}\n{{ bullets | shrink(1) }}\n{{ hashtags | shrink(2) }}\n{{ link }}"
    made = draft("x", 100, {"template": template})
    assert (
        text(made)
        == f"起動の速い処理系が公開、料金は月額1,500円から\n\n#処理系 #ニュース #GenAI\n{LINK}"
    )
    assert draft("x", 80, {"template": template}).hashtags == ("処理系",)
    with pytest.raises(DraftError):
        draft("x", 60, {"template": template})
    shrinks = draft("x", 60, {"template": template.replace("title", "title | shrink(3)")})
    assert text(shrinks).startswith("起動の速い処理系が公開…\n")


def test_an_account_may_let_bullets_yield_to_hashtags() -> None:
    made = draft("x", 150, {"keep_hashtags": True})
    assert made.hashtags == ("処理系", "ニュース", "GenAI")
    assert "・新しい処理系が公開され、起動時間が従来の3分の1に…" in text(made)


def test_a_link_if_the_account_the_day_and_the_author_want_one() -> None:
    never = draft("mastodon", settings={"link": "never"})
    assert never.link is None
    assert text(never).endswith(f"・{JAPANESE[2]}\n\n#処理系 #ニュース #GenAI")
    assert draft("mastodon", settings={"link": "auto"}).link == LINK
    refused = compose(post(), account("x", link="auto"), LIMITS["x"], SITE, allow_link=False)
    assert refused.link is None
    always = compose(post(), account("x"), LIMITS["x"], SITE, allow_link=False)
    assert always.link == LINK
    assert draft("x", social={"link": "never"}).link is None


def test_visitors_are_counted() -> None:
    made = draft("x", settings={"utm": {"source": "x", "utm_medium": "社"}}, url=LINK + "?a=1#b")
    assert made.link == f"{LINK}?a=1&utm_source=x&utm_medium=%E7%A4%BE#b"
    assert made.link in text(made)
    assert made.url == LINK + "?a=1#b"


@pytest.mark.parametrize(
    ("network", "settings", "changes", "embed", "pictures"),
    [
        ("x", {}, {}, "image", 1),
        ("x", {"image": "card"}, {}, "card", 0),
        ("x", {"image": "card", "link": "never"}, {}, "none", 0),
        ("x", {"image": "none"}, {}, "none", 0),
        ("x", {}, {"cover": None}, "none", 0),
        ("bluesky", {}, {}, "card", 1),
        ("bluesky", {}, {"cover": None}, "card", 0),
        ("bluesky", {"link": "never"}, {}, "image", 1),
        ("bluesky", {"image": "cover"}, {}, "image", 1),
        ("bluesky", {"image": "cover"}, {"cover": None}, "card", 0),
        ("bluesky", {"image": "card", "link": "never"}, {}, "none", 0),
        ("bluesky", {"image": "none"}, {}, "none", 0),
        ("bluesky", {"template": "{{ title }}"}, {}, "card", 1),
    ],
)
def test_the_picture_is_a_cover_a_card_or_none(
    network: str, settings: dict[str, Any], changes: dict[str, Any], embed: str, pictures: int
) -> None:
    made = draft(network, settings=settings, **changes)
    assert made.options["embed"] == embed
    assert made.images == (samples.COVER,) * pictures


def test_an_account_spells_its_hashtags() -> None:
    made = draft("mastodon", settings={"aliases": {"GENAI": "生成AI", "ニュース": ""}})
    assert made.hashtags == ("処理系", "生成AI")


def test_a_hashtag_glued_to_a_word_is_none() -> None:
    made = draft("mastodon", settings={"template": "{{ title }}{{ hashtags }}"})
    assert made.hashtags == ("ニュース", "GenAI")


def test_a_wrong_template_is_said_when_composing() -> None:
    with pytest.raises(DraftError) as caught:
        draft("x", settings={"template": "{{ title | nothing }}"})
    assert caught.value.code == "template"


def test_a_template_that_gives_nothing_is_said() -> None:
    with pytest.raises(DraftError) as caught:
        draft("x", settings={"template": "{% if not title %}a{% endif %}"})
    assert caught.value.code == "template"


def test_nothing_to_say() -> None:
    with pytest.raises(DraftError) as caught:
        draft("x", title="", lines=(), tags=())
    assert caught.value.code == "empty"


def test_accidents_are_stopped_where_the_network_reads_them() -> None:
    title, lines = "@OpenAIのDESIGN.md", ("#1位は$NVDA",)
    assert f"@{STOP}OpenAIのDESIGN.{STOP}md\n\n・#{STOP}1位は${STOP}NVDA" in text(
        draft("x", title=title, lines=lines)
    )
    assert "<plain>@OpenAIのDESIGN.md</plain>" in text(draft("misskey", title=title, lines=lines))
    assert title in text(draft("bluesky", title=title, lines=lines))


def test_composing_twice_gives_the_same() -> None:
    assert draft("x") == draft("x")


def test_heavy_libraries_wait_until_they_are_needed() -> None:
    code = "import sys, bot.compose; print({'jinja2', 'budoux', 'regex'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_long_only_bullet_is_cut_before_it_is_left_out() -> None:
    japanese = draft(
        "x", lines=("新しい処理系が公開されて起動の時間が短くなったと開発元が発表した。" * 13,)
    )
    assert "・新しい処理系が" in text(japanese)
    assert told(japanese)[0] == "the end of a bullet"
    english = draft("x", title="A runtime", language="en", lines=(" ".join(ENGLISH) * 8,))
    assert f"• {ENGLISH[0][:-1]}" in text(english)


@pytest.mark.parametrize(
    "settings",
    [{"keep_hashtags": True}, {"template": "{{ title }}\n{{ bullets | shrink }}\n{{ link }}"}],
)
def test_a_whole_bullet_comes_before_a_cut_one_whatever_yields(settings: dict[str, Any]) -> None:
    made = draft("x", lines=("長い文がここに続いていく、" * 30, JAPANESE[2]), settings=settings)
    assert f"・{JAPANESE[2]}" in text(made)
    assert told(made) == ["1 of 2 bullets"]


def test_an_address_in_a_bullet_is_a_link_on_every_network() -> None:
    made = draft("bluesky", lines=("手順は https://例え.jp/パス にある",))
    assert "・手順は https://xn--r8jz45g.jp/%E3%83%91%E3%82%B9 にある" in text(made)


def test_the_link_stands_above_the_fold_whatever_the_title() -> None:
    made = draft("x", 25_000, title="次の処理系が公開され、起動の時間が短くなった。" * 10)
    (head, _, _) = text(made).partition(LINK)
    assert x_weight(head) + 23 <= 280
    assert head.rstrip().endswith("…")
    assert "the end of the title" in told(made)
    assert "0 of 3 bullets" not in told(made)


def test_a_content_warning_where_there_is_none_is_told() -> None:
    assert told(draft("x", 1000, social={"cw": "注意"})) == ["the content warning: X has none"]
    assert "cw" not in draft("bluesky", social={"cw": "注意"}).options
    assert draft("mastodon", social={"cw": "注意"}).options["cw"] == "注意"
