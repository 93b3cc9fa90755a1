"""Where the ledger lives, and how it is opened there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.errors import ConfigError
from bot.i18n import msg

if TYPE_CHECKING:
    from bot.app.wiring import App
    from bot.ledger.store import Ledger


def open_ledger(app: App, *, readonly: bool) -> Ledger | None:
    """The ledger that the configuration names. Read-only answers None where there is none yet."""
    if app.bench is None:
        return open_at(app, named_url(app), readonly=readonly)
    ledger = open_at(app, app.bench.url(writing=not readonly), readonly=readonly)
    if ledger is not None:
        app.bench.take(ledger)
    return ledger


def store_url(app: App) -> str:
    """Its address; of a ledger on a branch, that of the file which it is laid out in."""
    return named_url(app) if app.bench is None else app.bench.url(writing=False)


def named_url(app: App) -> str:
    url = app.config.state.url
    if isinstance(url, str):
        return url
    secret = app.read_secret(url)
    if secret is None:
        raise ConfigError(
            msg("where the ledger lives is not set: {name}", name=url.env or url.file),
            code="state-url",
            key="state.url",
            hint=msg("set it to an address like postgresql://user:password@host/database"),
        )
    return secret


def open_at(app: App, url: str, *, readonly: bool = False) -> Ledger | None:
    from bot.ledger import store

    return store.open_ledger(
        url,
        app.root,
        app.site_id,
        app.world.clock,
        address=app.config.site.url,
        named=bool(app.config.site.id),
        readonly=readonly,
    )
