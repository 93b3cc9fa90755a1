"""What is to be sent, decided without doing anything: posts and what the ledger knows in, rows and
moves out. Planning twice adds nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from bot.errors import DraftError
from bot.model import WAITING, Delivery, Draft, Post, State
from bot.outbox.changes import EDIT, SHARE, Changes, edits, removals
from bot.outbox.drafts import draft_json
from bot.outbox.reshare import reshares
from bot.outbox.states import NOT_LIVE, SECOND, Move, dump
from bot.outbox.turns import EXPIRED, has_expired, places, retimed, sequence, timed
from bot.settings import Account

FLOOD, BASELINE, DRAFT_ERROR, DOUBT = "flood", "baseline", "draft", "doubt"
GONE, SHORTER, NOT_TAKEN, OLD_LEDGER = "gone", "shorter", "not-taken", "old-ledger"
CLAIMABLE = (State.PLANNED, State.RETRY)
DAY = 24 * 3600 * SECOND
FLOOD_DAYS = 7
"""A flood is counted for each day since the last look, for a week at most."""
_LATEST = 1 << 62
_EARLIEST = datetime.min.replace(tzinfo=UTC)

Compose = Callable[[Post, Account], Draft]
Choose = Callable[[Account, Sequence[Post]], Post | None]
"""Which of an article's translations an account takes; None: it takes none."""
Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All that a plan depends on. `unreadable`: articles whose file is there and cannot be read
    now: id → path. `named`: posts that a person asked for. `unseen`: ids of posts whose page is not
    known to be online, which the accounts in `waits` wait for. `now`: UTC microseconds.
    `now_asked`: what is named passes slots and quiet hours. `at`: the time that the author set.
    `max_age`: how long something may wait; `room`: how many posts (at most so many) would go out in
    a day. `looked_at`: when this site was last planned for."""

    site: str
    posts: Sequence[Post]
    accounts: Sequence[Account]
    existing: Sequence[Delivery]
    baselined: Collection[str]
    compose: Compose
    flood: int
    now: int
    unreadable: Mapping[str, str] = field(default_factory=dict)
    doubtful: Collection[str] = frozenset()
    named: Collection[str] = frozenset()
    choose: Choose = lambda account, versions: versions[0]
    whole: Collection[str] = frozenset()
    edits: Collection[str] = frozenset()
    retracts: Collection[str] = frozenset()
    gone: Mapping[str, int] = field(default_factory=dict)
    unseen: Collection[str] = frozenset()
    waits: Collection[str] = frozenset()
    now_asked: bool = False
    cost: Callable[[Draft], int | None] = lambda draft: None
    priority: Callable[[Account, Post], int] = lambda account, post: 0
    at: Callable[[Account, Post], int | None] = lambda account, post: None
    max_age: Callable[[Account], int | None] = lambda account: None
    room: Callable[[Account, int], int] = lambda account, most: most
    looked_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`baselines`: account → the rows of its start. `held`: how many posts a flood holds."""

    baselines: Mapping[str, Sequence[Delivery]]
    new: Sequence[Delivery]
    moves: Sequence[tuple[Delivery, Move]]
    anew: Sequence[tuple[Delivery, Mapping[str, Any]]]
    held: int

    @property
    def expired(self) -> list[Delivery]:
        """What waited too long and is skipped now, or never began to wait."""
        new = [row for row in self.new if row.reason == EXPIRED]
        return [*(row for row, move in self.moves if move.event == EXPIRED and not row.part), *new]

    @property
    def changes_something(self) -> bool:
        return bool(self.baselines or self.new or self.moves or self.anew)


