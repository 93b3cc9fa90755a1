"""In a job of GitHub Actions: problems as annotations at their lines, and a table in the job's summary.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bot.i18n import msg
from bot.model import Delivery

if TYPE_CHECKING:
    from bot.app.turn import Result
    from bot.app.wiring import App

Level = Literal["error", "warning", "notice"]
MOST = 50
"""So many rows of a kind the summary shows."""
# A runner takes a line for its own that begins with `::`, and `##[` anywhere in one:
# https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs
_COMMAND = re.compile(r"(?m)^(\s*):(?=:)|##(?=\[)")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~$@-])")
_root: list[str] = []


def at_work() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"


def begin(root: str) -> None:
    """Paths that are told are relative to this folder, or to the working one."""
    _root[:] = [root]


def harmless(text: str) -> str:
    """Text of a post that the runner takes for no command of its own."""
    return _COMMAND.sub(lambda found: f"{found[0]}\u200b", text)


def annotate(level: Level, place: str, text: str, code: str) -> None:
    """Show a problem at its line. `place`: `file:line`, `file` or nothing."""
    file, _, line = place.rpartition(":")
    if not (file and line.isdecimal()):
        file, line = place, ""
    named = {"file": _in_workspace(file), "line": line, "title": code}
    told = ",".join(f"{key}={_property(value)}" for key, value in named.items() if value)
    print(f"::{level} {told}::{_data(text)}", file=sys.stderr, flush=True)


def summarize_turn(app: App, result: Result) -> None:
    """The table of `bot post`."""
    from bot.app.report import status

    expired = result.outlook.plan.expired
    rows = [*_rows(msg("sent"), result.sent), *_rows(msg("failed"), result.failed)]
    rows += _rows(msg("waited too long"), expired)
    waiting = status(app, all=False)
    for open_ in [*waiting.needs_person(), *waiting.waiting()][:MOST]:
        needs = open_.command is not None
        until = f"{open_.until:%Y-%m-%d %H:%M} UTC" if open_.until else ""
        last = f"`{open_.command}`" if needs else _cell(until)
        what = msg("needs you") if needs else msg("waits")
        row = open_.delivery
        rows.append([_cell(str(what)), *_post(row), _cell(str(open_.why or "")), last])
    _add(_table(rows))


def summarize_text(text: str) -> None:
    """What a command told, as it stands."""
    _add("\n".join(["<pre>", escape(text), "</pre>", ""]))


def _rows(what: object, deliveries: Sequence[Delivery]) -> Iterator[list[str]]:
    from bot.app.report import error_of

    for row in deliveries[:MOST]:
        why = str(error_of(row) or "") if row.remote_url is None else ""
        yield [_cell(str(what)), *_post(row), _cell(why), _link(row.remote_url)]


def _post(row: Delivery) -> list[str]:
    cost = f"${row.cost / 1_000_000:.3f}" if row.cost else ""
    return [_cell(row.path), _cell(row.account), _cell(cost)]


def _table(rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return f"**bot**: {msg('nothing was sent, and nothing waits')}\n"
    head = [msg("state"), msg("post"), msg("account"), msg("cost"), msg("why"), msg("link")]
    lines = [[str(word) for word in head], ["---"] * len(head), *rows]
    return "### bot\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(text: str) -> str:
    """Text of a post within a table: no mark-up, no second cell."""
    return _MARKDOWN.sub(r"\\\1", escape(" ".join(text.split()), quote=False))


def _link(url: str | None) -> str:
    if not url:
        return ""
    safe = re.sub(r"[\s<>|`]", "", url)
    return f"[{_cell(url)}](<{safe}>)" if safe.startswith(("https://", "http://")) else _cell(url)


def _add(text: str) -> None:
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if file:
        with contextlib.suppress(OSError), open(file, "a", encoding="utf-8") as summary:
            summary.write(text + "\n")


def _in_workspace(path: str) -> str:
    """A path as the repository has it, where it is of one of its files."""
    workspace = os.environ.get("GITHUB_WORKSPACE")
    if not path or not workspace:
        return path
    top = Path(workspace).resolve()
    for folder in (*_root, os.getcwd()):
        file = Path(folder, path).resolve()
        if file.exists() and file.is_relative_to(top):
            return file.relative_to(top).as_posix()
    return path


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
