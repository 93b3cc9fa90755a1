"""`bot approve` and `bot skip`: a person's word on what waits."""

from __future__ import annotations

import click

from bot.app.wiring import App
from bot.cli.common import bot_command, emit, say
from bot.i18n import msg


@bot_command("approve", "Let held posts go out: all of them, or those you name by id or path.")
@click.argument("which", nargs=-1, metavar="[ID|PATH]…")
def approve_command(app: App, as_json: bool, which: tuple[str, ...]) -> int:
    from bot.app.decide import approve

    done = approve(app, which)
    if as_json:
        emit({"approved": [d.id for d in done]})
    else:
        say(str(msg("{count} deliveries approved", count=len(done))))
    return 0


@bot_command("skip", "Keep waiting posts from going out: those you name by id or path.")
@click.argument("which", nargs=-1, required=True, metavar="ID|PATH…")
def skip_command(app: App, as_json: bool, which: tuple[str, ...]) -> int:
    from bot.app.decide import skip

    done = skip(app, which)
    if as_json:
        emit({"skipped": [d.id for d in done]})
    else:
        say(str(msg("{count} deliveries skipped", count=len(done))))
    return 0
