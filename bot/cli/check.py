"""`bot check`: who every account is, its limits, and when its login ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bot.app.wiring import App
from bot.cli.common import bot_command, emit, glyph, printable, rfc3339, say, table
from bot.i18n import msg

if TYPE_CHECKING:
    from bot.app.checkup import Checkup


@bot_command("check", "Log in to every account, or to those you name, and show what is there.")
@click.argument("names", nargs=-1, metavar="[NAME]…")
@click.option("--hugo", is_flag=True, help="Compare every address with Hugo's own (needs hugo).")
def check_command(app: App, as_json: bool, names: tuple[str, ...], hugo: bool) -> int:
    if hugo:
        from bot.cli.hugo import check_hugo

        return check_hugo(app, as_json)
    from bot.app.checkup import checkup

    checked = checkup(app, names)
    if as_json:
        emit({"accounts": [_json(one) for one in checked]})
    else:
        say(printable(_text(checked)))
    return 1 if any(one.error for one in checked) else 0


def _json(checked: Checkup) -> dict[str, Any]:
    who, error = checked.identity, checked.error
    return {
        "name": checked.account.name,
        "network": checked.account.network,
        "id": who.id if who else None,
        "who": who.name if who else None,
        "limit": who.limit.maximum if who else None,
        "unit": who.limit.unit if who else None,
        "left": who.left if who else None,
        "resets": rfc3339(who.resets) if who else None,
        "ends": rfc3339(who.ends) if who else None,
        "warning": str(checked.warning) if checked.warning else None,
        "error": error
        and {
            "code": error.code,
            "message": str(error),
            "hint": str(error.hint) if error.hint else None,
        },
    }


def _text(checked: list[Checkup]) -> str:
    if not checked:
        return str(msg("there is no account"))
    lines = table([_row(one) for one in checked]).split("\n")
    shown: list[str] = []
    for one, line in zip(checked, lines, strict=True):
        shown.append(line)
        if one.error is not None:
            told = " ".join(str(one.error).split())
            shown.append(f"      {told} [{one.error.code}]")
            if one.error.hint:
                shown.append(f"      {one.error.hint}")
        if one.warning is not None:
            shown.append(f"      {glyph('⚠', '!')} {one.warning}")
    return "\n".join(shown)


def _row(checked: Checkup) -> list[str]:
    who = checked.identity
    mark = glyph("✗", "x") if checked.error else glyph("✓", "ok")
    return [
        mark,
        checked.account.name,
        checked.account.network,
        *(_facts(checked) if who else ["", "", "", ""]),
    ]


def _facts(checked: Checkup) -> list[str]:
    from bot.words import UNITS

    who = checked.identity
    assert who is not None
    length = str(msg("up to {limit} {unit}", limit=who.limit.maximum, unit=UNITS[who.limit.unit]))
    left = "" if who.left is None else str(msg("{count} calls left", count=who.left))
    ends = who.ends and str(msg("ends {date}", date=who.ends.date().isoformat()))
    return [who.name, length if who.limit.maximum else "", left, ends or ""]
