"""`bot status`: a verdict first, the very command for what needs a person, numbers, and health."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from bot.app.heartbeat import Beat, Worker, beat_file, write_beat
from bot.app.report import status
from bot.app.wiring import App, SystemClock, World
from bot.config import load
from bot.i18n import msg
from bot.ledger import digest
from bot.model import Delivery, State
from bot.outbox.states import SECOND, dump, micros
from tests.fakes.mastodon_server import MastodonServer
from tests.outbox.world import FakeClock
from tests.site import FILE_ACCOUNT, Site

CLOCK = SystemClock()
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TOKEN = {"TOKEN": "a-token"}
MASTODON = """
[[accounts]]
name = "m"
network = "mastodon"
instance = "{base}"
token = {{ env = "TOKEN" }}
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path).configure()


def started(site: Site) -> Site:
    assert site.run("post", "--first-run").returncode == 0
    return site


def app_at(site: Site, clock: FakeClock, environ: dict[str, str] | None = None) -> App:
    world = World(clock=clock, environ=environ or {}, jitter=lambda: 0.0, owner="test")
    return App(load(None, str(site.root)), world)


def first_line(site: Site) -> str:
    return site.run("status").stdout.splitlines()[0]


# --- the verdict and its commands -----------------------------------------------------------------


def test_the_first_line_is_a_verdict(site: Site) -> None:
    assert "--first-run" in first_line(site)
    started(site)
    assert first_line(site) == "All is well; nothing waits."


def test_an_account_tells_its_last_share_and_the_day(site: Site) -> None:
    started(site)
    site.post("a")
    site.run("post")
    told = site.json("status")
    (account,) = told["accounts"]
    (line,) = site.lines()
    assert account["last"]["post"] == "content/posts/a.md"
    assert account["sent_in_24h"] == 1
    assert told["day"] == {"sent": 1, "failed": 0, "unknown": 0, "held": 0, "skipped": 0}
    assert told["well"] is True
    shown = site.run("status").stdout
    assert account["last"]["link"] is None
    assert line["url"]
    assert shown.rstrip().endswith("The last 24 hours: sent 1")


@pytest.mark.parametrize(
    ("said", "expected"), [("approve", "planned"), ("skip", "skipped"), ("retry", "planned")]
)
def test_the_command_that_is_shown_is_the_one_to_say(site: Site, said: str, expected: str) -> None:
    """Held and failed: what is shown is typed as it is, and works."""
    file = site.root / "bot.toml"
    if said == "retry":
        (site.root / "away").write_text("no folder")
        file.write_text(file.read_text().replace("out.jsonl", "away/out.jsonl"))
        started(site)
        site.post("a")
        app = app_at(site, FakeClock(CLOCK.now()))
        site.run("post")
        with app.ledger._writing() as c:
            c.execute(text("UPDATE deliveries SET state = 'failed' WHERE state <> 'skipped'"))
        app.close()
    else:
        file.write_text(file.read_text().replace("[publish]\n", "[publish]\nflood = 1\n"))
        started(site)
        site.post("a")
        site.post("b")
        site.run("post")
    rows = site.json("status")["deliveries"]
    row = rows[0]
    commands = [part.strip() for part in row["command"].split("|")]
    spoken = next((c for c in commands if said in c), f"bot {said} {commands[0].split()[-1]}")
    assert len(rows) == (1 if said == "retry" else 2)
    many = f"{len(rows)} deliveries need you."
    assert first_line(site) == ("1 delivery needs you." if len(rows) == 1 else many)
    assert row["command"] in site.run("status").stdout
    assert site.run(*spoken.split()[1:]).returncode == 0
    app = app_at(site, FakeClock(CLOCK.now()))
    states = [d.state.value for d in app.ledger.deliveries() if d.subject == _subject(app, row)]
    app.close()
    assert expected in states


def _subject(app: App, row: dict[str, Any]) -> str:
    found = app.ledger.get(row["id"])
    assert found is not None
    return found.subject


