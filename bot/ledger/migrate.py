"""Alembic, asked only when the schema is not at HEAD."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from bot.errors import StoreUnavailable
from bot.i18n import msg


def upgrade(engine: Engine, found: str | None) -> None:
    """Run the revisions that are missing, all in one transaction. Raises StoreUnavailable where a
    newer bot made the schema."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise StoreUnavailable(
            msg("the ledger was made by a newer bot (schema {found})", found=found),
            code="ledger-newer",
            hint=msg("upgrade bot; nothing was changed"),
        )
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('bot schema'))"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
