"""The desk's picture: what an agent's page is told of their state, card and buttons, as plain JSON. Pure.

Which button is there in which state is one table; a page draws no others. The dialer has the last word all the same.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from app.agent_events import (
    AgentRequest,
    AgentWentReady,
    DispositionSet,
    HangUpAsked,
    HoldAsked,
    KeysAsked,
    MuteAsked,
    PhoneAsked,
    PreviewAccepted,
    PreviewRefused,
    RecordAsked,
    TransferCancelled,
    TransferFinished,
    WrapUpExtended,
)
from app.agents import (
    AgentState,
    Card,
    DialingMode,
    Disposition,
    DispositionEffect,
    PacingSignal,
    PauseReason,
    PhoneMode,
    RecordingPolicy,
)
from app.dialing.snapshot import AgentPicture
from app.model import Campaign
from app.panel.calling_time import zones_of
from app.panel.language import Wording, phone
from app.units import CampaignId

MAX_PAUSE_REASONS: Final = 8
"""As many as have a key each, and are told apart at a glance."""
WRAP_UP_NEAR_MS: Final = 20_000
"""More time is offered when this much is left."""
MAX_VALUE: Final = 2_000
"""Of a field, as far as the desk shows it."""
_TAIL: Final = 7
"""So many last digits tell a contact's phones apart, however they are written."""


class Act(enum.Enum):
    """What an agent can do; each is a button and most are a key."""

    READY = "ready"
    PAUSE = "pause"
    SIGN_OUT = "sign-out"
    JOIN = "join"
    RING_PHONE = "ring-phone"
    DIAL = "dial"
    ACCEPT = "accept"
    SKIP = "skip"
    CLOSE = "close"
    HANG_UP = "hang-up"
    MUTE = "mute"
    HOLD = "hold"
    KEYPAD = "keypad"
    TRANSFER = "transfer"
    RECORD = "record"
    FINISH = "finish"
    CONFERENCE = "conference"
    CANCEL = "cancel"
    DISPOSE = "dispose"
    EXTEND = "extend"
    NEARLY = "nearly"


_ALWAYS: Final = frozenset({Act.SIGN_OUT, Act.JOIN})
_IN_CALL: Final = frozenset({Act.HANG_UP, Act.HOLD, Act.TRANSFER, Act.DISPOSE, Act.PAUSE, Act.READY})
OFFERED: Final[Mapping[AgentState, frozenset[Act]]] = {
    AgentState.SIGNED_OUT: frozenset(),
    AgentState.PAUSED: _ALWAYS | {Act.READY, Act.PAUSE, Act.DIAL},
    AgentState.AVAILABLE: _ALWAYS | {Act.PAUSE, Act.DIAL},
    AgentState.RESERVED: _ALWAYS | {Act.ACCEPT, Act.SKIP, Act.CLOSE, Act.PAUSE, Act.READY},
    AgentState.RINGING: _ALWAYS | {Act.HANG_UP, Act.PAUSE, Act.READY},
    AgentState.TALKING: _ALWAYS | _IN_CALL | {Act.MUTE, Act.KEYPAD, Act.RECORD, Act.NEARLY},
    AgentState.ON_HOLD: _ALWAYS | _IN_CALL,
    AgentState.WRAP_UP: _ALWAYS | {Act.READY, Act.PAUSE, Act.DISPOSE, Act.EXTEND},
}
"""What each state has; `acts` takes away what this moment does not have. In a call, READY unlatches a pause to come."""


Refusal = Callable[[AgentRequest], str | None]
"""Why the floor would not do something now; None: it would."""


def acts(picture: AgentPicture, plan: Campaign | None, refusal: Refusal = lambda _: None) -> frozenset[Act]:
    """The buttons of this moment: what the table has, as far as the floor would do it."""
    probes = _probes(picture, plan)
    found = {act for act in _offered(picture, plan) if act not in probes or refusal(probes[act]) is None}
    if Act.DISPOSE not in found:
        found.discard(Act.TRANSFER)  # who cannot say what came of it has nobody of their own to give away
    return frozenset(found)


