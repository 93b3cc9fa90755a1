"""What pages take from the folders above them: Hugo's cascade, and which folders are sections.

https://gohugo.io/content-management/front-matter/#cascade
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.content.globs import glob, languages_of, speaks
from bot.content.hugo import NO_SECTIONS, Naming, Place, page_path
from bot.content.rules import Cascade, SiteRules


@dataclass(frozen=True, slots=True)
class Tree:
    """`branches` are the folders (as written, below the content folder) that have an _index.md,
    by their language, and what that calls them: a translation takes nothing from another one's
    sections."""

    branches: Mapping[str, Mapping[str, Naming]] = field(default_factory=dict)
    cascades: tuple[Cascade, ...] = ()

    def branches_of(self, language: str) -> Mapping[str, Naming]:
        return self.branches.get(language, NO_SECTIONS)

    def with_defaults(
        self, matter: Mapping[str, Any], place: Place, rules: SiteRules
    ) -> Mapping[str, Any]:
        """The front matter, completed by what cascades down to it; the nearest folder wins."""
        if not self.cascades and not rules.cascade:
            return matter
        near = sorted(self.cascades, key=lambda cascade: -len(cascade.folder))
        merged = dict(matter)
        for cascade in (*near, *rules.cascade):
            if _reaches(cascade, place, rules):
                _fill(merged, cascade.values)
        return merged


EMPTY = Tree()


def read_cascade(value: Any, folder: str = "", language: str = "") -> Iterator[Cascade]:
    """The entries of a `cascade`: one table, or a list of them, each with an optional target."""
    for entry in value if isinstance(value, list) else [value]:
        if not isinstance(entry, Mapping):
            continue
        target = entry.get("target") or entry.get("_target") or {}
        values = {k: v for k, v in entry.items() if k not in ("target", "_target")}
        if isinstance(target, Mapping):
            yield Cascade(values=values, target=target, folder=folder, language=language)


def _reaches(cascade: Cascade, place: Place, rules: SiteRules) -> bool:
    if cascade.language and cascade.language != place.language:
        return False
    if cascade.folder and not f"{place.folder}/".startswith(cascade.folder + "/"):
        return False
    if not speaks(languages_of(cascade.target), place.language):
        return False
    kind = "section" if place.kind == "section" else "page"
    values = {"path": page_path(place), "kind": kind, "lang": place.language}
    return all(
        glob(str(cascade.target[name])).fullmatch(value)
        for name, value in values.items()
        if cascade.target.get(name)
    )


def _fill(matter: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        own = matter.get(key)
        if key not in matter:
            matter[key] = value
        elif isinstance(own, Mapping) and isinstance(value, Mapping):
            matter[key] = {**value, **own}
