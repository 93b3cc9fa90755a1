"""`bot check --hugo`: where bot and Hugo differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.app.wiring import App
from bot.cli.common import emit, printable, say
from bot.i18n import msg

if TYPE_CHECKING:
    from bot.app.hugo_check import Difference


def check_hugo(app: App, as_json: bool) -> int:
    """0 where every address is Hugo's, else 1 with each difference named."""
    from bot.app.hugo_check import compare_with_hugo

    found = compare_with_hugo(app)
    if as_json:
        emit({"pages": found.pages, "differences": [_json(d) for d in found.differences]})
    else:
        for difference in found.differences:
            say(printable(_text(difference)))
        count = len(found.differences)
        told = (
            msg("{pages} pages, {count} of them differ from Hugo", pages=found.pages, count=count)
            if count
            else msg("{pages} pages, every address is Hugo's", pages=found.pages)
        )
        say(str(told))
    return 1 if found.differences else 0


def _json(difference: Difference) -> dict[str, str | None]:
    return {"path": difference.path, "bot": difference.ours, "hugo": difference.hugos}


def _text(difference: Difference) -> str:
    if difference.hugos is None:
        why = msg("Hugo makes no page of it; to Hugo another file may have the same name")
    elif difference.ours is None:
        why = msg("bot has no post of it; bot list says why, if it is Markdown")
    else:
        why = None
    lines = [difference.path, f"    bot:  {difference.ours or '–'}"]
    lines.append(f"    hugo: {difference.hugos or '–'}")
    return "\n".join(lines + ([f"    {why}"] if why else []))
