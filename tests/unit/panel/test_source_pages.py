"""The page of sources: how each stands, run now, and a conflict settled by choosing one of its sides."""

from __future__ import annotations

from app.store import sources
from app.store.audit import audit_page
from app.store.people import Role
from app.store.sources import Edit, SourcePlan
from app.units import ContactId
from tests.unit.panel.site import Site
from tests.unit.panel.test_signing_in import token_of

PLAN = SourcePlan(database="crm", relation="people", key="id", country="GB", is_live=True)


async def test_a_source_is_shown_run_and_its_conflict_settled(site: Site) -> None:
    await site.add_campaign(contacts=1)
    async with site.browser(role=Role.SUPERVISOR) as http:
        assert "No source yet." in await (await http.get("/lists/sources")).text()
        made = await site.store.write(sources.create_source, name="crm people", list_name="people", plan=PLAN, now_ms=1)
        edit = Edit(
            audit_id=1, contact_id=ContactId(1), key="7", field="City", before="Ufa", after="Perm <b>", by="maria"
        )
        await site.store.write(sources.add_conflicts, made.id, [(edit, "Kazan")], 2)
        page = await (await http.get("/lists/sources")).text()
        for words in ("crm people", "live list", "never", "1 conflict", "Ufa", "Perm &lt;b&gt;", "Kazan", "maria"):
            assert words in page, words
        form = {"csrf_token": token_of(page)}
        path = f"/lists/sources/{made.id}"
        ran = await http.post(f"{path}/run", data=form)
        page = await ran.text()
        assert (ran.status, "there is no database &#39;crm&#39; in the settings" in page) == (200, True)
        assert (await http.post(f"{path}/conflicts/1", data=form)).status == 422
        refused = await http.post(f"{path}/conflicts/1", data=form | {"take": "ours"})
        assert refused.status == 409, "what cannot be written is not settled"
        assert (await http.post(f"{path}/conflicts/1", data=form | {"take": "theirs"})).status == 200
        assert await site.store.read(sources.conflicts_page, made.id) == []
        again = await http.post(f"{path}/conflicts/1", data=form | {"take": "theirs"})
        assert (again.status, "settled already" in await again.text()) == (409, True)
        assert (await http.post("/lists/sources/99/run", data=form)).status == 404
    told = await site.store.read(audit_page)
    assert {"ran source", "settled conflict"} <= {one.what for one in told.entries}
