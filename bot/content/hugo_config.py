"""A Hugo site's own configuration → SiteRules and Site. Keys are case-insensitive, as Hugo has them.

Read are hugo.* or config.* in the site's folder, then config/_default and config/production:
https://gohugo.io/configuration/introduction/
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.content.matter import load_data
from bot.content.rules import DATE_KEYS, Language, Mount, SiteRules, base_url, own_rules
from bot.content.tree import read_cascade
from bot.errors import ConfigError, ContentError
from bot.i18n import Message, msg

if TYPE_CHECKING:
    from bot.settings import Config, Site

NAMES = ("hugo", "config")
SUFFIXES = {".toml": "TOML", ".yaml": "YAML", ".yml": "YAML", ".json": "JSON"}
MAX_FILE = 1024 * 1024

Data = Mapping[str, Any]


def hugo_rules(config: Config) -> SiteRules:
    """The rules of the Hugo site that `[content] hugo` names. Raises ConfigError."""
    rules, _ = _rules(config)
    return replace(rules, sections=config.content.sections or rules.sections)


def hugo_site(config: Config) -> Site:
    """`[site]` with what Hugo's configuration says of it. Raises ConfigError."""
    rules, data = _rules(config)
    main = _table(_table(data, "languages"), _default_language(data))
    code = next((known.code for known in rules.languages[:1]), "") or rules.language
    return replace(
        config.site,
        url=rules.url,
        title=_text(main, "title") or _text(data, "title") or config.site.title,
        language=code,
        timezone=rules.timezone,
        description=config.site.description or _text(_table(data, "params"), "description"),
        author=config.site.author or _author(data),
    )


def _rules(config: Config) -> tuple[SiteRules, Data]:
    """Where baseURL is no whole address (`/` is Hugo's way to say so), `[site] url` stands in."""
    folder, data = _site(config)
    own = own_rules(config)
    rules = rules_from(data, folder, own)
    whole = rules.url.startswith(("https://", "http://"))
    return (rules if whole or not config.site.url else replace(rules, url=own.url)), data


def _author(data: Data) -> str:
    author = _table(data, "params").get("author") or data.get("author")
    name = author.get("name") if isinstance(author, Mapping) else author
    return name if isinstance(name, str) else ""


# --- the files ------------------------------------------------------------------------------------


def _site(config: Config) -> tuple[str, Data]:
    folder = os.path.normpath(os.path.join(os.path.abspath(config.root), config.content.hugo))
    own = os.path.join(os.path.abspath(config.root), os.path.basename(config.file))
    data = read_hugo(folder, skip=own)
    if not data:
        raise ConfigError(
            msg("There is no Hugo site in {folder}.", folder=config.content.hugo),
            code="hugo-missing",
            path=config.file,
            line=config.lines.get("content.hugo"),
            key="content.hugo",
            hint=msg("Name the folder that holds hugo.toml."),
        )
    return folder, data


def read_hugo(folder: str, skip: str = "") -> Data:
    """All of a site's configuration, merged; empty where there is none. Raises ConfigError."""
    data: dict[str, Any] = {}
    for file, key in (*_root_file(folder, skip), *_folder_files(folder)):
        table: Any = _read(file)
        for part in reversed(key.split(".") if key else []):
            table = {part: table}
        data = _merged(data, table)
    return data


def _root_file(folder: str, skip: str) -> Iterator[tuple[str, str]]:
    for name in NAMES:
        for suffix in SUFFIXES:
            file = os.path.join(folder, name + suffix)
            if os.path.isfile(file) and os.path.abspath(file) != skip:
                yield file, ""
                return


def _folder_files(folder: str) -> Iterator[tuple[str, str]]:
    """config/_default/params.toml holds `params`, languages.ja.toml `languages.ja`."""
    for environment in ("_default", "production"):
        top = os.path.join(folder, "config", environment)
        for where, folders, names in os.walk(top):
            folders.sort()
            for name in sorted(names):
                stem, suffix = os.path.splitext(name.lower())
                if suffix in SUFFIXES:
                    yield os.path.join(where, name), "" if stem in NAMES else stem


