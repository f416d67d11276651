"""The pages: what they say when there is nothing, of campaigns, attempts and odd addresses; orders by plain forms."""

from __future__ import annotations

import re

import pytest
from yarl import URL

from app.commands import ClaimContacts, CloseAttempt
from app.events import AttemptsOpened
from app.model import AttemptResult, CallFacts, CampaignStatus, ContactNext
from app.outcomes import ContactStatus, Outcome
from app.store import campaigns
from app.units import AttemptId, CampaignId, TrunkId
from tests.unit.panel.site import Site
from tests.unit.panel.test_signing_in import token_of

EVIL = '<script>alert("x")</script> {{ 7*7 }} Ёлка'


async def closed_attempt(site: Site, campaign_id: CampaignId, outcome: Outcome = Outcome.CONNECTED_TO_IVR) -> AttemptId:
    """An attempt with an end, written as the dialer writes it."""
    now_ms = site.operations.now_ms
    (opened,) = await site.store.commit([ClaimContacts(campaign_id=campaign_id, count=1)], now_ms)
    assert isinstance(opened, AttemptsOpened)
    (attempt,) = opened.attempts
    facts = CallFacts(trunk_id=TrunkId("way"), placed_at_ms=now_ms, answered_at_ms=now_ms + 1_000,
                      ended_at_ms=now_ms + 5_000, sip_code=200, cause=16, cause_text="Normal")  # fmt: skip
    heard = {"node": "notice", "part": EVIL, "language": "en", "at_ms": 0, "heard_ms": 500, "length_ms": 1_000,
             "has_failed": False}  # fmt: skip
    flow = {
        "keys": [{"node": "notice", "key": "9", "at_ms": 900}], "heard": [heard], "answers": {"a": EVIL},
        "ended_by": "flow", "language": "en", "recordings": [], "opted_out": True, "voicemail_left": False,
    }  # fmt: skip
    result = AttemptResult(
        attempt_id=attempt.attempt_id, campaign_id=campaign_id, contact_id=attempt.contact_id, outcome=outcome,
        is_charged=True, facts=facts, next=ContactNext(status=ContactStatus.CONNECTED, attempts=1), flow=flow,
    )  # fmt: skip
    await site.store.commit([CloseAttempt(result=result)], now_ms + 6_000)
    return attempt.attempt_id


async def test_with_nothing_there_the_live_page_says_how_to_begin(site: Site) -> None:
    async with site.browser() as http:
        page = await (await http.get("/")).text()
        assert "No campaign yet." in page
        assert "outring campaign create" in page
        assert "POST /api/v1/campaigns" in page


async def test_names_from_outside_are_text_and_nothing_else(site: Site) -> None:
    entry = await site.add_campaign(EVIL, contacts=2)
    attempt_id = await closed_attempt(site, entry.campaign.id)
    async with site.browser() as http:
        for path in ("/", f"/campaigns/{entry.campaign.id}", f"/campaigns/{entry.campaign.id}/attempts",
                     f"/attempts/{attempt_id}"):  # fmt: skip
            page = await (await http.get(path)).text()
            assert "<script>alert" not in page, path
            assert "Ёлка" in page, path
            assert "{{ 7*7 }}" in page, path


async def test_an_attempt_tells_its_course_keys_and_what_was_heard(site: Site) -> None:
    entry = await site.add_campaign(contacts=1)
    attempt_id = await closed_attempt(site, entry.campaign.id)
    async with site.browser() as http:
        page = await (await http.get(f"/attempts/{attempt_id}")).text()
        for part in ("+44 7700 900000", "35", "connected to IVR", "50%", "Key <strong>9</strong>", "SIP 200", "4.0 sec",
                     "asked not to be called again"):  # fmt: skip
            assert part in page or part.replace("4.0 sec", "+5.0 sec") in page, part


