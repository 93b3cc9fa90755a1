"""`bot status`: what needs a person first, then the accounts, then what waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from bot.app.wiring import App
from bot.cli.common import bot_command, emit, printable, rfc3339, say, table
from bot.i18n import Message, msg
from bot.model import Delivery, State
from bot.words import STATES

if TYPE_CHECKING:
    from bot.app.report import AccountReport, Status


@bot_command("status", "Show what needs you, the accounts, and what waits. Writes nothing.")
@click.option("--all", "all_", is_flag=True, help="Every delivery, not only the open ones.")
def status_command(app: App, as_json: bool, all_: bool) -> int:
    from bot.app.report import status

    now = status(app, all=all_)
    if as_json:
        emit(
            {
                "deliveries": [_json(d) for d in now.deliveries],
                "accounts": [_account_json(a) for a in now.accounts],
            }
        )
    else:
        say(printable(_text(app, now, all_=all_)))
    return 0


def _json(delivery: Delivery) -> dict[str, Any]:
    from bot.app.report import error_of, moment

    error = error_of(delivery)
    return {
        "id": delivery.id,
        "kind": delivery.kind,
        "post": delivery.path,
        "url": delivery.url,
        "account": delivery.account,
        "network": delivery.network,
        "part": delivery.part,
        "state": delivery.state.value,
        "due": rfc3339(moment(delivery.due)),
        "attempts": delivery.attempts,
        "link": delivery.remote_url,
        "error": str(error) if error else None,
    }


def _account_json(account: AccountReport) -> dict[str, Any]:
    return {
        "name": account.name,
        "state": account.state,
        "until": rfc3339(account.until),
        "reason": str(account.reason) if account.reason else None,
    }


def _text(app: App, now: Status, *, all_: bool) -> str:
    asked = now.needs_person()
    waiting = now.waiting()
    blocks = [str(_verdict(app, now, asked, waiting))]
    if asked:
        blocks.append(_block(msg("Needs you"), [_row(d, _command(d)) for d in asked]))
    if now.accounts:
        blocks.append(_block(msg("Accounts"), [_account_row(app, a) for a in now.accounts]))
    if waiting:
        blocks.append(_block(msg("Waiting"), [_row(d, _when(app, d)) for d in waiting]))
    if all_:
        rest = [d for d in now.deliveries if d not in asked and d not in waiting]
        if rest:
            blocks.append(_block(msg("Done"), [_row(d, d.remote_url or "") for d in rest]))
    return "\n\n".join(blocks)


def _verdict(
    app: App, now: Status, asked: Sequence[Delivery], waiting: Sequence[Delivery]
) -> Message:
    paused = [a for a in now.accounts if a.state == "paused"]
    if not now.first_run and app.active():
        return msg("There is no ledger for this site yet: start with --first-run.")
    if asked:
        return msg("{count} deliveries need you.", count=len(asked))
    if paused:
        return msg("{count} accounts are paused.", count=len(paused))
    if waiting:
        return msg("All is well; {count} deliveries wait.", count=len(waiting))
    return msg("All is well; nothing waits.")


def _block(title: Message, rows: Sequence[Sequence[str]]) -> str:
    return f"{title}\n{table(rows)}"


def _row(delivery: Delivery, last: str) -> list[str]:
    from bot.app.report import error_of

    error = error_of(delivery)
    return [
        delivery.id[:8],
        str(STATES[delivery.state.value]),
        delivery.account,
        delivery.path,
        " ".join(str(error).split()) if error else "",
        last,
    ]


def _command(delivery: Delivery) -> str:
    if delivery.state is State.HELD and delivery.draft is None:
        return str(msg("edit the post, or bot skip {id}", id=delivery.id[:8]))
    if delivery.state is State.HELD:
        return f"bot approve {delivery.id[:8]}"
    if delivery.state is State.FAILED:
        return f"bot retry {delivery.id[:8]}"
    return f"bot resolve {delivery.id[:8]} --sent URL | --resend | --drop"


def _when(app: App, delivery: Delivery) -> str:
    from bot.app.report import moment

    return _local(app, moment(delivery.due))


def _local(app: App, at: datetime | None) -> str:
    from zoneinfo import ZoneInfo

    return (
        ""
        if at is None
        else at.astimezone(ZoneInfo(app.config.site.timezone)).strftime("%Y-%m-%d %H:%M:%S %Z")
    )


def _account_row(app: App, account: AccountReport) -> list[str]:
    until = _local(app, account.until)
    return [
        account.name,
        account.network,
        str(STATES[account.state]),
        str(account.reason or ""),
        str(msg("until {time}", time=until)) if until else "",
        f"bot post --account {account.name}" if account.state == "paused" else "",
    ]
