"""Composing: CPU time of a draft for each network, at ease and in the worst case, and of a count."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from statistics import median
from typing import TypeVar

from bot.compose import compose, measure
from bot.model import Post, Summary, TextLimit
from bot.settings import Account, Site

T = TypeVar("T")
SITE = Site(url="https://blog.example/", title="産業ブログ", language="ja", author="書き手")
LIMITS = {
    "x": TextLimit(unit="x-weighted", maximum=280, link_cost=23),
    "bluesky": TextLimit(unit="graphemes", maximum=300, byte_cap=3000),
    "mastodon": TextLimit(unit="graphemes", maximum=500, link_cost=23),
    "misskey": TextLimit(unit="code-points", maximum=3000),
}
TIGHT = 90
"""A limit at which bullets are cut and then the title."""
TIMES = 40


def table() -> str:
    """Microseconds of CPU, the median of several rounds over different posts."""
    posts = [_post(n) for n in range(TIMES)]
    lines = [
        "| network | draft, µs | draft at a limit of 90, µs | count, µs |",
        "|---|---:|---:|---:|",
    ]
    for network, limit in LIMITS.items():
        easy = _each(partial(_draft, network, limit), posts)
        tight = _each(partial(_draft, network, replace(limit, maximum=TIGHT)), posts)
        count = _each(partial(_count, limit), [_draft(network, limit, post) for post in posts])
        lines.append(f"| {network} | {easy:.0f} | {tight:.0f} | {count:.0f} |")
    return "\n".join(lines)


def _each(work: Callable[[T], object], items: list[T]) -> float:
    work(items[0])
    rounds = []
    for _ in range(5):
        start = time.process_time()
        for item in items:
            work(item)
        rounds.append((time.process_time() - start) / len(items) * 1e6)
    return median(rounds)


def _count(limit: TextLimit, text: str) -> object:
    return measure(text, limit)


def _draft(network: str, limit: TextLimit, post: Post) -> str:
    return compose(post, Account(name=network, network=network), limit, SITE).parts[0].text


def _post(n: int) -> Post:
    return Post(
        path=f"content/{n}.md",
        source="",
        url=f"https://blog.example/posts/2026-02-{n:02}-article/",
        title=f"起動の速い処理系の第{n}版が公開、料金は月額{n},500円からに据え置き",
        date=datetime(2026, 2, 10, tzinfo=UTC),
        lastmod=None,
        language="ja",
        tags=("処理系", "ニュース", "GenAI"),
        categories=(),
        summary=Summary(
            lines=(
                f"新しい処理系の第{n}版が公開され、起動時間が従来の{n + 2}分の1になったと開発元が発表した。",
                "「小さな会社（従業員20人以下）」でも導入できるよう、料金は月額1,500円からに抑えられている。",
                "移行の手順書と、既存の設定を読み替える道具が同時に用意され、乗り換えは半日で終わるという。",
            ),
            source="section",
        ),
        cover=None,
        content_hash=str(n),
        visible=True,
        why_not=None,
    )
