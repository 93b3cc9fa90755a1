"""`bot state`: the ledger as a whole: its schema, copies of it, and moving it to another store."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from bot.app.wiring import App
from bot.cli.common import bot_command, emit, say
from bot.i18n import msg


@bot_command("migrate", "Bring the ledger's schema to this bot's, after a backup.")
def migrate_command(app: App, as_json: bool) -> int:
    from bot.app.state import migrate

    done = migrate(app)
    if as_json:
        copy = str(done.copy) if done.copy else None
        emit({"before": done.before, "after": done.after, "backup": copy})
        return 0
    if done.before == done.after:
        say(str(msg("the schema is {after} already", after=done.after)))
        return 0
    if done.copy is not None:
        say(str(msg("backup: {file}", file=str(done.copy))))
    elif done.postgresql:
        say(str(msg("no backup was made: on PostgreSQL that is pg_dump's")))
    say(str(msg("schema {before} → {after}", before=done.before, after=done.after)))
    return 0


@bot_command("backup", "Make a checked copy of the ledger, also while bot runs.")
@click.argument("target", required=False, metavar="[FILE]")
def backup_command(app: App, as_json: bool, target: str | None) -> int:
    from bot.app.state import back_up

    copied = back_up(app, target)
    if as_json:
        emit({"file": str(copied.file), "rows": copied.rows})
        return 0
    say(str(msg("backup: {file}", file=str(copied.file))))
    if copied.rows is not None:
        say(str(msg("it is an export of this site; pg_dump copies the whole database")))
    return 0


@bot_command("check", "Read the whole ledger and say whether it is sound.")
def check_command(app: App, as_json: bool) -> int:
    from bot.app.state import check

    return _tell(check(app), as_json, str(msg("the ledger is sound")))


@bot_command("export", "Write this site's rows as JSON Lines, to a new file or to stdout.")
@click.argument("target", required=False, metavar="[FILE]")
def export_command(app: App, as_json: bool, target: str | None) -> int:
    from bot.app.state import export_lines, export_to

    if target is None:
        _print_lines(export_lines(app))
        return 0
    copied = export_to(app, Path(os.path.abspath(target)))
    return _tell(copied.rows or {}, as_json, str(msg("exported to {file}", file=str(copied.file))))


@bot_command("import", "Fill this site's empty ledger, of any store, from an export.")
@click.argument("source", metavar="FILE")
def import_command(app: App, as_json: bool, source: str) -> int:
    from bot.app.state import import_from

    return _tell(import_from(app, source), as_json, str(msg("imported from {file}", file=source)))


state_command = click.Group(
    "state",
    commands=[migrate_command, backup_command, check_command, export_command, import_command],
    help="The ledger as a whole: its schema, copies of it, and moving it to another store.",
)


def _tell(rows: Mapping[str, int], as_json: bool, title: str) -> int:
    if as_json:
        emit({"rows": dict(rows)})
    else:
        told = ", ".join(f"{name} {count}" for name, count in rows.items())
        say(f"{title} ({told})")
    return 0


def _print_lines(lines: Iterable[str]) -> None:
    """UTF-8 whatever the terminal."""
    sys.stdout.flush()
    for line in lines:
        sys.stdout.buffer.write(line.encode() + b"\n")
    sys.stdout.buffer.flush()
