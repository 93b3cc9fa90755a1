"""docs/configuration.md, made from `bot.settings`: `python -m tools.settings_page` (make docs)."""

from __future__ import annotations

from collections import abc
from collections.abc import Iterable, Mapping
from dataclasses import MISSING
from datetime import date
from pathlib import Path
from typing import Any, get_origin

from bot.compose.social import KEYS
from bot.compose.template import VARIABLES
from bot.schema import Spec, schema
from bot.settings import NETWORKS, Account, Budget, Config, Price, Reshare, Rule, Secret, When

PAGE = Path(__file__).parent.parent / "docs" / "configuration.md"

INTRO = """\
# Configuration

`bot` reads the file named by `--config FILE`, else `bot.toml`, else `config.toml` of the folder it
is started in. Relative paths start at the file's folder. Only `[site] url` is needed; an unknown
key, a wrong type and an impossible value are errors that name the line.

A length of time is a text like `"90s"`, `"5m"`, `"36h"`, `"3d"` or `"2w"`.

A secret is named here and never written: `{ env = "VARIABLE" }` or `{ file = "path" }`. Where the
variable or the file is missing the account is *not ready*: a dry run works, its posts wait.
"""

ACCOUNTS = """\
## [[accounts]]

One table for each account. A setting is looked for in the account, then in
`[defaults.NETWORK]`, then in `[defaults]` (all but `name`, `network` and `was`; there only what
every network knows), then here. Tables are merged by key, lists replaced.
"""

TEMPLATES = '''\
## Templates

A `template` is Jinja2, and all the text that is sent: without `link` in it the text has none. It is
filled in a sandbox, without functions. `bullets` and `hashtags` print as they would stand in a post,
and can be gone through with `for`. What a template may name:

{variables}

```toml
template = """
{{{{ title }}}}

{{{{ bullets }}}}

{{{{ link }}}}
{{{{ hashtags }}}}"""
```

Where it is too long the bullets go, as without a template. `| shrink(n)` says instead what may become
shorter, and in which order: with `{{{{ bullets | shrink(1) }}}}` and `{{{{ title | shrink(2) }}}}` the bullets
first, then the title; what has no mark stays whole.
'''

TIMES = """\
### When it posts

Without `slots` a post goes out at once, else one in each slot; a slot is open until the next one or
for `slot_open`, and what was posted in it, by whatever word, has used it. What was not posted while
`bot` stood still goes into the slots to come, one each. Hours and days are those of `timezone`. A
slot that clocks skip in spring comes when they have skipped it, one that they show twice in autumn
comes once, and one in quiet hours is used when they end. What `social.at` in front matter says, or a
person (`bot post --now`), goes before slots, quiet hours and all that is counted, but not before
`daily_cap`.

```toml
[[accounts]]
name = "x"
network = "x"
slots = ["mon-fri 08:00,12:10,19:00", "sat,sun 10:00"]
quiet = "23:00-07:00"
links_per_day = 1
link = "auto"
max_age = "36h"
order = ["priority", "newest"]
```
"""

BUDGETS = """\
## [budgets.NAME]

Money that several accounts share: `budget = "NAME"` in each of them.
"""

RESHARE = """\
### [[accounts.reshare]]

Posts that are shared again, the one that was longest ago first:

```toml
[[accounts.reshare]]
tags = ["evergreen"]
min_age = "26w"
per_week = 1
```
"""

RULES = """\
### [[accounts.rules]]

What holds for some of an account's posts: as many tables as are needed, in their order. `when` names
the posts; a list in it is met by one of its words, and all of its lists must be met. What a rule does
not say stays as it is; the author's own word (`social` in front matter) goes before all of them.

```toml
[[accounts.rules]]
when = { tags = ["AI"], languages = ["ja"] }
priority = 5
template = "{{ title }} {{ link }}"

[[accounts.rules]]
when = { sections = ["diary"] }
skip = true
```
"""

WHEN = """\
In `when`:
"""

PRICES = """\
What X takes is known to bot, by the day from which it holds. Another price is a table
`[[defaults.x.prices]]` (or `[[accounts.prices]]`, for one account):

```toml
[[defaults.x.prices]]
since = 2026-04-20
post = 0.015
link_post = 0.200
alt = 0.005
```
"""

SOCIAL = """\
## In a post's front matter

What an author says of one post goes before all that is configured:

```yaml
social:
  text: All the text that is shared; link and hashtags are added
  fit: true          # it may be cut where it is too long; without this that is an error
  tags: [AI]         # instead of the post's own tags
  link: never        # always, auto or never
  skip: false        # true: it is shared nowhere
  cw: Spoilers       # a content warning, where the network has it
  priority: 5
  x: {{text: Only for X}}
  bluesky: {{skip: true}}
```

All keys: {keys}. Under a network's name they hold for that network and go before the rest.
"""

NETWORK = """\
### network = "{network}"

What these accounts have besides:
"""


def page() -> str:
    """The whole page, from the types and words of the settings."""
    parts = [INTRO]
    for name, spec in schema(Config).items():
        if spec.table:
            parts += [f"## [{name}]\n", _table(schema(spec.type))]
            inner = {n: s for n, s in schema(spec.type).items() if s.table}
            for key, below in inner.items():
                parts += [f"### [{name}.{key}]\n", _table(schema(below.type))]
    own = schema(Account)
    parts += [ACCOUNTS, _table({n: spec for n, spec in own.items() if not spec.networks})]
    parts += [TIMES, RULES, _table(schema(Rule)), WHEN, _table(schema(When))]
    parts += [RESHARE, _table(schema(Reshare))]
    for network in NETWORKS:
        known = {n: spec for n, spec in own.items() if network in spec.networks}
        parts += [NETWORK.format(network=network), _table(known)]
        if "prices" in known:
            parts += [PRICES, _table(schema(Price))]
    parts += [BUDGETS, _table(schema(Budget))]
    parts.append(TEMPLATES.format(variables=", ".join(f"`{name}`" for name in VARIABLES)))
    parts.append(SOCIAL.format(keys=", ".join(f"`{key}`" for key in KEYS)))
    return "\n".join(parts)


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")


def _table(specs: Mapping[str, Spec]) -> str:
    rows = [(f"`{name}`", _kind(spec), _default(spec), spec.doc) for name, spec in specs.items()]
    return "".join(
        _row(cells) for cells in [("setting", "type", "default", "what it is"), _RULE, *rows]
    )


_RULE = ("---", "---", "---", "---")
_KINDS: Mapping[Any, str] = {
    str: "text",
    bool: "true or false",
    int: "whole number",
    float: "number",
    tuple: "list of texts",
    abc.Mapping: "table of texts",
    date: "date",
    Secret: "secret",
}


def _kind(spec: Spec) -> str:
    if spec.or_secret:
        return "text or secret"
    if spec.or_name:
        return "number or name"
    if spec.one:
        return "text or list of texts"
    if spec.tables:
        return "list of tables"
    return _KINDS.get(get_origin(spec.type) or spec.type, "table")


def _default(spec: Spec) -> str:
    if spec.default is MISSING:
        return "needed"
    here = "–" if spec.table or spec.default in (None, "", ()) else f"`{_toml(spec.default)}`"
    own = [f"{network}: `{_toml(value)}`" for network, value in spec.built_in.items()]
    return ", ".join(own if here == "–" and own else [here, *own])


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else f"{value:g}"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


if __name__ == "__main__":
    main()
