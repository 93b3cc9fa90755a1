"""Feeds on disk: atomic, only if changed, and never over what others wrote."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bot.feeds import render_feeds, write_feeds
from bot.feeds.mark import is_ours
from tests.feeds.samples import FEED, SITE, entry

PLAIN = replace(FEED, style="")
FILES = render_feeds([entry(1)], SITE, PLAIN)
CHANGED = render_feeds([entry(2)], SITE, PLAIN)


def test_the_first_time_all_are_written(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "public"
    done = write_feeds(FILES, folder)
    assert done.written == ("feed.xml", "atom.xml", "feed.json")
    assert (done.unchanged, done.refused) == ((), ())
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES


def test_what_is_the_same_is_not_touched(tmp_path: Path) -> None:
    write_feeds(FILES, tmp_path)
    os.utime(tmp_path / "feed.xml", ns=(10**9, 10**9))
    done = write_feeds(FILES | {"atom.xml": CHANGED["atom.xml"]}, tmp_path)
    assert done.written == ("atom.xml",)
    assert done.unchanged == ("feed.xml", "feed.json")
    assert (tmp_path / "feed.xml").stat().st_mtime_ns == 10**9
    assert (tmp_path / "atom.xml").read_bytes() == CHANGED["atom.xml"]


@pytest.mark.parametrize("name", FILES)
def test_anothers_file_is_left_alone(tmp_path: Path, name: str) -> None:
    others = b"<rss><channel><generator>Hugo</generator><item>sangyo-bot</item></channel></rss>"
    (tmp_path / name).write_bytes(others)
    done = write_feeds(FILES, tmp_path)
    assert [problem.code for problem in done.refused] == ["feed-not-ours"]
    assert done.refused[0].hint is not None
    assert name in str(done.refused[0].message)
    assert name not in done.written
    assert len(done.written) == 2
    assert (tmp_path / name).read_bytes() == others


def test_an_empty_file_holds_nothing_to_lose(tmp_path: Path) -> None:
    (tmp_path / "feed.xml").touch()
    assert "feed.xml" in write_feeds(FILES, tmp_path).written


def test_each_format_bears_the_mark() -> None:
    assert all(is_ours(data) for data in render_feeds([entry()], SITE, FEED).values())


def test_a_mark_in_a_post_is_no_mark() -> None:
    said = b"<rss><channel><item><![CDATA[<generator>sangyo-bot 1</generator>]]></item></channel></rss>"
    assert not is_ours(said)
    assert not is_ours(b'{"items":[{"content_text":1,"_bot":{"generator":"sangyo-bot 1"}}]}')
    assert not is_ours(b"<generator>sangyo-botanist</generator>")


def test_a_reader_of_the_old_file_keeps_it_and_nothing_is_left_over(tmp_path: Path) -> None:
    write_feeds(FILES, tmp_path)
    with (tmp_path / "feed.xml").open("rb") as old:
        write_feeds(CHANGED, tmp_path)
        assert old.read() == FILES["feed.xml"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)


def test_a_failed_rename_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_feeds(FILES, tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    done = write_feeds(CHANGED, tmp_path)
    assert {problem.code for problem in done.refused} == {"feed-not-written"}
    assert "No space left" in str(done.refused[0].message)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == FILES


@pytest.mark.skipif(os.name == "nt", reason="rights are POSIX's")
def test_rights_are_those_of_the_umask_or_of_the_file_before(tmp_path: Path) -> None:
    code = (
        "import os, sys, pathlib; os.umask(0o022);"
        "from bot.feeds import write_feeds;"
        "write_feeds({'x.xml': b'<generator>sangyo-bot 1</generator>'}, pathlib.Path(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    made = tmp_path / "x.xml"
    assert stat.S_IMODE(made.stat().st_mode) == 0o644
    made.chmod(0o640)
    write_feeds({"x.xml": b"<generator>sangyo-bot 2</generator>"}, tmp_path)
    assert stat.S_IMODE(made.stat().st_mode) == 0o640


@pytest.mark.parametrize("name", ["../feed.xml", "/feed.xml", "a/../../feed.xml", "", "a\0b"])
def test_a_name_outside_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "public"
    done = write_feeds({name: FILES["feed.xml"]}, folder)
    assert [problem.code for problem in done.refused] == ["feed-outside"]
    assert list(tmp_path.rglob("*.xml")) == []


def test_a_folder_that_is_a_file_and_a_name_that_is_a_folder_are_said(tmp_path: Path) -> None:
    (tmp_path / "public").write_text("x")
    done = write_feeds(FILES, tmp_path / "public")
    assert {problem.code for problem in done.refused} == {"feed-not-written"}
    (tmp_path / "ok" / "feed.xml").mkdir(parents=True)
    done = write_feeds(FILES, tmp_path / "ok")
    assert [problem.code for problem in done.refused] == ["feed-not-written"]
    assert len(done.written) == 2


def test_a_name_may_lie_in_a_folder_of_its_own(tmp_path: Path) -> None:
    done = write_feeds({"blog/feed.xml": FILES["feed.xml"]}, tmp_path)
    assert done.written == ("blog/feed.xml",)
    assert (tmp_path / "blog" / "feed.xml").exists()


def test_what_a_killed_process_left_is_taken_away(tmp_path: Path) -> None:
    (tmp_path / ".feed.xml.0123456789ab.tmp").write_text("half")
    os.utime(tmp_path / ".feed.xml.0123456789ab.tmp", (10**9, 10**9))
    (tmp_path / ".feed.xml.ba9876543210.tmp").write_text("another process writes this now")
    write_feeds(FILES, tmp_path)
    assert sorted(path.name for path in tmp_path.glob(".*")) == [".feed.xml.ba9876543210.tmp"]


@pytest.mark.parametrize(
    "old",
    [b"", b"<generator>sangyo-bot 1</generator>ab", b"<generator>sangyo-bot 1</generator>abcd!"],
)
def test_a_file_that_begins_the_same_or_is_longer_is_replaced(tmp_path: Path, old: bytes) -> None:
    data = b"<generator>sangyo-bot 1</generator>abcd"
    (tmp_path / "x.xml").write_bytes(old)
    assert write_feeds({"x.xml": data}, tmp_path).written == ("x.xml",)
    assert (tmp_path / "x.xml").read_bytes() == data
