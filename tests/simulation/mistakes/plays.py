"""What is played with a mistake in place: a handful of seeds, in calm and with every fault, and what was found there.

Runs in the copy of the source that holds the mistake: `python -m tests.simulation.mistakes.plays`; a line of JSON for
each play. What is found is a rule broken at the wire, work that is not finished after the faults, something left
behind, or a dialer that died of an assertion or went round in circles.
"""

from __future__ import annotations

import argparse
import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from types import FrameType
from typing import Any, Final

from app.agents import DialingMode
from app.commands import AddDnc
from app.sim.faults import CHAOS, NO_FAULTS, STORM, Faults
from app.sim.floor_plan import floor_plan_of
from app.sim.house import House, in_haste
from app.sim.plan import START_MS
from app.sim.simulate import plan_of, simulate
from app.sim.temper import GOOD
from app.sim.world import World
from app.units import HOUR_MS, SECOND_MS
from tests.simulation.test_floor_worlds import gaps

LONGEST_MS: Final = 72 * HOUR_MS
PLAY_CPU_S: Final = 60
"""A play takes a few seconds: one that takes so long goes round in circles."""
DEATHS: Final = 3
"""An engine that has died so often of its own assertions gives checkers nothing more to see."""
FLOORS: Final = (DialingMode.PROGRESSIVE, DialingMode.PREVIEW, DialingMode.PREDICTIVE, DialingMode.MANUAL)

SICK_DISK: Final = replace(
    STORM, opt_outs_per_hour=3_000, disk_full_per_hour=120, database_gone_per_hour=60, kills_per_hour=200
)
"""Opt-outs while the database takes none, and dialers that are killed before it does."""
BAD_LINE: Final = replace(
    NO_FAULTS, commit_refused=0.1, commit_unheard=0.1, opt_outs_elsewhere_per_hour=1_800, kills_per_hour=20
)
"""A database that refuses, and one whose word is lost."""
ASLEEP: Final = replace(
    NO_FAULTS, freezes_per_hour=400, freeze_ms=60_000, database_stalled_per_hour=60, opt_outs_elsewhere_per_hour=1_800
)
"""Dialers that stand still and wake, one after the other."""
Found = list[str]


class Endless(BaseException):
    """A play does not come to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """A seed in a world. play: answers what was found, in words that begin with the rule's name."""

    name: str
    play: Callable[[], Found]


def _of_world(world: World | House, *, longest_ms: int, is_calm: bool) -> Found:
    is_done = world.run(longest_ms)
    found = [f"{one.rule.name}: {one.detail}" for one in world.checker.violations]
    if not is_done:
        found.append("UNFINISHED: the campaigns did not come to their end")
    if isinstance(world, World):
        found += [f"GAP: {gap}" for gap in world.store.read(gaps)]
    if is_calm and world.network.leases_run_out:
        found.append(f"LEFT: {world.network.leases_run_out} calls ended by their leases alone")
    if is_calm and isinstance(world, World) and (world.network.rooms or world.network.live_phones):
        found.append("LEFT: rooms or phones")
    return found


def _storm(seed: int, calls: int, faults: Faults) -> Found:
    report = simulate(seed, calls, faults=faults)
    found = [f"{one.rule.name}: {one.detail}" for one in report.violations]
    if not report.is_finished or report.unaccounted:
        found.append(f"UNFINISHED: {report.unaccounted} contacts unaccounted for")
    return found


def _house_in_calm(seed: int) -> Found:
    return _of_world(House(in_haste(plan_of(seed, 40), seed), seed=seed), longest_ms=24 * HOUR_MS, is_calm=True)


def _opt_outs(seed: int) -> Found:
    """A broadcast whose people are put on the list while it runs, and whose dialer is killed again and again."""
    plan = plan_of(seed, 60)
    world = World(plan, seed=seed)
    for place in range(1, 8):
        world.plan_at(START_MS + place * 2_345, World.kill_dialer)
    for place, number in enumerate(plan.campaigns[0].numbers[::3]):
        world.plan_at(START_MS + place * 400, AddDnc(number=number, source="api"))
    return _of_world(world, longest_ms=LONGEST_MS, is_calm=False)


