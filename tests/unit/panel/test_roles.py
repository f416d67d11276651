"""Every page, every form and every websocket × every role: a table that must name each address the panel answers."""

from __future__ import annotations

import re
from typing import Final

import aiohttp
import pytest

from app.panel.routing import PREFIX, RANK
from app.store.people import Role
from tests.unit.panel.site import Site
from tests.unit.panel.test_signing_in import token_of

A, S, ADMIN = Role.AGENT, Role.SUPERVISOR, Role.ADMIN
OPEN: Final = {
    "GET /health", "GET /health/live", "GET /health/ready", "GET /favicon.ico", "GET /sign-in", "POST /sign-in",
    "POST /preferences", "GET /static",
}  # fmt: skip
"""Answered without a sign-in."""
EVERYBODY: Final = {"POST /sign-out", f"GET {PREFIX}/openapi.json"}
NEEDS: Final = {
    "GET /": S, "GET /live": S, "GET /live/campaigns/{campaign_id}": S, "GET /attempts/{attempt_id}": S,
    "GET /campaigns": S, "GET /campaigns/new": S, "POST /campaigns/new": S, "GET /campaigns/{campaign_id}": S,
    "GET /campaigns/{campaign_id}/attempts": S, "POST /campaigns/{campaign_id}/{verb}": S,
    "GET /campaigns/{campaign_id}/setup": S, "GET /campaigns/{campaign_id}/setup/{step}": S,
    "POST /campaigns/{campaign_id}/setup/{step}": S, "GET /recordings/{name}": S,
    **{f"{method} /strategies{one}": S for method in ("GET", "POST") for one in ("", "/{name}")},
    "POST /strategies/{name}/remove": S,
    **{f"{method} /groups{one}": S for method in ("GET", "POST") for one in ("", "/{group_id}")},
    "POST /groups/{group_id}/remove": S,
    "GET /floor": S, "GET /live/floor": S, "POST /floor/phone": S, "GET /floor/message": S, "POST /floor/message": S,
    "POST /floor/leave": S, "GET /floor/agents/{agent_id}": S, "GET /floor/campaigns/{campaign_id}": S,
    "POST /floor/campaigns/{campaign_id}": S,
    **{f"POST /floor/agents/{{agent_id}}/{verb}": S for verb in (
        "listen", "whisper", "barge", "pause", "ready", "sign-out", "hang-up", "message")},
    "GET /phones/{endpoint}/trial": A, "POST /phones/{endpoint}/trial": A,
    "GET /lists": S, "GET /lists/import": S, "POST /lists/import": S, "GET /lists/import/{key}": S,
    "POST /lists/import/{key}": S, "GET /lists/import/{key}/rejected": S,
    "POST /lists/imports/{import_id}/undo": S, "POST /campaigns/{campaign_id}/test": S,
    "GET /campaigns/{campaign_id}/contacts": S,
    "GET /lists/fixes": S, **{f"POST /lists/fixes/{{task_id}}/{verb}": S for verb in ("mend", "close")},
    **{f"{method} /segments{one}": S for method in ("GET", "POST") for one in ("", "/{name}")},
    "POST /segments/{name}/remove": S, "GET /segments/{name}/contacts.csv": S,
    "GET /lists/sources": S, "POST /lists/sources/{source_id}/run": S,
    "POST /lists/sources/{source_id}/conflicts/{conflict_id}": S,
    "GET /contacts": S, "GET /contacts/{contact_id}": S, "POST /contacts/{contact_id}": S,
    "POST /contacts/{contact_id}/remove": S, "GET /contacts/{contact_id}/why": S,
    "GET /lists/{list_id}/contacts/new": S, "POST /lists/{list_id}/contacts": S, "GET /campaigns/{campaign_id}/why": S,
    "GET /metrics": S,
    "GET /admin": ADMIN, "GET /admin/users": ADMIN, "POST /admin/users": ADMIN, "GET /admin/users/{user_id}": ADMIN,
    "POST /admin/users/{user_id}": ADMIN, "POST /admin/users/{user_id}/sign-out": ADMIN,
    "GET /admin/sessions": ADMIN, "POST /admin/sessions/{sign_in}/end": ADMIN,
    **{f"{method} /admin/{noun}": ADMIN for noun in ("phones", "trunks", "pauses") for method in ("GET", "POST")},
    **{f"{method} /admin/{noun}": ADMIN for noun in ("phones/{endpoint}", "trunks/{trunk_id}", "pauses/{code}")
       for method in ("GET", "POST")},
    **{f"POST /admin/{noun}/remove": ADMIN for noun in ("phones/{endpoint}", "trunks/{trunk_id}", "pauses/{code}")},
    "GET /admin/duty": ADMIN,
    **{f"{method} /admin/webhooks{one}": ADMIN for method in ("GET", "POST") for one in ("", "/{webhook_id}")},
    **{f"POST /admin/webhooks/{{webhook_id}}/{verb}": ADMIN for verb in ("test", "secret", "redeliver", "remove")},
    "GET /admin/audit": ADMIN, "GET /admin/caller-ids": ADMIN, "POST /admin/caller-ids": ADMIN,
    "GET /admin/caller-ids/{number}": ADMIN, "POST /admin/caller-ids/{number}": ADMIN,
    "POST /admin/caller-ids/{number}/remove": ADMIN, "GET /admin/dnc": ADMIN, "POST /admin/dnc": ADMIN,
    "POST /admin/dnc/remove": ADMIN,
}  # fmt: skip
SOCKETS: Final = {"GET /live": S, "GET /live/floor": S, "GET /live/campaigns/{campaign_id}": S, "GET /desk/live": A}
PLACES: Final = {
    "campaign_id": "1",
    "group_id": "1",
    "task_id": "1",
    "contact_id": "1",
    "list_id": "1",
    "webhook_id": "1",
    "agent_id": "1",
    "user_id": "1",
    "step": "contacts",
    "verb": "pause",
}


