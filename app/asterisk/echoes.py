"""What Asterisk says twice, heard once.

Whoever listens to a phone's endpoint (app.asterisk.reach) hears all that happens to its channels a second time, and the
recording of a room is told by the room and by its recorder. The copies are alike to the millisecond of their stamp.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from app.asterisk.ari import models as ari
from app.asterisk.names import attempt_of

REMEMBERED: Final = 64
"""Messages about phones and rooms; the copy comes within a few."""


class Echoes:
    """Tells copies."""

    def __init__(self) -> None:
        self._latest: deque[Any] = deque(maxlen=REMEMBERED)

    def is_echo(self, message: Any) -> bool:
        """Whether the very same was said before; calls to people, the many, are told once and not looked at."""
        if not _may_be_told_twice(message):
            return False
        if message in self._latest:
            return True
        self._latest.append(message)
        return False


def _may_be_told_twice(message: Any) -> bool:
    match message:
        case ari.Dial(peer=channel):
            return attempt_of(channel.id) is None
        case (
            ari.PlaybackFinished(playback=sound)
            | ari.RecordingFinished(recording=sound)
            | ari.RecordingFailed(recording=sound)
        ):
            return attempt_of(sound.target_uri.removeprefix("channel:")) is None
        case ari.EndpointStateChange():
            return False
        case _:
            whose: ari.Channel | None = getattr(message, "channel", None)
            return whose is not None and attempt_of(whose.id) is None
