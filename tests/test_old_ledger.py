"""A ledger that may be an old copy: accounts that are not read back wait for a person's word."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.app.asked import Request
from bot.app.loop import Loop
from bot.app.turn import outlook
from tests.site import Site
from tests.test_loop import NOW, Hands, looping

BLIND = '[[accounts]]\nname = "log"\nnetwork = "file"\npath = "out.jsonl"\nadopt = 0\n'
READ = '[[accounts]]\nname = "read"\nnetwork = "file"\npath = "read.jsonl"\n'
DAY = 24 * 3600 * 1_000_000


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path).configure(BLIND + READ)
    assert made.run("post", "--first-run").returncode == 0
    return made


def forget(site: Site, *names: str, days: int = 4) -> None:
    """These posts are shared; then a copy of the ledger from before comes back, days later."""
    shutil.copy(site.root / "state" / "bot.db", site.root / "copy.db")
    for name in names:
        site.post(name)
    assert site.run("post").returncode == 0
    shutil.copy(site.root / "copy.db", site.root / "state" / "bot.db")
    age(site, days)


def age(site: Site, days: int) -> None:
    connection = sqlite3.connect(site.root / "state" / "bot.db")
    with connection:
        connection.execute("UPDATE sites SET plan_until = plan_until - ?", [days * DAY])
        connection.execute("UPDATE history SET at = at - ?", [days * DAY])
        connection.execute("UPDATE deliveries SET planned_at = planned_at - ?", [days * DAY])
    connection.close()


def waiting(site: Site) -> list[tuple[str, str, str]]:
    told = site.json("status")["deliveries"]
    return sorted((d["account"], d["post"][14:-3], d["state"]) for d in told)


def shared(site: Site, name: str = "out.jsonl") -> list[str]:
    return sorted(line["url"].split("/")[-2] for line in site.lines(name))


HELD = [("log", "a", "held"), ("log", "b", "held")]


def test_an_old_copy_repeats_nothing_on_any_account(site: Site) -> None:
    forget(site, "a", "b")
    told = site.run("post")
    assert told.returncode == 3
    assert shared(site) == shared(site, "read.jsonl") == ["a", "b"]
    assert waiting(site) == HELD
    status = site.run("status").stdout
    assert "old copy" in status
    assert "bot approve" in status
    assert site.run("post").returncode == 3
    assert shared(site) == ["a", "b"]


def test_a_person_says_what_is_to_go_out(site: Site) -> None:
    forget(site, "a", "b")
    site.run("post")
    site.post("c")
    site.run("post")
    assert shared(site) == ["a", "b", "c"]
    assert site.run("skip", "content/posts/a.md").returncode == 0
    assert site.run("approve", "content/posts/b.md").returncode == 0
    assert site.run("post").returncode == 0
    assert shared(site) == ["a", "b", "b", "c"]


def test_what_a_person_names_is_not_held(site: Site) -> None:
    forget(site, "a", "b")
    site.post("c")
    site.run("post", "content/posts/c.md")
    assert shared(site) == ["a", "b", "c"]
    assert [row for row in waiting(site) if row[0] == "log"] == HELD
    site.run("approve", "content/posts/a.md")
    site.run("post")
    assert shared(site) == ["a", "a", "b", "c"]


def test_another_account_takes_no_doubt_away(site: Site) -> None:
    forget(site, "a", "b")
    site.run("post", "--account", "read")
    site.run("post")
    assert shared(site) == ["a", "b"]
    assert waiting(site) == HELD


def test_what_was_planned_before_is_held_too(site: Site) -> None:
    config = site.root / "bot.toml"
    told = config.read_text(encoding="utf-8")
    config.write_text(told.replace('"out.jsonl"', '"content"'), encoding="utf-8")  # a folder
    site.post("a")
    site.post("b")
    site.run("post")
    config.write_text(told, encoding="utf-8")
    before = {row for row in waiting(site) if row[0] == "log"}
    assert {state for _, _, state in before} <= {"planned", "retry"}
    assert len(before) == 2
    age(site, 4)
    site.run("post")
    assert shared(site) == []
    assert waiting(site) == HELD


@pytest.mark.parametrize(
    ("days", "more"),
    [(2, ""), (4, "old_ledger_posts = 2\n"), (4, 'old_ledger = "5d"\n')],
)
def test_a_ledger_in_use_holds_nothing(site: Site, days: int, more: str) -> None:
    setting(site, more)
    age(site, days)
    site.post("a")
    site.post("b")
    assert site.run("post").returncode == 0
    assert shared(site) == ["a", "b"]
    assert waiting(site) == []


def test_one_post_after_a_long_time_goes_out(site: Site) -> None:
    age(site, 300)
    site.post("a")
    assert site.run("post").returncode == 0
    assert shared(site) == ["a"]


def test_an_import_is_a_copy_however_new(site: Site) -> None:
    assert site.run("state", "export", "moved.jsonl").returncode == 0
    site.post("a")
    site.post("b")
    assert site.run("post").returncode == 0
    (site.root / "state" / "bot.db").unlink()
    assert site.run("state", "import", "moved.jsonl").returncode == 0
    assert site.run("post").returncode == 3
    assert shared(site) == shared(site, "read.jsonl") == ["a", "b"]
    assert waiting(site) == HELD
    site.post("c")
    site.post("d")
    site.run("post")
    assert shared(site) == ["a", "b", "c", "d"]


def test_an_export_tells_nothing_of_an_import(site: Site) -> None:
    before = site.run("state", "export").stdout
    site.run("state", "export", "moved.jsonl")
    (site.root / "state" / "bot.db").unlink()
    assert site.run("state", "import", "moved.jsonl").returncode == 0
    assert site.run("state", "export").stdout == before


def test_the_loop_holds_before_it_sends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its workers start when what waits is held."""
    site = Site(tmp_path).configure(BLIND)
    clock = Hands(NOW)
    with looping(site, clock) as (_, loop, _):
        loop.tick()
    clock.go(timedelta(days=4).total_seconds())
    site.post("a")
    site.post("b")
    planned: list[Any] = []
    work = Loop._work

    def begun(self: Loop, *given: Any) -> None:
        planned.extend(self._app.ledger.deliveries())
        work(self, *given)

    monkeypatch.setattr(Loop, "_work", begun)
    with looping(site, clock) as (_, loop, _):
        loop.tick()
    assert [(d.state.value, d.reason) for d in planned] == [("held", "old-ledger")] * 2
    assert shared(site) == []


def test_a_process_that_had_nothing_to_do_knows_its_ledger(tmp_path: Path) -> None:
    site = Site(tmp_path).configure(BLIND)
    clock = Hands(NOW)
    with looping(site, clock) as (app, loop, _):
        loop.tick()
        clock.go(timedelta(days=4).total_seconds())
        site.post("a")
        site.post("b")
        seen = outlook(app, app.ledger, Request())
    assert [row.state.value for row in seen.plan.new] == ["planned", "planned"]


def setting(site: Site, line: str) -> None:
    config = site.root / "bot.toml"
    told = config.read_text(encoding="utf-8")
    config.write_text(told.replace("[publish]\n", "[publish]\n" + line), encoding="utf-8")
