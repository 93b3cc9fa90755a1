"""Accounts that are no longer configured: what waits for them is told, and holds up nobody."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from bot.i18n import msg
from bot.outbox.states import dump
from tests.site import FILE_ACCOUNT, Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A post waits for the account `log`, which is then called `notes`."""
    made = Site(tmp_path).configure(FILE_ACCOUNT.replace("out.jsonl", "away/out.jsonl"))
    (tmp_path / "away").write_text("no folder")
    assert made.run("post", "--first-run").returncode == 0
    made.post("a")
    made.run("post")
    (tmp_path / "away").unlink()
    (tmp_path / "away").mkdir()
    renamed(made, "")
    return made


def renamed(site: Site, more: str) -> None:
    named = FILE_ACCOUNT.replace('"log"', '"notes"').replace("out.jsonl", "away/out.jsonl")
    site.configure(named + more)


def pause(site: Site) -> None:
    ledger = sqlite3.connect(site.root / "state" / "bot.db")
    why = dump(msg("the account is paused"))
    ledger.execute("UPDATE targets SET paused = ? WHERE name = 'log'", (why,))
    ledger.commit()
    ledger.close()


def test_what_waits_for_an_account_that_is_gone_needs_a_person(site: Site) -> None:
    told = site.run("status").stdout
    (row,) = site.json("status")["deliveries"]
    assert told.startswith("1 delivery needs you.")
    assert 'was = ["log"]' in row["command"]
    assert f"bot skip {row['id'][:8]}" in row["command"]
    posted = site.run("post")
    assert posted.returncode == 3
    assert 'was = ["log"]' in posted.stderr
    assert site.run("skip", row["id"]).returncode == 0
    assert site.run("status").stdout.startswith("All is well")
    assert site.run("post").returncode == 0


def test_the_new_name_takes_it(site: Site) -> None:
    renamed(site, 'was = ["log"]\n')
    (row,) = site.json("status")["deliveries"]
    assert row["command"] is None
    assert "notes" in row["why"]
    assert site.run("post").returncode == 0
    assert site.run("status").stdout.startswith("All is well")


def test_a_new_name_that_is_said_too_late(site: Site) -> None:
    """It has a start of its own: the two histories are not put together."""
    site.run("post")
    renamed(site, 'was = ["log"]\n')
    (row,) = site.json("status")["deliveries"]
    assert "bot post --account notes content/posts/a.md" in row["command"]
    assert f"bot skip {row['id'][:8]}" in row["command"]


def test_the_pause_of_an_account_that_is_gone_holds_nobody_up(site: Site) -> None:
    (row,) = site.json("status")["deliveries"]
    site.run("skip", row["id"])
    pause(site)
    told = site.run("post")
    assert (told.returncode, "log" in told.stderr) == (0, False)
