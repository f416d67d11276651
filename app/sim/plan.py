"""What a simulated world holds at its beginning: trunks, campaigns with their flows, and contacts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection, bindparam, insert, select, update

from app.dialing.prediction import PacerOf
from app.ivr.flow import Flow
from app.ivr.load import load_flow
from app.model import Campaign, Trunk
from app.outcomes import Outcome
from app.pacing import make_pacer
from app.sim.law import STATUTES, Statute
from app.sim.rules import SILENCE_LIMIT_MS, Limits
from app.sim.shift import ShiftPlan
from app.sim.trunks import TrunkKind
from app.store.attaching import attach_list
from app.store.campaigns import create_campaign
from app.store.flows import create_flow
from app.store.lists import create_list, grow_list
from app.store.manual import typed_list_name
from app.store.schema import attempts, contacts, users
from app.store.trunks import create_trunk
from app.units import DAY_MS, CampaignId, ListId, Number, TrunkId
from asterisk.lab.numbers import Behaviour, behaviour_of

START_MS: Final = 1_767_603_600_000
"""Virtual worlds begin on Monday, 5 January 2026, 09:00 UTC."""
PLACE: Final = "Europe/London"
"""Where simulated people live: their numbers are of no country, and who may be anywhere is not called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPlan:
    """A campaign, its flow's file, and the numbers of its list. The id and flow id are given when it is written down.

    The campaign's caller id has to be its own: by it the wire tells campaigns apart. silence_ms: how long a person may
    hear nothing after the answer. phone_kinds: in the places of the numbers, where the list says it. earlier: likewise,
    what came of a call of yesterday; None: there was none.
    """

    campaign: Campaign
    flow: str
    numbers: tuple[Number, ...]
    phone_kinds: tuple[str, ...] = ()
    earlier: tuple[Outcome | None, ...] = ()
    silence_ms: int = SILENCE_LIMIT_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldPlan:
    """Everything a world begins with.

    kinds: what stands behind each trunk's endpoint; one that is missing is unknown to Asterisk. shift: who works on
    the floor; None: nobody. behaviour: what becomes of a call to a number. make_pacer: who paces predictive campaigns.
    zone_of: where who has this number lives (IANA).
    """

    trunks: tuple[Trunk, ...]
    kinds: Mapping[str, TrunkKind]
    campaigns: tuple[CampaignPlan, ...]
    shift: ShiftPlan | None = None
    behaviour: Callable[[str], Behaviour] = behaviour_of
    make_pacer: PacerOf = make_pacer
    zone_of: Callable[[Number], str] = lambda number: PLACE

    def __post_init__(self) -> None:
        shown = [plan.campaign.caller_id for plan in self.campaigns]
        if not all(shown) or len(set(shown)) < len(shown):
            raise ValueError(f"each campaign shows a number of its own, not {shown}")

    @property
    def trunk_limits(self) -> dict[TrunkId, Limits]:
        """What the operator allows each trunk."""
        return {trunk.id: Limits(lines=trunk.lines, calls_per_second=trunk.calls_per_second) for trunk in self.trunks}

    @property
    def statutes(self) -> dict[str, tuple[Statute, ...]]:
        """What the law says of each campaign, by the number it shows, where the wire knows the profile."""
        found = {
            plan.campaign.caller_id: tuple(
                STATUTES[name] for name in plan.campaign.compliance.profiles if name in STATUTES
            )
            for plan in self.campaigns
        }
        return {shown: statutes for shown, statutes in found.items() if statutes}

    @property
    def campaign_limits(self) -> dict[str, Limits]:
        """What the operator allows each campaign, by the number it shows."""
        return {
            plan.campaign.caller_id: Limits(
                lines=plan.campaign.lines,
                calls_per_second=plan.campaign.calls_per_second,
                silence_ms=plan.silence_ms,
                mode=plan.campaign.mode,
                lines_per_agent=plan.campaign.agents.lines_per_agent,
                recording=plan.campaign.agents.recording,
                abandonment_target=plan.campaign.agents.pacing.abandonment_target,
                abandonment_window_ms=plan.campaign.agents.pacing.window_ms,
                connect_within_ms=plan.campaign.agents.connect_within_ms,
            )
            for plan in self.campaigns
        }


