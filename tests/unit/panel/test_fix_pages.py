"""Numbers to be mended on their page and by REST, and the disposition that opens another campaign in its form."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.agents import Disposition, DispositionEffect
from app.contact_operations import ContactOperations
from app.contacts.given import GivenContact, GivenPhone
from app.operations import OperationError
from app.outcomes import ContactStatus, Outcome
from app.panel.routing import PREFIX
from app.store import campaigns
from app.store.audit import audit_page
from app.store.errors import NotFound
from app.store.fixing import fix_tasks_page
from app.store.lists import get_contact
from app.store.people import Role
from app.units import CampaignId
from tests.store.world import claim, closing
from tests.unit.panel.site import Site
from tests.unit.panel.test_signing_in import token_of


async def bad(site: Site, count: int) -> CampaignId:
    """Contacts who are given up for their number."""
    entry = await site.add_campaign(contacts=count)
    now_ms = site.operations.now_ms
    for attempt in (await claim(site.store, entry.campaign.id, count, now_ms)).attempts:
        lost = closing(attempt, outcome=Outcome.NOT_IN_SERVICE, status=ContactStatus.INVALID_NUMBER)
        await site.store.commit([lost], now_ms)
    return entry.campaign.id


async def test_a_number_is_mended_on_the_page_and_the_contact_waits_again(site: Site) -> None:
    async with site.browser(role=Role.SUPERVISOR) as http:
        assert "No number waits to be mended." in await (await http.get("/lists/fixes")).text()
        campaign_id = await bad(site, 2)
        page = await (await http.get("/lists/fixes")).text()
        tasks = await site.store.read(fix_tasks_page)
        assert all(words in page for words in ("the network", "not in service", tasks[0].number, "2 open"))
        form = {"csrf_token": token_of(page)}
        path = f"/lists/fixes/{tasks[1].id}"
        for wrong in ("12", tasks[1].number):
            refused = await http.post(f"{path}/mend", data=form | {"number": wrong})
            assert (refused.status, wrong in await refused.text()) == (422, True)
        assert (await http.post(f"{path}/mend", data=form | {"number": "020 7946 0018"})).status == 200
        assert (await site.store.read(get_contact, tasks[1].contact_id)).phones[0] == "+442079460018"
        assert (await http.post(f"/lists/fixes/{tasks[0].id}/close", data=form)).status == 200
        assert (await http.post(f"/lists/fixes/{tasks[0].id}/close", data=form)).status == 409
        page = await (await http.get("/lists/fixes")).text()
        assert all(words in page for words in ("Done last", "mended", "closed", "anna"))
    progress = (await site.store.read(campaigns.get_campaign, campaign_id)).progress
    assert progress.statuses == {ContactStatus.PENDING: 1, ContactStatus.INVALID_NUMBER: 1}
    assert {"mended number", "closed fix-it task"} <= {one.what for one in (await site.store.read(audit_page)).entries}


async def test_tasks_by_rest(site: Site) -> None:
    await bad(site, 3)
    async with site.program(Role.SUPERVISOR) as http:
        first = await (await http.get(f"{PREFIX}/fix-tasks?limit=2")).json()
        rest = await (await http.get(f"{PREFIX}/fix-tasks?limit=2&before={first['next_before']}")).json()
        assert [len(first["tasks"]), len(rest["tasks"]), rest["next_before"]] == [2, 1, None]
        path = f"{PREFIX}/fix-tasks/{rest['tasks'][0]['id']}"
        assert (await http.post(f"{path}/mend", json={})).status == 422
        mended = await (await http.post(f"{path}/mend", json={"number": "+442079460018"})).json()
        assert (mended["done"], mended["is_there"]) == ("mended", False)
        assert (await http.post(f"{path}/close")).status == 409
        assert (await http.post(f"{PREFIX}/fix-tasks/99/close")).status == 404
        done = await (await http.get(f"{PREFIX}/fix-tasks?done=true")).json()
        assert [one["id"] for one in done["tasks"]] == [mended["id"]]
    async with site.program(Role.AGENT) as http:
        assert (await http.get(f"{PREFIX}/fix-tasks")).status == 403


async def test_a_right_number_takes_the_place_of_no_good_one(site: Site) -> None:
    """The bad number is gone already: whoever writes the right one all the same adds it."""
    await bad(site, 2)
    [_, task] = await site.store.read(fix_tasks_page)
    contacts = ContactOperations(operations=site.operations, store=site.store)
    good, right = "+442079460018", "+442079460019"
    given = GivenContact(phones=[GivenPhone(number=good)])
    await contacts.change(task.contact_id, given, by="eve", seen_at_ms=None)
    async with site.program(Role.SUPERVISOR) as http:
        mended = await http.post(f"{PREFIX}/fix-tasks/{task.id}/mend", json={"number": right})
        assert mended.status == 200, await mended.text()
    assert (await site.store.read(get_contact, task.contact_id)).phones == (good, right)


async def test_a_number_the_contact_has_already_ends_its_task(site: Site) -> None:
    await bad(site, 2)
    [_, task] = await site.store.read(fix_tasks_page)
    contacts = ContactOperations(operations=site.operations, store=site.store)
    good = "+442079460018"
    given = GivenContact(phones=[GivenPhone(number=good)])
    await contacts.change(task.contact_id, given, by="eve", seen_at_ms=None)
    async with site.program(Role.SUPERVISOR) as http:
        mended = await http.post(f"{PREFIX}/fix-tasks/{task.id}/mend", json={"number": "020 7946 0018"})
        assert (mended.status, (await mended.json())["done"]) == (200, "mended"), await mended.text()
        assert (await site.store.read(get_contact, task.contact_id)).phones == (good,)
        [task] = await site.store.read(fix_tasks_page)
        given = GivenContact(phones=[GivenPhone(number=good), GivenPhone(number=task.number)])
        await contacts.change(task.contact_id, given, by="eve", seen_at_ms=None)
        mended = await http.post(f"{PREFIX}/fix-tasks/{task.id}/mend", json={"number": good})
        assert mended.status == 200, await mended.text()
    assert (await site.store.read(get_contact, task.contact_id)).phones == (good,), "the bad one goes"


async def test_a_disposition_opens_only_a_campaign_that_is_there_and_another(site: Site) -> None:
    entry = await site.add_campaign(contacts=1)
    other = await site.add_campaign(name="sales", contacts=1)
    one = Disposition(code="to-sales", label="To sales", effect=DispositionEffect.OTHER_CAMPAIGN)
    for opens, wrong in ((99, NotFound), (int(entry.campaign.id), OperationError), (0, OperationError)):
        plan = replace(entry.campaign.agents, dispositions=(replace(one, opens=opens),))
        with pytest.raises(wrong):
            await site.operations.change_campaign(replace(entry.campaign, agents=plan))
    good = replace(one, opens=int(other.campaign.id))
    plan = replace(entry.campaign.agents, dispositions=(good,))
    await site.operations.change_campaign(replace(entry.campaign, agents=plan))
    kept = (await site.store.read(campaigns.get_campaign, entry.campaign.id)).campaign
    assert kept.agents.dispositions == (good,)
    async with site.program(Role.SUPERVISOR) as http:
        told = await (await http.get(f"{PREFIX}/campaigns/{entry.campaign.id}")).json()
        assert told["agents"]["dispositions"][0]["opens"] == other.campaign.id
