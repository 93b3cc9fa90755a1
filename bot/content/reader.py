"""One file → one Post: bytes are checked and split, and every value of the front matter is doubted.

`parse_post` and `read_page` are pure; `read_body` reads the file again, because bodies are not kept.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple

from bot.content import hugo
from bot.content.cover import Wanted, body_cover, wanted_cover
from bot.content.dates import Dates, read_dates
from bot.content.files import content_hash, decode, read_file, unreadable
from bot.content.matter import split_matter
from bot.content.permalink import permalink
from bot.content.rules import Cascade, SiteRules
from bot.content.shapes import wrong
from bot.content.sketches import sketch
from bot.content.summarizer import summarize
from bot.content.tree import EMPTY, Tree, read_cascade
from bot.errors import ContentError
from bot.i18n import msg
from bot.model import Image, Post, Problem
from bot.words import WhyNot

EMPTY_FILE: WhyNot = "empty"
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


Look = Callable[[Wanted | None, str, str, str], tuple[Image | None, Problem | None]]
"""What is wanted, the post's path, file and address → the picture, or what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A post as its file says, with what decides its visibility and its picture at a later look.
    `named`: what a section calls itself."""

    post: Post
    visibility: hugo.Visibility
    wanted: Wanted | None
    problems: tuple[Problem, ...]
    cascade: tuple[Cascade, ...] = ()
    named: hugo.Naming | None = None

    def at(self, now: datetime) -> Post:
        why_not, changes_at = self.visibility.at(now)
        post = self.post
        if (
            post.why_not == why_not
            and post.changes_at == changes_at
            and post.visible == (not why_not)
        ):
            return post
        return replace(post, visible=why_not is None, why_not=why_not, changes_at=changes_at)


def parse_post(data: bytes, path: str, source: str, rules: SiteRules, now: datetime) -> Post:
    """The post that `data` holds. `path` is shown, `source` is the file. Raises ContentError."""
    page = read_page(data, path, source, rules)
    return replace(page.at(now), cover=_as_written(page.wanted))


def _as_written(wanted: Wanted | None) -> Image | None:
    """The picture by its name alone: whether the file is there is the scanner's to see."""
    if wanted is None:
        return None
    if wanted.ref.lower().startswith(("http://", "https://")):
        return Image(alt=wanted.alt, url=wanted.ref)
    return Image(alt=wanted.alt, shown=wanted.ref)


def read_body(post: Post) -> str:
    """The Markdown of a post, without front matter. Raises ContentError."""
    try:
        data = read_file(post.source)
    except OSError as error:
        raise unreadable(post.path, error) from None
    try:
        return split_matter(decode(data))[1]
    except ContentError as error:
        error.path = post.path
        raise


def read_page(
    data: bytes,
    path: str,
    source: str,
    rules: SiteRules,
    tree: Tree = EMPTY,
    modified: datetime | None = None,
    look: Look | None = None,
) -> Page:
    """All that a file says of its post; `modified` is the file's own time, for sites that count it,
    `look` finds the picture. Raises ContentError with path, line and hint."""
    try:
        return _page(data, path, source, rules, tree, modified, look)
    except ContentError as error:
        error.path = path
        if error.code == "url-absolute":
            error.line = _line_of("url", decode(data))
        raise


# --- values ---------------------------------------------------------------------------------------


def _page(
    data: bytes,
    path: str,
    source: str,
    rules: SiteRules,
    tree: Tree,
    modified: datetime | None,
    look: Look | None,
) -> Page:
    text = decode(data)
    own, body = split_matter(text.replace("\r\n", "\n") if "\r" in text else text)
    place = place_of_source(source, rules, tree)
    rules = rules.of(place.language)
    matter = _with_params(tree.with_defaults(own, place, rules))
    dates = read_dates(matter, place, rules, modified)
    naming = _naming(matter, dates)
    url = permalink(place, naming, rules)
    bad = [_bad_date(*dates.bad, path, text)] if dates.bad else []
    visibility = hugo.Visibility(
        reason=hugo.hidden_reason(matter, place, url, rules) or ("bad-date" if bad else None),
        publish=None if rules.build_future else dates.publishdate,
        expiry=None if rules.build_expired else dates.expirydate,
    )
    wanted = wanted_cover(matter) or (body_cover(body) if rules.body_cover else None)
    cover, problem = look(wanted, path, source, url) if look else (None, None)
    if problem and wanted:
        problem = replace(problem, line=_line_with(wanted.ref, text))
    facts = _Facts(matter, body, place, naming, url, dates)
    post = _post(data, path, source, facts, cover, rules)
    if visibility.reason is None and _is_empty(post, body):
        visibility = visibility._replace(reason=EMPTY_FILE)
        post = replace(post, content_hash="")
    return Page(
        post=post,
        visibility=visibility,
        wanted=wanted,
        problems=(
            *bad,
            *_strange_keys(own, path, text),
            *_wrong_kinds(own, path, text),
            *([problem] if problem else []),
        ),
        cascade=tuple(read_cascade(own["cascade"], place.folder, place.language))
        if "cascade" in own
        else (),
        named=naming if place.kind == "section" else None,
    )


class _Facts(NamedTuple):
    matter: Mapping[str, Any]
    body: str
    place: hugo.Place
    naming: hugo.Naming
    url: str
    dates: Dates


