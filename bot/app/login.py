"""`bot login`: a person logs in once; what comes of it goes into files that only the owner reads."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from bot.app.owners import remember
from bot.app.wiring import App
from bot.errors import UsageError
from bot.i18n import msg
from bot.model import Identified, Identity
from bot.posters.base import ReadSecret
from bot.posters.kept import write_private
from bot.posters.logins import WAYS, Desk, Talk
from bot.posters.registry import NETWORKS
from bot.settings import Account, Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn:
    """`places` says for each setting where its secret is to be found; `values` are the secrets."""

    account: Account
    identity: Identity | None
    places: Mapping[str, Secret]
    values: Mapping[str, str] = field(repr=False)


def login(app: App, name: str, talk: Talk, *, keep: bool) -> LoggedIn:
    """Walk through the network's way, and see whose login it is. `keep`: write the secrets into
    files; else they are only answered, for variables of the environment."""
    account = app.account(name)
    if account is None:
        known = ", ".join(a.name for a in app.accounts)
        raise UsageError(
            msg("There is no account {name}.", name=name),
            code="no-account",
            hint=msg("Write it into the configuration first; there are: {names}", names=known),
        )
    if account.network not in WAYS:
        raise UsageError(msg("{network} needs no login.", network=account.network), code="login")
    if keep:
        return _logged_in(app, account, talk, app.root, keep=True)
    with TemporaryDirectory() as folder:  # a session of this login would use it up
        return _logged_in(app, account, talk, Path(folder), keep=False)


def _logged_in(app: App, account: Account, talk: Talk, root: Path, *, keep: bool) -> LoggedIn:
    desk = Desk(
        account=account,
        net=app.net(),
        read=app.read_secret,
        root=root,
        talk=talk,
        chance=lambda: secrets.token_urlsafe(48),
    )
    values = WAYS[account.network](desk)
    identity = _identity(app, account, values, root)
    if identity is not None:
        remember(app, account.name, identity)
    places = {setting: _place(account, setting, keep=keep) for setting in values}
    if keep:
        for setting, value in values.items():
            write_private(app.root / Path(places[setting].file or "").expanduser(), value + "\n")
    return LoggedIn(account=account, identity=identity, places=places, values=values)


def _identity(app: App, account: Account, values: Mapping[str, str], root: Path) -> Identity | None:
    """Whose login it is, by the secrets that are not stored yet."""
    made = {Secret(env=f"the new {setting}"): value for setting, value in values.items()}
    named = dict(zip(values, made, strict=True))
    fresh = replace(account, **named)  # type: ignore[arg-type]
    read: ReadSecret = lambda secret: made.get(secret) or app.read_secret(secret)  # noqa: E731
    poster = NETWORKS[account.network].make(fresh, read, app.net(), root)
    return poster.identity() if isinstance(poster, Identified) else None


def _place(account: Account, setting: str, *, keep: bool) -> Secret:
    """Where the configuration looks for it already, if that fits; else where it is to look."""
    there: Secret | None = getattr(account, setting)
    if keep:
        own = f"state/secrets/{quote(account.name, safe='')}.{setting}"
        return there if there and there.file else Secret(file=own)
    own = re.sub(r"\W", "_", f"{account.name}_{setting}", flags=re.ASCII).upper()
    return there if there and there.env else Secret(env=own if own[0].isalpha() else f"BOT_{own}")
