"""One turn: scan, plan, send what is due, end. The plan can be looked at without doing it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from zoneinfo import ZoneInfo

from bot.app.asked import Refusal, Request, named_posts
from bot.app.branch import changing
from bot.app.doubts import settled
from bot.app.live import Pages, unseen, waiting, waits
from bot.app.old_ledger import doubt
from bot.app.orphans import is_orphan
from bot.app.owners import check_owner
from bot.app.shrunk import note
from bot.app.timing import Turn, When, forecast, zone_of
from bot.app.unfinished import written
from bot.app.wiring import App, Site
from bot.config import parse_duration
from bot.content.identity import unread_article
from bot.errors import ConfigError, LostLease, Transient, UsageError
from bot.i18n import Message, msg
from bot.ledger.store import Lease, Ledger
from bot.model import Article, Delivery, Draft, Post, State
from bot.outbox.dispatcher import Dispatcher, Outfit
from bot.outbox.old_ledger import held_back
from bot.outbox.plan import BASELINE, Plan, View, plan, share_row, subject_of
from bot.outbox.reshare import is_again, with_template
from bot.outbox.states import asks, check, load, micros
from bot.settings import Account

Report = Callable[[Delivery], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a turn would do, from one reading of content and ledger."""

    site: Site
    plan: Plan
    existing: tuple[Delivery, ...]
    named: frozenset[str]
    refused: tuple[Refusal, ...]
    again: datetime | None = None

    def would_send(self, accounts: Sequence[Account]) -> list[tuple[str, str]]:
        """(post id, account) of all that would go out, in order."""
        names = {a.name for a in accounts}
        rows = [d for d in self.planned() if d.state in (State.PLANNED, State.RETRY)]
        rows += waiting(self.planned())
        pairs = ((d.subject, d.account) for d in rows if d.account in names and d.part == 0)
        return list(dict.fromkeys(pairs))

    def planned(self) -> list[Delivery]:
        """The rows as they stand after the plan, new ones first."""
        moved = {
            d.id: replace(d, state=m.state, reason=m.values.get("reason", d.reason))
            for d, m in self.plan.moves
        }
        new = chain(*self.plan.baselines.values(), self.plan.new)
        return [*new, *(moved.get(d.id, d) for d in self.existing)]

    def not_taken(self) -> list[str]:
        """Posts that a person asked for and no account takes."""
        begun = chain.from_iterable(self.plan.baselines.values())
        left = self.named - {d.subject for d in chain(self.existing, self.plan.new, begun)}
        return [p.path for p in self.site.posts if p.visible and subject_of(p) in left]


@dataclass(slots=True, kw_only=True)
class Result:
    """What a turn did. `waiting`: nothing was done because `--all` needs a yes: how many."""

    outlook: Outlook
    baselines: Mapping[str, int] = field(default_factory=dict)
    first_run: bool = False
    lease: Lease = "ours"
    failed: list[Delivery] = field(default_factory=list)
    sent: list[Delivery] = field(default_factory=list)
    already: list[Delivery] = field(default_factory=list)
    not_live: list[Delivery] = field(default_factory=list)
    later: list[tuple[Delivery, Turn]] = field(default_factory=list)
    zones: Mapping[str, ZoneInfo] = field(default_factory=dict)
    not_ready: Mapping[str, Message] = field(default_factory=dict)
    paused: Mapping[str, Message] = field(default_factory=dict)
    orphans: list[Delivery] = field(default_factory=list)
    waiting: int | None = None
    needs_person: bool = False

    @property
    def exit_code(self) -> int:
        """1 something failed, 3 a person is needed, 0 well or waiting."""
        problems = any(p.post_lost for p in self.outlook.site.problems)
        if (
            self.failed
            or self.outlook.refused
            or self.not_ready
            or problems
            or not self.outlook.site.readable
        ):
            return 1
        return 3 if self.needs_person or self.waiting else 0


def agree_first_run(app: App, *, agreed: bool) -> bool:
    """A missing ledger is no first run by itself. True where the row was written now.
    Raises ConfigError (exit 2) where nobody has agreed. Asked only where something can be sent."""
    if not app.active():
        return False
    if app.ledger.first_run_at() is not None:
        return False
    if agreed:
        return app.ledger.agree_first_run(app.config.site.url, app.ledger.now())
    raise ConfigError(
        msg("there is no ledger for this site yet: either this is the first run, or it was lost"),
        code="no-ledger",
        path=app.config.file,
        line=app.config.lines.get("state.url") or app.config.lines.get("state"),
        hint=msg(
            "first run: add --first-run, and the posts of now count as already seen; "
            "lost: put your backup of the ledger back (otherwise posts may be missed)"
        ),
    )


