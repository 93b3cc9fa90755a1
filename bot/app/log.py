"""The whole history of a post over all accounts, as `bot log` tells it. Reads only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.app.asked import spellings
from bot.app.report import moment
from bot.app.wiring import App
from bot.errors import UsageError
from bot.i18n import Message, msg
from bot.model import Article, Delivery
from bot.outbox.states import load
from bot.words import STATES, reason

if TYPE_CHECKING:
    from bot.ledger.store import Ledger

SHORTEST_ID = 4
EVENTS: Mapping[str, Message] = {
    "baseline": msg("was there before this account was set up"),
    "planned": msg("planned"),
    "held": msg("held"),
    "live": msg("its page is there"),
    "claimed": msg("taken in hand"),
    "sending": msg("about to be sent"),
    "sent": msg("sent"),
    "found": msg("found on the account"),
    "person": msg("a person says that it is there"),
    "repeated": msg("sent again under the same key"),
    "absent": msg("read back: it is not there"),
    "cannot-tell": msg("read back: it cannot be told whether it is there"),
    "look-failed": msg("the account could not be read"),
    "owner-dead": msg("the process that had it has ended"),
    "lease-expired": msg("the process that had it stood still"),
    "too-old": msg("given up: it has been tried for too long"),
    "approved": msg("approved by a person"),
    "asked-for": msg("asked for by a person"),
    "skip": msg("skipped by a person"),
    "dropped": msg("dropped by a person"),
    "withdrawn": msg("withdrawn"),
    "unchanged": msg("withdrawn: nothing would change"),
    "shorter": msg("its thread became shorter"),
    "thread": msg("an earlier part of its thread was not sent"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One row of the history. `words` say what happened, `detail` what more is known."""

    at: datetime
    event: str
    before: str | None
    after: str
    words: Message
    detail: Message | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One delivery with its steps, the oldest first."""

    delivery: Delivery
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The articles that were named (translations are told together), and what became of them."""

    articles: tuple[Article, ...]
    deliveries: tuple[Told, ...]


def history(app: App, name: str) -> Log:
    """The history of the post of that path, URL (on the site or on a network) or beginning of an
    id. Raises UsageError where there is none, or an id's beginning is that of several posts."""
    ledger = app.peek()
    if ledger is None:
        raise _unknown(name)
    try:
        return _history(app, ledger, name)
    finally:
        ledger.close()


def _history(app: App, ledger: Ledger, name: str) -> Log:
    from bot.ledger import lookups

    urls = _addresses(name)
    paths = [] if urls else spellings(app, name)
    id = name if re.fullmatch(rf"[0-9a-f]{{{SHORTEST_ID},16}}", name) else ""
    articles = lookups.articles_named(ledger, paths, urls, id)
    named = [] if articles else lookups.deliveries_named(ledger, paths, urls, id)
    subjects = {a.subject or a.id for a in articles} | {d.subject for d in named}
    if not subjects:
        raise _unknown(name)
    if id and len(subjects) > 1:
        raise UsageError(
            msg("{name} is the beginning of several ids", name=name),
            code="ambiguous-id",
            hint=msg("write more of the id"),
        )
    if not articles:
        articles = [a for s in subjects for a in lookups.articles_named(ledger, (), (), s)]
    rows = lookups.deliveries_of(ledger, subjects)
    steps: dict[str, list[Step]] = {}
    for kept in lookups.steps_of(ledger, [row.id for row in rows]):
        steps.setdefault(kept["delivery"], []).append(_step(kept))
    told = tuple(Told(delivery=row, steps=tuple(steps.get(row.id, ()))) for row in rows)
    return Log(articles=tuple(articles), deliveries=told)


def _addresses(name: str) -> list[str]:
    """The spellings of a URL, none where it is no URL."""
    if not name.startswith(("https://", "http://")):
        return []
    rest = name.partition("://")[2].rstrip("/")
    return [f"{scheme}://{rest}{end}" for scheme in ("https", "http") for end in ("/", "")]


def _step(kept: Mapping[str, Any]) -> Step:
    event, after = kept["event"], kept["after"]
    at = moment(kept["at"])
    assert at is not None
    begun_held = (event, after) == ("planned", "held")
    return Step(
        at=at,
        event=event,
        before=kept["before"],
        after=after,
        words=EVENTS["held"]
        if begun_held
        else EVENTS.get(event) or STATES.get(after) or reason(after),
        detail=_detail(kept["detail"]),
    )


def _detail(kept: str | None) -> Message | None:
    """A sentence, where one was kept, or the plain text."""
    try:
        told = load(kept)
    except ValueError:
        told = None
    return told or (Message("{text}", {"text": kept}) if kept else None)


def _unknown(name: str) -> UsageError:
    return UsageError(
        msg("the ledger knows no post {name}", name=name),
        code="no-such-post",
        hint=msg("name it by its path, its URL, or its id; bot list shows all posts"),
    )
