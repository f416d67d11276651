"""What goes in and out of the REST interface about agents, their phones, pauses and callbacks; see app.panel.shapes."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, Field

from app.agents import AgentState, PauseReason, PhoneMode
from app.dialing.snapshot import AgentPicture
from app.panel.problems import pattern
from app.panel.shapes import LINE, Id, In, Line, ShortName, Word
from app.store.agents import AgentFigures
from app.store.audit import AuditEntry, AuditPage
from app.store.callbacks import Callback
from app.store.people import User
from app.store.phones import Phone
from app.units import AgentId

CODE: Final = pattern(r"^[a-z0-9][a-z0-9-]{0,31}$", "1 to 32 small letters, digits and hyphens")

# --- agents ----------------------------------------------------------------------------------------------------------


class SpyAnswer(BaseModel):
    """A supervisor who takes part in an agent's call."""

    name: str
    mode: str


class AgentAnswer(BaseModel):
    """An agent now. attempt_id: of the person before them. calls, talked_ms: in this session. Signed out: no more."""

    id: int
    name: str
    state: str
    since_ms: int | None = None
    deadline_ms: int | None = None
    reason: str = ""
    phone: str = ""
    is_phone_up: bool = False
    phone_note: str = ""
    campaigns: list[int] = Field(default_factory=list)
    campaign_id: int | None = None
    attempt_id: str | None = None
    pause_next: str = ""
    signs_out_next: bool = False
    is_muted: bool = False
    is_recording: bool = False
    supervisors: list[SpyAnswer] = Field(default_factory=list)
    calls: int = 0
    talked_ms: int = 0
    waiting_for: str = ""

    @classmethod
    def of(cls, picture: AgentPicture) -> AgentAnswer:
        """An agent at work."""
        return cls(
            id=picture.agent_id,
            name=picture.name,
            state=picture.state.value,
            since_ms=picture.since_ms,
            deadline_ms=picture.deadline_ms,
            reason=picture.reason,
            phone=picture.endpoint,
            is_phone_up=picture.is_phone_up,
            phone_note=picture.phone_note,
            campaigns=list(picture.campaigns),
            campaign_id=picture.campaign_id,
            attempt_id=picture.card.attempt_id if picture.card else None,
            pause_next=picture.pause_next,
            signs_out_next=picture.signs_out_next,
            is_muted=picture.is_muted,
            is_recording=picture.is_recording,
            supervisors=[SpyAnswer(name=name, mode=mode.value) for name, mode in picture.spies],
            calls=picture.calls,
            talked_ms=picture.talked_ms,
            waiting_for=picture.waiting_for,
        )

    @classmethod
    def away(cls, user: User) -> AgentAnswer:
        """Somebody who is not signed in."""
        return cls(id=user.id, name=user.name, state=AgentState.SIGNED_OUT.value)


class PauseBody(In):
    """Why: the code of a pause reason."""

    reason: str = Field(pattern=CODE)


class HangUpBody(In):
    """Why the call is ended; it is written down."""

    reason: str = Field(min_length=3, max_length=200, pattern=LINE)


class MessageBody(In):
    """A line for an agent's screen."""

    text: str = Field(min_length=1, max_length=500, pattern=LINE)


class MessageAllBody(MessageBody):
    """A line for everybody's screen."""


class SuperviseBody(In):
    """How to take part, and the phone that rings for it."""

    mode: Literal["listen", "whisper", "barge"]
    phone: Word


class FiguresQuery(In):
    """Since when."""

    since_ms: int = Field(ge=0, le=2**53)


class FiguresAnswer(BaseModel):
    """An agent's figures of a stretch of time. times_ms: by state; dispositions: by code."""

    calls: int
    contacts: int
    talk_ms: int
    wrap_up_ms: int
    times_ms: dict[str, int]
    dispositions: dict[str, int]

    @classmethod
    def of(cls, found: AgentFigures) -> FiguresAnswer:
        """For the wire."""
        return cls(
            calls=found.calls,
            contacts=found.contacts,
            talk_ms=found.talk_ms,
            wrap_up_ms=found.wrap_up_ms,
            times_ms={state.value: length_ms for state, length_ms in found.times_ms.items()},
            dispositions=dict(found.dispositions),
        )


# --- phones and pauses -----------------------------------------------------------------------------------------------


