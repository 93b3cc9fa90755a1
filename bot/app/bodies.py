"""The HTML of a post as its feeds show it, with the addresses of the posts that it refers to; and what
of it could not be shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from posixpath import dirname, join, normpath
from typing import TYPE_CHECKING

from bot.app.lastgood import text_of
from bot.app.wiring import App
from bot.i18n import Message, msg
from bot.model import Entry, Post, Problem

if TYPE_CHECKING:
    from bot.content import Manner


class Bodies:
    """For one writing of the feeds; each shortcode that is not known is told once."""

    def __init__(self, app: App, posts: Iterable[Post], texts: Mapping[str, str]) -> None:
        self.problems: list[Problem] = []
        self._app, self._posts, self._texts = app, posts, texts
        self._told: set[str] = set()

    def __call__(self, entry: Entry) -> str:
        from bot.content import render

        post = entry.post
        html, troubles = render(text_of(self._texts, post), post.url, self._manner(post))
        for name, trouble in troubles.items():
            if name not in self._told or trouble == "no-page":
                self._told.add(name)
                self.problems.append(_problem(post, name, trouble))
        return html

    def _manner(self, post: Post) -> Manner:
        from bot.content import Manner

        return Manner(
            unsafe=self._app.scanner.rules.unsafe,
            strip=self._app.config.feed.strip,
            page=lambda ref: self._page(post, ref),
        )

    def _page(self, post: Post, ref: str) -> str | None:
        """What Hugo's `ref` finds: a path from the content folder or beside the post, or the end of
        one that no other post has. (https://gohugo.io/methods/page/ref/)"""
        path, mark, part = ref.strip().partition("#")
        if not path:
            return post.url + mark + part
        path = _plain(path.strip("/"))
        beside = _plain(normpath(join(dirname(post.path), path)))
        found = self._by_path.get(beside) or self._by_end.get(path)
        return found + mark + part if found else None

    @cached_property
    def _by_path(self) -> Mapping[str, str]:
        return {_plain(post.path): post.url for post in self._posts if post.visible}

    @cached_property
    def _by_end(self) -> Mapping[str, str]:
        """Each path without one folder after another; where two end alike, the shorter path."""
        ends: dict[str, str] = {}
        for path, url in sorted(self._by_path.items(), key=lambda item: (item[0].count("/"), item)):
            parts = path.split("/")
            for at in range(len(parts)):
                ends.setdefault("/".join(parts[at:]), url)
        return ends


def _plain(path: str) -> str:
    """A path as people write it in a `ref`: with or without suffix, or the name of a bundle."""
    for suffix in (".markdown", ".md"):
        path = path.removesuffix(suffix)
    return path.removesuffix("/index")


def _problem(post: Post, name: str, trouble: str) -> Problem:
    hint = msg("Only Hugo's own shortcodes are known; the rest of the post is shown")
    if trouble == "no-page":
        hint = msg("Check the path after it, and whether that post is published")
    return Problem(
        path=post.path,
        message=_words(name, trouble),
        code="shortcode",
        hint=hint,
        post_lost=False,
    )


def _words(name: str, trouble: str) -> Message:
    if trouble == "single":
        return msg("The shortcode {name} is not known: feeds leave it out", name=name)
    if trouble == "paired":
        return msg("The shortcode {name} is not known: feeds show what it encloses", name=name)
    return msg(
        "{name} names a post that is not there: its link leads to the post itself", name=name
    )
