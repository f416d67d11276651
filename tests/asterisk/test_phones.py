"""Real phones: how they are rung, what they show, how soon a lost one is noticed, what they do without the dialer."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from app.agent_commands import HangUpPhone, RingPhone
from app.agent_events import PhoneAnswered, PhoneEnded, PhoneReachable, PhoneRinging
from app.asterisk.endpoint import AUTO_ANSWER
from app.asterisk.telephony import AsteriskTelephony
from app.units import LegId
from asterisk.lab import Lab
from asterisk.lab.phones import OnRing, Phone
from tests.asterisk.floor import AGENT_HZ, PERSON_HZ, Floor
from tests.asterisk.tellers import heard
from tests.asterisk.tones import heard_ms, length_ms, rest_ms, sound

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session")]

NOTICED_S = 3.0
SLACK_S = 1.0
"""A busy machine's."""
RING = RingPhone(
    leg_id=LegId("ringing0-p1"),
    endpoint="",
    shown_name="Spring campaign",
    shown_number="+442079460000",
    ring_timeout_ms=10_000,
    lease_ms=60_000,
    has_auto_answer=False,
)
_names = iter("abcdefghijklmnopqrstuvwxyz")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house() -> AsyncIterator[tuple[Lab, list[Phone]]]:
    """A laboratory with phones."""
    async with Lab(lines=20, phones=24) as lab:
        yield lab, list(lab.phones.values())


@pytest_asyncio.fixture(loop_scope="session")
async def floor(house: tuple[Lab, list[Phone]]) -> AsyncIterator[Floor]:
    """An empty floor."""
    lab, phones = house
    async with Floor(lab, f"real{next(_names)}", phones) as made:
        yield made


async def rung(floor: Floor, phone: Phone, **changes: object) -> LegId:
    """Ring a phone and wait until it does."""
    phone.on_ring = OnRing.RING
    leg_id = LegId(f"rung{time.monotonic_ns():x}-p1")
    floor.do(replace(RING, leg_id=leg_id, endpoint=phone.name, **changes))  # type: ignore[arg-type]
    await phone.until_ringing()
    return leg_id


# --- the INVITE ------------------------------------------------------------------------------------------------------


async def test_auto_answer_is_asked_for_in_the_words_phones_know(floor: Floor) -> None:
    phone = floor.free_phone()
    await rung(floor, phone, has_auto_answer=True)
    assert await phone.header("Call-Info") == AUTO_ANSWER["PJSIP_HEADER(add,Call-Info)"]
    assert await phone.header("Alert-Info") == AUTO_ANSWER["PJSIP_HEADER(add,Alert-Info)"]


async def test_a_phone_that_is_to_ring_is_not_asked_to_answer(floor: Floor) -> None:
    phone = floor.free_phone()
    await rung(floor, phone)
    assert await phone.header("Call-Info") == await phone.header("Alert-Info") == ""


@pytest.mark.parametrize(
    ("name", "number", "shown"),
    [
        ("Spring campaign", "+442079460000", "Spring campaign <+442079460000>"),
        ("Весенняя акция", "1001", "Весенняя акция <1001>"),
        ('He said "hi" <sip:evil@192.0.2.1>', "100", "He said hi sip:evil@192.0.2.1 <100>"),
        ("One\r\nX-Evil: yes\r\n", "+4420\r\nX-Evil: yes", "One X-Evil: yes <>"),
    ],
)
async def test_the_phone_shows_name_and_number_and_nothing_gets_beyond_them(
    floor: Floor, name: str, number: str, shown: str
) -> None:
    phone = floor.free_phone()
    await rung(floor, phone, shown_name=name, shown_number=number)
    display = await phone.display()
    assert display.replace("anonymous", "").replace("asterisk", "") == shown
    assert await phone.header("X-Evil") == ""


# --- lost phones -----------------------------------------------------------------------------------------------------


