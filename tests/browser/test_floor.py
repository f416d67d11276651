"""A supervisor at the wallboard and an admin at the forms: by keyboard, on a desk and a phone, in both themes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from app.agent_events import AgentWentReady, DispositionSet, HangUpAsked
from app.agents import AgentPlan, DialingMode, PhoneMode, RecordingPolicy
from app.panel.language import LANGUAGES
from app.store import audit, campaigns, people, phones
from app.store.campaigns import CampaignEntry
from app.store.people import Role, User
from app.store.phones import Phone
from app.units import AgentId, AttemptId, CampaignId
from tests.browser.chromium import Page, chromium
from tests.browser.shift_site import PHONES, ShiftSite, open_shift
from tests.browser.test_live_page import AXE, RULES, SIDEWAYS
from tests.unit.panel.site import PASSWORD, password_hash

pytestmark = pytest.mark.browser
PATIENCE_S = 30
BOSS_PHONE = PHONES[2]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[ShiftSite]:
    """A call centre with an admin, and phones to sit at."""
    async with open_shift(tmp_path) as opened:
        await opened.store.write(
            people.add_user, name="boss", password_hash=password_hash(), role=Role.ADMIN,
            now_ms=opened.operations.now_ms,
        )  # fmt: skip
        for endpoint in PHONES:
            await opened.store.write(phones.put_phone, Phone(endpoint=endpoint, label="Second floor"))
        yield opened


@pytest.fixture
async def page(tmp_path: Path, site: ShiftSite) -> AsyncIterator[Page]:
    """The admin's browser; whatever its console complains of fails the test."""
    async with chromium(tmp_path) as opened:
        await opened.size(1366, 768)
        await opened.go(f"{site.url}/sign-in")
        await opened.type("boss")
        await opened.press("Tab")
        await opened.type(PASSWORD)
        await opened.press("Enter")
        await opened.until("document.getElementById('live')")
        yield opened
        assert not opened.errors


async def working(site: ShiftSite, names: tuple[str, ...] = ("maria", "noor")) -> tuple[CampaignId, list[User]]:
    """A progressive campaign with as many people who answer and stay as agents who take them."""
    crew = [await site.add_agent(name) for name in names]
    called = {f"+4477009000{at:02d}": f"Person {at}" for at in range(10, 30)}
    campaign_id = await site.start("Renewals", DialingMode.PROGRESSIVE, called, AgentPlan(wrap_up_ms=3_600_000))
    for at, user in enumerate(crew):
        await site.agents.sign_in(
            user, endpoint=PHONES[at], phone_mode=PhoneMode.NAILED_UP, campaigns_served=[campaign_id]
        )
    for user in crew:
        await reach(has_phone(site, user))
        await site.agents.ask(AgentWentReady(agent_id=AgentId(user.id)))
    return campaign_id, crew


async def reach(is_so: Callable[[], bool]) -> None:
    """Wait until something is true."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if is_so():
                return
            await asyncio.sleep(0.02)


def has_phone(site: ShiftSite, user: User) -> Callable[[], bool]:
    """Whether an agent's phone is up."""

    def look() -> bool:
        picture = site.agents.picture(AgentId(user.id))
        return picture is not None and picture.is_phone_up

    return look


async def talking(site: ShiftSite, user: User) -> None:
    """Wait until an agent talks, passing by who does not stay."""
    async with asyncio.timeout(PATIENCE_S):
        while site.state(user) != "talking":
            if site.state(user) in ("wrap-up", "paused"):
                await site.agents.ask(AgentWentReady(agent_id=AgentId(user.id)))
            await asyncio.sleep(0.05)


async def whats(site: ShiftSite) -> list[str]:
    """What people did, oldest first."""
    found = await site.store.read(audit.audit_page)
    return [one.what for one in reversed(found.entries) if one.what != "compliance profile first used"]


def chip(user: User) -> str:
    return f"document.querySelector('#a{user.id} .state')"


