"""The folder as it is: nothing odd in it stops the scan, and what did not change is not read."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.content.files import read_file
from bot.content.scanner import Scanner
from bot.content.walk import is_temporary

from .support import NOW, PNG, rules_at, write

POST = "---\ntitle: {}\ndate: 2026-01-01\n---\n本文\n"


def site(root: Path, *names: str) -> Path:
    for name in names:
        write(root / "content" / name, POST.format(name))
    return root


def test_only_posts_sorted_by_path(tmp_path: Path) -> None:
    site(tmp_path, "b.md", "a/z.markdown", "a/Q.MD", "a/.hidden.md", "a/x.md~", "a/#x.md#", "a/x.md.swp", "a/t.txt",
         "a/.#x.md", ".git/x.md", "a/~$x.md", "a/4913")  # fmt: skip
    scan = Scanner(rules_at(tmp_path)).scan(NOW)
    assert [post.path for post in scan.posts] == [
        "content/a/Q.MD",
        "content/a/z.markdown",
        "content/b.md",
    ]
    assert (scan.problems, scan.readable) == ((), True)
    assert scan.changed == {post.path for post in scan.posts}


def test_an_unchanged_tree_reads_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scanner = Scanner(rules_at(site(tmp_path, "a.md", "b/index.md", "s/_index.md")))
    first = scanner.scan(NOW)

    def no_reading(file: str) -> None:
        raise AssertionError(file)

    monkeypatch.setattr("bot.content.scanner.read_file", no_reading)
    second = scanner.scan(NOW + timedelta(days=1))
    assert second.posts == first.posts
    assert second.changed == frozenset()


def test_a_missing_cover_reads_no_post_and_is_found_when_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "content/a.md", "---\ntitle: x\ncover: /a.png\n---\n")
    scanner = Scanner(rules_at(tmp_path))
    first = scanner.scan(NOW)
    assert [p.code for p in first.problems] == ["cover-missing"]
    with monkeypatch.context() as patched:
        patched.setattr("bot.content.scanner.read_file", lambda file: pytest.fail(file))
        assert scanner.scan(NOW).posts == first.posts
    write(tmp_path / "static/a.png", PNG)
    scan = scanner.scan(NOW)
    assert scan.problems == ()
    assert scan.changed == {"content/a.md"}
    assert scan.posts[0].cover is not None
    assert scan.posts[0].cover.mime == "image/png"


def test_what_changed_came_or_went_is_named(tmp_path: Path) -> None:
    scanner = Scanner(rules_at(site(tmp_path, "a.md", "b.md", "c.md")))
    scanner.scan(NOW)
    write(tmp_path / "content/a.md", POST.format("changed"))
    (tmp_path / "content/b.md").unlink()
    site(tmp_path, "d.md")
    scan = scanner.scan(NOW)
    assert scan.changed == {"content/a.md", "content/b.md", "content/d.md"}
    assert [post.title for post in scan.posts] == ["changed", "c.md", "d.md"]


def test_the_clock_alone_publishes(tmp_path: Path) -> None:
    write(tmp_path / "content/a.md", "---\ntitle: x\ndate: 2026-12-01T00:00:00Z\n---\n")
    scanner = Scanner(rules_at(tmp_path))
    due = datetime(2026, 12, 1, tzinfo=UTC)
    before = scanner.scan(NOW).posts[0]
    assert (before.visible, before.why_not, before.changes_at) == (False, "future", due)
    after = scanner.scan(due)
    assert (after.posts[0].visible, after.posts[0].why_not, after.changed) == (
        True,
        None,
        frozenset(),
    )


def test_oddities_are_said_and_the_rest_goes_on(tmp_path: Path) -> None:
    site(tmp_path, "good.md", "folder.md/inner.md")
    write(tmp_path / "content/broken.md", "---\ntitle: [\n---\n")
    os.mkfifo(tmp_path / "content/fifo.md")
    (tmp_path / "content/dangling.md").symlink_to(tmp_path / "nowhere")
    (tmp_path / "content/loop").symlink_to(tmp_path / "content")
    with open(tmp_path / "content/huge.md", "wb") as file:
        file.truncate(100 * 1024 * 1024)
    scan = Scanner(rules_at(tmp_path)).scan(NOW)
    assert [post.path for post in scan.posts] == ["content/folder.md/inner.md", "content/good.md"]
    said = {p.path: (p.code, p.post_lost, bool(p.hint)) for p in scan.problems}
    assert said == {
        "content/folder.md": ("folder", False, True),
        "content/broken.md": ("front-matter", True, True),
        "content/fifo.md": ("unreadable", True, True),
        "content/dangling.md": ("symlink", False, True),
        "content/loop": ("symlink", False, True),
        "content/huge.md": ("too-large", True, True),
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_and_folder(tmp_path: Path) -> None:
    site(tmp_path, "a.md", "b.md", "c/d.md")
    (tmp_path / "content/a.md").chmod(0)
    (tmp_path / "content/c").chmod(0)
    scan = Scanner(rules_at(tmp_path)).scan(NOW)
    (tmp_path / "content/c").chmod(0o755)
    assert [post.path for post in scan.posts] == ["content/b.md"]
    assert {p.path: p.code for p in scan.problems} == {
        "content/a.md": "unreadable",
        "content/c": "unreadable",
    }


def test_an_unreadable_file_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scanner = Scanner(rules_at(site(tmp_path, "a.md")))
    real = read_file

    def refuses(file: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("bot.content.scanner.read_file", refuses)
    scan = scanner.scan(NOW)
    assert (scan.posts, [p.code for p in scan.problems]) == ((), ["unreadable"])
    monkeypatch.setattr("bot.content.scanner.read_file", real)
    assert len(scanner.scan(NOW).posts) == 1


def test_a_missing_folder_says_nothing_of_its_posts(tmp_path: Path) -> None:
    scan = Scanner(rules_at(tmp_path)).scan(NOW)
    assert (scan.readable, scan.posts, [p.code for p in scan.problems]) == (
        False,
        (),
        ["content-folder"],
    )
    (tmp_path / "content").mkdir()
    scan = Scanner(rules_at(tmp_path)).scan(NOW)
    assert (scan.readable, scan.posts, scan.problems) == (True, (), ())


def test_a_bundle_has_one_post(tmp_path: Path) -> None:
    site(
        tmp_path,
        "b/index.md",
        "b/index.en.md",
        "b/notes.md",
        "b/sub/more.md",
        "s/_index.md",
        "s/p.md",
    )
    scan = Scanner(rules_at(tmp_path)).scan(NOW)
    assert {post.path[8:]: post.why_not for post in scan.posts} == {
        "b/index.md": None, "b/index.en.md": None, "s/_index.md": "section-page", "s/p.md": None,
    }  # fmt: skip


def test_links_are_not_followed(tmp_path: Path) -> None:
    """Hugo ignores them; followed they would publish whatever they lead to."""
    site(tmp_path, "posts/a.md", "posts/moved.md")
    outside = site(tmp_path / "outside", "b.md", "c.md") / "content"
    posts = tmp_path / "content/posts"
    scanner = Scanner(rules_at(tmp_path))
    assert len(scanner.scan(NOW).posts) == 2
    (posts / "pw.md").symlink_to("/etc/passwd")
    (posts / "shared").symlink_to(outside)
    (posts / "static.png").symlink_to("/etc/passwd")
    (posts / "moved.md").rename(outside / "moved.md")
    (posts / "moved.md").symlink_to(outside / "moved.md")
    scan = scanner.scan(NOW)
    assert [post.path for post in scan.posts] == ["content/posts/a.md"]
    assert {(p.path, p.code) for p in scan.problems} == {
        ("content/posts/pw.md", "symlink"),
        ("content/posts/shared", "symlink"),
        ("content/posts/moved.md", "symlink"),
    }


def test_a_content_folder_that_is_a_link_itself(tmp_path: Path) -> None:
    site(tmp_path / "real", "a.md")
    (tmp_path / "content").symlink_to(tmp_path / "real/content")
    assert len(Scanner(rules_at(tmp_path)).scan(NOW).posts) == 1


def test_a_file_that_became_a_link_is_not_read(tmp_path: Path) -> None:
    site(tmp_path, "a.md")
    link = tmp_path / "content/b.md"
    link.symlink_to("a.md")
    with pytest.raises(OSError):
        read_file(str(link))


def test_files_that_hugo_reads_as_markdown(tmp_path: Path) -> None:
    site(tmp_path, "a.md", "b.markdown", "c.mdown", "d.MD", "e/index.mdown", "f.mkd", "g.mdx")
    names = [post.path[8:] for post in Scanner(rules_at(tmp_path)).scan(NOW).posts]
    assert names == ["a.md", "b.markdown", "c.mdown", "d.MD", "e/index.mdown"]


def test_what_cascades_from_a_folder_counts_when_it_changes(tmp_path: Path) -> None:
    site(tmp_path, "s/a.md", "s/deep/b.md", "t/c.md")
    head = write(tmp_path / "content/s/_index.md", "---\ntitle: S\ncascade:\n  draft: true\n---\n")
    scanner = Scanner(rules_at(tmp_path))

    def hidden() -> set[str]:
        return {p.path[8:] for p in scanner.scan(NOW).posts if p.why_not == "draft"}

    assert hidden() == {"s/a.md", "s/deep/b.md"}
    head.write_text(
        "---\ntitle: S\ncascade:\n  - target: {path: '/s/deep/**'}\n    draft: true\n---\n"
    )
    assert hidden() == {"s/deep/b.md"}
    head.unlink()
    assert hidden() == set()


@pytest.mark.parametrize("name", [".a.md", "a.md~", "#a.md#", "a.md.swp", ".a.md.swx", "a.md.tmp", "~$a.md", "a.md___jb_tmp___", "/x/.#a.md"])  # fmt: skip
def test_temporary_names(name: str) -> None:
    assert is_temporary(name)


@pytest.mark.parametrize("name", ["a.md", "a.tmpl.md", "C#.md", "swap.md"])
def test_names_of_posts(name: str) -> None:
    assert not is_temporary(name)