def outlook(app: App, ledger: Ledger | None, request: Request) -> Outlook:
    """Read content and ledger and plan, writing nothing. Raises UsageError for an account that is
    not configured."""
    if request.account is not None and app.account(request.account) is None:
        names = ", ".join(a.name for a in app.accounts) or "–"
        raise UsageError(
            msg("there is no account {name}", name=request.account),
            code="no-account",
            hint=msg("the accounts are: {names}", names=names),
        )
    site = app.scan(ledger.articles() if ledger else ())
    named, refused = named_posts(app, site, request)
    subjects = {subject_of(post) for post in site.posts}
    edited, gone = _edited(app, site), _gone(app, site, subjects)
    asked = {*subjects, *site.doubtful.values()}
    existing = tuple(ledger.survey(asked, {*edited, *gone})) if ledger else ()
    site = settled(site, existing)
    targets = ledger.targets() if ledger else {}
    app.learnt = {name: t.learnt for name, t in targets.items() if t.learnt is not None}
    started = {name for name, t in targets.items() if t.baseline_at is not None}
    old = doubt(app, ledger, named)
    # An old copy is in use again with the first account that is planned for: all that it concerns
    # are planned for at once.
    concerned = started & old.accounts if old else frozenset()
    accounts = [a for a in app.active() if request.account in (None, a.name) or a.name in concerned]
    patient = request.patient and all(a.name in started for a in accounts)
    posts, again = written(site.posts, app.now()) if patient else (site.posts, None)
    moment = ledger.now() if ledger else micros(app.now())
    when = When(app, moment)

    def compose(post: Post, account: Account) -> Draft:
        when.said_at(account, post)
        return app.compose(post, account)

    view = View(
        site=app.site_id,
        posts=posts,
        accounts=accounts if site.readable else (),
        existing=existing if site.readable else (),
        baselined=started,
        compose=compose,
        flood=app.config.publish.flood,
        now=moment,
        now_asked=request.now,
        cost=app.micros,
        priority=when.priority,
        at=when.at,
        max_age=when.max_age if request.may_expire else lambda account: None,
        room=when.room,
        looked_at=ledger.looked_at() if ledger else None,
        unreadable=site.unreadable,
        doubtful=site.doubtful,
        named=named,
        choose=app.choose,
        whole=edited,
        edits={a.name for a in accounts if app.edits(a)},
        retracts={a.name for a in accounts if app.retracts(a)},
        gone=gone,
        unseen=unseen(app, site.articles, existing),
        waits=waits(app),
    )
    made = plan(view)
    return Outlook(
        site=site,
        plan=held_back(made, existing, old) if old else made,
        existing=existing,
        named=named,
        refused=refused,
        again=again,
    )


def take_turn(app: App, request: Request, report: Report = lambda delivery: None) -> Result:
    """`bot post`. Raises ConfigError, UsageError, StoreUnavailable."""
    told: dict[str, Delivery] = {}

    def noted(delivery: Delivery) -> None:
        told[delivery.id] = delivery
        report(delivery)

    result = _take_turn(app, request, noted)
    # On a branch a turn may take several rounds: what an earlier one sent was sent.
    result.sent = [d for d in told.values() if d.state is State.SENT]
    result.failed = [d for d in told.values() if d.state is State.FAILED]
    return result


@changing
def _take_turn(app: App, request: Request, report: Report) -> Result:
    first = agree_first_run(app, agreed=request.first_run)
    if not app.active() and not app.hubs:
        return Result(outlook=outlook(app, app.peek(), request))
    ledger = app.ledger
    rename_accounts(app)
    seen = outlook(app, ledger, request)
    note(app, seen.site)
    accounts = [a for a in app.active() if request.account in (None, a.name)]
    count = len(seen.would_send(accounts))
    if request.all and not request.yes and count:
        return Result(outlook=seen, waiting=count, first_run=first)
    ledger.owners.hold(app.world.owner)
    asked = request.names_posts or request.all
    person = asked or request.account is not None
    lease: Lease = "ours" if asked else app.planning()
    result = Result(outlook=seen, first_run=first, lease=lease)
    asked_for = app.account(request.account) if request.account else None
    if asked_for is not None and asked_for not in app.active():
        why = app.missing(asked_for) if asked_for.enabled else msg("it is disabled")
        result.not_ready = {asked_for.name: why or msg("not built yet")}
        return result
    if lease == "ours":
        result.baselines = carry_out(app, seen)
    result.already = _already(ledger, seen.named, accounts) if request.names_posts else []
    if person:
        _clear_pauses(ledger, accounts)
    _send(app, request, seen, accounts, result, report)
    _conclude(app, ledger, result, accounts)
    return result


