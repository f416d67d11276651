"""`python -m app.study`: the table of pacers on the study's lists; the memoryless world; days that change; signals."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import click

from app.study.benchmark import ANSWER_RATES, FLOORS, HEADER, benchmark
from app.study.changes import CHANGE_HEADER, CHANGES, measure_change
from app.study.contenders import CONTENDERS, OURS
from app.study.memoryless import MEMORYLESS_HEADER, Memoryless, measure_memoryless
from app.study.worth import WORTH_HEADER, measure_worth


@click.command()
@click.option(
    "--pacer", "pacers", multiple=True, type=click.Choice(list(CONTENDERS)), help="Default: ours and progressive."
)
@click.option("--all", "is_all", is_flag=True, help="Every pacer and bound (hindsight takes long).")
@click.option(
    "--answer-rate", "rates", multiple=True, type=click.FloatRange(0.01, 0.99), help="Default: 0.15, 0.3, 0.6."
)
@click.option("--agents", "floors", multiple=True, type=click.IntRange(1, 2_000), help="Default: 5, 10, 30, 100, 300.")
@click.option("--seeds", default="103-105", show_default=True, help="A range; ours was tuned on 1 to 9.")
@click.option("--hours", type=click.FloatRange(0.1, 24), default=8, show_default=True)
@click.option("--memoryless", is_flag=True, help="Instead, ours beside the exact optimum of the memoryless world.")
@click.option("--signals", is_flag=True, help="Instead, what ours makes of what lists and lines tell of their calls.")
@click.option(
    "--agents-differ",
    "differ",
    type=click.FloatRange(0, 1),
    default=0.0,
    help="With --signals: how far agents differ in the length of their talks, and what knowing each is worth.",
)
@click.option("--changes", is_flag=True, help="Instead, ours on lists and floors that change (8 hours each).")
@click.option("--change", "chosen", multiple=True, type=click.Choice(list(CHANGES)), help="Of the changes, only this.")
@click.option("--json", "as_json", is_flag=True, help="One object a line.")
def main(
    pacers: tuple[str, ...], is_all: bool, rates: tuple[float, ...], floors: tuple[int, ...], seeds: str, hours: float,
    memoryless: bool, signals: bool, differ: float, changes: bool, chosen: tuple[str, ...], as_json: bool,
) -> None:  # fmt: skip
    """Occupancy and abandonment of pacers, played in virtual time."""
    days = _seeds(seeds)
    cells = [(rate, agents) for agents in floors or FLOORS for rate in rates or ANSWER_RATES]
    rows: Iterable[Any]
    if changes or chosen:
        header, rows = CHANGE_HEADER, (measure_change(name, days) for name in chosen or CHANGES)
    elif memoryless:
        worlds = (Memoryless(answer_rate=rate, agents=agents) for rate, agents in cells)
        header, rows = MEMORYLESS_HEADER, (measure_memoryless(world, days, hours) for world in worlds)
    elif signals:
        header, rows = WORTH_HEADER, (measure_worth(rate, agents, days, hours, differ) for rate, agents in cells)
    else:
        names = tuple(CONTENDERS) if is_all else pacers or (OURS, "progressive")
        header, rows = HEADER, benchmark(names, cells, seeds=days, hours=hours)
    if not as_json:
        click.echo(header)
    for row in rows:
        click.echo(json.dumps(row.as_json()) if as_json else str(row))


def _seeds(told: str) -> tuple[int, ...]:
    first, _, last = told.partition("-")
    if not first.isdigit() or not (last or first).isdigit() or int(last or first) < int(first):
        raise click.BadParameter(f"{told!r} is no range like 103-105", param_hint="--seeds")
    return tuple(range(int(first), int(last or first) + 1))


if __name__ == "__main__":
    main()
