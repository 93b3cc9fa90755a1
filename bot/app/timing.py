"""When: what settings, rules and front matter say of it, as the plan asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from bot.app.wiring import App
from bot.content.dates import BadDate, read_date
from bot.errors import DraftError
from bot.i18n import Message, msg
from bot.model import Clock, Delivery, Post
from bot.outbox.claiming import BUDGET, Pace, calls_of
from bot.outbox.pacing import Call, budget_left, expires, gate, month_start, openings
from bot.outbox.plan import CLAIMABLE
from bot.outbox.slots import DAY
from bot.outbox.states import SECOND, micros
from bot.outbox.turns import EXPIRED
from bot.settings import Account
from bot.words import WAITS, goes_at, reason

if TYPE_CHECKING:
    from bot.ledger.store import Ledger


class When:
    """The answers for one plan at `now` (UTC microseconds)."""

    def __init__(self, app: App, now: int) -> None:
        self._app, self._now = app, now
        self._zone = ZoneInfo(app.config.site.timezone)

    def priority(self, account: Account, post: Post) -> int:
        from bot.compose.routing import route

        return route(post, account).priority if account.rules or post.social else 0

    def at(self, account: Account, post: Post) -> int | None:
        """The time that the author set (`social.at`); None: none, or it cannot be read."""
        try:
            return self.said_at(account, post)
        except DraftError:
            return None

    def said_at(self, account: Account, post: Post) -> int | None:
        """As `at`. Raises DraftError for a time that cannot be read."""
        from bot.compose.social import social_for

        said = social_for(post.social, account.network).at if post.social else None
        if said is None:
            return None
        try:
            moment = _moment(said, self._zone)
        except ValueError:
            raise DraftError(
                msg("`social.at` is no time: {value}", value=str(said)),
                code="social-at",
                path=post.path,
                hint=msg("write it like 2026-12-24 18:00"),
            ) from None
        return micros(moment) if moment is not None else None

    def max_age(self, account: Account) -> int | None:
        pace = self._app.pace(account.name)
        return pace.timing.max_age if pace else None

    def room(self, account: Account, most: int) -> int:
        """How many posts (at most so many) would go out within a day."""
        pace = self._app.pace(account.name)
        if pace is None or not most:
            return most
        moments = openings(pace.timing, (), self._now, most)
        return sum(moment < self._now + DAY for moment in moments)


def is_time(text: str) -> bool:
    """Whether `social.at` may say so."""
    try:
        _moment(text, ZoneInfo("UTC"))
    except ValueError:
        return False
    return True


def _moment(said: Any, zone: ZoneInfo) -> datetime | None:
    """Raises ValueError."""
    try:
        return read_date(said, zone)
    except BadDate:  # minutes are enough for an appointment
        at = datetime.fromisoformat(said)
        return at if at.tzinfo else at.replace(tzinfo=zone)


class ClockWatch:
    """Whether the clock can be believed: not for an hour after it jumped (it was set, or is wrong
    since a start without a battery). By a clock that also runs while the machine sleeps."""

    JUMP = timedelta(hours=1)

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: tuple[datetime, float] | None = None
        self._doubted: float | None = None

    def is_sure(self) -> bool:
        now, steady = self._clock.now(), self._clock.steady()
        if self._seen is not None:
            passed = timedelta(seconds=steady - self._seen[1])
            if abs(now - self._seen[0] - passed) > self.JUMP:
                self._doubted = steady
        self._seen = now, steady
        return self._doubted is None or steady - self._doubted > self.JUMP.total_seconds()


LONG = 200
"""So many posts of an account are told when they go; what is behind them waits."""
QUEUE, WAITING = "queue", "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """When a waiting delivery goes (UTC microseconds; None: too far away to say, or never) and the
    word of `bot.words.REASONS` or WAITS for what it waits for; None: it goes now. `link`: the day
    and the budget have room for one then."""

    at: int | None
    why: str | None
    link: bool = True


def forecast(
    app: App, ledger: Ledger | None, rows: Iterable[Delivery], now: int
) -> dict[str, Turn]:
    """When each of these goes as things stand, by id: all that waits of the accounts is given, for
    one stands behind another. Later parts follow their first."""
    queues: dict[str, list[Delivery]] = {}
    for row in rows:
        if row.state in CLAIMABLE and row.kind == "share" and not row.part:
            queues.setdefault(row.account, []).append(row)
    found: dict[str, Turn] = {}
    for name, queue in queues.items():
        pace = app.pace(name)
        if pace is not None:
            found |= _Queue(app, ledger, pace, now).turns(queue)
    return found


def turn_words(turn: Turn, zone: ZoneInfo) -> Message:
    """For a person: when it goes, or why it does not."""
    if turn.at is not None and turn.why is None:
        return msg("now")
    if turn.at is not None:
        return goes_at(clock_time(turn.at, zone), turn.why)
    return why_later(turn)


def why_later(turn: Turn) -> Message:
    """Why something does not go now."""
    if turn.why == EXPIRED:
        return msg("not in time: max_age ends before its turn comes")
    return WAITS.get(turn.why or "") or reason(turn.why or QUEUE)


def zone_of(app: App, account: Account | None) -> ZoneInfo:
    """The zone that an account's slots are in."""
    return ZoneInfo((account.timezone if account else "") or app.config.site.timezone)


