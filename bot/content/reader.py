"""One file → one Post: bytes are checked and split, and every value of the front matter is doubted.

`parse_post` and `read_page` are pure; `read_body` reads the file again, because bodies are not kept.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from bot.content import hugo
from bot.content.cover import Wanted, body_cover, wanted_cover
from bot.content.dates import Dates, read_dates
from bot.content.matter import split_matter
from bot.content.rules import Cascade, SiteRules
from bot.content.summarizer import summarize
from bot.content.tree import EMPTY, Tree, read_cascade
from bot.errors import ContentError
from bot.i18n import msg
from bot.model import Image, Post, Problem

MAX_FILE = 4 * 1024 * 1024

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A post as its file says, with what decides its visibility and its picture at a later look."""

    post: Post
    visibility: hugo.Visibility
    wanted: Wanted | None
    problems: tuple[Problem, ...]
    cascade: tuple[Cascade, ...] = ()

    def at(self, now: datetime, rules: SiteRules) -> Post:
        why_not, changes_at = self.visibility.at(now, rules)
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
    return replace(page.at(now, rules), cover=_as_written(page.wanted))


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
) -> Page:
    """All that a file says of its post; `modified` is the file's own time, for sites that count it.
    Raises ContentError with path, line and hint."""
    try:
        return _page(data, path, source, rules, tree, modified)
    except ContentError as error:
        error.path = path
        raise


# --- files ----------------------------------------------------------------------------------------


def read_file(file: str) -> bytes:
    """A regular file, one byte beyond the limit at most; a FIFO is refused without waiting for it."""
    with open(file, "rb", opener=_without_waiting) as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(0, "no regular file")
        return stream.read(MAX_FILE + 1)


def _without_waiting(file: str, flags: int) -> int:
    return os.open(file, flags | getattr(os, "O_NONBLOCK", 0))


def unreadable(path: str, error: OSError) -> ContentError:
    return ContentError(
        msg("The file cannot be read: {reason}.", reason=error.strerror or str(error)),
        code="unreadable",
        path=path,
        hint=msg("Check its permissions, and that it is a plain file."),
    )


