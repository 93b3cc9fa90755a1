"""Any order of faults, deaths, sleeps and old copies: nothing is posted twice, nothing is lost.

Processes are dispatchers with a ledger of their own on one store; dying is an exception that nothing
catches, after which the process's lock is gone. When the faults stop, turns end with all
there, or shown as a person's to settle.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import threading
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import Connection, delete

from bot.errors import (
    MediaRefused,
    OutcomeUnknown,
    OutOfQuota,
    PosterError,
    RateLimited,
    Rejected,
    StoreUnavailable,
    Transient,
    Unauthorized,
)
from bot.i18n import msg
from bot.ledger.store import Ledger, open_ledger
from bot.ledger.transfer import TABLES, export, import_
from bot.model import CannotTell, Delivery, Finding, Json, Receipt, Replay, Seen, State
from bot.outbox.dispatcher import Dispatcher, Outfit
from bot.outbox.drafts import draft_json
from bot.outbox.plan import delivery_id
from bot.outbox.states import SECOND, Policy
from tests.outbox.world import START, FakeClock, FakePoster, Network, a_draft

SITE, ACCOUNT, URL = "blog.example", "a", "sqlite:///state/bot.db"
POLICY = Policy(settling=16 * SECOND, gap=2 * SECOND, give_up=10**15, timeout=15 * SECOND)
LATEST = 15.0
"""Seconds after which a call whose answer was lost can no longer become visible."""
KEY_SECONDS = 3600
PLACES = ["claimed", "prepared", "sending", "call", "answered", "sent", "repeating", "looked"]
LOST = ["before", "after", "late", "slow before", "slow after"]
PAUSES = [1, 20, 61, 600, 4_000, 90_000]


class Died(BaseException):
    """The process ends here: nothing after this place happens."""


class Clock(FakeClock):
    """Waiting takes a while, however short."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return super().wait(event, max(seconds, 0.5))


@dataclass
class Weather(Network):
    """A network that may show a call late, answer late, or forget a key after its time."""

    coming: list[tuple[datetime, Json, str]] = field(default_factory=list)

    def post(self, payload: Json, key: str) -> Receipt:
        self.land()
        fault = self.faults[0] if self.faults else None
        if fault not in ("late", "slow before", "slow after"):
            return super().post(payload, key)
        self.faults.pop(0)
        self.on_call()
        if fault == "late":
            self.coming.append((self.clock.now() + timedelta(seconds=LATEST), payload, key))
        else:
            self.clock.go(LATEST)
            if fault == "slow after":
                self._accept(payload, key)
        raise OutcomeUnknown(msg("no answer came"))

    def land(self) -> None:
        """What was under way and has come, each at its own time."""
        come = [c for c in self.coming if c[0] <= self.clock.now()]
        self.coming = [c for c in self.coming if c not in come]
        for at, payload, key in sorted(come, key=lambda c: c[0]):
            self._accept_at(at, payload, key)

    def _accept(self, payload: Json, key: str) -> Receipt:
        return self._accept_at(self.clock.now(), payload, key)

    def _accept_at(self, at: datetime, payload: Json, key: str) -> Receipt:
        for post in self.visible:
            if at - post["at"] > timedelta(seconds=KEY_SECONDS):
                post["key"] = None
        before = len(self.visible)
        receipt = super()._accept(payload, key)
        for post in self.visible[before:]:
            post |= {"at": at, "link": link_of(payload["text"])}
        return receipt


class Poster(FakePoster):
    """Also lists; a look may end before it could tell."""

    net: Weather

    def find(self, payload: Json, key: str, since: datetime, known: Collection[str]) -> Finding:
        self.net.land()
        if self.net.look_faults and self.net.look_faults[0] is None:
            self.net.look_faults.pop(0)
            return CannotTell()
        return super().find(payload, key, since, known)

    def recent(self, limit: int) -> list[Seen]:
        self.net.land()
        newest = self.net.visible[::-1][:limit]
        return [
            Seen(id=p["id"], url=None, at=p["at"], text=p["text"], links=(p["link"],))
            for p in newest
        ]


class Failing(Ledger):
    """A ledger whose store can be gone: `until_gone` writes go well before."""

    until_gone: int | None = None

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        if self.until_gone == 0:
            raise StoreUnavailable(msg("the disk is full"))
        if self.until_gone is not None:
            self.until_gone -= 1
        with super()._writing() as connection:
            yield connection


