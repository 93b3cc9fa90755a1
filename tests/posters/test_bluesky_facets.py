"""Bluesky's facets point at exactly the bytes of the links and the hashtags."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.compose import compose
from bot.links import canonical
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
        shown in (f"#{meant}", meant) or canonical(shown) == meant
        for shown, meant in pointed(text, LINK, ("AI", "速報"))
    )


def test_a_tag_that_begins_another_is_not_found_in_it() -> None:
    found = facets("題 #AI #AI・機械学習", None, ["AI", "AI・機械学習"])
    spans = [(f["index"]["byteStart"], f["index"]["byteEnd"]) for f in found]
    assert spans == [(4, 7), (8, 26)]
    assert [f["features"][0]["tag"] for f in found] == ["AI", "AI・機械学習"]


def test_an_address_is_whole_with_its_brackets_and_its_japanese() -> None:
    text = "見る https://a.example/Foo_(bar) と https://例え.jp/パス"
    one, two = facets(text, None, [])
    assert one["features"][0]["uri"] == "https://a.example/Foo_(bar)"
    assert two["features"][0]["uri"] == "https://xn--r8jz45g.jp/%E3%83%91%E3%82%B9"
    end = len(text.encode())
    assert two["index"] == {"byteStart": end - len("https://例え.jp/パス".encode()), "byteEnd": end}
