"""`bot init`: what kind of site a folder holds, and the first bot.toml for it. Overwrites nothing."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from bot import config as configuration
from bot.errors import BotError, ConfigError, ContentError, UsageError
from bot.i18n import Message, msg

Kind = Literal["hugo", "zola", "jekyll", "eleventy", "markdown"]

KINDS: Mapping[Kind, Message] = {
    "hugo": msg("a Hugo site: its own configuration says addresses, folders, languages and dates"),
    "zola": msg("a Zola site, read as plain Markdown: compare the addresses that bot list shows"),
    "jekyll": msg(
        "a Jekyll site, read as plain Markdown: compare the addresses that bot list shows"
    ),
    "eleventy": msg(
        "an Eleventy site, read as plain Markdown: compare the addresses that bot list shows"
    ),
    "markdown": msg("a folder of Markdown files"),
}
NOWHERE = "https://example.com/"
"""Stands where the address of the site is not known."""
SIGNS: Mapping[Kind, tuple[str, ...]] = {
    "jekyll": ("_config.yml", "_config.yaml"),
    "eleventy": (".eleventy.js", *(f"eleventy.config.{end}" for end in ("js", "mjs", "cjs", "ts"))),
}
FOLDERS = ("content", "_posts", "posts", "src/posts", "blog", "articles", "src", ".")
BUILT: Mapping[Kind, str] = {"jekyll": "_site", "eleventy": "_site"}
"""Where the feeds go: the folder that the site is built into."""
_MARKDOWN = (".md", ".mdown", ".markdown")
_ZONE = re.compile(r"zoneinfo/(?:posix/)?(.+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a folder says of its site."""

    kind: Kind
    content: str = "content"
    url: str = ""
    title: str = ""
    language: str = ""
    timezone: str = ""
    feeds: str = "public"


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """`file`: the configuration, `fresh` where it was written now; `ignored`: lines that were added
    to .gitignore; `placeholder`: its address must still be written in."""

    folder: str
    kind: Kind
    file: str
    fresh: bool
    ignored: tuple[str, ...]
    placeholder: bool


def start(folder: str, environ: Mapping[str, str]) -> Started:
    """Write bot.toml and what git shall ignore. Raises UsageError, ConfigError."""
    if not os.path.isdir(folder):
        raise UsageError(
            msg("there is no folder {folder}", folder=folder),
            code="no-folder",
            hint=msg("name the folder of your site"),
        )
    found = recognise(folder, environ)
    file = _own_file(folder)
    if file is None:
        _write(os.path.join(folder, "bot.toml"), first_config(found))
    return Started(
        folder=folder,
        kind=found.kind,
        file=file or "bot.toml",
        fresh=file is None,
        ignored=_ignore(folder, found),
        placeholder=found.url == NOWHERE and _is_placeholder(folder, file or "bot.toml"),
    )


def _is_placeholder(folder: str, file: str) -> bool:
    site = _toml(os.path.join(folder, file)).get("site")
    return isinstance(site, dict) and site.get("url") == NOWHERE


# --- what is there ------------------------------------------------------------------------------


def recognise(folder: str, environ: Mapping[str, str]) -> Found:
    """By the configuration files. Raises ConfigError where Hugo's cannot be read."""
    zola = _toml(os.path.join(folder, "config.toml"))
    if "base_url" in zola:
        return _zola(folder, zola, environ)
    hugo = _hugo(folder)
    if hugo is not None:
        return hugo
    names = set(os.listdir(folder))
    kind: Kind = next((kind for kind, signs in SIGNS.items() if names & set(signs)), "markdown")
    return _plain(folder, kind, environ)


def _hugo(folder: str) -> Found | None:
    from bot.content.hugo_config import read_hugo

    own = os.path.join(os.path.abspath(folder), _own_file(folder) or "bot.toml")
    data = read_hugo(folder, skip=own)
    if not data:
        return None
    languages = data.get("languages")
    tables = [data, *(languages.values() if isinstance(languages, dict) else ())]
    urls = [str(table.get("baseurl", "")) for table in tables if isinstance(table, dict)]
    whole = any(url.startswith(("https://", "http://")) for url in urls)
    return Found(
        kind="hugo",
        url="" if whole else _domain(folder) or NOWHERE,
        feeds=str(data.get("publishdir") or "public"),
    )