def _post(
    data: bytes, path: str, source: str, facts: _Facts, cover: Image | None, rules: SiteRules
) -> Post:
    matter, body, place, naming, url, dates = facts
    summary = summarize(body, matter, naming.title, rules.headings, rules.aliases)
    return Post(
        path=path,
        source=source,
        url=url,
        title=naming.title,
        date=dates.date,
        lastmod=dates.lastmod,
        language=_code(place.language, rules),
        tags=_words(matter.get("tags")),
        categories=_words(matter.get("categories")),
        summary=summary,
        cover=cover,
        content_hash=content_hash(data),
        visible=True,
        why_not=None,
        draft=hugo.is_draft(matter.get("draft")),
        explicit_id=_text(matter.get("id")) or _text(matter.get("guid")) or None,
        author=_author(matter) or rules.author or None,
        description=_text(matter.get("description")),
        section=place.section,
        aliases=_words(matter.get("aliases")),
        social=_mapping(matter.get("social")),
        unfinished=not data.endswith(b"\n") or summary.source not in ("section", "front-matter"),
        sketch=sketch(data),
        translation=_translation(matter, place) if len(rules.languages) > 1 else "",
    )


def _translation(matter: Mapping[str, Any], place: hugo.Place) -> str:
    """What translations of one article share: a key of their own, else their path without
    language. (https://gohugo.io/content-management/multilingual/#bypassing-default-linking)"""
    key = _text(matter.get("translationkey"))
    return f"key:{key}" if key else place.key


def place_of_source(source: str, rules: SiteRules, tree: Tree) -> hugo.Place:
    """Where the file stands below the content folder that holds it."""
    for mount in rules.roots:
        if source.startswith(mount.source + os.sep):
            inside = source[len(mount.source) + 1 :].replace(os.sep, "/")
            inside = posixpath.join(mount.target, inside) if mount.target else inside
            return hugo.place_of(inside, rules, mount.language, tree)
    return hugo.place_of(os.path.basename(source), rules)


def _code(language: str, rules: SiteRules) -> str:
    known = next((known for known in rules.languages if known.name == language), None)
    return (known.code if known else "") or language


def _with_params(matter: Mapping[str, Any]) -> Mapping[str, Any]:
    params = matter.get("params")
    return {**params, **matter} if isinstance(params, dict) else matter


def _naming(matter: Mapping[str, Any], dates: Dates) -> hugo.Naming:
    slug = _text(matter.get("slug")) or dates.slug
    return hugo.Naming(
        title=_text(matter.get("title")),
        slug=slug.strip("-"),
        url=_text(matter.get("url")),
        date=dates.date,
    )


def _bad_date(key: str, value: Any, path: str, text: str) -> Problem:
    return Problem(
        path=path,
        message=msg("`{key}` is no date: {value}", key=key, value=str(value)[:40]),
        code="date",
        line=_line_of(key, text),
        hint=msg("Write it like 2026-02-10 or 2026-02-10T09:00:00+09:00."),
        post_lost=False,
    )


def _line_of(key: str, text: str) -> int | None:
    """The line where the front matter says `key`, in any of its formats."""
    shape = rf"^[ \t\"'{{]*{re.escape(key)}[ \t\"']*[:=]"
    found = re.search(shape, text, re.IGNORECASE | re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else None


def _strange_keys(matter: Mapping[str, Any], path: str, text: str) -> Iterable[Problem]:
    """A key that begins with a full-width or no-break space: an indentation that is none."""
    for key in matter:
        if key[:1] in ("\u3000", "\xa0"):
            yield Problem(
                path=path,
                message=msg("The key {key} begins with a full-width space.", key=key.strip()),
                code="full-width-space",
                line=_line_of(key, text),
                hint=msg("Indent with ordinary spaces."),
                post_lost=False,
            )


def _wrong_kinds(matter: Mapping[str, Any], path: str, text: str) -> Iterable[Problem]:
    for key, wanted, found in wrong(matter):
        yield Problem(
            path=path,
            message=msg("`{key}` is {found}, and is left out.", key=key, found=found)
            if key != "draft"
            else msg("`{key}` is neither true nor false: the post counts as a draft.", key=key),
            code="wrong-type",
            line=_line_of(key, text),
            hint=msg("Write {wanted}.", wanted=wanted),
            post_lost=False,
        )


def _is_empty(post: Post, body: str) -> bool:
    """A file that was only just made: neither a title nor anything to read."""
    return not (post.title.strip() or body.strip() or post.summary.lines)


def _line_with(ref: str, text: str) -> int | None:
    """The line that names a picture."""
    at = text.find(ref)
    return text.count("\n", 0, at) + 1 if ref and at >= 0 else None


def _text(value: Any) -> str:
    """A scalar as text; NUL and other control characters are dropped."""
    if isinstance(value, str):
        return _CONTROLS.sub("", value) if _CONTROLS.search(value) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value)
    return value.isoformat() if isinstance(value, date) else ""


def _number(value: float) -> str:
    try:
        return str(int(value)) if value == int(value) else str(value)
    except (ValueError, OverflowError):
        return ""


def _words(value: Any) -> tuple[str, ...]:
    """A list of texts, or one text; what is empty or said twice is left out."""
    if value is None:
        return ()
    items = value if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(word for item in items if (word := _text(item).strip())))


def _author(matter: Mapping[str, Any]) -> str:
    value = matter.get("author") or matter.get("authors")
    if isinstance(value, list):
        return ", ".join(_words([_name(item) for item in value]))
    return _text(_name(value)).strip()


def _name(value: Any) -> Any:
    return value.get("name") if isinstance(value, Mapping) else value


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
