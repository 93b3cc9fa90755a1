"""`bot verify`: what differs between an account and the ledger, and what must not be called so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.mastodon_server import MastodonServer
from tests.site import Site
from tests.test_cli import MASTODON, TOKEN


@pytest.fixture
def server() -> Iterator[MastodonServer]:
    with MastodonServer("gotosocial") as made:
        yield made


@pytest.fixture
def site(tmp_path: Path, server: MastodonServer) -> Site:
    """Three posts were sent to an account."""
    made = Site(tmp_path).configure(MASTODON.format(base=server.base), timeout=1, gap=0.01)
    assert made.run("post", "--first-run", env=TOKEN).returncode == 0
    for name in ("a", "b", "c"):
        made.post(name)
    assert made.run("post", env=TOKEN).returncode == 0
    assert len(server.visible) == 3
    return made


def verified(site: Site) -> tuple[int, list[tuple[str, str]], dict[str, Any]]:
    """The exit code, what was found of which post, and all of the one account."""
    told = site.run("verify", env=TOKEN)
    (account,) = site.json("verify", env=TOKEN)["accounts"]
    found = [(f["kind"], Path(f["post"]).stem) for f in account["findings"]]
    assert "Traceback" not in told.stderr
    return told.returncode, found, account


def test_all_is_as_the_ledger_says(site: Site) -> None:
    ledger = site.root / "state" / "bot.db"
    before = ledger.read_bytes()
    code, found, account = verified(site)
    assert (code, found, account["compared"]) == (0, [], 3)
    assert ledger.read_bytes() == before
    assert "3" in site.run("verify", env=TOKEN).stdout


def test_what_was_deleted_there(site: Site, server: MastodonServer) -> None:
    del server.visible[1]
    code, found, account = verified(site)
    assert (code, found) == (1, [("deleted", "b")])
    assert account["findings"][0]["link"]


def test_every_post_was_deleted_there(site: Site, server: MastodonServer) -> None:
    server.visible.clear()
    assert sorted(verified(site)[1]) == [("deleted", name) for name in "abc"]


def test_what_is_there_twice(site: Site, server: MastodonServer) -> None:
    server.add("a-token", status=server.visible[0]["content"])
    code, found, account = verified(site)
    assert (code, found) == (1, [("twice", "a")])
    assert len(account["findings"][0]["links"]) == 2


def test_a_post_by_hand_is_nothing_to_the_ledger(site: Site, server: MastodonServer) -> None:
    server.add("a-token", status="good morning")
    assert verified(site)[:2] == (0, [])


def test_a_post_that_was_deleted_and_written_again_is_there(
    site: Site, server: MastodonServer
) -> None:
    text = server.visible[1]["content"]
    del server.visible[1]
    server.add("a-token", status=f"mended {text}")
    assert verified(site)[:2] == (0, [])


def test_what_is_further_back_than_the_listing_is_looked_for(
    site: Site, server: MastodonServer
) -> None:
    for n in range(45):
        server.add("a-token", status=f"by hand {n}")
    assert verified(site)[:2] == (0, [])
    del server.visible[0]
    assert verified(site)[:2] == (1, [("deleted", "a")])


def test_what_cannot_be_told_is_said(site: Site, server: MastodonServer) -> None:
    """A listing has an end: 400 posts back nothing more can be asked."""
    for n in range(450):
        server.add("a-token", status=f"by hand {n}")
    code, found, _ = verified(site)
    assert code == 1
    assert {kind for kind, _ in found} == {"not-known"}


def test_what_the_ledger_holds_for_unknown_or_failed(site: Site, server: MastodonServer) -> None:
    for name in ("d", "e"):
        site.post(name)
    server.script += ["422", "422"]
    assert site.run("post", env=TOKEN).returncode == 1
    server.add("a-token", status="d by hand https://blog.example/posts/d/")
    code, found, account = verified(site)
    assert (code, sorted(found)) == (1, [("missing", "e"), ("there", "d")])
    ids = {Path(f["post"]).stem: f["id"][:8] for f in account["findings"]}
    told = site.run("verify", env=TOKEN).stdout
    assert f"bot retry {ids['e']}" in told
    assert f"bot skip {ids['d']}" in told
    assert site.run("skip", ids["d"], ids["e"], env=TOKEN).returncode == 0
    assert verified(site)[:2] == (0, [])


def test_what_a_person_said_is_there_and_is_not(tmp_path: Path, server: MastodonServer) -> None:
    site = Site(tmp_path).configure(MASTODON.format(base=server.base), timeout=0.3, gap=0.01)
    assert site.run("post", "--first-run", env=TOKEN).returncode == 0
    server.turns_pages = False
    for n in range(50):
        server.add("a-token", status=f"other {n}")
    site.post("a")
    server.script.append("drop_before")
    assert site.run("post", env=TOKEN).returncode == 3
    (row,) = site.json("status", env=TOKEN)["deliveries"]
    link = server.visible[-1]["url"]
    assert site.run("resolve", row["id"], "--sent", link, env=TOKEN).returncode == 0
    assert verified(site)[1] == []
    server.visible.clear()
    assert verified(site)[1] == [("missing", "a")]


def test_an_account_that_cannot_be_read(site: Site, server: MastodonServer) -> None:
    server.ill = True
    code, found, account = verified(site)
    assert (code, found) == (1, [])
    assert account["trouble"]


def test_an_account_without_its_token(site: Site) -> None:
    told = site.run("verify")
    assert told.returncode == 1
    assert "TOKEN" in told.stdout


def test_only_one_account_and_none_that_is_not_there(site: Site) -> None:
    assert site.run("verify", "--account", "m", "--last", "2", env=TOKEN).returncode == 0
    told = site.run("verify", "--account", "nobody", env=TOKEN)
    assert told.returncode == 2
    assert "m" in told.stderr


def test_lines_of_a_file_are_compared_too(tmp_path: Path) -> None:
    site = Site(tmp_path).configure()
    assert site.run("verify").returncode == 2
    assert not (tmp_path / "state").exists()
    assert site.run("post", "--first-run").returncode == 0
    site.post("a")
    site.post("b")
    assert site.run("post").returncode == 0
    assert site.run("verify").returncode == 0
    file = tmp_path / "out.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text(lines[1], encoding="utf-8")
    (account,) = site.json("verify")["accounts"]
    assert [(f["kind"], f["post"]) for f in account["findings"]] == [
        ("deleted", "content/posts/a.md")
    ]
