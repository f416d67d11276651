"""`outring bench`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from rich.table import Table

from app.cli.shell import console, fail, json_option, run_async, say_json
from asterisk.lab import LabError

if TYPE_CHECKING:
    from app.bench import BenchRow

PARTS = ("calls", "bridging", "idle", "panel", "memory", "claiming", "import", "pacing", "reality")


@click.command()
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Only this part; may be given again.")
@click.option("--quick", is_flag=True, help="A short form: one run, smaller lists. Minutes instead of a quarter hour.")
@json_option
def bench(parts: tuple[str, ...], quick: bool, as_json: bool) -> None:
    """Measure this machine: the dialer beside the bare API loop, on a real Asterisk with SIPp as far end.

    Every figure stands beside a baseline of the same run. Exit code 1 when a goal is not met.
    """
    screen = console(as_json=True)
    try:
        rows = run_async(_bench(parts or PARTS, quick, lambda text: screen.print(f"[dim]{text}[/]")))
    except (LabError, RuntimeError) as error:
        fail(str(error))
    if as_json:
        say_json([asdict(row) for row in rows])
    else:
        console().print(_table(rows))
    if not all(row.holds for row in rows):
        sys.exit(1)


async def _bench(parts: tuple[str, ...], quick: bool, say: Callable[[str], None]) -> list[BenchRow]:
    from app.bench.bridging import FLOORS, bench_bridging
    from app.bench.calls import bench_calls, bench_memory
    from app.bench.claiming import bench_claiming
    from app.bench.idle import bench_idle
    from app.bench.importing import bench_importing
    from app.bench.pacing import bench_pacing
    from app.bench.panel import bench_panel
    from app.bench.reality import bench_reality

    rows: list[BenchRow] = []
    if "calls" in parts:
        rates = (50, 100) if quick else (50, 100, 150, 200)
        rows += await bench_calls(rates, seconds=5 if quick else 10, runs=1 if quick else 3, say=say)
    if "bridging" in parts:
        rows += await bench_bridging(FLOORS[:2] if quick else FLOORS, seconds=10, runs=1 if quick else 3, say=say)
    if "idle" in parts:
        rows += await bench_idle(50 if quick else 500, seconds=10 if quick else 30, say=say)
    if "panel" in parts:
        rows += await bench_panel(50 if quick else 200, changes=100 if quick else 300, say=say)
    if "memory" in parts:
        rows += await bench_memory(2_000 if quick else 20_000, 150, say)
    if "claiming" in parts:
        sizes = (10_000, 200_000) if quick else (10_000, 1_000_000, 10_000_000)
        rows += await bench_claiming(sizes, say)
    if "import" in parts:
        rows += await bench_importing(50_000 if quick else 1_000_000, say)
    if "pacing" in parts:
        rows += bench_pacing(1 if quick else 5, say)
    if "reality" in parts:
        rows += await bench_reality(60 if quick else 240, say)
    return rows


def _table(rows: list[BenchRow]) -> Table:
    table = Table(title="Figures, each beside its baseline", title_justify="left")
    for name, justify in (("figure", "left"), ("value", "right"), ("baseline", "right"), ("ratio", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    table.add_column("goal")
    table.add_column("")
    for row in rows:
        baseline = "" if row.baseline is None else f"{row.baseline:g} {row.unit}"
        ratio = "" if row.ratio is None else f"{row.ratio:g}"
        table.add_row(row.name, f"{row.value:g} {row.unit}", baseline, ratio, row.goal, "✓" if row.holds else "✗")
    return table
