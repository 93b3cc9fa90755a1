"""A sweep, not a sample: a real process is killed at every place of the dispatcher, against servers
that keep the list of visible posts: nothing twice, nothing lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bot.app import wiring
from tests.fakes.mastodon_server import MastodonServer
from tests.site import Site
from tests.test_kill import ACCOUNT, ENV

PLACES = [
    ("claimed", ""),
    ("prepared", ""),
    ("sending", ""),
    ("answered", ""),
    ("sent", ""),
    ("repeating", "drop_after"),
    ("looked", "drop_after"),
    ("looked", "drop_before"),
]
TRIES = 3
THREAD = "thread = true\nlimit = 50\n"
NO_LINK = 'template = "{{ title }}"\n'


@pytest.mark.slow
@pytest.mark.parametrize(
    ("store", "flavour", "more"),
    [
        ("sqlite", "mastodon", ""),
        ("sqlite", "gotosocial", ""),
        ("sqlite", "gotosocial", NO_LINK),
        ("sqlite", "mastodon", THREAD),
        ("sqlite", "gotosocial", THREAD),
        ("postgresql", "mastodon", ""),
        ("postgresql", "gotosocial", THREAD),
    ],
    ids=lambda value: value.split(" ")[0] or "link",
)
@pytest.mark.parametrize(("place", "fault"), PLACES, ids=lambda value: value or "well")
def test_killed_at_every_place(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    store: str,
    flavour: str,
    more: str,
    place: str,
    fault: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # On a slow machine a call may be cut off: it is made again at once.
    real = wiring.system_world
    monkeypatch.setattr(wiring, "system_world", lambda: replace(real(), jitter=lambda: 0.0))
    with MastodonServer(flavour) as server:
        site = Site(tmp_path).configure(
            ACCOUNT.format(base=server.base) + more, timeout=1, gap=0.05
        )
        if store == "postgresql":
            on_postgresql(site, request.getfixturevalue("postgres_url"))
        assert site.run("post", "--first-run", env=ENV).returncode == 0
        site.post("a", title="ひとつめの記事")
        site.post("b", title="ふたつめの記事")
        expected = sum(
            len(d["parts"]) for d in site.json("post", "--dry-run", env=ENV)["deliveries"]
        )
        assert expected == (4 if more == THREAD else 2)
        server.script.extend([fault] if fault else [])
        applies = not (place == "repeating" and flavour == "gotosocial")
        applies &= not (place == "looked" and flavour == "mastodon")
        ended = [_dying(site, place)]
        while applies and ended[-1] == 0 and len(ended) < TRIES:
            ended.append(_dying(site, place))
        assert (ended[-1] == -signal.SIGKILL) == applies
        for _ in range(3):
            last = site.run("post", env=ENV)
        assert last.returncode == 0, last.stderr
        texts = [post["content"] for post in server.visible]
        assert len(texts) == len(set(texts)) == expected
        assert site.json("status", env=ENV)["deliveries"] == []
        assert server.violations == []


def _dying(site: Site, place: str) -> int:
    process = subprocess.run(
        [sys.executable, "-m", "tests.dying", place, "1", "post"],
        cwd=site.root,
        env={**os.environ, **ENV, "PYTHONPATH": str(Path(__file__).parent.parent)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    return process.returncode


def on_postgresql(site: Site, url: str) -> None:
    file = site.root / "bot.toml"
    text = file.read_text().replace('language = "ja"', f'language = "ja"\nid = "{site.root}"')
    file.write_text(text + f'[state]\nurl = "{url}"\n')
