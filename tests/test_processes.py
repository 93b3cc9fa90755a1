"""Several processes on one ledger: each delivery once, in order within a target."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.fakes.mastodon_server import MastodonServer
from tests.site import Site
from tests.test_kill import ACCOUNT, ENV

POSTS = 40


def accounts(count: int) -> str:
    return "".join(
        f'[[accounts]]\nname = "log{n}"\nnetwork = "file"\npath = "out{n}.jsonl"\ndaily_cap = 0\n'
        for n in range(count)
    )


def together(site: Site, count: int, *args: str) -> list[str]:
    """The same command in so many processes at once; what they say on stderr."""
    running = [
        subprocess.Popen(
            site.command(*args),
            cwd=site.root,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        for _ in range(count)
    ]
    return [process.communicate(timeout=120)[1] for process in running]


@pytest.mark.slow
@pytest.mark.parametrize(("store", "processes"), [("sqlite", 4), ("postgresql", 8)])
def test_many_processes_send_each_post_once_and_in_order(
    request: pytest.FixtureRequest, tmp_path: Path, store: str, processes: int
) -> None:
    site = Site(tmp_path).configure(accounts(5))
    if store == "postgresql":
        url = request.getfixturevalue("postgres_url")
        file = tmp_path / "bot.toml"
        text = file.read_text().replace(
            'language = "ja"', f'language = "ja"\nid = "{tmp_path.name}"'
        )
        file.write_text(text + f'[state]\nurl = "{url}"\n')
    for n in range(POSTS):
        site.post(f"p{n:02}")
    assert site.run("post", "--first-run").returncode == 0
    said = together(site, processes, "post", "--all", "--yes")
    assert not any("Traceback" in text for text in said), said
    assert site.run("post").returncode == 0
    expected = [f"https://blog.example/posts/p{n:02}/" for n in range(POSTS)]
    for n in range(5):
        assert [line["url"] for line in site.lines(f"out{n}.jsonl")] == expected
    assert site.json("status")["deliveries"] == []


@pytest.mark.slow
def test_a_stopped_process_wakes_to_no_second_post(tmp_path: Path) -> None:
    """SIGSTOP while its call hangs, another process settles, SIGCONT: one post."""
    with MastodonServer("gotosocial") as server:
        site = Site(tmp_path).configure(ACCOUNT.format(base=server.base), timeout=1, gap=0.1)
        assert site.run("post", "--first-run", env=ENV).returncode == 0
        site.post("a")
        server.script.append("hang_after")
        stopped = subprocess.Popen(
            site.command("post"), cwd=tmp_path, env={**os.environ, **ENV}, stderr=subprocess.DEVNULL
        )
        for _ in range(200):
            if server.visible:
                break
            time.sleep(0.02)  # waits for another process
        stopped.send_signal(signal.SIGSTOP)
        try:
            site.run("post", env=ENV)
        finally:
            stopped.send_signal(signal.SIGCONT)
        stopped.wait(30)
        assert site.run("post", env=ENV).returncode == 0
        assert len(server.visible) == 1
        assert site.json("status", env=ENV)["deliveries"] == []
