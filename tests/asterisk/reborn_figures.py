"""Asterisk is killed under the whole program, again and again: how soon is everything at work once its ARI answers?

`python -m tests.asterisk.reborn_figures 5 --talks 2`: so many kills, each with so many conversations of agents on
nailed-up phones. `--away S`: seconds until Asterisk is started again; `--watch S`: how long what was open is looked at.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections import Counter
from pathlib import Path

from app.outcomes import Outcome
from tests.asterisk.reborn import Rebirth, at_work, killed

GOAL_S = 5.0


async def _measure(kills: int, talks: int, away_s: float, watch_s: float) -> None:
    seen = []
    for place in range(kills):
        with tempfile.TemporaryDirectory(prefix="outring-reborn-") as folder:
            async with at_work(Path(folder), talks) as scene:
                one = await killed(scene, away_s=away_s, watch_s=watch_s)
        print(f"kill {place + 1}: {one}", file=sys.stderr)
        seen.append(one)
    _tell(seen, talks, away_s, watch_s)


def _tell(seen: list[Rebirth], talks: int, away_s: float, watch_s: float) -> None:
    print(f"{len(seen)} kills, {talks} conversations each, Asterisk away for {away_s:g} s; seconds from ARI's answer")
    print(f"{'':52}{'median':>8}{'worst':>8}{'goal':>8}")
    for what, times, goal_s in (
        ("the campaign's next INVITE", [one.dialed_s for one in seen], GOAL_S),
        ("every nailed-up phone has rung again", [max(one.rang_s) for one in seen], GOAL_S),
        ("every nailed-up phone is up again", [max(one.up_s) for one in seen], GOAL_S),
        ("every call of before has its outcome", [one.closed_s for one in seen], watch_s),
    ):
        print(f"{what:52}{statistics.median(times):8.2f}{max(times):8.2f}{goal_s:8g}")
    outcomes = sum((one.outcomes for one in seen), Counter[Outcome]())
    print(f"calls open at the kill: {sum(one.live for one in seen)}")
    for outcome, count in outcomes.most_common():
        print(f"  {outcome.name.lower().replace('_', ' ')}: {count}")
    print(f"of them learned from call records: {sum(one.from_records for one in seen)}")
    print(f"without an outcome after {watch_s:g} s: {sum(one.without_outcome for one in seen)} (goal 0)")
    print(f"called twice within the cool-down: {sum(len(one.called_twice) for one in seen)} (goal 0)")


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("kills", type=int)
    asked.add_argument("--talks", type=int, default=2)
    asked.add_argument("--away", type=float, default=3.0)
    asked.add_argument("--watch", type=float, default=120.0)
    given = asked.parse_args()
    asyncio.run(_measure(given.kills, given.talks, given.away, given.watch))
