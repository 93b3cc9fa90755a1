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
    if ledger is None:
        return
    with_same = [
        target.name
        for target in ledger.targets().values()
        if target.name != name and target.remote_id == identity.id and app.account(target.name)
    ]
    if with_same:
        raise Unauthorized(
            msg("{who} is the account {other} already.", who=identity.name, other=with_same[0]),
            code="same-account",
            hint=msg("Remove one of the two: else each post would be shared twice there."),
        )
    target = ledger.targets().get(name)
    if target is None or target.remote_id == identity.id:
        return
    if target.remote_id is not None or not app.ledger.set_remote_id(name, identity.id):
        raise Unauthorized(
            msg(
                "The login of {account} belongs to another account now: {who}.",
                account=name,
                who=identity.name,
            ),
            code="another-account",
            hint=msg("Log in as the one before, or give the account another name."),
        )


def check_owner(app: App, name: str) -> None:
    """Log in and compare. For the first use of an account in a process. Raises NotSent."""
    poster = app.poster(name)
    if isinstance(poster, Identified):
        remember(app, name, poster.identity())