def test_ids_are_as_long_as_tells_them_apart(site: Site) -> None:
    file = site.root / "bot.toml"
    file.write_text(file.read_text().replace("[publish]\n", "[publish]\nflood = 1\n"))
    started(site)
    site.post("a")
    site.post("b")
    site.run("post")
    app = app_at(site, FakeClock(CLOCK.now()))
    one, other = (d.id for d in app.ledger.deliveries({State.HELD}))
    with app.ledger._writing() as c:
        twin = one[:10] + "f" * 22
        c.execute(text("UPDATE deliveries SET id = :twin WHERE id = :id"), {"twin": twin, "id": other})  # fmt: skip
    shown = {row.id for row in status(app, all=False).open}
    app.close()
    assert len(shown) == 2
    assert all(len(id) > 10 for id in shown)


def test_what_waits_says_why_and_until_when(site: Site) -> None:
    with MastodonServer() as server:
        site.configure(MASTODON.format(base=server.base), timeout=15, gap=0.01)
        assert site.run("post", "--first-run", env=TOKEN).returncode == 0
        site.post("a")
        server.script.append("429")
        site.run("post", env=TOKEN)
        (row,) = site.json("status", env=TOKEN)["deliveries"]
        assert row["state"] == "retry"
        assert row["why"]
        assert row["until"]
        assert row["command"] is None
        (lone,) = site.json("status")["deliveries"]  # without its token
        assert lone["why"] == "the account is not ready"


def test_many_that_wait_are_counted_not_shown(site: Site) -> None:
    with MastodonServer() as server:
        site.configure(MASTODON.format(base=server.base), timeout=15, gap=0.01)
        started(site)
        file = site.root / "bot.toml"
        file.write_text(file.read_text().replace("[publish]\n", "[publish]\nflood = 99\n"))
        for n in range(25):
            site.post(f"p{n}")
        site.run("post")  # no token: all wait
        shown = site.run("status").stdout
        assert (
            shown.splitlines()[0]
            == "Something is wrong: m is not ready: The environment variable TOKEN is not set."
        )
        assert "5 more" in shown
        assert len(re.findall(r"content/posts/p", shown)) == 20
        assert len(re.findall(r"content/posts/p", site.run("status", "--all").stdout)) == 25


# --- numbers ----------------------------------------------------------------------------------------


def test_the_day_is_counted_from_its_first_step(site: Site) -> None:
    """The halving finds the same as reading all would, at every place of the boundary."""
    started(site)
    app = app_at(site, FakeClock(NOW))
    with app.ledger._writing() as c:
        for n in range(1, 40):
            after = ("sent", "failed", "claimed", "held")[n % 4]
            c.execute(
                text(
                    "INSERT INTO history (site, delivery, at, before, after, fence, event)"
                    " VALUES (:site, 'd', :at, 'sending', :after, 1, :after)"
                ),
                {"site": app.site_id, "at": n * 10, "after": after},
            )
    for since in range(0, 400, 7):
        counted = sum(digest.moved(app.ledger, since).values())
        assert counted == sum(n % 4 != 2 for n in range(1, 40) if n * 10 >= since)
    app.close()


def test_edits_and_later_parts_are_no_shares_of_their_own(site: Site) -> None:
    started(site)
    app = app_at(site, FakeClock(NOW))
    kinds = [("share", 0, 1), ("share", 1, 2), ("edit", 0, 3)]
    rows = [
        Delivery(
            id=f"{kind}{part}",
            subject="s",
            account="log",
            network="file",
            kind=kind,
            generation=0,
            part=part,
            state=State.SENT,
            due=at,
            spent_at=at,
            sent_at=at,
            cost=5,
        )
        for kind, part, at in kinds
    ]
    app.ledger.add(rows, 1)
    last = digest.last_sent(app.ledger, "log")
    assert digest.spent(app.ledger, "log", 0) == (1, 15)
    assert last is not None
    assert last.id == "share1"
    app.close()


