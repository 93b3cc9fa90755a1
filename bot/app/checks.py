"""What an owner and an author wrote, checked before it is used: templates, and `social` in front
matter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from bot.config import line_within
from bot.errors import BotError, ContentError
from bot.model import Post, Problem
from bot.settings import Account, Config, Feed

LONGEST_MATTER = 256 * 1024


class Fault(NamedTuple):
    """A template that cannot be used: its key and line in the configuration, and why."""

    key: str
    line: int | None
    error: BotError


def template_fault(config: Config) -> Fault | None:
    """The first template that cannot be used: of an account, a rule, or of sharing again."""
    from bot.compose import check_template

    for n, account in enumerate(config.accounts):
        for name, template in _templates(account):
            try:
                check_template(template)
            except BotError as error:
                places = (f"accounts.{n}", f"defaults.{account.network}", "defaults")
                keys = [f"{place}.{name}" for place in places]
                key = next((k for k in keys if k in config.lines), keys[0])
                return Fault(key, line_within(config, key, error.line or 1), error)
    return None


def feed_fault(config: Config) -> str | None:
    """The setting of a feed whose file name another one has already."""
    seen: set[str] = set()
    for key in ("rss", "atom", "json", "style", "opml"):
        name = getattr(config.feed, key)
        if name and name in seen:
            return f"feed.{key}"
        seen.add(name)
    return None


def strip_fault(config: Config) -> BotError | None:
    """What is wrong with a selector of `[feed] strip`."""
    from bot.content.boxes import selector_fault

    usual = Feed().strip
    return selector_fault(s for s in config.feed.strip if s not in usual)


def permalink_fault(config: Config) -> ContentError | None:
    """What is wrong with the pattern of addresses."""
    from bot.content.permalink import unknown_token

    return None if config.content.hugo else unknown_token(config.content.permalink)


def social_slips(posts: Iterable[Post]) -> Iterator[Problem]:
    """What is wrong in the `social` of posts; they go out without it."""
    from bot.app.timing import is_time
    from bot.compose import social_problems

    for post in posts:
        for slip in social_problems(post.social, is_time) if post.social else ():
            yield Problem(
                path=post.path,
                message=slip.message,
                code=slip.code,
                line=line_in_matter(post, slip.keys),
                post_lost=False,
            )


def line_in_matter(post: Post, keys: tuple[str, ...]) -> int | None:
    """The line of a key in the post's front matter; None where it cannot be found."""
    from bot.compose.social import line_of

    try:
        with Path(post.source).open(encoding="utf-8", errors="replace") as file:
            return line_of(file.read(LONGEST_MATTER), keys)
    except (OSError, ValueError):
        return None


def _templates(account: Account) -> Iterator[tuple[str, str]]:
    if account.template:
        yield "template", account.template
    for n, rule in enumerate(account.rules):
        if rule.template:
            yield f"rules.{n}.template", rule.template
    for n, again in enumerate(account.reshare):
        if again.template:
            yield f"reshare.{n}.template", again.template
