"""Agents at the desk, on a floor that shows them every state: keys, cues, drafts, two people at one field, looks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.agent_events import (
    AgentPaused,
    AgentRequest,
    DeskTold,
    DeskWord,
    DispositionSet,
    HangUpAsked,
    HoldAsked,
    KeysAsked,
    MuteAsked,
    PreviewAccepted,
    PreviewRefused,
    TransferAsked,
    WrapUpExtended,
)
from app.agents import AgentState, DialingMode
from app.units import AttemptId
from tests.browser.chromium import Page, chromium
from tests.browser.test_live_page import AXE, RULES
from tests.unit.panel.desk_site import DeskSite, open_desk_site
from tests.unit.panel.site import PASSWORD

pytestmark = pytest.mark.browser
SCROLLS = (
    "document.documentElement.scrollHeight > innerHeight || document.documentElement.scrollWidth > innerWidth"
    " || scrollY > 0"
)
PATIENCE_S = 30


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[DeskSite]:
    """A panel with a stand-in floor."""
    async with open_desk_site(tmp_path) as opened:
        yield opened


@pytest.fixture
async def page(tmp_path: Path, desk: DeskSite) -> AsyncIterator[Page]:
    """Maria's browser, at her desk; whatever its console complains of fails the test."""
    async with chromium(tmp_path) as opened:
        await opened.size(1366, 768)
        await sign_in(opened, desk)
        yield opened
        assert not opened.errors


async def sign_in(page: Page, desk: DeskSite) -> None:
    """By keyboard; an agent lands at the desk."""
    await page.go(f"{desk.site.url}/sign-in")
    await page.type("maria")
    await page.press("Tab")
    await page.type(PASSWORD)
    await page.press("Enter")
    await page.until("document.body.dataset.view === 'start'")


async def asked(desk: DeskSite, kind: type[AgentRequest], count: int = 1) -> AgentRequest:
    """The last request of a kind, once there are so many."""
    async with asyncio.timeout(PATIENCE_S):
        while len(found := [one for one in desk.floor.asked if type(one) is kind]) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return found[-1]


async def talking(page: Page, desk: DeskSite, attempt: str = "attempt00001") -> None:
    """Somebody is on the line."""
    desk.talk(attempt)
    await page.until("document.getElementById('state').dataset.state === 'talking' && window.desk.state.person")


def shown(selector: str) -> str:
    """Whether an element is drawn, in JavaScript."""
    return f"(e => e && e.getClientRects().length > 0)(document.querySelector({selector!r}))"


# --- a shift, by keys ------------------------------------------------------------------------------------------------


async def test_a_shift_begins_by_keyboard_and_is_remembered(desk: DeskSite, page: Page) -> None:
    await page.until("document.querySelectorAll('#start-campaigns input').length")
    await page.tab_to("e.id === 'start-phone'")
    await page.type("agent-101")
    await page.press("Enter")
    await page.until("document.body.dataset.view === 'idle'")
    assert desk.floor.signed_in[0]["endpoint"] == "agent-101"
    assert desk.floor.signed_in[0]["campaigns"] == (desk.campaign_id,)
    desk.floor.pictures.clear()
    await page.go(f"{desk.site.url}/desk")
    await page.until("document.getElementById('start-phone').value === 'agent-101'")


async def test_keys_work_in_a_russian_layout_and_press_legal_buttons_only(desk: DeskSite, page: Page) -> None:
    await talking(page, desk)
    await page.key("KeyM", letter="ь")
    assert (await asked(desk, MuteAsked)) == MuteAsked(agent_id=desk.agent_id, is_on=True)
    await page.key("KeyD", letter="в")  # dial: there is no preview
    await page.key("F4")
    assert (await asked(desk, HoldAsked)) == HoldAsked(agent_id=desk.agent_id, is_on=True)
    await page.key("F9")
    await asked(desk, HangUpAsked)
    assert not [one for one in desk.floor.asked if isinstance(one, PreviewAccepted)]


