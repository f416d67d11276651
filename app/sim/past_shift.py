"""A scenario made from what a campaign has lived through: who answered when, how long they rang and talked, who worked.

Hours count from the beginning of its work on each day; what an hour has too little of is taken from the whole.
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, func, select

from app.model import Campaign
from app.outcomes import LIVE_ANSWERS, Outcome
from app.sim.scenario import (
    Agents,
    AnswerRate,
    Length,
    Otherwise,
    Scenario,
    ScenarioCampaign,
    ScenarioError,
)
from app.store.ids import earliest_id
from app.store.schema import agent_sessions, attempts, campaign_contacts
from app.units import DAY_MS, HOUR_MS, SECOND_MS

DAYS: Final = 14
FEWEST_CALLS: Final = 100
FEWEST_TALKS: Final = 20
CALLS_AN_HOUR: Final = 50
"""An hour with fewer calls has the rate of the whole."""
STEP_H: Final = 0.25
FAULTS: Final = frozenset(
    {
        Outcome.DIAL_ERROR, Outcome.NO_RINGBACK, Outcome.NO_DIAL_TONE, Outcome.UNSUPPORTED, Outcome.UNAUTHORIZED,
        Outcome.SIP_ERROR, Outcome.DIALER_STOPPED, Outcome.CONTROLLER_LOST, Outcome.RETURNED_UNDIALED,
    }
)  # fmt: skip
"""They say nothing of the list."""


@dataclass(frozen=True, slots=True)
class _Call:
    at_ms: int
    outcome: Outcome
    ring_ms: int | None
    talk_ms: int | None
    wrap_up_ms: int


def scenario_of(conn: Connection, campaign: Campaign, now_ms: int) -> Scenario:
    """The shift this campaign's last days were. Raises ScenarioError where they were too little to tell."""
    calls = _calls(conn, campaign, now_ms - DAYS * DAY_MS)
    talks = [call for call in calls if call.talk_ms]
    if len(calls) < FEWEST_CALLS or len(talks) < FEWEST_TALKS:
        raise ScenarioError(
            f"campaign {campaign.name}: its last {DAYS} days have {len(calls)} calls and {len(talks)} conversations; a "
            f"scenario of its own history needs at least {FEWEST_CALLS} calls and {FEWEST_TALKS} conversations. Write "
            "one by hand instead (docs/laboratory.md)"
        )
    begins = _beginnings(calls)
    agents, hours = _agents(conn, campaign, begins)
    return Scenario(
        name=f"{campaign.name}, as in its last {len(begins)} day(s)",
        agents=agents,
        hours=hours,
        talk=_length([call.talk_ms or 0 for call in talks]),
        wrap_up=_length([call.wrap_up_ms for call in talks if call.wrap_up_ms] or [SECOND_MS]),
        campaigns=(_campaign(conn, campaign, calls, begins),),
    )


def _calls(conn: Connection, campaign: Campaign, since_ms: int) -> list[_Call]:
    of = attempts.c
    found = select(of.placed_at_ms, of.answered_at_ms, of.outcome, of.talk_ms, of.hold_ms, of.wrap_up_ms).where(
        of.campaign_id == campaign.id, of.id >= earliest_id(since_ms), of.placed_at_ms.is_not(None),
        of.closed_at_ms.is_not(None), of.outcome.not_in([int(one) for one in FAULTS]),
    )  # fmt: skip
    return [
        _Call(
            at_ms=row.placed_at_ms,
            outcome=Outcome(row.outcome),
            ring_ms=None if row.answered_at_ms is None else row.answered_at_ms - row.placed_at_ms,
            talk_ms=None if row.talk_ms is None else row.talk_ms + (row.hold_ms or 0),
            wrap_up_ms=row.wrap_up_ms or 0,
        )
        for row in conn.execute(found)
    ]


def _is_answered(call: _Call) -> bool:
    return call.ring_ms is not None and (call.talk_ms is not None or call.outcome in LIVE_ANSWERS)


def _beginnings(calls: Sequence[_Call]) -> dict[int, int]:
    """When work began, by day."""
    begins: dict[int, int] = {}
    for call in calls:
        day = call.at_ms // DAY_MS
        begins[day] = min(begins.get(day, call.at_ms), call.at_ms)
    return begins


