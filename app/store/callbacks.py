"""Callbacks: promises to call a contact at a time, by one agent or by anyone; booked, moved, cancelled, and due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, and_, or_, select, update

from app.agents import CallbackPlan
from app.outcomes import ContactStatus
from app.store.closing import promised
from app.store.errors import InUse, NotFound
from app.store.schema import campaign_contacts, campaigns, contacts, users
from app.store.tallies import TallyBook
from app.units import AgentId, CampaignId, ContactId, Number

_PLACE: Final = campaign_contacts.c
_NO_PROMISE: Final = {"callback_at_ms": None, "callback_until_ms": None, "callback_agent_id": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """A promise that waits. at_ms: when; agent_id: who promised to call themselves (agent_name), None: anyone.

    until_ms: from then on a personal one is anyone's. due_at_ms: when it may be dialed: later than at_ms when a try at
    it reached nobody. time_zone: the contact's, empty where it is not known.
    """

    campaign_id: CampaignId
    campaign_name: str
    contact_id: ContactId
    contact_name: str
    number: Number
    time_zone: str
    at_ms: int
    until_ms: int
    due_at_ms: int
    agent_id: AgentId | None
    agent_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbacksPage:
    """Some callbacks, the earliest first. next_after: what to ask for the next page with; None on the last."""

    callbacks: tuple[Callback, ...]
    next_after: tuple[int, CampaignId, ContactId] | None


def callbacks_page(
    conn: Connection,
    *,
    campaign_id: CampaignId | None = None,
    agent_id: AgentId | None = None,
    from_ms: int = 0,
    after: tuple[int, CampaignId, ContactId] | None = None,
    limit: int = 50,
) -> CallbacksPage:
    """Callbacks that wait, the earliest first: of a campaign, of an agent, or all; promised for `from_ms` or later."""
    found = _found().where(_PLACE.callback_at_ms >= from_ms)
    if campaign_id is not None:
        found = found.where(_PLACE.campaign_id == campaign_id)
    if agent_id is not None:
        found = found.where(_PLACE.callback_agent_id == agent_id)
    if after is not None:
        at_ms, campaign, contact = after
        same_time = _PLACE.callback_at_ms == at_ms
        later_contact = and_(_PLACE.campaign_id == campaign, _PLACE.contact_id > contact)
        found = found.where(
            or_(_PLACE.callback_at_ms > at_ms, and_(same_time, or_(_PLACE.campaign_id > campaign, later_contact)))
        )
    rows = conn.execute(found.limit(limit + 1)).all()
    page = tuple(_callback(row) for row in rows[:limit])
    last = page[-1] if len(rows) > limit else None
    return CallbacksPage(
        callbacks=page, next_after=None if last is None else (last.at_ms, last.campaign_id, last.contact_id)
    )


def due_callbacks(
    conn: Connection, agent_id: AgentId, served: Sequence[CampaignId], before_ms: int, *, limit: int = 20
) -> list[Callback]:
    """What an agent is to be reminded of: their own callbacks up to then, and those of anyone in their campaigns."""
    of_anyone = and_(_PLACE.callback_agent_id.is_(None), _PLACE.campaign_id.in_(served))
    found = _found().where(_PLACE.callback_at_ms <= before_ms, or_(_PLACE.callback_agent_id == agent_id, of_anyone))
    return [_callback(row) for row in conn.execute(found.limit(limit))]


def get_callback(conn: Connection, campaign_id: CampaignId, contact_id: ContactId) -> Callback:
    """Raises NotFound when nothing is promised, or the contact is being called."""
    row = conn.execute(_found().where(_PLACE.campaign_id == campaign_id, _PLACE.contact_id == contact_id)).first()
    if row is None:
        raise NotFound("callback of contact", contact_id)
    return _callback(row)


def book_callback(conn: Connection, campaign_id: CampaignId, contact_id: ContactId, plan: CallbackPlan) -> Callback:
    """Promise a call, or move a promise to another time or agent; a contact that was done waits again.

    Raises NotFound for a contact that is not in the campaign, InUse for one that is being called or may not be.
    """
    before = _lock(conn, campaign_id, contact_id)
    if before is ContactStatus.IN_PROGRESS:
        raise InUse("this contact is being called now; book the callback with the result of that call")
    if before in (ContactStatus.DO_NOT_CALL, ContactStatus.INVALID_NUMBER):
        raise InUse(f"this contact cannot be called: {before.value}")
    waiting = {"status": ContactStatus.PENDING.value, "due_at_ms": plan.at_ms}
    _write(conn, campaign_id, contact_id, before, waiting | promised(plan))
    return get_callback(conn, campaign_id, contact_id)


def phone_in_turn(conn: Connection, campaign_id: CampaignId, contact_id: ContactId) -> Number:
    """The number at which the contact would be called; "": none is valid. Raises NotFound."""
    found = select(_PLACE.phone.label("place"), contacts).join(contacts, contacts.c.id == _PLACE.contact_id)
    row = conn.execute(found.where(_PLACE.campaign_id == campaign_id, _PLACE.contact_id == contact_id)).first()
    if row is None:
        raise NotFound(f"contact of campaign {campaign_id}:", contact_id)
    phones = (row.phone1, row.phone2, row.phone3, row.phone4, row.phone5)
    return Number((phones[row.place - 1] if 1 <= row.place <= len(phones) else "") or phones[0])


def cancel_callback(conn: Connection, campaign_id: CampaignId, contact_id: ContactId, *, is_done: bool = True) -> None:
    """Take a promise back. is_done: the contact needs no more calls; otherwise it waits as everybody does.

    Raises NotFound when nothing is promised, or the contact is being called.
    """
    promise = get_callback(conn, campaign_id, contact_id)
    before = _lock(conn, campaign_id, contact_id)
    status = ContactStatus.CONNECTED if is_done else ContactStatus.PENDING
    place = {"status": status.value, "due_at_ms": None if is_done else promise.due_at_ms}
    _write(conn, campaign_id, contact_id, before, place | _NO_PROMISE)


def _lock(conn: Connection, campaign_id: CampaignId, contact_id: ContactId) -> ContactStatus:
    found = select(_PLACE.status).where(_PLACE.campaign_id == campaign_id, _PLACE.contact_id == contact_id)
    status = conn.execute(found.with_for_update()).scalar()
    if status is None:
        raise NotFound(f"contact of campaign {campaign_id}:", contact_id)
    return ContactStatus(status)


def _write(
    conn: Connection, campaign_id: CampaignId, contact_id: ContactId, before: ContactStatus, place: dict[str, Any]
) -> None:
    row = update(campaign_contacts).where(_PLACE.campaign_id == campaign_id, _PLACE.contact_id == contact_id)
    conn.execute(row.values(place))
    tallies = TallyBook()
    tallies.moved(campaign_id, before, place["status"])
    tallies.write(conn)


def _found() -> Select[Any]:
    columns = (
        campaign_contacts,
        campaigns.c.name.label("campaign_name"),
        contacts.c.name.label("contact_name"),
        contacts.c.phone1,
        contacts.c.time_zone,
        users.c.name.label("agent_name"),
    )
    joined = (
        campaign_contacts.join(campaigns, campaigns.c.id == _PLACE.campaign_id)
        .join(contacts, contacts.c.id == _PLACE.contact_id)
        .outerjoin(users, users.c.id == _PLACE.callback_agent_id)
    )
    waiting = (_PLACE.status == ContactStatus.PENDING.value, _PLACE.callback_at_ms.is_not(None))
    ordered = (_PLACE.callback_at_ms, _PLACE.campaign_id, _PLACE.contact_id)
    return select(*columns).select_from(joined).where(*waiting).order_by(*ordered)


def _callback(row: Row[Any]) -> Callback:
    return Callback(
        campaign_id=CampaignId(row.campaign_id),
        campaign_name=row.campaign_name,
        contact_id=ContactId(row.contact_id),
        contact_name=row.contact_name,
        number=Number(row.phone1),
        time_zone=row.time_zone,
        at_ms=row.callback_at_ms,
        until_ms=row.callback_until_ms,
        due_at_ms=row.due_at_ms,
        agent_id=None if row.callback_agent_id is None else AgentId(row.callback_agent_id),
        agent_name=row.agent_name or "",
    )
