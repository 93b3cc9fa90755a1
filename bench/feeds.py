"""Feeds: beside feedgen used plainly and beside Hugo, in the same run; peak memory of a process each."""

from __future__ import annotations

import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench import content
from bot.app.hugo_check import find_hugo
from bot.feeds import Press, render_feeds
from bot.model import Entry, Image, Post, Summary
from bot.settings import Feed, Site

SITE = Site(url="https://blog.example/", title="産業ブログ", language="ja", author="書き手")
RSS = Feed(limit=10**6, atom="", json="", style="")
THREE = Feed(limit=10**6, style="")
MANY = Feed(tags=True)
SENTENCE = "朝の工場では、機械の音より先に人の声がする。<b>材料</b>と text &amp; 記号。"
HTML = "".join(f"<p>{SENTENCE * 6}</p>\n" for _ in range(24))
START = datetime(2026, 2, 10, tzinfo=UTC)
TAGS = 500
ROUNDS = 7
ONE_FEED = 'path = "feeds"\natom = ""\njson = ""\nstyle = ""\n'


def table() -> str:
    rows = [
        "| what | feedgen used plainly | bot | bot / feedgen |",
        "|---|---|---|---|",
        _compared("RSS, 20 posts, full text, nothing kept: ms", 20, 15),
        _compared("RSS, 1,000 posts, full text, nothing kept: ms", 1000, 1),
        _row("three files, 10,000 posts, full text, onto the disk: s", "seconds", 1.0),
        _row("the same: peak MiB", "mebibytes", 1.0),
        *_press_rows(),
        "",
        "| one RSS feed of the whole blog, from its files: cold processes | Hugo | bot | bot / Hugo |",
        "|---|---|---|---|",
        *_hugo_rows(1_000),
        *_hugo_rows(10_000),
    ]
    return "\n".join(rows)


def entries(count: int, html: str = HTML) -> list[Entry]:
    return [_entry(number, html) for number in range(count)]


def plainly(posts: list[Entry], atom: bool = False) -> bytes:
    """As feedgen's own documentation does it, with the extensions for authors and media."""
    from feedgen.feed import FeedGenerator

    feed = FeedGenerator()
    feed.load_extension("dc")
    feed.load_extension("media")
    feed.id(SITE.url)
    feed.title(SITE.title)
    feed.link(href=SITE.url, rel="alternate")
    feed.description(SITE.title)
    feed.language(SITE.language)
    for each in posts:
        _plain_entry(feed.add_entry(order="append"), each, atom)
    made: bytes = feed.atom_str() if atom else feed.rss_str()
    return made


def _plain_entry(item: Any, each: Entry, atom: bool) -> None:
    cover = each.post.cover
    assert cover is not None
    item.guid(each.guid, permalink=True)
    item.title(each.post.title)
    item.link(href=each.post.url)
    item.description("\n".join(each.post.summary.lines), isSummary=True)
    item.content(each.html, type="html" if atom else None)
    item.published(each.published)
    item.updated(each.updated)
    item.author(name=SITE.author)
    item.dc.dc_creator(SITE.author)
    item.category([{"term": tag} for tag in each.post.tags])
    item.enclosure(cover.url, "4321", cover.mime)
    item.media.content({"url": cover.url, "type": cover.mime, "medium": "image"})


def _entry(number: int, html: str) -> Entry:
    url = f"https://blog.example/posts/{number}/"
    when = START - timedelta(hours=number)
    post = Post(
        path=f"{number}.md",
        source=f"{number}.md",
        url=url,
        title=f"工場の話 {number}",
        date=when,
        lastmod=when,
        language="ja",
        tags=("製造", f"t{number % TAGS}"),
        categories=("ニュース",),
        summary=Summary(lines=("一行目です。", "二行目です。", "三行目です。"), source="section"),
        cover=Image(
            alt="工場", url=f"https://blog.example/i/{number}.png", mime="image/png", size=4321
        ),
        content_hash=str(number),
        visible=True,
        why_not=None,
    )
    return Entry(post=post, guid=url, published=when, updated=when, html=html and f"{html}{number}")


