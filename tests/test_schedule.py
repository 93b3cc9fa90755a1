"""Slots, quiet hours, caps, budgets and the author's time, through whole turns: `bot post` with a
clock that is a value."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.app.asked import Request
from bot.app.preview import dry_run
from bot.app.report import status
from bot.app.timing import ClockWatch
from bot.app.turn import Result, take_turn
from bot.app.wiring import App, World
from bot.config import load
from bot.model import State
from tests.outbox.world import FakeClock, FakePoster, Network
from tests.site import Site

TOKYO = ZoneInfo("Asia/Tokyo")
ACCOUNT = '[[accounts]]\nname = "log"\nnetwork = "file"\npath = "out.jsonl"\n'
KEYS = dict.fromkeys(("A", "B", "C", "D"), "secret")
X = (
    '[[accounts]]\nname = "x"\nnetwork = "x"\nconsumer_key = { env = "A" }\n'
    'consumer_secret = { env = "B" }\naccess_token = { env = "C" }\n'
    'access_token_secret = { env = "D" }\nadopt = 0\n'
)


class Blog:
    """A site whose turns are taken at times in Tokyo, each by a process of its own."""

    def __init__(self, root: Path) -> None:
        self.site = Site(root)
        self.clock = FakeClock(datetime(2026, 6, 1, 7, 0, tzinfo=TOKYO))  # a Monday
        self.net = Network(self.clock)
        self._turns = 0

    def configure(self, more: str, account: str = ACCOUNT) -> Blog:
        self.site.configure(account + more)
        self.at("06-01 07:00", first_run=True)
        return self

    def app(self) -> App:
        self._turns += 1
        world = World(
            clock=self.clock, environ=KEYS, jitter=lambda: 0.0, owner=f"turn{self._turns}"
        )
        app = App(load(None, str(self.site.root)), world)
        if app.account("x"):
            from bot.model import Replay

            app._posters["x"] = FakePoster(self.net, Replay.SEARCHABLE)
        return app

    def at(self, time: str, *paths: str, **asked: Any) -> Result:
        moment = datetime.fromisoformat(f"2026-{time}").replace(tzinfo=TOKYO)
        self.clock.go((moment - self.clock.now()).total_seconds())
        app = self.app()
        try:
            return take_turn(app, Request(paths=paths, **asked))
        finally:
            app.close()

    def sent(self) -> list[str]:
        """The posts that are out there, in order."""
        return [line["url"].rstrip("/").rpartition("/")[2] for line in self.site.lines()]


@pytest.fixture
def blog(tmp_path: Path) -> Blog:
    return Blog(tmp_path)


def sent(result: Result) -> list[str]:
    return [d.path.rpartition("/")[2].removesuffix(".md") for d in result.sent]


def test_a_slot_is_one_post_and_a_late_tick_still_uses_it(blog: Blog) -> None:
    blog.configure('slots = "mon-fri 08:00,12:10"\n')
    for name in ("a", "b", "c", "d"):
        blog.site.post(name)
    assert sent(blog.at("06-01 07:58")) == ["a"]  # Friday's last slot is open until the next one
    assert sent(blog.at("06-01 07:59")) == []
    assert sent(blog.at("06-01 09:30")) == ["b"]
    assert sent(blog.at("06-01 09:31")) == []
    late = blog.at("06-02 07:00")
    assert sent(late) == ["c"]
    (waits,) = late.later
    assert waits[1].at is not None
    assert datetime.fromtimestamp(waits[1].at / 1e6, TOKYO).strftime("%d %H:%M") == "02 08:00"


def test_after_a_downtime_one_now_and_the_rest_in_their_slots(blog: Blog) -> None:
    blog.configure('slots = "08:00,19:00"\nslot_open = "6h"\n')
    for name in "abcde":
        blog.site.post(name)
    blog.at("06-01 07:10")
    assert sent(blog.at("06-03 21:00")) == ["a"]
    assert sent(blog.at("06-03 21:01")) == []
    assert sent(blog.at("06-04 08:00")) == ["b"]


def test_quiet_hours_hold_and_now_passes_them(blog: Blog) -> None:
    blog.configure('quiet = "23:00-07:00"\n')
    blog.site.post("a")
    blog.site.post("b")
    assert sent(blog.at("06-01 23:30")) == []
    assert sent(blog.at("06-01 23:40", "content/posts/a.md")) == []
    assert sent(blog.at("06-01 23:50", "content/posts/a.md", now=True)) == ["a"]
    assert sent(blog.at("06-02 07:00")) == ["b"]


def test_the_daily_cap_stands_above_a_persons_word(blog: Blog) -> None:
    blog.configure("daily_cap = 2\n")
    for name in "abc":
        blog.site.post(name)
    assert sent(blog.at("06-01 10:00")) == ["a", "b"]
    assert sent(blog.at("06-01 12:00", "content/posts/c.md", now=True)) == []
    assert sent(blog.at("06-01 13:00", all=True, yes=True)) == []
    assert sent(blog.at("06-02 10:00")) == ["c"]


def test_the_authors_time_wins(blog: Blog) -> None:
    blog.configure('slots = "08:00"\nslot_open = "6h"\n')
    blog.site.post("a", more="social:\n  at: 2026-06-01 15:30\n")
    blog.site.post("b")
    assert sent(blog.at("06-01 08:00")) == ["b"]
    assert sent(blog.at("06-01 15:29")) == []
    assert sent(blog.at("06-01 15:30")) == ["a"]


def test_an_authors_time_that_moves_is_followed(blog: Blog) -> None:
    blog.configure("")
    blog.site.post("a", more="social:\n  at: 2026-06-04 15:30\n")
    assert sent(blog.at("06-01 10:00")) == []
    blog.site.post("a", more="social:\n  at: 2026-06-02 09:00\n")
    assert sent(blog.at("06-01 10:10")) == []
    assert sent(blog.at("06-02 09:00")) == ["a"]


def test_an_authors_time_that_is_none_holds_the_post_and_says_so(blog: Blog) -> None:
    blog.configure("")
    blog.site.post("a", more="social:\n  at: tomorrow\n")
    result = blog.at("06-01 10:00")
    assert sent(result) == []
    (row,) = result.outlook.plan.new
    assert (row.state, row.error_code) == (State.HELD, "social-at")


def test_order_priority_then_newest(blog: Blog) -> None:
    blog.configure(
        'slots = "08:00,09:00,10:00"\nslot_open = "1h"\norder = ["priority", "newest"]\n'
        '[[accounts.rules]]\nwhen = { tags = ["速報"] }\npriority = 5\n'
    )
    blog.site.post("a")
    blog.at("06-01 07:10")
    blog.site.post("b", more="tags: [速報]\n")
    blog.at("06-01 07:20")
    blog.site.post("c")
    blog.at("06-01 07:30")
    order = [sent(blog.at(f"06-01 {hour}:00")) for hour in ("08", "09", "10")]
    assert order == [["b"], ["c"], ["a"]]


def test_what_waits_too_long_is_skipped_and_said_and_a_path_passes(blog: Blog) -> None:
    blog.configure('slots = "mon 08:00"\nslot_open = "6h"\nmax_age = "7d"\n')
    for name in "abc":
        blog.site.post(name)
    assert sent(blog.at("06-01 08:00")) == ["a"]
    gone = blog.at("06-08 08:00")
    assert sorted(d.path for d in gone.outlook.plan.expired) == [
        "content/posts/b.md",
        "content/posts/c.md",
    ]
    assert sent(gone) == []
    assert sent(blog.at("06-08 08:10", "content/posts/c.md")) == ["c"]


def test_a_link_a_day_and_the_rest_without(blog: Blog) -> None:
    blog.configure('links_per_day = 1\nlink = "auto"\n')
    blog.site.post("a")
    blog.site.post("b")
    blog.at("06-01 10:00")
    texts = [line["text"] for line in blog.site.lines()]
    assert ["https://" in text for text in texts] == [True, False]


def test_a_link_that_is_always_wanted_waits_for_tomorrow(blog: Blog) -> None:
    blog.configure("links_per_day = 1\n")
    blog.site.post("a")
    blog.site.post("b")
    assert sent(blog.at("06-01 10:00")) == ["a"]
    assert sent(blog.at("06-01 23:59")) == []
    assert sent(blog.at("06-02 00:00")) == ["b"]


def test_xs_budget_is_booked_in_the_claim_and_ends_with_the_month(blog: Blog) -> None:
    """0.200 dollars a post with a link: https://docs.x.com/x-api/getting-started/pricing"""
    blog.configure('budget = 0.5\nmax_age = ""\n', account=X)
    for name in "abc":
        blog.site.post(name)
    result = blog.at("06-01 10:00")
    assert sent(result) == ["a", "b"]
    (waits,) = result.later
    assert waits[1].why == "budget"
    assert sent(blog.at("06-04 10:00", "content/posts/c.md", now=True)) == []
    assert len(blog.net.visible) == 2


