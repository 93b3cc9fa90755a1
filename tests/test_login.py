"""`bot login`: each network's way, the files it leaves, and whose account it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.app.login import LoggedIn, login
from bot.app.wiring import App, World
from bot.cli import login as command
from bot.cli import main as command_line
from bot.config import load
from bot.errors import BotError, Rejected, Unauthorized, UsageError
from bot.i18n import Message
from bot.posters import x
from bot.posters.logins import X_REDIRECT
from bot.settings import Secret
from tests.fakes.bluesky_server import BlueskyServer
from tests.fakes.http import FakeServer
from tests.fakes.mastodon_server import MastodonServer
from tests.fakes.misskey_server import MisskeyServer
from tests.fakes.x_server import CLIENT_ID, XServer

TOKEN = "secret-token-77"


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the app's clock is the machine's


class Person:
    """Reads what is shown, and answers: with a text, or with what `reads` makes of the address."""

    def __init__(self, *answers: str | Any) -> None:
        self.answers, self.shown, self.asked_secret = list(answers), list[str](), list[bool]()

    def show(self, message: Message, url: str | None = None) -> None:
        self.shown.append(url or "")

    def ask(self, question: Message, *, secret: bool = False) -> str:
        self.asked_secret.append(secret)
        answer = self.answers.pop(0)
        return answer if isinstance(answer, str) else str(answer(self.shown[-1]))


@contextmanager
def app(root: Path, accounts: str) -> Iterator[App]:
    (root / "content").mkdir(exist_ok=True)
    (root / "bot.toml").write_text(f'[site]\nurl = "https://blog.example/"\n{accounts}')
    wired = App(load(str(root / "bot.toml"), str(root)), World(jitter=lambda: 0.5, owner="test"))
    try:
        yield wired
    finally:
        wired.close()


def mastodon(base: str, name: str = "fedi", more: str = "") -> str:
    return f'[[accounts]]\nname = "{name}"\nnetwork = "mastodon"\ninstance = "{base}"\n{more}\n'


@pytest.fixture
def server() -> Iterator[MastodonServer]:
    with MastodonServer(now=now) as fake:
        fake.codes["the code"] = TOKEN
        yield fake


def stored(root: Path, done: LoggedIn, setting: str) -> str:
    file = root / (done.places[setting].file or "")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o077 == 0
    return file.read_text().strip()


# --- the networks' ways -------------------------------------------------------------------------


def test_mastodon_registers_the_app_and_takes_the_code(
    tmp_path: Path, server: MastodonServer
) -> None:
    person = Person(" the code\n")
    with app(tmp_path, mastodon(server.base)) as wired:
        done = login(wired, "fedi", person, keep=True)
    address = urlsplit(person.shown[0])
    assert (address.path, address.netloc) == ("/oauth/authorize", server.base[7:])
    asked = parse_qs(address.query)
    assert asked["client_id"] == ["the client"]
    assert asked["scope"] == [server.app["scopes"]]
    assert done.places == {"token": Secret(file="state/secrets/fedi.token")}
    assert stored(tmp_path, done, "token") == TOKEN
    assert done.identity is not None
    assert done.identity.name == f"@alice@{server.base[7:]}"
    assert TOKEN not in repr(done)
    assert server.visible == []


def test_misskey_asks_for_a_session_that_a_person_allows(tmp_path: Path) -> None:
    with MisskeyServer(TOKEN, now) as server:

        def allow(address: str) -> str:
            session = urlsplit(address).path.removeprefix("/miauth/")
            assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", session)
            server.allowed.add(session)
            return ""

        account = f'[[accounts]]\nname="m"\nnetwork="misskey"\ninstance="{server.base}"\n'
        with app(tmp_path, account) as wired:
            with pytest.raises(Rejected, match="gives no login"):
                login(wired, "m", Person(""), keep=True)
            done = login(wired, "m", Person(allow), keep=True)
    assert stored(tmp_path, done, "token") == TOKEN


def test_bluesky_takes_an_app_password(tmp_path: Path) -> None:
    with BlueskyServer(TOKEN, now) as server:
        account = (
            f'[[accounts]]\nname="b"\nnetwork="bluesky"\nhandle="alice.test"\npds="{server.base}"\n'
        )
        person = Person(TOKEN)
        with app(tmp_path, account) as wired:
            with pytest.raises(Unauthorized):
                login(wired, "b", Person("wrong"), keep=True)
            assert not (tmp_path / "state" / "secrets").exists()
            done = login(wired, "b", person, keep=True)
    assert person.asked_secret == [True]
    assert stored(tmp_path, done, "app_password") == TOKEN


@pytest.fixture
def x_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[XServer]:
    names = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
    with XServer({name: f"{TOKEN}-{name}" for name in names}, now) as fake:
        monkeypatch.setattr(x, "SERVER", fake.base)
        yield fake


def test_x_takes_the_keys_of_an_app(tmp_path: Path, x_server: XServer) -> None:
    with app(tmp_path, '[[accounts]]\nname="x"\nnetwork="x"\n') as wired:
        person = Person(*x_server.secrets.values())
        done = login(wired, "x", person, keep=True)
    assert {name: stored(tmp_path, done, name) for name in done.places} == x_server.secrets
    assert person.asked_secret == [True] * 4


def agree(x_server: XServer, **changed: str) -> Any:
    """Allows the login at X, and gives the address that the browser ends at."""

    def read(address: str) -> str:
        asked = {name: value[0] for name, value in parse_qs(urlsplit(address).query).items()}
        assert asked["code_challenge_method"] == "S256"
        x_server.allow("the-code", asked["code_challenge"], asked["redirect_uri"])
        state = changed.get("state", asked["state"])
        return f"{X_REDIRECT}?state={state}&code={changed.get('code', 'the-code')}"

    return read


ON_X = f'[[accounts]]\nname="x"\nnetwork="x"\nclient_id="{CLIENT_ID}"\n'


def test_x_with_a_code(tmp_path: Path, x_server: XServer) -> None:
    with app(tmp_path, ON_X) as wired:
        done = login(wired, "x", Person(agree(x_server)), keep=True)
    assert stored(tmp_path, done, "refresh_token") == x_server.refresh
    again = ON_X + f'refresh_token = {{ file = "{done.places["refresh_token"].file}" }}\n'
    with app(tmp_path, again) as wired:
        poster = x.make(wired.accounts[0], wired.read_secret, wired.net(), tmp_path)
        assert poster.identity().id == "42"
    assert x_server.rotations == 1


def test_x_with_a_code_that_is_printed_is_not_used_up(tmp_path: Path, x_server: XServer) -> None:
    with app(tmp_path, ON_X) as wired:
        done = login(wired, "x", Person(agree(x_server)), keep=False)
    assert done.values["refresh_token"] == x_server.refresh
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("changed", [{"state": "another"}, {"code": "wrong"}, {"code": ""}])
def test_x_with_what_is_not_of_this_login(
    tmp_path: Path, x_server: XServer, changed: dict[str, str]
) -> None:
    with app(tmp_path, ON_X) as wired, pytest.raises(BotError):
        login(wired, "x", Person(agree(x_server, **changed)), keep=True)
    assert not (tmp_path / "state" / "secrets").exists()


# --- where it goes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "keep", "place"),
    [
        ("", True, Secret(file="state/secrets/my%20%2F%E6%97%A5.token")),
        ("", False, Secret(env="MY____TOKEN")),
        ('token = { file = "private/t" }', True, Secret(file="private/t")),
        ('token = { env = "T" }', True, Secret(file="state/secrets/my%20%2F%E6%97%A5.token")),
        ('token = { env = "T" }', False, Secret(env="T")),
    ],
)
def test_the_place_that_the_configuration_names_already(
    tmp_path: Path, server: MastodonServer, setting: str, keep: bool, place: Secret
) -> None:
    (tmp_path / "private").mkdir(mode=0o700)
    with app(tmp_path, mastodon(server.base, "my /日", setting)) as wired:
        done = login(wired, "my /日", Person("the code"), keep=keep)
    assert done.places == {"token": place}
    assert bool(list(tmp_path.rglob("*t*oken"))) == (place.file or "").endswith("token")


def test_the_command_prints_the_line_or_the_variable(
    tmp_path: Path,
    server: MastodonServer,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(command.Terminal, "ask", lambda *_, **__: "the code")
    monkeypatch.chdir(tmp_path)
    with app(tmp_path, mastodon(server.base)):
        pass
    outputs = []
    for words in ([], ["--print"], ["--json"], ["--print", "--json"]):
        server.codes["the code"] = TOKEN
        with pytest.raises(SystemExit) as ended:
            command_line.main(["login", "fedi", *words])
        assert ended.value.code == 0
        told = capfd.readouterr()
        assert TOKEN not in told.err
        assert "/oauth/authorize?" in told.err
        outputs.append(told.out)
    assert outputs[0] == 'token = { file = "state/secrets/fedi.token" }\n'
    assert outputs[1] == f"FEDI_TOKEN={TOKEN}\n"
    assert json.loads(outputs[2])["settings"] == {"token": {"file": "state/secrets/fedi.token"}}
    assert json.loads(outputs[2])["variables"] == {}
    assert json.loads(outputs[3])["variables"] == {"FEDI_TOKEN": TOKEN}


# --- what cannot be -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accounts", "name", "words"),
    [
        ("", "nobody", "no account nobody"),
        ('[[accounts]]\nname="f"\nnetwork="file"\npath="x"\n', "f", "needs no login"),
        ('[[accounts]]\nname="m"\nnetwork="mastodon"\n', "m", "No server address"),
        ('[[accounts]]\nname="m"\nnetwork="misskey"\n', "m", "No server address"),
        ('[[accounts]]\nname="b"\nnetwork="bluesky"\n', "b", "No handle"),
    ],
)
def test_what_cannot_be_logged_in_to(tmp_path: Path, accounts: str, name: str, words: str) -> None:
    with app(tmp_path, accounts) as wired, pytest.raises(UsageError, match=words):
        login(wired, name, Person(), keep=True)


@pytest.mark.parametrize("code", ["", "  ", "日本", "a\x00b", "https://m.example/?error=denied"])
def test_a_code_that_is_none(tmp_path: Path, server: MastodonServer, code: str) -> None:
    with app(tmp_path, mastodon(server.base)) as wired, pytest.raises(UsageError):
        login(wired, "fedi", Person(code), keep=True)


def test_a_code_that_the_server_does_not_know(tmp_path: Path, server: MastodonServer) -> None:
    with (
        app(tmp_path, mastodon(server.base)) as wired,
        pytest.raises(Rejected, match="invalid_grant"),
    ):
        login(wired, "fedi", Person("another"), keep=True)
    assert not (tmp_path / "state").exists()


def test_a_server_that_is_away(tmp_path: Path) -> None:
    fake: FakeServer = MastodonServer(now=now).start()
    base = fake.base
    fake.stop()
    with app(tmp_path, mastodon(base)) as wired, pytest.raises(BotError, match="reached"):
        login(wired, "fedi", Person("c"), keep=True)
