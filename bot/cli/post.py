"""`bot post`: one turn, or its dry run."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

import click

from bot.app.wiring import App
from bot.cli import github
from bot.cli.common import (
    bot_command,
    emit,
    glyph,
    printable,
    problem_json,
    say,
    say_problem,
    say_problems,
)
from bot.cli.preview import refused_json, say_dry_run
from bot.errors import UsageError
from bot.i18n import msg
from bot.model import Delivery, State
from bot.words import LEASES, first_seen, flooded, ran_out, reason

if TYPE_CHECKING:
    from bot.app.asked import Request
    from bot.app.timing import Turn
    from bot.app.turn import Result


@bot_command("post", "One turn: scan, plan, send what is due, end. With PATH: these posts, now.")
@click.argument("paths", nargs=-1, metavar="[PATH]…")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Show exactly what would be sent; open no socket, write nothing.",
)
@click.option("--account", metavar="NAME", help="Only this account.")
@click.option(
    "--latest",
    type=click.IntRange(min=1),
    metavar="N",
    help="The newest N posts, as if named by path.",
)
@click.option(
    "--all", "all_", is_flag=True, help="Also what was there before the accounts were set up."
)
@click.option(
    "--now", is_flag=True, help="What is named passes slots and quiet hours (never the daily cap)."
)
@click.option("--yes", is_flag=True, help="Agree to what --all would send.")
@click.option(
    "--first-run",
    is_flag=True,
    help="Agree that there is no ledger yet: the posts of now count as seen.",
)
@click.option("--why", is_flag=True, help="Name the posts that are not sent, and why.")
@click.option("--full", is_flag=True, help="Show a text again that another account has as well.")
def post_command(
    app: App,
    as_json: bool,
    paths: tuple[str, ...],
    dry_run: bool,
    account: str | None,
    latest: int | None,
    all_: bool,
    now: bool,
    yes: bool,
    first_run: bool,
    why: bool,
    full: bool,
) -> int:
    from bot.app.asked import Request

    request = Request(
        paths=paths,
        account=account,
        latest=latest,
        all=all_,
        now=now,
        yes=yes,
        first_run=first_run,
    )
    if now and not (request.names_posts or all_):
        raise UsageError(
            msg("--now needs the posts that it is for"),
            code="now-of-what",
            hint=msg("name them: bot post --now content/posts/a.md, or --latest 1"),
        )
    if not dry_run:
        return _real(app, request, as_json)
    return say_dry_run(app, request, as_json=as_json, why=why, full=full)


# --- the turn -------------------------------------------------------------------------------


def _real(app: App, request: Request, as_json: bool) -> int:
    from bot.app.turn import take_turn

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    result = take_turn(app, request, lambda d: None if as_json else _progress(d))
    if as_json:
        emit(_result_json(result))
    else:
        _result_text(result)
    if github.at_work():
        github.summarize_turn(app, result)
    return result.exit_code


def _progress(delivery: Delivery) -> None:
    from bot.app.report import told_of
    from bot.outbox.states import load

    told = told_of(delivery)
    if told is None:
        return
    if github.at_work() and delivery.state in (State.FAILED, State.UNKNOWN):
        level: github.Level = "error" if delivery.state is State.FAILED else "warning"
        github.annotate(level, delivery.path, printable(str(told)), delivery.state.value)
        return
    say(printable(str(told).replace("→", glyph("→", "->"))), err=delivery.state is not State.SENT)
    for note in delivery.notes if delivery.state is State.SENT else ():
        say(printable(f"    {load(note)}"), err=True)


def _result_json(result: Result) -> dict[str, Any]:
    return {
        "sent": [_sent_json(d) for d in result.sent],
        "already": [_sent_json(d) for d in result.already],
        "failed": [_sent_json(d) for d in result.failed],
        "refused": [refused_json(r) for r in result.outlook.refused],
        "not_ready": {name: str(why) for name, why in result.not_ready.items()},
        "baselines": dict(result.baselines),
        "not_taken": result.outlook.not_taken(),
        "held": result.outlook.plan.held,
        "not_live": [_sent_json(d) for d in result.not_live],
        "waiting": [_later_json(*pair) for pair in result.later],
        "aged": [_sent_json(d) for d in result.outlook.plan.expired],
        "needs_yes": result.waiting,
        "problems": [problem_json(p) for p in result.outlook.site.problems],
    }


def _sent_json(delivery: Delivery) -> dict[str, Any]:
    from bot.app.report import error_of

    error = error_of(delivery)
    return {
        "id": delivery.id,
        "post": delivery.path,
        "account": delivery.account,
        "state": delivery.state.value,
        "link": delivery.remote_url,
        "error": str(error) if error else None,
    }


def _result_text(result: Result) -> None:
    say_problems(result.outlook.site.problems)
    for refusal in result.outlook.refused:
        say_problem(refusal.path, refusal.message, refusal.code, None)
    if result.waiting is not None:
        say(
            str(
                msg(
                    "{count} deliveries would be sent; add --yes to send them", count=result.waiting
                )
            )
        )
        return
    if result.lease != "ours":
        say(str(LEASES[result.lease]), err=True)
    for name, count in result.baselines.items():
        say(str(first_seen(name, count)))
    for delivery in result.already:
        _say_already(delivery)
    for name, why in result.paused.items():
        say(f"{name}: {msg('paused: {why}', why=str(why))}", err=True)
        say(f"    {msg('when that is mended: bot post --account {name}', name=name)}", err=True)
    for name in dict.fromkeys(d.account for d in result.orphans):
        why = msg('no longer configured; renamed? was = ["{name}"] on its new name', name=name)
        say(f"{name}: {why}", err=True)
        say(f"    {msg('what waits for it: bot status')}", err=True)
    for path in result.outlook.not_taken():
        say(printable(f"{path}: {reason('not-taken')}"))
    for name, why in result.not_ready.items():
        say(f"{name}: {msg('not ready: {why}', why=str(why))}", err=True)
    if result.outlook.plan.held:
        say(str(flooded(result.outlook.plan.held)))
    for delivery in result.outlook.plan.expired:
        say(printable(str(ran_out(delivery.account, delivery.path))))
    for delivery in result.not_live:
        _say_not_live(delivery)
    _say_later(result)
    if not result.sent and not result.failed:
        say(str(msg("Nothing was sent.")))


def _later_json(delivery: Delivery, turn: Turn) -> dict[str, Any]:
    from bot.app.report import moment

    at = moment(turn.at)
    return {
        "id": delivery.id,
        "post": delivery.path,
        "account": delivery.account,
        "at": at.isoformat() if at else None,
        "reason": turn.why,
    }


def _say_later(result: Result) -> None:
    """For each account how many wait, and the next one."""
    from bot.app.timing import turn_words

    waiting: dict[str, list[tuple[Delivery, Turn]]] = {}
    for delivery, turn in result.later:
        waiting.setdefault(delivery.account, []).append((delivery, turn))
    for name, pairs in waiting.items():
        delivery, turn = min(pairs, key=lambda pair: (pair[1].at is None, pair[1].at or 0))
        when = turn_words(turn, result.zones[name])
        words = {"name": name, "count": len(pairs), "path": delivery.path, "when": when}
        say(printable(str(msg("{name}: waiting: {count}; next: {path}, {when}", **words))))


def _say_not_live(delivery: Delivery) -> None:
    from bot.app.report import error_of

    words = {"account": delivery.account, "path": delivery.path, "why": str(error_of(delivery))}
    say(printable(str(msg("{account}: waits: {path}: {why}", **words))))


def _say_already(delivery: Delivery) -> None:
    from bot.app.report import error_of

    if delivery.state is State.SENT:
        words = {"path": delivery.path, "account": delivery.account}
        text = (
            msg("{path}: already sent to {account}: {link}", **words, link=delivery.remote_url)
            if delivery.remote_url
            else msg("{path}: already sent to {account}", **words)
        )
    else:
        text = msg(
            "{path}: not sent to {account}: {why}",
            path=delivery.path,
            account=delivery.account,
            why=str(error_of(delivery) or delivery.state.value),
        )
    say(printable(str(text)))