async def test_a_phone_whose_sound_stops_in_a_call_is_noticed_within_three_seconds_and_the_person_stays(
    floor: Floor,
) -> None:
    agent, person = await floor.talking()
    other = await floor.agent()
    await agent.phone.stop_sound()
    lost_s = time.monotonic()
    ended = await floor.until(PhoneEnded, lambda event: event.leg_id == agent.leg_id)
    assert time.monotonic() - lost_s < NOTICED_S + SLACK_S
    assert ended.reason == "no sound came from the phone any more"
    assert other.room is not None
    await floor.connect(person, other.room)
    await other.speak(AGENT_HZ)
    (at_other,) = await heard(1.0, other)
    assert heard_ms(at_other, PERSON_HZ) >= 700


async def test_phones_that_all_vanish_at_once_are_all_noticed_within_three_seconds() -> None:
    async with Lab(lines=10, phones=5) as lab, Floor(lab, "vanish", list(lab.phones.values())) as floor:
        agents = [await floor.agent() for _ in range(5)]
        await lab.phones.server.freeze()
        lost_s = time.monotonic()
        try:
            for agent in agents:
                await floor.until(PhoneEnded, lambda event, leg_id=agent.leg_id: event.leg_id == leg_id)  # type: ignore[misc]
            assert time.monotonic() - lost_s < NOTICED_S + SLACK_S
            await floor.until(PhoneReachable, lambda event: not event.is_reachable)  # no answer to OPTIONS any more
        finally:
            await lab.phones.server.thaw()


async def test_a_phone_that_signs_off_is_noticed_within_three_seconds_and_its_call_goes_on(floor: Floor) -> None:
    agent, _person = await floor.talking()
    await agent.phone.unregister()
    gone_s = time.monotonic()
    await floor.until(PhoneReachable, lambda event: (event.endpoint, event.is_reachable) == (agent.phone.name, False))
    assert time.monotonic() - gone_s < NOTICED_S
    (at_agent,) = await heard(1.0, agent)
    assert heard_ms(at_agent, PERSON_HZ) >= 700
    await agent.phone.register()
    await floor.until(PhoneReachable, lambda event: (event.endpoint, event.is_reachable) == (agent.phone.name, True))


async def test_idle_phones_that_vanish_without_a_word_are_noticed_within_three_seconds() -> None:
    async with Lab(lines=10, phones=3) as lab, Floor(lab, "idle", list(lab.phones.values())) as floor:
        for name in lab.phones:
            floor.telephony.watch_phone(name)
            await floor.until(PhoneReachable, lambda event, name=name: event.endpoint == name)  # type: ignore[misc]
        since = len(floor.told)
        await lab.phones.server.freeze()
        lost_s = time.monotonic()
        try:
            for name in lab.phones:
                gone = await floor.until(PhoneReachable, lambda event, name=name: event.endpoint == name, since=since)  # type: ignore[misc]
                assert (gone.is_reachable, gone.is_silent) == (False, True)
            assert time.monotonic() - lost_s < NOTICED_S + SLACK_S
        finally:
            await lab.phones.server.thaw()


async def test_a_phone_that_says_nothing_is_not_taken_for_dead_nor_one_on_hold_by_its_own_key(floor: Floor) -> None:
    agent, person = await floor.talking()
    await agent.phone.fall_silent()
    await asyncio.sleep(4.0)
    assert not [event for event in floor.told if isinstance(event, PhoneEnded)]
    await agent.phone.hold(is_on=True)
    await agent.phone.stop_sound()
    (at_person,) = await heard(5.0, person)
    assert not [event for event in floor.told if isinstance(event, PhoneEnded)]
    assert rest_ms(at_person, above=60) > 500, "the PBX's own music"
    await agent.phone.hold(is_on=False)
    await agent.phone.resume_sound()
    await agent.speak(AGENT_HZ)
    await asyncio.sleep(0.3)
    (at_person,) = await heard(1.0, person)
    assert heard_ms(at_person, AGENT_HZ) >= 700


