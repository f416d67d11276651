"""What a desk is told: the buttons of each state, the card's fields, scripts, and only what changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.agents import (
    AgentPlan,
    AgentState,
    Card,
    DialingMode,
    PacingPlan,
    PacingSignal,
    PauseReason,
    PhoneMode,
    RecordingPolicy,
)
from app.dialing.snapshot import AgentPicture
from app.model import Campaign
from app.panel.desk_state import OFFERED, Act, acts, card_fields, changes, pause_reasons, plan, state, steps
from app.panel.language import Wording
from app.units import AgentId, AttemptId, CampaignId, ContactId, FlowId, SessionId

EN, RU = Wording(language="en"), Wording(language="ru")
PLAN = Campaign(id=CampaignId(1), name="Winter", flow_id=FlowId(1), trunks=())
CARD = Card(
    attempt_id=AttemptId("attempt00001"),
    campaign_id=CampaignId(1),
    contact_id=ContactId(7),
    number="+447700900123",
    fields={"City": "Leeds", "name": "Ann", "phone": "+447700900123"},
    language="en",
    mode=DialingMode.PROGRESSIVE,
)
PICTURE = AgentPicture(
    agent_id=AgentId(1),
    session_id=SessionId("session00001"),
    name="maria",
    endpoint="agent-101",
    phone_mode=PhoneMode.NAILED_UP,
    state=AgentState.AVAILABLE,
    since_ms=0,
    is_phone_up=True,
)


def now(state: AgentState, **news: object) -> AgentPicture:
    return replace(PICTURE, state=state, **news)  # type: ignore[arg-type]


def test_every_state_has_its_buttons() -> None:
    assert set(OFFERED) == set(AgentState)
    offered = {one for found in OFFERED.values() for one in found}
    assert offered | {Act.RING_PHONE, Act.FINISH, Act.CONFERENCE, Act.CANCEL} == set(Act)


@pytest.mark.parametrize(
    ("picture", "has", "lacks"),
    [
        (now(AgentState.AVAILABLE), {Act.PAUSE, Act.DIAL, Act.JOIN, Act.SIGN_OUT}, {Act.READY, Act.HANG_UP}),
        (now(AgentState.PAUSED), {Act.READY, Act.PAUSE}, {Act.HOLD}),
        (now(AgentState.PAUSED, is_phone_up=False), {Act.RING_PHONE}, {Act.READY, Act.DIAL}),
        (now(AgentState.RESERVED), {Act.PAUSE}, {Act.ACCEPT, Act.SKIP, Act.CLOSE, Act.DISPOSE}),
        (now(AgentState.RESERVED, card=replace(CARD, is_preview=True)), {Act.ACCEPT, Act.SKIP, Act.CLOSE}, {Act.READY}),
        (now(AgentState.RINGING, card=CARD), {Act.HANG_UP}, {Act.HOLD, Act.DISPOSE, Act.DIAL}),
        (now(AgentState.TALKING, card=CARD), {Act.MUTE, Act.HOLD, Act.TRANSFER, Act.DISPOSE, Act.HANG_UP},
         {Act.READY, Act.RECORD, Act.DIAL, Act.EXTEND, Act.FINISH}),
        (now(AgentState.TALKING, card=CARD, pause_next="Lunch"), {Act.READY}, set()),
        (now(AgentState.TALKING, card=CARD, signs_out_next=True), set(), {Act.SIGN_OUT}),
        (now(AgentState.ON_HOLD, card=CARD), {Act.HOLD, Act.HANG_UP}, {Act.KEYPAD}),
        (now(AgentState.TALKING, card=CARD, consult="boris"), {Act.CANCEL}, {Act.TRANSFER, Act.FINISH}),
        (now(AgentState.TALKING, card=CARD, consult="boris", is_consult_up=True),
         {Act.CANCEL, Act.FINISH, Act.CONFERENCE}, {Act.TRANSFER, Act.HOLD}),
        (now(AgentState.TALKING, card=CARD, consult="b", is_consult_up=True, is_conference=True),
         {Act.FINISH, Act.CANCEL}, {Act.CONFERENCE}),
        (now(AgentState.WRAP_UP, card=CARD), {Act.DISPOSE, Act.EXTEND}, {Act.HANG_UP, Act.READY}),
        (now(AgentState.WRAP_UP, card=CARD, extensions=10), set(), {Act.EXTEND}),
    ],
)  # fmt: skip
def test_a_moment_has_its_legal_buttons_only(picture: AgentPicture, has: set[Act], lacks: set[Act]) -> None:
    found = acts(picture, PLAN)
    assert has <= found
    assert not lacks & found


def test_recording_by_hand_is_offered_where_the_campaign_leaves_it_to_the_agent() -> None:
    on_demand = replace(PLAN, agents=AgentPlan(recording=RecordingPolicy.ON_DEMAND))
    always = replace(PLAN, agents=AgentPlan(recording=RecordingPolicy.ALWAYS))
    talking = now(AgentState.TALKING, card=CARD)
    assert Act.RECORD in acts(talking, on_demand)
    assert Act.RECORD not in acts(talking, always)
    assert Act.RECORD not in acts(talking, None)


@pytest.mark.parametrize(
    ("mode", "signals", "is_offered"),
    [
        (DialingMode.PREDICTIVE, (PacingSignal.CLOSING,), True),
        (DialingMode.PREDICTIVE, (PacingSignal.SCRIPT,), False),
        (DialingMode.PROGRESSIVE, (PacingSignal.CLOSING,), False),
    ],
)
def test_nearly_done_is_asked_where_somebody_counts_on_it(
    mode: DialingMode, signals: tuple[PacingSignal, ...], is_offered: bool
) -> None:
    counted = replace(PLAN, mode=mode, agents=replace(PLAN.agents, pacing=PacingPlan(signals=signals)))
    assert (Act.NEARLY in acts(now(AgentState.TALKING, card=CARD), counted)) is is_offered
    assert plan(counted, EN)["tells_steps"] is (mode is DialingMode.PREDICTIVE and not is_offered)


def test_nobody_signed_in_is_a_state_too() -> None:
    assert state(None, None, EN)["state"] == "signed-out"


def test_words_are_in_the_agents_language() -> None:
    told = state(now(AgentState.PAUSED, reason="lunch", reason_label="Lunch"), PLAN, RU)
    assert told["reason_label"] == "Обед"


def test_columns_that_repeat_the_name_or_a_phone_are_left_out_and_the_name_is_the_first() -> None:
    values = {"Client": "Ann", "Mobile": "07700 900123", "City": "Leeds", "Order": "900123", "Empty": ""}
    assert card_fields(values, "Ann", ("+447700900123",), EN) == [
        ("fact:name", "Name", "Ann"),
        ("column:City", "City", "Leeds"),
        ("column:Order", "Order", "900123"),
        ("column:Empty", "Empty", ""),
    ]


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("", []),
        ("Hello {name}", [("", "Hello {name}")]),
        ("# Greeting\nHello\n\n# Offer\nBuy\nnow", [("Greeting", "Hello"), ("Offer", "Buy\nnow")]),
        ("First\n# Second", [("", "First"), ("Second", "")]),
    ],
)
def test_a_script_is_read_in_steps(script: str, found: list[tuple[str, str]]) -> None:
    assert [(one["name"], one["text"]) for one in steps(script)] == found


def test_only_what_changed_is_told_and_what_is_gone_is_told_once() -> None:
    was = {"state": "available", "card": None, "person": {"name": "Ann"}}
    assert changes(was, {"state": "available", "card": None, "person": {"name": "Ann"}}) == {}
    assert changes(was, {"state": "talking", "card": {"a": 1}}) == {
        "state": "talking",
        "card": {"a": 1},
        "person": None,
    }
    assert changes({"person": None}, {}) == {}


def test_eight_reasons_for_a_pause_are_shown() -> None:
    many = [PauseReason(code=str(at), label=str(at)) for at in range(20)]
    assert len(pause_reasons(many, EN)) == 8
