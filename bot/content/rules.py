"""What reading needs to know of the site, as one frozen value."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from bot.settings import Config

DATE_KEYS: Mapping[str, tuple[str, ...]] = {
    # https://gohugo.io/configuration/front-matter/#dates
    "date": ("date", "publishdate", "pubdate", "published", "lastmod", "modified"),
    "publishdate": ("publishdate", "pubdate", "published", "date", "lastmod", "modified"),
    "lastmod": (":git", "lastmod", "modified", "date", "publishdate", "pubdate", "published"),
    "expirydate": ("expirydate", "unpublishdate"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language of the site: its `prefix` in addresses (`en/` or nothing), its own content
    folder where it has one, and its own base address on a site with a host for each."""

    name: str
    prefix: str = ""
    content: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A folder (absolute) that is mounted at `target` below the content folder."""

    source: str
    target: str = ""
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRules:
    """`permalink` is the pattern of every post (bot's own setting); where it is None the patterns
    stand by section in `permalinks`, as Hugo has them. Paths are absolute, `url` ends with `/`."""

    root: str
    content: str
    url: str
    static: tuple[str, ...] = ()
    assets: str = ""
    language: str = "en"
    timezone: str = "UTC"
    author: str = ""
    permalink: str | None = None
    permalinks: Mapping[str, str] = field(default_factory=dict)
    section_permalinks: Mapping[str, str] = field(default_factory=dict)
    sections: tuple[str, ...] = ()
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
    canonify: bool = False
    ignore: tuple[str, ...] = ()
    cascade: tuple[Mapping[str, Any], ...] = ()
    ignore_covers: tuple[str, ...] = ()
    body_cover: bool = False
    hugo: bool = False

    @property
    def zone(self) -> tzinfo:
        return zone_named(self.timezone)

    @classmethod
    def from_config(cls, config: Config) -> SiteRules:
        """The rules that config.toml states."""
        root = os.path.abspath(config.root)
        return cls(
            root=root,
            content=os.path.join(root, config.content.path),
            url=config.site.url.rstrip("/") + "/",
            static=(os.path.join(root, config.content.static),),
            assets=os.path.join(root, "assets"),
            language=config.site.language,
            timezone=config.site.timezone,
            author=config.site.author,
            permalink=config.content.permalink,
            sections=config.content.sections,
            headings=config.summary.headings,
            aliases=config.summary.aliases,
        )


@functools.cache
def zone_named(name: str) -> tzinfo:
    """The IANA zone `name`; UTC where there is no such zone (`bot.config` has refused it)."""
    try:
        return UTC if name in ("", "UTC") else ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC
