"""`bot login` in a terminal, as over SSH: an address is shown, what is seen there is typed; with what
comes out of it the account is ready, and shares."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.posters import x
from tests.fakes.bluesky_server import BlueskyServer
from tests.fakes.http import FakeServer
from tests.fakes.mastodon_server import MastodonServer
from tests.fakes.misskey_server import MisskeyServer
from tests.fakes.x_server import CLIENT_ID, XServer
from tests.site import Site

SECRET = "terminal-secret-31"
KEYS = {name: f"{SECRET}-{name}" for name in x.SECRETS}
PATIENCE = 60
RUN = """
import sys
from bot.posters import x
x.SERVER = sys.argv[1]
from bot.cli.main import main
main(sys.argv[2:])
"""


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251


@dataclass(frozen=True)
class Way:
    """`answers`: the prompt's end, and what a person types there, having read the address."""

    server: FakeServer
    toml: str
    answers: list[tuple[str, Callable[[str], str]]]
    hidden: bool


def mastodon() -> Way:
    server = MastodonServer()
    server.codes["the code"] = SECRET
    toml = f'network = "mastodon"\ninstance = "{server.base}"\n'
    return Way(server, toml, [("shown there: ", lambda _: "the code")], hidden=False)


def misskey() -> Way:
    server = MisskeyServer(SECRET, now)

    def allow(address: str) -> str:
        server.allowed.add(urlsplit(address).path.removeprefix("/miauth/"))
        return ""

    toml = f'network = "misskey"\ninstance = "{server.base}"\n'
    return Way(server, toml, [("is done: ", allow)], hidden=False)


def bluesky() -> Way:
    server = BlueskyServer(SECRET, now)
    toml = f'network = "bluesky"\nhandle = "alice.test"\npds = "{server.base}"\n'
    return Way(server, toml, [("app password: ", lambda _: SECRET)], hidden=True)


def x_by_keys() -> Way:
    answers: list[tuple[str, Callable[[str], str]]] = [
        (": ", lambda _, value=value: value)  # type: ignore[misc]
        for value in KEYS.values()
    ]
    return Way(XServer(KEYS, now), 'network = "x"\n', answers, hidden=True)


def x_by_code() -> Way:
    server = XServer({}, now)

    def allow(address: str) -> str:
        asked = {name: value[0] for name, value in parse_qs(urlsplit(address).query).items()}
        server.allow("the-code", asked["code_challenge"], asked["redirect_uri"])
        return f"{asked['redirect_uri']}?state={asked['state']}&code=the-code"

    toml = f'network = "x"\nclient_id = "{CLIENT_ID}"\n'
    return Way(server, toml, [("no page: ", allow)], hidden=False)


@pytest.fixture(params=[mastodon, misskey, bluesky, x_by_keys, x_by_code])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Way]:
    made: Way = request.param()
    with made.server:
        monkeypatch.setattr(x, "SERVER", made.server.base)
        yield made


@pytest.mark.parametrize("prints", [False, True], ids=["file", "variable"])
def test_from_the_login_to_the_first_post(way: Way, prints: bool, tmp_path: Path) -> None:
    account = f'[[accounts]]\nname = "me"\n{way.toml}'
    site = Site(tmp_path).configure(account, timeout=5)
    words = ["login", "me", *(["--print"] if prints else [])]
    code, shown = typed(site, way, words)
    assert code == 0, shown
    assert re.search(r"https?://", shown)
    assert not (way.hidden and not prints and SECRET in shown)
    told = dict(re.findall(r"^(\w+)=(\S+)$", shown, re.M)) if prints else {}
    lines = "\n".join(re.findall(r"^\w+ = \{ .*? \}$", shown, re.M))
    settings = tomllib.loads(lines)
    assert settings
    for place in settings.values():
        if prints:
            assert set(place) == {"env"}
            assert told[place["env"]]
        else:
            file = tmp_path / place["file"]
            assert file.stat().st_mode & 0o777 == 0o600
    assert prints or not told
    site.configure(account + lines + "\n", timeout=5)
    checked = site.run("check", env=told)
    assert checked.returncode == 0, checked.stdout
    assert "me" in checked.stdout
    assert site.run("post", "--first-run", env=told).returncode == 0
    site.post("new")
    assert site.run("post", env=told).returncode == 0
    assert len(way.server.shown("visible")) == 1


def typed(site: Site, way: Way, words: list[str]) -> tuple[int, str]:
    """The command in a terminal of its own, and all that the person saw."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, way.server.base, *words],
        cwd=site.root,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent), "COLUMNS": "2000"},
    )
    os.close(theirs)
    shown, answered = "", 0
    waiting = list(way.answers)
    while True:
        if not select.select([ours], [], [], PATIENCE)[0]:
            process.kill()
            raise AssertionError(f"it waits for something else: {shown}")
        try:
            shown += os.read(ours, 65536).decode().replace("\r\n", "\n")
        except OSError:  # the terminal is gone with its last process
            break
        if waiting and shown[answered:].endswith(waiting[0][0]):
            addresses = re.findall(r"https?://\S+", shown)
            answer = waiting.pop(0)[1](addresses[-1] if addresses else "")
            answered = len(shown)
            os.write(ours, f"{answer}\n".encode())
    os.close(ours)
    return process.wait(30), shown


def test_without_a_terminal_no_warning_of_python_is_shown(tmp_path: Path) -> None:
    """`ssh host bot login sky < password`."""
    with BlueskyServer(SECRET, now) as server:
        account = f'network = "bluesky"\nhandle = "alice.test"\npds = "{server.base}"\n'
        site = Site(tmp_path).configure(f'[[accounts]]\nname = "sky"\n{account}')
        ran = subprocess.run(
            site.command("login", "sky"),
            cwd=site.root,
            input=f"{SECRET}\n",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ran.returncode == 0, ran.stderr
    assert "arning" not in ran.stderr
    assert ran.stdout.startswith("app_password = ")
