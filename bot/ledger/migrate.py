"""Alembic, asked only when the schema is not at HEAD."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from bot.errors import StoreUnavailable
from bot.i18n import Message, msg
from bot.ledger import engine as opening
from bot.ledger.copies import backup_before_migration

SCRIPTS = Path(__file__).parent / "migrations"


def upgrade(
    engine: Engine, found: str | None, now: datetime | None, scripts: Path = SCRIPTS
) -> Path | None:
    """Run the revisions that are missing, all in one transaction, after a copy of what is there
    (answered; None where nothing was, and on PostgreSQL). Raises StoreUnavailable where a newer bot
    made the schema or the copy cannot be made."""
    config = _config(scripts)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise opening.newer(found)
    copy = None if found is None else backup_before_migration(engine, found, now)
    try:
        _run(engine, config)
    except (SQLAlchemyError, CommandError) as error:
        said = opening.unavailable(engine.url, error)
        raise StoreUnavailable(
            msg("the schema could not be brought to this bot's: {why}", why=str(said)),
            code="migration-failed",
            hint=_untouched(copy),
        ) from error
    return copy


def upgrade_to(engine: Engine, revision: str) -> None:
    """An empty store of an older schema. Raises CommandError for one that is not known."""
    config = _config(SCRIPTS)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def _run(engine: Engine, config: Config) -> None:
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('bot schema'))"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _untouched(copy: Path | None) -> Message:
    if copy is None:
        return msg("nothing was changed; run bot state migrate again when that is mended")
    return msg("nothing was changed; a copy from before is {copy}", copy=str(copy))


def _config(scripts: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts))
    return config
