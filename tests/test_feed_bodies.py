"""Posts as their feeds show them: shortcodes, boxes and raw HTML by what the site says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.feeds.objections import objections
from tests.site import Site

HOME = "https://blog.example/"
AD = '<a rel="sponsored" href="https://shop.example/">店</a>'


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path).configure()


def write(site: Site, name: str, body: str, *, day: int = 1, more: str = "") -> None:
    file = site.post(name, day=day, more=more)
    with file.open("a", encoding="utf-8") as opened:
        opened.write(f"\n## 本文\n\n{body}\n")


def shown(site: Site, name: str) -> str:
    feed = json.loads((site.root / "public" / "feed.json").read_text(encoding="utf-8"))
    found = {item["title"]: item["content_html"] for item in feed["items"]}
    return str(found[name].partition('<h2 id="本文">本文</h2>\n')[2].strip())


def setting(site: Site, text: str) -> None:
    with (site.root / "bot.toml").open("a", encoding="utf-8") as file:
        file.write(text)


def test_a_shortcode_that_is_not_known_is_told_once_and_loses_nothing(site: Site) -> None:
    for day, name in enumerate("abc", 1):
        write(site, name, "{{< box >}}**中**{{< /box >}} {{< dot >}}", day=day)
    told = site.run("feed")
    assert told.returncode == 0
    assert shown(site, "a") == "<p><strong>中</strong></p>"
    lines = [line for line in told.stderr.splitlines() if "[shortcode]" in line]
    assert lines == [
        "content/posts/c.md: The shortcode box is not known: feeds show what it encloses [shortcode]",
        "content/posts/c.md: The shortcode dot is not known: feeds leave it out [shortcode]",
    ]


def test_refs_lead_to_other_posts(site: Site) -> None:
    write(site, "target", "x", more="slug: else\n")
    refs = ["target.md", "target", "posts/target.md", "/posts/target", "./target.md", "target#節"]
    links = " ".join(f'[r]({{{{< ref "{ref}" >}}}})' for ref in refs)
    write(site, "a", links + ' [r]({{< ref "#節" >}})', day=2)
    assert site.run("feed").returncode == 0
    part = "#%E7%AF%80"
    addresses = [f"{HOME}posts/else/"] * 5 + [f"{HOME}posts/else/{part}", f"{HOME}posts/a/{part}"]
    links = " ".join(f'<a href="{address}">r</a>' for address in addresses)
    assert shown(site, "a") == f"<p>{links}</p>"


def test_a_ref_to_a_draft_is_told(site: Site) -> None:
    write(site, "draft", "x", more="draft: true\n")
    write(site, "a", '[r]({{< ref "draft.md" >}})', day=2)
    told = site.run("feed")
    assert told.returncode == 0
    assert "content/posts/a.md: ref names a post that is not there" in told.stderr
    assert shown(site, "a") == f'<p><a href="{HOME}posts/a/">r</a></p>'


def test_boxes_are_left_out_unless_the_site_wants_them(site: Site) -> None:
    write(site, "a", f"文。\n\n**広告**\n\n<div>{AD}</div>")
    assert site.run("feed").returncode == 0
    assert shown(site, "a") == "<p>文。</p>"
    setting(site, "[feed]\nstrip = []\n")
    assert site.run("feed").returncode == 0
    assert "shop.example" in shown(site, "a")


def test_a_selector_that_is_none_stops_with_its_line(site: Site) -> None:
    setting(site, '[feed]\nstrip = [".ad", "a["]\n')
    line = (site.root / "bot.toml").read_text(encoding="utf-8").count("\n")
    told = site.run("feed")
    assert told.returncode == 2
    assert f"bot.toml:{line}: `a[` is no CSS selector" in told.stderr


def test_raw_html_by_the_setting(site: Site) -> None:
    write(site, "a", 'a <b onclick="x()">太</b><script>1</script>')
    assert site.run("feed").returncode == 0
    assert shown(site, "a") == "<p>a <b>太</b></p>"
    setting(site, "[content]\nunsafe = false\n")
    assert site.run("feed").returncode == 0
    assert shown(site, "a") == "<p>a 太1</p>"


@pytest.mark.parametrize(("unsafe", "html"), [("true", "<b>太</b>"), ("false", "太")])
def test_raw_html_by_hugos_own_setting(site: Site, unsafe: str, html: str) -> None:
    write(site, "a", "a <b>太</b>")
    setting(site, '[content]\nhugo = "."\n')
    (site.root / "hugo.toml").write_text(
        f'baseURL = "{HOME}"\n[markup.goldmark.renderer]\nunsafe = {unsafe}\n', encoding="utf-8"
    )
    assert site.run("feed").returncode == 0
    assert shown(site, "a") == f"<p>a {html}</p>"


RICH = """
{{< figure src="絵 1.png" alt="a & b" caption="<3 *c*" >}} {{< youtube x >}} {{< box >}}a{{< /box >}}

# 題 & <題>

a[^1] <b onclick="x()">太</b> <script>alert(1)</script> AT&T, 1 < 2, [x](../b/?q=あ&r) <a href="/x">y</a>

[^1]: 注

- [x] 済
- [ ] 未

| a | b |
|---|---|
| ~~c~~ | `<d>` |

語
: 意味

<div class="k" style="x"><button>押す</button><img src=z.png srcset="z.png 2x"><p>閉じない</div>

```html
<p>{{</* a */>}} ]]> &amp;</p>
```

{{< details summary="続き" >}}中{{< /details >}} ]]> https://例え.jp/道?あ=い
"""


@pytest.mark.parametrize("unsafe", ["true", "false"])
def test_no_feed_of_a_rich_post_meets_an_objection_of_the_validator(
    site: Site, unsafe: str
) -> None:
    write(site, "a", RICH, more='tags: ["C#", "あ い"]\n')
    setting(site, f"[content]\nunsafe = {unsafe}\n[feed]\ntags = true\ncategories = true\n")
    assert site.run("feed").returncode == 0
    feeds = [*(site.root / "public").rglob("feed.xml"), *(site.root / "public").rglob("atom.xml")]
    assert len(feeds) == 6
    for feed in feeds:
        assert objections(feed.read_bytes()) == [], feed