def _zola(folder: str, data: Mapping[str, Any], environ: Mapping[str, str]) -> Found:
    url = str(data["base_url"])
    return Found(
        kind="zola",
        url=url if url.startswith(("https://", "http://")) else NOWHERE,
        title=str(data.get("title") or ""),
        language=str(data.get("default_language") or "en"),
        timezone=_zone(environ),
    )


def _plain(folder: str, kind: Kind, environ: Mapping[str, str]) -> Found:
    said = _jekyll(folder) if kind == "jekyll" else {}
    url = str(said.get("url") or "").rstrip("/") + str(said.get("baseurl") or "")
    whole = url.startswith(("https://", "http://"))
    return Found(
        kind=kind,
        content=next((name for name in FOLDERS if _has_posts(folder, name)), "content"),
        url=url if whole else _domain(folder) or NOWHERE,
        title=str(said.get("title") or os.path.basename(os.path.abspath(folder))),
        language=str(said.get("lang") or _spoken(environ)),
        timezone=str(said.get("timezone") or _zone(environ)),
        feeds=BUILT.get(kind, "public"),
    )


def _jekyll(folder: str) -> Mapping[str, Any]:
    from bot.content.matter import load_data

    for name in SIGNS["jekyll"]:
        with contextlib.suppress(OSError, UnicodeDecodeError, ContentError):
            return load_data("YAML", Path(folder, name).read_text(encoding="utf-8"))
    return {}


def _toml(file: str) -> Mapping[str, Any]:
    import tomllib

    with contextlib.suppress(OSError, ValueError, RecursionError), open(file, "rb") as stream:
        return tomllib.load(stream)
    return {}


def _domain(folder: str) -> str:
    """The domain that the site is served at, as GitHub Pages and others are told."""
    for name in ("static/CNAME", "CNAME", "public/CNAME"):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            host = Path(folder, name).read_text(encoding="ascii").strip()
            if re.fullmatch(r"[A-Za-z0-9.-]+\.[A-Za-z0-9-]+", host):
                return f"https://{host}/"
    return ""


def _has_posts(folder: str, name: str) -> bool:
    """Whether Markdown files lie there (in the site's folder itself: beside README and its like)."""
    if name == ".":
        return any(
            entry.lower().endswith(_MARKDOWN) and not entry.split(".")[0].isupper()
            for entry in os.listdir(folder)
        )
    return any(
        file.lower().endswith(_MARKDOWN)
        for _, _, files in os.walk(os.path.join(folder, name))
        for file in files
    )


def _spoken(environ: Mapping[str, str]) -> str:
    from bot.i18n import choose

    return choose(None, environ, None)


def _zone(environ: Mapping[str, str]) -> str:
    """The zone of this machine, where it is one of IANA's."""
    link = _ZONE.search(os.path.realpath("/etc/localtime"))
    for name in (environ.get("TZ", "").lstrip(":"), link[1] if link else ""):
        with contextlib.suppress(KeyError, ValueError, OSError):
            if name and ZoneInfo(name):
                return name
    return "UTC"


def _own_file(folder: str) -> str | None:
    """bot's configuration, where there is one: bot.toml, or a config.toml that is bot's."""
    if os.path.lexists(os.path.join(folder, "bot.toml")):
        return "bot.toml"
    with contextlib.suppress(BotError):
        configuration.load("config.toml", folder)
        return "config.toml"
    return None


# --- what is written ----------------------------------------------------------------------------


