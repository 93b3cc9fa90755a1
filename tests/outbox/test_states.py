"""What the ledger keeps of a message; when retries end."""

from __future__ import annotations

from dataclasses import replace

from bot import i18n
from bot.errors import NotSent, RateLimited, Transient
from bot.i18n import msg
from bot.model import Delivery, State
from bot.outbox.states import SECOND, Policy, dump, failed_call, load, too_old

DAY = 24 * 3600 * SECOND
POLICY = Policy(settling=16 * SECOND, gap=2 * SECOND, give_up=3 * DAY, timeout=15 * SECOND)


def test_messages_are_kept_in_no_language() -> None:
    inner = msg("draft: {n}", n=3)
    kept = dump(msg("{path}: {why}", path="a.md", why=inner))
    i18n.use("ja")
    try:
        loaded = load(kept)
        assert loaded is not None
        assert loaded.values["why"] == inner
        assert str(loaded) == "a.md: draft: 3"
    finally:
        i18n.use("en")


def test_nothing_kept_is_nothing() -> None:
    assert load(None) is None
    assert load("") is None


# --- when retries end ---------------------------------------------------------------------------


def claimed(planned_at: int) -> Delivery:
    return Delivery(
        id="d",
        subject="s",
        account="a",
        network="fake",
        kind="share",
        generation=0,
        part=0,
        state=State.SENDING,
        due=planned_at,
        planned_at=planned_at,
    )


def refused(row: Delivery, error: NotSent, now: int) -> Delivery:
    """As it is claimed the next time."""
    move = failed_call(row, error, now, POLICY, jitter=1.0)
    return replace(row, **move.values, frozen=True)


def test_waiting_for_its_turn_is_no_retry() -> None:
    """Five days in the slots' queue, then the network is busy for a moment."""
    row = refused(claimed(planned_at=0), Transient(msg("busy")), 5 * DAY)
    assert not too_old(row, 5 * DAY + 60 * SECOND, POLICY)


def test_a_retry_that_waits_for_its_turn_is_tried_when_that_comes() -> None:
    row = refused(claimed(planned_at=0), Transient(msg("busy")), SECOND)
    assert not too_old(row, 5 * DAY, POLICY)


def test_retries_that_go_on_for_too_long_end() -> None:
    row, now = claimed(planned_at=0), 0
    while not too_old(row, now, POLICY):
        row = refused(row, Transient(msg("busy")), now)
        now = row.due
        assert now < 4 * DAY
    assert now > 3 * DAY


def test_an_account_that_waits_does_not_end_retries() -> None:
    row = refused(claimed(planned_at=0), RateLimited(msg("slow down")), SECOND)
    row = refused(row, RateLimited(msg("slow down")), 2 * DAY)
    assert not too_old(row, 5 * DAY, POLICY)


def test_what_was_put_off_for_weeks_is_not_sent_out_of_the_blue() -> None:
    row = refused(claimed(planned_at=0), RateLimited(msg("slow down")), SECOND)
    assert too_old(row, 11 * DAY, POLICY)


def test_a_later_part_has_waited_for_its_first() -> None:
    row = replace(claimed(planned_at=0), part=1, frozen=True)
    assert not too_old(row, 20 * DAY, POLICY)
