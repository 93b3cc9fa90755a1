"""The ledger: what is remembered of articles, targets and deliveries. Opened here."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from bot.errors import ConfigError
from bot.i18n import msg
from bot.ledger import engine as opening
from bot.ledger.moves import Moves
from bot.ledger.owners import FileOwners, Owners, SessionOwners
from bot.ledger.sites import Lease
from bot.model import Clock

__all__ = ["Lease", "Ledger", "open_ledger"]


class Ledger(Moves):
    """One site's view of one store: sites and articles (`sites`), reading (`reads`), moving (`moves`)."""


def open_ledger(
    url: str,
    root: Path,
    site: str,
    clock: Clock,
    *,
    address: str,
    named: bool,
    readonly: bool = False,
    own_clock: bool | None = None,
) -> Ledger | None:
    """The ledger at `url` for `site`, its schema brought to HEAD. `named`: the id stands in the
    configuration (else it was made from `address`, and must then be known or the first).
    `own_clock`: compare times with `clock` and not with the server's (default: on SQLite).

    Read-only answers None where there is no ledger yet. Raises ConfigError where the address no
    longer matches, StoreUnavailable where the store cannot be used or (read-only) has another schema.
    """
    engine = opening.open_engine(url, root, readonly=readonly)
    if engine is None:
        return None
    if not readonly:
        opening.migrate(engine, clock.now())
    elif not _readable(engine):
        return None
    owners: Owners
    if engine.dialect.name == "postgresql":
        owners = SessionOwners(engine)
    else:
        owners = FileOwners(Path(str(engine.url.database)).parent / "locks")
    sqlite = engine.dialect.name == "sqlite"
    ledger = Ledger(
        engine, site, clock, owners, own_clock=sqlite if own_clock is None else own_clock
    )
    if not named and sqlite:
        _check_site(ledger, address)
    return ledger


def _readable(engine: Engine) -> bool:
    """As `opening.readable`; what is not read is closed."""
    found = False
    try:
        found = opening.readable(engine)
    finally:
        if not found:
            engine.dispose()
    return found


def _check_site(ledger: Ledger, address: str) -> None:
    kept = ledger.sites()
    if not kept or ledger.site in kept:
        return
    lone = kept[0]
    raise ConfigError(
        msg(
            "this ledger belongs to the site {id}, and site.url is now {url}",
            id=lone,
            url=address,
        ),
        code="other-site",
        key="site.url",
        hint=msg(
            'the same site under a new address: add id = "{id}" to [site]; another site: give it its own state.url',
            id=lone,
        ),
    )
