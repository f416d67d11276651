"""A scrape has what the table says, no more; its figures are the dialer's; its labels are bounded."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from app.agents import AgentState
from app.commands import PlaceCall
from app.dialing.dialer import Dialer
from app.dialing.snapshot import PacingPicture, Snapshot
from app.dialing.trunk import TrunkState
from app.events import AttemptClosed, TelephonyDown, TelephonyUp
from app.meter import Histogram
from app.metrics.collector import registry_of, scraped
from app.metrics.table import BY_NAME, MAX_CAMPAIGNS, METRICS, OF_THE_PROCESS, OTHERS, sample_names
from app.model import CampaignStatus
from app.outcomes import OUTCOMES, Outcome
from app.runtime import Runtime
from app.units import AttemptId, CampaignId, TrunkId
from tests.unit.panel.site import Drawer, Silence
from tests.unit.panel.stage import agent, picture, snapshot, trunk_picture
from tests.unit.test_runtime import FakeStore


def runtime() -> Runtime:
    return Runtime(dialer=Dialer(), telephony=Drawer(), store=FakeStore([]), prompts=Silence())


def samples(shell: Runtime, seen: Snapshot) -> list[Sample]:
    body, content_type = scraped(registry_of(shell, lambda: seen), "")
    assert content_type.startswith("text/plain")
    return [one for family in text_string_to_metric_families(body.decode()) for one in family.samples]


def value(found: Sequence[Sample], name: str, /, **labels: str) -> float:
    [one] = [one for one in found if one.name == f"outring_{name}" and one.labels == labels]
    return one.value


def full_picture() -> Snapshot:
    """Something of everything."""
    pacing = PacingPicture(
        why="", answered=100, abandoned=2, target=0.03, window_ms=1, budget_left=1.0, is_spent=False, mistaken=0.0
    )
    campaign = picture(
        7, name='"Renewals" \n', ringing=3, answered=2, with_agents=1, seeking=1, longest_wait_ms=1_500, pacing=pacing
    )
    out = trunk_picture("dead", used=0, state=TrunkState.OUT, reason="503")
    return snapshot(
        agent(1, "Anna", AgentState.TALKING), agent(2, "Boris"), campaigns=(campaign,), trunks=(trunk_picture(), out)
    )


def worked() -> Runtime:
    """A shell that has done something of everything."""
    shell = runtime()
    shell.meter.placed[TrunkId("way")] += 4
    ended = AttemptClosed(attempt_id=AttemptId("attempt00001"), campaign_id=CampaignId(7), outcome=Outcome.BUSY)
    shell.meter.heard(ended)
    shell.meter.turned([ended, TelephonyUp(is_new_life=False)], [], 0.004)
    shell.meter.committed(3, 0.02)
    shell.meter.wait_s.add(0.3)
    return shell


def test_a_scrape_has_every_figure_of_the_table_and_no_other() -> None:
    shell = worked()
    shell.meter.commands[PlaceCall] += 1
    found = samples(shell, full_picture())
    assert {one.name for one in found} == sample_names()
    for one in found:
        if (metric := BY_NAME.get(one.name)) is not None:
            assert set(one.labels) == set(metric.labels), one


def test_the_figures_are_the_dialers() -> None:
    found = samples(worked(), full_picture())
    assert value(found, "calls", campaign="7", state="ringing") == 3
    assert value(found, "calls_placed_total", trunk="way") == 4
    assert value(found, "attempts_total", outcome="9", label="busy") == 1
    assert value(found, "commit_seconds_count") == 1
    assert value(found, "commit_seconds_bucket", le="0.01") == 0
    assert value(found, "commit_seconds_bucket", le="0.025") == 1
    assert value(found, "event_seconds_sum") == 0.004
    assert value(found, "answer_to_agent_seconds_count") == 1
    assert value(found, "longest_wait_seconds", campaign="7") == 1.5
    assert value(found, "abandonment_ratio", campaign="7") == 0.02
    assert value(found, "trunk_state", trunk="dead", state="out of service") == 1
    assert value(found, "trunk_state", trunk="dead", state="in service") == 0
    assert value(found, "agents", state="talking") == 1
    assert value(found, "agents", state="paused") == 0
    assert value(found, "telephony_connections_total") == 1
    assert value(found, "campaign_info", campaign="7", name='"Renewals" \n', status="running") == 1


def test_what_the_database_says_shows_until_it_takes_a_write() -> None:
    shell = runtime()
    assert value(samples(shell, snapshot()), "database_up") == 1
    shell.meter.refused("disk full", 0.1)
    found = samples(shell, snapshot())
    assert (value(found, "database_up"), value(found, "database_errors_total")) == (0, 1)
    shell.meter.committed(1, 0.1)
    assert value(samples(shell, snapshot()), "database_up") == 1


def test_asterisk_lost_is_counted() -> None:
    shell = runtime()
    shell.meter.turned([TelephonyDown(reason="closed"), TelephonyUp(is_new_life=False)], [], 0.001)
    found = samples(shell, snapshot(is_telephony_up=False))
    assert (value(found, "telephony_up"), value(found, "telephony_losses_total")) == (0, 1)


def test_labels_are_bounded_and_nothing_is_lost_of_the_sum() -> None:
    old = [picture(key, answered=1, agents=0, available=0) for key in range(1, 301)]
    paused = [
        one.__class__(**{field: getattr(one, field) for field in one.__slots__} | {"status": CampaignStatus.PAUSED})
        for one in old[:150]
    ]
    found = samples(runtime(), snapshot(campaigns=(*paused, *old[150:])))
    answered = [one for one in found if one.name == "outring_calls" and one.labels["state"] == "answered"]
    assert len(answered) == MAX_CAMPAIGNS + 1
    assert sum(one.value for one in answered) == 300
    told = {one.labels["campaign"] for one in answered}
    assert {str(key) for key in range(151, 301)} <= told, "running campaigns come first"
    assert OTHERS in told


def test_everything_that_counts_kinds_is_bounded_by_the_program_itself() -> None:
    free = {"campaign", "trunk", "name"}
    for metric in METRICS:
        assert set(metric.labels) <= free | {"state", "kind", "queue", "outcome", "label", "status", "version"}
    assert len(OUTCOMES) < 50


def test_a_value_on_a_bound_is_under_it() -> None:
    histogram = Histogram((1.0, 2.0))
    for value_s in (0.5, 1.0, 1.5, 9.0):
        histogram.add(value_s)
    assert histogram.cumulative() == [(1.0, 2), (2.0, 3), (float("inf"), 4)]
    assert (histogram.count, histogram.sum_s) == (4, 12.0)


def test_open_metrics_is_spoken_where_it_is_asked_for() -> None:
    body, content_type = scraped(registry_of(worked(), full_picture), "application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


def test_the_process_is_told() -> None:
    found = {one.name: one.value for one in samples(runtime(), snapshot())}
    assert all(found[name] > 0 for name in OF_THE_PROCESS)
