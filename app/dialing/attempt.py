"""One attempt, from the moment it is on disk to the moment its end is.

PREPARING (prompts are made) → READY (waits for a line) → DIALING → IN_FLOW (answered: in its flow, or with the floor's
agents) → CLOSING (its end is being written); who has talked with an agent waits in WRAP_UP for the agent's word before
the end. It owns its call and its flow's session, keeps the channel's lease, and knows when to give up waiting.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from app.agent_commands import SeekAgent
from app.agents import Conversation
from app.commands import (
    AddDnc,
    CloseAttempt,
    Command,
    ConfirmAttempt,
    HangUp,
    PlaceCall,
    RenderPrompts,
    StopPlayback,
    StopRecording,
)
from app.dialing import ending, strategy
from app.dialing.call import Call, CallState, CallStep
from app.dialing.lease import LEASE_MS, TRANSFER_LEASE_MS
from app.dialing.trunk import TrunkLine
from app.dialing.visit import Visit
from app.events import (
    AttemptConfirmed,
    CallAnswered,
    CallEvent,
    CallPlaced,
    CallProgressed,
    CallRefused,
    CallRinging,
    CallUnknown,
    CommandFailed,
    DncAdded,
    LiveCall,
    PromptsRendered,
)
from app.ivr.flow import Flow
from app.ivr.nodes import Record as RecordNode
from app.ivr.result import FlowResult
from app.model import AttemptResult, Audio, CallFacts, Campaign, ContactNext, OpenedAttempt, Prompt
from app.outcomes import OUTCOMES, Outcome
from app.units import SECOND_MS, AttemptId, Number

PATIENCE_MS: Final = 20 * SECOND_MS
"""How long prompts may take, and how long a claimed contact waits for a line before it goes back."""
FRESH_MS: Final = 2 * SECOND_MS
"""What the disk said of a number at its claim is good for so long; another process may bar it: then it is asked again.
Whoever acknowledges an opt-out waits a little longer than this for numbers that another process has claimed."""
LIKELY_PLAYBACKS: Final = 12
"""When a call is taken over, so many playbacks of the life before are stopped by their names: most calls have fewer."""


class AttemptState(enum.Enum):
    """Where an attempt is."""

    PREPARING = "preparing"
    READY = "ready"
    DIALING = "dialing"
    IN_FLOW = "in flow"
    WRAP_UP = "wrap-up"
    """The call is over; the agent's word on the conversation is awaited."""
    CLOSING = "closing"


