"""The laboratory: a scenario played by the production dialer and pacer in virtual time, and what came of it in figures.

The dialer, its store and its rules are those of the program; the network, the phones and the people are simulated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any, Final

from sqlalchemy import Connection, select

from app.agents import DialingMode
from app.commands import Command
from app.compliance.plan import AT_ANY_TIME
from app.dialing.prediction import PacerOf
from app.events import Event, TrunkSet
from app.ivr.builtin import CONNECT_SOURCE
from app.model import Campaign, RetryPolicy, Trunk
from app.outcomes import Outcome
from app.pacing import make_pacer
from app.sim.crowd import Crowd, Ways, number_of, ways_of
from app.sim.plan import START_MS, CampaignPlan, WorldPlan
from app.sim.robots import Hours
from app.sim.scenario import Scenario
from app.sim.shift import FIRST_AGENT, ShiftPlan
from app.sim.temper import GOOD
from app.sim.trace import Trace
from app.sim.trunks import TrunkKind
from app.sim.world import World
from app.store.ended_calls import EndedCall, ended_since
from app.store.schema import agent_sessions, agent_stints, attempts
from app.units import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, AgentId, CampaignId, FlowId, TrunkId

BUSY: Final = frozenset({"talking", "on hold", "wrap-up"})
READY: Final = frozenset({"available", "reserved", "ringing"})
SLICE_MS: Final = 15 * MINUTE_MS
"""A picture has one point for so much time."""
WORST_MS: Final = 5 * MINUTE_MS
FEW_ANSWERS: Final = 100
SETTLED_MS: Final = 30 * MINUTE_MS
"""From then on the running rate of abandonment is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A stretch of the shift: the share of agents' time in work, and who answered and was abandoned in it."""

    from_h: float
    occupancy: float
    answered: int
    abandoned: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftFigures:
    """What came of one shift. Shares are 0 to 1; violations: rules of the wire that were broken.

    occupancy: (talk + hold + wrap-up) ÷ (those + available + reserved). idle_gap_s: how long an agent waited for the
    next person, on average. answered: people who answered in the shift, those too who talk on beyond its end.
    worst_running: of abandoned ÷ answered so far, after half an hour.
    """

    scenario: str
    mode: str
    seed: int
    occupancy: float
    talk_minutes_per_hour: float
    idle_gap_s: float
    answered: int
    abandoned: int
    first_quarter: float
    worst_running: float
    worst_five_minutes: float
    attempts: int
    connected: int
    most_lines: int
    violations: int
    slices: tuple[Slice, ...] = field(repr=False)

    @property
    def abandonment(self) -> float:
        """Abandoned of answered."""
        return self.abandoned / self.answered if self.answered else 0.0

    @property
    def attempts_per_connection(self) -> float:
        """Calls it took to have one person with an agent."""
        return self.attempts / self.connected if self.connected else 0.0

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        found: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__ if name != "slices"}
        found |= {"abandonment": self.abandonment, "attempts_per_connection": self.attempts_per_connection}
        slices = [[one.from_h, round(one.occupancy, 4), one.answered, one.abandoned] for one in self.slices]
        return {name: _short(value) for name, value in found.items()} | {"slices": slices}


