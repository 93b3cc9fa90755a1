"""`bot log`: what became of one post, on all accounts, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from bot.app.wiring import App
from bot.cli.common import bot_command, emit, printable, rfc3339, say, table
from bot.i18n import msg
from bot.words import STATES

if TYPE_CHECKING:
    from bot.app.log import Log, Step, Told
    from bot.model import Article


@bot_command("log", "Show the whole history of one post, on all accounts.")
@click.argument("post", metavar="PATH|URL|ID")
def log_command(app: App, as_json: bool, post: str) -> int:
    from bot.app.log import history

    found = history(app, post)
    if as_json:
        emit(_json(found))
    else:
        zone = ZoneInfo(app.config.site.timezone)
        blocks = ["\n".join(map(_article, found.articles))] if found.articles else []
        blocks += [_delivery(told, zone) for told in found.deliveries]
        if not found.deliveries:
            blocks.append(str(msg("no account is to have it")))
        say(printable("\n\n".join(blocks)))
    return 0


def _json(found: Log) -> dict[str, Any]:
    return {
        "posts": [
            {"id": a.id, "post": a.path, "url": a.url, "title": a.title} for a in found.articles
        ],
        "deliveries": [
            {
                "id": told.delivery.id,
                "kind": told.delivery.kind,
                "post": told.delivery.path,
                "account": told.delivery.account,
                "network": told.delivery.network,
                "generation": told.delivery.generation,
                "part": told.delivery.part,
                "state": told.delivery.state.value,
                "link": told.delivery.remote_url,
                "steps": [_step_json(step) for step in told.steps],
            }
            for told in found.deliveries
        ],
    }


def _step_json(step: Step) -> dict[str, Any]:
    return {
        "at": rfc3339(step.at),
        "event": step.event,
        "before": step.before,
        "after": step.after,
        "detail": str(step.detail) if step.detail else None,
    }


def _article(article: Article) -> str:
    title = " ".join(article.title.split())
    return f"{title}\n{article.path} · {article.url} · {article.id[:8]}"


def _delivery(told: Told, zone: ZoneInfo) -> str:
    row = told.delivery
    head = [row.account, *([row.kind] if row.kind != "share" else [])]
    head += [str(msg("part {part}", part=row.part + 1))] if row.part else []
    head += [
        str(STATES[row.state.value]),
        row.id[:8],
        *([row.remote_url] if row.remote_url else []),
    ]
    steps = [_step(step, zone) for step in told.steps]
    return " · ".join(head) + ("\n" + table(steps) if steps else "")


def _step(step: Step, zone: ZoneInfo) -> list[str]:
    at = step.at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")
    detail = " ".join(str(step.detail).split()) if step.detail else ""
    return [at, str(step.words), detail]
