"""A post is shared when its page is online and is this post's, and not before."""

from __future__ import annotations

import os
import random  # noqa: TID251
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from bot.app import wiring
from bot.app.fetch import getter
from bot.app.live import AFTER_DEADLINE, LATER, PAUSES, ROUND, Pages, waits
from bot.config import load
from bot.errors import StoreUnavailable
from bot.i18n import msg
from bot.net import Answer
from tests.fakes.http import Reply
from tests.fakes.mastodon_server import MastodonServer
from tests.fakes.site import FakeSite
from tests.outbox.world import FakeClock
from tests.site import FILE_ACCOUNT, Ran, Site

ACCOUNT = """
[[accounts]]
name = "{name}"
network = "mastodon"
instance = "{base}"
token = {{ env = "TOKEN_{name}" }}
{more}
"""
ENV = {"TOKEN_m": "live-test-token", "TOKEN_n": "another-token"}
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PNG = Reply(200, "\x89PNG", {"Content-Type": "image/png"})


@dataclass
class House:
    """A blog, its website, a network, and a clock that moves when somebody waits."""

    site: Site
    web: FakeSite
    net: MastodonServer
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    runs: int = 0

    def configure(self, *accounts: str, **more: Any) -> House:
        given = "".join(accounts) or self.account("m")
        self.site.configure(given, live=True, url=self.web.base, **more)
        return self

    def account(self, name: str, more: str = "") -> str:
        return ACCOUNT.format(name=name, base=self.net.base, more=more)

    def say(self, text: str) -> None:
        """A line more in [publish]."""
        file = self.site.root / "bot.toml"
        file.write_text(file.read_text().replace("[publish]\n", f"[publish]\n{text}\n"))

    def bot(self, *args: str) -> Ran:
        self.runs += 1
        world = wiring.World(
            clock=self.clock, environ=ENV, jitter=lambda: 0.0, owner=f"test-{self.runs}"
        )
        with mock.patch.object(wiring, "system_world", lambda: world):
            return self.site.run(*args)

    def write(self, name: str, *steps: str | Reply, **page: Any) -> str:
        """A new post, titled like its page, and what its page answers."""
        self.site.post(name)
        path = f"/posts/{name}/"
        self.web.deploy(path, *steps, **{"title": name, **page})
        return path

    def app(self) -> wiring.App:
        world = wiring.World(clock=self.clock, environ=ENV, jitter=lambda: 0.0, owner="thread")
        return wiring.App(load(None, str(self.site.root)), world)

    def held(self) -> list[tuple[str, str]]:
        import json

        rows = json.loads(self.bot("status", "--json").stdout)["deliveries"]
        return [(row["state"], row["error"]) for row in rows]

    def shared(self) -> list[str]:
        return [post["content"].split("</p>")[0].removeprefix("<p>") for post in self.net.visible]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with FakeSite() as web, MastodonServer() as net:
        made = House(Site(tmp_path), web, net).configure()
        assert made.bot("post", "--first-run").returncode == 0
        yield made


def test_one_turn_waits_for_the_page_and_shares_once(house: House) -> None:
    path = house.write("new", "404", "503", "404", "there")
    ran = house.bot("post")
    assert ran.returncode == 0
    assert f"waiting until the page is there: content{path[:-1]}.md" in ran.stderr
    assert len(house.net.visible) == 1
    assert house.web.looks(path) == 4
    assert (house.clock.now() - NOW).total_seconds() == pytest.approx(sum(PAUSES[:3]))
    house.bot("post")
    assert (len(house.net.visible), house.web.looks(path)) == (1, 4)


def test_a_page_that_does_not_come_is_waited_for_in_the_next_run(house: House) -> None:
    path = house.write("new", "404")
    ran = house.bot("post")
    assert ran.returncode == 0
    assert "m: waits: content/posts/new.md: its page is not there yet: HTTP 404" in ran.stdout
    assert (house.clock.now() - NOW).total_seconds() < 121
    assert house.net.visible == []
    told = house.bot("status").stdout
    assert "Needs you" not in told
    assert "its page is not there yet: HTTP 404" in told
    looks, before = house.web.looks(path), house.clock.now()
    again = house.bot("post")
    assert house.web.looks(path) == looks + 1, "what an earlier turn planned is looked at once"
    assert house.clock.now() == before
    assert again.returncode == 0
    house.web.deploy(path, title="new")
    assert house.bot("post").returncode == 0
    assert len(house.net.visible) == 1


