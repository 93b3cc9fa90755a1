"""A year of a busy blog in seconds: every delivery at a permitted time, none lost, none twice, budgets
kept, whatever dies and wherever clocks are changed. What is permitted is told here once more, by
what clocks on a wall show."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.ledger import engine
from bot.model import Delivery, State
from bot.outbox import dispatcher
from bot.outbox.pacing import month_start
from bot.outbox.slots import DAY, EPOCH, HOUR, MINUTE, SECOND
from tests.outbox.year import (
    LATEST_TURN,
    NAMES,
    OUTAGES,
    Year,
    a_blog,
    price,
    priority,
    set_time,
    text_of,
    utc,
)

BERLIN, YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
WEEKDAYS = ["08:00", "12:10", "19:00"]
SLOTS = {
    "berlin": [WEEKDAYS] * 5 + [["10:00"]] * 2,
    "york": [["09:00", "18:00"]] * 7,
    "cron": [[f"{hour:02}:00" for hour in range(7, 22, 2)]] * 7,
}
ZONES = {"berlin": BERLIN, "york": YORK, "calm": BERLIN, "cron": YORK, "log": BERLIN}
QUIET = {"berlin": ("23:00", "07:00"), "calm": ("22:00", "06:30")}
LATEST = {"york": timedelta(hours=3)}
DELAYS = {"york": timedelta(minutes=20), "cron": timedelta(minutes=10)}
CAPS = {"berlin": 10, "york": 10, "calm": 24, "cron": 24, "log": 24}
AGES = {"berlin": 36 * HOUR, "york": 7 * DAY, "calm": 7 * DAY, "cron": 7 * DAY, "log": 7 * DAY}


@dataclass(frozen=True)
class Lived:
    """What was: the rows of an account by the time that they were booked."""

    year: Year
    rows: list[Delivery]

    def sent(self, account: str) -> list[Delivery]:
        rows = [r for r in self.rows if r.account == account and r.state is State.SENT]
        return sorted(rows, key=lambda row: (row.spent_at or 0, int(row.remote_id or 0)))

    def up(self, begins: int, ends: int, account: str) -> bool:
        """Whether nothing was down in all of that time, nor just before."""
        outages = [o for o in OUTAGES if o.account == account]
        downs = [*self.year.downs, *outages]
        return not any(d.begins < ends and begins < d.ends + HOUR for d in downs)

    @property
    def budget(self) -> int:
        return int(self.year.usd * 1_000_000)

    @property
    def late(self) -> int:
        """How long after it may go something goes at the latest."""
        return LATEST_TURN if self.year.cron else MINUTE


def live(root: Path, begins: int, days: int, usd: float, *, cron: bool = False) -> Lived:
    year = Year(root, begins, begins + days * DAY, a_blog(begins, days, 5.8), usd, cron)
    return Lived(year, year.run())


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commits do not wait for the disk; a worker waits as long as it would without the bound
    that makes up for clocks that are set."""
    set_up = engine._set_up_sqlite

    def hasty(made: Any, readonly: bool) -> None:
        from sqlalchemy import event

        set_up(made, readonly)
        event.listen(made, "connect", lambda c, _: c.execute("PRAGMA synchronous = OFF"))

    monkeypatch.setattr(engine, "_set_up_sqlite", hasty)
    monkeypatch.setattr(dispatcher, "LONGEST_WAIT", 1e9)


def test_a_fortnight_in_which_clocks_are_changed_twice(tmp_path: Path) -> None:
    lived = live(tmp_path, utc(2026, 10, 21), 14, 1.5)
    _all_holds(lived)
    assert lived.year.deaths >= 1
    assert _again(lived)
    assert _months(lived)[-1] > lived.budget * 0.97


def test_some_days_of_turns_at_any_time(tmp_path: Path) -> None:
    """As cron calls `bot post`: each slot is still open when a late turn comes."""
    lived = live(tmp_path, utc(2026, 3, 6), 6, 1.5, cron=True)
    _all_holds(lived)
    assert lived.year.deaths >= 1


@pytest.mark.slow
def test_a_year(tmp_path: Path) -> None:
    lived = live(tmp_path, utc(2026, 1, 1), 365, 10)
    _all_holds(lived)
    assert 1850 <= len(lived.year.posts) <= 1950
    assert lived.year.deaths >= 20
    assert all(line.lost >= 10 for line in lived.year.lines.values())
    assert _months(lived)[-1] > lived.budget * 0.97
    assert sum(row.exact for row in lived.rows) >= 20
    assert len(_again(lived)) >= 80


def _all_holds(lived: Lived) -> None:
    _none_is_lost_and_none_twice(lived)
    for account in NAMES:
        _times_are_permitted(lived, account)
        _caps_are_kept(lived, account)
        _the_order_is_kept(lived, account)
    for account in SLOTS:
        _no_slot_is_wasted(lived, account)
    _budgets_are_kept(lived)
    _links_are_few(lived)
    _what_the_author_timed_is_on_time(lived)
    _what_is_shared_again_is_old(lived)


# --- none lost, none twice ----------------------------------------------------------------------


