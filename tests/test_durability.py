"""The disk keeps what the network was told: writes and syncs of a real `bot post` are recorded, and
after every one of them the power goes. What no sync had covered is gone, or there in pieces.

The ledger must then open clean, and hold for every visible call begun so far a row that says so.
"""

from __future__ import annotations

import os
import random  # noqa: TID251
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from tests.fakes.mastodon_server import MastodonServer
from tests.site import Site
from tests.test_kill import ACCOUNT, ENV

CALLS = "openat,pwrite64,write,ftruncate,fsync,fdatasync,unlink,unlinkat,rename,sendto"
FILES = ("bot.db", "bot.db-wal", "bot.db-journal")
"""The shared memory (-shm) is not among them: SQLite makes it anew."""
SECTOR = 512
UNKEYED = 'template = "{{ title }}"\n'
Kept = Literal["nothing", "some", "all"]
Kind = Literal["create", "write", "cut", "sync", "folder", "remove", "call"]

_DONE = re.compile(r"^(\d+) +(\w+)\((.*)\) += (\d+)")
_BEGUN = re.compile(r"^(\d+) +((\w+)\(.*) <unfinished \.\.\.>$")
_ENDED = re.compile(r"^(\d+) +<\.\.\. \w+ resumed>(.*)$")
_NAMED = re.compile(r"<((?:\\x[0-9a-f]{2})+)>")
_QUOTED = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_KEY = re.compile(rb"^idempotency-key: *(\S+)\r?$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a file of the ledger, or a visible call with its key. A sync
    covers what had ended before it `began`: so many events."""

    kind: Kind
    name: str = ""
    data: bytes = b""
    at: int = 0
    began: int = 0


@dataclass
class Disk:
    """The ledger's files: the bytes that a sync has covered, and what was done since."""

    safe: dict[str, bytes]
    since: list[tuple[int, Event]] = field(default_factory=list)

    def happens(self, number: int, event: Event) -> None:
        if event.kind == "sync":
            self._cover(event, lambda e: e.kind in ("write", "cut") and e.name == event.name)
        elif event.kind == "folder":
            self._cover(event, lambda e: e.kind in ("create", "remove"))
        elif event.kind != "call":
            self.since.append((number, event))

    def _cover(self, sync: Event, covers: Callable[[Event], bool]) -> None:
        waiting = []
        for number, event in self.since:
            if number < sync.began and covers(event):
                _do(self.safe, event)
            else:
                waiting.append((number, event))
        self.since = waiting

    def after_the_cut(self, kept: Kept, chance: random.Random) -> dict[str, bytes]:
        """What is found there: of what was not covered, this much, and not in order."""
        found = dict(self.safe)
        if kept == "nothing":
            return found
        for _, event in self.since:
            if kept == "all":
                _do(found, event)
            elif chance.random() < 0.5:
                _do(found, _torn(event, chance))
        return found


def _do(files: dict[str, bytes], event: Event) -> None:
    old = files.get(event.name, b"")
    if event.kind == "create":
        files.setdefault(event.name, b"")
    elif event.kind == "remove":
        files.pop(event.name, None)
    elif event.kind == "cut":
        files[event.name] = old[: event.at].ljust(event.at, b"\0")
    else:
        end = event.at + len(event.data)
        files[event.name] = old[: event.at].ljust(event.at, b"\0") + event.data + old[end:]


def _torn(event: Event, chance: random.Random) -> Event:
    """A write of which only the first sectors have reached the disk."""
    whole = len(event.data) // SECTOR
    if event.kind != "write" or whole < 2 or chance.random() < 0.5:
        return event
    kept = event.data[: SECTOR * chance.randrange(1, whole)]
    return Event("write", event.name, kept, event.at)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flavour", "more", "faults"),
    [
        ("mastodon", "", ["", "drop_after"]),
        ("gotosocial", UNKEYED, ["drop_before", "", "drop_after"]),
    ],
    ids=["keyed", "searchable"],
)
def test_what_was_called_is_on_the_disk(
    tmp_path: Path, flavour: str, more: str, faults: Sequence[str]
) -> None:
    strace_or_skip()
    with MastodonServer(flavour) as server:
        site = a_site(tmp_path, server, more)
        before = files_of(site)
        server.script.extend(faults)
        trace = recorded(site, [sys.executable, "-m", "bot", "post"])
        calls = [call for call in server.calls if server.is_visible(call)]
    seen = [event.data.decode() for event in trace if event.kind == "call"]
    assert sorted(seen) == sorted(call.headers["idempotency-key"] for call in calls)
    assert len(seen) >= 4
    assert sum(event.kind == "write" for event in trace) > 50
    assert sum(event.kind == "sync" for event in trace) > 10
    assert missing(tmp_path / "found", before, trace) == []