async def test_a_digit_chooses_and_enter_saves(desk: DeskSite, page: Page) -> None:
    await talking(page, desk)
    await page.key("Digit2")
    assert await asked(desk, DispositionSet) == DispositionSet(
        agent_id=desk.agent_id, attempt_id=desk.card().attempt_id, code="not-interested"
    )
    await page.until("document.querySelector('.result[aria-pressed=true]').dataset.code === 'not-interested'")
    await page.press("Enter")
    request = await asked(desk, DispositionSet, 2)
    assert isinstance(request, DispositionSet)
    assert (request.code, request.is_done) == ("not-interested", True)


async def test_letters_belong_to_whoever_types_and_ctrl_enter_saves(desk: DeskSite, page: Page) -> None:
    await talking(page, desk)
    await page.key("KeyN")
    await page.until("document.activeElement.id === 'note'")
    for code, letter in (("KeyM", "m"), ("KeyH", "h"), ("Digit1", "1")):
        await page.key(code, letter=letter)
    assert await page.evaluate("document.getElementById('note').value") == "mh1"
    await page.press("Escape")
    await page.key("Digit1")
    await asked(desk, DispositionSet)
    await page.key("KeyN")
    await page.key("Enter", ctrl=True)
    request = await asked(desk, DispositionSet, 2)
    assert isinstance(request, DispositionSet)
    assert (request.code, request.note, request.is_done) == ("success", "mh1", True)
    assert not [one for one in desk.floor.asked if isinstance(one, MuteAsked | HoldAsked)]


async def test_a_preview_is_dialed_or_skipped_by_key(desk: DeskSite, page: Page) -> None:
    card = desk.card(is_preview=True, mode=DialingMode.PREVIEW)
    desk.show(AgentState.RESERVED, card=card, deadline_ms=desk.site.operations.now_ms + 30_000)
    await page.until(shown("[data-act=accept]"))
    assert not await page.evaluate(shown("#results"))
    await page.key("KeyS")
    assert await asked(desk, PreviewRefused) == PreviewRefused(agent_id=desk.agent_id, attempt_id=card.attempt_id)
    await page.key("KeyD")
    assert await asked(desk, PreviewAccepted) == PreviewAccepted(agent_id=desk.agent_id, attempt_id=card.attempt_id)


async def test_more_time_is_offered_when_little_is_left(desk: DeskSite, page: Page) -> None:
    await talking(page, desk)
    now_ms = desk.site.operations.now_ms
    desk.floor.change(desk.agent_id, state=AgentState.WRAP_UP, since_ms=now_ms, deadline_ms=now_ms + 60_000)
    await page.until("document.getElementById('state').dataset.state === 'wrap-up'")
    await page.key("KeyW")
    assert not await page.evaluate(shown("[data-act=extend]"))
    desk.floor.change(desk.agent_id, deadline_ms=desk.site.operations.now_ms + 15_000)
    await page.until(shown("[data-act=extend]"))
    await page.key("KeyW")
    await asked(desk, WrapUpExtended)
    assert len([one for one in desk.floor.asked if isinstance(one, WrapUpExtended)]) == 1


async def test_who_counts_on_the_agent_is_told_how_far_they_are(desk: DeskSite, page: Page) -> None:
    await desk.plan(mode=DialingMode.PREDICTIVE, script="# Hello\nGood day!\n# Offer\nWe have an offer.")
    await page.go(f"{desk.site.url}/desk")
    await talking(page, desk)
    await page.key("PageDown")
    step = await asked(desk, DeskTold)
    assert step == DeskTold(agent_id=desk.agent_id, attempt_id=AttemptId("attempt00001"), word=DeskWord.STEP, step=2)
    desk.floor.asked.clear()
    await page.key("KeyL")
    nearly = await asked(desk, DeskTold)
    assert isinstance(nearly, DeskTold)
    assert nearly.word is DeskWord.CLOSING
    await page.until("document.querySelector('[data-act=nearly]').getAttribute('aria-pressed') === 'true'")


