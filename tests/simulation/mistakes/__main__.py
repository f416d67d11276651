"""`make mistakes`: every listed mistake planted in a copy of the source, played, and what found it.

Prints a line for each, then how many were found by the checkers at the wire, by tests, and by nobody (the survivors).
Exit code 1 when a mistake cannot be planted, or when fewer than the goal are found.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.simulation.mistakes.listed import Mistake, SourceMovedOn, listed
from tests.simulation.mistakes.planting import Tree, Verdict, judge, tree

GOAL: Final = 0.95
"""The share of the mistakes that may do harm that must be found."""


def main() -> int:
    """See the module."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("names", nargs="*", help="only these, or those of files whose path holds one of these words")
    asked.add_argument("--jobs", type=int, default=1, help="how many at the same time, each in a copy of its own")
    asked.add_argument("--tests", action="store_true", help="ask the tests also about what a checker has found")
    asked.add_argument(
        "--report", type=Path, help="a file for what was found; what it tells already is not played again"
    )
    given = asked.parse_args()
    mistakes = [
        one for one in listed() if not given.names or any(word in (one.name, *_words(one)) for word in given.names)
    ]
    try:
        for one in mistakes:
            one.planted()
    except SourceMovedOn as error:
        print(error, file=sys.stderr)
        return 1
    if not _reported(given.report) and (complaint := _without_any()):
        print(f"Without any mistake something is found already: {complaint}", file=sys.stderr)
        return 1
    by_name = {one.name: one for one in mistakes}
    verdicts = [one for one in _reported(given.report) if one.name in by_name]
    mistakes = [one for one in mistakes if one.name not in {verdict.name for verdict in verdicts}]
    for verdict in _judged(mistakes, given.jobs, with_tests=given.tests):
        verdicts.append(verdict)
        print(_line(by_name[verdict.name], verdict), flush=True)
        if given.report is not None:
            with given.report.open("a") as out:
                out.write(json.dumps(dataclasses.asdict(verdict)) + "\n")
    return _sum_up(by_name, verdicts)


def _reported(report: Path | None) -> list[Verdict]:
    if report is None or not report.exists():
        return []
    read = [json.loads(line) for line in report.read_text().splitlines()]
    return [Verdict(**{**one, "rules": tuple(one["rules"])}) for one in read]


def _words(mistake: Mistake) -> tuple[str, ...]:
    return (mistake.file, Path(mistake.file).stem, *Path(mistake.file).parent.parts)


def _without_any() -> str:
    with tree() as copy:
        lines, ended = copy.plays()
    return ended or next((f"{line['play']}: {line['found']}" for line in lines if line["found"]), "")


def _judged(mistakes: Sequence[Mistake], jobs: int, *, with_tests: bool) -> Iterator[Verdict]:
    with (
        TemporaryDirectory(prefix="outring-mistakes-") as folder,
        ProcessPoolExecutor(max_workers=jobs, initializer=_begin, initargs=(folder,)) as processes,
    ):
        for done in as_completed([processes.submit(_single, one, with_tests) for one in mistakes]):
            yield done.result()


_COPY: list[Tree] = []
"""The copy of this process."""


def _begin(folder: str) -> None:
    _COPY.append(Tree(Path(folder) / str(os.getpid())))


def _single(mistake: Mistake, with_tests: bool) -> Verdict:
    return judge(_COPY[0], mistake, with_tests=with_tests)


def _line(mistake: Mistake, verdict: Verdict) -> str:
    if verdict.rules:
        by = f"wire: {', '.join(verdict.rules)} ({verdict.play})"
    elif verdict.died:
        by = f"simulator: {verdict.died}"
    else:
        by = "not found in the simulator" if mistake.is_played else "nothing for the simulator to see"
    if verdict.tests is not None:
        by += f"; tests: {verdict.tests or 'none failed'}"
    return f"{mistake.name} [{verdict.cpu_s:.0f} s]: {by}"


def _sum_up(by_name: dict[str, Mistake], verdicts: Sequence[Verdict]) -> int:
    counts = Counter[str]()
    for one in verdicts:
        counts["wire"] += one.is_on_the_wire
        counts["died"] += not one.is_on_the_wire and bool(one.died)
        counts["tests"] += not one.is_on_the_wire and not one.died and bool(one.tests)
    left = [one.name for one in verdicts if not one.is_found]
    harmful = [name for name in left if not by_name[name].no_harm]
    total = len(verdicts)
    print(
        f"\n{total} mistakes planted: {counts['wire']} found by the checkers at the wire, {counts['died']} by "
        f"assertions of the engine in simulated runs, {counts['tests']} by tests alone, {len(left)} by nobody; "
        f"{sum(one.cpu_s for one in verdicts):.0f} s of CPU time."
    )
    for name in left:
        print(f"  survivor {name}: {by_name[name].no_harm or 'A GAP: ' + by_name[name].why}")
    return int(bool(total) and (total - len(harmful)) / total < GOAL)


if __name__ == "__main__":
    sys.exit(main())