def test_how_long_a_turn_waits_is_a_setting(house: House) -> None:
    house.say('live_wait = "0s"')
    path = house.write("new", "404")
    house.bot("post")
    assert (house.web.looks(path), house.clock.now()) == (1, NOW)


def test_what_is_due_does_not_wait_for_other_pages(house: House) -> None:
    house.write("slow", "404")
    house.write("quick")
    seen: list[float] = []
    handle = house.net.handle

    def noting(call: Any) -> Reply:
        if house.net.is_visible(call):
            seen.append((house.clock.now() - NOW).total_seconds())
        return handle(call)

    house.net.handle = noting  # type: ignore[method-assign]
    house.bot("post")
    assert seen == [0.0]


def test_a_page_that_comes_is_shared_while_others_are_waited_for(house: House) -> None:
    house.write("never", "404")
    house.write("soon", "404", "there")
    seen: list[float] = []
    handle = house.net.handle

    def noting(call: Any) -> Reply:
        if house.net.is_visible(call):
            seen.append((house.clock.now() - NOW).total_seconds())
        return handle(call)

    house.net.handle = noting  # type: ignore[method-assign]
    house.bot("post")
    assert seen == [PAUSES[0]]
    whose = [call for call in house.net.calls if call.path.endswith("verify_credentials")]
    assert len(whose) <= 1, "one process asks once whose account it is"
    assert (house.clock.now() - NOW).total_seconds() > 60


def test_the_first_of_many_goes_out_before_the_last_page_is_looked_at(house: House) -> None:
    house.say("flood = 100")
    for n in range(ROUND + 5):
        house.write(f"p{n:02}")
    seen: list[int] = []
    handle = house.net.handle

    def noting(call: Any) -> Reply:
        if house.net.is_visible(call):
            seen.append(len(house.web.calls))
        return handle(call)

    house.net.handle = noting  # type: ignore[method-assign]
    house.bot("post")
    assert seen[0] == ROUND
    assert len(house.web.calls) == ROUND + 5
    assert len(house.net.visible) == 24, "the daily cap"


def test_for_an_account_that_cannot_send_no_turn_waits(house: House) -> None:
    house.configure(house.account("m").replace("TOKEN_m", "NO_TOKEN"))
    path = house.write("new", "404")
    house.bot("post")
    assert (house.web.looks(path), house.clock.now()) == (1, NOW)


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ("404", "HTTP 404"),
        ("503", "HTTP 503"),
        ("soft", "another page is at its address: 試験"),
        ("other", "another page is at its address: 別のnew"),
        ("cut", "is lost: the connection was cut"),
        ("hang", "is lost: no answer in time"),
        (">https://other.example/posts/new/", "leads elsewhere: https://other.example/"),
        (">//127.0.0.2/posts/new/", "leads elsewhere: //127.0.0.2/"),
        (">/posts/new/", "leads on and on"),
        (">/", "HTTP 404"),
        (Reply(200, "", {"Content-Type": "text/html"}), "no page of a post"),
        (Reply(200, {"title": "new"}), "no page of a post"),
        (Reply(304, ""), "HTTP 304"),
        (Reply(301, "", {"X": "no location"}), "leads elsewhere"),
    ],
    ids=str,
)
def test_a_page_that_is_not_this_post_s_is_not_shared(
    house: House, step: str | Reply, why: str
) -> None:
    house.configure(timeout=0.2)
    house.say('live_wait = "0s"')
    house.write("new", step)
    assert house.bot("post").returncode == 0
    ((state, error),) = house.held()
    assert (state, why in error) == ("held", True), error
    assert house.net.visible == []


@pytest.mark.parametrize("slash", [True, False])
def test_a_redirect_on_the_same_host_is_followed(house: House, slash: bool) -> None:
    house.write("new", ">/posts/new" if slash else ">index.html")
    house.web.deploy(
        "/posts/new" if slash else "/posts/new/index.html", title="x", canonical="/posts/new/"
    )
    house.bot("post")
    assert len(house.net.visible) == 1


