"""Nothing is served without sign-in; sessions begin, are kept, and end; guesses are slowed."""

from __future__ import annotations

import aiohttp
import pytest
from yarl import URL

from app.panel import rest
from app.panel.doorkeeper import SESSION_MS
from app.panel.passwords import token_hash
from app.panel.routing import PREFIX
from app.store import people
from app.store.people import Role
from tests.unit.panel.site import PASSWORD, Site


async def test_a_page_without_sign_in_leads_to_the_sign_in_and_back(site: Site) -> None:
    async with aiohttp.ClientSession(site.url) as http:
        for path in ("/", "/campaigns/1", "/campaigns/1/attempts", "/attempts/abcdefgh12", "/nothing/here"):
            answer = await http.get(path, allow_redirects=False)
            assert answer.status == 303, path
            assert answer.headers["Location"].startswith("/sign-in"), path
            assert await answer.read() == b"", path


async def test_rest_without_a_key_is_401_on_every_route_whatever_is_sent(site: Site) -> None:
    async with aiohttp.ClientSession(site.url) as http:
        paths = [(row.method, PREFIX + row.path) for row in rest.routes.rows]
        paths += [("GET", f"{PREFIX}/openapi.json"), ("GET", f"{PREFIX}/nothing"), ("PATCH", f"{PREFIX}/trunks")]
        for method, path in paths:
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic YTpi"}):
                answer = await http.request(method, path, headers=headers, json={})
                assert answer.status == 401, (method, path)
                assert (await answer.json(content_type="application/problem+json"))["code"] == "not_signed_in"
                assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_the_live_socket_needs_a_session(site: Site) -> None:
    async with aiohttp.ClientSession(site.url, headers={"Origin": site.url}) as http:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await http.ws_connect("/live")


async def test_health_static_files_and_sign_in_are_open(site: Site) -> None:
    async with aiohttp.ClientSession(site.url) as http:
        for path in ("/health", "/sign-in", "/static/outring.css", "/static/icon.svg", "/favicon.ico"):
            assert (await http.get(path)).status == 200, path
        for path in ("/static/../templates/layout.html", "/static/%2e%2e/templates/layout.html", "/static//etc/passwd"):
            answer = await http.get(URL(site.url + path, encoded=True), allow_redirects=False)
            assert answer.status in (303, 403, 404), path


async def test_with_no_users_the_sign_in_page_says_how_to_add_one(site: Site) -> None:
    async with aiohttp.ClientSession(site.url) as http:
        assert "outring user add" in await (await http.get("/sign-in")).text()
        await site.add_user("anna")
        assert "outring user add" not in await (await http.get("/sign-in")).text()


async def test_the_cookie_is_random_http_only_strict_and_only_its_hash_is_kept(site: Site) -> None:
    async with site.browser() as http:
        (cookie,) = [one for one in http.cookie_jar if one.key.startswith("outring_session")]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Strict"
        assert cookie["path"] == "/"
        assert len(cookie.value) >= 43
        user = await site.store.read(people.session_user, token_hash(cookie.value), site.operations.now_ms)
        assert user is not None
        assert await site.store.read(people.session_user, cookie.value, site.operations.now_ms) is None


async def test_behind_https_the_cookie_is_secure(site: Site) -> None:
    await site.add_user("anna")
    async with aiohttp.ClientSession(site.url, headers={"Origin": site.url, "X-Forwarded-Proto": "https"}) as http:
        form = {"name": "anna", "password": PASSWORD}
        answer = await http.post("/sign-in", data=form, allow_redirects=False)
        assert "Secure" in answer.headers["Set-Cookie"]


async def test_signing_out_makes_the_cookie_worthless(site: Site) -> None:
    async with site.browser() as http:
        page = await (await http.get("/")).text()
        (cookie,) = [one for one in http.cookie_jar if one.key.startswith("outring_session")]
        answer = await http.post("/sign-out", data={"csrf_token": token_of(page)}, allow_redirects=False)
        assert answer.status == 303
        async with aiohttp.ClientSession(site.url, cookies={cookie.key: cookie.value}) as thief:
            assert (await thief.get("/", allow_redirects=False)).status == 303
            assert (await thief.get(f"{PREFIX}/users/me")).status == 401