def _none_is_lost_and_none_twice(lived: Lived) -> None:
    year = lived.year
    assert year.held == 0
    pairs = Counter((row.subject, row.account) for row in lived.rows if not row.generation)
    assert pairs == Counter((post.id, name) for post in year.posts for name in NAMES)
    for name, line in year.lines.items():
        shown = Counter(text.split()[0] for text in line.texts())
        assert shown == Counter(row.subject for row in lived.sent(name))
        assert name == "log" or set(shown.values()) == {1}
    for row in lived.rows:
        if row.state is State.SENT:
            in_time = (row.spent_at or 0) - row.planned_at < AGES[row.account]
            assert in_time or row.exact or row.fence > 1
            continue
        aged = row.state is State.SKIPPED and row.reason == "aged"
        if aged:
            assert row.updated_at - row.planned_at >= AGES[row.account]
        else:
            assert row.state in (State.PLANNED, State.RETRY)
            assert year.ends - row.created_at < AGES[row.account] + DAY
    assert not [row for row in lived.rows if row.account == "log" and row.state is State.SKIPPED]


# --- permitted times ----------------------------------------------------------------------------


def _times_are_permitted(lived: Lived, account: str) -> None:
    rows = lived.sent(account)
    assert rows
    moments = [row.spent_at or 0 for row in rows]
    used = Counter(_slot(account, moment) for moment in moments)
    for n, (row, moment) in enumerate(zip(rows, moments, strict=True)):
        if row.exact:
            continue
        shown = _wall(account, moment)
        if account in QUIET:
            begins, ends = QUIET[account]
            assert ends <= f"{shown:%H:%M}" < begins
        if account in SLOTS:
            slot = _slot(account, moment)
            assert slot is not None
            assert used[slot] == 1 or any(
                other.exact for other in rows[max(0, n - 2) : n + 3] if other is not row
            )
            assert shown - slot < LATEST.get(account, timedelta(days=2))
        if account == "calm" and n:
            assert moment - moments[n - 1] >= 40 * MINUTE
            today = [
                m for m in moments[max(0, n - 9) : n] if _wall(account, m).date() == shown.date()
            ]
            assert len(today) < 6
        if account == "cron" and n:
            assert moment - moments[n - 1] >= HOUR


def _caps_are_kept(lived: Lived, account: str) -> None:
    moments, most = [row.spent_at or 0 for row in lived.sent(account)], CAPS[account]
    assert all(b - a >= DAY for a, b in zip(moments, moments[most:], strict=False))
    seen = sorted(post["at"] for post in lived.year.lines[account].visible)
    late = timedelta(days=1) - timedelta(hours=3)  # a lost answer is settled after a while
    assert all(b - a >= late for a, b in zip(seen, seen[most:], strict=False))


def _wall(account: str, moment: int) -> datetime:
    """What a clock on the account's wall shows."""
    there = (EPOCH + timedelta(microseconds=moment)).astimezone(ZONES[account])
    return there.replace(tzinfo=None)


def _slot(account: str, moment: int) -> datetime | None:
    """The last slot by that clock."""
    shown = _wall(account, moment)
    return max((s for s in _slots(account, shown.date(), 2) if s <= shown), default=None)


def _slots(account: str, until: Any, days: int) -> Iterator[datetime]:
    for back in range(days):
        day = until - timedelta(days=back)
        for time in SLOTS.get(account, [[]] * 7)[day.weekday()]:
            yield datetime.fromisoformat(f"{day} {time}")


# --- whose turn it is ---------------------------------------------------------------------------


def _ended(row: Delivery) -> int:
    """When it no longer waited."""
    if row.state is State.SENT:
        return row.spent_at or 0
    return row.updated_at if row.state is State.SKIPPED else 1 << 62


def _ranks(lived: Lived, account: str) -> dict[str, tuple[int, int]]:
    """By post, as the account's order says: priority, then age."""
    newest = account in ("berlin", "cron")
    return {
        post.id: (0 if account == "cron" else -priority(post), -n if newest else n)
        for n, post in enumerate(lived.year.posts)
    }


def _the_order_is_kept(lived: Lived, account: str) -> None:
    """Nothing went before something that waited then and goes first by the account's order. What
    was tried before, or has a time of its own, may have had to wait."""
    rows = sorted((r for r in lived.rows if r.account == account), key=lambda r: r.planned_at)
    tried = {row.id for row in rows if row.fence > 2 or row.attempts}
    rows = [row for row in rows if not (row.exact or row.generation or row.id in tried)]
    begun = [row.planned_at for row in rows]
    ranks = _ranks(lived, account)
    for row in rows:
        if row.state is not State.SENT or row.spent_at is None:
            continue
        first = bisect_left(begun, row.spent_at - AGES[account] - DAY)
        last = bisect_left(begun, row.spent_at - SECOND)
        waited = (o for o in rows[first:last] if _ended(o) > row.spent_at)
        assert all(ranks[o.subject] >= ranks[row.subject] for o in waited)