async def test_attempts_are_paged_by_cursor(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.panel.drill.PAGE", 2)
    entry = await site.add_campaign(contacts=5)
    ids = [await closed_attempt(site, entry.campaign.id) for _ in range(5)]
    seen: list[str] = []
    async with site.browser() as http:
        path = f"/campaigns/{entry.campaign.id}/attempts"
        while path:
            page = await (await http.get(path)).text()
            seen += [part.split('"', 1)[0] for part in page.split('id="attempt-')[1:]]
            links = re.findall(r'href="(/campaigns/1/attempts\?before=[^"]+)"', page)
            path = links[0] if links else ""
    assert sorted(seen) == sorted(ids)


async def test_buttons_work_without_scripts_and_stop_asks_first(site: Site) -> None:
    entry = await site.add_campaign(contacts=2)
    base = f"/campaigns/{entry.campaign.id}"

    async def status() -> CampaignStatus:
        return (await site.store.read(campaigns.get_campaign, entry.campaign.id)).status

    async with site.browser() as http:
        form = {"csrf_token": token_of(await (await http.get("/")).text()), "next": "/"}
        checked = await http.post(f"{base}/start", data=form, allow_redirects=False)
        assert (checked.status, checked.headers["Location"]) == (303, f"{base}/setup/start")
        assert await status() is CampaignStatus.DRAFT
        await http.post(f"{base}/setup/start", data=form)
        assert await status() is CampaignStatus.RUNNING
        paused = await http.post(f"{base}/pause", data=form, allow_redirects=False)
        assert (paused.status, paused.headers["Location"]) == (303, "/")
        await http.post(f"{base}/start", data=form)
        assert await status() is CampaignStatus.RUNNING
        asked = await http.post(f"{base}/stop", data=form)
        assert "Stop this campaign?" in await asked.text()
        assert await status() is CampaignStatus.RUNNING
        await http.post(f"{base}/stop", data=form | {"is_sure": "yes"})
        assert await status() is CampaignStatus.STOPPED
        again = await http.post(f"{base}/pause", data=form)
        assert again.status == 409
        assert "is stopped: this cannot be done to it" in await again.text()


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/campaigns/0", "/campaigns/x", "/campaigns/" + "9" * 400, "/campaigns/%00", "/attempts/%FF",
     "/attempts/nosuchattempt", "/campaigns/1/attempts?before=%00"],
)  # fmt: skip
async def test_odd_addresses_get_a_friendly_page(site: Site, path: str) -> None:
    async with site.browser() as http:
        answer = await http.get(URL(site.url + path, encoded=True))
        assert answer.status == 404
        assert answer.content_type == "text/html"
        assert "There is nothing here" in await answer.text()


async def test_language_and_theme_are_kept_in_cookies(site: Site) -> None:
    async with site.browser() as http:
        token = token_of(await (await http.get("/")).text())
        form = {"csrf_token": token, "language": "ru", "theme": "dark", "next": "/"}
        page = await (await http.post("/preferences", data=form)).text()
        assert '<html lang="ru"' in page
        assert 'data-bs-theme="dark"' in page
        assert "Кампаний ещё нет." in page
        form = {"csrf_token": token, "language": "xx", "theme": "<b>", "next": "//evil.example"}
        assert '<html lang="ru"' in await (await http.post("/preferences", data=form)).text()


async def test_the_browsers_language_is_the_first_choice(site: Site) -> None:
    async with site.browser() as http:
        page = await (await http.get("/", headers={"Accept-Language": "de, ru;q=0.8, en;q=0.5"})).text()
        assert '<html lang="ru"' in page


@pytest.mark.parametrize("zone", ["Europe%2FMoscow", "..%2F..%2Fetc%2Fpasswd", "%00", "x" * 500, "%2F", "Europe", ""])
async def test_any_time_zone_a_browser_names_is_survived(site: Site, zone: str) -> None:
    async with site.browser() as http:
        answer = await http.get("/", headers={"Cookie": cookies(http, f"outring_zone={zone}")})
        assert answer.status == 200
        assert ("UTC+3" in await answer.text()) == (zone == "Europe%2FMoscow")


def cookies(http: object, more: str) -> str:
    """The session's cookie with one more."""
    jar = http.cookie_jar  # type: ignore[attr-defined]
    return "; ".join([*(f"{one.key}={one.value}" for one in jar), more])
