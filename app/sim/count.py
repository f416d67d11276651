"""The long count: many seeds of simulated calls with every fault on, and a summary. `make chaos SEEDS=1000 CALLS=1000`.

Seeds are played in processes of their own, so that none knows of another; each broken rule is printed with its seed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from app.sim.faults import CHAOS, STORM
from app.sim.simulate import simulate


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One seed. problems: broken rules, or what it died of; seconds: of one core."""

    seed: int
    placed: int
    problems: tuple[str, ...]
    seconds: float


def play(seed: int, calls: int) -> Played:
    """A broadcast: two seeds of three with the faults of the network, the third with those of dialers and disks too.

    Every tenth is under the law: its people sleep, and the dialer waits for their morning.
    """
    began_s = time.process_time()
    try:
        report = simulate(seed, calls, faults=STORM if seed % 3 == 0 else CHAOS, is_under_law=seed % 10 == 0)
    except Exception as error:  # noqa: BLE001  # whatever a dialer dies of is what is looked for
        seconds = time.process_time() - began_s
        return Played(seed=seed, placed=0, problems=(f"died of {error!r}",), seconds=seconds)
    problems = [f"{found.rule.name}: {found.detail}" for found in report.violations]
    if not report.is_finished or report.unaccounted:
        problems.append(f"unaccounted {report.unaccounted}, finished {report.is_finished}")
    seconds = time.process_time() - began_s
    return Played(seed=seed, placed=report.placed, problems=tuple(problems), seconds=seconds)


def count(first: int, seeds: int, calls: int, jobs: int) -> Iterator[Played]:
    """Play the seeds, in their order."""
    places = range(first, first + seeds)
    if jobs == 1:
        yield from (play(seed, calls) for seed in places)
        return
    with ProcessPoolExecutor(max_workers=jobs) as processes:
        yield from processes.map(play, places, [calls] * seeds)


def main() -> None:
    """Play, print a line for each hundred seeds and for each problem, and the sum. Exit code 1 with any problem."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--first", type=int, default=1, help="the first seed")
    asked.add_argument("--seeds", type=int, default=1_000)
    asked.add_argument("--calls", type=int, default=1_000, help="contacts of each seed")
    asked.add_argument("--jobs", type=int, default=1, help="seeds at the same time")
    given = asked.parse_args()
    print(f"seeds that 3 divides: {STORM}\nthe others: {CHAOS}\nthose that 10 divides: under the law", flush=True)
    sums = Counter[str]()
    for played in count(given.first, given.seeds, given.calls, given.jobs):
        sums.update(seeds=1, calls=played.placed, bad=bool(played.problems))
        sums["ms"] += round(1_000 * played.seconds)
        for problem in played.problems[:5]:
            print(f"seed {played.seed}: {problem}", flush=True)
        if sums["seeds"] % 20 == 0:
            print(f"seeds {given.first} to {played.seed}: {sums['calls']} calls, {sums['bad']} bad", flush=True)
    speed = 1_000 * sums["calls"] / max(1, sums["ms"])
    print(
        f"{sums['calls']} calls over {sums['seeds']} seeds ({given.first} to {given.first + given.seeds - 1}), "
        f"{sums['bad']} seeds with a broken rule; {speed:.0f} calls a second of one core"
    )
    sys.exit(1 if sums["bad"] else 0)


if __name__ == "__main__":
    main()
