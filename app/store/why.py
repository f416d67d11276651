"""Why somebody is not called: every rule that claiming asks, in turn, with its verdict, what changes it, and when.

Claiming and this ask the same: the law by app.store.law, the do-not-call list, live calls and trunks as they are on
disk. A test holds the two together: who is said to be ready here is whom a claim takes, and nobody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from app.compliance.library import Lawbook
from app.compliance.rules import Verdict
from app.compliance.zone_lines import zone_words
from app.model import Campaign, CampaignStatus
from app.outcomes import ContactStatus, Outcome
from app.ownership import BY_COLUMN, OwnershipRule
from app.store import law
from app.store.campaigns import get_campaign
from app.store.claiming import free_phones, phones_of
from app.store.dnc import is_dnc
from app.store.errors import NotFound
from app.store.mixing import list_shares
from app.store.national import stale_list
from app.store.owners import owners_told
from app.store.schema import attempts, campaign_contacts, campaign_zones, contacts, trunks
from app.store.timing import kept_timing
from app.units import CampaignId, ContactId, Number

_PLACE: Final = campaign_contacts.c
_PHONES: Final = 5
REASONS: Final = {
    ContactStatus.IN_PROGRESS: "is being called now",
    ContactStatus.CONNECTED: "was reached: the contact needs no more calls",
    ContactStatus.NOT_CONNECTED: "was given up: the trunk failed too often, or none carries the number",
    ContactStatus.RETRIES_COMPLETED: "was tried as often as the campaign allows",
    ContactStatus.DO_NOT_CALL: "asked not to be called",
    ContactStatus.INVALID_NUMBER: "has no valid number",
    ContactStatus.NOT_ALLOWED: "may not be called by law, and waiting would not help",
    ContactStatus.DANGLING: "was called, and what came of it was never learned",
}
MENDS: Final = {
    ContactStatus.IN_PROGRESS: "the end of the call",
    ContactStatus.INVALID_NUMBER: "a number that is mended, then calling them again",
    ContactStatus.NOT_ALLOWED: "what the rule below asks for, then calling them again",
    ContactStatus.DO_NOT_CALL: "nothing by itself; the number can be taken off the list where it was put by mistake",
}
AGAIN: Final = "somebody who has them called again (outring campaign requeue)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One rule about one contact. from_ms: when it allows the call by time alone; the instant asked about: it does.

    None: not by time. change: what would change it, in words; "": nothing needs to. source: the law's clause.
    """

    rule: str
    is_allowed: bool
    why: str
    from_ms: int | None
    change: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignWhy:
    """A contact in one campaign. reasons: every rule in turn; from_ms: when all allow by time alone, None: never so."""

    campaign_id: CampaignId
    campaign_name: str
    contact_id: ContactId
    contact_name: str
    number: str
    status: ContactStatus
    reasons: tuple[Reason, ...]

    @property
    def is_ready(self) -> bool:
        """Whether the next claim that reaches them takes them."""
        return all(reason.is_allowed for reason in self.reasons)

    @property
    def from_ms(self) -> int | None:
        """When time alone makes them ready, as far as each rule by itself can tell."""
        times = [reason.from_ms for reason in self.reasons]
        return None if any(one is None for one in times) else max(one for one in times if one is not None)


def why_not(
    conn: Connection,
    lawbook: Lawbook,
    contact_id: ContactId,
    now_ms: int,
    *,
    campaign_id: CampaignId | None = None,
    out_of_service: Iterable[str] = (),
) -> list[CampaignWhy]:
    """A contact in each of its campaigns, or in one. out_of_service: trunks that the dialer says take no calls now.

    Raises NotFound.
    """
    contact = conn.execute(select(contacts).where(contacts.c.id == contact_id)).first()
    if contact is None:
        raise NotFound("contact", contact_id)
    found = select(campaign_contacts).where(_PLACE.contact_id == contact_id).order_by(_PLACE.campaign_id.desc())
    if campaign_id is not None:
        found = found.where(_PLACE.campaign_id == campaign_id)
    places = conn.execute(found).all()
    if campaign_id is not None and not places:
        raise NotFound(f"contact of campaign {campaign_id}:", contact_id)
    return [_of_place(conn, lawbook, contact, place, now_ms, frozenset(out_of_service)) for place in places]