def write_down(conn: Connection, plan: WorldPlan, now_ms: int) -> list[tuple[Campaign, Flow]]:
    """Put the plan on disk; answers the campaigns as they are to be started."""
    if plan.shift is not None:
        _write_people(conn, plan.shift, now_ms)
    for trunk in plan.trunks:
        create_trunk(conn, trunk)
    written = [_write_campaign(conn, campaign, plan.zone_of, now_ms) for campaign in plan.campaigns]
    for campaign, _ in written:
        _write_typed(conn, campaign, plan.shift, now_ms)
    return written


def _write_typed(conn: Connection, campaign: Campaign, shift: ShiftPlan | None, now_ms: int) -> None:
    """Numbers that will be typed, in their campaign's list as if they had been: with a place, which +999 has not."""
    typed = [] if shift is None else [number for shown, number in shift.numbers if shown == campaign.caller_id]
    if typed:
        made = create_list(conn, name=typed_list_name(campaign.name), country="GB", now_ms=now_ms)
        add_contacts(conn, made.id, typed, now_ms, keys=typed)


def _write_people(conn: Connection, shift: ShiftPlan, now_ms: int) -> None:
    """The robots, under their own ids; nobody can sign in to the panel as one."""
    rows = [
        {"id": agent_id, "name": f"Robot {agent_id}", "password_hash": "", "role": "agent", "created_at_ms": now_ms}
        for agent_id in shift.ids
    ]
    if rows:
        conn.execute(insert(users), rows)


def _write_campaign(
    conn: Connection, plan: CampaignPlan, zone_of: Callable[[Number], str], now_ms: int
) -> tuple[Campaign, Flow]:
    name = plan.campaign.name
    flow = load_flow(plan.flow, name=name)
    kept = create_flow(conn, name=name, source=plan.flow, now_ms=now_ms)
    contact_list = create_list(conn, name=name, country="GB", now_ms=now_ms)
    add_contacts(conn, contact_list.id, plan.numbers, now_ms, zone_of=zone_of)
    _write_past(conn, contact_list.id, plan, now_ms)
    entry = create_campaign(conn, replace(plan.campaign, flow_id=kept.id), now_ms=now_ms)
    attach_list(conn, entry.campaign.id, contact_list.id, now_ms)
    _write_earlier(conn, entry.campaign.id, contact_list.id, plan, now_ms)
    return entry.campaign, flow


def _write_past(conn: Connection, list_id: ListId, plan: CampaignPlan, now_ms: int) -> None:
    """What the list says of phones."""
    if plan.phone_kinds:
        of = contacts.c
        changed = update(contacts).where(of.list_id == list_id, of.key == bindparam("its_key"))
        kinds = [{"its_key": f"{line}", "its_kind": kind} for line, kind in enumerate(plan.phone_kinds, start=1)]
        conn.execute(changed.values(phone_kinds=bindparam("its_kind")), kinds)


def _write_earlier(conn: Connection, campaign_id: CampaignId, list_id: ListId, plan: CampaignPlan, now_ms: int) -> None:
    """Calls of the day before."""
    if not any(plan.earlier):
        return
    at_ms = now_ms - DAY_MS
    ids = conn.execute(select(contacts.c.id).where(contacts.c.list_id == list_id).order_by(contacts.c.id)).scalars()
    rows = [
        {
            "id": f"earlier{campaign_id}c{contact_id}", "campaign_id": campaign_id, "contact_id": contact_id,
            "number": number, "opened_at_ms": at_ms, "closed_at_ms": at_ms, "outcome": int(outcome),
            "is_charged": True, "is_manual": False,
        }
        for contact_id, number, outcome in zip(ids, plan.numbers, plan.earlier, strict=True)
        if outcome is not None
    ]  # fmt: skip
    conn.execute(insert(attempts), rows)


def add_contacts(
    conn: Connection,
    list_id: ListId,
    numbers: Sequence[Number],
    now_ms: int,
    keys: Sequence[str] = (),
    zone_of: Callable[[Number], str] = lambda number: PLACE,
) -> None:
    """Fill a new list with contacts of these numbers. keys: theirs; their lines, where nothing is said."""
    rows = [
        {
            "list_id": list_id,
            "key": keys[line - 1] if keys else f"{line}",
            "name": f"Contact {line}",
            "phone1": number,
            "time_zone": zone_of(number),
            "fields": {"Line": f"{line}"},
            "source_line": line,
            "created_at_ms": now_ms,
            "updated_at_ms": now_ms,
        }
        for line, number in enumerate(numbers, start=1)
    ]
    if rows:
        conn.execute(insert(contacts), rows)
    grow_list(conn, list_id, len(rows))
