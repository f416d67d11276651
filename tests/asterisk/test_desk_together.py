"""Agents, a supervisor and a person over a real PBX: a word in between, all three, the card handed on, the recording.

Maria and the supervisor work in real browsers, by keyboard; every phone is a real one, and what each hears is measured.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from app.agents import AgentPlan, AgentState, DialingMode, RecordingPolicy
from app.panel.server import Panel
from app.settings import load
from app.store import audit, cards, people
from app.units import AgentId
from asterisk.lab import Lab
from asterisk.lab.phones import OnRing
from tests.asterisk.floor import AGENT_HZ, OTHER_HZ, PERSON_HZ
from tests.asterisk.shift import Shift, Worker, shift
from tests.asterisk.tellers import Callee, Callees, heard
from tests.asterisk.test_desk import state
from tests.asterisk.tones import heard_ms, sound
from tests.browser.chromium import Page, chromium
from tests.unit.panel.site import PASSWORD, password_hash

pytestmark = [pytest.mark.asterisk, pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
LISTENS = "+447700900101"
MOST, NONE = 700, 100
"""Milliseconds of a second: who hears somebody, and who does not."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house() -> AsyncIterator[Lab]:
    """A laboratory with two phones."""
    async with Lab(lines=10, phones=2) as lab:
        for phone in lab.phones.values():
            phone.on_ring = OnRing.ANSWER
        yield lab


@pytest_asyncio.fixture(loop_scope="session")
async def floor(house: Lab, tmp_path: Path) -> AsyncIterator[Shift]:
    """A dialer on it."""
    async with shift(house, tmp_path) as running:
        yield running


async def sign_in(page: Page, url: str, name: str) -> None:
    await page.size(1366, 768)
    await page.go(f"{url}/sign-in")
    await page.type(name)
    await page.press("Tab")
    await page.type(PASSWORD)
    await page.press("Enter")


async def who_hears(*who: Worker | Callee) -> list[set[int]]:
    """Whose tones each hears, in this order."""
    ears = await heard(1.0, *[one.phone if isinstance(one, Worker) else one for one in who])
    tones = (AGENT_HZ, OTHER_HZ, PERSON_HZ)
    for ear in ears:
        assert all(not NONE < heard_ms(ear, tone) < MOST for tone in tones), "in between"
    return [{tone for tone in tones if heard_ms(ear, tone) >= MOST} for ear in ears]


