"""WebSub: hubs are told of feeds that changed, until they answer; never twice of the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import deque
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.app import feeding
from bot.errors import RateLimited
from bot.ledger.store import Ledger
from bot.model import Delivery, State
from bot.net import Net
from bot.outbox.pings import Pings, Topic, pings, told_of_bytes
from bot.posters.websub import WebSubPoster
from tests.fakes.http import Call, FakeServer, Reply
from tests.outbox.world import FakeClock
from tests.site import FILE_ACCOUNT, Site

HOME = "https://blog.example/"
FEEDS = {f"{HOME}{name}" for name in ("feed.xml", "atom.xml", "feed.json")}


class Hub(FakeServer):
    """Answers as told, else 204. `told`: the addresses, in order, that it accepted."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: deque[Reply] = deque()
        self.told: list[str] = []

    def handle(self, call: Call) -> Reply:
        form = call.form()
        assert form["hub.mode"] == "publish"
        assert form["hub.url"] == form["hub.topic"]
        reply = self.answers.popleft() if self.answers else Reply(204, "")
        if reply.status < 300:
            self.told.append(form["hub.url"])
        return reply

    def is_visible(self, call: Call) -> bool:
        return True

    @property
    def address(self) -> str:
        return f"{self.base}/"


@pytest.fixture
def hub() -> Any:
    with Hub() as server:
        yield server


def configured(root: Path, *hubs: Hub, accounts: str = "") -> Site:
    site = Site(root).configure(accounts, timeout=5)
    named = ", ".join(f'"{hub.address}"' for hub in hubs)
    with (root / "bot.toml").open("a", encoding="utf-8") as file:
        file.write(f"[feed]\nhubs = [{named}]\n")
    return site


@pytest.fixture
def site(tmp_path: Path, hub: Hub) -> Site:
    made = configured(tmp_path, hub)
    made.post("a")
    return made


def turn(site: Site) -> None:
    for command in ("feed", "post"):
        told = site.run(command)
        assert told.returncode == 0, told.stderr


def waiting(site: Site) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = site.json("status")["deliveries"]
    return found


def test_each_feed_is_told_once_and_again_when_it_changed(site: Site, hub: Hub) -> None:
    turn(site)
    assert sorted(hub.told) == sorted(FEEDS)
    turn(site)
    assert len(hub.calls) == 3
    site.post("a", "別の題")
    turn(site)
    assert sorted(hub.told) == sorted([*FEEDS, *FEEDS])
    turn(site)
    assert len(hub.calls) == 6


def test_the_file_is_in_place_before_anything_is_told(site: Site, hub: Hub) -> None:
    assert site.run("feed").returncode == 0
    assert hub.calls == []
    assert (site.root / "public" / "feed.xml").exists()
    assert site.run("post").returncode == 0
    assert len(hub.told) == 3


def test_a_hub_that_refuses_is_told_again(site: Site, hub: Hub) -> None:
    hub.answers.extend([Reply(500, "broken"), Reply(404, "no such topic"), Reply(302, "elsewhere")])
    assert site.run("feed").returncode == 0
    assert site.run("post").returncode == 0
    rows = waiting(site)
    assert {row["state"] for row in rows} <= {"retry", "planned"}
    assert rows
    for _ in range(40):
        if not waiting(site):
            break
        later(site)
        site.run("post")
    assert set(hub.told) == FEEDS
    assert len(hub.told) == 3


def later(site: Site) -> None:
    """What waits for another attempt is due now."""
    import sqlite3

    with sqlite3.connect(site.root / "state" / "bot.db") as database:
        database.execute("UPDATE deliveries SET due = 0 WHERE state = 'retry'")
        database.execute("UPDATE targets SET wait_until = NULL")
    database.close()


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "502_after", "garbage_after"])
def test_a_lost_answer_is_no_doubt(site: Site, hub: Hub, fault: str) -> None:
    hub.script.append(fault)
    assert site.run("feed").returncode == 0
    assert site.run("post").returncode == 0
    assert "unknown" not in {row["state"] for row in waiting(site)}
    later(site)
    assert site.run("post").returncode == 0
    assert set(hub.told) == FEEDS
    assert waiting(site) == []


def test_a_newer_change_takes_the_place_of_one_that_waits(site: Site, hub: Hub) -> None:
    assert site.run("feed").returncode == 0
    for title in ("二", "三", "四"):
        site.post("a", title)
        assert site.run("feed").returncode == 0
    assert len(waiting(site)) == 3
    assert site.run("post").returncode == 0
    assert sorted(hub.told) == sorted(FEEDS)
    turn(site)
    assert len(hub.calls) == 3


def test_a_change_while_another_try_is_due_waits_with_it(site: Site, hub: Hub) -> None:
    hub.answers.extend(Reply(500, "") for _ in range(3))
    turn(site)
    before = {row["id"] for row in waiting(site)}
    site.post("a", "新しい")
    assert site.run("feed").returncode == 0
    assert {row["id"] for row in waiting(site)} == before
    later(site)
    assert site.run("post").returncode == 0
    assert sorted(hub.told) == sorted(FEEDS)


def test_what_a_dead_process_wrote_is_told_by_the_next(
    site: Site, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn(site)
    site.post("a", "書いて死ぬ")

    class Died(BaseException):
        pass

    def die(*_: object) -> None:
        raise Died

    with monkeypatch.context() as patched, pytest.raises(BaseException):  # noqa: B017
        patched.setattr(feeding, "plan_pings", die)
        site.run("feed")
    assert "書いて死ぬ" in (site.root / "public" / "feed.xml").read_text(encoding="utf-8")
    assert len(hub.told) == 3
    turn(site)
    assert sorted(hub.told) == sorted([*FEEDS, *FEEDS])


def test_each_hub_is_told_and_one_that_is_away_holds_up_no_other(tmp_path: Path) -> None:
    with Hub() as near, Hub() as away:
        site = configured(tmp_path, near, away)
        site.post("a")
        away.answers.extend(Reply(503, "", {"Retry-After": "3600"}) for _ in range(9))
        turn(site)
        assert set(near.told) == FEEDS
        assert away.told == []
        assert {row["account"] for row in waiting(site)} == {away.address}


def test_a_hub_that_is_no_longer_named_is_not_told(site: Site, hub: Hub) -> None:
    assert site.run("feed").returncode == 0
    text = (site.root / "bot.toml").read_text(encoding="utf-8")
    (site.root / "bot.toml").write_text(text.replace(f'"{hub.address}"', ""), encoding="utf-8")
    turn(site)
    assert hub.calls == []
    assert waiting(site) == []


def test_pings_and_posts_stand_in_nobodys_way(tmp_path: Path, hub: Hub) -> None:
    site = configured(tmp_path, hub, accounts=FILE_ACCOUNT)
    site.post("a")
    assert site.run("feed").returncode == 0
    assert site.run("post", "--first-run").returncode == 0
    assert set(hub.told) == FEEDS
    site.post("b", day=2)
    turn(site)
    assert [line["url"] for line in site.lines()] == [f"{HOME}posts/b/"]
    assert len(hub.told) == 6


def test_naming_a_post_tells_no_hub(tmp_path: Path, hub: Hub) -> None:
    site = configured(tmp_path, hub, accounts=FILE_ACCOUNT)
    site.post("a")
    assert site.run("feed").returncode == 0
    assert site.run("post", "--first-run", "content/posts/a.md").returncode == 0
    assert len(site.lines()) == 1
    assert hub.calls == []


def test_run_tells_a_hub_as_soon_as_the_feed_is_there(site: Site, hub: Hub) -> None:
    process = subprocess.Popen(
        site.command("run"), cwd=site.root, stderr=subprocess.PIPE, encoding="utf-8"
    )
    assert process.stderr is not None
    sent = 0
    try:
        for line in process.stderr:
            sent += f"{hub.address}: sent" in line
            if sent == 3:
                break
        assert set(hub.told) == FEEDS
    finally:
        process.send_signal(signal.SIGTERM)
        rest = process.communicate(timeout=20)[1]
    assert process.returncode == 0, rest


@pytest.mark.parametrize("place", ["claimed", "prepared", "sending", "answered", "sent"])
def test_a_process_killed_on_the_way_leaves_no_feed_untold(
    site: Site, hub: Hub, place: str
) -> None:
    assert site.run("feed").returncode == 0
    killed = subprocess.run(
        [sys.executable, "-m", "tests.dying", place, "2", "post"],
        cwd=site.root,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        check=False,
        capture_output=True,
    )
    assert killed.returncode == -signal.SIGKILL
    assert site.run("post").returncode == 0
    assert set(hub.told) == FEEDS
    assert waiting(site) == []


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),  # which feed changes
        st.sampled_from(["sent", "failed", "claimed", "planned", "retry", "unknown"]),
    ),
    max_size=8,
)


