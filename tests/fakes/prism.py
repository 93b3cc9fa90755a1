"""Prism (npm) before a fake X: it holds requests and answers against X's OpenAPI document.
`python -m tests.fakes.prism` installs it once into the cache folder outside the repository."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.fakes.contracts import CONTRACTS
from tests.fakes.pds import cache

PACKAGE = "@stoplight/prism-cli@5.14.2"
FOLDER = cache() / "prism"
COMMAND = FOLDER / "node_modules" / ".bin" / "prism"
DOCUMENT = CONTRACTS / "x" / "openapi.json"


def installed() -> bool:
    return shutil.which("node") is not None and COMMAND.exists() and DOCUMENT.exists()


def install() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "package.json").write_text('{"private": true}')
    subprocess.run(["npm", "install", "--silent", PACKAGE], cwd=FOLDER, check=True)


@contextmanager
def before(base: str) -> Iterator[str]:
    """Its address; what breaks the document is not passed on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    words = ["proxy", "--errors", "--host", "127.0.0.1", "--port", port, str(DOCUMENT), base]
    process = subprocess.Popen(
        [str(COMMAND), *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=os.environ
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if b"is listening" in line:
                break
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


if __name__ == "__main__":
    install()
