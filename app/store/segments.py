"""Segments on disk, and whom they mean: gone through some hundreds of contacts at a time, so that nobody waits long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select, update

from app.outcomes import LIVE_ANSWERS, OUTCOMES, ContactStatus, Outcome
from app.plain_yaml import FileError
from app.segments.conditions import Known, Segment
from app.segments.load import load_segment
from app.store.attaching import attach_chosen
from app.store.errors import NotFound
from app.store.requeueing import REQUEUABLE, requeue_contact
from app.store.schema import attempts, campaign_contacts, campaigns, contacts, lists, segments
from app.units import CampaignId, ContactId, ListId

PIECE: Final = 500
"""Contacts asked in one transaction: some milliseconds of work."""
_PLACE: Final = campaign_contacts.c


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentEntry:
    """A segment as it is kept. source: as written."""

    name: str
    source: str
    changed_at_ms: int

    @property
    def segment(self) -> Segment:
        """What it says."""
        return load_segment(self.source, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentPiece:
    """One step. met: who of it the segment means; seen: how many were asked; after_id: go on after it; None: done."""

    met: tuple[ContactId, ...]
    seen: int
    after_id: int | None


def save_segment(conn: Connection, *, name: str, source: str, now_ms: int) -> SegmentEntry:
    """Keep a segment, in place of what had its name. Raises FileError, NotFound for its campaign."""
    _check(conn, load_segment(source, name))
    values = {"source": source, "changed_at_ms": now_ms}
    if conn.execute(update(segments).where(segments.c.name == name).values(values)).rowcount == 0:
        conn.execute(insert(segments).values(name=name, **values))
    return get_segment(conn, name)


def _check(conn: Connection, found: Segment) -> None:
    """A column that no list has is a slip of the pen, and would mean nobody without a word."""
    if found.campaign:
        _campaign(conn, found.campaign)
    known = {column for columns in conn.execute(select(lists.c.columns)).scalars() for column in columns}
    for column in found.columns:
        if column not in known:
            there = ", ".join(sorted(known)[:20]) or "none at all"
            raise FileError(found.name, 1, f"no list has the column {column[:60]!r}", f"there are: {there}")


def get_segment(conn: Connection, name: str) -> SegmentEntry:
    """Raises NotFound."""
    row = conn.execute(select(segments).where(segments.c.name == name)).first()
    if row is None:
        raise NotFound("segment", name)
    return SegmentEntry(**row._mapping)


def list_segments(conn: Connection) -> list[SegmentEntry]:
    """All segments, by name."""
    return [SegmentEntry(**row._mapping) for row in conn.execute(select(segments).order_by(segments.c.name))]


def remove_segment(conn: Connection, name: str) -> None:
    """Forget a segment. Raises NotFound."""
    if conn.execute(delete(segments).where(segments.c.name == name)).rowcount == 0:
        raise NotFound("segment", name)


# --- whom it means ---------------------------------------------------------------------------------------------------


def segment_piece(
    conn: Connection,
    found: Segment,
    after_id: int,
    now_ms: int,
    *,
    list_id: ListId | None = None,
    campaign_id: CampaignId | None = None,
    size: int = PIECE,
) -> SegmentPiece:
    """Ask the next contacts, after the contact `after_id`, of a list, of a campaign, or of all. Raises NotFound.

    History counts in the segment's campaign, else in campaign_id, else in all.
    """
    for noun, table, key in (("list", lists, list_id), ("campaign", campaigns, campaign_id)):
        if key is not None and conn.scalar(select(table.c.id).where(table.c.id == key)) is None:
            raise NotFound(noun, key)
    of = contacts.c
    asked = select(contacts).where(of.id > after_id, of.deleted_at_ms.is_(None)).order_by(of.id).limit(size)
    if list_id is not None:
        asked = asked.where(of.list_id == list_id)
    if campaign_id is not None:
        asked = asked.join(campaign_contacts, _PLACE.contact_id == of.id).where(_PLACE.campaign_id == campaign_id)
    rows = conn.execute(asked).all()
    where = _campaign(conn, found.campaign) if found.campaign else campaign_id
    ids = [row.id for row in rows]
    history = _history(conn, ids, where) if found.asks_history and ids else {}
    statuses: Mapping[int, str] = {}
    if where is not None and ids:
        stands = select(_PLACE.contact_id, _PLACE.status).where(_PLACE.campaign_id == where, _PLACE.contact_id.in_(ids))
        statuses = {row.contact_id: row.status for row in conn.execute(stands)}
    met = tuple(
        ContactId(row.id)
        for row in rows
        if found.root.holds(_known(row, history.get(row.id, ()), statuses.get(row.id, ""), now_ms))
    )
    return SegmentPiece(met=met, seen=len(rows), after_id=ids[-1] if len(rows) == size else None)


def attach_segment_piece(
    conn: Connection, found: Segment, campaign_id: CampaignId, list_id: ListId, after_id: int, now_ms: int
) -> tuple[SegmentPiece, int]:
    """Attach whom a segment means of the next contacts of a list; answers with how many were new to the campaign."""
    piece = segment_piece(conn, found, after_id, now_ms, list_id=list_id)
    return piece, attach_chosen(conn, campaign_id, list_id, piece.met, now_ms)


def requeue_segment_piece(
    conn: Connection, found: Segment, campaign_id: CampaignId, after_id: int, now_ms: int
) -> tuple[SegmentPiece, int]:
    """Have whom a segment means of the next contacts of a campaign called again; answers with how many."""
    piece = segment_piece(conn, found, after_id, now_ms, campaign_id=campaign_id)
    able = [one.value for one in REQUEUABLE if one is not ContactStatus.INVALID_NUMBER]
    done = (
        select(_PLACE.contact_id)
        .join(contacts, contacts.c.id == _PLACE.contact_id)
        .where(_PLACE.campaign_id == campaign_id, _PLACE.contact_id.in_(piece.met), _PLACE.status.in_(able))
        .where(contacts.c.phone1 != "")
    )
    returned = conn.execute(done).scalars().all()
    for contact_id in returned:
        requeue_contact(conn, campaign_id, ContactId(contact_id), now_ms)
    return piece, len(returned)


def _campaign(conn: Connection, name: str) -> CampaignId:
    found = conn.scalar(select(campaigns.c.id).where(campaigns.c.name == name))
    if found is None:
        raise NotFound("campaign", name)
    return CampaignId(found)


def _history(conn: Connection, ids: Sequence[int], campaign_id: CampaignId | None) -> dict[int, list[Any]]:
    """The calls to these contacts that are over, oldest first."""
    of = attempts.c
    found = select(of.contact_id, of.outcome, of.is_charged, of.disposition, of.opened_at_ms).where(
        of.contact_id.in_(ids), of.closed_at_ms.is_not(None)
    )
    if campaign_id is not None:
        found = found.where(of.campaign_id == campaign_id)
    calls: dict[int, list[Any]] = {}
    for row in conn.execute(found.order_by(of.opened_at_ms, of.id)):
        calls.setdefault(row.contact_id, []).append(row)
    return calls


def _known(row: Row[Any], calls: Sequence[Row[Any]], status: str, now_ms: int) -> Known:
    said = [call.disposition for call in calls if call.disposition]
    phones = (row.phone1, row.phone2, row.phone3, row.phone4, row.phone5)
    return Known(
        facts={
            "key": row.key, "name": row.name, "email": row.email, "language": row.language,
            "time zone": row.time_zone, "region": row.region, "owner": row.owner, "consent": row.consent,
            "priority": str(row.priority),
        },
        columns=row.fields,
        phones=tuple(phone for phone in phones if phone),
        tries=sum(bool(call.is_charged) for call in calls),
        answers=sum(Outcome(call.outcome) in LIVE_ANSWERS for call in calls),
        last_outcome=OUTCOMES[Outcome(calls[-1].outcome)].label if calls else "",
        last_disposition=said[-1] if said else "",
        last_called_at_ms=calls[-1].opened_at_ms if calls else None,
        status=status,
        now_ms=now_ms,
    )  # fmt: skip
