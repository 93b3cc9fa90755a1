"""What a feed leaves out, and what goes with it; words of running text stay."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.content.boxes import selector_fault, without_boxes
from bot.content.markdown import Manner, to_html

from .support import SHARED

AD = "<a rel='noopener sponsored' href='https://shop.example/'>店</a>"
STRIP = ("a[rel~=sponsored]",)
SEED = SHARED / "seed" / "2026-02-10-041edf4d.md"


def html(markdown: str, *strip: str) -> str:
    made = to_html(markdown, "https://blog.example/p/", Manner(strip=strip or STRIP))
    return re.sub(r"\n+", "\n", made).strip()


@pytest.mark.parametrize(
    ("markdown", "left"),
    [
        (f"前。\n\n<div>\n{AD}\n{AD}\n</div>\n\n後。", "<p>前。</p>\n<p>後。</p>"),
        (f"前。\n\n---\n\n**関連情報**\n\n<div>{AD}</div>", "<p>前。</p>"),
        (f"前。\n\n---\n\n📚 **関連情報を知りたい方へ**\n\n{AD}", "<p>前。</p>"),
        (f"前。\n\n購入はこちら👇\n\n- {AD}\n- {AD}で見る\n\n後。", "<p>前。</p>\n<p>後。</p>"),
        (f"前。\n\n## 広告\n\n{AD}\n\n## 次\n\n文。", '<p>前。</p>\n<h2 id="次">次</h2>\n<p>文。</p>'),
        (f"前。\n\n### 広告\n\n{AD}\n\n## 次", '<p>前。</p>\n<h2 id="次">次</h2>'),
        (f"本: {AD} | {AD}\n\n後。", "<p>後。</p>"),
        (f"> {AD}\n\n後。", "<p>後。</p>"),
        (f"<section><div><p><span>{AD}</span></p></div></section>\n\n後。", "<p>後。</p>"),
        ("<a rel=sponsored href=x><img src=y></a>\n\n後。", "<p>後。</p>"),
    ],
)  # fmt: skip
def test_a_box_goes_with_what_leads_to_it(markdown: str, left: str) -> None:
    assert html(markdown) == left


@pytest.mark.parametrize(
    ("markdown", "left"),
    [
        (f"この{AD}は良い道具です。", "<p>この店は良い道具です。</p>"),
        (f"前の段落。\n\n普通の一行\n\n{AD}\n\n後。", "<p>前の段落。</p>\n<p>普通の一行</p>\n<p>後。</p>"),
        (f"## 節\n\n{AD}\n\n文。", '<h2 id="節">節</h2>\n<p>文。</p>'),
        (f"## 章\n\n{AD}\n\n### 節\n\n文。", '<h2 id="章">章</h2>\n<h3 id="節">節</h3>\n<p>文。</p>'),
        (f"**関連**\n\n<div>{AD}</div>\n\n- 記事", "<p><strong>関連</strong></p>\n<ul>\n<li>記事</li>\n</ul>"),
        (f"<div><p>残る文</p>{AD}</div>", "<div><p>残る文</p></div>"),
        (f"<div><img src=a.png>{AD}</div>", '<div><img src="https://blog.example/p/a.png"></div>'),
        (f"{AD}\n\n---\n\n後。", "<hr>\n<p>後。</p>"),
        ("[店](https://shop.example/)", '<p><a href="https://shop.example/">店</a></p>'),
    ],
)  # fmt: skip
def test_what_is_no_box_stays(markdown: str, left: str) -> None:
    assert html(markdown) == left


def test_a_cell_stays_as_long_as_its_row() -> None:
    table = f"| a | b |\n|---|---|\n| x | {AD} |\n| {AD} | {AD} |\n"
    assert re.findall(r"<td>(.*?)</td>", html(table)) == ["x", ""]


def test_any_selector_may_be_named() -> None:
    markdown = '<div class="ad x">広告</div>\n\n<p data-ad>広告</p>\n\n文。\n\n![絵](a.png)'
    assert html(markdown, ".ad", "[data-ad]", "p:has(> img)") == "<p>文。</p>"


def test_what_no_selector_finds_is_not_touched() -> None:
    odd = "<p>a<br/>b <b>c</p><p>sponsored"
    assert without_boxes(odd, STRIP) == odd
    assert without_boxes(odd, ()) == odd


def test_boxes_of_a_rawhtml_shortcode() -> None:
    box = f"{{{{< rawhtml >}}}}\n<div>{AD}\n\n{AD}</div>\n{{{{< /rawhtml >}}}}"
    assert html(f"- 一。\n\n{box}\n\n## 次\n\n文。") == (
        '<ul>\n<li>一。</li>\n</ul>\n<h2 id="次">次</h2>\n<p>文。</p>'
    )


@pytest.mark.parametrize("selector", ["a[", "", "a,,b", "::x", "{"])
def test_what_is_no_selector_is_said(selector: str) -> None:
    fault = selector_fault(["a", selector])
    assert fault is not None
    assert str(fault) == f"`{selector}` is no CSS selector"
    assert selector_fault(["a", ".b > c", "p:has(img)"]) is None


def test_the_seed_ends_at_its_farewell() -> None:
    if not SEED.exists():
        pytest.skip("the seed is not beside this repository")
    body = SEED.read_text(encoding="utf-8").split("---\n", 2)[2]
    made = html(body)
    assert made.endswith(
        "それでは、また次回の記事でお会いしましょう。AI専門ブロガーのねぎでした！</p>"
    )
    assert "amazon" not in made
    assert made.count("<h2") == body.count("\n## ") + body.startswith("## ")
    whole = to_html(body, "https://blog.example/p/")
    assert "amazon" in whole


PIECES = ["<div>", "</div>", AD, "<p>", "</p>", "文。", "<hr>", "<h2>題</h2>", "<ul><li>", "</ul>", "<table><tr><td>", "</table>", "<a rel=sponsored>", "</a>", "<b>", "</b>", "<img src=x>", "<svg>", "<select>", "<body>"]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14))
def test_no_box_is_left_whatever_surrounds_it(pieces: list[str]) -> None:
    made = without_boxes("".join(pieces), STRIP)
    assert "shop.example" not in made
