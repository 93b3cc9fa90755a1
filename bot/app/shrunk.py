"""That many posts are gone at once and a person is asked: noted beside the ledger by whoever looks at
the content, so that `bot status` can say it without reading every post."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from bot.i18n import Message, msg

if TYPE_CHECKING:
    from bot.app.wiring import App, Site


def note(app: App, site: Site) -> None:
    """Keep what this scan says. Without room or permission nothing is kept."""
    if not site.readable:
        return
    file = _file(app.root)
    with contextlib.suppress(OSError):
        if not site.shrunk:
            file.unlink(missing_ok=True)
            return
        away = sum(article.gone_at is None for article in site.missing)
        told = json.dumps({"missing": away, "present": away + len(site.articles)})
        if not (file.exists() and file.read_text(encoding="utf-8") == told):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(told, encoding="utf-8")


def noted(root: Path) -> Message | None:
    """What the last scan said; None where nothing is to be asked."""
    try:
        told = json.loads(_file(root).read_text(encoding="utf-8"))
        missing, present = int(told["missing"]), int(told["present"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return msg(
        "{missing} of {present} posts are no longer there: put them back, or say bot approve if you removed them; until then nothing is concluded from that.",
        missing=missing,
        present=present,
    )


def forget(root: Path) -> None:
    with contextlib.suppress(OSError):
        _file(root).unlink(missing_ok=True)


def _file(root: Path) -> Path:
    return root / "state" / "shrunk.json"
