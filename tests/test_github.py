"""What bot says in a job of GitHub Actions: annotations, the summary, and no command of a post's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.cli import github
from tests.site import FILE_ACCOUNT, Site

TWO = FILE_ACCOUNT + '[[accounts]]\nname = "m|x"\nnetwork = "file"\npath = "out2.jsonl"\n'


@pytest.fixture
def job(tmp_path: Path) -> dict[str, str]:
    """The environment of a step; the site lies in a folder of the repository."""
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(tmp_path),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "blog").mkdir()
    return Site(tmp_path / "blog").configure()


def test_a_problem_stands_at_its_line_of_the_repository(site: Site, job: dict[str, str]) -> None:
    site.post("a").write_text("---\ntitle: [\n---\n", encoding="utf-8")
    ran = site.run("list", env=job)
    (told,) = [line for line in ran.stderr.splitlines() if line.startswith("::error ")]
    assert told.startswith("::error file=blog/content/posts/a.md,line=")
    assert "%0A" in told  # the hint, on the same line
    outside = site.run("list")
    assert "::error" not in outside.stderr


def test_a_wrong_setting_stands_at_its_line(site: Site, job: dict[str, str]) -> None:
    config = site.root / "bot.toml"
    config.write_text(config.read_text() + "colour = 1\n", encoding="utf-8")
    line = len(config.read_text().splitlines())
    ran = site.run("post", env=job)
    assert ran.returncode == 2
    assert f"::error file=blog/bot.toml,line={line},title=config-unknown-key::" in ran.stderr


def test_the_summary_tells_what_was_sent_and_what_waits(
    site: Site, job: dict[str, str], tmp_path: Path
) -> None:
    site.configure(TWO)
    assert site.run("post", "--first-run", env=job).returncode == 0
    summary = tmp_path / "summary.md"
    assert "nothing was sent, and nothing waits" in summary.read_text()
    summary.unlink()
    (site.root / "out2.jsonl").mkdir()
    site.post("a_*b*")
    site.run("post", env=job)
    rows = summary.read_text(encoding="utf-8").splitlines()
    assert any(r.startswith(r"| sent | content/posts/a\_\*b\*.md | log |") for r in rows), rows
    assert all(row.replace(r"\|", "").count("|") == 7 for row in rows if row.startswith("|"))
    assert any(r"m\|x" in row and "| waits |" in row for row in rows), rows


def test_the_summary_of_status_is_its_text(site: Site, job: dict[str, str], tmp_path: Path) -> None:
    site.configure('[[accounts]]\nname = "<b>"\nnetwork = "file"\npath = "o.jsonl"\n')
    site.run("post", "--first-run")
    assert site.run("status", env=job).returncode == 0
    text = (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert "<pre>" in text
    assert "&lt;b&gt;" in text


@pytest.mark.parametrize(
    "title", ["::set-output name=a::b", "::stop-commands::x", "##[add-mask]e", " ::error::x"]
)
def test_a_title_is_no_command_of_the_runner(site: Site, job: dict[str, str], title: str) -> None:
    site.post("a", title)
    shown = site.run("list", env=job)
    lines = (shown.stdout + shown.stderr).splitlines()
    assert not any(line.lstrip().startswith("::") or "##[" in line for line in lines)
    told = site.run("list", "--json", env=job)
    assert "##[" not in told.stdout
    assert json.loads(told.stdout)["posts"][0]["title"] == title


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("a\n::b", "a\n:\u200b:b"),
        ("  ::b", "  :\u200b:b"),
        ("a ::b", "a ::b"),
        ("x ##[y]", "x ##\u200b[y]"),
    ],
)
def test_only_what_would_be_a_command_is_broken(text: str, safe: str) -> None:
    assert github.harmless(text) == safe


def test_an_error_that_is_told_as_json_is_no_annotation(site: Site, job: dict[str, str]) -> None:
    (site.root / "bot.toml").write_text("x = 1\n")
    ran = site.run("list", "--json", env=job)
    assert "error" in json.loads(ran.stdout)
    assert "::error" not in ran.stderr
