"""A whole house in virtual time: dialers that die, freeze and take over, on a disk that fills, goes and stalls."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from app.commands import PlaceCall
from app.duty import Duty
from app.runtime import Runtime
from app.sim import process as processes
from app.sim.faults import NO_FAULTS, STORM, Faults
from app.sim.house import House, in_haste
from app.sim.rules import Rule
from app.sim.simulate import plan_of, simulate

SEEDS = (3, 12)


def house(seed: int, calls: int, faults: Faults) -> House:
    return House(in_haste(plan_of(seed, calls), seed), seed=seed, faults=faults)


def test_in_calm_the_program_does_what_it_is_to_do() -> None:
    calm = house(1, 40, NO_FAULTS)
    assert calm.run()
    assert not calm.checker.violations
    assert calm.network.leases_run_out == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_in_the_storm_no_rule_is_broken_and_after_it_the_campaigns_finish(seed: int) -> None:
    report = simulate(seed, 60, faults=STORM)
    assert report.has_passed, f"seed {seed}: {report.violations[:5]}, unaccounted {report.unaccounted}"
    assert report.placed > 20


def test_the_same_seed_is_the_same_storm_whatever_the_hash_seed() -> None:
    code = (
        "from app.sim.simulate import simulate; from app.sim.faults import STORM; print(simulate(13, 20, faults=STORM)"
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
        for hash_seed in ("4711",)
    }
    assert prints == {simulate(13, 20, faults=STORM).trace_sha256}


def test_every_fault_is_named_with_its_rate() -> None:
    assert "kills_per_hour=60" in str(STORM)
    assert "clock_steps_per_hour=2" in str(STORM)


def test_agents_are_not_in_the_storm_yet() -> None:
    with pytest.raises(ValueError, match="without agents"):
        simulate(1, 10, faults=STORM, agents=2)


# --- mistakes planted in the program are found -----------------------------------------------------------------------


def rules_of(faults: Faults, seeds: tuple[int, ...] = SEEDS) -> set[Rule]:
    found: set[Rule] = set()
    for seed in seeds:
        one = house(seed, 60, faults)
        one.run(longest_ms=1_800_000)
        found |= {violation.rule for violation in one.checker.violations}
    return found


def test_a_dialer_that_wakes_and_goes_on_dialing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Duty, "may_act", lambda self: True)
    monkeypatch.setattr(Duty, "may_dial", lambda self: True)
    faults = replace(STORM, freezes_per_hour=200)
    assert Rule.NOT_ON_DUTY in rules_of(faults, (10, 14))


def test_a_runtime_that_forgets_what_the_disk_refused_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Runtime, "_without_claims", lambda self, batch, error: [])
    assert Rule.FORGOTTEN in rules_of(STORM, (3, 12, 13))


def test_a_call_to_somebody_else_than_on_disk_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    act = processes.Process._go

    def other(self: processes.Process, command: object) -> None:
        act(self, replace(command, number="+99900000000") if isinstance(command, PlaceCall) else command)  # type: ignore[arg-type]

    monkeypatch.setattr(processes.Process, "_go", other)
    assert Rule.NOT_ON_DISK in rules_of(NO_FAULTS, (3,))
