"""`bot login NAME`: log in to an account, here or over SSH."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from bot.app.wiring import App
from bot.cli.common import bot_command, emit, printable, say
from bot.i18n import Message, msg
from bot.settings import Secret

if TYPE_CHECKING:
    from bot.app.login import LoggedIn


class Terminal:
    """Everything that is said goes to stderr, so that stdout has the result alone."""

    def show(self, message: Message, url: str | None = None) -> None:
        say(str(message), err=True)
        if url is not None:
            say(f"\n  {url}\n", err=True)

    def ask(self, question: Message, *, secret: bool = False) -> str:
        hidden = secret and sys.stdin.isatty()  # elsewhere nothing is shown anyway
        answer: str = click.prompt(
            str(question), default="", show_default=False, hide_input=hidden, err=True
        )
        return answer


@bot_command(
    "login", "Log in to an account: an address is shown, and what you see there is pasted."
)
@click.argument("name", metavar="NAME")
@click.option("--print", "print_", is_flag=True, help="Print the variable to set; write no file.")
def login_command(app: App, as_json: bool, name: str, print_: bool) -> int:
    from bot.app.login import login

    done = login(app, name, Terminal(), keep=not print_)
    if done.identity is not None:
        who = printable(str(msg("{account} is {who}.", account=name, who=done.identity.name)))
        say(who, err=True)
    if as_json:
        emit(_json(done))
        return 0
    variables = _variables(done)
    for variable, value in variables.items():
        say(f"{variable}={value}")
    say(str(msg("In the configuration, at this account:")), err=True)
    lines = [_line(setting, place) for setting, place in done.places.items()]
    say("\n".join(lines), err=bool(variables))
    return 0


def _json(done: LoggedIn) -> dict[str, Any]:
    places = done.places.items()
    return {
        "name": done.account.name,
        "id": done.identity.id if done.identity else None,
        "who": done.identity.name if done.identity else None,
        "settings": {n: {"file": p.file} if p.file else {"env": p.env} for n, p in places},
        "variables": _variables(done),
    }


def _variables(done: LoggedIn) -> dict[str, str]:
    """What is to be set where nothing was written."""
    return {p.env: done.values[setting] for setting, p in done.places.items() if p.env}


def _line(setting: str, place: Secret) -> str:
    kind, name = ("file", place.file) if place.file else ("env", place.env)
    return f"{setting} = {{ {kind} = {json.dumps(name, ensure_ascii=False)} }}"
