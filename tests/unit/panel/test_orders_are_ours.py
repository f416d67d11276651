"""A change is let through only from our own page, with its token; headers are strict."""

from __future__ import annotations

import aiohttp
import pytest

from app.panel.routing import PREFIX
from app.store.people import Role
from tests.unit.panel.site import Site
from tests.unit.panel.test_signing_in import token_of

DNC = {"number": "+447700900123"}


async def test_a_change_with_a_cookie_needs_origin_and_token(site: Site) -> None:
    async with site.browser() as http:
        token = token_of(await (await http.get("/")).text())
        refused = [
            {},
            {"X-CSRF-Token": "wrong"},
            {"X-CSRF-Token": token, "Origin": "http://evil.example"},
            {"X-CSRF-Token": token, "Sec-Fetch-Site": "same-site"},
            {"X-CSRF-Token": "é"},
        ]
        for headers in refused:
            answer = await http.post(f"{PREFIX}/dnc", json=DNC, headers=headers)
            assert answer.status == 403, headers
        allowed = await http.post(f"{PREFIX}/dnc", json=DNC, headers={"X-CSRF-Token": token})
        assert allowed.status == 201


async def test_a_change_without_any_origin_is_refused_unless_the_browser_vouches(site: Site) -> None:
    async with site.browser() as http:
        token = token_of(await (await http.get("/")).text())
        jar = http.cookie_jar
        async with aiohttp.ClientSession(site.url, cookie_jar=jar, headers={"X-CSRF-Token": token}) as bare:
            assert (await bare.post(f"{PREFIX}/dnc", json=DNC)).status == 403
            vouched = await bare.post(f"{PREFIX}/dnc", json=DNC, headers={"Sec-Fetch-Site": "same-origin"})
            assert vouched.status == 201


async def test_another_sessions_token_does_not_fit(site: Site) -> None:
    async with site.browser("anna") as anna, site.browser("boris") as boris:
        token = token_of(await (await boris.get("/")).text())
        answer = await anna.post(f"{PREFIX}/dnc", json=DNC, headers={"X-CSRF-Token": token})
        assert answer.status == 403


async def test_buttons_of_a_page_need_the_token_too(site: Site) -> None:
    entry = await site.add_campaign()
    path = f"/campaigns/{entry.campaign.id}/start"
    async with site.browser() as http:
        token = token_of(await (await http.get("/")).text())
        assert (await http.post(path)).status == 403
        assert (await http.post(path, data={"csrf_token": token}, allow_redirects=False)).status == 303


@pytest.mark.parametrize("origin", ["http://evil.example", "null", None])
async def test_the_live_socket_is_for_our_own_pages(site: Site, origin: str | None) -> None:
    async with site.browser() as http:
        headers = {"Origin": origin} if origin else {}
        async with aiohttp.ClientSession(site.url, cookie_jar=http.cookie_jar) as other:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await other.ws_connect("/live", headers=headers)
            assert refused.value.status == 403


async def test_agents_have_no_business_on_the_live_page(site: Site) -> None:
    entry = await site.add_campaign()
    async with site.browser(role=Role.AGENT) as http:
        landed = await http.get("/", allow_redirects=False)
        assert (landed.status, landed.headers["Location"]) == (303, "/desk")
        page = await http.get(f"/campaigns/{entry.campaign.id}")
        assert page.status == 403
        token = token_of(await page.text())
        answer = await http.post(f"/campaigns/{entry.campaign.id}/start", data={"csrf_token": token})
        assert answer.status == 403
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await http.ws_connect("/live")


async def test_every_answer_carries_the_strict_headers(site: Site) -> None:
    async with site.browser() as http:
        for path in ("/", "/sign-in", "/nothing", "/static/outring.css", f"{PREFIX}/trunks", f"{PREFIX}/no", "/health"):
            headers = (await http.get(path, allow_redirects=False)).headers
            policy = headers["Content-Security-Policy"]
            assert "default-src 'self'" in policy, path
            assert "frame-ancestors 'none'" in policy, path
            assert "unsafe" not in policy, path
            assert headers["X-Content-Type-Options"] == "nosniff", path
            assert headers["Referrer-Policy"] == "same-origin", path
            assert "aiohttp" not in headers["Server"], path


async def test_no_page_has_script_or_style_inside(site: Site) -> None:
    entry = await site.add_campaign(contacts=3)
    async with site.browser() as http:
        for path in ("/", f"/campaigns/{entry.campaign.id}", f"/campaigns/{entry.campaign.id}/attempts", "/nothing"):
            page = await (await http.get(path)).text()
            assert "<style" not in page, path
            assert " style=" not in page, path
            assert " onclick=" not in page, path
            assert all('src="/static/' in part for part in page.split("<script")[1:]), path
