"""An image that fails never loses the post: it goes out without, and it is said."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.app import wiring
from bot.posters import x
from tests.fakes.bluesky_server import BlueskyServer
from tests.fakes.http import FakeServer, Reply
from tests.fakes.mastodon_server import MastodonServer
from tests.fakes.misskey_server import MisskeyServer
from tests.fakes.x_server import XServer, problem
from tests.posters.contract import PICTURE
from tests.site import Site

TOKEN = "a-token-of-a-test"
ENV = {"S": TOKEN}
COVER = 'cover: { image: "/c.png", alt: "山" }\n'


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251


@dataclass(frozen=True)
class Net:
    """A network, and the list of what it answers to the next uploads."""

    server: FakeServer
    toml: str
    uploads: list[Reply]
    refusal: Reply


def on_mastodon() -> Net:
    server = MastodonServer()
    toml = f'network = "mastodon"\ninstance = "{server.base}"\ntoken = {{ env = "S" }}\n'
    return Net(server, toml, server.media_script, Reply(422, {"error": "no"}))


def on_misskey() -> Net:
    server = MisskeyServer(TOKEN, now)
    toml = f'network = "misskey"\ninstance = "{server.base}"\ntoken = {{ env = "S" }}\n'
    full = Reply(400, {"error": {"code": "NO_FREE_SPACE", "message": "no"}})
    return Net(server, toml, server.upload_script, full)


def on_bluesky() -> Net:
    server = BlueskyServer(TOKEN, now)
    toml = f'network = "bluesky"\nhandle = "alice.test"\npds = "{server.base}"\n'
    large = Reply(413, {"error": "PayloadTooLarge", "message": "request entity too large"})
    return Net(server, toml + 'app_password = { env = "S" }\n', server.upload_script, large)


def on_x() -> Net:
    server = XServer(dict.fromkeys(x.SECRETS, TOKEN), now)
    toml = 'network = "x"\n' + "".join(f'{name} = {{ env = "S" }}\n' for name in x.SECRETS)
    uploads = server.script_for.setdefault("/2/media/upload", [])
    return Net(server, toml, uploads, problem(403, "Media type unrecognized."))


@pytest.fixture(params=[on_mastodon, on_misskey, on_bluesky, on_x])
def net(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Net]:
    made: Net = request.param()
    with made.server:
        monkeypatch.setattr(x, "SERVER", made.server.base)
        real = wiring.system_world  # without jitter what is to be tried again is due at once
        monkeypatch.setattr(wiring, "system_world", lambda: replace(real(), jitter=lambda: 0.0))
        yield made


@pytest.fixture
def site(net: Net, tmp_path: Path) -> Site:
    site = Site(tmp_path).configure(f'[[accounts]]\nname = "a"\n{net.toml}')
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "c.png").write_bytes(PICTURE)
    assert site.run("post", "--first-run", env=ENV).returncode == 0
    return site


def test_an_image_that_is_refused(net: Net, site: Site) -> None:
    net.uploads.append(net.refusal)
    site.post("a", more=COVER)
    told = site.run("post", env=ENV)
    assert told.returncode == 0
    assert len(net.server.shown("visible")) == 1
    assert "static/c.png: sent without it" in told.stderr
    assert "static/c.png: sent without it" in site.run("log", "content/posts/a.md", env=ENV).stdout


def test_uploading_that_fails_and_fails(net: Net, site: Site) -> None:
    net.uploads.extend([Reply(503, {"error": "later"})] * 9)
    site.post("a", more=COVER)
    told = site.run("post", env=ENV)
    assert told.returncode == 0
    assert len(net.server.shown("visible")) == 1
    assert len(net.uploads) == 6
    assert "sent without its image: 127.0.0.1" in told.stderr
    log = site.run("log", "content/posts/a.md", env=ENV).stdout
    assert "sent without its image: 127.0.0.1" in log


def test_an_image_that_is_no_image(net: Net, site: Site) -> None:
    (site.root / "static" / "c.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 99)
    site.post("a", more=COVER)
    told = site.run("post", env=ENV)
    assert told.returncode == 0
    assert len(net.server.shown("visible")) == 1
    assert "static/c.png" in told.stderr


def test_the_long_process_says_it_too(tmp_path: Path) -> None:
    net = on_misskey()
    with net.server:
        site = Site(tmp_path).configure(f'[[accounts]]\nname = "a"\n{net.toml}')
        (tmp_path / "static").mkdir()
        (tmp_path / "static" / "c.png").write_bytes(PICTURE)
        assert site.run("post", "--first-run", env=ENV).returncode == 0
        net.uploads.append(net.refusal)
        site.post("a", more=COVER)
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "run"],
            cwd=site.root,
            env={"PYTHONPATH": str(Path(__file__).parent.parent), **ENV},
            stderr=subprocess.PIPE,
            text=True,
        )
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        assert process.stderr is not None
        said = next((line for line in process.stderr if "sent without it" in line), "")
        process.terminate()
        process.communicate()
        watchdog.cancel()
    assert "static/c.png" in said