def dialed_number(contact: Row[Any], place: Row[Any]) -> str:
    """The phone whose turn it is; an empty one falls back to the first."""
    phones = [contact.phone1, contact.phone2, contact.phone3, contact.phone4, contact.phone5]
    return str(phones[place.phone - 1] or phones[0]) if 1 <= place.phone <= _PHONES else str(phones[0])


def _of_place(
    conn: Connection, lawbook: Lawbook, contact: Row[Any], place: Row[Any], now_ms: int, out: frozenset[str]
) -> CampaignWhy:
    entry = get_campaign(conn, CampaignId(place.campaign_id))
    turn = dialed_number(contact, place)
    number = _free_number(conn, entry.campaign.id, contact, turn)
    status = ContactStatus(place.status)
    reasons = [_running(entry.status, now_ms), _status(status, place, now_ms), _number(number, now_ms)]
    if number:
        reasons += [
            *_list(conn, place),
            _due(place, now_ms),
            *_timing(place, now_ms),
            *_turn(conn, place, now_ms),
            *_agent(conn, entry.campaign, contact, place, now_ms),
            _dnc(conn, entry.campaign.id, ContactId(contact.id), number, turn, now_ms),
            _trunk(conn, entry.campaign, number, out, now_ms),
            _live(conn, number, status, now_ms),
            _tries(entry.campaign, place, now_ms),
            *_law(conn, lawbook, entry.campaign.id, ContactId(contact.id), Number(number), now_ms),
        ]
    return CampaignWhy(
        campaign_id=entry.campaign.id,
        campaign_name=entry.campaign.name,
        contact_id=ContactId(contact.id),
        contact_name=contact.name,
        number=number,
        status=status,
        reasons=tuple(reasons),
    )


def _yes(rule: str, why: str, now_ms: int) -> Reason:
    return Reason(rule=rule, is_allowed=True, why=why, from_ms=now_ms)


def _no(rule: str, why: str, change: str, from_ms: int | None = None) -> Reason:
    return Reason(rule=rule, is_allowed=False, why=why, from_ms=from_ms, change=change)


def _running(status: CampaignStatus, now_ms: int) -> Reason:
    if status is CampaignStatus.RUNNING:
        return _yes("campaign", "the campaign is running", now_ms)
    return _no("campaign", f"the campaign is {status.value}", "starting it")


def _status(status: ContactStatus, place: Row[Any], now_ms: int) -> Reason:
    if status is ContactStatus.PENDING:
        return _yes("status", "waits in the line", now_ms)
    why = f"{status.value}: {REASONS[status]}"
    if place.reason:
        why += f" ({place.reason})"
    elif place.last_outcome is not None:
        why += f" (last outcome: {Outcome(place.last_outcome).label})"
    return _no("status", why, MENDS.get(status, AGAIN))


def _number(number: str, now_ms: int) -> Reason:
    if number:
        return _yes("number", "the number is well-formed", now_ms)
    return _no("number", "there is no valid number", "a number in E.164 on the contact")


def _list(conn: Connection, place: Row[Any]) -> Iterator[Reason]:
    """Told where its list is switched off in this campaign; a promise is kept all the same."""
    off = [one for one in list_shares(conn, CampaignId(place.campaign_id)) if not one.is_active]
    name = next((one.name for one in off if one.list_id == place.list_id), None)
    if name is not None and place.callback_at_ms is None:
        yield _no("list", f"its list {name} is switched off in this campaign", "switching it on")


def _due(place: Row[Any], now_ms: int) -> Reason:
    times = [one for one in (place.due_at_ms, place.callback_at_ms) if one is not None]
    due_at_ms = max(times, default=None)
    if due_at_ms is None:
        return _no("due", "no time is set for a call", AGAIN)
    if due_at_ms <= now_ms:
        return _yes("due", "due", now_ms)
    what = "the callback that was promised" if place.callback_at_ms == due_at_ms else "the next try, or opening hours"
    return _no("due", f"waits for {what}", "time", due_at_ms)