def test_reading_goes_by_indices_alone(site: Site) -> None:
    """Without statistics, as a ledger is: no table is read from one end to the other."""
    started(site)
    app = app_at(site, FakeClock(NOW))
    asked: list[tuple[str, Any]] = []
    event.listen(
        app.ledger._engine,
        "before_cursor_execute",
        lambda _c, _cur, said, values, *_: asked.append((said, values)),
    )
    status_of = (
        lambda: digest.open_rows(app.ledger),
        lambda: digest.last_sent(app.ledger, "log"),
        lambda: digest.spent(app.ledger, "log", 5),
        lambda: digest.due_before(app.ledger, "log", 5),
        lambda: digest.moved(app.ledger, 5),
    )
    for read in status_of:
        read()
    plans = []
    with app.ledger._reading() as c:
        for said, values in [pair for pair in asked if pair[0].startswith("SELECT")]:
            rows = c.exec_driver_sql(f"EXPLAIN QUERY PLAN {said}", values)
            plans += [row.detail for row in rows if "TABLE" not in row.detail]
    app.close()
    assert len(asked) > 5
    scans = [plan for plan in plans if plan.startswith("SCAN")]
    assert scans == []
    assert not any("history_delivery" in plan for plan in plans)


# --- health ---------------------------------------------------------------------------------------


def codes(site: Site, env: dict[str, str] | None = None) -> list[str]:
    return [t["code"] for t in site.json("status", "--health", env=env)["troubles"]]


def beating(site: Site, **changes: Any) -> None:
    """The file of a process that is gone or lives, as `owner` says."""
    now = micros(CLOCK.now())
    values: dict[str, Any] = {
        "owner": "nobody",
        "pid": 1,
        "started": now,
        "at": now,
        "scanned": now,
    }
    write_beat(beat_file(site.root), Beat(**{**values, **changes}))


def configure(site: Site, more: str) -> None:
    file = site.root / "bot.toml"
    file.write_text(file.read_text() + more)


def test_health_misses_a_process_that_does_not_run(site: Site) -> None:
    assert codes(site) == ["no-ledger"]
    started(site)
    told = site.run("status", "--health")
    assert (told.returncode, told.stdout) == (1, "bot run is not running.\n")
    assert first_line(site) == "All is well; nothing waits."  # a timer may call `bot post`
    configure(site, "[health]\nrun = false\n")
    told = site.run("status", "--health")
    assert (told.returncode, told.stdout) == (0, "All is well.\n")


def test_a_timer_that_no_longer_calls_is_missed(site: Site) -> None:
    configure(site, '[health]\nrun = false\nscan = "15m"\n')
    started(site)
    app = app_at(site, FakeClock(CLOCK.now()))
    with app.ledger._writing() as c:
        c.execute(text("UPDATE sites SET plan_until = plan_until - 3600000000"))
    app.close()
    assert codes(site) == ["scan-old"]
    site.run("post")
    assert codes(site) == []


def test_a_process_that_was_killed_is_dead(site: Site) -> None:
    started(site)
    beating(site)
    assert codes(site) == ["dead"]
    assert first_line(site).startswith("Something is wrong: bot run is dead")


