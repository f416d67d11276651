"""Flows and calls for the tests: a flow from a few lines, a driver that plays the telephone's side."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.commands import FlowCommand, Play, Record, StopPlayback
from app.events import DigitPressed, DncAdded, PlaybackEnded, RecordingEnded
from app.ivr.flow import Flow
from app.ivr.load import load_flow
from app.ivr.needs import prompts_needed
from app.ivr.result import FlowResult
from app.ivr.session import FlowEvent, FlowSession
from app.model import Audio, Prompt
from app.units import AttemptId, Number

ATTEMPT = AttemptId("a1b2c3d4")
NUMBER = Number("+447700900123")
LENGTH_MS = 2_000
"""How long every prompt of these tests is."""


def flow_of(nodes: str, head: str = "") -> Flow:
    """A flow of these nodes, written as in a file."""
    return load_flow(textwrap.dedent(head) + "\nnodes:\n" + textwrap.indent(textwrap.dedent(nodes), "  "))


def audio_of(*prompts: Prompt) -> dict[Prompt, Audio]:
    return {prompt: Audio(media=f"sound:{prompt.text or prompt.sound}", length_ms=LENGTH_MS) for prompt in prompts}


@dataclass
class Phone:
    """A session with a clock; `said` is what was played, `done` every command so far."""

    flow: Flow
    fields: Mapping[str, str] = field(default_factory=dict)
    language: str = "en"
    is_rendered: bool = True
    now_ms: int = 1_000_000
    done: list[FlowCommand] = field(default_factory=list)

    def __post_init__(self) -> None:
        ready = prompts_needed(self.flow, self.fields, self.language) if self.is_rendered else ()
        self.session = FlowSession(
            self.flow,
            attempt_id=ATTEMPT,
            number=NUMBER,
            fields=self.fields,
            language=self.language,
            audio=audio_of(*ready),
        )

    def start(self) -> Phone:
        self.done += self.session.start(self.now_ms)
        return self

    def tell(self, event: FlowEvent, after_ms: int = 0) -> list[FlowCommand]:
        """Time passes, deadlines and all, then the event comes."""
        self.pass_time(after_ms)
        commands = self.session.handle(event, self.now_ms)
        self.done += commands
        return commands

    def press(self, key: str, after_ms: int = 0) -> list[FlowCommand]:
        return self.tell(DigitPressed(attempt_id=ATTEMPT, digit=key), after_ms)

    def finish_playback(self, after_ms: int = LENGTH_MS, *, has_failed: bool = False) -> list[FlowCommand]:
        return self.tell(
            PlaybackEnded(attempt_id=ATTEMPT, playback_id=self.playing.playback_id, has_failed=has_failed), after_ms
        )

    def finish_recording(self, length_ms: int, after_ms: int = 0) -> list[FlowCommand]:
        return self.tell(RecordingEnded(attempt_id=ATTEMPT, name=self.record.name, length_ms=length_ms), after_ms)

    def write_dnc(self, after_ms: int = 5) -> list[FlowCommand]:
        return self.tell(DncAdded(number=NUMBER, attempt_id=ATTEMPT), after_ms)

    def pass_time(self, length_ms: int) -> list[FlowCommand]:
        """Wake the session at each of its deadlines on the way."""
        until, commands = self.now_ms + length_ms, list[FlowCommand]()
        woken = 0
        while (deadline := self.session.next_deadline_ms()) is not None and deadline <= until:
            self.now_ms = max(self.now_ms, deadline)
            commands += self.session.wake(self.now_ms)
            woken += 1
            assert woken < 10_000, "the session wants to be woken again and again"
        self.now_ms = until
        self.done += commands
        return commands

    @property
    def playing(self) -> Play:
        return next(command for command in reversed(self.done) if isinstance(command, Play))

    @property
    def record(self) -> Record:
        return next(command for command in reversed(self.done) if isinstance(command, Record))

    @property
    def said(self) -> list[str]:
        """The texts and sounds that were played, in order."""
        return [
            media.removeprefix("sound:")
            for command in self.done
            if isinstance(command, Play)
            for media in command.media
        ]

    @property
    def kinds(self) -> list[str]:
        """The commands so far, without what is said."""
        return [type(command).__name__ for command in self.done if not isinstance(command, Play | StopPlayback)]

    @property
    def result(self) -> FlowResult:
        return self.session.result(self.now_ms)

    @property
    def path(self) -> list[str]:
        return [step.node for step in self.result.path]