def test_an_account_of_files_never_waits(house: House) -> None:
    house.configure(FILE_ACCOUNT, house.account("m"))
    house.bot("post")
    house.write("new", "404")
    house.say('live_wait = "0s"')
    house.bot("post")
    house.bot("post")
    assert len(house.site.lines()) == 1
    assert house.net.visible == []


def test_an_account_can_have_its_own_word(house: House) -> None:
    house.configure(house.account("m"), house.account("n", "wait_until_live = false"))
    house.say('live_wait = "0s"')
    house.bot("post")
    house.write("new", "404")
    house.bot("post")
    assert len(house.net.visible) == 1
    house.bot("post")
    assert len(house.net.visible) == 1, "what another shared unseen says nothing of the page"


def test_without_waiting_no_page_is_asked_for(house: House) -> None:
    house.site.configure(house.account("m"), live=False, url=house.web.base)
    path = house.write("new", "404")
    house.bot("post")
    assert (len(house.net.visible), house.web.looks(path)) == (1, 0)


def test_switching_it_off_lets_go_what_waits(house: House) -> None:
    house.say('live_wait = "0s"')
    house.write("new", "404")
    house.bot("post")
    house.site.configure(house.account("m"), live=False, url=house.web.base)
    house.bot("post")
    assert len(house.net.visible) == 1


def test_at_the_deadline_a_person_is_asked_and_has_the_word(house: House) -> None:
    house.say('live_wait = "0s"\nlive_deadline = "1h"')
    house.write("new", "404")
    house.bot("post")
    house.clock.go(3599)
    assert house.bot("post").returncode == 0
    house.clock.go(1)
    assert house.bot("post").returncode == 3
    told = house.bot("status").stdout
    assert "Needs you" in told
    (line,) = [line for line in told.splitlines() if "bot approve" in line]
    house.bot("approve", line.split("bot approve ")[1].strip())
    assert house.bot("post").returncode == 0
    assert len(house.net.visible) == 1


def test_a_page_that_comes_after_the_deadline_is_shared(house: House) -> None:
    house.say('live_wait = "0s"\nlive_deadline = "1h"')
    path = house.write("new", "404")
    house.bot("post")
    house.clock.go(7200)
    assert house.bot("post").returncode == 3
    house.web.deploy(path, title="new")
    assert house.bot("post").returncode == 0
    assert len(house.net.visible) == 1


def test_a_person_names_what_passes_without_its_page(house: House) -> None:
    house.say('live_wait = "0s"')
    house.write("new", "404")
    assert house.bot("post", "content/posts/new.md").returncode == 0
    assert house.net.visible == [], "asking for a post asks for its page, too"
    house.bot("approve")
    house.bot("post")
    assert house.net.visible == [], "all that needs a word: this does not"
    house.bot("approve", "content/posts/new.md")
    house.bot("post")
    assert len(house.net.visible) == 1


def test_a_flood_that_is_approved_still_waits_for_its_pages(house: House) -> None:
    house.say('live_wait = "0s"\nflood = 1')
    house.write("one")
    house.write("two", "404")
    assert house.bot("post").returncode == 3
    assert [state for state, _ in house.held()] == ["held", "held"]
    house.bot("approve")
    assert house.bot("post").returncode == 0
    assert len(house.net.visible) == 1
    assert house.held()[0][1].endswith("HTTP 404")


def test_the_dry_run_says_so_and_asks_nobody(house: House) -> None:
    path = house.write("new", "404")
    for again in (False, True):
        told = house.bot("post", "--dry-run").stdout
        assert "as soon as its page is there" in told
        assert "newの要点一です。" in told
        if not again:
            assert house.web.looks(path) == 0
            house.say('live_wait = "0s"')
            house.bot("post")
    assert house.web.looks(path) == 1


def test_all_of_the_baseline_waits_for_its_pages(house: House) -> None:
    house.write("old")
    house.say('live_wait = "0s"')
    house.configure(house.account("n"))
    house.bot("post")
    path = house.write("gone", "404")
    assert "2 deliveries would be sent" in house.bot("post", "--all").stdout
    house.bot("post", "--all", "--yes")
    assert len(house.net.visible) == 1
    assert house.web.looks(path) > 0


