"""What came of one call's flow: where it went, what was heard, pressed, answered and recorded."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from app.outcomes import Outcome
from app.units import AttemptId


class EndedBy(enum.Enum):
    """Who or what ended the flow."""

    RUNNING = "still running"
    PERSON = "person hung up"
    FLOW = "flow"
    TRANSFER = "transfer"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A node was entered. at_ms: since the session's start, here and below."""

    node: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPressed:
    """A key, and the node the call was in."""

    node: str
    key: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One part of a node as it was spoken. heard_ms of length_ms; length 0 is unknown (Asterisk's own sounds)."""

    node: str
    part: str
    language: str
    at_ms: int
    heard_ms: int
    length_ms: int
    has_failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recording of the person; length_ms None while it runs or when its end was never told."""

    node: str
    name: str
    length_ms: int | None = None
    has_failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowResult:
    """The whole of it. machine: None when nobody listened for one. fax: its tone was heard, whatever was thought
    before. answers: fields as the flow wrote them.

    opt_out_failed: the person asked for no more calls and the disk did not confirm it in time; whoever closes the
    attempt must see to it that it is written.
    """

    attempt_id: AttemptId
    flow: str
    version: str
    language: str
    ended_by: EndedBy
    length_ms: int
    path: tuple[Step, ...] = ()
    keys: tuple[KeyPressed, ...] = ()
    heard: tuple[Heard, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    recordings: tuple[Recording, ...] = ()
    machine: bool | None = None
    fax: bool = False
    is_silent: bool = False
    opted_out: bool = False
    opt_out_failed: bool = False
    voicemail_left: bool = False
    notes: tuple[str, ...] = ()

    @property
    def suggested_outcome(self) -> Outcome | None:
        """What the flow learned about who answered; None leaves the outcome to the network's facts."""
        if self.fax:
            return Outcome.FAX
        if self.voicemail_left or self.machine is True:
            return Outcome.ANSWERING_MACHINE
        return Outcome.DEAD_AIR if self.is_silent else None

    def as_json(self) -> dict[str, Any]:
        """Plain values for the attempt's row; never changed later, only added to."""
        return {name: _plain(getattr(self, name)) for name in _NAMES[type(self)]}


def _plain(value: Any) -> Any:
    """One value of a result as JSON has it: `dataclasses.asdict` takes five times as long, once for every call."""
    match value:
        case tuple():
            return [_plain(part) for part in value]
        case enum.Enum():
            return value.value
        case Mapping():
            return dict(value)
        case Step() | KeyPressed() | Heard() | Recording():
            return {name: getattr(value, name) for name in _NAMES[type(value)]}
        case _:
            return value


_NAMES: Final[dict[type[Any], tuple[str, ...]]] = {
    kind: tuple(one.name for one in fields(kind)) for kind in (FlowResult, Step, KeyPressed, Heard, Recording)
}
