"""`bot verify`: what the accounts show, beside what the ledger says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bot.app.wiring import App
from bot.cli.common import bot_command, emit, printable, say, table
from bot.i18n import Message, msg
from bot.model import State
from bot.words import STATES

if TYPE_CHECKING:
    from bot.app.verify import Checked, Finding


@bot_command("verify", "Read the accounts back and compare them with the ledger. Writes nothing.")
@click.option("--account", metavar="NAME", help="Only this account.")
@click.option(
    "--last",
    metavar="N",
    type=click.IntRange(min=1),
    default=40,
    help="So many of an account's newest posts (default 40).",
)
def verify_command(app: App, as_json: bool, account: str | None, last: int) -> int:
    from bot.app.verify import verify

    checked = verify(app, account, last)
    if as_json:
        emit({"accounts": [_json(c) for c in checked]})
    else:
        say(printable("\n\n".join(_text(c) for c in checked) or str(msg("there is no account"))))
    return 1 if any(c.findings or c.failed for c in checked) else 0


def _json(checked: Checked) -> dict[str, Any]:
    return {
        "name": checked.account,
        "network": checked.network,
        "compared": checked.compared,
        "trouble": str(checked.trouble) if checked.trouble else None,
        "findings": [
            {
                "kind": found.kind,
                "id": found.delivery.id,
                "post": found.delivery.path,
                "part": found.delivery.part,
                "state": found.delivery.state.value,
                "link": found.delivery.remote_url,
                "links": list(found.links),
            }
            for found in checked.findings
        ],
    }


def _text(checked: Checked) -> str:
    title = f"{checked.account} · {_verdict(checked)}"
    return "\n".join(
        [title, *([table([_row(f) for f in checked.findings])] if checked.findings else [])]
    )


def _verdict(checked: Checked) -> Message:
    if checked.trouble is not None:
        return msg("not compared: {why}", why=checked.trouble)
    if checked.findings:
        return msg(
            "{count} of {compared} differ", count=len(checked.findings), compared=checked.compared
        )
    return msg("{count} compared; all is as the ledger says", count=checked.compared)


def _row(found: Finding) -> list[str]:
    from bot.app.verify import WORDS

    row = found.delivery
    links = " ".join(found.links) or row.remote_url or ""
    return [
        row.id[:8],
        row.path,
        str(STATES[row.state.value]),
        str(WORDS[found.kind]),
        links,
        _command(found),
    ]


def _command(found: Finding) -> str:
    """What a person may say to it."""
    row = found.delivery
    if row.state is State.UNKNOWN and found.links:
        return f"bot resolve {row.id[:8]} --sent {found.links[0]}"
    if row.state is State.FAILED:
        return f"bot {'skip' if found.links else 'retry'} {row.id[:8]}"
    return ""
