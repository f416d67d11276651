"""What is being said in a call: the prompts it needs, the playback that runs, and how far each part was heard.

Pure. The session asks it to speak and tells it what the world answered; it hands commands to the session's list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from app.commands import FlowCommand, Play, RenderPrompts, StopPlayback
from app.ivr.result import Heard
from app.model import Audio, Prompt
from app.units import MINUTE_MS, SECOND_MS, AttemptId

SILENCE_MS: Final = 2_000
"""The longest a person hears nothing because something cannot be played."""
LOST_PLAYBACK_MS: Final = 5 * SECOND_MS
"""How much longer than its length the end of a playback is waited for."""
MISSED_PLAYBACK_MS: Final = 300
"""The same, where its end may have been missed."""
UNKNOWN_LENGTH_MS: Final = MINUTE_MS
"""How long a sound of unknown length (Asterisk's own) is taken to be at most."""


@dataclass(slots=True, kw_only=True)
class Speech:
    """Parts with their prompts. playback_id is empty until it plays; played: part, prompt and length in ms."""

    node: str
    parts: tuple[tuple[str, Prompt], ...]
    asked_at_ms: int
    until_ms: int = 0
    playback_id: str = ""
    played: tuple[tuple[str, Prompt, int], ...] = ()
    played_at_ms: int = 0


class Voice:
    """One thing said at a time. failing_since_ms: since when nothing could be played, None while all is well.

    stem: what the names of playbacks begin with.
    """

    def __init__(
        self, attempt_id: AttemptId, audio: Mapping[Prompt, Audio], commands: list[FlowCommand], stem: str
    ) -> None:
        self.speech: Speech | None = None
        self.failing_since_ms: int | None = None
        self.heard: list[Heard] = []
        """`at_ms` is by the clock here; the session turns it into time since its start."""
        self._attempt_id = attempt_id
        self._stem = stem
        self._rendered = audio
        self._audio: dict[Prompt, Audio] = {}
        self._unmade: set[Prompt] = set()
        self._playbacks = 0
        self._commands = commands

    def begin(self, node: str, parts: tuple[tuple[str, Prompt], ...], now_ms: int) -> bool:
        """Say the parts, or ask for the prompts that are missing first. False when nothing can be played."""
        assert self.speech is None, "one thing at a time"
        speech = self.speech = Speech(node=node, parts=parts, asked_at_ms=now_ms)
        missing = self._missing(speech)
        if not missing:
            return self._play(speech, now_ms)
        since = now_ms if self.failing_since_ms is None else self.failing_since_ms
        speech.until_ms = max(now_ms, since + SILENCE_MS)
        self._commands.append(RenderPrompts(attempt_id=self._attempt_id, prompts=missing))
        return True

    def rendered(self, audio: Mapping[Prompt, Audio], failed: Iterable[Prompt], now_ms: int) -> bool:
        """Prompts have come, or will not. False when the speech that waited for them cannot be played."""
        self._audio.update(audio)
        self._unmade.update(prompt for prompt in failed if self._find(prompt) is None)
        speech = self.speech
        if speech is None or speech.playback_id or self._missing(speech):
            return True
        return self._play(speech, now_ms)

    def give_up_waiting(self, now_ms: int) -> bool:
        """Wait no longer for prompts: play what there is. False when that is nothing."""
        assert self.speech is not None
        self._unmade.update(self._missing(self.speech))
        return self._play(self.speech, now_ms)

    def end(self, now_ms: int, *, has_failed: bool) -> bool:
        """The speech is over, played to its end or failed; whether the person heard anything to its end."""
        speech, self.speech = self.speech, None
        assert speech is not None
        self._note(speech, now_ms, is_whole=not has_failed, has_failed=has_failed)
        if has_failed and self.failing_since_ms is None:
            self.failing_since_ms = speech.asked_at_ms if not speech.playback_id else now_ms
        elif speech.played and not has_failed:
            self.failing_since_ms = None
        return bool(speech.played) and not has_failed

    def missed(self, now_ms: int) -> None:
        """What happened for a while was not told: what should be over by now is, and nobody waits for its end."""
        if self.speech is not None and self.speech.playback_id:
            shorter_ms = self.speech.until_ms - LOST_PLAYBACK_MS + MISSED_PLAYBACK_MS
            self.speech.until_ms = max(now_ms, shorter_ms)

    def hush(self, now_ms: int) -> None:
        """Fall silent at once; the playback's end is no longer of interest."""
        speech, self.speech = self.speech, None
        if speech is not None and speech.playback_id:
            self._commands.append(StopPlayback(attempt_id=self._attempt_id, playback_id=speech.playback_id))
            self._note(speech, now_ms, is_whole=False)
            self.failing_since_ms = None

    def cut_off(self, now_ms: int) -> None:
        """The call is over: note how far the person heard."""
        speech, self.speech = self.speech, None
        if speech is not None:
            self._note(speech, now_ms, is_whole=False)

    def _find(self, prompt: Prompt) -> Audio | None:
        return self._audio.get(prompt) or self._rendered.get(prompt)

    def _missing(self, speech: Speech) -> tuple[Prompt, ...]:
        wanted = dict.fromkeys(prompt for _, prompt in speech.parts)
        return tuple(prompt for prompt in wanted if self._find(prompt) is None and prompt not in self._unmade)

    def _play(self, speech: Speech, now_ms: int) -> bool:
        found = [(part, prompt, self._find(prompt)) for part, prompt in speech.parts]
        for part, prompt, audio in found:
            if audio is None:
                self._hear(speech, part, prompt, at_ms=now_ms, heard_ms=0, length_ms=0, has_failed=True)
        ready = [(part, prompt, audio) for part, prompt, audio in found if audio is not None]
        if not ready:
            return False
        self._playbacks += 1
        speech.playback_id = f"{self._stem}{self._playbacks}"
        speech.played = tuple((part, prompt, audio.length_ms) for part, prompt, audio in ready)
        speech.played_at_ms = now_ms
        length_ms = sum(audio.length_ms or UNKNOWN_LENGTH_MS for _, _, audio in ready)
        speech.until_ms = now_ms + length_ms + LOST_PLAYBACK_MS
        media = tuple(audio.media for _, _, audio in ready)
        self._commands.append(Play(attempt_id=self._attempt_id, playback_id=speech.playback_id, media=media))
        return True

    def _note(self, speech: Speech, now_ms: int, *, is_whole: bool, has_failed: bool = False) -> None:
        """How far each part was heard, by the time since the playback was asked for."""
        at = speech.played_at_ms
        for part, prompt, length in speech.played:
            left = max(0, now_ms - at)
            heard = length if is_whole and length else min(left, length or left)
            self._hear(
                speech,
                part,
                prompt,
                at_ms=min(at, now_ms),
                heard_ms=heard,
                length_ms=length,
                has_failed=has_failed and (not length or heard < length),
            )
            at += length or heard

    def _hear(
        self, speech: Speech, part: str, prompt: Prompt, *, at_ms: int, heard_ms: int, length_ms: int, has_failed: bool
    ) -> None:
        noted = Heard(
            node=speech.node,
            part=part,
            language=prompt.language,
            at_ms=at_ms,
            heard_ms=heard_ms,
            length_ms=length_ms,
            has_failed=has_failed,
        )
        self.heard.append(noted)
