"""Nothing but declared hosts is called, no redirect is followed, and secrets are told nowhere: not at
DEBUG, not in errors, not in the ledger, not in what is written for readers. All networks, by the
commands."""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.app.journal import LIBRARIES
from bot.errors import PosterError
from bot.net import Net
from bot.posters import x
from bot.settings import Account, Secret
from tests.fakes.bluesky_server import BlueskyServer
from tests.fakes.http import FakeServer
from tests.fakes.mastodon_server import MastodonServer
from tests.fakes.misskey_server import MisskeyServer
from tests.fakes.x_server import CLIENT_ID, XServer
from tests.posters.contract import CANARY, PICTURE, Resolver, TestClock, draft, picture
from tests.site import Site

KEYS = {name: f"{CANARY}-{name}" for name in x.SECRETS}
QUICK = ["", "422"]
FAULTS = ["302", "401", "429", "drop_after", "502_after", "garbage_after"]


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251


@dataclass(frozen=True)
class Net4:
    """An account at a fake: `issued` tells the tokens that the server gave."""

    server: FakeServer
    toml: str
    env: dict[str, str]
    issued: Callable[[], list[str]] = list


def on_mastodon() -> Net4:
    server = MastodonServer()
    toml = f'network = "mastodon"\ninstance = "{server.base}"\ntoken = {{ env = "S" }}\n'
    return Net4(server, toml, {"S": CANARY})


def on_misskey() -> Net4:
    server = MisskeyServer(CANARY, now)
    toml = f'network = "misskey"\ninstance = "{server.base}"\ntoken = {{ env = "S" }}\n'
    return Net4(server, toml, {"S": CANARY})


def on_bluesky() -> Net4:
    server = BlueskyServer(CANARY, now)
    toml = f'network = "bluesky"\nhandle = "alice.test"\npds = "{server.base}"\n'
    issued = lambda: sorted(server._access | server._refresh)  # noqa: E731
    return Net4(server, toml + 'app_password = { env = "S" }\n', {"S": CANARY}, issued)


def on_x_by_keys() -> Net4:
    lines = [f'{name} = {{ env = "{name.upper()}" }}\n' for name in KEYS]
    env = {name.upper(): value for name, value in KEYS.items()}
    return Net4(XServer(KEYS, now), 'network = "x"\n' + "".join(lines), env)


def on_x_by_login() -> Net4:
    server = XServer({}, now)
    server.refresh, server.client_secret = f"{CANARY}-refresh", f"{CANARY}-client"
    toml = (
        f'network = "x"\nclient_id = "{CLIENT_ID}"\nclient_secret = {{ env = "C" }}\n'
        'refresh_token = { env = "S" }\n'
    )
    env = {"S": f"{CANARY}-refresh", "C": f"{CANARY}-client"}
    return Net4(server, toml, env, lambda: [server.refresh, *server.access])


WAYS = (on_mastodon, on_misskey, on_bluesky, on_x_by_keys, on_x_by_login)


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__.removeprefix("on_"))
def net(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Net4]:
    made: Net4 = request.param()
    with made.server:
        monkeypatch.setattr(x, "SERVER", made.server.base)
        yield made


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every address that this process connects to."""
    addresses: list[Any] = []
    connect = socket.socket.connect

    def noted(self: socket.socket, address: Any) -> None:
        addresses.append(address)
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", noted)
    return addresses


@contextmanager
def everything_logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All that anybody logs goes to stderr, at DEBUG, also the libraries that `bot run` keeps quiet
    (another test of this process may have)."""
    configure = logging.basicConfig
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.NOTSET)
    with monkeypatch.context() as patch:
        patch.setattr(
            logging,
            "basicConfig",
            lambda **_: configure(stream=sys.stderr, level=logging.DEBUG, force=True),
        )
        yield
    logging.getLogger().setLevel(logging.WARNING)


@pytest.mark.parametrize(
    "fault",
    [*QUICK, *(pytest.param(fault, marks=pytest.mark.slow) for fault in FAULTS)],
    ids=lambda fault: fault or "well",
)
def test_by_the_commands(
    net: Net4, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, connected: list[Any]
) -> None:
    site = Site(tmp_path).configure(f'[[accounts]]\nname = "a"\n{net.toml}', timeout=0.8, gap=0.01)
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "c.png").write_bytes(PICTURE)
    assert site.run("post", "--first-run", env=net.env).returncode == 0
    site.post("new", more='cover: { image: "/c.png", alt: "山" }\n')
    net.server.echo = True
    net.server.script.extend([fault] if fault else [])
    told: list[str] = []
    with everything_logged(monkeypatch):
        for words in (
            ["post"],
            ["check"],
            ["check", "--json"],
            ["status", "--all"],
            ["status", "--all", "--json"],
            ["log", "content/posts/new.md"],
            ["verify"],
            ["feed"],
            ["state", "export", "out.jsonl"],
            ["post", "--account", "a"],
        ):
            ran = site.run(*words, env=net.env)
            told += [ran.stdout, ran.stderr]
    if fault not in ("401", "422", "429"):  # refusals differ, and waits are left to chance
        assert len(net.server.shown("visible")) == 1
    assert "DEBUG" in "".join(told)
    assert ("you sent" in "".join(told)) == (fault in ("401", "422", "429"))
    secrets = {CANARY, *net.issued()}
    for secret in secrets:
        assert secret not in "".join(told)
    kept = tmp_path / "state" / "sessions"
    for file in (f for f in tmp_path.rglob("*") if f.is_file()):
        if file.is_relative_to(kept):
            assert file.stat().st_mode & 0o077 == 0 or file.suffix == ".lock"
        else:
            content = file.read_bytes()
            assert not [s for s in secrets if s.encode() in content], file
    assert set(connected) == {("127.0.0.1", net.server.port)}
    assert not [call for call in net.server.calls if call.path == "/elsewhere"]
    assert net.server.violations == []


def test_x_is_called_at_its_own_hosts_alone(tmp_path: Path) -> None:
    resolver = Resolver()
    resolver.broken = True
    net = Net(1, TestClock(), resolve=resolver)
    named: dict[str, Any] = {name: Secret(env=name) for name in KEYS}
    by_keys = Account(name="k", network="x", **named)
    by_login = Account(name="l", network="x", client_id="c", refresh_token=Secret(env="r"))
    for account in (by_keys, by_login):
        poster = x.make(account, lambda _: "secret", net, tmp_path)
        with pytest.raises(PosterError):
            poster.prepare(draft(image=picture(tmp_path)), 0, (), True)
        with pytest.raises(PosterError):
            poster.commit({"text": "a"}, "key", lambda: None)
        with pytest.raises(PosterError):
            poster.identity()
    assert resolver.asked == {"api.twitter.com", "api.x.com"}
