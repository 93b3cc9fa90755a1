"""An alt text that says nothing is remarked; one that says something is not."""

from __future__ import annotations

import pytest

from bot.compose import alt_remark

NONE, FILE, NOTHING = "there is no alt text", "is the name of a file", "says nothing of this"


@pytest.mark.parametrize(
    ("alt", "said"),
    [
        ("", NONE),
        (" \u3000", NONE),
        ("AI generated thumbnail", NOTHING),
        ("AI-generated image.", NOTHING),
        ("image", NOTHING),
        ("Cover", NOTHING),
        ("the cover image", NOTHING),
        ("eyecatch", NOTHING),
        ("アイキャッチ画像", NOTHING),
        ("サムネイル", NOTHING),
        ("記事のサムネイル画像", NOTHING),
        ("画像", NOTHING),
        ("AI生成画像", NOTHING),
        ("2026-02-10-post.png", FILE),
        ("IMG_1234", FILE),
        ("IMG_1234.JPG", FILE),
        ("waste-heat", FILE),
        ("スクリーンショット 2026-02-10", FILE),
    ],
)
def test_boilerplate(alt: str, said: str) -> None:
    assert said in str(alt_remark(alt, "static/images/waste-heat.png"))


@pytest.mark.parametrize(
    "alt",
    [
        "温室の中の苗と、そこへつながる太い管を描いた図",
        "A greenhouse heated by a computer",
        "A cover of snow on Mount Fuji",
        "富士山の写真",
        "image of a cat",
        "料金の推移を示す図",
    ],
)
def test_what_says_something(alt: str) -> None:
    assert alt_remark(alt, "static/images/waste-heat.png") is None


def test_an_alt_text_longer_than_the_network_takes_is_remarked() -> None:
    alt = "A bridge over a river at dusk. " * 20
    assert alt_remark(alt, "", "x") is None
    assert "512" in str(alt_remark(alt, "", "misskey"))
    assert "1000" in str(alt_remark(alt * 2, "", "x"))
