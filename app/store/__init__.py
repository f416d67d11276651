"""The disk: tables, migrations and named queries, on SQLite or PostgreSQL.

Two doors. `SqlStore` for the program, on an event loop (it is the `Store` of app.ports):

    store = await SqlStore.open("sqlite+aiosqlite:///outring.db")   # or postgresql+asyncpg://USER@HOST/NAME; migrates
    events = await store.commit(commands, now_ms)                   # one transaction, one event for each command
    recovered = await store.recover()                               # AttemptsRecovered
    trunk = await store.read(get_trunk, TrunkId("sip"))             # any operation that reads
    entry = await store.write(create_campaign, plan, now_ms=now_ms) # any operation that writes, committed on return
    added = await store.attach_list(campaign_id, list_id, now_ms, progress=print)   # long lists, piece by piece
    await store.close()                                             # or: async with await SqlStore.open(url) as store

`SyncStore.open()` has commit, recover, read, write and close as plain methods over SQLite in memory, for the simulated
network. `await migrate(url)` answers the versions before and after. Errors: `StoreError`; `NotFound`, `Duplicate`,
`InUse`, `Conflict` and `LastAdmin` are kinds of it. `new_attempt_id: Callable[[int], AttemptId]` may be given to both
doors.

Operations are plain functions whose first argument is a `sqlalchemy.Connection`, by subject:

people     add_user(*, name, password_hash, role: Role, now_ms) → User · user_by_id(user_id) · user_by_name(name) → None
           for nobody · list_users() · count_users() · set_password(user_id, password_hash) ·
           set_disabled(user_id, is_disabled) · change_user(user_id, *, is_disabled=None, password_hash=None) → User
           open_session(*, user_id, token_hash, now_ms, expires_at_ms) · session_user(token_hash, now_ms) → User | None
           extend_session(token_hash, *, expires_at_ms) · end_session(token_hash) · drop_expired_sessions(now_ms) ·
           add_api_key(*, user_id, name, key_hash, now_ms) → ApiKey · api_key_user(key_hash) → User | None ·
           list_api_keys(user_id=None) · revoke_api_key(key_id, now_ms)
trunks     create_trunk(trunk) · update_trunk(trunk) · remove_trunk(trunk_id) · get_trunk(trunk_id) · list_trunks()
flows      create_flow(*, name, source, now_ms) → FlowVersion, a new version when it differs · get_flow(flow_id) ·
           latest_flow(name) → None for none · list_flows() · list_flow_versions(name)
lists      create_list(*, name, country, columns=(), now_ms) → ContactList · get_list(list_id) · list_by_name(name) →
           None for none · list_lists() · grow_list(list_id, count, columns=None) ·
           contacts_page(list_id, *, after_id=0, limit=50) → list[Contact] · get_contact(contact_id)
dnc        add_dnc_numbers(numbers, *, source, now_ms) → new ones · is_dnc(number) · remove_dnc(number) ·
           dnc_page(*, after="", limit=50)
campaigns  create_campaign(plan: Campaign, *, now_ms) → CampaignEntry (plan.id is not looked at) · update_campaign(plan)
           get_campaign(campaign_id) · campaign_by_name(name) → None for none · list_campaigns(status=None)
           (a status is written by the command SetCampaignStatus, through commit)
progress   get_progress(campaign_id) → Progress(total, attempts, statuses, outcomes; waiting, live, settled) ·
           progress_of(*campaign_ids) → {CampaignId: Progress}
attempts   attempts_page(*, campaign_id=None, contact_id=None, before=None, limit=50) → AttemptsPage(attempts,
           next_before) · get_attempt(attempt_id) → AttemptEntry
attaching  attach_list(campaign_id, list_id, now_ms) → added, whole list in one transaction · attach_new_contacts(
           list_id, first_contact_id, last_contact_id) → {CampaignId: added}, for the importer

           attempts_page also by agent_id= and disposition=
agents     agent_profile(agent_id) → AgentProfile(skill, language) · set_agent_profile(agent_id, *, skill, language)
           set_campaign_agents(campaign_id, [CampaignAgent]) · list_campaign_agents(campaign_id) · campaigns_of_agent(…)
           sign_in(seat, campaigns, *, now_ms), before AgentSignedIn is posted · open_agent_sessions() → [AgentSession]
           set_session_campaigns(session_id, campaigns) · end_agent_session(session_id, now_ms) ·
           agent_sessions_since(agent_id, since_ms) · agent_stints_between(agent_id, from_ms, until_ms) ·
           agent_figures(agent_id, *, since_ms, now_ms) → AgentFigures
phones     put_phone(Phone) · remove_phone(endpoint) · get_phone(endpoint) · list_phones(*, agent_id=None)
pauses     put_pause_reason(PauseReason, *, position=None) · list_pause_reasons() · get_pause_reason(code) ·
           remove_pause_reason(code)
callbacks  callbacks_page(*, campaign_id, agent_id, from_ms, after, limit) → CallbacksPage · due_callbacks(agent_id,
           campaigns, before_ms) · get_callback(campaign_id, contact_id) · book_callback(campaign_id, contact_id,
           CallbackPlan), which moves one too · cancel_callback(campaign_id, contact_id, *, is_done=True)
owners     set_owner(campaign_id, contact_ids, agent_id or None)
cards      contact_card(contact_id, *, attempts=5, notes=20) → ContactCard · contact_places(contact_id) ·
           edit_contact(contact_id, column or ContactFact, *, saw, value, by, now_ms) → Edited, or raises Conflict ·
           add_note(contact_id, *, author, text, at_ms, attempt_id=None) · notes_page(contact_id, *, before, limit) ·
           recordings_of(attempt_id) → names · attempt_of_recording(name) → AttemptEntry
hours      outcomes_by_hour(campaign_id, from_ms, until_ms) · live_answers(…) → LiveAnswers(answered, abandoned)
requeueing requeue_contacts(campaign_id, status, now_ms) · requeue_contact(campaign_id, contact_id, now_ms);
           `await store.requeue(campaign_id, status, now_ms)` goes piece by piece
audit      record(*, who, what, subject, details, at_ms) · audit_page(*, who, what, subject, before, limit) ·
           audited(AuditNote, operation, …): the change and its note in one transaction

Statements on the dialing path, and all that join or count, are named queries in queries.sql (see sql.py); looking one
row up or writing one is an expression over schema.py.
"""

from __future__ import annotations

from app.store.door import SqlStore, SyncStore
from app.store.engines import DEFAULT_URL
from app.store.errors import Conflict, Duplicate, InUse, LastAdmin, NotFound, StoreError
from app.store.migrating import migrate

__all__ = [
    "DEFAULT_URL",
    "Conflict",
    "Duplicate",
    "InUse",
    "LastAdmin",
    "NotFound",
    "SqlStore",
    "StoreError",
    "SyncStore",
    "migrate",
]
