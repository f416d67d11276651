"""A whole shift at the desk, by keyboard alone: the real panel and dialer, a simulated network, a real Chromium."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from app.agent_events import AgentWentReady, TransferAsked, TransferFinished
from app.agents import NOT_SET, AgentPlan, AgentState, DialingMode, PhoneMode, RecordingPolicy
from app.dialing.snapshot import AgentPicture
from app.outcomes import ContactStatus, Outcome
from app.store import attempts, callbacks, cards
from app.store.attempts import AttemptEntry
from app.store.people import User
from app.units import AgentId, CampaignId
from tests.browser.chromium import Page, chromium
from tests.browser.shift_site import ShiftSite, open_shift
from tests.unit.panel.site import PASSWORD

pytestmark = pytest.mark.browser
PATIENCE_S = 30


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[ShiftSite]:
    """A call centre."""
    async with open_shift(tmp_path) as opened:
        yield opened


@pytest.fixture
async def maria(site: ShiftSite) -> User:
    """An agent."""
    return await site.add_agent("maria")


@pytest.fixture
async def page(tmp_path: Path, maria: User) -> AsyncIterator[Page]:
    """Her browser; whatever its console complains of fails the test."""
    async with chromium(tmp_path) as opened:
        await opened.size(1366, 768)
        yield opened
        assert not opened.errors


async def begin(page: Page, site: ShiftSite) -> None:
    """Sign in, choose the phone, go available: no mouse."""
    await page.go(f"{site.url}/sign-in")
    await page.type("maria")
    await page.press("Tab")
    await page.type(PASSWORD)
    await page.press("Enter")
    await page.until("document.querySelectorAll('#start-campaigns input').length")
    await page.tab_to("e.id === 'start-phone'")
    await page.type("agent-101")
    await page.press("Enter")
    await state(page, "paused")
    await page.until("window.desk.state.may.includes('ready')")
    await page.key("F8")


async def state(page: Page, name: str) -> None:
    """Wait for a state."""
    await page.until(f"document.getElementById('state').dataset.state === '{name}'")


async def closed(site: ShiftSite, campaign_id: CampaignId, count: int) -> list[AttemptEntry]:
    """The campaign's ended attempts, the first on top, once there are so many."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            page = await site.store.read(attempts.attempts_page, campaign_id=campaign_id)
            ended = [one for one in page.attempts if one.closed_at_ms is not None]
            if len(ended) >= count:
                return ended[::-1]
            await asyncio.sleep(0.05)


def talk(entry: AttemptEntry) -> Any:
    """What the conversation left."""
    assert entry.conversation is not None
    return entry.conversation


