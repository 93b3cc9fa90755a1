"""What is written about bot is true of it: commands, options, settings, decisions, links."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest

from bot.cli import main as command_line
from bot.posters.registry import NETWORKS
from bot.settings import NETWORKS as NAMES
from tests.site import Site
from tools import settings_page

ROOT = Path(__file__).parent.parent
READMES = [ROOT / "README.md", ROOT / "README.ja.md"]
PAGES = [*READMES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/**/*.md")]


def commands() -> list[tuple[str, click.Command]]:
    context = click.Context(command_line.cli)
    found = [(name, command_line.cli.get_command(context, name)) for name in command_line.COMMANDS]
    return [pair for name, command in found if command is not None for pair in _each(name, command)]


def _each(name: str, command: click.Command) -> list[tuple[str, click.Command]]:
    """A command, or those of a group."""
    if isinstance(command, click.Group):
        return [(f"{name} {own}", inner) for own, inner in command.commands.items()]
    return [(name, command)]


def test_the_page_of_settings_is_current() -> None:
    assert settings_page.PAGE.read_text(encoding="utf-8") == settings_page.page(), "make docs"


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.name)
def test_every_command_and_option_is_documented(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    missing = [name for name, _ in commands() if f"`bot {name}" not in text]
    for name, command in commands():
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                missing += [f"{name} {o}" for o in parameter.opts if f"`{o}" not in text]
    assert missing == []


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.name)
def test_every_network_is_documented_as_it_is(page: Path) -> None:
    """A network without a poster composes and shows, and the table says so."""
    rows = dict(re.findall(r"(?m)^\| `(\w+)` \|(.*)$", page.read_text(encoding="utf-8")))
    assert set(rows) == set(NETWORKS)
    shows = {name for name, row in rows.items() if "shown" in row or "表示だけ" in row}
    assert shows == {name for name, network in NETWORKS.items() if not network.built}


def test_the_settings_and_the_registry_know_the_same_networks() -> None:
    assert set(NAMES) == set(NETWORKS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" not in target:
            file, _, heading = target.partition("#")
            there = (page.parent / file).resolve() if file else page
            assert there.exists(), target
            assert not heading or heading in _anchors(there), target


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"(?m)^#+ (.+)$", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_decisions_are_numbered_without_gaps() -> None:
    pages = sorted(page.name for page in (ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert [name[:4] for name in pages] == [f"{n:04}" for n in range(1, len(pages) + 1)]


@pytest.mark.parametrize("name", ["post --dry-run", "list", "status"])
def test_the_json_that_is_documented_is_what_comes(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Every key that comes stands in the README's drawing of it."""
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / "a.md").write_text("---\ntitle: A\ntags: [b]\n---\nText.\n")
    accounts = '[[accounts]]\nname="f"\nnetwork="file"\n[[accounts]]\nname="b"\nnetwork="bluesky"\n'
    (tmp_path / "bot.toml").write_text(f'[site]\nurl="https://example.com/"\n{accounts}')
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        command_line.main([*name.split(), "--json"])
    assert ended.value.code == 0
    _stands_in_the_readme(name, json.loads(capfd.readouterr().out))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("log", ["a.md"]), ("verify", []), ("state backup", []), ("state migrate", [])],
)
def test_the_json_of_a_ledger_is_what_comes(
    name: str, arguments: list[str], tmp_path: Path
) -> None:
    site = Site(tmp_path).configure()
    site.run("post", "--first-run")
    site.post("a")
    site.run("post")
    (tmp_path / "out.jsonl").unlink()
    arguments = [f"content/posts/{argument}" for argument in arguments]
    _stands_in_the_readme(name, site.json(*name.split(), *arguments))


def _stands_in_the_readme(name: str, value: Any) -> None:
    drawing = re.split(rf"(?m)^bot {name} +\{{", (ROOT / "README.md").read_text(encoding="utf-8"))[
        1
    ]
    drawing = re.split(r"\nbot |```", drawing)[0]
    keys = _keys(value)
    assert keys
    assert sorted(key for key in keys if f'"{key}"' not in drawing) == []


def _keys(value: Any) -> set[str]:
    inner = list(value.values()) if isinstance(value, dict) else []
    inner = value if isinstance(value, list) else inner
    own = set(value) if isinstance(value, dict) else set()
    return own.union(*map(_keys, inner))
