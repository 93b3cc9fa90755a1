"""A branch of git that holds a ledger: fetched, and pushed only onto what was fetched.

Plain plumbing: neither index nor working tree nor branch of the checkout is touched; what was fetched
last stands below `refs/bot/`. Remote and login are those that git has for the site's repository.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
import subprocess
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from bot.errors import ConfigError, LostLease, StoreUnavailable
from bot.i18n import Message, msg

FILE = "ledger.jsonl"
ABOUT = """\
This branch is the memory of bot: which posts were shared, and where. It is no part of the site.
Leave it to bot: without it nobody knows what went out. `ledger.jsonl` is what `bot state export`
writes, a row a line, and `bot state import` reads it.

この枝は bot の台帳です。何をどこへ投稿したかの記録で、サイトの中身ではありません。
消したり書き換えたりしないでください。無くなると、投稿済みかどうかが分からなくなります。
"""
SUBJECT = "bot: what was shared, and what waits [skip ci]"
COUNT = "Bot-Commits"
SECONDS = 30
"""How long one command of git may take."""
TRIES = 3
"""So often a push is tried while the branch stays as it was fetched."""
PAUSE = 1.0
_LOGIN = re.compile(r"(?<=://)[^/@\s]*@")
_OWN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")


class Moved(LostLease):
    """The branch is not as it was fetched any more: somebody else wrote. Nothing was pushed."""

    code = "branch-moved"


class Branch:
    """`base` is the commit that was fetched, or pushed since; None where there is no branch yet."""

    def __init__(
        self,
        folder: Path,
        remote: str,
        name: str,
        commits: int,
        pause: Callable[[float], object],
    ) -> None:
        self._folder, self._remote, self.name, self._commits = folder, remote, name, commits
        self._pause = pause
        self._kept = f"refs/bot/kept/{name}"
        self.base: str | None = None

    @property
    def where(self) -> str:
        """For a person; without a login that stands in an address."""
        return f"{_LOGIN.sub('', self._remote)} {self.name}"

    def check(self) -> None:
        """Raises ConfigError where there is no git, no repository, or no such name of a branch."""
        try:
            self._git("rev-parse", "--git-dir")
        except _Failed as failed:
            raise ConfigError(
                msg("no repository of git holds this site: {why}", why=failed.said),
                code="no-repository",
                key="state.git",
            ) from failed
        try:
            self._git("check-ref-format", f"refs/heads/{self.name}")
        except _Failed as failed:
            raise ConfigError(
                msg("a branch cannot have the name {name}", name=self.name),
                code="branch-name",
                key="state.git.branch",
            ) from failed

    def fetch(self) -> bytes | None:
        """The ledger as it is there now; None where there is no branch. Raises StoreUnavailable,
        and ConfigError where the branch is one of something else."""
        try:
            there = self._there()
            if there is not None and not self._has(there):
                there = self._fetched()
            found = None if there is None else self._read(there)
        except _Failed as failed:
            raise self._unavailable(failed.said) from failed
        self.base = there
        if there is not None:
            self._keep(there)
        return found

    def kept(self) -> tuple[bytes, datetime] | None:
        """What was fetched or pushed last from this repository, and when it was written."""
        try:
            at = int(self._git("log", "-1", "--format=%ct", self._kept, "--"))
            return self._read(self._kept), datetime.fromtimestamp(at, UTC)
        except (_Failed, ValueError):
            return None

    def push(self, lines: bytes, now: datetime) -> None:
        """Put this ledger in the place of the one that was fetched. Raises Moved where it is no
        longer that one, StoreUnavailable where the remote is gone or refuses."""
        new = self._commit(lines, now)
        lease = f"--force-with-lease=refs/heads/{self.name}:{self.base or ''}"
        said: Message | str = ""
        for n in range(TRIES):
            if n:
                self._pause(PAUSE * n)
            try:
                self._git(
                    *("push", "--quiet", "--no-verify", "--no-signed", "--no-follow-tags", lease),
                    *("--recurse-submodules=no", self._remote, f"{new}:refs/heads/{self.name}"),
                )
                there: str | None = new
            except _Failed as failed:
                said = failed.said
                try:
                    there = self._there()  # the answer may have been lost on its way
                except _Failed:
                    continue
            if there == new:
                self.base = new
                self._keep(new)
                return
            if there != self.base:
                raise Moved(
                    msg("{branch} was changed by somebody else", branch=self.where),
                    hint=msg("nothing of this was written; run the command again"),
                )
        raise self._unavailable(said)

    # --- the plumbing -----------------------------------------------------------------------

    def _there(self) -> str | None:
        """The commit that the remote has."""
        told = self._git("ls-remote", "--quiet", self._remote, f"refs/heads/{self.name}")
        return told.split()[0].decode("ascii") if told.strip() else None

    def _has(self, commit: str) -> bool:
        try:
            self._git("cat-file", "-e", f"{commit}^{{tree}}")
        except _Failed:
            return False
        return True

    def _fetched(self) -> str:
        """Bring the branch here. A shallow clone stays as shallow; a whole one is left whole."""
        shallow = self._git("rev-parse", "--is-shallow-repository").strip() == b"true"
        ref = f"refs/bot/fetched/{secrets.token_hex(8)}"
        self._git(
            *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--refmap="),
            *("--recurse-submodules=no", *(["--depth=1"] if shallow else [])),
            *(self._remote, f"+refs/heads/{self.name}:{ref}"),
        )
        found = self._git("rev-parse", "--verify", f"{ref}^{{commit}}").decode("ascii").strip()
        self._git("update-ref", "-d", ref)
        return found

    def _keep(self, commit: str) -> None:
        """Remember it for reading while the remote is away; two at once may both try."""
        with contextlib.suppress(_Failed):
            self._git("update-ref", self._kept, commit)

    def _read(self, commit: str) -> bytes:
        names = self._git("ls-tree", "--name-only", commit).split()
        if FILE.encode() not in names:
            raise ConfigError(
                msg("the branch {branch} holds something else than a ledger", branch=self.where),
                code="other-branch",
                key="state.git.branch",
                hint=msg("name a branch that is not there yet; bot makes it"),
            )
        return self._git("cat-file", "blob", f"{commit}:{FILE}")

    def _commit(self, lines: bytes, now: datetime) -> str:
        """A commit of this ledger upon the base, or a first one where there are enough."""
        try:
            return self._written(lines, now)
        except _Failed as failed:
            raise self._unavailable(failed.said) from failed

    def _written(self, lines: bytes, now: datetime) -> str:
        rows = "".join(
            f"100644 blob {self._blob(content)}\t{name}\n"
            for name, content in ((FILE, lines), ("README.md", ABOUT.encode()))
        )
        tree = self._git("mktree", input=rows.encode()).decode("ascii").strip()
        count = self._count() + 1
        goes_on = self.base is not None and count <= self._commits
        text = f"{SUBJECT}\n\n{COUNT}: {count if goes_on else 1}\n"
        at = f"{int(now.timestamp())} +0000"
        who = {"NAME": "bot", "EMAIL": "bot@localhost", "DATE": at}
        env = {f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in who.items()}
        parent = ["-p", str(self.base)] if goes_on else []
        made = self._git("commit-tree", tree, *parent, input=text.encode(), env=env)
        return made.decode("ascii").strip()

    def _blob(self, content: bytes) -> str:
        return self._git("hash-object", "-w", "--stdin", input=content).decode("ascii").strip()

    def _count(self) -> int:
        """How many commits the branch has: a shallow clone cannot count them."""
        if self.base is None:
            return 0
        text = self._git("log", "-1", "--format=%B", self.base, "--").decode("utf-8", "replace")
        found = re.search(rf"(?m)^{COUNT}: (\d{{1,9}})$", text)
        return int(found[1]) if found else 1

    def _git(
        self, *arguments: str, input: bytes | None = None, env: Mapping[str, str] | None = None
    ) -> bytes:
        return git(self._folder, *arguments, input=input, env=env)

    def _unavailable(self, said: Message | str) -> StoreUnavailable:
        return StoreUnavailable(
            msg("the ledger {branch} cannot be used: {cause}", branch=self.where, cause=said),
            code="branch-unavailable",
            hint=msg(
                "nothing is sent without it; let git fetch and push that branch, then run the command again"
            ),
        )


class _Failed(Exception):
    """git said no. `said`: its last words."""

    def __init__(self, said: Message | str) -> None:
        super().__init__(said)
        self.said = said


def git(
    folder: Path,
    *arguments: str,
    input: bytes | None = None,
    env: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
) -> bytes:
    """One command in the repository that holds `folder`. It asks nobody, and ends in time. Raises
    ConfigError where there is no git, _Failed where it says no."""
    inherited = {name: value for name, value in os.environ.items() if name not in _OWN}
    try:
        process = subprocess.Popen(
            ["git", "-C", str(folder), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**inherited, "GIT_TERMINAL_PROMPT": "0", **(env or {})},
            start_new_session=True,  # Ctrl-C ends bot after its push, not the push
        )
    except OSError as error:
        raise ConfigError(
            msg("git cannot be run: {why}", why=error.strerror or ""), code="no-git"
        ) from error
    try:
        out, err = process.communicate(input, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise _Failed(msg("git did not answer in time")) from None
    finally:
        if process.poll() is None:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode != 0:
        raise _Failed(_words(err) or f"git {arguments[0]}: {process.returncode}")
    return out


def _words(err: bytes) -> str:
    """What git and its remote say is wrong, on one line, without a login in an address."""
    lines = [line.strip() for line in err.decode("utf-8", "replace").splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("remote:", "fatal:", "! "))]
    return _LOGIN.sub("", "; ".join(telling or lines[-3:]))[:400]