async def test_a_word_in_between_all_three_and_the_card_handed_on_and_only_what_was_meant_is_recorded(
    floor: Shift, tmp_path: Path
) -> None:
    site, phones = floor.site, list(floor.lab.phones.values())
    made = {
        name: await site.store.write(
            people.add_user, name=name, password_hash=password_hash(), role=role, now_ms=site.operations.now_ms
        )
        for name, role in (("maria", people.Role.AGENT), ("zoe", people.Role.SUPERVISOR))
    }
    boris = await floor.worker(1)
    settings = load().model_copy(update={"asterisk_recordings_dir": floor.lab.pbx.recordings_dir})
    panel = Panel(operations=site.operations, agents=floor.agents, store=site.store, settings=settings)
    url = await panel.start("127.0.0.1", 0)
    plan = AgentPlan(wrap_up_ms=60_000, recording=RecordingPolicy.ON_DEMAND, consent_notice="This call is recorded.")
    try:
        async with chromium(tmp_path / "maria") as page, Callees(floor.lab, "together") as callees:
            campaign_id = await floor.campaign(DialingMode.PROGRESSIVE, [LISTENS], plan)
            person = Callee(callees, LISTENS)
            await sign_in(page, url, "maria")
            await page.until("document.querySelectorAll('#start-campaigns input').length")
            await page.tab_to("e.id === 'start-phone'")
            await page.type(phones[0].name)
            await page.press("Enter")
            await page.until("window.desk.state.phone?.is_up")
            await page.key("F8")
            await state(page, "talking")
            maria = Worker(shift=floor, id=AgentId(made["maria"].id), user=made["maria"], phone=phones[0])
            await boris.sign_in(campaign_id)
            await boris.ready()
            await boris.until_state(AgentState.AVAILABLE)
            await phones[0].play_tone(AGENT_HZ)
            await phones[1].play_tone(OTHER_HZ)
            await person.speak(PERSON_HZ)
            assert await who_hears(maria, person, boris) == [{PERSON_HZ}, {AGENT_HZ}, set()]
            # on demand
            await page.key("KeyR")
            await page.until("window.desk.state.recording")
            assert await who_hears(maria, person) == [{PERSON_HZ}, {AGENT_HZ}]
            # a word with boris: the person hears neither
            await page.key("KeyN")
            await page.type("Wants the large tariff")
            await page.press("Escape")
            await page.key("KeyT")
            await page.until("document.getElementById('transfer-list').innerText.includes('agent 2')")
            await page.type("agent 2")
            await page.press("Enter")
            await page.until("window.desk.state.consult?.is_up && window.desk.state.may.includes('finish')")
            assert not await page.evaluate("window.desk.state.recording")
            at_maria, at_person, at_boris = await who_hears(maria, person, boris)
            assert (at_maria, at_boris) == ({OTHER_HZ}, {AGENT_HZ})
            assert not at_person & {AGENT_HZ, OTHER_HZ}
            # all three, recorded again
            await page.tab_to("e.dataset.act === 'conference'")
            await page.press("Enter")
            await page.until("window.desk.state.conference && window.desk.state.may.includes('finish')")
            await page.until("window.desk.state.recording")
            assert await who_hears(maria, person, boris) == [
                {OTHER_HZ, PERSON_HZ}, {AGENT_HZ, OTHER_HZ}, {AGENT_HZ, PERSON_HZ},
            ]  # fmt: skip
            # handed on, with the card
            await page.key("KeyT")
            await state(page, "available")
            await boris.until_state(AgentState.TALKING)
            await boris.until(lambda now: now.card is not None, "the card")
            assert await who_hears(maria, person, boris) == [set(), {OTHER_HZ}, {PERSON_HZ}]
            await boris.done()
            ended = await floor.the_attempt(campaign_id)
            assert ended.conversation is not None
            assert ended.conversation.transfers == ("maria → agent 2",)
            assert len(ended.conversation.recordings) == 2
            # what was recorded: the person and maria; then all three
            first, second = (floor.lab.pbx.recordings_dir / f"{name}.wav" for name in ended.conversation.recordings)
            for path in (first, second):
                await site.until(path.exists, f"{path.name} is there")
            assert min(heard_ms(sound(first), tone) for tone in (AGENT_HZ, PERSON_HZ)) >= MOST
            assert heard_ms(sound(first), OTHER_HZ) == 0, "boris was not in it"
            assert min(heard_ms(sound(second), tone) for tone in (AGENT_HZ, OTHER_HZ, PERSON_HZ)) >= MOST
            # maria may not hear it
            own = f"{url}/recordings/{ended.conversation.recordings[0]}"
            status = await page.evaluate(f"fetch('{own}', {{redirect: 'manual'}}).then(r => r.status)")
            assert status in (0, 403)
            page.errors.clear()
            kept = (await site.store.read(cards.contact_card, ended.contact_id)).notes
            assert [one.text for one in kept] == ["Wants the large tariff"]
            # the supervisor finds and plays it
            async with chromium(tmp_path / "zoe") as desk:
                await sign_in(desk, url, "zoe")
                await desk.until("document.getElementById('live')")
                await desk.go(f"{url}/campaigns/{campaign_id}/attempts?recorded=yes")
                await desk.tab_to("e.href?.includes('/attempts/')")
                await desk.press("Enter")
                await desk.until("document.querySelectorAll('audio').length === 2")
                for place in (0, 1):
                    audio = f"document.querySelectorAll('audio')[{place}]"
                    await desk.evaluate(f"{audio}.muted = true")  # nobody pressed a key on it: it may play unheard
                    await desk.evaluate(f"{audio}.play()")
                    await desk.until(f"{audio}.readyState >= 1 && {audio}.duration > 0.5")
                assert not desk.errors
            trail = (await site.store.read(audit.audit_page)).entries
            assert [one.who for one in trail if one.what == "listened to recording"] == ["zoe", "zoe"]
        async with aiohttp.ClientSession() as nobody:
            answer = await nobody.get(own, allow_redirects=False)
            assert answer.status in (303, 401)
    finally:
        await panel.stop()
