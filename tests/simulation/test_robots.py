"""Robot agents: what they do at a desk, by chance that comes from a seed alone."""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from app.agent_events import (
    AgentPaused,
    AgentRequest,
    AgentSignedOut,
    AgentWentReady,
    BrowserLost,
    DispositionSet,
    HangUpAsked,
    HoldAsked,
    ManualDialAsked,
    PhoneAsked,
    PreviewAccepted,
    PreviewRefused,
    TransferAsked,
    TransferCancelled,
    TransferFinished,
)
from app.agents import DEFAULT_DISPOSITIONS, AgentState, Card, DialingMode, DispositionEffect, PhoneMode
from app.dialing.snapshot import AgentPicture
from app.sim.robots import RobotAgent
from app.sim.temper import GOOD, Temper
from app.sim.wishes import Surroundings
from app.units import HOUR_MS, AgentId, AttemptId, CampaignId, ContactId, Number, SessionId

T0 = 1_000_000
ME, SALES, ALICE = AgentId(101), CampaignId(1), AttemptId("alice001")


def card(*, is_preview: bool = False) -> Card:
    return Card(
        attempt_id=ALICE,
        campaign_id=SALES,
        contact_id=ContactId(1),
        number=Number("+99911111"),
        fields={},
        language="en",
        mode=DialingMode.PROGRESSIVE,
        is_preview=is_preview,
    )


def picture(state: AgentState, **more: Any) -> AgentPicture:
    usual: dict[str, Any] = {"is_phone_up": True, "campaigns": (SALES,)}
    return AgentPicture(
        agent_id=ME,
        session_id=SessionId("session1"),
        name="Robot",
        endpoint="desk-101",
        phone_mode=PhoneMode.NAILED_UP,
        state=state,
        since_ms=T0,
        **usual | more,
    )


def robot(temper: Temper = GOOD, *, seed: int = 1, **around: Any) -> RobotAgent:
    usual: dict[str, Any] = {"dispositions": DEFAULT_DISPOSITIONS, "modes": {SALES: DialingMode.PROGRESSIVE}}
    return RobotAgent(ME, temper, Surroundings(**usual | around), random.Random(seed))


def asked(one: RobotAgent, seen: AgentPicture | None, within_ms: int = HOUR_MS) -> list[AgentRequest]:
    """What a robot asks for that sees this desk and nothing else from then on."""
    one.see(seen, T0)
    return [deed.request for deed in one.due(T0 + within_ms) if deed.request is not None]


def kinds(seen: AgentPicture, temper: Temper, runs: int = 200, **around: Any) -> Counter[type]:
    """How many of so many robots ask for each kind of thing at this desk."""
    found: Counter[type] = Counter()
    for seed in range(runs):
        found.update({type(request) for request in asked(robot(temper, seed=seed, **around), seen)})
    return found


def test_a_robot_that_is_not_signed_in_signs_in_unless_the_shift_is_over() -> None:
    for is_closing in (False, True):
        one = robot(is_closing=is_closing)
        one.see(None, T0)
        assert any(deed.signs_in for deed in one.due(T0 + HOUR_MS)) is not is_closing


@pytest.mark.parametrize(
    ("seen", "first"),
    [
        (picture(AgentState.PAUSED, reason="signed-in"), AgentWentReady),
        (picture(AgentState.PAUSED, reason="phone-lost", is_phone_up=False), AgentWentReady | PhoneAsked),
        (picture(AgentState.RESERVED, card=card(is_preview=True)), PreviewAccepted),
        (picture(AgentState.TALKING, card=card()), HangUpAsked | DispositionSet),
        (picture(AgentState.ON_HOLD, card=card()), HoldAsked),
        (picture(AgentState.ON_HOLD, card=card(), consult="x"), TransferCancelled),
        (
            picture(AgentState.ON_HOLD, card=card(), consult="x", is_consult_up=True),
            TransferFinished | TransferCancelled,
        ),
        (picture(AgentState.WRAP_UP, card=card()), DispositionSet | AgentWentReady),
    ],
)
def test_a_good_agent_does_what_the_desk_asks_for(seen: AgentPicture, first: type) -> None:
    assert isinstance(asked(robot(), seen)[0], first)


def test_a_good_agent_waits_for_people_and_lets_phones_ring() -> None:
    for state in (AgentState.AVAILABLE, AgentState.RESERVED, AgentState.RINGING):
        assert asked(robot(), picture(state)) == []


def test_a_lost_phone_is_asked_for_until_it_is_there() -> None:
    lost = picture(AgentState.PAUSED, reason="phone-lost", is_phone_up=False)
    assert sum(isinstance(request, PhoneAsked) for request in asked(robot(), lost)) > 3


