"""What was shared is edited or taken back: `bot post` says which of the two it did."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from tests.fakes.mastodon_server import MastodonServer
from tests.site import Site

ENV = {"TOKEN": "the-token"}
ACCOUNT = """[[accounts]]
name = "fedi"
network = "mastodon"
instance = "{base}"
token = {{ env = "TOKEN" }}
on_edit = "update"
on_delete = "retract"
"""


def test_an_edit_and_a_retract_are_called_so(tmp_path: Path) -> None:
    with MastodonServer() as server:
        site = Site(tmp_path).configure(ACCOUNT.format(base=server.base))
        assert site.run("post", "--first-run", env=ENV).returncode == 0
        files = [site.post(name, day=day) for day, name in enumerate("abcd", 1)]
        assert "fedi: sent content/posts/a.md" in site.run("post", env=ENV).stdout
        files[1].write_text(files[1].read_text().replace("要点一", "直した点"))
        os.utime(files[1], (1, 1))
        looked = site.run("post", "--dry-run", env=ENV).stdout
        assert "fedi: edited to: content/posts/b.md: http://" in looked
        assert "直した点" in looked
        (change,) = site.json("post", "--dry-run", env=ENV)["changes"]
        assert (change["kind"], change["there"]) == ("edit", server.visible[1]["url"])
        told = site.run("post", env=ENV).stdout
        assert "fedi: edited content/posts/b.md" in told
        assert "sent" not in told
        files[0].unlink()
        site.run("post", env=ENV)
        ledger = sqlite3.connect(tmp_path / "state" / "bot.db")
        ledger.execute("UPDATE articles SET gone_at = gone_at - 7200000000 WHERE gone_at > 0")
        ledger.commit()
        ledger.close()
        assert "fedi: taken back: content/posts/a.md: http" in site.run("post", "--dry-run").stdout
        told = site.run("post", env=ENV).stdout
        assert "fedi: taken back: content/posts/a.md" in told
        assert len(server.visible) == 3


def test_nothing_is_changed_where_the_network_cannot(tmp_path: Path) -> None:
    """A line in a file, like a post on Bluesky, cannot be edited: that is no failure."""
    account = '[[accounts]]\nname = "log"\nnetwork = "file"\npath = "out.jsonl"\n'
    site = Site(tmp_path).configure(account + 'on_edit = "update"\non_delete = "retract"\n')
    assert site.run("post", "--first-run").returncode == 0
    file = site.post("a")
    site.run("post")
    file.write_text(file.read_text().replace("要点一", "直した点"))
    os.utime(file, (1, 1))
    assert site.run("post").returncode == 0
    assert site.run("status").stdout.splitlines()[0] == "All is well; nothing waits."
    told = site.run("check").stdout
    assert "on_edit has no effect: this network cannot edit what it shows" in told
