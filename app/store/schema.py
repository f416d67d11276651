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
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Sequence,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
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


def _some_of(column: Column[Any]) -> None:
    """An index over the few rows that have it."""
    condition = text(f"{column.name} IS NOT NULL")
    Index(f"ix_{column.table.name}_{column.name}", column, sqlite_where=condition, postgresql_where=condition)


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
    Column("skill", Integer, nullable=False, default=0, server_default=text("0")),  # higher: served first
    Column("language", String(16), nullable=False, default="", server_default=""),
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

# What programs were answered, so that the same request sent again is answered the same and done once.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("key", String(128), primary_key=True),
    Column("request_sha256", String(64), nullable=False),  # of method, path and body
    Column("status", Integer, nullable=False),
    Column("answer", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False, index=True),
    sqlite_with_rowid=False,
)

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

# The numbers that are ours to show, with what each may be used for.
caller_ids = Table(
    "caller_ids",
    metadata,
    Column("number", String(16), primary_key=True),  # as it is sent: 3 to 15 digits, with a plus or not
    Column("label", String(64), nullable=False, default="", server_default=""),
    Column("trunks", JSON, nullable=False),  # over which it may be shown; none: all
    Column("areas", JSON, nullable=False),  # beginnings of the numbers it is local to; none: told by itself
    Column("per_hour", Integer, nullable=False, default=0, server_default=text("0")),  # calls in an hour; 0: any
    Column("per_day", Integer, nullable=False, default=0, server_default=text("0")),
    Column("rest_after", Integer, nullable=False, default=0, server_default=text("0")),  # calls, then it rests
    Column("rest_ms", BigInteger, nullable=False, default=0, server_default=text("0")),
    Column("is_resting", Boolean, nullable=False, default=False, server_default=text("FALSE")),  # taken out by hand
    Column("created_at_ms", BigInteger, nullable=False),
)

