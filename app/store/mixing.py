"""The lists of a campaign and how they share its calls: by weight, in order of priority, or not at all for now.

Without weights and priorities the lists are one line: who waits longest is next. A share is told for each call from the
number of calls made so far, so that it holds over any stretch and nothing has to be remembered but that number.

Where a campaign's time zones take turns, each list has a line for each of them. Lists with a weight turn by themselves,
the others of a priority together: such lists are a pool. A turn goes on after the zone that was called last; one that
has nobody due is passed over. So between two calls of a zone with somebody due every other gets one at the most.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection, select, update

from app.store.errors import NotFound
from app.store.schema import campaign_lists, lists, tallies
from app.units import CampaignId, ListId

MAX_WEIGHT: Final = 1_000
MAX_PRIORITY: Final = 100
ALL: Final = 1_000_000
"""How many a list may give where it has no share to keep to."""
_WITHOUT_WEIGHT: Final = -1_000
"""The pool of lists without a weight, of priority 0; pools of weighed lists are by the list's id."""
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
    """A line of a list in a claim. rank: lower ones come first; quota: so many before the others of its rank get more.

    zone: of those who live there, where time zones take turns in a pool of lists: at which `place` of the turn that is
    next, of `turns` zones; 0: they take none, whoever waits longest is next.
    """

    list_id: ListId
    rank: int
    quota: int
    zone: int = 0
    pool: int = 0
    place: int = 0
    turns: int = 0


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


def in_zones(
    found: Iterable[Lane], shares: Iterable[ListShare], zones: Iterable[tuple[ListId, int]], turned: Mapping[int, int]
) -> list[Lane]:
    """Each list's lane as one lane for each of its zones, in turn.

    zones: of which lists there are which, beside the zone 0 of all. turned: how many turns of each pool passed so far.
    """
    of_list: dict[int, set[int]] = {}
    for list_id, zone in zones:
        of_list.setdefault(list_id, set()).add(zone)
    pools = {one.list_id: pool_of(one) for one in shares}
    lines = [
        replace(lane, zone=zone, pool=pools[lane.list_id])
        for lane in found
        for zone in sorted({0} | of_list.get(lane.list_id, set()))
    ]
    turns = {pool: sorted({one.zone for one in lines if one.pool == pool}) for pool in set(pools.values())}
    return [_in_turn(one, turns[one.pool], turned.get(one.pool, 0)) for one in lines]


def _in_turn(lane: Lane, zones: Sequence[int], turned: int) -> Lane:
    return replace(lane, place=(zones.index(lane.zone) - turned) % len(zones), turns=len(zones))


def pool_of(share: ListShare) -> int:
    """The pool of a list, within which time zones take turns."""
    return share.list_id if share.weight else _WITHOUT_WEIGHT - share.priority


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


def turns_passed(conn: Connection, campaign_id: CampaignId) -> dict[int, int]:
    """How many time zones had their turn so far, in each pool of a campaign's lists."""
    of = tallies.c
    found = select(of.key, of.count).where(of.campaign_id == campaign_id, of.kind == "turn")
    return {int(key): count for key, count in conn.execute(found)}


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
