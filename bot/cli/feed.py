"""`bot feed`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bot.app.wiring import App
from bot.cli.common import bot_command, emit, printable, problem_json, say, say_problems
from bot.errors import UsageError
from bot.i18n import msg

if TYPE_CHECKING:
    from bot.feeds import Comparison, Difference


@bot_command("feed", "Write the feeds; files that would not change are not touched.")
@click.option("--discover", is_flag=True, help="Print the lines by which readers find the feeds.")
@click.option("--compare", metavar="URL|FILE", help="What its subscribers would see twice.")
def feed_command(app: App, as_json: bool, discover: bool, compare: str | None) -> int:
    if discover and compare is not None:
        raise UsageError(msg("--discover and --compare are two questions"), code="usage")
    if discover:
        return _discover(app, as_json)
    if compare is not None:
        return _compare(app, as_json, compare)
    return _write(app, as_json)


def _write(app: App, as_json: bool) -> int:
    from bot.app.feeding import feed_turn

    site, written = feed_turn(app)
    problems = [*site.problems]
    if written is not None:
        problems += [*written.problems, *written.refused]
    if as_json:
        emit(
            {
                "written": list(written.written) if written else [],
                "unchanged": list(written.unchanged) if written else [],
                "removed": list(written.removed) if written else [],
                "problems": [problem_json(p) for p in problems],
            }
        )
    else:
        say_problems(problems)
        for name in written.written if written else ():
            say(str(msg("written: {name}", name=f"{app.config.feed.path}/{name}")))
        for name in written.removed if written else ():
            say(str(msg("removed: {name}", name=f"{app.config.feed.path}/{name}")))
        for name in written.unchanged if written else ():
            say(str(msg("unchanged: {name}", name=f"{app.config.feed.path}/{name}")))
    lost = written is None or bool(written.refused) or site.shrunk
    return 1 if lost or any(p.post_lost for p in problems) else 0


def _discover(app: App, as_json: bool) -> int:
    from bot.app.subscribers import feeds_of
    from bot.feeds import alternates, discover

    plans = feeds_of(app)
    if as_json:
        told = [
            {"folder": a.folder, "title": a.title, "type": a.type, "url": a.url}
            for a in alternates(plans, app.config.feed)
        ]
        emit({"feeds": told})
    else:
        say(discover(plans, app.config.feed).rstrip("\n"))
    return 0


def _compare(app: App, as_json: bool, source: str) -> int:
    """1 where somebody would see a post twice."""
    from bot.app.subscribers import compare_with

    found = compare_with(app, source)
    if as_json:
        emit(_json(found))
    else:
        say(printable(_text(found)))
    return 1 if found.twice else 0


def _json(found: Comparison) -> dict[str, Any]:
    return {
        "same": found.same,
        "twice": found.twice,
        "different": [
            {"id": d.id, "old_id": d.old_id, "title": d.title, "reason": d.reason}
            for d in found.differences
        ],
    }


def _text(found: Comparison) -> str:
    counts = msg(
        "{same} known by their ids, {new} would look new, {twice} of them a second time",
        same=found.same,
        new=len(found.differences),
        twice=found.twice,
    )
    return "\n".join([str(counts), *map(_line, found.differences)])


def _line(difference: Difference) -> str:
    from bot.feeds import REASONS

    ids = difference.id
    if difference.old_id is not None:
        ids = f"{difference.old_id} → {ids}"
    return f"  {difference.title}\n    {REASONS[difference.reason]}\n    {ids}"
