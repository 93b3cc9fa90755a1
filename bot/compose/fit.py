"""Fitting a post into a limit like an editor: whole bullets go before one is cut, the link is whole
or not there, and what was left out is told.

A `Cut` says how much of a post is shown. `fit` tries them from the fullest on and takes the first
whose text fits: fewer bullets, the last first; then fewer hashtags; then the one bullet cut at a
phrase; then the title with the link; then the title cut at a phrase.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from bot.compose.phrases import cut
from bot.errors import DraftError
from bot.i18n import Message, msg

Render = Callable[["Cut"], str]
Fits = Callable[[str], bool]

_WORTH = 0.3
"""A bullet of which less than this is left is better left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What of a post is shown: the title, the bullets and the hashtags (without `#`)."""

    title: str
    bullets: tuple[str, ...]
    hashtags: tuple[str, ...]


def fit(full: Cut, render: Render, fits: Fits) -> tuple[Cut, str]:
    """The fullest cut whose text fits, and that text. Raises DraftError where none does."""
    if not full.title and not full.bullets:
        raise DraftError(msg("There is nothing to say: no title and no summary"), code="empty")
    for attempt in (_whole_bullets, _part_of_bullet, _title_alone, _part_of_title):
        for candidate in attempt(full, render, fits):
            text = render(candidate)
            if text and fits(text):
                return candidate, text
    raise DraftError(
        msg("It cannot be made short enough: even the shortest text is over the limit"),
        code="too-long",
        hint=msg("Shorten the title, or raise `limit` if the account allows more"),
    )


def left_out(full: Cut, shown: Cut) -> tuple[Message, ...]:
    """What a reader of `shown` does not see, in words."""
    notes: list[Message] = []
    if shown.title != full.title:
        notes.append(msg("the end of the title"))
    missing = len(full.bullets) - len(shown.bullets)
    if missing:
        notes.append(msg("{missing} of {total} bullets", missing=missing, total=len(full.bullets)))
    if not set(shown.bullets) <= set(full.bullets):
        notes.append(msg("the end of a bullet"))
    tags = [f"#{tag}" for tag in full.hashtags if tag not in shown.hashtags]
    if tags:
        notes.append(msg("hashtags: {hashtags}", hashtags=" ".join(tags)))
    return tuple(notes)


def _whole_bullets(full: Cut, render: Render, fits: Fits) -> Iterator[Cut]:
    """All, then fewer; of the last one the hashtags yield first."""
    for count in range(len(full.bullets), 1, -1):
        yield replace(full, bullets=full.bullets[:count])
    for bullet in full.bullets:  # where the first is too long by itself, another may fit whole
        yield from _with_hashtags(replace(full, bullets=(bullet,)))


def _part_of_bullet(full: Cut, render: Render, fits: Fits) -> Iterator[Cut]:
    if not full.bullets:
        return
    bullet = full.bullets[0]
    bare = replace(full, bullets=(bullet,), hashtags=())
    short = cut(bullet, lambda text: fits(render(replace(bare, bullets=(text,)))))
    if short is not None and len(short) >= _WORTH * len(bullet):
        yield from _with_hashtags(replace(full, bullets=(short,)))


def _title_alone(full: Cut, render: Render, fits: Fits) -> Iterator[Cut]:
    if full.title:
        yield from _with_hashtags(replace(full, bullets=()))


def _part_of_title(full: Cut, render: Render, fits: Fits) -> Iterator[Cut]:
    bare = replace(full, bullets=(), hashtags=())
    short = cut(full.title, lambda text: fits(render(replace(bare, title=text))), 1)
    if short is not None:
        yield from _with_hashtags(replace(full, title=short, bullets=()))


def _with_hashtags(shown: Cut) -> Iterator[Cut]:
    """As many as there is room for."""
    yield shown
    yield from _fewer_hashtags(shown)


def _fewer_hashtags(shown: Cut) -> Iterator[Cut]:
    for count in range(len(shown.hashtags) - 1, -1, -1):
        yield replace(shown, hashtags=shown.hashtags[:count])
