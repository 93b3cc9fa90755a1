"""Hints: at once for one saved file, one for many, none for what an editor leaves behind."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.content.watcher import Watcher

SOON = 5.0


@pytest.fixture
def hints(tmp_path: Path) -> Iterator[queue.Queue[str]]:
    told: queue.Queue[str] = queue.Queue()
    watcher = Watcher([str(tmp_path)], lambda: told.put("hint"))
    watcher.start()
    assert watcher.problem is None
    yield told
    watcher.stop()


def test_a_saved_file_and_a_rename_are_told(tmp_path: Path, hints: queue.Queue[str]) -> None:
    file = tmp_path / "a.md"
    file.write_text("x")
    assert hints.get(timeout=SOON)
    file.rename(tmp_path / "b.md")
    assert hints.get(timeout=SOON)


def test_a_folder_that_came_later_is_watched(tmp_path: Path, hints: queue.Queue[str]) -> None:
    (tmp_path / "new").mkdir()
    assert hints.get(timeout=SOON)
    (tmp_path / "new" / "a.md").write_text("x")
    assert hints.get(timeout=SOON)


def test_many_files_are_one_hint(tmp_path: Path, hints: queue.Queue[str]) -> None:
    for number in range(200):
        (tmp_path / f"{number}.md").write_text("x")
    assert hints.get(timeout=SOON)
    assert hints.qsize() <= 1


def test_temporary_files_give_no_hint(tmp_path: Path, hints: queue.Queue[str]) -> None:
    (tmp_path / ".a.md.swp").write_text("x")
    (tmp_path / "a.md~").write_text("x")
    with pytest.raises(queue.Empty):
        hints.get(timeout=0.3)


def test_a_folder_that_is_not_there_is_a_problem_not_an_error(tmp_path: Path) -> None:
    watcher = Watcher([str(tmp_path / "nowhere")], lambda: None)
    watcher.start()
    watcher.stop()
    assert "nowhere" in str(watcher.problem)


def test_stop_without_start(tmp_path: Path) -> None:
    Watcher([str(tmp_path)], lambda: None).stop()
