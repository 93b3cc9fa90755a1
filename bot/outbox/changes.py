"""Edits and removals of what is out there, decided without doing anything.

An edit is made where an account wants it, its network can, and the text would read otherwise; a
removal counts when the file has stayed away for an hour and is still away. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from bot.model import WAITING, Delivery, Draft, State
from bot.outbox.drafts import draft_json
from bot.outbox.states import SECOND, Move

SHARE, EDIT, RETRACT = "share", "edit", "retract"
STAYS_AWAY = 3600 * SECOND
UNCHANGED, BACK = "unchanged", "back"


class Changes(NamedTuple):
    """Rows to add, moves, and drafts composed anew."""

    new: list[Delivery]
    moves: list[tuple[Delivery, Move]]
    anew: list[tuple[Delivery, Mapping[str, Any]]]


def edits(rows: Sequence[Delivery], draft: Draft, now: int) -> Changes:
    """What `draft` changes of one article's share on one account: `rows` are all its deliveries,
    with their texts. Nothing while a share or an edit is under way."""
    made = Changes([], [], [])
    for share in _newest_share(rows):
        if share.state is not State.SENT or share.part >= len(draft.parts):
            continue
        own = [
            r
            for r in rows
            if r.kind == EDIT and r.part == share.part and not _retracted(rows, share)
        ]
        _edit(share, sorted(own, key=lambda r: r.generation), draft, now, made)
    return made


def removals(rows: Sequence[Delivery], gone_at: int | None, now: int) -> Changes:
    """Takes back what was shared of an article whose file is gone; an article that is back keeps
    what waits to be taken back."""
    made = Changes([], [], [])
    waiting = [r for r in rows if r.kind == RETRACT and r.state in WAITING and not r.frozen]
    if gone_at is None:
        move = Move(state=State.CANCELLED, event="withdrawn", values={"reason": BACK})
        made.moves.extend((row, move) for row in waiting)
        return made
    if now - gone_at < STAYS_AWAY:
        return made
    for share in _newest_share(rows):
        if share.state is State.SENT and not _retracted(rows, share):
            made.new.append(_row(share, RETRACT, share.generation, now, share.draft))
    return made


def receipt_row(rows: Iterable[Delivery], part: int) -> Delivery | None:
    """The newest of a part's share and edits that is out there: its receipt is the current one."""
    sent = [r for r in rows if r.part == part and r.state is State.SENT and r.kind in (SHARE, EDIT)]
    return max(sent, key=lambda r: (r.sent_at or 0, r.kind == EDIT, r.generation), default=None)


def _newest_share(rows: Iterable[Delivery]) -> list[Delivery]:
    shares = [row for row in rows if row.kind == SHARE]
    newest = max((row.generation for row in shares), default=0)
    return [row for row in shares if row.generation == newest]


def _retracted(rows: Iterable[Delivery], share: Delivery) -> bool:
    return any(
        r.kind == RETRACT
        and r.part == share.part
        and r.generation == share.generation
        and r.state is not State.CANCELLED
        for r in rows
    )


def _edit(share: Delivery, own: Sequence[Delivery], draft: Draft, now: int, made: Changes) -> None:
    last = own[-1] if own else None
    there = receipt_row([share, *own], share.part) or share
    text = draft.parts[share.part].text
    changed = _text(there) != text
    if last is not None and last.state in WAITING and not last.frozen:
        if not changed:
            made.moves.append(
                (last, Move(state=State.CANCELLED, event="unchanged", values={"reason": UNCHANGED}))
            )
        elif _text(last) != text:
            made.anew.append((last, {"draft": draft_json(draft)}))
    elif changed and (
        last is None or last.state in (State.SENT, State.CANCELLED, State.FAILED, State.SKIPPED)
    ):
        if last is not None and last.state is not State.SENT and _text(last) == text:
            return  # this very edit was refused, dropped or skipped
        generation = last.generation + 1 if last else 0
        made.new.append(_row(share, EDIT, generation, now, draft_json(draft)))


def _text(row: Delivery) -> str:
    parts = (row.draft or {}).get("parts") or ()
    text: str = parts[row.part]["text"] if row.part < len(parts) else ""
    return text


def _row(share: Delivery, kind: str, generation: int, now: int, draft: Any) -> Delivery:
    fresh = Delivery(
        id="",
        subject=share.subject,
        account=share.account,
        network=share.network,
        kind=kind,
        generation=generation,
        part=share.part,
        state=State.PLANNED,
        due=now,
        path=share.path,
        url=share.url,
    )
    return replace(fresh, draft=draft, planned_at=now, created_at=now, updated_at=now)
