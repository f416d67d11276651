"""Telling: what webhooks are to be told, written into the outbox in the transaction that made it so.

So nothing that is on disk is left untold, and nothing is told that is not on disk. Where nobody listens none of this
runs. The id of an event is made of what it is about: the same fact has the same id, however often it is told.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, insert, select

from app.agents import NOT_SET, DispositionEffect
from app.commands import AddDnc, SetCampaignStatus
from app.model import CampaignStatus
from app.outcomes import ContactStatus, Outcome
from app.store.results import plans_of, results_of
from app.store.schema import attempts, campaign_contacts, campaigns, contacts, webhook_outbox
from app.store.sql import to_json
from app.store.webhooks import EventKind, Listeners
from app.units import AttemptId, CampaignId, ContactId, WebhookId

_OF_ATTEMPTS: Final = (EventKind.ATTEMPT_ENDED, EventKind.DISPOSITION_SET, EventKind.LEAD_HOT)
_OF_CAMPAIGNS: Final = {
    CampaignStatus.RUNNING: EventKind.CAMPAIGN_STARTED,
    CampaignStatus.PAUSED: EventKind.CAMPAIGN_PAUSED,
    CampaignStatus.STOPPED: EventKind.CAMPAIGN_STOPPED,
    CampaignStatus.FINISHED: EventKind.CAMPAIGN_FINISHED,
}
_MANY: Final = 500
"""Ids in one statement: databases have a limit for parameters."""


def tell_turn(
    conn: Connection,
    listeners: Listeners,
    *,
    ended: Sequence[AttemptId],
    settled: Sequence[tuple[CampaignId, ContactId, str]],
    barred: Sequence[AddDnc],
    now_ms: int,
) -> None:
    """What a turn of the dialer did: attempts that ended, contacts that came to their end, new opt-outs."""
    news = _News(listeners, now_ms)
    if ended and listeners.want(*_OF_ATTEMPTS):
        for at in range(0, len(ended), _MANY):
            _attempts(conn, news, ended[at : at + _MANY])
    if settled and listeners.want(EventKind.CONTACT_SETTLED):
        _settled(conn, news, settled)
    if barred and listeners.want(EventKind.DNC_ADDED):
        _barred(conn, news, barred)
    news.write(conn)


def tell_campaign(conn: Connection, listeners: Listeners, command: SetCampaignStatus, now_ms: int) -> None:
    """A campaign's status, just before it is written: told if it is another than it was."""
    kind = _OF_CAMPAIGNS.get(command.status)
    if kind is None or not listeners.of(kind, [command.campaign_id]):
        return
    plan = plans_of(conn, [command.campaign_id]).get(command.campaign_id)
    if plan is None or plan.status == command.status.value:
        return
    news = _News(listeners, now_ms)
    told = {"campaign_id": plan.id, "campaign": plan.name, "status": command.status.value, "status_before": plan.status}
    news.add(kind, f"{plan.id}-{now_ms}", told, [command.campaign_id])
    news.write(conn)


def tell_amended(
    conn: Connection,
    listeners: Listeners,
    attempt_id: AttemptId,
    now_ms: int,
    *,
    settled: Sequence[tuple[CampaignId, ContactId, str]] = (),
) -> None:
    """An agent changed the result of a conversation. settled: the contact came to another end by it."""
    news = _News(listeners, now_ms)
    if listeners.want(EventKind.DISPOSITION_SET, EventKind.LEAD_HOT):
        _attempts(conn, news, [attempt_id], change_at_ms=now_ms)
    if settled and listeners.want(EventKind.CONTACT_SETTLED):
        _settled(conn, news, settled)
    news.write(conn)


def tell_imported(
    conn: Connection, listeners: Listeners, like: AddDnc, file: str, counts: Mapping[str, int], now_ms: int
) -> None:
    """A file of numbers was put on the do-not-call list: told once. like: for whom, who said so and why."""
    concerned = _concerned(conn, like)
    if not listeners.of(EventKind.DNC_ADDED, concerned):
        return
    news = _News(listeners, now_ms)
    told = {
        "number": None,
        "contact_id": None,
        "contact_key": None,
        "project_id": like.project_id,
        "campaign_id": like.campaign_id,
        "attempt_id": None,
        "source": like.source,
        "who": like.who,
        "why": like.why,
        "file": file,
        **counts,
    }
    subject = f"{sha256(f'{file} {like.project_id or 0} {like.campaign_id or 0}'.encode()).hexdigest()[:16]}-{now_ms}"
    news.add(EventKind.DNC_ADDED, subject, told, concerned)
    news.write(conn)


class _News:
    """What is to be told, gathered through a transaction and written once."""

    def __init__(self, listeners: Listeners, now_ms: int) -> None:
        self._listeners = listeners
        self.now_ms = now_ms
        self._rows: list[dict[str, Any]] = []

    def add(
        self, kind: EventKind, subject: str, data: Mapping[str, Any], campaign_ids: Collection[CampaignId] | None
    ) -> None:
        event_id = f"{kind.value}-{subject}"[:100]
        to = self._listeners.of(kind, campaign_ids)
        if to:
            body = to_json({"id": event_id, "kind": kind.value, "at_ms": self.now_ms, "data": data})
            self._rows += [self._row(webhook_id, event_id, kind, body) for webhook_id in to]

    def write(self, conn: Connection) -> None:
        if self._rows:
            conn.execute(insert(webhook_outbox), self._rows)

    def _row(self, webhook_id: WebhookId, event_id: str, kind: EventKind, body: str) -> dict[str, Any]:
        at_ms = self.now_ms
        told = {"webhook_id": webhook_id, "event_id": event_id, "kind": kind.value, "at_ms": at_ms, "body": body}
        return told | {"queued_at_ms": at_ms, "next_at_ms": at_ms, "tries": 0}


