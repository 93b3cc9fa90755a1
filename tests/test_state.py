"""`bot state`: copies of the ledger, moves between stores, and what it refuses."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from bot.ledger import engine as opening
from tests.fakes.mastodon_server import MastodonServer
from tests.site import Site
from tests.test_cli import MASTODON


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """One with something sent and something that waits."""
    made = Site(tmp_path).configure()
    made.post("a")
    assert made.run("post", "--first-run").returncode == 0
    made.post("b")
    assert made.run("post").returncode == 0
    return made


def exported(site: Site) -> list[dict[str, Any]]:
    told = site.run("state", "export")
    assert told.returncode == 0, told.stderr
    return [json.loads(line) for line in told.stdout.splitlines()]


def store(site: Site, url: str) -> None:
    """The ledger lives there from now on."""
    file = site.root / "bot.toml"
    kept = file.read_text(encoding="utf-8").split("[state]")[0]
    file.write_text(f'{kept}[state]\nurl = "{url}"\n', encoding="utf-8")


def test_a_backup_is_a_ledger(site: Site) -> None:
    told = site.run("state", "backup")
    assert told.returncode == 0, told.stderr
    (copy,) = (site.root / "state" / "backups").iterdir()
    assert str(copy) in told.stdout
    before = exported(site)
    store(site, f"sqlite:///{copy}")
    assert exported(site) == before
    assert site.run("post").returncode == 0
    assert len(site.lines()) == 1


def test_a_backup_may_be_named_and_overwrites_nothing(site: Site) -> None:
    copy = site.root / "copies" / "mine.db"
    assert site.json("state", "backup", "copies/mine.db") == {"file": str(copy), "rows": None}
    before = copy.read_bytes()
    again = site.run("state", "backup", "copies/mine.db")
    assert again.returncode == 2
    assert "mine.db" in again.stderr
    assert copy.read_bytes() == before
    assert site.run("state", "backup", "state/bot.db").returncode == 2
    assert site.run("state", "export", "bot.toml").returncode == 2


def test_to_another_store_and_back(site: Site) -> None:
    before = exported(site)
    told = site.run("state", "export", "moved.jsonl")
    assert told.returncode == 0
    assert [json.loads(s) for s in (site.root / "moved.jsonl").read_text().splitlines()] == before
    store(site, "sqlite:///other.db")
    assert site.run("state", "import", "moved.jsonl").returncode == 0
    assert exported(site) == before
    assert site.run("post").returncode == 0
    assert len(site.lines()) == 1


def test_to_postgresql_and_back(site: Site, postgres_url: str) -> None:
    file = site.root / "bot.toml"
    name = site.root.name
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('language = "ja"', f'language = "ja"\nid = "{name}"', 1))
    store(site, "sqlite:///first.db")
    site.post("c")
    site.run("post", "--first-run")
    before = exported(site)
    assert site.run("state", "export", "out.jsonl2").returncode == 0
    store(site, postgres_url)
    assert site.json("state", "import", "out.jsonl2")["rows"] == before[0]["rows"]
    assert exported(site) == before
    assert site.run("state", "check").returncode == 0
    assert site.json("state", "migrate")["backup"] is None
    saved = site.json("state", "backup", "again.jsonl")
    assert saved["rows"] == before[0]["rows"]
    store(site, "sqlite:///third.db")
    assert site.run("state", "import", "again.jsonl").returncode == 0
    assert exported(site) == before


def test_an_import_is_refused_where_rows_are(site: Site) -> None:
    assert site.run("state", "export", "moved.jsonl").returncode == 0
    before = exported(site)
    told = site.run("state", "import", "moved.jsonl")
    assert told.returncode == 2
    assert "state.url" in told.stderr
    assert exported(site) == before


@pytest.mark.parametrize("named", ["missing.jsonl", "content", "bot.toml"])
def test_what_is_no_export_is_told(site: Site, named: str) -> None:
    store(site, "sqlite:///other.db")
    told = site.run("state", "import", named)
    assert told.returncode == 2
    assert named in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize("command", ["migrate", "backup", "check", "export"])
def test_where_no_ledger_is_none_is_made(tmp_path: Path, command: str) -> None:
    site = Site(tmp_path).configure()
    told = site.run("state", command)
    assert told.returncode == 2
    assert "--first-run" in told.stderr
    assert not (tmp_path / "state").exists()


def test_a_ledger_that_is_current_is_not_copied(site: Site) -> None:
    assert site.json("state", "migrate") == {
        "before": opening.HEAD,
        "after": opening.HEAD,
        "backup": None,
    }
    assert opening.HEAD in site.run("state", "migrate").stdout
    assert not (site.root / "state" / "backups").exists()


def test_a_damaged_ledger_is_named(site: Site) -> None:
    file = site.root / "state" / "bot.db"
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    assert site.run("state", "check").returncode == 0
    data = bytearray(file.read_bytes())
    for start in range(4096, len(data), 4096):
        data[start : start + 64] = b"\xee" * 64
    file.write_bytes(data)
    for command in ("check", "backup", "export"):
        told = site.run("state", command)
        assert told.returncode == 2, command
        assert "bot.db" in told.stderr
        assert "Traceback" not in told.stderr
    assert file.read_bytes() == data


def test_no_secret_is_in_any_copy(tmp_path: Path) -> None:
    canary = "canary-48151623"
    env = {"TOKEN": canary}
    with MastodonServer("gotosocial") as server:
        site = Site(tmp_path).configure(MASTODON.format(base=server.base), timeout=1, gap=0.01)
        assert site.run("post", "--first-run", env=env).returncode == 0
        site.post("a")
        site.post("b")
        server.script += ["422", "401"]
        site.run("post", env=env)
    lines = site.run("state", "export").stdout
    assert '"error"' in lines
    site.run("state", "backup", "copy.db")
    copies = [(tmp_path / "copy.db").read_bytes(), (tmp_path / "state" / "bot.db").read_bytes()]
    assert canary not in lines
    assert all(canary.encode() not in data for data in copies)


def test_a_newer_ledger_is_refused(site: Site) -> None:
    with sqlite3.connect(site.root / "state" / "bot.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    for command in ("migrate", "export"):
        told = site.run("state", command)
        assert told.returncode == 2
        assert "9999" in told.stderr
    assert site.run("state", "backup").returncode == 0, "a copy of it can be made all the same"
