"""Content: files → Posts. The public names of this room; heavy libraries load when first used."""

from __future__ import annotations

from bot.content.markdown import Manner, render, to_html
from bot.content.reader import parse_post, read_body
from bot.content.rules import SiteRules
from bot.content.scanner import Scanner
from bot.content.summarizer import summarize
from bot.content.watcher import Watcher

__all__ = [
    "Manner",
    "Scanner",
    "SiteRules",
    "Watcher",
    "parse_post",
    "read_body",
    "render",
    "summarize",
    "to_html",
]
