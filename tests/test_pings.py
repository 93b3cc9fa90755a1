"""WebSub: hubs are told of feeds that changed, until they answer; never twice of the same bytes."""

from __future__ import annotations

import signal
import subprocess
from collections import deque
from pathlib import Path
from typing import Any

import pytest

from bot.app import feeding
from tests.fakes.http import Call, FakeServer, Reply
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