def test_a_robot_thinks_again_only_when_the_desk_has_changed() -> None:
    one = robot()
    one.see(picture(AgentState.TALKING, card=card()), T0)
    due_ms = one.next_ms()
    one.see(picture(AgentState.TALKING, card=card(), talked_ms=7), T0 + 100)
    assert one.next_ms() == due_ms
    one.see(picture(AgentState.WRAP_UP, card=card()), T0 + 200)
    assert one.next_ms() != due_ms


def test_the_same_seed_does_the_same() -> None:
    def deeds(seed: int) -> list[object]:
        one = robot(Temper(), seed=seed)
        one.see(picture(AgentState.TALKING, card=card()), T0)
        return [(deed.at_ms, deed.request) for deed in one.due(T0 + HOUR_MS)]

    assert deeds(3) == deeds(3)
    assert deeds(3) != deeds(4)


@pytest.mark.parametrize(
    ("state", "misdeed"),
    [
        (AgentState.AVAILABLE, AgentPaused),
        (AgentState.AVAILABLE, AgentSignedOut),
        (AgentState.TALKING, AgentSignedOut),
        (AgentState.TALKING, AgentPaused),
        (AgentState.TALKING, BrowserLost),
        (AgentState.TALKING, TransferAsked),
        (AgentState.RINGING, HangUpAsked),
        (AgentState.WRAP_UP, AgentPaused),
    ],
)
def test_people_do_all_sorts_of_things_at_any_moment(state: AgentState, misdeed: type) -> None:
    assert 0 < kinds(picture(state, card=card()), Temper(leaves=0.2, transfers=0.3))[misdeed] < 200
    assert kinds(picture(state, card=card()), GOOD)[misdeed] == 0


def test_previews_are_accepted_skipped_closed_and_ignored() -> None:
    seen = picture(AgentState.RESERVED, card=card(is_preview=True))
    temper = Temper(errs=0)
    found: Counter[str] = Counter()
    for seed in range(300):
        requests = asked(robot(temper, seed=seed), seen)
        accepted = any(isinstance(request, PreviewAccepted) for request in requests)
        refused = [request for request in requests if isinstance(request, PreviewRefused)]
        found["accepted" if accepted else "refused" if refused else "ignored"] += 1
        found["closed"] += any(request.is_closed for request in refused)
    assert found["accepted"] > 200
    assert all(found[word] > 3 for word in ("refused", "closed", "ignored"))


def test_a_wrap_up_may_be_walked_away_from() -> None:
    seen = picture(AgentState.WRAP_UP, card=card())
    nothing = sum(not asked(robot(Temper(), seed=seed), seen) for seed in range(300))
    assert 0 < nothing < 60


def test_an_impatient_agent_asks_twice() -> None:
    requests = asked(robot(Temper(doubles=1)), picture(AgentState.WRAP_UP, card=card()))
    assert requests.count(requests[0]) == 2


def test_a_promised_call_has_its_time() -> None:
    codes = {one.code: one.effect for one in DEFAULT_DISPOSITIONS}
    seen = picture(AgentState.WRAP_UP, card=card())
    done = [
        request
        for seed in range(300)
        for request in asked(robot(Temper(errs=0), seed=seed), seen)
        if isinstance(request, DispositionSet)
    ]
    for request in done:
        assert (request.callback is not None) is (codes[request.code] is DispositionEffect.CALLBACK)
    assert {request.code for request in done} == set(codes)
    assert {request.callback.agent_id for request in done if request.callback} == {None, ME}


def test_numbers_are_dialed_by_hand_each_once() -> None:
    numbers = [(SALES, Number(f"+9991111{place}")) for place in range(3)]
    around = Surroundings(dispositions=DEFAULT_DISPOSITIONS, modes={SALES: DialingMode.MANUAL}, numbers=list(numbers))
    one = RobotAgent(ME, GOOD, around, random.Random(1))
    dialed = []
    for place in range(5):
        one.see(picture(AgentState.AVAILABLE, calls=place), T0)
        one.forget()
        dialed += [deed.request for deed in one.due(T0 + HOUR_MS) if isinstance(deed.request, ManualDialAsked)]
    assert [(request.campaign_id, request.number) for request in dialed] == numbers


def test_at_the_end_of_the_shift_everybody_signs_out() -> None:
    for state in AgentState:
        if state is not AgentState.SIGNED_OUT:
            requests = asked(robot(is_closing=True), picture(state, card=card()))
            assert any(isinstance(request, AgentSignedOut) for request in requests)


def test_a_phone_is_put_down_or_lost_now_and_then() -> None:
    deeds: list[Callable[..., None]] = []
    for seed in range(300):
        one = robot(Temper(), seed=seed)
        one.see(picture(AgentState.TALKING, card=card()), T0)
        deeds += [deed.with_phone for deed in one.due(T0 + HOUR_MS) if deed.with_phone is not None]
    assert 0 < len(deeds) < 60
