"""Call strategies on the panel and by REST: made, changed, chosen, refused with the line and the mend."""

from __future__ import annotations

from dataclasses import replace

from app.events import CampaignStarted
from app.model import CampaignStatus
from app.store import campaigns, strategies
from app.store.people import Role
from app.strategy.rows import CallStrategy
from tests.unit.panel.site import Site
from tests.unit.panel.test_admin import admin, whats

SOURCE = "title: Evenings\nlimits: {attempts: 4}\nafter: {busy: {wait: 5m, phone: next}, anything else: close}\n"
BAD = SOURCE.replace("wait: 5m", "wait: soon")


async def test_a_strategy_is_made_shown_in_words_and_chosen_for_a_campaign(site: Site) -> None:
    entry = await site.add_campaign()
    async with admin(site, Role.SUPERVISOR) as desk:
        assert await desk.post("/strategies", name="evenings", source=SOURCE) == (303, "/strategies/evenings")
        page = await (await desk.http.get("/strategies/evenings")).text()
        for words in ("Evenings", "version 1", "busy", "after 5 min", "on the next phone", "no more", "4 times"):
            assert words in page, words
        path = f"/campaigns/{entry.campaign.id}/setup/when"
        assert "evenings · Evenings" in await (await desk.http.get(path)).text()
        form = {"max_attempts": "3", "retry_h": "4", "max_faults": "10", "profiles": "careful", "consent": "NONE"}
        assert (await desk.post(path, strategy="evenings", **form))[0] == 303
        plan = (await site.store.read(campaigns.get_campaign, entry.campaign.id)).campaign
        assert plan.strategy is not None
        assert (plan.strategy.name, plan.strategy.max_attempts) == ("evenings", 4)
        status, page = await desk.post(path, strategy="mornings", **form)
        assert (status, "choose one of the list" in page) == (422, True)
        status, page = await desk.post("/strategies/evenings/remove")
        assert status == 409, "a campaign follows it"
        assert (await desk.post(path, strategy="", **form))[0] == 303
        assert await desk.post("/strategies/evenings/remove") == (303, "/strategies")
    assert await whats(site) == [
        "saved strategy", "changed campaign", "changed campaign", "removed strategy",
    ]  # fmt: skip


async def test_a_bad_text_is_told_with_its_line_and_nothing_is_lost(site: Site) -> None:
    async with admin(site) as desk:
        for name, source, words in (
            ("evenings", BAD, "line 3"),
            ("evenings", BAD, "&#39;soon&#39; is no length of time"),
            ("no name", SOURCE, "letters"),
        ):
            status, page = await desk.post("/strategies", name=name, source=source)
            assert (status, words in page) == (422, True), words
            assert "anything else: close" in page, "what was typed is still there"
        await desk.post("/strategies", name="evenings", source=SOURCE)
        status, page = await desk.post("/strategies", name="evenings", source=SOURCE)
        assert (status, "there already" in page) == (422, True)
    assert [one.version for one in await site.store.read(strategies.list_strategies)] == [1]


async def test_a_new_version_counts_for_a_running_campaign_at_once(site: Site) -> None:
    entry = await site.add_campaign()
    saved = await site.operations.save_strategy("evenings", SOURCE)
    await site.operations.change_campaign(replace(entry.campaign, strategy=saved.strategy))
    await site.operations.start_campaign(entry.campaign.id)
    told: list[CallStrategy | None] = []
    site.operations.watch(
        lambda event: told.append(event.campaign.strategy) if isinstance(event, CampaignStarted) else None
    )
    changed = await site.operations.save_strategy("evenings", SOURCE.replace("5m", "9m"))
    assert told == [changed.strategy]
    kept = await site.store.read(campaigns.get_campaign, entry.campaign.id)
    assert kept.status is CampaignStatus.RUNNING


async def test_rest_keeps_reads_and_forgets_strategies(site: Site) -> None:
    async with site.program() as http:
        path = "/api/v1/strategies/evenings"
        answer = await http.put(path, json={"source": SOURCE})
        found = await answer.json()
        assert (answer.status, found["version"], found["max_attempts"]) == (200, 1, 4)
        assert found["rows"][0] == {"after": ["busy"], "steps": ["after 5 min, on the next phone"]}
        refused = await http.put(path, json={"source": BAD})
        assert (refused.status, "line 3" in (await refused.json())["detail"]) == (422, True)
        assert (await http.put("/api/v1/strategies/a%20b", json={"source": SOURCE})).status == 422
        assert [one["name"] for one in await (await http.get("/api/v1/strategies")).json()] == ["evenings"]
        assert (await http.delete(path)).status == 204
        assert (await http.get(path)).status == 404