def _offered(picture: AgentPicture, plan: Campaign | None) -> set[Act]:
    found = set(OFFERED[picture.state])
    card = picture.card
    if picture.phone_mode is PhoneMode.NAILED_UP and not picture.is_phone_up:
        found.add(Act.RING_PHONE)
        found -= {Act.READY, Act.DIAL}
    if picture.signs_out_next:
        found.discard(Act.SIGN_OUT)
    if picture.state is AgentState.RESERVED and (card is None or not card.is_preview):
        found -= {Act.ACCEPT, Act.SKIP, Act.CLOSE}
    if picture.state is not AgentState.PAUSED and not picture.pause_next:
        found.discard(Act.READY)
    if plan is None or plan.agents.recording is not RecordingPolicy.ON_DEMAND:
        found.discard(Act.RECORD)
    if plan is None or picture.extensions >= plan.agents.max_extensions:
        found.discard(Act.EXTEND)
    if not _is_counted_on(plan, PacingSignal.CLOSING):
        found.discard(Act.NEARLY)
    if picture.consult:
        found -= {Act.TRANSFER, Act.HOLD}
        found |= {Act.FINISH, Act.CONFERENCE, Act.CANCEL} if picture.is_consult_up else {Act.CANCEL}
    if picture.is_conference:
        found.discard(Act.CONFERENCE)
    return found


def _is_counted_on(plan: Campaign | None, signal: PacingSignal) -> bool:
    """Whether calls are placed ahead for who is about to come free, and this is believed of them."""
    return plan is not None and plan.mode is DialingMode.PREDICTIVE and signal in plan.agents.pacing.signals


def _probes(picture: AgentPicture, plan: Campaign | None) -> dict[Act, AgentRequest]:
    """What each button would ask for, where that is known before it is pressed."""
    me = picture.agent_id
    probes: dict[Act, AgentRequest] = {
        Act.READY: AgentWentReady(agent_id=me),
        Act.RING_PHONE: PhoneAsked(agent_id=me),
        Act.HANG_UP: HangUpAsked(agent_id=me),
        Act.MUTE: MuteAsked(agent_id=me, is_on=not picture.is_muted),
        Act.HOLD: HoldAsked(agent_id=me, is_on=picture.state is not AgentState.ON_HOLD),
        Act.KEYPAD: KeysAsked(agent_id=me, digits="1"),
        Act.RECORD: RecordAsked(agent_id=me, is_on=not picture.is_recording),
        Act.FINISH: TransferFinished(agent_id=me),
        Act.CONFERENCE: TransferFinished(agent_id=me, is_conference=True),
        Act.CANCEL: TransferCancelled(agent_id=me),
        Act.EXTEND: WrapUpExtended(agent_id=me),
    }
    if picture.card is not None:
        attempt_id = picture.card.attempt_id
        probes[Act.ACCEPT] = PreviewAccepted(agent_id=me, attempt_id=attempt_id)
        probes[Act.SKIP] = probes[Act.CLOSE] = PreviewRefused(agent_id=me, attempt_id=attempt_id)
        if plan is not None and plan.agents.dispositions:
            code = plan.agents.dispositions[0].code
            probes[Act.DISPOSE] = DispositionSet(agent_id=me, attempt_id=attempt_id, code=code)
    return probes


def state(
    picture: AgentPicture | None, plan: Campaign | None, words: Wording, refusal: Refusal = lambda _: None
) -> dict[str, Any]:
    """Everything the page draws from, by the names its scripts know. plan: of the campaign of the card."""
    if picture is None:
        return {"state": slug(AgentState.SIGNED_OUT), "may": [], "card": None}
    return {
        "state": slug(picture.state),
        "since": picture.since_ms,
        "deadline": picture.deadline_ms,
        "reason": picture.reason,
        "reason_label": words.say(picture.reason_label or picture.reason),
        "pause_limit": picture.pause_limit_ms,
        "pause_next": words.say(picture.pause_next),
        "leaves_next": picture.signs_out_next,
        "campaigns": list(picture.campaigns),
        "campaign": picture.campaign_id,
        "card": card(picture.card, words) if picture.card else None,
        "phone": {
            "endpoint": picture.endpoint,
            "mode": slug(picture.phone_mode),
            "is_up": picture.is_phone_up,
            "note": words.say(picture.phone_note),
        },
        "muted": picture.is_muted,
        "recording": picture.is_recording,
        "disposition": picture.disposition,
        "extensions": picture.extensions,
        "consult": {"who": phone(picture.consult), "is_up": picture.is_consult_up} if picture.consult else None,
        "conference": picture.is_conference,
        "spies": [{"who": who, "how": mode.value} for who, mode in picture.spies],
        "calls": picture.calls,
        "talked": picture.talked_ms,
        "waiting": words.say(picture.waiting_for),
        "may": sorted(act.value for act in acts(picture, plan, refusal)),
    }


