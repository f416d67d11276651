"""The do-not-call list: who is put on it, who is taken off, and what an operator reads. Claiming looks into it itself.

After an opt-out is acknowledged no call to that number starts, whichever process has claimed it. Two things see to it:
on PostgreSQL barring waits for the claims under way and holds up those that come (SQLite has one writer at a time), so
that every claim either sees the entry or is seen; and a claim is good for `FRESH_MS`, after which its process asks the
disk again. Whoever acknowledges waits that long for a number that another process may be about to dial.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Table, delete, select, tuple_

from app.commands import AddDnc
from app.events import DncAdded
from app.store.errors import NotFound
from app.store.schema import attempts, campaigns, contacts, dnc, dnc_people
from app.store.sql import execute, to_json
from app.units import AttemptId, CampaignId, ContactId, Number, ProjectId

BARRED: Final = "this number is on the do-not-call list"
PHONES: Final = ("phone1", "phone2", "phone3", "phone4", "phone5")


@dataclass(frozen=True, slots=True, kw_only=True)
class DncEntry:
    """A number nobody calls, or a beginning of numbers (`+4470*`); for all campaigns unless it says which.

    source: keypress, agent, api, panel, import, dialplan, sms. who said so, and why. attempt_id: the call it was asked
    in; contact_id: it is barred as a phone of this person.
    """

    number: str
    source: str
    attempt_id: AttemptId | None
    created_at_ms: int
    project_id: ProjectId | None = None
    campaign_id: CampaignId | None = None
    contact_id: ContactId | None = None
    who: str = ""
    why: str = ""


# --- barring ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Barred:
    """What came of entries for the list. told: for each of them; new: those whose number was not on the list yet."""

    told: Mapping[AddDnc, DncAdded]
    new: tuple[AddDnc, ...] = ()


def add_dnc(conn: Connection, commands: Sequence[AddDnc], now_ms: int) -> Barred:
    """Put numbers and persons on the list; those on it already stay as they are. Contacts are left to the claim.

    To be called before anything else in its transaction is locked.
    """
    added, told = _add(conn, commands, now_ms)
    return Barred(told=told, new=tuple(one for one in told if _entry_of(one) in added))


def _entry_of(command: AddDnc) -> tuple[str, int, int]:
    return command.number, command.project_id or 0, command.campaign_id or 0


def add_dnc_numbers(
    conn: Connection, numbers: Sequence[str], *, source: str, now_ms: int, like: AddDnc | None = None
) -> int:
    """Put numbers on the list; answers how many were not on it yet. like: for whom, who says so and why."""
    model = like or AddDnc(number="", source=source)
    commands = [
        AddDnc(
            number=number,
            source=source,
            project_id=model.project_id,
            campaign_id=model.campaign_id,
            who=model.who,
            why=model.why,
        )
        for number in numbers
    ]
    return len(_add(conn, commands, now_ms)[0])


def _add(
    conn: Connection, commands: Sequence[AddDnc], now_ms: int
) -> tuple[set[tuple[str, int, int]], dict[AddDnc, DncAdded]]:
    if not commands:
        return set(), {}
    execute(conn, "lock_opt_outs")
    called = _called(conn, [one.attempt_id for one in commands if one.attempt_id is not None])
    people: dict[tuple[int, int, int], dict[str, Any]] = {}
    rows: dict[tuple[str, int, int], dict[str, Any]] = {}
    told: dict[AddDnc, DncAdded] = {}
    for command in commands:
        facts = called.get(command.attempt_id or AttemptId(""))
        contact_id = command.contact_id if facts is None else ContactId(facts.contact_id)
        where = command.project_id or 0, command.campaign_id or 0
        row = {
            "project_id": where[0],
            "campaign_id": where[1],
            "contact_id": contact_id,
            "source": command.source,
            "who": command.who or ("" if facts is None or command.source != "agent" else facts.agent or ""),
            "why": command.why,
            "attempt_id": command.attempt_id,
        }
        phones: tuple[Number, ...] = ()
        if contact_id is not None:
            phones = _phones(conn, contact_id) if facts is None else _numbers(facts)
            people.setdefault((contact_id, *where), row)
        for number in dict.fromkeys((command.number, *phones)):
            rows.setdefault((number, *where), {"number": number, **row})
        told[command] = DncAdded(
            number=command.number,
            attempt_id=command.attempt_id,
            numbers=tuple(phone for phone in phones if phone != command.number),
            campaigns=_campaigns(conn, command),
        )
    added = execute(
        conn, "add_dnc", {"now_ms": now_ms, "rows_json": to_json([rows[key] for key in sorted(rows)])}
    ).all()
    if people:
        ordered = [people[key] for key in sorted(people)]
        execute(conn, "add_dnc_people", {"now_ms": now_ms, "rows_json": to_json(ordered)})
    return {(row.number, row.project_id, row.campaign_id) for row in added}, told


def _called(conn: Connection, attempt_ids: Sequence[AttemptId]) -> dict[AttemptId, Row[Any]]:
    if not attempt_ids:
        return {}
    found = execute(conn, "people_of_attempts", {"attempts_json": to_json(sorted(set(attempt_ids)))})
    return {AttemptId(row.id): row for row in found}


def _phones(conn: Connection, contact_id: ContactId) -> tuple[Number, ...]:
    row = conn.execute(select(contacts).where(contacts.c.id == contact_id)).first()
    if row is None:
        raise NotFound("contact", contact_id)
    return _numbers(row)


def _numbers(row: Row[Any]) -> tuple[Number, ...]:
    return tuple(dict.fromkeys(Number(phone) for name in PHONES if (phone := getattr(row, name))))


def _campaigns(conn: Connection, command: AddDnc) -> frozenset[CampaignId] | None:
    if command.campaign_id is not None:
        return frozenset({command.campaign_id})
    if command.project_id is None:
        return None
    found = select(campaigns.c.id).where(campaigns.c.project_id == command.project_id)
    return frozenset(CampaignId(one) for one in conn.execute(found).scalars())


# --- asking ----------------------------------------------------------------------------------------------------------


def lock_claims(conn: Connection) -> None:
    """Have no number barred between what this transaction decides and its commit."""
    execute(conn, "lock_claims")


def is_dnc(
    conn: Connection, number: str, *, contact_id: ContactId | None = None, campaign_id: CampaignId | None = None
) -> bool:
    """Whether a number may not be called: by anyone, or by this campaign, whose own lists count then too."""
    asked = {"number": number, "contact_id": contact_id or 0, "campaign_id": campaign_id or 0}
    return execute(conn, "is_barred", asked).first() is not None


def open_attempts_to(conn: Connection, numbers: Sequence[str]) -> list[AttemptId]:
    """Attempts to these numbers, or to numbers that begin so (`+4470*`), that are open on disk."""
    which: list[ColumnElement[bool]] = []
    for number in numbers:
        is_beginning = number.endswith("*")
        which.append(attempts.c.number.startswith(number[:-1]) if is_beginning else attempts.c.number == number)
    found: list[AttemptId] = []
    for condition in which:
        live = select(attempts.c.id).where(attempts.c.closed_at_ms.is_(None), condition)
        found += [AttemptId(one) for one in conn.execute(live).scalars()]
    return found


def dnc_page(
    conn: Connection,
    *,
    after: str = "",
    limit: int = 50,
    beginning: str = "",
    project_id: ProjectId | None = None,
    campaign_id: CampaignId | None = None,
) -> list[DncEntry]:
    """Entries in the order of their numbers, after a cursor: a number, or `number:project:campaign` (see `cursor`)."""
    columns = dnc.c.number, dnc.c.project_id, dnc.c.campaign_id
    number, _, rest = after.partition(":")
    place = [int(part) for part in rest.split(":")] if rest else [2**62, 2**62]
    found = select(dnc).where(tuple_(*columns) > (number, *place)).order_by(*columns).limit(limit)
    if beginning:
        last = beginning + "9" * 15  # sorts last in every collation
        found = found.where(dnc.c.number >= beginning, dnc.c.number <= last, dnc.c.number.startswith(beginning))
    if project_id is not None:
        found = found.where(dnc.c.project_id == project_id)
    if campaign_id is not None:
        found = found.where(dnc.c.campaign_id == campaign_id)
    return [_entry(row) for row in conn.execute(found)]


def cursor(entry: DncEntry) -> str:
    """Where the page after this entry begins."""
    return f"{entry.number}:{entry.project_id or 0}:{entry.campaign_id or 0}"


def entries_of(conn: Connection, number: str) -> list[DncEntry]:
    """Every entry of a number, of whatever campaigns, and of the beginnings that cover it."""
    wanted = [number, *(number[:length] + "*" for length in range(2, len(number) + 1))]
    found = select(dnc).where(dnc.c.number.in_(wanted)).order_by(dnc.c.number, dnc.c.project_id, dnc.c.campaign_id)
    return [_entry(row) for row in conn.execute(found)]


def _entry(row: Row[Any]) -> DncEntry:
    return DncEntry(
        number=row.number,
        source=row.source,
        attempt_id=row.attempt_id,
        created_at_ms=row.created_at_ms,
        project_id=row.project_id or None,
        campaign_id=row.campaign_id or None,
        contact_id=row.contact_id,
        who=row.who,
        why=row.why,
    )


# --- taking off ------------------------------------------------------------------------------------------------------


def remove_dnc(
    conn: Connection, number: str, *, project_id: ProjectId | None = None, campaign_id: CampaignId | None = None
) -> list[DncEntry]:
    """Take a number off the list, where it was put by mistake; contacts settled meanwhile stay so. Raises NotFound.

    One that is there as a phone of a person goes with the person, and so with their other phones. Answers what went.
    """
    where = project_id or 0, campaign_id or 0

    def of(table: Table) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return table.c.project_id == where[0], table.c.campaign_id == where[1]

    row = conn.execute(select(dnc).where(dnc.c.number == number, *of(dnc))).first()
    if row is None:
        raise NotFound("do-not-call number", number)
    condition = dnc.c.number == number
    if row.contact_id is not None:
        conn.execute(delete(dnc_people).where(dnc_people.c.contact_id == row.contact_id, *of(dnc_people)))
        condition |= dnc.c.contact_id == row.contact_id
    gone = [_entry(one) for one in conn.execute(select(dnc).where(condition, *of(dnc)).order_by(dnc.c.number))]
    conn.execute(delete(dnc).where(condition, *of(dnc)))
    return gone
