"""A softphone people use (baresip) at an agent's desk: bridged, held, given away, in conference, whispered to, lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
import pytest_asyncio

from app.agent_events import (
    AgentWentReady,
    HangUpAsked,
    HoldAsked,
    KeysAsked,
    MuteAsked,
    PhoneAsked,
    TransferAsked,
    TransferCancelled,
    TransferFinished,
)
from app.agents import AgentPlan, AgentState, DialingMode, PhoneMode, SpyMode
from app.store import people
from app.units import Number
from asterisk.lab import Lab
from asterisk.lab.baresip import MISSING, Baresip, find_baresip
from asterisk.lab.phones import until_online
from tests.asterisk.shift import Shift, WorkerOn, shift
from tests.asterisk.tellers import Callee, Callees, Teller, heard
from tests.asterisk.tones import EDGES_MS, heard_ms, rest_ms

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(find_baresip() is None, reason=MISSING),
]

SAY_NOTHING = ("+447700900124", "+447700901124", "+447700902124")
"""People who say what the test has them say."""
AGENT_HZ, PERSON_HZ, OTHER_HZ, THIRD_HZ = 1_000, 600, 1_400, 1_800
PLAN = AgentPlan(wrap_up_ms=20_000)
LISTENS_S, MOST_MS = 0.8, 500
"""A tone that is there all the time is heard for MOST_MS while LISTENS_S pass."""
MOVES = 2
NOTICED_S = 4.0
"""A lost phone is noticed within three seconds; one more for a busy machine."""
Desk = WorkerOn[Baresip]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def softphones() -> AsyncIterator[tuple[Lab, Baresip, Baresip]]:
    """A laboratory with two softphones and a supervisor's phone."""
    async with Lab(lines=10, phones=2) as lab:
        yield lab, await lab.start_baresip(), await lab.start_baresip()


@pytest_asyncio.fixture(loop_scope="session")
async def floor(softphones: tuple[Lab, Baresip, Baresip], tmp_path: Path) -> AsyncIterator[Shift]:
    """A dialer in that laboratory."""
    lab, *phones = softphones
    async with shift(lab, tmp_path) as running:
        yield running
    for phone in phones:
        await phone.until_idle()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def callees(softphones: tuple[Lab, Baresip, Baresip]) -> AsyncIterator[Callees]:
    """The people called."""
    async with Callees(softphones[0], "softphone") as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def anna(floor: Shift, softphones: tuple[Lab, Baresip, Baresip]) -> Desk:
    """An agent with a softphone."""
    await softphones[1].play_tone(AGENT_HZ)
    return await floor.worker_on(softphones[1])


@pytest_asyncio.fixture(loop_scope="session")
async def boris(floor: Shift, softphones: tuple[Lab, Baresip, Baresip]) -> Desk:
    """Another one."""
    await softphones[2].play_tone(OTHER_HZ)
    return await floor.worker_on(softphones[2])


async def at_work(desk: Desk, callees: Callees, mode: PhoneMode) -> Callee:
    """An agent who has signed in and talks with the first person, both speaking."""
    campaign_id = await desk.shift.campaign(DialingMode.PROGRESSIVE, SAY_NOTHING, PLAN, lines=1)
    await desk.sign_in(campaign_id, phone_mode=mode)
    await desk.ready()
    return await talking(desk, callees)


async def talking(desk: Desk, callees: Callees) -> Callee:
    """The person an agent talks with, who speaks."""
    await desk.until_state(AgentState.TALKING)
    person = Callee(callees, desk.card.number)
    await person.speak(PERSON_HZ)
    return person


async def hear(expected: Mapping[Teller, tuple[int, ...]]) -> None:
    """Each hears these tones all the time, and nobody else's."""
    await asyncio.sleep(0.3)
    sounds = await heard(LISTENS_S, *expected)
    for place, (sound, tones) in enumerate(zip(sounds, expected.values(), strict=True)):
        found = {hz: heard_ms(sound, hz) for hz in (AGENT_HZ, PERSON_HZ, OTHER_HZ, THIRD_HZ)}
        assert {hz for hz, ms in found.items() if ms >= MOST_MS} == set(tones), (place, found)
        assert max(found[hz] for hz in found if hz not in tones) == 0, (place, found)


BOTH_MODES = pytest.mark.parametrize("mode", PhoneMode, ids=lambda mode: mode.value)


