"""The lists of a campaign and how they share its calls: by weight, in order of priority, or not at all for now.

Without weights and priorities the lists are one line: who waits longest is next. A share is told for each call from the
number of calls made so far, so that it holds over any stretch and nothing has to be remembered but that number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select, update

from app.store.errors import NotFound
from app.store.schema import campaign_lists, lists, tallies
from app.units import CampaignId, ListId

MAX_WEIGHT: Final = 1_000
MAX_PRIORITY: Final = 100
ALL: Final = 1_000_000
"""How many a list may give where it has no share to keep to."""
_GOLDEN: Final = 11_400_714_819_323_198_485
"""2^64 divided by the golden ratio: its multiples fall as evenly as can be, whatever stretch of them is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListShare:
    """A list of a campaign. weight: its share of the calls among those of its priority; 0: what the others leave.

    priority: higher is called before all others. is_active: it is called at all. is_whole: contacts imported into the
    list later join the campaign; not so where some were chosen.
    """

    list_id: ListId
    weight: int = 0
    priority: int = 0
    is_active: bool = True
    is_whole: bool = True
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A list in a claim. rank: lower ones come first; quota: so many before the others of its rank get more."""

    list_id: ListId
    rank: int
    quota: int


def lanes(shares: Iterable[ListShare], made: int, wanted: int) -> list[Lane]:
    """How the next `wanted` calls are shared, when `made` were made so far. shares: of the lists that are on."""
    found: list[Lane] = []
    known = sorted(shares, key=lambda one: (-one.priority, one.weight == 0, one.list_id))
    ranks = list(dict.fromkeys(_class(one, known) for one in known))
    for rank, kind in enumerate(ranks):
        mine = [one for one in known if _class(one, known) == kind]
        quotas = _quotas([one.weight for one in mine], made, wanted)
        found += [Lane(list_id=one.list_id, rank=rank, quota=quotas[at]) for at, one in enumerate(mine)]
    return found


def _class(share: ListShare, known: Sequence[ListShare]) -> tuple[int, bool]:
    """Lists of one priority are taken together; those without a weight after those with one, where there are such."""
    is_weighed = any(one.weight for one in known if one.priority == share.priority)
    return share.priority, is_weighed and share.weight == 0


def _quotas(weights: Sequence[int], made: int, wanted: int) -> list[int]:
    total = sum(weights)
    if not total:
        return [ALL] * len(weights)
    taken = Counter[int]()
    for slot in range(made, made + wanted):
        at = (slot * _GOLDEN % (1 << 64)) * total >> 64
        for place, weight in enumerate(weights):
            at -= weight
            if at < 0:
                taken[place] += 1
                break
    return [taken[place] for place in range(len(weights))]


def calls_made(conn: Connection, campaign_id: CampaignId) -> int:
    """How many attempts a campaign has opened in its life, by its running count."""
    of = tallies.c
    found = select(of.count).where(of.campaign_id == campaign_id, of.kind == "attempts", of.key == "")
    return conn.scalar(found) or 0


# --- as operators set it ---------------------------------------------------------------------------------------------


def list_shares(conn: Connection, campaign_id: CampaignId) -> list[ListShare]:
    """The lists of a campaign, in the order they are called."""
    of = campaign_lists.c
    found = (
        select(of.list_id, of.weight, of.priority, of.is_active, of.is_whole, lists.c.name)
        .join(lists, lists.c.id == of.list_id)
        .where(of.campaign_id == campaign_id)
        .order_by(of.priority.desc(), of.weight.desc(), of.list_id)
    )
    return [ListShare(**row._mapping) for row in conn.execute(found)]


def set_shares(conn: Connection, campaign_id: CampaignId, shares: Iterable[ListShare]) -> None:
    """Say how lists that a campaign has share its calls; it counts from the next claim. Raises NotFound, ValueError."""
    of = campaign_lists.c
    for share in shares:
        if not (0 <= share.weight <= MAX_WEIGHT and -MAX_PRIORITY <= share.priority <= MAX_PRIORITY):
            raise ValueError(f"a weight is 0 to {MAX_WEIGHT}, a priority -{MAX_PRIORITY} to {MAX_PRIORITY}")
        changed = update(campaign_lists).where(of.campaign_id == campaign_id, of.list_id == share.list_id)
        values = {"weight": share.weight, "priority": share.priority, "is_active": share.is_active}
        if conn.execute(changed.values(values)).rowcount == 0:
            raise NotFound(f"list of campaign {campaign_id}:", share.list_id)
