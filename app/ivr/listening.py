"""Nodes that listen to the far end: who answered, and when a machine takes messages."""

from __future__ import annotations

from typing import Final

from app.ivr import nodes
from app.ivr.result import EndedBy
from app.ivr.turn import Call, Turn
from app.units import SECOND_MS

LATE_BEEP_MS: Final = 5_000
"""A machine that makes sound within this of the message's beginning had not finished: the message begins anew."""
MESSAGE_TRIES: Final = 3


class ListeningTurn(Turn):
    """A turn that tells a fax by its tone: nobody is there to be spoken to, so the call ends at once."""

    def on_fax(self) -> None:
        self.call.hear_fax()
        self.call.end(EndedBy.FLOW)


class DetectTurn(ListeningTurn):
    """Talk lengths alone: a long first stretch is a machine, a short one a person; doubt is a person."""

    def __init__(self, call: Call, node: nodes.Detect) -> None:
        super().__init__(call, node)
        self.node = node

    def begin(self) -> None:
        if self.call.talking_since_ms is None:
            self.call.wait(int(self.node.silence_s * SECOND_MS))
        else:
            self._await_long_talk()

    def _await_long_talk(self) -> None:
        assert self.call.talking_since_ms is not None
        self.call.wait(self.call.talking_since_ms + self.node.machine_ms - self.call.now_ms)

    def on_talk_started(self) -> None:
        self._await_long_talk()

    def on_talk_ended(self, length_ms: int) -> None:
        self._decide(is_machine=length_ms >= self.node.machine_ms)

    def on_wait_over(self) -> None:
        if self.call.talking_since_ms is not None:
            self._decide(is_machine=True)
        elif self.call.silent_since_ms is not None:
            self._decide(is_machine=False)
        else:
            self.call.decide(is_machine=None)
            self.call.go(self.node.on_silence or self.node.on_person)

    def on_key(self, key: str) -> None:
        """Machines press no keys. The key is kept."""
        super().on_key(key)
        self._decide(is_machine=False)

    def _decide(self, *, is_machine: bool) -> None:
        self.call.decide(is_machine=is_machine)
        self.call.go(self.node.on_machine if is_machine else self.node.on_person)


class VoicemailTurn(ListeningTurn):
    """Speaks once the far end's sound (greeting, beep) has been followed by silence; begins anew on a late beep."""

    def __init__(self, call: Call, node: nodes.Voicemail) -> None:
        super().__init__(call, node)
        self.node = node
        self.give_up_ms = 0
        self.spoke_at_ms = 0
        self.tries = 0

    def begin(self) -> None:
        self.give_up_ms = self.call.now_ms + int(self.node.max_wait_s * SECOND_MS)
        self._listen()

    def _listen(self) -> None:
        until = self.give_up_ms
        if self.call.talking_since_ms is None and self.call.silent_since_ms is not None:
            until = min(until, self.call.silent_since_ms + self.node.silence_ms)
        self.call.wait(max(0, until - self.call.now_ms))

    def on_talk_started(self) -> None:
        if self.call.is_speaking:
            is_early = self.call.now_ms - self.spoke_at_ms <= LATE_BEEP_MS
            if not is_early or self.tries >= MESSAGE_TRIES:
                return
            self.call.hush()
        self._listen()

    def on_talk_ended(self, length_ms: int) -> None:
        if not self.call.is_speaking:
            self._listen()

    def on_wait_over(self) -> None:
        self.tries += 1
        self.spoke_at_ms = self.call.now_ms
        self.say_own()

    def on_spoken(self, *, is_heard: bool) -> None:
        if is_heard:
            self.call.leave_voicemail()
        self.call.end(EndedBy.FLOW)
