"""Which account takes which post, and how: its languages, sections, tags, categories and rules."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from bot.compose.social import social_for
from bot.model import Post
from bot.settings import Account, When


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """`account` with what its rules change for a post; `skip`: it does not take the post."""

    account: Account
    skip: bool
    priority: int


def route(post: Post, account: Account) -> Route:
    """Rules hold in their order, a later one over an earlier; the author's word is the last."""
    skip, priority = not _takes(post, account), 0
    for rule in account.rules:
        if not _matches(post, rule.when):
            continue
        skip = skip if rule.skip is None else skip or rule.skip
        priority = priority if rule.priority is None else rule.priority
        account = replace(
            account,
            link=account.link if rule.link is None else rule.link,
            template=account.template if rule.template is None else rule.template,
        )
    said = social_for(post.social, account.network)
    return Route(
        account=account,
        skip=skip or said.skip,
        priority=priority if said.priority is None else said.priority,
    )


def choose(account: Account, versions: Sequence[Post], default: str) -> Post | None:
    """Of an article's translations the one that the account takes: the first language that it asks
    for, else the site's (`default`), else the one there is; never two. None: it takes none."""
    language = pick_language([post.language for post in versions], account, default)
    post = next((post for post in versions if post.language == language), None)
    return None if post is None or route(post, account).skip else post


def pick_language(there: Collection[str], account: Account, default: str) -> str | None:
    """Of a post's languages the one that the account takes; None where it takes none of them."""
    if account.languages:
        return next((n for want in account.languages for n in there if _is(n, want)), None)
    return next((n for n in there if _is(n, default)), next(iter(there), None))


def _takes(post: Post, account: Account) -> bool:
    when = When(
        languages=account.languages,
        sections=account.sections,
        tags=account.tags,
        categories=account.categories,
    )
    return _matches(post, when)


def _matches(post: Post, when: When) -> bool:
    return (
        (not when.languages or any(_is(post.language, want) for want in when.languages))
        and (not when.sections or _folded([post.section]) & _folded(when.sections) != set())
        and (not when.tags or _folded(post.tags) & _folded(when.tags) != set())
        and (not when.categories or _folded(post.categories) & _folded(when.categories) != set())
    )


def _folded(names: Collection[str]) -> set[str]:
    return {name.strip().casefold() for name in names}


def _is(language: str, wanted: str) -> bool:
    """`ja-JP` is `ja`; `pt-BR` is not `pt-PT`."""
    language, wanted = (name.replace("_", "-").casefold() for name in (language, wanted))
    return language == wanted or language.startswith(wanted + "-")
