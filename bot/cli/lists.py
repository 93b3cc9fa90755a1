"""`bot list`."""

from __future__ import annotations

from typing import Any

import click

from bot.app.wiring import App
from bot.cli.common import (
    bot_command,
    emit,
    glyph,
    printable,
    problem_json,
    rfc3339,
    say,
    say_problems,
)
from bot.i18n import msg
from bot.model import Image, Post
from bot.words import why_not


@bot_command("list", "Show every post as bot understands it. Opens no socket, writes nothing.")
@click.option("--now", metavar="TIME", help="The site as it will be, or was, at that time.")
def list_command(app: App, as_json: bool, now: str | None) -> int:
    from bot.app.report import list_posts

    site = list_posts(app, now)
    if as_json:
        emit(
            {
                "posts": [post_json(post) for post in site.posts],
                "problems": [problem_json(p) for p in site.problems],
            }
        )
        return 0
    for post in site.posts:
        say(post_text(post))
    say_problems(site.problems)
    visible = sum(post.visible for post in site.posts)
    say(str(msg("{visible} of {all} posts are published", visible=visible, all=len(site.posts))))
    return 0


def post_json(post: Post) -> dict[str, Any]:
    return {
        "path": post.path,
        "id": post.id,
        "url": post.url,
        "title": post.title,
        "date": rfc3339(post.date),
        "draft": post.draft,
        "visible": post.visible,
        "why_not": post.why_not,
        "summary": {"lines": list(post.summary.lines), "source": post.summary.source},
        "cover": _cover(post.cover),
        "tags": list(post.tags),
        "language": post.language,
    }


def _cover(cover: Image | None) -> dict[str, Any] | None:
    if cover is None or cover.file is cover.url is None:
        return None  # none, or one that is not there (which is among the problems)
    if cover.file is None:
        return {"url": cover.url, "alt": cover.alt}
    return {"file": cover.shown, "alt": cover.alt}


def post_text(post: Post) -> str:
    date = post.date.date().isoformat() if post.date else "----------"
    mark = "" if post.visible else f"  ({why_not(post)})"
    bullet = glyph("・", "- ")
    lines = [f"{date}  {post.path}{mark}", f"    {post.title}", f"    {post.url}"]
    lines += [f"    {bullet}{line}" for line in post.summary.lines]
    if post.cover is not None:
        alt = f" ({post.cover.alt})" if post.cover.alt else ""
        lines.append(f"    {msg('cover')}: {post.cover.shown or post.cover.url}{alt}")
    return printable("\n".join(lines))
