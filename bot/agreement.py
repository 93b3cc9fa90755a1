"""Settings of an account that do not go together, each of them right by itself. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from bot.i18n import Message, msg
from bot.schema import near_or_all
from bot.settings import NO_BUDGET
from bot.timetable import clock, in_spans, parse_quiet, parse_slots


class Clash(NamedTuple):
    """`key`: the setting to change first."""

    key: str
    message: Message
    hint: Message


def clashes(values: Mapping[str, Any], budgets: Collection[str]) -> Iterator[Clash]:
    """`values`: what an account has after all defaults; a wrong value is None there, or missing."""
    yield from _unknown_budget(values.get("budget"), budgets)
    yield from _never_a_link(values)
    yield from _always_quiet(values.get("slots") or (), values.get("quiet") or "")


def _unknown_budget(name: Any, budgets: Collection[str]) -> Iterator[Clash]:
    if isinstance(name, str) and name != NO_BUDGET and name not in budgets:
        message = msg("There is no [budgets.{name}].", name=name)
        yield Clash("budget", message, near_or_all(name, [*budgets, NO_BUDGET]))


def _never_a_link(values: Mapping[str, Any]) -> Iterator[Clash]:
    links = [values.get("link"), *(rule.get("link") for rule in values.get("rules") or ())]
    if values.get("links_per_day") == 0 and (links[0] is None or "always" in links):
        yield Clash(
            "links_per_day",
            msg("`links_per_day` is 0 and `link` is always: posts would wait for ever."),
            msg('Write link = "never", or "auto".'),
        )


def _always_quiet(slots: Collection[str], quiet: str) -> Iterator[Clash]:
    times = [time for rule in parse_slots(slots) for time in rule.times]
    if times and quiet and all(in_spans(parse_quiet(quiet), time) for time in times):
        yield Clash(
            "slots",
            msg("Every slot lies in quiet hours, {time} for one.", time=clock(times[0])),
            msg("Move a slot out of {quiet}, or make `quiet` shorter.", quiet=quiet),
        )
