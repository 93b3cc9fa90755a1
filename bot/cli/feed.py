"""`bot feed`."""

from __future__ import annotations

from bot.app.wiring import App
from bot.cli.common import bot_command, emit, problem_json, say, say_problems
from bot.i18n import msg


@bot_command("feed", "Write the feeds; files that would not change are not touched.")
def feed_command(app: App, as_json: bool) -> int:
    from bot.app.feeding import feed_turn

    site, written = feed_turn(app)
    problems = [*site.problems, *(written.refused if written else ())]
    if as_json:
        emit(
            {
                "written": list(written.written) if written else [],
                "unchanged": list(written.unchanged) if written else [],
                "problems": [problem_json(p) for p in problems],
            }
        )
    else:
        say_problems(problems)
        for name in written.written if written else ():
            say(str(msg("written: {name}", name=f"{app.config.feed.path}/{name}")))
        for name in written.unchanged if written else ():
            say(str(msg("unchanged: {name}", name=f"{app.config.feed.path}/{name}")))
    lost = written is None or bool(written.refused)
    return 1 if lost or any(p.post_lost for p in problems) else 0