def test_each_language_waits_for_its_own_page(house: House) -> None:
    house.configure(
        house.account("m", 'languages = ["ja"]'),
        house.account("n", 'languages = ["en"]'),
        '[content]\nlanguages = ["ja", "en"]\n',
    )
    house.say('live_wait = "0s"')
    house.bot("post")
    house.write("new")
    house.site.post("new.en")
    house.bot("post")
    assert len(house.net.visible) == 1
    ((state, error),) = house.held()
    assert (state, error.endswith("HTTP 404")) == ("held", True)
    house.web.deploy("/en/posts/new/", title="new.en")
    house.bot("post")
    assert len(house.net.visible) == 2


# --- the picture of the link's preview ------------------------------------------------------------


def test_the_picture_is_waited_for_and_not_for_ever(house: House) -> None:
    house.say('live_wait = "0s"')
    house.write("new", image="/cover.png")
    house.bot("post")
    assert house.held()[0][1].endswith("/cover.png: HTTP 404")
    house.clock.go(899)
    house.bot("post")
    assert house.net.visible == []
    house.clock.go(1)
    ran = house.bot("post")
    assert len(house.net.visible) == 1
    assert "/cover.png: HTTP 404" in ran.stderr


@pytest.mark.parametrize("first", ["405", "200"])
def test_a_picture_that_is_there_is_enough(house: House, first: str) -> None:
    house.write("new", image="/cover.png")
    house.web.deploy("/cover.png", *([first] if first != "200" else []), PNG)
    house.bot("post")
    assert len(house.net.visible) == 1
    assert next(call.method for call in house.web.calls if call.path == "/cover.png") == "HEAD"


def test_a_picture_inside_another_network_is_not_asked_for(house: House) -> None:
    house.say('live_wait = "0s"')
    house.write("new", image="http://127.0.0.9:1/cover.png")
    house.bot("post")
    assert house.held()[0][1].endswith("its address is not a public one.")


def test_a_page_that_is_no_picture_is_none(house: House) -> None:
    house.say('live_wait = "0s"')
    house.write("new", image="/cover.png")
    house.web.deploy("/cover.png")
    house.bot("post")
    assert house.held()[0][1].endswith("it is no picture")