def test_a_link_yields_to_the_budget_where_it_may(blog: Blog) -> None:
    blog.configure('budget = 0.22\nlink = "auto"\n', account=X)
    for name in "ab":
        blog.site.post(name)
    assert sent(blog.at("06-01 10:00")) == ["a", "b"]
    assert ["https://" in text for text in blog.net.texts()] == [True, False]


def test_the_dry_run_tells_when_each_goes(blog: Blog) -> None:
    blog.configure('slots = "08:00,19:00"\nslot_open = "6h"\n')
    blog.site.post("a")
    blog.site.post("b")
    blog.at("06-01 07:30")
    app = blog.app()
    shown = dry_run(app, Request()).shown
    app.close()
    assert [str(one.when)[:22] for one in shown] == [
        "at 2026-06-01 08:00: w",
        "at 2026-06-01 19:00: w",
    ]


def test_the_dry_run_shows_the_text_without_a_link_where_it_goes_without(blog: Blog) -> None:
    blog.configure('links_per_day = 1\nlink = "auto"\nbackfill = 3\n')
    for name in "abc":
        blog.site.post(name)
    app = blog.app()
    shown = [one.draft for one in dry_run(app, Request()).shown]
    app.close()
    assert [draft.link is not None for draft in shown if draft] == [True, False, False]
    blog.at("06-01 10:00")
    assert [line["text"] for line in blog.site.lines()] == [
        draft.parts[0].text for draft in shown if draft
    ]