async def test_a_shift_of_three_people_by_keyboard_alone(site: ShiftSite, maria: User, page: Page) -> None:
    called = {"+442079460000": "Ann Archer", "+442079460021": "Bob Baker", "+442079460102": "Cid Carter"}
    campaign_id = await site.start("Winter offer", DialingMode.PROGRESSIVE, called)
    await begin(page, site)
    # The first: talked with, muted and not, held and not, noted, done in two keys.
    await state(page, "talking")
    assert "Ann Archer" in await page.evaluate("document.title")
    await page.until("document.getElementById('person').innerText.includes('Phones')")
    await page.key("KeyM")
    await page.until("document.querySelector('[data-act=mute]').getAttribute('aria-pressed') === 'true'")
    await page.key("F2")
    await page.until("document.querySelector('[data-act=mute]').getAttribute('aria-pressed') === 'false'")
    await page.key("KeyH")
    await state(page, "on-hold")
    await page.key("F4")
    await state(page, "talking")
    await page.key("KeyN")
    await page.type("Wants it in blue")
    await page.press("Escape")
    await page.key("Digit1")
    await page.until("window.desk.state.disposition === 'success'")
    await page.press("Enter")
    # The second hangs up by himself: told so, more time, a callback tomorrow, then a pause that was asked for before.
    await page.until("window.desk.state.card?.name === 'Bob Baker' && window.desk.state.state === 'talking'")
    await state(page, "wrap-up")
    await page.until("document.getElementById('alert').innerText.includes('They hung up.')")
    await page.key("F8")
    await page.until("document.getElementById('pause-dialog').open")
    await page.key("Digit2")
    await page.until("window.desk.state.pause_next === 'Lunch'")
    await page.key("KeyB")
    await page.tab_to("e.dataset.again === 'day'")
    await page.press("Space")
    await page.until("document.getElementById('again-told').getClientRects().length")
    if await page.evaluate("document.getElementById('again-nearest').getClientRects().length > 0"):
        await page.press("Enter")  # out of hours: the nearest legal time has the focus
    await page.until("window.desk.state.disposition === 'callback'")
    await page.key("Enter", ctrl=True)
    await state(page, "paused")
    assert "Lunch" in await page.evaluate("document.getElementById('stage-title').innerText")
    # Back from lunch; the third is hung up on, and the shift ends.
    await page.key("F8")
    await page.until("window.desk.state.card?.name === 'Cid Carter' && window.desk.state.state === 'talking'")
    await page.key("F9")
    await state(page, "wrap-up")
    assert await page.evaluate("window.desk.cues.gone") == 1
    await page.key("Digit2")
    await page.until("window.desk.state.disposition === 'not-interested'")
    await page.press("Enter")
    await state(page, "available")
    # The wrong key: mended within the minute.
    await page.key("KeyZ")
    await page.until("document.body.dataset.view === 'person'")
    assert "Cid Carter" in await page.evaluate("document.getElementById('alert').innerText")
    await page.key("Digit9")
    await page.press("Enter")
    await page.until("document.body.dataset.view === 'idle'")
    await page.tab_to("e.id === 'menu-button'")
    await page.press("Enter")
    await page.tab_to("e.dataset.act === 'sign-out'")
    await page.press("Enter")
    await state(page, "signed-out")
    first, second, third = await closed(site, campaign_id, 3)
    assert (talk(first).disposition, talk(first).note) == ("success", "Wants it in blue")
    assert first.outcome is second.outcome is third.outcome is Outcome.CONNECTED_TO_AGENT
    assert talk(first).hold_ms > 0
    assert (talk(second).disposition, talk(third).disposition) == ("callback", "other")
    (promise,) = (await site.store.read(callbacks.callbacks_page, campaign_id=campaign_id)).callbacks
    assert (promise.contact_name, promise.agent_id) == ("Bob Baker", AgentId(maria.id))
    assert site.state(maria) == ""


async def test_previews_are_dialed_skipped_and_closed_by_keys(site: ShiftSite, maria: User, page: Page) -> None:
    called = {"+442079460000": "Ann Archer", "+442079460100": "Bob Baker", "+442079460200": "Cid Carter"}
    campaign_id = await site.start("Renewals", DialingMode.PREVIEW, called)
    await begin(page, site)
    await page.until("window.desk.state.card?.name === 'Ann Archer' && window.desk.state.may.includes('skip')")
    await page.until("document.getElementById('ring-seconds').innerText")
    await page.key("KeyS")
    await page.until("window.desk.state.card?.name === 'Bob Baker' && window.desk.state.may.includes('close')")
    await page.tab_to("e.dataset.act === 'close'")
    await page.press("Enter")
    await page.until("document.activeElement.id === 'close-reason'")
    await page.type("moved away")
    await page.press("Enter")
    await page.until("window.desk.state.card?.name === 'Cid Carter' && window.desk.state.may.includes('accept')")
    await page.key("KeyD")
    await state(page, "talking")
    await page.key("Digit1")
    await page.until("window.desk.state.disposition === 'success'")
    await page.press("Enter")
    ended = {one.contact_name: one.outcome for one in await closed(site, campaign_id, 3)}
    assert ended == {
        "Ann Archer": Outcome.AGENT_REJECTED_PREVIEW,
        "Bob Baker": Outcome.AGENT_REJECTED_AND_CLOSED,
        "Cid Carter": Outcome.CONNECTED_TO_AGENT,
    }


async def test_a_number_is_dialed_by_hand_and_a_bad_one_told(site: ShiftSite, maria: User, page: Page) -> None:
    await site.start("Service", DialingMode.MANUAL, {"+442079460000": "Ann Archer"})
    await begin(page, site)
    await state(page, "available")
    await page.key("KeyC")
    await page.until("document.activeElement.id === 'dial-number'")
    await page.type("123")
    await page.press("Enter")
    await page.until("document.getElementById('dial-refusal').innerText.includes('digits')")
    await page.evaluate("document.getElementById('dial-number').select()")
    await page.type("020 7946 0000")
    await page.press("Enter")
    await state(page, "talking")
    assert await page.evaluate("window.desk.state.card.mode") == "manual"
    assert await page.evaluate("window.desk.state.card.name") == "Ann Archer"


