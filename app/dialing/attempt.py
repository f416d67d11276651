"""One attempt, from the moment it is on disk to the moment its end is.

PREPARING (prompts are made) → READY (waits for a line) → DIALING → IN_FLOW (answered) → CLOSING (its end is being
written). It owns its call and its flow's session, keeps the channel's lease, and knows when to give up waiting.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from app.commands import (
    AddDnc,
    CloseAttempt,
    Command,
    HangUp,
    PlaceCall,
    RenderPrompts,
    RenewLease,
    SendToExtension,
    StopPlayback,
    StopRecording,
)
from app.dialing import strategy, verdict
from app.dialing.call import Call, CallState, CallStep
from app.dialing.trunk import TrunkLine
from app.events import (
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
from app.ivr.needs import prompts_needed
from app.ivr.nodes import Record as RecordNode
from app.ivr.session import FlowSession
from app.model import AttemptResult, Audio, CallFacts, Campaign, ContactNext, OpenedAttempt, Prompt, RetryPolicy
from app.outcomes import OUTCOMES, Outcome
from app.units import HOUR_MS, SECOND_MS, AttemptId

LEASE_MS: Final = 30 * SECOND_MS
"""How long a channel in our hands lives without us."""
TRANSFER_LEASE_MS: Final = 4 * HOUR_MS
"""How long a call may last in the admin's dialplan."""
PATIENCE_MS: Final = 20 * SECOND_MS
"""How long prompts may take, and how long a claimed contact waits for a line before it goes back."""
RENEW_AGAIN_MS: Final = 5 * SECOND_MS
"""After a lease could not be renewed, how long until it is tried again: three times before it runs out."""
LIKELY_PLAYBACKS: Final = 12
"""When a call is taken over, so many playbacks of the life before are stopped by their names: most calls have fewer."""
GRACE_MS: Final = 10 * SECOND_MS
"""After the lease has run out, how long until the call's end is taken as missed."""


class AttemptState(enum.Enum):
    """Where an attempt is."""

    PREPARING = "preparing"
    READY = "ready"
    DIALING = "dialing"
    IN_FLOW = "in flow"
    CLOSING = "closing"


