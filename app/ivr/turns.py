"""Nodes that speak, decide, hand over and end, and the table of all turns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, assert_never

from app.agent_commands import FloorAnswer, SeekAgent
from app.commands import AddDnc, SendToExtension
from app.ivr import nodes
from app.ivr.asking import DigitsTurn, MenuTurn, RecordTurn
from app.ivr.fields import Words
from app.ivr.listening import DetectTurn, VoicemailTurn
from app.ivr.nodes import AnyNode
from app.ivr.result import EndedBy
from app.ivr.turn import Call, Turn
from app.ivr.wording import field_key
from app.ivr.words import read_number

DNC_WAIT_MS: Final = 5_000
"""How long a person is kept waiting for the do-not-call list's disk."""
DNC_TRIES: Final = 3
TRANSFER_WAIT_MS: Final = 10_000


class PlayTurn(Turn):
    def __init__(self, call: Call, node: nodes.Play | nodes.Say, own: Words) -> None:
        super().__init__(call, node)
        self.node = node
        self.own = own

    def begin(self) -> None:
        self.say_own()

    def on_spoken(self, *, is_heard: bool) -> None:
        self.call.go(self.node.next)

    def on_key(self, key: str) -> None:
        super().on_key(key)
        if isinstance(self.node, nodes.Play) and self.node.barge_in and self.call.is_speaking:
            self.call.hush()
            self.call.go(self.node.next)


class HangUpTurn(Turn):
    def begin(self) -> None:
        self.say_own()

    def on_spoken(self, *, is_heard: bool) -> None:
        self.call.end(EndedBy.FLOW)


class SetTurn(Turn):
    def __init__(self, call: Call, node: nodes.Set) -> None:
        super().__init__(call, node)
        self.node = node

    def begin(self) -> None:
        source = self.node.source
        value = self.node.value if source is None else self.call.fields.get(field_key(source), "")
        self.call.answer(self.node.field, value or "")
        self.call.go(self.node.next)


class BranchTurn(Turn):
    def __init__(self, call: Call, node: nodes.Branch) -> None:
        super().__init__(call, node)
        self.node = node

    def begin(self) -> None:
        value = self.call.fields.get(field_key(self.node.field), "").strip()
        for case in self.node.cases:
            if fits(case, value, self.call.fields, self.call.language):
                return self.call.go(case.next)
        return self.call.go(self.node.otherwise)


def fits(case: nodes.Case, value: str, fields: Mapping[str, str], language: str) -> bool:
    """Whether a field's content meets a case. Words compare without case; no number is neither."""
    folded = value.casefold()
    if case.equals is not None:
        return folded == case.equals.casefold()
    if case.one_of is not None:
        return folded in (one.casefold() for one in case.one_of)
    if case.same_as is not None:
        return folded != "" and folded == fields.get(field_key(case.same_as), "").strip().casefold()
    if case.empty is not None:
        return case.empty is not bool(value)
    number = read_number(value, language)
    if number is None:
        return False
    return (case.less is not None and number < case.less) or (case.greater is not None and number > case.greater)


class TransferTurn(Turn):
    def __init__(self, call: Call, node: nodes.Transfer) -> None:
        super().__init__(call, node)
        self.node = node
        self.is_sent = False

    def begin(self) -> None:
        self.say_own()

    def on_spoken(self, *, is_heard: bool) -> None:
        self.is_sent = True
        self.call.do(
            SendToExtension(attempt_id=self.call.attempt_id, context=self.node.context, extension=self.node.extension)
        )
        self.call.wait(TRANSFER_WAIT_MS)

    def on_refused(self, command: str) -> None:
        if self.is_sent and command == "SendToExtension":
            self.is_sent = False
            self.call.note("the transfer failed")
            if self.node.on_fail is None:
                self.call.end(EndedBy.ERROR)
            else:
                self.call.go(self.node.on_fail)

    def on_wait_over(self) -> None:
        """No answer in ten seconds: hang up only what is certainly still ours; a conversation is not cut off."""
        self.call.end(EndedBy.TRANSFER, "the transfer was never confirmed")


