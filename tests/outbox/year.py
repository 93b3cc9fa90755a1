"""A busy blog and five accounts over a simulated time: the real ledger, plan and dispatcher, with a
clock that goes from one thing that happens to the next.

Chance is a hash, so that every run is the same. A process that dies raises what nothing catches.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path

from bot.errors import PosterError, RateLimited, Transient
from bot.i18n import msg
from bot.ledger.store import Ledger, open_ledger
from bot.model import Delivery, Draft, Post, Replay, State, Summary
from bot.outbox.claiming import Pace
from bot.outbox.dispatcher import Dispatcher, Outfit
from bot.outbox.pacing import micros as millionths
from bot.outbox.pacing import openings, purses, timing_of
from bot.outbox.plan import View, plan
from bot.outbox.slots import DAY, HOUR, MINUTE, SECOND
from bot.outbox.states import Policy, micros
from bot.settings import Account, Budget, Reshare
from tests.outbox.world import FakeClock, FakePoster, Network, a_draft

ZONE = "Europe/Berlin"
AGAIN = Reshare(tags=("evergreen",), min_age="5d", per_week=2)
ACCOUNTS = (
    Account(
        name="berlin",
        network="x",
        slots=("mon-fri 08:00,12:10,19:00", "sat,sun 10:00"),
        quiet="23:00-07:00",
        links_per_day=1,
        link="auto",
        max_age="36h",
        order=("priority", "newest"),
        daily_cap=10,
        budget="both",
    ),
    Account(
        name="york",
        network="x",
        timezone="America/New_York",
        slots=("09:00,18:00",),
        links_per_day=1,
        slot_open="3h",
        jitter="20m",
        daily_cap=10,
        link="auto",
        budget="both",
    ),
    Account(
        name="calm",
        network="mastodon",
        quiet="22:00-06:30",
        min_gap="40m",
        max_per_day=6,
        order=("priority", "oldest"),
    ),
    Account(
        name="cron",
        network="bluesky",
        timezone="America/New_York",
        slots=("0 7-21/2 * * *",),
        jitter="10m",
        max_per_hour=1,
        links_per_day=6,
        order=("newest",),
    ),
    Account(name="log", network="file", reshare=(AGAIN,)),
)
NAMES = tuple(account.name for account in ACCOUNTS)
REPLAYS = {name: Replay.KEYED if name in ("calm", "log") else Replay.SEARCHABLE for name in NAMES}
WITH_LINK, WITHOUT = millionths(0.2), millionths(0.015)
PLACES = ("claimed", "prepared", "sending", "answered", "sent")
POLICY = Policy(settling=16 * SECOND, gap=2 * SECOND, give_up=3 * DAY, timeout=15 * SECOND)
FLOOD = 10
LATEST_TURN = 90 * MINUTE
AGE, RECENT = 8 * DAY, 200
"""What is older has been sent or skipped, mostly: the plan need not look at it again."""


class Died(BaseException):
    """The process ends here, as SIGKILL ends it."""


def chance(*what: object) -> float:
    """From 0 to 1, the same in every run."""
    digest = hashlib.sha256(repr(what).encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


@cache
def utc(year: int, month: int, day: int, hour: int = 0) -> int:
    return micros(datetime(year, month, day, hour, tzinfo=UTC))


@dataclass(frozen=True)
class Span:
    """A time in which something is down: the machine, or the network of an account."""

    begins: int
    ends: int
    account: str = ""

    def holds(self, moment: int) -> bool:
        return self.begins <= moment < self.ends


DOWNTIMES = [
    Span(utc(2026, 3, 27, 20), utc(2026, 3, 30, 9)),
    Span(utc(2026, 5, 5, 6), utc(2026, 5, 5, 18)),
    Span(utc(2026, 8, 1, 4), utc(2026, 8, 10, 11)),
    Span(utc(2026, 10, 24, 12), utc(2026, 10, 26, 15)),
    Span(utc(2026, 11, 1, 3), utc(2026, 11, 1, 8)),
]
OUTAGES = [
    Span(utc(2026, 3, 11, 5), utc(2026, 3, 11, 16), "calm"),
    Span(utc(2026, 3, 18, 5), utc(2026, 3, 20, 4), "cron"),
    Span(utc(2026, 6, 2), utc(2026, 6, 4, 12), "calm"),
    Span(utc(2026, 9, 10, 3), utc(2026, 9, 10, 21), "berlin"),
    Span(utc(2026, 10, 28, 5), utc(2026, 10, 28, 16), "calm"),
    Span(utc(2026, 10, 29, 5), utc(2026, 10, 30, 4), "cron"),
    Span(utc(2026, 12, 1), utc(2026, 12, 2), "log"),
]


def a_blog(begins: int, days: int, each: float) -> list[Post]:
    """About `each` posts a day: written by day, or eight at one midnight. `first_visible` says
    when their files are there."""
    found: list[Post] = []
    for day in range(days):
        midnight = begins + day * DAY
        if chance("batch", day) < 0.06:
            moments = [midnight + 15 * HOUR] * 8
        else:
            many = int(chance("many", day) * 2 * (each - 0.25))
            moments = sorted(
                midnight + int(chance("when", day, n) * 20 * HOUR) for n in range(many)
            )
        found += [a_post(len(found) + n, midnight, moment) for n, moment in enumerate(moments)]
    return found


def a_post(number: int, midnight: int, moment: int) -> Post:
    name = f"p{number:04}"
    return Post(
        id=name,
        path=f"content/{name}.md",
        source="",
        url=f"https://blog.example/{name}/",
        title=name,
        date=datetime.fromtimestamp(midnight / SECOND, UTC),
        lastmod=None,
        language="ja",
        tags=("evergreen",) if chance("evergreen", name) < 0.02 else (),
        categories=(),
        summary=Summary(lines=(), source="title"),
        cover=None,
        content_hash=name,
        visible=True,
        why_not=None,
        first_visible=moment,
    )


def priority(post: Post) -> int:
    return int(chance("priority", post.id) * 3)


def set_time(account: str, post: Post) -> int | None:
    """When the author wants it: at once in the night, for some posts."""
    assert post.first_visible is not None
    wanted = account in ("calm", "cron") and chance("at", post.id) < 0.01
    return post.first_visible + 9 * HOUR if wanted else None


def text_of(post: str, account: str, *, link: bool) -> str:
    return f"{post} {account}{' https://' if link else ''}"


def price(text: str, account: str) -> int:
    own = WITH_LINK if "https://" in text else WITHOUT
    return own if account in ("berlin", "york") else 0


class Clock(FakeClock):
    """A worker's wait ends its round: how long it would wait is kept."""

    def __init__(self, at: int) -> None:
        super().__init__(datetime.fromtimestamp(at / SECOND, UTC))
        self.worker = threading.Event()
        self.stop = threading.Event()
        self.pause = 0.0

    def wait(self, event: threading.Event, seconds: float) -> bool:
        if event is not self.worker:
            return super().wait(event, seconds)
        self.pause = seconds
        self.stop.set()
        return False

    def micros(self) -> int:
        return micros(self.now())

    def go_to(self, moment: int) -> None:
        self.go(max(0.0, (moment - self.micros()) / SECOND))


