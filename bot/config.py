"""The configuration file → a frozen `Config`. An error names file, line and key.

The dataclasses of `bot.settings` are the schema: their types and metadata say what a table may
hold. Nothing here reads a secret but `read_secret`, and no error repeats what could be one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from bot.agreement import clashes
from bot.errors import ConfigError
from bot.i18n import Message, msg
from bot.schema import (
    Refused,
    Spec,
    checked,
    near_or_all,
    nearest,
    parse_duration,
    schema,
    wrong_type,
)
from bot.settings import NETWORKS, Account, Budget, Config, Secret, Site
from bot.toml_lines import Keys, line_of, locate, parse

__all__ = ["default_site_id", "line_within", "load", "parse_duration", "read_secret"]

NAMES = ("bot.toml", "config.toml")
_HUGO = frozenset(
    {"baseurl", "languagecode", "defaultcontentlanguage", "theme", "params", "menu", "menus"}
    | {"markup", "taxonomies", "module", "outputs", "outputformats", "pagination", "languages"}
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OWN = frozenset({"name", "network", "was"})


def load(file: str | None, cwd: str) -> Config:
    """`file`, else bot.toml, else config.toml of the folder `cwd`."""
    shown = file or next((name for name in NAMES if os.path.exists(os.path.join(cwd, name))), None)
    if shown is None:
        raise ConfigError(
            msg("There is no configuration here: neither bot.toml nor config.toml."),
            code="config-missing",
            hint=msg(
                "Say bot init in the folder of your site, or name the file with --config FILE."
            ),
        )
    path = os.path.abspath(os.path.join(cwd, shown))
    text = _read(path, shown)
    data = parse(text, shown)
    _refuse_hugo(data, shown)
    return _Filler(shown, locate(text)).config(data, os.path.dirname(path))


def read_secret(secret: Secret, root: str, environ: Mapping[str, str]) -> str | None:
    """The secret itself; None where its variable is unset or empty, or its file is not there."""
    if secret.env is not None:
        return environ.get(secret.env, "").rstrip("\r\n") or None
    try:
        path = os.path.join(root, os.path.expanduser(secret.file or ""))
        with open(path, encoding="utf-8") as file:
            return file.read().rstrip("\r\n") or None
    except (OSError, ValueError):
        return None


def default_site_id(url: str) -> str:
    """Host and path of the site's address: `https://Example.com/blog/` → `example.com/blog`."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.hostname}{port}{parts.path.rstrip('/')}"


def built_in(network: str) -> dict[str, Any]:
    """The defaults of a network where they are others than for all."""
    specs = schema(Account).items()
    return {name: s.built_in[network] for name, s in specs if network in s.built_in}


def line_within(config: Config, key: str, n: int) -> int | None:
    """The line of the file where line `n` (from 1) of the text at `key` stands."""
    first = config.lines.get(key)
    if first is None:
        return None
    path = os.path.join(config.root, os.path.basename(config.file))
    opening = _read(path, config.file).splitlines()[first - 1].rstrip()
    # TOML leaves out the line end that follows opening quotes (https://toml.io/en/v1.0.0#string).
    return first + n - 1 + opening.endswith(('"""', "'''"))


# --- the file -----------------------------------------------------------------------------------


