"""What every command shares: the app for its options, errors as words, JSON as bytes."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from bot import i18n
from bot.cli import github
from bot.errors import BotError
from bot.i18n import Message
from bot.model import Problem

Command = Callable[..., int]


def bot_command(name: str, help: str) -> Callable[[Command], click.Command]:
    """A command that gets a wired `app` and answers an exit code. Errors are told, not raised."""

    def decorate(function: Command) -> click.Command:
        def command(file: str | None, as_json: bool, **options: Any) -> int:
            try:
                return _call(function, file or click.get_current_context().obj, as_json, options)
            except BotError as error:
                tell(error, as_json=as_json)
                return 2

        own: list[click.Parameter] = list(reversed(getattr(function, "__click_params__", [])))
        return click.Command(name, callback=command, params=[*own, *_COMMON], help=help)

    return decorate


def tell(error: BotError, *, as_json: bool = False) -> None:
    """An error: where, what, what to do, and a code to search for."""
    if as_json:
        emit(
            {
                "error": {
                    "code": error.code,
                    "message": str(error),
                    "path": error.path,
                    "line": error.line,
                    "key": error.key,
                    "hint": str(error.hint) if error.hint else None,
                }
            }
        )
    else:
        say_problem(error.place, error.message, error.code, error.hint)


def say(text: str, *, err: bool = False) -> None:
    """A line for a person. (click would send UTF-8 to a terminal that says it is ASCII.)"""
    shown = github.harmless(text) if github.at_work() else text
    print(shown, file=sys.stderr if err else sys.stdout, flush=True)


def say_problem(
    place: str,
    message: Message,
    code: str,
    hint: Message | None,
    *,
    level: github.Level = "error",
) -> None:
    where = printable(place.replace("\n", "\\n"))
    if github.at_work():
        told = f"{message}\n{hint}" if hint else str(message)
        github.annotate(level, where, printable(told), code)
        return
    say(printable(f"{where + ': ' if place else ''}{message} [{code}]"), err=True)
    if hint:
        say(f"    {hint}", err=True)


def say_problems(problems: Iterable[Problem]) -> None:
    for problem in problems:
        place = problem.path if problem.line is None else f"{problem.path}:{problem.line}"
        level: github.Level = "error" if problem.post_lost else "warning"
        say_problem(place, problem.message, problem.code, problem.hint, level=level)


def problem_json(problem: Problem) -> dict[str, Any]:
    return {
        "path": problem.path,
        "line": problem.line,
        "message": str(problem.message),
        "code": problem.code,
    }


def emit(value: Any) -> None:
    """JSON on stdout: UTF-8 whatever the terminal."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    if github.at_work():
        text = text.replace("##[", "##\\u005b")  # the same JSON, and no command of the runner
    data = text.encode("utf-8", "replace") + b"\n"
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        sys.stdout.write(data.decode())
    else:
        sys.stdout.flush()
        buffer.write(data)
        buffer.flush()


def rfc3339(moment: datetime | None) -> str | None:
    """A time as JSON has it: RFC 3339 in UTC."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def printable(text: str) -> str:
    """Text of a post on a terminal: no control character gets through but a line break, and none
    that turns the direction of what follows."""
    return "".join("\ufffd" if _commands(c) else c for c in text)


def _commands(c: str) -> bool:
    if c in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069":
        return True
    return c != "\n" and unicodedata.category(c) in ("Cc", "Cs")


def width(text: str) -> int:
    """Columns that the text takes on a terminal: East Asian wide characters take two."""
    from wcwidth import wcswidth, wcwidth

    columns: int = wcswidth(text)
    return columns if columns >= 0 else sum(max(0, wcwidth(c)) for c in text)


def table(rows: Sequence[Sequence[str]], indent: str = "  ") -> str:
    """Columns lined up by their width on the screen."""
    widths = [max(width(row[n]) for row in rows) for n in range(len(rows[0]))] if rows else []
    lines = []
    for row in rows:
        cells = [cell + " " * (widths[n] - width(cell)) for n, cell in enumerate(row)]
        lines.append((indent + "  ".join(cells)).rstrip())
    return "\n".join(lines)


def glyph(wanted: str, plain: str) -> str:
    """A drawing character where the terminal can show it."""
    try:
        wanted.encode(sys.stdout.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return plain
    return wanted


_COMMON: tuple[click.Parameter, ...] = (
    click.Option(["--config", "file"], metavar="FILE", help="The configuration file."),
    click.Option(["--json", "as_json"], is_flag=True, help="JSON on stdout and nothing else."),
)


def _call(function: Command, file: str | None, as_json: bool, options: dict[str, Any]) -> int:
    from bot.app.wiring import App, system_world
    from bot.config import load

    config = load(file, os.getcwd())
    i18n.use(i18n.choose(config.ui.language, os.environ, config.site.language))
    github.begin(config.root)
    app = App(config, system_world())
    i18n.use(i18n.choose(config.ui.language, os.environ, app.config.site.language))
    try:
        app.check()
        code = function(app, as_json, **options)
        if app.config.state.git.branch:
            from bot.app.branch import finish

            finish(app)
        return code
    finally:
        app.close()
