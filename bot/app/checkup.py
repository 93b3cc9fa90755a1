"""`bot check`: every account is logged in to and asked who it is. Nothing visible is posted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from bot.app.owners import remember, same_account
from bot.app.wiring import App
from bot.errors import BotError, Unauthorized, UsageError
from bot.i18n import Message, msg
from bot.model import Identified, Identity
from bot.posters.registry import NETWORKS
from bot.settings import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """One account: who it is (None: its network has no logins), or why that cannot be told.
    `warning`: what will go wrong, though all is well now."""

    account: Account
    identity: Identity | None = None
    error: BotError | None = None
    warning: Message | None = None


def checkup(app: App, names: Collection[str]) -> list[Checkup]:
    """The accounts of these names, else all that are switched on."""
    if unknown := [name for name in names if app.account(name) is None]:
        raise UsageError(msg("There is no account {name}.", name=unknown[0]), code="no-account")
    wanted = [a for a in app.accounts if (a.name in names if names else a.enabled)]
    found: list[Checkup] = []
    for account in wanted:
        found.append(replace(_checked(app, account, found), warning=_warning(app, account)))
    return found


def _warning(app: App, account: Account) -> Message | None:
    return rotates(app, account) or _cannot(account)


def _cannot(account: Account) -> Message | None:
    """Settings that the network has no way for."""
    can = NETWORKS[account.network].changes
    if account.on_edit == "update" and "edit" not in can:
        return msg("on_edit has no effect: this network cannot edit what it shows")
    if account.on_delete == "retract" and "retract" not in can:
        return msg("on_delete has no effect: this network cannot take back what it shows")
    return None


def rotates(app: App, account: Account) -> Message | None:
    """Why a login cannot last where no disk does: each use of it makes a new one, and the old one
    ends (https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code)."""
    thrown_away = bool(app.config.state.git.branch) or "GITHUB_ACTIONS" in app.world.environ
    if not (account.network == "x" and account.client_id and thrown_away):
        return None
    return msg(
        "its login (OAuth 2.0) changes with each use, and a job keeps nothing: it works once; use OAuth 1.0a (consumer_key and access_token with their secrets) here"
    )


def _checked(app: App, account: Account, before: Collection[Checkup]) -> Checkup:
    try:
        identity = _identity(app, account)
    except BotError as error:
        return Checkup(account=account, error=error)
    if identity is None:
        return Checkup(account=account)
    try:
        _only_once(identity, before)
        remember(app, account.name, identity)
    except BotError as error:
        return Checkup(account=account, identity=identity, error=error)
    return Checkup(account=account, identity=identity)


def _identity(app: App, account: Account) -> Identity | None:
    network = NETWORKS[account.network]
    why = network.missing(account, app.read_secret)
    if why is not None:
        hint = msg("Log in: bot login {account}", account=account.name)
        raise Unauthorized(why, code="not-ready", hint=hint)
    poster = network.make(account, app.read_secret, app.net(), app.root)
    try:
        return poster.identity() if isinstance(poster, Identified) else None
    finally:
        poster.close()


def _only_once(identity: Identity, before: Collection[Checkup]) -> None:
    for other in before:
        if other.identity is not None and other.identity.id == identity.id:
            raise same_account(identity, other.account.name)
