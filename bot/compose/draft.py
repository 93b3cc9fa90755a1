"""One post for one account: its values cleaned and guarded, the template filled in and fitted.

What a poster needs beside the text stands in `options`: `cw` (content warning), `embed` (`card`: the
link's preview, on Bluesky with the picture as its thumb; `image`: the picture; `none`), `fold`
(where X folds the first part).
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property
from typing import Any

from bot.compose.clean import guard, one_line, own_lines
from bot.compose.fit import (
    Cut,
    Way,
    as_marked,
    bullets_yield,
    fit,
    hashtags_yield,
    left_out,
    whole_only,
)
from bot.compose.hashtags import ALIASES, find_hashtags, hashtags
from bot.compose.phrases import cut
from bot.compose.routing import route
from bot.compose.social import Social, social_for
from bot.compose.template import DotBullets, JapaneseBullets, Words, marks, render
from bot.compose.thread import thread
from bot.compose.units import fold, graphemes, measure
from bot.errors import DraftError
from bot.i18n import Message, msg
from bot.links import ascii_addresses, canonical
from bot.model import Draft, Image, Measure, Part, Post, TextLimit
from bot.settings import Account, Site

TEMPLATE = """\
{{ title }}

{{ bullets }}

{{ link }}
{{ hashtags }}
"""
FOLDED_TEMPLATE = """\
{{ title }}

{{ link }}

{{ bullets }}

{{ hashtags }}
"""
"""Where X folds a long post, the link stands above the fold."""
TIGHT_TEMPLATE = """\
{{ title }}
{{ bullets[0] }}
{{ link }}
{{ hashtags }}
"""
"""Blank lines go before the last whole bullet does."""


_WITHOUT_WARNING = {"x": "X", "bluesky": "Bluesky"}
"""X has no content warning; Bluesky's are labels of a fixed set, not words."""


def compose(
    post: Post, account: Account, limit: TextLimit, site: Site, *, allow_link: bool = True
) -> Draft:
    """What would appear on the account. `hashtags` are those in the text, without `#`; `link` is
    None where the text has none. `allow_link` is the day's word on `link = "auto"`. Raises
    DraftError: it cannot fit, there is nothing to say, or the template is wrong."""
    return _Composer(post, account, limit, site, allow_link).draft()