class AgentsTurn(Turn):
    """The floor has the person from here: how long they wait and talk is its business, and what is pressed meanwhile
    is no answer. Before it was asked, and after the flow went on, its answers mean nothing."""

    def __init__(self, call: Call, node: nodes.Agents) -> None:
        super().__init__(call, node)
        self.node = node
        self.is_with_floor = False

    def begin(self) -> None:
        self.call.keys_ahead.clear()
        self.say_own()

    def on_spoken(self, *, is_heard: bool) -> None:
        self.is_with_floor = True
        self.call.yield_to_floor(is_talking=False)
        self.call.do(SeekAgent(attempt_id=self.call.attempt_id, has_way_on=self.node.on_none is not None))

    def on_key(self, key: str) -> None:
        """Nothing asks for it: neither the words before the wait nor the wait itself."""

    def on_floor(self, answer: FloorAnswer) -> None:
        if not self.is_with_floor:
            return
        if answer.is_released:
            self.call.go(self.node.next)
        elif answer.is_connected:
            self.call.yield_to_floor(is_talking=True)
        else:
            if self.node.on_none is None:
                self.call.note("no agent came in time")
            self.call.go(self.node.on_none)


class OptOutTurn(Turn):
    """The confirmation is spoken only after the disk has the number."""

    def __init__(self, call: Call, node: nodes.OptOut) -> None:
        super().__init__(call, node)
        self.node = node
        self.tries = 0
        self.is_waiting = False
        self.has_failed = False

    def begin(self) -> None:
        self.call.keys_ahead.clear()
        if self.call.is_opted_out:
            return self.say_own()
        self.is_waiting = True
        self.call.wait(DNC_WAIT_MS)
        return self._ask()

    def _ask(self) -> None:
        self.tries += 1
        self.call.ask_opt_out()
        self.call.do(AddDnc(number=self.call.number, source="keypress", attempt_id=self.call.attempt_id))

    def on_key(self, key: str) -> None:
        """Nothing to choose here; impatience is not kept for the next question."""

    def on_dnc(self, *, is_written: bool) -> None:
        if not self.is_waiting:
            return
        if is_written:
            self.is_waiting = False
            self.call.wait(0)
            self.say_own()
        elif self.tries < DNC_TRIES:
            self._ask()
        else:
            self._fail()

    def on_refused(self, command: str) -> None:
        if command == "AddDnc":
            self.on_dnc(is_written=False)

    def on_wait_over(self) -> None:
        if self.is_waiting:
            self._fail()

    def _fail(self) -> None:
        self.is_waiting = False
        self.has_failed = True
        if self.node.failed is None:
            self.call.end(EndedBy.ERROR, "the do-not-call list could not be written")
        else:
            self.call.speak(("failed", self.node.failed))

    def on_spoken(self, *, is_heard: bool) -> None:
        if self.has_failed:
            self.call.end(EndedBy.ERROR, "the do-not-call list could not be written")
        else:
            self.call.go(self.node.next)


def turn_of(call: Call, node: AnyNode, value_alone: Words) -> Turn:
    """The turn a node takes. value_alone: what a `say` node without a text says."""
    match node:
        case nodes.Play():
            assert node.words is not None
            return PlayTurn(call, node, node.words)
        case nodes.Say():
            return PlayTurn(call, node, node.words or value_alone)
        case nodes.Menu():
            return MenuTurn(call, node)
        case nodes.Digits():
            return DigitsTurn(call, node)
        case nodes.Record():
            return RecordTurn(call, node)
        case nodes.Set():
            return SetTurn(call, node)
        case nodes.Branch():
            return BranchTurn(call, node)
        case nodes.Transfer():
            return TransferTurn(call, node)
        case nodes.Agents():
            return AgentsTurn(call, node)
        case nodes.OptOut():
            return OptOutTurn(call, node)
        case nodes.Detect():
            return DetectTurn(call, node)
        case nodes.Voicemail():
            return VoicemailTurn(call, node)
        case nodes.HangUp():
            return HangUpTurn(call, node)
        case _:
            assert_never(node)
