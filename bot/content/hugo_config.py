"""A Hugo site's own configuration: its files, merged. Keys are case-insensitive, as Hugo has them.

Read are hugo.* or config.* in the site's folder, then config/_default and config/production:
https://gohugo.io/configuration/introduction/
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.content.hugo_rules import Data, default_language, rules_from, table_of, text_of
from bot.content.matter import load_data
from bot.content.rules import SiteRules, own_rules
from bot.errors import ConfigError, ContentError
from bot.i18n import Message, msg

if TYPE_CHECKING:
    from bot.settings import Config, Site

NAMES = ("hugo", "config")
SUFFIXES = {".toml": "TOML", ".yaml": "YAML", ".yml": "YAML", ".json": "JSON"}
MAX_FILE = 1024 * 1024


def hugo_rules(config: Config) -> SiteRules:
    """The rules of the Hugo site that `[content] hugo` names. Raises ConfigError."""
    return _rules(config)[0]


def hugo_site(config: Config) -> Site:
    """`[site]` with what Hugo's configuration says of it. Raises ConfigError."""
    rules, data = _rules(config)
    main = table_of(table_of(data, "languages"), default_language(data))
    code = next((known.code for known in rules.languages[:1]), "") or rules.language
    return replace(
        config.site,
        url=rules.url,
        title=text_of(main, "title") or text_of(data, "title") or config.site.title,
        language=code,
        timezone=rules.timezone,
        description=config.site.description or text_of(table_of(data, "params"), "description"),
        author=config.site.author or _author(data),
    )


def _rules(config: Config) -> tuple[SiteRules, Data]:
    """Where baseURL is no whole address (`/` is Hugo's way to say so), `[site] url` stands in."""
    folder, data = _site(config)
    own = own_rules(config)
    rules = rules_from(data, folder, own)
    if rules.url.startswith(("https://", "http://")) or not config.site.url:
        return rules, data
    others = {name: replace(of, url=own.url) for name, of in rules.by_language.items()}
    return replace(rules, url=own.url, by_language=others), data


def _author(data: Data) -> str:
    author = table_of(data, "params").get("author") or data.get("author")
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
