"""The configuration: what it may say, whose word goes first, and how it says what is wrong."""

from __future__ import annotations

import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import i18n
from bot.config import default_site_id, load, parse_duration, read_secret
from bot.errors import ConfigError
from bot.settings import Config, Price, Rule, Secret, When
from bot.toml_lines import line_of, locate

SITE = '[site]\nurl = "https://example.com/"\n'


@pytest.fixture(autouse=True)
def _english() -> None:
    i18n.use("en")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path


def config(folder: Path, text: str, name: str = "bot.toml") -> Config:
    (folder / name).write_text(text, encoding="utf-8")
    return load(None, str(folder))


def refused(folder: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        config(folder, text)
    return caught.value


def words(error: ConfigError) -> str:
    return f"{error.message} {error.hint or ''}"


# --- which file ---------------------------------------------------------------------------------


def test_bot_toml_goes_before_config_toml(site: Path) -> None:
    (site / "config.toml").write_text('baseURL = "https://example.org/"\n')
    found = config(site, SITE)
    assert (found.file, found.root) == ("bot.toml", str(site))


def test_config_toml_is_the_second_choice(site: Path) -> None:
    assert config(site, SITE, "config.toml").file == "config.toml"


def test_a_named_file_makes_its_folder_the_root(site: Path) -> None:
    (site / "sub").mkdir()
    (site / "sub" / "mine.toml").write_text(SITE)
    found = load("sub/mine.toml", str(site))
    assert (found.file, found.root) == ("sub/mine.toml", str(site / "sub"))


def test_no_file_says_where_to_go(site: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, str(site))
    assert caught.value.code == "config-missing"
    assert "--config" in words(caught.value)


@pytest.mark.parametrize("name", ["gone.toml", "folder", "nul\0.toml"])
def test_a_named_file_that_cannot_be_read(site: Path, name: str) -> None:
    (site / "folder").mkdir()
    with pytest.raises(ConfigError) as caught:
        load(name, str(site))
    assert (caught.value.code, caught.value.path) == ("config-unreadable", name)


@pytest.mark.parametrize(
    "text", ['baseURL = "https://a.example/"\n', "[params]\na = 1\n", 'theme = "x"']
)
def test_hugos_own_configuration_is_recognised(site: Path, text: str) -> None:
    (site / "config.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(None, str(site))
    assert (caught.value.code, caught.value.path) == ("config-hugo", "config.toml")
    assert "bot.toml" in words(caught.value)


def test_a_mark_of_windows_editors_is_no_error(site: Path) -> None:
    (site / "bot.toml").write_bytes(b"\xef\xbb\xbf" + SITE.replace("\n", "\r\n").encode())
    assert load(None, str(site)).lines["site.url"] == 2


def test_another_encoding_is_said(site: Path) -> None:
    (site / "bot.toml").write_bytes('[site]\ntitle = "日本"'.encode("cp932"))
    with pytest.raises(ConfigError, match="UTF-8"):
        load(None, str(site))


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ('[site]\nurl = "https://example.com', 2, "quote"),
        ("[site]\nurl = https://example.com\n", 2, "quotes"),
        (SITE + 'url = "https://example.org/"\n', 3, "twice"),
        (SITE + "[site]\n", 3, "twice"),
        (SITE + 'title "x"\n', 3, "="),
        ('[content]\npath = "C:\\site"\n', 2, "single quotes"),
        ("a = " + "[" * 5000, 1, "brackets"),
        ("a = " + "9" * 5000, 1, "quotes"),
    ],
)
def test_a_slip_in_toml_has_its_line(site: Path, text: str, line: int, hint: str) -> None:
    error = refused(site, text)
    assert (error.code, error.place) == ("config-syntax", f"bot.toml:{line}")
    assert hint in str(error.hint)


# --- what it may say ----------------------------------------------------------------------------


def test_defaults_fill_what_is_not_said(site: Path) -> None:
    found = config(site, SITE)
    assert (found.content.path, found.feed.limit, found.accounts) == ("content", 20, ())
    assert found.state.url == "sqlite:///state/bot.db"


