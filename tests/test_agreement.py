"""Settings of when and how much: what each may be, whose word goes first, what does not go together."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import i18n
from bot.app.checks import template_fault
from bot.config import load
from bot.errors import ConfigError
from bot.outbox.pacing import purses
from bot.settings import Account, Budget, Config, Reshare

HEAD = '[site]\nurl = "https://example.com/"\n'
X = '[[accounts]]\nname = "x"\nnetwork = "x"\n'
LOG = '[[accounts]]\nname = "log"\nnetwork = "file"\npath = "out"\n'


@pytest.fixture(autouse=True)
def _english() -> None:
    i18n.use("en")


def config(folder: Path, text: str) -> Config:
    (folder / "bot.toml").write_text(HEAD + text, encoding="utf-8")
    return load(None, str(folder))


def account(folder: Path, text: str) -> Account:
    return config(folder, text).accounts[0]


def refused(folder: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        config(folder, text)
    return caught.value


def test_one_text_stands_for_a_list_of_it(tmp_path: Path) -> None:
    assert account(tmp_path, LOG + 'slots = "08:00,19:00"').slots == ("08:00,19:00",)
    assert account(tmp_path, LOG + 'slots = ["08:00", "0 9 * * *"]').slots == ("08:00", "0 9 * * *")


def test_other_lists_are_still_lists(tmp_path: Path) -> None:
    assert refused(tmp_path, LOG + 'tags = "AI"').code == "config-type"


@pytest.mark.parametrize(
    ("said", "cap", "budget"),
    [
        ("", 10, 5.0),
        ("[defaults]\ndaily_cap = 30\n", 30, 5.0),
        ("[defaults]\ndaily_cap = 30\n[defaults.x]\ndaily_cap = 3\nbudget = 1\n", 3, 1.0),
    ],
)
def test_what_is_written_goes_before_what_is_built_in(
    tmp_path: Path, said: str, cap: int, budget: float
) -> None:
    found = account(tmp_path, said + X)
    assert (found.daily_cap, found.budget) == (cap, budget)


def test_the_account_s_own_word_is_the_last(tmp_path: Path) -> None:
    said = "[defaults.x]\ndaily_cap = 3\n" + X + 'daily_cap = 4\nbudget = "none"\n'
    found = account(tmp_path, said)
    assert (found.daily_cap, found.budget) == (4, "none")


def test_other_networks_have_the_common_cap_and_no_budget(tmp_path: Path) -> None:
    found = account(tmp_path, LOG)
    assert (found.daily_cap, found.budget) == (24, None)


def test_a_budget_may_be_shared(tmp_path: Path) -> None:
    both = X + 'budget = "both"\n' + X.replace('"x"\nn', '"y"\nn') + 'budget = "both"\n'
    found = config(tmp_path, "[budgets.both]\nusd = 7.5\n" + both)
    assert found.budgets == {"both": Budget(usd=7.5)}
    assert purses(found.accounts, found.budgets)["y"].accounts == ("x", "y")


def test_rules_of_sharing_again(tmp_path: Path) -> None:
    said = LOG + '[[accounts.reshare]]\ntags = ["evergreen"]\nmin_age = "90d"\nper_week = 2\n'
    assert account(tmp_path, said).reshare == (
        Reshare(tags=("evergreen",), min_age="90d", per_week=2),
    )
    assert account(tmp_path, LOG).reshare == ()


@pytest.mark.parametrize(
    ("line", "key", "word"),
    [
        ('slots = "8h"', "slots", "8h"),
        ('slots = ["08:00", "mon 25:00"]', "slots", "25:00"),
        ('slots = "0 8 30 2 *"', "slots", "0 8 30 2 *"),
        ('timezone = "Europe/Berln"', "timezone", "Europe/Berlin"),
        ('slot_open = "0m"', "slot_open", "longer"),
        ('slot_open = "soon"', "slot_open", "length of time"),
        ('quiet = "23-7"', "quiet", "23:00-07:00"),
        ('quiet = "08:00-08:00"', "quiet", "leave some"),
        ('min_gap = "an hour"', "min_gap", "length of time"),
        ('jitter = "5"', "jitter", "length of time"),
        ("max_per_day = -1", "max_per_day", "0 or more"),
        ("max_per_hour = 1.5", "max_per_hour", "whole number"),
        ("links_per_day = -1", "links_per_day", "0 or more"),
        ('max_age = "0d"', "max_age", "longer"),
        ('order = ["priority", "latest"]', "order", "latest"),
        ('order = ["oldest", "newest"]', "order", "either"),
        ('order = ["oldest", "oldest"]', "order", "each once"),
        ("daily_cap = -1", "daily_cap", "0 or more"),
        ("budget = -1", "budget", "0 or more"),
        ("budget = true", "budget", "a number"),
        ('budget = "ours"', "budget", "[budgets.ours]"),
        ('budget = ""', "budget", "empty"),
        ("links_per_day = 0", "links_per_day", "never"),
        ('slots = "23:30,02:00"\nquiet = "23:00-07:00"', "slots", "02:00"),
    ],
)
def test_what_cannot_be_is_told_with_its_line(
    tmp_path: Path, line: str, key: str, word: str
) -> None:
    error = refused(tmp_path, X + line)
    assert (error.line, error.key) == (6, f"accounts.0.{key}")
    assert word in f"{error.message} {error.hint}"


@pytest.mark.parametrize(
    "said",
    [
        'links_per_day = 0\nlink = "never"',
        'links_per_day = 0\nlink = "auto"',
        'max_age = ""',
        'order = ["newest"]',
        "order = []",
        'slots = "06:30,12:00"\nquiet = "23:00-07:00"',
        'min_gap = "0s"',
        "budget = 0",
        "daily_cap = 0",
    ],
)
def test_what_can_be(tmp_path: Path, said: str) -> None:
    config(tmp_path, X + said)


def test_a_clash_is_told_where_its_setting_stands(tmp_path: Path) -> None:
    error = refused(tmp_path, X + 'quiet = "23:00-07:00"\n[defaults]\nslots = "23:30"')
    assert (error.line, error.key) == (8, "defaults.slots")


def test_a_rule_that_always_links_where_no_link_may_be(tmp_path: Path) -> None:
    said = X + 'links_per_day = 0\nlink = "auto"\n[[accounts.rules]]\nlink = "always"'
    assert refused(tmp_path, said).key == "accounts.0.links_per_day"


@pytest.mark.parametrize(
    ("said", "code", "line"),
    [
        ("[budgets]\nusd = 5", "config-type", 3),
        ("[budgets.a]", "config-required", 3),
        ("[budgets.a]\nusd = -1", "config-value", 4),
        ("[budgets.a]\neur = 1\nusd = 1", "config-unknown-key", 4),
    ],
)
def test_budgets_that_cannot_be(tmp_path: Path, said: str, code: str, line: int) -> None:
    error = refused(tmp_path, said)
    assert (error.code, error.line) == (code, line)


def test_a_budget_that_says_nothing_is_named(tmp_path: Path) -> None:
    assert "[budgets.a] needs `usd`" in str(refused(tmp_path, "[budgets.a]"))


def test_the_template_of_sharing_again_is_checked(tmp_path: Path) -> None:
    found = config(tmp_path, LOG + '[[accounts.reshare]]\ntemplate = "{{ titel }}"')
    fault = template_fault(found)
    assert fault is not None
    assert (fault.key, fault.line) == ("accounts.0.reshare.0.template", 8)
