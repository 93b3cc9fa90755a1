"""The last good version of what the feed shows: a bad edit of a post takes nothing out of it.

Copies of the files lie in state/last-good, one for each post of the site's own feed, so that a later
process has them, too. They are of no other use: deliveries wait until the post itself can be read.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from bot.errors import ContentError
from bot.model import Article, Post

if TYPE_CHECKING:
    from bot.content import Scanner


class LastGood:
    """For one site, kept as long as the process runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[str, str] = {}

    def keep(self, posts: Iterable[Post]) -> None:
        """Copies of exactly these posts. Without room or permission there are none."""
        wanted = {_name(post.id): post for post in posts}
        with contextlib.suppress(OSError):
            for name, post in wanted.items():
                if self._kept.get(name) != post.content_hash:
                    self._copy(name, post)
            for file in self._folder.iterdir():
                if file.name not in wanted:
                    file.unlink()

    def posts(
        self, articles: Iterable[Article], scanner: Scanner, now: datetime
    ) -> Iterator[tuple[Article, Post, str]]:
        """Those of `articles` that were good once and are to be seen at `now`, with their text."""
        for article in articles:
            with contextlib.suppress(OSError, ContentError):
                data = (self._folder / _name(article.id)).read_bytes()
                post, body = scanner.reread(data, article.path, now)
                named = replace(post, id=article.id, subject=article.subject)
                if named.visible:
                    yield article, replace(named, first_visible=article.first_visible), body

    def _copy(self, name: str, post: Post) -> None:
        """Only of the version that was read: meanwhile the file may be another."""
        from bot.content.files import content_hash, read_file

        file = self._folder / name
        with contextlib.suppress(FileNotFoundError):
            if content_hash(file.read_bytes()) == post.content_hash:
                self._kept[name] = post.content_hash
                return
        data = read_file(post.source)
        if content_hash(data) == post.content_hash:
            self._folder.mkdir(parents=True, exist_ok=True)
            fresh = self._folder / f"{name}.{os.getpid()}"
            fresh.write_bytes(data)
            fresh.replace(file)
            self._kept[name] = post.content_hash


def text_of(found: Mapping[str, str], post: Post) -> str:
    """The Markdown of a post; of its last good version where that stands in for it."""
    from bot.content import read_body

    return found[post.path] if post.path in found else read_body(post)


def _name(id: str) -> str:
    return sha256(id.encode("utf-8", "surrogatepass")).hexdigest()[:32] + ".md"