def clock_time(at: int, zone: ZoneInfo) -> str:
    """A moment as a person in that zone says it."""
    return f"{datetime.fromtimestamp(at / SECOND, zone):%Y-%m-%d %H:%M}"


class _Queue:
    """What waits of one account, in its order; each takes its part of the day and of the money."""

    def __init__(self, app: App, ledger: Ledger | None, pace: Pace, now: int) -> None:
        self._app, self._pace, self._now = app, pace, now
        name = pace.timing.account
        self._calls = list(calls_of(ledger, name, now)) if ledger else []
        purse = pace.purse
        spent = ledger.money(purse.accounts, month_start(now)) if ledger and purse else 0
        self._left = None if purse is None else budget_left(purse, spent)
        account = app.account(name)
        self._saves = app.link_micros(account) if account and account.link == "auto" else None
        target = ledger.targets().get(name) if ledger else None
        self._blocked = (target.wait_until or 0) if target else 0
        self._why_blocked = target.wait_reason if target else None

    def turns(self, queue: Sequence[Delivery]) -> dict[str, Turn]:
        ordinary = sorted((r for r in queue if not r.exact), key=lambda r: (r.seq, r.id))
        met = gate(self._pace.timing, self._calls, self._now)
        count = min(LONG, len(ordinary))
        moments = openings(self._pace.timing, self._calls, self._now, count)
        found = {r.id: self._turn(r, max(r.due, self._now), None) for r in queue if r.exact}
        for n, row in enumerate(ordinary):
            if n >= len(moments):
                found[row.id] = Turn(at=None, why=QUEUE)
                continue
            why = QUEUE if n else met.reason
            found[row.id] = self._turn(row, max(moments[n], row.due), why)
        return found

    def _turn(self, row: Delivery, at: int, why: str | None) -> Turn:
        if self._blocked >= max(at, self._now + 1):
            at, why = self._blocked, self._why_blocked
        elif row.due >= at and row.due > self._now:
            why = WAITING
        link = self._has_room(row, at)
        if link is None:
            link, at, why = True, max(at, month_start(self._now, 1)), BUDGET
        ends = None if row.exact or row.frozen else expires(self._pace.timing, row.planned_at)
        if ends is not None and at >= ends:
            return Turn(at=None, why=EXPIRED, link=link)
        return Turn(at=at, why=why if at > self._now else None, link=link)

    def _has_room(self, row: Delivery, at: int) -> bool | None:
        """Whether it goes with its link, as the day and the money are after those before it; None:
        the money does not last for it."""
        room = gate(self._pace.timing, self._calls, at).link or not row.linked
        for link in (True, False) if room else (False,):
            saved = 0 if link or self._saves is None else self._saves
            cost = (row.cost or 0) - saved
            if self._left is None or cost <= self._left:
                self._left = None if self._left is None else self._left - cost
                self._calls.append(Call(at=at, linked=link and bool(row.linked), exact=row.exact))
                return link
        return None
