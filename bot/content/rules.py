"""What reading needs to know of the site, as one frozen value."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from bot.settings import Config

_SAFE = "$&+,/:;=@-_.~"

DATE_KEYS: Mapping[str, tuple[str, ...]] = {
    # https://gohugo.io/configuration/front-matter/#dates
    "date": ("date", "publishdate", "pubdate", "published", "lastmod", "modified"),
    "publishdate": ("publishdate", "pubdate", "published", "date", "lastmod", "modified"),
    "lastmod": (":git", "lastmod", "modified", "date", "publishdate", "pubdate", "published"),
    "expirydate": ("expirydate", "unpublishdate"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language of the site: its name in file names, its BCP 47 code, its `prefix` in addresses
    (`en/` or nothing), and its own address on a site with a host for each."""

    name: str
    code: str = ""
    prefix: str = ""
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A folder of content (absolute), the path that it stands for, and its language if it has one."""

    source: str
    target: str = ""
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cascade:
    """Front matter that pages below `folder` take over where they have none of their own.
    `target` narrows it: glob of the page's path, kind, language."""

    values: Mapping[str, Any]
    target: Mapping[str, Any] = field(default_factory=dict)
    folder: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """The pattern of the addresses of some pages: those whose path, kind and language fit these
    globs (empty: any)."""

    pattern: str
    path: str = ""
    kind: str = ""
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRules:
    """`permalink` is the pattern of every post (bot's own setting); where it is None the first of
    `permalinks` that fits counts, as Hugo has them. Paths are absolute, `url` ends with `/`.
    `mounts` are the content folders where there is more than `content`. `html` is the name of a
    page's file, `html_folder` what stands before its path; `outputs` the kinds of files of a page
    that does not say (empty: HTML). `disabled`: languages that are not built. `by_language`: the
    rules of those languages that have others."""

    root: str
    content: str
    url: str
    static: tuple[str, ...] = ()
    assets: str = ""
    language: str = "en"
    timezone: str = "UTC"
    author: str = ""
    permalink: str | None = None
    permalinks: tuple[Pattern, ...] = ()
    html: str = "index"
    html_folder: str = ""
    outputs: tuple[str, ...] = ()
    plural_titles: bool = True
    sections: tuple[str, ...] = ()
    root_pages: bool = True
    headings: tuple[str, ...] = ("3行要約",)
    aliases: tuple[str, ...] = ()
    languages: tuple[Language, ...] = ()
    mounts: tuple[Mount, ...] = ()
    dates: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: DATE_KEYS)
    build_drafts: bool = False
    build_future: bool = False
    build_expired: bool = False
    ugly_urls: bool | Mapping[str, bool] = False
    lower: bool = True
    remove_accents: bool = False
    ignore: tuple[str, ...] = ()
    cascade: tuple[Cascade, ...] = ()
    ignore_covers: tuple[str, ...] = ()
    cover_hosts: tuple[str, ...] = ()
    body_cover: bool = False
    unsafe: bool = True
    disabled: tuple[str, ...] = ()
    by_language: Mapping[str, SiteRules] = field(default_factory=dict)
    roots: tuple[Mount, ...] = field(init=False)

    def __post_init__(self) -> None:
        """`roots` are the folders that hold posts, the deeper ones first."""
        mounts = self.mounts or (Mount(source=self.content),)
        mounts = tuple(replace(mount, source=mount.source.rstrip(os.sep)) for mount in mounts)
        roots = tuple(sorted(mounts, key=lambda mount: -len(mount.source)))
        object.__setattr__(self, "roots", roots)

    def of(self, language: str) -> SiteRules:
        """The rules of one language."""
        return self.by_language.get(language, self)

    @property
    def zone(self) -> tzinfo:
        return zone_named(self.timezone)

    @classmethod
    def from_config(cls, config: Config) -> SiteRules:
        """The rules that config.toml states, or those of the Hugo site that it names."""
        if config.content.hugo:
            from bot.content.hugo_config import hugo_rules

            return hugo_rules(config)
        return own_rules(config)


def own_rules(config: Config) -> SiteRules:
    root = os.path.abspath(config.root)
    content = config.content
    return SiteRules(
        root=root,
        content=os.path.normpath(os.path.join(root, content.path)),
        url=base_url(config.site.url),
        static=(os.path.normpath(os.path.join(root, content.static)),),
        assets=os.path.join(root, "assets"),
        language=config.site.language,
        timezone=config.site.timezone,
        author=config.site.author,
        permalink=content.permalink,
        sections=content.sections,
        headings=config.summary.headings,
        aliases=config.summary.aliases,
        languages=tuple(
            Language(name=name, prefix=f"{name}/" if at or content.language_in_path else "")
            for at, name in enumerate(content.languages)
        ),
        build_drafts=content.drafts,
        build_future=content.future,
        build_expired=content.expired,
        ugly_urls=content.ugly_urls,
        lower=content.lowercase,
        remove_accents=content.remove_accents,
        ignore=content.ignore,
        ignore_covers=content.ignore_covers,
        cover_hosts=tuple(host.lower() for host in content.cover_hosts),
        body_cover=content.body_cover,
        unsafe=content.unsafe,
    )


def base_url(url: str) -> str:
    """The site's address in ASCII, with `/` at its end (a host in Japanese as punycode)."""
    url = url.rstrip("/") + "/"
    parts = urlsplit(url)
    host = parts.hostname or ""
    netloc = parts.netloc
    if not host.isascii():
        netloc = netloc.lower().replace(host, host.encode("idna").decode("ascii"))
    return urlunsplit((parts.scheme, netloc, quote(unquote(parts.path), safe=_SAFE), "", ""))


@functools.cache
def zone_named(name: str) -> tzinfo:
    """The IANA zone `name`; UTC where there is no such zone (`bot.config` has refused it)."""
    try:
        return UTC if name in ("", "UTC") else ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC
