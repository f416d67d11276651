"""All that can happen to the dialer: what comes from the telephone, the disk, the operator and the prompts.

Events are facts, in the past tense. The core sees the world through these and nothing else. A call is named by its
attempt's id everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.agent_events import AgentSaved, ConversationSaved, FloorEvent, ManualRefused, SupervisionSaved
from app.agents import LivePhone
from app.model import Audio, Campaign, OpenedAttempt, OwnedNumber, PacingMemory, Prompt, Trunk
from app.outcomes import Outcome
from app.units import AttemptId, CampaignId, ContactId, Number, RoomId, TrunkId

# --- the telephone network -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPlaced:
    """The call is on its way: Asterisk took it."""

    attempt_id: AttemptId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRefused:
    """The call was certainly not placed: Asterisk said no, or could not be reached before anything was sent.

    is_trunk_fault: the endpoint could not be used (unknown, unregistered); otherwise the fault is ours or Asterisk's.
    """

    attempt_id: AttemptId
    reason: str
    is_trunk_fault: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CallUnknown:
    """Whether the call was placed is not known: the line to Asterisk broke while it was asked."""

    attempt_id: AttemptId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRinging:
    """The far end said it rings (SIP 180)."""

    attempt_id: AttemptId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallProgressed:
    """The far end opened early media (SIP 183)."""

    attempt_id: AttemptId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAnswered:
    """Somebody or something answered and the call is in our hands."""

    attempt_id: AttemptId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLeft:
    """The call left our hands and lives on in the dialplan (a transfer, or the fallback)."""

    attempt_id: AttemptId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded:
    """The channel is gone. The last event of a call.

    sip_code: the final SIP response (None when there was none). cause: Q.850; 0 when none was given.
    """

    attempt_id: AttemptId
    sip_code: int | None = None
    cause: int = 0
    cause_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitPressed:
    """A key on the person's phone: one of `0`–`9`, `*`, `#`, `A`–`D`."""

    attempt_id: AttemptId
    digit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybackEnded:
    """A playback is over, played to its end, stopped, or failed."""

    attempt_id: AttemptId
    playback_id: str
    has_failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingEnded:
    """A recording is over; `length_ms` is 0 when it failed."""

    attempt_id: AttemptId
    name: str
    length_ms: int
    has_failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkStarted:
    """The person (or machine) began to make sound."""

    attempt_id: AttemptId


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkEnded:
    """The person (or machine) fell silent after `length_ms` of sound."""

    attempt_id: AttemptId
    length_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FaxHeard:
    """The tone of a fax that answers (2100 Hz: CED of ITU-T T.30, ANSam of V.8) was heard; it may be told twice."""

    attempt_id: AttemptId


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandFailed:
    """Something asked of a live call could not be done. `command` is the command's class name."""

    attempt_id: AttemptId
    command: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveCall:
    """One of our channels, found alive when we came back. is_in_hand: answered and in our Stasis application.

    is_up: answered; up and not in hand is in the dialplan, is_in_fallback: there it hears the apology for our absence,
    is_in_queue: it is in a queue of the PBX's own, or talks with one of its members.
    endpoint: the PJSIP endpoint it goes out by; empty where that is not known. room_id: the room they talk in, if any.
    """

    attempt_id: AttemptId
    is_in_hand: bool
    is_up: bool = field(default=False, compare=False)
    is_in_fallback: bool = field(default=False, compare=False)
    is_in_queue: bool = field(default=False, compare=False)
    endpoint: str = field(default="", compare=False)
    room_id: RoomId | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TelephonyUp:
    """Asterisk can be reached. is_new_life: it was restarted, so every call of before is gone.

    live: all of our channels that exist now. Attempts that are open and not among them have ended unseen; so have the
    legs that are not among `phones`.
    """

    is_new_life: bool
    live: tuple[LiveCall, ...] = ()
    phones: tuple[LivePhone, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TelephonyDown:
    """Asterisk cannot be reached; calls may well go on."""

    reason: str


# --- the disk --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptsOpened:
    """Contacts were claimed and their attempts are on disk (the answer to ClaimContacts).

    wanted: how many were asked for. next_due_at_ms: when the next waiting contact falls due, past or future; None when
    nobody waits. checked_at_ms: what the disk knew then decided who may be called; None: now. hindrance: why nobody of
    the whole campaign may be called, in words; empty: nothing is in the way.
    """

    campaign_id: CampaignId
    wanted: int
    attempts: tuple[OpenedAttempt, ...]
    next_due_at_ms: int | None
    checked_at_ms: int | None = None
    hindrance: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptClosed:
    """An attempt's outcome is on disk. opens: another campaign has the contact in its line now."""

    attempt_id: AttemptId
    campaign_id: CampaignId
    outcome: Outcome
    opens: CampaignId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DncAdded:
    """The number is on the do-not-call list, on disk. attempt_id: the call it was asked in, if any.

    numbers: the person's other phones, barred with it. campaigns: the ones it is barred for; None: all.
    """

    number: str
    attempt_id: AttemptId | None = None
    numbers: tuple[Number, ...] = ()
    campaigns: frozenset[CampaignId] | None = None

    def covers(self, number: Number, campaign_id: CampaignId) -> bool:
        """Whether this campaign may not call a number any more."""
        if self.campaigns is not None and campaign_id not in self.campaigns:
            return False
        is_beginning = self.number.endswith("*") and number.startswith(self.number[:-1])
        return number == self.number or is_beginning or number in self.numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptConfirmed:
    """What the disk says of an attempt whose claim is a while ago, as of the moment it was asked.

    reason: why its number may not be called, in words; empty: it may. allowed_until_ms: how long the law lets a chosen
    number be called; None: as was told before.
    """

    attempt_id: AttemptId
    number: Number
    checked_at_ms: int
    reason: str = ""
    allowed_until_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PacingSaved:
    """What a campaign's pacer has learned is on disk."""

    campaign_id: CampaignId


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignStatusSaved:
    """A campaign's new status is on disk."""

    campaign_id: CampaignId


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFailed:
    """A batch of writes was refused by the database and none of it was done. The shell tries closings again by itself.

    campaign_ids: the campaigns whose claims were in the batch.
    """

    reason: str
    campaign_ids: tuple[CampaignId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreBack:
    """The database takes writes again after StoreFailed. Nothing is placed between the two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptsRecovered:
    """Attempts found open on disk at start: dialed by a life before this one. Sent once, before TelephonyUp."""

    attempts: tuple[OpenedAttempt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptsFound:
    """Attempts found open on disk whose claim seemed to have failed: nobody was called, and nobody knew of them."""

    attempts: tuple[OpenedAttempt, ...]


# --- prompts ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptsRendered:
    """Prompts are playable. attempt_id: the call they are for. failed: what could not be made, with the reason."""

    attempt_id: AttemptId
    audio: Mapping[Prompt, Audio]
    failed: Mapping[Prompt, str]


# --- operators -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkSet:
    """A trunk was added or changed."""

    trunk: Trunk


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkRemoved:
    """A trunk was removed; its calls go on."""

    trunk_id: TrunkId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerIdsSet:
    """The numbers that may be shown, all of them. shown: how often each was, by the hour since the epoch, of late."""

    numbers: tuple[OwnedNumber, ...]
    shown: Mapping[str, Mapping[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignStarted:
    """An operator started or resumed a campaign, or changed a running one. flow: an app.ivr.flow.Flow.

    pacing: what is known of a predictive one from before this process. first_calls: how many calls until it pauses by
    itself (see Campaign.pause_at); None: it does not.
    """

    campaign: Campaign
    flow: Any
    pacing: PacingMemory | None = None
    first_calls: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPaused:
    """No new calls; the ones up go on."""

    campaign_id: CampaignId


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignStopped:
    """No new calls until it is started again; ringing calls are taken back, who answered hears the flow to its end."""

    campaign_id: CampaignId


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactsAdded:
    """Contacts were added to a campaign, or made due: look again."""

    campaign_id: CampaignId


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRemoved:
    """A contact was taken out of its list: it is called no more."""

    contact_id: ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutdownAsked:
    """The program is to end: no new calls; ringing ones are taken back."""


CallEvent = (
    CallPlaced
    | CallRefused
    | CallUnknown
    | CallRinging
    | CallProgressed
    | CallAnswered
    | CallLeft
    | CallEnded
    | DigitPressed
    | PlaybackEnded
    | RecordingEnded
    | TalkStarted
    | TalkEnded
    | FaxHeard
    | CommandFailed
    | PromptsRendered
)
"""Everything that belongs to one attempt and is routed to it by `attempt_id`."""

TelephonyEvent = TelephonyUp | TelephonyDown
StoreEvent = (
    AttemptsOpened
    | AttemptClosed
    | AttemptConfirmed
    | DncAdded
    | CampaignStatusSaved
    | PacingSaved
    | StoreFailed
    | StoreBack
    | AttemptsRecovered
    | AttemptsFound
    | AgentSaved
    | ConversationSaved
    | SupervisionSaved
    | ManualRefused
)
OperatorEvent = (
    TrunkSet
    | TrunkRemoved
    | CallerIdsSet
    | CampaignStarted
    | CampaignPaused
    | CampaignStopped
    | ContactsAdded
    | ContactRemoved
    | ShutdownAsked
)
Event = CallEvent | TelephonyEvent | StoreEvent | OperatorEvent | FloorEvent
