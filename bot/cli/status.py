"""`bot status`: what needs a person first, then the accounts, then what waits; its health."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from bot.app.wiring import App
from bot.cli import github
from bot.cli.common import bot_command, emit, printable, rfc3339, say, table
from bot.i18n import Message, msg
from bot.model import Delivery
from bot.words import STATES

if TYPE_CHECKING:
    from bot.app.health import Trouble
    from bot.app.report import AccountReport, Open, Status

FEW = 20
"""So many rows of what waits are shown; `--all` shows every one."""


@bot_command("status", "Show what needs you, the accounts, and what waits. Writes nothing.")
@click.option("--all", "all_", is_flag=True, help="Every delivery, not only the open ones.")
@click.option(
    "--health", is_flag=True, help="Only what is wrong; 1 where something is, for monitors."
)
def status_command(app: App, as_json: bool, all_: bool, health: bool) -> int:
    from bot.app.health import check_health

    troubles = check_health(app, watching=health)
    if health:
        _say_health(troubles, as_json=as_json)
        return 1 if troubles else 0
    from bot.app.report import status

    now = status(app, all=all_)
    if as_json:
        emit(_json(app, now, troubles))
    else:
        text = printable(_text(app, now, troubles, all_=all_))
        say(text)
        if github.at_work():
            github.summarize_text(text)
    return 0


# --- health -------------------------------------------------------------------------------------


def _say_health(troubles: Sequence[Trouble], *, as_json: bool) -> None:
    if as_json:
        emit({"healthy": not troubles, "troubles": [_trouble_json(t) for t in troubles]})
    elif troubles:
        say(printable("\n".join(str(trouble.message) for trouble in troubles)))
    else:
        say(str(msg("All is well.")))


def _trouble_json(trouble: Trouble) -> dict[str, Any]:
    return {
        "code": trouble.code,
        "account": trouble.account,
        "since": rfc3339(trouble.since),
        "message": str(trouble.message),
    }


# --- JSON ---------------------------------------------------------------------------------------


def _json(app: App, now: Status, troubles: Sequence[Trouble]) -> dict[str, Any]:
    done = [_delivery_json(d) | _NOT_OPEN for d in now.done]
    return {
        "verdict": str(_verdict(app, now, troubles)),
        "well": not (troubles or now.needs_person()),
        "deliveries": [*(_open_json(row) for row in now.open), *done],
        "accounts": [_account_json(a) for a in now.accounts],
        "day": dict(now.day),
        "troubles": [_trouble_json(t) for t in troubles],
    }


_NOT_OPEN = {"why": None, "until": None, "command": None}


def _open_json(row: Open) -> dict[str, Any]:
    return _delivery_json(row.delivery) | {
        "why": str(row.why) if row.why else None,
        "until": rfc3339(row.until),
        "command": str(row.command) if row.command else None,
    }


def _delivery_json(delivery: Delivery) -> dict[str, Any]:
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
    from bot.app.report import moment

    last, limit = account.last, account.limit
    return {
        "name": account.name,
        "network": account.network,
        "state": account.state,
        "until": rfc3339(account.until),
        "reason": str(account.reason) if account.reason else None,
        "last": last
        and {"at": rfc3339(moment(last.sent_at)), "link": last.remote_url, "post": last.path},
        "sent_in_24h": account.sent,
        "cost_usd_this_month": account.cost,
        "limit": limit.maximum if limit else None,
        "unit": limit.unit if limit else None,
        "ends": rfc3339(account.ends),
        "renewed": account.renewed if account.ends else None,
    }


# --- text ---------------------------------------------------------------------------------------


def _text(app: App, now: Status, troubles: Sequence[Trouble], *, all_: bool) -> str:
    asked, waiting = now.needs_person(), now.waiting()
    blocks = [str(_verdict(app, now, troubles))]
    if troubles:
        blocks.append(_block(msg("Health"), [[str(t.message)] for t in troubles]))
    if asked:
        blocks.append(_block(msg("Needs you"), [_asked(row) for row in asked]))
    if now.accounts:
        blocks.append(_block(msg("Accounts"), [_account(app, a) for a in now.accounts]))
    if waiting:
        shown = waiting if all_ else waiting[:FEW]
        blocks.append(_block(msg("Waiting"), [_waiting(app, row) for row in shown]))
        if len(waiting) > len(shown):
            more = msg("… and {count} more: bot status --all", count=len(waiting) - len(shown))
            blocks[-1] += f"\n  {more}"
    if now.done:
        blocks.append(_block(msg("Done"), [_done(d) for d in now.done]))
    if any(now.day.values()):
        told = ", ".join(f"{STATES[state]} {count}" for state, count in now.day.items() if count)
        blocks.append(str(msg("The last 24 hours: {numbers}", numbers=told)))
    return "\n\n".join(blocks)


def _verdict(app: App, now: Status, troubles: Sequence[Trouble]) -> Message:
    paused = [a for a in now.accounts if a.state == "paused"]
    asked, waiting = now.needs_person(), now.waiting()
    if not now.first_run and app.active():
        return msg("There is no ledger for this site yet: start with --first-run.")
    if asked:
        if len(asked) == 1:
            return msg("1 delivery needs you.")
        return msg("{count} deliveries need you.", count=len(asked))
    if paused:
        return msg("{count} accounts are paused.", count=len(paused))
    if troubles:
        return msg("Something is wrong: {what}", what=troubles[0].message)
    if waiting:
        return msg("All is well; {count} deliveries wait.", count=len(waiting))
    return msg("All is well; nothing waits.")


def _block(title: Message, rows: Sequence[Sequence[str]]) -> str:
    return f"{title}\n{table(rows)}"


def _asked(row: Open) -> list[str]:
    return [*_what(row), str(row.command)]


def _waiting(app: App, row: Open) -> list[str]:
    until = _local(app, row.until)
    return [*_what(row), str(msg("until {time}", time=until)) if until else ""]


def _what(row: Open) -> list[str]:
    d = row.delivery
    why = " ".join(str(row.why).split()) if row.why else ""
    return [row.id, str(STATES[d.state.value]), d.account, d.path, why]


def _done(delivery: Delivery) -> list[str]:
    from bot.app.report import SHORT, error_of

    error = error_of(delivery)
    return [
        delivery.id[:SHORT],
        str(STATES[delivery.state.value]),
        delivery.account,
        delivery.path,
        " ".join(str(error).split()) if error else "",
        delivery.remote_url or "",
    ]


def _account(app: App, account: AccountReport) -> list[str]:
    until = _local(app, account.until)
    return [
        account.name,
        account.network,
        str(STATES[account.state]),
        str(account.reason or ""),
        str(msg("until {time}", time=until)) if until else "",
        f"bot post --account {account.name}" if account.state == "paused" else "",
        _last(app, account),
        _numbers(account),
        _ends(account),
    ]


def _last(app: App, account: AccountReport) -> str:
    from bot.app.report import moment

    if account.last is None:
        return str(msg("nothing sent yet"))
    at = _local(app, moment(account.last.sent_at))
    link = account.last.remote_url or account.last.remote_id or account.last.path
    return str(msg("last {time} → {link}", time=at, link=link))


def _numbers(account: AccountReport) -> str:
    told = [str(msg("{count} in 24 hours", count=account.sent))] if account.sent else []
    if account.cost:
        told.append(str(msg("${cost} this month", cost=f"{account.cost:.3f}")))
    return ", ".join(told)


def _ends(account: AccountReport) -> str:
    if account.ends is None:
        return ""
    day = account.ends.date().isoformat()
    if account.renewed:
        return str(msg("login until {date}, renewed by bot", date=day))
    return str(msg("token until {date}", date=day))


def _local(app: App, at: datetime | None) -> str:
    from zoneinfo import ZoneInfo

    return (
        ""
        if at is None
        else at.astimezone(ZoneInfo(app.config.site.timezone)).strftime("%Y-%m-%d %H:%M:%S %Z")
    )