def _timing(place: Row[Any], now_ms: int) -> Iterator[Reason]:
    """Told where the hour and the phone were chosen by who answers when; that they are not due yet is told by `due`."""
    if (kept := kept_timing(place)) is not None:
        yield _yes("best hour", kept.words(), now_ms)


def _turn(conn: Connection, place: Row[Any], now_ms: int) -> Iterator[Reason]:
    """Told where time zones take turns: nobody is kept back by it."""
    if not place.zone:
        return
    found = select(campaign_zones.c.zone).where(campaign_zones.c.campaign_id == place.campaign_id).distinct()
    others = len(set(conn.execute(found).scalars()) - {place.zone})
    yield _yes("order", f"waits with those of {zone_words(place.zone)}, in turn with {others} other zones", now_ms)


def _agent(conn: Connection, plan: Campaign, contact: Row[Any], place: Row[Any], now_ms: int) -> Iterator[Reason]:
    """Whose contact it is: only that agent gets it, until it is anyone's."""
    if place.callback_at_ms is not None:
        yield _callback(conn, plan, place, now_ms)
    elif place.owner_id is not None:
        yield _owner(conn, plan, place, now_ms)
    elif plan.ownership.rule in BY_COLUMN and contact.owner.strip():
        yield _yes("owner", f"anyone's: the list names {contact.owner!r}, and {_nobodys(plan, place, now_ms)}", now_ms)
    elif plan.ownership.has_owners:
        yield _yes("owner", "anyone's: nobody owns this contact", now_ms)


def _callback(conn: Connection, plan: Campaign, place: Row[Any], now_ms: int) -> Reason:
    if place.callback_agent_id is None or place.callback_until_ms <= now_ms:
        return _yes("callback", "the callback is anyone's", now_ms)
    owner = owners_told(conn, plan.id, [place.callback_agent_id])[place.callback_agent_id]
    if owner.is_here:
        return _yes("callback", f"{owner.name} promised to call, and is signed in", now_ms)
    why = f"{owner.name} promised to call, and is not signed in"
    return _no("callback", why, "their coming, or time", place.callback_until_ms)


def _owner(conn: Connection, plan: Campaign, place: Row[Any], now_ms: int) -> Reason:
    """Who owns it, whether they are here, and from when it is anyone's where it is theirs for a while only."""
    owner = owners_told(conn, plan.id, [place.owner_id])[place.owner_id]
    whose = f"its group {owner.name}" if owner.is_group else f"its owner {owner.name}"
    if owner.is_here:
        return _yes("owner", f"is for {whose}, {'somebody' if owner.is_group else 'who'} is signed in", now_ms)
    why = f"waits for {whose} ({'nobody of it signed in' if owner.is_group else 'signed out'})"
    if not plan.ownership.escalates_after_ms or place.due_at_ms is None:
        return _no("owner", why, "their coming, or another rule of ownership")
    from_ms = place.due_at_ms + plan.ownership.escalates_after_ms
    if from_ms <= now_ms:  # the next claim makes it so
        return _yes("owner", f"waited for {whose} long enough: goes to anyone", now_ms)
    return _no("owner", f"{why}; goes to anyone after", "their coming, or time", from_ms)


def _nobodys(plan: Campaign, place: Row[Any], now_ms: int) -> str:
    kind = "group" if plan.ownership.rule is OwnershipRule.GROUP else "agent"
    missing = f"no {kind} of that name may serve this campaign"
    if plan.ownership.rule is OwnershipRule.FLAG:
        return f"{missing}, or its column {plan.ownership.flag_column!r} does not say yes"
    after_ms = plan.ownership.escalates_after_ms
    if after_ms and place.due_at_ms is not None and place.due_at_ms + after_ms <= now_ms:
        return f"who did not call in time, or {missing}"
    return missing