async def test_a_pause_is_a_key_and_a_digit_and_is_latched_in_a_call(desk: DeskSite, page: Page) -> None:
    await talking(page, desk)
    await page.key("F8")
    await page.until("document.getElementById('pause-dialog').open")
    await page.key("Digit2")
    request = await asked(desk, AgentPaused)
    assert isinstance(request, AgentPaused)
    assert request.reason.code == "lunch"
    desk.floor.change(desk.agent_id, pause_next="Lunch")
    await page.until(shown("#latched"))


async def test_tones_and_transfer_are_reached_by_keys(desk: DeskSite, page: Page) -> None:
    await talking(page, desk)
    await page.key("KeyK")
    await page.until("document.getElementById('keypad-dialog').open")
    await page.key("Digit5", letter="5")
    assert await asked(desk, KeysAsked) == KeysAsked(agent_id=desk.agent_id, digits="5")
    await page.press("Escape")
    await page.until("!document.getElementById('keypad-dialog').open")
    await page.key("KeyT")
    await page.until("document.activeElement.id === 'transfer-to'")
    await page.type("+442079460018")
    await page.press("Enter")
    request = await asked(desk, TransferAsked)
    assert isinstance(request, TransferAsked)
    assert (request.to_number, request.is_attended) == ("+442079460018", True)
    await page.until("!document.getElementById('transfer-dialog').open")


async def test_a_callback_is_booked_by_keys_with_both_clocks(desk: DeskSite, page: Page) -> None:
    await talking(page, desk)
    await page.key("KeyB")
    await page.until("document.activeElement.dataset.again === '30'")
    await page.tab_to("e.dataset.again === 'day'")
    await page.press("Space")
    await page.until(shown("#again-told"))
    if await page.evaluate(shown("#again-nearest")):  # at night, tomorrow at this time is refused with another
        await page.press("Enter")
    request = await asked(desk, DispositionSet)
    assert isinstance(request, DispositionSet)
    assert request.code == "callback"
    assert request.callback is not None
    assert request.callback.agent_id == desk.agent_id
    assert "UTC+3" in await page.evaluate("document.getElementById('again-told').innerText")


async def test_keys_are_shown_changed_and_switched_off(desk: DeskSite, page: Page) -> None:
    await talking(page, desk)
    await page.key("Slash", letter="?", shift=True)
    await page.until("document.getElementById('map-dialog').open")
    await page.tab_to("e.dataset.change === 'mute'")
    await page.press("Enter")
    await page.key("KeyH")
    await page.until("document.getElementById('map-told').innerText.includes('Hold')")
    await page.key("KeyQ")
    await page.press("Escape")
    await page.key("KeyM")
    await page.key("KeyQ")
    await asked(desk, MuteAsked)
    assert len([one for one in desk.floor.asked if isinstance(one, MuteAsked)]) == 1
    await page.key("Slash", letter="?", shift=True)
    await page.evaluate("document.getElementById('letters-on').click()")
    await page.press("Escape")
    await page.key("KeyQ")
    await page.key("Digit1")
    await page.key("F4")
    await asked(desk, HoldAsked)
    assert len([one for one in desk.floor.asked if isinstance(one, MuteAsked)]) == 1
    assert not [one for one in desk.floor.asked if isinstance(one, DispositionSet)]


# --- cues ------------------------------------------------------------------------------------------------------------


async def test_a_new_person_changes_the_title_and_is_announced(desk: DeskSite, page: Page) -> None:
    desk.show(AgentState.AVAILABLE)
    await page.until("document.getElementById('state').dataset.state === 'available'")
    await talking(page, desk)
    assert await page.evaluate("document.title") == "● Olga Petrova · Outring"
    assert "Olga Petrova" in await page.evaluate("document.getElementById('say-now').textContent")
    assert await page.evaluate("window.desk.cues.new_person") == 1
    now_ms = desk.site.operations.now_ms
    desk.floor.change(desk.agent_id, state=AgentState.WRAP_UP, deadline_ms=now_ms + 30_000)
    await page.until("document.getElementById('alert').innerText.includes('They hung up.')")
    assert await page.evaluate("window.desk.cues.gone") == 1


