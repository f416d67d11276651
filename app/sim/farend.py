"""What the called side does after it picks up, as a list of moments: the laboratory's table, laid out in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from asterisk.lab.numbers import (
    LONGEST_CALL_MS,
    Behaviour,
    HangUp,
    Listen,
    Press,
    Record,
    Say,
    Tone,
    Wait,
    length_ms,
    timeline,
)

FAX_TONE_HZ: Final = 2_100
FAX_TONE_NOTICED_MS: Final = 930
"""From the beginning of a fax's tone to Asterisk's word of it, as measured; a shorter one is not noticed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A stretch of sound from the far end, `start_ms` ≤ t < `end_ms`."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FarEnd:
    """All that the far end does by itself after the answer; times count from there.

    keys: the moment each key is let go, which is when Asterisk tells of it. fax_tones_ms: when Asterisk has heard
    enough of a fax's tone. hangs_up_ms: when it ends the call.
    """

    keys: tuple[tuple[int, str], ...]
    talks: tuple[Talk, ...]
    hangs_up_ms: int
    fax_tones_ms: tuple[int, ...] = ()


def after_answer(behaviour: Behaviour) -> FarEnd:
    """Lay out the steps of a behaviour one after the other."""
    keys: list[tuple[int, str]] = []
    talks: list[Talk] = []
    fax_tones_ms: list[int] = []
    hangs_up_ms = LONGEST_CALL_MS
    for begins_ms, step in timeline(behaviour):
        match step:
            case Say() | Tone():
                talks.append(Talk(start_ms=begins_ms, end_ms=begins_ms + length_ms(step)))
                if _is_fax_tone(step):
                    fax_tones_ms.append(begins_ms + FAX_TONE_NOTICED_MS)
            case Press():
                keys.append((begins_ms + step.lead_ms + step.duration_ms, step.key))
            case HangUp():
                hangs_up_ms = min(hangs_up_ms, begins_ms)
            case Listen():
                hangs_up_ms = max(hangs_up_ms, step.longest_ms)
            case Wait() | Record():
                pass
            case _:
                assert_never(step)
    return FarEnd(keys=tuple(keys), talks=tuple(talks), hangs_up_ms=hangs_up_ms, fax_tones_ms=tuple(fax_tones_ms))


def _is_fax_tone(step: Say | Tone) -> bool:
    return isinstance(step, Tone) and step.frequency_hz == FAX_TONE_HZ and step.duration_ms >= FAX_TONE_NOTICED_MS


def later(talks: Sequence[Talk], by_ms: int) -> tuple[Talk, ...]:
    """The same stretches of sound, `by_ms` later."""
    return tuple(Talk(start_ms=talk.start_ms + by_ms, end_ms=talk.end_ms + by_ms) for talk in talks)


def stretches(talks: Sequence[Talk], silence_ms: int) -> tuple[Talk, ...]:
    """Join stretches of sound that less than `silence_ms` of silence keeps apart, as a talk detector does."""
    joined: list[Talk] = []
    for talk in talks:
        if joined and talk.start_ms - joined[-1].end_ms < silence_ms:
            joined[-1] = Talk(start_ms=joined[-1].start_ms, end_ms=talk.end_ms)
        else:
            joined.append(talk)
    return tuple(joined)


def silent_at_ms(talks: Sequence[Talk], from_ms: int, silence_ms: int) -> int:
    """When, listening from `from_ms`, a silence of `silence_ms` is first complete."""
    silent_since_ms = from_ms
    for talk in talks:
        if talk.end_ms <= silent_since_ms:
            continue
        if talk.start_ms - silent_since_ms >= silence_ms:
            break
        silent_since_ms = talk.end_ms
    return silent_since_ms + silence_ms