@dataclass
class Process:
    """One that lives: its lock is held, its dispatcher remembers what a process remembers."""

    ledger: Failing
    dispatcher: Dispatcher
    reached: Callable[[str], None] = lambda place: None

    def end(self) -> None:
        self.ledger.close()


def link_of(text: str) -> str:
    return f"https://blog.example/{text.partition(' ')[0]}/"


def error(kind: str, now: datetime) -> PosterError:
    later = now + timedelta(minutes=5)
    return {
        "transient": Transient(msg("busy")),
        "rate-limited": RateLimited(msg("slow down"), until=later),
        "rate-limited, no word": RateLimited(msg("slow down")),
        "out-of-quota": OutOfQuota(msg("no credits"), until=later),
        "unauthorized": Unauthorized(msg("bad token")),
        "rejected": Rejected(msg("too long")),
        "media-refused": MediaRefused(msg("no such media")),
        "unknown": OutcomeUnknown(msg("the connection was lost")),
    }[kind]


REFUSALS = ["transient", "rate-limited", "rate-limited, no word", "out-of-quota", "unauthorized"]


class Outbox(RuleBasedStateMachine):
    """`replay`: the class of the network. `adopts`: processes read the account before their first
    share, and then an older copy of the ledger may come back."""

    replay: ClassVar[Replay] = Replay.KEYED
    adopts: ClassVar[bool] = False
    template: ClassVar[Path]
    url: ClassVar[str] = URL

    def __init__(self) -> None:
        super().__init__()
        self.root, self.site = Path(tempfile.mkdtemp(prefix="bot-machine-")), SITE
        self._begin()
        self.clock = Clock()
        self.net = Weather(self.clock, honours_keys=self.replay is Replay.KEYED)
        self.processes: dict[int, Process] = {}
        self.names = count()
        self.texts: list[str] = []
        self.forgotten = self.copied = False

    def teardown(self) -> None:
        for process in self.processes.values():
            process.end()
        shutil.rmtree(self.root, ignore_errors=True)

    # --- what happens -----------------------------------------------------------------------

    @rule(parts=st.integers(1, 3))
    def plan(self, parts: int) -> None:
        parts = 1 if self.adopts else parts
        text = f"p{len(self.texts)}"
        self.texts += [text if n == 0 else f"{text} ({n + 1})" for n in range(parts)]
        self._plan(text, parts)

    @rule(kind=st.sampled_from(LOST))
    def an_answer_will_be_lost(self, kind: str) -> None:
        self.net.faults.append(kind)

    @rule(kind=st.sampled_from([*REFUSALS, "rejected", "media-refused", "unknown"]))
    def a_call_will_be_refused(self, kind: str) -> None:
        self.net.faults.append(error(kind, self.clock.now()))

    @rule(kind=st.sampled_from([*REFUSALS, "media-refused", "unknown"]))
    def preparing_will_fail(self, kind: str) -> None:
        self.net.prepare_faults.append(error(kind, self.clock.now()))

    @rule(kind=st.sampled_from([*REFUSALS, "cannot tell"]))
    def a_look_will_fail(self, kind: str) -> None:
        failure = None if kind == "cannot tell" else error(kind, self.clock.now())
        self.net.look_faults.append(failure)

    @rule(seconds=st.sampled_from(PAUSES))
    def time_passes(self, seconds: int) -> None:
        self.clock.go(seconds)

    @rule(who=st.integers(0, 1), settle=st.booleans())
    def turn(self, who: int, settle: bool) -> None:
        self._turn(who, settle=settle)

    @rule(who=st.integers(0, 1), place=st.sampled_from(PLACES))
    def turn_and_die(self, who: int, place: str) -> None:
        def die() -> None:
            raise Died(place)

        self._at(who, place, die)
        try:
            self._turn(who)
        except Died:
            self._end(who)

    @rule(
        who=st.integers(0, 1),
        place=st.sampled_from(PLACES),
        seconds=st.sampled_from([0, 30, 90, 600]),
    )
    def turn_and_stand_still(self, who: int, place: str, seconds: int) -> None:
        """Others work while it does; then it goes on as if nothing had been."""
        trouble: list[Exception] = []

        def sleep() -> None:
            self.clock.go(seconds)
            try:
                self._turn(1 - who)
            except Exception as error:  # would count as the call's own
                trouble.append(error)

        self._at(who, place, sleep)
        self._turn(who)
        assert trouble == []

    @rule(who=st.integers(0, 1), writes=st.integers(0, 6), lives=st.booleans())
    def turn_and_lose_the_store(self, who: int, writes: int, lives: bool) -> None:
        self._process(who).ledger.until_gone = writes
        try:
            self._turn(who)
        except StoreUnavailable:
            if not lives:
                self._end(who)
        if who in self.processes:
            self.processes[who].ledger.until_gone = None

    @rule(who=st.integers(0, 1))
    def die(self, who: int) -> None:
        self._end(who)

    @precondition(lambda self: self.adopts)
    @rule()
    def copy_the_ledger(self) -> None:
        self._copy()
        self.copied = True

    @precondition(lambda self: self.copied)
    @rule(at_once=st.booleans())
    def an_old_copy_comes_back(self, at_once: bool) -> None:
        """And what it does not know of is planned anew, at once or after the first turns."""
        for who in list(self.processes):
            self._end(who)
        self._restore()
        self.clock.go(LATEST + 1)
        self.forgotten = True
        if at_once:
            self.plan_what_was_forgotten()

    @precondition(lambda self: self.forgotten)
    @rule()
    def plan_what_was_forgotten(self) -> None:
        self.forgotten = False
        for text in self.texts:
            self._plan(text, 1)

    @rule(alone=st.booleans())
    def calm(self, alone: bool) -> None:
        """No more faults: some turns later all is settled or shown."""
        self.net.faults.clear()
        self.net.look_faults.clear()
        self.net.prepare_faults.clear()
        if alone:
            self._end(1)
        if self.forgotten:
            self.plan_what_was_forgotten()
        for _ in range(8):
            for who in (0,) if alone else (0, 1):
                self._turn(who)
            self.clock.go(4_000)
        self._nothing_is_lost()

    # --- what must hold ---------------------------------------------------------------------

    @invariant()
    def nothing_is_there_twice(self) -> None:
        self.net.land()
        texts = self.net.texts()
        assert sorted(texts) == sorted(set(texts))

    @invariant()
    def what_counts_as_sent_is_there(self) -> None:
        there = {post["id"]: post["text"] for post in self.net.visible}
        for row in self._rows({State.SENT}):
            assert row.remote_id in there
            assert there[row.remote_id] == text_of(row)

    @invariant()
    def one_call_at_a_time(self) -> None:
        assert len(self._rows({State.CLAIMED, State.SENDING})) <= 1

    def _nothing_is_lost(self) -> None:
        there = set(self.net.texts())
        rows = sorted(self._rows(), key=lambda row: row.part)
        assert sorted(map(text_of, rows)) == sorted(self.texts)
        asked = {row.subject for row in rows if row.state is State.UNKNOWN and row.needs_person}
        for row in rows:
            if row.state is State.SENT:
                assert text_of(row) in there
            elif row.state is State.FAILED:
                assert row.error_code == "rejected"
                assert text_of(row) not in there
            elif row.subject not in asked:
                assert (row.state, row.reason) == (State.CANCELLED, "thread"), row
                assert text_of(row) not in there

    # --- the store --------------------------------------------------------------------------

    def _begin(self) -> None:
        (self.root / "state").mkdir()
        shutil.copy(self.template, self.root / "state" / "bot.db")

    def _copy(self) -> None:
        source = sqlite3.connect(self.root / "state" / "bot.db")
        target = sqlite3.connect(self.root / "copy.db")
        source.backup(target)
        source.close()
        target.close()

    def _restore(self) -> None:
        for name in ("bot.db", "bot.db-wal", "bot.db-shm"):
            (self.root / "state" / name).unlink(missing_ok=True)
        shutil.copy(self.root / "copy.db", self.root / "state" / "bot.db")

    def _open(self) -> Ledger:
        ledger = open_ledger(
            self.url, self.root, self.site, self.clock, address="https://blog.example", named=True
        )
        assert ledger is not None
        return ledger

    # --- helpers ----------------------------------------------------------------------------

    def _plan(self, text: str, parts: int) -> None:
        ledger = self._process(0).ledger
        now = ledger.now()
        draft = draft_json(replace(a_draft(text, ACCOUNT, parts), link=link_of(text)))
        ledger.add([a_row(text, part, draft, now, len(self.texts)) for part in range(parts)], now)

    def _rows(self, states: Collection[State] | None = None) -> list[Delivery]:
        return self._process(0).ledger.deliveries(states)

    def _process(self, who: int) -> Process:
        if who not in self.processes:
            ledger = self._open()
            failing = Failing(ledger._engine, self.site, self.clock, ledger.owners, own_clock=True)
            name = f"{self.site}-process-{next(self.names)}"
            failing.owners.hold(name)
            process = Process(
                failing, self._dispatcher(failing, name, lambda p: process.reached(p))
            )
            self.processes[who] = process
        return self.processes[who]

    def _dispatcher(self, ledger: Ledger, name: str, reached: Callable[[str], None]) -> Dispatcher:
        poster = Poster(self.net, self.replay)
        return Dispatcher(
            Outfit(
                ledger=ledger,
                poster=lambda account: poster,
                compose=lambda delivery, link: None,
                policy=POLICY,
                owner=name,
                clock=self.clock,
                jitter=lambda: 0.99,
                stop=threading.Event(),
                adopt=lambda account: 40 if self.adopts else 0,
                reached=reached,
            )
        )

    def _turn(self, who: int, *, settle: bool = True) -> None:
        """One turn; what was to happen at a place happens once, in this turn or not at all."""
        process = self._process(who)
        process.dispatcher._o = replace(process.dispatcher._o, stop=threading.Event())
        try:
            process.dispatcher.turn([ACCOUNT], settle=settle)
        finally:
            process.reached = lambda place: None
            self.net.on_call = lambda: None

    def _at(self, who: int, place: str, happens: Callable[[], None]) -> None:
        process = self._process(who)

        def once(reached: str) -> None:
            if reached == place:
                process.reached = lambda place: None
                self.net.on_call = lambda: None
                happens()

        if place == "call":
            self.net.on_call = lambda: once("call")
        else:
            process.reached = once

    def _end(self, who: int) -> None:
        if who in self.processes:
            self.processes.pop(who).end()


