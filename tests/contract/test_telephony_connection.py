"""Going, coming back, and an Asterisk that dies: both worlds say the same of what lives."""

from app.agent_commands import Connect, ConnectPhone, MutePhone, OpenRoom, Spy
from app.agent_events import PersonJoined, PhoneAnswered, PhoneEnded, PhoneFailed, PhoneJoined, PhoneRinging
from app.agents import LivePhone, SpyMode
from app.events import (
    CallAnswered,
    CallEnded,
    CallRefused,
    CallRinging,
    CommandFailed,
    LiveCall,
    TelephonyDown,
    TelephonyUp,
)
from asterisk.lab.numbers import named
from tests.contract.conftest import House
from tests.contract.stage import Line

LISTENER = ""
RINGS_ON = named("no-answer").suffix


def live(line: Line, *, is_in_hand: bool) -> LiveCall:
    return LiveCall(attempt_id=line.attempt_id, is_in_hand=is_in_hand)


async def test_the_first_news_is_that_asterisk_is_there_and_nothing_lives(house: House) -> None:
    stage, up = await house.open("first")
    assert up == TelephonyUp(is_new_life=False, live=())
    await stage.telephony.stop()


async def test_who_comes_back_finds_the_calls_that_live(house: House) -> None:
    before, _ = await house.open("before")
    ringing, in_hand, over = before.place(RINGS_ON), before.place(LISTENER), before.place(LISTENER)
    await ringing.until(CallRinging)
    await in_hand.until(CallAnswered)
    await over.until(CallAnswered)
    over.hang_up()
    await over.until(CallEnded)
    answers_later = before.place(LISTENER)
    await answers_later.until(CallRinging)
    await before.telephony.stop()
    await before.after_ms(2_500)  # it is answered with nobody there, and hears the dialplan's message

    after, up = await house.open("after")
    assert not up.is_new_life
    assert set(up.live) == {
        live(ringing, is_in_hand=False),
        live(in_hand, is_in_hand=True),
        live(answers_later, is_in_hand=False),
    }
    for line in (ringing, in_hand, answers_later):
        taken_over = after.adopt(line.attempt_id)
        if line is not answers_later:
            taken_over.hang_up()
        await taken_over.until(CallEnded)
        assert taken_over.story == ["CallEnded"]
    await after.telephony.stop()


async def test_who_comes_back_finds_phones_and_who_is_in_which_room(house: House) -> None:
    before, _ = await house.open("before")
    room = before.new_room()
    seat, other_seat = await before.seat(), await before.seat()
    leg = before.new_leg()
    leg.do(OpenRoom(room_id=room, leg_id=leg.leg_id))
    before.ring(seat.endpoint, again=leg)
    rings = before.ring(other_seat.endpoint, has_auto_answer=False)
    line = before.place(LISTENER)
    await line.until(CallAnswered)
    await leg.until(PhoneAnswered)
    await rings.until(PhoneRinging)
    leg.do(ConnectPhone(leg_id=leg.leg_id, room_id=room))
    await leg.until(PhoneJoined)
    line.do(Connect(attempt_id=line.attempt_id, room_id=room))
    await line.until(PersonJoined)
    await before.telephony.stop()

    after, up = await house.open("after")
    assert [(call.attempt_id, call.is_in_hand, call.room_id) for call in up.live] == [(line.attempt_id, True, room)]
    assert set(up.phones) == {
        LivePhone(leg_id=leg.leg_id, is_up=True, room_id=room),
        LivePhone(leg_id=rings.leg_id, is_up=False),
    }
    for found in (after.adopt_leg(leg.leg_id), after.adopt_leg(rings.leg_id)):
        found.hang_up()
        await found.until(PhoneEnded)
        assert found.story == ["PhoneEnded"]
    person = after.adopt(line.attempt_id)
    person.hang_up()
    await person.until(CallEnded)
    assert person.story == ["CallEnded"]
    await after.telephony.stop()


