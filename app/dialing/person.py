"""A person with the floor: who waits for an agent, is with one, or is gone and leaves a card to be finished."""

from __future__ import annotations

import enum

from app.agent_commands import SaveConversation
from app.agents import NOT_SET, AgentPlan, CallbackPlan, Conversation, DialingMode, Disposition
from app.dialing.attempt import AttemptRun
from app.units import AgentId, AttemptId, CampaignId, RoomId, SessionId


class PersonStage(enum.Enum):
    """Where a person is."""

    WAITING = "waiting"
    """In a queue."""
    JOINING = "joining"
    """An agent was found; on the way into their room, or their phone is rung."""
    TALKING = "talking"
    APART = "apart"
    """Their agent put them on hold, or consults somebody: they hear music."""
    LED_ON = "led on"
    """They talk with a third party, and no agent is with them."""
    LEAVING = "leaving"
    """They hear that there is no agent, and are hung up."""
    BACK_IN_FLOW = "back in the flow"
    """The agent is done with them; they are still on the line."""
    ENDING = "ending"
    """They are being hung up."""
    GONE = "gone"
    """Their call is over; the card may not be."""


class Person:
    """One of them. The floor sets what happens; the record of the conversation is made here."""

    __slots__ = (
        "agent_id", "attempt", "awaits_phone", "awaits_words", "callback", "connected_at_ms", "deadline_ms",
        "disposition", "failures", "has_music", "hold_ms", "is_being_told", "is_disposed", "is_front", "is_notified",
        "note", "party_id", "places_before", "queue_id", "recorded_for", "recording", "recordings", "room_id",
        "since_ms", "stage", "talk_ms", "talker", "transfers", "unsure", "waited_ms", "waits_since_ms",
        "wrap_up_since_ms",
    )  # fmt: skip

    def __init__(self, attempt: AttemptRun, now_ms: int) -> None:
        self.attempt = attempt
        self.queue_id: CampaignId = attempt.campaign.id  # whose agents serve them
        self.stage = PersonStage.WAITING
        self.since_ms = now_ms
        self.waits_since_ms = now_ms
        self.deadline_ms: int | None = None
        self.is_front = False  # they had an agent, who vanished: nobody is before them
        self.has_music = False
        self.agent_id: AgentId | None = None  # whose card they are
        self.room_id: RoomId | None = None  # where they are, or are on the way to
        self.awaits_phone = False  # their agent's phone is being rung
        self.party_id = ""  # the leg of a third party they talk with
        self.failures = 0  # how often a room could not be entered
        self.talker: tuple[AgentId, SessionId] | None = None  # who answers for the conversation
        self.connected_at_ms: int | None = None
        self.waited_ms = 0
        self.talk_ms = 0
        self.hold_ms = 0
        self.wrap_up_since_ms: int | None = None
        self.disposition = NOT_SET
        self.note = ""
        self.callback: CallbackPlan | None = None
        self.is_disposed = False  # the agent is done with the card
        self.is_being_told = False  # the notice of a recording is played, and the recording still wanted
        self.is_notified = False  # they heard it
        self.awaits_words = False  # the recording is wanted, and its notice is not made yet
        self.recorded_for: AgentId | None = None  # who asked for it: it goes on when they are back from a consultation
        self.recording = ""  # the one that runs
        self.recordings: list[str] = []
        self.unsure: tuple[str, ...] = ()  # recordings that a life before this one may have begun and not written down
        self.places_before = 0  # how far that life may have counted its recordings
        self.transfers: list[str] = []

    @property
    def id(self) -> AttemptId:
        """The attempt's id."""
        return self.attempt.id

    @property
    def own_room_id(self) -> RoomId:
        """Where they talk with a third party, and no agent."""
        return RoomId(f"{self.id}-room")

    @property
    def plan(self) -> AgentPlan:
        """Of the campaign they were called for."""
        return self.attempt.campaign.agents

    @property
    def patience_ms(self) -> int:
        """How long they wait for an agent. Who was called ahead of one hears why as soon as the law says (2 s)."""
        is_ahead = self.attempt.campaign.mode is DialingMode.PREDICTIVE
        return self.plan.connect_within_ms if is_ahead else self.plan.hold_ms

    @property
    def is_with_agent(self) -> bool:
        """Whether an agent talks with them, or will as soon as they come back to them."""
        return self.stage in (PersonStage.TALKING, PersonStage.APART)

    def turn_to(self, stage: PersonStage, now_ms: int) -> None:
        """The next stage; what the last one lasted is counted."""
        if self.stage is PersonStage.TALKING:
            self.talk_ms += now_ms - self.since_ms
        elif self.stage is PersonStage.APART:
            self.hold_ms += now_ms - self.since_ms
        self.stage, self.since_ms, self.deadline_ms = stage, now_ms, None

    def met(self, agent_id: AgentId, session_id: SessionId, now_ms: int) -> bool:
        """They hear each other; whether it is for the first time."""
        self.turn_to(PersonStage.TALKING, now_ms)
        self.has_music, self.is_front, self.failures = False, False, 0
        is_first = self.connected_at_ms is None
        if is_first:
            self.connected_at_ms = now_ms
            self.waited_ms = now_ms - self.waits_since_ms
        is_other = self.talker != (agent_id, session_id)
        self.talker = (agent_id, session_id)
        return is_first or is_other

    def next_recording(self) -> str:
        """The name of a recording that begins."""
        self.recording = self.recording_name(self.last_place + 1)
        self.recordings.append(self.recording)
        return self.recording

    @property
    def last_place(self) -> int:
        """The number of the last recording there is, or may be; 0: there is none."""
        places = (int(name.removeprefix(f"{self.id}-talk")[1:] or 1) for name in self.recordings)
        return max(self.places_before, *places) if self.recordings else self.places_before

    def recording_name(self, place: int) -> str:
        """What the `place`-th recording of the conversation is called."""
        return f"{self.id}-talk" if place == 1 else f"{self.id}-talk-{place}"

    def save(self) -> SaveConversation:
        """What a life after this one has to know of the conversation. They have talked."""
        assert self.talker is not None, f"{self.id} talked with nobody"
        assert self.connected_at_ms is not None, f"{self.id} was never connected"
        agent_id, session_id = self.talker
        facts = None if self.attempt.call is None else self.attempt.call.facts
        answered_at_ms = None if facts is None else facts.answered_at_ms
        return SaveConversation(
            attempt_id=self.id,
            agent_id=agent_id,
            session_id=session_id,
            answered_at_ms=self.connected_at_ms if answered_at_ms is None else answered_at_ms,
            connected_at_ms=self.connected_at_ms,
            waited_ms=self.waited_ms,
            recordings=tuple(self.recordings),
            recording=self.recording,
        )

    def conversation(self, now_ms: int) -> Conversation:
        """What is written of it."""
        assert self.talker is not None, f"{self.id} talked with nobody"
        assert self.connected_at_ms is not None, f"{self.id} was never connected"
        agent_id, session_id = self.talker
        return Conversation(
            agent_id=agent_id,
            session_id=session_id,
            connected_at_ms=self.connected_at_ms,
            waited_ms=self.waited_ms,
            talk_ms=self.talk_ms,
            hold_ms=self.hold_ms,
            wrap_up_ms=0 if self.wrap_up_since_ms is None else max(0, now_ms - self.wrap_up_since_ms),
            disposition=self.disposition,
            note=self.note,
            recordings=tuple(self.recordings),
            transfers=tuple(self.transfers),
        )

    def disposition_of(self, code: str) -> Disposition | None:
        """The campaign's disposition with this code."""
        return next((one for one in self.plan.dispositions if one.code == code), None)
