"""Hugo's configuration (its files merged, keys in lower case) → SiteRules. Pure but for paths.

https://gohugo.io/configuration/all/ and https://gohugo.io/configuration/languages/
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from bot.content.globs import glob, languages_of
from bot.content.rules import DATE_KEYS, Cascade, Language, Mount, Pattern, SiteRules, base_url
from bot.content.tree import read_cascade
from bot.errors import ConfigError
from bot.i18n import msg

Data = Mapping[str, Any]
ENVIRONMENT = "production"
OF_LANGUAGES = frozenset(
    (
        *("timezone", "permalinks", "frontmatter", "disablepathtolower", "removepathaccents"),
        *("outputformats", "outputs", "builddrafts", "buildfuture", "buildexpired"),
        *("mainsections", "params", "pluralizelisttitles"),
    )
)
"""What a language may say for itself; it then stands in place of what the site says."""


def rules_from(data: Data, folder: str, own: SiteRules) -> SiteRules:
    """`data` (lower-case keys) of the site in `folder`; Hugo's defaults where it says nothing."""
    name = default_language(data)
    tables = table_of(data, "languages")
    main = table_of(tables, name)
    languages = _languages(data, name)
    site = replace(
        own,
        content=_below(folder, text_of(data, "contentdir") or "content"),
        url=base_url(text_of(main, "baseurl") or text_of(data, "baseurl") or own.url),
        static=_statics(data, main, folder),
        assets=_below(folder, text_of(data, "assetdir") or "assets"),
        language=name,
        permalink=None,
        root_pages=False,
        languages=languages,
        disabled=tuple(sorted(set(tables) - {language.name for language in languages})),
        mounts=_mounts(data, folder),
        ugly_urls=_ugly(data.get("uglyurls")),
        ignore=_patterns(data.get("ignorefiles")),
        cascade=tuple(_cascades(data, languages)),
        unsafe=_renderer(data).get("unsafe") is True,
    )
    rules = {n.name: replace(site, **_of_language(data, n.name, own)) for n in languages}
    others = {n: of for n, of in rules.items() if of != rules[name]}
    return replace(rules[name], by_language=others)


def _of_language(data: Data, name: str, own: SiteRules) -> dict[str, Any]:
    """What may differ between the languages of a site."""
    table = table_of(table_of(data, "languages"), name)
    own_said = {key: value for key, value in table.items() if key in OF_LANGUAGES}
    if isinstance(own_said.get("permalinks"), list):
        del own_said["permalinks"]  # Hugo takes only a table here
    said = {**data, **own_said}
    html = table_of(table_of(said, "outputformats"), "html")
    return {
        "timezone": text_of(said, "timezone") or "UTC",
        "permalinks": tuple(_permalinks(said.get("permalinks"))),
        "sections": own.sections or _main_sections(data, table),
        "dates": _dates(said),
        "build_drafts": said.get("builddrafts") is True,
        "build_future": said.get("buildfuture") is True,
        "build_expired": said.get("buildexpired") is True,
        "lower": said.get("disablepathtolower") is not True,
        "remove_accents": said.get("removepathaccents") is True,
        "html": text_of(html, "basename") or "index",
        "html_folder": text_of(html, "path").strip("/"),
        "outputs": tuple(map(str, table_of(said, "outputs").get("page") or ())),
        "plural_titles": said.get("pluralizelisttitles") is not False,
    }


def _cascades(data: Data, languages: tuple[Language, ...]) -> Iterator[Cascade]:
    """Those of each language, in their order; a language that has none brings the site's, which are
    for all (as Hugo does, whose first one wins)."""
    site = list(read_cascade(data.get("cascade") or []))
    for language in languages:
        table = table_of(table_of(data, "languages"), language.name)
        if "cascade" in table:
            yield from read_cascade(table["cascade"], language=language.name)
        else:
            yield from site
            site = []


def _renderer(data: Data) -> Data:
    """https://gohugo.io/configuration/markup/#rendererunsafe"""
    return table_of(table_of(table_of(data, "markup"), "goldmark"), "renderer")


def default_language(data: Data) -> str:
    """The site's own; where that one is switched off, the first that is not."""
    name = text_of(data, "defaultcontentlanguage").lower() or "en"
    enabled = _enabled(data)
    return name if name in enabled or not enabled else enabled[0]


def _enabled(data: Data) -> list[str]:
    """The languages that are built, by weight and name."""
    tables = table_of(data, "languages")
    off = data.get("disablelanguages")
    off = {str(name).lower() for name in (off if isinstance(off, list) else [])}
    names = [n for n in tables if n not in off and table_of(tables, n).get("disabled") is not True]
    return sorted(names, key=lambda name: (_weight(table_of(tables, name)), name))


def _weight(table: Data) -> float:
    weight = table.get("weight")
    return weight if isinstance(weight, int | float) and weight else float("inf")


def _languages(data: Data, main: str) -> tuple[Language, ...]:
    """The main language first. Where one has its own address none has a prefix; Hugo thinks so only
    where more languages than one are left when those that are switched off are taken away twice."""
    tables = table_of(data, "languages")
    enabled = _enabled(data)
    names = [main, *(name for name in enabled if name != main)]
    left = 2 * len(enabled) - len(tables)
    hosts = left > 1 and any(text_of(table_of(tables, name), "baseurl") for name in tables)
    site = text_of(data, "baseurl") if text_of(table_of(tables, main), "baseurl") else ""
    in_path = data.get("defaultcontentlanguageinsubdir") is True
    return tuple(
        Language(
            name=name,
            code=_language_code(data, table_of(tables, name), name, main),
            prefix="" if hosts or (name == main and not in_path) else f"{name}/",
            url=base_url(own)
            if (own := text_of(table_of(tables, name), "baseurl") or site)
            else None,
        )
        for name in names
    )