def test_a_post_with_its_own_picture_needs_no_preview(house: House) -> None:
    (house.site.root / "static").mkdir()
    (house.site.root / "static" / "c.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 30)
    house.write("new", image="/cover.png")
    house.site.post("new", more="image: /c.png\n")
    house.bot("post")
    assert house.web.looks("/cover.png") == 0


# --- what ends in between -------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["live", "freed"])
def test_a_process_that_ends_between_the_look_and_the_move_loses_nothing(
    house: House, place: str
) -> None:
    house.write("new")
    killed = subprocess.run(
        [sys.executable, "-m", "tests.dying", place, "1", "--config", "bot.toml", "post"],
        cwd=house.site.root,
        env={**os.environ, **ENV, "PYTHONPATH": str(Path(__file__).parent.parent)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert house.net.visible == []
    assert [state for state, _ in house.held()] == ["held" if place == "live" else "planned"]
    assert house.site.process("post", env=ENV).returncode == 0
    assert len(house.net.visible) == 1


@pytest.mark.slow
def test_killed_again_and_again_while_pages_come(house: House) -> None:
    chance = random.Random("pages")
    names = [f"p{n:02}" for n in range(10)]
    for n, name in enumerate(names):
        house.write(name, *["404"] * n, "there")
    for _ in range(15):
        process = subprocess.Popen(
            house.site.command("run" if chance.random() < 0.5 else "post"),
            cwd=house.site.root,
            env={**os.environ, **ENV},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(chance.uniform(0.4, 2.0))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert len(house.shared()) == len(set(house.shared()))
    for name in names:
        house.write(name)
    for _ in range(3):
        assert house.site.process("post", env=ENV).returncode == 0
    assert sorted(house.shared()) == names


def test_a_site_that_is_down_is_asked_once_for_all_its_pages(house: House) -> None:
    house.say('live_wait = "0s"\nflood = 20')
    for n in range(12):
        house.write(f"p{n}")
    house.web.stop()
    asked = mock.Mock(side_effect=AssertionError)
    from bot.net import Net

    request = Net.request

    def counted(self: Net, method: str, url: str, **more: Any) -> Any:
        if url.startswith(house.web.base):
            asked.call_count += 1
        return request(self, method, url, **more)

    with mock.patch.object(Net, "request", counted):
        assert house.bot("post").returncode == 0
    assert asked.call_count == 1
    assert {error.split(": ", 1)[1] for _, error in house.held()} == {
        "127.0.0.1 could not be reached: it refuses connections."
    }


def test_a_running_bot_shares_when_the_page_comes(house: House) -> None:
    path = house.write("new", "404", "404", "there")
    process = subprocess.Popen(
        house.site.command("run"),
        cwd=house.site.root,
        env={**os.environ, **ENV},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    lines: list[str] = []
    with process:
        for line in process.stdout:
            lines.append(line)
            if "m: sent content/posts/new.md" in line:
                break
        process.terminate()
    assert process.returncode == 0, lines
    assert (len(house.net.visible), house.web.looks(path)) == (1, 3)
    assert any("its page is not there yet: HTTP 404" in line for line in lines)
    assert any("its page is there" in line for line in lines)


def test_a_thread_looks_ever_less_often_until_the_page_is_there(house: House) -> None:
    house.say('live_wait = "0s"')
    path = house.write("new", "404")
    house.bot("post")
    app = house.app()
    looks: list[float] = []
    start = house.clock.steady()

    def get(method: str, url: str) -> Answer:
        looks.append(house.clock.steady() - start)
        if len(looks) > len(PAUSES) + 2:
            house.web.deploy(path, title="new")
        return getter(house.web.base, 15, house.clock)(method, url)

    stop = threading.Event()
    try:
        Pages(app, stop, get).serve(threading.Event(), stop.set)
    finally:
        app.close()
    assert looks == pytest.approx([0.0, *accumulate([*PAUSES, LATER, LATER])])
    assert [state for state, _ in house.held()] == ["planned"]


def test_a_thread_outlives_a_store_that_is_away_and_a_fault_of_its_own(house: House) -> None:
    house.say('live_wait = "0s"')
    house.write("new", "404")
    house.bot("post")
    house.web.deploy("/posts/new/", title="new")
    app, stop = house.app(), threading.Event()
    pages = Pages(app, stop)
    faults = [StoreUnavailable(msg("away")), RuntimeError("a bug")]

    def sought(only: Any = None) -> Any:
        if faults:
            raise faults.pop(0)
        return Pages.sought(pages, only)

    try:
        with mock.patch.object(pages, "sought", sought):
            pages.serve(threading.Event(), stop.set)
    finally:
        app.close()
    assert [state for state, _ in house.held()] == ["planned"]


def test_nobody_looks_where_nobody_waits(house: House) -> None:
    app = house.app()
    try:
        assert Pages(app).look() == []
        assert waits(app) == {"m"}
    finally:
        app.close()
    house.site.configure(FILE_ACCOUNT, live=True, url=house.web.base)
    app = house.app()
    try:
        assert waits(app) == set()
    finally:
        app.close()


def test_pauses_grow_to_minutes_and_hours() -> None:
    assert list(PAUSES) == sorted(PAUSES)
    assert PAUSES[-1] < LATER < AFTER_DEADLINE


def test_the_author_s_own_time_is_kept(house: House) -> None:
    house.say('live_wait = "0s"')
    house.write("new")
    house.site.post("new", more="social: { at: 2026-11-24T22:00:00+09:00 }\n")
    house.bot("post")
    house.clock.go(3599)
    house.bot("post")
    assert house.net.visible == []
    assert [state for state, _ in house.held()] == ["planned"]
    house.clock.go(1)
    house.bot("post")
    assert len(house.net.visible) == 1


def test_a_new_address_is_looked_for_again(house: House) -> None:
    house.say('live_wait = "0s"')
    house.configure(house.account("m", 'quiet = "00:00-23:59"'))
    house.say('live_wait = "0s"')
    house.write("new")
    house.bot("post")
    assert [state for state, _ in house.held()] == ["planned"]
    house.site.post("new", more="slug: other\n")
    house.bot("post")
    assert house.held()[0][1].endswith("HTTP 404")
    house.web.deploy("/posts/other/", title="new")
    house.bot("post")
    assert [state for state, _ in house.held()] == ["planned"]
    assert house.web.looks("/posts/other/") == 2
