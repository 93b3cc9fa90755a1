"""The generator's mark: what says that a file was written by bot and may be written again."""

from __future__ import annotations

import re

from bot import __version__

NAME = "sangyo-bot"
GENERATOR = f"{NAME} {__version__}"
CSS_MARK = f"/* generator: {GENERATOR} */\n"
XML_MARK = f"<!-- generator: {GENERATOR} -->\n"

HEAD = 2**16
"""The mark stands within so many bytes."""

_MARK = re.compile(
    rb"<generator(?: [^<>]*)?>\s*sangyo-bot\b(?!-)"
    rb'|"_bot"\s*:\s*\{\s*"generator"\s*:\s*"sangyo-bot\b(?!-)'
    rb"|(?:/\*|<!--) generator: sangyo-bot\b(?!-)"
)
_FIRST_ITEM = re.compile(rb'<item\b|<entry\b|"items"')


def is_ours(data: bytes) -> bool:
    """The mark stands in the head: what a post says of feeds is no mark. Nothing is lost with an
    empty file, so that is free too."""
    head = _FIRST_ITEM.split(data[:HEAD], maxsplit=1)[0]
    return not data.strip() or _MARK.search(head) is not None
