"""Which post is which: files are matched with the articles that the ledger knows, a whole scan at
once, so that a rename, a move or a new slug is the same post. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.content.sketches import hashes_of, mostly_same
from bot.i18n import msg
from bot.model import Article, Post, Problem
from bot.words import WhyNot

DOUBT = "new-or-old"
COLLISION: WhyNot = "collision"
OTHER_FILE: WhyNot = "other-file"
_LATER: tuple[WhyNot, ...] = ("draft", "future", "bad-date")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """`posts` with their ids, `articles` as the ledger shall keep them now (all that are there),
    `changed` those of them that differ from what it keeps, `missing` those whose file is not there (since `gone_at`, None: since now).
    `doubtful`: ids of new posts that may be old ones: a person is asked; with the subject of the
    article that each may be (what was never shared leaves no doubt)."""

    posts: tuple[Post, ...]
    articles: tuple[Article, ...]
    changed: tuple[Article, ...]
    missing: tuple[Article, ...]
    problems: tuple[Problem, ...]
    doubtful: Mapping[str, str]


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
    used = {a.id for a in matched.values()}
    replaced = {a.path: a for a in known if a.id not in used and a.gone_at is None}
    beside: _Beside | None = None
    taken = {a.id for a in known}
    named: list[Post] = []
    problems: list[Problem] = []
    articles: list[Article] = []
    doubtful: dict[str, str] = {}
    subjects = {
        post.translation: matched[post.path].subject
        for post in reversed(posts)
        if post.translation and post.path in matched
    }
    for post in posts:
        article = matched.get(post.path)
        if article is None:
            article = _new(post, site, now, taken)
            taken.add(article.id)
            beside = beside or _Beside(posts, matched, replaced)
            old, problem = beside.question(post, article.id, subjects.get(post.translation))
            doubtful |= {article.id: subject_of(old)} if old else {}
            problems += [problem] if problem else []
        article = _with_subject(_seen(article, post, now, guid), post, subjects)
        named.append(with_names(post, article.id, article.subject, article.first_visible))
        articles.append(article)
    apart, taken_by = _apart(named, articles)
    before = {a.id: a for a in known}
    unread = set(unread)
    here = {a.id for a in articles} | {a.id for a in known if a.path in unread}
    return Identified(
        posts=tuple(apart),
        articles=tuple(articles),
        changed=tuple(a for a in articles if before.get(a.id) != a),
        missing=tuple(a for a in known if a.id not in here),
        problems=(*problems, *_collisions(apart, taken_by)),
        doubtful=doubtful,
    )


def with_names(post: Post, id: str, subject: str, first_visible: int | None) -> Post:
    """`post` with what the ledger calls it; the same one where it has that already."""
    if (post.id, post.subject, post.first_visible) == (id, subject, first_visible):
        return post
    return replace(post, id=id, subject=subject, first_visible=first_visible)


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
    return Article(
        id=id, path=path, guid="", url="", title="", content_hash="", first_seen=now, subject=id
    )


def _match(posts: Sequence[Post], known: Sequence[Article], unread: set[str]) -> dict[str, Article]:
    """path → article, by the surest sign first; each article is given away once."""
    here = {post.path for post in posts} | unread
    found = _settled(posts, known)
    used = {a.id for a in found.values()}
    left = {a.id: a for a in known if a.id not in used}
    rest = [post for post in posts if post.path not in found]
    if not rest:
        return found

    def give(post: Post, candidates: Iterable[Article]) -> None:
        if post.path in found:
            return
        free = [a for a in candidates if a.id in left]
        best = next((a for a in free if a.path == post.path), free[0] if free else None)
        if best is not None:
            found[post.path] = left.pop(best.id)

    at = {post.path: post for post in posts}
    there = {a.path for a in known if a.gone_at is None}
    by_id = dict(left)
    by_path = _group(by_id.values(), lambda a: a.path)
    by_hash = _group(by_id.values(), lambda a: a.content_hash)
    by_url = _group(by_id.values(), lambda a: a.url)
    for post in _bearers(rest, by_id):
        give(post, [by_id[post.explicit_id or ""]])
    for post in rest:
        give(post, [a for a in by_path.get(post.path, ()) if a.content_hash == post.content_hash])
    for post in sorted(rest, key=lambda post: -_likeness(post, by_hash.get(post.content_hash, ()))):
        # Moved away, and its old path is free or has another post by now. Of several files with the
        # same text the one with the old name is the old one.
        was = by_hash.get(post.content_hash, ()) if post.path not in there else ()
        free = [a for a in was if a.path not in here or _replaced(a, at.get(a.path))]
        give(post, sorted(free, key=lambda a: -_alike(a.path, post.path)))
    for post in rest:
        give(post, [a for a in by_path.get(post.path, ()) if a.url == post.url])
    for post in rest:
        # Files that changed their names with one another.
        was = by_hash.get(post.content_hash, ()) if post.path in there else ()
        give(post, [a for a in was if _replaced(a, at.get(a.path))])
    for post in rest:
        urls = (post.url, *post.aliases)
        give(post, [a for url in urls for a in by_url.get(url, ()) if a.path not in here])
    for post in rest:
        give(post, [a for a in by_path.get(post.path, ()) if _still(a, post)])
    vanished = [a for a in by_id.values() if a.path not in here and not a.gone_at and a.sketch]
    fresh = (p for p in rest if p.path not in found and p.path not in there)
    for post in fresh if vanished else ():  # moved and edited at once: most of the text came along
        give(post, [a for a in vanished if mostly_same(a.sketch, post.sketch)])
    return found


def _bearers(posts: Sequence[Post], by_id: Mapping[str, Article]) -> list[Post]:
    """Those that name a known id. A copied post bears the same: the file that had it keeps it."""
    bearers = [post for post in posts if post.explicit_id in by_id]
    return sorted(bearers, key=lambda post: by_id[post.explicit_id or ""].path != post.path)


def _settled(posts: Sequence[Post], known: Sequence[Article]) -> dict[str, Article]:
    """What is as it was: the same path and content (and no other id). Nearly all, at most scans."""
    same = {(a.path, a.content_hash): a for a in reversed(known)}
    pairs = ((post, same.get((post.path, post.content_hash))) for post in posts)
    return {post.path: a for post, a in pairs if a and post.explicit_id in (None, a.id)}


def _still(article: Article, post: Post) -> bool:
    """The same path: also the same post? A file that could not be read before has no signs yet."""
    unknown = not article.content_hash
    return unknown or article.title == post.title or mostly_same(article.sketch, post.sketch)


def _replaced(article: Article, post: Post | None) -> bool:
    return post is not None and not _still(article, post)


def _likeness(post: Post, articles: Sequence[Article]) -> int:
    return max((_alike(a.path, post.path) for a in articles), default=0)


def _alike(one: str, other: str) -> int:
    """How many characters at the end of two paths are the same."""
    pairs = zip(reversed(one), reversed(other), strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _with_subject(article: Article, post: Post, subjects: dict[str, str]) -> Article:
    """Its own, or that of its translations."""
    if article.subject:
        return article
    own = article.id
    shared = subjects.setdefault(post.translation, own) if post.translation else own
    return replace(article, subject=shared)


class _Beside:
    """What may be the old post in the place of a new one: an article that moved away in this scan
    and has the same text, or one that another file of the same page has pushed aside."""

    def __init__(
        self,
        posts: Sequence[Post],
        matched: Mapping[str, Article],
        replaced: Mapping[str, Article],
    ) -> None:
        self._replaced = replaced
        self._pushed = {
            post.url: matched[post.path]
            for post in posts
            if post.why_not == OTHER_FILE and post.path in matched
        }
        moved = [a for path, a in matched.items() if a.path != path and a.gone_at is None]
        self._by_hash = {a.content_hash: a for a in moved}
        self._by_line = {line: a for a in moved for line in hashes_of(a.sketch)}

    def question(
        self, post: Post, id: str, subject: str | None
    ) -> tuple[Article | None, Problem | None]:
        """Which old post a new one may be, and what is said of it. `subject`: that of its
        translations, with which it is one article."""
        if post.explicit_id and id != post.explicit_id:
            return None, _twice(post)
        if post.path in self._replaced:
            return self._replaced[post.path], _doubt(post)
        twin = self.twin_of(post)
        if twin is not None and subject != subject_of(twin):
            return twin, _twin(post, twin)
        return None, None

    def twin_of(self, post: Post) -> Article | None:
        if post.url in self._pushed:
            return self._pushed[post.url]
        same = self._by_hash.get(post.content_hash)
        if same is not None or not self._by_line:
            return same
        near = [self._by_line[line] for line in hashes_of(post.sketch) if line in self._by_line]
        return next((a for a in near if mostly_same(a.sketch, post.sketch)), None)


def subject_of(article: Article) -> str:
    return article.subject or article.id


def _group(articles: Iterable[Article], key: Callable[[Article], str]) -> dict[str, list[Article]]:
    groups: dict[str, list[Article]] = {}
    for article in articles:
        name = key(article)
        if name:
            groups.setdefault(name, []).append(article)
    return groups


def _apart(
    posts: Sequence[Post], articles: Sequence[Article]
) -> tuple[list[Post], Mapping[str, Post]]:
    """Of several posts with one address one is published: the one that had it first. Answers whose
    each address is, too."""
    order = {a.id: (a.first_visible or a.first_seen, a.first_seen, a.path) for a in articles}
    first: dict[str, Post] = {}
    for post in sorted((p for p in posts if p.visible), key=lambda p: order[p.id]):
        first.setdefault(post.url, post)
    return [
        replace(post, visible=False, why_not=COLLISION)
        if post.visible and first[post.url].id != post.id
        else post
        for post in posts
    ], first


def _collisions(posts: Iterable[Post], taken_by: Mapping[str, Post]) -> Iterator[Problem]:
    """Who does not get the address that it claims (now, or once it is published), and who has it."""
    for post in posts:
        if post.why_not in (COLLISION, *_LATER) and post.url in taken_by:
            yield Problem(
                path=post.path,
                message=msg(
                    "{other} has the same address, {url}, and is the one that is published",
                    other=taken_by[post.url].path,
                    url=post.url,
                ),
                code="url-collision",
                hint=msg("give one of them another slug"),
                post_lost=False,
            )


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
        sketch=post.sketch,
        first_seen=now,
    )


def _seen(article: Article, post: Post, now: int, guid: Callable[[Post], str]) -> Article:
    if _is_as_kept(article, post):
        return article
    changed = article.content_hash not in ("", post.content_hash)
    return replace(
        article,
        path=post.path,
        guid=article.guid or (guid(post) if post.content_hash else ""),
        url=post.url,
        title=post.title,
        content_hash=post.content_hash,
        sketch=post.sketch,
        changed_at=now if changed else article.changed_at,
        first_visible=article.first_visible or (now if post.visible else None),
        gone_at=None,
        live_at=article.live_at if article.url == post.url else None,
    )


def _is_as_kept(article: Article, post: Post) -> bool:
    return (
        article.content_hash == post.content_hash
        and article.path == post.path
        and article.url == post.url
        and article.title == post.title
        and article.sketch == post.sketch
        and article.gone_at is None
        and bool(article.guid or not post.content_hash)
        and (article.first_visible is not None or not post.visible)
    )


def _twice(post: Post) -> Problem:
    return Problem(
        path=post.path,
        message=msg("the id {id} belongs to another file", id=post.explicit_id or ""),
        code="duplicate-id",
        hint=msg("it is treated as a new post; give it an id of its own"),
        post_lost=False,
    )


def _doubt(post: Post) -> Problem:
    return Problem(
        path=post.path,
        message=msg("title, address and text are all others than before: is this a new post?"),
        code=DOUBT,
        hint=msg(
            "it waits: bot approve {path} shares it as a new post, bot skip {path} does not",
            path=post.path,
        ),
        post_lost=False,
    )


def _twin(post: Post, twin: Article) -> Problem:
    return Problem(
        path=post.path,
        message=msg(
            "it is like {other}, which moved meanwhile: is this a new post?", other=twin.path
        ),
        code=DOUBT,
        hint=msg(
            "it waits: bot approve {path} shares it as a new post, bot skip {path} does not",
            path=post.path,
        ),
        post_lost=False,
    )