# What came of calls by the number they showed, hour by hour: its rate of answers, and how far its limits are used.
caller_id_hours = Table(
    "caller_id_hours",
    metadata,
    Column("number", String(16), primary_key=True),
    Column("hour", Integer, primary_key=True, autoincrement=False),  # since the epoch
    Column("placed", Integer, nullable=False),
    Column("answered", Integer, nullable=False),
    sqlite_with_rowid=False,
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
    Column("column_types", JSON, nullable=False, default=dict, server_default="{}"),  # of those that are not text
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
    Column("import_id", BigInteger),  # which import added it; NULL: none did, or one of before this was kept
    Column("created_at_ms", BigInteger, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    Column("email", String(254), nullable=False, default="", server_default=""),
    Column("region", String(16), nullable=False, default="", server_default=""),  # ISO 3166-2: US-FL; empty: not known
    Column("priority", Integer, nullable=False, default=0, server_default=text("0")),  # -100 … 100, higher: sooner
    Column("owner", String(64), nullable=False, default="", server_default=""),  # a user's name, as the list says
    Column("consent", String(16), nullable=False, default="", server_default=""),  # none, prior, written; '': not known
    Column("channels", String(32), nullable=False, default="", server_default=""),  # voice,sms,email; empty: all
    Column("phone_kinds", String(48), nullable=False, default="", server_default=""),  # mobile,,work: in phones' places
    Column("deleted_at_ms", BigInteger),  # kept for its attempts alone; NULL: is there
    Column("is_typed", Boolean, nullable=False, default=False, server_default=text("FALSE")),  # by an agent, in no list
    Column("creator", String(64), nullable=False, default="", server_default=""),  # who added it by name; '': an import
    UniqueConstraint("list_id", "key"),
)
# A list's contacts in the order they came: attaching and paging go along it, whatever else is in the table.
Index("ix_contacts_list_id_id", contacts.c.list_id, contacts.c.id)


def _phone_book(column: str) -> None:
    """Who calls is looked up by any of their numbers; contacts without one in that place cost nothing."""
    condition = text(f"{column} <> ''")
    Index(f"ix_contacts_{column}", contacts.c[column], sqlite_where=condition, postgresql_where=condition)


for _column in ("phone1", "phone2", "phone3", "phone4", "phone5"):
    _phone_book(_column)

imports = Table(
    "imports",
    metadata,
    _id(),
    Column("list_id", ForeignKey("lists.id", ondelete="CASCADE"), nullable=False),
    Column("file_name", String(255), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("header", String(64), nullable=False, default="", server_default=""),  # which columns: columns_mark
    Column("mapping", JSON, nullable=False),
    Column("counts", JSON, nullable=False),
    Column("started_at_ms", BigInteger, nullable=False),
    Column("finished_at_ms", BigInteger),
    Column("undone_at_ms", BigInteger),  # its contacts were taken out again
)
# How a sheet of the same columns was read the last time.
Index("ix_imports_header", imports.c.header, imports.c.id)

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

# What brings contacts by itself from somebody's own database; its address is in the settings, under a name.
sources = Table(
    "sources",
    metadata,
    _id(),
    Column("name", String(64), nullable=False, unique=True),
    Column("list_id", ForeignKey("lists.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("settings", JSON, nullable=False),  # app.store.sources.SourcePlan
    Column("status", String(16), nullable=False),  # SourceStatus
    Column("problem", Text, nullable=False, default="", server_default=""),
    Column("ran_at_ms", BigInteger),  # last time without a problem
    Column("next_at_ms", BigInteger),  # NULL: when somebody asks
    Column("counts", JSON, nullable=False),
    Column("written", JSON, nullable=False),  # app.store.sources.Written: what was written back already
    Column("is_held", Boolean, nullable=False, default=False, server_default=text("FALSE")),  # its list waits
    Column("created_at_ms", BigInteger, nullable=False),
)

# Edits made here of what somebody else had changed in their own database meanwhile.
source_conflicts = Table(
    "source_conflicts",
    metadata,
    _id(),
    Column("source_id", ForeignKey("sources.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("contact_id", BigInteger, nullable=False),
    Column("key", String(200), nullable=False),
    Column("field", String(128), nullable=False),
    Column("seen", Text, nullable=False),
    Column("ours", Text, nullable=False),
    Column("theirs", Text, nullable=False),
    Column("by", String(64), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("taken", String(8), nullable=False, default="", server_default=""),  # ours, theirs; empty: open
)

# Numbers nobody calls, and beginnings of numbers (`+4470*`). For all: project 0, campaign 0; else for one of these.
dnc = Table(
    "dnc",
    metadata,
    Column("number", String(16), primary_key=True),
    Column("project_id", BigInteger, primary_key=True, autoincrement=False, server_default=text("0")),
    Column("campaign_id", BigInteger, primary_key=True, autoincrement=False, server_default=text("0")),
    Column("contact_id", BigInteger),  # barred as a phone of this person
    Column("source", String(64), nullable=False),  # keypress, agent, api, panel, import, dialplan, sms
    Column("who", String(64), nullable=False, default="", server_default=""),  # the user or program that said so
    Column("why", Text, nullable=False, default="", server_default=""),
    Column("attempt_id", String(40)),
    Column("created_at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
_some_of(dnc.c.contact_id)
_some_of(dnc.c.attempt_id)

# Persons nobody calls, whatever their phones are now or will be.
dnc_people = Table(
    "dnc_people",
    metadata,
    Column("contact_id", ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True),
    Column("project_id", BigInteger, primary_key=True, autoincrement=False, server_default=text("0")),
    Column("campaign_id", BigInteger, primary_key=True, autoincrement=False, server_default=text("0")),
    Column("source", String(64), nullable=False),
    Column("who", String(64), nullable=False, default="", server_default=""),
    Column("why", Text, nullable=False, default="", server_default=""),
    Column("attempt_id", String(40)),
    Column("created_at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
_some_of(dnc_people.c.attempt_id)

# National registers. A list points to the edition it is read from now; another replaces it by moving the pointer.
national_lists = Table(
    "national_lists",
    metadata,
    _id(),
    Column("name", String(64), nullable=False, unique=True),
    Column("country", String(2), nullable=False),
    Column("edition_id", BigInteger),  # NULL: none is complete yet
    Column("created_at_ms", BigInteger, nullable=False),
)
national_editions = Table(
    "national_editions",
    metadata,
    _id(),
    Column("national_list_id", ForeignKey("national_lists.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("as_of_ms", BigInteger, nullable=False),  # when the register was so
    Column("file_name", String(255), nullable=False),
    Column("numbers", BigInteger, nullable=False, default=0, server_default=text("0")),
    Column("rejected", BigInteger, nullable=False, default=0, server_default=text("0")),
    Column("who", String(64), nullable=False, default="", server_default=""),
    Column("state", String(16), nullable=False),  # see app.store.national
    Column("started_at_ms", BigInteger, nullable=False),
    Column("finished_at_ms", BigInteger),
)
# One integer a number: its edition × 10^15, and its digits. Ten million take 0.13 GB on SQLite, where it is the rowid.
national_numbers = Table("national_numbers", metadata, Column("key", _Id, primary_key=True, autoincrement=False))

# What people wrote down about a contact; it is never changed.
contact_notes = Table(
    "contact_notes",
    metadata,
    _id(),
    Column("contact_id", ForeignKey("contacts.id", ondelete="CASCADE"), nullable=False),
    Column("attempt_id", String(40)),
    Column("author", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)
Index("ix_contact_notes_contact_id", contact_notes.c.contact_id, contact_notes.c.id)

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

# Who is called again when: files shared by campaigns. The newest version of a name is the one that counts.
strategies = Table(
    "strategies",
    metadata,
    _id(),
    Column("name", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("source", Text, nullable=False),  # the file, as written; versions never change
    Column("created_at_ms", BigInteger, nullable=False),
    UniqueConstraint("name", "version"),
)

# Conditions on contacts, as files; see app.segments.
segments = Table(
    "segments",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("source", Text, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

projects = Table(
    "projects",
    metadata,
    _id(),
    Column("name", String(128), nullable=False, unique=True),
    Column("created_at_ms", BigInteger, nullable=False),
)


# There is always the first, which campaigns are in that were put into no other.
@event.listens_for(projects, "after_create")
def _make_first_project(_table: Table, conn: Connection, **_rest: object) -> None:
    conn.execute(projects.insert().values(name="Default", created_at_ms=0))


campaigns = Table(
    "campaigns",
    metadata,
    _id(),
    Column("project_id", BigInteger, nullable=False, default=1, server_default=text("1")),
    Column("name", String(128), nullable=False, unique=True),
    Column("status", String(16), nullable=False),  # CampaignStatus
    Column("flow_id", ForeignKey("flows.id"), nullable=False),
    Column("strategy", String(64)),  # by its name; NULL: by the tries and the delay of its settings
    Column("settings", JSON, nullable=False),  # the rest of app.model.Campaign
    Column("created_at_ms", BigInteger, nullable=False),
    Column("started_at_ms", BigInteger),
    Column("ended_at_ms", BigInteger),
    Column("owners_after", BigInteger),  # its contacts are being given to their owners, done up to this id; NULL: all
)

pacing = Table(
    "pacing",
    metadata,
    Column("campaign_id", ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True),
    Column("saved_at_ms", BigInteger, nullable=False),
    Column("learned", JSON, nullable=False),  # app.pacing.Pacer.as_json
)

campaign_trunks = Table(
    "campaign_trunks",
    metadata,
    Column("campaign_id", ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("trunk_id", ForeignKey("trunks.id"), nullable=False),
)

# Which national lists a campaign honours, and how old they may be.
campaign_national_lists = Table(
    "campaign_national_lists",
    metadata,
    Column("campaign_id", ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True),
    Column("national_list_id", ForeignKey("national_lists.id"), primary_key=True),
    Column("max_age_days", Integer, nullable=False),
)

campaign_lists = Table(
    "campaign_lists",
    metadata,
    Column("campaign_id", ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True),
    Column("list_id", ForeignKey("lists.id"), primary_key=True),
    Column("weight", Integer, nullable=False, default=0, server_default=text("0")),  # its share of the calls; 0: none
    Column("priority", Integer, nullable=False, default=0, server_default=text("0")),  # higher: before the others
    Column("is_active", Boolean, nullable=False, default=True, server_default=text("TRUE")),  # FALSE: nobody of it
    Column("is_whole", Boolean, nullable=False, default=True, server_default=text("TRUE")),  # FALSE: some were chosen
)

# The lines of time zones that a list's contacts wait in, where a campaign's zones take turns; 0 is always one.
campaign_zones = Table(
    "campaign_zones",
    metadata,
    Column("campaign_id", ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True),
    Column("list_id", BigInteger, primary_key=True, autoincrement=False),
    Column("zone", SmallInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# Who may serve a campaign. skill: theirs in this campaign; NULL: their own.
campaign_agents = Table(
    "campaign_agents",
    metadata,
    Column("campaign_id", ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True),
    Column("agent_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("skill", Integer),
)
Index("ix_campaign_agents_agent_id", campaign_agents.c.agent_id)

# Agents who work on the same contacts, where a campaign's contacts belong to groups.
agent_groups = Table(
    "agent_groups",
    metadata,
    _id(),
    Column("name", String(64), nullable=False, unique=True),
    Column("created_at_ms", BigInteger, nullable=False),
)
agent_group_members = Table(
    "agent_group_members",
    metadata,
    Column("group_id", ForeignKey("agent_groups.id", ondelete="CASCADE"), primary_key=True),
    Column("agent_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
)
Index("ix_agent_group_members_agent_id", agent_group_members.c.agent_id)

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
    Column(
        "phone", SmallInteger, nullable=False, default=1, server_default=text("1")
    ),  # its place, dialed next: 1 to 5
    Column("owner_id", BigInteger),  # the only agent it is dialed for; below zero: the group; NULL: anyone's
    Column("callback_at_ms", BigInteger),  # promised for then; NULL: nothing was promised
    Column("callback_until_ms", BigInteger),  # from then on anyone's (a shared one: from its time on)
    Column("callback_agent_id", BigInteger),  # who promised to call themselves; NULL: anyone
    Column("reason", Text),  # why it was settled without a call, for people
    Column("list_id", BigInteger, nullable=False, default=0, server_default=text("0")),  # the contact's
    Column("zone", SmallInteger, nullable=False, default=0, server_default=text("0")),  # app.compliance.zone_lines
    Column("timing", Text),  # app.store.timing.KeptTiming; NULL: due by the delay of its tries
    sqlite_with_rowid=False,
)


def _line(name: str, *columns: str, where: str) -> None:
    """A waiting line of a campaign: claiming reads its head, whatever its length. A contact is in one of the three."""
    condition = text(f"status = 'pending' AND {where}")
    line = [campaign_contacts.c[column] for column in ("campaign_id", *columns, "contact_id")]
    Index(f"ix_campaign_contacts_{name}", *line, sqlite_where=condition, postgresql_where=condition)


_line("waiting", "list_id", "zone", "due_at_ms", where="owner_id IS NULL AND callback_at_ms IS NULL")
_line("owned", "owner_id", "due_at_ms", where="owner_id IS NOT NULL AND callback_at_ms IS NULL")
# The same contacts as the line before, by the time they fell due: whose owner did not come becomes anyone's.
_line("escalating", "due_at_ms", where="owner_id IS NOT NULL AND callback_at_ms IS NULL")
_line("callbacks", "callback_at_ms", where="callback_at_ms IS NOT NULL")
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
    Column("caller_id", String(16)),  # the number shown
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
    Column("agent_id", BigInteger),  # whom it is for, and whoever talked last
    Column("session_id", String(40)),
    Column("is_manual", Boolean, nullable=False, default=False, server_default=text("FALSE")),
    Column("connected_at_ms", BigInteger),  # with an agent
    Column("waited_ms", BigInteger),
    Column("talk_ms", BigInteger),
    Column("hold_ms", BigInteger),
    Column("wrap_up_ms", BigInteger),
    Column("disposition", String(32)),
    Column("note", Text),
    Column("recordings", JSON),
    Column("recording", String(64)),  # the one that runs, while the attempt is open
    Column("transfers", JSON),
    Column("queue_member", String(80)),  # who talked, when it was a member of a queue of the PBX's own
    Column("about", JSON),  # app.store.law.About
    Column("result_no", BigInteger),  # its place among the results as they are told: app.store.results; NULL: open
    sqlite_with_rowid=False,
)
Sequence("result_numbers", metadata=metadata)  # PostgreSQL's; SQLite counts from the time
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
# How often a number was called of late, whoever's it was.
Index("ix_attempts_number", attempts.c.number, attempts.c.opened_at_ms)


def _attempts_by(column: str) -> None:
    """Pages by what few attempts have: the others cost nothing."""
    condition = text(f"{column} IS NOT NULL")
    found = attempts.c[column], attempts.c.id
    Index(f"ix_attempts_{column}", *found, sqlite_where=condition, postgresql_where=condition)


_some_of(attempts.c.result_no)
_attempts_by("agent_id")
_attempts_by("disposition")

# Numbers that somebody is to mend (app.store.fixing): one that is open for each number of a contact.
fix_tasks = Table(
    "fix_tasks",
    metadata,
    _id(),
    Column("contact_id", ForeignKey("contacts.id", ondelete="CASCADE"), nullable=False),
    Column("campaign_id", ForeignKey("campaigns.id", ondelete="CASCADE"), nullable=False),
    Column("attempt_id", String(40), nullable=False),  # the call that showed it
    Column("number", String(16), nullable=False),
    Column("outcome", Integer, nullable=False),
    Column("disposition", String(32), nullable=False, default="", server_default=""),
    Column("who", String(64), nullable=False, default="", server_default=""),  # empty: the network
    Column("created_at_ms", BigInteger, nullable=False),
    Column("done_at_ms", BigInteger),  # NULL: open
    Column("done_by", String(64), nullable=False, default="", server_default=""),
    Column("done", String(16), nullable=False, default="", server_default=""),  # mended, closed
)
Index(
    "uq_fix_tasks_open",
    fix_tasks.c.contact_id,
    fix_tasks.c.number,
    unique=True,
    sqlite_where=text("done_at_ms IS NULL"),
    postgresql_where=text("done_at_ms IS NULL"),
)
Index("ix_fix_tasks_attempt_id", fix_tasks.c.attempt_id)

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

# --- the law ---------------------------------------------------------------------------------------------------------

# The files of profiles that calls were decided by, as they were.
compliance_versions = Table(
    "compliance_versions",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("sha256", String(64), primary_key=True),  # of the file and those it inherits from
    Column("source", Text, nullable=False),
    Column("first_used_at_ms", BigInteger, nullable=False),
)

# --- what others are told ---------------------------------------------------------------------------------------------

# Addresses of the customers' own programs that want to know what happens.
webhooks = Table(
    "webhooks",
    metadata,
    _id(),
    Column("url", Text, nullable=False),
    Column("secret", String(64), nullable=False),  # what deliveries are signed with
    Column("kinds", JSON, nullable=False),  # app.store.webhooks.EventKind; none: all
    Column("campaign_id", BigInteger),  # only about this campaign; NULL: about all
    Column("is_active", Boolean, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("delivered", BigInteger, nullable=False, default=0, server_default=text("0")),
    Column("delivered_at_ms", BigInteger),
    Column("failures", Integer, nullable=False, default=0, server_default=text("0")),  # since the last delivery
    Column("failing_since_ms", BigInteger),
    Column("problem", Text, nullable=False, default="", server_default=""),
)

# What is to be told yet, written in the transaction of what happened. Without a foreign key: closing an attempt is not
# to wait for anybody who changes a webhook.
webhook_outbox = Table(
    "webhook_outbox",
    metadata,
    _id(),
    Column("webhook_id", BigInteger, nullable=False),
    Column("event_id", String(100), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("body", Text, nullable=False),  # as it is sent, each time
    Column("queued_at_ms", BigInteger, nullable=False),
    Column("next_at_ms", BigInteger),  # when it is tried; NULL: given up, a dead letter
    Column("tries", Integer, nullable=False, default=0, server_default=text("0")),
    Column("problem", Text, nullable=False, default="", server_default=""),
)
Index(
    "ix_webhook_outbox_waiting",
    webhook_outbox.c.webhook_id,
    webhook_outbox.c.next_at_ms,
    webhook_outbox.c.id,
    sqlite_where=text("next_at_ms IS NOT NULL"),
    postgresql_where=text("next_at_ms IS NOT NULL"),
)
Index(
    "ix_webhook_outbox_dead",
    webhook_outbox.c.webhook_id,
    webhook_outbox.c.id,
    sqlite_where=text("next_at_ms IS NULL"),
    postgresql_where=text("next_at_ms IS NULL"),
)

# --- the floor -------------------------------------------------------------------------------------------------------

phones = Table(
    "phones",
    metadata,
    Column("endpoint", String(64), primary_key=True),  # of PJSIP, on the admin's Asterisk
    Column("label", String(128), nullable=False),
    Column("agent_id", ForeignKey("users.id", ondelete="SET NULL")),  # whose it is; NULL: whoever sits there
    Column("phone_mode", String(16), nullable=False),  # PhoneMode
    Column("has_auto_answer", Boolean, nullable=False),
)

pause_reasons = Table(
    "pause_reasons",
    metadata,
    Column("code", String(32), primary_key=True),
    Column("label", String(128), nullable=False),
    Column("is_paid", Boolean, nullable=False),
    Column("limit_ms", BigInteger, nullable=False),  # 0: none
    Column("position", Integer, nullable=False),
)

# An agent at work, from sign-in to sign-out: what brings the session back after a restart, and the present stint.
agent_sessions = Table(
    "agent_sessions",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("agent_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("endpoint", String(64), nullable=False),
    Column("phone_mode", String(16), nullable=False),  # PhoneMode
    Column("has_auto_answer", Boolean, nullable=False),
    Column("name", String(64), nullable=False),
    Column("skill", Integer, nullable=False),
    Column("language", String(16), nullable=False),
    Column("campaigns", JSON, nullable=False),  # ids
    Column("signed_in_at_ms", BigInteger, nullable=False),
    Column("signed_out_at_ms", BigInteger),  # NULL: goes on
    Column("state", String(16), nullable=False),  # AgentState
    Column("since_ms", BigInteger, nullable=False),
    Column("reason", String(128), nullable=False),
    Column("is_paid", Boolean, nullable=False),
    Column("campaign_id", BigInteger),
    Column("attempt_id", String(40)),
    Column("pause_next", JSON(none_as_null=True)),  # the pause that begins after this call; NULL: none does
    Column("signs_out_next", Boolean, nullable=False, default=False, server_default=text("FALSE")),
)
Index("ix_agent_sessions_agent_id", agent_sessions.c.agent_id, agent_sessions.c.signed_in_at_ms)


def _once(column: str) -> None:
    """An agent has one open session, and a phone one agent at a time."""
    condition = text("signed_out_at_ms IS NULL")
    Index(
        f"uq_agent_sessions_open_{column}",
        agent_sessions.c[column],
        unique=True,
        sqlite_where=condition,
        postgresql_where=condition,
    )


_once("agent_id")
_once("endpoint")

# Stretches of time in one state, written when they end and never changed: what reports are folded from. The whole
# stint is the key, so that one that is written again after a failure whose commit had passed is there once.
agent_stints = Table(
    "agent_stints",
    metadata,
    Column("agent_id", BigInteger, primary_key=True, autoincrement=False),
    Column("from_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("until_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("state", String(16), primary_key=True),  # AgentState
    Column("session_id", String(40), nullable=False),
    Column("reason", String(128), nullable=False),
    Column("is_paid", Boolean, nullable=False),
    Column("campaign_id", BigInteger),
    Column("attempt_id", String(40)),
    sqlite_with_rowid=False,
)
Index("ix_agent_stints_from_ms", agent_stints.c.from_ms)

# Which dialer dials: the one row is whose epoch is the present one (store/duty.py).
duty = Table(
    "duty",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),  # how often duty was taken
    Column("holder", String(200), nullable=False),  # the process; empty: it left in order
    Column("place", String(200), nullable=False),  # the same for people
    Column("url", String(200), nullable=False),
    Column("taken_at_ms", BigInteger, nullable=False),
    Column("renewed_at_ms", BigInteger, nullable=False),  # by the database's clock, as all times here
    Column("lease_ms", Integer, nullable=False),
    Column("scratch", Text, nullable=False, default="", server_default=""),  # written to see whether the disk takes it
)

# Who did what; rows are only ever added.
audit = Table(
    "audit",
    metadata,
    _id(),
    Column("at_ms", BigInteger, nullable=False),
    Column("who", String(64), nullable=False),
    Column("what", String(64), nullable=False),  # edited contact, forced pause, listened in
    Column("subject", String(64), nullable=False),  # contact 12, agent 3, campaign 7
    Column("details", JSON, nullable=False),
    Column("hash", String(64), nullable=False),  # over the entry before and this one
)
Index("ix_audit_subject", audit.c.subject, audit.c.id)
Index("ix_audit_who", audit.c.who, audit.c.id)

# The end of the chain of hashes, in one row: it shows when the last entries are gone, and who adds some locks it.
audit_head = Table(
    "audit_head",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),  # 1
    Column("entries", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
)


@event.listens_for(audit_head, "after_create")
def _begin_the_chain(_table: Table, conn: Connection, **_more: Any) -> None:
    conn.execute(text("INSERT INTO audit_head (id, entries, hash) VALUES (1, 0, :hash)"), {"hash": "0" * 64})