def card(one: Card, words: Wording) -> dict[str, Any]:
    """The person before the agent, as far as the dialer knows them: enough to say hello."""
    fields = dict(one.fields)
    name = fields.pop("name", "")
    fields.pop("phone", None)
    return {
        "attempt": one.attempt_id,
        "campaign": one.campaign_id,
        "contact": one.contact_id,
        "name": name,
        "number": one.number,
        "shown": words.phone(one.number),
        "zones": list(zones_of(one.number)),
        "fields": card_fields(fields, name, (one.number,), words),
        "language": one.language,
        "mode": slug(one.mode),
        "is_preview": one.is_preview,
        "is_callback": one.is_callback,
        "keys": one.keys,
        "answered": one.answered_at_ms,
        "connected": one.connected_at_ms,
        "ended": one.ended_at_ms,
    }


def card_fields(
    values: Mapping[str, str], name: str, phones: Sequence[str], words: Wording
) -> list[tuple[str, str, str]]:
    """A contact's fields: id, label, value. The name is the first; columns that only repeat it or a phone are left out.

    A phone's column is known by its digits: `07700 900123` and `+44 7700 900123` are one.
    """
    tails = {one[-_TAIL:] for one in phones}
    shown = [("fact:name", words.say("Name"), name)]
    for column, value in values.items():
        is_name = column.lower() == "name" or (bool(name) and value == name)
        digits = re.sub(r"[^0-9]", "", value)
        is_phone = len(digits) >= _TAIL and digits[-_TAIL:] in tails and len(value) <= 24
        if not (is_name or is_phone):
            shown.append((f"column:{column}", column, value[:MAX_VALUE]))
    return shown


def plans(campaigns: Iterable[Campaign], words: Wording) -> dict[str, Any]:
    """What the page must know of campaigns before their first card comes, by their ids."""
    return {str(one.id): plan(one, words) for one in campaigns}


def plan(campaign: Campaign, words: Wording) -> dict[str, Any]:
    """A campaign as an agent sees it."""
    agents = campaign.agents
    return {
        "id": campaign.id,
        "name": campaign.name,
        "mode": slug(campaign.mode),
        "script": steps(agents.script),
        "one_key": agents.is_one_key,
        "recording": slug(agents.recording),
        "preview": agents.preview_ms,
        "extension": agents.wrap_up_extension_ms,
        "extensions": agents.max_extensions,
        "near": WRAP_UP_NEAR_MS,
        "tells_steps": _is_counted_on(campaign, PacingSignal.SCRIPT),
        "dispositions": [_disposition(one, words) for one in agents.dispositions],
    }


def steps(script: str) -> list[dict[str, str]]:
    """A script's steps: a line that begins with `# ` names one; what comes before the first has no name."""
    found: list[tuple[str, list[str]]] = [("", [])]
    for line in script.splitlines():
        if line.startswith("# "):
            found.append((line[2:].strip(), []))
        else:
            found[-1][1].append(line)
    made = [{"name": name, "text": "\n".join(lines).strip()} for name, lines in found]
    return [one for one in made if one["name"] or one["text"]]


def pause_reasons(reasons: Iterable[PauseReason], words: Wording) -> list[dict[str, Any]]:
    """The first eight: more cannot be told apart."""
    shown = list(reasons)[:MAX_PAUSE_REASONS]
    return [
        {"code": one.code, "label": words.say(one.label), "limit": one.limit_ms, "is_paid": one.is_paid}
        for one in shown
    ]


def changes(was: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """What a page that knows `was` must be told to know `now`; a name that is gone is told as null."""
    told = {name: value for name, value in now.items() if name not in was or was[name] != value}
    return told | {name: None for name in was if name not in now and was[name] is not None}


def slug(one: enum.Enum) -> str:
    """A value of an enum as the page's scripts and styles name it: `on hold` → `on-hold`."""
    return str(one.value).replace(" ", "-")


def campaign_of(picture: AgentPicture | None) -> CampaignId | None:
    """Whose plan the present moment follows."""
    if picture is None:
        return None
    return picture.card.campaign_id if picture.card else picture.campaign_id


def _disposition(one: Disposition, words: Wording) -> dict[str, Any]:
    retry_ms = one.retry_ms if one.effect is DispositionEffect.RETRY else 0
    return {
        "code": one.code,
        "label": words.say(one.label),
        "effect": slug(one.effect),
        "after": words.length(retry_ms) if retry_ms else "",
        "is_success": one.is_success,
    }
