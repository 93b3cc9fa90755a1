"""Hugo's addresses and visibility, pure: what URL a file has under the site's rules, and whether
it is published at a given time. Where Hugo's versions differ, the newest one counts.

The rules: https://gohugo.io/configuration/permalinks/ and https://gohugo.io/content-management/urls/
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote, unquote_plus

from bot.content.names import escape, file_name, path_name
from bot.content.rules import Language, SiteRules
from bot.errors import ContentError
from bot.i18n import msg
from bot.words import WhyNot

_TOKEN = re.compile(r":\w+(?:\[[^\]]*\])?", re.ASCII)
_KEYS = SiteRules(root="", content="", url="")  # paths are compared in lower case
_NO_DATE = (1, 1, 1)
_MONTH_NAMES = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAY_NAMES = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


class Place(NamedTuple):
    """Where a file stands in the content tree. `kind`: page, bundle (index.md) or section
    (_index.md); `base` is the file name without suffix and language; `sections` the folders of the
    section it is in; `key` is the same for all translations of a page."""

    folder: str
    base: str
    kind: str
    language: str
    section: str
    sections: tuple[str, ...]
    key: str


class Branches(Protocol):
    def branches_of(self, language: str) -> Collection[str]: ...


class Naming(NamedTuple):
    """What of the front matter an address may hold."""

    title: str
    slug: str
    url: str
    date: datetime | None


# --- where a file stands --------------------------------------------------------------------------


def place_of(
    file: str,
    rules: SiteRules,
    language: str | None = None,
    tree: Branches | None = None,
) -> Place:
    """`file` is relative to the content folder, with `/`; `tree` knows the folders that have an
    _index.md in a language and so are sections of their own."""
    folder, name = posixpath.split(file)
    base, named = _language_suffix(name.rsplit(".", 1)[0], rules)
    kind = {"index": "bundle", "_index": "section"}.get(base, "page")
    above = folder.split("/") if folder else []
    if kind == "bundle" and above:
        above = above[:-1]
    default = rules.languages[0].name if rules.languages else rules.language
    spoken = named or language or default
    return Place(
        folder=folder,
        base=base,
        kind=kind,
        language=spoken,
        section=path_name(above[0], rules) if above else "",
        sections=_sections(file, above[:1], tree.branches_of(spoken) if tree else (), rules),
        key=posixpath.join(folder, "" if kind == "bundle" else base).rstrip("/"),
    )


def _sections(
    file: str, top: Sequence[str], branches: Collection[str], rules: SiteRules
) -> tuple[str, ...]:
    """The nearest section above a file. Hugo compares the bare beginnings of paths: below
    posts/sub-way it takes posts/sub for one, and so does this."""
    if not top:
        return ()
    if not branches:
        return (file_name(top[0], rules),)
    path = _names(file, _KEYS)
    above = [branch for branch in branches if path.startswith(_names(branch, _KEYS))]
    return tuple(_names(max([*top, *above], key=len), rules).split("/"))


def _names(path: str, rules: SiteRules) -> str:
    return "/".join(file_name(part, rules) for part in path.split("/"))


def page_path(place: Place, rules: SiteRules) -> str:
    """The logical path that a cascade's target is compared with."""
    return "/" + _names(place.key, rules)


def _language_suffix(stem: str, rules: SiteRules) -> tuple[str, str | None]:
    base, dot, suffix = stem.rpartition(".")
    if not dot or not base:
        return stem, None
    names = [language.name for language in rules.languages] or [rules.language]
    found = next((name for name in names if name.lower() == suffix.lower()), None)
    return (base, found) if found else (stem, None)


# --- the address ----------------------------------------------------------------------------------


def permalink(place: Place, naming: Naming, rules: SiteRules) -> str:
    """The absolute address. Raises ContentError for a `url` that Hugo refuses."""
    language = _language(place, rules)
    base = (language.url if language and language.url else rules.url).rstrip("/")
    prefix = language.prefix if language else ""
    if naming.url:
        path = _own_url(place, naming, rules, prefix)
    else:
        path = prefix + _path(place, naming, rules).lstrip("/")
    return base + "/" + escape(path.lstrip("/"))


def _language(place: Place, rules: SiteRules) -> Language | None:
    return next((lang for lang in rules.languages if lang.name == place.language), None)


