"""Codes of the program in the reader's words: why a post is not to be seen, what a state means."""

from __future__ import annotations

from typing import Literal

from bot.i18n import Message, msg
from bot.model import Post

WhyNot = Literal[
    "draft",
    "future",
    "expired",
    "bad-date",
    "headless",
    "not-rendered",
    "not-listed",
    "not-html",
    "section-page",
    "no-section",
    "not-in-sections",
    "not-a-post",
    "url-too-long",
    "collision",
    "language-off",
    "other-file",
    "empty",
]
"""Every reason why a post is not visible."""


def why_not(post: Post) -> Message:
    """Why this post is not published."""
    return reason(post.why_not or "")


def reason(code: str) -> Message:
    """A reason code in words."""
    known = REASONS.get(code)
    return known if known is not None else Message(code.replace("{", "").replace("}", ""))


def first_seen(account: str, count: int) -> Message:
    """An account has taken its baseline."""
    return msg("{name}: first run: {count} posts count as already seen", name=account, count=count)


def flooded(count: int) -> Message:
    return msg("{count} new posts at once: held; look at them and say bot approve", count=count)


def ran_out(account: str, path: str) -> Message:
    """What waited for longer than max_age is not shared."""
    return msg("{name}: skipped: {path}: {why}", name=account, path=path, why=reason("aged"))


def goes_at(time: str, why: str | None) -> Message:
    """When something goes that waits, and what for."""
    return (
        msg("at {time}: {why}", time=time, why=reason(why)) if why else msg("at {time}", time=time)
    )


LEASES = {
    "other": msg("another process plans for this site; this one only sends"),
    "older": msg(
        "this copy of the site is older than the one that was planned from last; nothing is planned from it"
    ),
}

REASONS = {
    "draft": msg("it is a draft"),
    "future": msg("its date is in the future"),
    "expired": msg("it has expired"),
    "headless": msg("it is headless: it has no page of its own"),
    "bad-date": msg("its date cannot be read"),
    "not-rendered": msg("its build options give it no page of its own"),
    "not-listed": msg("its build options keep it out of lists"),
    "not-html": msg("its outputs hold no HTML"),
    "section-page": msg("it is the page of a section (_index.md), no post"),
    "no-section": msg("it stands beside the sections that hold posts"),
    "not-in-sections": msg("it lies outside the sections that hold posts"),
    "not-a-post": msg("its layout is that of a search or archive page"),
    "url-too-long": msg("its address is too long for a file name"),
    "collision": msg("another post has its address"),
    "language-off": msg("its language is switched off"),
    "other-file": msg("another file stands for the same page"),
    "empty": msg("it has neither a title nor a text yet"),
    "no-text": msg("its text cannot be made"),
    "baseline": msg("was there before this account was set up"),
    "old-ledger": msg(
        "the ledger may be an old copy, and this account is not read back: it may be there already"
    ),
    "flood": msg("more new posts at once than publish.flood allows"),
    "not-live": msg("waits until its page is there"),
    "unfinished": msg("its file may still be being written"),
    "doubt": msg("it may be an old post under a new name, or out there already"),
    "not-taken": msg("no account takes it"),
    "language": msg("another language of it is shared"),
    "no-account": msg("no account is switched on"),
    "sent": msg("already sent"),
    "gone": msg("its file is gone"),
    "thread": msg("an earlier part of its thread was not sent"),
    "no-hub": msg("its hub is no longer configured"),
    "dropped": msg("dropped by a person"),
    "skip": msg("skipped by a person"),
    "too-old": msg("tried for too long"),
    "failed": msg("failed"),
    "unknown": msg("the answer was lost; whether it is there is being settled"),
    "waiting": msg("waits for its time"),
    "queue": msg("waits behind others"),
    "shorter": msg("its thread became shorter"),
    "slot": msg("waits for the next slot"),
    "quiet": msg("waits for the end of quiet hours"),
    "gap": msg("waits for min_gap to pass"),
    "day": msg("max_per_day is reached"),
    "hour": msg("max_per_hour is reached"),
    "cap": msg("daily_cap is reached"),
    "links": msg("links_per_day is reached"),
    "budget": msg("the month's budget is spent"),
    "aged": msg("waited for longer than max_age"),
}

WAITS = {
    "rate-limited": msg("the network takes no more calls for now"),
    "out-of-quota": msg("its quota at the network is used up"),
    "transient": msg("its server could not be reached"),
}
"""Why an account makes no call for now."""

STATES = {
    "planned": msg("planned"),
    "held": msg("held"),
    "claimed": msg("being prepared"),
    "sending": msg("being sent"),
    "sent": msg("sent"),
    "retry": msg("will be tried again"),
    "failed": msg("failed"),
    "unknown": msg("unknown"),
    "skipped": msg("skipped"),
    "cancelled": msg("cancelled"),
    "ready": msg("ready"),
    "waiting": msg("waiting"),
    "paused": msg("paused"),
    "disabled": msg("disabled"),
    "not-ready": msg("not ready"),
}

UNITS = {
    "x-weighted": msg("weighted characters"),
    "graphemes": msg("characters"),
    "code-points": msg("code points"),
    "utf16": msg("UTF-16 units"),
    "bytes": msg("bytes"),
}
