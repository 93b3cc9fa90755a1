"""`bot log`: one post's whole history, by whatever name it is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.mastodon_server import MastodonServer
from tests.site import FILE_ACCOUNT, Site
from tests.test_cli import MASTODON, TOKEN


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path).configure()
    assert made.run("post", "--first-run").returncode == 0
    made.post("a", title="題名")
    made.post("b")
    assert made.run("post").returncode == 0
    return made


def events(found: dict[str, Any]) -> dict[str, list[str]]:
    return {d["account"]: [s["event"] for s in d["steps"]] for d in found["deliveries"]}


def test_every_name_of_a_post_leads_to_its_history(site: Site) -> None:
    by_path = site.json("log", "content/posts/a.md")
    (post,) = by_path["posts"]
    (delivery,) = by_path["deliveries"]
    assert (post["post"], post["title"]) == ("content/posts/a.md", "題名")
    assert [s["after"] for s in delivery["steps"]] == ["planned", "claimed", "sending", "sent"]
    names = [
        post["url"],
        post["url"].rstrip("/").replace("https:", "http:"),
        post["id"][:6],
        delivery["id"],
        delivery["id"][:8],
        str(site.root / "content" / "posts" / "a.md"),
    ]
    for name in names:
        assert site.json("log", name) == by_path, name


def test_times_are_those_of_the_site(site: Site) -> None:
    told = site.run("log", "content/posts/a.md").stdout
    assert " JST  " in told
    assert "題名" in told
    assert "sent" in told
    (delivery,) = site.json("log", "content/posts/a.md")["deliveries"]
    assert all(step["at"].endswith("Z") for step in delivery["steps"])


def test_all_accounts_are_told_with_what_went_wrong(tmp_path: Path) -> None:
    with MastodonServer("gotosocial") as server:
        site = Site(tmp_path)
        site.configure(FILE_ACCOUNT + MASTODON.format(base=server.base), timeout=2, gap=0.01)
        assert site.run("post", "--first-run", env=TOKEN).returncode == 0
        site.post("a")
        server.script += ["drop_after"]
        site.run("post", env=TOKEN)
        found = site.json("log", "content/posts/a.md")
        assert events(found) == {
            "log": ["planned", "claimed", "sending", "sent"],
            "m": ["planned", "claimed", "sending", "outcome-unknown", "found"],
        }
        (link,) = [d["link"] for d in found["deliveries"] if d["account"] == "m"]
        assert link
        assert site.json("log", link) == found
        lost = next(s for s in found["deliveries"][1]["steps"] if s["event"] == "outcome-unknown")
        assert lost["detail"]
        assert " ".join(lost["detail"].split()) in site.run("log", link).stdout


def test_a_renamed_post_is_found_by_its_new_path(site: Site) -> None:
    before = site.json("log", "content/posts/a.md")["posts"][0]["id"]
    (site.root / "content/posts/a.md").rename(site.root / "content/posts/c.md")
    assert site.run("post").returncode == 0
    assert site.json("log", "content/posts/c.md")["posts"][0]["id"] == before


@pytest.mark.parametrize(
    "name", ["content/none.md", "ffffffffffff", "https://blog.example/x/", "%"]
)
def test_what_is_not_known_is_told(site: Site, name: str) -> None:
    told = site.run("log", name)
    assert told.returncode == 2
    assert name in told.stderr
    assert "Traceback" not in told.stderr


def test_without_a_ledger_nothing_is_known_and_none_is_made(tmp_path: Path) -> None:
    site = Site(tmp_path).configure()
    assert site.run("log", "content/posts/a.md").returncode == 2
    assert not (tmp_path / "state").exists()


def test_a_hostile_title_moves_no_terminal(site: Site) -> None:
    file = site.post("evil")
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('title: "evil"', 'title: "e\\x1b[2Jvil"'), encoding="utf-8")
    assert site.run("post").returncode == 0
    told = site.run("log", "content/posts/evil.md")
    assert told.returncode == 0
    assert "vil" in told.stdout
    assert "\x1b" not in told.stdout
