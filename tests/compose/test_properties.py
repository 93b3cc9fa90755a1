"""For any post, limit and template: it fits or says why not, twice the same, and nothing is broken."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.compose import check_template, compose
from bot.compose.clean import STOP
from bot.compose.draft import TEMPLATE
from bot.compose.hashtags import find_hashtags
from bot.compose.units import measure, split_graphemes
from bot.errors import DraftError
from bot.links import ascii_addresses, find_links
from bot.model import Draft, Summary
from tests.compose.samples import LIMITS, LINK, SITE, account, post
from tests.compose.test_phrases import surplus

WORDS = st.sampled_from(
    ["次世代の", "処理系が", "公開され、", "。", "200億ドル", "（約3兆円）", "「引用", "」", "@name", "#1位", "$NVDA", "DESIGN.md",
     "AI.com", " ", "\n", "GPT-5.2", "https://a.example.com/あ ", "👩🏽‍🚀", "🇯🇵", "か\u3099", "か\u309a", "**強**", ":a:", "</plain>",
     "クラウド", "The ", "quick ", "(", ")", "\u202e", "\x00", "{{ title }}", "…", "!", "?", "ー", "$[x2 a]", "検索", "％", "C++"]
)  # fmt: skip
LINES = st.lists(WORDS, max_size=24).map("".join)
ANY = st.one_of(LINES, st.text(max_size=60))
POSTS = st.builds(
    lambda title, lines, tags, language: post(
        title=title, summary=Summary(lines=tuple(lines), source="section"), tags=tuple(tags), language=language
    ),
    ANY,
    st.lists(ANY, max_size=4),
    st.lists(ANY, max_size=5),
    st.sampled_from(["ja", "en"]),
)  # fmt: skip
TEMPLATES = st.sampled_from(
    ["", "{{ title }}", "{{ bullets }}\n{{ link }}", "{{ title | shrink }} {{ hashtags }} {{ link }}",
     "{% for b in bullets %}{{ loop.index }}. {{ b }}\n{% endfor %}{{ link }}", "{{ title[:3] }}", "{{ title }} / {{ site }} {{ date }}"]
)  # fmt: skip


def drawn(made_of: Any, network: str, **own: Any) -> Draft | DraftError:
    try:
        return compose(made_of, account(network, **own), LIMITS[network], SITE)
    except DraftError as error:
        return error


@settings(max_examples=120, deadline=None)
@given(
    POSTS,
    st.sampled_from(sorted(LIMITS)),
    st.one_of(st.none(), st.integers(1, 400)),
    TEMPLATES,
    st.booleans(),
    st.booleans(),
)
@example(post(title="", lines=()), "x", None, "", False, False)
def test_it_fits_or_says_why_not_and_always_the_same(
    made_of: Any, network: str, limit: int | None, template: str, thread: bool, keep: bool
) -> None:
    check_template(template)
    own = {"limit": limit, "template": template, "thread": thread, "keep_hashtags": keep}
    made = drawn(made_of, network, **own)
    if isinstance(made, DraftError):
        assert made.code in ("empty", "too-long", "template")
        assert str(made)
        return
    assert made == drawn(made_of, network, **own)
    for part in made.parts:
        assert part.text == part.text.strip()
        assert part.text
        assert part.measures == measure(
            part.text, LIMITS[network] if limit is None else _with(network, limit)
        )
        assert all(m.limit is None or m.length <= m.limit for m in part.measures)
    assert (made.link == LINK) is any(LINK in part.text for part in made.parts)
    assert made.left_out is not None


@settings(max_examples=120, deadline=None)
@given(POSTS, st.sampled_from(["x", "mastodon", "bluesky"]), st.integers(60, 320))
def test_nothing_is_broken(made_of: Any, network: str, limit: int) -> None:
    made = drawn(made_of, network, limit=limit)
    if isinstance(made, DraftError):
        return
    text = made.parts[0].text
    assert text.count(LINK) == 1
    source = ascii_addresses("\n".join([made.title, *made.description.split("\n")]))
    assert sum(map(surplus, text.split("\n"))) <= sum(map(surplus, source.split("\n")))
    whole = (
        set(split_graphemes(source))
        | set(split_graphemes(TEMPLATE + LINK))
        | {"…", "・", "•", STOP, "#"}
    )
    tags = {char for tag in made.hashtags for char in split_graphemes(tag)}
    assert set(split_graphemes(text.replace(STOP, ""))) - whole - tags <= set("）)」』】")


@settings(max_examples=120, deadline=None)
@given(POSTS)
def test_no_accident_on_x(made_of: Any) -> None:
    made = drawn(made_of, "x", limit=2000, hashtags=2)
    if isinstance(made, DraftError):
        return
    text = made.parts[0].text
    assert tuple(dict.fromkeys(find_hashtags(text))) == made.hashtags
    assert [text[a:b] for a, b in find_links(text) if "://" not in text[a:b]] == []
    outside = re.sub(r"https?://\S+", "", text)
    assert not re.search(r"(?<![A-Za-z0-9_])[@＠][A-Za-z0-9_]", outside)
    assert not re.search(r"(?:^|\s)\$[A-Za-z]", outside)


def _with(network: str, limit: int) -> Any:
    from dataclasses import replace

    return replace(LIMITS[network], maximum=limit)
