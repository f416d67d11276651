"""`simulate`: a campaign on the simulated network, from a seed to a report, in virtual time."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection, func, select

from app.agents import DialingMode
from app.compliance.plan import AT_ANY_TIME
from app.model import Campaign, RetryPolicy
from app.outcomes import ContactStatus, Outcome
from app.sim.faults import NO_FAULTS, Faults
from app.sim.floor_plan import floor_plan_of
from app.sim.house import House, in_haste
from app.sim.lawful import under_law
from app.sim.numbers import numbers_of, trunk_of
from app.sim.plan import START_MS, CampaignPlan, WorldPlan
from app.sim.rules import SILENCE_LIMIT_MS, Violation
from app.sim.trace import Trace
from app.sim.trunks import TrunkKind
from app.sim.world import World
from app.store.schema import campaign_contacts
from app.units import HOUR_MS, MINUTE_MS, SECOND_MS, CampaignId, FlowId, Number, TrunkId

REMINDER: Final = """\
name: Reminder
language: en
start: greeting
nodes:
  greeting: {type: play, text: "Good day. This is a reminder.", next: choice}
  choice:
    type: menu
    text: "To confirm, press 1. To reach a person, press 2. To leave a message, press 3. For no more calls, press 9."
    wrong_key: "There is no such choice."
    keys: {1: thanks, 2: person, 3: message, 9: no_more_calls, "*": greeting}
    timeout_s: 5
    repeats: 1
    on_timeout: goodbye
    on_fail: goodbye
  thanks: {type: hangup, text: "Thank you. Goodbye."}
  person: {type: transfer, context: outring-agents, extension: "1000", text: "One moment, please.", on_fail: goodbye}
  message: {type: record, text: "Leave a message after the beep.", into: message, max_s: 5, next: goodbye}
  no_more_calls: {type: opt_out, text: "You will not be called again. Goodbye.", failed: "Please call us. Goodbye."}
  goodbye: {type: hangup, text: "Goodbye."}
"""
LISTENING: Final = """\
name: Message
language: en
start: who_answered
nodes:
  who_answered: {type: detect, on_person: choice, on_machine: message, on_silence: choice}
  choice:
    type: menu
    text: "To hear no more of us, press 9. To agree, press 1."
    keys: {1: thanks, 9: no_more_calls}
    on_timeout: thanks
    on_fail: thanks
  thanks: {type: hangup, text: "Thank you. Goodbye."}
  no_more_calls: {type: opt_out, text: "You will not be called again. Goodbye.", failed: "Please call us. Goodbye."}
  message: {type: voicemail, text: "Please call us back. Goodbye."}
"""
LISTENING_MS: Final = 45 * SECOND_MS
"""How long the second flow may listen to a machine before it speaks."""
OVERLAP: Final = 0.1
"""Share of the second campaign's numbers that are in the first one's list too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationReport:
    """What came of a run. calls: contacts asked for; placed: calls on the wire; unaccounted: contacts whose end nobody
    wrote down. talked: attempts that came to an agent; refused: what agents asked for when it made no sense.
    seconds: of real time. The same seed, calls, faults, agents and mode give the same report, but for `seconds`."""

    seed: int
    calls: int
    faults: Faults
    mode: str
    agents: int
    contacts: int
    attempts: int
    placed: int
    answered: int
    talked: int
    refused: int
    outcomes: dict[str, int]
    statuses: dict[str, int]
    unaccounted: int
    is_finished: bool
    violations: tuple[Violation, ...]
    leases_run_out: int
    events_lost: int
    trace_lines: int
    trace_sha256: str
    virtual_seconds: float
    seconds: float

    @property
    def has_passed(self) -> bool:
        """No rule broken, the campaigns done, and every contact accounted for."""
        return self.is_finished and not self.violations and not self.unaccounted

    def as_json(self) -> dict[str, Any]:
        """The report for machines."""
        shown = {name: getattr(self, name) for name in self.__slots__ if name not in ("faults", "violations")}
        rates = {name: getattr(self.faults, name) for name in self.faults.__slots__}
        broken = [
            {"rule": found.rule.name.lower(), "what": found.rule.value, "at_ms": found.at_ms, "detail": found.detail}
            for found in self.violations
        ]
        return shown | {"faults": rates, "violations": broken, "has_passed": self.has_passed}