def first_config(found: Found) -> str:
    """bot.toml, with a comment for whatever a person may want to change."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Found) -> Iterator[str]:
    yield f"# {msg('What bot is to know of this blog. Relative paths start at this folder.')}"
    yield f"# {msg('All settings: docs/configuration.md in the source of bot.')}"
    yield ""
    if found.kind == "hugo":
        yield from _hugo_lines(found)
    else:
        yield from _site_lines(found)
    yield ""
    yield "[summary]"
    yield f"# {msg('The list under one of these headings is what is shared.')}"
    yield 'headings = ["3行要約"]'
    yield ""
    yield "[feed]"
    yield f"path = {_text(found.feeds)} # {msg('the feeds are written here, beside the built site')}"
    yield ""
    yield "[publish]"
    yield f"# {msg('A post is shared when its page is online; false: at once.')}"
    yield "wait_until_live = true"
    yield ""
    yield from _account_lines()


def _hugo_lines(found: Found) -> Iterator[str]:
    if found.url:
        yield "[site]"
        yield f"# {msg('Hugo names no whole address of the site (baseURL), so it stands here.')}"
        yield from _url_line(found)
        yield ""
    yield "[content]"
    yield f'hugo = "." # {msg("addresses, folders, languages and dates are as Hugo has them")}'


def _site_lines(found: Found) -> Iterator[str]:
    yield "[site]"
    yield f"title = {_text(found.title)}"
    yield from _url_line(found)
    yield f"language = {_text(found.language)}"
    yield f"timezone = {_text(found.timezone)} # {msg('of dates that name none')}"
    yield ""
    yield "[content]"
    yield f"path = {_text(found.content)}"
    yield f"# {msg('How the address of a post is made of its file:')}"
    yield 'permalink = "/posts/:slugorfilename/"'


def _url_line(found: Found) -> Iterator[str]:
    if found.url == NOWHERE:
        yield f"# {msg('Change this to the address of your site:')}"
    yield f"url = {_text(found.url)}"


def _account_lines() -> Iterator[str]:
    yield f"# {msg('The accounts. They are shown by bot post --dry-run and send nothing until enabled = true.')}"
    yield f"# {msg('A secret is named here, never written: a variable of the environment, or a file.')}"
    for network, lines in _ACCOUNTS.items():
        yield "[[accounts]]"
        yield f'name = "{network}"'
        yield f'network = "{network}"'
        yield "enabled = false"
        yield from lines
        yield ""


_ACCOUNTS = {
    "mastodon": ('instance = "https://mastodon.social"', 'token = { env = "MASTODON_TOKEN" }'),
    "bluesky": ('handle = "example.com"', 'app_password = { env = "BLUESKY_APP_PASSWORD" }'),
    "x": (
        'consumer_key = { env = "X_CONSUMER_KEY" }',
        'consumer_secret = { env = "X_CONSUMER_SECRET" }',
        'access_token = { env = "X_ACCESS_TOKEN" }',
        'access_token_secret = { env = "X_ACCESS_TOKEN_SECRET" }',
    ),
    "misskey": ('instance = "https://misskey.io"', 'token = { env = "MISSKEY_TOKEN" }'),
}


def _text(value: str) -> str:
    """A TOML string (JSON's escapes are TOML's, but for these two)."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _write(file: str, text: str) -> None:
    try:
        with open(file, "x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except OSError as error:
        raise ConfigError(
            msg("The file cannot be written: {reason}.", reason=error.strerror or str(error)),
            code="not-written",
            path=file,
            hint=msg("Check that you may write in this folder."),
        ) from None


def _ignore(folder: str, found: Found) -> tuple[str, ...]:
    """The ledger is no part of the site; nor are feeds, where nothing else is in their folder.
    (Hugo's own folder is Hugo's to ignore or to keep.)"""
    if not _in_git(folder):
        return ()
    wanted = ["/state/"]
    if found.kind != "hugo" and not os.path.exists(os.path.join(folder, found.feeds)):
        wanted.append(f"/{found.feeds}/")
    file = Path(folder, ".gitignore")
    try:
        old = file.read_text(encoding="utf-8", errors="surrogateescape") if file.exists() else ""
        there = {line.strip().strip("/") for line in old.splitlines()}
        lines = [line for line in wanted if line.strip("/") not in there]
        if lines:
            gap = "" if not old or old.endswith("\n") else "\n"
            with open(file, "a", encoding="utf-8", newline="\n") as stream:
                stream.write(gap + "".join(f"{line}\n" for line in lines))
        return tuple(lines)
    except OSError:
        return ()


def _in_git(folder: str) -> bool:
    path = os.path.abspath(folder)
    above = [path, *map(str, Path(path).parents)]
    return any(os.path.exists(os.path.join(one, ".git")) for one in above)