class _Composer:
    def __init__(
        self, post: Post, account: Account, limit: TextLimit, site: Site, allow_link: bool
    ) -> None:
        account = route(post, account).account
        self.post, self.account, self.site = post, account, site
        self.said: Social = social_for(post.social, account.network)
        self.limit = limit if account.limit is None else replace(limit, maximum=account.limit)
        self.link = self._link(allow_link)
        self.full, self.unusable = self._full()
        self._texts: dict[tuple[str, Cut, bool], str] = {}
        self._guarded: dict[str, str] = {}
        self._counted: dict[str, tuple[Measure, ...]] = {}

    def draft(self) -> Draft:
        shown = self._parts()
        texts = [text for _, text in shown]
        found = [tag for text in texts for tag in self._standing(text)]
        return Draft(
            account=self.account.name,
            network=self.account.network,
            post=self.post.path,
            url=self.post.url,
            title=one_line(self.post.title),
            description="\n".join(self._bullets),
            parts=tuple(Part(text=text, measures=self._measure(text)) for text in texts),
            link=self.link if any(_stands(self.link, text) for text in texts) else None,
            hashtags=tuple(tag for tag in self.full.hashtags if tag in found),
            images=self._images(),
            language=self.post.language or self.site.language,
            left_out=left_out(self.full, [cut for cut, _ in shown])
            + self.unusable
            + self._no_warning(),
            options=self._options(texts[0]),
        )

    # --- what is shown

    def _parts(self) -> list[tuple[Cut, str]]:
        if self.account.thread and self.said.text is None and not self.account.template:
            return thread(
                self.full,
                lambda cut, link: self._fill(TEMPLATE, cut, link),
                self._fits,
                link_first=self.account.thread_link == "first",
                numbered=self.account.numbered,
            )
        one = self._one(self._template)
        if self._template == TEMPLATE and _fold(self.account, one[1]) is not None:
            one = self._one(FOLDED_TEMPLATE, self._above_fold())
        return [one]

    def _above_fold(self) -> Cut:
        """With as much of the title as leaves room for the link above X's fold."""
        if not self.link or self.said.text is not None:
            return self.full

        def is_above(title: str) -> bool:
            return fold(f"{self._safe(title)}\n\n{self.link}") is None

        short = None if is_above(self.full.title) else cut(self.full.title, is_above, 1)
        return self.full if short is None else replace(self.full, title=short)

    def _one(self, template: str, full: Cut | None = None) -> tuple[Cut, str]:
        try:
            return fit(
                full or self.full,
                lambda cut: self._fill(template, cut, True),
                self._fits,
                self._way,
            )
        except DraftError as error:
            if self.said.text is None or error.code != "too-long":
                raise
            raise DraftError(
                msg("The text in `social` is longer than {limit}", limit=self.limit.maximum or 0),
                code="own-text-too-long",
                path=self.post.path,
                hint=msg("Shorten it, or write `fit: true` there to have it cut"),
            ) from None

    @property
    def _template(self) -> str:
        return TEMPLATE if self.said.text is not None else self.account.template or TEMPLATE

    @property
    def _way(self) -> Way:
        if self.said.text is not None and not self.said.fit:
            return whole_only
        if marked := marks(self._template):
            return as_marked(marked)
        return bullets_yield if self.account.keep_hashtags else hashtags_yield

    def _full(self) -> tuple[Cut, tuple[Message, ...]]:
        aliases = {key.casefold(): name for key, name in (self.account.aliases or {}).items()}
        tags = self.post.tags if self.said.tags is None else self.said.tags
        made, refused = hashtags(tags, {**ALIASES, **aliases})
        notes = tuple(msg("{tag} cannot be a hashtag", tag=one_line(tag)) for tag in refused)
        made = made[: max(self.account.hashtags, 0)]
        if self.said.text is not None:
            return Cut(title=own_lines(self.said.text), bullets=(), hashtags=made), notes
        title = one_line(self.post.title)
        bullets = tuple(line for line in self._bullets if line != title)
        return Cut(
            title=ascii_addresses(title),
            bullets=tuple(map(ascii_addresses, bullets)),
            hashtags=made,
        ), notes

    @cached_property
    def _bullets(self) -> tuple[str, ...]:
        return tuple(filter(None, map(one_line, self.post.summary.lines)))

    def _link(self, allowed: bool) -> str:
        wish = self.said.link or self.account.link
        if wish == "never" or (wish == "auto" and not allowed):
            return ""
        return canonical(self.post.url, self.account.utm)

    # --- its text

    def _fill(self, template: str, shown: Cut, link: bool) -> str:
        if shown.tight and template == TEMPLATE:
            template = TIGHT_TEMPLATE
        key = (template, shown, link)
        if key not in self._texts:
            self._texts[key] = render(template, self._values(shown, link))
        return self._texts[key]

    def _values(self, shown: Cut, link: bool) -> dict[str, Any]:
        own = self.said.text is not None
        bullets = (
            JapaneseBullets
            if _is_japanese(self.post.language or self.site.language)
            else DotBullets
        )
        there = own and self.link and _stands(self.link, shown.title)
        return {
            "title": shown.title if own else self._safe(shown.title),
            "bullets": bullets(map(self._safe, shown.bullets)),
            "hashtags": Words(f"#{tag}" for tag in shown.hashtags),
            "link": self.link if link and not there else "",
            "date": self.post.date,
            "site": self.site.title,
            "author": self.post.author or self.site.author,
        }

    def _safe(self, text: str) -> str:
        if text not in self._guarded:
            self._guarded[text] = guard(text, self.account.network)
        return self._guarded[text]

    def _fits(self, text: str) -> bool:
        return all(m.limit is None or m.length <= m.limit for m in self._measure(text))

    def _measure(self, text: str) -> tuple[Measure, ...]:
        if text not in self._counted:
            first, *rest = measure(text, self.limit)
            warning = graphemes(self.said.cw or "") if self.account.network == "mastodon" else 0
            self._counted[text] = (replace(first, length=first.length + warning), *rest)
        return self._counted[text]

    # --- beside it

    def _standing(self, text: str) -> set[str]:
        """The hashtags that a reader can follow: alone between white space, on X by X's rule."""
        if self.account.network == "x":
            return set(find_hashtags(text))
        return {word[1:] for word in text.split() if word.startswith("#")}

    @cached_property
    def _embed(self) -> str:
        """Without a link there is no preview of it; on Bluesky we make the card ourselves, so it is
        what a post without a picture gets, and what all get by default."""
        bluesky, cover = self.account.network == "bluesky", self.post.cover
        there = cover is not None and bool(cover.file or cover.url)
        wish = self.account.image or ("card" if bluesky and self.link else "cover")
        if wish == "cover":
            return "image" if there else "card" if bluesky and self.link else "none"
        return "card" if wish == "card" and self.link else "none"

    def _images(self) -> tuple[Image, ...]:
        """A card has no picture of its own, but on Bluesky its thumb is ours."""
        cover, bluesky = self.post.cover, self.account.network == "bluesky"
        shown = self._embed == "image" or (self._embed == "card" and bluesky)
        return (cover,) if shown and cover is not None and (cover.file or cover.url) else ()

    def _no_warning(self) -> tuple[Message, ...]:
        name = _WITHOUT_WARNING.get(self.account.network)
        if not self.said.cw or name is None:
            return ()
        return (msg("the content warning: {network} has none", network=name),)

    def _options(self, text: str) -> dict[str, Any]:
        options = {
            "cw": None if self._no_warning() else self.said.cw and one_line(self.said.cw),
            "embed": self._embed,
            "fold": _fold(self.account, text),
        }
        return {name: value for name, value in options.items() if value is not None}


def _fold(account: Account, text: str) -> int | None:
    return fold(text) if account.network == "x" else None


def _stands(link: str, text: str) -> bool:
    return bool(link) and re.search(re.escape(link) + r"(?![\w/\-])", text) is not None


def _is_japanese(language: str) -> bool:
    return language.lower().replace("_", "-").split("-")[0] == "ja"
