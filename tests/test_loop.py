"""What `bot run` does at each tick, with a clock that is a value and real folders."""

from __future__ import annotations

import json
import logging
import queue
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.app.loop import Loop
from bot.app.wiring import App, World
from bot.config import load
from tests.outbox.world import FakeClock
from tests.site import Site

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SOON = 5.0


class Hands(FakeClock):
    """Moves only when it is told to; who waits, waits for the event alone."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(SOON)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path).configure()


@contextmanager
def looping(site: Site, clock: Hands | None = None) -> Iterator[tuple[App, Loop, threading.Event]]:
    world = World(clock=clock or Hands(NOW), environ={}, jitter=lambda: 0.0, owner="test")
    app = App(load(None, str(site.root)), world)
    stop, wake = threading.Event(), threading.Event()
    loop = Loop(app, stop, wake)
    try:
        loop.start(first_run=True)
        yield app, loop, wake
    finally:
        stop.set()
        loop.end()
        app.close()


def feed(site: Site) -> list[str]:
    told = json.loads((site.root / "public" / "feed.json").read_text(encoding="utf-8"))
    return [item["url"].split("/")[-2] for item in told["items"]]


def planned(app: App) -> set[str]:
    return {d.path[14:-3] for d in app.ledger.deliveries() if d.reason != "baseline"}


def test_a_post_whose_time_comes_is_published_at_that_minute(site: Site) -> None:
    site.post("now")
    site.post("later", more="publishDate: 2026-11-24T21:05:00\n")  # Tokyo: five past noon in UTC
    site.post("ends", more="expiryDate: 2026-11-24T13:00:00Z\n")
    clock = Hands(NOW)
    with looping(site, clock) as (app, loop, _):
        loop.tick()
        assert loop.next_change() == NOW + timedelta(minutes=5)
        assert sorted(feed(site)) == ["ends", "now"]
        clock.go(299)
        loop.tick()
        assert sorted(feed(site)) == ["ends", "now"]
        assert planned(app) == set()
        clock.go(1)
        loop.tick()
        assert sorted(feed(site)) == ["ends", "later", "now"]
        assert planned(app) == {"later"}
        assert loop.next_change() == NOW + timedelta(hours=1)
        clock.go(3600)
        loop.tick()
        assert sorted(feed(site)) == ["later", "now"]
        assert loop.next_change() is None


def test_undated_posts_stand_by_their_first_sight(site: Site) -> None:
    def undated(name: str) -> None:
        file = site.post(name)
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        file.write_text("".join(x for x in lines if not x.startswith("date:")), encoding="utf-8")

    clock = Hands(NOW)
    with looping(site, clock) as (_, loop, _wake):
        undated("b")
        loop.tick()
        clock.go(3600)
        undated("a")
        loop.tick()
        clock.go(3600)
        undated("c")
        loop.tick()
    assert feed(site) == ["c", "a", "b"]
    told = json.loads((site.root / "public" / "feed.json").read_text(encoding="utf-8"))
    assert [item["date_published"][:13] for item in told["items"]] == [
        "2026-11-24T14",
        "2026-11-24T13",
        "2026-11-24T12",
    ]


def test_eight_posts_of_one_midnight_are_ordered_by_first_sight(site: Site) -> None:
    clock = Hands(NOW)
    names = ["h", "c", "a", "g", "b", "f", "d", "e"]
    with looping(site, clock) as (app, loop, _):
        loop.tick()
        for name in names:
            site.post(name)
            loop.tick()
            clock.go(60)
        # By when they were planned: the clock's leap may make a worker give one back, due anew.
        rows = sorted(app.ledger.deliveries(), key=lambda d: (d.planned_at, d.seq))
        assert [d.path[14:-3] for d in rows] == names
    assert feed(site) == names[::-1]


def test_a_content_folder_that_is_made_anew_is_watched_again(site: Site) -> None:
    site.post("a")
    with looping(site) as (app, loop, wake):
        loop.tick()
        (site.root / "content").rename(site.root / "away")
        loop.tick()
        assert feed(site) == ["a"]
        shutil.copytree(site.root / "away", site.root / "content")
        loop.tick()
        assert feed(site) == ["a"]
        wake.clear()
        site.post("b", day=2)
        assert wake.wait(SOON)
        loop.tick()
        assert feed(site) == ["b", "a"]
        assert planned(app) == {"b"}


def test_the_folders_of_a_hugo_site_are_watched(site: Site) -> None:
    config = site.root / "bot.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text + '[content]\nhugo = "web"\n', encoding="utf-8")
    folder = site.root / "web" / "articles"
    folder.mkdir(parents=True)
    (site.root / "web" / "hugo.toml").write_text(
        'baseURL = "https://blog.example/"\ncontentDir = "articles"\n'
    )
    with looping(site) as (_, loop, wake):
        loop.tick()
        wake.clear()
        (folder / "posts").mkdir()
        (folder / "posts" / "a.md").write_text("---\ntitle: A\ndate: 2026-02-01\n---\n- x\n")
        assert wake.wait(SOON)
        loop.tick()
    assert feed(site) == ["a"]


class Told(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: queue.Queue[str] = queue.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.put(record.getMessage())


@contextmanager
def log() -> Iterator[Callable[[], list[str]]]:
    told = Told()
    logger = logging.getLogger("bot.run")
    logger.addHandler(told)
    try:
        yield lambda: [told.lines.get_nowait() for _ in range(told.lines.qsize())]
    finally:
        logger.removeHandler(told)


def test_each_problem_is_said_once_until_it_comes_back(site: Site) -> None:
    with log() as said, looping(site) as (_, loop, _wake):
        loop.tick()
        said()
        bad = site.post("bad")
        bad.write_bytes(b"---\ntitle: [\n---\n")
        for _ in range(3):
            loop.tick()
        (line,) = [line for line in said() if "bad.md" in line]
        assert "content/posts/bad.md:" in line
        site.post("bad")
        loop.tick()
        bad.write_bytes(b"\xff")
        loop.tick()
        assert len([line for line in said() if "bad.md" in line]) == 1


@pytest.mark.parametrize("what", ["renamed away", "empty", "much smaller"])
def test_a_folder_that_is_wrong_changes_nothing_and_is_said(site: Site, what: str) -> None:
    for n in range(8):
        site.post(f"p{n}", day=n + 1)
    with log() as said, looping(site) as (app, loop, _):
        loop.tick()
        before = feed(site)
        said()
        content, away = site.root / "content", site.root / "away"
        content.rename(away)
        if what != "renamed away":
            (content / "posts").mkdir(parents=True)
        if what == "much smaller":
            shutil.copy(away / "posts" / "p3.md", content / "posts")
        for _ in range(2):
            loop.tick()
        assert len([line for line in said() if line.startswith("content:")]) == 1
        assert feed(site) == before
        assert all(article.gone_at is None for article in app.ledger.articles())
        shutil.rmtree(content, ignore_errors=True)
        away.rename(content)
        loop.tick()
        assert feed(site) == before
        assert planned(app) == set()
