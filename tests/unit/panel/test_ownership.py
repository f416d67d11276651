"""Whose contacts are, on the panel and by REST: chosen, refused with the reason, followed; groups of agents."""

from __future__ import annotations

from app.ownership import OwnershipPlan, OwnershipRule
from app.store import campaigns, groups
from app.store.lists import create_list
from app.store.people import Role
from app.units import DAY_MS
from tests.unit.panel.site import Site
from tests.unit.panel.test_admin import admin, whats

WHEN = {"max_attempts": "3", "retry_h": "4", "max_faults": "10", "profiles": "careful", "consent": "NONE"}


async def test_a_rule_is_chosen_and_what_cannot_be_is_told(site: Site) -> None:
    entry = await site.add_campaign()
    path = f"/campaigns/{entry.campaign.id}/setup/when"
    api = f"/api/v1/campaigns/{entry.campaign.id}"
    async with admin(site, Role.SUPERVISOR) as desk, site.program(Role.SUPERVISOR) as http:
        refused = await http.patch(api, json={"ownership": {"rule": "first come"}})
        assert refused.status == 422 or refused.status == 409
        assert "a broadcast has no agents" in (await refused.json())["detail"]
        assert (await http.patch(api, json={"mode": "progressive"})).status == 200
        assert "Goes to anyone after" in await (await desk.http.get(path)).text()
        status, page = await desk.post(path, owner_rule="escalation", owner_days="", flag_column="", **WHEN)
        assert (status, "say after how many days" in page) == (422, True)
        status, page = await desk.post(path, owner_rule="flag", owner_days="", flag_column="", **WHEN)
        assert (status, "say which column" in page) == (422, True)
        saved = await desk.post(path, owner_rule="escalation", owner_days="3", flag_column="", **WHEN)
        assert saved[0] == 303
        plan = (await site.store.read(campaigns.get_campaign, entry.campaign.id)).campaign
        assert plan.ownership == OwnershipPlan(rule=OwnershipRule.ESCALATION, escalates_after_ms=3 * DAY_MS)
        told = await (await http.get(api)).json()
        assert told["ownership"] == {"rule": "escalation", "escalates_after_ms": 3 * DAY_MS, "flag_column": ""}
        assert (await http.patch(api, json={"lines": 7})).status == 200
        assert (await (await http.get(api)).json())["ownership"]["rule"] == "escalation", "nothing else is changed"


async def test_groups_are_made_changed_and_removed(site: Site) -> None:
    async with admin(site, Role.SUPERVISOR) as desk:
        assert "No group yet" in await (await desk.http.get("/groups")).text()
        assert await desk.post("/groups", name="North", agents="1") == (303, "/groups")
        status, page = await desk.post("/groups", name="North")
        assert (status, "there already" in page) == (422, True)
        [made] = await site.store.read(groups.list_groups)
        assert (made.name, made.agents) == ("North", (1,))
        assert await desk.post(f"/groups/{made.id}", name="South") == (303, "/groups")
        assert [one.agents for one in await site.store.read(groups.list_groups)] == [()]
        assert "its contacts are anyone’s" in await (await desk.http.get(f"/groups/{made.id}")).text()
        assert await desk.post(f"/groups/{made.id}/remove") == (303, "/groups")
        assert (await desk.http.get(f"/groups/{made.id}")).status == 404
    assert await whats(site) == ["saved group", "saved group", "removed group"]


async def test_lists_share_a_campaigns_calls_as_typed(site: Site) -> None:
    entry = await site.add_campaign(contacts=2)
    now_ms = site.operations.now_ms
    other = await site.store.write(create_list, name="other", country="GB", now_ms=now_ms)
    await site.operations.attach_list(entry.campaign.id, other.id)
    first, path = entry.list_ids[0], f"/campaigns/{entry.campaign.id}/setup/contacts"
    base = {"name": entry.campaign.name, "language": "en", "lists": str(first)}
    shares = {f"share_weight:{first}": "70", f"share_priority:{first}": "0", f"share_on:{first}": "yes",
              f"share_weight:{other.id}": "30", f"share_priority:{other.id}": "5"}  # fmt: skip
    async with admin(site, Role.SUPERVISOR) as desk, site.program(Role.SUPERVISOR) as http:
        assert "How the lists share the calls" in await (await desk.http.get(path)).text()
        assert (await desk.post(path, **base, **shares))[0] == 303
        told = await (await http.get(f"/api/v1/campaigns/{entry.campaign.id}/lists")).json()
        shown = [(one["list_id"], one["weight"], one["priority"], one["is_active"]) for one in told["lists"]]
        assert shown == [(other.id, 30, 5, False), (first, 70, 0, True)]
        assert (await desk.post(path, **base, **shares | {f"share_weight:{first}": "-1"}))[0] == 422
    assert "shared lists" in await whats(site)


async def test_time_zones_take_turns_as_ticked_and_by_rest(site: Site) -> None:
    entry = await site.add_campaign(contacts=2)
    api = f"/api/v1/campaigns/{entry.campaign.id}"
    path = f"/campaigns/{entry.campaign.id}/setup/when"
    async with admin(site, Role.SUPERVISOR) as desk, site.program(Role.SUPERVISOR) as http:
        assert "Time zones take turns" in await (await desk.http.get(path)).text()
        assert (await desk.post(path, by_time_zone="yes", **WHEN))[0] == 303
        assert (await (await http.get(api)).json())["order"] == {"by_time_zone": True, "best_hour": False}
        assert (await http.patch(api, json={"lines": 7})).status == 200
        assert (await (await http.get(api)).json())["order"] == {"by_time_zone": True, "best_hour": False}, (
            "nothing else is changed"
        )
        whys = await (await http.get("/api/v1/contacts/1/why")).json()
        [told] = [one for one in whys[0]["reasons"] if one["rule"] == "order"]
        assert told["why"] == "waits with those of UTC+0, in turn with 0 other zones"
        assert (await http.patch(api, json={"order": {"by_time_zone": False}})).status == 200
        assert (await (await http.get(api)).json())["order"] == {"by_time_zone": False, "best_hour": False}