class PhoneBody(In):
    """A phone. agent_id: whose it is; left out: whoever sits there."""

    label: Line = ""
    agent_id: Id | None = None
    phone_mode: Literal["nailed up", "per call"] = "nailed up"
    has_auto_answer: bool = True

    def phone(self, endpoint: str) -> Phone:
        """As it is kept."""
        return Phone(
            endpoint=endpoint,
            label=self.label,
            agent_id=None if self.agent_id is None else AgentId(self.agent_id),
            phone_mode=PhoneMode(self.phone_mode),
            has_auto_answer=self.has_auto_answer,
        )


class PhoneAnswer(BaseModel):
    """A phone."""

    endpoint: str
    label: str
    agent_id: int | None
    phone_mode: str
    has_auto_answer: bool

    @classmethod
    def of(cls, found: Phone) -> PhoneAnswer:
        """For the wire."""
        return cls(
            endpoint=found.endpoint,
            label=found.label,
            agent_id=found.agent_id,
            phone_mode=found.phone_mode.value,
            has_auto_answer=found.has_auto_answer,
        )


class PauseReasonBody(In):
    """A reason for a pause. limit_ms: how long it may last; 0: no limit."""

    label: ShortName
    is_paid: bool = True
    limit_ms: int = Field(default=0, ge=0, le=86_400_000)
    position: int | None = Field(default=None, ge=1, le=1_000, description="its place in the list; left out: as it is")


class PauseReasonAnswer(BaseModel):
    """A reason for a pause, in the order they are shown."""

    code: str
    label: str
    is_paid: bool
    limit_ms: int

    @classmethod
    def of(cls, found: PauseReason) -> PauseReasonAnswer:
        """For the wire."""
        return cls(code=found.code, label=found.label, is_paid=found.is_paid, limit_ms=found.limit_ms)


# --- callbacks -------------------------------------------------------------------------------------------------------


class CallbacksQuery(In):
    """Which callbacks, the earliest first."""

    campaign: Id | None = None
    agent: Id | None = None
    from_ms: int = Field(default=0, ge=0, le=2**53)
    limit: int = Field(default=50, ge=1, le=1_000)


class CallbackBody(In):
    """When to call again; agent_id: who calls themselves; left out: anyone. until_ms: from then on anyone's."""

    at_ms: int = Field(ge=0, le=2**53)
    agent_id: Id | None = None
    until_ms: int = Field(default=0, ge=0, le=2**53)


class CallbackAnswer(BaseModel):
    """A promise to call somebody."""

    campaign_id: int
    contact_id: int
    contact_name: str
    number: str
    time_zone: str
    at_ms: int
    until_ms: int
    due_at_ms: int
    agent_id: int | None
    agent: str

    @classmethod
    def of(cls, found: Callback) -> CallbackAnswer:
        """For the wire."""
        told = {name: getattr(found, name) for name in cls.model_fields if name != "agent"}
        return cls(**told, agent=found.agent_name)


# --- recordings and the trail ----------------------------------------------------------------------------------------


class RecordingsQuery(In):
    """Of which attempt."""

    attempt: str = Field(pattern=pattern(r"^[a-z0-9]{8,40}$", "an attempt's id"))


class RecordingAnswer(BaseModel):
    """A recording. path: where it is fetched, as WAV."""

    name: str
    attempt_id: str
    path: str


class AuditQuery(In):
    """Which rows, newest first."""

    who: str | None = Field(default=None, max_length=64)
    what: str | None = Field(default=None, max_length=64)
    subject: str | None = Field(default=None, max_length=64)
    before: int | None = Field(default=None, ge=1, le=2**53)
    limit: int = Field(default=50, ge=1, le=1_000)


class AuditRow(BaseModel):
    """What somebody did."""

    id: int
    at_ms: int
    who: str
    what: str
    subject: str
    details: dict[str, str]

    @classmethod
    def of(cls, found: AuditEntry) -> AuditRow:
        """For the wire."""
        details = {name: str(value) for name, value in found.details.items()}
        return cls(
            id=found.id, at_ms=found.at_ms, who=found.who, what=found.what, subject=found.subject, details=details
        )


class AuditAnswer(BaseModel):
    """A page of the trail. next_before: ask for the next page with it; null on the last."""

    entries: list[AuditRow]
    next_before: int | None

    @classmethod
    def of(cls, page: AuditPage) -> AuditAnswer:
        """For the wire."""
        return cls(entries=[AuditRow.of(one) for one in page.entries], next_before=page.next_before)
