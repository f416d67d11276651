"""Phones of agents through the Telephony port: rung, picked up, declined, lost; both worlds tell the same."""

from app.agent_commands import DialParty, HangUpPhone, MutePhone, PlayToPhone, RenewPhoneLease
from app.agent_events import (
    PhoneAnswered,
    PhoneEnded,
    PhoneFailed,
    PhoneKeyPressed,
    PhoneReachable,
    PhoneRinging,
)
from app.model import Trunk
from app.units import Number, TrunkId
from asterisk.lab.numbers import named
from tests.contract.handsets import Habit
from tests.contract.media import MISSING, SHORT
from tests.contract.stage import Leg, Seat, Stage, contract

NOTICED_MS = 3_000
"""Within this a phone that is lost is known to be."""
GOODBYE_MS = 6_000
"""What the dialplan may say to a phone whose lease ran out, before it hangs up."""


async def up(stage: Stage, *, lease_ms: int = 120_000) -> tuple[Seat, Leg]:
    """A phone in a call with us, and in no room."""
    seat = await stage.seat()
    leg = stage.ring(seat.endpoint, lease_ms=lease_ms)
    await leg.until(PhoneAnswered)
    return seat, leg


async def ended(leg: Leg) -> PhoneEnded:
    leg.hang_up()
    return await leg.until(PhoneEnded)


# --- ringing ---------------------------------------------------------------------------------------------------------


@contract
async def test_a_phone_that_knows_how_answers_by_itself_when_asked_to(stage: Stage) -> None:
    _, leg = await up(stage)
    end = await ended(leg)
    assert leg.story == ["PhoneRinging", "PhoneAnswered", "PhoneEnded"]
    assert (end.was_refused, end.reason) == (False, "hung up")


@contract
async def test_a_phone_that_is_not_asked_to_rings_until_it_is_picked_up(stage: Stage) -> None:
    seat = await stage.seat()
    leg = stage.ring(seat.endpoint, has_auto_answer=False)
    await leg.until(PhoneRinging)
    await stage.after_ms(1_000)
    assert leg.story == ["PhoneRinging"]
    await seat.handset.pick_up()
    await leg.until(PhoneAnswered)
    await ended(leg)
    assert leg.story == ["PhoneRinging", "PhoneAnswered", "PhoneEnded"]


@contract
async def test_a_phone_that_nobody_picks_up_is_given_up_in_time(stage: Stage) -> None:
    seat = await stage.seat()
    leg = stage.ring(seat.endpoint, has_auto_answer=False, ring_timeout_ms=3_000)
    end = await leg.until(PhoneEnded)
    assert (leg.story, end.was_refused, end.reason) == (["PhoneRinging", "PhoneEnded"], False, "nobody answered")
    assert 2_900 < leg.when(PhoneEnded) < 5_000


@contract
async def test_a_call_declined_at_the_phone_has_ended(stage: Stage) -> None:
    seat = await stage.seat(Habit.DECLINES)
    leg = stage.ring(seat.endpoint, has_auto_answer=False)
    end = await leg.until(PhoneEnded)
    assert leg.story == ["PhoneRinging", "PhoneEnded"]
    assert (end.was_refused, end.reason) == (False, "the call was declined at the phone")


@contract
async def test_a_call_taken_back_while_it_rings_has_ended(stage: Stage) -> None:
    seat = await stage.seat()
    leg = stage.ring(seat.endpoint, has_auto_answer=False)
    await leg.until(PhoneRinging)
    end = await ended(leg)
    assert (leg.story, end.reason) == (["PhoneRinging", "PhoneEnded"], "hung up")


@contract
async def test_a_phone_in_a_call_is_busy_for_another(stage: Stage) -> None:
    seat, leg = await up(stage)
    second = stage.ring(seat.endpoint)
    end = await second.until(PhoneEnded)
    assert (end.was_refused, end.reason) == (False, "the phone is busy")
    await ended(leg)
    assert "PhoneAnswered" not in second.story
    assert leg.story == ["PhoneRinging", "PhoneAnswered", "PhoneEnded"]