async def test_every_button_that_is_drawn_is_one_the_dialer_would_do(site: ShiftSite, maria: User, page: Page) -> None:
    plan = AgentPlan(recording=RecordingPolicy.ON_DEMAND, consent_notice="This call may be recorded.")
    await site.start("Winter offer", DialingMode.PROGRESSIVE, {"+442079460000": "Ann Archer"}, plan)
    await begin(page, site)
    await state(page, "talking")
    await page.key("KeyR")
    await page.until("document.querySelector('[data-act=record]').getAttribute('aria-pressed') === 'true'")
    await page.key("KeyR")
    await page.until("document.querySelector('[data-act=record]').getAttribute('aria-pressed') === 'false'")
    await page.key("KeyK")
    await page.key("Digit5", letter="5")
    await page.until("document.getElementById('keyed').innerText === '5'")
    await page.press("Escape")
    await page.key("F4")
    await state(page, "on-hold")
    assert not await page.evaluate("window.desk.state.may.includes('keypad')")
    assert not await page.evaluate("document.getElementById('alert').getClientRects().length")


async def test_a_wrap_up_that_runs_out_saves_not_set_and_the_note_stays(
    site: ShiftSite, maria: User, page: Page
) -> None:
    plan = AgentPlan(wrap_up_ms=2_000)
    called = {"+442079460021": "Bob Baker"}
    campaign_id = await site.start("Winter offer", DialingMode.PROGRESSIVE, called, plan)
    await begin(page, site)
    await state(page, "talking")
    await page.key("KeyN")
    await page.type("line was bad")
    await state(page, "available")
    (ended,) = await closed(site, campaign_id, 1)
    assert talk(ended).disposition == NOT_SET
    async with asyncio.timeout(PATIENCE_S):
        while not (notes := (await site.store.read(cards.contact_card, ended.contact_id)).notes):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert [one.text for one in notes] == ["line was bad"]


async def test_a_reload_in_the_middle_of_a_call_changes_nothing(site: ShiftSite, maria: User, page: Page) -> None:
    await site.start("Winter offer", DialingMode.PROGRESSIVE, {"+442079460000": "Ann Archer"})
    await begin(page, site)
    await state(page, "talking")
    await page.key("KeyN")
    await page.type("half a sen")
    await page.go(f"{site.url}/desk")
    await state(page, "talking")
    await page.until("document.getElementById('note').value === 'half a sen'")
    assert not await page.evaluate("window.desk.state.phone.note")


async def test_a_phone_that_is_put_down_is_told_and_rung_again(site: ShiftSite, maria: User, page: Page) -> None:
    await site.start("Winter offer", DialingMode.MANUAL, {})
    await begin(page, site)
    await state(page, "available")
    site.telephony.disturb(lambda network: network.phones.put_down("agent-101"))
    await state(page, "paused")
    await page.until("document.getElementById('alert').innerText.includes('Your phone is not connected')")
    assert not await page.evaluate("window.desk.state.may.includes('ready')")
    await page.tab_to("e.id === 'alert-button'")
    await page.press("Enter")
    await page.until("window.desk.state.phone.is_up && !document.getElementById('alert').getClientRects().length")
    await page.key("F8")
    await state(page, "available")