def test_values_arrive_in_the_types_of_the_schema(site: Path) -> None:
    text = SITE + "[content]\nsections = ['posts', 'notes']\n[publish]\ntimeout = 3\nflood = 0\n"
    found = config(site, text)
    assert found.content.sections == ("posts", "notes")
    assert (type(found.publish.timeout), found.publish.timeout) == (float, 3.0)
    assert found.publish.flood == 0


def test_the_samples_configuration_is_well() -> None:
    root = Path(__file__).parent.parent
    found = load("config.toml", str(root))
    enabled = [account.name for account in found.accounts if account.enabled]
    assert enabled == ["outbox"]
    assert {account.network for account in found.accounts} >= {
        "mastodon",
        "bluesky",
        "x",
        "misskey",
    }


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("[site]\nulr = 'x'\n", 2, "url"),
        (SITE + "[contents]\n", 3, "content"),
        (SITE + "[[acounts]]\n", 3, "accounts"),
        (SITE + "permalink = '/x/'\n", 3, "[content]"),
        (SITE + "[publish]\nTimeout = 3\n", 4, "timeout"),
        (SITE + "[feed]\nzzzzzz = 3\n", 4, "path, limit"),
        (
            SITE + "[[accounts]]\nname='a'\nnetwork='bluesky'\napp-password={env='A'}\n",
            6,
            "app_password",
        ),
        (SITE + "[defaults]\ntemplat = 'x'\n", 4, "template"),
        (SITE + "[defaults.mastdon]\nlimit = 1\n", 3, "mastodon"),
        (SITE + "[defaults.x]\nnetwork = 'x'\n", 4, "There is no setting"),
        ('"\\u0073ite".url = "https://example.com/"\n"site" . "a.b" = 1\n', 2, "a.b"),
    ],
)
def test_an_unknown_key_names_the_nearest(site: Path, text: str, line: int, says: str) -> None:
    error = refused(site, text)
    assert (error.code, error.place) == ("config-unknown-key", f"bot.toml:{line}")
    assert says in words(error)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[feed]\nlimit = '20'\n", "a whole number, not text"),
        ("[feed]\nlimit = true\n", "a whole number, not true or false"),
        ("[feed]\nlimit = 2.5\n", "a whole number, not a number"),
        ("[feed]\npath = 3\n", "text in quotes"),
        ("[feed]\npath = 2026-01-01\n", "not a date"),
        ("[publish]\ntimeout = [1]\n", "a number, not a list"),
        ("[content]\nsections = 'posts'\n", "a list of texts"),
        ("[content]\nsections = ['posts', 1]\n", "one of its items"),
        (
            "[[accounts]]\nname = 'a'\nnetwork = 'file'\nenabled = 1\n",
            "true or false, not a number",
        ),
    ],
)
def test_a_wrong_type_is_said_in_words(site: Path, text: str, says: str) -> None:
    error = refused(site, SITE + text)
    assert error.code == "config-type"
    assert says in words(error)
    assert error.line == 2 + text.count("\n")


def test_a_section_must_be_a_table(site: Path) -> None:
    error = refused(site, "feed = 'public'\n" + SITE)
    assert (error.code, error.line) == ("config-type", 1)


@pytest.mark.parametrize("text", ["[accounts]\nname = 'a'\n", "[accounts.mine]\nname = 'a'\n"])
def test_accounts_need_two_brackets(site: Path, text: str) -> None:
    error = refused(site, SITE + text)
    assert error.line == 3
    assert "[[accounts]]" in words(error)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[feed]\nlimit = 0\n", "1 or more"),
        ("[publish]\nflood = -1\n", "0 or more"),
        ("[publish]\nflood = 99999999999999999999\n", "too large"),
        ("[publish]\ntimeout = inf\n", "too large"),
        ("[publish]\ntimeout = nan\n", "or more"),
        ("[publish]\ngive_up = '3 years'\n", "length of time"),
        ('[feed]\npath = "a\\u0000b"\n', "control character"),
        ("[ui]\nlanguage = 'jp'\n", "en, ja"),
        ("[[accounts]]\nname = 'a'\nnetwork = 'mastdon'\n", "`mastodon`"),
        ("[[accounts]]\nnetwork = 'file'\nname = ' '\n", "empty"),
        ("[[accounts]]\nname = 'a'\nnetwork = 'mastodon'\ninstance = 'a.example'\n", "https://"),
        ("[[accounts]]\nname = 'a'\nnetwork = 'mastodon'\nvisibility = 'pubilc'\n", "`public`"),
    ],
)
def test_a_value_that_cannot_be(site: Path, text: str, says: str) -> None:
    error = refused(site, SITE + text)
    assert error.code == "config-value"
    assert says in words(error)
    assert error.line == 2 + text.count("\n")


