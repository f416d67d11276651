"""A scenario: a floor and its lists as a supervisor would describe tomorrow's shift, read from a YAML file.

Times of the day count in hours from the beginning. Lengths have a mean and a spread (standard deviation ÷ mean), and
are log-normal, as talks and wrap-ups mostly are.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Final

import msgspec
import yaml
from msgspec import Meta

from app.agents import AgentPlan, DialingMode, PacingPlan
from app.units import DAY_MS

Share = Annotated[float, Meta(ge=0, le=1)]
Rate = Annotated[float, Meta(gt=0, lt=1)]
Hours = Annotated[float, Meta(ge=0, le=24)]
Count = Annotated[int, Meta(ge=1, le=1_000)]
MODES: Final = (DialingMode.PREDICTIVE, DialingMode.PROGRESSIVE)


class ScenarioError(ValueError):
    """What the file says makes no sense; the message names the place and the mend."""


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the file; what it does not know is a mistake of whoever wrote it."""


class Length(_Part, frozen=True, kw_only=True):
    """A length of time, in seconds. spread: standard deviation ÷ mean."""

    mean: Annotated[float, Meta(gt=0, le=7_200)]
    spread: Annotated[float, Meta(ge=0, le=3)] = 1.0

    @property
    def sigma(self) -> float:
        """Standard deviation of the logarithm."""
        return math.sqrt(math.log1p(self.spread**2))

    @property
    def median_ms(self) -> int:
        """Half of them are shorter."""
        return max(1, round(1_000 * self.mean * math.exp(-(self.sigma**2) / 2)))


class _Span(_Part, frozen=True, kw_only=True):
    """From one hour to another."""

    from_h: Hours = 0.0
    until_h: Hours = 24.0


class Agents(_Span, frozen=True, kw_only=True):
    """So many agents who work in these hours."""

    count: Count


class AnswerRate(_Part, frozen=True, kw_only=True):
    """From this hour on, so many calls are answered by a person."""

    rate: Rate
    from_h: Hours = 0.0


class Outage(_Span, frozen=True, kw_only=True):
    """The trunk is switched off in these hours."""


class Otherwise(_Part, frozen=True, kw_only=True):
    """What becomes of calls that no person answers, in parts: rings out, busy, no such number."""

    no_answer: Share = 0.75
    busy: Share = 0.2
    invalid: Share = 0.05


class ScenarioCampaign(_Part, frozen=True, kw_only=True):
    """A campaign on the floor; all agents serve it.

    answered: the chance that a person answers, by hour. rings: from the INVITE to their answer. contacts: in its list.
    target: abandoned of answered, at most.
    """

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    answered: tuple[AnswerRate, ...]
    contacts: Annotated[int, Meta(ge=1, le=1_000_000)] = 100_000
    rings: Length = Length(mean=12, spread=0.5)
    otherwise: Otherwise = Otherwise()
    ring_for_s: Annotated[int, Meta(ge=5, le=120)] = 28
    lines: Annotated[int, Meta(ge=1, le=2_000)] = 500
    calls_per_second: Annotated[float, Meta(gt=0, le=100)] = 50.0
    priority: int = 0
    target: Annotated[float, Meta(ge=0, le=0.03)] = 0.03
    fixed_ratio: Annotated[float, Meta(ge=0, le=10)] = 0.0
    lines_per_agent: Annotated[int, Meta(ge=1, le=10)] = 1

    def plan(self, wrap_up_ms: int) -> AgentPlan:
        """How it uses its agents."""
        pacing = PacingPlan(abandonment_target=self.target, window_ms=DAY_MS, fixed_ratio=self.fixed_ratio)
        return AgentPlan(
            lines_per_agent=self.lines_per_agent, wrap_up_ms=wrap_up_ms, priority=self.priority, pacing=pacing
        )

    def rate_at(self, hour: float) -> float:
        """The chance that a person answers at that hour."""
        return [one for one in self.answered if one.from_h <= hour][-1].rate


class Scenario(_Part, frozen=True, kw_only=True):
    """A shift and its campaigns."""

    name: str
    agents: tuple[Agents, ...]
    campaigns: tuple[ScenarioCampaign, ...]
    hours: Annotated[float, Meta(gt=0, le=24)] = 8.0
    talk: Length = Length(mean=120, spread=1.0)
    wrap_up: Length = Length(mean=20, spread=0.7)
    outages: tuple[Outage, ...] = ()


def read_scenario(text: str, *, name: str = "scenario") -> Scenario:
    """A scenario from YAML. Raises ScenarioError, naming the place, for what cannot be played."""
    try:
        found: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ScenarioError(f"{name}: not YAML: {error}") from error
    if not isinstance(found, dict):
        raise ScenarioError(f"{name}: begins with `name:`, `agents:` and `campaigns:`; see docs/laboratory.md")
    found.setdefault("name", name)
    try:
        scenario = msgspec.convert(found, Scenario)
    except msgspec.ValidationError as error:
        raise ScenarioError(f"{name}: {_in_words(str(error))}") from error
    _check(scenario, name)
    return scenario


def _in_words(error: str) -> str:
    """`Expected … - at `$.campaigns[0].rate`` as a place and a reason."""
    reason, _, place = error.partition(" - at ")
    return f"{place.strip('`').removeprefix('$.')}: {reason}" if place else reason


def _check(scenario: Scenario, name: str) -> None:
    if not scenario.agents:
        raise ScenarioError(f"{name}: agents: nobody works; write `- {{count: 10}}`")
    if not scenario.campaigns:
        raise ScenarioError(f"{name}: campaigns: there is none; write at least one with a name and `answered`")
    names = [campaign.name for campaign in scenario.campaigns]
    if len(set(names)) < len(names):
        raise ScenarioError(f"{name}: campaigns: two have one name")
    for place, campaign in enumerate(scenario.campaigns):
        hours = [one.from_h for one in campaign.answered]
        if not hours or hours[0] != 0 or hours != sorted(set(hours)):
            raise ScenarioError(
                f"{name}: campaigns[{place}].answered: begins with `- {{rate: 0.2}}` and goes on in order of `from_h`"
            )
        parts = campaign.otherwise
        if parts.no_answer + parts.busy + parts.invalid <= 0:
            raise ScenarioError(f"{name}: campaigns[{place}].otherwise: something has to become of unanswered calls")
    spans: dict[str, tuple[_Span, ...]] = {"agents": scenario.agents, "outages": scenario.outages}
    for what, found in spans.items():
        for place, span in enumerate(found):
            if span.until_h <= span.from_h:
                raise ScenarioError(f"{name}: {what}[{place}]: until_h must be after from_h {span.from_h:g}")
    if sum(one.count for one in scenario.agents) > 1_000:
        raise ScenarioError(f"{name}: agents: at most 1,000 in all")