def test_the_dry_run_lets_the_link_yield_to_the_budget(blog: Blog) -> None:
    blog.configure('budget = 0.23\nlink = "auto"\n', account=X)
    for name in "ab":
        blog.site.post(name)
    app = blog.app()
    looked = dry_run(app, Request())
    app.close()
    assert [one.draft.link is not None for one in looked.shown if one.draft] == [True, False]
    assert str(looked.cost) == "0.215"


def test_what_waits_alone_is_not_said_to_wait_behind_others(blog: Blog) -> None:
    from bot.errors import RateLimited
    from bot.i18n import msg

    blog.configure("", account=X)
    blog.site.post("a")
    blog.net.faults = [RateLimited(msg("slow down"), until=blog.clock.now() + timedelta(hours=5))]
    (later,) = blog.at("06-01 10:00").later
    assert later[1].why == "rate-limited"


def test_two_days_away_are_no_flood_for_a_busy_blog(blog: Blog) -> None:
    blog.configure("")
    blog.site.post("a")
    blog.at("06-01 10:00")
    for n in range(16):
        blog.site.post(f"n{n:02}")
    assert len(sent(blog.at("06-03 10:00"))) == 16


def test_a_flood_is_held_whatever_the_caps_are(blog: Blog) -> None:
    blog.configure('slots = "08:00"\nslot_open = "6h"\n')
    blog.at("06-01 10:00")
    for n in range(71):
        blog.site.post(f"n{n:02}")
    result = blog.at("06-01 10:30")
    assert result.outlook.plan.held == 71


def test_a_clock_that_jumps_back_reopens_no_slot(blog: Blog) -> None:
    blog.configure('slots = "08:00,19:00"\nslot_open = "6h"\n')
    blog.site.post("a")
    blog.site.post("b")
    assert sent(blog.at("06-01 08:05")) == ["a"]
    blog.clock.go(-timedelta(minutes=30).total_seconds())
    assert sent(blog.at("06-01 08:00")) == []


def test_a_rule_shares_again_with_a_text_of_its_own(blog: Blog) -> None:
    blog.configure(
        'daily_cap = 0\n[[accounts.reshare]]\ntags = ["定番"]\nmin_age = "4w"\nper_week = 1\n'
        'template = "再掲: {{ title }}\\n{{ link }}"\n'
    )
    blog.site.post("a", more="tags: [定番]\n")
    blog.site.post("b")
    assert sent(blog.at("06-01 10:00")) == ["a", "b"]
    assert sent(blog.at("06-28 10:00")) == []
    assert sent(blog.at("06-29 10:00")) == ["a"]
    assert sent(blog.at("06-30 10:00")) == []
    assert [line["text"].split("\n")[0] for line in blog.site.lines()] == ["a", "b", "再掲: a"]
    assert sent(blog.at("07-28 10:00")) == ["a"]


def test_a_clock_that_jumped_is_not_believed_for_an_hour() -> None:
    clock = FakeClock()
    watch = ClockWatch(clock)
    assert watch.is_sure()
    clock.go(3 * 86400)  # slept, or was away: both clocks say so
    assert watch.is_sure()
    clock._at += timedelta(days=400)
    assert not watch.is_sure()
    clock.go(3000)
    assert not watch.is_sure()
    clock.go(700)
    assert watch.is_sure()


def test_an_account_that_may_not_post_now_is_not_asked(
    blog: Blog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asking costs money at X, and a timer runs many times between two slots."""
    asked: list[str] = []
    monkeypatch.setattr("bot.app.turn.check_owner", lambda app, name: asked.append(name))
    blog.configure('slots = "08:00"\nslot_open = "1h"\n', account=X)
    blog.site.post("a")
    blog.at("06-01 10:00")
    assert asked == []
    assert sent(blog.at("06-02 08:00")) == ["a"]
    assert asked == ["x"]


def test_status_tells_when_each_goes_and_which_runs_out(blog: Blog) -> None:
    blog.configure('slots = "mon 08:00"\nslot_open = "6h"\nmax_age = "9d"\n')
    for name in "abc":
        blog.site.post(name)
    blog.at("06-01 07:30")
    app = blog.app()
    waits = [(str(row.why), row.until) for row in status(app, all=False).open]
    app.close()
    monday = datetime(2026, 6, 1, 8, 0, tzinfo=TOKYO)
    assert waits == [
        ("waits for the next slot", monday),
        ("waits behind others", monday + timedelta(days=7)),
        ("not in time: max_age ends before its turn comes", None),
    ]
