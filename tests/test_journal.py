"""What `bot run` tells: lines, objects, and what systemd hears."""

from __future__ import annotations

import io
import json
import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.app.journal import JsonLines, TextLines, about, set_up
from bot.app.systemd import Systemd
from bot.model import Delivery, State
from bot.settings import Log

DELIVERY = Delivery(
    id="0123456789abcdef",
    subject="s",
    account="m",
    network="mastodon",
    kind="share",
    generation=0,
    part=0,
    state=State.SENT,
    due=0,
    path="content/posts/a.md",
)


@pytest.fixture
def restored() -> Iterator[None]:
    """The root logger as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def written(format: str, level: str, say: str) -> str:
    out = io.StringIO()
    set_up(Log(format=format, level=level), out)
    log = logging.getLogger("bot.run")
    if say == "delivery":
        log.info("%s", "sent 記事", extra=about(DELIVERY))
    elif say == "library":
        logging.getLogger("httpx").info("GET https://m.example/?token=canary")
        logging.getLogger("httpcore").debug("headers: canary")
    else:
        try:
            raise ValueError("Authorization: Bearer canary")
        except ValueError:
            log.exception("a fault")
    return out.getvalue()


@pytest.mark.usefixtures("restored")
def test_an_object_a_line_names_account_post_and_delivery() -> None:
    line = json.loads(written("json", "info", "delivery"))
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "bot.run",
        "message": "sent 記事",
        "account": "m",
        "post": "content/posts/a.md",
        "delivery": "0123456789abcdef",
    }


@pytest.mark.usefixtures("restored")
def test_a_line_for_people_ends_in_the_id_that_bot_log_takes() -> None:
    assert written("text", "info", "delivery").endswith("INFO sent 記事 [01234567]\n")
    assert written("text", "warning", "delivery") == ""


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("format", ["text", "json"])
def test_no_fault_and_no_library_tells_a_secret(format: str) -> None:
    """The text of an exception may quote a request; its kind and its place are enough."""
    told = written(format, "debug", "fault")
    assert "ValueError" in told
    assert "test_journal.py" in told
    assert "canary" not in told
    assert "canary" not in written(format, "debug", "library")


def test_the_formats_are_one_line_for_json_and_many_for_people() -> None:
    record = logging.LogRecord("bot", logging.INFO, "", 0, "a\nb", (), None)
    assert "\n" not in JsonLines().format(record)
    assert "a\nb" in TextLines().format(record)


# --- systemd --------------------------------------------------------------------------------------


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_hears_what_is_told(tmp_path: Path, abstract: bool) -> None:
    name = f"@bot-test-{tmp_path.name}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind("\0" + name[1:] if abstract else name)
        ear.setblocking(False)
        told = Systemd({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "4000000"}, pid=5)
        told.ready()
        told.alive()
        told.reloading()
        told.stopping()
        heard = [ear.recv(1000).decode() for _ in range(4)]
    assert heard[0] == "READY=1"
    assert heard[1] == "WATCHDOG=1"
    assert heard[2].startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert heard[3] == "STOPPING=1"
    told.ready()  # nobody listens any more


@pytest.mark.parametrize(
    ("environ", "interval"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "5"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "6"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_fed_at_half_its_time(environ: dict[str, str], interval: float) -> None:
    assert Systemd(environ, pid=5).interval == interval


def test_without_systemd_nothing_is_told() -> None:
    silent = Systemd({"NOTIFY_SOCKET": "relative"}, pid=5)
    silent.ready()
    Systemd({}, pid=5).alive()
