"""Every figure of /metrics: its name, kind, labels and meaning. docs/metrics.md is written from this table."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final


class Kind(enum.StrEnum):
    """What Prometheus does with a figure."""

    COUNTER = "counter"
    """Only grows, and begins at nought with the process; its name ends in `_total`."""
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    """`_bucket` with the label `le`, `_sum` and `_count`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One figure. labels: their names. group: the heading it stands under on the page."""

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()
    group: str

    @property
    def samples(self) -> tuple[str, ...]:
        """The names it has in a scrape."""
        if self.kind is Kind.HISTOGRAM:
            return tuple(f"{self.name}_{part}" for part in ("bucket", "sum", "count"))
        return (self.name,)


def _rows(group: str, *rows: tuple[str, Kind, tuple[str, ...], str]) -> tuple[Metric, ...]:
    return tuple(
        Metric(name=f"outring_{name}", kind=kind, labels=labels, meaning=meaning, group=group)
        for name, kind, labels, meaning in rows
    )


_COUNTER, _GAUGE, _HISTOGRAM = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM

METRICS: Final[tuple[Metric, ...]] = (
    *_rows(
        "The program",
        ("build_info", _GAUGE, ("version",), "Always 1; the label says which version runs"),
        ("on_duty", _GAUGE, (), "1 while this dialer is on duty; 0 while it stands by, and then nothing else is told"),
        ("stopping", _GAUGE, (), "1 while Outring is being stopped: it places no calls and waits for those up"),
        ("telephony_up", _GAUGE, (), "1 while Asterisk is connected"),
        ("telephony_connections_total", _COUNTER, (), "Times Asterisk was connected; the first is no reconnection"),
        ("telephony_losses_total", _COUNTER, (), "Times Asterisk was lost, or the reason of its absence changed"),
        ("database_up", _GAUGE, (), "0 since the database refused a write, until it takes one again"),
        ("database_errors_total", _COUNTER, (), "Transactions the database refused; each is tried again"),
        ("commit_seconds", _HISTOGRAM, (), "Time of a transaction, until it was durable or refused"),
        ("writes_total", _COUNTER, (), "Writes that are durable; several share a transaction"),
        ("event_seconds", _HISTOGRAM, (),
         "Time from an event's arrival to the last command that follows, of the oldest event of each turn"),
        ("events_total", _COUNTER, ("kind",), "Events the dialer has handled"),
        ("late_events_total", _COUNTER, (), "Events that came too late to mean anything, and were ignored"),
        ("commands_total", _COUNTER, ("kind",), "Commands the dialer gave"),
        ("queue_depth", _GAUGE, ("queue",),
         "What waits: `inbox` events, `writes`, `prompts` to be made, `opt_outs` kept beside a database that refuses"),
    ),
    *_rows(
        "Calls",
        ("calls", _GAUGE, ("campaign", "state"),
         "Calls of a campaign now: `preparing`, `ready` (for a line), `dialing`, `ringing`, `answered`, `closing`"),
        ("calls_placed_total", _COUNTER, ("trunk",), "Calls asked for, by the trunk they went out by"),
        ("claimed_contacts_total", _COUNTER, (), "Contacts claimed, whose attempts are on disk"),
        ("attempts_total", _COUNTER, ("outcome", "label"),
         "Attempts whose end is on disk, by the outcome's number and label"),
    ),
    *_rows(
        "Campaigns",
        ("campaign_info", _GAUGE, ("campaign", "name", "status"),
         "Always 1; the labels tell a campaign's name and status"),
        ("campaign_idle", _GAUGE, ("campaign",),
         "1 while it runs and places no call though it was started; the panel says why"),
        ("campaign_agents", _GAUGE, ("campaign",), "Agents who serve it"),
        ("campaign_agents_available", _GAUGE, ("campaign",), "Those of them who could take a person now"),
        ("people_with_agents", _GAUGE, ("campaign",), "Answered people who talk with an agent"),
        ("people_waiting", _GAUGE, ("campaign",), "Answered people who wait for an agent"),
        ("longest_wait_seconds", _GAUGE, ("campaign",), "How long the first of them has waited"),
        ("answer_to_agent_seconds", _HISTOGRAM, (),
         "How long people waited for the agent they talked with, told when the call has ended"),
    ),
    *_rows(
        "Abandonment (predictive campaigns)",
        ("live_answers", _GAUGE, ("campaign",),
         "People who answered and were to have an agent, in the window of the law"),
        ("abandoned", _GAUGE, ("campaign",), "Those of them who were abandoned"),
        ("abandonment_ratio", _GAUGE, ("campaign",), "Abandoned of answered, with those taken for machines by mistake"),
        ("abandonment_target_ratio", _GAUGE, ("campaign",), "What the campaign may abandon at the most"),
        ("abandonment_budget_left", _GAUGE, ("campaign",), "How many more could be abandoned now without passing it"),
    ),
    *_rows(
        "Trunks and agents",
        ("trunk_state", _GAUGE, ("trunk", "state"),
         "1 for the state it is in: `in service`, `out of service`, `on trial`"),
        ("trunk_lines", _GAUGE, ("trunk",), "Calls it may carry at once"),
        ("trunk_lines_used", _GAUGE, ("trunk",), "Calls it carries now"),
        ("agents", _GAUGE, ("state",), "Agents who are signed in, by what they do"),
    ),
)  # fmt: skip
BY_NAME: Final = {metric.name: metric for metric in METRICS}
OF_THE_PROCESS: Final = (
    "process_virtual_memory_bytes",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_cpu_seconds_total",
    "process_open_fds",
    "process_max_fds",
)
"""What prometheus-client itself tells of the process, from /proc."""
MAX_CAMPAIGNS: Final = 200
"""Campaigns told one by one; what is beyond them is summed up under `others`."""
MAX_TRUNKS: Final = 100
OTHERS: Final = "others"


def sample_names() -> frozenset[str]:
    """Every name a scrape may have."""
    return frozenset(name for metric in METRICS for name in metric.samples) | frozenset(OF_THE_PROCESS)
