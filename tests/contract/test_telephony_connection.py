"""Going, coming back, and an Asterisk that dies: both worlds say the same of what lives."""

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
