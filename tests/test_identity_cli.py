"""A post keeps its id through what people do to files: real folders, real git, the real commands.

Nothing is sent twice, nothing is lost, and what is held is shown with the command for it.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.site import FILE_ACCOUNT, Site

GIT = shutil.which("git")
with_git = pytest.mark.skipif(GIT is None, reason="there is no git on PATH")
BUNDLE = '[content]\nlanguages = ["ja", "en"]\n'


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path).configure()
    assert site.run("post", "--first-run").returncode == 0
    return site


def git(site: Site, *args: str) -> None:
    assert GIT is not None
    named = ("-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "core.hooksPath=")
    subprocess.run([GIT, *named, *args], cwd=site.root, check=True, capture_output=True)


def article(site: Site, name: str, *, words: str | None = None, more: str = "") -> Path:
    """A post with a text of its own, long enough to be told from others."""
    file = site.post(name, more=more)
    text = "".join(f"{words or name}の{n}番目の段落です。\n\n" for n in range(20))
    file.write_text(file.read_text(encoding="utf-8") + "\n" + text, encoding="utf-8")
    return file


def sent(site: Site) -> list[str]:
    """Names of what was sent, in order, after one more turn."""
    told = site.run("post")
    assert "Traceback" not in told.stderr
    return [line["url"].split("/")[-2] for line in site.lines()]


def ids(site: Site) -> dict[str, str]:
    return {post["path"].split("/")[-1][:-3]: post["id"] for post in site.json("list")["posts"]}


def held(site: Site) -> set[str]:
    rows = site.json("status")["deliveries"]
    return {row["post"].split("/")[-1][:-3] for row in rows if row["state"] == "held"}


def test_rename_move_title_slug(site: Site) -> None:
    file = article(site, "a")
    assert sent(site) == ["a"]
    id = ids(site)["a"]
    file = file.rename(file.with_name("b.md"))
    assert sent(site) == ["a"]
    (site.root / "content" / "moved").mkdir()
    file = file.rename(site.root / "content" / "moved" / "b.md")
    assert sent(site) == ["a"]
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('title: "a"', 'title: "新しい題"'), encoding="utf-8")
    assert sent(site) == ["a"]
    file.write_text(text.replace("title:", "slug: other\ntitle:"), encoding="utf-8")
    assert sent(site) == ["a"]
    assert ids(site) == {"b": id}


def test_a_copied_post_is_a_new_one(site: Site) -> None:
    file = article(site, "a")
    assert sent(site) == ["a"]
    id = ids(site)["a"]
    shutil.copy(file, file.with_name("copy.md"))
    assert sent(site) == ["a", "copy"]
    assert ids(site)["a"] == id


def test_a_copy_with_the_same_id_is_said(site: Site) -> None:
    file = article(site, "b", more="id: my-id\n")
    assert sent(site) == ["b"]
    shutil.copy(file, file.with_name("a.md"))
    told = site.run("post")
    assert "content/posts/a.md" in told.stderr
    assert "my-id" in told.stderr
    assert sent(site) == ["b", "a"]
    assert ids(site)["b"] == "my-id"
    assert ids(site)["a"] != "my-id"


@with_git
def test_git_mv_and_a_new_post_in_its_place(site: Site) -> None:
    git(site, "init", "-q", "-b", "main")
    article(site, "a")
    assert sent(site) == ["a"]
    id = ids(site)["a"]
    git(site, "add", "-A")
    git(site, "commit", "-q", "-m", "one")
    git(site, "mv", "content/posts/a.md", "content/posts/b.md")
    article(site, "a", words="まったく別の話")
    file = site.root / "content" / "posts" / "a.md"
    file.write_text(file.read_text(encoding="utf-8").replace('"a"', '"別の題"'), encoding="utf-8")
    assert sent(site) == ["a", "a"]
    assert ids(site)["b"] == id
    assert sent(site) == ["a", "a"]


def test_two_files_that_change_places(site: Site) -> None:
    one, two = article(site, "a"), article(site, "b")
    assert sent(site) == ["a", "b"]
    before = ids(site)
    one.rename(one.with_name("c"))
    two.rename(one)
    (one.with_name("c")).rename(two)
    assert sent(site) == ["a", "b"]
    assert ids(site) == before  # an address stays whose it was


def test_a_renamed_folder(site: Site) -> None:
    for n in range(12):
        article(site, f"p{n:02}")
    site.run("post")
    site.run("approve")
    assert len(sent(site)) == 12
    before = ids(site)
    (site.root / "content" / "posts").rename(site.root / "content" / "entries")
    assert len(sent(site)) == 12
    assert ids(site) == before
    assert held(site) == set()


def test_a_changed_permalink_pattern(site: Site) -> None:
    for n in range(3):
        article(site, f"p{n}")
    assert len(sent(site)) == 3
    before = ids(site)
    site.run("feed")
    config = site.root / "bot.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text + '[content]\npermalink = "/:year/:slugorfilename/"\n', encoding="utf-8")
    assert len(sent(site)) == 3
    assert ids(site) == before
    assert site.json("list")["posts"][0]["url"] == "https://blog.example/2026/p0/"


@with_git
def test_a_branch_switch_and_back(site: Site) -> None:
    git(site, "init", "-q", "-b", "main")
    (site.root / ".gitignore").write_text("state/\nout.jsonl\npublic/\n")
    for n in range(5):
        article(site, f"p{n}")
    assert len(sent(site)) == 5
    git(site, "add", "-A")
    git(site, "commit", "-q", "-m", "five")
    git(site, "checkout", "-q", "-b", "draft")
    git(site, "mv", "content/posts/p0.md", "content/posts/q0.md")
    git(site, "rm", "-q", "content/posts/p1.md")
    article(site, "new")
    git(site, "add", "-A")
    git(site, "commit", "-q", "-m", "other")
    before = ids(site)
    assert sent(site)[5:] == ["new"]
    for branch in ("main", "draft", "main"):
        git(site, "checkout", "-q", branch)
        assert sent(site)[5:] == ["new"], branch
    assert ids(site)["p0"] == before["q0"]
    assert sorted(ids(site)) == ["p0", "p1", "p2", "p3", "p4"]


@pytest.mark.parametrize("what", ["away", "empty", "smaller", "unreadable"])
def test_an_unmounted_folder(site: Site, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(6):
        article(site, f"p{n}")
    assert len(sent(site)) == 6
    article(site, "waits")
    config = site.root / "bot.toml"
    whole = config.read_text(encoding="utf-8")
    site.run("feed")
    feed = (site.root / "public" / "feed.json").read_bytes()
    content, away = site.root / "content", site.root / "mounted"
    content.rename(away)
    if what in ("empty", "smaller"):
        (content / "posts").mkdir(parents=True)
    if what == "smaller":
        shutil.copy(away / "posts" / "p1.md", content / "posts")
    if what == "unreadable":
        content.write_text("no folder")
    told = site.run("post")
    assert told.returncode in (1, 3)
    assert "content" in told.stderr
    if what in ("empty", "smaller"):
        assert "bot approve" in told.stderr
    assert site.run("feed").returncode == 1
    assert (site.root / "public" / "feed.json").read_bytes() == feed
    shutil.rmtree(content, ignore_errors=True)
    content.unlink(missing_ok=True)
    away.rename(content)
    config.write_text(whole, encoding="utf-8")
    assert sent(site)[6:] == ["waits"]
    assert held(site) == set()


def test_removed_for_good_when_a_person_says_so(site: Site) -> None:
    for n in range(6):
        article(site, f"p{n}")
    assert len(sent(site)) == 6
    for n in range(5):
        (site.root / "content" / "posts" / f"p{n}.md").unlink()
    assert site.run("post").returncode == 3
    assert site.run("feed").returncode == 1
    assert site.run("approve").returncode == 0
    assert site.run("post").returncode == 0
    assert site.run("feed").returncode == 0


def test_while_so_many_are_gone_new_posts_are_shared_and_stand_in_the_feeds(site: Site) -> None:
    for n in range(6):
        article(site, f"p{n}")
    assert len(sent(site)) == 6
    site.run("feed")
    old = {item["id"] for item in feed(site)}
    for n in range(5):
        (site.root / "content" / "posts" / f"p{n}.md").unlink()
    assert site.run("post").returncode == 3
    assert site.run("feed").returncode == 1
    assert {item["id"] for item in feed(site)} == old
    article(site, "new")
    assert sent(site)[6:] == ["new"]
    site.run("feed")
    assert {item["id"] for item in feed(site)} == old | {"https://blog.example/posts/new/"}
    shown = site.run("status").stdout
    assert "5 of 7 posts are no longer there" in shown
    assert "bot approve" in shown
    assert site.run("status", "--health").returncode == 1
    told = site.run("approve")
    assert (told.returncode, "5 posts" in told.stdout) == (0, True)
    assert "no longer there" not in site.run("status").stdout
    site.run("post")
    assert site.run("feed").returncode == 0
    assert len(feed(site)) == 2


def test_what_was_away_and_is_back_is_no_longer_said(site: Site) -> None:
    for n in range(6):
        article(site, f"p{n}")
    assert len(sent(site)) == 6
    posts = site.root / "content" / "posts"
    posts.rename(site.root / "away")
    assert site.run("post").returncode == 3
    assert "no longer there" in site.run("status").stdout
    (site.root / "away").rename(posts)
    assert site.run("post").returncode == 0
    assert "no longer there" not in site.run("status").stdout


def feed(site: Site) -> list[dict[str, Any]]:
    text = (site.root / "public" / "feed.json").read_text(encoding="utf-8")
    items: list[dict[str, Any]] = json.loads(text)["items"]
    return items


def test_another_post_in_an_old_file_is_asked_about(site: Site) -> None:
    article(site, "a")
    assert sent(site) == ["a"]
    file = article(site, "a", words="まったく別の話", more="slug: other\n")
    text = file.read_text(encoding="utf-8").replace('"a"', '"別の題"').replace("aの要点", "別の点")
    file.write_text(text, encoding="utf-8")
    told = site.run("post")
    assert told.returncode == 3
    assert "bot approve" in told.stderr
    assert held(site) == {"a"}
    assert len(site.lines()) == 1
    shown = site.run("status").stdout
    assert "content/posts/a.md" in shown
    assert "approve" in shown
    assert site.run("approve", "content/posts/a.md").returncode == 0
    assert sent(site) == ["a", "other"]
    assert sent(site) == ["a", "other"]


def rewritten(site: Site, name: str) -> None:
    """Another title, address and text."""
    file = article(site, name, words="まったく別の話", more="slug: other\n")
    text = file.read_text(encoding="utf-8").replace(f'"{name}"', '"別の題"')
    file.write_text(text.replace(f"{name}の要点", "別の点"), encoding="utf-8")


def test_a_copy_that_was_never_sent_and_is_rewritten_is_simply_new(site: Site) -> None:
    article(site, "z")
    assert sent(site) == ["z"]
    shutil.copy(site.root / "content/posts/z.md", site.root / "content/posts/a.md")
    config = site.root / "bot.toml"
    whole = config.read_text(encoding="utf-8")
    config.write_text(whole.replace("[publish]", "[publish]\nflood = 0"), encoding="utf-8")
    assert sent(site) == ["z"]
    assert held(site) == {"a"}
    config.write_text(whole, encoding="utf-8")
    rewritten(site, "a")
    told = site.run("post")
    assert (told.returncode, "?" in told.stderr) == (0, False)
    assert sent(site) == ["z", "other"]
    assert held(site) == set()


def test_a_copy_made_while_the_folder_moves_waits(site: Site) -> None:
    file = article(site, "p050")
    article(site, "p051")
    assert sent(site) == ["p050", "p051"]
    shutil.copy(file, file.with_name("copy.md"))
    (site.root / "content" / "posts").rename(site.root / "content" / "articles")
    assert sent(site) == ["p050", "p051"]
    assert held(site) == {"copy"}
    assert site.run("approve").returncode == 0
    assert held(site) == {"copy"}, "what may be a repetition is named"
    assert sent(site) == ["p050", "p051"]
    assert site.run("approve", "content/articles/copy.md").returncode == 0
    assert sent(site) == ["p050", "p051", "copy"]


def test_two_posts_that_swap_their_names(site: Site) -> None:
    one, two = article(site, "a", more="slug: ai\n"), article(site, "b", more="slug: ro\n")
    assert sent(site) == ["ai", "ro"]
    before = ids(site)
    one.rename(one.with_name("c"))
    two.rename(one)
    (one.with_name("c")).rename(two)
    assert sent(site) == ["ai", "ro"]
    assert held(site) == set()
    assert ids(site) == {"a": before["b"], "b": before["a"]}


def test_a_file_that_takes_the_page_of_a_shared_one_is_not_shared_again(tmp_path: Path) -> None:
    site = Site(tmp_path).configure(FILE_ACCOUNT + '[content]\nlanguages = ["ja", "en"]\n')
    assert site.run("post", "--first-run").returncode == 0
    article(site, "q")
    assert sent(site) == ["q"]
    article(site, "q.ja")
    article(site, "r")
    assert sent(site) == ["q", "r"]
    shutil.copy(site.root / "content/posts/r.md", site.root / "content/posts/r.mdown")
    assert sent(site) == ["q", "r"]
    assert held(site) == set()
    told = {post["path"]: post["why_not"] for post in site.json("list")["posts"]}
    assert told == {
        "content/posts/q.ja.md": None,
        "content/posts/q.md": "other-file",
        "content/posts/r.md": "other-file",
        "content/posts/r.mdown": None,
    }


def test_of_two_posts_with_one_address_one_is_published(site: Site) -> None:
    article(site, "b", more="slug: same\n")
    assert sent(site) == ["same"]
    article(site, "a", words="別の話", more="slug: same\n")
    told = site.run("post")
    assert "content/posts/b.md" in told.stderr
    assert "content/posts/a.md" in told.stderr
    assert sent(site) == ["same"]
    told_of = {post["path"]: post["why_not"] for post in site.json("list")["posts"]}
    assert told_of == {"content/posts/a.md": "collision", "content/posts/b.md": None}
    article(site, "b", more="slug: its-own\n")
    assert sent(site) == ["same", "same"]


def test_translations_are_one_article(tmp_path: Path) -> None:
    site = Site(tmp_path).configure(FILE_ACCOUNT + BUNDLE)
    assert site.run("post", "--first-run").returncode == 0
    article(site, "a")
    article(site, "a.en")
    assert sent(site) == ["a"]
    article(site, "b.en")
    assert [line["url"] for line in site.lines()][1:] == []
    sent(site)
    assert site.lines()[-1]["url"] == "https://blog.example/en/posts/b/"
    article(site, "b")
    assert len(sent(site)) == 2
    article(site, "c", more="translationKey: tales\n")
    article(site, "story.en", more="translationKey: tales\n")
    assert sent(site)[2:] == ["c"]


def test_translations_in_folders_of_hugo(tmp_path: Path) -> None:
    site = Site(tmp_path).configure(FILE_ACCOUNT + '[content]\nhugo = "."\n')
    (tmp_path / "hugo.toml").write_text(
        'baseURL = "https://blog.example/"\ndefaultContentLanguage = "ja"\n'
        '[languages.ja]\ncontentDir = "content/ja"\n[languages.en]\ncontentDir = "content/en"\n'
    )
    assert site.run("post", "--first-run").returncode == 1
    for language in ("ja", "en"):
        folder = tmp_path / "content" / language / "posts"
        folder.mkdir(parents=True)
        (folder / "old.md").write_text("---\ntitle: old\ndate: 2026-02-01\n---\n- x\n")
    assert site.run("post", "--first-run").returncode == 0
    for language in ("ja", "en"):
        folder = tmp_path / "content" / language / "posts"
        (folder / "a.md").write_text(f"---\ntitle: {language}\ndate: 2026-02-01\n---\n- x\n")
    site.run("post")
    assert [line["url"] for line in site.lines()] == ["https://blog.example/posts/a/"]


@with_git
@pytest.mark.slow
def test_a_checkout_of_five_hundred_files_is_one_batch(site: Site) -> None:
    git(site, "init", "-q", "-b", "main")
    (site.root / ".gitignore").write_text("state/\nout.jsonl\npublic/\n")
    article(site, "first")
    assert sent(site) == ["first"]
    git(site, "add", "-A")
    git(site, "commit", "-q", "-m", "first")
    git(site, "checkout", "-q", "-b", "many")
    for n in range(500):
        article(site, f"p{n:03}")
    git(site, "add", "-A")
    git(site, "commit", "-q", "-m", "many")
    git(site, "checkout", "-q", "main")
    process = subprocess.Popen(
        site.command("run"), cwd=site.root, stderr=subprocess.PIPE, encoding="utf-8"
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if "feed.json" in line:
                break
        git(site, "checkout", "-q", "many")
        for line in process.stderr:
            if "bot approve" in line:
                break
        assert "500" in line
    finally:
        process.send_signal(signal.SIGTERM)
        rest = process.communicate(timeout=20)[1]
    assert "bot approve" not in rest
    assert len(held(site)) == 500
    assert len(site.lines()) == 1