async def test_a_session_lasts_from_its_last_use(site: Site) -> None:
    async with site.browser() as http:
        (cookie,) = [one for one in http.cookie_jar if one.key.startswith("outring_session")]
        hashed, now_ms = token_hash(cookie.value), site.operations.now_ms
        await site.store.write(people.extend_session, hashed, expires_at_ms=now_ms + 60_000)
        assert (await http.get(f"{PREFIX}/users/me")).status == 200
        assert await site.store.read(people.session_user, hashed, now_ms + SESSION_MS - 60_000) is not None
        await site.store.write(people.extend_session, hashed, expires_at_ms=now_ms - 1)
        assert (await http.get(f"{PREFIX}/users/me")).status == 401


async def test_a_disabled_user_is_out_at_once_and_cannot_come_in(site: Site) -> None:
    await site.add_user("another admin")
    async with site.browser("anna") as http:
        user = await site.store.read(people.user_by_name, "anna")
        assert user is not None
        await site.store.write(people.set_disabled, user.id, True)
        assert (await http.get(f"{PREFIX}/users/me")).status == 401
        answer = await http.post("/sign-in", data={"name": "anna", "password": PASSWORD})
        assert answer.status == 401


async def test_wrong_name_and_wrong_password_say_the_same(site: Site) -> None:
    await site.add_user("anna")
    async with aiohttp.ClientSession(site.url, headers={"Origin": site.url}) as http:
        texts = []
        for name in ("anna", "nobody", "\0", "a" * 100):
            answer = await http.post("/sign-in", data={"name": name, "password": "wrong"})
            assert answer.status == 401
            texts.append((await answer.text()).replace(f'value="{name[:64]}"', "").replace(f'value="{name[:64]}"', ""))
        assert texts[0] == texts[1]


async def test_guesses_are_slowed_and_told_how_long(site: Site) -> None:
    await site.add_user("anna")
    async with aiohttp.ClientSession(site.url, headers={"Origin": site.url}) as http:
        for _ in range(6):
            answer = await http.post("/sign-in", data={"name": "anna", "password": "wrong"})
        assert answer.status == 429
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert "Try again in" in await answer.text()
        right = await http.post("/sign-in", data={"name": "anna", "password": PASSWORD}, allow_redirects=False)
        assert right.status == 429


async def test_signing_in_from_another_sites_page_is_refused(site: Site) -> None:
    await site.add_user("anna")
    form = {"name": "anna", "password": PASSWORD}
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}, {}):
        async with aiohttp.ClientSession(site.url, headers=headers) as http:
            answer = await http.post("/sign-in", data=form, allow_redirects=False)
            assert answer.status == 403, headers
            assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example", ""]
)
async def test_after_signing_in_one_never_lands_on_another_site(site: Site, target: str) -> None:
    await site.add_user("anna")
    async with aiohttp.ClientSession(site.url, headers={"Origin": site.url}) as http:
        form = {"name": "anna", "password": PASSWORD, "next": target}
        answer = await http.post("/sign-in", data=form, allow_redirects=False)
        assert answer.headers["Location"] == "/"


async def test_a_key_stops_working_when_it_is_revoked(site: Site) -> None:
    async with site.program(Role.AGENT) as http:
        (key,) = await (await http.get(f"{PREFIX}/apikeys")).json()
        assert "key" not in key or key["key"] is None
        assert (await http.delete(f"{PREFIX}/apikeys/{key['id']}")).status == 204
        assert (await http.get(f"{PREFIX}/users/me")).status == 401


async def test_nobody_revokes_anothers_key(site: Site) -> None:
    async with site.program(Role.SUPERVISOR) as http, site.program(Role.ADMIN) as other:
        (key,) = await (await http.get(f"{PREFIX}/apikeys")).json()
        assert (await other.delete(f"{PREFIX}/apikeys/{key['id']}")).status == 404


def token_of(page: str) -> str:
    """The token that the page's forms carry."""
    return page.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
