"""What `bot list` and `bot status` tell: values, no words."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from bot.app.orphans import heir, is_orphan, way_out
from bot.app.timing import Turn, forecast, why_later
from bot.app.wiring import App, Site
from bot.errors import UsageError
from bot.i18n import Message, msg
from bot.model import Delivery, State, Target, TextLimit
from bot.outbox.pings import PING
from bot.outbox.states import SECOND, asks, load, micros
from bot.posters.registry import NETWORKS
from bot.settings import Account
from bot.words import WAITS, reason

if TYPE_CHECKING:
    from bot.ledger.store import Ledger

AccountState = Literal["ready", "waiting", "paused", "disabled", "not-ready"]
DAY = 86_400 * SECOND
SHORT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReport:
    """`last`: its newest share; `sent`: how many in the last 24 hours; `cost`: US dollars of this
    calendar month; `limit`: how long a text may be; `ends`: when its login does, where that is
    kept, and `renewed` whether bot itself renews it before."""

    name: str
    network: str
    state: AccountState
    until: datetime | None
    reason: Message | None
    last: Delivery | None = None
    sent: int = 0
    cost: float = 0.0
    limit: TextLimit | None = None
    ends: datetime | None = None
    renewed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A delivery that is not done: why, until when it waits, and the command of the person who is
    needed (None: nobody is)."""

    delivery: Delivery
    id: str
    why: Message | None
    until: datetime | None
    command: Message | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """`open` is what is not done; `done` the rest, where all was asked for; `day` how many became
    sent, failed, … in the last 24 hours; `first_run` whether this site has a ledger."""

    open: tuple[Open, ...]
    done: tuple[Delivery, ...]
    accounts: tuple[AccountReport, ...]
    day: Mapping[str, int]
    first_run: bool

    def needs_person(self) -> list[Open]:
        return [row for row in self.open if row.command is not None]

    def waiting(self) -> list[Open]:
        return [row for row in self.open if row.command is None]


def list_posts(app: App, now: str | None = None) -> Site:
    """Every post as understood, with the ids that the ledger has or would give. `now`: as it is at
    that time. Writes nothing. Raises UsageError."""
    at = None if now is None else time_named(now, app.config.site.timezone)
    ledger = app.peek()
    if ledger is None:
        return app.scan((), at)
    try:
        return app.scan(ledger.articles(), at)
    finally:
        ledger.close()


def time_named(text: str, timezone: str) -> datetime:
    """A day or time as a person types it; without a zone it is in the site's. Raises UsageError."""
    try:
        moment = datetime.fromisoformat(text.strip())
        moment = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(timezone))
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            msg("{text} is no time", text=text),
            code="no-time",
            hint=msg("write 2026-02-10, 2026-02-10T09:00 or 2026-02-10T09:00:00+09:00"),
        ) from None


def status(app: App, *, all: bool) -> Status:
    """Deliveries and accounts as they stand. `all`: what is done, too. Writes nothing."""
    ledger = app.peek()
    if ledger is None:
        accounts = tuple(_account(app, a, None, 0) for a in app.accounts)
        return Status(open=(), done=(), accounts=accounts, day={}, first_run=False)
    try:
        return _status(app, ledger, all)
    finally:
        ledger.close()


def _status(app: App, ledger: Ledger, all: bool) -> Status:
    from bot.ledger import digest

    now, accounts = ledger.now(), account_reports(app, ledger)
    rows = digest.open_rows(ledger)
    names = {report.name: report for report in accounts}
    turns = forecast(app, ledger, rows, now)
    length = _distinct([row.id for row in rows])
    shown = {row.id for row in rows}
    started = set(ledger.targets())

    def told(row: Delivery) -> Open:
        if is_orphan(app, row):
            return _orphan(app, row, row.id[:length], started)
        return _open(row, names.get(row.account), turns.get(row.id), now, length)

    return Status(
        open=tuple(told(row) for row in rows),
        done=tuple(d for d in ledger.deliveries() if d.id not in shown) if all else (),
        accounts=tuple(_with_numbers(ledger, report, now) for report in accounts),
        day=digest.moved(ledger, now - DAY),
        first_run=ledger.first_run_at() is not None,
    )


def _open(
    row: Delivery, account: AccountReport | None, turn: Turn | None, now: int, length: int
) -> Open:
    id = row.id[:length]
    command = _command(row, id)
    why, until = error_of(row), moment(row.due)
    if command is not None:
        return Open(delivery=row, id=id, why=why, until=None, command=command)
    if row.kind != PING and (account is None or account.state != "ready"):
        why, until = _blocked(account)
    elif turn is not None and turn.why is not None:
        why, until = why_later(turn), moment(turn.at)
    elif row.state is State.HELD:
        until = None
    elif why is None:
        why = msg("waits for its time") if row.due > now else msg("it is its turn")
    return Open(delivery=row, id=id, why=why, until=until, command=None)


