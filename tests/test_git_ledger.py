"""The ledger on a branch of git: every run on a machine of its own, nothing twice, nothing lost."""

from __future__ import annotations

import contextlib
import json
import random  # noqa: TID251
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.app.wiring import App, SystemClock, World
from bot.config import load
from bot.errors import LostLease
from bot.ledger import engine as opening
from bot.model import State
from bot.net import Net
from tests.fakes.mastodon_server import MastodonServer
from tests.jobs import BRANCH, ENV, LEASE_OVER, STATE, Repository, git
from tests.posters import snac
from tests.site import FILE_ACCOUNT, Site
from tests.test_kill import ACCOUNT

FAST = {"timeout": 2.5, "gap": 0.05}


@pytest.fixture(params=[pytest.param("mastodon", marks=pytest.mark.slow), "gotosocial"])
def server(request: pytest.FixtureRequest) -> Iterator[MastodonServer]:
    with MastodonServer(request.param) as server:
        yield server


@pytest.fixture
def blog(tmp_path: Path, server: MastodonServer) -> Repository:
    """One whose first run is over, with two new posts."""
    made = Repository.made(tmp_path, ACCOUNT.format(base=server.base), **FAST)
    server.now = made.now
    made.write("old")
    begun = made.job("post", "--first-run")
    assert begun.returncode == 0, begun.stderr
    made.write("a", "b")
    return made


def well(blog: Repository, server: MastodonServer, count: int = 2) -> None:
    """All is there, once, and the ledger knows it."""
    for _ in range(3):  # on a loaded machine a look may take too long; then the next run looks
        last = blog.job("post")
        if not blog.status():
            break
    assert last.returncode == 0, last.stderr
    texts = [post["content"] for post in server.visible]
    assert len(texts) == len(set(texts)) == count
    assert blog.status() == []
    assert server.violations == []


def test_a_turn_leaves_what_it_did_on_the_branch(blog: Repository, server: MastodonServer) -> None:
    ran = blog.job("post")
    assert ran.returncode == 0, ran.stderr
    assert len(server.visible) == 2
    well(blog, server)
    before = blog.commits()
    assert blog.job("post").returncode == 0
    assert blog.commits() == before  # nothing new, no commit
    rows = [row for row in blog.lines() if row.get("table") == "deliveries"]
    assert sorted(row["state"] for row in rows) == ["sent", "sent", "skipped"]
    text = git(blog.bare, "show", f"{BRANCH}:ledger.jsonl")
    assert ENV["TOKEN"] not in text
    assert "[skip ci]" in git(blog.bare, "log", "--format=%s", BRANCH)
    names = git(blog.bare, "ls-tree", "--name-only", BRANCH).split()
    assert names == ["README.md", "ledger.jsonl"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "n"),
    [
        *((place, n) for place in ("claimed", "sending", "answered", "sent") for n in (1, 2)),
        *((place, n) for place in ("pushing", "pushed") for n in (1, 2, 3)),
    ],
)
def test_killed_at_every_place(
    blog: Repository, server: MastodonServer, place: str, n: int
) -> None:
    assert blog.job("post", place=place, n=n).returncode == -signal.SIGKILL
    early = blog.job("post")  # before the lease is over nobody knows that it is dead
    assert early.returncode == 0, early.stderr
    assert len({post["content"] for post in server.visible}) == len(server.visible)
    blog.ahead += LEASE_OVER
    well(blog, server)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "fault"),
    [
        ("looked", "drop_before"),
        ("looked", "drop_after"),
        ("repeating", "drop_after"),
        ("pushing", "502_after"),
        ("pushed", "drop_before"),
    ],
)
def test_killed_while_it_settles(
    blog: Repository, server: MastodonServer, place: str, fault: str
) -> None:
    server.script.append(fault)
    blog.job("post", place=place, n=2 if place == "pushing" else 1)
    blog.ahead += LEASE_OVER
    blog.job("post")
    blog.ahead += LEASE_OVER
    well(blog, server)