async def test_a_supervisor_listens_switches_and_leaves_by_keyboard_alone(site: ShiftSite, page: Page) -> None:
    _, (maria, _noor) = await working(site)
    await talking(site, maria)
    await page.go(f"{site.url}/floor")
    await page.until(f"{chip(maria)}?.classList.contains('s-talking')")
    await page.tab_to("e.id === 'my-phone'")
    await page.evaluate(
        f"(e => {{ e.value = '{BOSS_PHONE}'; e.dispatchEvent(new Event('change', {{bubbles: true}})) }})"
        "(document.getElementById('my-phone'))"
    )
    await page.tab_to(f"e.id === 'a{maria.id}-listen'", most=90)
    await page.press("Enter")
    await page.until("document.querySelector('.mine-bar')")
    picture = site.agents.picture(AgentId(maria.id))
    assert picture is not None
    assert picture.spies[0][0] == "boss"
    await page.tab_to("e.id === 'mine-whisper'", most=120)
    await page.press("Enter")
    await page.until("document.getElementById('mine-whisper')?.getAttribute('aria-pressed') === 'true'")
    await page.tab_to("e.id === 'mine-leave'", most=120)
    await page.press("Enter")
    await page.until("!document.querySelector('.mine-bar')")
    async with asyncio.timeout(PATIENCE_S):  # the end is written when nothing more urgent is
        while (await whats(site))[2:] != ["supervision: ended"]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert (await whats(site))[:2] == ["supervision: listen", "supervision: whisper"]


async def test_a_call_is_ended_for_a_typed_reason_and_typed_text_survives_the_agents_changes(
    site: ShiftSite, page: Page
) -> None:
    _, (maria,) = await working(site, ("maria",))
    await talking(site, maria)
    await page.go(f"{site.url}/floor")
    await page.until(f"{chip(maria)}?.classList.contains('s-talking')")
    await page.tab_to(f"e.id === 'a{maria.id}-more'", most=90)
    await page.press("Enter")
    await page.until("document.getElementById('sheet').open")
    await page.tab_to("e.name === 'reason' && e.tagName === 'INPUT'")
    await page.type("The customer asked")
    await site.agents.ask(HangUpAsked(agent_id=AgentId(maria.id)))  # she ends it herself meanwhile
    await page.until("document.querySelector('#sheet-live .state').classList.contains('s-wrap-up')")
    assert await page.evaluate("document.activeElement.value") == "The customer asked"
    await site.agents.ask(AgentWentReady(agent_id=AgentId(maria.id)))
    await talking(site, maria)
    await page.press("Enter")
    await page.until(f"{chip(maria)}.classList.contains('s-wrap-up')")
    await page.until("!document.getElementById('sheet').open")
    assert await whats(site) == ["ended agent's call"]


async def test_pause_message_and_steering_from_the_wallboard(site: ShiftSite, page: Page) -> None:
    campaign_id, (maria,) = await working(site, ("maria",))
    heard: list[str] = []
    site.agents.watch_messages(lambda _agent_id, text, _by: heard.append(text))
    await talking(site, maria)
    await page.go(f"{site.url}/floor")
    await page.until(f"{chip(maria)}?.classList.contains('s-talking')")
    await page.evaluate(f"document.getElementById('a{maria.id}-more').click()")
    await page.until("document.getElementById('sheet').open")
    await page.evaluate("document.querySelector('#sheet [name=reason]').form.requestSubmit()")
    await page.until("!document.getElementById('sheet').open")
    await page.until(f"document.querySelector('#a{maria.id} .next')")
    await page.evaluate("document.querySelector('a[href=\"/floor/message\"]').click()")
    await page.until("document.getElementById('message-text')")
    await page.evaluate("document.getElementById('message-text').focus()")
    await page.type("Lunch at one")
    await page.evaluate("document.getElementById('message-text').form.requestSubmit()")
    await reach(lambda: heard == ["Lunch at one"])
    await page.evaluate(f"document.getElementById('c{campaign_id}-steer').click()")
    await page.until("document.getElementById('steer-lines')")
    await page.evaluate("(e => { e.value = 3; e.form.requestSubmit() })(document.getElementById('steer-lines'))")
    await page.until(f"document.querySelector('#c{campaign_id} td .of').innerText === ' / 3'.trim() || "
                     f"document.querySelector('#c{campaign_id} td .of').innerText.includes('3')")  # fmt: skip
    await page.evaluate(f"document.getElementById('c{campaign_id}-pause').click()")
    await page.until(f"document.getElementById('c{campaign_id}-start')")
    assert await whats(site) == ["paused agent", "message", "steered campaign", "paused campaign"]


