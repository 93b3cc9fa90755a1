"""`bot init`."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

import click

from bot import i18n
from bot.cli.common import emit, printable, say, say_problems, tell
from bot.errors import BotError
from bot.i18n import msg

if TYPE_CHECKING:
    from bot.app.start import Started
    from bot.app.wiring import Site
    from bot.model import Post


@click.command("init", help="Write the first bot.toml for the site in DIR; nothing is overwritten.")
@click.argument("folder", metavar="[DIR]", default=".")
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout and nothing else.")
def init_command(folder: str, as_json: bool) -> int:
    from bot.app.start import start

    try:
        started = start(folder, os.environ)
        site, newest = _understood(started)
    except BotError as error:
        tell(error, as_json=as_json)
        return 2
    if as_json:
        emit(_json(started, site, newest))
    else:
        _show(started, site, newest)
    return 0


def next_commands(started: Started) -> list[tuple[str, str]]:
    """Three commands, each with what it is for."""
    first = (
        ("bot check --hugo", str(msg("compare every address with Hugo's own")))
        if started.kind == "hugo"
        else ("bot list", str(msg("every post as bot understands it")))
    )
    return [
        first,
        ("bot post --dry-run", str(msg("what would be sent, to whom; nothing is"))),
        ("bot run --first-run", str(msg("write the feeds and share new posts; the old ones count as seen"))),
    ]  # fmt: skip


def _understood(started: Started) -> tuple[Site, Post | None]:
    from bot.app.asked import newest
    from bot.app.report import list_posts
    from bot.app.wiring import App, system_world
    from bot.config import load

    app = App(load(started.file, started.folder), system_world())
    try:
        i18n.use(i18n.choose(app.config.ui.language, os.environ, app.config.site.language))
        site = list_posts(app)
        return site, next(iter(newest(site.posts, 1)), None)
    finally:
        app.close()


def _json(started: Started, site: Site, newest: Post | None) -> dict[str, object]:
    from bot.cli.lists import post_json

    return {
        "kind": started.kind,
        "file": os.path.join(started.folder, started.file),
        "written": started.fresh,
        "ignored": list(started.ignored),
        "posts": len(site.posts),
        "newest": post_json(newest) if newest else None,
        "next": [command for command, _ in next_commands(started)],
    }


def _show(started: Started, site: Site, newest: Post | None) -> None:
    from bot.app.start import KINDS
    from bot.cli.lists import post_text

    file = os.path.normpath(os.path.join(started.folder, started.file))
    say(str(msg("This is {kind}.", kind=str(KINDS[started.kind]))))
    if started.fresh:
        say(str(msg("written: {name}", name=file)))
    else:
        say(str(msg("{name} is there already: it stays as it is.", name=file)))
    for line in started.ignored:
        say(str(msg("added to .gitignore: {line}", line=line)))
    say_problems(site.problems)
    visible = sum(post.visible for post in site.posts)
    say(
        "\n"
        + str(msg("{visible} of {all} posts are published", visible=visible, all=len(site.posts)))
    )
    if newest is not None:
        say(str(msg("The newest, as bot understands it:")) + "\n\n" + post_text(newest))
    say("\n" + str(msg("Next:")))
    if started.placeholder:
        say("  " + str(msg("write the address of your site into {name}, then", name=file)))
    if os.path.normpath(started.folder) != ".":
        say(f"  cd {printable(shlex.quote(started.folder))}")
    for command, what in next_commands(started):
        say(f"  {command:<20} # {what}")