def _own_url(place: Place, naming: Naming, rules: SiteRules, prefix: str) -> str:
    url = naming.url
    if url.startswith(("http://", "https://")):
        raise ContentError(
            msg("`url` in the front matter is a whole address: {url}", url=url),
            code="url-absolute",
            hint=msg("Write only its path, like /my-post/."),
        )
    if ":" in url:
        url = expand(url, place, naming, rules)
    absolute = url.startswith("/")
    if ".." in url:  # only then Hugo cleans it, and then the language may be there already
        url = posixpath.normpath("/" + url.lstrip("/"))
        absolute = absolute or url.startswith("/" + prefix.rstrip("/"))
    if "." not in url:
        url = url.rstrip("/") + "/"  # what has a dot anywhere may be a file
    path = re.sub("/+", "/", "/" + url)
    return path.lstrip("/") if absolute else prefix + path.lstrip("/")


def _path(place: Place, naming: Naming, rules: SiteRules) -> str:
    end = ".html" if _is_ugly(place, rules) else ""
    pattern = _pattern(place, rules)
    if pattern:
        path = unquote_plus(expand(pattern, place, naming, rules).rstrip("/"))
        path = _clean(path_name(_clean(path) + end, rules))
    else:
        path = "/".join(part for part in _default(place, naming, end, rules) if part)
    return path if end or not path.strip("/") else path + "/"


def _clean(path: str) -> str:
    return posixpath.normpath("/" + path.lstrip("/"))


def _default(place: Place, naming: Naming, end: str, rules: SiteRules) -> list[str]:
    """The folders of the file and its name, or its slug in the name's place."""
    folders = [part for part in place.folder.split("/") if part]
    named = path_name(naming.slug + end, rules).strip("/") if naming.slug else None
    if place.kind == "section":
        return [file_name(part, rules) for part in folders]
    name = place.base if place.kind == "page" else folders.pop() if folders else ""
    last = file_name(name + end, rules) if named is None else named
    return [*(file_name(part, rules) for part in folders), last]


def _is_ugly(place: Place, rules: SiteRules) -> bool:
    ugly = rules.ugly_urls
    if isinstance(ugly, Mapping):
        ugly = ugly.get(place.section.lower(), False)
    return ugly and place.kind != "section"


def _pattern(place: Place, rules: SiteRules) -> str | None:
    if place.kind == "section":
        only = place.section and "/" not in place.folder
        return rules.section_permalinks.get(place.section.lower()) if only else None
    if rules.permalink is not None:
        return rules.permalink
    return rules.permalinks.get(place.section.lower())


# --- patterns -------------------------------------------------------------------------------------


def expand(pattern: str, place: Place, naming: Naming, rules: SiteRules) -> str:
    """`pattern` with its tokens filled in. Raises ContentError for an unknown token."""

    def fill(token: re.Match[str]) -> str:
        return _token(token[0][1:], place, naming, rules)

    return _TOKEN.sub(fill, pattern)


def _token(token: str, place: Place, naming: Naming, rules: SiteRules) -> str:
    name, _, bounds = token.partition("[")
    if name == "sections":
        return "/".join(_slice(place.sections, bounds.rstrip("]")))
    if name in _TOKENS:
        return _TOKENS[name](place, naming, rules)
    layout = _go_layout(name, naming.date)
    if layout is None:
        raise _unknown(name)
    return layout


def unknown_token(pattern: str) -> ContentError | None:
    """What is wrong with a pattern, whatever the post; None: it can be used."""
    when = datetime(2006, 1, 2, 15, 4, 5)  # noqa: DTZ001 - any date will do
    for token in _TOKEN.findall(pattern):
        name = token[1:].partition("[")[0]
        if name != "sections" and name not in _TOKENS and _go_layout(name, when) is None:
            return _unknown(name)
    return None


def _unknown(name: str) -> ContentError:
    return ContentError(
        msg("The permalink pattern has an unknown part: :{name}", name=name),
        code="permalink-token",
        hint=msg(
            "Known are :slugorfilename, :slug, :filename, :title, :section, :sections, :year, :month, :day."
        ),
    )


def _slice(parts: Sequence[str], bounds: str) -> Sequence[str]:
    """Hugo's `[last]`, `[1]`, `[1:]`, `[:2]`, `[1:last]`."""
    if not bounds:
        return parts
    low, colon, high = bounds.partition(":")
    at: Callable[[str, int], int] = lambda text, empty: (  # noqa: E731
        len(parts) - 1 if text == "last" else int(text) if text.isdigit() else empty
    )
    if not colon:
        index = at(low, -1)
        return parts[index : index + 1] if 0 <= index < len(parts) else []
    return parts[at(low, 0) : at(high, len(parts))]


def _title(place: Place, naming: Naming, rules: SiteRules) -> str:
    return _url_part(naming.title.replace("/", "-"), rules)


def _slug(place: Place, naming: Naming, rules: SiteRules) -> str:
    return _url_part(naming.slug, rules) if naming.slug else _title(place, naming, rules)