def _no_slot_is_wasted(lived: Lived, account: str) -> None:
    """Where something waited and nothing was down, the slot was used, soon after it opened."""
    rows = [r for r in lived.rows if r.account == account and not r.exact]
    sent: dict[datetime | None, list[int]] = defaultdict(list)
    for row in lived.sent(account):
        sent[_slot(account, row.spent_at or 0)].append(row.spent_at or 0)
    begins, ends = _wall(account, lived.year.begins), _wall(account, lived.year.ends)
    days = (ends - begins).days
    moments = [row.spent_at or 0 for row in lived.sent(account)]
    wasted = []
    for slot in _slots(account, ends.date() - timedelta(days=1), days - 1):
        opens = _moment(account, slot)
        soon = (
            opens + int(DELAYS.get(account, timedelta()) / timedelta(microseconds=1)) + lived.late
        )
        waits = any(r.planned_at < opens and _ended(r) > soon for r in rows)
        up = lived.up(opens, soon, account) and not _no_money(lived, account, opens)
        within_the_hour = account == "cron" and any(opens - HOUR < m < opens for m in moments)
        full = account == "cron" and _links_are_used(lived, account, opens)
        used = any(opens <= m <= soon for m in sent[slot])
        if waits and up and not (used or within_the_hour or full):
            wasted.append(slot)
    assert wasted == []


def _moment(account: str, shown: datetime) -> int:
    at = shown.replace(tzinfo=ZONES[account])
    return (at - EPOCH) // timedelta(microseconds=1)


# --- money, links, the author's times -----------------------------------------------------------


def _booked(lived: Lived) -> list[Delivery]:
    return [r for r in lived.rows if r.spent_at is not None and r.account in ("berlin", "york")]


def _no_money(lived: Lived, account: str, moment: int) -> bool:
    """Whether the month had not even enough left for a post without a link."""
    if account not in ("berlin", "york"):
        return False
    begins = month_start(moment)
    spent = sum(r.cost or 0 for r in _booked(lived) if begins <= (r.spent_at or 0) <= moment)
    return lived.budget - spent < price("", account)


def _months(lived: Lived) -> list[int]:
    """What was spent in each month, the least first: by the ledger."""
    found: Counter[int] = Counter()
    for row in _booked(lived):
        found[month_start(row.spent_at or 0)] += row.cost or 0
    return sorted(found.values())


def _budgets_are_kept(lived: Lived) -> None:
    """By the ledger, and by what was to be seen."""
    assert all(spent <= lived.budget for spent in _months(lived))
    booked = {(r.subject, r.account): r for r in _booked(lived)}
    seen: Counter[int] = Counter()
    for name in ("berlin", "york"):
        for post in lived.year.lines[name].visible:
            row = booked[post["text"].split()[0], name]
            assert row.cost == price(post["text"], name)
            seen[month_start(row.spent_at or 0)] += price(post["text"], name)
    assert all(spent <= lived.budget for spent in seen.values())


def _links_are_few(lived: Lived) -> None:
    """One a day with a link, the rest without it; where all have one, six, and the rest wait."""
    for name, most in (("berlin", 1), ("york", 1), ("cron", 6)):
        rows = {text_of(row.subject, name, link=True): row for row in lived.sent(name)}
        linked = [rows[text] for text in lived.year.lines[name].texts() if text in rows]
        days = Counter(_wall(name, row.spent_at or 0).date() for row in linked)
        assert max(days.values()) == most
        assert (len(linked) < len(rows)) == (most == 1)


def _links_are_used(lived: Lived, account: str, moment: int) -> bool:
    """Whether what always has a link waits for tomorrow."""
    today = _wall(account, moment).date()
    times = [row.spent_at or 0 for row in lived.sent(account)]
    before = [m for m in times if m < moment and _wall(account, m).date() == today]
    return account == "cron" and len(before) >= 6


def _what_the_author_timed_is_on_time(lived: Lived) -> None:
    posts = {post.id: post for post in lived.year.posts}
    for row in lived.rows:
        wanted = set_time(row.account, posts[row.subject])
        assert row.exact == (wanted is not None)
        if wanted is not None and row.state is State.SENT and row.fence <= 2:
            up = lived.up(row.planned_at, wanted + lived.late, row.account)
            if up and not _links_are_used(lived, row.account, wanted):
                assert 0 <= (row.spent_at or 0) - wanted <= lived.late


def _again(lived: Lived) -> list[int]:
    return sorted(row.created_at for row in lived.rows if row.generation)


def _what_is_shared_again_is_old(lived: Lived) -> None:
    """Twice a week at most, five days after the last share at the earliest, and only by its tag."""
    again = _again(lived)
    assert all(c - a >= 7 * DAY for a, c in zip(again, again[2:], strict=False))
    evergreen = {post.id for post in lived.year.posts if post.tags}
    shares = sorted(lived.sent("log"), key=lambda row: (row.subject, row.generation))
    for earlier, later in pairwise(shares):
        if later.generation:
            assert (earlier.subject, earlier.generation) == (later.subject, later.generation - 1)
            assert later.created_at - (earlier.spent_at or 0) >= 5 * DAY
            assert later.subject in evergreen
