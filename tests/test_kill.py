"""`bot post --all --yes`, killed with SIGKILL at random moments against a server that loses answers:
nothing twice, nothing lost, and what is missing is open in `bot status`."""

from __future__ import annotations

import random  # noqa: TID251
import subprocess
from pathlib import Path

import pytest

from tests.fakes.mastodon_server import MastodonServer
from tests.site import Site

POSTS = 120
KILLS = 100
FAULTS = "drop_before=0.12,drop_after=0.12,502_after=0.12,502_before=0.05,429=0.02"
ACCOUNT = """
[[accounts]]
name = "m"
network = "mastodon"
instance = "{base}"
token = {{ env = "TOKEN" }}
daily_cap = 0
"""
ENV = {"TOKEN": "kill-test-token"}


@pytest.mark.slow
@pytest.mark.parametrize("flavour", ["mastodon", "gotosocial"])
def test_killed_a_hundred_times(tmp_path: Path, flavour: str) -> None:
    chance = random.Random(flavour)
    server = MastodonServer(flavour, seed=7)
    server.retry_headers = {"retry-after": "1"}
    with server:
        site = Site(tmp_path).configure(ACCOUNT.format(base=server.base), timeout=0.6, gap=0.1)
        for n in range(POSTS):
            site.post(f"p{n:03}", day=1 + n % 28)
        assert site.run("post", "--first-run", env=ENV).returncode == 0
        server.set_faults(FAULTS)
        for _ in range(KILLS):
            _run_and_kill(site, chance.uniform(0.3, 2.5))
            _nothing_twice(server)
        _missing_are_open(site, server)
        server.set_faults("")
        for _ in range(6):
            last = site.run("post", "--all", "--yes", env=ENV)
        assert last.returncode == 0, last.stderr
        _nothing_twice(server)
        assert len(server.visible) == POSTS
        assert site.json("status", env=ENV)["deliveries"] == []
        assert server.violations == []


def _run_and_kill(site: Site, seconds: float) -> None:
    import os

    process = subprocess.Popen(
        site.command("post", "--all", "--yes"),
        cwd=site.root,
        env={**os.environ, **ENV},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _nothing_twice(server: MastodonServer) -> None:
    texts = [post["content"] for post in list(server.visible)]
    assert len(texts) == len(set(texts))


def _missing_are_open(site: Site, server: MastodonServer) -> None:
    there = " ".join(post["content"] for post in server.visible)
    missing = {f"content/posts/p{n:03}.md" for n in range(POSTS) if f"p{n:03}の要点一" not in there}
    shown = {d["post"] for d in site.json("status", env=ENV)["deliveries"]}
    assert missing <= shown