def _filename(place: Place, naming: Naming, rules: SiteRules) -> str:
    name = posixpath.basename(place.folder) if place.kind == "bundle" else place.base
    return _url_part(name, rules)


def _slug_or_filename(place: Place, naming: Naming, rules: SiteRules) -> str:
    return _url_part(naming.slug, rules) if naming.slug else _filename(place, naming, rules)


def _url_part(text: str, rules: SiteRules) -> str:
    """A name on its way through Go's URL parser, which drops an empty fragment."""
    name = path_name(text, rules)
    return name[:-1] if name.endswith("#") and "#" not in name[:-1] else name


def _date(naming: Naming) -> tuple[int, int, int]:
    return (naming.date.year, naming.date.month, naming.date.day) if naming.date else _NO_DATE


_TOKENS: Mapping[str, Callable[[Place, Naming, SiteRules], str]] = {
    "year": lambda place, naming, rules: str(_date(naming)[0]),
    "month": lambda place, naming, rules: f"{_date(naming)[1]:02d}",
    "day": lambda place, naming, rules: f"{_date(naming)[2]:02d}",
    "monthname": lambda place, naming, rules: _MONTH_NAMES[_date(naming)[1] - 1],
    "weekday": lambda place, naming, rules: str(
        (naming.date.isoweekday() % 7) if naming.date else 1
    ),
    "weekdayname": lambda place, naming, rules: _DAY_NAMES[
        naming.date.isoweekday() % 7 if naming.date else 1
    ],
    "yearday": lambda place, naming, rules: str(
        naming.date.timetuple().tm_yday if naming.date else 1
    ),
    "section": lambda place, naming, rules: place.section,
    "title": _title,
    "slug": _slug,
    "filename": _filename,
    "slugorfilename": _slug_or_filename,
    "contentbasename": _filename,
    "slugorcontentbasename": _slug_or_filename,
}


def _go_layout(name: str, date: datetime | None) -> str | None:
    """A token in Go's reference time (2 January 2006): `:06/:1/:2`."""
    year, month, day = (date.year, date.month, date.day) if date else _NO_DATE
    return {
        "2006": f"{year:04d}",
        "06": f"{year % 100:02d}",
        "01": f"{month:02d}",
        "1": str(month),
        "02": f"{day:02d}",
        "2": str(day),
        "Jan": _MONTH_NAMES[month - 1][:3],
        "January": _MONTH_NAMES[month - 1],
    }.get(name)


# --- visibility -----------------------------------------------------------------------------------


class Visibility(NamedTuple):
    """What decides whether a post is published. `reason` holds at any time; the rest by the clock."""

    reason: WhyNot | None
    publish: datetime | None
    expiry: datetime | None

    def at(self, now: datetime, rules: SiteRules) -> tuple[WhyNot | None, datetime | None]:
        """Why it is not visible at `now` (a stable code, or None), and when that next changes."""
        if self.reason:
            return self.reason, None
        if self.expiry and self.expiry <= now and not rules.build_expired:
            return "expired", None
        if self.publish and self.publish > now and not rules.build_future:
            return "future", self.publish
        later = self.expiry and self.expiry > now and not rules.build_expired
        return None, self.expiry if later else None


def hidden_reason(
    matter: Mapping[str, Any], place: Place, url: str, rules: SiteRules
) -> WhyNot | None:
    """Why a page is never a published post, whatever the clock says; None where it may be one."""
    build = matter.get("build") or matter.get("_build")
    build = build if isinstance(build, Mapping) else {}
    if place.kind == "section":
        return "section-page"
    if is_draft(matter.get("draft")) and not rules.build_drafts:
        return "draft"
    if is_true(matter.get("headless")):
        return "headless"
    if _word(build.get("render")) in ("never", "link", "false"):
        return "not-rendered"
    if _word(build.get("list")) in ("never", "local", "false"):
        return "not-listed"
    outputs = matter.get("outputs")
    if isinstance(outputs, list) and outputs and "html" not in map(_word, outputs):
        return "not-html"
    if matter.get("layout") in ("search", "archives"):
        return "not-a-post"
    if len(url) > 255 and any(len(part.encode()) > 255 for part in unquote(url).split("/")):
        return "url-too-long"
    if rules.sections and place.section not in rules.sections:
        return "not-in-sections"
    return None


def is_draft(value: Any) -> bool:
    """What might be a draft is a draft: `yes` and `on` were until Hugo 0.14x, and then not."""
    if isinstance(value, str):
        return value.strip().lower() not in ("", "false", "no", "off", "n", "f", "0")
    return bool(value)


def is_true(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.strip().lower() in ("true", "1", "t"))


def _word(value: Any) -> str:
    return str(value).strip().lower()