def simulate(
    seed: int,
    calls: int = 1_000,
    *,
    faults: Faults = NO_FAULTS,
    mode: DialingMode = DialingMode.BROADCAST,
    agents: int = 0,
    is_under_law: bool = False,
    out: Callable[[str], None] | None = None,
) -> SimulationReport:
    """Call `calls` contacts by two campaigns over good, rejecting, silent and unknown trunks, in virtual time.

    agents: robots who serve the campaigns; with any, a broadcast sends people to them too. is_under_law: people live in
    many zones, and laws say when and how often they may be called; no clock is stepped then, as who cannot know the
    hour cannot keep to it. out: takes every line of the trace.
    Raises ValueError for fewer than one call, and for a mode that lacks its agents.
    """
    if calls < 1:
        raise ValueError(f"at least one call is needed, not {calls}")
    if agents < (mode is not DialingMode.BROADCAST):
        raise ValueError(f"{mode.value} dialing needs at least one agent, not {agents}")
    began_s = time.perf_counter()
    if faults.are_of_dialers and agents:
        raise ValueError("faults of dialers and their disk are played without agents")
    plan = floor_plan_of(seed, calls, agents=agents, mode=mode) if agents else plan_of(seed, calls)
    if is_under_law:
        plan, faults = under_law(plan, seed), replace(faults, clock_steps_per_hour=0)
    world: World | House
    if faults.are_of_dialers:
        world = House(in_haste(plan, seed), seed=seed, faults=faults, trace=Trace(out))
    else:
        world = World(plan, seed=seed, faults=faults, trace=Trace(out))
    is_finished = world.run()
    statuses = world.store.read(_statuses)
    outcomes = Counter(claim.outcome for claim in world.claims())
    world.store.close()
    unsettled = [ContactStatus.IN_PROGRESS.value]
    if mode is not DialingMode.MANUAL:  # there nobody is called who is not wished for
        unsettled.append(ContactStatus.PENDING.value)
    return SimulationReport(
        seed=seed,
        calls=calls,
        faults=faults,
        mode=mode.value,
        agents=agents,
        contacts=sum(statuses.values()),
        attempts=sum(outcomes.values()),
        placed=world.checker.calls,
        answered=world.checker.answered,
        talked=outcomes[Outcome.CONNECTED_TO_AGENT],
        refused=0 if isinstance(world, House) or world.shift is None else world.shift.refused,
        outcomes={Outcome(number).label: count for number, count in sorted(outcomes.items()) if number is not None},
        statuses=statuses,
        unaccounted=sum(statuses.get(status, 0) for status in unsettled) + outcomes[None],
        is_finished=is_finished,
        violations=tuple(world.checker.violations),
        leases_run_out=world.network.leases_run_out,
        events_lost=world.network.events_lost,
        trace_lines=world.trace.lines,
        trace_sha256=world.trace.sha256,
        virtual_seconds=(world.now_ms - START_MS) / 1_000,
        seconds=time.perf_counter() - began_s,
    )


def plan_of(seed: int, calls: int) -> WorldPlan:
    """The world of a seed: limits, trunks and numbers are drawn from it."""
    rng = random.Random(f"plan {seed}")
    second = calls // 3
    first_numbers = numbers_of(rng, calls - second, 0)
    shared = rng.sample(first_numbers, min(len(first_numbers), int(second * OVERLAP)))
    second_numbers = numbers_of(rng, second - len(shared), len(first_numbers)) + shared
    rng.shuffle(second_numbers)
    lines = rng.randint(10, 120)
    return WorldPlan(
        trunks=(
            trunk_of("main", lines, rng.uniform(2, 40)),
            trunk_of("spare", rng.randint(1, 20), rng.uniform(1, 10)),
            trunk_of("rejecting", 10, 10),
            trunk_of("silent", 10, 10),
            trunk_of("unknown", 10, 10),
        ),
        kinds={
            "main": TrunkKind.GOOD,
            "spare": TrunkKind.GOOD,
            "rejecting": TrunkKind.REJECTING,
            "silent": TrunkKind.SILENT,
        },
        campaigns=(
            _campaign(rng, "reminder", "+99900001", ("rejecting", "main", "spare"), REMINDER, first_numbers),
            _campaign(
                rng, "message", "+99900002", ("silent", "unknown", "main"), LISTENING, second_numbers, LISTENING_MS
            ),
        ),
    )


def _campaign(
    rng: random.Random,
    name: str,
    caller_id: str,
    trunks: tuple[str, ...],
    flow: str,
    numbers: list[Number],
    silence_ms: int = SILENCE_LIMIT_MS,
) -> CampaignPlan:
    campaign = Campaign(
        id=CampaignId(0),
        name=name,
        flow_id=FlowId(0),
        trunks=tuple(TrunkId(trunk) for trunk in trunks),
        compliance=AT_ANY_TIME,
        lines=rng.randint(5, 100),
        calls_per_second=round(rng.uniform(1, 30), 2),
        ring_timeout_ms=rng.randint(15, 40) * SECOND_MS,
        caller_id=caller_id,
        retry=RetryPolicy(max_attempts=rng.randint(1, 3), retry_ms=rng.choice((10 * MINUTE_MS, HOUR_MS, 4 * HOUR_MS))),
    )
    return CampaignPlan(campaign=campaign, flow=flow, numbers=tuple(numbers), silence_ms=silence_ms)


def _statuses(conn: Connection) -> dict[str, int]:
    status = campaign_contacts.c.status
    found = conn.execute(select(status, func.count()).group_by(status).order_by(status))
    return {row[0]: row[1] for row in found}
