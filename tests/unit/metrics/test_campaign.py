"""After a campaign the figures are what the database says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from app.events import TelephonyUp
from app.metrics.collector import registry_of, scraped
from app.store.progress import get_progress
from tests.unit.panel.site import open_site
from tests.unit.test_debug_logs import PEOPLE, play


async def test_calls_ends_and_claims_are_counted_once(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        entry = await site.add_campaign(contacts=PEOPLE)
        plan = replace(entry.campaign, calls_per_second=100.0, retry=replace(entry.campaign.retry, max_attempts=1))
        await site.operations.change_campaign(plan)
        site.post(TelephonyUp(is_new_life=False))
        await site.operations.start_campaign(entry.campaign.id)
        await play(site, entry.campaign.id)
        body, _ = scraped(registry_of(site.runtime, site.operations.snapshot), "")
        found = [one for family in text_string_to_metric_families(body.decode()) for one in family.samples]
        ends = {int(one.labels["outcome"]): one.value for one in found if one.name == "outring_attempts_total"}
        figures = {one.name: one.value for one in found}
        kept = await site.store.read(get_progress, entry.campaign.id)
        assert ends == {int(outcome): count for outcome, count in kept.outcomes.items() if count}
        assert sum(ends.values()) == figures["outring_calls_placed_total"] == PEOPLE
        assert figures["outring_claimed_contacts_total"] == PEOPLE
        assert figures["outring_event_seconds_count"] > 0
        assert figures["outring_writes_total"] >= 2 * PEOPLE / 5, "claims and ends"
        assert figures["outring_database_up"] == 1
