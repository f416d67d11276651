"""Nodes that ask: one key, several digits, a recording."""

from __future__ import annotations

from typing import Final

from app.commands import Record
from app.ivr import nodes
from app.ivr.fields import Words
from app.ivr.turn import Call, Turn
from app.units import SECOND_MS

RECORD_GRACE_MS: Final = 5_000
"""How much longer than its limit a recording's end is waited for."""


class MenuTurn(Turn):
    def __init__(self, call: Call, node: nodes.Menu) -> None:
        super().__init__(call, node)
        self.node = node
        self.asked = 0

    def begin(self) -> None:
        typed = list(self.call.keys_ahead) if self.node.barge_in else []
        self.call.keys_ahead.clear()
        for place, key in enumerate(typed):
            if key in self.node.keys:
                self.call.keys_ahead.extend(typed[place + 1 :])
                return self._choose(key)
        return self._ask()

    def _ask(self, before: Words | None = None) -> None:
        assert self.own is not None
        self.asked += 1
        first = () if before is None else (("wrong_key", before),)
        self.call.speak(*first, ("prompt", self.own))

    def _choose(self, key: str) -> None:
        if self.node.into is not None:
            self.call.answer(self.node.into, key)
        self.call.go(self.node.keys[key])

    @property
    def _may_ask_again(self) -> bool:
        return self.asked <= self.node.repeats

    def on_spoken(self, *, is_heard: bool) -> None:
        if is_heard:
            self.call.wait(int(self.node.timeout_s * SECOND_MS))
        else:
            self.call.go(self.node.on_fail)

    def on_key(self, key: str) -> None:
        if self.call.is_speaking:
            if not self.node.barge_in:
                return
            self.call.hush()
        if key in self.node.keys:
            self._choose(key)
        elif self._may_ask_again:
            self._ask(self.node.wrong_key)
        else:
            self.call.go(self.node.on_fail)

    def on_wait_over(self) -> None:
        if self._may_ask_again:
            self._ask()
        else:
            self.call.go(self.node.on_timeout or self.node.on_fail)


class DigitsTurn(Turn):
    """Digits count, the terminator ends, other keys do nothing."""

    def __init__(self, call: Call, node: nodes.Digits) -> None:
        super().__init__(call, node)
        self.node = node
        self.asked = 0
        self.entry = ""
        self.is_done = False

    def begin(self) -> None:
        typed = list(self.call.keys_ahead) if self.node.barge_in else []
        self.call.keys_ahead.clear()
        for place, key in enumerate(typed):
            self.on_key(key)
            if self.is_done:
                self.call.keys_ahead.extend(typed[place + 1 :])
                return
        if not self.entry and not self.asked:
            self._ask()

    def _ask(self, before: Words | None = None) -> None:
        assert self.own is not None
        self.asked += 1
        self.entry = ""
        first = () if before is None else (("wrong_key", before),)
        self.call.speak(*first, ("prompt", self.own))

    def on_spoken(self, *, is_heard: bool) -> None:
        if is_heard:
            self.call.wait(int(self.node.timeout_s * SECOND_MS))
        else:
            self.call.go(self.node.on_fail)

    def on_key(self, key: str) -> None:
        if self.is_done or (self.call.is_speaking and not self.node.barge_in):
            return
        is_end = key == self.node.terminator
        if not is_end and not key.isdigit():
            return
        if self.call.is_speaking:
            self.call.hush()
        if not is_end:
            self.entry += key
        if is_end or len(self.entry) >= self.node.max_digits:
            self._finish()
        else:
            self.call.wait(int(self.node.between_s * SECOND_MS))

    def _finish(self) -> None:
        if len(self.entry) >= self.node.min_digits:
            self.is_done = True
            self.call.answer(self.node.into, self.entry)
            self.call.go(self.node.next)
        elif self.asked <= self.node.repeats:
            self._ask(self.node.wrong_key)
        else:
            self.is_done = True
            self.call.go(self.node.on_fail)

    def on_wait_over(self) -> None:
        if self.entry:
            self._finish()
        elif self.asked <= self.node.repeats:
            self._ask()
        else:
            self.call.go(self.node.on_fail)


class RecordTurn(Turn):
    def __init__(self, call: Call, node: nodes.Record) -> None:
        super().__init__(call, node)
        self.node = node
        self.is_recording = False

    def begin(self) -> None:
        self.call.keys_ahead.clear()
        self.say_own()

    def on_spoken(self, *, is_heard: bool) -> None:
        if not is_heard:
            self.call.note("the question before a recording could not be played")
            return self.call.go(self.node.next)
        return self._record()

    def _record(self) -> None:
        self.is_recording = True
        self.call.do(
            Record(
                attempt_id=self.call.attempt_id,
                name=self.call.recording_name(),
                max_length_ms=self.node.max_s * SECOND_MS,
                max_silence_ms=self.node.silence_s * SECOND_MS,
                beep=self.node.beep,
            )
        )
        self.call.wait(self.node.max_s * SECOND_MS + RECORD_GRACE_MS)

    def on_key(self, key: str) -> None:
        """A key ends the recording (the PBX sees to it) and means nothing else."""

    def on_recorded(self, *, is_kept: bool, name: str) -> None:
        if is_kept:
            self.call.answer(self.node.into, name)
        else:
            self.call.note("a recording failed")
        self.call.go(self.node.next)

    def on_wait_over(self) -> None:
        self.on_recorded(is_kept=False, name="")

    def on_refused(self, command: str) -> None:
        if self.is_recording and command == "Record":
            self.on_recorded(is_kept=False, name="")
