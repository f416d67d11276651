"""National do-not-call lists: registers of millions of numbers, in editions, which campaigns honour.

A list points to one edition. A newer one is loaded beside it in pieces, and takes its place by moving the pointer, so
that claims see the whole of one or the whole of the other; the old numbers are cleared away afterwards, in pieces too.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from app.store.errors import InUse, NotFound, unique
from app.store.schema import campaign_national_lists, campaigns, national_editions, national_lists, national_numbers
from app.store.sql import execute, to_json
from app.units import DAY_MS, CampaignId

SPAN: Final = 10**15
"""Numbers an edition has room for: E.164 has 15 digits."""
LAST_EDITION: Final = 9_000
"""64 bits hold no more of them."""
CLEAR_PIECE: Final = 50_000
"""Rows of an old edition that are cleared away in one transaction."""
DEFAULT_AGE_DAYS: Final = 28
"""The United Kingdom's register is to be asked every 28 days (PECR reg. 21), the federal one of the US every 31."""


class EditionState(enum.Enum):
    """The life of an edition."""

    LOADING = "loading"
    PRESENT = "present"
    REPLACED = "replaced"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class NationalList:
    """A register. as_of_ms: when its present edition was so; None: it has none, and who honours it calls nobody."""

    id: int
    name: str
    country: str
    edition_id: int | None
    as_of_ms: int | None
    numbers: int
    file_name: str
    campaigns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Honoured:
    """A list that a campaign honours, and how old it may be."""

    name: str
    max_age_days: int
    as_of_ms: int | None = None


# --- lists -----------------------------------------------------------------------------------------------------------


def create_national_list(conn: Connection, *, name: str, country: str, now_ms: int) -> int:
    """Raises Duplicate for its name."""
    new = {"name": name, "country": country, "created_at_ms": now_ms}
    with unique("national list", name):
        return int(conn.execute(insert(national_lists).values(new).returning(national_lists.c.id)).scalar_one())


def all_national_lists(conn: Connection) -> list[NationalList]:
    """By name."""
    honoured = (
        select(campaign_national_lists.c.national_list_id, func.count().label("campaigns"))
        .group_by(campaign_national_lists.c.national_list_id)
        .subquery()
    )
    found = (
        select(national_lists, national_editions.c.as_of_ms, national_editions.c.numbers)
        .add_columns(national_editions.c.file_name, honoured.c.campaigns)
        .outerjoin(national_editions, national_editions.c.id == national_lists.c.edition_id)
        .outerjoin(honoured, honoured.c.national_list_id == national_lists.c.id)
        .order_by(national_lists.c.name)
    )
    return [_national_list(row) for row in conn.execute(found)]


def national_lists_by_name(conn: Connection) -> frozenset[str]:
    """The names of all."""
    return frozenset(conn.execute(select(national_lists.c.name)).scalars())


def national_list_named(conn: Connection, name: str) -> NationalList:
    """Raises NotFound."""
    for one in all_national_lists(conn):
        if one.name == name:
            return one
    raise NotFound("national list", name)


def remove_national_list(conn: Connection, name: str) -> NationalList:
    """Its numbers are cleared away afterwards, see `clear_piece`. Raises NotFound, InUse: a campaign honours it."""
    found = national_list_named(conn, name)
    if found.campaigns:
        raise InUse(f"{found.campaigns} campaigns honour the national list {name!r}; let them honour it no more first")
    conn.execute(delete(national_lists).where(national_lists.c.id == found.id))
    return found


def _national_list(row: Row[Any]) -> NationalList:
    return NationalList(
        id=row.id,
        name=row.name,
        country=row.country,
        edition_id=row.edition_id,
        as_of_ms=row.as_of_ms,
        numbers=row.numbers or 0,
        file_name=row.file_name or "",
        campaigns=row.campaigns or 0,
    )


# --- editions --------------------------------------------------------------------------------------------------------


def begin_edition(
    conn: Connection, national_list_id: int, *, as_of_ms: int, file_name: str, who: str, now_ms: int
) -> int:
    """A new edition, of which nothing counts yet."""
    new = {
        "national_list_id": national_list_id,
        "as_of_ms": as_of_ms,
        "file_name": file_name[-255:],
        "who": who,
        "state": EditionState.LOADING.value,
        "started_at_ms": now_ms,
    }
    return int(conn.execute(insert(national_editions).values(new).returning(national_editions.c.id)).scalar_one())


