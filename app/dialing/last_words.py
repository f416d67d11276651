"""What the floor itself says to a person, as the attempt keeps it: which words, when, and how far they were heard."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from app.ivr.result import Heard
from app.model import Prompt

SAFE_HARBOR: Final = "safe-harbor message"
CONFIRMATION: Final = "no more calls"
"""What stands where a flow has the name of its node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Saying:
    said: Heard
    began_ms: int


class LastWords:
    """The messages of one call, in their order. Times are by the dialer's clock until they are told."""

    __slots__ = ("_now_said", "_over")

    def __init__(self) -> None:
        self._over: list[_Saying] = []
        self._now_said: _Saying | None = None

    def begin(self, what: str, prompt: Prompt, length_ms: int, now_ms: int) -> None:
        """A message is played from now on; one that still was is cut off."""
        self.end(now_ms, is_whole=False)
        said = Heard(
            node=what, part=prompt.text or prompt.sound, language=prompt.language, at_ms=0, heard_ms=0,
            length_ms=length_ms,
        )  # fmt: skip
        self._now_said = _Saying(said=said, began_ms=now_ms)

    def end(self, now_ms: int, *, is_whole: bool, has_failed: bool = False) -> None:
        """It is over: to its end, cut off, or it could not be played. Harmless when nothing is said."""
        if self._now_said is not None:
            self._over.append(_heard(self._now_said, now_ms, is_whole=is_whole, has_failed=has_failed))
            self._now_said = None

    def told(self, since_ms: int | None, now_ms: int) -> tuple[Heard, ...]:
        """All that was heard so far. since_ms: when the call's flow began; None: with the first message."""
        sayings = list(self._over)
        if self._now_said is not None:
            sayings.append(_heard(self._now_said, now_ms, is_whole=False, has_failed=False))
        if since_ms is None:
            since_ms = sayings[0].began_ms if sayings else now_ms
        return tuple(replace(one.said, at_ms=max(0, one.began_ms - since_ms)) for one in sayings)


def _heard(saying: _Saying, now_ms: int, *, is_whole: bool, has_failed: bool) -> _Saying:
    length_ms, lasted_ms = saying.said.length_ms, max(0, now_ms - saying.began_ms)
    heard_ms = length_ms if is_whole and length_ms else min(lasted_ms, length_ms or lasted_ms)
    return replace(saying, said=replace(saying.said, heard_ms=heard_ms, has_failed=has_failed))