def plan(view: View) -> Plan:
    """The next rows and moves for every account of `view`."""
    known = _by_share(view.existing)
    visible = _articles(view.posts)
    baselines = {
        a.name: _baseline(view, a, visible) for a in view.accounts if a.name not in view.baselined
    }
    new: list[Delivery] = []
    moves: list[tuple[Delivery, Move]] = []
    anew: list[tuple[Delivery, Mapping[str, Any]]] = []
    started = [a for a in view.accounts if a.name in view.baselined]
    flooded = _flooded(view, started, visible, known)
    numbers = places([versions[0] for versions in visible])
    for account in started:
        for place, versions in zip(numbers, visible, strict=True):
            subject = subject_of(versions[0])
            rows = known.get((subject, account.name))
            if rows and not any(_may_move(row, named=subject in view.named) for row in rows):
                continue
            post = view.choose(account, versions)
            if post is None:
                moves += _withdraw(rows or (), NOT_TAKEN)
            elif rows is None:
                new += _first(view, account, post, place, flooded)
            else:
                _revise(view, account, post, place, rows, new, moves, anew)
        new += _again(view, account, visible)
    moves += _withdrawn(view)
    changes = _changes(view, started, visible)
    return Plan(
        baselines=baselines,
        new=[*new, *changes.new],
        moves=[*moves, *changes.moves],
        anew=[*anew, *changes.anew],
        held=len(flooded),
    )


def _again(view: View, account: Account, visible: Sequence[Sequence[Post]]) -> list[Delivery]:
    """What the account's rules share once more, as a new generation."""
    if not account.reshare:
        return []
    taken = [post for versions in visible if (post := view.choose(account, versions))]
    own = [row for row in view.existing if row.account == account.name and row.kind == SHARE]
    rows: list[Delivery] = []
    for again in reshares(account, taken, own, view.now):
        # What is new goes first: it waits as if it had been seen now, one priority below.
        seen_now = replace(again.post, first_visible=view.now)
        rank = view.priority(account, again.post) - 1
        seq = sequence(seen_now, 0, account.order, rank, view.now)
        turn: dict[str, Any] = {
            "generation": again.generation,
            "seq": seq,
            "due": view.now,
            "exact": False,
        }
        for row in _fresh(view, again.account, again.post, 0, hold=None):
            own_turn = replace(row, **turn)
            rows.append(replace(own_turn, id=_id(view.site, own_turn)))
    return rows


def in_order(posts: Iterable[Post]) -> list[Post]:
    """As they were first seen visible, then by date; posts of one midnight by their path."""
    return sorted(posts, key=lambda p: (p.first_visible or _LATEST, p.date or _EARLIEST, p.path))


def delivery_id(
    site: str, subject: str, account: str, kind: str, generation: int, part: int
) -> str:
    """The same delivery has the same id wherever it is planned."""
    text = "\n".join((site, subject, account, kind, str(generation), str(part)))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _by_share(rows: Iterable[Delivery]) -> dict[Key, list[Delivery]]:
    shares: dict[Key, list[Delivery]] = {}
    for row in rows:
        if row.kind == SHARE and row.generation == 0:
            shares.setdefault((row.subject, row.account), []).append(row)
    return shares


def _changes(view: View, accounts: Sequence[Account], visible: Sequence[Sequence[Post]]) -> Changes:
    """Edits and removals, held together where there are more than a flood of them."""
    made = Changes([], [], [])
    if not (view.edits or view.retracts):
        return made
    rows: dict[Key, list[Delivery]] = {}
    for row in view.existing:
        rows.setdefault((row.subject, row.account), []).append(row)
    for account in accounts:
        for versions in visible:
            known = rows.get((subject_of(versions[0]), account.name), [])
            _extend(made, _changed(view, account, versions, known))
        for subject, gone_at in view.gone.items() if account.name in view.retracts else ():
            _extend(made, removals(rows.get((subject, account.name), []), gone_at, view.now))
    many = len({row.subject for row in made.new}) > view.flood
    state, reason = (State.HELD, FLOOD) if many else (State.PLANNED, None)
    made.new[:] = [
        replace(row, id=_id(view.site, row), state=state, reason=reason) for row in made.new
    ]
    return made


