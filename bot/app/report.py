"""What `bot list` and `bot status` tell: values, no words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from bot.app.wiring import App, Site
from bot.errors import UsageError
from bot.i18n import Message, msg
from bot.model import Delivery, State, Target
from bot.outbox.states import SECOND, asks, load
from bot.settings import Account
from bot.words import reason

AccountState = Literal["ready", "waiting", "paused", "disabled", "not-ready"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReport:
    name: str
    network: str
    state: AccountState
    until: datetime | None
    reason: Message | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """`deliveries`: the open ones, or all. `first_run`: whether this site has a ledger."""

    deliveries: tuple[Delivery, ...]
    accounts: tuple[AccountReport, ...]
    first_run: bool

    def needs_person(self) -> list[Delivery]:
        """Held, failed, or unknown in a way that only a person can settle."""
        return [d for d in self.deliveries if asks(d) or d.state is State.FAILED]

    def waiting(self) -> list[Delivery]:
        asked = {d.id for d in self.needs_person()}
        done = (State.SENT, State.SKIPPED, State.CANCELLED)
        return [d for d in self.deliveries if d.id not in asked and d.state not in done]


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
    """Deliveries and accounts as they stand. Writes nothing."""
    ledger = app.peek()
    if ledger is None:
        return Status(deliveries=(), accounts=_accounts(app, {}, 0), first_run=False)
    try:
        rows: Sequence[Delivery] = ledger.deliveries() if all else ledger.open()
        return Status(
            deliveries=tuple(rows),
            accounts=_accounts(app, ledger.targets(), ledger.now()),
            first_run=ledger.first_run_at() is not None,
        )
    finally:
        ledger.close()


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
        return msg(
            "{account}: sent {path} → {link}",
            **words,
            link=delivery.remote_url or delivery.remote_id,
        )
    if delivery.state is State.FAILED:
        return msg("{account}: failed {path}: {why}", **words, why=why)
    if delivery.state is State.RETRY:
        return msg("{account}: will be tried again: {path}: {why}", **words, why=why)
    if delivery.state is State.UNKNOWN:
        return msg("{account}: not known yet whether it is there: {path}: {why}", **words, why=why)
    return None


def moment(micros: int | None) -> datetime | None:
    return None if micros is None else datetime.fromtimestamp(micros / SECOND, UTC)


def _accounts(app: App, targets: dict[str, Target], now: int) -> tuple[AccountReport, ...]:
    return tuple(_account(app, account, targets.get(account.name), now) for account in app.accounts)


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
        why = msg("the network takes no more calls for now")
    return AccountReport(
        name=account.name, network=account.network, state=state, until=until, reason=why
    )
