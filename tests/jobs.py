"""Jobs as GitHub Actions runs them: each in a fresh clone of a bare repository, which is gone with
it. The machine and the server share a clock that a test may move on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.fakes.mastodon_server import utcnow
from tests.site import Ran, Site

ROOT = Path(__file__).parent.parent
BRANCH = "bot-state"
STATE = f'[state]\ngit = {{ branch = "{BRANCH}" }}\n'
LEASE_OVER = 130.0
"""After so many seconds nobody can still be at what a dead job left: lease and clocks' difference."""
ENV = {
    "TOKEN": "canary-token-7d1f",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


def git(folder: Path, *args: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.com", *args],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, **ENV},
        check=True,
    )
    return done.stdout


@dataclass
class Repository:
    """A site in a bare repository. `ahead`: how many seconds its jobs' clocks have moved on."""

    folder: Path
    ahead: float = 0

    @property
    def bare(self) -> Path:
        return self.folder / "origin.git"

    @classmethod
    def made(cls, folder: Path, accounts: str, **more: Any) -> Repository:
        own = cls(folder)
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(own.bare)], check=True)
        with own.clone() as site:
            site.configure(accounts, **more)
            config = site.root / "bot.toml"
            config.write_text(config.read_text(encoding="utf-8") + STATE, encoding="utf-8")
            (site.root / "content" / ".gitkeep").touch()
            own.commit(site)
        return own

    def now(self) -> datetime:
        """The server's clock."""
        return utcnow() + timedelta(seconds=self.ahead)

    @contextmanager
    def clone(self) -> Iterator[Site]:
        """What `actions/checkout` makes."""
        place = Path(tempfile.mkdtemp(dir=self.folder))
        git(self.folder, "clone", "-q", str(self.bare), str(place))
        try:
            yield Site(place)
        finally:
            shutil.rmtree(place)

    def commit(self, site: Site) -> None:
        git(site.root, "add", "-A")
        git(site.root, "commit", "-q", "-m", "site")
        git(site.root, "push", "-q", "origin", "HEAD:main")

    def write(self, *names: str) -> None:
        """New posts, in a commit."""
        with self.clone() as site:
            for name in names:
                site.post(name)
            self.commit(site)

    def job(
        self, *args: str, place: str = "-", n: int = 1, env: dict[str, str] | None = None
    ) -> Ran:
        """One run on a machine of its own."""
        with self.clone() as site:
            done = subprocess.run(
                self._command(args, place, n),
                cwd=site.root,
                capture_output=True,
                encoding="utf-8",
                env=self._env(env),
                timeout=120,
                check=False,
            )
            assert "Traceback" not in done.stderr, done.stderr
            assert git(site.root, "status", "--porcelain", "--untracked-files=no") == ""
            return Ran(done.returncode, done.stdout, done.stderr)

    def start(self, site: Site, *args: str) -> subprocess.Popen[bytes]:
        """A run that goes on meanwhile."""
        return subprocess.Popen(
            self._command(args, "-", 1),
            cwd=site.root,
            env=self._env(None),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def jobs_at_once(self, count: int, *args: str) -> list[Ran]:
        """The same run on so many machines at once."""
        places = [self.clone() for _ in range(count)]
        sites = [place.__enter__() for place in places]
        running = [
            subprocess.Popen(
                self._command(args, "-", 1),
                cwd=site.root,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                env=self._env(None),
            )
            for site in sites
        ]
        said = [process.communicate(timeout=240) for process in running]
        for place in places:
            place.__exit__(None, None, None)
        return [Ran(process.returncode, *outs) for process, outs in zip(running, said, strict=True)]

    def status(self) -> Any:
        told = self.job("status", "--json")
        assert told.returncode == 0, told.stderr
        return json.loads(told.stdout)["deliveries"]

    def lines(self) -> list[dict[str, Any]]:
        """The ledger as it stands on the branch."""
        text = git(self.bare, "show", f"{BRANCH}:ledger.jsonl")
        return [json.loads(line) for line in text.splitlines()]

    def commits(self) -> list[str]:
        return git(self.bare, "log", "--format=%H", BRANCH).split()

    def refuse(self, first: int, last: int) -> None:
        """The remote refuses pushes to the branch from the `first` to the `last`, counted from now."""
        hook = self.bare / "hooks" / "pre-receive"
        (self.bare / "pushes").write_text("0")
        hook.write_text(
            '#!/bin/sh\nread old new ref\n[ "$ref" = refs/heads/main ] && exit 0\n'
            "n=$(($(cat pushes) + 1)); echo $n > pushes\n"
            f'if [ $n -ge {first} ] && [ $n -le {last} ]; then echo "not now" >&2; exit 1; fi\n'
        )
        hook.chmod(0o755)

    def go_away_after(self, push: int) -> None:
        """The remote is gone as soon as it has taken so many pushes."""
        hook = self.bare / "hooks" / "post-receive"
        (self.bare / "pushes").write_text("0")
        hook.write_text(
            "#!/bin/sh\nn=$(($(cat pushes) + 1)); echo $n > pushes\n"
            f'[ $n -ge {push} ] && mv "{self.bare}" "{self.bare}.away"\nexit 0\n'
        )
        hook.chmod(0o755)

    def go_away(self) -> None:
        self.bare.rename(self.bare.with_name("origin.git.away"))

    def come_back(self) -> None:
        self.bare.with_name("origin.git.away").rename(self.bare)
        for hook in ("post-receive", "pre-receive"):
            (self.bare / "hooks" / hook).unlink(missing_ok=True)

    def _command(self, args: tuple[str, ...], place: str, n: int) -> list[str]:
        return [sys.executable, "-m", "tests.later", str(self.ahead), place, str(n), *args]

    def _env(self, env: dict[str, str] | None) -> dict[str, str]:
        return {**os.environ, **ENV, "PYTHONPATH": str(ROOT), **(env or {})}
