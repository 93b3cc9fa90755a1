"""The summary section in the shapes in which people write it, and what stands in for it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.content.headings import normal
from bot.content.lead import best_sentences, sentences_of
from bot.content.matter import split_matter
from bot.content.summarizer import cleaned, section_items, summarize
from bot.model import Summary
from bot.settings import SummarySettings

from .support import SHARED, shared_json

HEADINGS, ALIASES = SummarySettings().headings, SummarySettings().aliases
THREE = "- 一つ目。\n- 二つ目。\n- 三つ目。\n"
LINES = ("一つ目。", "二つ目。", "三つ目。")


def items(body: str) -> tuple[str, ...]:
    return section_items(body, HEADINGS, ALIASES)


def whole(body: str, title: str = "題名", **matter: Any) -> Summary:
    return summarize(body, matter, title, HEADINGS, ALIASES)


def test_every_measured_shape() -> None:
    wrong: list[str] = []
    for case in shared_json("summary_sections.json")["cases"]:
        matter, body = split_matter(case["markdown"])
        found = summarize(body, matter, "題名", HEADINGS, ALIASES)
        lines = list(found.lines) if found.source in ("section", "front-matter") else None
        if lines != case["expected"]:
            wrong.append(f"{case['id']}: {lines} is not {case['expected']}")
    assert not wrong, "\n".join(wrong)


def test_the_seed_gives_its_three_lines_word_for_word() -> None:
    file = next(SHARED.glob("seed/*.md"), None)
    if file is None:
        pytest.skip("the seed is not beside this repository")
    text = file.read_text(encoding="utf-8")
    start = text.index("## 3行要約")
    written = [line[2:] for line in text[start:].split("\n")[2:5]]
    matter, body = split_matter(text)
    assert list(summarize(body, matter, matter["title"], HEADINGS, ALIASES).lines) == written


@pytest.mark.parametrize(
    "heading",
    [
        "## 3行要約",
        "## ３ 行 要 約",
        "# **3行要約**",
        "### 【3行要約】",
        "## ■ 3行要約",
        "## 📝3行要約✨",
        "## 「3行要約」",
        "## 1. 3行要約",
        "## 3行要約（忙しい人向け）",
        "## 3行要約 {#summary .lead}",
        "## <span id='s'>3行要約</span>",
        "## この記事の3行要約",
        "## 三行要約",
        "## TL;DR",
        "## tl;dr:",
        "## TLDR",
        "## KEY TAKEAWAYS",
        "**3行要約**\n",
        "> 💡 3行まとめ\n>",
    ],
)
def test_headings_that_open_the_section(heading: str) -> None:
    quoted = heading.startswith(">")
    body = THREE.replace("- ", "> - ") if quoted else THREE
    assert items(f"前置き。\n\n{heading}\n{body}\n## 次\n\n- ちがう\n") == LINES


@pytest.mark.parametrize(
    "heading",
    [
        "## 3行要約の作り方",
        "## requirements.txtは3行で足りる",
        "## なぜ3行要約なのか",
        "## まとめ",
        "## わかること",
        "## 概要",
        "## Keyboard takeaways",
        "3行要約という言葉がある。",
        "    ## 3行要約",
    ],
)
def test_headings_that_are_something_else(heading: str) -> None:
    assert items(f"{heading}\n\n{THREE}") == ()


@pytest.mark.parametrize(
    "body",
    [
        f"<details>\n<summary>3行要約</summary>\n\n{THREE}\n</details>\n\n- ちがう\n",
        f"{{{{< tldr >}}}}\n{THREE}{{{{< /tldr >}}}}\n\n- ちがう\n",
        f'{{{{< notice tip "3行要約" >}}}}\n{THREE}{{{{< /notice >}}}}\n',
        f"::: tip 3行要約\n{THREE}:::\n\n- ちがう\n",
        f":::message\n**3行要約**\n\n{THREE}:::\n",
        "> [!NOTE]\n> **3行要約**\n>\n> - 一つ目。\n> - 二つ目。\n> - 三つ目。\n\n- ちがう\n",
        "> [!TLDR]\n> - 一つ目。\n> - 二つ目。\n> - 三つ目。\n",
        "## 3行要約\n\n> - 一つ目。\n> - 二つ目。\n> - 三つ目。\n",
        "## 3行要約\r\n\r\n- 一つ目。\r\n- 二つ目。\r\n- 三つ目。\r\n",
        "## 3行要約\n\n1) 一つ目。\n2) 二つ目。\n3) 三つ目。\n\n- ちがう\n",
        '## 3行要約\n\n<div class="ad"><ul><li>広告</li></ul></div>\n\n' + THREE,
        "## 3行要約\n\n{{% box %}}\n- 広告\n{{% /box %}}\n\n" + THREE,
        "## 3行要約\n\n> 💡 広告です。\n\n" + THREE,
    ],
)
def test_shapes_without_a_plain_heading_and_boxes_within(body: str) -> None:
    assert items(body) == LINES


def test_a_heading_in_a_comment_or_fence_is_none() -> None:
    assert items(f"<!--\n## 3行要約\n\n- 下書き\n-->\n\n## 3行要約\n\n{THREE}") == LINES
    assert items(f"~~~\n## 3行要約\n\n- 例\n~~~\n\n## 3行要約\n\n{THREE}") == LINES


def test_priority_goes_before_position() -> None:
    body = f"## TL;DR\n\n- short\n\n## 3行要約\n\n{THREE}"
    assert items(body) == LINES
    assert section_items(body, ("tl;dr", "3行要約")) == ("short",)
    assert section_items("## 要点\n\n- あ\n", ("要点",)) == ("あ",)
    assert section_items(f"## 3行要約\n\n{THREE}", ("要点",)) == ()


def test_an_empty_section_gives_way_to_the_next_name() -> None:
    assert items("## 3行要約\n\n## TL;DR\n\n- x\n") == ("x",)


def test_a_paragraph_below_tldr_is_one_line() -> None:
    assert items("## TL;DR\n\nIt is **fast**\nand small.\n\n## Next\n") == (
        "It is fast and small.",
    )


def test_text_is_plain() -> None:
    body = (
        "## 3行要約\n\n"
        "- [x] [リンク][r]と**「強調」**です[^1]&amp;`a_b`\n"
        "- ![図](/a.png)の{{< kbd >}}Ctrl{{< /kbd >}}<b>太</b>\n"
        "- 行の\n  続き and\n  more\n\n"
        "[r]: https://example.com\n[^1]: 注\n"
    )
    assert items(body) == ("リンクと「強調」です&a_b", "図のCtrl太", "行の続き and more")


def test_notes_of_a_generator_are_no_items() -> None:
    assert items("## 3行要約\n\n- あ\n- TWEET_TEXT ここ\n- HASHTAGS #a\n- い\n") == ("あ", "い")


def test_the_order_of_the_other_sources() -> None:
    more = "はじめの文です。\n\n<!--more-->\n\n残り。\n"
    assert whole(more, description="説明。。", summary="要点。") == Summary(
        lines=("要点。",), source="front-matter"
    )
    assert whole(more, description="説明。。続きは...") == Summary(
        lines=("説明。",), source="front-matter"
    )
    assert whole(more, description="") == Summary(lines=("はじめの文です。",), source="more")
    assert whole("") == Summary(lines=("題名",), source="title")
    assert whole("", title="") == Summary(lines=(), source="title")
    assert whole("", summary=["一", "二"]).lines == ("一", "二")


def test_the_lead_gives_no_greeting_and_no_question() -> None:
    body = (
        "みなさん、こんにちは。今日もよろしくお願いします。\n\n"
        "新しいモデルの価格は入力100万トークンあたり3ドルになりました。本当に安いのでしょうか？\n\n"
        "従来のモデルと比べて処理の速さは2倍で、日本語の品質も上がっています。\n"
    )
    found = whole(body, title="新しいモデルの価格と速さ")
    assert found.source == "lead"
    assert found.lines == (
        "新しいモデルの価格は入力100万トークンあたり3ドルになりました。",
        "従来のモデルと比べて処理の速さは2倍で、日本語の品質も上がっています。",
    )


def test_a_sentence_ends_outside_brackets() -> None:
    assert sentences_of("彼は（3兆円！）と言った。次。") == ["彼は（3兆円！）と言った。", "次。"]
    assert best_sentences([], "題名") == ()


def test_cut_off_ends_go() -> None:
    assert cleaned("一文。。二文の途中で...") == "一文。"
    assert cleaned("途中で切れた文…") == "途中で切れた文…"
    assert cleaned("One. Two is cut...") == "One."
    assert cleaned("おわり。") == "おわり。"


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="-*_`[](){}<>!|#:・①>\n 3行要約aあ。&;/\\~$", max_size=120))
def test_any_text_below_the_heading_is_one_line_each(text: str) -> None:
    for line in items("## 3行要約\n\n" + text):
        assert line
        assert line == line.strip()
        assert "\n" not in line


@given(st.text(max_size=30))
def test_a_normal_heading_is_normal(text: str) -> None:
    assert normal(normal(text)) == normal(text)


WORDS = st.sampled_from(
    ["一つ目", "と", "の", "word", "two words", "**太字**", "*em*", "`co_de`", "[リンク](https://e.example/a_(b))", "&amp;", "\\*",
     "~~消~~ ", "<b>太</b>", "100%", "a_b_c", "![図](/a.png)", "！", "。", "<https://e.example>", "見[x]", "#1", "- y", "\n  続き"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(WORDS, min_size=1, max_size=5).map("".join), min_size=1, max_size=4),
    st.sampled_from(["- {}\n", "* {}\n", "1. {}\n", "- {}\n\n", "- {}\n  - 補足\n"]),
)
def test_items_are_those_of_commonmark(texts: list[str], shape: str) -> None:
    body = "## 3行要約\n\n" + "".join(shape.format(text) for text in texts) + "\n次の段落。\n"
    assert list(items(body)) == _commonmark_items(body)


def _commonmark_items(body: str) -> list[str]:
    """The first list's items as another parser reads them."""
    from markdown_it import MarkdownIt

    from bot.content.plain import tidy

    found: list[str] = []
    depth = 0
    for token in MarkdownIt("commonmark").enable("strikethrough").parse(body):
        depth += (token.type == "list_item_open") - (token.type == "list_item_close")
        if token.type in ("bullet_list_close", "ordered_list_close") and not depth:
            break
        if token.type == "list_item_open" and depth == 1:
            found.append("")
        elif token.type == "inline" and depth == 1:
            found[-1] += "".join(_words(child) for child in token.children or [])
    return [line for line in map(tidy, found) if line]


def _words(token: Any) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return "\n"
    return token.content if token.type in ("text", "code_inline", "image") else ""
