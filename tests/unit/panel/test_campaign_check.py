"""A campaign is looked at before it starts, whichever button starts it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.model import CampaignStatus
from app.operations import Operations
from app.store import campaigns, trunks
from app.store.campaigns import CampaignEntry
from app.store.people import Role
from tests.unit.panel.site import Site
from tests.unit.panel.test_signing_in import token_of

LIVE = {"X-Requested-With": "live"}


async def status_of(site: Site, entry: CampaignEntry) -> CampaignStatus:
    return (await site.store.read(campaigns.get_campaign, entry.campaign.id)).status


async def close_the_ways_out(site: Site) -> None:
    """No trunk may call any country any more."""
    for trunk in await site.store.read(trunks.list_trunks):
        await site.operations.save_trunk(replace(trunk, prefixes=()))


@pytest.mark.parametrize("page", ["/", "/campaigns/1", "/floor"])
async def test_a_start_from_anywhere_leads_to_the_check_with_each_mend(site: Site, page: str) -> None:
    entry = await site.add_campaign(contacts=0)
    base = f"/campaigns/{entry.campaign.id}"
    async with site.browser(role=Role.SUPERVISOR) as http:
        form = {"csrf_token": token_of(await (await http.get(page)).text())}
        answer = await http.post(f"{base}/start", data=form, headers=LIVE)
        assert (answer.status, await answer.json()) == (200, {"go": f"{base}/setup/start"})
        shown = await (await http.post(f"{base}/start", data=form)).text()
        assert "its lists are empty" in shown
        assert f'href="{base}/setup/contacts">Mend' in shown
        assert await status_of(site, entry) is CampaignStatus.DRAFT


async def test_the_live_page_says_that_it_checks(site: Site) -> None:
    await site.add_campaign(contacts=2)
    async with site.browser() as http:
        assert "Check and start" in await (await http.get("/")).text()
        http.cookie_jar.update_cookies({"outring_language": "ru"})
        assert "Проверить и начать" in await (await http.get("/")).text()


async def test_what_is_in_the_way_is_in_the_way_of_a_hand_made_order_too(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = await site.add_campaign(contacts=0)
    asked: list[object] = []

    async def start(_self: Operations, *given: object) -> None:
        asked.append(given)

    monkeypatch.setattr(Operations, "try_campaign", start)
    async with site.browser() as http:
        form = {"csrf_token": token_of(await (await http.get("/")).text())}
        answer = await http.post(f"/campaigns/{entry.campaign.id}/setup/start", data=form)
        assert answer.status == 409
        assert "it cannot start yet: mend what is listed below" in await answer.text()
    assert asked == []


async def test_a_paused_campaign_goes_on_at_once_unless_something_has_come_in_its_way(site: Site) -> None:
    entry = await site.add_campaign(contacts=2)
    base = f"/campaigns/{entry.campaign.id}"
    await site.operations.start_campaign(entry.campaign.id)
    async with site.browser() as http:
        form = {"csrf_token": token_of(await (await http.get("/")).text())}
        await site.operations.pause_campaign(entry.campaign.id)
        assert (await http.post(f"{base}/start", data=form, headers=LIVE)).status == 204
        assert await status_of(site, entry) is CampaignStatus.RUNNING
        await site.operations.pause_campaign(entry.campaign.id)
        await close_the_ways_out(site)
        answer = await http.post(f"{base}/start", data=form, headers=LIVE)
        assert await answer.json() == {"go": f"{base}/setup/start"}
        assert await status_of(site, entry) is CampaignStatus.PAUSED


async def test_a_stopped_campaign_is_looked_at_again(site: Site) -> None:
    entry = await site.add_campaign(contacts=2)
    base = f"/campaigns/{entry.campaign.id}"
    await site.operations.start_campaign(entry.campaign.id)
    await site.operations.stop_campaign(entry.campaign.id)
    async with site.browser() as http:
        form = {"csrf_token": token_of(await (await http.get("/")).text())}
        answer = await http.post(f"{base}/start", data=form, allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, f"{base}/setup/start")