@pytest.mark.parametrize(
    "url",
    [
        "", "example.com", "//example.com/", "ftp://example.com/", "https://", "https:///path",
        "https://exa mple.com/", "https://me:pw@example.com/", "https://example.com/?a", "https://[::1/",
        "https://example.com:99999/", "https://example.com/#top", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_the_sites_url_must_be_whole(site: Path, url: str) -> None:
    error = refused(site, f"[site]\nurl = '{url}'\n")
    assert (error.code, error.line, error.key) == ("config-value", 2, "site.url")


@pytest.mark.parametrize(
    "url", ["http://localhost:1313/", "https://例え.jp/blog/", "https://[::1]/"]
)
def test_whole_urls_pass(site: Path, url: str) -> None:
    assert config(site, f"[site]\nurl = '{url}'\n").site.url == url


@pytest.mark.parametrize("text", ["", "[site]\n", "[feed]\n"])
def test_the_sites_url_is_needed(site: Path, text: str) -> None:
    error = refused(site, text)
    assert error.code == "config-required"
    assert "url" in words(error)


@pytest.mark.parametrize(
    ("zone", "near"),
    [
        ("Asia/Tokio", "Asia/Tokyo"),
        ("tokyo", "Asia/Tokyo"),
        ("Asia", "Asia/"),
        ("../passwd", ""),
        ("JST", ""),
    ],
)
def test_a_time_zone_must_exist(site: Path, zone: str, near: str) -> None:
    error = refused(site, f"{SITE}timezone = '{zone}'\n")
    assert (error.code, error.line) == ("config-value", 3)
    assert near in words(error)


def test_a_language_has_a_hyphen(site: Path) -> None:
    assert refused(site, f"{SITE}language = 'ja_JP'\n").key == "site.language"
    assert config(site, f"{SITE}language = 'zh-Hant-TW'\n").site.language == "zh-Hant-TW"


def test_of_several_faults_the_first_by_line_is_told(site: Path) -> None:
    text = "[feed]\nlimt = 1\n[[accounts]]\nname = 'a'\n[site]\nurl = 3\n"
    assert refused(site, text).line == 2


# --- accounts -----------------------------------------------------------------------------------


def test_account_over_network_over_all_over_built_in(site: Path) -> None:
    text = """
[defaults]
hashtags = 1
template = "all"
backfill = 5
[defaults.mastodon]
template = "network"
instance = "https://shared.example"
token = { env = "SHARED" }
[[accounts]]
name = "a"
network = "mastodon"
backfill = 9
token = { file = "token" }
[[accounts]]
name = "b"
network = "mastodon"
[[accounts]]
name = "c"
network = "file"
"""
    a, b, c = config(site, SITE + text).accounts
    assert (a.hashtags, a.template, a.backfill, a.visibility) == (1, "network", 9, "public")
    assert (a.token, b.token) == (Secret(file="token"), Secret(env="SHARED"))
    assert (b.instance, b.backfill) == ("https://shared.example", 5)
    assert (c.template, c.instance, c.enabled) == ("all", "", True)


def test_lists_replace(site: Path) -> None:
    text = "[[accounts]]\nname='a'\nnetwork='file'\nwas=['b', 'c']\n[summary]\nheadings=['要約']\n"
    found = config(site, SITE + text)
    assert (found.accounts[0].was, found.summary.headings) == (("b", "c"), ("要約",))


def test_tables_merge_by_key(site: Path) -> None:
    text = """
[defaults]
aliases = { "C++" = "Cpp", "machine learning" = "ML" }
[defaults.file.aliases]
"C#" = "CSharp"
[[accounts]]
name = "a"
network = "file"
[accounts.aliases]
"C++" = "CPlusPlus"
[[accounts]]
name = "b"
network = "x"
"""
    a, b = config(site, SITE + text).accounts
    assert a.aliases == {"C++": "CPlusPlus", "machine learning": "ML", "C#": "CSharp"}
    assert b.aliases == {"C++": "Cpp", "machine learning": "ML"}


def test_a_wrong_item_of_a_table_is_named(site: Path) -> None:
    text = "[[accounts]]\nname='a'\nnetwork='file'\n[accounts.aliases]\n'C++' = 1\n"
    error = refused(site, SITE + text)
    assert (error.code, error.line) == ("config-type", 6)
    assert "aliases.C++" in words(error)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[accounts]]\nname='a'\nnetwork='file'\nhandle='x'\n", "bluesky"),
        ("[[accounts]]\nname='a'\nnetwork='x'\ntoken={env='T'}\n", "mastodon, misskey"),
        ("[defaults.x]\ninstance='https://a.example'\n", "mastodon, misskey"),
        ("[defaults]\nvisibility='private'\n", "[defaults.mastodon]"),
    ],
)
def test_another_networks_setting_is_refused(site: Path, text: str, says: str) -> None:
    error = refused(site, SITE + text)
    assert (error.code, error.line) == ("config-network", 2 + text.count("\n"))
    assert says in words(error)


