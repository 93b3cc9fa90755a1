"""One folder with everything that can be wrong with a file: named, and the rest goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.site import FILE_ACCOUNT, Site

HEAD = "title: 題\ndate: 2026-02-10T09:00:00+09:00"
BODY = "\n## 3行要約\n\n- 一つ目です。\n- 二つ目です。\n- 三つ目です。\n"


def post(matter: str = HEAD, body: str = BODY) -> str:
    return f"---\n{matter}\n---\n{body}"


# name → bytes, the line that is named (0: none), the code
BROKEN: dict[str, tuple[bytes, int, str]] = {
    "shift-jis": (post().encode("cp932"), 2, "not-utf8"),
    "euc-jp": (post().encode("euc_jp"), 2, "not-utf8"),
    "utf-16": (post().encode("utf-16"), 1, "not-utf8"),
    "late-byte": (post(body=BODY + "x\ny\xff").encode("latin-1", "ignore"), 12, "not-utf8"),
    "nul": (post(body="\n一\0二\n").encode(), 6, "nul"),
    "lost": (post(body="\n一\ufffd二\n").encode(), 6, "lost-character"),
    "open": (f"---\n{HEAD}\n{BODY}".encode(), 1, "front-matter-open"),
    "toml": (f'+++\ntitle = "x\n+++\n{BODY}'.encode(), 2, "front-matter"),
    "json": (f'{{"title": }}\n{BODY}'.encode(), 1, "front-matter"),
    "twice": (post(f"{HEAD}\ntitle: 二度目").encode(), 4, "front-matter-duplicate"),
    "tab": (post(f"{HEAD}\ncover:\n\timage: a.png").encode(), 5, "front-matter"),
    "list": (post("- a\n- b").encode(), 2, "front-matter-shape"),
    "deep": (post(f"a: {'[' * 3000}").encode(), 2, "front-matter"),
    "bomb": (post("a: &a [x, x]\n" + "\n".join(
        f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}, *{a}, *{a}]"
        for a, b in ("ab", "bc", "cd", "de", "ef", "fg", "gh", "hi")
    )).encode(), 2, "front-matter-size"),
    "wide-colon": (post("title：題\ndate: 2026-02-10").encode(), 2, "front-matter"),
    "cr-only": (post().replace("\n", "\r").encode(), 1, "cr-only"),
    "whole-address": (post(f"{HEAD}\nurl: https://x.example/").encode(), 4, "url-absolute"),
}  # fmt: skip
# what is said of posts that are there all the same
STRANGE: dict[str, tuple[bytes, str | None, int, str]] = {
    "no-such-day": (post("title: 題\ndate: 2026-02-30").encode(), "bad-date", 3, "date"),
    "no-such-hour": (post("title: 題\ndate: 2026-02-10T25:00:00Z").encode(), "bad-date", 3, "date"),
    "wide-indent": (post(f"{HEAD}\ncover:\n　image: a.png").encode(), None, 5, "full-width-space"),
    "an-odd-title": (post("title: [a, {b: c}]\ndate: 2026-02-10").encode(), None, 2, "wrong-type"),
    "an-odd-cover": (post(f"{HEAD}\ncover: 7").encode(), None, 4, "wrong-type"),
    "an-odd-social": (post(f"{HEAD}\nsocial: はい").encode(), None, 4, "wrong-type"),
    "odd-aliases": (post(f"{HEAD}\naliases: 5").encode(), None, 4, "wrong-type"),
    "odd-tags": (post(f"{HEAD}\ntags: {{a: b}}").encode(), None, 4, "wrong-type"),
    "a-map-as-slug": (post(f"{HEAD}\nslug: {{a: b}}").encode(), None, 4, "wrong-type"),
    "perhaps-a-draft": (post(f"{HEAD}\ndraft: maybe").encode(), "draft", 4, "wrong-type"),
    "a-private-cover": (
        post(f'{HEAD}\ncover: "https://10.0.0.1/a.png"').encode(),
        None,
        4,
        "cover-refused",
    ),
    "a-list-of-dates": (post("title: 題\ndate: [2026-02-10]").encode(), "bad-date", 3, "date"),
}
FINE: dict[str, bytes] = {
    "bom": b"\xef\xbb\xbf" + post().encode(),
    "crlf": post().replace("\n", "\r\n").encode(),
    "bom-crlf": b"\xef\xbb\xbf" + post().replace("\n", "\r\n").encode(),
    "unclosed-fence": post(body=BODY + "\n```python\nprint()\n").encode(),
    "unclosed-comment": post(body=BODY + "\n<!-- x\n").encode(),
    "rule-first": post(body="\n---\n" + BODY).encode(),
    "types": post(
        f"{HEAD}\ntags: 3\nimages: {{}}\nauthor: {{name: [1]}}\nslug: null\n"
        "keywords: !!binary YQ==\nweight: .nan\noutputs: 3\nparams: x"
    ).encode(),
    "a-number": post("title: 2026\ndate: 2026-02-10").encode(),
}

SEEN = {*FINE, *(name for name, (_, why, _, _) in STRANGE.items() if why is None)}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path).configure("flood = 50\n" + FILE_ACCOUNT)
    assert site.run("post", "--first-run").returncode == 0
    folder = tmp_path / "content" / "posts"
    folder.mkdir()
    files = {name: data for name, (data, _, _) in BROKEN.items()} | FINE
    files |= {name: data for name, (data, *_) in STRANGE.items()}
    for name, data in files.items():
        (folder / f"{name}.md").write_bytes(data)
    with (folder / "huge.md").open("wb") as file:
        file.truncate(100 * 2**20)
    os.mkfifo(folder / "fifo.md")
    (folder / "folder.md").mkdir()
    (folder / "nowhere.md").symlink_to("nothing")
    (folder / "itself.md").symlink_to("itself.md")
    (folder / "round").symlink_to(folder)
    return site


ODD = {
    "huge": "too-large",
    "fifo": "unreadable",
    "folder": "folder",
    "nowhere": "symlink",
    "itself": "symlink",
    "round": "symlink",
}


def name_of(path: str) -> str:
    return path.removeprefix("content/posts/").removesuffix(".md")


def test_everything_is_named_and_the_rest_is_listed(site: Site) -> None:
    told = site.json("list")
    said = {(name_of(p["path"]), p["code"]): p["line"] for p in told["problems"]}
    wanted: dict[tuple[str, str], int | None] = {
        (name, code): line or None for name, (_, line, code) in BROKEN.items()
    }
    wanted |= {(name, code): line for name, (_, _, line, code) in STRANGE.items()}
    wanted |= dict.fromkeys(ODD.items())
    collisions = {key for key in said if key[1] == "url-collision"}
    assert {key: line for key, line in said.items() if key not in collisions} == wanted
    posts = {name_of(post["path"]): post["why_not"] for post in told["posts"]}
    assert posts == {
        **dict.fromkeys(FINE),
        **{name: why for name, (_, why, _, _) in STRANGE.items()},
    }
    lines = {tuple(p["summary"]["lines"]) for p in told["posts"]}
    assert lines == {("一つ目です。", "二つ目です。", "三つ目です。")}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_person_is_told_what_to_do(site: Site, language: str) -> None:
    site.configure(language=language)
    told = site.run("list")
    assert told.returncode == 0
    assert "Traceback" not in told.stderr
    blocks = told.stderr.strip().split("\ncontent/")
    assert len(blocks) == len(BROKEN) + len(STRANGE) + len(ODD)
    for block in blocks:
        first, *hint = block.split("\n")
        assert first.endswith("]")
        assert hint, block
        japanese = any("ぁ" <= c <= "ん" for c in block)
        assert japanese == (language == "ja"), block


def test_the_rest_is_sent_and_fed(site: Site) -> None:
    told = site.run("post")
    assert told.returncode == 1
    assert "Traceback" not in told.stderr
    assert {line["url"].split("/")[-2] for line in site.lines()} == SEEN
    fed = site.run("feed")
    assert fed.returncode == 1
    assert "Traceback" not in fed.stderr
    feed = json.loads((site.root / "public" / "feed.json").read_text(encoding="utf-8"))
    assert {item["url"].split("/")[-2] for item in feed["items"]} == SEEN
    assert site.run("post").returncode == 1
    assert len(site.lines()) == len(SEEN)


def test_mended_posts_go_out(site: Site) -> None:
    site.run("post")
    folder = site.root / "content" / "posts"
    for name in ("shift-jis", "nul", "bomb"):
        (folder / f"{name}.md").write_text(post(), encoding="utf-8")
    site.run("post")
    sent = [line["url"].split("/")[-2] for line in site.lines()]
    assert sorted(sent[len(SEEN) :]) == ["bomb", "nul", "shift-jis"]


def test_run_goes_on_among_them(site: Site) -> None:
    process = subprocess.Popen(
        site.command("run"), cwd=site.root, stderr=subprocess.PIPE, encoding="utf-8"
    )
    assert process.stderr is not None
    told = ""
    try:
        for line in process.stderr:
            told += line
            if "feed.json" in line:
                break
        (site.root / "content" / "posts" / "later.md").write_text(post(), encoding="utf-8")
        for line in process.stderr:
            told += line
            if "later.md" in line:
                break
    finally:
        process.send_signal(signal.SIGTERM)
        told += process.communicate(timeout=20)[1]
    assert process.returncode == 0, told
    assert "Traceback" not in told
    for name in BROKEN:
        assert f"content/posts/{name}.md" in told
