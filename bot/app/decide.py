"""What a person decides about deliveries that wait."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.app.asked import spellings
from bot.app.branch import changing
from bot.app.live import unseen, waits
from bot.app.shrunk import forget
from bot.app.wiring import App, Site
from bot.errors import LostLease, UsageError
from bot.i18n import msg
from bot.model import ANSWERED, Delivery, Receipt, State
from bot.outbox import states
from bot.outbox.changes import SHARE
from bot.outbox.plan import DOUBT, delivery_id


def unsayable(app: App) -> list[Delivery]:
    """Held deliveries whose text cannot be made: only the post itself can change that."""
    return [d for d in app.ledger.deliveries({State.HELD}) if _unsayable(d)]


def _unsayable(delivery: Delivery) -> bool:
    return delivery.state is State.HELD and delivery.draft is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """`done`: what may go out now; `removed`: how many files that are gone are taken as removed;
    `unnamed`: what may be out there already, and so must be named."""

    done: Sequence[Delivery]
    removed: int = 0
    unnamed: Sequence[Delivery] = ()


@changing
def approve(app: App, which: Sequence[str]) -> Approved:
    """Held deliveries become planned: those that wait for a person, or those named by id (a unique
    prefix) or path, whatever they wait for. Without names, files that are no longer there count
    as removed, however many they are; what may be an old post has to be named."""
    ledger = app.ledger
    held = ledger.deliveries({State.HELD})
    if which:
        return Approved(done=_decide(app, _pick(app, held, which), State.PLANNED, "approved"))
    site = app.scan(ledger.articles())
    away = [a for a in site.missing if a.gone_at is None] if site.readable else []
    ledger.save_articles([replace(a, gone_at=ledger.now()) for a in away])
    if site.readable:
        forget(app.root)
    waiting = [row for row in held if states.asks(row)]
    asked = [row for row in waiting if row.reason != DOUBT]
    done = _decide(app, asked, State.PLANNED, "approved", _not_live(app, site, asked))
    return Approved(
        done=done, removed=len(away), unnamed=[row for row in waiting if row.reason == DOUBT]
    )


def _not_live(app: App, site: Site, rows: Sequence[Delivery]) -> set[str]:
    """New posts that still wait for their page, unless that is what the person is asked about."""
    names, shared = waits(app), app.ledger.survey({row.subject for row in rows})
    hidden = unseen(app, site.articles, shared)
    places = {(a.subject or a.id, a.url) for a in site.articles if a.id in hidden}
    return {
        row.id
        for row in rows
        if row.kind == SHARE
        and row.reason != states.NOT_LIVE
        and row.account in names
        and (row.subject, row.url) in places
    }


@changing
def skip(app: App, which: Sequence[str]) -> list[Delivery]:
    """Planned, held or retried deliveries are not sent; failed ones are taken as answered."""
    waiting = {State.PLANNED, State.HELD, State.RETRY}
    failed = [d for d in app.ledger.deliveries({State.FAILED}) if d.reason != ANSWERED]
    known = _pick(app, [*app.ledger.deliveries(waiting), *failed], which)
    answered = [d for d in known if d.state is State.FAILED]
    app.ledger.compose_anew([(d, {"reason": ANSWERED}) for d in answered], app.ledger.now())
    names = [d.id for d in known if d.state is not State.FAILED]
    rows = _pick(app, app.ledger.deliveries(waiting), names)
    return [*answered, *_decide(app, rows, State.SKIPPED, "skip")]


@changing
def retry(app: App, which: Sequence[str]) -> list[Delivery]:
    """Failed deliveries get a new generation, planned now; the failure stays in the history."""
    return [
        _anew(app, row, "retried")
        for row in _pick(app, app.ledger.deliveries({State.FAILED}), which)
    ]


@changing
def resolve_sent(app: App, name: str, link: str) -> Delivery:
    """A person has looked: it is there, at this link."""
    (row,) = _unknown(app, name)
    now = app.ledger.now()
    receipt = Receipt(id=link, url=link, at=app.now())
    move = states.sent(row, receipt, "person", now)
    return app.ledger.move(row, move.state, move.values, now=now, event=move.event, detail=link)


@changing
def resolve_dropped(app: App, name: str) -> Delivery:
    """A person has looked: it shall not be there."""
    (row,) = _unknown(app, name)
    values = {"reason": "dropped", "needs_person": False}
    return app.ledger.move(row, State.CANCELLED, values, now=app.ledger.now(), event="dropped")


@changing
def resolve_resent(app: App, name: str) -> Delivery:
    """A person has looked: it is not there. A new generation goes out."""
    return _anew(app, resolve_dropped(app, name), "resent")


def _unknown(app: App, name: str) -> list[Delivery]:
    found = _pick(app, app.ledger.deliveries({State.UNKNOWN}), [name])
    if len(found) == 1:
        return found
    raise UsageError(
        msg("{name} has several unknown deliveries", name=name),
        code="ambiguous-id",
        hint=msg("name one by its id: {ids}", ids=", ".join(row.id[:8] for row in found)),
    )


def _anew(app: App, row: Delivery, event: str) -> Delivery:
    """The next generation of what did not go out; the old one is answered."""
    ledger, now = app.ledger, app.ledger.now()
    generation = row.generation + 1
    id = delivery_id(app.site_id, row.subject, row.account, row.kind, generation, row.part)
    fresh = Delivery(
        id=id,
        subject=row.subject,
        account=row.account,
        network=row.network,
        kind=row.kind,
        generation=generation,
        part=row.part,
        state=State.PLANNED,
        due=now,
        seq=row.seq,
        path=row.path,
        url=row.url,
        draft=row.draft,
        planned_at=now,
        created_at=now,
        updated_at=now,
    )
    ledger.add([fresh], now)
    if row.state is State.FAILED:
        ledger.compose_anew([(row, {"reason": ANSWERED})], now)
    return fresh


def _decide(
    app: App,
    rows: Sequence[Delivery],
    state: State,
    event: str,
    not_live: Collection[str] = (),
) -> list[Delivery]:
    """These rows move to `state`; those in `not_live` wait for their page before."""
    ledger = app.ledger
    now = ledger.now()
    reason = None if state is State.PLANNED else event
    done = []
    for row in rows:
        if _unsayable(row) and state is State.PLANNED:
            continue
        after, why = (State.HELD, states.NOT_LIVE) if row.id in not_live else (state, reason)
        values: dict[str, Any] = {"reason": why, "planned_at": now, "due": now}
        if row.reason == states.NOT_LIVE:
            values |= {"error": None, "error_code": None, "needs_person": False}
        with contextlib.suppress(LostLease):
            done.append(ledger.move(row, after, values, now=now, event=event))
    return done


def _pick(app: App, rows: Sequence[Delivery], which: Sequence[str]) -> list[Delivery]:
    chosen: dict[str, Delivery] = {}
    for name in which:
        ids = [row for row in rows if row.id.startswith(name)] if len(name) >= 4 else []
        paths = set(spellings(app, name))
        found = [row for row in rows if row.path in paths] or ids
        if not found:
            raise UsageError(
                msg("nothing that waits is named {name}", name=name),
                code="no-such-delivery",
                hint=msg("bot status shows what waits, with ids and paths"),
            )
        if found is ids and len(ids) > 1:
            raise UsageError(
                msg("{name} is the beginning of several ids", name=name),
                code="ambiguous-id",
                hint=msg("write more of the id"),
            )
        chosen |= {row.id: row for row in found}
    return list(chosen.values())
