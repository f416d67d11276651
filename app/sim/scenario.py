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

from app.agents import AgentPlan, DialingMode, PacingPlan, PacingSignal
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
    """So many agents who work in these hours. pace: their talks and wrap-ups are so much longer than others' (1)."""

    count: Count
    pace: Annotated[float, Meta(ge=0.2, le=5)] = 1.0


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


class Kind(_Part, frozen=True, kw_only=True):
    """A kind of phone in the list: its share, and how often its people answer against the others'."""

    phone: Annotated[str, Meta(min_length=1, max_length=20, pattern="^[a-z ]+$")]
    share: Share
    answers: Annotated[float, Meta(ge=0, le=20)] = 1.0


class History(_Part, frozen=True, kw_only=True):
    """This share of the contacts answered a call of yesterday, the others did not; they answer so much more often."""

    answered: Share
    answers: Annotated[float, Meta(ge=0, le=20)] = 3.0


class ScenarioCampaign(_Part, frozen=True, kw_only=True):
    """A campaign on the floor; all agents serve it.

    answered: the chance that a person answers, by hour. rings: from the INVITE to their answer. contacts: in its list.
    target: abandoned of answered, at most. phones, history: what the list tells of its people. silent: of the calls
    that ring out, on how many lines nothing at all is heard. learns_from: the signals the pacer is told.
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
    phones: tuple[Kind, ...] = ()
    history: History | None = None
    silent: Share = 0.0
    learns_from: tuple[PacingSignal, ...] = PacingPlan().signals

    def plan(self, wrap_up_ms: int) -> AgentPlan:
        """How it uses its agents."""
        pacing = PacingPlan(
            abandonment_target=self.target,
            window_ms=DAY_MS,
            fixed_ratio=self.fixed_ratio,
            signals=self.learns_from,
        )
        return AgentPlan(
            lines_per_agent=self.lines_per_agent, wrap_up_ms=wrap_up_ms, priority=self.priority, pacing=pacing
        )

    def rate_at(self, hour: float) -> float:
        """The chance that a person answers at that hour."""
        return [one for one in self.answered if one.from_h <= hour][-1].rate


class Scenario(_Part, frozen=True, kw_only=True):
    """A shift and its campaigns. closing_s: agents press “nearly done” about so long before a talk ends; 0: never."""

    name: str
    agents: tuple[Agents, ...]
    campaigns: tuple[ScenarioCampaign, ...]
    hours: Annotated[float, Meta(gt=0, le=24)] = 8.0
    talk: Length = Length(mean=120, spread=1.0)
    wrap_up: Length = Length(mean=20, spread=0.7)
    outages: tuple[Outage, ...] = ()
    closing_s: Annotated[float, Meta(ge=0, le=120)] = 0.0


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
    return checked(scenario, name)


def checked(scenario: Scenario, name: str = "scenario") -> Scenario:
    """The scenario, if it can be played. Raises ScenarioError."""
    _check(scenario, name)
    return scenario


def write_scenario(scenario: Scenario) -> str:
    """A scenario as the file `read_scenario` reads; what is as by default is left out."""

    def told(part: Any) -> Any:
        if isinstance(part, msgspec.Struct):
            fields = msgspec.structs.fields(type(part))
            found = {one.name: getattr(part, one.name) for one in fields}
            return {one.name: told(found[one.name]) for one in fields if found[one.name] != one.default}
        return [told(one) for one in part] if isinstance(part, tuple) else getattr(part, "value", part)

    text: str = yaml.safe_dump(told(scenario), sort_keys=False, allow_unicode=True, default_flow_style=None)
    return text


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
        if campaign.phones and abs(sum(one.share for one in campaign.phones) - 1) > 0.001:
            raise ScenarioError(f"{name}: campaigns[{place}].phones: the shares are 1 together")
        parts = campaign.otherwise
        if parts.no_answer + parts.busy + parts.invalid <= 0:
            raise ScenarioError(f"{name}: campaigns[{place}].otherwise: something has to become of unanswered calls")
    spans: dict[str, tuple[_Span, ...]] = {"agents": scenario.agents, "outages": scenario.outages}
    for what, found in spans.items():
        for place, span in enumerate(found):
            if span.until_h <= span.from_h:
                raise ScenarioError(f"{name}: {what}[{place}]: until_h must be after from_h {span.from_h:g}")
    if all(one.from_h >= scenario.hours for one in scenario.agents):
        raise ScenarioError(
            f"{name}: agents: nobody works in the {scenario.hours:g} hours of this shift; the first would come at "
            f"{min(one.from_h for one in scenario.agents):g} h"
        )
    if sum(one.count for one in scenario.agents) > 1_000:
        raise ScenarioError(f"{name}: agents: at most 1,000 in all")
