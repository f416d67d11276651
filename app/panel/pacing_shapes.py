"""What goes in and out of the REST interface about predictive dialing; see app.panel.campaign_shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, Field

from app.agents import PacingPlan, PacingSignal
from app.dialing.snapshot import PacingPicture
from app.pacing.language import Guard
from app.panel.shapes import In, left_out, plain
from app.plan_checks import (
    MAX_ABANDONMENT,
    MAX_CALLS_PER_AGENT,
    MAX_COOL_DOWN_MS,
    MAX_MACHINE_ERROR,
    MAX_RATIO,
    MAX_RING_MS,
    MAX_WINDOW_MS,
    MIN_WINDOW_MS,
    abandonment_problem,
    min_ring_problem,
    ratio_problem,
)
from app.units import DAY_MS, SECOND_MS


def _checked(problem: Callable[[Any], str]) -> AfterValidator:
    """Refuse what has a problem, in the problem's own sentence."""

    def check(value: Any) -> Any:
        if words := problem(value):
            raise ValueError(words)
        return value

    return AfterValidator(check)


def _to(most: float, *, is_default_shown: bool = True) -> Callable[[dict[str, Any]], None]:
    """Limits that a check of our own keeps, told in the document."""

    def tell(schema: dict[str, Any]) -> None:
        schema |= {"minimum": 0, "maximum": most}
        if not is_default_shown:
            left_out(schema)

    return tell


Target = Annotated[float, _checked(abandonment_problem)]
Ratio = Annotated[float, _checked(ratio_problem)]
MinRing = Annotated[int, _checked(min_ring_problem)]


Signal = Literal["line", "phone", "trunk", "hour", "history", "script", "result", "lengths", "closing"]


class PacingBody(In):
    """How far ahead of its agents a predictive campaign dials; kept, and without effect, in the other modes."""

    abandonment_target: Target = Field(
        default=0.01,
        description="people who answer and find no agent within connect_within_ms, of all who answer: what the pacer "
        "steers to; the law caps it at 0.03 (3%); 0: nothing is risked",
        json_schema_extra=_to(MAX_ABANDONMENT),
    )
    window_ms: int = Field(
        default=DAY_MS,
        ge=MIN_WINDOW_MS,
        le=MAX_WINDOW_MS,
        description="over what stretch abandoned people are counted: a day by UK practice, thirty in the US",
    )
    guard: Literal["window", "strict", "deterministic"] = Field(
        default="strict",
        description="strict: the rate stays under the target all along, but for rare bad luck; window: it may be "
        "passed for a while, the window ends under it; deterministic: not even if all calls in flight are answered at "
        "once",
    )
    fixed_ratio: Ratio = Field(
        default=0.0,
        description="calls for each idle agent, 1 to 10, while the abandonment budget lasts; 0: as many as what is "
        "learned from the list allows",
        json_schema_extra=_to(MAX_RATIO),
    )
    min_ring_ms: MinRing = Field(
        default=15 * SECOND_MS,
        description="calls that have rung so long (10,000 to 60,000) may be taken back when too many are in flight; "
        "0: none ever is",
        json_schema_extra=_to(MAX_RING_MS),
    )
    calls_per_agent: float = Field(
        default=10.0, ge=1, le=MAX_CALLS_PER_AGENT, description="calls in flight for each signed-in agent, at most"
    )
    cool_down_ms: int = Field(
        default=3 * DAY_MS, ge=0, le=MAX_COOL_DOWN_MS, description="who was abandoned is not called again before that"
    )

    machine_error: float = Field(
        default=0.01,
        ge=0,
        le=MAX_MACHINE_ERROR,
        description="of the calls that a flow's detection takes for machines, how many are people after all: an "
        "estimate of yours; they count as abandoned",
    )
    signals: list[Signal] = Field(
        default_factory=lambda: [one.value for one in PacingPlan().signals],
        description="what it learns from besides: what is heard on the line, the kind of phone, the trunk, the hour, "
        "the contact's history; the script's step, the result, each agent's own lengths, the key “nearly done”",
    )

    def plan(self) -> PacingPlan:
        """As the dialer has it."""
        signals = tuple(one for one in PacingSignal if one.value in self.signals)
        return PacingPlan(**self.model_dump(exclude={"guard", "signals"}), guard=Guard(self.guard), signals=signals)

    @classmethod
    def of(cls, found: PacingPlan) -> PacingBody:
        """For the wire."""
        signals = [one.value for one in found.signals]
        return cls.model_validate(plain(found) | {"guard": found.guard.value, "signals": signals})


class SteerPacingBody(In):
    """What of predictive dialing may be changed while it goes on; the rest is in PacingBody."""

    abandonment_target: Target = Field(
        default=0.01,
        description="predictive: as in pacing of a campaign's agents",
        json_schema_extra=_to(MAX_ABANDONMENT, is_default_shown=False),
    )
    fixed_ratio: Ratio = Field(
        default=0.0,
        description="predictive: calls for each idle agent, 1 to 10; 0: learned",
        json_schema_extra=_to(MAX_RATIO, is_default_shown=False),
    )
    calls_per_agent: float = Field(
        default=10.0,
        ge=1,
        le=MAX_CALLS_PER_AGENT,
        description="predictive: calls in flight for each signed-in agent, at most",
        json_schema_extra=left_out,
    )


STEERED_PACING: Final = tuple(SteerPacingBody.model_fields)


class PacingAnswer(BaseModel):
    """How a predictive campaign is paced now. why: the last decision, in a sentence, for people.

    answered, abandoned: people of the last window_ms; abandonment: the one of the other; target: what is aimed at.
    budget_left: people who could still be abandoned without passing the target; below 0: it is passed.
    is_spent: too little of it is left to risk anything: one call for each idle agent. mistaken: people who, as is
    estimated, were taken for machines; they are in abandonment and budget_left.
    """

    why: str
    answered: int
    abandoned: int
    abandonment: float
    target: float
    window_ms: int
    budget_left: float
    is_spent: bool
    mistaken: float

    @classmethod
    def of(cls, found: PacingPicture) -> PacingAnswer:
        """For the wire."""
        rounded = {"budget_left": round(found.budget_left, 6), "mistaken": round(found.mistaken, 6)}
        return cls.model_validate(plain(found) | {"abandonment": found.share} | rounded)
