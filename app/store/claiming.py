"""Claiming: the next due contacts of a campaign become open attempts, in one transaction, at a cost that does not grow.

Whether a contact may be dialed is decided here and nowhere earlier: by the statement that takes it from the line, and
by the law that is asked about those it took. Who may not be called now waits until they may be, off the line's head.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

import msgspec
from sqlalchemy import Connection, Row

from app.agents import Conversation
from app.commands import ClaimContacts
from app.compliance.library import Lawbook
from app.events import AttemptsOpened, AttemptsRecovered
from app.model import OpenedAttempt
from app.outcomes import ContactStatus, Outcome
from app.store import law, owners
from app.store.errors import NotFound
from app.store.ids import NewAttemptId
from app.store.law import CampaignLaw
from app.store.mixing import Lane, calls_made, in_zones, lanes, turns_passed
from app.store.national import stale_list
from app.store.pasts import pasts
from app.store.sql import execute, to_json
from app.store.tallies import TallyBook
from app.strategy.choose import next_free_phone
from app.strategy.rows import Phones, Try
from app.units import MINUTE_MS, AgentId, AttemptId, CampaignId, ContactId, Number, SessionId, is_number

PUSH_BACK_MS: Final = MINUTE_MS
"""A contact whose number is in a call already is looked at again after this long."""
OFF_MS: Final = 15 * MINUTE_MS
"""An owned contact of a list that is switched off is looked at again after this long."""
OFF_AT_ONCE: Final = 1_000
"""So many of each line of owned contacts are looked at for those of lists that are switched off."""
DEEPER_LOOK: Final = 500
"""How far down the line the second look goes when the head held contacts that may not be dialed."""
MANY_ASKED: Final = 200
"""How many the law is asked about at once when it kept somebody of the head back: others may sleep behind them."""
_LOOKS: Final = 3
_COMMON: Final = 2
_PLACES: Final = 5

_fields = msgspec.json.Decoder(dict[str, str], strict=False)
_names = msgspec.json.Decoder(tuple[str, ...])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """A contact of the line that may be dialed. about: what its attempt keeps of the call.

    agent_id: the only agent it is for; None: anyone's.
    """

    row: Row[Any]
    until_ms: int
    about: str
    agent_id: AgentId | None = None


def claim_contacts(
    conn: Connection,
    command: ClaimContacts,
    now_ms: int,
    new_attempt_id: NewAttemptId,
    tallies: TallyBook,
    lawbook: Lawbook,
) -> AttemptsOpened:
    """Open attempts for up to `command.count` due contacts, in the order of the line.

    Contacts that may not be dialed are settled on the way. Fewer attempts than wanted while `next_due_at_ms` is past
    means: the line's head was full of such contacts, ask again. Without a law that can be read nobody is dialed.
    """
    opened: list[OpenedAttempt] = []
    look = wanted = command.count
    try:
        found = law.campaign_law(conn, lawbook, command.campaign_id)
        if found.is_giving:  # in which lines they wait then is told again
            owners.give_piece(conn, command.campaign_id)
            found = law.campaign_law(conn, lawbook, command.campaign_id)
    except ValueError as error:
        return _nobody(conn, command, now_ms, f"its compliance profile cannot be used: {error}")
    except NotFound as error:
        return _nobody(conn, command, now_ms, str(error))
    hindrance = stale_list(conn, command.campaign_id, now_ms) if found.honours_lists else ""
    owners.escalate(conn, command.campaign_id, found.ownership, now_ms)
    lines = owners.lines_of(conn, found.ownership, command.agents)
    mix = _Mix(conn, found)
    for _ in range(_LOOKS if command.count > 0 and not hindrance else 0):
        lacking = command.count - len(opened)
        rows = _take(conn, command, tuple(lines), mix.from_lists(wanted, look, len(opened)), wanted, look, now_ms)
        claimed = _settle(conn, command.campaign_id, rows, tallies)
        if mix.off:
            claimed = _hold_off(conn, command.campaign_id, claimed, tuple(lines), mix.off, now_ms)
        taken = _by_law(conn, found, lawbook, claimed, now_ms, tallies)
        taken, left = _for_whom(taken, lines, opened, now_ms)
        if mix.is_of_many:
            taken = mix.in_turn(taken, lacking, len(opened))
            mix.passed(taken[:lacking], tallies)
        opened += _open(conn, command.campaign_id, taken[:lacking], now_ms, new_attempt_id, tallies)
        _put_back(conn, command.campaign_id, taken[lacking:] + left)
        if len(opened) >= command.count or len(rows) < min(look, wanted):
            break
        look = DEEPER_LOOK
        wanted = command.count - len(opened)
        if len(taken) < len(claimed):
            wanted = max(wanted, MANY_ASKED)
    if command.with_past and opened:
        known = pasts(conn, {one.contact_id: one.phones.place_of(one.number) for one in opened})
        opened = [replace(one, past=known[one.contact_id]) for one in opened]
    return AttemptsOpened(
        campaign_id=command.campaign_id,
        wanted=command.count,
        attempts=with_tries(conn, command.campaign_id, opened),
        next_due_at_ms=next_due(conn, command.campaign_id, now_ms, tuple(lines)),
        checked_at_ms=now_ms,
        hindrance=hindrance,
    )


def _nobody(conn: Connection, command: ClaimContacts, now_ms: int, hindrance: str) -> AttemptsOpened:
    """The campaign is gone, or its compliance profiles cannot be read: these are looked at again after a while."""
    due_at_ms = next_due(conn, command.campaign_id, now_ms, command.agents)
    return AttemptsOpened(
        campaign_id=command.campaign_id,
        wanted=command.count,
        attempts=(),
        next_due_at_ms=None if due_at_ms is None else max(due_at_ms, now_ms + PUSH_BACK_MS),
        hindrance=hindrance,
    )


def next_due(conn: Connection, campaign_id: CampaignId, now_ms: int, lines: Sequence[int] = ()) -> int | None:
    """When a claim for these agents, and their groups, may find somebody, past or future; None: nobody waits.

    Who waits for an agent that is not among them is told as a while from now: that agent may have come by then.
    """
    parameters = {"campaign_id": campaign_id, "agents_json": to_json(lines), "back_at_ms": now_ms + PUSH_BACK_MS}
    due_at_ms: int | None = execute(conn, "next_due", parameters).scalar()
    return due_at_ms


def recover_attempts(conn: Connection) -> AttemptsRecovered:
    """The attempts that are open on disk, oldest first."""
    found = [_recovered(row) for row in execute(conn, "open_attempts_on_disk")]
    for campaign_id in {attempt.campaign_id for attempt in found}:
        mine = [attempt for attempt in found if attempt.campaign_id == campaign_id]
        known = {attempt.attempt_id: attempt for attempt in with_tries(conn, campaign_id, mine)}
        found = [known.get(attempt.attempt_id, attempt) for attempt in found]
    return AttemptsRecovered(attempts=tuple(found))


def with_tries(conn: Connection, campaign_id: CampaignId, opened: Sequence[OpenedAttempt]) -> tuple[OpenedAttempt, ...]:
    """Attempts of one campaign, each told what came of the tries before it."""
    again = [attempt.contact_id for attempt in opened if attempt.attempts or attempt.faults]
    if not again:
        return tuple(opened)
    tries = tries_of(conn, campaign_id, again)
    return tuple(replace(attempt, tries=tuple(tries.get(attempt.contact_id, ()))) for attempt in opened)


def tries_of(conn: Connection, campaign_id: CampaignId, contacts: Sequence[int]) -> dict[int, list[Try]]:
    """What came of the tries of some contacts in a campaign, by contact."""
    tries: dict[int, list[Try]] = {}
    for row in execute(conn, "tries_of_contacts", {"campaign_id": campaign_id, "contacts_json": to_json(contacts)}):
        tries.setdefault(row.contact_id, []).append(
            Try(
                number=Number(row.number),
                outcome=Outcome(row.outcome),
                opened_at_ms=row.opened_at_ms,
                is_charged=bool(row.is_charged),
            )
        )
    return tries


def _recovered(row: Row[Any]) -> OpenedAttempt:
    opened = opened_attempt(
        AttemptId(row.id), CampaignId(row.campaign_id), row, agent_id=row.agent_id, is_manual=bool(row.is_manual)
    )
    if row.connected_at_ms is None:
        return opened
    talk = Conversation(
        agent_id=AgentId(row.agent_id),
        session_id=SessionId(row.session_id),
        connected_at_ms=row.connected_at_ms,
        waited_ms=row.waited_ms,
        recordings=() if row.recordings is None else _names.decode(row.recordings),
        recording=row.recording or "",
    )
    return replace(opened, conversation=talk)


def _take(
    conn: Connection,
    command: ClaimContacts,
    lines: Sequence[int],
    lists: dict[str, object],
    wanted: int,
    look: int,
    now_ms: int,
) -> Sequence[Row[Any]]:
    parameters = {
        "campaign_id": command.campaign_id,
        "wanted": wanted,
        "look": look,
        "now_ms": now_ms,
        "back_at_ms": now_ms + PUSH_BACK_MS,
        "shut_json": to_json(command.shut_prefixes),
        "open_json": to_json(command.open_prefixes),
        "shut_until_ms": command.shut_until_ms,
        "agents_json": to_json(lines),
    }
    return execute(conn, "claim_contacts" if "list_id" in lists else "claim_from_lanes", parameters | lists).all()


def _settle(conn: Connection, campaign_id: CampaignId, rows: Sequence[Row[Any]], tallies: TallyBook) -> list[Row[Any]]:
    """Count what was moved on without a call; answer the contacts to dial, in the order of the line."""
    claimed: list[Row[Any]] = []
    turned = _turned(conn, campaign_id, [row for row in rows if _may_turn(row)])
    for row in rows:
        if row.contact_id in turned:
            continue  # waits as before, for another phone
        match ContactStatus(row.status):
            case ContactStatus.IN_PROGRESS:
                claimed.append(row)
            case ContactStatus.PENDING:
                pass  # pushed back: waits as before
            case ContactStatus.DO_NOT_CALL:
                tallies.moved(campaign_id, ContactStatus.PENDING, row.status)
                tallies.settled.append((campaign_id, ContactId(row.contact_id), row.status))
                tallies.ended(campaign_id, Outcome.DO_NOT_CALL)
            case ContactStatus.INVALID_NUMBER:
                tallies.moved(campaign_id, ContactStatus.PENDING, row.status)
                tallies.settled.append((campaign_id, ContactId(row.contact_id), row.status))
                tallies.ended(campaign_id, Outcome.INVALID_NUMBER)
            case other:
                raise AssertionError(f"claiming moved a contact to {other}")
    claimed.sort(key=lambda row: (_line(row), row.due_at_ms, row.contact_id))
    return claimed


def _may_turn(row: Row[Any]) -> bool:
    """Whether one phone of several is barred: such contacts keep their place until the others were looked at."""
    return bool(row.status == ContactStatus.DO_NOT_CALL.value and row.due_at_ms is not None)


def _turned(conn: Connection, campaign_id: CampaignId, rows: Sequence[Row[Any]]) -> frozenset[int]:
    """Those who wait for another of their phones now; the others are settled, as nobody of theirs may be called."""
    if not rows:
        return frozenset()
    phones = {row.contact_id: _phones(row) for row in rows}
    places = free_phones(conn, campaign_id, {row.contact_id: (phones[row.contact_id], row.number) for row in rows})
    turns = [(campaign_id, contact_id, places[contact_id]) for contact_id in sorted(phones)]
    execute(conn, "turn_phones", {"rows_json": to_json(turns)})
    return frozenset(contact_id for contact_id, place in places.items() if place is not None)


def free_phones(
    conn: Connection, campaign_id: CampaignId, barred: Mapping[int, tuple[Phones, Number]]
) -> dict[int, int | None]:
    """For contacts whose number may not be called the place of the phone that is called instead; None: none is free."""
    shut = barred_phones(conn, campaign_id, {contact_id: phones for contact_id, (phones, _) in barred.items()})
    tries = tries_of(conn, campaign_id, list(barred))
    return {
        contact_id: next_free_phone(phones, tries.get(contact_id, ()), number, shut.get(contact_id, set()))
        for contact_id, (phones, number) in barred.items()
    }


def phones_of(contact: Row[Any]) -> Phones:
    """All of a contact's phones, by their places."""
    return Phones(numbers=(contact.phone1, contact.phone2, contact.phone3, contact.phone4, contact.phone5))


