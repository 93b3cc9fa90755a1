"""docs/configuration.md, made from `bot.settings`: `python -m tools.settings_page` (make docs)."""

from __future__ import annotations

from collections import abc
from collections.abc import Iterable, Mapping
from dataclasses import MISSING
from pathlib import Path
from typing import Any, get_origin

from bot.compose.template import VARIABLES
from bot.schema import Spec, schema
from bot.settings import NETWORKS, Account, Config, Secret

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
'''

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
    own = schema(Account)
    parts += [ACCOUNTS, _table({n: spec for n, spec in own.items() if not spec.networks})]
    for network in NETWORKS:
        known = {n: spec for n, spec in own.items() if network in spec.networks}
        parts += [NETWORK.format(network=network), _table(known)]
    parts.append(TEMPLATES.format(variables=", ".join(f"`{name}`" for name in VARIABLES)))
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
    Secret: "secret",
}


def _kind(spec: Spec) -> str:
    if spec.or_secret:
        return "text or secret"
    return _KINDS.get(get_origin(spec.type) or spec.type, "table")


def _default(spec: Spec) -> str:
    if spec.default is MISSING:
        return "needed"
    return "–" if spec.default in (None, "", ()) else f"`{_toml(spec.default)}`"


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