def _floor(seed: int, mode: DialingMode, faults: Faults) -> Found:
    is_calm = faults is NO_FAULTS
    calls, agents = _size(mode)
    plan = floor_plan_of(seed, calls, agents=agents, mode=mode, temper=GOOD if is_calm else None)
    return _of_world(World(plan, seed=seed, faults=faults), longest_ms=LONGEST_MS, is_calm=is_calm)


def _killed_floor(seed: int, mode: DialingMode) -> Found:
    calls, agents = _size(mode)
    world = World(floor_plan_of(seed, calls, agents=agents, mode=mode), seed=seed)
    for place in range(1, 13):
        world.plan_at(START_MS + place * 23 * SECOND_MS, World.kill_dialer)
    return _of_world(world, longest_ms=LONGEST_MS, is_calm=False)


def _size(mode: DialingMode) -> tuple[int, int]:
    """Contacts and agents: a pacer's decisions are what costs time."""
    return (14, 3) if mode is DialingMode.PREDICTIVE else (30, 5)


def plays() -> Iterator[Play]:
    """All of them, the quick ones first."""
    yield Play(name="house in calm, seed 1", play=lambda: _house_in_calm(1))
    yield Play(name="broadcast in chaos, seed 1", play=lambda: _storm(1, 100, CHAOS))
    yield Play(name="broadcast with opt-outs and kills, seed 2", play=lambda: _opt_outs(2))
    for faults, word in ((SICK_DISK, "on a sick disk"), (BAD_LINE, "on a bad line"), (ASLEEP, "that falls asleep")):
        for seed in (31, 32):
            yield Play(
                name=f"house {word}, seed {seed}",
                play=lambda seed=seed, faults=faults: _storm(seed, 60, faults),  # type: ignore[misc]
            )
    for seed in (3, 12, 13, 14, 15):
        yield Play(name=f"house in the storm, seed {seed}", play=lambda seed=seed: _storm(seed, 60, STORM))  # type: ignore[misc]
    for faults, word in ((NO_FAULTS, "calm"), (CHAOS, "chaos")):
        for mode in FLOORS:
            yield Play(
                name=f"{mode.value} floor in {word}, seed 1",
                play=lambda mode=mode, faults=faults: _floor(1, mode, faults),  # type: ignore[misc]
            )
    for mode in FLOORS:
        yield Play(name=f"{mode.value} floor with kills, seed 2", play=lambda mode=mode: _killed_floor(2, mode))  # type: ignore[misc]


@contextmanager
def _bounded(cpu_s: float) -> Iterator[None]:
    def stop(signum: int, frame: FrameType | None) -> None:
        raise Endless

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def found_in(play: Play) -> Found:
    """What one play found; that it died, or had no end, among it."""
    try:
        with _bounded(PLAY_CPU_S):
            return play.play()
    except Endless:
        return [f"ENDLESS: after {PLAY_CPU_S} s"]
    except Exception as error:  # noqa: BLE001  # whatever a dialer dies of is a finding
        return [f"DIED: {type(error).__name__}: {error}"]


def is_of_the_wire(finding: str) -> bool:
    """Whether a checker found it, not the engine itself."""
    return not finding.startswith(("DIED", "ENDLESS"))


def main() -> None:
    """Play until a checker has found something."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--all", action="store_true", help="go on after something was found")
    asked.add_argument("--few", type=int, default=None, help="no more plays than these")
    asked.add_argument("--first", default="", help="plays whose names hold this before the others")
    given = asked.parse_args()
    deaths = 0
    for play in islice(sorted(plays(), key=lambda one: given.first not in one.name), given.few):
        began_s = time.process_time()
        found = found_in(play)
        line: dict[str, Any] = {
            "play": play.name, "found": found[:3], "rules": sorted({_rule(one) for one in found}),
            "cpu_s": round(time.process_time() - began_s, 1),
        }  # fmt: skip
        print(json.dumps(line), flush=True)
        deaths += bool(found)
        if not given.all and (deaths >= DEATHS or any(is_of_the_wire(one) for one in found)):
            break


def _rule(finding: str) -> str:
    return finding.partition(":")[0]


if __name__ == "__main__":
    main()