def barred_phones(conn: Connection, campaign_id: CampaignId, asked: Mapping[int, Phones]) -> dict[int, set[Number]]:
    """Which phones of these contacts a campaign may not call; all of a person's who asked for it."""
    pairs = [[contact_id, number] for contact_id, phones in asked.items() for number in phones.places.values()]
    shut: dict[int, set[Number]] = {}
    for row in execute(conn, "barred_contacts", {"campaign_id": campaign_id, "rows_json": to_json(pairs)}):
        shut.setdefault(row.contact_id, set()).add(Number(row.number))
    return shut


def _by_law(
    conn: Connection,
    found: CampaignLaw,
    lawbook: Lawbook,
    claimed: Sequence[Row[Any]],
    now_ms: int,
    tallies: TallyBook,
) -> list[_Taken]:
    """Who of the head may be called now; the others sleep until they may be, or are settled where waiting is no use."""
    if not claimed:
        return []
    law.note_use(conn, lawbook, found, now_ms)
    asked = law.ask(conn, found, {ContactId(row.contact_id): Number(row.number) for row in claimed}, now_ms)
    taken: list[_Taken] = []
    held: list[tuple[int, int]] = []
    forbidden: list[tuple[int, str]] = []
    for row in claimed:
        callee = asked[ContactId(row.contact_id)]
        decision = law.decide(found, callee, now_ms)
        if not is_number(row.number):  # of no place, and so never allowed: that it is no number is what is to be told
            taken.append(_Taken(row=row, until_ms=now_ms, about=callee.about()))
        elif decision.until_ms is not None:
            taken.append(_Taken(row=row, until_ms=decision.until_ms, about=callee.about()))
        elif decision.from_ms is not None:
            held.append((row.contact_id, decision.from_ms))
        else:
            forbidden.append((row.contact_id, law.refusal(found, callee, now_ms)))
    _hold(conn, found.campaign_id, held)
    if forbidden:
        rows = [(found.campaign_id, *one) for one in sorted(forbidden)]
        execute(conn, "forbid_contacts", {"rows_json": to_json(rows)})
        status = ContactStatus.NOT_ALLOWED.value
        tallies.settled += [(found.campaign_id, ContactId(contact_id), status) for contact_id, _ in forbidden]
        tallies.moved(found.campaign_id, ContactStatus.PENDING, status, len(forbidden))
        tallies.ended(found.campaign_id, Outcome.NOT_ALLOWED, len(forbidden))
    return taken