class AttemptRun:
    """An attempt in work. Methods return the commands that follow; `state` CLOSING means its end was decided."""

    __slots__ = (
        "_audio", "_flow", "_give_up_at_ms", "_is_abandoned", "_is_ours", "_is_sent_on", "_is_taken_back",
        "_lease_until_ms", "_life", "_session", "_stretch", "call", "campaign", "line", "opened", "result", "state",
    )  # fmt: skip

    def __init__(self, opened: OpenedAttempt, campaign: Campaign, flow: Flow, now_ms: int) -> None:
        self.opened = opened
        self.campaign = campaign
        self.state = AttemptState.PREPARING
        self.call: Call | None = None
        self.line: TrunkLine | None = None
        self.result: AttemptResult | None = None
        self._flow = flow
        self._session: FlowSession | None = None
        self._audio: dict[Prompt, Audio] = {}
        self._give_up_at_ms = now_ms + PATIENCE_MS
        self._lease_until_ms = 0
        self._stretch = 0
        self._is_ours = False  # the hang-up was our doing
        self._is_taken_back = False  # we gave up on it before an answer
        self._is_sent_on = False  # into the admin's dialplan
        self._is_abandoned = False  # answered while we were away: the dialplan's apology was all they heard
        self._life = ""  # tells our names of playbacks and recordings from those of a life before this one

    @property
    def id(self) -> AttemptId:
        """The attempt's id."""
        return self.opened.attempt_id

    @property
    def language(self) -> str:
        """The contact's language, or the campaign's."""
        return self.opened.language or self.campaign.language

    @property
    def is_on_the_line(self) -> bool:
        """A call of it may exist."""
        return self.call is not None and self.state in (AttemptState.DIALING, AttemptState.IN_FLOW)

    # --- before the call ---------------------------------------------------------------------------------------------

    def prepare(self, known: Mapping[Prompt, Audio]) -> list[Command]:
        """Gather the prompts: ready at once when all are known, else asks for the missing ones."""
        missing = []
        for prompt in prompts_needed(self._flow, self.opened.fields, self.language):
            audio = known.get(prompt)
            if audio is None:
                missing.append(prompt)
            else:
                self._audio[prompt] = audio
        if missing:
            return [RenderPrompts(attempt_id=self.id, prompts=tuple(missing))]
        self.state = AttemptState.READY
        return []

    def place(self, line: TrunkLine, now_ms: int) -> list[Command]:
        """Dial over `line`, which has room."""
        assert self.state is AttemptState.READY, f"attempt {self.id} is {self.state.value}, not ready"
        self._stretch = line.take(now_ms)
        self.line = line
        self.state = AttemptState.DIALING
        self.call = Call(trunk_id=line.trunk.id, facts=CallFacts(trunk_id=line.trunk.id, placed_at_ms=now_ms))
        lease_ms = self.campaign.ring_timeout_ms + LEASE_MS
        self._lease_until_ms = now_ms + lease_ms
        return [
            PlaceCall(
                attempt_id=self.id,
                trunk=line.trunk,
                number=self.opened.number,
                caller_id=self.campaign.caller_id or line.trunk.caller_id,
                ring_timeout_ms=self.campaign.ring_timeout_ms,
                lease_ms=lease_ms,
                language=self.language,
                watch_talk=self._flow.needs_talk,
            )
        ]

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
            self._is_abandoned = found.is_in_fallback
            self._lease_until_ms = now_ms + TRANSFER_LEASE_MS
            return []
        self._lease_until_ms = now_ms + self.campaign.ring_timeout_ms + LEASE_MS
        self._life = f"{now_ms:x}"
        return (self._silence_before() if found.is_in_hand else []) + self.find_alive(found, now_ms)

    def _silence_before(self) -> list[Command]:
        """End what a life before this one plays and records: the flow begins anew, and must not wait behind it."""
        playing = [
            StopPlayback(attempt_id=self.id, playback_id=f"{self.id}-{place}")
            for place in range(1, LIKELY_PLAYBACKS + 1)
        ]
        recorders = [name for name, node in self._flow.nodes.items() if isinstance(node, RecordNode)]
        return [*playing, *(StopRecording(attempt_id=self.id, name=f"{self.id}-{name}") for name in recorders)]

    def return_undialed(self, now_ms: int, until_ms: int | None = None) -> list[Command]:
        """Give the contact back as it was: it was claimed, and no call was made; until_ms: not to be claimed before."""
        due_ms = now_ms if until_ms is None else until_ms
        then = strategy.next_for(self.opened, Outcome.RETURNED_UNDIALED, self.campaign.retry, due_ms)
        return self._close(Outcome.RETURNED_UNDIALED, now_ms, then=then)

    def refuse(self, outcome: Outcome, reason: str, now_ms: int, then: ContactNext | None = None) -> list[Command]:
        """End the attempt before any call, for a stated reason."""
        return self._close(outcome, now_ms, facts=CallFacts(cause_text=reason), then=then)

    # --- the call ----------------------------------------------------------------------------------------------------

    def handle(self, event: CallEvent | DncAdded, now_ms: int) -> list[Command]:
        """What follows from an event of this attempt. Late events change nothing."""
        if self.state is AttemptState.CLOSING:
            return []
        if isinstance(event, PromptsRendered) and self._session is None:
            return self._rendered(event, now_ms)
        if isinstance(event, CallStep):
            return self._step(event, now_ms)
        if isinstance(event, CommandFailed):
            self._mind_lease(event.command, now_ms)
        return self._in_session(event, now_ms)

    def take_back(self, now_ms: int) -> list[Command]:
        """The campaign stops: a call that nobody answered yet is ended; who answered is heard out."""
        if self.state in (AttemptState.PREPARING, AttemptState.READY):
            return self.return_undialed(now_ms)
        if self.state is AttemptState.DIALING and not self._is_taken_back:
            self._is_taken_back = self._is_ours = True
            return [HangUp(attempt_id=self.id)]
        return []

    def find_alive(self, found: LiveCall, now_ms: int) -> list[Command]:
        """After a broken line to Asterisk: the channel exists; the answer may have been missed."""
        assert self.call is not None, f"attempt {self.id} has no call to find"
        if self._is_ours:  # it was to end, and the word did not get through
            return [HangUp(attempt_id=self.id)]
        commands: list[Command] = []
        if self.call.state in (CallState.PLACING, CallState.UNKNOWN):
            commands += self._step(CallPlaced(attempt_id=self.id), now_ms)
        if found.is_in_hand and self.call.state is not CallState.ANSWERED:
            commands += self._answer(now_ms)
        elif found.is_in_fallback and self._session is None:
            self._is_abandoned = True
            self.call.facts = replace(self.call.facts, answered_at_ms=now_ms)
        if found.is_in_hand and self.call.state is CallState.ANSWERED and not (self._is_ours or self._is_sent_on):
            commands.append(self._renew(LEASE_MS, now_ms))  # what was said to the broken line was not heard
        return commands

    def find_gone(self, now_ms: int) -> list[Command]:
        """After a broken line to Asterisk: there is no such channel any more, and nobody saw it end."""
        assert self.call is not None, f"attempt {self.id} has no call to miss"
        if self.call.state is CallState.PLACING:
            return []  # its reply is still on the way, and tells more
        return self._lose("ended while Asterisk was out of sight", now_ms)

    # --- time --------------------------------------------------------------------------------------------------------

    def next_deadline_ms(self) -> int | None:
        """When `wake` wants to be called."""
        if self.state is AttemptState.CLOSING:
            return None
        if self.call is None:
            return self._give_up_at_ms
        if self._session is None or self._is_ours or self.call.state is not CallState.ANSWERED:
            return self._lease_until_ms + GRACE_MS
        deadline = self._session.next_deadline_ms()
        renewal = self._lease_until_ms - LEASE_MS // 2
        return renewal if deadline is None else min(deadline, renewal)

    def wake(self, now_ms: int) -> list[Command]:
        """Time has passed."""
        match self.state:
            case AttemptState.CLOSING:
                return []
            case AttemptState.PREPARING if now_ms >= self._give_up_at_ms:
                return self.refuse(Outcome.DIAL_ERROR, "its prompts were not rendered in time", now_ms)
            case AttemptState.READY if now_ms >= self._give_up_at_ms:
                return self.return_undialed(now_ms)
            case AttemptState.PREPARING | AttemptState.READY:
                return []
            case AttemptState.DIALING | AttemptState.IN_FLOW:
                return self._wake_call(now_ms)

    def _wake_call(self, now_ms: int) -> list[Command]:
        assert self.call is not None, f"attempt {self.id} is {self.state.value} without a call"
        if now_ms >= self._lease_until_ms + GRACE_MS:
            return self._lose("its end was never reported", now_ms)
        commands: list[Command] = []
        if self.call.state is CallState.ANSWERED and not self._is_ours:  # who is being hung up gets no new lease
            if now_ms >= self._lease_until_ms - LEASE_MS // 2:
                commands.append(self._renew(LEASE_MS, now_ms))
            if self._session is not None:
                commands += self._checked(self._session.wake(now_ms), now_ms)
        return commands

    # --- inside ------------------------------------------------------------------------------------------------------

    def _rendered(self, event: PromptsRendered, now_ms: int) -> list[Command]:
        if self.state is not AttemptState.PREPARING:
            return []
        if event.failed:
            prompt, reason = next(iter(event.failed.items()))
            return self.refuse(
                Outcome.DIAL_ERROR, f"prompt {(prompt.text or prompt.sound)[:40]!r} failed: {reason}", now_ms
            )
        self._audio.update(event.audio)
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
            case CallState.LEFT if self._session is not None:
                return self._checked(self._session.handle(event, now_ms), now_ms)
            case CallState.ENDED | CallState.REFUSED:
                return self._end(event, now_ms)
            case _:
                if isinstance(event, CallUnknown) and self._is_taken_back:
                    return [HangUp(attempt_id=self.id)]
                return []

    def _answer(self, now_ms: int) -> list[Command]:
        return self._step(CallAnswered(attempt_id=self.id), now_ms)

    def _begin_flow(self, now_ms: int) -> list[Command]:
        if self._session is not None:  # back from the dialplan: it has had its say
            self._is_ours = True
            return [HangUp(attempt_id=self.id)]
        if self._is_taken_back:
            return [HangUp(attempt_id=self.id)]
        self.state = AttemptState.IN_FLOW
        self._session = FlowSession(
            self._flow,
            attempt_id=self.id,
            number=self.opened.number,
            fields=self.opened.fields,
            language=self.language,
            audio=self._audio,
            life=self._life,
        )
        return self._checked(self._session.start(now_ms), now_ms)

    def _in_session(self, event: CallEvent | DncAdded, now_ms: int) -> list[Command]:
        if self._session is None or self.call is None or self.call.state is not CallState.ANSWERED:
            return []
        return self._checked(self._session.handle(event, now_ms), now_ms)

    def _checked(self, commands: list[Command], now_ms: int) -> list[Command]:
        """The session's commands, with what they mean for the call: whose hang-up it is, and how long the lease."""
        checked: list[Command] = []
        for command in commands:
            if isinstance(command, HangUp):
                self._is_ours = True
            elif isinstance(command, SendToExtension):
                self._is_sent_on = True
                checked.append(self._renew(TRANSFER_LEASE_MS, now_ms))
            checked.append(command)
        return checked

    def _renew(self, lease_ms: int, now_ms: int) -> Command:
        self._lease_until_ms = now_ms + lease_ms
        return RenewLease(attempt_id=self.id, lease_ms=lease_ms)

    def _mind_lease(self, failed: str, now_ms: int) -> None:
        """A lease that was not renewed is tried again soon; who stays with us after all needs no long one."""
        if failed == RenewLease.__name__:
            self._lease_until_ms = min(self._lease_until_ms, now_ms + LEASE_MS // 2 + RENEW_AGAIN_MS)
        elif failed == SendToExtension.__name__ and self._is_sent_on:
            self._is_sent_on = False
            self._lease_until_ms = now_ms + LEASE_MS // 2

    def _end(self, event: CallStep, now_ms: int) -> list[Command]:
        assert self.call is not None, f"attempt {self.id} ended without a call"
        if self._session is not None:
            self._session.handle(event, now_ms)
        facts = self.call.facts
        if self.call.state is CallState.REFUSED:
            is_trunk_fault = isinstance(event, CallRefused) and event.is_trunk_fault
            return self._close(Outcome.NO_DIAL_TONE if is_trunk_fault else Outcome.DIAL_ERROR, now_ms)
        if self._is_taken_back:
            is_too_late = facts.answered_at_ms is not None  # a person answered just then, and heard nothing
            return self._close(Outcome.ABANDONED_BY_DIALER if is_too_late else Outcome.DIALER_STOPPED, now_ms)
        if self._is_abandoned:
            return self._close(Outcome.ABANDONED_BY_DIALER, now_ms)
        if facts.answered_at_ms is None:
            return self._close(verdict.unanswered(facts, ring_timeout_ms=self.campaign.ring_timeout_ms), now_ms)
        heard = None if self._session is None else self._session.result(now_ms)
        suggested = None if heard is None else heard.suggested_outcome
        by_person = heard is not None and not heard.keys and not self._is_ours and not self._is_sent_on
        return self._close(verdict.answered(facts, suggested=suggested, by_person=by_person), now_ms)

    def _lose(self, reason: str, now_ms: int) -> list[Command]:
        """The end was not seen. Who was heard in the flow was connected; of all others nobody knows."""
        assert self.call is not None, f"attempt {self.id} lost without a call"
        self.call.facts = replace(self.call.facts, cause_text=reason)
        if self._session is None:
            return self._close(Outcome.CONTROLLER_LOST, now_ms)
        suggested = self._session.result(now_ms).suggested_outcome
        return self._close(verdict.answered(self.call.facts, suggested=suggested, by_person=False), now_ms)

    def _close(
        self, outcome: Outcome, now_ms: int, *, facts: CallFacts | None = None, then: ContactNext | None = None
    ) -> list[Command]:
        flow_result = None if self._session is None else self._session.result(now_ms)
        is_opted_out = flow_result is not None and (flow_result.opted_out or flow_result.opt_out_failed)
        self.state = AttemptState.CLOSING
        self._tell_trunk(outcome, now_ms)
        self.result = AttemptResult(
            attempt_id=self.id,
            campaign_id=self.opened.campaign_id,
            contact_id=self.opened.contact_id,
            outcome=outcome,
            is_charged=OUTCOMES[outcome].is_charged,
            facts=facts or (CallFacts() if self.call is None else self.call.facts),
            next=then
            or strategy.next_for(self.opened, outcome, self.campaign.retry, now_ms, is_opted_out=is_opted_out),
            flow={} if flow_result is None else flow_result.as_json(),
        )
        if flow_result is not None and flow_result.opt_out_failed:  # asked for, and not seen on disk yet
            barred = AddDnc(number=self.opened.number, source="keypress", attempt_id=self.id)
            return [barred, CloseAttempt(result=self.result)]
        return [CloseAttempt(result=self.result)]

    def _tell_trunk(self, outcome: Outcome, now_ms: int) -> None:
        """Give the line back, and let the trunk learn from the call's end."""
        if self.line is None or self.call is None:
            return
        self.line.release()
        if self._is_taken_back or outcome is Outcome.CONTROLLER_LOST:
            self.line.forget(self._stretch)
        elif self.call.has_shown_life:
            self.line.show_life()
        elif outcome in verdict.TRUNK_FAULTS:
            self.line.fault(self._reason(outcome), now_ms, self._stretch)
        elif outcome in verdict.REFUSALS:
            self.line.refusal(self._reason(outcome), now_ms, self._stretch)
        else:
            self.line.show_life()
        self.line = None

    def _reason(self, outcome: Outcome) -> str:
        """An outcome in words, with what the network or Asterisk said."""
        assert self.call is not None, f"attempt {self.id} has no call to speak of"
        facts = self.call.facts
        why = facts.cause_text if facts.sip_code is None else f"SIP {facts.sip_code}"
        return f"{outcome.label} ({why})" if why else outcome.label


def lost(opened: OpenedAttempt, now_ms: int) -> AttemptResult:
    """The end of an attempt whose call nobody can lead any more, and whose fate nobody knows."""
    outcome = Outcome.CONTROLLER_LOST
    return AttemptResult(
        attempt_id=opened.attempt_id,
        campaign_id=opened.campaign_id,
        contact_id=opened.contact_id,
        outcome=outcome,
        is_charged=OUTCOMES[outcome].is_charged,
        facts=CallFacts(cause_text="its campaign was not there any more after a restart"),
        next=strategy.next_for(opened, outcome, RetryPolicy(), now_ms),
    )