def a_row(text: str, part: int, draft: dict[str, Any], now: int, seq: int) -> Delivery:
    return Delivery(
        id=delivery_id(SITE, text, ACCOUNT, "share", 0, part),
        subject=text,
        account=ACCOUNT,
        network="fake",
        kind="share",
        generation=0,
        part=part,
        state=State.PLANNED,
        due=now,
        seq=seq,
        draft=draft,
        planned_at=now,
        created_at=now,
    )


def text_of(row: Delivery) -> str:
    assert row.draft is not None
    text: str = row.draft["parts"][row.part]["text"]
    return text


class Keyed(Outbox):
    replay = Replay.KEYED


class Searchable(Outbox):
    replay = Replay.SEARCHABLE


class Blind(Outbox):
    replay = Replay.BLIND


class KeyedRestored(Outbox):
    replay, adopts = Replay.KEYED, True


class SearchableRestored(Outbox):
    replay, adopts = Replay.SEARCHABLE, True


class OnPostgresql(Outbox):
    """On a server that others use, too: a copy is an export of this site's rows."""

    lines: Sequence[str] = ()

    def _begin(self) -> None:
        self.site = f"{SITE}-{uuid.uuid4().hex[:8]}"

    def _copy(self) -> None:
        self.lines = list(export(self._process(0).ledger))

    def _restore(self) -> None:
        ledger = self._open()
        with ledger._writing() as c:
            for table in TABLES:
                own = table.c.id if table.name == "sites" else table.c.site
                c.execute(delete(table).where(own == self.site))
        import_(ledger, (line.encode() for line in self.lines), "copy")
        ledger.close()


MACHINES = [Keyed, Searchable, Blind, KeyedRestored, SearchableRestored]


@pytest.fixture(scope="module", autouse=True)
def template(tmp_path_factory: pytest.TempPathFactory) -> None:
    """An empty ledger, made once."""
    root = tmp_path_factory.mktemp("template")
    ledger = open_ledger(
        URL, root, SITE, FakeClock(START), address="https://blog.example", named=True
    )
    assert ledger is not None
    ledger.close()
    Outbox.template = root / "state" / "bot.db"


def run(machine: type[Outbox], examples: int, steps: int) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.__name__)
def test_nothing_twice_and_nothing_lost(machine: type[Outbox]) -> None:
    run(machine, examples=8, steps=20)


@pytest.mark.slow
@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.__name__)
def test_nothing_twice_and_nothing_lost_for_long(machine: type[Outbox]) -> None:
    run(machine, examples=80, steps=40)


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.__name__)
def test_nothing_twice_and_nothing_lost_on_postgresql(
    machine: type[Outbox], postgres_url: str
) -> None:
    there = type(f"{machine.__name__}OnPostgresql", (OnPostgresql, machine), {"url": postgres_url})
    run(there, examples=5, steps=30)
