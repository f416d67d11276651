"""All that the dialer can ask of the world, in the imperative. Each comes back as an event.

Telephony commands are done at once and never wait for the disk: PlaceCall is only ever given for an attempt that is on
disk already, because it arises from `AttemptsOpened` alone. Store commands are gathered into one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.agent_commands import FloorStoreCommand, QueueCommand, RoomCommand, SeekAgent
from app.model import AttemptResult, CampaignStatus, Prompt, Trunk
from app.units import AgentId, AttemptId, CampaignId, ContactId, Number, ProjectId

# --- the telephone network -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceCall:
    """Dial. → CallPlaced, CallRefused or CallUnknown, and whatever the network says, ending in CallEnded.

    lease_ms: the channel ends by itself after this long unless the lease is renewed.
    watch_talk: report TalkStarted, TalkEnded and FaxHeard; talk_silence_ms: silence that ends a stretch of talk.
    """

    attempt_id: AttemptId
    trunk: Trunk
    number: Number
    caller_id: str
    ring_timeout_ms: int
    lease_ms: int
    language: str
    watch_talk: bool = False
    talk_silence_ms: int = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUp:
    """End the call. → CallEnded."""

    attempt_id: AttemptId


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """Play media one after the other (`sound:/path/without/extension`). → PlaybackEnded once, after the last."""

    attempt_id: AttemptId
    playback_id: str
    media: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StopPlayback:
    """Fall silent. → PlaybackEnded."""

    attempt_id: AttemptId
    playback_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Record the person. → RecordingEnded. stop_on_key: any key ends it; max_silence_ms 0: silence does not end it."""

    attempt_id: AttemptId
    name: str
    max_length_ms: int
    max_silence_ms: int = 0
    beep: bool = True
    stop_on_key: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRecording:
    """End a recording and keep it. → RecordingEnded."""

    attempt_id: AttemptId
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendToExtension:
    """Hand the call to the admin's dialplan. → CallLeft, later CallEnded."""

    attempt_id: AttemptId
    context: str
    extension: str
    priority: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewLease:
    """Let the channel live `lease_ms` from now. Only a failure comes back (CommandFailed)."""

    attempt_id: AttemptId
    lease_ms: int


CallCommand = PlaceCall | HangUp | Play | StopPlayback | Record | StopRecording | SendToExtension | RenewLease
"""What belongs to the person of one attempt."""
TelephonyCommand = CallCommand | RoomCommand | QueueCommand

# --- the disk --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimContacts:
    """Take up to `count` due contacts of a campaign and open their attempts, in one transaction. → AttemptsOpened.

    Numbers that begin with one of `shut_prefixes` and none of `open_prefixes` are passed over and fall due again at
    `shut_until_ms`: the trunks that carry them are out of service. Contacts that belong to an agent (a personal
    callback, an owner) are taken only for one of `agents`; of others they are passed over for a while.
    with_past: their earlier calls are wanted too.
    """

    campaign_id: CampaignId
    count: int
    shut_prefixes: tuple[str, ...] = ()
    open_prefixes: tuple[str, ...] = ()
    shut_until_ms: int = 0
    agents: tuple[AgentId, ...] = ()
    with_past: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseAttempt:
    """Write an attempt's end and what becomes of its contact. → AttemptClosed."""

    result: AttemptResult


@dataclass(frozen=True, slots=True, kw_only=True)
class AddDnc:
    """Put a number, or a beginning of numbers (`+4470*`), on the do-not-call list. → DncAdded.

    With the attempt it was asked in, or a contact, it is the person who is barred: all of their phones, now and later.
    For all campaigns, unless it is for those of a project or for one. source: keypress, agent, api, panel, import,
    dialplan, sms; who: the user or program that said so; why: in words.
    """

    number: str
    source: str
    attempt_id: AttemptId | None = None
    contact_id: ContactId | None = None
    project_id: ProjectId | None = None
    campaign_id: CampaignId | None = None
    who: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmAttempt:
    """Ask the disk again whether an attempt may be dialed, over this number. → AttemptConfirmed.

    is_chosen: an agent took another phone than the one it was claimed for, so the law is asked about it too.
    """

    attempt_id: AttemptId
    number: Number
    is_chosen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SavePacing:
    """Write down what a campaign's pacer has learned, for the next process. → PacingSaved."""

    campaign_id: CampaignId
    learned: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCampaignStatus:
    """Write a campaign's status. → CampaignStatusSaved."""

    campaign_id: CampaignId
    status: CampaignStatus


StoreCommand = (
    ClaimContacts | CloseAttempt | AddDnc | ConfirmAttempt | SetCampaignStatus | SavePacing | FloorStoreCommand
)

# --- prompts ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderPrompts:
    """Make prompts playable. → PromptsRendered."""

    attempt_id: AttemptId
    prompts: tuple[Prompt, ...]


Command = TelephonyCommand | StoreCommand | RenderPrompts
FlowCommand = Command | SeekAgent
"""What a flow gives: seeking an agent is between it and the floor, and never reaches the shell."""
