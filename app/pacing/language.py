"""What a pacer is told, what it sees and what it answers: plain values, checked where they are made.

Time is integer milliseconds of one clock that never steps backwards (any origin); lengths end in `_ms`. Ages of calls
count from the moment the call was placed, unless `CallRinging` told when its phone began to ring.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

DAY_MS: Final = 24 * 3_600_000


class PacingMode(enum.StrEnum):
    """How calls are placed ahead of agents."""

    PROGRESSIVE = "progressive"
    """One call for each idle agent: nobody is ever abandoned while agents stay."""
    FIXED_RATIO = "fixed ratio"
    """`fixed_ratio` calls for each idle agent, whatever comes of them; near-progressive when the budget is spent."""
    PREDICTIVE = "predictive"
    """As many as the abandonment target allows, learned from what happens."""


class Guard(enum.StrEnum):
    """How sure the predictive mode must be that the target is never passed."""

    WINDOW = "window"
    """The window ends under the target; in between it may be passed for a while."""
    STRICT = "strict"
    """The running rate stays under the target from the first answer on, but for rare bad luck."""
    DETERMINISTIC = "deterministic"
    """It stays there whatever happens, unless agents vanish."""


class CallEnd(enum.StrEnum):
    """How a call ended without a person. Other words are taken too, and count as an end of their own kind."""

    NO_ANSWER = "no answer"
    BUSY = "busy"
    MACHINE = "machine"
    FAILED = "failed"
    """The network refused it: congestion, a bad number."""
    CANCELLED = "cancelled"
    """We hung up: nothing is learned of what would have become of it."""
    FAULT = "fault"
    """A trunk, or we ourselves, failed, at once or after ringing into nothing for long: it says nothing of people."""


def _whole(what: str, value: object, least: int, most: float = math.inf) -> None:
    if isinstance(value, bool) or (not isinstance(value, int) and not hasattr(value, "__index__")):
        raise ValueError(f"{what} must be a whole number, not {value!r}")
    if not least <= value <= most:  # type: ignore[operator]
        raise ValueError(
            f"{what} must be {f'{least} to {most}' if most < math.inf else f'at least {least}'}, not {value}"
        )


def _between(what: str, value: object, least: float, most: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ValueError(f"{what} must be {least} to {most}, not {value!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PacingPolicy:
    """How a campaign is paced.

    abandonment_target: people abandoned of people answered, 0 to 0.2 (0.03: US law, UK practice).
    abandonment_window_ms: over what stretch the law counts: a day, or thirty.
    connect_within_ms: a person not with an agent by then is abandoned (2 s).
    min_ring_ms: a call is never cancelled before it has rung this long (15 s); None: calls are never cancelled.
    lines_limit: calls in flight and with agents, at most. calls_per_agent_limit: calls in flight per signed-in agent.
    fixed_ratio: calls per idle agent in the fixed-ratio mode.
    guard: see `Guard`; of the predictive mode.
    use_signals: whether features of calls, signals on their lines and of agents' desks are learned from, where they are
    given. use_own_lengths: whether each agent's own talks and wrap-ups are, where the snapshot says who is busy.
    machine_error: of calls that ended as a machine's, 0 to 0.2, how many were people: each counts as answered and
    abandoned.
    """

    mode: PacingMode = PacingMode.PREDICTIVE
    abandonment_target: float = 0.03
    abandonment_window_ms: int = DAY_MS
    connect_within_ms: int = 2_000
    min_ring_ms: int | None = 15_000
    lines_limit: int = 1_000
    calls_per_agent_limit: float = 20.0
    fixed_ratio: float = 1.5
    guard: Guard = Guard.STRICT
    use_signals: bool = True
    use_own_lengths: bool = True
    machine_error: float = 0.0

    def __post_init__(self) -> None:
        """Raises ValueError for what makes no sense, saying what would."""
        object.__setattr__(self, "mode", PacingMode(self.mode))
        object.__setattr__(self, "guard", Guard(self.guard))
        _between("the abandonment target", self.abandonment_target, 0, 0.2)
        _whole("the abandonment window (ms)", self.abandonment_window_ms, 60_000)
        _whole("connect within (ms)", self.connect_within_ms, 0, 30_000)
        if self.min_ring_ms is not None:
            _whole("the minimum ring before a call is cancelled (ms)", self.min_ring_ms, 0, 120_000)
        _whole("the limit of lines", self.lines_limit, 0)
        _between("the limit of calls per agent", self.calls_per_agent_limit, 1, 1_000)
        _between("the fixed ratio", self.fixed_ratio, 1, 100)
        _between("the error of detecting machines", self.machine_error, 0, 0.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentJoined:
    """An agent is ready for the first time, or again after a break."""

    at_ms: int
    agent_id: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentLeft:
    """An agent signed out or takes a break."""

    at_ms: int
    agent_id: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPlaced:
    """A call went out. features: what is known of it beforehand ("mobile", "trunk A", "answered before"), any words."""

    at_ms: int
    call_id: Any
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSignal:
    """Something was heard on the line before an answer: "ringing", "early media", "silence 4 s", any word."""

    at_ms: int
    call_id: Any
    signal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSignal:
    """An agent in a talk or wrap-up tells how far they are: "closing", "step 3 of 5", any word. The latest counts."""

    at_ms: int
    agent_id: Any
    signal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonAnswered:
    """A person (as far as one can tell) picked up, `ring_ms` after the call was placed."""

    at_ms: int
    call_id: Any
    ring_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded:
    """A call ended, `ring_ms` after it was placed when nobody had answered. Ends of answered calls are ignored."""

    at_ms: int
    call_id: Any
    outcome: str
    ring_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonConnected:
    """A person who had answered is with an agent, `waited_ms` after the answer."""

    at_ms: int
    call_id: Any
    waited_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonAbandoned:
    """A person who had answered found no agent in time, or hung up waiting for one."""

    at_ms: int
    call_id: Any
    waited_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCounted:
    """People the law counts whom this pacer did not call ahead (by hand, for an agent of their own), and machines.

    Below 0: so many were counted before, and turned out to be none (a machine that an agent talked to).
    """

    at_ms: int
    answered: int = 0
    abandoned: int = 0
    machines: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFreed:
    """An agent is ready again after a call: how long the talk and the wrap-up took."""

    at_ms: int
    agent_id: Any
    talk_ms: int
    wrap_up_ms: int


PacingEvent = (
    AgentJoined
    | AgentLeft
    | CallPlaced
    | CallSignal
    | AgentSignal
    | PersonAnswered
    | CallEnded
    | PersonConnected
    | PersonAbandoned
    | LedgerCounted
    | AgentFreed
)


@dataclass(frozen=True, slots=True)
class BusyAgent:
    """How long a busy agent has talked, or wrapped up."""

    for_ms: int
    is_wrapping: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PacingSnapshot:
    """The floor at one moment.

    idle_agents: agents who could take a person now. talking_ms, wrapping_ms: for how long, one entry per agent.
    ringing_ms: age of each call in flight by its id, since it was placed. people_waiting: have answered, have no agent.
    free_lines: calls that could be placed now. rung_ms: how long each phone has rung, where that is known.
    busy: who talks and wraps up, where it is to count who they are; talking_ms and wrapping_ms have all of them too.
    """

    now_ms: int
    idle_agents: int
    talking_ms: Sequence[int] = ()
    wrapping_ms: Sequence[int] = ()
    ringing_ms: Mapping[Any, int] = field(default_factory=dict)
    people_waiting: int = 0
    free_lines: int = 1_000
    rung_ms: Mapping[Any, int] | None = None
    busy: Mapping[Any, BusyAgent] | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for counts and lengths below zero."""
        if self.idle_agents < 0 or self.people_waiting < 0 or self.free_lines < 0:
            raise ValueError(
                "idle agents, people waiting and free lines must be at least 0, not "
                f"{self.idle_agents}, {self.people_waiting} and {self.free_lines}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PacingDecision:
    """How many calls to place now, which to cancel, and why, in a sentence a supervisor can read."""

    place: int
    cancel: tuple[Any, ...] = ()
    why: str = ""