def _short(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value


class Untraced(Trace):
    """Nobody reads the trace of a long shift."""

    def heard(self, at_ms: int, event: Event) -> None:
        pass

    def given(self, at_ms: int, command: Command) -> None:
        pass


def play(
    scenario: Scenario, mode: DialingMode, seed: int, *, pacer: str = "", make_pacer: PacerOf = make_pacer
) -> ShiftFigures:
    """Play the shift once, all of its campaigns in this mode. pacer: the name of another's, that make_pacer makes."""
    length_ms = round(scenario.hours * HOUR_MS)
    world = world_of(scenario, mode, seed, make_pacer)
    world.run(length_ms, is_whole=False)
    return world.store.read(
        figures_of, scenario.name, pacer or mode.value, seed, START_MS, length_ms,
        violations=len(world.checker.violations),
    )  # fmt: skip


def world_of(scenario: Scenario, mode: DialingMode, seed: int, make_pacer: PacerOf = make_pacer) -> World:
    """The world of a shift, at its beginning."""
    clock = _Clock()
    crowd = Crowd(scenario.campaigns, seed=seed, start_ms=START_MS, now_ms=clock)
    trunk = Trunk(
        id=TrunkId("main"),
        endpoint="main",
        lines=sum(one.lines for one in scenario.campaigns),
        calls_per_second=sum(one.calls_per_second for one in scenario.campaigns),
        prefixes=("+999",),
    )
    plan = WorldPlan(
        trunks=(trunk,),
        kinds={"main": TrunkKind.GOOD},
        campaigns=tuple(_campaign(scenario, place, mode) for place in range(len(scenario.campaigns))),
        shift=_shift(scenario),
        behaviour=crowd.behaviour_of,
        make_pacer=make_pacer,
    )
    world = World(plan, seed=seed, trace=Untraced())
    clock.world = world
    for outage in scenario.outages:
        for hour, is_enabled in ((outage.from_h, False), (outage.until_h, True)):
            changed = TrunkSet(trunk=replace(trunk, is_enabled=is_enabled))
            world.plan_at(START_MS + round(hour * HOUR_MS), changed)
    return world


class _Clock:
    """The world's time, for people who are made before it."""

    world: World | None = None

    def __call__(self) -> int:
        return START_MS if self.world is None else self.world.now_ms


def _campaign(scenario: Scenario, place: int, mode: DialingMode) -> CampaignPlan:
    one = scenario.campaigns[place]
    longest_wrap_up_ms = round(scenario.wrap_up.median_ms * 30)
    campaign = Campaign(
        id=CampaignId(0),
        name=one.name,
        flow_id=FlowId(0),
        trunks=(TrunkId("main"),),
        compliance=AT_ANY_TIME,
        lines=one.lines,
        calls_per_second=one.calls_per_second,
        ring_timeout_ms=one.ring_for_s * SECOND_MS,
        caller_id=f"+9990000{place + 1}",
        retry=RetryPolicy(max_attempts=1, retry_ms=DAY_MS),
        mode=mode,
        agents=one.plan(max(60 * SECOND_MS, longest_wrap_up_ms)),
    )
    numbers = tuple(number_of(place, contact) for contact in range(one.contacts))
    ways = [ways_of(one, place, contact) for contact in range(one.contacts)]
    return CampaignPlan(
        campaign=campaign,
        flow=CONNECT_SOURCE,
        numbers=numbers,
        phone_kinds=tuple(each.phone_kind for each in ways) if one.phones else (),
        earlier=tuple(_earlier(each) for each in ways) if one.history else (),
    )


def _earlier(ways: Ways) -> Outcome:
    return Outcome.CONNECTED_TO_AGENT if ways.answered else Outcome.NO_ANSWER


def _shift(scenario: Scenario) -> ShiftPlan:
    hours: dict[AgentId, Hours] = {}
    paces: dict[AgentId, float] = {}
    for span in scenario.agents:
        from_ms = START_MS + round(span.from_h * HOUR_MS)
        until_ms = START_MS + round(span.until_h * HOUR_MS)
        for _ in range(span.count):
            paces[AgentId(FIRST_AGENT + len(hours))] = span.pace
            hours[AgentId(FIRST_AGENT + len(hours))] = ((from_ms, until_ms),)
    talk, wrap_up = scenario.talk, scenario.wrap_up
    temper = replace(
        GOOD,
        talk_ms=talk.median_ms,
        talk_spread=talk.sigma,
        wrap_up_ms=wrap_up.median_ms,
        wrap_up_spread=wrap_up.sigma,
        closing_ms=round(scenario.closing_s * SECOND_MS),
    )
    tempers = {
        agent_id: replace(temper, talk_ms=round(temper.talk_ms * pace), wrap_up_ms=round(temper.wrap_up_ms * pace))
        for agent_id, pace in paces.items()
        if pace != 1
    }
    return ShiftPlan(
        agents=len(hours), temper=temper, per_call=0.0, misses=0.0, has_supervisor=False, hours=hours,
        serves_all=True, tempers=tempers,
    )  # fmt: skip


# --- for people ------------------------------------------------------------------------------------------------------

_COLUMNS: Final = ("mode", "in work", "talk/h", "gap", "abandoned", "first 15 min", "worst after 30", "worst 5 min",
                   "calls each", "lines")  # fmt: skip
HEADER: Final = "  ".join(f"{name:>14}" for name in _COLUMNS)


def row(days: Sequence[ShiftFigures]) -> str:
    """One line: the median over the days, and the worst where that is what counts."""

    def mid(name: str) -> float:
        return float(median(getattr(one, name) for one in days))

    def worst(name: str) -> float:
        return float(max(getattr(one, name) for one in days))

    is_settled = days[0].slices[-1].from_h * HOUR_MS >= SETTLED_MS
    cells = (
        days[0].mode, f"{mid('occupancy'):.1%}", f"{mid('talk_minutes_per_hour'):.1f} min",
        f"{mid('idle_gap_s'):.0f} s", f"{mid('abandonment'):.2%} ({worst('abandonment'):.2%})",
        f"{worst('first_quarter'):.2%}", f"{worst('worst_running'):.2%}" if is_settled else "–",
        f"{worst('worst_five_minutes'):.1%}", f"{mid('attempts_per_connection'):.1f}", f"{worst('most_lines'):.0f}",
    )  # fmt: skip
    return "  ".join(f"{cell:>14}" for cell in cells)


def remarks(scenario: Scenario, days: Sequence[ShiftFigures]) -> list[str]:
    """What a reader of the table should know of these days before believing it."""
    found = []
    called = sum(campaign.contacts for campaign in scenario.campaigns)
    if days and all(not day.attempts for day in days):
        found.append("Nobody was called: no agent was ready, or no line was free, in the whole shift.")
    elif exhausted := [day for day in days if day.attempts >= called]:
        modes = ", ".join(dict.fromkeys(day.mode for day in exhausted))
        found.append(
            f"The lists ran out ({modes}): {called:,} contacts were all called before the shift ended, and agents had "
            "nobody left. Give `contacts` more to see a whole shift."
        )
    elif days and all(not day.answered for day in days):
        found.append("Nobody answered in the whole shift: the figures tell nothing.")
    elif few := [day for day in days if day.answered < FEW_ANSWERS]:
        least = min(day.answered for day in few)
        found.append(f"Only {least} people answered in a day: shares of so few jump. Play more or longer days.")
    return found


# --- figures ---------------------------------------------------------------------------------------------------------


def figures_of(
    conn: Connection, scenario: str, mode: str, seed: int, start_ms: int, length_ms: int, *, violations: int = 0
) -> ShiftFigures:
    """The figures of a shift that any dialer has written into this database, simulated or real."""
    end_ms = start_ms + length_ms
    stints = list(_stints(conn, start_ms, end_ms))
    calls = [call for call in _answered(conn) if start_ms <= call.at_ms <= end_ms]
    busy_ms = sum(until - since for state, since, until in stints if state in BUSY)
    ready_ms = sum(until - since for state, since, until in stints if state in READY)
    talk_ms = sum(until - since for state, since, until in stints if state == "talking")
    connected = sum(call.waited_ms is not None for call in calls)
    placed = _placed(conn, end_ms)
    late = sum(call.is_abandoned for call in calls)
    return ShiftFigures(
        scenario=scenario,
        mode=mode,
        seed=seed,
        occupancy=_share(busy_ms, busy_ms + ready_ms),
        talk_minutes_per_hour=60 * _share(talk_ms, busy_ms + ready_ms),
        idle_gap_s=_share(ready_ms / SECOND_MS, connected),
        answered=len(calls),
        abandoned=late,
        first_quarter=_rate([call for call in calls if call.at_ms < start_ms + 15 * MINUTE_MS]),
        worst_running=_worst_running(calls, start_ms),
        worst_five_minutes=_worst_stretch(calls, start_ms),
        attempts=len(placed),
        connected=connected,
        most_lines=_most_at_once(placed),
        violations=violations,
        slices=tuple(_slices(stints, calls, start_ms, length_ms)),
    )


def _answered(conn: Connection) -> list[EndedCall]:
    """People who answered and were meant for an agent, at their answer; those too who still talk with one."""
    ended = {call.attempt_id: call for call in ended_since(conn, 0)}
    of = attempts.c
    found = select(of.id, of.campaign_id, of.answered_at_ms, of.closed_at_ms, of.waited_ms)
    calls = []
    for row in conn.execute(found.where(of.answered_at_ms.is_not(None))):
        call = ended.get(row.id)
        if call is None and row.closed_at_ms is None and row.waited_ms is not None:
            call = EndedCall(
                attempt_id=row.id,
                campaign_id=row.campaign_id,
                at_ms=row.answered_at_ms,
                outcome=Outcome.CONNECTED_TO_AGENT,
                waited_ms=row.waited_ms,
            )
        if call is not None:
            calls.append(replace(call, at_ms=row.answered_at_ms))
    return sorted(calls, key=lambda call: call.at_ms)


def _stints(conn: Connection, start_ms: int, end_ms: int) -> Iterable[tuple[str, int, int]]:
    """Every stretch of every agent's time between: state, from, until."""
    for row in conn.execute(select(agent_stints.c.state, agent_stints.c.from_ms, agent_stints.c.until_ms)):
        if row.from_ms < end_ms and row.until_ms > start_ms:
            yield row.state, max(row.from_ms, start_ms), min(row.until_ms, end_ms)
    now = agent_sessions.c
    for state, since_ms in conn.execute(select(now.state, now.since_ms).where(now.signed_out_at_ms.is_(None))):
        if since_ms < end_ms:
            yield state, max(since_ms, start_ms), end_ms


def _placed(conn: Connection, end_ms: int) -> list[tuple[int, int]]:
    """From when until when each call was up."""
    found = select(attempts.c.placed_at_ms, attempts.c.ended_at_ms).where(attempts.c.placed_at_ms.is_not(None))
    return [(row[0], row[1] or end_ms) for row in conn.execute(found)]


def _most_at_once(spans: Sequence[tuple[int, int]]) -> int:
    steps = sorted([(since, 1) for since, _ in spans] + [(until, -1) for _, until in spans])
    most = up = 0
    for _, step in steps:
        up += step
        most = max(most, up)
    return most


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _rate(calls: Sequence[EndedCall]) -> float:
    return _share(sum(call.is_abandoned for call in calls), len(calls))


def _worst_running(calls: Sequence[EndedCall], start_ms: int) -> float:
    worst, late = 0.0, 0
    for count, call in enumerate(calls, start=1):
        late += call.is_abandoned
        if call.at_ms >= start_ms + SETTLED_MS:
            worst = max(worst, late / count)
    return worst


def _worst_stretch(calls: Sequence[EndedCall], start_ms: int) -> float:
    """The worst rate of any five whole minutes of the shift."""
    by_stretch: dict[int, list[EndedCall]] = {}
    for call in calls:
        by_stretch.setdefault((call.at_ms - start_ms) // WORST_MS, []).append(call)
    return max((_rate(found) for found in by_stretch.values()), default=0.0)


def _slices(
    stints: Sequence[tuple[str, int, int]], calls: Sequence[EndedCall], start_ms: int, length_ms: int
) -> Iterable[Slice]:
    for begin_ms in range(start_ms, start_ms + length_ms, SLICE_MS):
        end_ms = begin_ms + SLICE_MS
        lengths = {True: 0, False: 0}
        for state, since, until in stints:
            if state in BUSY or state in READY:
                lengths[state in BUSY] += max(0, min(until, end_ms) - max(since, begin_ms))
        ended = [call for call in calls if begin_ms <= call.at_ms < end_ms]
        yield Slice(
            from_h=round((begin_ms - start_ms) / HOUR_MS, 2),
            occupancy=_share(lengths[True], lengths[True] + lengths[False]),
            answered=len(ended),
            abandoned=sum(call.is_abandoned for call in ended),
        )
