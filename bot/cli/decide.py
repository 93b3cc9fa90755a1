"""`bot approve` and `bot skip`: a person's word on what waits."""

from __future__ import annotations

import click

from bot.app.wiring import App
from bot.cli.common import bot_command, emit, printable, say
from bot.i18n import msg
from bot.words import STATES


@bot_command("approve", "Let held posts go out: a flood of them, or those you name by id or path.")
@click.argument("which", nargs=-1, metavar="[ID|PATH]…")
def approve_command(app: App, as_json: bool, which: tuple[str, ...]) -> int:
    from bot.app.decide import approve, unsayable

    done = approve(app, which)
    left = unsayable(app)
    if as_json:
        unnamed = [d.id for d in done.unnamed]
        emit({"approved": [d.id for d in done.done], "removed": done.removed, "unnamed": unnamed})
        return 0
    for delivery in left:
        cannot = msg("its text cannot be made: edit it, or bot skip it")
        say(printable(f"{delivery.path}: {cannot}"))
    for delivery in done.unnamed:
        named = msg(
            "it may be out there already: bot approve {id}, or bot skip it", id=delivery.id[:8]
        )
        say(printable(f"{delivery.path}: {named}"))
    if done.removed:
        say(str(msg("{count} posts that are no longer there count as removed", count=done.removed)))
    say(str(msg("{count} deliveries approved", count=len(done.done))))
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


@bot_command("retry", "Try failed posts again: those you name by id or path.")
@click.argument("which", nargs=-1, required=True, metavar="ID|PATH…")
def retry_command(app: App, as_json: bool, which: tuple[str, ...]) -> int:
    from bot.app.decide import retry

    done = retry(app, which)
    if as_json:
        emit({"planned": [d.id for d in done]})
    else:
        say(str(msg("{count} deliveries will be tried again", count=len(done))))
    return 0


@bot_command("resolve", "Say what became of a post whose answer was lost.")
@click.argument("which", metavar="ID|PATH")
@click.option("--sent", metavar="URL", help="It is there, at this address.")
@click.option("--resend", is_flag=True, help="It is not there: send it again.")
@click.option("--drop", is_flag=True, help="It shall not be sent again.")
def resolve_command(
    app: App, as_json: bool, which: str, sent: str | None, resend: bool, drop: bool
) -> int:
    from bot.app import decide

    if sum((sent is not None, resend, drop)) != 1:
        raise click.UsageError("say one of --sent URL, --resend and --drop")
    if sent is not None:
        done = decide.resolve_sent(app, which, sent)
    else:
        done = decide.resolve_resent(app, which) if resend else decide.resolve_dropped(app, which)
    if as_json:
        emit({"id": done.id, "state": done.state.value})
    else:
        say(
            str(
                msg(
                    "{path} to {account}: {state}",
                    path=done.path,
                    account=done.account,
                    state=str(STATES[done.state.value]),
                )
            )
        )
    return 0