@contract
async def test_a_phone_that_signed_off_cannot_be_rung(stage: Stage) -> None:
    seat, first = await up(stage)
    await ended(first)
    await seat.handset.unregister()
    await until_reachable(seat, is_reachable=False)
    leg = stage.ring(seat.endpoint)
    end = await leg.until(PhoneEnded)
    assert (leg.story, end.was_refused) == (["PhoneEnded"], True)
    assert "not registered" in end.reason


@contract
async def test_a_phone_the_pbx_does_not_know_cannot_be_rung(stage: Stage) -> None:
    leg = stage.ring("nobody-has-it")
    end = await leg.until(PhoneEnded)
    assert (leg.story, end.was_refused) == (["PhoneEnded"], True)


@contract
async def test_an_id_that_is_in_use_is_not_rung_again(stage: Stage) -> None:
    seat, leg = await up(stage)
    stage.ring(seat.endpoint, again=leg)
    failed = await leg.until(PhoneFailed)
    assert failed.command == "RingPhone"
    await ended(leg)
    assert leg.story == ["PhoneRinging", "PhoneAnswered", "PhoneFailed", "PhoneEnded"]


# --- in the call -----------------------------------------------------------------------------------------------------


@contract
async def test_a_phone_that_is_put_down_has_ended(stage: Stage) -> None:
    seat, leg = await up(stage)
    await seat.handset.put_down()
    end = await leg.until(PhoneEnded)
    assert (leg.story[2:], end.was_refused, end.reason) == (["PhoneEnded"], False, "the phone was put down")


@contract
async def test_a_phone_can_be_rung_again_once_its_call_has_ended(stage: Stage) -> None:
    seat, first = await up(stage)
    await ended(first)
    second = stage.ring(seat.endpoint)
    await second.until(PhoneAnswered)
    await ended(second)
    assert second.story == ["PhoneRinging", "PhoneAnswered", "PhoneEnded"]


@contract
async def test_hanging_up_what_has_ended_is_no_failure(stage: Stage) -> None:
    seat, leg = await up(stage)
    await ended(leg)
    leg.hang_up()
    other = stage.ring(seat.endpoint)
    await other.until(PhoneAnswered)
    await ended(other)
    assert leg.story == ["PhoneRinging", "PhoneAnswered", "PhoneEnded"]


@contract
async def test_keys_of_a_phone_are_told(stage: Stage) -> None:
    seat, leg = await up(stage)
    for key in "4#":
        await seat.handset.press(key)
        assert (await leg.until(PhoneKeyPressed)).digit == key
    await ended(leg)
    assert leg.story == ["PhoneRinging", "PhoneAnswered", "PhoneKeyPressed", "PhoneKeyPressed", "PhoneEnded"]


@contract
async def test_a_phone_whose_sound_stops_is_noticed_in_time(stage: Stage) -> None:
    seat, leg = await up(stage)
    await seat.handset.lose_sound()
    lost_at_ms = stage.clock.now_ms()
    end = await leg.until(PhoneEnded)
    assert end.reason == "no sound came from the phone any more"
    assert stage.clock.now_ms() - lost_at_ms < NOTICED_MS + 1_500  # a busy machine's second


@contract
async def test_a_lease_that_is_not_renewed_ends_the_call(stage: Stage) -> None:
    _, leg = await up(stage, lease_ms=3_000)
    await leg.until(PhoneEnded)
    assert 2_900 < leg.when(PhoneEnded) < 5_000 + GOODBYE_MS


@contract
async def test_a_lease_that_is_renewed_lets_it_live_on(stage: Stage) -> None:
    _, leg = await up(stage, lease_ms=3_000)
    leg.do(RenewPhoneLease(leg_id=leg.leg_id, lease_ms=60_000))
    await stage.after_ms(5_000 + GOODBYE_MS)
    assert leg.story == ["PhoneRinging", "PhoneAnswered"]
    await ended(leg)


