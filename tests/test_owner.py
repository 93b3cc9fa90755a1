"""Whose account it is is asked before the first call of each process: nothing goes to another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.app import wiring
from tests.fakes.bluesky_server import BlueskyServer
from tests.fakes.mastodon_server import MastodonServer
from tests.site import Site

ONE, TWO = {"TOKEN": "the token of one"}, {"TOKEN": "the token of another"}
FEDI = """[[accounts]]
name = "{name}"
network = "mastodon"
instance = "{base}"
token = {{ env = "TOKEN" }}
"""
BLUESKY = """[[accounts]]
name = "sky"
network = "bluesky"
handle = "alice.test"
pds = "{base}"
app_password = {{ env = "TOKEN" }}
"""


@pytest.fixture
def server() -> Iterator[MastodonServer]:
    with MastodonServer() as fake:
        yield fake


@pytest.fixture
def site(tmp_path: Path, server: MastodonServer) -> Site:
    site = Site(tmp_path).configure(FEDI.format(name="fedi", base=server.base), timeout=2, gap=0.05)
    assert site.run("post", "--first-run", env=ONE).returncode == 0
    return site


def account(site: Site, name: str = "fedi") -> Any:
    return next(a for a in site.json("status", env=ONE)["accounts"] if a["name"] == name)


def test_the_login_of_another_pauses_the_account(site: Site, server: MastodonServer) -> None:
    site.post("a")
    assert site.run("post", env=ONE).returncode == 0
    site.post("b", "題名", day=2)
    told = site.run("post", env=TWO)
    assert told.returncode == 3
    assert "another account" in told.stdout + told.stderr
    assert len(server.visible) == 1
    (waiting,) = site.json("status", env=TWO)["deliveries"]
    assert (waiting["state"], waiting["attempts"]) == ("planned", 0)
    assert account(site)["state"] == "paused"
    assert "another account" in account(site)["reason"]
    assert site.run("post", "--account", "fedi", env=TWO).returncode == 3
    assert len(server.visible) == 1
    assert site.run("post", "--account", "fedi", env=ONE).returncode == 0
    assert len(server.visible) == 2


def test_a_lost_answer_is_not_settled_with_the_login_of_another(
    site: Site, server: MastodonServer
) -> None:
    """It has other keys and other posts: the same request again would be a second post."""
    site.post("a")
    assert _dying(site, "answered") == -signal.SIGKILL
    assert len(server.visible) == 1
    assert site.run("post", env=TWO).returncode == 3
    assert len(server.visible) == 1
    assert site.run("post", "--account", "fedi", env=ONE).returncode == 0
    assert len(server.visible) == 1
    assert site.json("status", env=ONE)["deliveries"] == []


def test_one_login_under_two_names(tmp_path: Path, server: MastodonServer) -> None:
    both = "".join(FEDI.format(name=name, base=server.base) for name in ("one", "two"))
    site = Site(tmp_path).configure(both, timeout=2, gap=0.05)
    assert site.run("post", "--first-run", env=ONE).returncode == 0
    site.post("a")
    told = site.run("post", env=ONE)
    assert told.returncode == 3
    assert "already" in told.stdout + told.stderr
    assert len(server.visible) == 1
    states = sorted(a["state"] for a in site.json("status", env=ONE)["accounts"])
    assert states == ["paused", "ready"]


def test_a_server_that_is_away_pauses_nothing(
    site: Site, server: MastodonServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = wiring.system_world
    monkeypatch.setattr(wiring, "system_world", lambda: replace(real(), jitter=lambda: 0.9))
    site.post("a")
    server.ill = True
    told = site.run("post", env=ONE)
    assert told.returncode == 0
    assert "fedi: nothing is sent for now: 127.0.0.1" in told.stderr
    assert account(site)["state"] == "waiting"
    assert "reached" in account(site)["reason"]
    (waiting,) = site.json("status", env=ONE)["deliveries"]
    assert (waiting["state"], waiting["attempts"]) == ("planned", 0)
    server.ill = False
    assert site.run("post", "content/posts/a.md", env=ONE).returncode == 0
    assert len(server.visible) == 1


def test_nothing_is_asked_where_nothing_is_due(site: Site, server: MastodonServer) -> None:
    site.post("a")
    site.run("post", env=ONE)
    before = len(server.calls)
    site.run("post", env=ONE)
    assert len(server.calls) == before


def test_it_costs_no_login(tmp_path: Path) -> None:
    with BlueskyServer(ONE["TOKEN"], _now) as server:
        site = Site(tmp_path).configure(BLUESKY.format(base=server.base))
        assert site.run("post", "--first-run", env=ONE).returncode == 0
        for number in (1, 2, 3):
            site.post(f"p{number}", day=number)
            assert site.run("post", env=ONE).returncode == 0
        assert len(server.visible) == 3
        assert (server.logins, server.refreshes) == (1, 0)


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251


def _dying(site: Site, place: str) -> int:
    return subprocess.run(
        [sys.executable, "-m", "tests.dying", place, "1", "post"],
        cwd=site.root,
        env={**os.environ, **ONE, "PYTHONPATH": str(Path(__file__).parent.parent)},
        capture_output=True,
        timeout=60,
        check=False,
    ).returncode
