"""A real Bluesky PDS (npm) on this machine: `python -m tests.fakes.pds` installs it once into a
cache folder outside the repository ($BOT_TEST_CACHE, else ~/.cache/bot-test)."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PACKAGES = ("@atproto/pds@0.4.217", "@did-plc/server@0.0.1")  # the newest for node 20
SCRIPT = Path(__file__).with_name("pds.mjs")


def cache() -> Path:
    """Where real programs are kept."""
    named = os.environ.get("BOT_TEST_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "bot-test"


def folder() -> Path:
    return cache() / "pds"


def installed() -> bool:
    there = folder() / "node_modules" / "@atproto" / "pds" / "package.json"
    return shutil.which("node") is not None and there.exists()


def install() -> None:
    folder().mkdir(parents=True, exist_ok=True)
    (folder() / "package.json").write_text('{"private": true}')
    subprocess.run(["npm", "install", "--silent", *PACKAGES], cwd=folder(), check=True)


@contextmanager
def running() -> Iterator[str]:
    """Its base URL."""
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        ports = [str(listener.getsockname()[1]) for listener in (one, two)]
    process = subprocess.Popen(
        ["node", str(SCRIPT), *ports],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "NODE_ROOT": str(folder())},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["base"]
    finally:
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


if __name__ == "__main__":
    install()