async def test_on_a_phone_a_campaign_is_paused_by_holding_and_only_who_needs_it_is_shown(
    site: ShiftSite, page: Page
) -> None:
    campaign_id, (maria,) = await working(site, ("maria",))
    await page.size(390, 844)
    await page.go(f"{site.url}/floor")
    await page.until(f"document.getElementById('a{maria.id}')")
    await page.until(f"document.getElementById('a{maria.id}').hidden && !document.getElementById('everybody').hidden")
    button = f"document.getElementById('c{campaign_id}-pause')"
    await page.evaluate(f"{button}.dispatchEvent(new PointerEvent('pointerdown', {{bubbles: true}}))")
    await page.evaluate(f"{button}.dispatchEvent(new PointerEvent('pointerup', {{bubbles: true}}))")
    await page.evaluate(f"{button}.dispatchEvent(new MouseEvent('click', {{bubbles: true, detail: 1}}))")
    await page.until("document.getElementById('told').innerText.includes('Hold to pause')")
    assert (await read(site, campaign_id)).status.value == "running"
    await page.evaluate(f"{button}.dispatchEvent(new PointerEvent('pointerdown', {{bubbles: true}}))")
    await page.until(f"document.getElementById('c{campaign_id}-start')")
    assert (await read(site, campaign_id)).status.value == "paused"
    await page.evaluate("document.getElementById('everybody').click()")
    assert not await page.evaluate(f"document.getElementById('a{maria.id}').hidden")


async def test_settings_of_a_mode_are_shown_in_that_mode_alone_and_the_budget_is_on_the_board(
    site: ShiftSite, page: Page
) -> None:
    called = {f"+4477009000{at:02d}": f"Person {at}" for at in range(10, 30)}
    campaign_id = await site.start("Renewals", DialingMode.PREDICTIVE, called)
    maria = await site.add_agent("maria")
    await site.agents.sign_in(maria, endpoint=PHONES[0], phone_mode=PhoneMode.NAILED_UP, campaigns_served=[campaign_id])
    await reach(has_phone(site, maria))
    await site.agents.ask(AgentWentReady(agent_id=AgentId(maria.id)))
    await talking(site, maria)
    await page.go(f"{site.url}/campaigns/{campaign_id}/setup/how")
    for mode, shown in (("predictive", [True, False, False]), ("progressive", [False, True, False]),
                        ("preview", [False, False, True]), ("manual", [False, False, False])):  # fmt: skip
        await page.evaluate(
            f"(e => {{ e.value = '{mode}'; e.dispatchEvent(new Event('change', {{bubbles: true}})) }})"
            "(document.getElementById('f-mode'))"
        )
        seen = "['f-target_percent', 'f-lines_per_agent', 'f-preview_s'].map(id => document.getElementById(id))"
        assert await page.evaluate(f"{seen}.map(e => e.checkVisibility())") == shown, mode
    for width in (1366, 390):
        await page.size(width, 768)
        for scheme in ("light", "dark"):
            await page.prefer(scheme)
            for path in (f"/campaigns/{campaign_id}/setup/how", f"/campaigns/{campaign_id}", "/floor"):
                await page.go(site.url + path)
                if not path.endswith("how"):
                    await page.until("document.querySelector('.budget .budget-why')")
                assert not await page.evaluate(SIDEWAYS), (path, width)
                await check(page, path)
    await page.evaluate(f"document.getElementById('c{campaign_id}-steer').click()")
    await page.until("document.getElementById('steer-target')?.checkVisibility()")
    await check(page, "the sheet of a predictive campaign")
    await page.evaluate("(e => { e.value = '2,5'; e.form.requestSubmit() })(document.getElementById('steer-target'))")
    await page.until("!document.getElementById('sheet').open")
    assert (await read(site, campaign_id)).campaign.agents.pacing.abandonment_target == 0.025


async def read(site: ShiftSite, campaign_id: CampaignId) -> CampaignEntry:
    return await site.store.read(campaigns.get_campaign, campaign_id)