@given(ROWS)
def test_the_newest_row_always_tells_of_the_newest_bytes(steps: list[tuple[str, str]]) -> None:
    """Whatever becomes of the rows meanwhile; and planning again adds nothing."""
    rows: dict[tuple[str, str], list[Delivery]] = {}
    hashes = {"a": "0", "b": "0"}

    def newest() -> list[Delivery]:
        return [max(some, key=lambda row: row.generation) for some in rows.values()]

    def plan() -> Pings:
        topics = [Topic(name, f"{name}.xml", hash) for name, hash in hashes.items()]
        return pings(topics, ["hub", "other"], newest(), "site", 1)

    for number, (name, state) in enumerate([("a", "planned"), *steps], 1):
        hashes[name] = str(number)
        made = plan()
        for row, values in made.anew:
            assert row.state in (State.PLANNED, State.RETRY)
            some = rows[row.subject, row.account]
            some[some.index(row)] = replace(row, **values)
        for row in made.new:
            some = rows.setdefault((row.subject, row.account), [])
            assert row.generation == len(some)
            some.append(row)
        assert plan() == Pings([], [])
        assert {told_of_bytes(row) for row in newest() if row.subject == name} == {str(number)}
        for some in rows.values():
            some[-1] = replace(some[-1], state=State(state))


def test_a_limit_of_the_hub_is_kept(hub: Hub) -> None:
    now = datetime(2026, 2, 10, tzinfo=UTC)
    poster = WebSubPoster(hub.address, Net(5, FakeClock(now)))
    hub.answers.append(Reply(429, "slow down", {"Retry-After": "60"}))
    with pytest.raises(RateLimited) as caught:
        poster.commit({"hub": hub.address, "topic": HOME}, "key", lambda: None)
    assert caught.value.until == now + timedelta(minutes=1)
    assert "slow down" in str(caught.value)


def test_a_ping_that_is_claimed_while_it_is_planned_anew_has_a_successor(
    site: Site, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bot.ledger import pings as remembered

    assert site.run("feed").returncode == 0
    site.post("a", "新しい")
    real = remembered.newest_pings
    taken: list[Delivery] = []

    def claimed_meanwhile(ledger: Ledger, subjects: list[str]) -> list[Delivery]:
        found = real(ledger, subjects)
        if not taken:
            now = ledger.now()
            row = ledger.claim(hub.address, "another", now, now + 60_000_000, None)
            assert row is not None
            taken.append(row)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(remembered, "newest_pings", claimed_meanwhile)
        assert site.run("feed").returncode == 0
    rows = waiting(site)
    states = sorted(row["state"] for row in rows if row["post"] == taken[0].path)
    assert states == ["claimed", "planned"]