def add_national_numbers(conn: Connection, edition_id: int, digits: Sequence[int]) -> int:
    """Put numbers, as integers of their digits, into an edition; answers how many were new to it."""
    keys = [edition_id * SPAN + one for one in digits]
    return execute(conn, "add_national_numbers", {"keys_json": to_json(keys)}).rowcount


def publish_edition(conn: Connection, edition_id: int, *, numbers: int, rejected: int, now_ms: int) -> None:
    """From this transaction's end on the edition is the one that counts, at once and whole."""
    counts = {"numbers": numbers, "rejected": rejected, "finished_at_ms": now_ms}
    editions = national_editions.c
    list_id = conn.execute(select(editions.national_list_id).where(editions.id == edition_id)).scalar()
    if list_id is None:
        raise NotFound("edition of a national list", edition_id)
    replaced = update(national_editions).where(
        editions.national_list_id == list_id, editions.state == EditionState.PRESENT.value
    )
    conn.execute(replaced.values(state=EditionState.REPLACED.value))
    present = {"state": EditionState.PRESENT.value, **counts}
    conn.execute(update(national_editions).where(editions.id == edition_id).values(present))
    conn.execute(update(national_lists).where(national_lists.c.id == list_id).values(edition_id=edition_id))


def fail_edition(conn: Connection, edition_id: int, *, rejected: int, now_ms: int) -> None:
    """It could not be loaded: the one before goes on."""
    failed = {"state": EditionState.FAILED.value, "rejected": rejected, "finished_at_ms": now_ms}
    conn.execute(update(national_editions).where(national_editions.c.id == edition_id).values(failed))


def clear_piece(conn: Connection, now_ms: int) -> bool:
    """Clear away some numbers of editions that count no more; True: there may be more.

    An edition that is still loading after a day was left by a program that died.
    """
    editions = national_editions.c
    kept = (editions.state == EditionState.PRESENT.value) | (
        (editions.state == EditionState.LOADING.value) & (editions.started_at_ms > now_ms - DAY_MS)
    )
    living = sorted(conn.execute(select(editions.id).where(kept)).scalars())
    for before, after in pairwise([0, *living, LAST_EDITION]):
        low, high = (before + 1) * SPAN, after * SPAN
        doomed = select(national_numbers.c.key).where(national_numbers.c.key >= low, national_numbers.c.key < high)
        last = conn.execute(
            select(func.max(doomed.order_by(national_numbers.c.key).limit(CLEAR_PIECE).subquery().c.key))
        ).scalar()
        if last is not None:
            gone = delete(national_numbers).where(national_numbers.c.key >= low, national_numbers.c.key <= last)
            conn.execute(gone)
            return True
    return False


# --- honouring -------------------------------------------------------------------------------------------------------


def set_honoured(conn: Connection, campaign_id: CampaignId, honoured: Sequence[Honoured]) -> None:
    """Which national lists a campaign honours from now on. Raises NotFound."""
    if conn.execute(select(campaigns.c.id).where(campaigns.c.id == campaign_id)).first() is None:
        raise NotFound("campaign", campaign_id)
    rows = [
        {
            "campaign_id": campaign_id,
            "national_list_id": national_list_named(conn, one.name).id,
            "max_age_days": one.max_age_days,
        }
        for one in honoured
    ]
    conn.execute(delete(campaign_national_lists).where(campaign_national_lists.c.campaign_id == campaign_id))
    if rows:
        conn.execute(insert(campaign_national_lists), rows)


def honoured_by(conn: Connection, campaign_id: CampaignId) -> list[Honoured]:
    """Which national lists a campaign honours, by name, with the age they have."""
    found = execute(conn, "honoured_lists", {"campaign_id": campaign_id})
    return [Honoured(name=row.name, max_age_days=row.max_age_days, as_of_ms=row.as_of_ms) for row in found]


def stale_list(conn: Connection, campaign_id: CampaignId, now_ms: int) -> str:
    """Why a campaign may call nobody at all: a national list it honours is missing or too old. Empty: nothing is."""
    for one in honoured_by(conn, campaign_id):
        if one.as_of_ms is None:
            return f"the national list {one.name} has no numbers yet: import an edition of it"
        days = (now_ms - one.as_of_ms) // DAY_MS
        if days >= one.max_age_days:
            return f"the national list {one.name} is {days} days old, not under {one.max_age_days}: import a newer one"
    return ""
