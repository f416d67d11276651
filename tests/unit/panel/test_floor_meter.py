"""The wallboard's figures over time: who counts as abandoned, of whom, in which window; pace and work."""

from __future__ import annotations

import pytest

from app.outcomes import Outcome
from app.panel.floor_meter import FloorMeter
from app.units import DAY_MS, HOUR_MS, MINUTE_MS, CampaignId
from tests.unit.panel.stage import NOW_MS, agent, ended, picture, snapshot

ONE = CampaignId(1)


def test_abandoned_are_those_without_an_agent_in_time_among_all_who_answered() -> None:
    meter = FloorMeter(NOW_MS)
    for call in (
        ended(),
        ended(waited_ms=2_000),
        ended(waited_ms=2_001),  # an agent came, too late
        ended(Outcome.ABANDONED_BY_DIALER, None),
        ended(Outcome.ABANDONED_TO_IVR, None),
        ended(Outcome.CUSTOMER_HUNG_UP, None),  # by their own doing, in time
        ended(Outcome.WRONG_NUMBER, 200),
    ):
        meter.ended(call)
    found = meter.abandonment(ONE)
    assert (found.abandoned, found.answered) == (3, 7)
    assert meter.abandonment() == found
    assert meter.abandonment(CampaignId(2)).share == 0.0


def test_the_budget_is_three_of_a_hundred() -> None:
    meter = FloorMeter(NOW_MS)
    for at in range(200):
        meter.ended(ended(*((Outcome.ABANDONED_BY_DIALER, None) if at % 50 == 0 else ())))
    found = meter.abandonment()
    assert (found.abandoned, found.answered, found.allowed, found.left) == (4, 200, 6, 2)
    assert found.used == pytest.approx(2 / 3)


def test_a_call_leaves_the_window_after_a_day() -> None:
    meter = FloorMeter(NOW_MS - DAY_MS)
    meter.ended(ended(Outcome.ABANDONED_BY_DIALER, None, at_ms=NOW_MS - DAY_MS - 2 * MINUTE_MS))
    meter.ended(ended(Outcome.ABANDONED_BY_DIALER, None, at_ms=NOW_MS - DAY_MS + 2 * MINUTE_MS))
    assert meter.abandonment().abandoned == 2
    meter.sample(snapshot())
    assert meter.abandonment().abandoned == 1
    meter.sample(snapshot(at_ms=NOW_MS + 5 * MINUTE_MS))
    assert meter.abandonment().abandoned == 0


def test_nineteen_of_twenty_waited_no_longer() -> None:
    meter = FloorMeter(NOW_MS - HOUR_MS)
    meter.ended(ended(waited_ms=90_000, at_ms=NOW_MS - HOUR_MS - 1))  # too long ago
    assert meter.wait_p95_ms(ONE, NOW_MS) is None
    for wait_ms in range(100, 2_100, 100):
        meter.ended(ended(waited_ms=wait_ms))
    assert meter.wait_p95_ms(ONE, NOW_MS) == 1_900
    assert meter.wait_p95_ms(CampaignId(9), NOW_MS) is None


def test_contacts_per_agent_hour_waits_for_enough_work_and_leaves_out_calls_of_before() -> None:
    meter = FloorMeter(NOW_MS)
    meter.ended(ended(at_ms=NOW_MS - MINUTE_MS))
    crew = [agent(key, f"Agent {key}") for key in range(4)]
    for minute in range(30):
        meter.sample(snapshot(*crew, at_ms=NOW_MS + minute * MINUTE_MS))
        meter.ended(ended(at_ms=NOW_MS + minute * MINUTE_MS))
        if minute == 3:
            assert meter.contacts_per_agent_hour() is None
    assert meter.contacts_per_agent_hour() == pytest.approx(30 / (4 * 29 / 60))


def test_pace_is_of_the_last_ten_minutes_and_survives_the_dialers_new_start() -> None:
    meter = FloorMeter(NOW_MS)
    for minute, placed in enumerate((100, 130, 160, 5, 35)):
        meter.sample(snapshot(at_ms=NOW_MS + minute * MINUTE_MS, campaigns=(picture(placed=placed),)))
    assert meter.calls_per_minute(ONE, NOW_MS + 4 * MINUTE_MS) == pytest.approx(90 / 4)
    assert meter.calls_per_minute(CampaignId(7), NOW_MS) == 0.0
