"""Numbers that are shown and numbers that are not called: pages, REST and the verbs behind them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import Connection, insert, update

from app import barring
from app.commands import AddDnc
from app.model import CallerIdChoice, CallerIdPlan, Campaign, OwnedNumber, Trunk
from app.operations import NotNow, OperationError
from app.panel.routing import PREFIX
from app.store import caller_ids, dnc, lists, projects
from app.store.people import Role
from app.store.schema import attempts, caller_id_hours
from app.units import HOUR_MS, ContactId, TrunkId
from tests.unit.panel.site import Site
from tests.unit.panel.test_admin import admin, whats

NUMBER = "+442079460001"


async def test_a_campaign_that_would_show_another_number_is_refused_in_words(site: Site) -> None:
    entry = await site.add_campaign()
    plan = replace(entry.campaign, caller_id=NUMBER)
    for refused in (plan, replace(entry.campaign, caller_ids=CallerIdPlan(numbers=(NUMBER,)))):
        with pytest.raises(OperationError, match=r"\+442079460001 is not one of your numbers; add it with"):
            await site.operations.change_campaign(refused)
        with pytest.raises(OperationError, match="is not one of your numbers"):
            await site.operations.create_campaign(replace(refused, name="Other"), [])
    await site.operations.shown_numbers.save(OwnedNumber(number=NUMBER))
    assert (await site.operations.change_campaign(plan)).campaign.caller_id == NUMBER


async def test_what_a_trunk_shows_is_the_admins_own(site: Site) -> None:
    await site.operations.save_trunk(Trunk(id=TrunkId("way"), endpoint="way", prefixes=("+",), caller_id=NUMBER))
    entry = await site.add_campaign()
    plan = replace(entry.campaign, caller_id=NUMBER)
    assert (await site.operations.change_campaign(plan)).campaign.caller_id == NUMBER


async def test_a_campaign_that_has_nothing_to_show_does_not_start(site: Site) -> None:
    entry = await site.add_campaign(contacts=1)
    rotating = CallerIdPlan(choice=CallerIdChoice.ROTATION)
    plan: Campaign = replace(entry.campaign, caller_ids=rotating)
    await site.operations.change_campaign(plan)
    with pytest.raises(NotNow, match="none of them may be shown over its trunks"):
        await site.operations.start_campaign(plan.id)


async def test_caller_ids_are_added_changed_and_removed_on_their_page(site: Site) -> None:
    limits = {"per_hour": "0", "per_day": "200", "rest_after": "50", "rest_min": "30", "areas": "+4420 +44"}
    async with admin(site) as desk:
        assert "No number yet." in await (await desk.http.get("/admin/caller-ids")).text()
        assert (await desk.post("/admin/caller-ids", number=NUMBER, label="London", **limits))[0] == 303
        assert (await desk.post("/admin/caller-ids", number=NUMBER, label="again", **limits))[0] == 422
        assert (await desk.post("/admin/caller-ids", number="x", label="bad", **limits))[0] == 422
        path = "/admin/caller-ids/%2B442079460001"
        assert (await desk.post(path, label="City", **(limits | {"rest_min": "0"})))[0] == 422
        assert (await desk.post(path, label="City", is_resting="yes", **limits))[0] == 303
        page = await (await desk.http.get("/admin/caller-ids")).text()
        assert "City" in page
        assert "taken out" in page
        entry = await site.add_campaign()
        await site.operations.change_campaign(replace(entry.campaign, caller_id=NUMBER))
        status, words = await desk.post(f"{path}/remove")
        assert status == 409
        assert "campaign &#39;Reminders&#39; shows +442079460001" in words
        await site.operations.change_campaign(entry.campaign)
        assert (await desk.post(f"{path}/remove"))[0] == 303
    assert await whats(site) == ["added caller ID", "changed caller ID", "removed caller ID"]


async def test_caller_ids_answer_by_rest_and_only_admins_change_them(site: Site) -> None:
    async with site.program() as http:
        body = {"label": "London", "per_day": 200}
        answer = await http.put(f"{PREFIX}/caller-ids/{NUMBER}", json=body)
        assert answer.status == 200, await answer.text()
        told = await answer.json()
        assert (told["number"], told["per_day"], told["answer_rate"]) == (NUMBER, 200, None)
        assert (await http.put(f"{PREFIX}/caller-ids/sip:evil", json=body)).status == 422
        assert len(await (await http.get(f"{PREFIX}/caller-ids")).json()) == 1
    async with site.program(Role.SUPERVISOR) as http:
        assert (await http.put(f"{PREFIX}/caller-ids/{NUMBER}", json=body)).status == 403
        assert (await http.get(f"{PREFIX}/caller-ids")).status == 200


async def test_the_do_not_call_page_adds_finds_and_removes_and_the_trail_keeps_it(site: Site) -> None:
    entry = await site.add_campaign()
    async with admin(site) as desk:
        assert "Nobody is on this list." in await (await desk.http.get("/admin/dnc")).text()
        where = f"campaign:{entry.campaign.id}"
        assert (await desk.post("/admin/dnc", number="+4470*", where=where, why="no <b>calls</b>"))[0] == 303
        assert (await desk.post("/admin/dnc", number="070", where="all", why=""))[0] == 422
        page = await (await desk.http.get("/admin/dnc?beginning=4470")).text()
        assert "+4470*" in page
        assert "no &lt;b&gt;calls" in page
        assert "no &lt;b&gt;calls" not in await (await desk.http.get("/admin/dnc?beginning=%2B331")).text()
        assert await site.store.read(dnc.is_dnc, "+447011222333", campaign_id=entry.campaign.id)
        assert (await desk.post("/admin/dnc/remove", entry=f"+4470*:0:{entry.campaign.id}"))[0] == 303
        assert (await desk.post("/admin/dnc/remove", entry=":x:y"))[0] == 404
    assert not await site.store.read(dnc.is_dnc, "+447011222333", campaign_id=entry.campaign.id)
    assert await whats(site) == ["added do-not-call", "removed do-not-call"]


async def test_a_person_and_a_project_are_barred_by_rest(site: Site) -> None:
    entry = await site.add_campaign(contacts=2)
    async with site.program() as http:
        project = await (await http.post(f"{PREFIX}/projects", json={"name": "Charity"})).json()
        move = await http.put(f"{PREFIX}/campaigns/{entry.campaign.id}/project", json={"project": project["id"]})
        assert (await move.json())["name"] == "Charity"
        added = await http.post(f"{PREFIX}/dnc", json={"contact": 1, "project": project["id"], "why": "by post"})
        assert added.status == 201, await added.text()
        [told] = await (await http.get(f"{PREFIX}/dnc")).json()
        assert (told["project"], told["contact"], told["why"], told["source"]) == (project["id"], 1, "by post", "api")
        assert told["who"]
        query = f"number=%2B{told['number'][1:]}&campaign={entry.campaign.id}"
        checked = await (await http.get(f"{PREFIX}/dnc/check?{query}")).json()
        assert (checked["is_barred"], len(checked["entries"])) == (True, 1)
        assert (await http.delete(f"{PREFIX}/dnc/{told['number']}")).status == 404
        assert (await http.delete(f"{PREFIX}/dnc/{told['number']}?project={project['id']}")).status == 204
        for body in ({}, {"number": "+447700900001", "project": 1, "campaign": 1}, {"number": "+*"}, {"contact": 99}):
            assert (await http.post(f"{PREFIX}/dnc", json=body)).status in (404, 422), body
        assert (await http.delete(f"{PREFIX}/projects/{project['id']}")).status == 409
    assert "removed do-not-call" in await whats(site)
    assert len(await site.store.read(projects.list_projects)) == 2


async def test_who_bars_is_told_only_when_no_other_process_can_call_any_more(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attempt of another process is open on disk: it may be dialed until it is closed, or its claim is too old."""
    monkeypatch.setattr(barring, "OTHERS_MS", 60_000)
    entry = await site.add_campaign(contacts=1)
    contact = await site.store.read(lists.get_contact, ContactId(1))
    number = contact.phones[0]

    def claimed_elsewhere(conn: Connection) -> None:
        row = {"id": "attemptofanother", "campaign_id": entry.campaign.id, "contact_id": 1, "number": number}
        conn.execute(insert(attempts).values(**row, opened_at_ms=site.operations.now_ms))

    await site.store.write(claimed_elsewhere)
    asked = asyncio.create_task(site.operations.barring.bar(AddDnc(number=number, source="api")))
    while not await site.store.read(dnc.is_dnc, number):  # noqa: ASYNC110 - only the disk tells
        await asyncio.sleep(0.01)
    done, _ = await asyncio.wait({asked}, timeout=0.4)
    assert not done
    await site.store.write(lambda conn: conn.execute(update(attempts).values(closed_at_ms=1, outcome=26)))
    await asked


async def test_figures_of_a_number_are_told_beside_it(site: Site) -> None:
    await site.operations.shown_numbers.save(OwnedNumber(number=NUMBER))
    hour = site.operations.now_ms // HOUR_MS
    rows = [
        {"number": NUMBER, "hour": hour, "placed": 30, "answered": 6},
        {"number": NUMBER, "hour": hour - 30, "placed": 10, "answered": 4},
        {"number": NUMBER, "hour": hour - 24 * 8, "placed": 1_000, "answered": 0},
    ]
    await site.store.write(lambda conn: conn.execute(insert(caller_id_hours), rows))
    found = await site.store.read(caller_ids.get_caller_id, NUMBER, site.operations.now_ms)
    assert (found.placed, found.answered, found.placed_today, found.answer_rate) == (40, 10, 30, 0.25)