def decode(data: bytes) -> str:
    """The text of a file. Raises ContentError with the line of what is no UTF-8 text."""
    if len(data) > MAX_FILE:
        raise ContentError(
            msg("The file is larger than {mib} MiB.", mib=MAX_FILE // 2**20),
            code="too-large",
            hint=msg("A post is text; move what is not out of it."),
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_utf8(data, error.start) from None
    if b"\xef\xbf\xbd" in data or b"\x00" in data:
        raise _damaged(text)
    return text.removeprefix("\ufeff")


def _not_utf8(data: bytes, at: int) -> ContentError:
    return ContentError(
        msg("The file is not UTF-8 text."),
        code="not-utf8",
        line=data.count(b"\n", 0, at) + 1,
        hint=msg("Save it as UTF-8 (it may be Shift_JIS, EUC-JP or UTF-16 now)."),
    )


def _damaged(text: str) -> ContentError:
    nul = text.find("\0")
    at = nul if nul >= 0 else text.find("\ufffd")
    line = text.count("\n", 0, at) + 1
    if nul >= 0:
        return ContentError(
            msg("The file holds a NUL character, so it is no text."),
            code="nul",
            line=line,
            hint=msg("Remove it, or restore the file."),
        )
    return ContentError(
        msg("The file holds U+FFFD, the mark of a lost character."),
        code="lost-character",
        line=line,
        hint=msg("Write the character that belongs there."),
    )


# --- values ---------------------------------------------------------------------------------------


def _page(
    data: bytes, path: str, source: str, rules: SiteRules, tree: Tree, modified: datetime | None
) -> Page:
    text = decode(data)
    own, body = split_matter(text.replace("\r\n", "\n") if "\r" in text else text)
    place = place_of_source(source, rules, tree)
    matter = _with_params(tree.with_defaults(own, place, rules))
    dates = read_dates(matter, place, rules, modified)
    naming = _naming(matter, dates)
    url = hugo.permalink(place, naming, rules)
    bad = [_bad_date(*dates.bad, path, text)] if dates.bad else []
    visibility = hugo.Visibility(
        reason=hugo.hidden_reason(matter, place, url, rules) or ("bad-date" if bad else None),
        publish=dates.publishdate,
        expiry=dates.expirydate,
    )
    return Page(
        post=_post(data, path, source, matter, body, place, naming, url, dates, rules),
        visibility=visibility,
        wanted=wanted_cover(matter) or (body_cover(body) if rules.body_cover else None),
        problems=(*bad, *_strange_keys(own, path)),
        cascade=tuple(read_cascade(own.get("cascade") or [], place.folder, place.language)),
    )


def _post(
    data: bytes,
    path: str,
    source: str,
    matter: Mapping[str, Any],
    body: str,
    place: hugo.Place,
    naming: hugo.Naming,
    url: str,
    dates: Dates,
    rules: SiteRules,
) -> Post:
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
        summary=summarize(body, matter, naming.title, rules.headings, rules.aliases),
        cover=None,
        content_hash=hashlib.blake2b(data, digest_size=16).hexdigest(),
        visible=True,
        why_not=None,
        explicit_id=_text(matter.get("id")) or _text(matter.get("guid")) or None,
        author=_author(matter) or rules.author or None,
        description=_text(matter.get("description")),
        section=place.section,
        aliases=_words(matter.get("aliases")),
        social=_mapping(matter.get("social")),
    )


def place_of_source(source: str, rules: SiteRules, tree: Tree) -> hugo.Place:
    """Where the file stands below the content folder that holds it."""
    for mount in sorted(rules.roots, key=lambda mount: -len(mount.source)):
        folder = mount.source.rstrip(os.sep) + os.sep
        if source.startswith(folder):
            inside = posixpath.join(mount.target, source[len(folder) :].replace(os.sep, "/"))
            return hugo.place_of(inside, rules, mount.language, tree.branches_of)
    return hugo.place_of(os.path.basename(source), rules)


def _code(language: str, rules: SiteRules) -> str:
    known = next((known for known in rules.languages if known.name == language), None)
    return (known.code if known else "") or language


def _with_params(matter: Mapping[str, Any]) -> Mapping[str, Any]:
    params = matter.get("params")
    return {**params, **matter} if isinstance(params, dict) else matter


def _naming(matter: Mapping[str, Any], dates: Dates) -> hugo.Naming:
    return hugo.Naming(
        title=_text(matter.get("title")),
        slug=_text(matter.get("slug")).strip("-") or dates.slug,
        url=_text(matter.get("url")),
        date=dates.date,
    )


def _bad_date(key: str, value: Any, path: str, text: str) -> Problem:
    line = re.search(rf"^[ \t\"']*{key}[ \t\"']*[:=]", text, re.IGNORECASE | re.MULTILINE)
    return Problem(
        path=path,
        message=msg("`{key}` is no date: {value}", key=key, value=str(value)[:40]),
        code="date",
        line=text.count("\n", 0, line.start()) + 1 if line else None,
        hint=msg("Write it like 2026-02-10 or 2026-02-10T09:00:00+09:00."),
        post_lost=False,
    )


def _strange_keys(matter: Mapping[str, Any], path: str) -> Iterable[Problem]:
    """A key that begins with a full-width or no-break space: an indentation that is none."""
    for key in matter:
        if key[:1] in ("\u3000", "\xa0"):
            yield Problem(
                path=path,
                message=msg("The key {key} begins with a full-width space.", key=key.strip()),
                code="full-width-space",
                hint=msg("Indent with ordinary spaces."),
                post_lost=False,
            )


def _text(value: Any) -> str:
    """A scalar as text; NUL and other control characters are dropped."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, str):
        return ""
    return _CONTROLS.sub("", value) if _CONTROLS.search(value) else value


def _number(value: float) -> str:
    try:
        return str(int(value)) if value == int(value) else str(value)
    except (ValueError, OverflowError):
        return ""


def _words(value: Any) -> tuple[str, ...]:
    """A list of texts, or one text; what is empty or said twice is left out."""
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
