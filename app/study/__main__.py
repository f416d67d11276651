"""`python -m app.study`: the table of pacers on the study's lists."""

from __future__ import annotations

import json

import click

from app.study.benchmark import ANSWER_RATES, FLOORS, HEADER, PACERS, benchmark
from app.study.changes import CHANGES, measure_change
from app.study.memoryless import Memoryless, measure_memoryless


@click.command()
@click.option(
    "--pacer", "pacers", multiple=True, type=click.Choice(list(PACERS)), help="Default: ours and progressive."
)
@click.option("--all", "is_all", is_flag=True, help="Every pacer and bound (hindsight takes long).")
@click.option(
    "--answer-rate", "rates", multiple=True, type=click.FloatRange(0.01, 0.99), help="Default: 0.15, 0.3, 0.6."
)
@click.option("--agents", "floors", multiple=True, type=click.IntRange(1, 2_000), help="Default: 5, 10, 30, 100, 300.")
@click.option("--seeds", default="101-103", show_default=True, help="A range; the policy was tuned on 1 to 9.")
@click.option("--hours", type=click.FloatRange(0.1, 24), default=8, show_default=True)
@click.option("--memoryless", is_flag=True, help="Instead, ours beside the exact optimum of the memoryless world.")
@click.option("--changes", is_flag=True, help="Instead, ours on lists and floors that change.")
@click.option("--json", "as_json", is_flag=True, help="One object a line.")
def main(
    pacers: tuple[str, ...], is_all: bool, rates: tuple[float, ...], floors: tuple[int, ...], seeds: str, hours: float,
    memoryless: bool, changes: bool, as_json: bool,
) -> None:  # fmt: skip
    """Occupancy and abandonment of pacers, played in virtual time."""
    first, _, last = seeds.partition("-")
    if not first.isdigit() or not (last or first).isdigit() or int(last or first) < int(first):
        raise click.BadParameter(f"{seeds!r} is no range like 101-103", param_hint="--seeds")
    chosen = tuple(range(int(first), int(last or first) + 1))
    if changes:
        for name in CHANGES:
            for seed in chosen:
                click.echo(json.dumps(measure_change(name, seed)))
        return
    cells = [(rate, agents) for rate in rates or ANSWER_RATES for agents in floors or FLOORS]
    if memoryless:
        for rate, agents in cells:
            click.echo(json.dumps(measure_memoryless(Memoryless(answer_rate=rate, agents=agents), chosen, hours)))
        return
    names = tuple(PACERS) if is_all else pacers or ("ours", "progressive")
    if not as_json:
        click.echo(HEADER)
    for row in benchmark(names, cells, seeds=chosen, hours=hours):
        click.echo(json.dumps(row.as_json()) if as_json else str(row))


if __name__ == "__main__":
    main()