def answered(site: Site) -> set[str]:
    """What the panel answers but for the REST interface (its own table is in test_rest)."""
    found = set()
    for route in site.panel._application().router.routes():
        if route.method == "HEAD" or route.resource is None:
            continue
        path = re.sub(r"\{(\w+):[^{}]*(\{[^}]*\})?[^{}]*\}", r"{\1}", route.resource.canonical)
        found.add(f"{route.method} {path}")
    return {one for one in found if not one.split()[1].startswith(PREFIX) or one in EVERYBODY}


def path_of(name: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: PLACES.get(found.group(1), "nobody"), name.split()[1])


def desk(name: str) -> bool:
    return name.split()[1].startswith("/desk")


async def test_the_table_names_every_address(site: Site) -> None:
    assert {one for one in answered(site) if not desk(one)} == OPEN | EVERYBODY | NEEDS.keys()


async def test_nobody_sees_anything_without_signing_in(site: Site) -> None:
    async with aiohttp.ClientSession(site.url, headers={"Origin": site.url}) as http:
        for name in answered(site) - OPEN:
            answer = await http.request(name.split()[0], path_of(name), allow_redirects=False)
            told = (answer.status, answer.headers.get("Location", ""))
            assert told[0] == 401 or (told[0] == 303 and told[1].startswith("/sign-in")), (name, told)


@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR, Role.ADMIN])
async def test_a_page_is_for_its_role_and_those_above(site: Site, role: Role) -> None:
    await site.add_campaign(contacts=2)
    async with site.browser(role=role) as http:
        token = token_of(await (await http.get("/nothing")).text())
        for name, needed in NEEDS.items():
            method = name.split()[0]
            form = {"csrf_token": token} if method == "POST" else None
            answer = await http.request(method, path_of(name), data=form, allow_redirects=False)
            is_refused = answer.status == 403 or answer.headers.get("Location") == "/desk"  # where agents work
            assert is_refused == (RANK[role] < RANK[needed]), (name, role, answer.status)
            assert answer.status < 500, (name, answer.status)


@pytest.mark.parametrize("name", sorted(SOCKETS))
@pytest.mark.parametrize("origin", ["http://evil.example", "null", None])
async def test_a_websocket_opens_for_our_own_pages_only(site: Site, name: str, origin: str | None) -> None:
    async with site.browser() as http:
        headers = {"Origin": origin} if origin else {}
        async with aiohttp.ClientSession(site.url, cookie_jar=http.cookie_jar) as other:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await other.ws_connect(path_of(name) + "?tab=one", headers=headers)
            assert refused.value.status == 403


@pytest.mark.parametrize("name", sorted(name for name, role in SOCKETS.items() if role is not A))
async def test_a_websocket_of_supervisors_is_closed_to_agents(site: Site, name: str) -> None:
    await site.add_campaign()
    async with site.browser(role=Role.AGENT) as http:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(path_of(name))
        assert refused.value.status == 403


async def test_every_websocket_is_in_the_table(site: Site) -> None:
    live = {one for one in answered(site) - OPEN if "/live" in one}
    assert live == SOCKETS.keys()


async def test_every_form_needs_the_sessions_token(site: Site) -> None:
    await site.add_campaign(contacts=2)
    async with site.browser() as http:
        for name in sorted(one for one in NEEDS if one.startswith("POST")):
            answer = await http.post(path_of(name), data={"csrf_token": "wrong"}, allow_redirects=False)
            assert answer.status == 403, name