async def test_a_draft_is_saved_while_it_is_filled_in(site: ShiftSite, page: Page) -> None:
    await site.add_agent("maria")
    await page.go(f"{site.url}/campaigns/new")
    await page.type("Fresh")
    await page.evaluate("document.getElementById('f-name').form.requestSubmit()")
    await page.until("document.getElementById('f-max_attempts')")
    await page.evaluate(
        "(e => { e.value = 0; e.dispatchEvent(new Event('change', {bubbles: true})) })"
        "(document.getElementById('f-max_attempts'))"
    )
    await page.until("!document.getElementById('wrong-max_attempts').hidden")
    await page.evaluate(
        "(e => { e.value = 5; e.dispatchEvent(new Event('change', {bubbles: true})) })"
        "(document.getElementById('f-max_attempts'))"
    )
    await page.until("document.querySelector('.saved').innerText.startsWith('Saved at')")
    assert (await read(site, CampaignId(1))).campaign.retry.max_attempts == 5
    # Whose session ended meanwhile is told that nothing is saved any more.
    await page.evaluate(
        "fetch('/sign-out', {method: 'POST', body: new URLSearchParams("
        "[...new FormData(document.getElementById('f-max_attempts').form)])})"
    )
    await page.evaluate(
        "(e => { e.value = 4; e.dispatchEvent(new Event('change', {bubbles: true})) })"
        "(document.getElementById('f-max_attempts'))"
    )
    await page.until("document.querySelector('.saved').innerText.startsWith('Not saved: the panel')")
    assert (await read(site, CampaignId(1))).campaign.retry.max_attempts == 5
    page.errors.clear()  # the browser's own word for the 422


PAGES = (
    "/floor", "/floor/message", "/campaigns", "/campaigns/new", "/campaigns/1", "/campaigns/1/contacts",
    "/campaigns/1/contacts?status=connected", "/campaigns/1/attempts?recorded=yes", "/campaigns/1/setup/contacts",
    "/campaigns/1/setup/when", "/campaigns/1/setup/how", "/campaigns/1/setup/hear", "/campaigns/1/setup/start",
    "/floor/campaigns/1", "/lists", "/lists/import", "/admin/users", "/admin/users/1", "/admin/phones",
    "/phones/agent-101/trial",
    "/admin/trunks", "/admin/trunks/way", "/admin/pauses", "/admin/pauses/lunch", "/admin/sessions", "/admin/audit",
    "/admin/duty", "/admin/caller-ids", "/admin/dnc", "/strategies",
    "/admin/webhooks", "/segments", "/lists/fixes", "/lists/sources", "/contacts?list=1", "/contacts/1",
    "/lists/1/contacts/new",
)  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1366, 390])
async def test_every_page_is_accessible_and_fits(site: ShiftSite, page: Page, scheme: str, width: int) -> None:
    _, (maria, _noor) = await working(site)
    await talking(site, maria)
    await page.size(width, 768)
    await page.prefer(scheme)
    for language in LANGUAGES:
        await page.evaluate(f"document.cookie = 'outring_language={language}; path=/'")
        for path in (*PAGES, f"/floor/agents/{maria.id}"):
            await page.go(site.url + path)
            assert not await page.evaluate(SIDEWAYS), (path, language)
            await check(page, path)
    await page.go(f"{site.url}/floor")
    await page.until(f"document.getElementById('a{maria.id}-more')")
    await page.evaluate(f"document.getElementById('a{maria.id}-more').click()")
    await page.until("document.getElementById('sheet').open")
    await check(page, "an agent's sheet")


async def test_on_a_phone_the_bar_has_two_rows_and_the_rest_behind_a_button(site: ShiftSite, page: Page) -> None:
    await page.size(390, 844)
    for language in LANGUAGES:
        await page.evaluate(f"document.cookie = 'outring_language={language}; path=/'")
        await page.go(f"{site.url}/floor")
        assert await page.evaluate("document.querySelector('.bar-top').offsetHeight") <= 96
        assert not await page.evaluate("document.querySelector('[name=language]').checkVisibility()")
        await page.tab_to("e.className.includes('me-button')")
        await page.press("Enter")
        await page.until("document.querySelector('[name=language]').checkVisibility()")
        await page.until("document.querySelector('form[action=\"/sign-out\"] button').checkVisibility()")
        await check(page, "the menu")
    await page.size(1366, 768)
    assert await page.evaluate("document.querySelector('[name=language]').checkVisibility()")


