"""The ledger: what is remembered of articles, targets and deliveries, and every guarded move.

One transaction a method. Every statement names the site. Raises StoreUnavailable where the store
cannot be used and LostLease where a guard finds no row.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Table,
    and_,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from bot.errors import ConfigError, LostLease
from bot.i18n import msg
from bot.ledger import engine as opening
from bot.ledger import notify, rows
from bot.ledger.owners import FileOwners, Owners, SessionOwners
from bot.ledger.tables import articles, deliveries, history, sites, targets
from bot.model import ANSWERED, OPEN_STATES, WAITING, Article, Clock, Delivery, State, Target

Lease = Literal["ours", "other", "older"]
_CLAIMABLE = (State.PLANNED.value, State.RETRY.value)
_IN_FLIGHT = (State.CLAIMED.value, State.SENDING.value)
_BATCH = 500
_OLDER = deliveries.alias("older")


class Ledger:
    """One site's view of one store. Threads may share it."""

    def __init__(
        self, engine: Engine, site: str, clock: Clock, owners: Owners, *, own_clock: bool
    ) -> None:
        self._engine, self.site, self._clock, self.owners = engine, site, clock, owners
        self._own_clock = own_clock
        self._here = threading.local()
        self._is_sqlite = engine.dialect.name == "sqlite"

    def close(self) -> None:
        self.owners.release()
        self._engine.dispose()

    def announce(self) -> None:
        """Wake the other processes of this site, where the store can."""
        try:
            notify.announce(self._engine, self.site)
        except SQLAlchemyError as error:
            raise opening.unavailable(self._engine.url, error) from error

    def listen(self, on_news: Callable[[], None], stop: threading.Event) -> None:
        """Call `on_news` when another process of this site has announced something."""
        notify.listen(self._engine, self.site, on_news, stop, self._clock)

    def now(self) -> int:
        """UTC microseconds of the one clock that due times and leases are compared with: the
        database server's on PostgreSQL, the injected one on SQLite."""
        if self._own_clock:
            return round(self._clock.now().timestamp() * 1_000_000)
        with self._reading() as c:
            return int(
                c.execute(
                    text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
                ).scalar_one()
            )

    # --- the site ---------------------------------------------------------------------------

    def sites(self) -> list[str]:
        with self._reading() as c:
            return list(c.execute(select(sites.c.id).order_by(sites.c.created_at)).scalars())

    def first_run_at(self) -> int | None:
        with self._reading() as c:
            return c.execute(
                select(sites.c.first_run_at).where(sites.c.id == self.site)
            ).scalar_one_or_none()

    def agree_first_run(self, url: str, now: int) -> bool:
        """Write the first-run row; False where it is already there."""
        row = {"id": self.site, "url": url, "created_at": now, "first_run_at": now}
        with self._writing() as c:
            if self._inserted(c, sites, row):
                return True
            changed = c.execute(
                update(sites)
                .where(sites.c.id == self.site, sites.c.first_run_at.is_(None))
                .values(first_run_at=now)
            )
            return changed.rowcount == 1

    def lease_planning(
        self, owner: str, now: int, until: int, version: int | None, checkout: str
    ) -> Lease:
        """The right to plan for this site, until then. `other`: a living process has it. `older`:
        another checkout has planned from a newer `version` than this one's (of None nothing is
        known): planning from it would undo what that one saw."""
        with self._writing() as c:
            pick = select(sites).where(sites.c.id == self.site)
            row = c.execute(pick if self._is_sqlite else pick.with_for_update()).one_or_none()
            if row is None:
                return "ours"
            held = row.plan_owner not in (None, owner) and (row.plan_until or 0) > now
            if held and self.owners.alive(row.plan_owner):
                return "other"
            newer = None not in (version, row.plan_version) and row.plan_version > (version or 0)
            if newer and row.plan_checkout != checkout:
                return "older"
            c.execute(
                update(sites)
                .where(sites.c.id == self.site)
                .values(
                    plan_owner=owner, plan_until=until, plan_version=version, plan_checkout=checkout
                )
            )
            return "ours"

    # --- articles ---------------------------------------------------------------------------

    def articles(self) -> list[Article]:
        with self._reading() as c:
            found = c.execute(
                select(articles).where(articles.c.site == self.site).order_by(articles.c.id)
            )
            return [rows.to_article(row) for row in found]

    def save_articles(self, changed: Iterable[Article]) -> None:
        """Insert or replace. An article's id, guid and first_seen never change once written."""
        values = [{"site": self.site, **rows.article_columns(a)} for a in changed]
        with self._writing() as c:
            for chunk in _chunks(values):
                statement = self._insert(articles).values(chunk)
                kept = {
                    name: statement.excluded[name]
                    for name in (
                        "path",
                        "url",
                        "title",
                        "content_hash",
                        "sketch",
                        "changed_at",
                        "gone_at",
                    )
                }
                first = func.coalesce(articles.c.first_visible, statement.excluded["first_visible"])
                c.execute(
                    statement.on_conflict_do_update(
                        index_elements=["site", "id"], set_={**kept, "first_visible": first}
                    )
                )

    # --- targets ----------------------------------------------------------------------------

    def targets(self) -> dict[str, Target]:
        with self._reading() as c:
            found = c.execute(select(targets).where(targets.c.site == self.site))
            return {row.name: rows.to_target(row) for row in found}

    def set_wait(self, seen: Delivery, until: int, reason: str, paused: str | None) -> None:
        """The target of `seen` makes no call before `until`."""
        with self._writing() as c:
            self._wait(c, seen.account, seen.network, until, reason, paused)

    def clear_wait(self, name: str) -> None:
        """A person's word: try this target again."""
        with self._writing() as c:
            c.execute(_target(self.site, name).values(**_wait_columns(None, None, None)))

    # --- planning ---------------------------------------------------------------------------

    def deliveries(self, states: Collection[State] | None = None) -> list[Delivery]:
        """Every delivery of the site, or those in these states, in the order they are due."""
        where = [deliveries.c.site == self.site]
        if states is not None:
            where.append(deliveries.c.state.in_([s.value for s in states]))
        with self._reading() as c:
            found = c.execute(
                select(deliveries)
                .where(*where)
                .order_by(deliveries.c.due, deliveries.c.seq, deliveries.c.id)
            )
            return [rows.to_delivery(row) for row in found]

    def survey(self, subjects: Collection[str]) -> list[Delivery]:
        """What a plan depends on: whole rows of all that waits, and of these subjects the others
        without their texts. As quick in a ledger of a million rows as in one of ten."""
        waiting = self.deliveries(WAITING)
        found = list(waiting)
        names = sorted(subjects)
        d = deliveries.c
        columns = [getattr(d, name) for name in rows.LIGHT]
        with self._reading() as c:
            for start in range(0, len(names), _BATCH):
                some = names[start : start + _BATCH]
                where = (d.site == self.site, d.subject.in_(some))
                done = select(*columns).where(*where, d.state.not_in([s.value for s in WAITING]))
                found += [rows.to_light(row) for row in c.execute(done)]
        return found

    def open(self) -> list[Delivery]:
        """What is not there yet and not given up, and failures that nobody answered."""
        rows = self.deliveries(OPEN_STATES)
        return [d for d in rows if (d.state, d.reason) != (State.FAILED, ANSWERED)]

    def first_shares(self, account: str, now: int) -> list[Delivery]:
        """The first parts of first shares that this target is to get and are due."""
        d = deliveries.c
        with self._reading() as c:
            found = c.execute(
                select(deliveries).where(
                    d.site == self.site,
                    d.account == account,
                    d.state.in_(_CLAIMABLE),
                    d.kind == "share",
                    d.generation == 0,
                    d.part == 0,
                    d.due <= now,
                )
            )
            return [rows.to_delivery(row) for row in found]

    def get(self, id: str) -> Delivery | None:
        with self._reading() as c:
            row = c.execute(select(deliveries).where(_one(self.site, id))).one_or_none()
            return None if row is None else rows.to_delivery(row)

    def baseline(self, account: str, network: str, seen: Sequence[Delivery], now: int) -> bool:
        """Record an account's start: these rows and its baseline, in one transaction. False where
        another process was first; then nothing is written."""
        row = {"site": self.site, "name": account, "network": network, "baseline_at": now}
        with self._writing() as c:
            made = self._inserted(c, targets, row)
            if not made:
                made = (
                    c.execute(
                        _target(self.site, account)
                        .where(targets.c.baseline_at.is_(None))
                        .values(baseline_at=now, network=network)
                    ).rowcount
                    == 1
                )
            if made:
                self._add(c, seen, now, "baseline")
            return made

    def add(self, planned: Sequence[Delivery], now: int) -> int:
        """Insert; what is there already (whoever planned it) stays as it is. How many were new."""
        with self._writing() as c:
            return self._add(c, planned, now, "planned")

    def _add(self, c: Connection, new: Sequence[Delivery], now: int, event: str) -> int:
        added = 0
        for chunk in _chunks([{"site": self.site, **rows.delivery_columns(d)} for d in new]):
            statement = self._insert(deliveries).values(chunk).on_conflict_do_nothing()
            fresh = c.execute(statement.returning(deliveries.c.id)).scalars().all()
            states = {row["id"]: row["state"] for row in chunk}
            log = [self._log(id, now, None, states[id], 0, event, None) for id in fresh]
            if log:
                c.execute(insert(history), log)
            added += len(fresh)
        return added

    # --- moves ------------------------------------------------------------------------------

    def claim(
        self, account: str, owner: str, now: int, lease_until: int, only: Collection[str] | None
    ) -> Delivery | None:
        """The next due delivery of this target, claimed for `owner`; None where there is none, or
        one is already under way. `only`: of these subjects. `frozen` of the answer is as it was
        before: False means that its draft is to be composed for the last time now."""
        with self._writing() as c:
            picked = c.execute(self._next_due(account, now, only)).one_or_none()
            if picked is None:
                return None
            id, frozen = picked
            moved = (
                update(deliveries)
                .where(_one(self.site, id), deliveries.c.state.in_(_CLAIMABLE))
                .values(
                    state=State.CLAIMED.value,
                    fence=deliveries.c.fence + 1,
                    owner=owner,
                    lease_until=lease_until,
                    frozen=True,
                    updated_at=now,
                )
                .returning(*deliveries.c)
            )
            try:
                row = c.execute(moved).one_or_none()
            except IntegrityError:
                c.rollback()
                return None
            if row is None:
                return None
            c.execute(
                insert(history), self._log(id, now, None, "claimed", row.fence, "claimed", owner)
            )
            return replace(rows.to_delivery(row), frozen=frozen)

    def claim_unknown(
        self, account: str, owner: str, now: int, lease_until: int
    ) -> Delivery | None:
        """An unknown delivery of this target whose next look is due, for `owner` to settle. Its
        last owner stays named in the answer (it may be alive and standing still)."""
        d = deliveries.c
        with self._writing() as c:
            pick = (
                select(d.id)
                .where(
                    d.site == self.site,
                    d.account == account,
                    d.state == State.UNKNOWN.value,
                    d.needs_person.is_(False),
                    d.due <= now,
                    or_(d.lease_until.is_(None), d.lease_until <= now),
                )
                .order_by(d.due, d.seq)
                .limit(1)
            )
            if self._engine.dialect.name == "postgresql":
                pick = pick.with_for_update(skip_locked=True)
            id = c.execute(pick).scalar_one_or_none()
            if id is None:
                return None
            row = c.execute(
                update(deliveries)
                .where(_one(self.site, id), d.state == State.UNKNOWN.value)
                .values(fence=d.fence + 1, lease_until=lease_until, updated_at=now)
                .returning(*deliveries.c)
            ).one_or_none()
            return None if row is None else rows.to_delivery(row)

    def move(
        self,
        seen: Delivery,
        state: State,
        values: Mapping[str, Any],
        *,
        now: int,
        event: str,
        detail: str | None = None,
        wait: tuple[int, str, str | None] | None = None,
        clear_wait: bool = False,
    ) -> Delivery:
        """One guarded step: id, state and fence must still be those of `seen`, else LostLease.
        The target's wait and the history row are in the same transaction."""
        with self._writing() as c:
            row = c.execute(
                update(deliveries)
                .where(
                    _one(self.site, seen.id),
                    deliveries.c.state == seen.state.value,
                    deliveries.c.fence == seen.fence,
                )
                .values(**rows.to_columns(values), state=state.value, updated_at=now)
                .returning(*deliveries.c)
            ).one_or_none()
            if row is None:
                raise LostLease(msg("delivery {id} is in other hands", id=seen.id))
            if wait is not None:
                self._wait(c, seen.account, seen.network, *wait)
            elif clear_wait:
                self._wait(c, seen.account, seen.network, None, None, None)
            if state is State.FAILED:
                self._end_thread(c, seen, now)
            c.execute(
                insert(history),
                self._log(seen.id, now, seen.state.value, state.value, seen.fence, event, detail),
            )
            return rows.to_delivery(row)

    def _end_thread(self, c: Connection, ended: Delivery, now: int) -> None:
        """When a part cannot be sent, the later ones are not sent either, and it is shown."""
        d = deliveries.c
        rest = c.execute(
            update(deliveries)
            .where(
                d.site == self.site,
                d.subject == ended.subject,
                d.account == ended.account,
                d.kind == ended.kind,
                d.generation == ended.generation,
                d.part > ended.part,
                d.state.in_([State.PLANNED.value, State.HELD.value, State.RETRY.value]),
            )
            .values(state=State.CANCELLED.value, reason="thread", updated_at=now)
            .returning(d.id, d.fence)
        ).all()
        for row in rest:
            log = self._log(row.id, now, None, State.CANCELLED.value, row.fence, "thread", ended.id)
            c.execute(insert(history), log)

    def compose_anew(self, drafts: Sequence[tuple[Delivery, Mapping[str, Any]]], now: int) -> None:
        """New drafts and places of deliveries that have not moved since they were read."""
        with self._writing() as c:
            for delivery, values in drafts:
                c.execute(
                    update(deliveries)
                    .where(
                        _one(self.site, delivery.id),
                        deliveries.c.state == delivery.state.value,
                        deliveries.c.fence == delivery.fence,
                    )
                    .values(**rows.to_columns(values), updated_at=now)
                )

    def freeze(self, delivery: Delivery, draft: Mapping[str, Any], now: int) -> None:
        """The last draft of a share, for all its parts."""
        d = deliveries.c
        with self._writing() as c:
            c.execute(
                update(deliveries)
                .where(
                    d.site == self.site,
                    d.subject == delivery.subject,
                    d.account == delivery.account,
                    d.kind == delivery.kind,
                    d.generation == delivery.generation,
                )
                .values(**rows.to_columns({"draft": draft}), updated_at=now, frozen=True)
            )

    def receipts(self, delivery: Delivery, since: int) -> set[str]:
        """Remote ids on this account that belong to other deliveries sent after `since`."""
        d = deliveries.c
        with self._reading() as c:
            found = c.execute(
                select(d.remote_id).where(
                    d.site == self.site,
                    d.account == delivery.account,
                    d.id != delivery.id,
                    d.remote_id.is_not(None),
                    d.sent_at >= since,
                )
            )
            return set(found.scalars())

    def next_due(self, account: str, states: Collection[State]) -> int | None:
        """When the next delivery of this target in these states is due."""
        d = deliveries.c
        with self._reading() as c:
            return c.execute(
                select(func.min(d.due)).where(
                    d.site == self.site,
                    d.account == account,
                    d.state.in_([s.value for s in states]),
                    d.needs_person.is_(False),
                )
            ).scalar_one_or_none()

    def rename_target(self, before: str, after: str) -> None:
        """An account has a new name (`was`): its rows follow, where the new name has none yet."""
        with self._writing() as c:
            if c.execute(
                select(targets.c.name).where(targets.c.site == self.site, targets.c.name == after)
            ).first():
                return
            c.execute(_target(self.site, before).values(name=after))
            c.execute(
                update(deliveries)
                .where(deliveries.c.site == self.site, deliveries.c.account == before)
                .values(account=after)
            )

    def parents(self, delivery: Delivery) -> list[Delivery]:
        """The earlier parts of the same thread, in order."""
        d = deliveries.c
        with self._reading() as c:
            found = c.execute(
                select(deliveries)
                .where(
                    d.site == self.site,
                    d.subject == delivery.subject,
                    d.account == delivery.account,
                    d.kind == delivery.kind,
                    d.generation == delivery.generation,
                    d.part < delivery.part,
                )
                .order_by(d.part)
            )
            return [rows.to_delivery(row) for row in found]

    def log(self, id: str) -> list[Mapping[str, Any]]:
        """The whole history of one delivery, oldest first."""
        with self._reading() as c:
            found = c.execute(
                select(history)
                .where(history.c.site == self.site, history.c.delivery == id)
                .order_by(history.c.n)
            )
            return [dict(row._mapping) for row in found]

    # --- helpers ----------------------------------------------------------------------------

    def _next_due(self, account: str, now: int, only: Collection[str] | None) -> Any:
        d, o = deliveries.c, _OLDER.c
        same = and_(o.site == self.site, o.account == account)
        thread = and_(
            same,
            o.subject == d.subject,
            o.kind == d.kind,
            o.generation == d.generation,
            o.part < d.part,
        )
        where: list[ColumnElement[bool]] = [
            d.site == self.site,
            d.account == account,
            d.state.in_(_CLAIMABLE),
            d.due <= now,
            ~exists().where(same, o.state.in_(_IN_FLIGHT)),
            ~exists().where(thread, o.state != State.SENT.value),
        ]
        if only is not None:
            where.append(d.subject.in_(sorted(only)))
        pick = select(d.id, d.frozen).where(*where).order_by(d.due, d.seq, d.id).limit(1)
        # A row that another process has locked is in its hands: skipping it would break the order,
        # waiting for it would stop this target; the in-flight rule above decides after the wait.
        return pick.with_for_update() if self._engine.dialect.name == "postgresql" else pick

    def _wait(
        self,
        c: Connection,
        name: str,
        network: str,
        until: int | None,
        reason: str | None,
        paused: str | None,
    ) -> None:
        wait = _wait_columns(until, reason, paused)
        row = {"site": self.site, "name": name, "network": network, **wait}
        statement = self._insert(targets).values(row)
        c.execute(statement.on_conflict_do_update(index_elements=["site", "name"], set_=wait))

    def _inserted(self, c: Connection, table: Table, row: Mapping[str, Any]) -> bool:
        """Insert a row unless its key is there. (psycopg counts no rows of such an insert.)"""
        statement = self._insert(table).values(row).on_conflict_do_nothing()
        return c.execute(statement.returning(*table.primary_key)).first() is not None

    def _insert(self, table: Any) -> Any:
        dialect = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        return dialect.insert(table)

    def _log(
        self,
        id: str,
        now: int,
        before: str | None,
        after: str,
        fence: int,
        event: str,
        detail: str | None,
    ) -> dict[str, Any]:
        kept = None if detail is None else rows.clean(detail)
        return {
            "site": self.site,
            "delivery": id,
            "at": now,
            "before": before,
            "after": after,
            "fence": fence,
            "event": event,
            "detail": kept,
        }

    @contextmanager
    def together(self) -> Iterator[None]:
        """All that is written within is one transaction, and no two of a site run at once."""
        with self._writing() as c:
            if not self._is_sqlite:
                lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:site, 1))")
                c.execute(lock, {"site": self.site})
            self._here.connection = c
            try:
                yield
            finally:
                self._here.connection = None

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        within: Connection | None = getattr(self._here, "connection", None)
        if within is not None:
            yield within
            return
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise opening.unavailable(self._engine.url, error) from error

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self._engine.connect().execution_options(bot_reads=True) as connection:
                yield connection
        except SQLAlchemyError as error:
            raise opening.unavailable(self._engine.url, error) from error