async def test_an_end_of_ones_own_is_no_surprise(desk: DeskSite, page: Page) -> None:
    await talking(page, desk)
    await page.key("F9")
    await asked(desk, HangUpAsked)
    desk.floor.change(desk.agent_id, state=AgentState.WRAP_UP, deadline_ms=desk.site.operations.now_ms + 30_000)
    await page.until("document.getElementById('state').dataset.state === 'wrap-up'")
    assert await page.evaluate("window.desk.cues.gone") == 0


async def test_news_do_not_move_the_focus_or_what_is_typed(desk: DeskSite, page: Page) -> None:
    await talking(page, desk)
    await page.key("KeyE")
    await page.until("document.activeElement.closest('.field')")
    await page.evaluate("document.activeElement.isTheSame = true")
    await page.type("abc")
    typed = await page.evaluate("document.activeElement.value")
    desk.floor.change(desk.agent_id, is_muted=True)
    await page.until("document.querySelector('[data-act=mute]').getAttribute('aria-pressed') === 'true'")
    assert await page.evaluate("document.activeElement.isTheSame && document.activeElement.value") == typed


# --- nothing typed is lost -------------------------------------------------------------------------------------------


async def test_a_reload_loses_nothing_typed(desk: DeskSite, page: Page) -> None:
    await talking(page, desk)
    await page.key("KeyN")
    await page.type("Call the son instead")
    await page.go(f"{desk.site.url}/desk")
    await page.until("document.getElementById('note').value === 'Call the son instead'")


async def test_a_lost_connection_is_told_and_what_was_chosen_meanwhile_is_sent(desk: DeskSite, page: Page) -> None:
    await talking(page, desk)
    await page.network(is_there=False)
    for sitting in list(desk.site.panel.desk._open.values()):
        await sitting.line.socket.close()
    await page.until("document.getElementById('alert').innerText.includes('Reconnecting, your call continues')")
    await page.key("KeyN")
    await page.type("typed in the dark")
    await page.press("Escape")
    await page.key("Digit1")
    await page.key("Enter", ctrl=True)
    assert not desk.floor.asked
    await page.network(is_there=True)
    request = await asked(desk, DispositionSet)
    await page.until("!document.body.classList.contains('is-lost')")
    assert isinstance(request, DispositionSet)
    assert (request.code, request.note, request.is_done) == ("success", "typed in the dark", True)
    page.errors.clear()  # the browser's own words about being offline


async def test_a_note_without_a_result_is_kept_with_the_person(desk: DeskSite, page: Page) -> None:
    from app.store import cards

    await talking(page, desk)
    await page.key("KeyN")
    await page.type("never saved")
    await page.until("document.getElementById('note').value === 'never saved'")
    desk.show(AgentState.AVAILABLE)
    async with asyncio.timeout(PATIENCE_S):
        while not (await desk.site.store.read(cards.contact_card, desk.contact_id)).notes:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    (note,) = (await desk.site.store.read(cards.contact_card, desk.contact_id)).notes
    assert note.text == "never saved"


async def test_a_second_tab_offers_to_take_over(desk: DeskSite, page: Page) -> None:
    await talking(page, desk)
    await page.evaluate("sessionStorage.setItem('outring.tab', 'first')")
    await page.go(f"{desk.site.url}/desk")
    await page.until("document.body.dataset.view === 'person'")
    sitting = desk.site.panel.desk._open[desk.agent_id]
    sitting.tab = "another"  # as if it were a tab beside this one
    await page.send("Page.reload")
    await page.until("document.body.dataset.view === 'elsewhere' || document.body.dataset.view === 'person'")


# --- two people at one field -----------------------------------------------------------------------------------------

CITY = '[data-field="column:City"]'