@dataclass
class Line(Network):
    """The network of one account: away in its outages, and it loses some answers."""

    name: str = ""
    lost: int = 0

    def __post_init__(self) -> None:
        self.on_call = self.trouble

    def trouble(self) -> None:
        self.faults[:] = [fault] if (fault := self.fault()) else []

    def fault(self) -> str | PosterError | None:
        now = micros(self.clock.now())
        away = next((o for o in OUTAGES if o.account == self.name and o.holds(now)), None)
        if away is not None and self.name == "cron":
            later = datetime.fromtimestamp(now / SECOND, UTC) + timedelta(hours=1)
            return RateLimited(msg("slow down"), until=later)
        if away is not None:
            return Transient(msg("busy"))
        if chance("lost", self.name, self.calls) < 0.02:
            self.lost += 1
            return "after" if self.lost % 2 else "before"
        return None


@dataclass
class Process:
    ledger: Ledger
    dispatcher: Dispatcher
    number: int


@dataclass
class Year:
    """`begins` to `ends` on a ledger in `root`, with so many dollars a month. `cron`: turns at
    irregular times, and no process that wakes by itself. `posts` get the `first_visible` that they
    were seen at."""

    root: Path
    begins: int
    ends: int
    coming: list[Post]
    usd: float
    cron: bool = False
    posts: list[Post] = field(default_factory=list)
    process: Process | None = None
    up_at: int = 0
    lives: int = 0
    deaths: int = 0
    reached: int = 0
    looked_at: int | None = None
    expires_at: int = 0
    turn_at: int = 0
    wakes: dict[str, int] = field(default_factory=dict)
    downs: list[Span] = field(default_factory=list)
    held: int = 0

    def __post_init__(self) -> None:
        self.clock = Clock(self.begins)
        self.lines = {
            name: Line(self.clock, honours_keys=replay is Replay.KEYED, name=name)
            for name, replay in REPLAYS.items()
        }
        shared = purses(ACCOUNTS, {"both": Budget(usd=self.usd)})
        self.paces = {
            a.name: Pace(timing=timing_of(a, ZONE), purse=shared.get(a.name)) for a in ACCOUNTS
        }
        self.downs = [d for d in DOWNTIMES if self.begins <= d.begins < self.ends]
        self.to_come = list(self.downs)
        self.up_at = self.begins

    def run(self) -> list[Delivery]:
        """All deliveries, as they stand at the end."""
        logging.disable(logging.CRITICAL)
        try:
            while self.clock.micros() < self.ends:
                self.step()
        finally:
            logging.disable(logging.NOTSET)
        if self.process is None:
            self.start()
        rows = self.living().ledger.deliveries()
        self.end(self.clock.micros())
        return rows

    def step(self) -> None:
        """The next thing that happens."""
        if self.process is None:
            self.clock.go_to(self.up_at)
            self.start()
        down = self.to_come[0].begins if self.to_come else self.ends
        moment = min(down, self.turn_at if self.cron else self.plans_at(), *self.wakes.values())
        self.clock.go_to(min(moment, self.ends))
        if moment == down and self.to_come:
            self.end(self.to_come.pop(0).ends)
        elif moment >= self.ends:
            return
        elif self.cron:
            self.turn()
        elif moment == self.plans_at():
            self.plan()
        else:
            self.serve(min(self.wakes, key=lambda name: self.wakes[name]))

    def start(self) -> None:
        self.lives += 1
        ledger = open_ledger(
            "sqlite:///state/bot.db",
            self.root,
            "blog.example",
            self.clock,
            address="https://blog.example",
            named=True,
        )
        assert ledger is not None
        owner = f"p{self.lives}"
        ledger.owners.hold(owner)
        self.process = Process(ledger, self.dispatcher(ledger, owner), self.lives)
        if self.lives == 1:
            for account in ACCOUNTS:
                ledger.baseline(account.name, account.network, [], self.clock.micros())
        self.plan()
        self.process.dispatcher.take_over()

    def dispatcher(self, ledger: Ledger, owner: str) -> Dispatcher:
        posters = {name: FakePoster(line, REPLAYS[name]) for name, line in self.lines.items()}
        return Dispatcher(
            Outfit(
                ledger=ledger,
                poster=posters.__getitem__,
                compose=lambda row, link: self.draft(row.subject, row.account, link=link),
                cost=lambda draft: price(draft.parts[0].text, draft.account) or None,
                policy=POLICY,
                owner=owner,
                clock=self.clock,
                jitter=lambda: 0.5,
                stop=self.clock.stop,
                pace=self.paces.get,
                reached=self.die_now_and_then,
            )
        )

    def die_now_and_then(self, place: str) -> None:
        self.reached += 1
        if chance("die", self.reached) < 0.002:
            raise Died(place)

    def end(self, up_at: int) -> None:
        self.living().ledger.close()
        self.process, self.up_at, self.wakes = None, up_at, {}

    def living(self) -> Process:
        assert self.process is not None
        return self.process

    def draft(self, post: str, account: str, *, link: bool) -> Draft:
        link = account == "cron" or (link and account in ("berlin", "york", "calm"))
        draft = a_draft(text_of(post, account, link=link), account)
        return replace(draft, link=f"https://blog.example/{post}/" if link else None)

    # --- what a tick and a worker do --------------------------------------------------------

    def plans_at(self) -> int:
        """When there is something new to plan: a post, or one that has waited too long."""
        new = self.coming[0].first_visible or 0 if self.coming else self.ends
        return min(new, self.expires_at)

    def plan(self) -> None:
        ledger, now = self.living().ledger, self.clock.micros()
        while self.coming and (self.coming[0].first_visible or 0) <= now:
            self.posts.append(replace(self.coming.pop(0), first_visible=now))
        recent, existing = self.recent(ledger, now)
        made = plan(self.view(recent, existing, now))
        with ledger.together():
            ledger.add(made.new, now)
            for row, move in made.moves:
                ledger.move(row, move.state, move.values, now=now, event=move.event)
            ledger.compose_anew(made.anew, now)
        self.held += made.held
        self.looked_at = now
        self.expires_at = min(self.ages([*existing, *made.new], now), default=self.ends)
        if not self.cron and (made.new or not self.wakes):
            self.wakes = dict.fromkeys(NAMES, now)

    def recent(self, ledger: Ledger, now: int) -> tuple[list[Post], list[Delivery]]:
        """The posts of which something may wait, and what the ledger has of them."""
        names = {post.id for post in self.posts[-RECENT:] if now - (post.first_visible or 0) < AGE}
        names |= {post.id for post in self.posts if post.tags}
        rows = ledger.survey(names)
        if not {row.subject for row in rows} <= names:
            names |= {row.subject for row in rows}
            rows = ledger.survey(names)
        return [post for post in self.posts if post.id in names], rows

    def view(self, recent: Sequence[Post], existing: Sequence[Delivery], now: int) -> View:
        return View(
            site="blog.example",
            posts=recent,
            accounts=ACCOUNTS,
            existing=existing,
            baselined=NAMES,
            compose=lambda post, account: self.draft(post.id, account.name, link=True),
            flood=FLOOD,
            now=now,
            priority=lambda account, post: priority(post),
            at=lambda account, post: set_time(account.name, post),
            max_age=lambda account: self.paces[account.name].timing.max_age,
            room=lambda account, most: self.room(account, most, now),
            looked_at=self.looked_at,
        )

    def room(self, account: Account, most: int, now: int) -> int:
        moments = openings(self.paces[account.name].timing, (), now, most)
        return sum(moment < now + DAY for moment in moments)

    def ages(self, rows: Iterable[Delivery], now: int) -> Iterator[int]:
        """When what waits will have waited too long."""
        for row in rows:
            age = self.paces[row.account].timing.max_age
            waits = row.state is State.PLANNED and not (row.exact or row.frozen)
            if waits and age is not None and row.planned_at + age > now:
                yield row.planned_at + age

    def turn(self) -> None:
        """`bot post`, called by cron or by hand."""
        now = self.clock.micros()
        self.turn_at = now + 10 * MINUTE + int(chance("turn", now) * (LATEST_TURN - 10 * MINUTE))
        self.plan()
        for account in NAMES:
            if self.process is not None:
                self.work(partial(self.living().dispatcher.turn, [account]))

    def serve(self, account: str) -> None:
        """One round of a worker of `bot run`."""
        self.work(partial(self.living().dispatcher.serve, account, self.clock.worker))
        if self.process is not None:
            pause = max(1, int(self.clock.pause * SECOND))
            self.wakes[account] = self.clock.micros() + pause

    def work(self, task: Callable[[], None]) -> None:
        """A process may die of it, and is away for a while."""
        began = self.clock.micros()
        self.clock.stop.clear()
        try:
            task()
        except Died:
            self.deaths += 1
            away = MINUTE + int(chance("away", self.deaths) * 2 * HOUR)
            self.downs.append(Span(began, self.clock.micros() + away))
            self.end(self.clock.micros() + away)
