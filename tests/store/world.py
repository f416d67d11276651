"""A small world on disk for the store's tests: one flow, campaigns, a list, and the ends of calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import Connection, func, insert, select, text

from app.commands import ClaimContacts, CloseAttempt
from app.compliance.plan import AT_ANY_TIME
from app.events import AttemptsOpened
from app.model import AttemptResult, CallFacts, Campaign, ContactNext, OpenedAttempt, Trunk
from app.outcomes import ContactStatus, Outcome
from app.store import SqlStore
from app.store.attaching import attach_list
from app.store.campaigns import create_campaign
from app.store.flows import create_flow
from app.store.lists import create_list, grow_list
from app.store.schema import attempts, campaign_contacts, contacts, tallies
from app.store.tallies import hour_key
from app.store.trunks import create_trunk
from app.units import CampaignId, ContactId, FlowId, ListId, Number, TrunkId

T0 = 1_800_000_000_000
"""The time at which these worlds begin."""


def phone(place: int) -> Number:
    """A fictional number for a place in a list."""
    return Number(f"+4477009{place:05d}")


def build(conn: Connection, phones: Sequence[str], campaigns: int = 1) -> list[CampaignId]:
    """A list of contacts with these numbers, attached to new campaigns and due at T0. Contact ids count from 1."""
    create_trunk(conn, Trunk(id=TrunkId("sip"), endpoint="sip", prefixes=("+44",)))
    flow = create_flow(conn, name="hello", source="say: hello", now_ms=T0)
    contact_list = create_list(conn, name="people", country="GB", columns=["City"], now_ms=T0)
    add_contacts(conn, contact_list.id, phones)
    made = [new_campaign(conn, f"campaign {number}", flow.id) for number in range(campaigns)]
    for campaign_id in made:
        attach_list(conn, campaign_id, contact_list.id, T0)
    return made


def new_campaign(conn: Connection, name: str, flow_id: FlowId) -> CampaignId:
    plan = Campaign(id=CampaignId(0), name=name, flow_id=flow_id, trunks=(TrunkId("sip"),), compliance=AT_ANY_TIME)
    return create_campaign(conn, plan, now_ms=T0).campaign.id


def add_contacts(conn: Connection, list_id: ListId, phones: Sequence[str], first: int = 1) -> None:
    """Contacts with ids from `first` on."""
    rows = [
        {
            "id": contact_id,
            "list_id": list_id,
            "key": str(contact_id),
            "name": f"Person {contact_id}",
            "language": "ru" if contact_id % 2 else "",
            "phone1": number,
            "fields": {"City": "Łódź"},
            "created_at_ms": T0,
            "updated_at_ms": T0,
        }
        for contact_id, number in enumerate(phones, first)
    ]
    if rows:
        conn.execute(insert(contacts), rows)
    if conn.dialect.name == "postgresql":  # ids given by hand are not taken from the sequence
        conn.execute(text("SELECT setval(pg_get_serial_sequence('contacts', 'id'), (SELECT MAX(id) FROM contacts))"))
    grow_list(conn, list_id, len(rows))


def closing(
    attempt: OpenedAttempt,
    *,
    outcome: Outcome = Outcome.BUSY,
    is_charged: bool = True,
    status: ContactStatus = ContactStatus.NOT_CONNECTED,
    due_at_ms: int | None = None,
) -> CloseAttempt:
    """The end of an attempt."""
    return CloseAttempt(
        result=AttemptResult(
            attempt_id=attempt.attempt_id,
            campaign_id=attempt.campaign_id,
            contact_id=attempt.contact_id,
            outcome=outcome,
            is_charged=is_charged,
            facts=CallFacts(
                trunk_id=TrunkId("sip"), placed_at_ms=T0 + 1, ended_at_ms=T0 + 2, sip_code=486, cause=17, cause_text="é"
            ),
            next=ContactNext(
                status=status,
                due_at_ms=due_at_ms,
                attempts=attempt.attempts + is_charged,
                faults=attempt.faults + (not is_charged),
            ),
            flow={"keys": ["1"]},
        )
    )


async def claim(store: SqlStore, campaign_id: CampaignId, count: int, now_ms: int = T0) -> AttemptsOpened:
    [event] = await store.commit([ClaimContacts(campaign_id=campaign_id, count=count)], now_ms)
    assert isinstance(event, AttemptsOpened)
    return event


def ids(attempts: Iterable[OpenedAttempt]) -> list[ContactId]:
    return [attempt.contact_id for attempt in attempts]


def as_found(attempt: OpenedAttempt) -> OpenedAttempt:
    """An attempt as it is found again: it is never placed any more, so nobody asks until when it might be."""
    return replace(attempt, allowed_until_ms=None)


def places(conn: Connection) -> dict[int, tuple[str, int | None]]:
    """Where each contact stands in the first campaign: status and due time."""
    found = select(campaign_contacts).where(campaign_contacts.c.campaign_id == 1)
    return {row.contact_id: (row.status, row.due_at_ms) for row in conn.execute(found)}


def kept_tallies(conn: Connection) -> Counter[tuple[int, str, str]]:
    """The running counts as they are kept."""
    kept = {(row.campaign_id, row.kind, row.key): row._mapping["count"] for row in conn.execute(select(tallies))}
    return Counter({key: count for key, count in kept.items() if count})


def recounted_tallies(conn: Connection) -> Counter[tuple[int, str, str]]:
    """The same counts, made anew from the rows that they count."""
    counts: Counter[tuple[int, str, str]] = Counter()
    cc = campaign_contacts.c
    for row in conn.execute(select(cc.campaign_id, cc.status, func.count()).group_by(cc.campaign_id, cc.status)):
        counts[row[0], "status", row[1]] += row[2]
        counts[row[0], "total", ""] += row[2]
    for row in conn.execute(select(attempts)):
        counts[row.campaign_id, "attempts", ""] += 1
        if row.closed_at_ms is not None:
            counts[row.campaign_id, "outcome", str(row.outcome)] += 1
            counts[row.campaign_id, "hour", hour_key(row.closed_at_ms, Outcome(row.outcome))] += 1
        if row.disposition is not None:
            counts[row.campaign_id, "disposition", row.disposition] += 1
    dialed = {
        tuple(row) for row in conn.execute(select(attempts.c.campaign_id, attempts.c.contact_id, attempts.c.outcome))
    }
    settled = select(cc.campaign_id, cc.contact_id, cc.last_outcome).where(cc.last_outcome.in_((7, 26, 36)))
    for row in conn.execute(settled):
        if (row.campaign_id, row.contact_id, row.last_outcome) not in dialed:
            counts[row.campaign_id, "outcome", str(row.last_outcome)] += 1
    return counts
