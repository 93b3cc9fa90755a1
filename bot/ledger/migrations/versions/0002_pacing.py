"""What the schedule needs: what was spent and when, times set by hand, pages that are live; and
whose receipt a post out there is."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_WAITING = sa.text("state IN ('planned', 'retry')")
_RECEIPT = sa.text("remote_id IS NOT NULL")
_DOUBTFUL = sa.text("state = 'unknown'")
_SPENT = sa.text("spent_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("articles", sa.Column("live_at", sa.BigInteger))
    op.add_column("deliveries", sa.Column("spent_at", sa.BigInteger))
    op.add_column("deliveries", sa.Column("cost", sa.BigInteger))
    op.add_column("deliveries", sa.Column("linked", sa.Boolean))
    op.add_column(
        "deliveries", sa.Column("exact", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.execute(
        "UPDATE deliveries SET spent_at = COALESCE(first_sending_at, sent_at)"
        " WHERE kind = 'share' AND state IN ('claimed', 'sending', 'unknown', 'sent')"
    )
    op.drop_index("deliveries_waiting", table_name="deliveries")
    op.create_index(
        "deliveries_queue",
        "deliveries",
        ["site", "account", "seq", "id"],
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )
    op.create_index(
        "deliveries_doubtful",
        "deliveries",
        ["site", "account", "due"],
        sqlite_where=_DOUBTFUL,
        postgresql_where=_DOUBTFUL,
    )
    op.create_index(
        "deliveries_spent",
        "deliveries",
        ["site", "account", "spent_at"],
        sqlite_where=_SPENT,
        postgresql_where=_SPENT,
    )
    op.create_index(
        "deliveries_receipt",
        "deliveries",
        ["site", "account", "remote_id"],
        sqlite_where=_RECEIPT,
        postgresql_where=_RECEIPT,
    )