@pytest.mark.parametrize("second", ["name = 'a'", "name = 'b'\nwas = ['a']"])
def test_a_name_is_one_accounts_alone(site: Path, second: str) -> None:
    text = (
        f"{SITE}[[accounts]]\nname = 'a'\nnetwork = 'file'\n[[accounts]]\nnetwork = 'x'\n{second}\n"
    )
    error = refused(site, text)
    assert (error.code, error.line) == ("config-duplicate", text.count("\n"))


@pytest.mark.parametrize("missing", ["name", "network"])
def test_an_account_needs_name_and_network(site: Path, missing: str) -> None:
    there = {"name": "name = 'a'", "network": "network = 'file'"}
    del there[missing]
    error = refused(site, f"{SITE}[[accounts]]\n{next(iter(there.values()))}\n")
    assert (error.code, error.line) == ("config-required", 3)
    assert f"`{missing}`" in words(error)


# --- secrets ------------------------------------------------------------------------------------

CANARY = "canary-5f3a"


@pytest.mark.parametrize(
    "value",
    [
        f"'{CANARY}'",
        f"{{ value = '{CANARY}' }}",
        f"{{ env = '{CANARY}' }}",
        f"{{ env = 'A', file = '{CANARY}' }}",
        f"['{CANARY}']",
        "{ env = '' }",
        "{ file = '' }",
        "{ env = 3 }",
        "{}",
    ],
)
def test_a_secret_is_named_and_never_shown(site: Path, value: str) -> None:
    text = f"{SITE}[[accounts]]\nname = 'a'\nnetwork = 'mastodon'\ntoken = {value}\n"
    error = refused(site, text)
    assert (error.code, error.line) == ("config-secret", 6)
    assert 'token = { env = "TOKEN" }' in words(error)
    assert CANARY not in words(error) + repr(error) + repr(error.__dict__)


@pytest.mark.parametrize("url", [f"me:{CANARY}@host/db", f"host/db?user=me&password={CANARY}"])
def test_the_store_holds_no_password(site: Path, url: str) -> None:
    error = refused(site, f"{SITE}[state]\nurl = 'postgresql://{url}'\n")
    assert (error.code, error.line) == ("config-secret", 4)
    assert CANARY not in words(error) + repr(error)


def test_the_store_may_be_named_by_a_secret(site: Path) -> None:
    found = config(site, SITE + "[state]\nurl = { env = 'DATABASE_URL' }\n")
    assert found.state.url == Secret(env="DATABASE_URL")


