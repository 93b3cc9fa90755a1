"""The command line: `bot COMMAND`. Commands are loaded when they are called, so help is quick."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click

from bot import __version__, i18n

COMMANDS = {
    "init": "bot.cli.init",
    "login": "bot.cli.login",
    "check": "bot.cli.check",
    "run": "bot.cli.run",
    "post": "bot.cli.post",
    "preview": "bot.cli.preview",
    "feed": "bot.cli.feed",
    "list": "bot.cli.lists",
    "status": "bot.cli.status",
    "approve": "bot.cli.decide",
    "skip": "bot.cli.decide",
    "retry": "bot.cli.decide",
    "resolve": "bot.cli.decide",
    "log": "bot.cli.log",
    "verify": "bot.cli.verify",
    "state": "bot.cli.state",
}
HELP = {
    "init": "Write the first bot.toml for the site in a folder.",
    "login": "Log in to an account, here or over SSH.",
    "check": "Log in to every account and show what is there; compare addresses with Hugo's.",
    "run": "Watch the blog, write its feeds and share new posts, until stopped.",
    "post": "One turn: share what is due, or the posts you name, and end.",
    "preview": "Show how posts would appear on every account, drafts too.",
    "feed": "Write the feeds.",
    "list": "Show every post as bot understands it.",
    "status": "Show what needs you, the accounts, and what waits.",
    "approve": "Let held posts go out.",
    "skip": "Keep waiting posts from going out.",
    "retry": "Try failed posts again.",
    "resolve": "Say what became of a post whose answer was lost.",
    "log": "Show the whole history of one post.",
    "verify": "Read the accounts back and compare them with the ledger.",
    "state": "Copy the ledger, check it, or move it to another store.",
}


class Lazy(click.Group):
    """Lists commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        module = COMMANDS.get(name)
        if module is None:
            return None
        command: click.Command = getattr(importlib.import_module(module), f"{name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(HELP.items()))


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bot")
@click.option(
    "--config", "file", metavar="FILE", help="The configuration; else bot.toml, else config.toml."
)
@click.pass_context
def cli(ctx: click.Context, file: str | None) -> None:
    """Brings the posts of a Markdown blog to its readers: feeds, and each post to each account once."""
    ctx.obj = file


def main(args: list[str] | None = None) -> None:
    """Run one command and end the process with its exit code."""
    i18n.use(i18n.choose(None, os.environ, None))
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Any = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    try:
        code = cli.main(args, prog_name="bot", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = 130
    except BrokenPipeError:
        sys.stderr.close()
        code = 141
    except OSError as error:
        # A full disk behind a pipe, or a working directory that is gone.
        sys.stderr.write(f"{error.strerror or error} [os]\n")
        code = 1
    sys.exit(code if isinstance(code, int) else 0)
