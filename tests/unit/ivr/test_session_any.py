"""Whatever happens in whatever order: nothing raises, the call ends, no opt-out is confirmed before it is on disk."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.agent_commands import FloorAnswer
from app.commands import AddDnc, FlowCommand, HangUp, Play, Record, RenderPrompts, StopPlayback
from app.events import (
    CallEnded,
    CallEvent,
    CallLeft,
    CallRinging,
    CommandFailed,
    DigitPressed,
    DncAdded,
    FaxHeard,
    PlaybackEnded,
    PromptsRendered,
    RecordingEnded,
    StoreFailed,
    TalkEnded,
    TalkStarted,
)
from app.ivr.needs import prompts_needed
from app.ivr.session import FlowEvent, FlowSession
from tests.unit.ivr.build import ATTEMPT, NUMBER, audio_of, flow_of

FLOW = flow_of(
    """
    start: {type: detect, on_person: greeting, on_machine: message, on_silence: greeting}
    greeting: {type: play, text: "Hello {name|you}", barge_in: yes, next: amount}
    amount: {type: say, kind: money, field: sum, currency: EUR, next: choice}
    choice:
      type: menu
      text: Choose
      wrong_key: Wrong
      keys: {1: code, 2: person, 3: speak, 4: greeting, 5: agents, 9: stop, "*": choice}
      repeats: 1
      on_timeout: notice
      on_fail: bye
    notice: {type: menu, text: Notice, barge_in: no, keys: {9: stop, 1: choice}, repeats: 0, on_timeout: bye}
    code: {type: digits, text: Code, into: code, min_digits: 2, max_digits: 3, repeats: 1, next: told, on_fail: bye}
    told: {type: play, text: "You said {code}", next: which}
    which: {type: branch, field: code, cases: [{less: 50, next: small}], else: choice_again}
    small: {type: set, field: size, value: small, next: bye}
    choice_again: {type: menu, text: Again, keys: {1: choice}, on_timeout: bye}
    speak: {type: record, text: Speak, into: message, max_s: 20, next: bye}
    person: {type: transfer, context: agents, extension: "1", text: Wait, on_fail: bye}
    agents: {type: agents, text: Hold on, on_none: choice_again, next: choice_again}
    stop: {type: opt_out, text: CONFIRMED, failed: Sorry, next: bye}
    message: {type: voicemail, text: Message}
    bye: {type: hangup, text: Bye}
    """
)
COMMANDS = ["Play", "StopPlayback", "Record", "SendToExtension", "RenderPrompts", "AddDnc", "HangUp", "?"]
OF_THE_CALL: list[CallEvent] = [
    CallRinging(attempt_id=ATTEMPT),
    CallLeft(attempt_id=ATTEMPT),
    CallEnded(attempt_id=ATTEMPT),
]
FIELDS = {"name": "Ann", "sum": "12.50"}


class AnyCall(RuleBasedStateMachine):
    """A call to which anything may happen."""

    @initialize(is_rendered=st.booleans())
    def begin(self, is_rendered: bool) -> None:
        ready = prompts_needed(FLOW, FIELDS, "en") if is_rendered else ()
        self.now_ms = 1_000
        self.done: list[FlowCommand] = []
        self.is_on_disk = False
        self.session = FlowSession(
            FLOW, attempt_id=ATTEMPT, number=NUMBER, fields=FIELDS, language="en", audio=audio_of(*ready)
        )
        self.take(self.session.start(self.now_ms), was_over=False)

    def take(self, commands: list[FlowCommand], *, was_over: bool) -> None:
        assert not (was_over and commands), "a command after the end"
        for command in commands:
            if isinstance(command, Play) and any("CONFIRMED" in media for media in command.media):
                assert self.is_on_disk, "confirmed before it was on disk"
        assert sum(isinstance(command, HangUp) for command in [*self.done, *commands]) <= 1
        self.done += commands

    def tell(self, event: FlowEvent) -> None:
        was_over = self.session.is_over
        self.take(self.session.handle(event, self.now_ms), was_over=was_over)

    @rule(length_ms=st.sampled_from([0, 1, 299, 1_000, 2_500, 5_000, 61_000, 4_000_000]))
    def time_passes(self, length_ms: int) -> None:
        self.now_ms += length_ms
        was_over = self.session.is_over
        self.take(self.session.wake(self.now_ms), was_over=was_over)

    @rule()
    def the_deadline_comes(self) -> None:
        deadline = self.session.next_deadline_ms()
        if deadline is not None:
            self.now_ms = max(self.now_ms, deadline)
            self.take(self.session.wake(self.now_ms), was_over=False)

    @rule(keys=st.text("0123456789*#A", min_size=1, max_size=4))
    def keys(self, keys: str) -> None:
        for key in keys:
            self.tell(DigitPressed(attempt_id=ATTEMPT, digit=key))

    @rule(number=st.integers(0, 5), has_failed=st.booleans())
    def a_playback_ends(self, number: int, has_failed: bool) -> None:
        played = [command for command in self.done if isinstance(command, Play)]
        if played:
            playback_id = played[-1 - number % len(played)].playback_id
            self.tell(PlaybackEnded(attempt_id=ATTEMPT, playback_id=playback_id, has_failed=has_failed))

    @rule(has_failed=st.booleans())
    def the_playback_ends(self, has_failed: bool) -> None:
        self.a_playback_ends(0, has_failed)

    @rule(is_made=st.booleans())
    def prompts_come(self, is_made: bool) -> None:
        asked = [command for command in self.done if isinstance(command, RenderPrompts)]
        if asked:
            prompts = asked[-1].prompts
            audio = audio_of(*prompts) if is_made else {}
            failed = {} if is_made else dict.fromkeys(prompts, "no voice")
            self.tell(PromptsRendered(attempt_id=ATTEMPT, audio=audio, failed=failed))

    @rule(length_ms=st.integers(-5, 9_000), has_failed=st.booleans())
    def a_recording_ends(self, length_ms: int, has_failed: bool) -> None:
        for command in self.done:
            if isinstance(command, Record):
                self.tell(
                    RecordingEnded(attempt_id=ATTEMPT, name=command.name, length_ms=length_ms, has_failed=has_failed)
                )

    @rule()
    def talk_starts(self) -> None:
        self.tell(TalkStarted(attempt_id=ATTEMPT))

    @rule(length_ms=st.integers(-100, 9_000))
    def talk_ends(self, length_ms: int) -> None:
        self.tell(TalkEnded(attempt_id=ATTEMPT, length_ms=length_ms))

    @rule()
    def a_fax_tone_sounds(self) -> None:
        if self.now_ms % 3 == 0:  # most calls go on for a while
            self.tell(FaxHeard(attempt_id=ATTEMPT))

    @precondition(lambda self: any(isinstance(command, AddDnc) for command in self.done))
    @rule()
    def the_disk_has_it(self) -> None:
        self.is_on_disk = True
        self.tell(DncAdded(number=NUMBER, attempt_id=ATTEMPT))

    @rule()
    def the_disk_refuses(self) -> None:
        self.tell(StoreFailed(reason="locked"))

    @rule(command=st.sampled_from(COMMANDS))
    def a_command_fails(self, command: str) -> None:
        self.tell(CommandFailed(attempt_id=ATTEMPT, command=command, reason="gone"))

    @rule(is_connected=st.booleans(), is_released=st.booleans())
    def the_floor_answers(self, is_connected: bool, is_released: bool) -> None:
        self.tell(FloorAnswer(attempt_id=ATTEMPT, is_connected=is_connected, is_released=is_released))

    @rule(event=st.sampled_from(OF_THE_CALL))
    def something_of_the_call(self, event: CallEvent) -> None:
        if not isinstance(event, CallEnded | CallLeft) or self.now_ms % 7 == 0:  # most calls go on for a while
            self.tell(event)

    @invariant()
    def the_result_can_be_told(self) -> None:
        if hasattr(self, "session"):
            told = self.session.result(self.now_ms).as_json()
            for heard in told["heard"]:
                assert 0 <= heard["heard_ms"] <= (heard["length_ms"] or heard["heard_ms"])
            stops = [command for command in self.done if isinstance(command, StopPlayback)]
            assert len({stop.playback_id for stop in stops}) == len(stops)

    def teardown(self) -> None:
        """Nobody does anything any more, and the floor finds no agent: the call ends by itself."""
        if not hasattr(self, "session"):
            return
        for _ in range(1_000):
            if self.session.is_with_floor and not self.session.is_over:
                self.tell(FloorAnswer(attempt_id=ATTEMPT))
            deadline = self.session.next_deadline_ms()
            if deadline is None:
                break
            self.now_ms = max(self.now_ms, deadline)
            self.take(self.session.wake(self.now_ms), was_over=False)
        assert self.session.is_over


AnyCall.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestAnyCall = AnyCall.TestCase