@pytest.mark.parametrize(
    "line",
    [f"tokn = '{CANARY}'", f"handle = '{CANARY}'", f"token = {CANARY}", f"limit = '{CANARY}'"],
)
def test_no_error_repeats_what_could_be_a_secret(site: Path, line: str) -> None:
    error = refused(site, f"{SITE}[[accounts]]\nname = 'a'\nnetwork = 'mastodon'\n{line}\n")
    assert CANARY not in words(error) + repr(error)


def test_secrets_are_read_where_they_are_named(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from a file\n")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    environ = {"TOKEN": "from the environment\n", "EMPTY": "", "NEWLINE": "\n"}
    root = str(tmp_path)
    assert read_secret(Secret(env="TOKEN"), root, environ) == "from the environment"
    assert read_secret(Secret(file="token"), "/", {}) is None
    assert read_secret(Secret(file="token"), root, {}) == "from a file"
    assert read_secret(Secret(file=str(tmp_path / "token")), "/", {}) == "from a file"
    gone = [Secret(env="GONE"), Secret(env="EMPTY"), Secret(env="NEWLINE"), Secret(file="gone")]
    odd = [Secret(file="."), Secret(file="bytes"), Secret(file="nul\0"), Secret()]
    assert {read_secret(secret, root, environ) for secret in gone + odd} == {None}


# --- small things -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "site_id"),
    [
        ("https://Example.com/", "example.com"),
        ("https://example.com/blog/", "example.com/blog"),
        ("http://localhost:1313/Blog", "localhost:1313/Blog"),
    ],
)
def test_the_sites_id_is_host_and_path(url: str, site_id: str) -> None:
    assert default_site_id(url) == site_id


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90s", timedelta(seconds=90)),
        ("5m", timedelta(minutes=5)),
        (" 36 h ", timedelta(hours=36)),
        ("3d", timedelta(days=3)),
        ("2w", timedelta(weeks=2)),
        ("1d 12h", timedelta(hours=36)),
        ("0s", timedelta()),
    ],
)
def test_lengths_of_time(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize("text", ["", "3", "d", "-1d", "1.5h", "3D", "3 days", "999999999w", "３d"])
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|long"):
        parse_duration(text)


# --- lines --------------------------------------------------------------------------------------

TEXT = '''# [not] = "a table"
top = """
[inside]
a = 1 \\"""
"""
[a . "b.c"]  # comment
d.e = [ # ]
  "x]", # "
  { f = 1, "g h" = [1, 2] },
]
long = \'\'\'
[[no]]\'\'\'\'\'
[[list]]
name = 'x#'
[list.sub]
k = 2026-01-01 10:00:00 # a date with a space
[[list]]
[[list.deep]]
z = {}
'''


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (("top",), 2),
        (("inside",), None),
        (("a",), 6),
        (("a", "b.c"), 6),
        (("a", "b.c", "d"), 7),
        (("a", "b.c", "d", "e"), 7),
        (("a", "b.c", "d", "e", "1"), 9),
        (("a", "b.c", "d", "e", "1", "g h", "1"), 9),
        (("a", "b.c", "long"), 11),
        (("list", "0"), 13),
        (("list", "0", "name"), 14),
        (("list", "0", "sub", "k"), 16),
        (("list", "1"), 17),
        (("list", "1", "deep", "0", "z"), 19),
    ],
)
def test_the_line_of_a_key(keys: tuple[str, ...], line: int | None) -> None:
    tomllib.loads(TEXT)
    assert locate(TEXT).get(keys) == line


def test_the_line_of_a_key_that_is_not_there_is_its_tables() -> None:
    lines = locate(TEXT)
    assert line_of(lines, ("list", "0", "sub", "nothing", "more")) == 15
    assert line_of(lines, ("nothing",)) is None


