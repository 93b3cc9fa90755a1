"""Alembic, asked only when the schema is not at HEAD."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from bot.errors import StoreUnavailable
from bot.i18n import msg
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
        raise StoreUnavailable(
            msg("the ledger was made by a newer bot (schema {found})", found=found),
            code="ledger-newer",
            hint=msg("upgrade bot; nothing was changed"),
        )
    copy = None if found is None else backup_before_migration(engine, found, now)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('bot schema'))"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return copy


def upgrade_to(engine: Engine, revision: str) -> None:
    """An empty store of an older schema. Raises CommandError for one that is not known."""
    config = _config(SCRIPTS)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def _config(scripts: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts))
    return config
