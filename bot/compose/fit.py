"""Fitting a post into a limit like an editor: whole bullets go before one is cut, the link is whole
or not there, and what was left out is told.

A `Cut` says how much of a post is shown. `fit` tries those of a way from the fullest on and takes
the first whose text fits: fewer bullets, the last first; then fewer hashtags; then the one bullet
cut at a phrase; then the title with the link; then the title cut at a phrase.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from bot.compose.phrases import cut
from bot.errors import DraftError
from bot.i18n import Message, msg

Render = Callable[["Cut"], str]
Fits = Callable[[str], bool]
Way = Callable[["Cut", Render, Fits], Iterator["Cut"]]
"""The cuts to try, the fullest first."""

_WORTH = 16
"""A bullet of which less than this is left (a Japanese letter is two) says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What of a post is shown: the title, the bullets and the hashtags (without `#`). `tight`: a
    layout without blank lines, where there is one."""

    title: str
    bullets: tuple[str, ...]
    hashtags: tuple[str, ...]
    tight: bool = False


def fit(full: Cut, render: Render, fits: Fits, way: Way) -> tuple[Cut, str]:
    """The fullest cut whose text fits, and that text. Raises DraftError where none does."""
    if not full.title and not full.bullets:
        raise DraftError(msg("There is nothing to say: no title and no summary"), code="empty")
    for candidate in way(full, render, fits):
        text = render(candidate)
        if text and fits(text):
            return candidate, text
    if not render(full):
        raise DraftError(msg("The template gives no text for this post"), code="template")
    raise DraftError(
        msg("It cannot be made short enough: even the shortest text is over the limit"),
        code="too-long",
        hint=msg("Shorten the title, or raise `limit` if the account allows more"),
    )


def hashtags_yield(full: Cut, render: Render, fits: Fits) -> Iterator[Cut]:
    """The default: hashtags go before the only bullet does, and blank lines after them."""
    yield from _whole_bullets(full)
    for one in _one_bullet(full):
        yield from _most_hashtags(one, render, fits)
        yield from _most_hashtags(replace(one, tight=True), render, fits)
    yield from _part_of_bullet(replace(full, hashtags=()), full.hashtags, render, fits)
    yield from _title(full, render, fits)


def bullets_yield(full: Cut, render: Render, fits: Fits) -> Iterator[Cut]:
    """Where hashtags matter more: all of them stay as long as the title is whole."""
    yield from _whole_bullets(full)
    for one in _one_bullet(full):
        yield from (one, replace(one, tight=True))
    yield from _part_of_bullet(full, full.hashtags, render, fits)
    yield from _title(full, render, fits)


def as_marked(order: tuple[str, ...]) -> Way:
    """Only what a template marks may shrink, one after the other."""

    def way(full: Cut, render: Render, fits: Fits) -> Iterator[Cut]:
        yield full
        for name in order:
            if name == "bullets":
                yield from _whole_bullets(full)
                yield from _one_bullet(full)
                yield from _part_of_bullet(full, full.hashtags, render, fits)
                full = replace(full, bullets=())
            elif name == "hashtags":
                yield from _fewer_hashtags(full)
                full = replace(full, hashtags=())
            else:
                full = _shorter_title(full, render, fits) or full
            yield full

    return way


def whole_only(full: Cut, render: Render, fits: Fits) -> Iterator[Cut]:
    """The author's own text: hashtags may go, not a word of it."""
    yield from _most_hashtags(full, render, fits)


def left_out(full: Cut, parts: Sequence[Cut]) -> tuple[Message, ...]:
    """What a reader of the parts does not see, in words."""
    notes: list[Message] = []
    if not any(part.title == full.title for part in parts):
        notes.append(msg("the end of the title"))
    bullets = [bullet for part in parts for bullet in part.bullets]
    if missing := len(full.bullets) - len(bullets):
        notes.append(msg("{missing} of {total} bullets", missing=missing, total=len(full.bullets)))
    if not set(bullets) <= set(full.bullets):
        notes.append(msg("the end of a bullet"))
    shown = {tag for part in parts for tag in part.hashtags}
    tags = [f"#{tag}" for tag in full.hashtags if tag not in shown]
    if tags:
        notes.append(msg("hashtags: {hashtags}", hashtags=" ".join(tags)))
    return tuple(notes)


def _whole_bullets(full: Cut) -> Iterator[Cut]:
    """All, then fewer, the last first."""
    for count in range(len(full.bullets), 0, -1):
        yield replace(full, bullets=full.bullets[:count])


def _one_bullet(full: Cut) -> Iterator[Cut]:
    """Where the first is too long by itself, another may fit whole."""
    for bullet in full.bullets:
        yield replace(full, bullets=(bullet,))


def _part_of_bullet(
    full: Cut, hashtags: tuple[str, ...], render: Render, fits: Fits
) -> Iterator[Cut]:
    """The first bullet cut at a phrase beside the hashtags of `full`; then as many of `hashtags`
    as there is room for."""
    if not full.bullets:
        return
    bullet = full.bullets[0]

    def fits_with(text: str) -> bool:
        return fits(render(replace(full, bullets=(text,))))

    short = cut(bullet, fits_with) if fits_with(bullet[: _WORTH // 2]) else None
    if short is not None and sum(1 + (char > "\u10ff") for char in short) >= _WORTH:
        yield from _most_hashtags(replace(full, bullets=(short,), hashtags=hashtags), render, fits)


def _title(full: Cut, render: Render, fits: Fits) -> Iterator[Cut]:
    """The title alone, then the title cut at a phrase."""
    if full.title:
        yield from _most_hashtags(replace(full, bullets=()), render, fits)
    short = _shorter_title(replace(full, bullets=(), hashtags=()), render, fits)
    if short is not None:
        yield from _most_hashtags(replace(short, hashtags=full.hashtags), render, fits)


def _shorter_title(full: Cut, render: Render, fits: Fits) -> Cut | None:
    short = cut(full.title, lambda text: fits(render(replace(full, title=text))), 1)
    return None if short is None else replace(full, title=short)


def _most_hashtags(shown: Cut, render: Render, fits: Fits) -> Iterator[Cut]:
    """As many as there is room for; nothing where even without them it is too long."""
    if fits(render(replace(shown, hashtags=()))):
        yield shown
        yield from _fewer_hashtags(shown)


def _fewer_hashtags(shown: Cut) -> Iterator[Cut]:
    for count in range(len(shown.hashtags) - 1, -1, -1):
        yield replace(shown, hashtags=shown.hashtags[:count])