def _leaves(value: Any, at: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = [at] if at else []
    for key, item in inner:
        below = (*at, str(key))
        found += _leaves(item, below) if isinstance(item, dict | list) else [below]
    return found


_text = st.text(st.sampled_from("ab#[]{}=,.'\"\\\n \t日"), max_size=6)
_value = st.recursive(
    st.integers(0, 9) | st.booleans() | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=8,
)


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(k)} = {_written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[ # ]\n" + ",\n".join(map(_written, value)) + "\n]"
    return _quoted(value) if isinstance(value, str) else str(value).lower()


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\t", "\\t") + '"'


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(_text, _value, max_size=4))
def test_every_key_of_any_toml_is_found(data: dict[str, Any]) -> None:
    text = "".join(f"{_quoted(key)} = {_written(value)}\n" for key, value in data.items())
    assert tomllib.loads(text) == data
    assert set(locate(text)) == set(_leaves(data))


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("ab[]{}=,.'\"\\\n #1"), max_size=40))
def test_the_scan_ends_on_anything(text: str) -> None:
    assert all(line >= 1 for line in locate(text).values())


# --- lists of tables ------------------------------------------------------------------------------

ACCOUNT = '[[accounts]]\nname = "a"\nnetwork = "x"\n'


def test_rules_and_prices_are_lists_of_tables(site: Path) -> None:
    rules = (
        "[[accounts.rules]]\n"
        'when = { tags = ["AI", "速報"], languages = ["ja"] }\npriority = 5\nlink = "never"\n'
        '[[accounts.rules]]\ntemplate = "{{ title }}"\nskip = false\n'
    )
    prices = "[[accounts.prices]]\nsince = 2027-01-01\npost = 1\nlink_post = 0.5\n"
    (account,) = config(site, SITE + ACCOUNT + rules + prices).accounts
    assert account.rules == (
        Rule(when=When(tags=("AI", "速報"), languages=("ja",)), priority=5, link="never"),
        Rule(template="{{ title }}", skip=False),
    )
    assert account.prices == (Price(since=date(2027, 1, 1), post=1.0, link_post=0.5),)
    assert isinstance(account.prices[0].post, float)


def test_rules_may_stand_inline_and_in_the_defaults_where_an_accounts_replace_them(
    site: Path,
) -> None:
    shared = '[defaults]\nrules = [{ when = { sections = ["a"] }, skip = true }]\n'
    other = ACCOUNT.replace('"a"', '"b"') + "rules = []\n"
    for_x = "[[defaults.x.prices]]\nsince = 2027-01-01\n"
    first, second = config(site, SITE + shared + for_x + ACCOUNT + other).accounts
    assert first.rules == (Rule(when=When(sections=("a",)), skip=True),)
    assert second.rules == ()
    assert first.prices == second.prices == (Price(since=date(2027, 1, 1)),)


@pytest.mark.parametrize(
    ("rule", "line", "code", "said"),
    [
        ('[[accounts.rules]]\nskipp = true\n', 7, "config-unknown-key", "skip"),
        ('[[accounts.rules]]\nwhen = { tag = ["a"] }\n', 7, "config-unknown-key", "tags"),
        ('[[accounts.rules]]\nwhen = "AI"\n', 7, "config-type", "a table"),
        ('[[accounts.rules]]\n[[accounts.rules]]\nlink = "maybe"\n', 8, "config-value", "always"),
        ('[accounts.rules]\nskip = true\n', 6, "config-type", "[[accounts.rules]]"),
        ('rules = ["a"]\n', 6, "config-type", "[[accounts.rules]]"),
        ('[[accounts.prices]]\npost = 1\n', 6, "config-required", "since"),
        ('[[accounts.prices]]\nsince = "2027-01-01"\n', 7, "config-type", "without quotes"),
        ('[[accounts.prices]]\nsince = 2027-01-01\npost = -1\n', 8, "config-value", "0 or more"),
        ('[[defaults.rules]]\nskipp = true\n', 7, "config-unknown-key", "skip"),
        ('[[defaults.prices]]\nsince = 2027-01-01\n', 6, "config-network", "defaults.x"),
    ],
)  # fmt: skip
def test_a_slip_in_a_list_of_tables_has_its_line(
    site: Path, rule: str, line: int, code: str, said: str
) -> None:
    error = refused(site, SITE + ACCOUNT + rule)
    assert (error.code, error.line) == (code, line)
    assert said in words(error)
