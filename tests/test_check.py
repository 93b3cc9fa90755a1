"""`bot check`: who every account is, and that a name keeps its account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.app.checkup import checkup, rotates
from bot.app.login import login
from bot.app.owners import check_owner
from bot.app.wiring import App
from bot.cli import main as command_line
from bot.errors import Unauthorized, UsageError
from tests.fakes.mastodon_server import MastodonServer
from tests.test_login import TOKEN, Person, app, mastodon, now

FILE = '[[accounts]]\nname = "lines"\nnetwork = "file"\npath = "out.jsonl"\n'


@pytest.fixture
def server() -> Iterator[MastodonServer]:
    with MastodonServer(now=now) as fake:
        yield fake


def token(root: Path, name: str, value: str) -> str:
    (root / name).write_text(value)
    return f'token = {{ file = "{name}" }}'


def begun(wired: App) -> None:
    """A ledger with the accounts in it, as after the first run."""
    at = wired.ledger.now()
    wired.ledger.agree_first_run("https://blog.example/", at)
    for account in wired.accounts:
        wired.ledger.baseline(account.name, account.network, [], at)


def test_every_account_is_asked(
    tmp_path: Path,
    server: MastodonServer,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    accounts = FILE + mastodon(server.base, "fedi", token(tmp_path, "t", TOKEN))
    accounts += mastodon(server.base, "old", token(tmp_path, "u", "expired"))
    accounts += mastodon(server.base, "off", "enabled = false")
    with app(tmp_path, accounts):
        pass
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        command_line.main(["check", "--json"])
    assert ended.value.code == 1
    lines, fedi, old = json.loads(capfd.readouterr().out)["accounts"]
    assert (lines["name"], lines["who"], lines["error"]) == ("lines", None, None)
    host = server.base.removeprefix("http://")
    assert fedi == {
        "name": "fedi",
        "network": "mastodon",
        "id": f"1001@{host}",
        "who": f"@alice@{host}",
        "limit": 500,
        "unit": "graphemes",
        "left": 299,
        "resets": None,
        "ends": None,
        "warning": None,
        "error": None,
    }
    assert old["error"]["code"] == "unauthorized"
    assert server.visible == []
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("state", "login", "warned"),
    [
        ("", 'client_id = "abc"', False),
        ('[state]\ngit = { branch = "bot-state" }\n', 'client_id = "abc"', True),
        ('[state]\ngit = { branch = "bot-state" }\n', 'consumer_key = { env = "K" }', False),
    ],
)
def test_a_login_that_changes_is_warned_of_where_nothing_is_kept(
    tmp_path: Path, state: str, login: str, warned: bool
) -> None:
    with app(tmp_path, f'{state}[[accounts]]\nname = "x"\nnetwork = "x"\n{login}\n') as wired:
        assert (rotates(wired, wired.accounts[0]) is not None) == warned


def test_what_a_person_reads(
    tmp_path: Path,
    server: MastodonServer,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    accounts = mastodon(server.base, "fedi", token(tmp_path, "t", TOKEN))
    accounts += mastodon(server.base, "bare")
    with app(tmp_path, accounts):
        pass
    monkeypatch.chdir(tmp_path)
    for words, code in (["check"], 1), (["check", "fedi"], 0):
        with pytest.raises(SystemExit) as ended:
            command_line.main(list(words))
        assert ended.value.code == code
    told = capfd.readouterr().out
    assert "@alice@127.0.0.1" in told
    assert "299" in told
    assert "bot login bare" in told
    assert TOKEN not in told


def test_a_name_that_is_not_there(tmp_path: Path) -> None:
    with app(tmp_path, FILE) as wired, pytest.raises(UsageError, match="nobody"):
        checkup(wired, ["nobody"])


def test_the_account_is_remembered_at_its_first_login(
    tmp_path: Path, server: MastodonServer
) -> None:
    accounts = mastodon(server.base, "fedi", token(tmp_path, "t", TOKEN))
    with app(tmp_path, accounts) as wired:
        begun(wired)
        for _ in range(2):
            (checked,) = checkup(wired, [])
            assert checked.error is None
        assert checked.identity is not None
        assert wired.ledger.targets()["fedi"].remote_id == checked.identity.id


def test_another_account_under_the_same_name(tmp_path: Path, server: MastodonServer) -> None:
    accounts = mastodon(server.base, "fedi", token(tmp_path, "t", TOKEN))
    with app(tmp_path, accounts) as wired:
        begun(wired)
        check_owner(wired, "fedi")
        before = wired.ledger.targets()["fedi"].remote_id
        (tmp_path / "t").write_text("the token of somebody else")
        (checked,) = checkup(wired, [])
        assert checked.error is not None
        assert checked.error.code == "another-account"
        server.codes["code"] = "yet another token"
        with pytest.raises(Unauthorized):
            login(wired, "fedi", Person("code"), keep=True)
        assert (tmp_path / "t").read_text() == "the token of somebody else"
        assert wired.ledger.targets()["fedi"].remote_id == before
    with app(tmp_path, accounts) as again, pytest.raises(Unauthorized):
        check_owner(again, "fedi")


def test_one_account_under_two_names(tmp_path: Path, server: MastodonServer) -> None:
    one = mastodon(server.base, "one", token(tmp_path, "t", TOKEN))
    two = mastodon(server.base, "two", token(tmp_path, "t", TOKEN))
    with app(tmp_path, one + two) as wired:
        codes = [c.error.code if c.error else None for c in checkup(wired, [])]
        assert codes == [None, "same-account"]
        begun(wired)
        check_owner(wired, "one")
        with pytest.raises(Unauthorized, match="one"):
            check_owner(wired, "two")
    with app(tmp_path, two) as wired:  # the other name is no longer configured
        check_owner(wired, "two")
