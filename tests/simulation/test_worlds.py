"""Whole worlds in virtual time: the dialer on a real database and the simulated network, watched from the wire."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from app.commands import AddDnc, CloseAttempt, Command
from app.dialing.campaign import CampaignRun
from app.dialing.dialer import Dialer
from app.dialing.rate import Rate
from app.dialing.trunk import TrunkLine
from app.events import CampaignPaused, CampaignStopped, Event
from app.ivr.session import FlowSession
from app.outcomes import Outcome
from app.sim.faults import CHAOS, NO_FAULTS, Faults
from app.sim.plan import START_MS
from app.sim.rules import Rule
from app.sim.simulate import plan_of, simulate
from app.sim.trace import Trace
from app.sim.world import TimeStandsStill, World
from app.units import SECOND_MS

SEEDS = range(1, 5)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("faults", [NO_FAULTS, CHAOS], ids=["calm", "chaos"])
def test_no_rule_is_broken_and_every_contact_is_accounted_for(seed: int, faults: Faults) -> None:
    report = simulate(seed, 150, faults=faults)
    assert report.has_passed, f"seed {seed} {faults}: {report.violations[:5]}, unaccounted {report.unaccounted}"
    assert report.contacts == 150
    assert report.placed <= report.attempts


def test_in_calm_nothing_is_lost_and_no_lease_runs_out() -> None:
    report = simulate(1, 150)
    assert (report.events_lost, report.leases_run_out) == (0, 0)
    assert Outcome.CONTROLLER_LOST.label not in report.outcomes


def test_the_same_seed_is_the_same_trace_whatever_the_hash_seed() -> None:
    code = (
        "from app.sim.simulate import simulate; from app.sim.faults import CHAOS; print(simulate(5, 60, faults=CHAOS)"
        ".trace_sha256)"
    )
    prints = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for hash_seed in ("0", "1", "4711")
    }
    assert prints == {simulate(5, 60, faults=CHAOS).trace_sha256}


def test_another_seed_is_another_trace() -> None:
    assert simulate(5, 20).trace_sha256 != simulate(6, 20).trace_sha256


def test_the_trace_has_a_line_for_everything_that_happened() -> None:
    lines: list[str] = []
    report = simulate(1, 20, out=lines.append)
    assert report.trace_lines == len(lines)
    assert sum(" > PlaceCall(" in line for line in lines) >= report.placed
    assert sum(" < AttemptClosed(" in line for line in lines) == report.attempts


def test_a_world_on_a_file_is_the_same_as_in_memory(tmp_path: Path) -> None:
    in_memory = World(plan_of(3, 40), seed=3)
    in_memory.run()
    on_file = World(plan_of(3, 40), seed=3, database=f"sqlite:///{tmp_path / 'world.db'}")
    on_file.run()
    assert on_file.trace.sha256 == in_memory.trace.sha256
    assert not on_file.checker.violations


def test_the_report_is_plain_json() -> None:
    shown = simulate(1, 20, faults=Faults(refused=0.5)).as_json()
    assert shown["seed"] == 1
    assert shown["faults"]["refused"] == 0.5
    assert shown["violations"] == []
    assert sum(shown["outcomes"].values()) == shown["attempts"]


def test_fewer_than_one_call_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        simulate(1, 0)


def test_a_number_put_on_the_do_not_call_list_by_an_operator_is_not_called_any_more() -> None:
    plan = plan_of(2, 90)
    world = World(plan, seed=2)
    numbers = [number for campaign in plan.campaigns for number in campaign.numbers]
    for number in numbers[::3]:
        world.plan_at(START_MS + 2 * SECOND_MS, AddDnc(number=number, source="api"))
    assert world.run()
    assert not world.checker.violations


def test_a_paused_campaign_places_no_call_and_a_stopped_one_takes_the_ringing_back() -> None:
    world = World(plan_of(4, 200), seed=4)
    first, second = world.campaign_ids
    world.plan_at(START_MS + 3 * SECOND_MS, CampaignPaused(campaign_id=first))
    world.plan_at(START_MS + 3 * SECOND_MS, CampaignStopped(campaign_id=second))
    world.run(longest_ms=600 * SECOND_MS)
    late = [claim for claim in world.claims() if claim.opened_at_ms > START_MS + 3 * SECOND_MS + 100]
    assert not late
    assert not world.checker.violations
    assert world.dialer.is_at_rest
    assert Outcome.DIALER_STOPPED in {claim.outcome for claim in world.claims()}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_dialer_that_is_killed_and_begun_anew_calls_nobody_twice_and_loses_nobody(seed: int) -> None:
    world = World(plan_of(seed, 150), seed=seed)
    for place in range(1, 11):
        world.plan_at(START_MS + place * 2_345, World.kill_dialer)
    assert world.run()
    assert not world.checker.violations, f"seed {seed}: {world.checker.violations[:5]}"


# --- mistakes planted in the dialer are found ------------------------------------------------------------------------


def rules_of(longest_ms: int = 60 * SECOND_MS) -> set[Rule]:
    """The rules broken in the first minute."""
    world = World(plan_of(1, 150), seed=1)
    world.run(longest_ms)
    return {found.rule for found in world.checker.violations}


def test_a_dialer_that_ignores_a_trunks_lines_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TrunkLine, "capacity", lambda self, now_ms: 50)
    assert Rule.TRUNK_LINES in rules_of()


def test_a_dialer_that_ignores_a_campaigns_lines_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CampaignRun, "may_place", property(lambda self: bool(self.ready)))
    monkeypatch.setattr(CampaignRun, "wanted", lambda self, capacity, now_ms: 0 if self.claiming else 3)
    assert Rule.CAMPAIGN_LINES in rules_of(10 * SECOND_MS)


def test_a_dialer_that_ignores_rates_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rate, "available", lambda self, now_ms: 5)
    monkeypatch.setattr(Rate, "take", lambda self, now_ms: None)
    assert {Rule.TRUNK_RATE, Rule.CAMPAIGN_RATE} <= rules_of()


def test_a_flow_that_says_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FlowSession, "start", lambda self, now_ms: [])
    monkeypatch.setattr(FlowSession, "next_deadline_ms", lambda self: None)
    assert Rule.SILENCE in rules_of()


def test_a_dialer_that_forgets_to_write_an_end_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = Dialer.turn

    def forgetful(self: Dialer, events: Iterable[Event], now_ms: int) -> list[Command]:
        return [command for command in turn(self, events, now_ms) if not isinstance(command, CloseAttempt)]

    monkeypatch.setattr(Dialer, "turn", forgetful)
    world = World(plan_of(1, 30), seed=1)
    assert not world.run(longest_ms=60 * SECOND_MS)
    assert Rule.OUTCOMES in {found.rule for found in world.checker.violations}


def test_a_dialer_that_spins_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(plan_of(1, 10), seed=1, trace=Trace())
    monkeypatch.setattr(Dialer, "next_deadline_ms", lambda self: START_MS)
    with pytest.raises(TimeStandsStill):
        world.run()