@pytest.mark.slow
def test_killed_at_random_before_a_server_that_loses_answers(
    blog: Repository, server: MastodonServer
) -> None:
    chance = random.Random(server.flavour)
    blog.write(*(f"p{n:02}" for n in range(8)))
    server.set_faults("drop_before=0.1,drop_after=0.15,502_after=0.1")
    for _ in range(10):
        with blog.clone() as site:
            running = blog.start(site, "post")
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(chance.uniform(0.8, 6))
            running.kill()
            running.wait()
        texts = [post["content"] for post in server.visible]
        assert len(texts) == len(set(texts))
        blog.ahead += LEASE_OVER
    server.set_faults("")
    for _ in range(3):
        blog.job("post")
        blog.ahead += LEASE_OVER
    well(blog, server, 10)


@pytest.mark.slow
def test_several_at_once(blog: Repository, server: MastodonServer) -> None:
    blog.write(*(f"p{n}" for n in range(4)))
    said = blog.jobs_at_once(3, "post")
    assert not any("Traceback" in ran.stderr for ran in said)
    assert {ran.returncode for ran in said} <= {0, 2}, [ran.stderr for ran in said]
    blog.ahead += LEASE_OVER
    well(blog, server, 6)


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_remote_refuses_a_push(blog: Repository, server: MastodonServer, n: int) -> None:
    """For good, from the nth on: then nothing more is called, and the exit code says so."""
    blog.refuse(n, 99)
    ran = blog.job("post")
    assert ran.returncode == 2
    assert "not now" in ran.stderr
    assert len(server.visible) == n - 1
    blog.refuse(0, 0)
    blog.ahead += LEASE_OVER
    well(blog, server)


@pytest.mark.slow
def test_a_push_that_was_refused_once_is_tried_again(
    blog: Repository, server: MastodonServer
) -> None:
    blog.refuse(2, 2)
    assert blog.job("post").returncode == 0
    well(blog, server)


@pytest.mark.slow
@pytest.mark.parametrize("push", [1, 2, 3])
def test_the_remote_goes_away_after_a_push(
    blog: Repository, server: MastodonServer, push: int
) -> None:
    blog.go_away_after(push)
    ran = blog.job("post")
    assert ran.returncode == (0 if push == 3 else 2), ran.stderr
    assert len(server.visible) == min(push, 2)
    blog.come_back()
    blog.ahead += LEASE_OVER
    well(blog, server)


def test_the_remote_is_gone_for_an_hour(blog: Repository, server: MastodonServer) -> None:
    """Nothing is sent, the exit code says so, nothing is lost."""
    with blog.clone() as site:
        blog.go_away()
        for _ in range(2):
            ran = site.run("post", env=ENV)
            assert ran.returncode == 2
            assert f"{BRANCH} cannot be used" in ran.stderr
        assert site.run("approve", env=ENV).returncode == 2
        assert server.visible == []
        blog.come_back()
        assert site.run("post", env=ENV).returncode == 0
    well(blog, server)


def test_what_is_only_read_makes_do_with_what_was_fetched_last(blog: Repository) -> None:
    with blog.clone() as site:
        assert json.loads(site.run("status", "--json", env=ENV).stdout)["deliveries"] == []
        blog.go_away()
        ran = site.run("status", env=ENV)
        assert ran.returncode == 0
        assert "shown is what it was at" in ran.stderr
        assert site.run("list", env=ENV).returncode == 0
        blog.come_back()
    with blog.clone() as site:
        git(site.root, "update-ref", "-d", f"refs/bot/kept/{BRANCH}")
        blog.go_away()
        assert (
            site.run("status", env=ENV).returncode == 2
        )  # nothing is known, and it is not guessed
        blog.come_back()


@pytest.mark.slow
def test_only_the_call_in_flight_needs_a_person(blog: Repository, server: MastodonServer) -> None:
    """Where no lost answer can be settled, the others go out all the same."""
    assert blog.job("post", place="answered", env={"BLIND": "1"}).returncode == -signal.SIGKILL
    blog.ahead += LEASE_OVER
    ran = blog.job("post", env={"BLIND": "1"})
    assert ran.returncode == 3, ran.stderr
    (asked,) = blog.status()
    assert (asked["state"], len(server.visible)) == ("unknown", 2)
    done = blog.job("resolve", asked["id"][:8], "--sent", "https://m.example/@me/1")
    assert done.returncode == 0, done.stderr
    well(blog, server)


