"""A real server of the Mastodon API on this machine: snac2 as Debian packages it."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.net import Net

OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"


def installed() -> bool:
    return shutil.which("snac") is not None


@dataclass(frozen=True)
class Snac:
    base: str
    folder: Path
    process: subprocess.Popen[bytes]

    def add_user(self, name: str, net: Net) -> str:
        """A new account's token."""
        done = subprocess.run(
            ["snac", "adduser", str(self.folder), name], capture_output=True, text=True, check=True
        )
        match = re.search(r"^User password is (.*)$", done.stdout + done.stderr, re.M)
        assert match is not None
        app = net.request(
            "POST",
            f"{self.base}/api/v1/apps",
            form={"client_name": "bot", "redirect_uris": OUT_OF_BAND, "scopes": "read write"},
        ).json()
        login = {"login": name, "passwd": match[1], "redir": OUT_OF_BAND, "state": ""}
        page = net.request(
            "POST", f"{self.base}/oauth/x-snac-login", form=login | {"cid": app["client_id"]}
        )
        token = net.request(
            "POST",
            f"{self.base}/oauth/token",
            form={
                "grant_type": "authorization_code",
                "code": page.body.decode().strip().splitlines()[-1],
                "client_id": app["client_id"],
                "client_secret": app["client_secret"],
                "redirect_uri": OUT_OF_BAND,
            },
        ).json()
        return str(token["access_token"])


@contextmanager
def running(folder: Path, net: Net) -> Iterator[Snac]:
    """A server with an empty folder. It delivers each post to its own inbox: with its default few
    threads it stalls on itself now and then, hence the settings."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    answers = f"127.0.0.1\n{port}\n127.0.0.1:{port}\n\nadmin@example.com\n"
    subprocess.run(
        ["snac", "init", str(folder)], input=answers.encode(), capture_output=True, check=True
    )
    settings = folder / "server.json"
    text = settings.read_text()
    for old, new in (
        ('"protocol": "https"', '"protocol": "http"'),
        ('"queue_timeout": 6', '"queue_timeout": 1'),
        ('"fastcgi": false', '"fastcgi": false, "num_threads": 16'),
    ):
        assert old in text
        text = text.replace(old, new)
    settings.write_text(text)
    process = subprocess.Popen(
        ["snac", "httpd", str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_until_it_listens(port)
        yield Snac(f"http://127.0.0.1:{port}", folder, process)
    finally:
        process.kill()
        process.wait()


def _wait_until_it_listens(port: int) -> None:
    import time

    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError("snac did not start")