@pytest.mark.slow
def test_one_pragma_less_and_it_is_noticed(tmp_path: Path) -> None:
    """With synchronous NORMAL the row of a call that was made can be gone."""
    strace_or_skip()
    with MastodonServer() as server:
        site = a_site(tmp_path, server)
        before = files_of(site)
        careless = [sys.executable, "-m", "tests.dying", "careless", "0", "post"]
        trace = recorded(site, careless)
    assert any("no row" in fault for fault in missing(tmp_path / "found", before, trace))


@pytest.mark.slow
def test_the_first_ledger_is_there_or_not(tmp_path: Path) -> None:
    """A power cut while the ledger is made leaves none, or one that opens."""
    strace_or_skip()
    site = Site(tmp_path).configure()
    site.post("a")
    trace = recorded(site, [sys.executable, "-m", "bot", "post", "--first-run"])
    assert any(event.kind == "create" and event.name == "bot.db" for event in trace)
    assert missing(tmp_path / "found", {}, trace) == []


def a_site(root: Path, server: MastodonServer, more: str = "") -> Site:
    site = Site(root).configure(ACCOUNT.format(base=server.base) + more, timeout=0.4, gap=0.05)
    assert site.run("post", "--first-run", env=ENV).returncode == 0
    for name in ("a", "b", "c"):
        site.post(name, title=f"記事{name}")
    return site


# --- what is found after a power cut ------------------------------------------------------------


def missing(folder: Path, before: dict[str, bytes], trace: Sequence[Event]) -> list[str]:
    """What is wrong after a cut behind any event of the trace."""
    disk, calls, faults = Disk(dict(before)), list[str](), list[str]()
    chance = random.Random(20260210)
    looked: set[tuple[int, int]] = set()
    for number, event in enumerate(trace):
        disk.happens(number, event)
        if event.kind == "call":
            calls.append(event.data.decode())
        for kept in ("nothing", "some", "all"):
            found = disk.after_the_cut(kept, chance)
            case = (hash(frozenset(found.items())), len(calls))
            if case not in looked:
                looked.add(case)
                faults += [f"{number} {kept}: {fault}" for fault in _faults(folder, found, calls)]
    return faults


def _faults(folder: Path, found: dict[str, bytes], calls: Sequence[str]) -> Iterator[str]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, data in found.items():
        (folder / name).write_bytes(data)
    if "bot.db" not in found:
        if calls:
            yield "no ledger"
        return
    connection = sqlite3.connect(folder / "bot.db")
    try:
        (sound,) = connection.execute("PRAGMA integrity_check").fetchone()
        if sound != "ok":
            yield sound
        for key in calls:
            yield from _row_faults(connection, key)
    except sqlite3.DatabaseError as error:
        yield str(error)
    finally:
        connection.close()


def _row_faults(connection: sqlite3.Connection, key: str) -> Iterator[str]:
    """A call's key is its delivery's id and fence: the row must have come so far, and say so."""
    id, _, fence = key.rpartition("-")
    row = connection.execute("SELECT state, fence FROM deliveries WHERE id = ?", [id]).fetchone()
    begun = connection.execute(
        "SELECT fence FROM history WHERE delivery = ? AND after = 'sending'", [id]
    ).fetchall()
    if (int(fence),) not in begun or row is None:
        yield f"no row of {key}: {row}"
    elif row[0] in ("planned", "held", "claimed", "skipped") and row[1] == int(fence):
        yield f"the row of {key} is {row[0]}"


