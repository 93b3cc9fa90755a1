"""Two thousand deliveries to forty accounts by many real processes at once: each exactly once, and
in order within an account. The server knows no keys, so that it hides no second call."""

from __future__ import annotations

import os
import subprocess
import time
from collections import defaultdict
from pathlib import Path

import pytest

from tests.fakes.mastodon_server import MastodonServer
from tests.site import Site
from tests.test_sweep import on_postgresql

TARGETS = 40
POSTS = 50
PATIENCE = 500
ACCOUNT = """
[[accounts]]
name = "m{n}"
network = "mastodon"
instance = "{base}"
token = {{ env = "TOKEN{n}" }}
daily_cap = 0
"""
ENV = {f"TOKEN{n}": f"many-test-token-{n}" for n in range(TARGETS)}


@pytest.mark.slow
@pytest.mark.parametrize(("store", "processes"), [("sqlite", 4), ("postgresql", 8)])
def test_each_once_and_in_order(
    request: pytest.FixtureRequest, tmp_path: Path, store: str, processes: int
) -> None:
    with MastodonServer("gotosocial") as server:
        site = Site(tmp_path)
        site.configure("".join(ACCOUNT.format(n=n, base=server.base) for n in range(TARGETS)))
        if store == "postgresql":
            on_postgresql(site, request.getfixturevalue("postgres_url"))
        for n in range(POSTS):
            site.post(f"p{n:02}")
        assert site.run("post", "--first-run", env=ENV).returncode == 0
        began = time.monotonic()
        said = together(site, processes, "post", "--all", "--yes")
        took = time.monotonic() - began
        assert said == [""] * processes
        print(f"{store}: {TARGETS * POSTS} deliveries, {processes} processes, {took:.1f} s")
        calls = [call for call in server.calls if server.is_visible(call)]
    assert len(calls) == TARGETS * POSTS
    lists = defaultdict(list)
    for post in server.visible:
        lists[post["account"]["id"]].append(post["content"][3:6])
    assert len(lists) == TARGETS
    assert all(own == [f"p{n:02}" for n in range(POSTS)] for own in lists.values())
    assert site.json("status", env=ENV)["deliveries"] == []
    assert server.violations == []


def together(site: Site, count: int, *args: str) -> list[str]:
    """The same command in so many processes at once; what they say on stderr."""
    running = [
        subprocess.Popen(
            site.command(*args),
            cwd=site.root,
            env={**os.environ, **ENV},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        for _ in range(count)
    ]
    try:
        return [process.communicate(timeout=PATIENCE)[1] for process in running]
    finally:
        for process in running:
            process.kill()