def test_what_a_living_process_says_of_itself(site: Site) -> None:
    started(site)
    app = app_at(site, FakeClock(CLOCK.now()))
    app.ledger.owners.hold("living")
    now = micros(CLOCK.now())
    hour = 3600 * SECOND
    try:
        beating(site, owner="living")
        assert codes(site) == []
        beating(site, owner="living", at=now - hour)
        assert codes(site) == ["stands-still"]
        beating(site, owner="living", scanned=now - hour, scan_fault=dump(msg("it is on fire")))
        (trouble,) = site.json("status", "--health")["troubles"]
        assert trouble["code"] == "scan-old"
        assert "it is on fire" in trouble["message"]
        workers = {
            "log": Worker(at=now - hour, busy=True),
            "b": Worker(at=now, fault=dump(msg("a fault"))),
            "c": Worker(at=now - hour),
        }
        beating(site, owner="living", workers=workers)
        assert codes(site) == ["worker-stuck", "worker-fault"]
        beating(site, owner="living", refused=dump(msg("line 3")), pull_failed=now - 2 * hour)
        assert codes(site) == ["config-refused", "pull"]
        beating(site, owner="living", pull_failed=now - hour // 2)
        assert codes(site) == []
    finally:
        app.close()


def test_a_paused_account_and_one_that_is_not_ready(site: Site) -> None:
    with MastodonServer() as server:
        more = '[health]\nrun = false\nscan = "52w"\n'
        site.configure(more + MASTODON.format(base=server.base), timeout=15, gap=0.01)
        assert site.run("post", "--first-run", env=TOKEN).returncode == 0
        assert codes(site) == ["not-ready"]
        assert codes(site, env=TOKEN) == []
        site.post("a")
        server.script.append("401")
        site.run("post", env=TOKEN)
        assert codes(site, env=TOKEN) == ["paused"]


@pytest.mark.parametrize(
    ("state", "late", "setting", "expected"),
    [
        ("planned", 31, "", ["overdue"]),
        ("planned", 29, "", []),
        ("planned", 31, 'quiet = "00:00-23:59"', []),
        ("planned", 31, "daily_cap = 5", ["overdue"]),
        ("unknown", 31, "", ["overdue"]),
        ("held", 31, "", []),
        ("sent", 31, "", []),
    ],
)
def test_what_is_due_and_could_go_and_is_not_done_is_overdue(
    site: Site, state: str, late: int, setting: str, expected: list[str]
) -> None:
    site.configure(f"{FILE_ACCOUNT}{setting}\n")
    configure(site, '[health]\nrun = false\nscan = "52w"\noverdue = "30m"\n')
    started(site)
    site.post("a")
    site.run("post")
    app = app_at(site, FakeClock(CLOCK.now()))
    due = micros(CLOCK.now() - timedelta(minutes=late))
    with app.ledger._writing() as c:
        c.execute(
            text(
                "UPDATE deliveries SET state = :state, due = :due, spent_at = NULL, linked = TRUE"
            ),
            {"state": state, "due": due},
        )
    app.close()
    assert codes(site) == expected


def test_a_token_that_ends_soon_is_said(site: Site) -> None:
    soon = (CLOCK.now() + timedelta(days=3)).date()
    account = FILE_ACCOUNT + f"token_ends = {soon}\n"
    site.configure('[health]\nrun = false\nscan = "52w"\n' + account)
    started(site)
    assert codes(site) == ["token"]
    assert f"token until {soon}" in site.run("status").stdout
    configure(site, "")
    file = site.root / "bot.toml"
    file.write_text(file.read_text().replace('scan = "52w"', 'scan = "52w"\ntoken = "1d"'))
    assert codes(site) == []


def test_a_session_that_bot_renews_alarms_nobody(site: Site) -> None:
    account = '[[accounts]]\nname = "b"\nnetwork = "bluesky"\nhandle = "a.example"\napp_password = { env = "TOKEN" }\n'
    site.configure('[health]\nrun = false\nscan = "52w"\n' + account)
    assert site.run("post", "--first-run", env=TOKEN).returncode == 0
    sessions = site.root / "state" / "sessions"
    sessions.mkdir(parents=True)
    # {"exp": 1795478400}: 2026-11-24, signed by nobody
    token = "e30.eyJleHAiOjE3OTU0Nzg0MDB9."
    (sessions / "b.json").write_text(json.dumps({"refresh": token, "access": "secret"}))
    told = site.run("status", env=TOKEN).stdout
    assert "login until 2026-11-24, renewed by bot" in told
    assert "secret" not in told
    assert codes(site, env=TOKEN) == []


def test_a_disk_that_is_nearly_full_is_said(site: Site) -> None:
    configure(site, '[health]\nrun = false\nscan = "52w"\ndisk = 1000000000\n')
    started(site)
    assert codes(site) == ["disk"]