async def test_somebody_elses_edit_appears_and_two_edits_ask(desk: DeskSite, page: Page) -> None:
    boris = await desk.site.add_user("boris")
    panel = desk.site.panel.desk
    await talking(page, desk)
    await panel.books.edit(boris, desk.contact_id, "column:City", saw="Kazan", value="Perm")
    panel.edited(desk.contact_id, "column:City", "Perm", boris)
    await page.until(f"document.querySelector('{CITY} input').value === 'Perm'")
    await page.evaluate(
        f"document.querySelector('{CITY} input').select(), document.querySelector('{CITY} input').focus()"
    )
    await page.type("Ufa")
    await panel.books.edit(boris, desk.contact_id, "column:City", saw="Perm", value="Omsk")
    panel.edited(desk.contact_id, "column:City", "Omsk", boris)
    told = f"document.querySelector('{CITY} .field-told').innerText"
    await page.until(f"{told}.includes('Omsk') && {told}.includes('boris')")
    assert await page.evaluate(f"document.querySelector('{CITY} input').value") == "Ufa"
    await page.evaluate(f"document.querySelector('{CITY} .btn-primary').click()")
    await page.until(f"!document.querySelector('{CITY}').matches('.is-dirty, .is-contested')")
    card = await panel.books.card(desk.contact_id)
    assert card.contact.fields["City"] == "Ufa"


# --- looks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ru"])
async def test_every_state_fits_and_is_accessible(desk: DeskSite, page: Page, scheme: str, language: str) -> None:
    await page.prefer(scheme)
    await page.size(1366, 620)
    await page.evaluate(f"document.cookie = 'outring_language={language}; path=/'")
    await page.go(f"{desk.site.url}/desk")
    await page.until("document.body.dataset.view === 'start'")
    await page.evaluate(AXE + "; 0")
    await check(page, "start")
    now_ms = desk.site.operations.now_ms
    preview = desk.card("attempt0pre1", is_preview=True, mode=DialingMode.PREVIEW)
    await desk.plan(script="# Hello\nGood day, {name}!\n# Offer\nWe have an offer for {City}.")
    desk.show(AgentState.PAUSED, reason="lunch", reason_label="Lunch", pause_limit_ms=3_600_000)
    await check(page, "paused")
    desk.show(AgentState.AVAILABLE, waiting_for="nobody is left to call")
    await check(page, "available")
    desk.show(AgentState.RESERVED, card=preview, deadline_ms=now_ms + 60_000)
    await check(page, "reserved")
    await talking(page, desk)
    await page.key("Digit3")
    await check(page, "talking")
    await page.until(shown("#script"))
    desk.floor.change(desk.agent_id, is_muted=True, pause_next="Lunch")
    await check(page, "talking")
    desk.floor.change(desk.agent_id, consult="boris", is_consult_up=True, is_muted=False, pause_next="")
    await check(page, "talking")
    desk.floor.change(desk.agent_id, consult="", is_consult_up=False, state=AgentState.ON_HOLD)
    await check(page, "on-hold")
    for dialog, key in (("pause", "F8"), ("transfer", "KeyT")):
        await page.key(key)
        await page.until(f"document.getElementById('{dialog}-dialog').open")
        await check(page, "on-hold")
        await page.press("Escape")
        await page.until(f"!document.getElementById('{dialog}-dialog').open")
    await page.key("Slash", letter="?", shift=True)
    await check(page, "on-hold")
    await page.press("Escape")
    desk.floor.change(desk.agent_id, state=AgentState.WRAP_UP, deadline_ms=desk.site.operations.now_ms + 15_000)
    await check(page, "wrap-up")
    desk.show(AgentState.PAUSED, reason="phone-lost", reason_label="Phone lost", is_phone_up=False)
    await check(page, "paused")


async def check(page: Page, state: str) -> None:
    """Nothing to scroll for, and nothing that axe finds."""
    wanted = f"document.body.dataset.view === 'start' && '{state}' === 'start'"
    await page.until(f"{wanted} || document.getElementById('state').dataset.state === '{state}'")
    assert not await page.evaluate(SCROLLS), state
    assert not page.errors
    told = "found => found.violations.map(one => one.id + ': ' + one.nodes.map(node => node.html).join(' '))"
    found = await page.evaluate(f"axe.run(document, {{runOnly: {RULES}}}).then({told})")
    page.errors.clear()  # axe's own styles, which the page's policy refuses
    assert not found, (state, found)
