"""The dry run and the preview: what a blogger reads before anything goes out, and who gets what."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.app.wiring import App, World
from bot.cli.box import box
from bot.cli.common import width
from bot.config import load
from bot.model import TextLimit
from tests.posters.contract import TestClock
from tests.site import FILE_ACCOUNT, Site

X = '[[accounts]]\nname = "x"\nnetwork = "x"\nenabled = false\n'
BLUESKY = '[[accounts]]\nname = "sky"\nnetwork = "bluesky"\nenabled = false\n'
MASTODON = '[[accounts]]\nname = "m"\nnetwork = "mastodon"\nenabled = false\ninstance = "https://m.example"\n'
MISSKEY = '[[accounts]]\nname = "mk"\nnetwork = "misskey"\nenabled = false\ninstance = "https://mk.example"\n'


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path).configure()


def started(site: Site, accounts: str = FILE_ACCOUNT, language: str = "en") -> Site:
    site.configure(accounts, language=language)
    assert site.run("post", "--first-run").returncode == 0
    return site


# --- the box --------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding


TEXT = "短い行\nA line that is far too wide for a terminal of forty columns\n\n😀 ①"


@pytest.mark.parametrize("encoding", ["utf-8", "cp932", "ascii"])
def test_the_edges_of_the_box_line_up(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys, "stdout", Terminal(encoding))
    rows = box(TEXT)
    monkeypatch.undo()
    assert {width(row) for row in rows} == {40}
    "".join(rows).encode(encoding)
    edges = "".join(row.strip()[0] for row in rows)
    assert edges == ("┌││┊││└" if encoding == "utf-8" else "+||:||+")


def test_words_stand_on_a_rule_where_they_belong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    rows = [row.strip(" │─┌┐└┘") for row in box("一行目\n二行目の終わり", marks={6: "続き"})]
    assert rows == ["", "一行目", "二行", "続き", "目の終わり", ""]
    rows = [row.strip(" │─┌┐└┘") for row in box("一行目\n二行目", marks={3: "続き"})]
    assert rows == ["", "一行目", "続き", "二行目", ""]


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=120), st.integers(0, 60))
def test_no_text_breaks_the_box(text: str, fold: int) -> None:
    assert len({width(row) for row in box(text, marks={fold: "続き"} if fold else None)}) == 1


# --- the screen -----------------------------------------------------------------------------------


def test_a_draft_and_a_future_post_are_shown_and_nothing_is_written(site: Site) -> None:
    site.post("draft", more="draft: true\n")
    site.post("future").write_text(
        "---\ntitle: 未来\ndate: 2999-01-01\n---\n本文。\n", encoding="utf-8"
    )
    before = sorted(site.root.rglob("*"))
    told = site.run("preview", "content/posts/draft.md", "content/posts/future.md")
    assert told.returncode == 0, told.stderr
    assert "not now: it is a draft" in told.stdout
    assert "not now: its date is in the future" in told.stdout
    assert "https://blog.example/posts/draft/" in told.stdout
    assert "│ ・draftの要点一です。" in told.stdout
    assert sorted(site.root.rglob("*")) == before


def test_a_post_that_is_not_there_is_named(site: Site) -> None:
    told = site.run("preview", "content/posts/nothing.md")
    assert told.returncode == 1
    assert "there is no post content/posts/nothing.md" in told.stderr
    broken = site.post("broken")
    broken.write_text("---\ntitle: [\n---\n", encoding="utf-8")
    told = site.run("preview", "content/posts/broken.md")
    assert told.returncode == 1
    assert "content/posts/broken.md" in told.stderr
    assert "no-such-post" not in told.stderr


def test_a_text_that_another_account_has_is_shown_once(site: Site) -> None:
    site.configure(MASTODON + MISSKEY + X)
    site.post("a")
    once = site.run("preview", "content/posts/a.md").stdout
    assert once.count("│ ・aの要点一") == 1
    assert once.count("the same text as m") == 2
    full = site.run("preview", "content/posts/a.md", "--full").stdout
    assert full.count("│ ・aの要点一") == 3
    assert "the same text" not in full
    dry = site.run("post", "--dry-run", "--full").stdout
    assert dry.count("│ ・aの要点一") == 3


def test_when_it_goes_out(site: Site) -> None:
    site.post("old")
    started(site, FILE_ACCOUNT + X)
    site.post("new")
    assert "log · file · now\n" in site.run("post", "--dry-run").stdout
    old = site.run("preview", "content/posts/old.md").stdout
    assert "log · file · not now: was there before this account was set up" in old
    assert "x · x · switched off" in old
    site.run("post")
    assert "log · file · already there" in site.run("preview", "content/posts/new.md").stdout


def test_what_x_takes_and_the_sum(site: Site) -> None:
    named = X.replace('"x"\nnetwork', '"x2"\nnetwork') + 'link = "never"\n'
    site.configure(MASTODON + X + named)
    site.post("a")
    told = site.run("preview", "content/posts/a.md").stdout
    assert "x · x · switched off · $0.200" in told
    assert "x2 · x · switched off · $0.015" in told
    assert "All that is shown costs $0.215." in told
    machine = site.json("preview", "content/posts/a.md")
    assert [d["cost_usd"] for d in machine["deliveries"]] == [None, 0.2, 0.015]
    assert machine["cost_usd"] == 0.215


def test_the_prices_of_the_configuration_win(site: Site) -> None:
    prices = "[[defaults.x.prices]]\nsince = 2026-05-01\npost = 1\nlink_post = 2.5\n"
    later = "[[defaults.x.prices]]\nsince = 2999-01-01\npost = 7\nlink_post = 7\n"
    site.configure(X + prices + later)
    site.post("a")
    assert site.json("preview", "content/posts/a.md")["cost_usd"] == 2.5


def test_how_a_lost_answer_is_settled(site: Site) -> None:
    site.configure(FILE_ACCOUNT + X + BLUESKY + MASTODON + MISSKEY)
    site.post("a")
    told = {
        d["account"]: d["lost_answer"]
        for d in site.json("preview", "content/posts/a.md")["deliveries"]
    }
    assert told == {
        "log": ["searchable"],
        "x": ["searchable"],
        "sky": ["keyed"],
        "m": ["keyed", "searchable"],
        "mk": ["searchable"],
    }  # fmt: skip
    assert site.run("preview", "content/posts/a.md").stdout.count("if the answer is lost: ") == 5


@pytest.mark.parametrize(("alt", "remarked"), [("AI generated thumbnail", True), ("山の絵", False)])
def test_the_picture_its_size_and_an_alt_that_says_nothing(
    site: Site, alt: str, remarked: bool
) -> None:
    pillow = pytest.importorskip("PIL.Image")
    (site.root / "static").mkdir()
    pillow.new("RGB", (40, 30), "red").save(site.root / "static" / "a.png")
    site.post("a", more=f'cover:\n  image: "/a.png"\n  alt: "{alt}"\n')
    told = site.run("preview", "content/posts/a.md").stdout
    assert "image: static/a.png, 40×30, 1 kB" in told
    assert f"alt text: {alt}" in told
    assert ("says nothing of this picture" in told) == remarked
    (image,) = site.json("preview", "content/posts/a.md")["deliveries"][0]["images"]
    assert (image["file"], image["alt"], image["width"], image["height"]) == (
        "static/a.png", alt, 40, 30,
    )  # fmt: skip
    assert bool(image["remark"]) == remarked


def test_where_x_folds_and_the_link_before_it(site: Site) -> None:
    site.configure(X + "limit = 1000\n")
    bullets = "".join(f"- {'長い要点' * 20}{n}。\n" for n in "一二三")
    site.post("a").write_text(
        f"---\ntitle: 題\ndate: 2026-02-01\n---\n## 3行要約\n\n{bullets}", encoding="utf-8"
    )
    told = site.run("preview", "content/posts/a.md").stdout
    above, below = told.split("X shows the rest on a click")
    assert "│ https://blog.example/posts/a/" in above
    assert "三。" in below
    (one,) = site.json("preview", "content/posts/a.md")["deliveries"]
    assert one["parts"][0]["text"].index("https://") < one["fold"]


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp932", "ascii"])
def test_every_terminal_in_both_languages(site: Site, language: str, encoding: str) -> None:
    site.configure(FILE_ACCOUNT + X + BLUESKY, language=language)
    site.post("a", title="😀 題 ①")
    told = site.run("preview", "content/posts/a.md", encoding=encoding)
    assert told.returncode == 0
    assert ("switched off" in told.stdout) == (language == "en")
    assert ("┌" in told.stdout) == (encoding == "utf-8")


def test_nothing_of_a_post_commands_the_terminal(site: Site) -> None:
    site.post("a").write_text(
        '---\ntitle: "a\\e[31m\\u202Eb"\ndate: 2026-02-01\nsocial: {text: "c\\e[2J", cw: "\\e]0;x\\a"}\n---\n',
        encoding="utf-8",
    )
    told = site.run("preview", "content/posts/a.md")
    assert told.returncode == 0
    assert not {"\x1b", "\u202e", "\x07"} & set(told.stdout)


# --- the author's word ----------------------------------------------------------------------------


def test_a_text_of_the_authors_that_is_too_long_is_an_error(site: Site) -> None:
    site.configure(X)
    file = site.post("a", more=f"social:\n  text: {'長い文。' * 50}\n")
    told = site.run("preview", "content/posts/a.md")
    assert told.returncode == 1
    assert "[own-text-too-long]" in told.stdout
    assert "content/posts/a.md:5" in told.stdout
    assert "fit: true" in told.stdout
    assert site.run("post", "--dry-run").returncode == 1
    file.write_text(file.read_text().replace("social:\n", "social:\n  fit: true\n"))
    assert site.run("preview", "content/posts/a.md").returncode == 0


def test_a_slip_in_social_is_named_with_its_line(site: Site) -> None:
    site.post("a", more="social:\n  x:\n    txet: あ\n  priority: high\n")
    told = site.json("preview", "content/posts/a.md")
    assert [(p["code"], p["line"]) for p in told["problems"]] == [
        ("social-unknown-key", 6),
        ("social-value", 7),
    ]
    listed = site.run("list")
    assert listed.returncode == 0
    assert "content/posts/a.md:6: `social.x.txet` is unknown; did you mean `text`?" in listed.stderr


def test_skip_tags_link_warning_and_a_networks_own_word(site: Site) -> None:
    site.configure(MASTODON + X + BLUESKY)
    site.post(
        "a",
        more="social:\n  tags: [別]\n  cw: 注意\n  x: {text: Xだけの文, link: never}\n  bluesky: {skip: true}\n",
    )
    told = {d["account"]: d for d in site.json("preview", "content/posts/a.md")["deliveries"]}
    assert set(told) == {"m", "x"}
    assert told["x"]["parts"][0]["text"] == "Xだけの文\n\n#別"
    assert (told["x"]["link"], told["m"]["hashtags"]) == (None, ["別"])
    screen = site.run("preview", "content/posts/a.md").stdout
    assert "content warning: 注意" in screen
    assert "sky · bluesky · this account does not take it" in screen


# --- who gets what --------------------------------------------------------------------------------

PICKY = '[[accounts]]\nname = "picky"\nnetwork = "file"\npath = "picky.jsonl"\n'


def test_an_account_gets_only_what_it_takes(site: Site) -> None:
    started(site, FILE_ACCOUNT + PICKY + 'tags = ["AI"]\n')
    site.post("a")
    site.post("b", more="tags: [ai]\n")
    dry = site.json("post", "--dry-run")["deliveries"]
    assert sorted((d["account"], d["post"][-4:]) for d in dry) == [
        ("log", "a.md"), ("log", "b.md"), ("picky", "b.md"),
    ]  # fmt: skip
    assert site.run("post").returncode == 0
    assert [line["url"] for line in site.lines("picky.jsonl")] == ["https://blog.example/posts/b/"]
    assert len(site.lines()) == 2
    assert len(site.json("status", "--all")["deliveries"]) == 3


def test_a_post_that_no_account_takes_says_so(site: Site) -> None:
    started(site, PICKY + 'sections = ["notes"]\n')
    site.post("a")
    site.post("b", more="social: {skip: true}\n")
    told = site.json("post", "--dry-run", "--why")
    assert told["deliveries"] == []
    assert {s["reason"]: len(s["posts"]) for s in told["skipped"]} == {"not-taken": 2}
    assert "no account takes it" in site.run("post", "--dry-run").stdout
    assert site.run("post").returncode == 0
    assert site.json("status", "--all")["deliveries"] == []
    asked = site.run("post", "content/posts/a.md")
    assert "content/posts/a.md: no account takes it" in asked.stdout


def test_rules_change_template_link_and_skip(site: Site) -> None:
    rules = (
        '[[accounts.rules]]\nwhen = { tags = ["急"] }\ntemplate = "速報 {{ title }} {{ link }}"\n'
        '[[accounts.rules]]\nwhen = { tags = ["内輪"] }\nskip = true\n'
        '[[accounts.rules]]\nwhen = { sections = ["posts"], languages = ["ja"] }\nlink = "never"\n'
    )
    started(site, FILE_ACCOUNT + rules)
    site.post("a", more="tags: [急]\n")
    site.post("b", more="tags: [内輪]\n")
    assert site.run("post").returncode == 0
    assert [line["text"] for line in site.lines()] == ["速報 a"]


def test_a_rules_template_at_fault_is_told_with_its_line(site: Site) -> None:
    site.configure(
        FILE_ACCOUNT + '[[accounts.rules]]\ntemplate = """\n{{ title }}\n{{ titel }}"""\n'
    )
    told = site.run("list")
    assert told.returncode == 2
    lines = (site.root / "bot.toml").read_text().splitlines()
    place = next(n for n, line in enumerate(lines, 1) if "titel" in line)
    assert f"bot.toml:{place}: " in told.stderr
    assert "{{ title }}" in told.stderr


def test_of_two_languages_each_account_gets_one(site: Site) -> None:
    english = PICKY.replace("picky", "en") + 'languages = ["en"]\n'
    started(site, FILE_ACCOUNT + english + '[content]\nlanguages = ["ja", "en"]\n')
    site.post("a")
    site.post("a.en", title="English")
    site.post("only.en", title="Only")
    told = site.json("post", "--dry-run", "--why")
    assert sorted((d["account"], d["post"][14:]) for d in told["deliveries"]) == [
        ("en", "a.en.md"), ("en", "only.en.md"), ("log", "a.md"), ("log", "only.en.md"),
    ]  # fmt: skip
    shown = site.run("preview", "content/posts/a.en.md").stdout
    assert "log · file · this account takes another language of it" in shown
    site.run("post")
    assert sorted(line["url"] for line in site.lines()) == [
        "https://blog.example/en/posts/only/",
        "https://blog.example/posts/a/",
    ]
    assert len(site.lines("en.jsonl")) == 2


def test_the_other_language_is_no_post_that_is_missing(site: Site) -> None:
    started(site, FILE_ACCOUNT + '[content]\nlanguages = ["ja", "en"]\n')
    site.post("a")
    site.post("a.en", title="English")
    told = site.json("post", "--dry-run", "--why")
    assert [d["post"] for d in told["deliveries"]] == ["content/posts/a.md"]
    assert told["skipped"] == [
        {"reason": "language", "count": 1, "posts": ["content/posts/a.en.md"]}
    ]


# --- limits ---------------------------------------------------------------------------------------


def test_an_accounts_own_limit_then_its_servers_then_the_networks(site: Site) -> None:
    site.configure(MASTODON + MASTODON.replace('"m"', '"own"') + "limit = 90\n")
    world = World(clock=TestClock(), environ={}, jitter=lambda: 0.5, owner="o")
    app = App(load("bot.toml", str(site.root)), world)
    account, own = app.accounts
    assert app.limit(account).maximum == 500
    said = TextLimit(unit="graphemes", maximum=11_000, link_cost=23)
    app.learnt = {"m": said, "own": said}
    assert app.limit(account) == said
    assert app.limit(own).maximum == 90
