"""The sweep before real servers: bot is killed at every place of the dispatcher, and once more where
it settles what the first death left in doubt. What the server itself shows is counted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bot.net import Net
from tests.fakes import pds
from tests.posters import snac
from tests.posters.contract import TestClock
from tests.posters.test_real_pds import PdsRig
from tests.site import Site

pytestmark = [pytest.mark.real, pytest.mark.slow]

DEATHS = [
    [("claimed", 1)],
    [("prepared", 1)],
    [("sending", 1)],
    [("answered", 1)],
    [("sent", 1)],
    [("sending", 2)],
    [("answered", 2)],
    [("sending", 1), ("SETTLES", 1)],
    [("answered", 1), ("SETTLES", 1)],
    [("answered", 2), ("SETTLES", 1)],
]
"""Each run of the command, and the how-manieth time at which place it dies."""
KINDS = {
    "link": "",
    "no-link": 'template = "{{ title }}"\n',
    "thread": "thread = true\nlimit = 50\n",
}
BLUESKY = """
[[accounts]]
name = "sky"
network = "bluesky"
handle = "{handle}"
pds = "{base}"
app_password = {{ env = "SECRET" }}
"""
MASTODON = """
[[accounts]]
name = "fedi"
network = "mastodon"
instance = "{base}"
token = {{ env = "SECRET" }}
"""
_names = (f"swept{number}" for number in count())


@dataclass(frozen=True)
class Account:
    """`posts`: what people see there: (text, id, the parent's id). `settles`: how a lost answer is
    settled there."""

    toml: str
    secret: str
    posts: Callable[[], list[tuple[str, str, str | None]]]
    settles: str


@pytest.fixture(scope="module")
def pds_base() -> Iterator[str]:
    if not pds.installed():
        pytest.skip("the PDS is not installed: python -m tests.fakes.pds")
    with pds.running() as base:
        yield base


@pytest.fixture(scope="module")
def snac_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[snac.Snac]:
    if not snac.installed():
        pytest.skip("snac2 is not installed (Debian: snac2)")
    folder = tmp_path_factory.mktemp("snac") / "data"
    with snac.running(folder, Net(10, TestClock())) as server:
        yield server


@pytest.fixture(params=["bluesky", "snac"])
def account(request: pytest.FixtureRequest, tmp_path: Path) -> Account:
    if request.param == "bluesky":
        return _on_bluesky(request.getfixturevalue("pds_base"), tmp_path)
    return _on_snac(request.getfixturevalue("snac_server"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("deaths", DEATHS, ids=lambda d: "-".join(f"{p}{n}" for p, n in d))
def test_killed_at_every_place(
    account: Account, tmp_path: Path, deaths: list[tuple[str, int]], kind: str
) -> None:
    site = Site(tmp_path).configure(account.toml + KINDS[kind], timeout=2, gap=0.2)
    env = {"SECRET": account.secret}
    assert site.run("post", "--first-run", env=env).returncode == 0
    site.post("a", title="ひとつめの記事")
    site.post("b", title="ふたつめの記事")
    drafts = site.json("post", "--dry-run", env=env)["deliveries"]
    for place, number in deaths:
        place = account.settles if place == "SETTLES" else place
        assert _dying(site, env, place, number) == -signal.SIGKILL
    for _ in range(3):
        last = site.run("post", env=env)
    assert last.returncode == 0, last.stderr
    assert site.json("status", env=env)["deliveries"] == []
    posts = account.posts()
    texts = [text for text, _, _ in posts]
    assert len(texts) == len(set(texts)) == sum(len(draft["parts"]) for draft in drafts)
    assert [len(draft["parts"]) > 1 for draft in drafts] == [kind == "thread"] * 2
    there = {id for _, id, _ in posts}
    parents = [parent for _, _, parent in posts if parent is not None]
    assert len(set(parents)) == len(parents) == len(posts) - 2
    assert set(parents) <= there


def _on_bluesky(base: str, root: Path) -> Account:
    rig = PdsRig(base, root / "rig")

    def posts() -> list[tuple[str, str, str | None]]:
        values = [(record["value"], record["uri"]) for record in rig.visible()]
        return [
            (v["text"], id, v["reply"]["parent"]["uri"] if "reply" in v else None)
            for v, id in values
        ]

    toml = BLUESKY.format(handle=rig.handle, base=base)
    return Account(toml, rig.password, posts, "repeating")


def _on_snac(server: snac.Snac) -> Account:
    net = Net(10, TestClock())
    token = server.add_user(next(_names), net)

    def get(path: str) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        return net.request("GET", server.base + path, headers=headers).json()

    def posts() -> list[tuple[str, str, str | None]]:
        me = get("/api/v1/accounts/verify_credentials")["id"]
        found = get(f"/api/v1/accounts/{me}/statuses?limit=40")
        return [(post["content"], post["id"], post["in_reply_to_id"]) for post in found]

    return Account(MASTODON.format(base=server.base), token, posts, "looked")


def _dying(site: Site, env: dict[str, str], place: str, number: int) -> int:
    return subprocess.run(
        [sys.executable, "-m", "tests.dying", place, str(number), "post"],
        cwd=site.root,
        env={**os.environ, **env, "PYTHONPATH": str(Path(__file__).parent.parent)},
        capture_output=True,
        timeout=60,
        check=False,
    ).returncode
