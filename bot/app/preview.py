"""The dry run: exactly what would be sent, without a socket and without a write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.app.turn import Outlook, Request, newest, outlook
from bot.app.wiring import App
from bot.errors import DraftError
from bot.model import Delivery, Draft, Post, State
from bot.outbox.drafts import draft_from
from bot.settings import Account

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
    """One draft as it would go out (or why there is none). `sends` is False for accounts that
    only show: disabled, or on a network that is not built yet."""

    post: Post
    account: Account
    draft: Draft | None
    error: DraftError | None
    example: bool
    sends: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """`skipped`: reason → the paths of the posts that it keeps back."""

    shown: tuple[Shown, ...]
    skipped: Mapping[str, tuple[str, ...]]
    outlook: Outlook


def dry_run(app: App, request: Request) -> DryRun:
    """What `bot post` with this request would send now. Raises ConfigError, UsageError."""
    ledger = app.peek()
    try:
        seen = outlook(app, ledger, request)
    finally:
        if ledger is not None:
            ledger.close()
    accounts = [a for a in app.accounts if request.account in (None, a.name)]
    active = {a.name for a in app.active()}
    pairs = set(seen.would_send([a for a in accounts if a.name in active]))
    if request.names_posts:
        pairs = {pair for pair in pairs if pair[0] in seen.named}
    posts = {post.id: post for post in seen.site.posts}
    due = list(
        dict.fromkeys(
            id for id, _ in sorted(pairs, key=lambda p: _place(seen, p[0])) if id in posts
        )
    )
    example = not due
    if example:
        asked = [posts[id] for id in seen.named if id in posts]
        due = [p.id for p in (asked if request.names_posts else []) or newest(seen.site.posts, 1)]
    shown = [
        _show(app, seen, posts[id], account, example=example, sends=account.name in active)
        for account in accounts
        for id in due
        if example or account.name not in active or (id, account.name) in pairs
    ]
    return DryRun(
        shown=tuple(shown),
        skipped=_skipped(seen, set() if example else set(due)),
        outlook=seen,
    )


def _place(seen: Outlook, id: str) -> tuple[int, str]:
    order = {
        post.id: n
        for n, post in enumerate(sorted(seen.site.posts, key=lambda p: (str(p.date), p.path)))
    }
    return (order.get(id, 0), id)


def _show(
    app: App, seen: Outlook, post: Post, account: Account, *, example: bool, sends: bool
) -> Shown:
    kept = next(
        (
            d
            for d in seen.existing
            if (d.subject, d.account) == (post.id, account.name) and d.part == 0
        ),
        None,
    )
    draft, error = None, None
    if kept is not None and kept.frozen and kept.draft and not example:
        draft = draft_from(kept.draft)
    else:
        try:
            draft = app.compose(post, account)
        except DraftError as failure:
            error = failure
    return Shown(post=post, account=account, draft=draft, error=error, example=example, sends=sends)


def _skipped(seen: Outlook, due: set[str]) -> dict[str, tuple[str, ...]]:
    """Why each other post is not among those to be sent; the first account's reason counts."""
    rows: dict[str, list[Delivery]] = {}
    planned = [d for group in seen.plan.baselines.values() for d in group]
    moved = {d.id: m for d, m in seen.plan.moves}
    for row in (*seen.existing, *planned, *seen.plan.new):
        rows.setdefault(row.subject, []).append(row)
    reasons: dict[str, list[str]] = {}
    for post in seen.site.posts:
        if post.id not in due:
            code = _reason(post, [(r, moved.get(r.id)) for r in rows.get(post.id, [])])
            reasons.setdefault(code, []).append(post.path)
    return {code: tuple(sorted(paths)) for code, paths in sorted(reasons.items())}


def _reason(post: Post, rows: Sequence[tuple[Delivery, object]]) -> str:
    if post.why_not is not None:
        return post.why_not
    for row, move in rows:
        state = getattr(move, "state", row.state)
        if state in (State.HELD, State.SKIPPED, State.CANCELLED):
            return row.reason or state.value
        return _WHY[state]
    return "no-account"
