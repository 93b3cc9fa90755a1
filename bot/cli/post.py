"""`bot post`: one turn, or its dry run."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

import click

from bot.app.wiring import App
from bot.cli.common import (
    bot_command,
    emit,
    glyph,
    printable,
    problem_json,
    say,
    say_problem,
    say_problems,
    width,
)
from bot.i18n import msg
from bot.model import Delivery, Measure, State
from bot.words import LEASES, first_seen, flooded, reason

if TYPE_CHECKING:
    from bot.app.preview import DryRun, Shown
    from bot.app.turn import Refusal, Request, Result

UNITS = {
    "x-weighted": msg("weighted characters"),
    "graphemes": msg("characters"),
    "code-points": msg("code points"),
    "utf16": msg("UTF-16 units"),
    "bytes": msg("bytes"),
}


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
@click.option("--yes", is_flag=True, help="Agree to what --all would send.")
@click.option(
    "--first-run",
    is_flag=True,
    help="Agree that there is no ledger yet: the posts of now count as seen.",
)
@click.option("--why", is_flag=True, help="Name the posts that are not sent, and why.")
def post_command(
    app: App,
    as_json: bool,
    paths: tuple[str, ...],
    dry_run: bool,
    account: str | None,
    latest: int | None,
    all_: bool,
    yes: bool,
    first_run: bool,
    why: bool,
) -> int:
    from bot.app.turn import Request

    request = Request(
        paths=paths, account=account, latest=latest, all=all_, yes=yes, first_run=first_run
    )
    return _dry(app, request, as_json, why) if dry_run else _real(app, request, as_json)


# --- the dry run ----------------------------------------------------------------------------


def _dry(app: App, request: Request, as_json: bool, why: bool) -> int:
    from bot.app.preview import dry_run

    run = dry_run(app, request)
    if as_json:
        emit(_dry_json(run, why=why))
    else:
        _dry_text(app, run, why=why)
    failed = any(s.error for s in run.shown) or run.outlook.refused
    lost = any(p.post_lost for p in run.outlook.site.problems) or not run.outlook.site.readable
    return 1 if failed or lost else 0


def _dry_json(run: DryRun, *, why: bool) -> dict[str, Any]:
    skipped: list[dict[str, Any]] = []
    for code, paths in run.skipped.items():
        skipped.append(
            {"reason": code, "count": len(paths)} | ({"posts": list(paths)} if why else {})
        )
    problems = [problem_json(p) for p in run.outlook.site.problems]
    problems += [_refused_json(r) for r in run.outlook.refused]
    problems += [
        {
            "path": s.post.path,
            "line": None,
            "message": str(s.error),
            "code": s.error.code,
            "account": s.account.name,
        }
        for s in run.shown
        if s.error
    ]
    return {
        "deliveries": [_shown_json(s) for s in run.shown if s.draft],
        "skipped": skipped,
        "problems": problems,
    }


def _shown_json(shown: Shown) -> dict[str, Any]:
    draft = shown.draft
    assert draft is not None
    return {
        "post": shown.post.path,
        "url": draft.url,
        "account": shown.account.name,
        "network": shown.account.network,
        "enabled": shown.account.enabled,
        "parts": [
            {"text": part.text, **_measure_json(part.measures[0])}
            | ({"also": [_measure_json(m) for m in part.measures[1:]]} if part.measures[1:] else {})
            for part in draft.parts
        ],
        "link": draft.link,
        "hashtags": list(draft.hashtags),
        "images": [{"file": i.shown or i.url, "alt": i.alt} for i in draft.images],
        "left_out": [str(m) for m in draft.left_out],
        "example": shown.example,
    }


def _measure_json(measure: Measure) -> dict[str, Any]:
    return {"length": measure.length, "limit": measure.limit, "unit": measure.unit}


def _refused_json(refusal: Refusal) -> dict[str, Any]:
    return {
        "path": refusal.path,
        "line": None,
        "message": str(refusal.message),
        "code": refusal.code,
    }


def _dry_text(app: App, run: DryRun, *, why: bool) -> None:
    say_problems(run.outlook.site.problems)
    for refusal in run.outlook.refused:
        say_problem(refusal.path, refusal.message, refusal.code, None)
    if any(s.example for s in run.shown):
        say(str(msg("Nothing is due. As an example, the newest post:")) + "\n")
    elif not run.shown:
        say(str(msg("Nothing is due.")))
    for shown in run.shown:
        say(printable(_shown_text(shown)) + "\n")
    for code, paths in run.skipped.items():
        say(
            str(
                msg("not sent: {count} posts, {reason}", count=len(paths), reason=str(reason(code)))
            )
        )
        for path in paths if why else ():
            say(f"    {path}")


def _shown_text(shown: Shown) -> str:
    marks = "" if shown.account.enabled else f" ({msg('disabled')})"
    if shown.account.enabled and not shown.sends:
        marks = f" ({msg('not built yet')})"
    head = f"{shown.account.name} · {shown.account.network}{marks} · {shown.post.path}"
    if shown.draft is None:
        return f"{head}\n  {msg('cannot be sent: {why}', why=str(shown.error))}"
    lines = [head.replace("·", glyph("·", "-"))]
    for part in shown.draft.parts:
        lines += _box(part.text)
        lines.append("  " + ", ".join(_measure_text(m) for m in part.measures))
    lines += _details(shown)
    return "\n".join(lines)


def _box(text: str) -> list[str]:
    rule, bar = glyph("─", "-"), glyph("│", "|")
    rows = text.split("\n")
    longest = min(76, max(width(row) for row in rows))
    return [
        f"  {rule * (longest + 2)}",
        *(f"  {bar} {row}" for row in rows),
        f"  {rule * (longest + 2)}",
    ]


def _measure_text(measure: Measure) -> str:
    limit = "" if measure.limit is None else f"/{measure.limit}"
    return f"{measure.length}{limit} {UNITS[measure.unit]}"


def _details(shown: Shown) -> list[str]:
    draft = shown.draft
    assert draft is not None
    lines = [f"  {msg('link: {link}', link=draft.link or '–')}"]
    if draft.hashtags:
        lines.append(f"  {msg('hashtags: {tags}', tags=' '.join(f'#{t}' for t in draft.hashtags))}")
    for image in draft.images:
        alt = image.alt or str(msg("no alt text"))
        lines.append(f"  {msg('image: {file} ({alt})', file=image.shown or image.url, alt=alt)}")
    lines += [f"  {msg('left out: {what}', what=str(what))}" for what in draft.left_out]
    return lines


# --- the turn -------------------------------------------------------------------------------


def _real(app: App, request: Request, as_json: bool) -> int:
    from bot.app.turn import take_turn

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    result = take_turn(app, request, lambda d: None if as_json else _progress(d))
    if as_json:
        emit(_result_json(result))
    else:
        _result_text(result)
    return result.exit_code


def _progress(delivery: Delivery) -> None:
    from bot.app.report import told_of
    from bot.outbox.states import load

    told = told_of(delivery)
    if told is None:
        return
    say(printable(str(told).replace("→", glyph("→", "->"))), err=delivery.state is not State.SENT)
    for note in delivery.notes if delivery.state is State.SENT else ():
        say(printable(f"    {load(note)}"), err=True)


def _result_json(result: Result) -> dict[str, Any]:
    return {
        "sent": [_sent_json(d) for d in result.sent],
        "already": [_sent_json(d) for d in result.already],
        "failed": [_sent_json(d) for d in result.failed],
        "refused": [_refused_json(r) for r in result.outlook.refused],
        "not_ready": {name: str(why) for name, why in result.not_ready.items()},
        "baselines": dict(result.baselines),
        "held": result.outlook.plan.held,
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
    for name, why in result.not_ready.items():
        say(f"{name}: {msg('not ready: {why}', why=str(why))}", err=True)
    if result.outlook.plan.held:
        say(str(flooded(result.outlook.plan.held)))
    if not result.sent and not result.failed:
        say(str(msg("Nothing was sent.")))


def _say_already(delivery: Delivery) -> None:
    from bot.app.report import error_of

    if delivery.state is State.SENT:
        text = msg(
            "{path}: already sent to {account}: {link}",
            path=delivery.path,
            account=delivery.account,
            link=delivery.remote_url or "",
        )
    else:
        text = msg(
            "{path}: not sent to {account}: {why}",
            path=delivery.path,
            account=delivery.account,
            why=str(error_of(delivery) or delivery.state.value),
        )
    say(printable(str(text)))
