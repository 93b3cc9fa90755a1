"""`bot verify`: the accounts as they are, beside what the ledger says of them. Nothing is written.

An account's newest posts are listed. What the ledger says was sent and is not among them is looked
for by itself, as a lost answer would be, before it counts as missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from bot.app.wiring import App
from bot.errors import BotError, UsageError
from bot.i18n import Message, msg
from bot.model import ANSWERED, Absent, Delivery, Found, Poster, Readable, Seen, State
from bot.outbox.adoption import canonical_link
from bot.outbox.dispatcher import SERVER_CLOCK_SLACK
from bot.outbox.states import SECOND, micros

if TYPE_CHECKING:
    from bot.ledger.store import Ledger

NEWEST = 40
"""So many posts of an account are read back; more than a page costs more calls."""
Kind = Literal["missing", "twice", "deleted", "there", "not-gone", "not-known"]
WORDS = {
    "missing": msg("is not there"),
    "twice": msg("is there more than once"),
    "deleted": msg("was sent, and is no longer there"),
    "there": msg("is there, and the ledger does not know it"),
    "not-gone": msg("was taken back, and is still there"),
    "not-known": msg("it cannot be told whether it is there"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Where account and ledger differ. `links`: the posts out there that it is about."""

    kind: Kind
    delivery: Delivery
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One account. `compared`: how many deliveries; `trouble`: why it was not (wholly) read;
    `failed`: reading was tried and did not succeed."""

    account: str
    network: str
    compared: int = 0
    findings: tuple[Finding, ...] = ()
    trouble: Message | None = None
    failed: bool = False


@dataclass(slots=True)
class _Reading:
    """One account while it is compared."""

    ledger: Ledger
    poster: Poster
    account: str
    seen: Sequence[Seen]
    known: set[str]
    findings: list[Finding] = field(default_factory=list)

    def add(self, kind: Kind, row: Delivery, posts: Sequence[Seen] = ()) -> None:
        links = tuple(post.url or post.id for post in posts)
        self.findings.append(Finding(kind=kind, delivery=row, links=links))

    def strangers(self, row: Delivery) -> list[Seen]:
        """Listed posts of the same content that no delivery has a receipt of."""
        return [post for post in self.seen if post.id not in self.known and _shows(post, row)]


def verify(app: App, account: str | None, newest: int = NEWEST) -> list[Checked]:
    """Compare one account, or all that are ready. Raises UsageError for an account that is not
    configured, or where there is no ledger."""
    if account is not None and app.account(account) is None:
        raise UsageError(
            msg("there is no account {name}", name=account),
            code="no-account",
            hint=msg("the accounts are: {names}", names=", ".join(a.name for a in app.accounts)),
        )
    ledger = app.peek()
    if ledger is None:
        raise UsageError(msg("there is no ledger yet"), code="no-ledger")
    try:
        names = [account] if account else [a.name for a in app.active()]
        return [_check(app, ledger, name, newest) for name in names]
    finally:
        ledger.close()


def _check(app: App, ledger: Ledger, name: str, newest: int) -> Checked:
    from bot.ledger import lookups

    account = app.account(name)
    assert account is not None
    try:
        poster = app.poster(name)
        if not isinstance(poster, Readable):
            why = msg("this network's posts cannot be listed")
            return Checked(account=name, network=account.network, trouble=why)
        seen = poster.recent(newest)
        known = lookups.receipts_among(ledger, name, [post.id for post in seen])
        reading = _Reading(ledger, poster, name, seen, known)
        sent = lookups.newest_sent(ledger, name, newest)
        _compare_sent(reading, sent)
        rest = [d for d in lookups.unsettled(ledger, name) if d.reason != ANSWERED]
        _compare_unsettled(reading, rest)
    except BotError as error:
        return Checked(account=name, network=account.network, trouble=error.message, failed=True)
    return Checked(
        account=name,
        network=account.network,
        compared=len(sent) + len(rest),
        findings=tuple(reading.findings),
    )


def _compare_sent(reading: _Reading, sent: Sequence[Delivery]) -> None:
    from bot.ledger import lookups

    related = lookups.deliveries_of(reading.ledger, {d.subject for d in sent}, reading.account)
    changes = [d for d in related if d.kind != "share" and d.state is State.SENT]
    for row in sent:
        own = [d for d in changes if (d.subject, d.part) == (row.subject, row.part)]
        receipts = {id for d in (row, *own) for id in (d.remote_id, d.remote_url) if id}
        mine = [post for post in reading.seen if {post.id, post.url} & receipts]
        if any(d.kind == "retract" and (d.sent_at or 0) >= (row.sent_at or 0) for d in own):
            if mine:
                reading.add("not-gone", row, mine)
            continue
        found = [*mine, *reading.strangers(row)]
        if len(found) > 1:
            reading.add("twice", row, found)
        elif not found:
            _look_for(reading, row)


def _look_for(reading: _Reading, row: Delivery) -> None:
    """It is not listed: is it further back, or gone?"""
    there = _there(reading, row)
    if there is None:
        reading.add("not-known", row)
    elif not there:
        reading.add("missing" if row.source == "person" else "deleted", row)


def _there(reading: _Reading, row: Delivery) -> bool | None:
    """What the account says when asked for just this post; None: it cannot tell."""
    began = row.first_sending_at or row.sent_at
    if row.payload is None or began is None:
        oldest = min((post.at for post in reading.seen), default=None)
        before = oldest is not None and (row.sent_at or 0) < micros(oldest + SERVER_CLOCK_SLACK)
        return None if before else False
    since = datetime.fromtimestamp(began / SECOND, UTC) - SERVER_CLOCK_SLACK
    known = reading.ledger.receipts(row, micros(since))
    finding = reading.poster.find(row.payload, row.key or "", since, known)
    if isinstance(finding, Found):
        return True
    return False if isinstance(finding, Absent) else None


def _compare_unsettled(reading: _Reading, rows: Sequence[Delivery]) -> None:
    for row in rows:
        others = reading.strangers(row)
        reading.add("there" if others else "missing", row, others)


def _shows(post: Seen, row: Delivery) -> bool:
    """The article's link, or where the text holds none the text itself."""
    from bot.posters.match import same_text

    draft = row.draft or {}
    parts = draft.get("parts") or []
    link = draft.get("link")
    if link and row.part == 0:
        return any(canonical_link(found) == canonical_link(link) for found in post.links)
    return row.part < len(parts) and same_text(post.text, parts[row.part]["text"])
