"""How `bot run` tells what it does: lines for people, or an object a line. Nothing secret is in a
sentence of bot's; of a fault only its kind and its place are told, never its values."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, TextIO

from bot.model import Delivery
from bot.settings import Log

LIBRARIES = (
    *("apscheduler", "httpx", "httpcore", "alembic", "watchdog", "urllib3", "sqlalchemy"),
    *("PIL", "filelock", "tweepy", "requests_oauthlib", "oauthlib"),
)
FIELDS = ("account", "post", "delivery", "code")


def about(delivery: Delivery) -> dict[str, str]:
    """What a line about a delivery is about: for `extra`."""
    return {"account": delivery.account, "post": delivery.path, "delivery": delivery.id}


def set_up(settings: Log, stream: TextIO | None = None) -> None:
    """From now on all goes to `stream` (stderr)."""
    root = logging.getLogger()
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if settings.format == "json" else TextLines())
    for before in list(root.handlers):
        root.removeHandler(before)
    root.addHandler(handler)
    root.setLevel(settings.level.upper())
    # Libraries tell of headers and URLs at their lower levels; only bot's own log is wanted.
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)


class TextLines(logging.Formatter):
    """Time, level, sentence, and the id that `bot log` takes."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        id = getattr(record, "delivery", None)
        first, _, rest = line.partition("\n")
        return f"{first} [{id[:8]}]" + (f"\n{rest}" if rest else "") if id else line

    def formatException(self, ei: Any) -> str:
        return place(ei[1])


class JsonLines(logging.Formatter):
    """Time (RFC 3339, UTC), level, logger, sentence; account, post and delivery where it is of one."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "time": at.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name in FIELDS if (value := getattr(record, name, None))}
        if record.exc_info and record.exc_info[1] is not None:
            line["fault"] = place(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False).encode("utf-8", "replace").decode()


def place(error: BaseException | None) -> str:
    """The kind of a fault and the way to it. Its own text may quote what must not be read."""
    if error is None:
        return ""
    frames = traceback.extract_tb(error.__traceback__)
    way = "\n".join(f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
    return f"{type(error).__name__}\n{way}"
