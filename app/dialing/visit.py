"""A call that is, or will be, answered and in our hands: its flow, its stay with the floor's agents, its lease.

It begins with the answer and ends with the call. Whoever leads it (the flow, the floor, a queue) asks here; what they
ask for is given as commands, with what it means for the lease and for the outcome noted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.agent_commands import FloorAnswer, SeekAgent, SendToQueue
from app.agents import TALK_LEASE_MS
from app.commands import Command, FlowCommand, HangUp, RenewLease, SendToExtension
from app.dialing import floor_words, last_words
from app.dialing.ending import Course
from app.dialing.last_words import LastWords
from app.dialing.lease import LEASE_MS, TRANSFER_LEASE_MS, Lease
from app.ivr.flow import Flow
from app.ivr.needs import prompts_needed
from app.ivr.result import EndedBy, FlowResult
from app.ivr.session import FlowEvent, FlowSession
from app.model import Audio, Campaign, OpenedAttempt, Prompt
from app.units import AttemptId


class Visit:
    """One call's. sought: the person is the floor's (or a queue's): they wait for an agent, or are with one.

    has_talked: with an agent of ours, whose word decides the end.
    """

    __slots__ = (
        "_began_at_ms", "_id", "audio", "campaign", "course", "flow", "has_talked", "last_words", "lease", "opened",
        "session", "sought",
    )  # fmt: skip

    def __init__(self, opened: OpenedAttempt, campaign: Campaign, flow: Flow) -> None:
        self.opened = opened
        self.campaign = campaign
        self.flow = flow
        self.audio: dict[Prompt, Audio] = {}
        self.course = Course()
        self.lease = Lease(opened.attempt_id)
        self.session: FlowSession | None = None
        self.sought: SeekAgent | None = None
        self.has_talked = opened.conversation is not None and opened.conversation.agent_id is not None
        self.last_words = LastWords()
        self._id: AttemptId = opened.attempt_id
        self._began_at_ms: int | None = None

    @property
    def language(self) -> str:
        """The contact's language, or the campaign's."""
        return self.opened.language or self.campaign.language

    @property
    def keys(self) -> str:
        """What was pressed in the flow so far."""
        heard = self.heard(0)
        return "" if heard is None else "".join(pressed.key for pressed in heard.keys)

    @property
    def is_machine(self) -> bool:
        """Whether the flow heard a machine answer."""
        return self.session is not None and self.session.is_machine

    def needed(self) -> Sequence[Prompt]:
        """Every prompt the person may hear, as far as it is known before the call."""
        opened, flow = self.opened, self.flow
        own = () if opened.is_manual else prompts_needed(flow, opened.fields, self.language)
        if not (opened.is_manual or floor_words.needs_floor(self.campaign, flow)):
            return own
        said = floor_words.floor_prompts(self.campaign, flow, opened.fields, self.language)
        return tuple(dict.fromkeys((*own, *said)))

    def safe_harbor(self, now_ms: int) -> Audio | None:
        """What the person hears from now on, as there is no agent; None: it was not made."""
        words = floor_words.safe_harbor(self.campaign, self.flow, self.opened.fields, self.language)
        return self._say(last_words.SAFE_HARBOR, words, now_ms)

    def barred(self, now_ms: int) -> Audio | None:
        """What they hear from now on, as they want no more calls; None: it was not made."""
        return self._say(last_words.CONFIRMATION, floor_words.barred(self.language), now_ms)

    def _say(self, what: str, words: Prompt, now_ms: int) -> Audio | None:
        audio = self.audio.get(words)
        self.last_words.begin(what, words, 0 if audio is None else audio.length_ms, now_ms)
        if audio is None:
            self.last_words.end(now_ms, is_whole=False, has_failed=True)
        return audio

    # --- the flow ----------------------------------------------------------------------------------------------------

    @property
    def has_begun(self) -> bool:
        """Whether the answer was heard of."""
        return self.session is not None or self.sought is not None

    def begin(self, life: str, now_ms: int) -> list[Command]:
        """They answered. life: tells our names of playbacks and recordings from those of a life before this one."""
        self._began_at_ms = now_ms
        if life:  # what lease that life gave them is not known: they get their own at once
            self.lease.renew_at_ms = now_ms
        if self.opened.is_manual:  # an agent called, and nothing else is to speak first
            self.seek(SeekAgent(attempt_id=self._id), now_ms)
            return []
        self.session = FlowSession(
            self.flow,
            attempt_id=self._id,
            number=self.opened.number,
            fields=self.opened.fields,
            language=self.language,
            audio=self.audio,
            life=life,
        )
        return self.checked(self.session.start(now_ms), now_ms)

    def tell(self, event: FlowEvent, now_ms: int) -> list[Command]:
        """What the flow makes of an event."""
        return [] if self.session is None else self.checked(self.session.handle(event, now_ms), now_ms)

    def heard(self, now_ms: int) -> FlowResult | None:
        """What came of the flow so far, and what the floor said after it; None: nothing was to be heard."""
        said = self.last_words.told(self._began_at_ms, now_ms)
        if self.session is not None:
            found = self.session.result(now_ms)
        elif said:  # dialed by hand, or taken over from a life before this one
            found = FlowResult(
                attempt_id=self._id, flow="", version="", language=self.language, ended_by=EndedBy.FLOW, length_ms=0
            )
        else:
            return None
        heard = (*found.heard, *said) if said else found.heard
        return replace(found, heard=heard, opted_out=found.opted_out or self.course.is_barred)

    def checked(self, commands: Sequence[FlowCommand], now_ms: int) -> list[Command]:
        """The flow's commands, with what they mean for the call: whose hang-up it is, and how long the lease."""
        checked: list[Command] = []
        for command in commands:
            if isinstance(command, SeekAgent):
                self.seek(command, now_ms)
                continue
            if isinstance(command, HangUp):
                self.course.is_ours = True
                if self.lease.is_long(now_ms):  # a hang-up that gets lost must not keep them for hours
                    checked.append(self.lease.take(LEASE_MS, now_ms))
            elif isinstance(command, SendToExtension):
                self.course.is_sent_on = True
                checked.append(self.lease.take(TRANSFER_LEASE_MS, now_ms))
            checked.append(command)
        return checked

    def failed(self, command: str, now_ms: int) -> None:
        """A lease that was not renewed is tried again soon; who stays with us after all needs no long one."""
        if command == RenewLease.__name__:
            self.lease.failed(now_ms)
        elif command == SendToExtension.__name__ and self.course.is_sent_on:
            self.course.is_sent_on = False
            self.lease.fall_back(now_ms)

    # --- time --------------------------------------------------------------------------------------------------------

    def next_deadline_ms(self) -> int:
        """When `wake` is wanted."""
        deadline = None if self.session is None else self.session.next_deadline_ms()
        return self.lease.renew_at_ms if deadline is None else min(deadline, self.lease.renew_at_ms)

    def wake(self, now_ms: int) -> list[Command]:
        """Time has passed."""
        commands = [self.lease.renew(now_ms)] if now_ms >= self.lease.renew_at_ms else []
        if self.session is not None:
            commands += self.checked(self.session.wake(now_ms), now_ms)
        return commands

    # --- the floor's side --------------------------------------------------------------------------------------------

    def seek(self, sought: SeekAgent, now_ms: int) -> None:
        """They are to have an agent."""
        self.sought, self.course.sought_at_ms = sought, now_ms

    def seek_no_more(self) -> None:
        """They are nobody's but the flow's, or gone."""
        self.sought = self.course.sought_at_ms = None

    def meet(self, now_ms: int) -> list[Command]:
        """An agent and the person hear each other: from now on the agent's word decides what came of it."""
        self.has_talked = True
        return [*self.tell(FloorAnswer(attempt_id=self._id, is_connected=True), now_ms), self.talk_on(now_ms)]

    def talk_on(self, now_ms: int) -> Command:
        """The conversation may outlive us."""
        return self.lease.take(TALK_LEASE_MS, now_ms)

    def wait_again(self, now_ms: int) -> Command:
        """The person waits for an agent again, and must not wait for ever without us."""
        return self.lease.take(LEASE_MS, now_ms)

    def release(self, now_ms: int) -> list[Command]:
        """The agent is done with the person, who is still there: their flow goes on, or hangs up."""
        self.seek_no_more()
        commands = self.tell(FloorAnswer(attempt_id=self._id, is_released=True), now_ms)
        if self.session is None or (self.session.is_over and not commands):
            return self.hang_up(now_ms)
        if not self.course.is_ours:
            commands.append(self.lease.take(LEASE_MS, now_ms))
        return commands

    def find_nobody(self, now_ms: int) -> list[Command]:
        """No agent came, and the flow has a way of its own for that."""
        self.seek_no_more()
        self.course.is_unserved = True
        return self.tell(FloorAnswer(attempt_id=self._id), now_ms)

    def enter_queue(self, now_ms: int) -> list[Command]:
        """To a queue of the PBX's own, for as long as the campaign lets people wait."""
        plan = self.campaign.agents
        sent = SendToQueue(attempt_id=self._id, queue=plan.queue, wait_ms=plan.hold_ms)
        return [self.lease.take(TRANSFER_LEASE_MS, now_ms), sent]

    def abandon(self) -> None:
        """No agent came in time; whatever the person hears now, it is not what they were called for."""
        self.course.is_abandoned = True

    def hang_up(self, now_ms: int) -> list[Command]:
        """End the call."""
        return self.checked([HangUp(attempt_id=self._id)], now_ms)
