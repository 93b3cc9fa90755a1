"""Bluesky's facets point at exactly the bytes of the links and the hashtags."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.compose import compose
from bot.posters.bluesky_record import facets
from tests.compose.samples import LIMITS, LINK, SITE, account, post


def pointed(text: str, link: str | None, hashtags: tuple[str, ...]) -> list[tuple[str, str]]:
    raw = text.encode()
    found = []
    for facet in facets(text, link, hashtags):
        (feature,) = facet["features"]
        start, end = facet["index"]["byteStart"], facet["index"]["byteEnd"]
        found.append((raw[start:end].decode(), feature.get("uri") or feature["tag"]))
    return found


def test_of_a_draft() -> None:
    made = compose(post(), account("bluesky"), LIMITS["bluesky"], SITE)
    assert pointed(made.parts[0].text, made.link, made.hashtags) == [
        (LINK, LINK),
        *((f"#{tag}", tag) for tag in made.hashtags),
    ]


def test_by_hand() -> None:
    assert facets("日 https://a.example/b #速報", "https://a.example/b", ["速報"]) == [
        {
            "index": {"byteStart": 4, "byteEnd": 23},
            "features": [{"$type": "app.bsky.richtext.facet#link", "uri": "https://a.example/b"}],
        },
        {
            "index": {"byteStart": 24, "byteEnd": 31},
            "features": [{"$type": "app.bsky.richtext.facet#tag", "tag": "速報"}],
        },
    ]


def test_addresses_in_the_authors_own_words() -> None:
    other = "https://other.example/a?b=1#c"
    assert pointed(f"詳細は{other}。{LINK}", LINK, ()) == [(other, other), (LINK, LINK)]
    assert pointed(f"See {other}, then ({other}).", None, ()) == [(other, other)] * 2
    assert pointed("DESIGN.md, http:// and https://", None, ()) == []


def test_a_longer_word_is_not_the_hashtag_and_a_longer_address_not_the_link() -> None:
    assert pointed("#日記帳 ##日記 a#日記", None, ("日記",)) == []
    assert pointed(LINK + "3", LINK, ()) == [(LINK + "3", LINK + "3")]
    assert pointed("#AIs https://example.com/#AI #AI", None, ("AI",)) == [
        ("https://example.com/#AI", "https://example.com/#AI"),
        ("#AI", "AI"),
    ]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["あ", "😀", " ", "\n", "#AI", "#速報", LINK, "か\u3099", "x"])).map(
        "".join
    )
)
def test_never_overlapping_and_in_order(text: str) -> None:
    spans = [
        (f["index"]["byteStart"], f["index"]["byteEnd"]) for f in facets(text, LINK, ["AI", "速報"])
    ]
    assert all(start < end for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert all(
        shown in (f"#{meant}", meant) for shown, meant in pointed(text, LINK, ("AI", "速報"))
    )
