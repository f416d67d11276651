"""The numbers that are the admin's to show: what each may be used for, and how often people answered it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from app.model import OwnedNumber
from app.store.errors import InUse, NotFound, unique
from app.store.schema import caller_id_hours, caller_ids, campaigns, trunks
from app.units import DAY_MS, HOUR_MS, TrunkId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerIdEntry:
    """A number with what came of its calls in a window. placed: calls that reached the network; answered: by a person.

    placed_today: in the last 24 hours, as the limit of a day counts them.
    """

    owned: OwnedNumber
    created_at_ms: int
    placed: int
    answered: int
    placed_today: int

    @property
    def answer_rate(self) -> float | None:
        """Answered of placed; None: nothing was placed."""
        return self.answered / self.placed if self.placed else None


def put_caller_id(conn: Connection, owned: OwnedNumber, now_ms: int) -> bool:
    """Add a number, or change it; True: it is new."""
    changed = update(caller_ids).where(caller_ids.c.number == owned.number).values(_row(owned))
    if conn.execute(changed).rowcount:
        return False
    with unique("caller ID", owned.number):
        conn.execute(insert(caller_ids).values(_row(owned) | {"created_at_ms": now_ms}))
    return True


def keep_caller_id(conn: Connection, owned: OwnedNumber, now_ms: int) -> bool:
    """Add a number that is not there yet; True: it was added."""
    if owns(conn, owned.number):
        return False
    return put_caller_id(conn, owned, now_ms)


def owns(conn: Connection, number: str) -> bool:
    """Whether a number is the admin's to show."""
    return conn.execute(select(caller_ids.c.number).where(caller_ids.c.number == number)).first() is not None


def list_owned(conn: Connection) -> list[OwnedNumber]:
    """All numbers, in their order."""
    return [_owned(row) for row in conn.execute(select(caller_ids).order_by(caller_ids.c.number))]


def list_caller_ids(conn: Connection, now_ms: int, window_ms: int = 7 * DAY_MS) -> list[CallerIdEntry]:
    """All numbers with their answers of a window of whole hours that ends now."""
    counted = _counted(conn, (now_ms - window_ms) // HOUR_MS + 1)
    today = _counted(conn, (now_ms - DAY_MS) // HOUR_MS + 1)
    return [
        CallerIdEntry(
            owned=_owned(row),
            created_at_ms=row.created_at_ms,
            placed=counted.get(row.number, (0, 0))[0],
            answered=counted.get(row.number, (0, 0))[1],
            placed_today=today.get(row.number, (0, 0))[0],
        )
        for row in conn.execute(select(caller_ids).order_by(caller_ids.c.number))
    ]


def get_caller_id(conn: Connection, number: str, now_ms: int, window_ms: int = 7 * DAY_MS) -> CallerIdEntry:
    """Raises NotFound."""
    for one in list_caller_ids(conn, now_ms, window_ms):
        if one.owned.number == number:
            return one
    raise NotFound("caller ID", number)


def shown_lately(conn: Connection, now_ms: int) -> dict[str, Mapping[int, int]]:
    """How often each number was shown, by the hour, in the last 24: what its limits count on after a restart."""
    found: dict[str, dict[int, int]] = {}
    hours = select(caller_id_hours).where(caller_id_hours.c.hour > (now_ms - DAY_MS) // HOUR_MS)
    for row in conn.execute(hours):
        found.setdefault(row.number, {})[row.hour] = row.placed
    return dict(found)


def remove_caller_id(conn: Connection, number: str) -> OwnedNumber:
    """Show a number no more. Raises NotFound, and InUse while a campaign or a trunk names it."""
    row = conn.execute(select(caller_ids).where(caller_ids.c.number == number)).first()
    if row is None:
        raise NotFound("caller ID", number)
    for campaign in conn.execute(select(campaigns.c.name, campaigns.c.settings)):
        plan = campaign.settings
        if number == plan.get("caller_id") or number in plan.get("caller_ids", {}).get("numbers", ()):
            raise InUse(f"campaign {campaign.name!r} shows {number}; give it another number first")
    trunk = conn.execute(select(trunks.c.id).where(trunks.c.caller_id == number)).scalar()
    if trunk is not None:
        raise InUse(f"trunk {trunk} shows {number}; give it another number first")
    conn.execute(delete(caller_ids).where(caller_ids.c.number == number))
    return _owned(row)


def _counted(conn: Connection, from_hour: int) -> dict[str, tuple[int, int]]:
    hours = caller_id_hours.c
    found = select(hours.number, func.sum(hours.placed), func.sum(hours.answered)).where(hours.hour >= from_hour)
    return {row[0]: (int(row[1]), int(row[2])) for row in conn.execute(found.group_by(hours.number))}


def _row(owned: OwnedNumber) -> dict[str, Any]:
    return asdict(owned) | {"trunks": list(owned.trunks), "areas": list(owned.areas)}


def _owned(row: Row[Any]) -> OwnedNumber:
    return OwnedNumber(
        number=row.number,
        label=row.label,
        trunks=tuple(TrunkId(one) for one in row.trunks),
        areas=tuple(row.areas),
        per_hour=row.per_hour,
        per_day=row.per_day,
        rest_after=row.rest_after,
        rest_ms=row.rest_ms,
        is_resting=bool(row.is_resting),
    )