def _language_code(data: Data, table: Data, name: str, main: str) -> str:
    own = text_of(table, "locale") or text_of(table, "languagecode")
    site = text_of(data, "locale") or text_of(data, "languagecode")
    return own or (site if name == main else "") or name


def _permalinks(value: Any) -> Iterator[Pattern]:
    """A list of patterns with their targets, or a table by path: of pages, or by kind."""
    if isinstance(value, list):
        for entry in value:
            if isinstance(entry, Mapping) and isinstance(entry.get("pattern"), str):
                yield from _targeted(entry["pattern"], table_of(entry, "target"))
        return
    table = value if isinstance(value, Mapping) else {}
    for kind in ("page", "section"):
        own = table_of(table, kind)
        said = {**table, **own} if kind == "page" else own
        yield from _by_path({k: v for k, v in said.items() if isinstance(v, str)}, kind)


def _targeted(pattern: str, target: Data) -> Iterator[Pattern]:
    environment = text_of(target, "environment")
    if environment and not glob(environment).fullmatch(ENVIRONMENT):
        return
    yield Pattern(
        pattern=pattern,
        path=text_of(target, "path"),
        kind=text_of(target, "kind"),
        languages=languages_of(target),
    )


def _by_path(patterns: Mapping[str, str], kind: str) -> Iterator[Pattern]:
    """A key is a folder and all below it. Where several fit, Hugo takes any; here the longest."""
    for key in sorted(patterns, key=lambda key: (-len(key), key)):
        path = "/" + key.strip("/")
        if path == "/":
            yield Pattern(pattern=patterns[key], path="/*", kind=kind)
        else:
            yield Pattern(pattern=patterns[key], path=path, kind=kind)
            yield Pattern(pattern=patterns[key], path=path + "/**", kind=kind)


def _main_sections(data: Data, main: Data) -> tuple[str, ...]:
    for table in (main, table_of(main, "params"), data, table_of(data, "params")):
        value = table.get("mainsections")
        if value:
            return tuple(str(name) for name in (value if isinstance(value, list) else [value]))
    return ()


def _dates(data: Data) -> dict[str, tuple[str, ...]]:
    own = table_of(data, "frontmatter")
    found = dict(DATE_KEYS)
    for name, default in DATE_KEYS.items():
        value = own.get(name)
        if value:
            keys = [str(k).lower() for k in (value if isinstance(value, list) else [value])]
            full = (key for k in keys for key in (default if k == ":default" else (k,)))
            found[name] = tuple(dict.fromkeys(full))
    return found


def _ugly(value: Any) -> bool | Mapping[str, bool]:
    if isinstance(value, Mapping):
        return {key: flag is True for key, flag in value.items()}
    return value is True


def _patterns(value: Any) -> tuple[str, ...]:
    patterns = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    for pattern in patterns:
        try:
            re.compile(str(pattern))
        except re.error as error:
            raise ConfigError(
                msg(
                    "`ignoreFiles` of Hugo's configuration holds no regular expression: {pattern} ({reason})",
                    pattern=pattern,
                    reason=str(error),
                ),
                code="hugo-config",
                hint=msg("Correct it there."),
            ) from None
    return tuple(str(pattern) for pattern in patterns)


# --- folders --------------------------------------------------------------------------------------


def _mounts(data: Data, folder: str) -> tuple[Mount, ...]:
    """Content folders beside the usual one: mounts of the configuration, or one for each language."""
    mounts = [
        Mount(
            source=_below(folder, text_of(mount, "source")),
            target=text_of(mount, "target").removeprefix("content").strip("/"),
            language=text_of(mount, "lang") or next(iter(languages_of(mount)), None),
        )
        for mount in _module_mounts(data)
        if text_of(mount, "target").split("/")[0] == "content"
    ]
    if mounts:
        return tuple(mounts)
    tables = table_of(data, "languages")
    own = {name: text_of(table_of(tables, name), "contentdir") for name in tables}
    if not any(own.values()):
        return ()
    main = text_of(data, "contentdir") or "content"
    return tuple(
        Mount(source=_below(folder, own[name] or main), language=name)
        for name in sorted(tables, key=lambda name: (not own[name], name))
    )


def _statics(data: Data, main: Data, folder: str) -> tuple[str, ...]:
    mounted = [
        text_of(m, "source") for m in _module_mounts(data) if text_of(m, "target") == "static"
    ]
    names: list[str] = list(mounted)
    for table in (main, data):
        for key in ("staticdir", *(f"staticdir{n}" for n in range(11))):
            value = table.get(key)
            names += [str(n) for n in (value if isinstance(value, list) else [value]) if n]
    themes = data.get("theme")
    themes = themes if isinstance(themes, list) else [themes]
    shared = [f"themes/{theme}/static" for theme in themes if isinstance(theme, str)]
    return tuple(_below(folder, name) for name in dict.fromkeys([*(names or ["static"]), *shared]))


def _module_mounts(data: Data) -> list[Data]:
    mounts = table_of(data, "module").get("mounts")
    return [m for m in mounts if isinstance(m, Mapping)] if isinstance(mounts, list) else []


def _below(folder: str, name: str) -> str:
    return os.path.normpath(os.path.join(folder, name))


def table_of(data: Data, key: str) -> Data:
    value = data.get(key)
    return value if isinstance(value, Mapping) else {}


def text_of(data: Data, key: str) -> str:
    value = data.get(key)
    return value.strip() if isinstance(value, str) else ""
