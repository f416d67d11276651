"""Real phones are tried: what Asterisk tells of one that works, and of those that do not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from app.asterisk.telephony import AsteriskTelephony
from app.phone_trials import PhoneTrial, TrialProblem, TrialStep
from asterisk.lab import Lab
from asterisk.lab.phones import OnRing, Phone
from tests.asterisk.floor import AGENT_HZ
from tests.asterisk.tones import heard_ms, sound

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session")]
PATIENCE_S = 60


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house() -> AsyncIterator[tuple[AsteriskTelephony, list[Phone]]]:
    """A laboratory with phones."""
    async with Lab(lines=5, phones=6) as lab:
        telephony = AsteriskTelephony(url=lab.pbx.ari_url, user=lab.pbx.ari_user, password=lab.pbx.ari_password)
        up = asyncio.Event()
        await telephony.start(lambda _: up.set())
        async with asyncio.timeout(PATIENCE_S):
            await up.wait()
        yield telephony, list(lab.phones.values())
        await telephony.stop()


async def until(
    telephony: AsteriskTelephony, phone: str, is_so: Callable[[PhoneTrial], object] = lambda one: one.is_over
) -> PhoneTrial:
    async with asyncio.timeout(PATIENCE_S):
        while (trial := telephony.trial(phone)) is None or not is_so(trial):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return trial


async def test_a_phone_that_works_is_rung_heard_and_hears_itself(house: tuple[AsteriskTelephony, list[Phone]]) -> None:
    telephony, (phone, *_) = house
    telephony.begin_trial(phone.name, "en")
    await phone.until_up()
    await until(telephony, phone.name, lambda one: one.step is TrialStep.KEY)
    await phone.press("5")
    await until(telephony, phone.name, lambda one: one.step is TrialStep.VOICE)
    await phone.play_tone(AGENT_HZ)
    trial = await until(telephony, phone.name, lambda one: one.step is TrialStep.PLAYBACK or one.is_over)
    await phone.fall_silent()
    ear = await phone.listen()
    await phone.until_idle()
    trial = await until(telephony, phone.name)
    assert (trial.step, trial.problem, trial.key, trial.has_rung) == (TrialStep.DONE, None, "5", True)
    assert trial.talked_s
    assert heard_ms(sound(await ear.stop()), AGENT_HZ) >= 1_000  # a part of the three seconds: we listen a little late
    left = await telephony.client.recordings.listStored()
    assert [one.name for one in left if "try" in one.name] == []


async def test_a_phone_whose_voice_does_not_arrive_is_told(house: tuple[AsteriskTelephony, list[Phone]]) -> None:
    telephony, (_, phone, *_) = house
    telephony.begin_trial(phone.name, "en")
    await phone.until_up()
    await phone.press("9")
    trial = await until(telephony, phone.name)
    assert (trial.problem, trial.step, trial.key) == (TrialProblem.NOT_HEARD, TrialStep.VOICE, "9")
    await phone.until_idle()


@pytest.mark.parametrize(
    ("on_ring", "problem"), [(OnRing.DECLINE, TrialProblem.DECLINED), (OnRing.BUSY, TrialProblem.BUSY)]
)
async def test_a_phone_that_refuses_is_told(
    house: tuple[AsteriskTelephony, list[Phone]], on_ring: OnRing, problem: TrialProblem
) -> None:
    telephony, (*_, phone) = house
    phone.on_ring = on_ring
    telephony.begin_trial(phone.name, "en")
    assert (await until(telephony, phone.name)).problem is problem
    phone.on_ring = OnRing.ANSWER


async def test_a_phone_that_is_put_down_before_a_key_is_told(house: tuple[AsteriskTelephony, list[Phone]]) -> None:
    telephony, (_, _, phone, *_) = house
    telephony.begin_trial(phone.name, "en")
    await phone.until_up()
    await until(telephony, phone.name, lambda one: one.step is TrialStep.KEY)
    await phone.hang_up()
    assert (await until(telephony, phone.name)).problem is TrialProblem.PUT_DOWN


async def test_a_name_that_asterisk_does_not_know_is_told(house: tuple[AsteriskTelephony, list[Phone]]) -> None:
    telephony, _ = house
    telephony.begin_trial("nobodys-phone", "en")
    assert (await until(telephony, "nobodys-phone")).problem is TrialProblem.UNKNOWN