def _changed(
    view: View, account: Account, versions: Sequence[Post], known: Sequence[Delivery]
) -> Changes:
    made = removals(known, None, view.now)
    subject = subject_of(versions[0])
    post = view.choose(account, versions)
    if post is not None and account.name in view.edits and subject in view.whole and known:
        draft, _ = _try(view, account, post)
        if draft is not None:
            _extend(made, edits(known, draft, view.now))
    return made


def _extend(made: Changes, more: Changes) -> None:
    made.new.extend(more.new)
    made.moves.extend(more.moves)
    made.anew.extend(more.anew)


def _id(site: str, row: Delivery) -> str:
    return delivery_id(site, row.subject, row.account, row.kind, row.generation, row.part)


def _articles(posts: Iterable[Post]) -> list[list[Post]]:
    """The visible posts in order, the translations of one article together."""
    groups: dict[str, list[Post]] = {}
    for post in in_order(posts):
        if post.visible:
            groups.setdefault(subject_of(post), []).append(post)
    return list(groups.values())


def subject_of(post: Post) -> str:
    """What deliveries of this post are of: its article."""
    return post.subject or post.id


def _baseline(view: View, account: Account, visible: Sequence[Sequence[Post]]) -> list[Delivery]:
    start = len(visible) - account.backfill if account.backfill else len(visible)
    rows: list[Delivery] = []
    numbers = places([versions[0] for versions in visible])
    for n, versions in enumerate(visible):
        post = view.choose(account, versions)
        if post is not None and (n >= start or subject_of(post) in view.named):
            hold = _not_live(view, account, post)
            rows += _fresh(view, account, post, numbers[n], hold=hold)
        else:
            rows.append(_skipped(view, account, post or versions[0], BASELINE))
    for subject, path in view.unreadable.items():
        rows.append(
            share_row(view.site, view.now, account, subject, path, "", 0, State.SKIPPED, BASELINE)
        )
    return rows