async def test_the_page_away_means_nobody_new_and_coming_back_heals(
    site: ShiftSite, maria: User, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.panel.desk.LOST_S", 0.1)
    await site.start("Service", DialingMode.MANUAL, {})
    await begin(page, site)
    await state(page, "available")
    await page.go("about:blank")
    async with asyncio.timeout(PATIENCE_S):
        while True:
            picture = site.agents.picture(AgentId(maria.id))
            assert picture is not None
            if picture.is_browser_lost:
                break
            await asyncio.sleep(0.05)
    await page.go(f"{site.url}/desk")
    await state(page, "available")
    async with asyncio.timeout(PATIENCE_S):
        while (picture := site.agents.picture(AgentId(maria.id))) is None or picture.is_browser_lost:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_who_must_not_be_called_again_is_not(site: ShiftSite, maria: User, page: Page) -> None:
    campaign_id = await site.start("Winter offer", DialingMode.PROGRESSIVE, {"+442079460000": "Ann Archer"})
    await begin(page, site)
    await state(page, "talking")
    await page.key("Digit8")
    await page.until("window.desk.state.disposition === 'do-not-call'")
    await page.press("Enter")
    (ended,) = await closed(site, campaign_id, 1)
    card = await site.store.read(cards.contact_card, ended.contact_id)
    assert [one.status for one in card.places] == [ContactStatus.DO_NOT_CALL]


# --- giving a person away --------------------------------------------------------------------------------------------


async def colleague(site: ShiftSite, name: str, endpoint: str, campaign_id: CampaignId) -> AgentId:
    """Another agent, available, without a page."""
    user = await site.add_agent(name)
    await site.agents.sign_in(user, endpoint=endpoint, phone_mode=PhoneMode.NAILED_UP, campaigns_served=[campaign_id])
    agent_id = AgentId(user.id)
    await until(site, agent_id, lambda picture: picture.is_phone_up)
    await site.agents.ask(AgentWentReady(agent_id=agent_id))
    await until(site, agent_id, lambda picture: picture.state is not AgentState.PAUSED)
    return agent_id


async def until(site: ShiftSite, agent_id: AgentId, is_so: Callable[[AgentPicture], bool]) -> None:
    """Wait until an agent's picture is so."""
    async with asyncio.timeout(PATIENCE_S):
        while (picture := site.agents.picture(agent_id)) is None or not is_so(picture):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_person_is_given_to_a_colleague_after_a_word_with_them(
    site: ShiftSite, maria: User, page: Page
) -> None:
    campaign_id = await site.start("Winter offer", DialingMode.PROGRESSIVE, {"+442079460000": "Ann Archer"})
    await begin(page, site)
    await state(page, "talking")
    boris = await colleague(site, "boris", "agent-102", campaign_id)
    await page.key("KeyT")
    await page.until("document.getElementById('transfer-list').innerText.includes('boris')")
    await page.type("bor")
    await page.press("Enter")
    await page.until("window.desk.state.consult?.is_up && window.desk.state.may.includes('finish')")
    assert "boris" in await page.evaluate("document.getElementById('call-note').innerText")
    await page.tab_to("e.dataset.act === 'conference'")
    await page.press("Enter")
    await page.until("window.desk.state.conference && window.desk.state.may.includes('finish')")
    await page.key("KeyT")
    await state(page, "available")
    await until(site, boris, lambda picture: picture.state is AgentState.TALKING and picture.card is not None)
    picture = site.agents.picture(boris)
    assert picture is not None
    assert picture.card is not None
    assert picture.card.fields["name"] == "Ann Archer"


async def test_a_person_is_handed_over_at_once_and_a_second_thought_is_free(
    site: ShiftSite, maria: User, page: Page
) -> None:
    campaign_id = await site.start("Winter offer", DialingMode.PROGRESSIVE, {"+442079460000": "Ann Archer"})
    await begin(page, site)
    await state(page, "talking")
    boris = await colleague(site, "boris", "agent-102", campaign_id)
    await page.key("KeyT")
    await page.until("document.getElementById('transfer-list').innerText.includes('boris')")
    await page.press("Enter")
    await page.until("window.desk.state.may.includes('cancel')")
    await page.tab_to("e.dataset.act === 'cancel'")
    await page.press("Enter")
    await state(page, "talking")
    await until(site, boris, lambda picture: picture.state is AgentState.AVAILABLE)
    await page.key("KeyT")
    await page.until("document.getElementById('transfer-list').innerText.includes('boris')")
    await page.key("Enter", ctrl=True)
    await until(site, boris, lambda picture: picture.state is AgentState.TALKING)
    await state(page, "available")


async def test_whom_somebody_consults_sees_the_card_and_only_their_own_buttons(
    site: ShiftSite, maria: User, page: Page
) -> None:
    campaign_id = await site.start("Winter offer", DialingMode.PROGRESSIVE, {"+442079460000": "Ann Archer"})
    boris = await colleague(site, "boris", "agent-102", campaign_id)
    await until(site, boris, lambda picture: picture.state is AgentState.TALKING)
    await begin(page, site)
    await state(page, "available")
    ask = TransferAsked(agent_id=boris, to_agent_id=AgentId(maria.id), is_attended=True)
    await site.agents.ask(ask)
    await page.until("window.desk.state.card?.name === 'Ann Archer'")
    await state(page, "talking")
    offered = await page.evaluate("window.desk.state.may")
    assert not {"dispose", "hold", "transfer", "finish", "keypad"} & set(offered)
    await site.agents.ask(TransferFinished(agent_id=boris))
    await page.until("window.desk.state.may.includes('dispose')")
    await page.key("Digit1")
    await page.until("window.desk.state.disposition === 'success'")
