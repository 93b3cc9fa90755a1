"""Which post is which: files are matched with the articles that the ledger knows, a whole scan at
once, so that a rename, a move or a new slug is the same post. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from bot.i18n import msg
from bot.model import Article, Post, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """`posts` with their ids, `articles` as the ledger shall keep them now (all that are there),
    `changed` those of them that differ from what it keeps."""

    posts: tuple[Post, ...]
    articles: tuple[Article, ...]
    changed: tuple[Article, ...]
    problems: tuple[Problem, ...]


def identify(
    posts: Sequence[Post],
    known: Sequence[Article],
    site: str,
    now: int,
    unread: Collection[str] = (),
    guid: Callable[[Post], str] = lambda post: post.url,
) -> Identified:
    """Give every post its id. `unread`: paths that are there but could not be read, so that their
    articles are not taken as moved. `now`: UTC microseconds. `guid`: a post's id in feeds, asked
    at its first sight."""
    matched = _match(posts, known, set(unread))
    taken = {a.id for a in known}
    named: list[Post] = []
    problems: list[Problem] = []
    articles: list[Article] = []
    for post in posts:
        article = matched.get(post.path)
        if article is None:
            article = _new(post, site, now, taken)
            taken.add(article.id)
            if post.explicit_id and article.id != post.explicit_id:
                problems.append(_twice(post))
        named.append(replace(post, id=article.id))
        articles.append(_seen(article, post, now, guid))
    before = {a.id: a for a in known}
    present = {a.id for a in articles}
    gone = [
        replace(a, gone_at=now)
        for a in known
        if a.id not in present and a.gone_at is None and a.path not in set(unread)
    ]
    changed = tuple(a for a in articles if before.get(a.id) != a) + tuple(gone)
    return Identified(
        posts=tuple(named), articles=tuple(articles), changed=changed, problems=tuple(problems)
    )


def new_id(site: str, path: str, taken: Collection[str]) -> str:
    """A hash of site and path, with a counter if that is taken."""
    count = 0
    while True:
        text = f"{site}\n{path}" + (f"\n{count}" if count else "")
        id = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        if id not in taken:
            return id
        count += 1


def unread_article(path: str, site: str, now: int, taken: Collection[str]) -> Article:
    """A file that is there and cannot be read yet: its place in the ledger."""
    id = new_id(site, path, taken)
    return Article(id=id, path=path, guid="", url="", title="", content_hash="", first_seen=now)


def _match(posts: Sequence[Post], known: Sequence[Article], unread: set[str]) -> dict[str, Article]:
    """path → article, by the surest sign first; each article is given away once."""
    here = {post.path for post in posts} | unread
    left = {a.id: a for a in known}
    found: dict[str, Article] = {}

    def give(post: Post, candidates: Iterable[Article]) -> None:
        if post.path in found:
            return
        free = [a for a in candidates if a.id in left]
        best = next((a for a in free if a.path == post.path), free[0] if free else None)
        if best is not None:
            found[post.path] = left.pop(best.id)

    by_id = {a.id: a for a in known}
    by_path = _group(known, lambda a: a.path)
    by_hash = _group(known, lambda a: a.content_hash)
    by_url = _group(known, lambda a: a.url)
    # A copied post bears the same id: the file that had it keeps it.
    bearers = [post for post in posts if post.explicit_id in by_id]
    for post in sorted(bearers, key=lambda p: by_id[p.explicit_id or ""].path != p.path):
        give(post, [by_id[post.explicit_id or ""]])
    for post in posts:
        same = by_path.get(post.path, ())
        give(post, [a for a in same if a.url == post.url or a.content_hash == post.content_hash])
    for post in posts:
        moved = [a for a in by_hash.get(post.content_hash, ()) if a.path not in here]
        give(post, moved)
    for post in posts:
        urls = (post.url, *post.aliases)
        give(post, [a for url in urls for a in by_url.get(url, ()) if a.path not in here])
    for post in posts:
        give(post, by_path.get(post.path, ()))
    return found


def _group(articles: Sequence[Article], key: Callable[[Article], str]) -> dict[str, list[Article]]:
    groups: dict[str, list[Article]] = {}
    for article in articles:
        name = key(article)
        if name:
            groups.setdefault(name, []).append(article)
    return groups


def _new(post: Post, site: str, now: int, taken: Collection[str]) -> Article:
    explicit = post.explicit_id
    id = explicit if explicit and explicit not in taken else new_id(site, post.path, taken)
    return Article(
        id=id,
        path=post.path,
        guid="",
        url=post.url,
        title=post.title,
        content_hash=post.content_hash,
        first_seen=now,
    )


def _seen(article: Article, post: Post, now: int, guid: Callable[[Post], str]) -> Article:
    changed = article.content_hash not in ("", post.content_hash)
    return replace(
        article,
        path=post.path,
        guid=article.guid or guid(post),
        url=post.url,
        title=post.title,
        content_hash=post.content_hash,
        changed_at=now if changed else article.changed_at,
        first_visible=article.first_visible or (now if post.visible else None),
        gone_at=None,
    )


def _twice(post: Post) -> Problem:
    return Problem(
        path=post.path,
        message=msg("the id {id} belongs to another file", id=post.explicit_id or ""),
        code="duplicate-id",
        hint=msg("it is treated as a new post; give it an id of its own"),
        post_lost=False,
    )