def _flooded(
    view: View,
    accounts: Sequence[Account],
    visible: Sequence[Sequence[Post]],
    known: Mapping[Key, Any],
) -> set[str]:
    """The posts of a flood, else none: more than `view.flood` for each day since the last look
    would go out within a day; or so many that no account could ever send them in time."""
    new = {
        account.name: {
            subject_of(versions[0])
            for versions in visible
            if (subject_of(versions[0]), account.name) not in known
            and subject_of(versions[0]) not in view.named
            and not has_expired(versions[0].first_visible, view.max_age(account), view.now)
        }
        for account in accounts
    }
    away = view.now - view.looked_at if view.looked_at is not None else 0
    most = view.flood * max(1, min(FLOOD_DAYS, -(-away // DAY)))
    subjects = set().union(*new.values())
    if len(subjects) <= most:
        return set()
    would_go = max(view.room(a, min(len(new[a.name]), most + 1)) for a in accounts)
    return subjects if would_go > most or len(subjects) > most * FLOOD_DAYS else set()


def _first(
    view: View, account: Account, post: Post, place: int, flooded: Collection[str]
) -> list[Delivery]:
    """What an account gets of a post that the ledger does not know for it."""
    named = subject_of(post) in view.named
    if not named and has_expired(post.first_visible, view.max_age(account), view.now):
        return [_skipped(view, account, post, EXPIRED)]
    return _fresh(view, account, post, place, hold=_hold(view, account, post, flooded))


def _skipped(view: View, account: Account, post: Post, why: str) -> Delivery:
    subject = subject_of(post)
    return share_row(
        view.site, view.now, account, subject, post.path, post.url, 0, State.SKIPPED, why
    )


def _hold(view: View, account: Account, post: Post, flooded: Collection[str]) -> str | None:
    """Why a new post waits: for a person, unless a person named it, or for its page."""
    if subject_of(post) not in view.named:
        if post.id in view.doubtful:
            return DOUBT
        if subject_of(post) in flooded:
            return FLOOD
    return _not_live(view, account, post)


def _not_live(view: View, account: Account, post: Post) -> str | None:
    waits = account.name in view.waits and post.id in view.unseen
    return NOT_LIVE if waits else None


def _fresh(
    view: View, account: Account, post: Post, place: int, *, hold: str | None
) -> list[Delivery]:
    """A share that is not in the ledger: one row a part."""
    state = State.HELD if hold else State.PLANNED
    seq = _sequence(view, account, post, place)
    subject = subject_of(post)
    blank = share_row(view.site, view.now, account, subject, post.path, post.url, seq, state, hold)
    blank = replace(blank, **timed(view.at(account, post)))
    if subject in view.named and view.now_asked:
        blank = replace(blank, due=view.now, exact=True)
    draft, error = _try(view, account, post)
    asked = hold in (FLOOD, DOUBT)
    if draft is None:
        return [replace(blank, **(error if asked else {**error, **_HELD_DRAFT}))]
    priced = replace(blank, cost=error["cost"], linked=error["linked"])
    return [_with_part(view.site, priced, part, draft) for part in range(len(draft.parts))]


def _revise(
    view: View,
    account: Account,
    post: Post,
    place: int,
    rows: Sequence[Delivery],
    new: list[Delivery],
    moves: list[tuple[Delivery, Move]],
    anew: list[tuple[Delivery, Mapping[str, Any]]],
) -> None:
    """What is in the ledger follows the post until it is claimed, and a person's word."""
    named = subject_of(post) in view.named
    if not any(_may_move(row, named=named) for row in rows):
        return
    seq = _sequence(view, account, post, place)
    values: dict[str, Any] = {"path": post.path, "url": post.url, "seq": seq}
    at = view.at(account, post)
    unfrozen = all(not row.frozen for row in rows)
    parts = max(row.part for row in rows) + 1
    if unfrozen:
        draft, error = _try(view, account, post)
        values |= {"draft": draft_json(draft) if draft else None, **error}
        parts = len(draft.parts) if draft else parts
        if draft and any(row.state in WAITING for row in rows):
            new += [
                _with_part(view.site, rows[0], n, draft) for n in range(len(rows), len(draft.parts))
            ]
    for row in rows:
        if row.part >= parts:
            if row.state in WAITING:
                moves.append(
                    (row, Move(state=State.CANCELLED, event="shorter", values={"reason": SHORTER}))
                )
            continue
        own = {**values, **retimed(row, at, view.now)}
        if row.reason == NOT_LIVE and named and view.now_asked:
            own |= {"due": view.now, "exact": True}
        wait = _not_live(view, account, post)
        move = _next(view, account, row, own, named=named, at=at, wait=wait)
        if move is not None:
            moves.append((row, move))
        elif unfrozen and row.state in WAITING and _differs(row, kept := _kept(row, own)):
            anew.append((row, kept))


def _kept(row: Delivery, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """What waits for its page keeps what the last look at it said."""
    if row.reason != NOT_LIVE:
        return values
    return {name: value for name, value in values.items() if not name.startswith("error")}


def _may_move(row: Delivery, *, named: bool) -> bool:
    back = row.state is State.CANCELLED and row.reason not in _FOR_GOOD
    asked = named and (row.state, row.reason) in _NAMED
    return row.state in WAITING or back or asked


def _next(
    view: View,
    account: Account,
    row: Delivery,
    values: Mapping[str, Any],
    *,
    named: bool,
    at: int | None,
    wait: str | None,
) -> Move | None:
    """`wait`: why it cannot be sent yet, whatever else ends."""
    now = view.now
    broken = bool(values.get("error"))
    back = row.state is State.CANCELLED and row.reason not in _FOR_GOOD
    asked = named and (row.state, row.reason) in _NAMED
    mended = row.state is State.HELD and row.reason == DRAFT_ERROR and not broken
    not_live = row.state is State.HELD and row.reason == NOT_LIVE
    moved = row.state is State.PLANNED and not row.frozen and row.url != values["url"]
    if back or asked or mended or (not_live and not wait) or (moved and wait):
        reason = DRAFT_ERROR if broken else wait
        state = State.HELD if reason else State.PLANNED
        set_ = {
            **values,
            "reason": reason,
            "due": now,
            **timed(at),
            "planned_at": now,
            "frozen": False,
            "needs_person": False,
        }
        if named and view.now_asked:
            set_ |= {"due": now, "exact": True}
        return (
            None
            if state is row.state and reason == row.reason
            else Move(state=state, event=_event(row, reason), values=set_)
        )
    if broken and (row.state is State.PLANNED or not_live):
        return Move(state=State.HELD, event="held", values={**values, "reason": DRAFT_ERROR})
    if named and row.state in CLAIMABLE and (row.due > now or view.now_asked > row.exact):
        told = {"due": now, "planned_at": now, "exact": row.exact or view.now_asked}
        return Move(state=row.state, event="asked-for", values=told)
    waits = row.state is State.PLANNED or not_live
    fresh = waits and not (named or row.exact or row.frozen)
    if fresh and has_expired(row.planned_at, view.max_age(account), now):
        return Move(state=State.SKIPPED, event=EXPIRED, values={"reason": EXPIRED})
    return None


def _sequence(view: View, account: Account, post: Post, place: int) -> int:
    return sequence(post, place, account.order, view.priority(account, post), view.now)


def _event(row: Delivery, reason: str | None) -> str:
    if reason is None and row.reason == NOT_LIVE:
        return "live"
    return "held" if reason else "planned"


def _withdrawn(view: View) -> list[tuple[Delivery, Move]]:
    """Waiting deliveries whose post is gone or not (or no longer) to be seen."""
    why: dict[str, str | None] = {}
    for post in view.posts:
        subject = subject_of(post)
        why[subject] = None if post.visible else why.get(subject, post.why_not)
    out: list[tuple[Delivery, Move]] = []
    for row in view.existing:
        if row.kind in (SHARE, EDIT) and row.subject not in view.unreadable:
            reason = why.get(row.subject, GONE)
            out += _withdraw([row], reason) if reason else []
    return out


def _withdraw(rows: Iterable[Delivery], reason: str) -> list[tuple[Delivery, Move]]:
    move = Move(state=State.CANCELLED, event="withdrawn", values={"reason": reason})
    return [(row, move) for row in rows if row.state in WAITING]


_FOR_GOOD = frozenset({"dropped", "thread"})
_NAMED = (
    *((State.SKIPPED, BASELINE), (State.SKIPPED, EXPIRED)),
    *((State.HELD, FLOOD), (State.HELD, OLD_LEDGER)),
)
"""What a person's word sets free."""
_HELD_DRAFT = {"state": State.HELD, "reason": DRAFT_ERROR}


def _try(view: View, account: Account, post: Post) -> tuple[Draft | None, dict[str, Any]]:
    try:
        draft = view.compose(post, account)
        told = {"error": None, "error_code": None}
        return draft, {**told, "cost": view.cost(draft), "linked": draft.link is not None}
    except DraftError as error:
        return None, {"error": dump(error.message), "error_code": error.code}


def _differs(row: Delivery, values: Mapping[str, Any]) -> bool:
    return any(getattr(row, name) != value for name, value in values.items())


def _with_part(site: str, blank: Delivery, part: int, draft: Draft) -> Delivery:
    id = delivery_id(site, blank.subject, blank.account, blank.kind, blank.generation, part)
    return replace(blank, id=id, part=part, draft=draft_json(draft), error=None, error_code=None)


def share_row(
    site: str,
    now: int,
    account: Account,
    subject: str,
    path: str,
    url: str,
    seq: int,
    state: State,
    reason: str | None,
) -> Delivery:
    """A first share of `subject`, as it begins."""
    return Delivery(
        id=delivery_id(site, subject, account.name, SHARE, 0, 0),
        subject=subject,
        account=account.name,
        network=account.network,
        kind=SHARE,
        generation=0,
        part=0,
        state=state,
        reason=reason,
        due=now,
        seq=seq,
        path=path,
        url=url,
        planned_at=now,
        created_at=now,
        updated_at=now,
    )