def _read(file: str) -> Data:
    try:
        with open(file, "rb") as stream:
            text = stream.read(MAX_FILE).decode("utf-8-sig")
        return load_data(SUFFIXES[os.path.splitext(file.lower())[1]], text)
    except ContentError as error:
        raise ConfigError(
            _without_front_matter(error),
            code="hugo-config",
            path=os.path.normpath(file),
            line=error.line,
            hint=error.hint,
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "UTF-8"
        raise ConfigError(
            msg("Hugo's configuration cannot be read: {reason}.", reason=reason),
            code="hugo-config",
            path=os.path.normpath(file),
            hint=msg("Check that the file is readable and saved as UTF-8."),
        ) from None


def _without_front_matter(error: ContentError) -> Message:
    """The words for a file that is all of one format."""
    if error.code != "front-matter":
        return error.message
    return msg("Hugo's configuration is no valid {kind}: {reason}.", **error.message.values)


def _merged(low: Data, high: Data) -> dict[str, Any]:
    merged = dict(low)
    for key, value in high.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = _merged(old, value) if both and old is not None else value
    return merged


# --- the rules ------------------------------------------------------------------------------------


def rules_from(data: Data, folder: str, own: SiteRules) -> SiteRules:
    """`data` (lower-case keys) of the site in `folder`; Hugo's defaults where it says nothing."""
    name = _default_language(data)
    main = _table(_table(data, "languages"), name)
    pages, sections = _permalinks(main.get("permalinks") or data.get("permalinks"))
    return replace(
        own,
        content=_below(folder, _text(data, "contentdir") or "content"),
        url=base_url(_text(main, "baseurl") or _text(data, "baseurl") or own.url),
        static=_statics(data, main, folder),
        assets=_below(folder, _text(data, "assetdir") or "assets"),
        language=name,
        timezone=_text(main, "timezone") or _text(data, "timezone") or "UTC",
        permalink=None,
        permalinks=pages,
        section_permalinks=sections,
        sections=_main_sections(data, main),
        root_pages=False,
        languages=_languages(data, name),
        mounts=_mounts(data, folder),
        dates=_dates(data),
        build_drafts=data.get("builddrafts") is True,
        build_future=data.get("buildfuture") is True,
        build_expired=data.get("buildexpired") is True,
        ugly_urls=_ugly(data.get("uglyurls")),
        lower=data.get("disablepathtolower") is not True,
        remove_accents=data.get("removepathaccents") is True,
        ignore=_patterns(data.get("ignorefiles")),
        cascade=tuple(read_cascade(data.get("cascade") or [])),
        unsafe=_renderer(data).get("unsafe") is True,
    )


def _renderer(data: Data) -> Data:
    """https://gohugo.io/configuration/markup/#rendererunsafe"""
    return _table(_table(_table(data, "markup"), "goldmark"), "renderer")


def _default_language(data: Data) -> str:
    return _text(data, "defaultcontentlanguage").lower() or "en"


def _languages(data: Data, main: str) -> tuple[Language, ...]:
    """The main language first. Where one has its own address none has a prefix."""
    tables = _table(data, "languages")
    off = {str(name).lower() for name in data.get("disablelanguages") or []}
    names = [n for n in tables if n not in off and _table(tables, n).get("disabled") is not True]
    names = [main, *(name for name in names if name != main)]
    hosts = any(_text(_table(tables, name), "baseurl") for name in names)
    in_path = data.get("defaultcontentlanguageinsubdir") is True
    return tuple(
        Language(
            name=name,
            code=_language_code(data, _table(tables, name), name, main),
            prefix="" if hosts or (name == main and not in_path) else f"{name}/",
            url=base_url(_text(_table(tables, name), "baseurl"))
            if _text(_table(tables, name), "baseurl")
            else None,
        )
        for name in names
    )


def _language_code(data: Data, table: Data, name: str, main: str) -> str:
    own = _text(table, "locale") or _text(table, "languagecode")
    site = _text(data, "locale") or _text(data, "languagecode")
    return own or (site if name == main else "") or name


def _permalinks(value: Any) -> tuple[dict[str, str], dict[str, str]]:
    """Patterns of pages and of section pages; the older form knows only pages."""
    table = value if isinstance(value, Mapping) else {}
    pages = {key: text for key, text in table.items() if isinstance(text, str)}
    pages |= {k: text for k, text in _table(table, "page").items() if isinstance(text, str)}
    sections = {k: text for k, text in _table(table, "section").items() if isinstance(text, str)}
    return pages, sections


def _main_sections(data: Data, main: Data) -> tuple[str, ...]:
    for table in (main, _table(main, "params"), data, _table(data, "params")):
        value = table.get("mainsections")
        if value:
            return tuple(str(name) for name in (value if isinstance(value, list) else [value]))
    return ()


def _dates(data: Data) -> dict[str, tuple[str, ...]]:
    own = _table(data, "frontmatter")
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
            source=_below(folder, _text(mount, "source")),
            target=_text(mount, "target").removeprefix("content").strip("/"),
            language=_text(mount, "lang") or None,
        )
        for mount in _module_mounts(data)
        if _text(mount, "target").split("/")[0] == "content"
    ]
    if mounts:
        return tuple(mounts)
    tables = _table(data, "languages")
    own = {name: _text(_table(tables, name), "contentdir") for name in tables}
    if not any(own.values()):
        return ()
    main = _text(data, "contentdir") or "content"
    return tuple(
        Mount(source=_below(folder, own[name] or main), language=name)
        for name in sorted(tables, key=lambda name: (not own[name], name))
    )


def _statics(data: Data, main: Data, folder: str) -> tuple[str, ...]:
    mounted = [_text(m, "source") for m in _module_mounts(data) if _text(m, "target") == "static"]
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
    mounts = _table(data, "module").get("mounts")
    return [m for m in mounts if isinstance(m, Mapping)] if isinstance(mounts, list) else []


def _below(folder: str, name: str) -> str:
    return os.path.normpath(os.path.join(folder, name))


def _table(data: Data, key: str) -> Data:
    value = data.get(key)
    return value if isinstance(value, Mapping) else {}


def _text(data: Data, key: str) -> str:
    value = data.get(key)
    return value.strip() if isinstance(value, str) else ""
