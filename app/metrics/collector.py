"""What a scrape is answered with: the meter's counts and one picture of the dialer, as Prometheus wants them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from app.agents import AgentState
from app.dialing.snapshot import CampaignPicture, Snapshot
from app.dialing.trunk import TrunkState
from app.events import TelephonyDown, TelephonyUp
from app.meter import Histogram
from app.metrics.table import BY_NAME, MAX_CAMPAIGNS, MAX_TRUNKS, OTHERS, Kind
from app.model import CampaignStatus
from app.runtime import Runtime
from app.units import SECOND_MS

Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily
Values = Mapping[tuple[str, ...], float]
STATES: Final = ("preparing", "ready", "dialing", "ringing", "answered", "closing")
"""A call's states, as the fields of a campaign's picture are named."""


class DialerCollector(Collector):
    """One running dialer as families of metrics; asked anew at every scrape."""

    def __init__(self, runtime: Runtime, snapshot: Callable[[], Snapshot]) -> None:
        self._runtime = runtime
        self._snapshot = snapshot

    def collect(self) -> Iterator[Family]:
        """Everything in the table, each once."""
        picture = self._snapshot()
        yield from self._program(picture)
        yield from self._calls(picture)
        yield from _campaigns(picture.campaigns)
        yield from _trunks_and_agents(picture)

    def _program(self, picture: Snapshot) -> Iterator[Family]:
        meter, depths = self._runtime.meter, self._runtime.depths
        yield _family("build_info", {(_version(),): 1.0})
        yield _single("on_duty", 1.0)
        yield _single("stopping", self._runtime.is_ending)
        yield _single("telephony_up", picture.is_telephony_up)
        yield _single("telephony_connections_total", meter.events[TelephonyUp])
        yield _single("telephony_losses_total", meter.events[TelephonyDown])
        yield _single("database_up", not meter.database_problem)
        yield _single("database_errors_total", meter.database_errors)
        yield _histogram("commit_seconds", meter.commit_s)
        yield _single("writes_total", meter.written)
        yield _histogram("event_seconds", meter.turn_s)
        yield _family("events_total", _by_kind(meter.events))
        yield _single("late_events_total", picture.late_events)
        yield _family("commands_total", _by_kind(meter.commands))
        waiting = {"inbox": depths.inbox, "writes": depths.writes, "prompts": depths.prompts}
        waiting["opt_outs"] = depths.opt_outs
        yield _family("queue_depth", {(name,): count for name, count in waiting.items()})

    def _calls(self, picture: Snapshot) -> Iterator[Family]:
        meter = self._runtime.meter
        calls: Counter[tuple[str, ...]] = Counter()
        for label, one in _named(picture.campaigns):
            for state in STATES:
                calls[label, state] += getattr(one, state)
        yield _family("calls", calls)
        placed: Counter[tuple[str, ...]] = Counter()
        for place, (trunk, count) in enumerate(meter.placed.most_common()):
            placed[(trunk if place < MAX_TRUNKS else OTHERS,)] += count
        yield _family("calls_placed_total", placed)
        yield _single("claimed_contacts_total", meter.claimed)
        ends: Values = {(str(int(outcome)), outcome.label): count for outcome, count in sorted(meter.outcomes.items())}
        yield _family("attempts_total", ends)
        yield _histogram("answer_to_agent_seconds", meter.wait_s)


def registry_of(runtime: Runtime, snapshot: Callable[[], Snapshot]) -> CollectorRegistry:
    """A registry of its own for one dialer, with the process it runs in."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(DialerCollector(runtime, snapshot))
    ProcessCollector(registry=registry)
    return registry


class _StandingBy(Collector):
    """All there is to say of a dialer that stands by."""

    def collect(self) -> Iterator[Family]:
        yield _family("build_info", {(_version(),): 1.0})
        yield _single("on_duty", 0.0)