def carry_out(app: App, seen: Outlook) -> dict[str, int]:
    """Write the plan, in one transaction. What another process did meanwhile stays as it is.
    Answers how many posts each account's baseline took."""
    ledger, now = app.ledger, app.ledger.now()
    if not seen.site.readable:
        return {}
    changed = list(seen.site.changed)
    if not seen.site.shrunk:
        fresh = (article for article in seen.site.missing if article.gone_at is None)
        changed += [replace(article, gone_at=now) for article in fresh]
    unread = _unread_articles(app, seen, now) if seen.plan.baselines else []
    if not (changed or unread or seen.plan.changes_something):
        return {}
    with ledger.together():
        ledger.save_articles([*changed, *unread])
        counts = _take_baselines(app, seen, unread, now)
        ledger.add(seen.plan.new, now)
        for delivery, move in seen.plan.moves:
            check(delivery.state, move.state)
            with contextlib.suppress(LostLease):
                ledger.move(
                    delivery, move.state, move.values, now=now, event=move.event, detail=move.detail
                )
        ledger.compose_anew(seen.plan.anew, now)
    if seen.plan.changes_something:
        ledger.announce()
    return counts


def _take_baselines(app: App, seen: Outlook, unread: Sequence[Article], now: int) -> dict[str, int]:
    counts: dict[str, int] = {}
    for account, rows in seen.plan.baselines.items():
        found = app.account(account)
        assert found is not None
        all_rows = [*rows, *(_unread_row(app, found, article, now) for article in unread)]
        if app.ledger.baseline(account, found.network, all_rows, now):
            counts[account] = sum(d.state is State.SKIPPED for d in all_rows)
    return counts


def make_dispatcher(
    app: App, posts: Callable[[], Sequence[Post]], stop: threading.Event, report: Report
) -> Dispatcher:
    """The dispatcher of this app. `posts`: those of the newest scan, for the last composing."""

    def compose(delivery: Delivery, link: bool) -> Draft | None:
        post = next((p for p in posts() if p.path == delivery.path and p.visible), None)
        account = app.account(delivery.account)
        if post is None or account is None:
            return None
        if account.reshare and _is_again(app.ledger, delivery):
            account = with_template(account, post)
        return app.compose(post, account, link=link)

    return Dispatcher(
        Outfit(
            ledger=app.ledger,
            poster=app.poster,
            compose=compose,
            policy=app.policy,
            owner=app.world.owner,
            clock=app.world.clock,
            jitter=app.world.jitter,
            stop=stop,
            report=report,
            known=lambda name: check_owner(app, name),
            adopt=lambda name: account.adopt if (account := app.account(name)) else 0,
            pace=app.pace,
            cost=app.micros,
            reached=app.world.reached,
            before_call=_announced(app, stop),
        )
    )


def _announced(app: App, stop: threading.Event) -> Callable[[Delivery], None]:
    """Where the ledger lives on a branch, the branch says so before each call; when others have
    changed it, nothing more is called from the old view."""

    def before_call(delivery: Delivery) -> None:
        if app.bench is not None:
            try:
                app.bench.before_call(delivery)
            except LostLease:
                stop.set()
                raise

    return before_call


def _is_again(ledger: Ledger, delivery: Delivery) -> bool:
    """Whether a rule made this share, and not a person."""
    from bot.ledger.lookups import deliveries_of

    rows = deliveries_of(ledger, [delivery.subject], delivery.account)
    earlier = (delivery.kind, delivery.generation - 1, delivery.part)
    before = (row for row in rows if (row.kind, row.generation, row.part) == earlier)
    return is_again(delivery, next(before, None))


def rename_accounts(app: App) -> None:
    """Accounts that have a new name (`was`) keep their history."""
    for account in app.active():
        for earlier in account.was:
            app.ledger.rename_target(earlier, account.name)


def _edited(app: App, site: Site) -> set[str]:
    """Articles that have changed since they were first seen, where an account wants edits."""
    if not any(app.edits(a) for a in app.active()):
        return set()
    return {a.subject or a.id for a in site.articles if a.changed_at is not None}