def _orphan(app: App, row: Delivery, id: str, started: Collection[str]) -> Open:
    command = way_out(app, row, id, started)
    why = msg("this account is no longer configured")
    if command is None:
        why = msg("the next run gives it to {name}", name=heir(app, row.account))
    return Open(delivery=row, id=id, why=why, until=None, command=command)


def _blocked(account: AccountReport | None) -> tuple[Message, datetime | None]:
    """Why nothing goes to this account."""
    if account is None:
        return msg("this account is no longer configured"), None
    if account.state == "disabled":
        return msg("the account is switched off"), None
    words = {"paused": msg("the account is paused"), "not-ready": msg("the account is not ready")}
    return words.get(account.state) or account.reason or msg("waits"), account.until


def _command(row: Delivery, id: str) -> Message | None:
    """What a person has to say to a delivery that only a person can bring on."""
    if row.state is State.HELD and not asks(row):
        return None
    if row.state is State.HELD and row.draft is None:
        return msg("edit the post, or bot skip {id}", id=id)
    if row.state is State.HELD:
        return Message("bot approve {id}", {"id": id})
    if row.state is State.FAILED:
        return Message("bot retry {id} | bot skip {id}", {"id": id})
    if row.needs_person:
        return Message("bot resolve {id} --sent URL | --resend | --drop", {"id": id})
    return None


def _distinct(ids: Sequence[str]) -> int:
    """How much of each id tells it from the others."""
    length = SHORT
    while len({id[:length] for id in ids}) < len(ids):
        length += 1
    return length


def error_of(delivery: Delivery) -> Message | None:
    """Why it is where it is: the last error, else the reason of its state."""
    told = load(delivery.error)
    if told is not None and delivery.state is not State.SENT:
        return told
    return reason(delivery.reason) if delivery.reason else None


def told_of(delivery: Delivery) -> Message | None:
    """A move in one line; None where it is of no interest to a person."""
    words = {"account": delivery.account, "path": delivery.path}
    why = str(error_of(delivery) or delivery.state.value)
    if delivery.state is State.SENT:
        return _done(delivery)
    if delivery.state is State.FAILED:
        return msg("{account}: failed {path}: {why}", **words, why=why)
    if delivery.state is State.RETRY:
        return msg("{account}: will be tried again: {path}: {why}", **words, why=why)
    if delivery.state is State.UNKNOWN:
        return msg("{account}: not known yet whether it is there: {path}: {why}", **words, why=why)
    return None


def _done(delivery: Delivery) -> Message:
    words = {"account": delivery.account, "path": delivery.path}
    link = delivery.remote_url or delivery.remote_id
    if delivery.kind == "retract":
        return msg("{account}: taken back: {path} ({link})", **words, link=link)
    if delivery.kind == "edit":
        return msg("{account}: edited {path} → {link}", **words, link=link)
    return msg("{account}: sent {path} → {link}", **words, link=link)


def moment(micros: int | None) -> datetime | None:
    return None if micros is None else datetime.fromtimestamp(micros / SECOND, UTC)


def account_reports(app: App, ledger: Ledger) -> list[AccountReport]:
    """Every account as it stands, without what it has sent."""
    now, targets = ledger.now(), ledger.targets()
    return [_account(app, a, targets.get(a.name), now) for a in app.accounts]


def _account(app: App, account: Account, target: Target | None, now: int) -> AccountReport:
    state: AccountState = "ready"
    until, why = None, app.missing(account)
    if not account.enabled:
        state, why = "disabled", None
    elif why is not None:
        state = "not-ready"
    elif target is not None and target.paused:
        state, until, why = "paused", moment(target.wait_until), load(target.paused)
    elif target is not None and (target.wait_until or 0) > now:
        state, until = "waiting", moment(target.wait_until)
        why = WAITS.get(target.wait_reason or "", WAITS["rate-limited"])
    ends, renewed = token_end(app, account)
    return AccountReport(
        name=account.name,
        network=account.network,
        state=state,
        until=until,
        reason=why,
        limit=(target and target.learnt) or app.limit(account),
        ends=ends,
        renewed=renewed,
    )


def token_end(app: App, account: Account) -> tuple[datetime | None, bool]:
    """When an account's login ends, as the configuration or a kept session says, and whether bot
    itself renews it before."""
    if account.token_ends is not None:
        zone = ZoneInfo(app.config.site.timezone)
        return datetime.combine(account.token_ends, time(), zone), False
    kept = NETWORKS[account.network].ends
    return (kept(account, app.root) if kept else None), True


def _with_numbers(ledger: Ledger, report: AccountReport, now: int) -> AccountReport:
    from bot.ledger import digest

    month = datetime.fromtimestamp(now / SECOND, UTC).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    sent, _ = digest.spent(ledger, report.name, now - DAY)
    _, cost = digest.spent(ledger, report.name, micros(month))
    last = digest.last_sent(ledger, report.name)
    return replace(report, last=last, sent=sent, cost=cost / 1_000_000)
