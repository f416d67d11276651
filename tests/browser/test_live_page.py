"""People at the live page: sign in, watch, pause, stop, by keyboard alone; on a desk and a phone, in both themes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.events import TelephonyDown
from app.model import CampaignStatus
from app.panel.language import LANGUAGES
from app.store import campaigns, sources
from app.store.campaigns import CampaignEntry
from app.store.sources import Edit, SourcePlan
from app.units import ContactId
from tests.browser.chromium import Page, chromium
from tests.unit.panel.site import PASSWORD, Site, open_site
from tests.unit.panel.test_pages import closed_attempt

pytestmark = pytest.mark.browser
AXE = (Path(__file__).parent / "vendor" / "axe-4.14.1.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """A panel with one user."""
    async with open_site(tmp_path) as opened:
        await opened.add_user("anna")
        yield opened


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    """A desk's browser; whatever its console complains of fails the test."""
    async with chromium(tmp_path) as opened:
        await opened.size(1366, 768)
        yield opened
        assert not opened.errors


async def sign_in(page: Page, site: Site) -> None:
    """By keyboard, as people do: the name has the focus."""
    await page.go(f"{site.url}/sign-in")
    await page.until("document.activeElement.id === 'name'")
    await page.type("anna")
    await page.press("Tab")
    await page.type(PASSWORD)
    await page.press("Enter")
    await page.until("document.getElementById('live')")


async def running(site: Site, contacts: int = 20) -> CampaignEntry:
    """A campaign that is on."""
    entry = await site.add_campaign("Winter reminders", contacts=contacts)
    return await site.operations.start_campaign(entry.campaign.id)


async def status(site: Site, entry: CampaignEntry) -> CampaignStatus:
    return (await site.store.read(campaigns.get_campaign, entry.campaign.id)).status


async def test_progress_is_seen_without_reloading(site: Site, page: Page) -> None:
    await sign_in(page, site)
    await page.until("document.body.innerText.includes('No campaign yet.')")
    await page.evaluate("window.same = true")
    entry = await running(site)
    await page.until("document.querySelector('.chip-running')")
    for done in (1, 2, 3):
        await closed_attempt(site, entry.campaign.id)
        await page.until(f"document.querySelector('.progress-line .figures strong').innerText === '{done}'")
    await page.until("document.querySelector('.bars').innerText.includes('connected to IVR')")
    assert await page.evaluate("document.querySelectorAll('.attempts tbody tr').length") == 3
    assert await page.evaluate("window.same")


async def test_a_campaign_is_paused_resumed_and_stopped_by_keyboard_alone(site: Site, page: Page) -> None:
    entry = await running(site)
    await sign_in(page, site)
    await page.tab_to(f"e.id === 'pause-{entry.campaign.id}-button'")
    await page.press("Space")
    await page.until("document.querySelector('.chip-paused')")
    assert await status(site, entry) is CampaignStatus.PAUSED
    await page.tab_to(f"e.id === 'start-{entry.campaign.id}-button'")
    await page.press("Enter")
    await page.until("document.querySelector('.chip-running')")
    await page.tab_to(f"e.id === 'stop-{entry.campaign.id}-button'")
    await page.press("Enter")
    await page.until("document.getElementById('sure').open")
    await page.press("Escape")
    await page.until("!document.getElementById('sure').open")
    assert await status(site, entry) is CampaignStatus.RUNNING
    await page.press("Enter")
    await page.until("document.getElementById('sure').open")
    await page.tab_to("e.value === 'yes'")
    await page.press("Enter")
    await page.until("document.querySelector('.chip-stopped')")
    assert await status(site, entry) is CampaignStatus.STOPPED


async def test_pictures_coming_in_do_not_move_the_focus(site: Site, page: Page) -> None:
    entry = await running(site)
    await sign_in(page, site)
    await page.tab_to(f"e.id === 'pause-{entry.campaign.id}-button'")
    await page.evaluate("document.activeElement.isTheSame = true")
    await closed_attempt(site, entry.campaign.id)
    await page.until("document.querySelector('.progress-line .figures strong').innerText === '1'")
    assert await page.evaluate("document.activeElement.isTheSame")


