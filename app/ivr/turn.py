"""A turn: a node while it has the call. It asks the call to speak, wait and go on, and never sees events.

The call is a protocol here, so that turns know nothing of playback ids, deadlines and results.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from app.agent_commands import FloorAnswer
from app.commands import FlowCommand
from app.ivr.fields import Words
from app.ivr.nodes import AnyNode
from app.ivr.result import EndedBy
from app.units import AttemptId, Number


class Call(Protocol):
    """The call as a turn sees it."""

    @property
    def attempt_id(self) -> AttemptId: ...
    @property
    def number(self) -> Number: ...
    @property
    def language(self) -> str: ...
    @property
    def now_ms(self) -> int: ...
    @property
    def fields(self) -> Mapping[str, str]:
        """By key."""

    @property
    def keys_ahead(self) -> list[str]:
        """Keys typed before anything asked for them, oldest first."""

    @property
    def talking_since_ms(self) -> int | None: ...
    @property
    def silent_since_ms(self) -> int | None:
        """When the last sound from the far end ended; None when there was none."""

    @property
    def is_speaking(self) -> bool: ...
    @property
    def is_opted_out(self) -> bool: ...

    def speak(self, *parts: tuple[str, Words]) -> None:
        """Say these, then `on_spoken`."""

    def hush(self) -> None:
        """Fall silent at once; no `on_spoken` follows."""

    def wait(self, length_ms: int) -> None:
        """`on_wait_over` after this long, unless another wait or the next node comes first."""

    def go(self, target: str | None) -> None:
        """On to a node; None ends the call."""

    def end(self, by: EndedBy, note: str = "") -> None:
        """The call is over, by HangUp."""

    def do(self, command: FlowCommand) -> None: ...
    def answer(self, field: str, value: str) -> None: ...
    def note(self, text: str) -> None: ...
    def recording_name(self) -> str:
        """A fresh name for a recording of this node, noted in the result."""

    def decide(self, *, is_machine: bool | None) -> None:
        """Who answered, as far as listening tells; None is silence."""

    def hear_fax(self) -> None:
        """A fax machine answered."""

    def ask_opt_out(self) -> None:
        """The person wants no more calls; whether the disk has it is told by `on_dnc`."""

    def leave_voicemail(self) -> None: ...
    def yield_to_floor(self, *, is_talking: bool) -> None:
        """The floor has the person: no deadline of the flow counts until the next node; is_talking: nor does a key."""


class Turn:
    """A node that has the call. What a turn does not care about, it ignores; keys are kept for the next question."""

    def __init__(self, call: Call, node: AnyNode) -> None:
        self.call = call
        self.own = next((words for part, words in node.utterances() if part == "prompt"), None)

    def begin(self) -> None:
        """The call has come to this node."""

    def on_spoken(self, *, is_heard: bool) -> None:
        """What was asked to be said is over; is_heard False: it could not be played."""

    def on_key(self, key: str) -> None:
        self.call.keys_ahead.append(key)

    def on_wait_over(self) -> None:
        """The wait is over."""

    def on_talk_started(self) -> None:
        """The far end began to make sound."""

    def on_talk_ended(self, length_ms: int) -> None:
        """The far end has been silent for TALK_SILENCE_MS after `length_ms` of sound."""

    def on_fax(self) -> None:
        """The far end sounds the tone of a fax."""

    def on_recorded(self, *, is_kept: bool, name: str) -> None:
        """The recording asked for is over."""

    def on_dnc(self, *, is_written: bool) -> None:
        """The do-not-call list's disk has answered."""

    def on_floor(self, answer: FloorAnswer) -> None:
        """The floor has answered."""

    def on_refused(self, command: str) -> None:
        """A command of this turn could not be done."""

    def say_own(self) -> None:
        """Speak the node's own prompt; a node without one has spoken at once."""
        if self.own is None:
            self.on_spoken(is_heard=True)
        else:
            self.call.speak(("prompt", self.own))