async def test_a_phone_can_be_watched_before_it_is_ever_rung(floor: Floor) -> None:
    phone = floor.free_phone()
    floor.telephony.watch_phone(phone.name)
    await floor.until(PhoneReachable, lambda event: (event.endpoint, event.is_reachable) == (phone.name, True))
    await phone.unregister()
    await floor.until(PhoneReachable, lambda event: (event.endpoint, event.is_reachable) == (phone.name, False))
    await phone.register()


# --- without the dialer ----------------------------------------------------------------------------------------------


async def test_a_conversation_goes_on_without_the_dialer_and_the_next_one_finds_it(
    house: tuple[Lab, list[Phone]], floor: Floor
) -> None:
    agent, person = await floor.talking()
    await floor.telephony.stop()
    at_agent, at_person = await heard(1.5, agent, person)
    assert heard_ms(at_agent, PERSON_HZ) >= 1_300
    assert heard_ms(at_person, AGENT_HZ) >= 1_300
    floor.telephony = AsteriskTelephony(
        url=floor.lab.pbx.ari_url, user=floor.lab.pbx.ari_user, password=floor.lab.pbx.ari_password
    )
    up = await floor.start_again()
    assert [(call.attempt_id, call.room_id) for call in up.live] == [(person.attempt_id, agent.room)]
    assert [(phone.leg_id, phone.room_id) for phone in up.phones] == [(agent.leg_id, agent.room)]
    floor.do(HangUpPhone(leg_id=agent.leg_id))
    await floor.until(PhoneEnded, lambda event: event.leg_id == agent.leg_id)


async def test_a_phone_picked_up_without_the_dialer_hears_so_and_is_free_again(floor: Floor) -> None:
    phone = floor.free_phone()
    await rung(floor, phone)
    await floor.telephony.stop()
    await phone.answer()
    await phone.until_up()
    recording = await phone.listen()
    await phone.until_idle()
    message = sound(await recording.stop())
    assert rest_ms(message, above=500) > 500, "agent logged off, goodbye"
    assert length_ms(message) < 8_000


async def test_a_phone_cannot_dial_out_by_itself(floor: Floor) -> None:
    phone = floor.free_phone()
    assert await phone.dial("+447700900100") in (403, 603)
    assert await phone.dial("s") == 404
    assert floor.callees.channels == {}, "nobody was called"


# --- an Asterisk that does not answer --------------------------------------------------------------------------------


async def test_whether_a_phone_rings_is_found_out_when_asterisk_froze_while_it_was_asked() -> None:
    async with Lab(lines=10, phones=1) as lab, Floor(lab, "frozen", list(lab.phones.values())) as floor:
        phone = floor.free_phone()
        phone.on_ring = OnRing.ANSWER
        await lab.pbx.freeze()
        leg_id = LegId("frozen01-p1")
        floor.do(replace(RING, leg_id=leg_id, endpoint=phone.name))
        await asyncio.sleep(1.0)
        await lab.pbx.thaw()
        await floor.until(PhoneAnswered, lambda event: event.leg_id == leg_id)
        floor.do(HangUpPhone(leg_id=leg_id))
        await floor.until(PhoneEnded, lambda event: event.leg_id == leg_id)


async def test_the_ringing_of_each_phone_is_told_once(floor: Floor) -> None:
    agents = [await floor.agent() for _ in range(3)]
    for agent in agents:
        assert sum(isinstance(event, PhoneRinging) and event.leg_id == agent.leg_id for event in floor.told) == 1


async def test_nothing_is_left_when_everybody_has_hung_up(floor: Floor) -> None:
    agent, _person = await floor.talking()
    await floor.lab.pbx.cli("channel request hangup all")
    await floor.until(PhoneEnded, lambda event: event.leg_id == agent.leg_id)
    shown = await floor.lab.pbx.cli("core show channels count")
    async with asyncio.timeout(10):
        while not re.search(r"\b0 active channels", shown):
            shown = await floor.lab.pbx.cli("core show channels count")