async def test_a_lost_connection_is_told_turns_grey_and_heals(site: Site, page: Page) -> None:
    await sign_in(page, site)
    await page.until("document.getElementById('as-of').innerText")
    await page.send(
        "Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0
    )
    for viewer in list(site.panel._live._viewers):
        await viewer.close()
    await page.until("!document.getElementById('lost').hidden && !document.body.classList.contains('is-old')")
    await page.until("document.body.classList.contains('is-old')")
    await page.send(
        "Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1, uploadThroughput=-1
    )
    await page.until("document.getElementById('lost').hidden && !document.body.classList.contains('is-old')")
    page.errors.clear()  # the browser's own words about being offline


async def test_a_wrong_password_is_told_and_the_name_is_kept(site: Site, page: Page) -> None:
    await page.go(f"{site.url}/sign-in")
    await page.type("anna")
    await page.press("Tab")
    await page.type("wrong")
    await page.press("Enter")
    await page.until("document.querySelector('[role=alert]')")
    assert await page.evaluate("document.getElementById('name').value") == "anna"
    await page.until("document.activeElement.id === 'password'")
    page.errors.clear()  # the browser's own word for the 401


async def test_language_and_theme_are_chosen_on_the_page(site: Site, page: Page) -> None:
    await sign_in(page, site)
    await page.evaluate(
        "(s => { s.value = 'ru'; s.dispatchEvent(new Event('change', {bubbles: true})) })"
        "(document.querySelector('select[name=language]'))"
    )
    await page.until("document.documentElement.lang === 'ru' && document.body.innerText.includes('Кампаний ещё нет.')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1366, 390])
async def test_every_page_is_accessible_and_fits(site: Site, page: Page, scheme: str, width: int) -> None:
    await page.size(width, 768)
    await page.prefer(scheme)
    await check(page, f"{site.url}/sign-in")
    entry = await running(site)
    attempt_id = await closed_attempt(site, entry.campaign.id)
    base = f"/campaigns/{entry.campaign.id}"
    await conflicting(site)
    await sign_in(page, site)
    for language in LANGUAGES:
        await page.evaluate(f"document.cookie = 'outring_language={language}; path=/'")
        found = ("/contacts?search=contact", "/lists/sources")
        why = (f"{base}/why?rule=ready", f"/contacts/1/why?campaign={entry.campaign.id}", *found)
        for path in ("/", base, f"{base}/attempts", f"/attempts/{attempt_id}", *why, "/nothing"):
            await check(page, site.url + path)
    site.post(TelephonyDown(reason="refused: " + "x" * 200))
    await page.go(site.url + "/")
    await page.until("document.querySelector('.banner-alarm')")
    await check(page, site.url + "/")
    page.errors.clear()  # the browser's own word for the 404


async def conflicting(site: Site) -> None:
    """A source that cannot be read, and an edit of it that met another one."""
    plan = SourcePlan(database="crm", relation="people", key="id", country="GB", is_live=True)
    made = await site.store.write(sources.create_source, name="crm people", list_name="people", plan=plan, now_ms=1)
    edit = Edit(audit_id=1, contact_id=ContactId(1), key="7", field="City", before="Ufa", after="Perm", by="maria")
    await site.store.write(sources.add_conflicts, made.id, [(edit, "Kazan")], 2)
    await site.panel.sources.sync(made.id)


async def check(page: Page, url: str) -> None:
    """Nothing to scroll sideways for, and nothing that axe finds."""
    await page.go(url)
    assert not await page.evaluate(SIDEWAYS), url
    await page.evaluate(AXE + "; 0")
    told = "found => found.violations.map(one => one.id + ': ' + one.nodes.map(node => node.html).join(' '))"
    found = await page.evaluate(f"axe.run(document, {{runOnly: {RULES}}}).then({told})")
    assert not found, (url, found)