def _free_number(conn: Connection, campaign_id: CampaignId, contact: Row[Any], number: str) -> str:
    """The number whose turn it is; where it is barred, that of the phone which a claim turns to, if one is free."""
    phones = phones_of(contact)
    if not number or not is_dnc(conn, number, contact_id=ContactId(contact.id), campaign_id=campaign_id):
        return number
    place = free_phones(conn, campaign_id, {contact.id: (phones, Number(number))})[contact.id]
    return number if place is None else phones.places[place]


def _dnc(
    conn: Connection, campaign_id: CampaignId, contact_id: ContactId, number: str, turn: str, now_ms: int
) -> Reason:
    if hindrance := stale_list(conn, campaign_id, now_ms):
        return _no("do-not-call", hindrance, "a newer edition of the list")
    if number != turn:
        return _yes(
            "do-not-call", "another phone of theirs is called: the one before it is on a do-not-call list", now_ms
        )
    if is_dnc(conn, number, contact_id=contact_id, campaign_id=campaign_id):
        return _no("do-not-call", "the number is on a do-not-call list", "taking it off, where it was a mistake")
    return _yes("do-not-call", "the number is on no do-not-call list", now_ms)


def _trunk(conn: Connection, plan: Campaign, number: str, out: frozenset[str], now_ms: int) -> Reason:
    rows = {row.id: row for row in conn.execute(select(trunks).where(trunks.c.id.in_(plan.trunks)))}
    mine = [rows[one] for one in plan.trunks if one in rows]
    carrying = [row for row in mine if any(number.startswith(prefix) for prefix in row.prefixes)]
    enabled = [row.id for row in carrying if row.is_enabled]
    up = [one for one in enabled if one not in out]
    if up:
        return _yes("trunk", f"{up[0]} carries it", now_ms)
    if enabled:
        return _no("trunk", f"{', '.join(enabled)} would carry it, and is out of service", "the trunk's coming back")
    if carrying:
        return _no("trunk", f"{carrying[0].id} would carry it, and is switched off", "switching it on")
    return _no("trunk", "no trunk of the campaign carries this number", "a trunk with its prefix")


def _live(conn: Connection, number: str, status: ContactStatus, now_ms: int) -> Reason:
    live = select(attempts.c.id).where(attempts.c.number == number, attempts.c.closed_at_ms.is_(None))
    if conn.execute(live).first() is None:
        return _yes("in a call", "the number is in no call", now_ms)
    return _no("in a call", "the number is in a call now", "the end of that call")


def _tries(plan: Campaign, place: Row[Any], now_ms: int) -> Reason:
    """Told; the limit acts when an attempt ends, by the contact's status."""
    if plan.strategy is not None:
        return _yes("tries", f"{place.attempts} tries so far; the strategy {plan.strategy.name} says how many", now_ms)
    return _yes("tries", f"{place.attempts} of at most {plan.retry.max_attempts} tries so far", now_ms)


def _law(
    conn: Connection, lawbook: Lawbook, campaign_id: CampaignId, contact_id: ContactId, number: Number, now_ms: int
) -> Iterator[Reason]:
    try:
        found = law.campaign_law(conn, lawbook, campaign_id)
    except ValueError as error:
        yield _no("compliance", f"the campaign's profiles cannot be used: {error}", "mending the file")
        return
    asked = law.ask(conn, found, {contact_id: number}, now_ms)[contact_id]
    for verdict in law.verdicts(found, asked, now_ms):
        yield _said(verdict)


def _said(verdict: Verdict) -> Reason:
    change = ""
    if not verdict.is_allowed:
        change = "time" if verdict.from_ms is not None else _CHANGES.get(verdict.rule, "another profile, or consent")
    return Reason(
        rule=f"{verdict.profile}: {verdict.rule}" if verdict.profile else verdict.rule,
        is_allowed=verdict.is_allowed,
        why=verdict.why,
        from_ms=verdict.from_ms,
        change=change,
        source=verdict.basis.source,
    )


_CHANGES: Final = {"zone": "a time zone, region or country on the contact"}
