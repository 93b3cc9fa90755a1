"""The dry run and the preview: exactly what would be sent, without a socket and without a write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from zoneinfo import ZoneInfo

from bot.app.asked import Refusal, Request, newest, spellings
from bot.app.checks import line_in_matter
from bot.app.report import error_of, moment
from bot.app.timing import clock_time, forecast, turn_words, zone_of
from bot.app.turn import Outlook, outlook
from bot.app.wiring import App
from bot.errors import DraftError
from bot.i18n import Message, msg
from bot.model import Delivery, Draft, Post, Replay, State
from bot.outbox.changes import EDIT, RETRACT, SHARE
from bot.outbox.drafts import draft_from
from bot.outbox.plan import DRAFT_ERROR, NOT_TAKEN, subject_of
from bot.outbox.states import micros
from bot.posters.registry import NETWORKS
from bot.settings import Account
from bot.words import reason, why_not

LANGUAGE, NO_ACCOUNT, NO_TEXT = "language", "no-account", "no-text"

_WHY = {
    State.SENT: "sent",
    State.FAILED: "failed",
    State.UNKNOWN: "unknown",
    State.SENDING: "unknown",
    State.CLAIMED: "waiting",
    State.RETRY: "waiting",
    State.PLANNED: "waiting",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One draft as it would go out, or why there is none: an error, or the account does not take
    the post. `sends` is False for accounts that only show: disabled, or on a network that is not
    built yet. `when` it goes out, or why it does not. `cost` is in US dollars; `lost`: how a lost
    answer would be settled."""

    post: Post
    account: Account
    draft: Draft | None
    error: DraftError | None
    example: bool
    sends: bool
    when: Message
    cost: Decimal | None = None
    lost: tuple[Replay, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is out there already and would be edited to these texts, or (None) taken back."""

    delivery: Delivery
    there: str
    texts: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """`skipped`: reason → the paths of the posts that it keeps back."""

    shown: tuple[Shown, ...]
    skipped: Mapping[str, tuple[str, ...]]
    outlook: Outlook
    refused: tuple[Refusal, ...] = ()
    changes: tuple[Change, ...] = ()

    @property
    def cost(self) -> Decimal | None:
        """Of all that is shown; None where nothing costs."""
        costs = [shown.cost for shown in self.shown if shown.cost is not None]
        return sum(costs, Decimal(0)) if costs else None


def dry_run(app: App, request: Request) -> DryRun:
    """What `bot post` with this request would send now. Raises ConfigError, UsageError."""
    look = _Look(app, request)
    pairs = look.pairs
    if request.names_posts:
        pairs = {pair for pair in pairs if pair[0] in look.seen.named}
    due = [s for s in look.in_order({s for s, _ in pairs}) if s in look.articles]
    changes = look.changes()
    example = not due and not changes
    if example:
        asked = [s for s in look.in_order(look.seen.named) if s in look.articles]
        due = (asked if request.names_posts else []) or [
            subject_of(p) for p in newest(look.seen.site.posts, 1)
        ]
    shown = [
        look.show(post, account, example=example)
        for account in look.accounts
        for subject in due
        if example or not look.sends(account) or (subject, account.name) in pairs
        for post in [app.choose(account, look.articles[subject])]
        if post is not None
    ]
    told = set() if example else {s.post.path for s in shown}
    return DryRun(
        shown=tuple(shown), skipped=look.skipped(told), outlook=look.seen, changes=changes
    )


def preview(app: App, paths: Sequence[str], account: str | None) -> DryRun:
    """How these posts would appear, whatever they are: drafts, posts of the future, sent ones.
    Raises ConfigError, UsageError."""
    look = _Look(app, Request(account=account))
    by_path = {post.path: post for post in look.seen.site.posts}
    shown: list[Shown] = []
    refused: list[Refusal] = []
    for path in dict.fromkeys(paths):
        post = next((by_path[p] for p in spellings(app, path) if p in by_path), None)
        if post is not None:
            shown += [look.show(post, account, example=True) for account in look.accounts]
        else:
            refused.append(_no_post(app, look.seen, path))
    return DryRun(shown=tuple(shown), skipped={}, outlook=look.seen, refused=tuple(refused))


def _no_post(app: App, seen: Outlook, path: str) -> Refusal:
    """A file that cannot be read says why."""
    wanted = spellings(app, path)
    problem = next((p for p in seen.site.problems if p.post_lost and p.path in wanted), None)
    if problem is not None:
        return Refusal(path=problem.path, message=problem.message, code=problem.code)
    message = msg("there is no post {path} (bot list shows them all)", path=path)
    return Refusal(path=path, message=message, code="no-such-post")


class _Look:
    """One reading of content and ledger, and what it says of a post on an account."""

    def __init__(self, app: App, request: Request) -> None:
        self.app = app
        ledger = app.peek()
        try:
            self.seen = outlook(app, ledger, request)
            self.rows = _as_planned(self.seen)
            planned = [row for rows in self.rows.values() for row in rows]
            moment = ledger.now() if ledger else micros(app.now())
            self.turns = forecast(app, ledger, planned, moment)
        finally:
            if ledger is not None:
                ledger.close()
        self.accounts = [a for a in app.accounts if request.account in (None, a.name)]
        self.pairs = set(self.seen.would_send([a for a in self.accounts if self.sends(a)]))
        self.first: dict[str, Delivery] = {}
        for (subject, _), rows in self.rows.items():
            self.first.setdefault(subject, rows[0])
        self.articles: dict[str, list[Post]] = {}
        for post in sorted(self.seen.site.posts, key=_age):
            if post.visible:
                self.articles.setdefault(subject_of(post), []).append(post)

    def _zone(self, account: str) -> ZoneInfo:
        return zone_of(self.app, self.app.account(account))

    def sends(self, account: Account) -> bool:
        return account in self.app.active()

    def changes(self) -> tuple[Change, ...]:
        """The edits and removals that would be made."""
        names = {a.name for a in self.accounts if self.sends(a)}
        moved = {row.id: move.state for row, move in self.seen.plan.moves}
        rows = [replace(row, state=moved.get(row.id, row.state)) for row in self.seen.existing]
        there = {
            (r.subject, r.account): r.remote_url or r.remote_id or ""
            for r in rows
            if r.kind == SHARE and r.state is State.SENT and not r.part
        }
        return tuple(
            Change(
                delivery=row,
                there=there.get((row.subject, row.account), ""),
                texts=_texts(row) if row.kind == EDIT else None,
            )
            for row in (*rows, *self.seen.plan.new)
            if row.kind in (EDIT, RETRACT) and row.account in names and not row.part
            if row.state in (State.PLANNED, State.RETRY)
        )

    def in_order(self, subjects: Iterable[str]) -> list[str]:
        place = {subject: n for n, subject in enumerate(self.articles)}
        return sorted(subjects, key=lambda s: (place.get(s, -1), s))

    def show(self, post: Post, account: Account, *, example: bool) -> Shown:
        blank = Shown(
            post=post,
            account=account,
            draft=None,
            error=None,
            example=example,
            sends=self.sends(account),
            when=self.when(post, account),
            lost=NETWORKS[account.network].lost,
        )
        if self._not_taken(post, account):
            return blank
        try:
            draft = self._draft(post, account, example=example)
        except DraftError as error:
            if error.code == "own-text-too-long":
                error.line = line_in_matter(post, ("social", "text"))
            return replace(blank, error=error)
        return replace(blank, draft=draft, cost=self._cost(draft))

    def when(self, post: Post, account: Account) -> Message:
        """When it goes out, as far as is known; else why it does not."""
        if (code := self._not_taken(post, account)) is not None:
            return _NOT_FOR_IT[code]
        if not account.enabled:
            return msg("switched off")
        if (missing := self.app.missing(account)) is not None:
            return msg("not ready: {why}", why=missing)
        if not post.visible:
            return msg("not now: {why}", why=why_not(post))
        row = self._row(post, account)
        return msg("not now: {why}", why=reason(NOT_TAKEN)) if row is None else self._due(row)

    def skipped(self, told: set[str]) -> dict[str, tuple[str, ...]]:
        """Why each other post is not among those to be sent; the first account's reason counts."""
        shown = {subject_of(p) for p in self.seen.site.posts if p.path in told}
        reasons: dict[str, list[str]] = {}
        for post in self.seen.site.posts:
            if post.path not in told:
                code = LANGUAGE if post.visible and subject_of(post) in shown else self._why(post)
                reasons.setdefault(code, []).append(post.path)
        return {code: tuple(sorted(paths)) for code, paths in sorted(reasons.items())}

    def _why(self, post: Post) -> str:
        if post.why_not is not None:
            return post.why_not
        row = self.first.get(subject_of(post))
        if row is not None:
            if row.state is State.HELD and row.reason == DRAFT_ERROR:
                return NO_TEXT
            kept = row.state in (State.HELD, State.SKIPPED, State.CANCELLED)
            return (row.reason or row.state.value) if kept else _WHY[row.state]
        return NOT_TAKEN if any(self.sends(a) for a in self.accounts) else NO_ACCOUNT

    def _not_taken(self, post: Post, account: Account) -> str | None:
        """Why the account does not take it; None where it does."""
        versions = [p for p in self.articles.get(subject_of(post), []) if p.path != post.path]
        chosen = self.app.choose(account, [post, *versions])
        if chosen is None:
            return NOT_TAKEN
        return None if chosen.path == post.path else LANGUAGE

    def _row(self, post: Post, account: Account) -> Delivery | None:
        """Its first part, as it is now or would be."""
        return next(iter(self.rows.get((subject_of(post), account.name), ())), None)

    def _due(self, row: Delivery) -> Message:
        if row.state is State.SENT:
            there = row.remote_url or row.remote_id or ""
            return msg("already there: {link}", link=there)
        if (row.subject, row.account) in self.pairs:
            at = moment(row.due)
            if row.state is State.HELD:
                return msg("as soon as its page is there")
            turn = self.turns.get(row.id)
            if turn is not None:
                return turn_words(turn, self._zone(row.account))
            if row.state is State.PLANNED or at is None or at <= self.app.now():
                return msg("now")
            return msg("again at {time}", time=clock_time(row.due, self._zone(row.account)))
        why = error_of(row) or reason(_WHY.get(row.state, row.reason or row.state.value))
        return msg("not now: {why}", why=why)

    def _draft(self, post: Post, account: Account, *, example: bool) -> Draft:
        row = self._row(post, account)
        if row is not None and row.frozen and row.draft and not example:
            return draft_from(row.draft)
        turn = self.turns.get(row.id) if row is not None and not example else None
        pace = self.app.pace(account.name)
        never = pace is not None and pace.timing.links_per_day == 0
        return self.app.compose(post, account, link=turn.link if turn else not never)

    def _cost(self, draft: Draft) -> Decimal | None:
        return self.app.cost(draft)


_NOT_FOR_IT = {
    NOT_TAKEN: msg("this account does not take it"),
    LANGUAGE: msg("this account takes another language of it"),
}


def _as_planned(seen: Outlook) -> dict[tuple[str, str], list[Delivery]]:
    """The first shares as they would stand after the plan, by article and account; the first part
    first."""
    moved = {row.id: {**move.values, "state": move.state} for row, move in seen.plan.moves}
    moved |= {row.id: dict(values) for row, values in seen.plan.anew}
    rows = [replace(row, **moved.get(row.id, {})) for row in seen.existing]
    rows += [d for group in seen.plan.baselines.values() for d in group]
    found: dict[tuple[str, str], list[Delivery]] = {}
    for row in sorted((*rows, *seen.plan.new), key=lambda d: (-d.generation, d.part)):
        if row.kind == SHARE:
            found.setdefault((row.subject, row.account), []).append(row)
    return found


def _texts(row: Delivery) -> tuple[str, ...]:
    return tuple(part.text for part in draft_from(row.draft).parts) if row.draft else ()


def _age(post: Post) -> tuple[str, str]:
    return (str(post.date), post.path)
