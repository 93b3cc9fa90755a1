"""Where a file stands in Hugo's content tree, and whether it is published at a given time. Pure.
Where Hugo's versions differ, the newest one counts. (Its address: `bot.content.permalink`.)
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote

from bot.content.names import file_name, path_name
from bot.content.rules import SiteRules
from bot.words import WhyNot

_KEYS = SiteRules(root="", content="", url="")  # paths are compared in lower case


class Naming(NamedTuple):
    """What of the front matter an address may hold."""

    title: str
    slug: str
    url: str
    date: datetime | None


UNNAMED = Naming("", "", "", None)
NO_SECTIONS: Mapping[str, Naming] = {}


class Place(NamedTuple):
    """Where a file stands in the content tree. `kind`: page, bundle (index.md) or section
    (_index.md); `base` is the file name without suffix and language; `sections` the names of the
    section it is in, `home` that section's folder; `key` is the same for all translations of a page;
    `named`: the folders that have an _index.md, and what that calls them; `spoken`: the file's own
    name says the language."""

    folder: str
    base: str
    kind: str
    language: str
    section: str
    sections: tuple[str, ...]
    key: str
    home: str = ""
    named: Mapping[str, Naming] = NO_SECTIONS
    spoken: bool = False


class Branches(Protocol):
    def branches_of(self, language: str) -> Mapping[str, Naming]: ...


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
    own = rules.of(spoken)
    sections = tree.branches_of(spoken) if tree else NO_SECTIONS
    home = _home(file, above[0], sections) if above else ""
    return Place(
        folder=folder,
        base=base,
        kind=kind,
        language=spoken,
        section=path_name(above[0], own) if above else "",
        sections=tuple(_names(home, own).split("/")) if home else (),
        key=posixpath.join(folder, "" if kind == "bundle" else base).rstrip("/"),
        home=home,
        named=sections,
        spoken=named is not None,
    )


def _home(file: str, top: str, branches: Collection[str]) -> str:
    """The nearest section above a file. Hugo compares the bare beginnings of paths: below
    posts/sub-way it takes posts/sub for one, and so does this."""
    if not branches:
        return top
    path = _names(file, _KEYS)
    above = [branch for branch in branches if branch and path.startswith(_names(branch, _KEYS))]
    return max([top, *above], key=len)


def _names(path: str, rules: SiteRules) -> str:
    return "/".join(file_name(part, rules) for part in path.split("/"))


def page_path(place: Place) -> str:
    """The logical path that the targets of cascades and permalinks are compared with."""
    return "/" + _names(place.key, _KEYS)


def _language_suffix(stem: str, rules: SiteRules) -> tuple[str, str | None]:
    base, dot, suffix = stem.rpartition(".")
    if not dot or not base:
        return stem, None
    names = [language.name for language in rules.languages] or [rules.language]
    names += rules.disabled
    found = next((name for name in names if name.lower() == suffix.lower()), None)
    return (base, found) if found else (stem, None)


# --- visibility -----------------------------------------------------------------------------------


class Visibility(NamedTuple):
    """What decides whether a post is published. `reason` holds at any time; the rest by the clock,
    where the site minds it."""

    reason: WhyNot | None
    publish: datetime | None
    expiry: datetime | None

    def at(self, now: datetime) -> tuple[WhyNot | None, datetime | None]:
        """Why it is not visible at `now` (a stable code, or None), and when that next changes."""
        if self.reason:
            return self.reason, None
        if self.expiry and self.expiry <= now:
            return "expired", None
        if self.publish and self.publish > now:
            return "future", self.publish
        return None, self.expiry


def hidden_reason(
    matter: Mapping[str, Any], place: Place, url: str, rules: SiteRules
) -> WhyNot | None:
    """Why a page is never a published post, whatever the clock says; None where it may be one."""
    if place.language in rules.disabled:
        return "language-off"
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
    outputs = matter.get("outputs") or rules.outputs
    if isinstance(outputs, list | tuple) and outputs and "html" not in map(_word, outputs):
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
