"""The `file` network: whole lines, whatever happens."""

from __future__ import annotations

import errno
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from bot.errors import OutcomeUnknown, Transient, Unauthorized
from bot.model import Absent, Found
from bot.net import Net
from bot.posters.file import missing
from bot.posters.registry import NETWORKS
from bot.settings import Account
from tests.posters.contract import LINK, TEXT, PosterContract, Rig, draft, picture


class FileRig(Rig):
    def __init__(self, root: Path) -> None:
        super().__init__()
        self.file = root / "out" / "posts.jsonl"
        account = Account(name="alice", network="file", path="out/posts.jsonl")
        net = Net(1, self.clock)
        self.poster = NETWORKS["file"].make(account, self.read_secret, net, root)

    def visible(self) -> list[Any]:
        lines = self.file.read_bytes().splitlines() if self.file.exists() else []
        return [json.loads(line) for line in lines]

    def break_reading(self) -> None:
        self.file.unlink()
        self.file.mkdir()


@pytest.fixture
def rig(tmp_path: Path) -> FileRig:
    return FileRig(tmp_path)


class TestContract(PosterContract):
    network = "file"


def test_its_own_lines_can_be_listed(rig: FileRig) -> None:
    """Those of other accounts, of other programs and torn ones are none of its posts."""
    assert list(rig.poster.recent(40)) == []  # type: ignore[attr-defined]
    for key in ("k1", "k2", "k3"):
        rig.commit(rig.prepare(), key)
    with rig.file.open("ab") as file:
        file.write(b'{"key": "x", "account": "bob", "url": "https://b/", "text": "t"}\n[1]\n{"ke')
    seen = rig.poster.recent(2)  # type: ignore[attr-defined]
    assert [(s.id, s.text, s.links) for s in seen] == [("k3", TEXT, (LINK,)), ("k2", TEXT, (LINK,))]
    rig.break_reading()
    with pytest.raises(Unauthorized):
        rig.poster.recent(2)  # type: ignore[attr-defined]


def test_the_line(rig: FileRig, tmp_path: Path) -> None:
    prepared = rig.prepare(image=picture(tmp_path))
    receipt = rig.commit(prepared, "key-7")
    assert receipt.id == "key-7"
    assert rig.visible() == [
        {
            "key": "key-7",
            "account": "alice",
            "url": LINK,
            "text": TEXT,
            "images": [{"file": "static/cover.png", "alt": "山の絵"}],
        }
    ]
    assert "題名" in rig.file.read_text(encoding="utf-8")


def test_without_images(rig: FileRig, tmp_path: Path) -> None:
    prepared = rig.poster.prepare(draft(image=picture(tmp_path)), 0, (), False)
    assert prepared.payload["images"] == []


def test_a_torn_line_is_closed_before_the_next(rig: FileRig) -> None:
    rig.commit(rig.prepare(), "key-1")
    with rig.file.open("ab") as file:
        file.write('{"key": "key-2", "text": "題'.encode()[:-1])
    assert rig.poster.find(rig.prepare().payload, "key-2", rig.earlier, ()) == Absent()
    rig.commit(rig.prepare(), "key-2")
    first, torn, last, rest = rig.file.read_bytes().split(b"\n")
    assert json.loads(first)["key"] == "key-1"
    assert torn == '{"key": "key-2", "text": "題'.encode()[:-1]
    assert json.loads(last)["key"] == "key-2"
    assert rest == b""


def test_a_whole_line_without_its_end_is_there(rig: FileRig) -> None:
    rig.commit(rig.prepare(), "key-1")
    os.truncate(rig.file, rig.file.stat().st_size - 1)
    finding = rig.poster.find(rig.prepare().payload, "key-1", rig.earlier, ())
    assert isinstance(finding, Found)
    rig.commit(rig.prepare(), "key-2")
    assert [line["key"] for line in rig.visible()] == ["key-1", "key-2"]


def test_a_key_in_the_text_is_not_the_key(rig: FileRig) -> None:
    rig.commit(rig.prepare('see "key-9" and {"key": "key-9"}'), "key-1")
    assert rig.poster.find(rig.prepare().payload, "key-9", rig.earlier, ()) == Absent()


def test_no_file_is_no_post(rig: FileRig) -> None:
    assert rig.poster.find(rig.prepare().payload, "key-1", rig.earlier, ()) == Absent()


def test_a_full_disk_leaves_no_half_line(rig: FileRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.commit(rig.prepare(), "key-1")
    before, write = rig.file.read_bytes(), os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[: len(data) // 2]))
    with pytest.raises(Transient):
        rig.commit(rig.prepare(), "key-2")
    assert rig.file.read_bytes() == before


def test_a_write_that_fails_is_not_sent(rig: FileRig, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(Transient, match=r"out/posts\.jsonl"):
        rig.commit(rig.prepare())


def test_an_fsync_that_fails_proves_nothing(rig: FileRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.commit(rig.prepare(), "key-1")

    def broken(fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OutcomeUnknown):
        rig.commit(rig.prepare(), "key-2")


def test_two_accounts_of_one_file_do_not_mix(tmp_path: Path) -> None:
    rigs = [FileRig(tmp_path) for _ in range(4)]

    def write(number: int) -> None:
        for n in range(10):
            rigs[number].commit(rigs[number].prepare("長" * 5000), f"{number}-{n}")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    keys = [line["key"] for line in rigs[0].visible()]
    assert sorted(keys) == sorted(f"{number}-{n}" for number in range(4) for n in range(10))


def test_an_account_without_a_path_is_not_ready() -> None:
    assert missing(Account(name="a", network="file"), lambda secret: None)
    assert missing(Account(name="a", network="file", path="x"), lambda secret: None) is None