def _gone(app: App, site: Site, present: Collection[str]) -> dict[str, int]:
    """Articles whose files are away, and since when, where an account takes back what it shared."""
    wanted = any(app.retracts(a) for a in app.active())
    if not wanted or not site.readable or site.shrunk:
        return {}
    return {
        a.subject or a.id: a.gone_at
        for a in site.missing
        if a.gone_at is not None and (a.subject or a.id) not in present
    }


def _send(
    app: App,
    request: Request,
    seen: Outlook,
    accounts: Sequence[Account],
    result: Result,
    report: Report,
) -> None:
    """What is due; then what is due once its page is there."""
    stop = threading.Event()
    lock = threading.Lock()

    def told(delivery: Delivery) -> None:
        with lock:
            if delivery.state is State.SENT:
                result.sent.append(delivery)
            elif delivery.state is State.FAILED:
                result.failed.append(delivery)
            report(delivery)

    ready = [a.name for a in accounts if app.missing(a) is None]
    only = None if request.all or not request.names_posts else seen.named
    if only is None and request.account is None:
        ready += app.hubs
    dispatcher = make_dispatcher(app, lambda: seen.site.posts, stop, told)
    try:
        dispatcher.turn(ready, only=only)
        for freed in _pages(app, seen, only, ready, stop):
            if freed:
                dispatcher.turn(ready, only=only)
    except KeyboardInterrupt:
        stop.set()
        raise


def _pages(
    app: App,
    seen: Outlook,
    only: Collection[str] | None,
    ready: Collection[str],
    stop: threading.Event,
) -> Iterator[list[Delivery]]:
    """What a look at the pages frees: once at all, then at those of new posts for a while."""
    pages = Pages(app, stop)
    yield from pages.rounds(only)
    new = {d.subject for d in waiting(seen.planned())} - {d.subject for d in waiting(seen.existing)}
    seconds = parse_duration(app.config.publish.live_wait).total_seconds()
    yield from pages.awaited(new | seen.named, ready, seconds)


def _conclude(app: App, ledger: Ledger, result: Result, accounts: Sequence[Account]) -> None:
    rows = ledger.open()
    due = {d.account for d in rows if d.state in (State.PLANNED, State.RETRY)}
    missing = {a.name: app.missing(a) for a in accounts if a.name in due}
    result.not_ready = {name: why for name, why in missing.items() if why is not None}
    held = result.outlook.site.shrunk or any(asks(d) for d in rows)
    names = {a.name for a in accounts}
    result.not_live = [d for d in waiting(rows) if d.account in names and d.part == 0]
    turns = forecast(app, ledger, rows, ledger.now())
    ready = names - set(result.not_ready)
    result.zones = {a.name: zone_of(app, a) for a in accounts}
    result.later = [(d, turns[d.id]) for d in rows if d.id in turns and d.account in ready]
    known = {*(a.name for a in app.accounts), *app.hubs}
    targets = [t for t in ledger.targets().values() if t.name in known]
    result.paused = {t.name: why for t in targets if (why := load(t.paused))}
    result.orphans = [d for d in rows if is_orphan(app, d)]
    result.needs_person = held or bool(result.paused or result.orphans)


def _clear_pauses(ledger: Ledger, accounts: Sequence[Account]) -> None:
    """A person's word tries an account that waits once more."""
    targets = ledger.targets()
    for account in accounts:
        target = targets.get(account.name)
        if target is not None and (target.paused or target.wait_reason == Transient.code):
            ledger.clear_wait(account.name, ledger.now())


def _already(ledger: Ledger, named: frozenset[str], accounts: Sequence[Account]) -> list[Delivery]:
    names = {a.name for a in accounts}
    told = {State.SENT, State.FAILED, State.SKIPPED, State.CANCELLED, State.HELD}
    rows = ledger.deliveries(told) if named else []
    kept = [d for d in rows if d.subject in named and d.account in names and d.part == 0]
    again = {d.id for d in waiting(kept)}
    return [d for d in kept if d.id not in again]


def _unread_articles(app: App, seen: Outlook, now: int) -> list[Article]:
    known = set(seen.site.unreadable.values())
    taken = {a.id for a in seen.site.articles} | set(seen.site.unreadable)
    lost = sorted({p.path for p in seen.site.problems if p.post_lost} - known)
    return [unread_article(path, app.site_id, now, taken) for path in lost]


def _unread_row(app: App, account: Account, article: Article, now: int) -> Delivery:
    return share_row(
        app.site_id, now, account, article.id, article.path, "", 0, State.SKIPPED, BASELINE
    )
