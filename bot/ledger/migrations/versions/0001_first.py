"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "sites",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("first_run_at", sa.BigInteger),
        sa.Column("plan_owner", sa.Text),
        sa.Column("plan_until", sa.BigInteger),
        sa.Column("plan_version", sa.BigInteger),
        sa.Column("plan_checkout", sa.Text),
    )
    op.create_table(
        "articles",
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("guid", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("content_hash", sa.Text, nullable=False),
        sa.Column("sketch", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("first_seen", sa.BigInteger, nullable=False),
        sa.Column("first_visible", sa.BigInteger),
        sa.Column("changed_at", sa.BigInteger),
        sa.Column("gone_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("site", "id"),
    )
    op.create_index("articles_path", "articles", ["site", "path"])
    op.create_table(
        "targets",
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("network", sa.Text, nullable=False),
        sa.Column("baseline_at", sa.BigInteger),
        sa.Column("wait_until", sa.BigInteger),
        sa.Column("wait_reason", sa.Text),
        sa.Column("paused", sa.Text),
        sa.Column("remote_id", sa.Text),
        sa.Column("learnt", sa.Text),
        sa.PrimaryKeyConstraint("site", "name"),
    )
    op.create_table(
        "deliveries",
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("network", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("due", sa.BigInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("draft", sa.Text),
        sa.Column("payload", sa.Text),
        sa.Column("key", sa.Text),
        sa.Column("replay", sa.Text),
        sa.Column("key_seconds", sa.Float, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("looker", sa.Text),
        sa.Column("lease_until", sa.BigInteger),
        sa.Column("sending_at", sa.BigInteger),
        sa.Column("first_sending_at", sa.BigInteger),
        sa.Column("doubt_since", sa.BigInteger),
        sa.Column("looks", sa.Integer, nullable=False),
        sa.Column("with_images", sa.Boolean, nullable=False),
        sa.Column("frozen", sa.Boolean, nullable=False),
        sa.Column("remote_id", sa.Text),
        sa.Column("remote_url", sa.Text),
        sa.Column("remote_extra", sa.Text),
        sa.Column("sent_at", sa.BigInteger),
        sa.Column("source", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("error_code", sa.Text),
        sa.Column("needs_person", sa.Boolean, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("planned_at", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("site", "id"),
        sa.UniqueConstraint(
            "site", "subject", "account", "kind", "generation", "part", name="deliveries_once"
        ),
    )
    op.create_index(
        "deliveries_in_flight",
        "deliveries",
        ["site", "account"],
        unique=True,
        sqlite_where=sa.text("state IN ('claimed', 'sending')"),
        postgresql_where=sa.text("state IN ('claimed', 'sending')"),
    )
    op.create_index(
        "deliveries_waiting",
        "deliveries",
        ["site", "account", "due", "seq", "id"],
        sqlite_where=sa.text("state IN ('planned', 'retry')"),
        postgresql_where=sa.text("state IN ('planned', 'retry')"),
    )
    op.create_index("deliveries_state", "deliveries", ["site", "state", "due"])
    op.create_table(
        "history",
        sa.Column(
            "n",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("delivery", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text, nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("detail", sa.Text),
    )
    op.create_index("history_delivery", "history", ["site", "delivery", "n"])