def _compared(name: str, count: int, rounds: int) -> str:
    posts = entries(count)
    theirs, ours = [], []
    for _ in range(rounds + 1):  # the first one imports
        theirs.append(_cpu(lambda: plainly(posts)))
        ours.append(_cpu(lambda: render_feeds(posts, SITE, RSS)))
    plain, bot = median(theirs[1:]) * 1000, median(ours[1:]) * 1000
    return f"| {name} | {plain:.1f} | {bot:.1f} | {bot / plain:.2f} |"


def _cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _row(name: str, key: str, unit: float) -> str:
    theirs, ours = _process("feedgen")[key] / unit, _process("bot")[key] / unit
    return f"| {name} | {theirs:.1f} | {ours:.1f} | {ours / theirs:.2f} |"


_measured: dict[str, dict[str, float]] = {}


def _process(who: str) -> dict[str, float]:
    if who not in _measured:
        command = [sys.executable, "-m", "bench.feeds", who]
        done = subprocess.run(
            command, check=True, capture_output=True, cwd=Path(__file__).parents[1]
        )
        _measured[who] = json.loads(done.stdout)
    return _measured[who]


def _hugo_rows(count: int) -> list[str]:
    """Hugo writes only this feed (with the summaries that its own template takes), bot its ledger
    and the full text."""
    hugo = find_hugo(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        content.site(root, count)
        file = root / "hugo.toml"
        file.write_text(file.read_text().replace("limit = 20", "limit = -1"))
        (root / "bot.toml").write_text(
            f'[content]\nhugo = "."\n[feed]\n{ONE_FEED}limit = {count}\n'
        )
        ours = content.best(root, [sys.executable, "-m", "bot", "feed"], root)
        command = [hugo, "--renderSegments", "feeds", "--quiet"] if hugo else None
        theirs = content.best(root, command, root) if command else (math.nan, math.nan)
    return [
        f"| {count:,} posts: {what} | {them:.1f} | {us:.1f} | {us / them:.2f} |"
        for what, them, us in zip(("s", "peak MiB"), theirs, ours, strict=True)
    ]


def _press_rows() -> list[str]:
    """Ten thousand posts, each with two of 501 tags, in one process that keeps running."""
    posts = entries(10_000, html="")
    with tempfile.TemporaryDirectory() as folder:
        press = Press(SITE, MANY, Path(folder))
        first = _wall(lambda: press.publish(posts, _body))
        same = min(_both(lambda: press.publish(list(posts), _body)) for _ in range(ROUNDS))
        changed = min(_both(partial(_change, press, posts, n)) for n in range(ROUNDS))
    return [
        f"| 10,000 posts, 503 feeds in three formats, the first time: s | | {first / 1000:.1f} | |",
        f"| the same, one post changed, all its feeds in place: ms (of CPU) | | {changed[0]:.0f} ({changed[1]:.0f}) | |",
        f"| the same, nothing changed: ms (of CPU) | | {same[0]:.1f} ({same[1]:.1f}) | |",
    ]


def _change(press: Press, posts: list[Entry], number: int) -> None:
    post = replace(posts[number].post, title=f"新しい題 {number}", content_hash=f"x{number}")
    posts[number] = replace(posts[number], post=post)
    press.publish(posts, _body)


def _body(_: Entry) -> str:
    return HTML


def _wall(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def _both(work: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds on the clock, and of CPU."""
    start = time.process_time()
    wall = _wall(work)
    return wall, (time.process_time() - start) * 1000


def _alone(who: str) -> None:
    """10,000 posts to three files. feedgen knows two formats; json makes the third."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        if who == "bot":
            Press(SITE, THREE, Path(folder)).publish(entries(10_000, html=""), _body)
        else:
            posts = entries(10_000)
            (Path(folder) / "feed.xml").write_bytes(plainly(posts))
            (Path(folder) / "atom.xml").write_bytes(plainly(posts, atom=True))
            told = [{"id": each.guid, "content_html": each.html} for each in posts]
            (Path(folder) / "feed.json").write_text(json.dumps({"items": told}, ensure_ascii=False))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": time.perf_counter() - start, "mebibytes": peak}))


if __name__ == "__main__":
    _alone(sys.argv[1])