@BOTH_MODES
async def test_calls_one_after_the_other_with_hold_mute_and_keys(anna: Desk, callees: Callees, mode: PhoneMode) -> None:
    phone, person = anna.phone, await at_work(anna, callees, mode)
    rung = phone.calls
    await hear({phone: (PERSON_HZ,), person: (AGENT_HZ,)})
    await anna.ask(HoldAsked(agent_id=anna.id, is_on=True))
    await anna.until_state(AgentState.ON_HOLD)
    await asyncio.sleep(0.3)
    at_agent, at_person = await heard(2.0, phone, person)
    assert rest_ms(at_agent) <= EDGES_MS
    assert heard_ms(at_person, AGENT_HZ) == 0
    assert rest_ms(at_person, above=60) > 500, "music"
    await anna.ask(HoldAsked(agent_id=anna.id, is_on=False))
    await anna.until_state(AgentState.TALKING)
    await hear({phone: (PERSON_HZ,), person: (AGENT_HZ,)})
    await anna.ask(MuteAsked(agent_id=anna.id, is_on=True))
    await hear({phone: (PERSON_HZ,), person: ()})
    await anna.ask(MuteAsked(agent_id=anna.id, is_on=False))
    await anna.ask(KeysAsked(agent_id=anna.id, digits="19#"))
    await callees.voices.until(lambda: person.keys == "19#", "the person hears the keys")
    await anna.ask(HangUpAsked(agent_id=anna.id))
    await anna.until_state(AgentState.WRAP_UP)
    if mode is PhoneMode.PER_CALL:
        await phone.until_idle()
    await anna.done()
    following = await talking(anna, callees)
    assert following.number != person.number
    assert phone.calls == rung + (mode is PhoneMode.PER_CALL), "a nailed-up phone is rung once"
    await hear({phone: (PERSON_HZ,), following: (AGENT_HZ,)})


@BOTH_MODES
async def test_given_away_to_another_softphone_then_a_conference_and_out_of_it(
    anna: Desk, boris: Desk, callees: Callees, mode: PhoneMode
) -> None:
    person = await at_work(anna, callees, mode)
    attempt_id, campaign_id = anna.card.attempt_id, anna.card.campaign_id
    await boris.sign_in(campaign_id, phone_mode=mode)
    await boris.ready()
    await boris.until_state(AgentState.AVAILABLE)
    await anna.ask(TransferAsked(agent_id=anna.id, to_agent_id=boris.id))
    await boris.until_state(AgentState.TALKING)
    assert boris.card.attempt_id == attempt_id, "the card came along"
    await hear({boris.phone: (PERSON_HZ,), person: (OTHER_HZ,)})
    third = Callee(callees, "+447700903124")
    await boris.ask(TransferAsked(agent_id=boris.id, to_number=Number(third.number), is_attended=True))
    await boris.until(lambda now: now.is_consult_up, "the third party answered")
    await third.speak(THIRD_HZ)
    await hear({boris.phone: (THIRD_HZ,), third: (OTHER_HZ,)})
    await boris.ask(TransferFinished(agent_id=boris.id, is_conference=True))
    await hear({boris.phone: (PERSON_HZ, THIRD_HZ), person: (OTHER_HZ, THIRD_HZ), third: (OTHER_HZ, PERSON_HZ)})
    await boris.ask(TransferFinished(agent_id=boris.id))
    await boris.until_state(AgentState.WRAP_UP)
    await hear({boris.phone: (), person: (THIRD_HZ,), third: (PERSON_HZ,)})
    await boris.done()


@pytest_asyncio.fixture(loop_scope="session")
async def converting(softphones: tuple[Lab, Baresip, Baresip]) -> AsyncIterator[None]:
    """The softphones speak u-law where the people called speak A-law: Asterisk converts."""
    lab, *phones = softphones
    conf = lab.pbx.config_dir / "pjsip.conf"
    before = conf.read_text()
    text = before
    for phone in phones:
        text = text.replace(f"\nauth = {phone.name}\n", f"\nauth = {phone.name}\ndisallow = all\nallow = ulaw\n")
    assert text.count("\nallow = ulaw\n") == len(phones)
    conf.write_text(text)
    await lab.pbx.cli("module reload res_pjsip.so")
    yield
    conf.write_text(before)
    await lab.pbx.cli("module reload res_pjsip.so")


@BOTH_MODES
async def test_given_to_and_fro_they_hear_each_other_though_asterisk_converts_between_them(
    converting: None, anna: Desk, boris: Desk, callees: Callees, mode: PhoneMode
) -> None:
    """Every other move and consultation left somebody in silence before."""
    person = await at_work(anna, callees, mode)
    await boris.sign_in(anna.card.campaign_id, phone_mode=mode)
    await boris.ready()
    await boris.until_state(AgentState.AVAILABLE)
    giving, taking, hz = anna, boris, {anna.id: AGENT_HZ, boris.id: OTHER_HZ}
    for _ in range(MOVES):
        await giving.ask(TransferAsked(agent_id=giving.id, to_agent_id=taking.id))
        await taking.until_state(AgentState.TALKING)
        await hear({taking.phone: (PERSON_HZ,), person: (hz[taking.id],)})
        await giving.until_state(AgentState.AVAILABLE)
        giving, taking = taking, giving
    third = Callee(callees, "+447700903124")
    for _ in range(MOVES):
        await giving.ask(TransferAsked(agent_id=giving.id, to_number=Number(third.number), is_attended=True))
        await giving.until(lambda now: now.is_consult_up, "the third party answered")
        await third.speak(THIRD_HZ)
        await hear({giving.phone: (THIRD_HZ,), third: (hz[giving.id],)})
        await giving.ask(TransferCancelled(agent_id=giving.id))
        await giving.until(lambda now: not now.consult, "the third party is gone")
        await hear({giving.phone: (PERSON_HZ,), person: (hz[giving.id],)})