def test_what_a_call_came_to_outlives_a_branch_that_moved(
    blog: Repository, server: MastodonServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody skips a post while another one is being called."""
    from tests.fakes.http import Call, Reply

    real = server.handle
    skipped: list[int] = []

    def handle(call: Call) -> Reply:
        if server.is_visible(call) and not skipped:
            skipped.append(blog.job("skip", "content/posts/b.md").returncode)
        return real(call)

    monkeypatch.setattr(server, "handle", handle)
    with blog.clone() as site:
        text = (site.root / "bot.toml").read_text()
        (site.root / "bot.toml").write_text(text.replace("timeout = 2.5", "timeout = 30"))
        blog.commit(site)
    ran = blog.job("post")
    assert skipped == [0]
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("sent content/posts/a.md") == 1
    well(blog, server, 1)
    states = {row["path"]: row["state"] for row in blog.lines() if row.get("table") == "deliveries"}
    assert states["content/posts/a.md"] == "sent"
    assert states["content/posts/b.md"] == "skipped"


@pytest.mark.slow
def test_a_job_that_is_cancelled_keeps_what_it_did(
    blog: Repository, server: MastodonServer
) -> None:
    """GitHub says SIGINT first. The second call hangs."""
    server.script.extend(["", "hang_after"])
    with blog.clone() as site:
        config = site.root / "bot.toml"
        config.write_text(config.read_text().replace("timeout = 2.5", "timeout = 40"))
        running = blog.start(site, "post")
        for _ in range(600):
            if len(server.visible) == 2:
                break
            time.sleep(0.05)  # waits for another process
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == 130
    states = {r["path"]: r["state"] for r in blog.lines() if r.get("table") == "deliveries"}
    assert states["content/posts/a.md"] == "sent"
    assert states["content/posts/b.md"] == "sending"
    blog.ahead += LEASE_OVER
    well(blog, server)


def test_a_first_run_is_agreed_and_begins_the_branch(
    tmp_path: Path, server: MastodonServer
) -> None:
    made = Repository.made(tmp_path, ACCOUNT.format(base=server.base), **FAST)
    refused = made.job("post")
    assert refused.returncode == 2
    assert "no-ledger" in refused.stderr
    assert made.job("post", "--first-run").returncode == 0
    assert len(made.commits()) == 1
    assert made.job("post", "--first-run").returncode == 0


@pytest.mark.slow
def test_its_history_begins_anew_after_so_many_commits(tmp_path: Path) -> None:
    made = Repository.made(tmp_path, FILE_ACCOUNT)
    with made.clone() as site:
        config = site.root / "bot.toml"
        text = config.read_text().replace('"bot-state" }', '"bot-state", commits = 2 }')
        config.write_text(text)
        made.commit(site)
    counts = []
    made.job("post", "--first-run")
    for name in "abc":
        made.write(name)
        assert made.job("post").returncode == 0
        counts.append(len(made.commits()))
    assert set(counts) <= {1, 2}
    assert sum(row.get("state") == "sent" for row in made.lines()) == 3


def test_what_the_branch_does_not_say_is_not_called(tmp_path: Path) -> None:
    """A worker comes to its call after the turn has ended and given its delivery back."""
    made = Repository.made(tmp_path, FILE_ACCOUNT)
    made.write("a")
    made.job("post", "--first-run")
    with made.clone() as site:
        world = World(jitter=lambda: 0.5, owner="late", environ={})
        app = App(load(str(site.root / "bot.toml"), str(site.root)), world)
        try:
            assert app.bench is not None
            (row,) = app.ledger.deliveries()
            with pytest.raises(LostLease):
                app.bench.before_call(replace(row, state=State.SENDING, fence=1))
        finally:
            app.close()


def test_a_branch_of_something_else_is_left_alone(tmp_path: Path) -> None:
    made = Repository.made(tmp_path, FILE_ACCOUNT)
    git(made.bare, "branch", BRANCH, "main")
    before = made.commits()
    ran = made.job("post", "--first-run")
    assert ran.returncode == 2
    assert "[other-branch]" in ran.stderr
    assert made.commits() == before


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (
            STATE,
            f'[state]\nurl = "sqlite:///a.db"\ngit = {{ branch = "{BRANCH}" }}\n',
            "state-git",
        ),
        (
            f'"{BRANCH}"',
            f'"{BRANCH}", remote = "https://canary@git.example/x"',
            "state-git",
        ),
        (f'"{BRANCH}"', '"a..b"', "branch-name"),
        (f'"{BRANCH}"', f'"{BRANCH}", remote = "nowhere"', "branch-unavailable"),
    ],
)
def test_what_cannot_be_is_said(tmp_path: Path, old: str, new: str, code: str) -> None:
    made = Repository.made(tmp_path, FILE_ACCOUNT)
    with made.clone() as site:
        config = site.root / "bot.toml"
        config.write_text(config.read_text().replace(old, new))
        ran = site.run("post", "--first-run", env=ENV)
    assert (ran.returncode, f"[{code}]" in ran.stderr) == (2, True), ran.stderr
    assert "canary" not in ran.stderr


def test_outside_of_a_repository_it_is_said(tmp_path: Path) -> None:
    site = Site(tmp_path).configure()
    config = tmp_path / "bot.toml"
    config.write_text(config.read_text() + STATE)
    ran = site.run(
        "post", "--first-run", env={**ENV, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
    )
    assert (ran.returncode, "[no-repository]" in ran.stderr) == (2, True), ran.stderr


def test_no_login_of_git_is_told(tmp_path: Path) -> None:
    """Where it stands in the address of the remote, as some write it."""
    made = Repository.made(tmp_path, FILE_ACCOUNT)
    with made.clone() as site:
        there = "http://x-access-token:canary-5d1@127.0.0.1:9/blog"
        git(site.root, "remote", "set-url", "origin", there)
        ran = site.run("post", env=ENV)
    assert (ran.returncode, "[branch-unavailable]" in ran.stderr) == (2, True), ran.stderr
    assert "127.0.0.1" in ran.stderr
    assert "canary" not in ran.stderr


def test_bot_run_keeps_its_ledger_on_the_disk(tmp_path: Path) -> None:
    made = Repository.made(tmp_path, FILE_ACCOUNT)
    ran = made.job("run", "--first-run")
    assert (ran.returncode, "[branch-run]" in ran.stderr) == (2, True), ran.stderr


def test_it_is_moved_like_any_ledger(tmp_path: Path) -> None:
    """Onto the branch from an export, and from the branch into one."""
    own = Site(tmp_path / "own")
    own.root.mkdir()
    own.configure()
    assert own.run("post", "--first-run").returncode == 0
    own.post("a")
    assert own.run("post").returncode == 0
    exported = own.run("state", "export").stdout
    made = Repository.made(tmp_path, FILE_ACCOUNT)
    with made.clone() as site:
        (site.root / "moved.jsonl").write_text(exported, encoding="utf-8")
        assert site.run("state", "import", "moved.jsonl", env=ENV).returncode == 0
    with made.clone() as site:
        again = site.run("state", "export", env=ENV).stdout
        assert site.run("state", "check", env=ENV).returncode == 0
    before, after = ([json.loads(s) for s in text.splitlines()] for text in (exported, again))
    assert [r for r in after if r.get("table") != "sites"] == [
        r for r in before if r.get("table") != "sites"
    ]
    assert after[1]["first_run_at"] == before[1]["first_run_at"]
    assert after[1]["plan_owner"] is None  # a process of another machine says nothing here
    assert 0 <= before[1]["plan_until"] - after[1]["plan_until"] < 86_400_000_000


def test_a_ledger_of_an_older_bot_is_brought_to_this_schema(tmp_path: Path) -> None:
    made = Repository.made(tmp_path, FILE_ACCOUNT)
    made.write("a")
    made.job("post", "--first-run")
    with made.clone() as site:
        git(site.root, "checkout", "-q", BRANCH)
        file = site.root / "ledger.jsonl"
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        for row in rows:
            for name in ("live_at", "spent_at", "cost", "linked", "exact"):
                row.pop(name, None)
        rows[0]["revision"] = "0001"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        git(site.root, "commit", "-qam", "older")
        git(site.root, "push", "-q", "origin", BRANCH)
    made.write("b")
    ran = made.job("post")
    assert ran.returncode == 0, ran.stderr
    assert made.lines()[0]["revision"] == opening.HEAD
    assert sorted(r["state"] for r in made.lines() if r.get("table") == "deliveries") == [
        "sent",
        "skipped",
    ]


def test_a_ledger_of_a_newer_bot_is_left_alone(tmp_path: Path) -> None:
    made = Repository.made(tmp_path, FILE_ACCOUNT)
    made.job("post", "--first-run")
    with made.clone() as site:
        git(site.root, "checkout", "-q", BRANCH)
        file = site.root / "ledger.jsonl"
        file.write_text(
            file.read_text().replace(f'"revision":"{opening.HEAD}"', '"revision":"9999"')
        )
        git(site.root, "commit", "-qam", "newer")
        git(site.root, "push", "-q", "origin", BRANCH)
    before = made.commits()
    ran = made.job("post")
    assert (ran.returncode, "[ledger-newer]" in ran.stderr) == (2, True), ran.stderr
    assert made.commits() == before


def test_feeds_keep_their_ids_from_job_to_job(tmp_path: Path) -> None:
    made = Repository.made(tmp_path, FILE_ACCOUNT)
    made.write("a")
    feeds = []
    for _ in range(2):
        with made.clone() as site:
            assert site.run("feed", env=ENV).returncode == 0
            feeds.append((site.root / "public" / "feed.xml").read_bytes())
    assert feeds[0] == feeds[1]
    assert len(made.commits()) == 1


def test_a_shallow_clone_will_do(tmp_path: Path) -> None:
    made = Repository.made(tmp_path, FILE_ACCOUNT)
    made.write("a")
    made.job("post", "--first-run")
    made.write("b")
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{made.bare}", str(shallow))
    site = Site(shallow)
    assert site.run("post", env=ENV).returncode == 0
    assert len(site.lines()) == 1
    assert git(shallow, "rev-list", "--count", "HEAD").strip() == "1"


def test_on_postgresql_a_job_needs_no_branch(tmp_path: Path, postgres_url: str) -> None:
    """The address comes from a secret of the environment."""
    made = Repository.made(tmp_path, FILE_ACCOUNT)
    with made.clone() as site:
        config = site.root / "bot.toml"
        text = config.read_text().replace(STATE, '[state]\nurl = { env = "DATABASE_URL" }\n')
        config.write_text(text.replace('language = "ja"', f'language = "ja"\nid = "{tmp_path}"'))
        made.commit(site)
    env = {"DATABASE_URL": postgres_url}
    assert made.job("post").returncode == 2
    assert made.job("post", "--first-run", env=env).returncode == 0
    made.write("a")
    assert "sent content/posts/a.md" in made.job("post", env=env).stdout
    again = made.job("post", env=env)
    assert (again.returncode, "sent" in again.stdout.replace("Nothing was sent", "")) == (0, False)
    assert BRANCH not in git(made.bare, "branch", "--list")


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.parametrize("place", ["pushed", "answered", "sent"])
def test_killed_before_a_real_server(tmp_path: Path, place: str) -> None:
    """snac2 knows no keys: what became of the call is read back."""
    if not snac.installed():
        pytest.skip("no snac on this machine")
    net = Net(15, SystemClock())
    with snac.running(tmp_path / "snac", net) as running:
        env = {"TOKEN": running.add_user("alice", net)}
        made = Repository.made(tmp_path, ACCOUNT.format(base=running.base), timeout=10, gap=0.5)
        assert made.job("post", "--first-run", env=env).returncode == 0
        made.write("a", "b")
        ended = made.job("post", place=place, env=env)
        assert ended.returncode == -signal.SIGKILL
        made.ahead += LEASE_OVER
        for _ in range(2):
            last = made.job("post", env=env)
        assert last.returncode == 0, last.stderr
        rows = [r for r in made.lines() if r.get("table") == "deliveries"]
        assert [r["state"] for r in rows] == ["sent", "sent"]
        seen = made.job("verify", "--json", env=env)
        assert seen.returncode == 0, seen.stdout
        (account,) = json.loads(seen.stdout)["accounts"]
        assert (account["compared"], account["findings"]) == (2, [])