def _hour(at_ms: int, begins: dict[int, int]) -> int:
    return (at_ms - begins[at_ms // DAY_MS]) // HOUR_MS


def _campaign(conn: Connection, campaign: Campaign, calls: Sequence[_Call], begins: dict[int, int]) -> ScenarioCampaign:
    by_hour: dict[int, list[bool]] = defaultdict(list)
    for call in calls:
        by_hour[_hour(call.at_ms, begins)].append(_is_answered(call))
    overall = _rate([answer for hour in by_hour.values() for answer in hour])
    rates = [AnswerRate(rate=_rate(by_hour[0]) if len(by_hour[0]) >= CALLS_AN_HOUR else overall)]
    for hour in range(1, max(by_hour) + 1):
        rate = _rate(by_hour[hour]) if len(by_hour[hour]) >= CALLS_AN_HOUR else overall
        rates.append(AnswerRate(rate=rate, from_h=float(hour)))
    others = Counter(call.outcome for call in calls if not _is_answered(call))
    all_others = max(1, sum(others.values()))
    busy, invalid = others[Outcome.BUSY], others[Outcome.NOT_IN_SERVICE] + others[Outcome.INVALID_NUMBER]
    plan = campaign.agents
    return ScenarioCampaign(
        name=campaign.name[:64],
        answered=tuple(rates),
        contacts=_waiting(conn, campaign),
        rings=_length([call.ring_ms or 0 for call in calls if _is_answered(call)]),
        otherwise=Otherwise(
            no_answer=round(1 - (busy + invalid) / all_others, 4) if others else 1.0,
            busy=round(busy / all_others, 4),
            invalid=round(invalid / all_others, 4),
        ),
        ring_for_s=max(5, min(120, campaign.ring_timeout_ms // SECOND_MS)),
        lines=min(2_000, campaign.lines),
        calls_per_second=min(100.0, campaign.calls_per_second),
        priority=plan.priority,
        target=plan.pacing.abandonment_target,
        fixed_ratio=plan.pacing.fixed_ratio,
        lines_per_agent=plan.lines_per_agent,
    )


def _rate(answers: Sequence[bool]) -> float:
    """A share that the scenario can be played with."""
    return round(min(0.99, max(0.002, sum(answers) / max(1, len(answers)))), 4)


def _length(lengths_ms: Sequence[int]) -> Length:
    mean = statistics.fmean(lengths_ms)
    spread = statistics.pstdev(lengths_ms) / mean if mean else 0.0
    return Length(mean=round(max(0.1, mean / SECOND_MS), 2), spread=round(min(3.0, spread), 3))


def _waiting(conn: Connection, campaign: Campaign) -> int:
    """Who is still to be called; nobody left: as many as there were."""
    of = campaign_contacts.c
    count = select(func.count()).where(of.campaign_id == campaign.id)
    waiting: Any = conn.execute(count.where(of.status == "pending")).scalar_one()
    total: Any = conn.execute(count).scalar_one()
    return max(1, min(1_000_000, int(waiting or total)))


def _agents(conn: Connection, campaign: Campaign, begins: dict[int, int]) -> tuple[tuple[Agents, ...], float]:
    """Who served it on its last day, from when until when; and how long that day was."""
    day = max(begins)
    begin_ms, end_ms = begins[day], (day + 1) * DAY_MS
    of = agent_sessions.c
    found = select(of.campaigns, of.signed_in_at_ms, of.signed_out_at_ms).where(of.signed_in_at_ms < end_ms)
    spans: Counter[tuple[float, float]] = Counter()
    for row in conn.execute(found):
        until_ms = min(end_ms, row.signed_out_at_ms or end_ms)
        if campaign.id in row.campaigns and until_ms > begin_ms:
            from_h = _step((max(row.signed_in_at_ms, begin_ms) - begin_ms) / HOUR_MS)
            spans[from_h, max(from_h + STEP_H, _step((until_ms - begin_ms) / HOUR_MS))] += 1
    if not spans:
        raise ScenarioError(f"campaign {campaign.name}: no agent of ours was signed in on its last day")
    hours = min(24.0, max(until_h for _, until_h in spans))
    agents = tuple(
        Agents(count=count, from_h=from_h, until_h=min(24.0, until_h))
        for (from_h, until_h), count in sorted(spans.items())
    )
    return agents, hours


def _step(hours: float) -> float:
    return round(hours / STEP_H) * STEP_H
