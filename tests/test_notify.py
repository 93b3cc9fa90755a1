"""Who looks after bot is told once a turn, the same trouble once a day, and it hurts nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.app.health import Trouble
from bot.app.notify import DAY, Notifier, Told, turn
from bot.app.wiring import App, World
from bot.config import load
from bot.i18n import msg
from tests.fakes.http import Call, FakeServer, Reply
from tests.fakes.smtp import SmtpServer
from tests.outbox.world import FakeClock
from tests.site import FILE_ACCOUNT, Site

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = DAY // 24


def trouble(code: str, account: str | None = None) -> Trouble:
    return Trouble(code=code, account=account, message=msg("it is {code}", code=code))


class Hook(FakeServer):
    """A webhook: keeps what comes, answers as it is told."""

    status = 200

    def handle(self, call: Call) -> Reply:
        return Reply(self.status, {})

    def is_visible(self, call: Call) -> bool:
        return True

    def told(self) -> list[Any]:
        return [call.json() for call in self.calls]


# --- what is news ---------------------------------------------------------------------------------


def days(steps: Sequence[tuple[int, list[str]]]) -> list[str | None]:
    """What is told at these hours, with these troubles."""
    told, found = Told(), list[str | None]()
    for hour, codes in steps:
        news, told = turn(told, [trouble(code) for code in codes], 10**15 + hour * HOUR)
        found.append(news)
    return found


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([(0, [])], [None]),
        ([(0, ["dead"]), (1, ["dead"]), (2, [])], ["bad", None, "well"]),
        ([(0, ["dead"]), (23, ["dead"]), (24, ["dead"]), (25, ["dead"])], ["bad", None, "bad", None]),
        ([(0, ["disk"]), (1, ["disk", "paused"]), (2, ["paused"])], ["bad", "bad", None]),
        # What comes and goes all day is told once.
        ([(0, ["disk"]), (1, []), (2, ["disk"]), (3, []), (4, ["disk"])], ["bad", "well", None, None, None]),
        ([(0, ["disk"]), (1, []), (25, ["disk"]), (26, [])], ["bad", "well", "bad", "well"]),
        # A clock that is set back keeps nobody from being told.
        ([(48, ["disk"]), (0, ["disk"])], ["bad", "bad"]),
    ],
)  # fmt: skip
def test_a_turn_is_told_once_and_the_same_trouble_once_a_day(
    steps: list[tuple[int, list[str]]], expected: list[str | None]
) -> None:
    assert days(steps) == expected


def test_two_accounts_have_troubles_of_their_own() -> None:
    _, told = turn(Told(), [trouble("paused", "a")], 10**15)
    news, _ = turn(told, [trouble("paused", "a"), trouble("paused", "b")], 10**15)
    assert news == "bad"


# --- the ways -------------------------------------------------------------------------------------


def app(root: Path, more: str, clock: FakeClock, environ: dict[str, str]) -> App:
    Site(root).configure(FILE_ACCOUNT + more)
    return App(load(None, str(root)), World(clock=clock, environ=environ, jitter=float, owner="t"))


def notice(notifier: Notifier, *troubles: Trouble) -> bool:
    """Whether something was to be told; it has been, or it failed."""
    work = notifier.notice(troubles)
    if work is not None:
        work.join()
    return work is not None


def test_a_webhook_gets_json_at_each_turn(tmp_path: Path) -> None:
    with Hook() as hook:
        clock = FakeClock(NOW)
        one = app(tmp_path, "[notify]\nwebhook = { env = 'HOOK' }\n", clock, {"HOOK": hook.base})
        notifier = Notifier(one)
        assert notifier.wanted
        assert notice(notifier, trouble("paused", "m"))
        assert not notice(notifier, trouble("paused", "m"))
        assert notice(Notifier(one))  # a process that was started anew knows what was told
        bad, well = hook.told()
        assert (bad["health"], well["health"]) == ("bad", "well")
        assert bad["site"] == "blog.example"
        assert bad["troubles"] == [{"code": "paused", "account": "m", "message": "it is paused"}]
        assert "it is paused" in bad["text"]
        assert bad["text"] == bad["content"]
        assert well["troubles"] == []


def test_what_could_not_be_told_is_told_later(tmp_path: Path) -> None:
    with Hook() as hook:
        clock = FakeClock(NOW)
        notifier = Notifier(
            app(tmp_path, "[notify]\nwebhook = { env = 'HOOK' }\n", clock, {"HOOK": hook.base})
        )
        hook.status = 500
        assert notice(notifier, trouble("disk"))
        assert not notice(notifier, trouble("disk"))  # not at every tick
        hook.status = 200
        clock.go(601)
        assert notice(notifier, trouble("disk"))
        assert not notice(notifier, trouble("disk"))
        assert len(hook.calls) == 2


def test_nobody_there_hurts_nothing_and_tells_no_address(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "http://127.0.0.1:9/hooks/s3cr3t"
    notifier = Notifier(
        app(tmp_path, "[notify]\nwebhook = { env = 'H' }\n", FakeClock(NOW), {"H": secret})
    )
    assert notice(notifier, trouble("disk"))
    assert "nobody could be told" in caplog.text
    assert "s3cr3t" not in caplog.text


def test_a_mail_is_sent(tmp_path: Path) -> None:
    with SmtpServer() as server:
        more = (
            f'[notify.mail]\nhost = "127.0.0.1"\nport = {server.port}\nsecurity = "none"\n'
            'sender = "bot@blog.example"\nto = ["me@blog.example"]\n'
        )
        clock = FakeClock(NOW)
        notifier = Notifier(app(tmp_path, more, clock, {}))
        assert notice(notifier, trouble("disk"))
        ((sender, to, data),) = server.mails
        assert "bot@blog.example" in sender
        assert "me@blog.example" in to[0]
        assert "Subject: bot of blog.example: something is wrong" in data
        assert "it is disk" in data
        server.refuse = True
        clock.go(86_401)
        assert notice(notifier, trouble("disk"))
        assert len(server.mails) == 1
        server.refuse = False
        clock.go(601)
        assert notice(notifier, trouble("disk"))
        assert len(server.mails) == 2


def test_what_is_kept_of_it_is_for_its_owner_alone(tmp_path: Path) -> None:
    with Hook() as hook:
        clock = FakeClock(NOW)
        notifier = Notifier(
            app(tmp_path, "[notify]\nwebhook = { env = 'HOOK' }\n", clock, {"HOOK": hook.base})
        )
        notice(notifier, trouble("disk"))
    file = tmp_path / "state" / "told.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text())["bad"] is True
