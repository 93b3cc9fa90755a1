"""The tables, once. Times are UTC microseconds; every row carries the site's id."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

metadata = MetaData()

_Serial = BigInteger().with_variant(Integer, "sqlite")

sites = Table(
    "sites",
    metadata,
    Column("id", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("first_run_at", BigInteger),
    Column("plan_owner", Text),
    Column("plan_until", BigInteger),
    Column("plan_version", BigInteger),
    Column("plan_checkout", Text),
)

articles = Table(
    "articles",
    metadata,
    Column("site", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("guid", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("sketch", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("first_seen", BigInteger, nullable=False),
    Column("first_visible", BigInteger),
    Column("changed_at", BigInteger),
    Column("gone_at", BigInteger),
    Column("live_at", BigInteger),
    PrimaryKeyConstraint("site", "id"),
    Index("articles_path", "site", "path"),
)

targets = Table(
    "targets",
    metadata,
    Column("site", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("baseline_at", BigInteger),
    Column("wait_until", BigInteger),
    Column("wait_reason", Text),
    Column("paused", Text),
    Column("remote_id", Text),
    Column("learnt", Text),
    PrimaryKeyConstraint("site", "name"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("site", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("part", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("due", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("path", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("draft", Text),
    Column("payload", Text),
    Column("key", Text),
    Column("replay", Text),
    Column("key_seconds", Float, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("owner", Text),
    Column("looker", Text),
    Column("lease_until", BigInteger),
    Column("sending_at", BigInteger),
    Column("first_sending_at", BigInteger),
    Column("doubt_since", BigInteger),
    Column("looks", Integer, nullable=False),
    Column("with_images", Boolean, nullable=False),
    Column("frozen", Boolean, nullable=False),
    Column("remote_id", Text),
    Column("remote_url", Text),
    Column("remote_extra", Text),
    Column("sent_at", BigInteger),
    Column("source", Text),
    Column("error", Text),
    Column("error_code", Text),
    Column("needs_person", Boolean, nullable=False),
    Column("notes", Text, nullable=False),
    Column("planned_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("spent_at", BigInteger),
    Column("cost", BigInteger),
    Column("linked", Boolean),
    Column("exact", Boolean, nullable=False, server_default=false()),
    PrimaryKeyConstraint("site", "id"),
    UniqueConstraint(
        "site", "subject", "account", "kind", "generation", "part", name="deliveries_once"
    ),
    # One call at a time for each target, whatever the code above believes.
    Index(
        "deliveries_in_flight",
        "site",
        "account",
        unique=True,
        sqlite_where=text("state IN ('claimed', 'sending')"),
        postgresql_where=text("state IN ('claimed', 'sending')"),
    ),
    # What the next claim reads, in its order: nothing that is done is looked at.
    Index(
        "deliveries_queue",
        "site",
        "account",
        "seq",
        "id",
        sqlite_where=text("state IN ('planned', 'retry')"),
        postgresql_where=text("state IN ('planned', 'retry')"),
    ),
    # What each step asks: whether a lost answer of this target is to be looked for.
    Index(
        "deliveries_doubtful",
        "site",
        "account",
        "due",
        sqlite_where=text("state = 'unknown'"),
        postgresql_where=text("state = 'unknown'"),
    ),
    # What caps, slots and budgets count.
    Index(
        "deliveries_spent",
        "site",
        "account",
        "spent_at",
        sqlite_where=text("spent_at IS NOT NULL"),
        postgresql_where=text("spent_at IS NOT NULL"),
    ),
    # Whose receipt a post out there is.
    Index(
        "deliveries_receipt",
        "site",
        "account",
        "remote_id",
        sqlite_where=text("remote_id IS NOT NULL"),
        postgresql_where=text("remote_id IS NOT NULL"),
    ),
    Index("deliveries_state", "site", "state", "due"),
)

IMPORTED = "imported"
"""The event of the row that an import leaves behind; it is of no delivery."""

history = Table(
    "history",
    metadata,
    Column("n", _Serial, primary_key=True, autoincrement=True),
    Column("site", Text, nullable=False),
    Column("delivery", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("before", Text),
    Column("after", Text, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("event", Text, nullable=False),
    Column("detail", Text),
    Index("history_delivery", "site", "delivery", "n"),
)