def _attempts(
    conn: Connection, news: _News, attempt_ids: Sequence[AttemptId], *, change_at_ms: int | None = None
) -> None:
    """Attempts that ended, or whose result was changed."""
    results = results_of(conn, attempt_ids)
    hot = _hot_codes(conn, [result["campaign_id"] for result in results if result["conversation"]])
    for result in results:
        subject, about = result["id"], [CampaignId(result["campaign_id"])]
        if change_at_ms is None:
            news.add(EventKind.ATTEMPT_ENDED, subject, result, about)
        talk = result["conversation"]
        if not talk or result["agent_id"] is None or talk["disposition"] == NOT_SET:
            continue
        said = subject if change_at_ms is None else f"{subject}-{change_at_ms}"
        news.add(EventKind.DISPOSITION_SET, said, {**result, "is_change": change_at_ms is not None}, about)
        if (result["campaign_id"], talk["disposition"]) in hot:
            news.add(EventKind.LEAD_HOT, said, {**result, "is_change": change_at_ms is not None}, about)


def _hot_codes(conn: Connection, campaign_ids: Iterable[int]) -> set[tuple[int, str]]:
    """The dispositions of campaigns that make a hot lead."""
    return {
        (plan.id, one["code"])
        for plan in plans_of(conn, list(campaign_ids)).values()
        for one in (plan.settings.get("agents") or {}).get("dispositions") or ()
        if one.get("effect") == DispositionEffect.HOT_LEAD.value
    }


def _settled(conn: Connection, news: _News, settled: Sequence[tuple[CampaignId, ContactId, str]]) -> None:
    """Contacts that came to their end in a campaign, by a call or without one."""
    plans = plans_of(conn, [campaign_id for campaign_id, _, _ in settled])
    people = _people(conn, [contact_id for _, contact_id, _ in settled])
    for campaign_id, contact_id, status in settled:
        plan, person = plans.get(campaign_id), people.get((campaign_id, contact_id))
        if plan is None or person is None or status == ContactStatus.IN_PROGRESS.value:
            continue
        outcome = None if person["outcome"] is None else Outcome(person["outcome"])
        told = {
            "campaign_id": campaign_id,
            "campaign": plan.name,
            **person,
            "outcome_label": None if outcome is None else outcome.label,
            "status": status,
        }
        news.add(EventKind.CONTACT_SETTLED, f"{campaign_id}-{contact_id}-{news.now_ms}", told, [campaign_id])


def _people(conn: Connection, contact_ids: Sequence[ContactId]) -> dict[tuple[int, int], dict[str, Any]]:
    found: dict[tuple[int, int], dict[str, Any]] = {}
    place = campaign_contacts.c
    wanted = select(
        place.campaign_id, contacts.c.id, contacts.c.key, contacts.c.name, contacts.c.fields, contacts.c.list_id,
        place.attempts, place.last_outcome, place.reason,
    ).join(contacts, contacts.c.id == place.contact_id)  # fmt: skip
    for at in range(0, len(contact_ids), _MANY):
        for row in conn.execute(wanted.where(place.contact_id.in_(contact_ids[at : at + _MANY]))):
            found[row.campaign_id, row.id] = {
                "contact_id": row.id,
                "contact_key": row.key,
                "contact_name": row.name,
                "contact_fields": row.fields,
                "list_id": row.list_id,
                "attempts": row.attempts,
                "outcome": row.last_outcome,
                "reason": row.reason or "",
            }
    return found


def _barred(conn: Connection, news: _News, barred: Sequence[AddDnc]) -> None:
    """Opt-outs: for webhooks about a campaign when they are for all, for it, for its project, or came from its call."""
    ids = [one.attempt_id for one in barred if one.attempt_id is not None]
    called = select(attempts.c.id, attempts.c.campaign_id, attempts.c.contact_id).where(attempts.c.id.in_(ids))
    calls = {row.id: row for row in conn.execute(called)} if ids else {}
    for one in barred:
        call = calls.get(one.attempt_id)
        contact_id = one.contact_id if call is None else call.contact_id
        told = {
            "number": one.number,
            "contact_id": contact_id,
            "contact_key": _key(conn, contact_id),
            "project_id": one.project_id,
            "campaign_id": one.campaign_id,
            "attempt_id": one.attempt_id,
            "source": one.source,
            "who": one.who,
            "why": one.why,
        }
        whose = f"{one.number} {one.project_id or 0} {one.campaign_id or 0}"
        subject = f"{sha256(whose.encode()).hexdigest()[:16]}-{news.now_ms}"
        news.add(EventKind.DNC_ADDED, subject, told, _concerned(conn, one))


def _key(conn: Connection, contact_id: int | None) -> str | None:
    if contact_id is None:
        return None
    key: str | None = conn.execute(select(contacts.c.key).where(contacts.c.id == contact_id)).scalar()
    return key


def _concerned(conn: Connection, one: AddDnc) -> list[CampaignId] | None:
    """The campaigns that do not call it any more; None: none does."""
    if one.campaign_id is not None:
        return [one.campaign_id]
    if one.project_id is None:
        return None
    found = select(campaigns.c.id).where(campaigns.c.project_id == one.project_id)
    return [CampaignId(campaign_id) for campaign_id in conn.execute(found).scalars()]
