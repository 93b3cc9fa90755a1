"""The program as its user runs it, in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.fakes.mastodon_server import MastodonServer
from tests.site import FILE_ACCOUNT, Site

ROOT = Path(__file__).parent.parent
SEED = ROOT.parent / "shared" / "seed"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path).configure()


def started(site: Site, *posts: str) -> Site:
    for name in posts:
        site.post(name)
    assert site.run("post", "--first-run").returncode == 0
    return site


def test_a_post_goes_out_once(site: Site) -> None:
    started(site, "old")
    site.post("new")
    first = site.run("post")
    assert first.returncode == 0, first.stderr
    again = site.run("post")
    assert again.returncode == 0
    assert [line["url"] for line in site.lines()] == ["https://blog.example/posts/new/"]
    assert list(site.lines()[0]) == ["key", "account", "url", "text", "images"]


def test_no_first_run_by_itself(site: Site) -> None:
    site.post("old")
    for command in (("post",), ("run",)):
        refused = site.run(*command)
        assert refused.returncode == 2
        assert "--first-run" in refused.stderr
        assert "bot.toml" in refused.stderr
    started(site)
    shutil.rmtree(site.root / "state")
    assert site.run("feed").returncode == 0
    lost = site.run("post")
    assert lost.returncode == 2
    assert site.lines() == []


def test_a_path_asks_for_what_the_baseline_took(site: Site) -> None:
    started(site, "old", "older")
    asked = site.run("post", "content/posts/old.md")
    assert asked.returncode == 0, asked.stderr
    assert len(site.lines()) == 1
    again = site.run("post", "content/posts/old.md")
    assert again.returncode == 0
    assert "already sent" in again.stdout
    assert len(site.lines()) == 1


def test_a_post_that_is_not_to_be_seen_is_refused_with_its_reason(site: Site) -> None:
    started(site)
    site.post("draft", more="draft: true\n")
    refused = site.run("post", "content/posts/draft.md")
    assert refused.returncode == 1
    assert "draft" in refused.stderr
    missing = site.run("post", "content/posts/nothing.md")
    assert missing.returncode == 1
    assert "content/posts/nothing.md" in missing.stderr
    assert site.lines() == []


def test_all_needs_a_yes(site: Site) -> None:
    started(site, "a", "b", "c")
    asked = site.run("post", "--all")
    assert asked.returncode == 3
    assert "3" in asked.stdout
    assert "--yes" in asked.stdout
    assert site.lines() == []
    assert site.run("post", "--all", "--yes").returncode == 0
    assert len(site.lines()) == 3


def test_latest(site: Site) -> None:
    site.post("a", day=1)
    site.post("b", day=2)
    site.post("c", day=3)
    started(site)
    assert site.run("post", "--latest", "2").returncode == 0
    assert sorted(line["url"][-2] for line in site.lines()) == ["b", "c"]


def test_a_flood_waits_for_approve(site: Site) -> None:
    started(site)
    for n in range(11):
        site.post(f"p{n}")
    held = site.run("post")
    assert held.returncode == 3
    assert site.lines() == []
    rows = site.json("status")["deliveries"]
    assert {row["state"] for row in rows} == {"held"}
    assert site.run("approve", "content/posts/p3.md").returncode == 0
    assert site.run("approve", rows[0]["id"][:6]).returncode == 0
    site.run("skip", "content/posts/p10.md")
    site.run("post")
    assert len(site.lines()) in (1, 2)
    assert site.run("approve").returncode == 0
    assert site.run("post").returncode == 0
    assert len(site.lines()) == 10
    assert "p10" not in "".join(line["url"] for line in site.lines())


def test_backfill(site: Site) -> None:
    site.configure(FILE_ACCOUNT + "backfill = 1\n")
    site.post("a", day=1)
    site.post("b", day=2)
    started(site)
    assert [line["url"] for line in site.lines()] == ["https://blog.example/posts/b/"]


def test_a_moved_file_is_the_same_post(site: Site) -> None:
    started(site)
    file = site.post("a")
    site.run("post")
    id = site.json("list")["posts"][0]["id"]
    file.rename(file.with_name("b.md"))
    assert site.run("post").returncode == 0
    assert len(site.lines()) == 1
    assert site.json("list")["posts"][0]["id"] == id


def test_dry_run_and_list_write_nothing(site: Site) -> None:
    site.post("a")
    before = sorted(p for p in site.root.rglob("*"))
    for args in (("list",), ("status",), ("post", "--dry-run"), ("post", "--dry-run", "--json")):
        assert site.run(*args).returncode == 0
    assert sorted(p for p in site.root.rglob("*")) == before


def test_dry_run_says_what_would_be_sent(site: Site) -> None:
    started(site, "old")
    site.post("new")
    site.post("draft", more="draft: true\n")
    told = site.json("post", "--dry-run", "--why")
    (one,) = told["deliveries"]
    assert (one["post"], one["account"], one["network"]) == ("content/posts/new.md", "log", "file")
    assert one["example"] is False
    assert one["link"] in one["parts"][0]["text"]
    assert one["parts"][0]["limit"] is None
    assert {s["reason"]: s["posts"] for s in told["skipped"]} == {
        "baseline": ["content/posts/old.md"],
        "draft": ["content/posts/draft.md"],
    }
    site.run("post")
    assert site.lines()[0]["text"] == one["parts"][0]["text"]


def test_nothing_due_shows_the_newest_as_an_example(site: Site) -> None:
    site.post("a", day=1)
    site.post("b", day=2)
    started(site)
    told = site.json("post", "--dry-run")
    assert [(d["post"], d["example"]) for d in told["deliveries"]] == [("content/posts/b.md", True)]


def test_an_account_that_is_switched_off_only_shows(site: Site) -> None:
    x = '[[accounts]]\nname = "x"\nnetwork = "x"\nenabled = false\n'
    site.configure(FILE_ACCOUNT + x)
    started(site)
    site.post("new")
    told = {d["account"]: d for d in site.json("post", "--dry-run")["deliveries"]}
    assert told["x"]["parts"][0]["unit"] == "x-weighted"
    assert told["x"]["parts"][0]["length"] <= told["x"]["parts"][0]["limit"] == 280
    assert site.run("post").returncode == 0
    assert all(d["account"] != "x" for d in site.json("status", "--all")["deliveries"])
    accounts = {a["name"]: a for a in site.json("status")["accounts"]}
    assert accounts["x"]["state"] == "disabled"


@pytest.mark.parametrize(
    ("network", "settings"),
    [
        ("mastodon", 'instance = "https://m.example"\ntoken = { env = "NO_SUCH" }\n'),
        ("misskey", 'instance = "https://m.example"\ntoken = { env = "NO_SUCH" }\n'),
        ("bluesky", 'handle = "a.example"\napp_password = { env = "NO_SUCH" }\n'),
        ("x", 'client_id = "c"\nrefresh_token = { env = "NO_SUCH" }\n'),
    ],
)
def test_a_missing_credential_keeps_the_posts_waiting(
    site: Site, network: str, settings: str
) -> None:
    account = f'[[accounts]]\nname = "m"\nnetwork = "{network}"\n{settings}'
    site.configure(FILE_ACCOUNT + account)
    started(site)
    site.post("new")
    told = site.run("post")
    assert told.returncode == 1
    assert "NO_SUCH" in told.stderr
    assert len(site.lines()) == 1
    waiting = [d for d in site.json("status")["deliveries"] if d["account"] == "m"]
    assert [d["state"] for d in waiting] == ["planned"]
    (said,) = [a for a in site.json("status")["accounts"] if a["name"] == "m"]
    assert said["state"] == "not-ready"
    assert said["reason"]


BROKEN = '---\ntitle: "a\ndate: [\n---\n本文\n'


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_broken_post_is_named_and_the_rest_goes_on(site: Site, language: str) -> None:
    site.configure(language=language)
    started(site)
    site.post("good")
    bad = site.post("bad")
    bad.write_text(BROKEN, encoding="utf-8")
    unreadable = site.post("binary")
    unreadable.write_bytes(b"---\ntitle: \x83\x65\x83\x58\x83\x67\n---\n")
    told = site.run("post")
    assert told.returncode == 1
    assert "content/posts/bad.md:" in told.stderr
    assert "content/posts/binary.md" in told.stderr
    assert "Traceback" not in told.stderr
    assert ("ください" in told.stderr) == (language == "ja")
    assert len(site.lines()) == 1
    assert site.run("list").returncode == 0
    assert site.run("feed").returncode == 1


def test_unreadable_at_the_baseline_is_not_announced_when_mended(site: Site) -> None:
    bad = site.post("bad")
    bad.write_text(BROKEN, encoding="utf-8")
    assert site.run("post", "--first-run").returncode == 1
    site.post("bad")
    assert site.run("post").returncode == 0
    assert site.lines() == []


def test_an_empty_and_a_missing_folder(site: Site) -> None:
    (site.root / "content").rmdir()
    missing = site.run("post", "--first-run")
    assert missing.returncode == 1
    assert "content" in missing.stderr
    (site.root / "content").mkdir()
    assert site.run("post").returncode == 0
    site.post("first")
    assert site.run("post").returncode == 0
    assert len(site.lines()) == 1


def test_a_folder_that_vanishes_withdraws_nothing(site: Site) -> None:
    started(site)
    for n in range(11):
        site.post(f"p{n}")
    site.run("post")
    (site.root / "content").rename(site.root / "away")
    assert site.run("post").returncode == 1
    assert {d["state"] for d in site.json("status")["deliveries"]} == {"held"}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_wrong_key_names_file_line_and_the_nearest(site: Site, language: str) -> None:
    file = site.root / "bot.toml"
    file.write_text(file.read_text().replace("title =", "titel =").replace('"en"', f'"{language}"'))
    told = site.run("list", env={"LC_ALL": "ja_JP.UTF-8" if language == "ja" else "en_US.UTF-8"})
    assert told.returncode == 2
    assert "bot.toml:3" in told.stderr
    assert "titel" in told.stderr
    assert "title" in told.stderr
    assert "Traceback" not in told.stderr


def test_a_damaged_ledger_is_exit_2(site: Site) -> None:
    started(site)
    (site.root / "state" / "bot.db").write_bytes(b"no database" * 400)
    for suffix in ("-wal", "-shm"):
        (site.root / "state" / f"bot.db{suffix}").unlink(missing_ok=True)
    for args in (("post",), ("status",), ("list",)):
        told = site.run(*args)
        assert told.returncode == 2, args
        assert "Traceback" not in told.stderr
        assert "bot.db" in told.stderr


def test_another_address_is_refused_with_the_line_to_add(site: Site) -> None:
    started(site)
    file = site.root / "bot.toml"
    file.write_text(file.read_text().replace("https://blog.example", "https://new.example"))
    told = site.run("post")
    assert told.returncode == 2
    assert 'id = "blog.example"' in told.stderr
    file.write_text(
        file.read_text().replace('language = "ja"', 'language = "ja"\nid = "blog.example"')
    )
    assert site.run("post").returncode == 0


def test_json_is_utf8_whatever_the_terminal(site: Site) -> None:
    site.post("日本語")
    for encoding in ("ascii", "cp932"):
        told = subprocess.run(
            site.command("list", "--json"),
            cwd=site.root,
            capture_output=True,
            env={**os.environ, "PYTHONIOENCODING": encoding},
            check=True,
        )
        assert json.loads(told.stdout.decode("utf-8"))["posts"][0]["title"] == "日本語"


@pytest.mark.parametrize("encoding", ["ascii", "cp932"])
def test_poor_terminals(site: Site, encoding: str) -> None:
    site.post("emoji", title="😀 絵文字 ①")
    for args in (("list",), ("status",), ("post", "--dry-run"), ("--help",)):
        told = subprocess.run(
            site.command(*args),
            cwd=site.root,
            capture_output=True,
            env={**os.environ, "PYTHONIOENCODING": encoding},
            check=False,
        )
        assert told.returncode == 0, told.stderr
        told.stdout.decode(encoding)


def test_feeds_are_written_and_left_alone(site: Site) -> None:
    site.post("a")
    assert site.run("feed").returncode == 0
    files = sorted((site.root / "public").iterdir())
    assert [f.name for f in files] == ["atom.xml", "feed.css", "feed.json", "feed.xml"]
    before = [f.stat().st_mtime_ns for f in files]
    assert site.run("feed").returncode == 0
    assert [f.stat().st_mtime_ns for f in files] == before
    (site.root / "public" / "feed.xml").write_text("<rss>mine</rss>")
    told = site.run("feed")
    assert "feed.xml" in told.stderr
    assert (site.root / "public" / "feed.xml").read_text() == "<rss>mine</rss>"


def test_run_watches_feeds_and_stops_cleanly(site: Site) -> None:
    site.post("old")
    process = subprocess.Popen(
        site.command("run", "--first-run"), cwd=site.root, stderr=subprocess.PIPE, encoding="utf-8"
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if "feed.json" in line:
                break
        site.post("new")
        for line in process.stderr:
            if "content/posts/new.md" in line:
                break
        assert len(site.lines()) == 1
    finally:
        process.send_signal(signal.SIGTERM)
        rest = process.communicate(timeout=10)[1]
    assert process.returncode == 0, rest


@pytest.mark.skipif(not SEED.is_dir(), reason="../shared is not here")
def test_the_real_post(site: Site) -> None:
    networks = "".join(
        f'[[accounts]]\nname = "{n}"\nnetwork = "{n}"\nenabled = false\n'
        for n in ("x", "bluesky", "mastodon", "misskey")
    )
    site.configure(FILE_ACCOUNT + networks)
    posts = site.root / "content" / "posts"
    posts.mkdir()
    (seed,) = SEED.glob("*.md")
    shutil.copy(seed, posts)
    cover = site.root / "static" / "images" / "posts" / f"{seed.stem}.png"
    cover.parent.mkdir(parents=True)
    shutil.copy(ROOT / "static" / "images" / "posts" / "2026-11-02-hibari-7b.png", cover)
    (post,) = site.json("list")["posts"]
    bullets = [
        line[2:] for line in seed.read_text(encoding="utf-8").splitlines() if line.startswith("- ")
    ]
    assert post["summary"] == {"lines": bullets[-3:], "source": "section"}
    assert post["cover"]["alt"] == "AI generated thumbnail"
    assert post["cover"]["file"] == f"static/images/posts/{seed.stem}.png"
    for shown in site.json("post", "--dry-run")["deliveries"]:
        text = shown["parts"][0]["text"]
        assert post["title"] in text
        assert any(line in text for line in post["summary"]["lines"])
        assert post["url"] in text
        for measure in (shown["parts"][0], *shown["parts"][0].get("also", ())):
            assert measure["limit"] is None or measure["length"] <= measure["limit"]


def test_the_sample_site_is_read_without_a_problem() -> None:
    told = Site(ROOT).json("list")
    assert told["problems"] == []
    assert {p["why_not"] for p in told["posts"]} == {None, "draft", "future"}
    assert len(told["posts"]) >= 8
    assert sum(p["cover"] is not None for p in told["posts"]) >= 4


def test_a_template_that_cannot_be_used_is_named_with_its_line(site: Site) -> None:
    site.configure(FILE_ACCOUNT + 'template = """\n{{ title }}\n{{ ttle }}\n"""\n')
    line = (site.root / "bot.toml").read_text().splitlines().index("{{ ttle }}") + 1
    told = site.run("list")
    assert told.returncode == 2
    assert f"bot.toml:{line}:" in told.stderr
    assert "title" in told.stderr


def test_a_template_is_all_that_is_sent(site: Site) -> None:
    site.configure(FILE_ACCOUNT + 'template = "{{ title }}!"\n')
    started(site)
    site.post("a", title="題名")
    site.run("post")
    assert site.lines()[0]["text"] == "題名!"


def test_the_store_may_be_named_by_a_secret_and_holds_no_password(site: Site) -> None:
    file = site.root / "bot.toml"
    plain = file.read_text()
    file.write_text(plain + '[state]\nurl = { env = "LEDGER" }\n')
    unset = site.run("post", "--first-run")
    assert unset.returncode == 2
    assert "LEDGER" in unset.stderr
    assert site.run("post", "--first-run", env={"LEDGER": "sqlite:///elsewhere.db"}).returncode == 0
    assert (site.root / "elsewhere.db").exists()
    file.write_text(plain + '[state]\nurl = "postgresql://me:hunter2@127.0.0.1/db"\n')
    refused = site.run("post")
    assert refused.returncode == 2
    assert "hunter2" not in refused.stderr + refused.stdout


def test_a_store_that_is_not_there_tells_no_password(site: Site) -> None:
    file = site.root / "bot.toml"
    file.write_text(file.read_text() + '[state]\nurl = { env = "LEDGER" }\n')
    told = site.run("post", env={"LEDGER": "postgresql://me:hunter2@127.0.0.1:1/db"})
    assert told.returncode == 2
    assert "Traceback" not in told.stderr
    assert "hunter2" not in told.stderr + told.stdout


def test_first_run_on_an_empty_postgresql(site: Site, postgres_url: str) -> None:
    file = site.root / "bot.toml"
    text = file.read_text().replace('language = "ja"', f'language = "ja"\nid = "{site.root.name}"')
    file.write_text(text + f'[state]\nurl = "{postgres_url}"\n')
    site.post("old")
    assert site.run("post").returncode == 2
    assert site.run("post", "--first-run").returncode == 0
    site.post("new")
    assert site.run("post").returncode == 0
    assert len(site.lines()) == 1
    assert site.run("status").returncode == 0
    assert not (site.root / "state").exists()


MASTODON = """
[[accounts]]
name = "m"
network = "mastodon"
instance = "{base}"
token = {{ env = "TOKEN" }}
"""
TOKEN = {"TOKEN": "a-token"}


def test_a_failure_is_shown_tried_again_and_answered(site: Site) -> None:
    with MastodonServer("gotosocial") as server:
        site.configure(MASTODON.format(base=server.base), timeout=2, gap=0.01)
        assert site.run("post", "--first-run", env=TOKEN).returncode == 0
        site.post("a")
        server.script.append("422")
        told = site.run("post", env=TOKEN)
        assert told.returncode == 1
        assert "content/posts/a.md" in told.stderr
        (row,) = site.json("status")["deliveries"]
        assert row["state"] == "failed"
        assert f"bot retry {row['id'][:8]}" in site.run("status").stdout
        assert site.run("post", env=TOKEN).returncode == 0
        assert site.run("retry", row["id"][:8]).returncode == 0
        assert site.run("post", env=TOKEN).returncode == 0
        assert len(server.visible) == 1
        assert site.json("status")["deliveries"] == []


def test_a_login_that_is_refused_pauses_and_says_so(site: Site) -> None:
    with MastodonServer() as server:
        site.configure(MASTODON.format(base=server.base), timeout=2, gap=0.01)
        assert site.run("post", "--first-run", env=TOKEN).returncode == 0
        site.post("a")
        server.script.append("401")
        assert site.run("post", env=TOKEN).returncode == 3
        (account,) = site.json("status", env=TOKEN)["accounts"]
        assert account["state"] == "paused"
        assert account["until"]
        assert site.run("post", env=TOKEN).returncode == 3
        assert server.visible == []
        assert site.run("post", "content/posts/a.md", env=TOKEN).returncode == 0
        assert len(server.visible) == 1
        assert site.json("status", env=TOKEN)["accounts"][0]["state"] == "ready"


def test_the_cover_goes_with_the_post(site: Site) -> None:
    with MastodonServer() as server:
        site.configure(MASTODON.format(base=server.base), timeout=2, gap=0.01)
        assert site.run("post", "--first-run", env=TOKEN).returncode == 0
        picture = site.root / "static" / "cover.png"
        picture.parent.mkdir()
        shutil.copy(ROOT / "static" / "images" / "posts" / "2026-11-02-hibari-7b.png", picture)
        site.post("a", more='cover:\n  image: "/cover.png"\n  alt: "代わりの文"\n')
        assert site.run("post", env=TOKEN).returncode == 0
        (media,) = server.media.values()
        assert media["description"] == "代わりの文"
        assert media["bytes"] == picture.read_bytes()
        assert server.violations == []


@pytest.mark.parametrize("choice", ["--resend", "--drop", "--sent"])
def test_a_person_settles_what_nobody_else_can(site: Site, choice: str) -> None:
    with MastodonServer("gotosocial") as server:
        site.configure(MASTODON.format(base=server.base), timeout=0.3, gap=0.01)
        assert site.run("post", "--first-run", env=TOKEN).returncode == 0
        server.turns_pages = False
        for n in range(50):
            server.add("a-token", status=f"other {n}")
        site.post("a")
        server.script.append("drop_before")
        assert site.run("post", env=TOKEN).returncode == 3
        (row,) = site.json("status")["deliveries"]
        assert row["state"] == "unknown"
        args = [choice, "https://m.example/1"] if choice == "--sent" else [choice]
        assert site.run("resolve", row["id"][:8], *args).returncode == 0
        assert site.run("post", env=TOKEN).returncode == 0
        assert len(server.visible) == (51 if choice == "--resend" else 50)
        assert site.json("status")["deliveries"] == []


def test_a_pattern_or_a_name_that_cannot_be_is_the_configurations_fault(site: Site) -> None:
    plain = (site.root / "bot.toml").read_text()
    (site.root / "bot.toml").write_text(plain + '[content]\npermalink = "/:foo/"\n')
    told = site.run("list")
    assert told.returncode == 2
    assert f"bot.toml:{len(plain.splitlines()) + 2}:" in told.stderr
    assert ":foo" in told.stderr
    (site.root / "bot.toml").write_text(plain + '[feed]\natom = "feed.xml"\n')
    told = site.run("feed")
    assert told.returncode == 2
    assert f"bot.toml:{len(plain.splitlines()) + 2}:" in told.stderr


def test_a_feed_that_cannot_be_written_is_a_failure(site: Site) -> None:
    site.post("a")
    (site.root / "public").write_text("a file, no folder")
    assert site.run("feed").returncode == 1


def test_a_broken_post_that_is_named_tells_its_own_fault(site: Site) -> None:
    started(site)
    site.post("bad").write_text(BROKEN, encoding="utf-8")
    told = site.run("post", "content/posts/bad.md")
    assert told.returncode == 1
    assert "no-such-post" not in told.stderr


def test_approve_leaves_what_cannot_be_said(site: Site) -> None:
    site.configure(FILE_ACCOUNT + "template = \"{{ '' }}\"\n")
    started(site)
    site.post("a")
    assert site.run("post").returncode == 3
    told = site.run("approve")
    assert "content/posts/a.md" in told.stdout
    assert [d["state"] for d in site.json("status")["deliveries"]] == ["held"]
    assert "bot approve" not in site.run("status").stdout.split("\n\n", 1)[1]


def test_an_account_that_sends_nothing_says_so(site: Site) -> None:
    off = '[[accounts]]\nname = "off"\nnetwork = "file"\npath = "off.jsonl"\nenabled = false\n'
    site.configure(FILE_ACCOUNT + off)
    started(site)
    site.post("a")
    told = site.run("post", "--account", "off", "content/posts/a.md")
    assert told.returncode == 1
    assert "off" in told.stderr


def test_a_paused_account_says_why_and_what_to_do(site: Site) -> None:
    with MastodonServer() as server:
        site.configure(MASTODON.format(base=server.base), timeout=2, gap=0.01)
        assert site.run("post", "--first-run", env=TOKEN).returncode == 0
        site.post("a")
        server.script.append("401")
        told = site.run("post", env=TOKEN)
        assert "bot post --account m" in told.stderr
        assert site.run("post", "--account", "m", env=TOKEN).returncode == 0
        assert len(server.visible) == 1


def test_a_folder_is_no_file_for_lines(site: Site) -> None:
    (site.root / "out.jsonl").mkdir()
    assert site.run("post", "--first-run").returncode == 0
    site.post("a")
    assert site.run("post").returncode == 3
    assert site.json("status")["accounts"][0]["state"] == "paused"
    (site.root / "out.jsonl").rmdir()
    assert site.run("post", "content/posts/a.md").returncode == 0
    assert len(site.lines()) == 1


def test_run_waits_for_a_file_that_is_still_being_written(site: Site) -> None:
    process = subprocess.Popen(
        site.command("run", "--first-run"), cwd=site.root, stderr=subprocess.PIPE, encoding="utf-8"
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if "feed.json" in line:
                break
        whole = site.post("slow").read_text(encoding="utf-8")
        (site.root / "content" / "posts" / "slow.md").unlink()
        head, lines = whole.split("## ")
        half = site.root / "content" / "posts" / "half.md"
        half.write_text(head, encoding="utf-8")
        for line in process.stderr:
            if "feed.json" in line:  # it has been seen, as it is so far
                break
        half.write_text(f"{head}## {lines}", encoding="utf-8")
        for line in process.stderr:
            if "half.md" in line:
                break
        assert [sent["text"].count("・") for sent in site.lines() if "half" in sent["url"]] == [3]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
