"""Opt-outs against dialing, in virtual time: thousands of rounds, by this dialer or by another on the same disk.

Another process writes to the disk alone; whoever asked it is told when nobody has the number in hand, or as long after
as a claim is good. From that moment on the wire must not see a call to it begin.
"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from app.commands import AddDnc
from app.dialing import attempt as attempts_of
from app.dialing.attempt import FRESH_MS
from app.sim.plan import START_MS
from app.sim.rules import Rule
from app.sim.simulate import plan_of
from app.sim.world import World
from app.store.dnc import add_dnc, open_attempts_to
from app.units import Number

ROUNDS = 1_500
SPAN_MS = 120_000
SEEDS = (3, 4, 5)
"""Among them two in which a claim waits long enough for the race to be lost by a dialer that trusts it."""


class Elsewhere:
    """Another process on the same database, which bars a number and says so when it may."""

    def __init__(self, number: Number) -> None:
        self.number = number

    def bar(self, world: World) -> None:
        world.store.write(add_dnc, [AddDnc(number=self.number, source="api")], world.now_ms)
        if world.store.read(open_attempts_to, [self.number]):
            world.plan_at(world.now_ms + FRESH_MS + 1, self.acknowledge)
        else:
            self.acknowledge(world)

    def acknowledge(self, world: World) -> None:
        world.checker.add_dnc(self.number)


def race(seed: int) -> World:
    """Slow trunks for much dialing: claims wait for a line, often longer than they are good for."""
    plan = plan_of(seed, ROUNDS)
    slow = [replace(trunk, calls_per_second=min(trunk.calls_per_second, 3.0)) for trunk in plan.trunks]
    world = World(replace(plan, trunks=tuple(slow)), seed=seed)
    rng = random.Random(f"opt-outs {seed}")
    for campaign in plan.campaigns:
        for number in campaign.numbers:
            at_ms = START_MS + rng.randrange(SPAN_MS)
            if rng.random() < 0.5:
                world.plan_at(at_ms, AddDnc(number=number, source="api"))
            else:
                world.plan_at(at_ms, Elsewhere(number).bar)
    world.run()
    return world


@pytest.mark.parametrize("seed", SEEDS)
def test_no_call_to_a_number_begins_after_its_opt_out_is_acknowledged(seed: int) -> None:
    world = race(seed)
    assert not world.checker.violations, f"seed {seed}: {world.checker.violations[:5]}"
    assert world.checker.calls > 50, "hardly anybody was called: nothing raced"


def test_a_dialer_that_trusts_old_claims_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts_of, "FRESH_MS", 10**9)
    found = {violation.rule for seed in SEEDS for violation in race(seed).checker.violations}
    assert Rule.DNC_CALLED in found
