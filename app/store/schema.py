"""The tables, once for SQLite and PostgreSQL. Migrations build them; named queries (queries.sql) use them.

Times are integer milliseconds since the epoch. The tables on the dialing path are `campaign_contacts` (who waits, who
is dialed) and `attempts`; both are reached by index only, so that the cost of a call does not grow with a list.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only for INTEGER PRIMARY KEY


def _id() -> Column[Any]:
    return Column("id", _Id, primary_key=True)


# --- people who sign in ----------------------------------------------------------------------------------------------

users = Table(
    "users",
    metadata,
    _id(),
    Column("name", String(64), nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),  # argon2id
    Column("role", String(16), nullable=False),  # admin, supervisor, agent
    Column("created_at_ms", BigInteger, nullable=False),
    Column("is_disabled", Boolean, nullable=False, default=False, server_default=text("FALSE")),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),  # SHA-256 of the cookie; the cookie itself is nowhere
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    _id(),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("key_hash", String(64), nullable=False, unique=True),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("revoked_at_ms", BigInteger),
    UniqueConstraint("user_id", "name"),
)

# --- ways out --------------------------------------------------------------------------------------------------------

trunks = Table(
    "trunks",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("endpoint", String(64), nullable=False),
    Column("lines", Integer, nullable=False),
    Column("calls_per_second", Float, nullable=False),
    Column("prefixes", JSON, nullable=False),
    Column("number_format", JSON, nullable=False),
    Column("caller_id", String(32), nullable=False),
    Column("is_enabled", Boolean, nullable=False),
)

# --- contacts --------------------------------------------------------------------------------------------------------

lists = Table(
    "lists",
    metadata,
    _id(),
    Column("name", String(128), nullable=False, unique=True),
    Column("country", String(2), nullable=False),  # ISO 3166 region that numbers without a country code are read in
    Column("columns", JSON, nullable=False),  # the list's own columns, in their order: they become the card's fields
    Column("contacts", Integer, nullable=False, default=0, server_default=text("0")),
    Column("created_at_ms", BigInteger, nullable=False),
)

contacts = Table(
    "contacts",
    metadata,
    _id(),
    Column("list_id", ForeignKey("lists.id", ondelete="CASCADE"), nullable=False),
    Column("key", String(200), nullable=False),  # what makes a contact the same one again: its key column or its phone
    Column("name", String(200), nullable=False, default="", server_default=""),
    Column("language", String(16), nullable=False, default="", server_default=""),
    Column("time_zone", String(64), nullable=False, default="", server_default=""),
    Column("phone1", String(16), nullable=False, default="", server_default=""),  # E.164 with plus; empty: not valid
    Column("phone2", String(16), nullable=False, default="", server_default=""),
    Column("phone3", String(16), nullable=False, default="", server_default=""),
    Column("phone4", String(16), nullable=False, default="", server_default=""),
    Column("phone5", String(16), nullable=False, default="", server_default=""),
    Column("fields", JSON, nullable=False),  # every column of the sheet, as written: str → str
    Column("source_line", Integer, nullable=False, default=0, server_default=text("0")),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    UniqueConstraint("list_id", "key"),
)
# A list's contacts in the order they came: attaching and paging go along it, whatever else is in the table.
Index("ix_contacts_list_id_id", contacts.c.list_id, contacts.c.id)

imports = Table(
    "imports",
    metadata,
    _id(),
    Column("list_id", ForeignKey("lists.id", ondelete="CASCADE"), nullable=False),
    Column("file_name", String(255), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("mapping", JSON, nullable=False),
    Column("counts", JSON, nullable=False),
    Column("started_at_ms", BigInteger, nullable=False),
    Column("finished_at_ms", BigInteger),
)

import_problems = Table(
    "import_problems",
    metadata,
    _id(),
    Column("import_id", ForeignKey("imports.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("line", Integer, nullable=False),
    Column("column", String(128), nullable=False),
    Column("what", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("mend", Text, nullable=False),
)

dnc = Table(
    "dnc",
    metadata,
    Column("number", String(16), primary_key=True),
    Column("source", String(64), nullable=False),  # keypress, import, api, agent
    Column("attempt_id", String(40)),
    Column("created_at_ms", BigInteger, nullable=False),
)

# --- campaigns -------------------------------------------------------------------------------------------------------

flows = Table(
    "flows",
    metadata,
    _id(),
    Column("name", String(128), nullable=False),
    Column("version", Integer, nullable=False),
    Column("source", Text, nullable=False),  # the file, as written; versions never change
    Column("created_at_ms", BigInteger, nullable=False),
    UniqueConstraint("name", "version"),
)

campaigns = Table(
    "campaigns",
    metadata,
    _id(),
    Column("name", String(128), nullable=False, unique=True),
    Column("status", String(16), nullable=False),  # CampaignStatus
    Column("flow_id", ForeignKey("flows.id"), nullable=False),
    Column("settings", JSON, nullable=False),  # lines, calls_per_second, ring_timeout_ms, caller_id, language, retry
    Column("created_at_ms", BigInteger, nullable=False),
    Column("started_at_ms", BigInteger),
    Column("ended_at_ms", BigInteger),
)

campaign_trunks = Table(
    "campaign_trunks",
    metadata,
    Column("campaign_id", ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("trunk_id", ForeignKey("trunks.id"), nullable=False),
)

campaign_lists = Table(
    "campaign_lists",
    metadata,
    Column("campaign_id", ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True),
    Column("list_id", ForeignKey("lists.id"), primary_key=True),
)

campaign_contacts = Table(
    "campaign_contacts",
    metadata,
    Column("campaign_id", ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True),
    Column("contact_id", ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True),
    Column("status", String(20), nullable=False),  # ContactStatus
    Column("due_at_ms", BigInteger),  # when it may be dialed (in progress: might be); NULL: nobody dials it on its own
    Column("attempts", Integer, nullable=False, default=0, server_default=text("0")),  # charged tries
    Column("faults", Integer, nullable=False, default=0, server_default=text("0")),  # uncharged tries
    Column("last_outcome", Integer),
    sqlite_with_rowid=False,
)
# The waiting line of a campaign: claiming reads its head, whatever its length.
Index(
    "ix_campaign_contacts_waiting",
    campaign_contacts.c.campaign_id,
    campaign_contacts.c.due_at_ms,
    campaign_contacts.c.contact_id,
    sqlite_where=text("status = 'pending'"),
    postgresql_where=text("status = 'pending'"),
)
# Removing a contact finds its places in campaigns without reading through them.
Index("ix_campaign_contacts_contact_id", campaign_contacts.c.contact_id)

attempts = Table(
    "attempts",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("campaign_id", ForeignKey("campaigns.id", ondelete="CASCADE"), nullable=False),
    Column("contact_id", ForeignKey("contacts.id", ondelete="CASCADE"), nullable=False),
    Column("number", String(16), nullable=False),
    Column("opened_at_ms", BigInteger, nullable=False),
    Column("trunk_id", String(64)),
    Column("placed_at_ms", BigInteger),
    Column("ringing_at_ms", BigInteger),
    Column("progress_at_ms", BigInteger),
    Column("answered_at_ms", BigInteger),
    Column("ended_at_ms", BigInteger),
    Column("closed_at_ms", BigInteger),  # NULL: open
    Column("outcome", Integer),
    Column("is_charged", Boolean),
    Column("sip_code", Integer),
    Column("cause", Integer),
    Column("cause_text", Text),
    Column("flow", JSON),
    sqlite_with_rowid=False,
)
# No number is ever in two live attempts, whatever campaign or process opens them: the database itself says no.
Index(
    "uq_attempts_live_number",
    attempts.c.number,
    unique=True,
    sqlite_where=text("closed_at_ms IS NULL"),
    postgresql_where=text("closed_at_ms IS NULL"),
)
Index("ix_attempts_campaign_id", attempts.c.campaign_id, attempts.c.id)
Index("ix_attempts_contact_id", attempts.c.contact_id)

# Running counts, written in the same transaction as what they count: no page ever counts a list.
tallies = Table(
    "tallies",
    metadata,
    Column("campaign_id", ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", String(16), primary_key=True),  # see app.store.tallies
    Column("key", String(32), primary_key=True),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
