"""One file → one post: what is wrong is said with line and hint, and nothing hostile gets through."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.content import parse_post, read_body
from bot.content.dates import BadDate, read_date
from bot.content.files import MAX_FILE
from bot.content.matter import MAX_MATTER, plain_scalar, split_matter
from bot.content.reader import read_page
from bot.errors import ContentError
from bot.model import Post

from .support import NOW, rules_at, write

SITE = Path("/site")


def post_of(text: str | bytes, name: str = "posts/a.md", **rules: Any) -> Post:
    data = text.encode() if isinstance(text, str) else text
    return parse_post(
        data, f"content/{name}", f"/site/content/{name}", rules_at(SITE, **rules), NOW
    )


def refused(text: str | bytes) -> ContentError:
    with pytest.raises(ContentError) as caught:
        post_of(text)
    assert caught.value.path == "content/posts/a.md"
    assert str(caught.value.hint or "")
    return caught.value


def test_a_whole_post() -> None:
    post = post_of(
        "---\nTitle: 題名\ndate: 2026-02-10\nTags: [GenAI, 速報, GenAI, 2026, '']\ncategories: News\n"
        "slug: 日本 語\nid: abc\ncover:\n  image: /a.png\n  ALT: 図\nauthor: [A, B]\n"
        "aliases: [/old/]\nsocial:\n  x: false\ndescription: 説明\n---\n本文\n"
    )
    assert post.title == "題名"
    assert post.date == datetime(2026, 2, 10, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert (post.tags, post.categories) == (("GenAI", "速報", "2026"), ("News",))
    assert post.url == "https://example.com/posts/%E6%97%A5%E6%9C%AC-%E8%AA%9E/"
    assert (post.explicit_id, post.author, post.aliases) == ("abc", "A, B", ("/old/",))
    assert post.cover is not None
    assert (post.cover.shown, post.cover.alt) == ("/a.png", "図")
    assert post.social == {"x": False}
    assert (post.visible, post.why_not, post.language, post.section) == (True, None, "ja", "posts")


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff---\r\ntitle: x\r\ndraft: true\r\n---\r\nbody\r\n",
        '+++\ntitle = "x"\nDraft = true\n+++\nbody\n',
        '{"title": "x", "draft": true, "extra": {"a": "}"}}\nbody\n',
        '{\n  "title": "x",\n  "draft": "true"\n}\n\nbody\n',
        "\n\n---\ntitle: x\nDRAFT: yes\n---\nbody",
        "--- # c\ntitle: x\ndraft: yes\n--- \nbody",
        "---\ntitle: x\nDraft: true\ndraft: false\n---\nbody",
    ],
)
def test_no_spelling_leaks_a_draft(text: str, tmp_path: Path) -> None:
    post = post_of(text)
    assert (post.title, post.visible, post.why_not) == ("x", False, "draft")
    file = write(tmp_path / "content/posts/a.md", text)
    read = parse_post(file.read_bytes(), "a.md", str(file), rules_at(tmp_path), NOW)
    assert read_body(read).strip() == "body"


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("---\ntitle: x\n\nbody", "front-matter-open", 1),
        ("\n---\ntitle: x\nbad: [\n---\n", "front-matter", 5),
        ('---\ntitle: "x" y\n---\n', "front-matter", 2),
        ("---\na: 1\nb:\n\tc: 1\n---\n", "front-matter", 4),
        ("---\ntitle: x\ntitle: y\n---\n", "front-matter-duplicate", 3),
        ("---\ncover:\n  image: a\n  image: b\n---\n", "front-matter-duplicate", 4),
        ("---\n- a\n---\n", "front-matter-shape", 2),
        ("---\ntext\n---\n", "front-matter-shape", 2),
        ("---\n? [a]\n: b\n---\n", "front-matter", 2),
        ("---\ntitle: \x07\n---\n", "front-matter", 2),
        ("+++\ntitle = x\n+++\n", "front-matter", 2),
        ("+++\na = 1\na = 2\n+++\n", "front-matter", 3),
        ('{\n "a": 1,\n}\n', "front-matter", 3),
        ('{"a": 1, "a": 2}\n', "front-matter-duplicate", 1),
        ('{"title": "\\ud83d"}\n', "front-matter", 1),
        (b"---\ntitle: x\n---\n\x93\xfa", "not-utf8", 4),
        ("---\ntitle: x\n---\na\ufffdb", "lost-character", 4),
        ("---\ntitle: x\0\n---\n", "nul", 2),
        ("---\nurl: https://other.example/\n---\n", "url-absolute", 2),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    text: str | bytes, code: str, line: int | None
) -> None:
    error = refused(text)
    assert (error.code, error.line) == (code, line)


@pytest.mark.parametrize(
    "text",
    [
        "---\n"
        + "\n".join(
            f"a{n}: &a{n} [" + ",".join([f"*a{n - 1}"] * 9 if n else "x") + "]" for n in range(9)
        )
        + "\n---\n",
        "---\na: &a\n  b: *a\n---\n",
        "---\na: " + "[" * 900 + "]" * 900 + "\n---\n",
        "---\na: " + "{a: " * 200 + "x" + "}" * 200 + "\n---\n",
        '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}\n",
        "+++\na = " + "[" * 5_000 + "]" * 5_000 + "\n+++\n",
        "---\na: '" + "x" * MAX_MATTER + "'\n---\n",
        "---\ntitle: x\n---\n" + "x" * MAX_FILE,
    ],
    ids=["aliases", "cycle", "deep", "deep-map", "json", "toml", "matter", "file"],
)
def test_bombs_are_refused(text: str) -> None:
    refused(text)


def test_aliases_and_merge_keys_of_the_usual_size_work() -> None:
    matter, _ = split_matter("---\na: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\nc: *a\n---\n")
    assert matter == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"x": 1, "y": 2}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("true", True), ("FALSE", False), ("yes", "yes"),
        ("10", 10), ("-3", -3), ("0777", 511), ("0o17", 15), ("0x1F", 31), ("1.50", 1.5), ("1e3", "1e3"),
        ("2026-02-10", "2026-02-10"), ("1_000", 1000), ("3行", "3行"), (".", "."), ("-", "-"), ("08", "08"),
    ],
)  # fmt: skip
def test_unquoted_words_of_yaml(text: str, value: Any) -> None:
    assert plain_scalar(text) == value
    assert type(plain_scalar(text)) is type(value)


TOKYO = ZoneInfo("Asia/Tokyo")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-02-10", datetime(2026, 2, 10, tzinfo=TOKYO)),
        ("2026-02-10T09:08:07Z", datetime(2026, 2, 10, 9, 8, 7, tzinfo=UTC)),
        ("2026-02-10 09:08:07 -0330", datetime(2026, 2, 10, 9, 8, 7, tzinfo=timezone(-timedelta(hours=3.5)))),
        ("2026-02-10 09:08:07", datetime(2026, 2, 10, 9, 8, 7, tzinfo=TOKYO)),
        ("10 Feb 2026", datetime(2026, 2, 10, tzinfo=TOKYO)),
        ("Tue, 10 Feb 2026 09:08:07 +0900", datetime(2026, 2, 10, 9, 8, 7, tzinfo=TOKYO)),
        ("Tue, 10 Feb 2026 09:08:07 GMT", datetime(2026, 2, 10, 9, 8, 7, tzinfo=UTC)),
        (20260210, datetime(1970, 8, 23, 11, 50, 10, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_dates_that_hugo_reads(text: Any, moment: datetime) -> None:
    assert read_date(text, TOKYO) == moment


@pytest.mark.parametrize(
    "text",
    ["2026/02/10", "2026-2-1", "2026-02-10 09:08", "2026-02-30", "2026-02-10T24:00:00", "2月10日",
     "20260210", "Feb 10, 2026", 1.5, True, [], 10**30, "9999-12-31T23:59:59-23:59"],
)  # fmt: skip
def test_dates_that_hugo_refuses(text: Any) -> None:
    with pytest.raises(BadDate):
        read_date(text, TOKYO)


def test_a_bad_date_is_a_problem_with_its_line_and_the_post_stays_hidden() -> None:
    data = b"---\ntitle: x\ndate: 2026/02/10\n---\n"
    page = read_page(data, "content/a.md", "/site/content/a.md", rules_at(SITE))
    post = page.at(NOW)
    assert (post.visible, post.why_not, post.date) == (False, "bad-date", None)
    assert [(p.code, p.line, p.post_lost) for p in page.problems] == [("date", 3, False)]


def test_a_full_width_indentation_is_said() -> None:
    data = "---\ntitle: x\ncover:\n\u3000image: a.png\n---\n".encode()
    page = read_page(data, "a.md", "/site/content/a.md", rules_at(SITE))
    assert [(p.code, p.post_lost) for p in page.problems] == [("full-width-space", False)]


@pytest.mark.parametrize(
    ("matter", "why_not"),
    [
        ("date: 2026-12-01", "future"),
        ("date: 2026-12-01\npublishDate: 2026-01-01", None),
        ("lastmod: 2026-12-01", "future"),
        ("expiryDate: 2026-01-01", "expired"),
        ("expiryDate: 2026-12-01", None),
        ("headless: true", "headless"),
        ("build: {render: never}", "not-rendered"),
        ("build: {render: link}", "not-rendered"),
        ("build: {list: local}", "not-listed"),
        ("layout: search", "not-a-post"),
        ("outputs: [json]", "not-html"),
        ("draft: false", None),
        ("draft: no", None),
    ],
)
def test_visibility(matter: str, why_not: str | None) -> None:
    post = post_of(f"---\ntitle: x\n{matter}\n---\n")
    assert (post.why_not, post.visible) == (why_not, why_not is None)


def test_visibility_changes_by_the_clock_alone() -> None:
    rules = rules_at(SITE)
    data = b"---\ntitle: x\ndate: 2026-12-01T00:00:00Z\nexpiryDate: 2026-12-02T00:00:00Z\n---\n"
    page = read_page(data, "a.md", "/site/content/a.md", rules)
    born, gone = datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 2, tzinfo=UTC)
    tick = timedelta(microseconds=1)
    seen = [(p.why_not, p.changes_at) for p in (page.at(t) for t in (born - tick, born, gone))]
    assert seen == [("future", born), (None, gone), ("expired", None)]


def test_without_front_matter_a_file_is_a_post_without_title() -> None:
    post = post_of("# 見出し\n\n本文\n")
    assert (post.title, post.date, post.visible) == ("", None, True)


def test_types_that_do_not_fit_are_left_out() -> None:
    post = post_of(
        "---\ntitle: [a]\ntags: {a: 1}\nslug: true\ncover: 3\nsocial: x\nauthor: {name: N}\n---\n"
    )
    assert (post.title, post.tags, post.cover, post.social, post.author) == ("", (), None, {}, "N")


@settings(max_examples=80, deadline=None)
@given(
    st.text(alphabet="-+{}[]:,&*!|>'\"#%@`\n\t \\abc1あ\u3000", max_size=80),
    st.sampled_from(["---\n{}\n---\n", "+++\n{}\n+++\n", "{{{}}}\n", "{}"]),
)
def test_any_text_is_a_post_or_a_content_error(text: str, frame: str) -> None:
    try:
        post = post_of(frame.format(text))
    except ContentError as error:
        assert error.path
        assert error.line is None or error.line >= 1
    else:
        assert post.url.isascii()
