"""Looking things up in the ledger, for people: one post's deliveries, one account's newest."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from bot.ledger import rows
from bot.ledger.store import Ledger
from bot.ledger.tables import IMPORTED, articles, deliveries, history
from bot.model import Article, Delivery, State


def articles_named(
    ledger: Ledger, paths: Collection[str], urls: Collection[str], id: str
) -> list[Article]:
    """Articles at one of these paths or addresses, or whose id or subject begins with `id` (may be
    empty: then none does)."""
    a = articles.c
    named: list[ColumnElement[bool]] = [a.path.in_(paths), a.url.in_(urls), a.guid.in_(urls)]
    if id:
        named += [_begins(a.id, id), _begins(a.subject, id)]
    with ledger._reading() as c:
        found = c.execute(
            select(*(a[name] for name in rows.ARTICLE))
            .where(a.site == ledger.site, or_(*named))
            .order_by(a.path, a.id)
        )
        return [rows.to_article(row) for row in found]


def deliveries_named(
    ledger: Ledger, paths: Collection[str], urls: Collection[str], id: str
) -> list[Delivery]:
    """Deliveries made of one of these paths or addresses, with such an address out there, or whose
    id begins with `id` (may be empty: then none does)."""
    d = deliveries.c
    if id:
        found = _deliveries(ledger, _begins(d.id, id))
        if found:
            return found
    return _deliveries(ledger, or_(d.path.in_(paths), d.url.in_(urls), d.remote_url.in_(urls)))


def deliveries_of(
    ledger: Ledger, subjects: Collection[str], account: str | None = None
) -> list[Delivery]:
    """All deliveries of these subjects, as they came."""
    d = deliveries.c
    own = [d.subject.in_(subjects), *([d.account == account] if account else [])]
    return _deliveries(ledger, *own)


def steps_of(ledger: Ledger, ids: Collection[str]) -> list[dict[str, Any]]:
    """The history of these deliveries, the oldest first."""
    h = history.c
    with ledger._reading() as c:
        found = c.execute(
            select(history).where(h.site == ledger.site, h.delivery.in_(ids)).order_by(h.n)
        )
        return [dict(row._mapping) for row in found]


def newest_sent(ledger: Ledger, account: str, limit: int) -> list[Delivery]:
    """The newest shares that this account has, the newest first."""
    d = deliveries.c
    # Ordered by what the index holds: among a million rows that is as quick as among ten.
    pick = (
        select(deliveries)
        .where(d.site == ledger.site, d.account == account, d.state == State.SENT.value)
        .where(d.kind == "share")
        .order_by(d.due.desc(), d.seq.desc())
        .limit(limit)
    )
    with ledger._reading() as c:
        return [rows.to_delivery(row) for row in c.execute(pick)]


def unsettled(ledger: Ledger, account: str) -> list[Delivery]:
    """Shares of this account that are unknown or failed."""
    d = deliveries.c
    states = [State.UNKNOWN.value, State.FAILED.value]
    return _deliveries(ledger, d.account == account, d.state.in_(states), d.kind == "share")


def receipts_among(ledger: Ledger, account: str, ids: Collection[str]) -> set[str]:
    """Which of these remote ids are known as receipts of deliveries to this account."""
    d = deliveries.c
    with ledger._reading() as c:
        found = c.execute(
            select(d.remote_id).where(
                d.site == ledger.site,
                d.account == account,
                d.remote_id.in_(ids),
            )
        )
        return {str(id) for id in found.scalars()}


def is_imported(ledger: Ledger) -> bool:
    """Whether nothing has happened since this site's rows were imported."""
    h = history.c
    newest = select(h.event).where(h.site == ledger.site).order_by(h.n.desc()).limit(1)
    with ledger._reading() as c:
        return c.execute(newest).scalar() == IMPORTED


def _deliveries(ledger: Ledger, *where: ColumnElement[bool]) -> list[Delivery]:
    d = deliveries.c
    with ledger._reading() as c:
        found: Sequence[Any] = c.execute(
            select(deliveries)
            .where(d.site == ledger.site, *where)
            .order_by(d.account, d.part, d.created_at, d.generation, d.id)
        ).all()
        return [rows.to_delivery(row) for row in found]


def _begins(column: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """By the index: ids are hexadecimal, and nothing of them comes after "g"."""
    return (column >= prefix) & (column < f"{prefix}g")
