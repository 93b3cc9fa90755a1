"""Whose account is whose: an account's name keeps the remote account that it first logged in to."""

from __future__ import annotations

from bot.app.wiring import App
from bot.errors import Unauthorized
from bot.i18n import msg
from bot.model import Identified, Identity


def remember(app: App, name: str, identity: Identity) -> None:
    """Store the remote account of `name` at its first login. Raises Unauthorized, which pauses the
    account, where another one was there before or another name has it. Without a ledger, nothing."""
    ledger = app.peek()
    if ledger is not None:
        ledger.close()
        _remember(app, name, identity)


def check_owner(app: App, name: str) -> None:
    """Log in and compare. For the first use of an account in a process. Raises NotSent."""
    poster = app.poster(name)
    if isinstance(poster, Identified):
        _remember(app, name, poster.identity())


def _remember(app: App, name: str, identity: Identity) -> None:
    """Two names of one account that log in at the same moment see each other."""
    with app.ledger.together():
        targets = app.ledger.targets()
        for other in targets.values():
            if other.name != name and other.remote_id == identity.id and app.account(other.name):
                raise same_account(identity, other.name)
        target = targets.get(name)
        if target is None or target.remote_id == identity.id:
            return
        if target.remote_id is not None or not app.ledger.set_remote_id(name, identity.id):
            raise _another_account(identity, name)


def same_account(identity: Identity, other: str) -> Unauthorized:
    """Two names for one remote account."""
    return Unauthorized(
        msg("{who} is the account {other} already.", who=identity.name, other=other),
        code="same-account",
        hint=msg("Remove one of the two: else each post would be shared twice there."),
    )


def _another_account(identity: Identity, name: str) -> Unauthorized:
    return Unauthorized(
        msg(
            "The login of {account} belongs to another account now: {who}.",
            account=name,
            who=identity.name,
        ),
        code="another-account",
        hint=msg("Log in as the one before, or give the account another name."),
    )
