"""One post for one account: its values cleaned and guarded, the template filled in and fitted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bot.compose.clean import guard, one_line
from bot.compose.fit import Cut, fit, left_out
from bot.compose.hashtags import hashtags
from bot.compose.links import canonical
from bot.compose.template import DotBullets, JapaneseBullets, Words, render
from bot.compose.units import fits, measure
from bot.i18n import Message, msg
from bot.model import Draft, Part, Post, TextLimit
from bot.settings import Account, Site

DEFAULT_TEMPLATE = """\
{{ title }}

{{ bullets }}

{{ link }}
{{ hashtags }}
"""


def compose(post: Post, account: Account, limit: TextLimit, site: Site) -> Draft:
    """What would appear on the account. `hashtags` are those in the text, without `#`; `link` is
    None where the text has none. Raises DraftError: it cannot fit, there is nothing to say, or the
    template is wrong."""
    if account.limit is not None:
        limit = replace(limit, maximum=account.limit)
    link = canonical(post.url)
    full, unusable = _full(post, account)
    fill = _filler(post, account, site, link)
    shown, text = fit(full, fill, lambda text: fits(text, limit))
    return Draft(
        account=account.name,
        network=account.network,
        post=post.path,
        url=post.url,
        title=full.title,
        description="\n".join(_bullets(post)),
        parts=(Part(text=text, measures=measure(text, limit)),),
        link=link if link in text else None,
        hashtags=tuple(tag for tag in shown.hashtags if f"#{tag}" in text),
        images=(post.cover,) if post.cover is not None else (),
        language=post.language,
        left_out=left_out(full, shown) + unusable,
    )


def _full(post: Post, account: Account) -> tuple[Cut, tuple[Message, ...]]:
    title = one_line(post.title)
    bullets = tuple(line for line in _bullets(post) if line != title)
    tags, refused = hashtags(post.tags)
    notes = tuple(msg("{tag} cannot be a hashtag", tag=one_line(tag)) for tag in refused)
    return Cut(title=title, bullets=bullets, hashtags=tags[: max(account.hashtags, 0)]), notes


def _bullets(post: Post) -> tuple[str, ...]:
    return tuple(filter(None, map(one_line, post.summary.lines)))


def _filler(post: Post, account: Account, site: Site, link: str) -> Callable[[Cut], str]:
    """Cut → text, each text made once."""
    template = account.template or DEFAULT_TEMPLATE
    bullets = JapaneseBullets if _is_japanese(post.language or site.language) else DotBullets
    fixed: dict[str, Any] = {
        "link": link,
        "date": post.date,
        "site": site.title,
        "author": post.author or site.author,
    }
    made: dict[Cut, str] = {}

    def fill(shown: Cut) -> str:
        if shown not in made:
            made[shown] = render(
                template,
                {
                    "title": guard(shown.title, account.network),
                    "bullets": bullets(guard(line, account.network) for line in shown.bullets),
                    "hashtags": Words(f"#{tag}" for tag in shown.hashtags),
                    **fixed,
                },
            )
        return made[shown]

    return fill


def _is_japanese(language: str) -> bool:
    return language.lower().replace("_", "-").split("-")[0] == "ja"