@BOTH_MODES
async def test_a_supervisor_at_a_softphone_listens_whispers_and_barges_in_by_its_keys(
    anna: Desk, boris: Desk, callees: Callees, mode: PhoneMode
) -> None:
    person, boss = await at_work(anna, callees, mode), boris.phone
    maria = await anna.shift.user("maria", people.Role.SUPERVISOR)
    await anna.shift.agents.supervise(maria, anna.id, boss.name, SpyMode.LISTEN)
    await boss.until_up()
    await hear({boss: (AGENT_HZ, PERSON_HZ), anna.phone: (PERSON_HZ,), person: (AGENT_HZ,)})
    await boss.press("5")
    await hear({boss: (AGENT_HZ, PERSON_HZ), anna.phone: (PERSON_HZ, OTHER_HZ), person: (AGENT_HZ,)})
    await boss.press("6")
    await hear({boss: (AGENT_HZ, PERSON_HZ), anna.phone: (PERSON_HZ, OTHER_HZ), person: (AGENT_HZ, OTHER_HZ)})
    await boss.hang_up()
    await hear({anna.phone: (PERSON_HZ,), person: (AGENT_HZ,)})


async def test_a_supervisor_who_whispers_through_several_calls_hears_each_person_and_is_heard(
    anna: Desk, boris: Desk, callees: Callees
) -> None:
    """Every other new person passed by the ear that had heard the one before, and the whisper with them."""
    person, boss = await at_work(anna, callees, PhoneMode.NAILED_UP), boris.phone
    maria = await anna.shift.user("maria", people.Role.SUPERVISOR)
    await anna.shift.agents.supervise(maria, anna.id, boss.name, SpyMode.WHISPER)
    await boss.until_up()
    for _ in SAY_NOTHING[1:]:
        await anna.ask(HangUpAsked(agent_id=anna.id))
        await anna.until_state(AgentState.WRAP_UP)
        await anna.done()
        person = await talking(anna, callees)
        await hear({boss: (AGENT_HZ, PERSON_HZ), anna.phone: (PERSON_HZ, OTHER_HZ), person: (AGENT_HZ,)})
    await boss.hang_up()


# --- lost phones -----------------------------------------------------------------------------------------------------


async def test_put_down_or_killed_it_is_missed_and_the_person_goes_on_with_another_softphone(
    anna: Desk, boris: Desk, callees: Callees
) -> None:
    person = await at_work(anna, callees, PhoneMode.NAILED_UP)
    campaign_id = anna.card.campaign_id
    await boris.sign_in(campaign_id)
    await boris.ready()
    await anna.phone.hang_up()
    await anna.until_state(AgentState.PAUSED, within_s=NOTICED_S)
    assert (anna.picture.reason, anna.picture.phone_note) == ("phone-lost", "the phone was put down")
    await boris.until_state(AgentState.TALKING)
    await hear({boris.phone: (PERSON_HZ,), person: (OTHER_HZ,)})
    await anna.ask(PhoneAsked(agent_id=anna.id))
    await anna.until(lambda now: now.is_phone_up, "the phone is up again")
    await anna.ask(AgentWentReady(agent_id=anna.id))
    await anna.until_state(AgentState.AVAILABLE)
    await boris.phone.kill()
    await boris.until_state(AgentState.PAUSED, within_s=NOTICED_S)
    assert boris.picture.reason == "phone-lost"
    assert boris.picture.phone_note in ("no sound came from the phone any more", "it does not answer any more")
    await anna.until_state(AgentState.TALKING)
    await hear({anna.phone: (PERSON_HZ,), person: (AGENT_HZ,)})
    await boris.phone.start()
    await until_online(anna.shift.lab.pbx, {boris.phone.name}, boris.phone.log_path)


async def test_idle_and_signed_off_it_is_missed_until_it_signs_on_again(anna: Desk) -> None:
    campaign_id = await anna.shift.campaign(DialingMode.MANUAL, SAY_NOTHING, PLAN)
    await anna.sign_in(campaign_id, phone_mode=PhoneMode.PER_CALL)
    await anna.ready()
    await anna.until_state(AgentState.AVAILABLE)
    await anna.phone.unregister()
    await anna.until_state(AgentState.PAUSED, within_s=NOTICED_S)
    assert anna.picture.reason == "phone-lost"
    await anna.phone.register()
    await anna.until(lambda now: now.phone_note == "", "it is back")


async def test_on_hold_by_its_own_key_the_person_hears_music_and_nobody_takes_it_for_dead(
    anna: Desk, callees: Callees
) -> None:
    person = await at_work(anna, callees, PhoneMode.NAILED_UP)
    await hear({anna.phone: (PERSON_HZ,), person: (AGENT_HZ,)})
    await hear({anna.phone: (PERSON_HZ,), person: (AGENT_HZ,)})
    await anna.phone.hold(is_on=True)
    (at_person,) = await heard(2.0, person)
    assert rest_ms(at_person, above=60) > 500, "music"
    assert anna.picture.state is AgentState.TALKING
    await anna.phone.hold(is_on=False)
    await hear({person: (AGENT_HZ,)})
