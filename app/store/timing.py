"""When and on which phone contacts are called again, where a campaign learns it from who answered when.

Learned and decided when an attempt ends, never when somebody is claimed: a claim reads what is due, as ever. What was
learned are running counts of the campaign, by the hour of the callee's clock and the kind of the phone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from app.compliance.rules import Callee
from app.compliance.zone_lines import NOWHERE, SEVERAL, zone_line
from app.compliance.zones import place_of, zone
from app.model import AttemptResult
from app.outcomes import LIVE_ANSWERS, OUTCOMES, ContactStatus, RetryClass
from app.store.claiming import phones_of, tries_of
from app.store.schema import campaign_contacts, contacts, tallies
from app.store.sql import to_json
from app.store.tallies import TallyBook
from app.strategy.best_hour import Chances, Heard, Timing, best_timing, hour_of
from app.units import CampaignId, Number


class KeptTiming(msgspec.Struct):
    """Why a contact waits for a time and a phone, as it is kept with their place in the campaign; see Timing."""

    due_at_ms: int
    phone: int
    hour: int
    chance: float
    planned: float
    calls: int

    def words(self) -> str:
        """For people."""
        here, there = round(100 * self.chance), round(100 * self.planned)
        return (
            f"phone {self.phone} from {self.hour:02}:00 of their clock: {here} in 100 such calls are answered, "
            f"{there} as planned ({self.calls} calls known)"
        )


_kept = msgspec.json.Decoder(KeptTiming)


def kept_timing(place: Row[Any]) -> KeptTiming | None:
    """Why this place in a campaign is due when it is; None: by delay, or something changed it since."""
    if place.timing is None or place.status != ContactStatus.PENDING.value:
        return None
    found = _kept.decode(place.timing)
    return found if (found.due_at_ms, found.phone) == (place.due_at_ms, place.phone) else None


def retime(
    conn: Connection,
    results: Sequence[tuple[AttemptResult, Number]],
    moves: Mapping[tuple[int, int], dict[str, Any]],
    book: TallyBook,
) -> None:
    """Learn from these calls, and change when and where the contacts of `moves` are called again, where it is better.

    results: with the number that was called, of campaigns that learn. moves: by campaign and contact.
    """
    asked = sorted({result.contact_id for result, _ in results})
    people = {row.id: row for row in conn.execute(select(contacts).where(contacts.c.id.in_(asked)))}
    for campaign_id in sorted({result.campaign_id for result, _ in results}):
        mine = [one for one in results if one[0].campaign_id == campaign_id]
        waiting = [result.contact_id for result, _ in mine if _may_wait(result)]
        free = _unpromised(conn, campaign_id, waiting) if waiting else frozenset[int]()
        chances = learned(conn, campaign_id) if free else Chances()
        tries = tries_of(conn, campaign_id, sorted(free)) if free else {}
        for result, number in mine:
            person = people.get(result.contact_id)
            clock = None if person is None else _clock(person, number)
            if person is None or clock is None:
                continue
            phones, kinds = phones_of(person), tuple(person.phone_kinds.split(","))
            place = phones.place_of(number)
            if result.is_charged and result.facts.placed_at_ms is not None:
                kind = kinds[place - 1] if place <= len(kinds) else ""
                is_answered = result.outcome in LIVE_ANSWERS
                book.heard(campaign_id, kind, hour_of(result.facts.placed_at_ms, clock), is_answered=is_answered)
            move = moves.get((campaign_id, result.contact_id))
            if move is None or result.contact_id not in free:
                continue
            planned = move["due_at_ms"], move["phone"] or place
            best = best_timing(chances, phones, kinds, tries.get(result.contact_id, ()), clock, planned)
            if best is not None:
                move |= {"due_at_ms": best.due_at_ms, "phone": best.phone, "timing": to_json(_told(best))}


def learned(conn: Connection, campaign_id: CampaignId) -> Chances:
    """What a campaign learned so far."""
    of = tallies.c
    found = select(of.kind, of.key, of.count).where(of.campaign_id == campaign_id, of.kind.in_(("heard", "answered")))
    calls: dict[tuple[str, int], list[int]] = {}
    for what, key, count in conn.execute(found):
        hour, _, kind = key.partition(".")
        calls.setdefault((kind, int(hour)), [0, 0])[what == "answered"] += count
    return Chances.of({key: Heard(calls=made, answers=answers) for key, (made, answers) in calls.items()})


def _may_wait(result: AttemptResult) -> bool:
    """Whether the contact waits for another try by delay alone: nothing was promised, and no person was spoken to."""
    then = result.next
    is_waiting = then.status is ContactStatus.PENDING and then.due_at_ms is not None
    is_plain = then.callback is None and result.conversation is None
    return is_waiting and is_plain and result.is_charged and OUTCOMES[result.outcome].retry is RetryClass.LATER


def _unpromised(conn: Connection, campaign_id: CampaignId, contact_ids: Sequence[int]) -> frozenset[int]:
    """Those of them whom no callback is owed: one that found nobody is kept."""
    place = campaign_contacts.c
    found = select(place.contact_id).where(
        place.campaign_id == campaign_id, place.contact_id.in_(contact_ids), place.callback_at_ms.is_(None)
    )
    return frozenset(conn.execute(found).scalars())


def _clock(person: Row[Any], number: Number) -> tzinfo | None:
    """The clock there; None where nobody knows, or several are possible."""
    place = place_of(Callee(number=number, time_zone=person.time_zone, region=person.region))
    return None if zone_line(place) in (NOWHERE, SEVERAL) else zone(place.zones[0])


def _told(best: Timing) -> KeptTiming:
    return KeptTiming(
        due_at_ms=best.due_at_ms,
        phone=best.phone,
        hour=best.hour,
        chance=round(best.chance, 4),
        planned=round(best.planned, 4),
        calls=best.calls,
    )
