"""Templates: slips are named with their line, and none can hang the bot or fill its memory."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.compose import check_template
from bot.compose.template import DotBullets, Words, marks, render
from bot.errors import DraftError

VALUES = {
    "title": "題",
    "bullets": DotBullets(["一", "二"]),
    "link": "https://example.com/",
    "hashtags": Words(["#a", "#b"]),
    "date": datetime(2026, 2, 10, tzinfo=UTC),
    "site": "例",
    "author": "山田",
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ title }}", "題"),
        ("{{ bullets }}", "• 一\n• 二"),
        ("{% for b in bullets %}\n- {{ b }}\n{% endfor %}", "- 一\n- 二"),
        ("{{ bullets[0] }} {{ bullets[9] }}", "一"),
        ("{{ hashtags }} | {{ hashtags | join('、') }}", "#a #b | #a、#b"),
        (
            "{{ date }} {{ date.strftime('%Y年%m月') }} {{ date.year }}",
            "2026-02-10 2026年02月 2026",
        ),
        ("{{ title ~ '・' ~ site }}", "題・例"),
        ("{% if author %}{{ author }}{% endif %}\r\n\r\n\r\n\r\n{{ title }}", "山田\n\n題"),
        ("{{ '<b>' }}&", "<b>&"),
        ("{{ 100 }}% {brace} $5", "100% {brace} $5"),
    ],
)
def test_fills_in(template: str, text: str) -> None:
    check_template(template)
    assert render(template, VALUES) == text


@pytest.mark.parametrize(
    ("template", "line", "said"),
    [
        ("{{ title", 1, "slip"),
        ("a\n{% if title %}", 2, "slip"),
        ("a\n\n{{ titel }}", 3, "titel"),
        ("{{ title | shout }}", 1, "shout"),
        ("{{ foo }}", 1, "foo"),
        ("{title}", 1, "{title}"),
        ("a\nb ${url}", 2, "${url}"),
        ("%(title)s", 1, "%(title)s"),
        ("$title", 1, "$title"),
        ("{% macro m() %}{% endmacro %}", 1, "macro"),
        ("{% include 'x' %}", 1, "include"),
        ("{% for a in title %}{% for b in title %}{% for c in title %}{% endfor %}{% endfor %}{% endfor %}", 1, "deeply"),
        ("x" * 10_001, None, "longer"),
        ("{{ " + "(" * 3000 + ")" * 3000 + " }}", None, ""),
    ],
)  # fmt: skip
def test_slips_are_named(template: str, line: int | None, said: str) -> None:
    with pytest.raises(DraftError) as caught:
        check_template(template)
    assert caught.value.code == "template"
    assert said in str(caught.value)
    if line is not None:
        assert caught.value.line == line


@pytest.mark.parametrize(
    ("template", "hint"),
    [
        ("{{ titel }}", "{{ title }}"),
        ("{{ tags }}", "{{ hashtags }}"),
        ("{{ url }}", "{{ link }}"),
        ("{summary}", "{{ bullets }}"),
        ("{{ zzz }}", "Known are: title, bullets, link, hashtags, date, site, author"),
    ],
)
def test_the_right_spelling_is_shown(template: str, hint: str) -> None:
    with pytest.raises(DraftError) as caught:
        check_template(template)
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize(
    "template",
    [
        "{{ title * 1000000000 }}",
        "{{ 10 ** 100000 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ date.strftime('%1000000000Y') }}",
        "{% set a = title * 1000 %}{% set b = a | join(a) %}{{ b | join(b) }}",
        "{% set a = title * 50000 %}{{ a ~ a ~ a }}",
        "{% set a = title * 50000 %}{{ a + a + a }}",
        "{% set a = title * 50000 %}{{ a | replace('題', a) }}",
        "{% set a = title * 400 %}{% for x in a %}{% for y in a %}{{ a }}{% endfor %}{% endfor %}",
        "{{ title.__class__.__mro__ }}",
        "{{ title.format(title) }}{{ title.missing.deeper }}",
        "{{ bullets.append(1) }}",
        "{{ 1 / 0 }}",
        "{{ title + 1 }}",
        "{{ title() }}",
    ],
)
def test_no_template_runs_away(template: str) -> None:
    with pytest.raises(DraftError) as caught:
        render(template, VALUES)
    assert caught.value.code == "template"


def test_marks_say_what_may_shrink_and_in_which_order() -> None:
    assert marks("{{ title }} {{ link }}") == ()
    template = (
        "{{ title | shrink(2) }} {{ bullets | join(' ') | shrink }} {{ hashtags | shrink(3) }}"
    )
    check_template(template)
    assert marks(template) == ("bullets", "title", "hashtags")
    assert render(template, VALUES) == "題 一 二 #a #b"


@pytest.mark.parametrize("template", ["\n{{ link | shrink }}", "\n{{ 'a' | shrink(1) }}"])
def test_only_what_can_shrink_is_marked(template: str) -> None:
    with pytest.raises(DraftError) as caught:
        check_template(template)
    assert caught.value.line == 2
    assert "title, bullets, hashtags" in str(caught.value)


@pytest.mark.parametrize(
    ("spelling", "meant"),
    [("{{ .Title }}", "title"), ("<%= title %>", "title"), ("{{{title}}}", "title"), ("{{.Permalink}}", "link")],
)  # fmt: skip
def test_a_spelling_of_other_tools_is_named_with_ours(spelling: str, meant: str) -> None:
    with pytest.raises(DraftError) as caught:
        check_template(f"a\n{spelling}")
    assert caught.value.line == 2
    assert str(caught.value.hint) == "Write {{ " + meant + " }}"
