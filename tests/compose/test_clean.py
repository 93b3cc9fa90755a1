"""No accident: what a title or bullet holds becomes no mention, tag, cashtag or link."""

from __future__ import annotations

import pytest

from bot.compose.clean import STOP, guard, one_line
from bot.links import find_links


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("two\nlines\r\nand\ttabs", "two lines and tabs"),
        ("か\u3099\u200bく\ufeff", "がく"),
        ("神\ufa19", "神\ufa19"),
        ("\x00a\u202eb\ud800", "ab"),
        ("👩🏽\u200d🚀", "👩🏽\u200d🚀"),
        ("葛\U000e0100城", "葛\U000e0100城"),
    ],
)
def test_one_line(text: str, line: str) -> None:
    assert one_line(text) == line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("@OpenAIが", f"@{STOP}OpenAIが"),
        ("＠OpenAI", f"＠{STOP}OpenAI"),
        ("a@b.example.com", "a@b.example.com"),
        ("#1位", f"#{STOP}1位"),
        ("＃速報", f"＃{STOP}速報"),
        ("C# と F#", "C# と F#"),
        ("$NVDA", f"${STOP}NVDA"),
        ("$5", "$5"),
        ("DESIGN.md", f"DESIGN.{STOP}md"),
        ("docs.AI.com/a.html", f"docs.{STOP}AI.{STOP}com/a.html"),
        (
            "長い文" * 20 + "DESIGN.md",
            "長い文" * 20 + f"DESIGN.{STOP}md",
        ),  # a shorter cut would link
        ("https://example.com/@a#b を見よ", "https://example.com/@a#b を見よ"),
    ],
)
def test_x(text: str, shown: str) -> None:
    assert guard(text, "x") == shown
    assert [text[a:b] for a, b in find_links(shown) if "://" not in shown[a:b]] == []
    assert shown.replace(STOP, "") == text


def test_mastodon_links_no_bare_domain() -> None:
    assert guard("DESIGN.md @a #1位 $NVDA", "mastodon") == f"DESIGN.md @{STOP}a #{STOP}1位 $NVDA"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ふつうの文 10:30 に", "ふつうの文 10:30 に"),
        ("**強い** 文", "<plain>**強い** 文</plain>"),
        ("AI 検索", "<plain>AI 検索</plain>"),
        (":neko: だ", "<plain>:neko: だ</plain>"),
        ("$[x2 大]", "<plain>$[x2 大]</plain>"),
        ("a </plain> #b", f"<plain>a </{STOP}plain> #b</plain>"),
        ("#1 https://example.com/ 可", "<plain>#1 </plain>https://example.com/ 可"),
    ],
)
def test_misskey_reads_no_markup(text: str, shown: str) -> None:
    assert guard(text, "misskey") == shown


@pytest.mark.parametrize("network", ["bluesky", "file"])
def test_where_nothing_is_read_out_of_the_text(network: str) -> None:
    assert guard("@a #1位 $NVDA DESIGN.md", network) == "@a #1位 $NVDA DESIGN.md"


def test_an_unknown_network_is_taken_for_one_that_reads_tags() -> None:
    assert guard("@a #1位", "tomorrow") == f"@{STOP}a #{STOP}1位"
