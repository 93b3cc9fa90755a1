"""Hugo's shortcodes in feeds: its own are shown or become a link, others keep what they enclose."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.content.markdown import Manner, render, to_html

PAGE = "https://blog.example/posts/a/"
MANNER = Manner(page={"b.md": "https://blog.example/posts/b/"}.get)


def html(markdown: str, manner: Manner = MANNER) -> str:
    return to_html(markdown, PAGE, manner).strip()


def link(url: str, words: str = "") -> str:
    return f'<p><a href="{url}">{words or url}</a></p>'


@pytest.mark.parametrize("delimiters", [("{{<", ">}}"), ("{{%", "%}}")])
@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("youtube dQw4w9WgXcQ", link("https://www.youtube.com/watch?v=dQw4w9WgXcQ")),
        (
            'youtube id="x_-1" start=30 title="歌 & 踊り"',
            link("https://www.youtube.com/watch?v=x_-1&amp;t=30s", "歌 &amp; 踊り"),
        ),
        ("vimeo 146022717", link("https://vimeo.com/146022717")),
        ('gist spf13 7896402 "img.html"', link("https://gist.github.com/spf13/7896402#file-img-html", "img.html")),
        ("gist spf13 7896402", link("https://gist.github.com/spf13/7896402")),
        ('x user="GoHugoIO" id="877500564405444608"', link("https://x.com/GoHugoIO/status/877500564405444608")),
        ("tweet 877500564405444608", link("https://x.com/i/status/877500564405444608")),
        ("instagram CxOWiQNP2MO", link("https://www.instagram.com/p/CxOWiQNP2MO/")),
        ('qr text="https://gohugo.io" /', link("https://gohugo.io")),
        ('qr text="電話 1 < 2"', "<p>電話 1 &lt; 2</p>"),
        ('figure src="/i.png" alt="工場"', '<figure><img src="https://blog.example/i.png" alt="工場"></figure>'),
        ('youtube "a/../b?c"', link("https://www.youtube.com/watch?v=a%2F..%2Fb%3Fc")),
    ],
)  # fmt: skip
def test_hugos_own(delimiters: tuple[str, str], code: str, shown: str) -> None:
    assert html(f"{delimiters[0]} {code} {delimiters[1]}") == shown


def test_a_figure_with_all_its_parts() -> None:
    code = (
        '{{< figure src="i.png" link="/x" alt="A" title="題 *T*" caption="説明 **太**"\n'
        '  attr="撮影者" attrlink="/me" width=10 class="k" >}}'
    )
    assert html(code) == (
        '<figure><a href="https://blog.example/x"><img src="https://blog.example/posts/a/i.png"'
        ' alt="A" width="10"></a><figcaption><h4>題 <em>T</em></h4><p>説明 <strong>太</strong>'
        ' <a href="https://blog.example/me">撮影者</a></p></figcaption></figure>'
    )


def test_highlight_is_code_and_nothing_in_it_is_markdown() -> None:
    code = '{{< highlight go "linenos=table" >}}\nx := "<1>" // **a** {{< b >}}\n\ny\n{{< /highlight >}}'
    assert html(code) == (
        '<pre><code class="language-go">x := "&lt;1&gt;" // **a** {{&lt; b &gt;}}\n\ny\n</code></pre>'
    )


def test_details_hold_markdown() -> None:
    code = (
        '前\n\n{{< details summary="続き *x*" open=true >}}\n**中**\n\n- a\n{{< /details >}}\n\n後'
    )
    assert html(code) == (
        '<p>前</p>\n<details open=""><summary>続き <em>x</em></summary>\n'
        "<p><strong>中</strong></p>\n<ul>\n<li>a</li>\n</ul>\n</details>\n<p>後</p>"
    )


def test_details_in_an_item_of_a_list_stay_in_it() -> None:
    code = "- 一\n\n  {{< details >}}\n  中\n  {{< /details >}}\n\n- 二"
    made = html(code)
    assert made.count("<ul>") == 1
    assert made.index("<details>") < made.index("中") < made.index("</details>") < made.index("二")


def test_a_ref_is_an_address() -> None:
    assert html('[x]({{< ref "b.md" >}})') == link("https://blog.example/posts/b/", "x")
    assert html('[x]({{% relref path="b.md" %}})') == link("https://blog.example/posts/b/", "x")
    assert html('<a href="{{< ref "b.md" >}}">x</a>') == link("https://blog.example/posts/b/", "x")


def test_a_ref_to_nothing_leads_to_the_post_and_is_told() -> None:
    made, troubles = render('[x]({{< ref "gone.md" >}})', PAGE, MANNER)
    assert made.strip() == link(PAGE, "x")
    assert troubles == {"ref": "no-page"}


def test_unknown_ones_keep_their_inside_or_vanish_and_are_told() -> None:
    made, troubles = render(
        "{{< box kind=a >}}\n**中** {{< dot >}}{{% box %}}内{{% /box %}}\n{{< /box >}}\n{{< dot >}}",
        PAGE,
    )
    assert made.strip() == "<p><strong>中</strong> 内</p>"
    assert troubles == {"box": "paired", "dot": "single"}


def test_a_self_closed_one_and_an_end_without_a_beginning_vanish() -> None:
    made, troubles = render("a{{< dot />}}b{{< /lost >}}c", PAGE)
    assert made.strip() == "<p>abc</p>"
    assert troubles == {"dot": "single"}


def test_raw_html_is_html_whatever_the_site_says_of_markdown() -> None:
    code = '{{< rawhtml >}}\n<div class="k" onclick="x()">**a**\n\n<b>c</b></div><script>1</script>\n{{< /rawhtml >}}'
    for unsafe in (True, False):
        assert html(code, Manner(unsafe=unsafe)) == "<div>**a**\n\n<b>c</b></div>"


def test_a_comment_is_left_out() -> None:
    assert html("a{{% comment %}} **秘密** {{% /comment %}}b") == "<p>ab</p>"


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ('{{</* figure src="x" */>}}', '<p>{{&lt; figure src="x" &gt;}}</p>'),
        ("{{%/* a */%}}", "<p>{{% a %}}</p>"),
        ("{{</*b*/>}}", "<p>{{&lt;b&gt;}}</p>"),
        ("`{{</* a */>}}`", "<p><code>{{&lt; a &gt;}}</code></p>"),
        ("```\n{{</* a */>}}\n```", "<pre><code>{{&lt; a &gt;}}\n</code></pre>"),
        ("{{</* /a */>}}", "<p>{{&lt; /a &gt;}}</p>"),
    ],
)
def test_escaped_ones_are_shown(markdown: str, shown: str) -> None:
    assert html(markdown) == shown


@pytest.mark.parametrize(
    "markdown",
    [
        "```\n{{< youtube x >}}\n```",
        "~~~~\n```\n{{< youtube x >}}\n~~~~",
        "- a\n\n  ```\n  {{< youtube x >}}\n  ```",
        "> ```\n> {{< youtube x >}}\n> ```",
        "``a ` {{< youtube x >}}``",
        "```\n{{< youtube x >}}",
    ],
)
def test_code_is_left_as_it_is(markdown: str) -> None:
    made, troubles = render(markdown, PAGE)
    assert "{{&lt; youtube x &gt;}}" in made
    assert troubles == {}


def test_an_end_in_a_fence_ends_nothing() -> None:
    code = "{{< details >}}\n```\n{{< /details >}}\n```\n後\n{{< /details >}}\n外"
    made = html(code)
    assert made.index("後") < made.index("</details>") < made.index("外")


@pytest.mark.parametrize(
    "markdown", ["{{ x }}", "{{<", "{{< >}}", "{{< 1a >}}", "{% raw %}", "{{< a"]
)
def test_what_is_no_shortcode_is_text(markdown: str) -> None:
    assert "{" in html(markdown)


def test_a_text_with_the_stand_in_word_is_not_mistaken() -> None:
    assert html("botword0z {{< youtube x >}}").startswith("<p>botword0z <a href=")


@pytest.mark.parametrize(
    "markdown",
    [
        '{{< figure src="javascript:alert(1)" >}}',
        '{{< figure src="x" alt="&quot; onerror=alert(1) x=&quot;" >}}',
        "{{< figure src=`x\" onerror=\"alert(1)` >}}",
        '{{< youtube "\\"><script>alert(1)</script>" >}}',
        '{{< details summary="<script>alert(1)</script>" >}}x{{< /details >}}',
        "{{< rawhtml >}}<iframe src=//evil.example></iframe><img src=x onerror=y>{{< /rawhtml >}}",
        '{{< highlight "go onload=x><script>" >}}</code><script>1</script>{{< /highlight >}}',
    ],
)  # fmt: skip
def test_nothing_hostile_comes_through(markdown: str) -> None:
    made = html(markdown).lower()
    assert "<script" not in made
    assert "<iframe" not in made
    assert not re.search(r"<[^>\"]*(?:\"[^\"]*\"[^>\"]*)*\son\w+=", made)
    assert 'src="javascript' not in made


@pytest.mark.parametrize(
    "hostile",
    [
        "{{< a >}}" * 20_000,
        "{{< a >}}" * 10_000 + "{{< /a >}}" * 10_000,
        "{{< a" + " " * 100_000,
        "{{< /a >}}" * 20_000,
        "{{<" * 50_000,
        "{{</*" * 30_000,
        '{{< a "' * 20_000,
        "{{< highlight >}}" * 10_000,
        "`" * 3_000 + "{{" + "".join("`" * n + " " for n in range(1, 300)),
        "{{< a >}}{{< b >}}{{< /a >}}" * 5_000,
    ],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_hostile_lengths_end(hostile: str) -> None:
    """Each of these is a second or less; what is quadratic would take minutes."""
    made, _ = render(hostile, PAGE)
    assert "botword" not in made


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["{{<", ">}}", "{{%", "%}}", " ", "/", "details", "x", "```\n", "`", "\n\n", "/*", "*/", '"', "figure src=a", "- ", "> "]), max_size=25))  # fmt: skip
def test_whatever_stands_there_is_rendered(parts: list[str]) -> None:
    made, _ = render("".join(parts), PAGE)
    assert "botword" not in made
