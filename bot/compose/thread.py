"""A post over several parts: the first has the title, the others the bullets that did not fit; each
within the limit and readable alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bot.compose.fit import Cut, Fits, fit, hashtags_yield

Fill = Callable[[Cut, bool], str]
"""The text of a cut, with the link or without."""


def thread(
    full: Cut, fill: Fill, fits: Fits, *, link_first: bool, numbered: bool
) -> list[tuple[Cut, str]]:
    """The parts and their texts; only one where all fits into one."""
    room = _room(fits, len(full.bullets) + 2 if numbered else 0)
    if fits(fill(full, True)):
        return [(full, fill(full, True))]
    first, text = _first(full, fill, room, link_first)
    parts = [(first, text)]
    left = [bullet for bullet in full.bullets if bullet not in first.bullets]
    while left:
        shown = _next(left, fill, room)
        parts.append((shown, fill(shown, False)))
        left = left[max(len(shown.bullets), 1) :]
    if not link_first:
        parts = _with_last_link(full, parts, fill, room)
    if numbered and len(parts) > 1:
        parts = [(cut, text + _number(i, len(parts))) for i, (cut, text) in enumerate(parts, 1)]
    return parts


def _first(full: Cut, fill: Fill, fits: Fits, link: bool) -> tuple[Cut, str]:
    """As many whole bullets as fit beside the title; hashtags stand where the link does."""
    start = full if link else replace(full, hashtags=())
    for count in range(len(full.bullets), -1, -1):
        shown = replace(start, bullets=full.bullets[:count])
        if (shown.title or shown.bullets) and fits(fill(shown, link)):
            return shown, fill(shown, link)
    return fit(replace(start, bullets=()), lambda cut: fill(cut, link), fits, hashtags_yield)


def _next(left: list[str], fill: Fill, fits: Fits) -> Cut:
    for count in range(len(left), 0, -1):
        shown = Cut(title="", bullets=tuple(left[:count]), hashtags=())
        if fits(fill(shown, False)):
            return shown
    only = Cut(title="", bullets=(left[0],), hashtags=())
    return fit(only, lambda cut: fill(cut, False), fits, hashtags_yield)[0]


def _with_last_link(
    full: Cut, parts: list[tuple[Cut, str]], fill: Fill, fits: Fits
) -> list[tuple[Cut, str]]:
    """Link and hashtags in the last part, or in one of their own with the title."""
    last = replace(parts[-1][0], hashtags=full.hashtags)
    if fits(fill(last, True)):
        return [*parts[:-1], (last, fill(last, True))]
    closing = replace(full, bullets=())
    return [*parts, fit(closing, lambda cut: fill(cut, True), fits, hashtags_yield)]


def _number(part: int, parts: int) -> str:
    return f" ({part}/{parts})"


def _room(fits: Fits, most: int) -> Fits:
    """`fits` beside the number that may yet come."""
    suffix = _number(most, most) if most else ""
    return lambda text: fits(text + suffix)