class AttemptRun:
    """An attempt in work. Methods return the commands that follow; `state` CLOSING means its end was decided."""

    __slots__ = (
        "_checked_at_ms", "_give_up_at_ms", "_life", "_stretch", "call", "campaign", "is_chosen", "is_confirming",
        "is_held", "line", "opened", "result", "state", "visit",
    )  # fmt: skip

    def __init__(
        self, opened: OpenedAttempt, campaign: Campaign, flow: Flow, now_ms: int, checked_at_ms: int | None = None
    ) -> None:
        """checked_at_ms: when the disk decided that the number may be called; None: now."""
        self.opened = opened
        self.campaign = campaign
        self.state = AttemptState.PREPARING
        self.call: Call | None = None
        self.line: TrunkLine | None = None
        self.result: AttemptResult | None = None
        self.visit = Visit(opened, campaign, flow)
        self.is_held = False  # an agent reads the card first: it is not placed until they say so
        self.is_chosen = False  # an agent took another phone than the one that was claimed
        self.is_confirming = False  # the disk is asked whether the number may still be called
        self._checked_at_ms = now_ms if checked_at_ms is None else checked_at_ms
        self._give_up_at_ms = now_ms + PATIENCE_MS
        self._stretch = 0
        self._life = ""  # tells our names of playbacks and recordings from those of a life before this one

    @property
    def id(self) -> AttemptId:
        """The attempt's id."""
        return self.opened.attempt_id

    @property
    def is_on_the_line(self) -> bool:
        """A call of it may exist."""
        return self.call is not None and self.state in (AttemptState.DIALING, AttemptState.IN_FLOW)

    @property
    def is_answered(self) -> bool:
        """Somebody answered, and is still there as far as we know."""
        return self.state is AttemptState.IN_FLOW

    # --- before the call ---------------------------------------------------------------------------------------------

    def prepare(self, known: Mapping[Prompt, Audio]) -> list[Command]:
        """Gather the prompts: ready at once when all are known, else asks for the missing ones."""
        commands = self.ask_words(known)
        if not commands:
            self.state = AttemptState.READY
        return commands

    def ask_words(self, known: Mapping[Prompt, Audio]) -> list[Command]:
        """Have made what the person may hear and is not known; a call of a life before this one goes on meanwhile."""
        missing = []
        for prompt in self.visit.needed():
            audio = known.get(prompt)
            if audio is None:
                missing.append(prompt)
            else:
                self.visit.audio[prompt] = audio
        return [RenderPrompts(attempt_id=self.id, prompts=tuple(missing))] if missing else []

    def let_go(self, now_ms: int) -> None:
        """The agent wants the call (or the card was another's): it is placed as soon as a line is free."""
        self.is_held = False
        self._give_up_at_ms = now_ms + PATIENCE_MS

    def is_fresh(self, now_ms: int) -> bool:
        """Whether what the disk said of its number is recent enough to dial on."""
        return now_ms - self._checked_at_ms <= FRESH_MS

    def confirm(self) -> list[Command]:
        """Have the disk asked again whether the number may be called; meanwhile it is not."""
        if self.is_confirming:
            return []
        self.is_confirming = True
        return [ConfirmAttempt(attempt_id=self.id, number=self.opened.number, is_chosen=self.is_chosen)]

    def confirmed(self, event: AttemptConfirmed, now_ms: int) -> list[Command]:
        """The disk has answered."""
        self.is_confirming = False
        if self.state not in (AttemptState.PREPARING, AttemptState.READY) or event.number != self.opened.number:
            return []
        if event.reason and self.is_chosen:  # that phone is barred, and not whoever it belongs to: theirs is as it was
            return self.return_undialed(now_ms, reason=event.reason)
        if event.reason:
            return self.refuse(Outcome.DO_NOT_CALL, event.reason, now_ms)
        self._checked_at_ms = max(self._checked_at_ms, event.checked_at_ms)
        if event.allowed_until_ms is not None:
            self.opened = replace(self.opened, allowed_until_ms=event.allowed_until_ms)
            self.visit.opened = self.opened
        return []

    def place(self, line: TrunkLine, now_ms: int, shown: str | None = None) -> list[Command]:
        """Dial over `line`, which has room. shown: the number people see; None: the campaign's, or the trunk's own."""
        assert self.state is AttemptState.READY, f"attempt {self.id} is {self.state.value}, not ready"
        assert self.is_allowed(now_ms), f"attempt {self.id} is placed after its calling hours"
        assert self.is_fresh(now_ms), f"attempt {self.id} was not confirmed in time"
        assert not self.is_held, f"attempt {self.id} is on an agent's card"
        self._stretch = line.take(now_ms)
        self.line = line
        self.state = AttemptState.DIALING
        caller_id = (self.campaign.caller_id or line.trunk.caller_id) if shown is None else shown
        facts = CallFacts(trunk_id=line.trunk.id, caller_id=caller_id, placed_at_ms=now_ms)
        self.call = Call(trunk_id=line.trunk.id, facts=facts)
        lease_ms = self.campaign.ring_timeout_ms + LEASE_MS
        self.visit.lease.begin(lease_ms, now_ms)
        return [
            PlaceCall(
                attempt_id=self.id,
                trunk=line.trunk,
                number=self.opened.number,
                caller_id=caller_id,
                ring_timeout_ms=self.campaign.ring_timeout_ms,
                lease_ms=lease_ms,
                language=self.visit.language,
                watch_talk=self.visit.flow.needs_talk,
            )
        ]

    def is_allowed(self, now_ms: int) -> bool:
        """Whether the law still lets it be placed, as it was told at the claim."""
        until_ms = self.opened.allowed_until_ms
        return until_ms is None or now_ms < until_ms

    def return_undialed(self, now_ms: int, until_ms: int | None = None, *, reason: str = "") -> list[Command]:
        """Give the contact back as it was: it was claimed, and no call was made; until_ms: not to be claimed before."""
        due_ms = now_ms if until_ms is None else until_ms
        then = strategy.next_for(self.opened, Outcome.RETURNED_UNDIALED, self.campaign.retry, due_ms)
        return self._close(Outcome.RETURNED_UNDIALED, now_ms, facts=CallFacts(cause_text=reason), then=then)

    def refuse(self, outcome: Outcome, reason: str, now_ms: int, then: ContactNext | None = None) -> list[Command]:
        """End the attempt before any call, for a stated reason."""
        return self._close(outcome, now_ms, facts=CallFacts(cause_text=reason), then=then)

    # --- found again after a restart ---------------------------------------------------------------------------------

    def adopt(self, found: LiveCall, line: TrunkLine | None, now_ms: int) -> list[Command]:
        """Take over a call that a life before this one placed, and that is still up; line: the trunk it goes out by."""
        trunk_id = None if line is None else line.trunk.id
        if line is not None:
            self.line, self._stretch = line, line.adopt()
        self.call = Call(
            trunk_id=trunk_id, state=CallState.DIALING, facts=CallFacts(trunk_id=trunk_id, placed_at_ms=now_ms)
        )
        self.state = AttemptState.DIALING
        if found.is_up and not found.is_in_hand:  # in the dialplan, where a conversation goes on
            self.call.state = CallState.LEFT
            self.call.facts = replace(self.call.facts, answered_at_ms=now_ms)
            self.visit.course.is_abandoned = found.is_in_fallback
            self.visit.lease.begin(TRANSFER_LEASE_MS, now_ms)
            if found.is_in_queue:
                self.visit.seek(SeekAgent(attempt_id=self.id), now_ms)
            return []
        self.visit.lease.begin(self.campaign.ring_timeout_ms + LEASE_MS, now_ms)
        self._life = f"{now_ms:x}"
        if found.is_in_hand and (self.visit.has_talked or found.room_id is not None):
            return self._adopt_talk(now_ms)
        return (self._silence_before() if found.is_in_hand else []) + self.find_alive(found, now_ms)

    def _adopt_talk(self, now_ms: int) -> list[Command]:
        """They talk with an agent: the flow they came by is forgotten, the conversation is the floor's."""
        assert self.call is not None, f"attempt {self.id} has no call to adopt"
        self.call.state = CallState.ANSWERED
        self.call.facts = replace(self.call.facts, answered_at_ms=self._answered_before(now_ms))
        self.state = AttemptState.IN_FLOW
        self.visit.seek(SeekAgent(attempt_id=self.id), now_ms)
        return [self.visit.lease.renew(now_ms)]

    def find_talk_over(self, now_ms: int) -> list[Command]:
        """They talked with an agent of a life before this one, and the call ended unseen: the agent's word is due."""
        facts = CallFacts(
            answered_at_ms=self._answered_before(now_ms), ended_at_ms=now_ms, cause_text="ended during a restart"
        )
        self.call = Call(trunk_id=None, state=CallState.ENDED, facts=facts)
        self.state = AttemptState.WRAP_UP
        return []

    def _answered_before(self, now_ms: int) -> int:
        before = self.opened.conversation
        return now_ms if before is None else before.connected_at_ms - before.waited_ms

    def _silence_before(self) -> list[Command]:
        """End what a life before this one plays and records: the flow begins anew, and must not wait behind it."""
        playing = [
            StopPlayback(attempt_id=self.id, playback_id=f"{self.id}-{place}")
            for place in range(1, LIKELY_PLAYBACKS + 1)
        ]
        recorders = [name for name, node in self.visit.flow.nodes.items() if isinstance(node, RecordNode)]
        return [*playing, *(StopRecording(attempt_id=self.id, name=f"{self.id}-{name}") for name in recorders)]

    def find_alive(self, found: LiveCall, now_ms: int) -> list[Command]:
        """After a broken line to Asterisk: the channel exists; the answer may have been missed."""
        assert self.call is not None, f"attempt {self.id} has no call to find"
        if self.visit.course.is_ours:  # it was to end, and the word did not get through
            return [HangUp(attempt_id=self.id)]
        if self.visit.session is not None:
            self.visit.session.missed(now_ms)
        commands: list[Command] = []
        if self.call.state in (CallState.PLACING, CallState.UNKNOWN):
            commands += self._step(CallPlaced(attempt_id=self.id), now_ms)
        if found.is_in_hand and self.call.state is not CallState.ANSWERED:
            commands += self._step(CallAnswered(attempt_id=self.id), now_ms)
        elif found.is_in_fallback and self.visit.session is None:
            self.visit.course.is_abandoned = True
            self.call.facts = replace(self.call.facts, answered_at_ms=now_ms)
        if (
            found.is_in_hand
            and self.call.state is CallState.ANSWERED
            and not (self.visit.course.is_ours or self.visit.course.is_sent_on)
        ):
            commands.append(self.visit.lease.renew(now_ms))  # what was said to the broken line was not heard
        return commands

    def find_gone(self, now_ms: int) -> list[Command]:
        """After a broken line to Asterisk: there is no such channel any more, and nobody saw it end."""
        assert self.call is not None, f"attempt {self.id} has no call to miss"
        if self.call.state is CallState.PLACING:
            return []  # its reply is still on the way, and tells more
        return self._lose("ended while Asterisk was out of sight", now_ms)

    # --- the call ----------------------------------------------------------------------------------------------------

    def handle(self, event: CallEvent | DncAdded, now_ms: int) -> list[Command]:
        """What follows from an event of this attempt. Late events change nothing."""
        if self.state is AttemptState.CLOSING:
            return []
        if isinstance(event, PromptsRendered) and self.visit.session is None:
            return self._rendered(event, now_ms)
        if isinstance(event, CallStep):
            return self._step(event, now_ms)
        if isinstance(event, CommandFailed):
            self.visit.failed(event.command, now_ms)
        is_in_hand = self.call is not None and self.call.state is CallState.ANSWERED
        return self.visit.tell(event, now_ms) if is_in_hand else []

    def take_back(self, now_ms: int, *, is_tried_later: bool = False) -> list[Command]:
        """The campaign stops, or its agent is gone: a call that nobody answered yet is ended; the rest is heard out.

        is_tried_later: their phone has rung for an agent: it does not ring again before the campaign's delay is over.
        """
        if self.state in (AttemptState.PREPARING, AttemptState.READY):
            return self.return_undialed(now_ms)
        if self.state is AttemptState.DIALING and not self.visit.course.is_taken_back:
            self.visit.course.is_taken_back = self.visit.course.is_ours = True
            self.visit.course.is_tried_later = is_tried_later
            return [HangUp(attempt_id=self.id)]
        return []

    # --- the floor's side --------------------------------------------------------------------------------------------

    def leave_queue(self, now_ms: int) -> Command:
        """A queue of the PBX's own gave the person back: they are in our hands."""
        assert self.call is not None, f"attempt {self.id} comes back without a call"
        self.call.state = CallState.ANSWERED
        return self.visit.wait_again(now_ms)

    def hang_up(self, now_ms: int) -> list[Command]:
        """End the call, if there is one."""
        return self.visit.hang_up(now_ms) if self.is_on_the_line else []

    def choose(self, number: Number) -> None:
        """The agent dials another of the contact's phones: what the disk said was of the first."""
        if number != self.opened.number:
            self._checked_at_ms = -FRESH_MS
            self.is_chosen = True
        self.opened = replace(self.opened, number=number)
        self.visit.opened = self.opened

    def conclude(
        self, outcome: Outcome, then: ContactNext, conversation: Conversation, now_ms: int, *, is_barred: bool = False
    ) -> list[Command]:
        """The agent has said what came of it (or had no more time to): the attempt ends so."""
        assert self.state is AttemptState.WRAP_UP, f"attempt {self.id} is {self.state.value}, not in wrap-up"
        return self._close(outcome, now_ms, then=then, conversation=conversation, is_barred=is_barred)

    # --- time --------------------------------------------------------------------------------------------------------

    def next_deadline_ms(self) -> int | None:
        """When `wake` wants to be called."""
        if self.state in (AttemptState.CLOSING, AttemptState.WRAP_UP):
            return None
        if self.call is None:
            return None if self.is_held and self.state is AttemptState.READY else self._give_up_at_ms
        if (
            self.state is not AttemptState.IN_FLOW
            or self.visit.course.is_ours
            or self.call.state is not CallState.ANSWERED
        ):
            return self.visit.lease.missed_at_ms
        return self.visit.next_deadline_ms()

    def wake(self, now_ms: int) -> list[Command]:
        """Time has passed."""
        match self.state:
            case AttemptState.CLOSING | AttemptState.WRAP_UP:
                return []
            case AttemptState.PREPARING if now_ms >= self._give_up_at_ms:
                return self.refuse(Outcome.DIAL_ERROR, "its prompts were not rendered in time", now_ms)
            case AttemptState.READY if now_ms >= self._give_up_at_ms and not self.is_held:
                return self.return_undialed(now_ms)
            case AttemptState.PREPARING | AttemptState.READY:
                return []
            case AttemptState.DIALING | AttemptState.IN_FLOW:
                return self._wake_call(now_ms)

    def _wake_call(self, now_ms: int) -> list[Command]:
        assert self.call is not None, f"attempt {self.id} is {self.state.value} without a call"
        if now_ms >= self.visit.lease.missed_at_ms:
            return self._lose("its end was never reported", now_ms)
        if self.call.state is CallState.ANSWERED and not self.visit.course.is_ours:  # who is hung up gets no new lease
            return self.visit.wake(now_ms)
        return []

    # --- inside ------------------------------------------------------------------------------------------------------

    def _rendered(self, event: PromptsRendered, now_ms: int) -> list[Command]:
        if self.state is not AttemptState.PREPARING:
            self.visit.audio.update(event.audio)
            return []
        if event.failed:
            prompt, reason = next(iter(event.failed.items()))
            return self.refuse(
                Outcome.DIAL_ERROR, f"prompt {(prompt.text or prompt.sound)[:40]!r} failed: {reason}", now_ms
            )
        self.visit.audio.update(event.audio)
        self.state = AttemptState.READY
        return []

    def _step(self, event: CallStep, now_ms: int) -> list[Command]:
        if self.call is None or not self.call.step(event, now_ms):
            return []
        if self.line is not None and isinstance(event, CallRinging | CallProgressed | CallAnswered):
            self.line.show_life()
        match self.call.state:
            case CallState.ANSWERED:
                return self._begin_flow(now_ms)
            case CallState.LEFT if self.visit.sought is None:
                return self.visit.tell(event, now_ms)
            case CallState.ENDED | CallState.REFUSED:
                return self._end(event, now_ms)
            case _:
                if isinstance(event, CallUnknown) and self.visit.course.is_taken_back:
                    return [HangUp(attempt_id=self.id)]
                return []

    def _begin_flow(self, now_ms: int) -> list[Command]:
        if self.visit.has_begun:  # back from the dialplan: it has had its say
            self.visit.course.is_ours = True
            return [HangUp(attempt_id=self.id)]
        if self.visit.course.is_taken_back:
            return [HangUp(attempt_id=self.id)]
        self.state = AttemptState.IN_FLOW
        return self.visit.begin(self._life, now_ms)

    # --- the end -----------------------------------------------------------------------------------------------------

    def _end(self, event: CallStep, now_ms: int) -> list[Command]:
        assert self.call is not None, f"attempt {self.id} ended without a call"
        self.visit.tell(event, now_ms)
        if self.visit.has_talked:
            return self._await_word(now_ms)
        course = self.visit.course
        if isinstance(event, CallRefused):
            course.is_ours = course.is_ours or not event.is_trunk_fault
        if course.lost_in_queue and course.queue_talk is None:
            reason = f"not followed in its queue: {course.lost_in_queue}"
            self.call.facts = replace(self.call.facts, cause_text=reason)
        heard = self.visit.heard(now_ms)
        outcome = ending.outcome_of(self.call, course, heard, self.campaign, now_ms)
        then = None
        if outcome is Outcome.DIALER_STOPPED and course.is_tried_later:
            then = strategy.next_for(self.opened, outcome, self.campaign.retry, now_ms + self.campaign.retry.retry_ms)
        talk = ending.talk_in_queue(course, now_ms)
        return self._close(outcome, now_ms, then=then, conversation=talk, heard=heard)

    def _lose(self, reason: str, now_ms: int) -> list[Command]:
        """The end was not seen."""
        assert self.call is not None, f"attempt {self.id} lost without a call"
        self.call.facts = replace(self.call.facts, cause_text=reason)
        if self.visit.has_talked:
            return self._await_word(now_ms)
        outcome = ending.outcome_unseen(self.call, self.visit.course, self.visit.heard(now_ms))
        return self._close(outcome, now_ms, conversation=ending.talk_in_queue(self.visit.course, now_ms))

    def _await_word(self, now_ms: int) -> list[Command]:
        """The call is over, and its line free; what came of it is the agent's to say."""
        self.state = AttemptState.WRAP_UP
        self.visit.seek_no_more()
        self._tell_trunk(Outcome.CONNECTED_TO_AGENT, now_ms)
        return []

    def _close(
        self,
        outcome: Outcome,
        now_ms: int,
        *,
        facts: CallFacts | None = None,
        then: ContactNext | None = None,
        conversation: Conversation | None = None,
        heard: FlowResult | None = None,
        is_barred: bool = False,
    ) -> list[Command]:
        flow_result = heard or self.visit.heard(now_ms)
        is_opted_out = self.visit.course.is_barred
        if flow_result is not None:
            is_opted_out = is_opted_out or flow_result.opted_out or flow_result.opt_out_failed
        self.state = AttemptState.CLOSING
        self.visit.seek_no_more()
        self._tell_trunk(outcome, now_ms)
        if then is None or is_opted_out:
            then = strategy.after_call(self.opened, outcome, self.campaign, now_ms, is_opted_out=is_opted_out)
        then = strategy.left_to_agents(self.opened, then, self.campaign, has_talked=self.visit.has_talked)
        then = strategy.kept(then, self.campaign, conversation)
        self.result = AttemptResult(
            attempt_id=self.id,
            campaign_id=self.opened.campaign_id,
            contact_id=self.opened.contact_id,
            outcome=outcome,
            is_charged=OUTCOMES[outcome].is_charged,
            facts=facts or (CallFacts() if self.call is None else self.call.facts),
            next=then,
            flow={} if flow_result is None else flow_result.as_json(),
            conversation=conversation,
            learns_hour=self.campaign.order.best_hour,
        )
        commands: list[Command] = [CloseAttempt(result=self.result)]
        if is_barred:
            commands.insert(0, AddDnc(number=self.opened.number, source="agent", attempt_id=self.id))
        elif flow_result is not None and flow_result.opt_out_failed:  # asked for, and not seen on disk yet
            commands.insert(0, AddDnc(number=self.opened.number, source="keypress", attempt_id=self.id))
        return commands

    def _tell_trunk(self, outcome: Outcome, now_ms: int) -> None:
        if self.line is not None and self.call is not None:
            is_ours = self.visit.course.is_taken_back or (
                self.call.state is CallState.REFUSED and self.visit.course.is_ours
            )
            ending.tell_trunk(self.line, self.call, outcome, now_ms, self._stretch, is_ours=is_ours)
            self.line = None
