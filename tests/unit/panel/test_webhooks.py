"""Webhooks and results by REST and on the admin's page."""

from __future__ import annotations

from typing import get_args

from app.panel.rest_webhooks import Kind, ResultAnswer
from app.panel.routing import PREFIX
from app.store import audit
from app.store.people import Role
from app.store.results import results_page, settled_to
from app.store.webhooks import EventKind
from tests.store.world import T0, claim, closing
from tests.unit.panel.site import Site
from tests.unit.panel.test_admin import admin, whats

URL = "https://crm.example.com/outring?key=geheim"


async def test_the_secret_is_told_once_and_the_trail_keeps_no_key(site: Site) -> None:
    async with site.program(Role.ADMIN) as http:
        made = await (await http.post(f"{PREFIX}/webhooks", json={"url": URL, "kinds": ["lead.hot"]})).json()
        assert made["secret"].startswith("whsec_")
        assert site.store.listeners
        page = await (await http.get(f"{PREFIX}/webhooks")).text()
        assert made["secret"] not in page
        renewed = await (await http.post(f"{PREFIX}/webhooks/1/secret")).json()
        assert renewed["secret"] != made["secret"]
        body = {"url": URL, "is_active": False}
        assert (await (await http.put(f"{PREFIX}/webhooks/1", json=body)).json())["is_active"] is False
        assert not site.store.listeners
        assert (await http.delete(f"{PREFIX}/webhooks/1")).status == 204
    trail = str((await site.store.read(audit.audit_page)).entries)
    assert "created webhook" in trail
    assert "geheim" not in trail
    assert "whsec_" not in trail


async def test_an_address_inside_is_refused_in_words(site: Site) -> None:
    async with site.program(Role.ADMIN) as http:
        for url in ("http://crm.example.com/", "https://127.0.0.1/", "https://169.254.169.254/latest/meta-data"):
            answer = await http.post(f"{PREFIX}/webhooks", json={"url": url})
            assert answer.status == 422
            assert "webhook_networks" in (await answer.json())["detail"]


async def test_results_are_told_under_the_names_of_the_description(site: Site) -> None:
    entry = await site.add_campaign(contacts=2)
    for attempt in (await claim(site.store, entry.campaign.id, 2, site.operations.now_ms)).attempts:
        await site.store.commit([closing(attempt)], T0)
    [first, _] = (await site.store.read(results_page, since=0, until=await site.store.read(settled_to))).results
    assert set(first) == set(ResultAnswer.model_fields)
    async with site.program(Role.SUPERVISOR) as http:
        page = await (await http.get(f"{PREFIX}/results?limit=1")).json()
        assert (page["results"][0]["id"], page["has_more"]) == (first["id"], True)
        rest = await (await http.get(f"{PREFIX}/results?since={page['next_cursor']}")).json()
        assert (len(rest["results"]), rest["has_more"]) == (1, False)


def test_every_kind_of_event_can_be_asked_for() -> None:
    assert set(get_args(Kind)) == {kind.value for kind in EventKind}


async def test_the_admins_page_adds_tries_changes_and_removes(site: Site) -> None:
    form = {"url": URL, "campaign": "", "kinds": "attempt.ended", "is_active": "yes"}
    async with admin(site) as desk:
        assert "No webhook yet." in await (await desk.http.get("/admin/webhooks")).text()
        assert (await desk.post("/admin/webhooks", **(form | {"url": "http://10.0.0.1/"})))[0] == 422
        status, page = await desk.post("/admin/webhooks", **form)
        assert (status, page.count("whsec_")) == (200, 1)
        assert "whsec_" not in await (await desk.http.get("/admin/webhooks/1")).text()
        status, page = await desk.post("/admin/webhooks/1/secret")
        assert (status, page.count("whsec_")) == (200, 1)
        assert (await desk.post("/admin/webhooks/1", url=URL, campaign=""))[0] == 303
        assert not site.store.listeners
        assert (await desk.post("/admin/webhooks/1/redeliver"))[0] == 303
        assert (await desk.post("/admin/webhooks/1/remove"))[0] == 303
        assert (await desk.http.get("/admin/webhooks/1")).status == 404
    done = await whats(site)
    assert done == [
        "created webhook", "renewed webhook secret", "changed webhook", "redelivered webhook", "removed webhook",
    ]  # fmt: skip