async def test_a_supervisor_goes_from_a_campaign_to_an_attempt_and_its_recording(site: ShiftSite, page: Page) -> None:
    maria = await site.add_agent("maria")
    plan = AgentPlan(recording=RecordingPolicy.ALWAYS, consent_notice="This call is recorded.", wrap_up_ms=3_600_000)
    campaign_id = await site.start("Renewals", DialingMode.PROGRESSIVE, {"+447700900010": "Ann Bee"}, plan)
    await site.agents.sign_in(maria, endpoint=PHONES[0], phone_mode=PhoneMode.NAILED_UP, campaigns_served=[campaign_id])
    await reach(has_phone(site, maria))
    agent = AgentId(maria.id)
    await site.agents.ask(AgentWentReady(agent_id=agent))
    await talking(site, maria)
    await reach(lambda: is_recorded(site, maria))
    await site.agents.ask(HangUpAsked(agent_id=agent))
    await reach(lambda: site.state(maria) == "wrap-up")
    await site.agents.ask(DispositionSet(agent_id=agent, attempt_id=card_of(site, maria), code="success", is_done=True))
    await page.go(f"{site.url}/campaigns/{campaign_id}")
    await page.until("document.querySelector('a[href*=\"attempts?disposition=\"]')")
    await page.tab_to("e.getAttribute('href')?.includes('attempts?disposition=')")
    await page.press("Enter")
    await page.until("location.pathname.endsWith('/attempts') && document.querySelector('a[href^=\"/attempts/\"]')")
    await page.tab_to("e.getAttribute('href')?.startsWith('/attempts/')")
    await page.press("Enter")
    await page.until("location.pathname.startsWith('/attempts/') && document.querySelector('audio[controls]')")
    await check(page, "an attempt with a recording")


def is_recorded(site: ShiftSite, user: User) -> bool:
    picture = site.agents.picture(AgentId(user.id))
    return picture is not None and picture.is_recording


def card_of(site: ShiftSite, user: User) -> AttemptId:
    picture = site.agents.picture(AgentId(user.id))
    assert picture is not None
    assert picture.card is not None
    return picture.card.attempt_id


async def test_a_campaign_calls_its_supervisor_first(site: ShiftSite, page: Page) -> None:
    campaign_id = await site.start("Renewals", DialingMode.PROGRESSIVE, {"+447700900010": "Ann Bee"})
    await page.go(f"{site.url}/campaigns/{campaign_id}/contacts?search=ann")
    await page.tab_to("e.getAttribute('href')?.includes('#test')")
    await page.press("Enter")
    await page.until("document.getElementById('f-number')")
    await page.tab_to("e.id === 'f-number'")
    await page.type("07700 900011")
    await page.press("Enter")
    await page.until("document.querySelector('#live h1')?.innerText.includes('test calls')")
    await page.until("document.querySelector('.tile.state-answered .value')?.innerText === '1'")
    await check(page, "a test call")


async def check(page: Page, where: str) -> None:
    """Nothing that axe finds. It tries inline styles of its own, which our policy refuses: told by the console."""
    assert not page.errors, (where, page.errors)
    await page.evaluate(AXE + "; 0")
    told = "found => found.violations.map(one => one.id + ': ' + one.nodes.map(node => node.html).join(' '))"
    found = await page.evaluate(f"axe.run(document, {{runOnly: {RULES}}}).then({told})")
    assert not found, (where, found)
    page.errors.clear()


async def test_a_list_is_called_as_its_file_unless_it_has_a_name_already(site: ShiftSite, page: Page) -> None:
    choose = (
        "(name => { const files = new DataTransfer(); files.items.add(new File(['phone\\n'], name));"
        " const file = document.querySelector('[name=file]'); file.files = files.files;"
        " file.dispatchEvent(new Event('change', {bubbles: true})); return document.getElementById('f-name').value })"
    )
    await page.go(f"{site.url}/lists/import")
    assert await page.evaluate(f"{choose}('March 2026.final.csv')") == "March 2026.final"
    assert await page.evaluate(f"{choose}('other.csv')") == "March 2026.final"
