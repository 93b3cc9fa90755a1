"""Which posts are shared again, by an account's rules (`[[accounts.reshare]]`). Pure.

Times are UTC microseconds. The first share of an article is generation 0; a rule makes a new one
after one that was sent. (What a person wants again follows one that was not.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.model import ANSWERED, OPEN_STATES, Delivery, Post, State
from bot.outbox.changes import SHARE
from bot.outbox.slots import DAY, MICRO
from bot.schema import parse_duration
from bot.settings import Account, Reshare

WEEK = 7 * DAY
BASELINE = "baseline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """To be planned: `account` has the template of the rule."""

    post: Post
    account: Account
    generation: int


def reshares(
    account: Account, posts: Sequence[Post], rows: Iterable[Delivery], now: int
) -> list[Again]:
    """At most one post for each rule: the one whose last share was longest ago. `posts`: those that
    the account takes; `rows`: all its shares of them."""
    if not account.reshare:
        return []
    shares = _by_subject(rows)
    found: list[Again] = []
    for rule in account.reshare:
        meant = [post for post in posts if _matches(post, rule)]
        if _may_come(meant, shares, found, rule, now):
            found += _oldest(account, rule, meant, shares, now)
    return found


def with_template(account: Account, post: Post) -> Account:
    """The account as it shares this post again: with the template of the first rule that means it."""
    rule = next((rule for rule in account.reshare if _matches(post, rule)), None)
    return replace(account, template=rule.template) if rule and rule.template else account


def is_again(row: Delivery, before: Delivery | None) -> bool:
    """Whether a rule made this share: `before` is the same part's, one generation earlier."""
    return row.kind == SHARE and row.generation > 0 and before is not None and _shared(before)


# --- helpers ------------------------------------------------------------------------------------

Shares = Mapping[str, Sequence[Delivery]]


def _by_subject(rows: Iterable[Delivery]) -> Shares:
    """The first parts of the shares of each article."""
    found: dict[str, list[Delivery]] = {}
    for row in rows:
        if row.kind == SHARE and row.part == 0:
            found.setdefault(row.subject, []).append(row)
    return found


def _matches(post: Post, rule: Reshare) -> bool:
    tags = {tag.strip().casefold() for tag in post.tags}
    return (
        post.visible
        and not post.unfinished
        and (not rule.tags or any(tag.strip().casefold() in tags for tag in rule.tags))
        and (not rule.sections or post.section.casefold() in map(str.casefold, rule.sections))
    )


def _may_come(
    meant: Sequence[Post], shares: Shares, found: Sequence[Again], rule: Reshare, now: int
) -> bool:
    """Evenly over the week: nothing of the rule is new for its share of the week."""
    subjects = {_subject(post) for post in meant}
    if any(_subject(again.post) in subjects for again in found):
        return False
    rows = (row for subject in subjects for row in shares.get(subject, ()) if row.generation)
    newest = max((row.created_at for row in rows), default=None)
    return newest is None or now - newest >= -(-WEEK // rule.per_week)


def _oldest(
    account: Account, rule: Reshare, meant: Iterable[Post], shares: Shares, now: int
) -> list[Again]:
    ages = [(_last(shares.get(_subject(post), ())), post.path, post) for post in meant]
    age = parse_duration(rule.min_age) // MICRO
    ready = [(last, path, post) for last, path, post in ages if last and now - last >= age]
    if not ready:
        return []
    post = min(ready, key=lambda one: one[:2])[2]
    generation = 1 + max(row.generation for row in shares[_subject(post)])
    return [Again(post=post, account=with_template(account, post), generation=generation)]


def _last(rows: Sequence[Delivery]) -> int | None:
    """When an article was last shared, or thought of; None: it never was, or a share is open."""
    if not any(map(_shared, rows)) or any(map(_is_open, rows)):
        return None
    return max(max(row.created_at, row.sent_at or 0) for row in rows)


def _shared(row: Delivery) -> bool:
    """What was there before the account began counts as shared when it began."""
    return row.state is State.SENT or (row.state, row.reason) == (State.SKIPPED, BASELINE)


def _is_open(row: Delivery) -> bool:
    return row.state in OPEN_STATES and row.reason != ANSWERED


def _subject(post: Post) -> str:
    return post.subject or post.id
