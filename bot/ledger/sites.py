"""What is remembered of the site, its articles and its targets."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any, Literal

from sqlalchemy import (
    Connection,
    case,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from bot.ledger import engine as opening
from bot.ledger import notify, rows
from bot.ledger.base import Store, target
from bot.ledger.tables import articles, deliveries, history, sites, targets
from bot.model import Article, Delivery, Target, TextLimit

Lease = Literal["ours", "other", "older"]
_FOLLOWS = ("path", "url", "title", "content_hash", "sketch", "changed_at", "gone_at")


class Sites(Store):
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

    def looked_at(self) -> int | None:
        """When this site was last planned for, or something of it last moved; None: never."""
        h = history.c
        planned = select(sites.c.plan_until).where(sites.c.id == self.site)
        moved = select(h.at).where(h.site == self.site).order_by(h.n.desc()).limit(1)
        with self._reading() as c:
            return c.execute(planned).scalar() or c.execute(moved).scalar()

    def announce(self) -> None:
        """Wake the other processes of this site, where the store can."""
        try:
            notify.announce(self._engine, self.site)
        except SQLAlchemyError as error:
            raise opening.unavailable(self._engine.url, error) from error

    def listen(self, on_news: Callable[[], None], stop: threading.Event) -> None:
        """Call `on_news` when another process of this site has announced something."""
        notify.listen(self._engine, self.site, on_news, stop, self._clock)

    def articles(self) -> list[Article]:
        with self._reading() as c:
            found = c.execute(
                select(*(articles.c[name] for name in rows.ARTICLE))
                .where(articles.c.site == self.site)
                .order_by(articles.c.id)
            )
            return [rows.to_article(row) for row in found]

    def save_articles(self, changed: Iterable[Article]) -> None:
        """Insert or replace. An article's id, guid and first_seen never change once written."""
        values = [{"site": self.site, **rows.article_columns(a)} for a in changed]
        if not values:
            return
        statement = self._insert(articles)
        kept = {name: statement.excluded[name] for name in _FOLLOWS}
        now = statement.excluded
        seen = func.coalesce(articles.c.live_at, now["live_at"])
        once = {
            "first_visible": func.coalesce(articles.c.first_visible, now["first_visible"]),
            # A page at another address is another page.
            "live_at": case((articles.c.url == now["url"], seen), else_=now["live_at"]),
        }
        with self._writing() as c:
            # One statement for each row, prepared once: a tenth of the time of one for many rows.
            c.execute(
                statement.on_conflict_do_update(
                    index_elements=["site", "id"], set_={**kept, **once}
                ),
                values,
            )

    def set_live(self, subject: str, url: str, now: int) -> None:
        """The page of this article at this address is online."""
        a = articles.c
        mine = (a.site == self.site, a.subject == subject, a.url == url, a.live_at.is_(None))
        with self._writing() as c:
            c.execute(update(articles).where(*mine).values(live_at=now))

    def targets(self) -> dict[str, Target]:
        with self._reading() as c:
            found = c.execute(select(targets).where(targets.c.site == self.site))
            return {row.name: rows.to_target(row) for row in found}

    def set_remote_id(self, name: str, remote_id: str) -> bool:
        """Whose login it is, at the first one; False where it was another's before."""
        free = or_(targets.c.remote_id.is_(None), targets.c.remote_id == remote_id)
        with self._writing() as c:
            changed = c.execute(target(self.site, name).where(free).values(remote_id=remote_id))
            return changed.rowcount == 1

    def set_wait(self, name: str, until: int, reason: str, paused: str | None) -> None:
        """This target makes no call before `until`."""
        with self._writing() as c:
            c.execute(target(self.site, name).values(**_wait_columns(until, reason, paused)))

    def learn(self, seen: Delivery, limit: TextLimit) -> None:
        """Remember how the server of this target says that it counts."""
        with self._writing() as c:
            text = json.dumps(asdict(limit), sort_keys=True)
            where = (targets.c.learnt.is_distinct_from(text),)
            c.execute(target(self.site, seen.account).where(*where).values(learnt=text))

    def clear_wait(self, name: str, now: int) -> None:
        """A person's word: try this target again, and what waited for it, now."""
        d = deliveries.c
        mine = (d.site == self.site, d.account == name, d.state == "retry", d.due > now)
        with self._writing() as c:
            c.execute(target(self.site, name).values(**_wait_columns(None, None, None)))
            c.execute(update(deliveries).where(*mine).values(due=now))

    def rename_target(self, before: str, after: str) -> None:
        """An account has a new name (`was`): its rows follow, where the new name has none yet."""
        with self._writing() as c:
            if c.execute(
                select(targets.c.name).where(targets.c.site == self.site, targets.c.name == after)
            ).first():
                return
            c.execute(target(self.site, before).values(name=after))
            c.execute(
                update(deliveries)
                .where(deliveries.c.site == self.site, deliveries.c.account == before)
                .values(account=after)
            )

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


def _wait_columns(until: int | None, reason: str | None, paused: str | None) -> dict[str, Any]:
    return {"wait_until": until, "wait_reason": reason, "paused": paused}