def open_ledger(
    url: str,
    root: Path,
    site: str,
    clock: Clock,
    *,
    address: str,
    named: bool,
    readonly: bool = False,
    own_clock: bool | None = None,
) -> Ledger | None:
    """The ledger at `url` for `site`, its schema brought to HEAD. `named`: the id stands in the
    configuration (else it was made from `address`, and must then be known or the first).
    `own_clock`: compare times with `clock` and not with the server's (default: on SQLite).

    Read-only answers None where there is no ledger yet. Raises ConfigError where the address no
    longer matches, StoreUnavailable where the store cannot be used.
    """
    engine = opening.open_engine(url, root, readonly=readonly)
    if engine is None:
        return None
    if not readonly:
        opening.migrate(engine)
    elif opening.revision(engine) != opening.HEAD:
        engine.dispose()
        return None
    owners: Owners
    if engine.dialect.name == "postgresql":
        owners = SessionOwners(engine)
    else:
        owners = FileOwners(Path(str(engine.url.database)).parent / "locks")
    sqlite = engine.dialect.name == "sqlite"
    ledger = Ledger(
        engine, site, clock, owners, own_clock=sqlite if own_clock is None else own_clock
    )
    if not named and sqlite:
        _check_site(ledger, address)
    return ledger


def _check_site(ledger: Ledger, address: str) -> None:
    kept = ledger.sites()
    if not kept or ledger.site in kept:
        return
    lone = kept[0]
    raise ConfigError(
        msg(
            "this ledger belongs to the site {id}, and site.url is now {url}",
            id=lone,
            url=address,
        ),
        code="other-site",
        key="site.url",
        hint=msg('if it is the same site under a new address, add to [site]: id = "{id}"', id=lone),
    )


def _one(site: str, id: str) -> ColumnElement[bool]:
    return and_(deliveries.c.site == site, deliveries.c.id == id)


def _target(site: str, name: str) -> Any:
    return update(targets).where(targets.c.site == site, targets.c.name == name)


def _wait_columns(until: int | None, reason: str | None, paused: str | None) -> dict[str, Any]:
    return {"wait_until": until, "wait_reason": reason, "paused": paused}


def _chunks(values: Sequence[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    for start in range(0, len(values), _BATCH):
        yield values[start : start + _BATCH]