def _read(path: str, shown: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8-sig")
    except FileNotFoundError:
        message = msg("The configuration file is not there.")
        hint = msg("Look at the name after --config.")
    except UnicodeDecodeError:
        message = msg("The configuration file is not UTF-8.")
        hint = msg("Save it as UTF-8 in your editor.")
    except (OSError, ValueError):
        message = msg("The configuration file cannot be read.")
        hint = msg("It must be a file that you may read.")
    raise ConfigError(message, code="config-unreadable", path=shown, hint=hint)


def _refuse_hugo(data: Mapping[str, Any], shown: str) -> None:
    if "site" in data or "accounts" in data or not _HUGO & {key.lower() for key in data}:
        return
    raise ConfigError(
        msg("This is Hugo's own configuration, not bot's."),
        code="config-hugo",
        path=shown,
        hint=msg("Say bot init: it writes bot.toml beside it."),
    )


# --- filling ------------------------------------------------------------------------------------


class _Filler:
    """Fills the dataclasses of the schema and collects what is wrong; the first line is told."""

    def __init__(self, shown: str, lines: dict[Keys, int]) -> None:
        self.shown, self.lines = shown, lines
        self.faults: list[ConfigError] = []

    def config(self, data: dict[str, Any], root: str) -> Config:
        budgets = self.budgets(data.pop("budgets", {}))
        accounts = self.accounts(data.pop("accounts", []), data.pop("defaults", {}))
        self.agree(accounts, budgets)
        known = {name: spec for name, spec in schema(Config).items() if spec.table}
        filled: dict[str, Any] = {name: {} for name in known}
        for key, value in data.items():
            if key in known:
                filled[key] = self.value(known[key], value, (key,)) or {}
            else:
                self.unknown((key,), [*known, "accounts", "defaults", "budgets"])
        for name, spec in known.items():
            self.require(spec.type, filled[name], (name,))
        if not filled["content"].get("hugo"):
            self.needs_address(filled["site"])
        if self.faults:
            raise min(self.faults, key=_rank)
        return Config(
            file=self.shown,
            root=root,
            lines={".".join(keys): line for keys, line in self.lines.items()},
            accounts=tuple(_build(Account, values) for values in accounts),
            budgets={name: _build(Budget, values) for name, values in budgets.items()},
            **{name: _build(spec.type, filled[name]) for name, spec in known.items()},
        )

    def accounts(self, tables: Any, defaults: Any) -> list[dict[str, Any]]:
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            message = msg("Accounts are written as [[accounts]], with two brackets.")
            self.fault(("accounts",), "config-type", message)
            return []
        shared = self.defaults(defaults)
        found = [
            self.account(table, ("accounts", str(i)), shared) for i, table in enumerate(tables)
        ]
        self.unique(found)
        return found

    def budgets(self, table: Any) -> dict[str, dict[str, Any]]:
        if not isinstance(table, dict) or not all(isinstance(one, dict) for one in table.values()):
            message = msg("Budgets are written as [budgets.NAME], a table each.")
            self.fault(("budgets",), "config-type", message)
            return {}
        found = {name: self.table(Budget, own, ("budgets", name)) for name, own in table.items()}
        for name, own in found.items():
            self.require(Budget, own, ("budgets", name))
        return found

    def agree(self, accounts: list[dict[str, Any]], budgets: Collection[str]) -> None:
        """What an account's settings say together, its defaults among them."""
        for i, values in enumerate(accounts):
            for key, message, hint in clashes(values, budgets):
                homes = (("accounts", str(i)), ("defaults", str(values.get("network"))))
                places = [(*home, key) for home in (*homes, ("defaults",))]
                place = next((p for p in places if p in self.lines), places[0])
                self.fault(place, "config-value", message, hint)

    def defaults(self, table: Any) -> dict[str, dict[str, Any]]:
        """The values of [defaults] under "", those of [defaults.NETWORK] under its name."""
        if not isinstance(table, dict):
            self.fault(("defaults",), "config-type", msg("`defaults` is a table: [defaults]."))
            return {}
        known = {name: spec for name, spec in schema(Account).items() if name not in _OWN}
        general = [name for name, spec in known.items() if not spec.networks]
        found: dict[str, dict[str, Any]] = {"": {}}
        for key, value in table.items():
            path = ("defaults", key)
            if key in NETWORKS and isinstance(value, dict):
                found[key] = self.table(Account, value, path, skip=_OWN)
                self.foreign(key, found[key], path)
            elif key in known and (names := known[key].networks):
                hint = msg("Put it into [defaults.{network}].", network=names[0])
                self.fault(path, "config-network", _only(key, names), hint)
            elif key in general:
                found[""][key] = self.value(known[key], value, path)
            else:
                self.unknown(path, [*general, *NETWORKS])
        return found

    def account(
        self, table: dict[str, Any], path: Keys, shared: Mapping[str, Any]
    ) -> dict[str, Any]:
        own = self.table(Account, table, path)
        self.require(Account, own, path)
        network = own.get("network")
        if not isinstance(network, str) or network not in NETWORKS:
            return own
        self.foreign(network, own, path)
        merged = built_in(network)
        for upper in (shared.get("", {}), shared.get(network, {}), own):
            merged = _merged(merged, upper)
        return merged

    def foreign(self, network: str, values: Mapping[str, Any], path: Keys) -> None:
        """Settings that another network knows."""
        for key in values:
            if (names := schema(Account)[key].networks) and network not in names:
                hint = msg("This account is on {network}: take the line out.", network=network)
                self.fault((*path, key), "config-network", _only(key, names), hint)

    def unique(self, accounts: list[dict[str, Any]]) -> None:
        seen: set[str] = set()
        for i, values in enumerate(accounts):
            for key, names in (("name", [values.get("name")]), ("was", values.get("was") or ())):
                for name in names:
                    if name in seen:
                        message = msg("Two accounts have the name {name}.", name=name)
                        hint = msg("Give each its own; `was` holds names that no account has now.")
                        self.fault(("accounts", str(i), key), "config-duplicate", message, hint)
                    elif name is not None:
                        seen.add(name)

    def table(
        self, cls: type, table: Mapping[str, Any], path: Keys, skip: Collection[str] = ()
    ) -> dict[str, Any]:
        """The values of the table's known keys; tables within it as such dicts."""
        known = {name: spec for name, spec in schema(cls).items() if name not in skip}
        found = {}
        for key, value in table.items():
            if key in known:
                found[key] = self.value(known[key], value, (*path, key))
            else:
                self.unknown((*path, key), known)
        return found

    def value(self, spec: Spec, value: Any, path: Keys) -> Any:
        if spec.type is Secret or (spec.or_secret and isinstance(value, dict)):
            return self.secret(value, path)
        try:
            if spec.table and isinstance(value, dict):
                return self.table(spec.type, value, path)
            if spec.table:
                raise wrong_type(path[-1], dict, value)
            if spec.tables:
                return self.tables(spec.type, value, path)
            return checked(path[-1], spec, value)
        except Refused as refused:
            self.fault(path, refused.code, refused.message, refused.hint)
            return None

    def tables(self, cls: type, value: Any, path: Keys) -> list[dict[str, Any]]:
        """A list of tables, like [[accounts.rules]]."""
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            header = ".".join(part for part in path if not part.isdigit())
            message = msg(
                "`{key}` is written as [[{table}]], a table each.", key=path[-1], table=header
            )
            raise Refused("config-type", message)
        found = []
        for i, item in enumerate(value):
            place = (*path, str(i))
            found.append(self.table(cls, item, place))
            self.require(cls, found[-1], place)
        return found

    def secret(self, value: Any, path: Keys) -> Secret | None:
        if isinstance(value, dict) and len(value) == 1:
            kind, name = next(iter(value.items()))
            if kind == "file" and isinstance(name, str) and name:
                return Secret(file=name)
            if kind == "env" and isinstance(name, str) and _VARIABLE.fullmatch(name):
                return Secret(env=name)
        variable = re.sub(r"\W", "_", path[-1]).upper()
        message = msg("`{key}` names where the secret is; it never holds the secret.", key=path[-1])
        hint = msg(
            'Write {key} = {{ env = "{variable}" }} and set that variable, or {{ file = "path" }}.',
            key=path[-1],
            variable=variable,
        )
        self.fault(path, "config-secret", message, hint)
        return None

    def require(self, cls: type, values: Mapping[str, Any], path: Keys) -> None:
        for name, spec in schema(cls).items():
            if spec.required and name not in values:
                self.needs(path, name, spec.doc)

    def needs_address(self, site: Mapping[str, Any]) -> None:
        if site.get("url") == "":
            message = msg("`{key}` must be a whole address.", key="url")
            self.fault(("site", "url"), "config-value", message)
        elif "url" not in site:
            self.needs(("site",), "url", schema(Site)["url"].doc)

    def needs(self, path: Keys, key: str, doc: str) -> None:
        table = ".".join(part for part in path if not part.isdigit())
        table = f"[{table}]" if path[-1].isdigit() else table
        message = msg("[{table}] needs `{key}`.", table=table, key=key)
        self.fault(path, "config-required", message, Message(doc))

    def unknown(self, path: Keys, known: Collection[str]) -> None:
        key, home = path[-1], _home(path[-1])
        if home and not nearest(key, known):
            hint = msg("`{key}` belongs into [{table}].", key=key, table=home)
        else:
            hint = near_or_all(key, known)
        self.fault(
            path, "config-unknown-key", msg("There is no setting `{key}` here.", key=key), hint
        )

    def fault(self, path: Keys, code: str, message: Message, hint: Message | None = None) -> None:
        line = line_of(self.lines, path)
        self.faults.append(
            ConfigError(
                message, code=code, path=self.shown, line=line, key=".".join(path), hint=hint
            )
        )


def _rank(fault: ConfigError) -> tuple[bool, bool, int]:
    """By line; a missing key comes last: a misspelt one is why it is missing."""
    return (fault.code == "config-required", fault.line is None, fault.line or 0)


def _home(key: str) -> str | None:
    """The table that knows a key."""
    for name, spec in schema(Config).items():
        if spec.table and key in schema(spec.type):
            return name
    return "[accounts]" if key in schema(Account) else None


def _only(key: str, networks: Collection[str]) -> Message:
    return msg("`{key}` is a setting of {networks} alone.", key=key, networks=", ".join(networks))


def _merged(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """`upper` over `lower`: tables merge by key, everything else is replaced."""
    merged = dict(lower)
    for key, value in upper.items():
        below = merged.get(key)
        if isinstance(value, dict) and isinstance(below, dict):
            value = _merged(below, value)
        merged[key] = value
    return merged


def _build(cls: Any, values: Mapping[str, Any]) -> Any:
    specs = schema(cls)
    for name, spec in specs.items():
        if spec.table:
            values = {**values, name: _build(spec.type, values.get(name, {}))}
        elif spec.tables:
            rows = tuple(_build(spec.type, row) for row in values.get(name, ()))
            values = {**values, name: rows}
    return cls(**values)