# --- what was recorded --------------------------------------------------------------------------


def strace_or_skip() -> None:
    if shutil.which("strace") is None:
        pytest.skip("no strace on this machine: writes and syncs cannot be recorded")
    tried = subprocess.run(
        ["strace", "-f", "--seccomp-bpf", "-o", os.devnull, "true"],
        capture_output=True,
        check=False,
    )
    if tried.returncode:
        pytest.skip("strace may not trace here: writes and syncs cannot be recorded")


def files_of(site: Site) -> dict[str, bytes]:
    state = site.root / "state"
    return {name: (state / name).read_bytes() for name in FILES if (state / name).exists()}


def recorded(site: Site, command: Sequence[str]) -> list[Event]:
    """Run it to its end; what it did to the ledger's files, and its visible calls, in order."""
    trace = site.root / "trace"
    options = ["-f", "--seccomp-bpf", "-qq", "-y", "-xx", "-s", "1000000", "-e", f"trace={CALLS}"]
    ran = subprocess.run(
        ["strace", *options, "-o", str(trace), *command],
        cwd=site.root,
        env={**os.environ, **ENV, "PYTHONPATH": str(Path(__file__).parent.parent)},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    with trace.open(encoding="ascii") as lines:
        return events(lines, site.root.resolve() / "state")


def events(lines: Iterable[str], state: Path) -> list[Event]:
    """A call that another thread interrupts in the record has ended where it is resumed."""
    found: list[Event] = []
    begun: dict[str, tuple[str, int]] = {}
    for line in lines:
        started = _BEGUN.match(line.rstrip("\n"))
        ended = _ENDED.match(line)
        if started:
            begun[started[1]] = (started[2], len(found))
            if started[3] == "sendto":  # the first byte is out before the call returns
                found += _call(started[2])
            continue
        count = len(found)
        if ended:
            first, count = begun.pop(ended[1])
            if first.startswith("sendto("):
                continue
            line = f"{ended[1]} {first}{ended[2]}"
        done = _DONE.match(line)
        if done:
            found += _event(done[2], done[3], int(done[4]), state, count)
    return found


def _event(call: str, given: str, answer: int, state: Path, began: int) -> Iterator[Event]:
    texts = [_bytes(text) for text in _QUOTED.findall(given)]
    opened = _NAMED.search(given)
    path = Path(os.fsdecode(_bytes(opened[1]) if opened else b""))
    if call in ("openat", "unlink", "unlinkat", "rename"):
        path = path / os.fsdecode(texts[0])  # an absolute name stands for itself
    if call == "sendto":
        yield from _call(given)
    elif call in ("fsync", "fdatasync"):
        if path == state:
            yield Event("folder", began=began)
        elif path.parent == state:
            yield Event("sync", path.name, began=began)
    elif path.parent == state and path.name in FILES:
        yield from _change(call, given, path.name, texts, answer)


def _change(
    call: str, given: str, name: str, texts: Sequence[bytes], answer: int
) -> Iterator[Event]:
    place = given.rsplit(",", 1)[-1].strip()
    if call == "openat":
        assert "O_TRUNC" not in given
        if "O_CREAT" in given:
            yield Event("create", name)
    elif call in ("unlink", "unlinkat"):
        yield Event("remove", name)
    elif call == "ftruncate":
        yield Event("cut", name, at=int(place))
    else:
        assert call == "pwrite64", f"{call} is not followed"
        assert answer == len(texts[0])
        yield Event("write", name, texts[0], int(place))


def _call(given: str) -> Iterator[Event]:
    sent = _QUOTED.search(given)
    data = _bytes(sent[1]) if sent else b""
    key = _KEY.search(data)
    if data.startswith(b"POST /api/v1/statuses") and key:
        yield Event("call", data=key[1])


def _bytes(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", ""))
