"""A tick that has nothing to do does nothing, and no change is missed: whoever makes it, and when."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.app.loop import Loop
from bot.app.wiring import App, World
from bot.config import load
from bot.ledger.mark import Mark
from bot.ledger.store import Ledger, open_ledger
from bot.model import State
from tests.outbox.world import FakeClock
from tests.site import FILE_ACCOUNT, Site
from tests.test_loop import Hands

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Counting(Loop):
    """Counts the whole looks."""

    looks = 0

    def _look(self) -> None:
        self.looks += 1
        super()._look()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path).configure()


@contextmanager
def resting(site: Site, clock: Hands) -> Iterator[tuple[App, Counting]]:
    """A loop whose last ticks had nothing to do."""
    world = World(clock=clock, environ={}, jitter=lambda: 0.0, owner="test")
    app = App(load(None, str(site.root)), world)
    stop = threading.Event()
    loop = Counting(app, stop, threading.Event())
    try:
        loop.start(first_run=True)
        for _ in range(4):
            tick(loop)
        loop.looks = 0
        yield app, loop
    finally:
        stop.set()
        loop.end()
        app.close()


def tick(loop: Loop) -> None:
    """One that the clock asked for, not the watch."""
    loop._hinted = False
    loop.tick()


def test_where_nothing_is_new_nothing_is_planned(site: Site) -> None:
    site.post("a")
    clock = Hands(NOW)
    with resting(site, clock) as (_, loop):
        for _ in range(3):
            clock.go(60)
            tick(loop)
            assert loop.scanned == round(clock.now().timestamp() * 1_000_000)
        assert loop.looks == 0


def test_a_whole_look_is_made_now_and_then(site: Site) -> None:
    clock = Hands(NOW)
    with resting(site, clock) as (app, loop):
        until = app.ledger.looked_at()
        clock.go(601)
        tick(loop)
        assert loop.looks == 1
        assert (app.ledger.looked_at() or 0) > (
            until or 0
        )  # a flood after an outage counts from it


def test_a_clock_that_is_set_back_is_no_rest(site: Site) -> None:
    clock = Hands(NOW)
    with resting(site, clock) as (_, loop):
        clock.go(-3600)
        tick(loop)
        assert loop.looks == 1


def _save(site: Site) -> None:
    site.post("b")


def _touch_cover(site: Site) -> None:
    site.post("a", "another title")


def _remove(site: Site) -> None:
    (site.root / "content" / "posts" / "a.md").unlink()


def _empty_feeds(site: Site) -> None:
    (site.root / "public" / "feed.xml").unlink()


def _approve(site: Site) -> None:
    assert site.run("approve").returncode == 0


def _other_process(site: Site) -> None:
    assert site.run("post", "content/posts/a.md").returncode == 0


@pytest.mark.parametrize("change", [_save, _touch_cover, _remove, _empty_feeds, _other_process])
def test_every_change_is_seen_at_the_next_tick(site: Site, change: Callable[[Site], None]) -> None:
    site.post("a")
    site.post("z")
    with resting(site, Hands(NOW)) as (_, loop):
        change(site)
        tick(loop)
        assert loop.looks == 1


def test_what_a_command_settles_is_seen(site: Site) -> None:
    site.configure(FILE_ACCOUNT)
    file = site.root / "bot.toml"
    file.write_text(file.read_text().replace("[publish]\n", "[publish]\nflood = 0\n"))
    clock = Hands(NOW)
    with resting(site, clock) as (app, loop):
        site.post("b")
        loop.tick()
        assert {d.state for d in app.ledger.deliveries()} == {State.HELD}
        before = loop.looks
        tick(loop)
        assert loop.looks == before + 1  # what waits is looked at each time
        _approve(site)
        tick(loop)
        assert loop.looks == before + 2


def test_a_post_whose_minute_comes_ends_the_rest(site: Site) -> None:
    site.post("later", more="publishDate: 2026-11-24T12:05:00Z\n")
    clock = Hands(NOW)
    with resting(site, clock) as (_, loop):
        clock.go(299)
        tick(loop)
        assert loop.looks == 0
        clock.go(1)
        tick(loop)
        assert loop.looks == 1
    told = json.loads((site.root / "public" / "feed.json").read_text(encoding="utf-8"))
    assert len(told["items"]) == 1


def test_a_removal_is_looked_at_until_it_counts(site: Site) -> None:
    site.post("a")
    site.post("b")
    clock = Hands(NOW)
    with resting(site, clock) as (_, loop):
        _remove(site)
        tick(loop)
        for _ in range(110):
            clock.go(60)
            tick(loop)
        assert loop.looks == 111
        clock.go(3600)
        for _ in range(4):
            tick(loop)
        before = loop.looks
        tick(loop)
        assert loop.looks == before


def test_a_fault_of_a_tick_is_told_and_ends_no_process(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with resting(site, Hands(NOW)) as (_, loop):

        def broken() -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(loop, "_look", broken)
        loop._hinted = True
        loop.tick()
        assert "ZeroDivisionError" in str(loop.fault)
        monkeypatch.undo()
        loop._hinted = True
        loop.tick()
        assert loop.fault is None


# --- the mark -------------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgresql"])
def ledgers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Ledger, Ledger]]:
    """Two processes' views of one store."""
    url = "sqlite:///bot.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    both = [
        open_ledger(
            url, tmp_path, tmp_path.name, FakeClock(NOW), address="https://b.example", named=True
        )
        for _ in range(2)
    ]
    assert both[0] is not None
    assert both[1] is not None
    yield both[0], both[1]
    for ledger in both:
        assert ledger is not None
        ledger.close()


def test_the_mark_tells_of_every_write_and_of_nothing_else(ledgers: tuple[Ledger, Ledger]) -> None:
    mine, other = ledgers
    mark = Mark(mine)
    try:
        other.agree_first_run("https://b.example", 1)
        first = mark.now()
        assert mark.now() == first
        mine.articles()
        other.open()
        assert mine.claim("a", "me", 1, 2, None) is None
        assert mark.now() == first
        assert mark.is_settled()
        other.baseline("a", "file", [], 5)
        second = mark.now()
        assert second != first
        with other._writing() as c:
            c.execute(
                text("UPDATE targets SET wait_until = 9 WHERE site = :site"), {"site": other.site}
            )
        third = mark.now()
        assert third != second
        with other._writing() as c:
            c.execute(
                text(
                    "INSERT INTO history (site, delivery, at, after, fence, event)"
                    " VALUES ('x', 'd', 1, 'sent', 0, 'sent')"
                )
            )
        assert mark.now() != third
    finally:
        mark.close()