class _Mix:
    """How a claim takes from the campaign's lists and their time zones.

    With one list and no turns, which most campaigns have, nothing is reckoned.
    """

    def __init__(self, conn: Connection, found: CampaignLaw) -> None:
        self._found = found
        self._on = [one for one in found.lists if one.is_active]
        self.off = frozenset(one.list_id for one in found.lists if not one.is_active)
        self.is_of_many = len(self._on) > 1 or bool(found.zones)
        is_shared = len(self._on) > 1 and any(one.weight for one in self._on)
        self._made = calls_made(conn, found.campaign_id) if is_shared else 0
        self._takes_turns = found.order.by_time_zone and bool(found.zones)
        self._turned = turns_passed(conn, found.campaign_id) if self._takes_turns else {}

    def from_lists(self, wanted: int, look: int, opened: int) -> dict[str, object]:
        """The statement's parameters: the only list, or the lines of all with how much of each."""
        if not self.is_of_many:
            return {"list_id": self._on[0].list_id if self._on else 0}
        shares = self._lanes(wanted, opened)
        columns = [
            [one.list_id for one in shares],
            [one.zone for one in shares],
            [one.rank for one in shares],
            [one.quota for one in shares],
            [one.pool for one in shares],
            [one.place for one in shares],
            [one.turns for one in shares],
        ]
        return {"lanes_json": to_json(columns), "deep": max(wanted, look // max(1, len(shares)))}

    def in_turn(self, taken: Sequence[_Taken], wanted: int, opened: int) -> list[_Taken]:
        """More may have been looked at than are wanted: those first whose lists' and zones' turn it is."""
        shares = {(one.list_id, one.zone): one for one in self._lanes(wanted, opened)}
        turn: dict[int, int] = {}
        found: list[tuple[Lane | None, _Taken]] = []
        seen = Counter[tuple[int, int]]()
        for one in taken:
            share = None if _line(one.row) < _COMMON else shares.get((one.row.list_id, one.row.zone))
            found.append((share, one))
            if share is not None:
                turn[one.row.contact_id] = share.place + share.turns * seen[share.pool, share.zone]
                seen[share.pool, share.zone] += 1
        found.sort(key=lambda pair: turn.get(pair[1].row.contact_id, -1))  # within a turn as they waited
        of_list = Counter[int]()

        def order(pair: tuple[Lane | None, _Taken]) -> tuple[int, int]:
            share, one = pair
            if share is None:
                return 0, 0
            of_list[share.list_id] += 1
            return 1 + 2 * share.rank + (of_list[share.list_id] > share.quota), turn[one.row.contact_id]

        return [one for _, one in sorted(found, key=order)]

    def passed(self, opened: Sequence[_Taken], tallies: TallyBook) -> None:
        """These are called: the turn goes on after the zone that came last, in each pool."""
        if not self._takes_turns:
            return
        shares = {(one.list_id, one.zone): one for one in self._lanes(0, 0)}
        last: dict[int, int] = {}
        for one in opened:
            share = shares.get((one.row.list_id, one.row.zone))
            if share is not None and _line(one.row) == _COMMON:
                last[share.pool] = share.place + 1
        for pool, turns in last.items():
            tallies.turned(self._found.campaign_id, pool, turns)
            self._turned[pool] = self._turned.get(pool, 0) + turns

    def _lanes(self, wanted: int, opened: int) -> list[Lane]:
        shares = lanes(self._on, self._made + opened, wanted)
        if not self._found.zones:
            return shares
        found = in_zones(shares, self._on, self._found.zones, self._turned)
        return found if self._takes_turns else [replace(one, place=0, turns=0) for one in found]


def _hold_off(
    conn: Connection,
    campaign_id: CampaignId,
    claimed: Sequence[Row[Any]],
    lines: Sequence[int],
    off: frozenset[int],
    now_ms: int,
) -> list[Row[Any]]:
    """Who is owned and of a list that is switched off waits for a while; a promise is kept all the same.

    With those that were claimed the ones behind them in the same lines, so that they do not come one by one.
    """
    held = [row for row in claimed if row.list_id in off and row.callback_at_ms is None]
    if not held:
        return list(claimed)
    off_at_ms = now_ms + OFF_MS
    _hold(conn, campaign_id, [(row.contact_id, off_at_ms) for row in held])
    parameters = {
        "campaign_id": campaign_id,
        "agents_json": to_json(lines),
        "lists_json": to_json(sorted(off)),
        "now_ms": now_ms,
        "off_at_ms": off_at_ms,
        "size": OFF_AT_ONCE,
    }
    execute(conn, "hold_owned", parameters)
    return [row for row in claimed if row not in held]


def _for_whom(
    taken: Sequence[_Taken], lines: Mapping[int, Sequence[AgentId]], opened: Sequence[OpenedAttempt], now_ms: int
) -> tuple[list[_Taken], list[_Taken]]:
    """Each with the agent it is for; and those that are a group's, whose agents here have somebody else by now."""
    busy = {one.agent_id for one in opened}
    found: list[_Taken] = []
    left: list[_Taken] = []
    for one in taken:
        line = _owner(one.row, now_ms)
        agent_id = None
        if line is not None:
            # An agent's own contacts are told from each other by the statement; a group's are for whoever is free.
            agent_id = AgentId(line) if line > 0 else next((a for a in lines.get(line, ()) if a not in busy), None)
            if agent_id is None:
                left.append(one)
                continue
            busy.add(agent_id)
        found.append(replace(one, agent_id=agent_id))
    return found, left


def _put_back(conn: Connection, campaign_id: CampaignId, taken: Sequence[_Taken]) -> None:
    """More than were wanted may be called: they stay where they were in the line."""
    _hold(conn, campaign_id, [(one.row.contact_id, one.row.due_at_ms) for one in taken])


def _hold(conn: Connection, campaign_id: CampaignId, rows: Sequence[tuple[int, int]]) -> None:
    if rows:
        execute(conn, "hold_contacts", {"rows_json": to_json([(campaign_id, *one) for one in sorted(rows)])})


def _open(
    conn: Connection,
    campaign_id: CampaignId,
    taken: Sequence[_Taken],
    now_ms: int,
    new_attempt_id: NewAttemptId,
    tallies: TallyBook,
) -> list[OpenedAttempt]:
    if not taken:
        return []
    made = [(new_attempt_id(now_ms), one) for one in taken]
    # In the order of numbers: two processes that open the same numbers never wait for each other in a circle.
    rows = sorted(
        ([made_id, one.row.contact_id, one.row.number, one.agent_id, False, one.about] for made_id, one in made),
        key=lambda new: str(new[2]),
    )
    result = execute(conn, "open_attempts", {"campaign_id": campaign_id, "now_ms": now_ms, "rows_json": to_json(rows)})
    ids = set(result.scalars())
    lost = [one.row.contact_id for made_id, one in made if made_id not in ids]
    if lost:
        back_at_ms = now_ms + PUSH_BACK_MS
        parameters = {"campaign_id": campaign_id, "back_at_ms": back_at_ms, "contacts_json": to_json(lost)}
        execute(conn, "return_contacts", parameters)
    tallies.moved(campaign_id, ContactStatus.PENDING, ContactStatus.IN_PROGRESS.value, len(ids))
    tallies.opened(campaign_id, len(ids))
    return [
        opened_attempt(made_id, campaign_id, one.row, agent_id=one.agent_id, allowed_until_ms=one.until_ms)
        for made_id, one in made
        if made_id in ids
    ]


def _line(row: Row[Any]) -> int:
    """Callbacks before what is owned, and that before the common line, as the claim took them."""
    if row.callback_at_ms is not None:
        return 0
    return _COMMON if row.owner_id is None else 1


def _owner(row: Row[Any], now_ms: int) -> int | None:
    """The line a contact was taken from: an agent's, a group's; None: anyone's, or of a callback that was missed."""
    if row.callback_at_ms is None:
        return cast(int | None, row.owner_id)
    return int(row.callback_agent_id) if row.callback_agent_id and row.callback_until_ms > now_ms else None


def opened_attempt(
    attempt_id: AttemptId,
    campaign_id: CampaignId,
    row: Row[Any],
    *,
    agent_id: AgentId | None = None,
    is_manual: bool = False,
    allowed_until_ms: int | None = None,
) -> OpenedAttempt:
    """What the dialer is told of an attempt. row: the contact with its place in the campaign, and the number."""
    fields = _fields.decode(row.fields)
    if row.name:
        fields["name"] = row.name
    fields["phone"] = row.number
    return OpenedAttempt(
        attempt_id=attempt_id,
        campaign_id=campaign_id,
        contact_id=ContactId(row.contact_id),
        number=Number(row.number),
        language=row.language,
        fields=fields,
        attempts=row.attempts or 0,
        faults=row.faults or 0,
        agent_id=agent_id,
        is_manual=is_manual,
        is_typed=bool(row.is_typed),
        is_callback=row.callback_at_ms is not None,
        phones=_phones(row),
        allowed_until_ms=allowed_until_ms,
    )


def _phones(row: Row[Any]) -> Phones:
    """A contact's phones, by their places. What got into the table past all checks is only the number it is."""
    numbers = tuple(row.phones.split(" "))
    return Phones(numbers=numbers if len(numbers) == _PLACES else (row.number,), time_zone=row.time_zone)
