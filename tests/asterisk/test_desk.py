"""The desk over a real PBX: a real browser and a real phone, a person called, all by keyboard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from app.agents import AgentPlan, DialingMode
from app.outcomes import Outcome
from app.panel.server import Panel
from app.settings import load
from app.store import people
from asterisk.lab import Lab
from asterisk.lab.phones import OnRing
from tests.asterisk.shift import Shift, shift
from tests.browser.chromium import Page, chromium
from tests.unit.panel.site import PASSWORD, password_hash

pytestmark = [pytest.mark.asterisk, pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
LISTENS, HANGS_UP_LATE = "+447700900101", "+447700900122"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desk_house() -> AsyncIterator[Lab]:
    """A laboratory with a phone for the desk."""
    async with Lab(lines=10, phones=2) as lab:
        yield lab


@pytest_asyncio.fixture(loop_scope="session")
async def floor(desk_house: Lab, tmp_path: Path) -> AsyncIterator[Shift]:
    """A dialer whose phones answer."""
    for phone in desk_house.phones.values():
        phone.on_ring = OnRing.ANSWER
    async with shift(desk_house, tmp_path) as running:
        yield running


async def state(page: Page, name: str) -> None:
    """Wait for a state."""
    await page.until(f"document.getElementById('state').dataset.state === '{name}'")


async def test_a_shift_at_the_desk_with_a_real_phone(floor: Shift, tmp_path: Path) -> None:
    site, phone = floor.site, next(iter(floor.lab.phones.values()))
    await site.store.write(
        people.add_user,
        name="maria",
        password_hash=password_hash(),
        role=people.Role.AGENT,
        now_ms=site.operations.now_ms,
    )
    campaign_id = await floor.campaign(DialingMode.PROGRESSIVE, [LISTENS, HANGS_UP_LATE], AgentPlan(wrap_up_ms=60_000))
    panel = Panel(operations=site.operations, agents=floor.agents, store=site.store, settings=load())
    url = await panel.start("127.0.0.1", 0)
    try:
        async with chromium(tmp_path) as page:
            await page.size(1366, 768)
            await page.go(f"{url}/sign-in")
            await page.type("maria")
            await page.press("Tab")
            await page.type(PASSWORD)
            await page.press("Enter")
            await page.until("document.querySelectorAll('#start-campaigns input').length")
            await page.tab_to("e.id === 'start-phone'")
            await page.type(phone.name)
            await page.press("Enter")
            await page.until("window.desk.state.phone?.is_up")
            await phone.until_up()
            await page.key("F8")
            await state(page, "talking")
            await page.key("KeyH")
            await state(page, "on-hold")
            await page.key("KeyH")
            await state(page, "talking")
            await page.key("Digit1")
            await page.until("window.desk.state.disposition === 'success'")
            await page.press("Enter")
            await page.until("window.desk.state.calls === 2")
            await state(page, "wrap-up")
            await page.until("document.getElementById('alert').innerText.includes('They hung up.')")
            await page.key("Digit2")
            await page.until("window.desk.state.disposition === 'not-interested'")
            await page.press("Enter")
            await state(page, "available")
            await phone.hang_up()
            await page.until("document.getElementById('alert').innerText.includes('Your phone is not connected')")
            await state(page, "paused")
            await page.tab_to("e.id === 'alert-button'")
            await page.press("Enter")
            await page.until("window.desk.state.phone.is_up")
            assert not page.errors
    finally:
        await panel.stop()
    ended = [await floor.the_attempt(campaign_id, place) for place in (0, 1)]
    assert {one.outcome for one in ended} == {Outcome.CONNECTED_TO_AGENT}
    found = {one.conversation.disposition for one in ended if one.conversation is not None}
    assert found == {"success", "not-interested"}
    held = [one.conversation.hold_ms for one in ended if one.conversation is not None]
    assert max(held) > 0
