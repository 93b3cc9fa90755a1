"""Small sites for tests: a folder with a configuration and posts, and the command run in it."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from bot.cli.main import main

HEAD = """
[site]
title = "試験"
url = "{url}"
language = "ja"
timezone = "Asia/Tokyo"
[ui]
language = "{language}"
[publish]
timeout = {timeout}
settle_gap = {gap}
wait_until_live = {live}
"""
FILE_ACCOUNT = '[[accounts]]\nname = "log"\nnetwork = "file"\npath = "out.jsonl"\n'


@dataclass
class Ran:
    returncode: int
    stdout: str
    stderr: str


@dataclass
class Site:
    root: Path

    def configure(
        self,
        accounts: str = FILE_ACCOUNT,
        *,
        language: str = "en",
        timeout: float = 15,
        gap: float = 2,
        live: bool = False,
        url: str = "https://blog.example",
    ) -> Site:
        """`live`: posts wait until their page is online (`blog.example` never is)."""
        (self.root / "content").mkdir(exist_ok=True)
        head = HEAD.format(
            language=language, timeout=timeout, gap=gap, live=str(live).lower(), url=url
        )
        (self.root / "bot.toml").write_text(head + accounts, encoding="utf-8")
        return self

    def post(self, name: str, title: str | None = None, *, more: str = "", day: int = 1) -> Path:
        file = self.root / "content" / "posts" / f"{name}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        bullets = "".join(f"- {name}の要点{n}です。\n" for n in "一二三")
        file.write_text(
            f'---\ntitle: "{title or name}"\ndate: 2026-02-{day:02}T09:00:00+09:00\n{more}---\n'
            f"## 3行要約\n\n{bullets}",
            encoding="utf-8",
        )
        return file

    def command(self, *args: str) -> list[str]:
        return [sys.executable, "-m", "bot", *args]

    def run(self, *args: str, env: dict[str, str] | None = None, encoding: str = "utf-8") -> Ran:
        """The command in this process: the same entry, without another start of Python."""
        logging.getLogger().handlers.clear()
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2))
        with (
            contextlib.chdir(self.root),
            mock.patch.dict(os.environ, env or {}),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            pytest.raises(SystemExit) as ended,
        ):
            main(list(args))
        logging.getLogger().handlers.clear()
        assert isinstance(ended.value.code, int)
        return Ran(ended.value.code, _written(out), _written(err))

    def process(
        self, *args: str, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """The command in a process of its own."""
        return subprocess.run(
            self.command(*args),
            cwd=self.root,
            capture_output=True,
            encoding="utf-8",
            env={**os.environ, **(env or {})},
            timeout=120,
            check=False,
        )

    def json(self, *args: str, env: dict[str, str] | None = None) -> Any:
        return json.loads(self.run(*args, "--json", env=env).stdout)

    def lines(self, name: str = "out.jsonl") -> list[dict[str, Any]]:
        file = self.root / name
        if not file.exists():
            return []
        return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode(stream.encoding)