def standby_registry() -> CollectorRegistry:
    """A registry for a dialer that stands by, with the process it runs in."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_StandingBy())
    ProcessCollector(registry=registry)
    return registry


def scraped(registry: CollectorRegistry, accept: str) -> tuple[bytes, str]:
    """The answer to a scrape and its content type. accept: what the asker understands, as its header says."""
    encode, content_type = choose_encoder(accept)
    body: bytes = encode(registry)
    return body, content_type


# --- campaigns -------------------------------------------------------------------------------------------------------


def _campaigns(pictures: Sequence[CampaignPicture]) -> Iterator[Family]:
    told = _told(pictures)
    yield _family("campaign_info", {(str(one.id), one.name, one.status.value): 1.0 for one in told})
    running = [one for one in told if one.status is CampaignStatus.RUNNING]
    yield _family("campaign_idle", {(str(one.id),): float(bool(one.waiting_for)) for one in running})
    sums: dict[str, Counter[tuple[str, ...]]] = {
        name: Counter()
        for name in ("campaign_agents", "campaign_agents_available", "people_with_agents", "people_waiting")
    }
    waits: dict[tuple[str, ...], float] = {}
    for label, one in _named(pictures):
        key = (label,)
        sums["campaign_agents"][key] += one.agents
        sums["campaign_agents_available"][key] += one.available
        sums["people_with_agents"][key] += one.with_agents
        sums["people_waiting"][key] += one.seeking
        waits[key] = max(waits.get(key, 0.0), one.longest_wait_ms / SECOND_MS)
    for name, counts in sums.items():
        yield _family(name, counts)
    yield _family("longest_wait_seconds", waits)
    yield from _abandonment(told)


def _abandonment(told: Iterable[CampaignPicture]) -> Iterator[Family]:
    paced = {(str(one.id),): one.pacing for one in told if one.pacing is not None}
    yield _family("live_answers", {key: one.answered for key, one in paced.items()})
    yield _family("abandoned", {key: one.abandoned for key, one in paced.items()})
    yield _family("abandonment_ratio", {key: one.share for key, one in paced.items()})
    yield _family("abandonment_target_ratio", {key: one.target for key, one in paced.items()})
    yield _family("abandonment_budget_left", {key: one.budget_left for key, one in paced.items()})


def _told(pictures: Sequence[CampaignPicture]) -> list[CampaignPicture]:
    """Those told one by one: running ones first, then the newest."""
    by_weight = sorted(pictures, key=lambda one: (one.status is not CampaignStatus.RUNNING, -one.id))
    return sorted(by_weight[:MAX_CAMPAIGNS], key=lambda one: one.id)


def _named(pictures: Sequence[CampaignPicture]) -> Iterator[tuple[str, CampaignPicture]]:
    """Each campaign with the value of its label."""
    told = {one.id for one in _told(pictures)}
    for one in pictures:
        yield str(one.id) if one.id in told else OTHERS, one


# --- trunks and agents -----------------------------------------------------------------------------------------------


def _trunks_and_agents(picture: Snapshot) -> Iterator[Family]:
    told = picture.trunks[:MAX_TRUNKS]
    states: dict[tuple[str, ...], float] = {
        (one.id, state.value): float(one.state is state) for one in told for state in TrunkState
    }
    yield _family("trunk_state", states)
    yield _family("trunk_lines", {(one.id,): one.lines for one in told})
    yield _family("trunk_lines_used", {(one.id,): one.lines_used for one in told})
    counts = Counter(agent.state for agent in picture.agents)
    here = [state for state in AgentState if state is not AgentState.SIGNED_OUT]
    yield _family("agents", {(state.value,): counts[state] for state in here})


# --- families --------------------------------------------------------------------------------------------------------


def _family(name: str, values: Values) -> Family:
    metric = BY_NAME[f"outring_{name}"]
    assert metric.kind is not Kind.HISTOGRAM, f"{name} is a histogram"
    make = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
    family = make(metric.name, metric.meaning, labels=metric.labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _single(name: str, value: float) -> Family:
    return _family(name, {(): float(value)})


def _histogram(name: str, counts: Histogram) -> Family:
    metric = BY_NAME[f"outring_{name}"]
    buckets = [("+Inf" if bound == float("inf") else repr(bound), count) for bound, count in counts.cumulative()]
    family = HistogramMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    family.add_metric((), buckets, sum_value=counts.sum_s)
    return family


def _by_kind(counts: Mapping[type, int]) -> Values:
    return {(kind.__name__,): count for kind, count in sorted(counts.items(), key=lambda item: item[0].__name__)}


def _version() -> str:
    try:
        return version("outring")
    except PackageNotFoundError:  # run from a folder that was never installed
        return "unknown"
