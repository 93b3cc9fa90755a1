"""`bot run`."""

from __future__ import annotations

import click

from bot.app.wiring import App
from bot.cli.common import bot_command


@bot_command(
    "run",
    "Watch the blog, write its feeds and share new posts, until stopped (SIGINT, SIGTERM); SIGHUP"
    " reads the configuration anew.",
)
@click.option(
    "--first-run",
    is_flag=True,
    help="Agree that there is no ledger yet: the posts of now count as seen.",
)
def run_command(app: App, as_json: bool, first_run: bool) -> int:
    from bot import schedule

    schedule.run(app, first_run=first_run)
    return 0
