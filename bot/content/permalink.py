"""Hugo's addresses, pure: what URL a file has under the site's rules. Where Hugo's versions differ,
the newest one counts.

The rules: https://gohugo.io/configuration/permalinks/ and https://gohugo.io/content-management/urls/
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from urllib.parse import unquote_plus

from bot.content.globs import glob, speaks
from bot.content.hugo import Naming, Place, page_path
from bot.content.names import escape, file_name, path_name, section_name
from bot.content.rules import Language, SiteRules
from bot.errors import ContentError
from bot.i18n import msg

_TOKEN = re.compile(r":\w+(?:\[[^\]]*\])?", re.ASCII)
_NO_DATE = (1, 1, 1)
_MONTH_NAMES = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAY_NAMES = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


def permalink(place: Place, naming: Naming, rules: SiteRules) -> str:
    """The absolute address. Raises ContentError for a `url` that Hugo refuses."""
    language = _language(place, rules)
    base = (language.url if language and language.url else rules.url).rstrip("/")
    prefix = language.prefix if language else ""
    prefix += f"{rules.html_folder}/" if rules.html_folder else ""
    if naming.url:
        path = _own_url(place, naming, rules, prefix)
    else:
        path = prefix + _path(place, naming, rules).lstrip("/")
    if rules.html != "index" and (path.endswith("/") or (naming.url and not path)):
        path += f"{rules.html}.html"
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
        parts = _default(place, naming, end, rules)
        path = "/".join(part for part in parts if part)
        if rules.html != "index" and path and not parts[-1]:
            path += "/"  # Hugo keeps the slash of a name of which nothing is left
    return path if end or not path.strip("/") else path + "/"


def _clean(path: str) -> str:
    return posixpath.normpath("/" + path.lstrip("/"))


def _default(place: Place, naming: Naming, end: str, rules: SiteRules) -> list[str]:
    """The folders of the file and its name, or its slug in the name's place. A section that has a
    slug gives it to what is below."""
    folders = list(_folders(place, rules))
    named = path_name(naming.slug + end, rules).strip("/") if naming.slug else None
    if place.kind == "section":
        return folders if named is None else [*folders[:-1], section_name(naming.slug, rules)]
    if place.kind == "bundle" and folders:
        folders.pop()
        name = posixpath.basename(place.folder)
    else:
        name = place.base if place.kind == "page" else ""
    return [*folders, file_name(name + end, rules) if named is None else named]


def _folders(place: Place, rules: SiteRules) -> Iterator[str]:
    parts = [part for part in place.folder.split("/") if part]
    if not place.named:
        yield from (file_name(part, rules) for part in parts)
        return
    for at, part in enumerate(parts, 1):
        section = place.named.get("/".join(parts[:at]))
        slug = section.slug if section else ""
        yield section_name(slug, rules) if slug else file_name(part, rules)


def _is_ugly(place: Place, rules: SiteRules) -> bool:
    ugly = rules.ugly_urls
    if isinstance(ugly, Mapping):
        ugly = ugly.get(place.section.lower(), False)
    return ugly and place.kind != "section"


def _pattern(place: Place, rules: SiteRules) -> str | None:
    kind = "section" if place.kind == "section" else "page"
    if rules.permalink is not None and kind == "page":
        return rules.permalink
    path = page_path(place) if rules.permalinks else ""
    fitting = (
        one.pattern
        for one in rules.permalinks
        if (not one.kind or glob(one.kind).fullmatch(kind))
        and speaks(one.languages, place.language)
        and (not one.path or glob(one.path).fullmatch(path))
    )
    return next(fitting, None)


# --- patterns -------------------------------------------------------------------------------------


def expand(pattern: str, place: Place, naming: Naming, rules: SiteRules) -> str:
    """`pattern` with its tokens filled in. Raises ContentError for an unknown token."""

    def fill(token: re.Match[str]) -> str:
        return _token(token[0][1:], place, naming, rules)

    return _TOKEN.sub(fill, pattern)


def _token(token: str, place: Place, naming: Naming, rules: SiteRules) -> str:
    name, _, bounds = token.partition("[")
    if name in _LISTS:
        return "/".join(_slice(_LISTS[name](place, rules), bounds.rstrip("]")))
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
        if name not in _LISTS and name not in _TOKENS and _go_layout(name, when) is None:
            return _unknown(name)
    return None


def _unknown(name: str) -> ContentError:
    return ContentError(
        msg("The permalink pattern has an unknown part: :{name}", name=name),
        code="permalink-token",
        hint=msg(
            "Known are {tokens}.", tokens=", ".join(f":{token}" for token in (*_TOKENS, *_LISTS))
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


def _section_slugs(place: Place, rules: SiteRules) -> list[str]:
    """What the sections above call themselves, the first one first."""
    parts = place.home.split("/") if place.home else []
    folders = ["/".join(parts[:at]) for at in range(1, len(parts) + 1)]
    return [
        _section_slug(folder, place.named.get(folder), rules)
        for folder in folders
        if folder in place.named or "/" not in folder
    ]


def _section_slug(folder: str, said: Naming | None, rules: SiteRules) -> str:
    """Its slug, else its title; where it has no _index.md, the title that Hugo makes."""
    if said is None:
        return path_name(_made_title(folder, rules), rules)
    return (
        path_name(said.slug, rules) if said.slug else path_name(said.title.replace("/", "-"), rules)
    )


def _made_title(folder: str, rules: SiteRules) -> str:
    """`my-note` → `My Notes` (https://gohugo.io/configuration/all/#pluralizelisttitles)."""
    name = folder.replace("-", " ")
    return (_plural(name) if rules.plural_titles else name).title()


def _plural(name: str) -> str:
    """By the regular rules of English."""
    if re.search(r"(?i)(?:[^su]s)$", name):
        return name
    if re.search(r"(?i)(?:s|x|z|ch|sh)$", name):
        return f"{name}es"
    if re.search(r"(?i)[^aeiou]y$", name):
        return f"{name[:-1]}ies"
    return f"{name}s"


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
    "sectionslug": lambda place, naming, rules: "".join(_section_slugs(place, rules)[:1]),
    "title": _title,
    "slug": _slug,
    "filename": _filename,
    "slugorfilename": _slug_or_filename,
    "contentbasename": _filename,
    "slugorcontentbasename": _slug_or_filename,
}


_LISTS: Mapping[str, Callable[[Place, SiteRules], Sequence[str]]] = {
    "sections": lambda place, rules: place.sections,
    "sectionslugs": _section_slugs,
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
