"""One call's way through a flow: events in, commands out. Pure: time, ids and audio are given.

Rules for what comes late, twice or out of turn, all without effect on the call:
- an event of another attempt; anything before `start`; anything after the end (though the disk's word on an opt-out
  and the length of a recording still reach the result);
- the end of a playback or recording other than the one that runs now;
- a key that is no key; a key while a question without barge-in is still being asked.
Keys typed while nothing asks for them are kept, twenty at most, and given to the next question; those that mean
nothing to it fall away. A recording, an opt-out and a question without barge-in begin with none.
Nobody is left in silence: when nothing could be played for two seconds, the call is hung up.
While the floor has the person (a node `agents`) the session keeps no time and ends nothing; what they press while they
talk with an agent is not even noted: it may be a card's number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from app.agent_commands import FloorAnswer
from app.commands import FlowCommand, HangUp
from app.events import (
    CallEnded,
    CallEvent,
    CallLeft,
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
from app.ivr.fields import Words
from app.ivr.flow import TALK_SILENCE_MS, Flow
from app.ivr.needs import VALUE_ALONE, call_fields, prompt_of
from app.ivr.result import EndedBy, FlowResult, KeyPressed, Recording, Step
from app.ivr.turn import Turn
from app.ivr.turns import TransferTurn, turn_of
from app.ivr.voice import SILENCE_MS, Voice
from app.ivr.wording import field_key
from app.model import Audio, Prompt
from app.units import HOUR_MS, AttemptId, Number

MAX_STEPS: Final = 500
MAX_CALL_MS: Final = HOUR_MS
MAX_KEYS_AHEAD: Final = 20
MAX_KEYS_KEPT: Final = 500
MAX_NOTES: Final = 50
MAX_ANSWER: Final = 500
HANGUP_GRACE_MS: Final = 300
"""A playback that failed or a recording that ended may be the first sign of a person hanging up: so long the flow
waits for CallEnded before it goes on."""
_KEYS: Final = frozenset("0123456789*#ABCD")
FlowEvent = CallEvent | DncAdded | StoreFailed | FloorAnswer
"""What a session takes."""


class FlowSession:
    """A call in a flow, from the answer to its end.

    fields: the contact's columns. language: the contact's; the flow's own where it does not speak it. audio: prompts
    rendered before the call; what is missing is asked for (RenderPrompts) when the call comes to it. life: makes the
    names of playbacks and recordings differ from those of a session of this attempt before.
    After each call of `start`, `handle` and `wake` look at `next_deadline_ms` again.
    """

    def __init__(
        self,
        flow: Flow,
        *,
        attempt_id: AttemptId,
        number: Number,
        fields: Mapping[str, str],
        language: str,
        audio: Mapping[Prompt, Audio],
        life: str = "",
    ) -> None:
        self.attempt_id = attempt_id
        self.number = number
        self.language = language
        self.keys_ahead: list[str] = []
        self.talking_since_ms: int | None = None
        self.silent_since_ms: int | None = None
        self._flow = flow
        self._fields = call_fields(flow, fields)
        self._started_at_ms: int | None = None
        self._ended_at_ms: int | None = None
        self._ended_by = EndedBy.RUNNING
        self._now_ms = 0
        self._turn: Turn | None = None
        self._node = ""
        self._ways: list[str | None] = []
        self._wait_until_ms: int | None = None
        self._later: tuple[int, Callable[[], None]] | None = None
        self._floor_since_ms: int | None = None
        self._floor_ms = 0
        self._is_talking = False
        self._recording = ""
        self._commands: list[FlowCommand] = []
        self._stem = f"{attempt_id}-{life}-" if life else f"{attempt_id}-"
        self._voice = Voice(attempt_id, audio, self._commands, self._stem)
        self._path: list[Step] = []
        self._keys: list[KeyPressed] = []
        self._answers: dict[str, str] = {}
        self._recordings: dict[str, Recording] = {}
        self._notes: list[str] = []
        self._machine: bool | None = None
        self._is_silent = False
        self._is_fax = False
        self._opt_out_asked = False
        self._opted_out = False
        self._voicemail_left = False

    # --- the dialer's side -------------------------------------------------------------------------------------------

    def start(self, now_ms: int) -> list[FlowCommand]:
        """The call was answered: begin. Once only."""
        if self._started_at_ms is not None:
            raise ValueError("the session has begun already")
        self._started_at_ms = self._now_ms = now_ms
        self._ways.append(self._flow.start)
        return self._settled()

    def handle(self, event: FlowEvent, now_ms: int) -> list[FlowCommand]:
        """Take an event. StoreFailed counts only while an opt-out waits for the disk."""
        if self._started_at_ms is None or not self._is_mine(event):
            return []
        self._now_ms = max(self._now_ms, now_ms)
        if self.is_over:
            self._take_late(event)
            return []
        self._take(event)
        return self._settled()

    def wake(self, now_ms: int) -> list[FlowCommand]:
        """A deadline may have come; early or needless calls do nothing."""
        if self._started_at_ms is None or self.is_over:
            return []
        self._now_ms = max(self._now_ms, now_ms)
        self._take_deadline()
        return self._settled()

    def missed(self, now_ms: int) -> None:
        """What happened to the call for a while was not told: the end of what was played may be among it."""
        self._voice.missed(now_ms)

    def next_deadline_ms(self) -> int | None:
        """When `wake` is wanted; None once the session is over, before it began, and while the floor has the person."""
        if self._started_at_ms is None or self.is_over or self.is_with_floor:
            return None
        times = [self._started_at_ms + MAX_CALL_MS + self._floor_ms]
        if self._later is not None:
            times.append(self._later[0])
        elif self._voice.speech is not None:
            times.append(self._voice.speech.until_ms)
        elif self._wait_until_ms is not None:
            times.append(self._wait_until_ms)
        return min(times)

    @property
    def is_over(self) -> bool:
        """Whether the flow has nothing more to do with the call: hung up, handed over, or gone."""
        return self._ended_by is not EndedBy.RUNNING

    @property
    def is_with_floor(self) -> bool:
        """Whether the person waits for an agent or is with one."""
        return self._floor_since_ms is not None

    @property
    def is_machine(self) -> bool:
        """Whether a machine was heard to answer."""
        return self._machine is True

    def result(self, now_ms: int) -> FlowResult:
        """What came of it so far."""
        started = self._started_at_ms if self._started_at_ms is not None else now_ms
        ended = self._ended_at_ms if self._ended_at_ms is not None else max(now_ms, self._now_ms)
        return FlowResult(
            attempt_id=self.attempt_id,
            flow=self._flow.name,
            version=self._flow.version,
            language=self.language,
            ended_by=self._ended_by,
            length_ms=max(0, ended - started),
            path=tuple(self._path),
            keys=tuple(self._keys),
            heard=tuple(replace(part, at_ms=max(0, part.at_ms - started)) for part in self._voice.heard),
            answers=dict(self._answers),
            recordings=tuple(self._recordings.values()),
            machine=self._machine,
            fax=self._is_fax,
            is_silent=self._is_silent,
            opted_out=self._opted_out,
            opt_out_failed=self._opt_out_asked and not self._opted_out,
            voicemail_left=self._voicemail_left,
            notes=tuple(self._notes),
        )

    # --- events ------------------------------------------------------------------------------------------------------

    def _is_mine(self, event: FlowEvent) -> bool:
        match event:
            case StoreFailed():
                return True
            case DncAdded():
                return event.number == self.number and event.attempt_id in (None, self.attempt_id)
            case _:
                return event.attempt_id == self.attempt_id

    def _take(self, event: FlowEvent) -> None:
        assert self._turn is not None
        match event:
            case DigitPressed():
                self._take_key(event.digit)
            case PlaybackEnded():
                speech = self._voice.speech
                if speech is not None and event.playback_id == speech.playback_id:
                    self._spoken(has_failed=event.has_failed)
            case PromptsRendered():
                if not self._voice.rendered(event.audio, event.failed, self._now_ms):
                    self._spoken(has_failed=True)
            case RecordingEnded():
                self._take_recording(event)
            case TalkStarted():
                if self.talking_since_ms is None:
                    self.talking_since_ms = self._now_ms
                    self._is_silent = False
                    self._turn.on_talk_started()
            case TalkEnded():
                self.talking_since_ms = None
                self.silent_since_ms = self._now_ms - TALK_SILENCE_MS
                self._turn.on_talk_ended(self._since_answer(event.length_ms))
            case FaxHeard():
                self._turn.on_fax()
            case DncAdded():
                if self._opt_out_asked and not self._opted_out:
                    self._opted_out = True
                    self._turn.on_dnc(is_written=True)
            case StoreFailed():
                self._turn.on_dnc(is_written=False)
            case CommandFailed():
                self._take_failure(event)
            case FloorAnswer():
                self._turn.on_floor(event)
            case CallLeft():
                self._take_leaving()
            case CallEnded():
                self._close(EndedBy.PERSON)
            case _:
                pass  # how the call came about is not the flow's concern

    def _since_answer(self, talk_ms: int) -> int:
        """The part of a stretch of talk that came after the answer: Asterisk hears early media too."""
        return max(0, min(talk_ms, self._since_start() - TALK_SILENCE_MS))

    def _take_key(self, key: str) -> None:
        if key not in _KEYS or self._turn is None or self._is_talking:
            return
        if len(self._keys) < MAX_KEYS_KEPT:
            self._keys.append(KeyPressed(node=self._node, key=key, at_ms=self._since_start()))
        self._is_silent = False
        self._machine = False if self._machine else self._machine  # machines press no keys
        self._turn.on_key(key)
        del self.keys_ahead[MAX_KEYS_AHEAD:]

    def _take_recording(self, event: RecordingEnded) -> None:
        self._note_recording(event)
        if event.name == self._recording and self._turn is not None:
            self._recording = ""
            self._wait_until_ms = None
            turn, is_kept = self._turn, not event.has_failed  # a length of 0 is kept: it is told in whole seconds
            self._soon(lambda: turn.on_recorded(is_kept=is_kept, name=event.name))

    def _note_recording(self, event: RecordingEnded) -> None:
        known = self._recordings.get(event.name)
        if known is not None and known.length_ms is None:
            self._recordings[event.name] = replace(
                known, length_ms=max(0, event.length_ms), has_failed=event.has_failed
            )

    def _take_failure(self, event: CommandFailed) -> None:
        assert self._turn is not None
        speech = self._voice.speech
        if event.command == "Play" and speech is not None and speech.playback_id:
            self._spoken(has_failed=True)
        elif event.command == "RenderPrompts" and speech is not None and not speech.playback_id:
            if not self._voice.give_up_waiting(self._now_ms):
                self._spoken(has_failed=True)
        else:
            self._turn.on_refused(event.command)

    def _take_leaving(self) -> None:
        is_transfer = self.is_with_floor or (isinstance(self._turn, TransferTurn) and self._turn.is_sent)
        if not is_transfer:
            self.note("the call went to the dialplan without being sent there")
        self._close(EndedBy.TRANSFER if is_transfer else EndedBy.ERROR)

    def _take_late(self, event: FlowEvent) -> None:
        match event:
            case DncAdded() if self._opt_out_asked:
                self._opted_out = True
            case RecordingEnded():
                self._note_recording(event)
            case _:
                pass

    def _take_deadline(self) -> None:
        assert self._turn is not None
        assert self._started_at_ms is not None
        now = self._now_ms
        if self.is_with_floor:
            return
        if now >= self._started_at_ms + MAX_CALL_MS + self._floor_ms:
            self.end(EndedBy.ERROR, "the call took an hour")
        elif self._later is not None:
            if now >= self._later[0]:
                _, then = self._later
                self._later = None
                then()
        elif self._voice.speech is not None:
            if now >= self._voice.speech.until_ms:
                self._speech_overdue(is_playing=bool(self._voice.speech.playback_id))
        elif self._wait_until_ms is not None and now >= self._wait_until_ms:
            self._wait_until_ms = None
            self._turn.on_wait_over()

    # --- speaking ----------------------------------------------------------------------------------------------------

    @property
    def is_speaking(self) -> bool:
        return self._voice.speech is not None

    def speak(self, *parts: tuple[str, Words]) -> None:
        self._wait_until_ms = self._later = None
        node = self._flow.nodes[self._node]
        said: list[tuple[str, Prompt]] = []
        for part, words in parts:
            prompt = prompt_of(self._flow, node, words, self._fields, self.language)
            if prompt is None:
                self.note(f"{self._node}: nothing to say in {part}")
            else:
                said.append((part, prompt))
        if not self._voice.begin(self._node, tuple(said), self._now_ms):
            self._spoken(has_failed=bool(said))

    def hush(self) -> None:
        self._voice.hush(self._now_ms)

    def _speech_overdue(self, *, is_playing: bool) -> None:
        if is_playing:
            self.note(f"{self._node}: the end of a playback was never told")
            self._spoken(has_failed=False)
        else:
            self.note(f"{self._node}: a prompt was not ready in time")
            if not self._voice.give_up_waiting(self._now_ms):
                self._spoken(has_failed=True)

    def _spoken(self, *, has_failed: bool) -> None:
        """The speech is over. A second failure, two seconds after the first and nothing heard since, ends the call."""
        assert self._turn is not None
        assert self._voice.speech is not None
        turn, was_playing = self._turn, bool(self._voice.speech.playback_id)
        failing_since = self._voice.failing_since_ms
        is_heard = self._voice.end(self._now_ms, has_failed=has_failed)
        if not has_failed:
            turn.on_spoken(is_heard=is_heard)
            return
        self.note(f"{self._node}: could not be played")
        if failing_since is not None and self._now_ms - failing_since >= SILENCE_MS:
            self.end(EndedBy.ERROR, "nothing could be played")
        elif was_playing:
            self._soon(lambda: turn.on_spoken(is_heard=False))
        else:
            turn.on_spoken(is_heard=False)

    def _soon(self, then: Callable[[], None]) -> None:
        self._later = (self._now_ms + HANGUP_GRACE_MS, then)

    # --- the turns' side (see app.ivr.turns.Call) --------------------------------------------------------------------

    @property
    def now_ms(self) -> int:
        return self._now_ms

    @property
    def fields(self) -> Mapping[str, str]:
        return self._fields

    @property
    def is_opted_out(self) -> bool:
        return self._opted_out

    def wait(self, length_ms: int) -> None:
        self._later = None
        self._wait_until_ms = self._now_ms + max(0, length_ms)

    def go(self, target: str | None) -> None:
        self._ways.append(target)

    def end(self, by: EndedBy, note: str = "") -> None:
        if note:
            self.note(note)
        if by is not EndedBy.TRANSFER:
            self.do(HangUp(attempt_id=self.attempt_id))
        self._close(by)

    def do(self, command: FlowCommand) -> None:
        self._commands.append(command)

    def answer(self, field: str, value: str) -> None:
        self._answers[field] = value[:MAX_ANSWER]
        self._fields[field_key(field)] = value[:MAX_ANSWER]

    def note(self, text: str) -> None:
        if len(self._notes) < MAX_NOTES:
            self._notes.append(text)

    def recording_name(self) -> str:
        name = f"{self._stem}{self._node}"
        again = sum(1 for recording in self._recordings.values() if recording.node == self._node)
        name = name if not again else f"{name}-{again + 1}"
        self._recordings[name] = Recording(node=self._node, name=name)
        self._recording = name
        return name

    def decide(self, *, is_machine: bool | None) -> None:
        self._machine = is_machine
        self._is_silent = is_machine is None

    def hear_fax(self) -> None:
        self._is_fax = True

    def ask_opt_out(self) -> None:
        self._opt_out_asked = True

    def leave_voicemail(self) -> None:
        self._voicemail_left = True

    def yield_to_floor(self, *, is_talking: bool) -> None:
        self._wait_until_ms = self._later = None
        self._is_talking = is_talking
        if self._floor_since_ms is None:
            self._floor_since_ms = self._now_ms

    # --- moving on ---------------------------------------------------------------------------------------------------

    def _settled(self) -> list[FlowCommand]:
        """Go on from node to node until one takes time; then hand out the commands."""
        while self._ways and not self.is_over:
            target = self._ways.pop(0)
            self._ways.clear()
            self._enter(target)
        commands = list(self._commands)
        self._commands.clear()
        return commands

    def _enter(self, target: str | None) -> None:
        assert self._voice.speech is None, "a node is left in silence"
        self._wait_until_ms = self._later = None
        if self._floor_since_ms is not None:
            self._floor_ms += self._now_ms - self._floor_since_ms
        self._floor_since_ms, self._is_talking = None, False
        self._recording = ""
        if target is None:
            self.end(EndedBy.FLOW)
        elif len(self._path) >= MAX_STEPS:
            self.end(EndedBy.ERROR, f"more than {MAX_STEPS} steps in one call")
        else:
            node = self._flow.nodes[target]
            self._node = target
            self._path.append(Step(node=target, at_ms=self._since_start()))
            self._turn = turn_of(self, node, VALUE_ALONE)
            self._turn.begin()

    def _close(self, by: EndedBy) -> None:
        self._voice.cut_off(self._now_ms)
        self._wait_until_ms = self._later = None
        self._ended_by = by
        self._ended_at_ms = self._now_ms

    def _since_start(self) -> int:
        return self._now_ms - (self._started_at_ms or 0)