@contract
async def test_a_phone_is_played_to_and_muted_without_a_word(stage: Stage) -> None:
    _, leg = await up(stage)
    leg.do(PlayToPhone(leg_id=leg.leg_id, media=("tone:beep", SHORT)))
    leg.do(MutePhone(leg_id=leg.leg_id, is_on=True))
    leg.do(MutePhone(leg_id=leg.leg_id, is_on=False))
    await stage.after_ms(2_500)
    await ended(leg)
    assert leg.story == ["PhoneRinging", "PhoneAnswered", "PhoneEnded"]


@contract
async def test_what_cannot_be_played_to_a_phone_is_told(stage: Stage) -> None:
    _, leg = await up(stage)
    leg.do(PlayToPhone(leg_id=leg.leg_id, media=(MISSING,)))
    assert (await leg.until(PhoneFailed)).command == "PlayToPhone"
    await ended(leg)


@contract
async def test_what_is_asked_of_a_call_that_has_ended_fails(stage: Stage) -> None:
    _, leg = await up(stage)
    await ended(leg)
    for command in (
        MutePhone(leg_id=leg.leg_id, is_on=True),
        PlayToPhone(leg_id=leg.leg_id, media=(SHORT,)),
        RenewPhoneLease(leg_id=leg.leg_id, lease_ms=1_000),
    ):
        leg.do(command)
        assert (await leg.until(PhoneFailed)).command == type(command).__name__


# --- reach -----------------------------------------------------------------------------------------------------------


async def until_reachable(seat: Seat, *, is_reachable: bool) -> None:
    while (await seat.until(PhoneReachable)).is_reachable is not is_reachable:
        pass


@contract
async def test_a_phone_that_signs_off_and_on_again_is_told(stage: Stage) -> None:
    seat, leg = await up(stage)
    await seat.handset.unregister()
    signed_off_at_ms = stage.clock.now_ms()
    await until_reachable(seat, is_reachable=False)
    assert stage.clock.now_ms() - signed_off_at_ms < NOTICED_MS
    assert leg.story == ["PhoneRinging", "PhoneAnswered"], "its call goes on"
    await seat.handset.register()
    await until_reachable(seat, is_reachable=True)
    await ended(leg)


# --- third parties ---------------------------------------------------------------------------------------------------


def dial(stage: Stage, suffix: str, *, trunk: str = "network", ring_timeout_ms: int = 20_000) -> Leg:
    """Dial a third party."""
    leg = stage.new_leg("c")
    leg.do(
        DialParty(
            leg_id=leg.leg_id,
            trunk=Trunk(id=TrunkId(trunk), endpoint=trunk, prefixes=("+",)),
            number=Number(f"+4477009002{suffix or '00'}"),
            caller_id="+442079460000",
            ring_timeout_ms=ring_timeout_ms,
            lease_ms=60_000,
        )
    )
    return leg


@contract
async def test_a_third_party_is_a_leg_like_a_phone(stage: Stage) -> None:
    leg = dial(stage, named("person").suffix)
    await leg.until(PhoneAnswered)
    leg.do(HangUpPhone(leg_id=leg.leg_id))
    await leg.until(PhoneEnded)
    assert leg.story == ["PhoneRinging", "PhoneAnswered", "PhoneEnded"]


@contract.each({name: name for name in ("busy", "declined", "no-answer", "not-in-service")})
async def test_a_third_party_that_cannot_be_had_has_ended(stage: Stage, name: str) -> None:
    leg = dial(stage, named(name).suffix, ring_timeout_ms=4_000)
    end = await leg.until(PhoneEnded)
    assert "PhoneAnswered" not in leg.story
    assert not end.was_refused


@contract
async def test_a_third_party_over_a_trunk_that_is_unknown_is_refused(stage: Stage) -> None:
    leg = dial(stage, named("person").suffix, trunk="nobody-knows-it")
    end = await leg.until(PhoneEnded)
    assert (leg.story, end.was_refused) == (["PhoneEnded"], True)