async def test_a_room_left_empty_is_gone_for_who_comes_after(house: House) -> None:
    before, _ = await house.open("before")
    left, kept = before.new_room(), before.new_room()
    seats = [await before.seat(), await before.seat()]
    legs = [before.ring(seat.endpoint) for seat in seats]
    for leg, room in zip(legs, (left, kept), strict=True):
        await leg.until(PhoneAnswered)
        leg.do(OpenRoom(room_id=room, leg_id=leg.leg_id))
        leg.do(ConnectPhone(leg_id=leg.leg_id, room_id=room))
        await leg.until(PhoneJoined)
    legs[0].hang_up()
    await legs[0].until(PhoneEnded)
    await before.telephony.stop()

    after, up = await house.open("after")
    assert [phone.room_id for phone in up.phones] == [kept]
    found = after.adopt_leg(legs[1].leg_id)
    found.do(ConnectPhone(leg_id=found.leg_id, room_id=left))
    assert (await found.until(PhoneFailed)).command == "ConnectPhone"
    found.hang_up()
    await found.until(PhoneEnded)
    await after.telephony.stop()


async def test_a_supervisor_found_listening_goes_on_and_can_be_made_to_whisper(house: House) -> None:
    before, _ = await house.open("before")
    seats = [await before.seat(), await before.seat()]
    agent, spy = before.ring(seats[0].endpoint), before.new_leg("s")
    before.ring(seats[1].endpoint, again=spy)
    await agent.until(PhoneAnswered)
    await spy.until(PhoneAnswered)
    spy.do(Spy(leg_id=spy.leg_id, target=agent.leg_id, mode=SpyMode.LISTEN))
    await before.after_ms(500)
    await before.telephony.stop()

    after, up = await house.open("after")
    assert {phone.leg_id for phone in up.phones} == {agent.leg_id, spy.leg_id}
    found = after.adopt_leg(spy.leg_id)
    found.do(Spy(leg_id=spy.leg_id, target=agent.leg_id, mode=SpyMode.WHISPER))
    await after.after_ms(500)
    for leg in (found, after.adopt_leg(agent.leg_id)):
        leg.hang_up()
        await leg.until(PhoneEnded)
        assert leg.story == ["PhoneEnded"]
    await after.telephony.stop()


async def test_an_asterisk_that_dies_takes_its_phones_with_it_and_none_can_be_rung_until_it_is_back(
    house: House,
) -> None:
    stage, _ = await house.open("restart")
    seat = await stage.seat()
    leg = stage.ring(seat.endpoint)
    await leg.until(PhoneAnswered)

    await house.kill()
    await stage.until(TelephonyDown)
    refused = stage.ring(seat.endpoint)
    assert (await refused.until(PhoneEnded)).was_refused
    leg.do(MutePhone(leg_id=leg.leg_id, is_on=True))
    assert (await leg.until(PhoneFailed)).command == "MutePhone"

    await house.boot()
    assert await stage.until(TelephonyUp) == TelephonyUp(is_new_life=True, live=())
    assert leg.story == ["PhoneRinging", "PhoneAnswered", "PhoneFailed"]
    await stage.telephony.stop()


async def test_an_asterisk_that_dies_takes_its_calls_with_it_and_nobody_is_told_their_end(house: House) -> None:
    stage, _ = await house.open("restart")
    line = stage.place(LISTENER)
    await line.until(CallAnswered)

    await house.kill()
    assert isinstance(await stage.until(TelephonyDown), TelephonyDown)
    refused = stage.place(LISTENER)
    assert not (await refused.until(CallRefused)).is_trunk_fault
    line.hang_up()
    assert (await line.until(CommandFailed)).command == "HangUp"

    await house.boot()
    assert await stage.until(TelephonyUp) == TelephonyUp(is_new_life=True, live=())
    assert line.story == ["CallRinging", "CallAnswered", "CommandFailed"]
    again = stage.place(LISTENER)
    await again.until(CallAnswered)
    again.hang_up()
    await again.until(CallEnded)
    await stage.telephony.stop()
