"""`outring simulate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from app.cli.shell import json_option, say_json

if TYPE_CHECKING:
    from app.sim.simulate import SimulationReport


@click.command()
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same trace.")
@click.option("--calls", type=click.IntRange(1, 1_000_000), default=500, show_default=True, help="Contacts to dial.")
@click.option("--chaos", is_flag=True, help="With faults: lost replies, broken connections, restarts of Asterisk.")
@click.option(
    "--mode",
    type=click.Choice(["broadcast", "preview", "progressive", "predictive", "manual"]),
    default="broadcast",
    show_default=True,
    help="How the campaigns dial.",
)
@click.option(
    "--agents",
    type=click.IntRange(0, 1_000),
    help="Robot agents who serve the campaigns: none in a broadcast unless you say how many, 10 otherwise.",
)
@click.option("--benchmark", is_flag=True, help="Instead, the pacers side by side on the lists of docs/pacing.md.")
@click.option("--hours", type=click.FloatRange(0.1, 24), default=8.0, show_default=True, help="Of a benchmark's day.")
@click.option("--days", type=click.IntRange(1, 100), default=3, show_default=True, help="Of it: seeds from --seed on.")
@click.option(
    "--answer-rate",
    "rates",
    multiple=True,
    type=click.FloatRange(0.01, 0.99),
    help="Of it: 0.15, 0.3 and 0.6 unless you say.",
)
@click.option(
    "--pacer", "pacers", multiple=True, help="In the benchmark: ours and progressive, unless you name others."
)
@click.option(
    "--scenario",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Instead, play a shift described in this YAML file (docs/laboratory.md), --days times.",
)
@click.option("--picture", type=click.Path(dir_okay=False, path_type=Path), help="Of a scenario, as an SVG file.")
@json_option
@click.pass_context
def simulate(
    context: click.Context, seed: int, calls: int, chaos: bool, mode: str, agents: int | None, benchmark: bool,
    hours: float, days: int, rates: tuple[float, ...], pacers: tuple[str, ...], scenario: Path | None,
    picture: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Run campaigns on a simulated telephone network in virtual time, and check every rule on its wire.

    Exit code 1 when a rule was broken, or a contact was left without an end.
    With --benchmark: occupancy and abandonment of pacers on lists where 15, 30 and 60% answer, for --agents or for 5,
    10 and 30; one row a line, median and range over the days.
    With --scenario: what tomorrow's shift would bring, dialed progressively and predictively side by side; a --mode
    that is named is played alone.
    """
    if picture is not None and scenario is None:
        raise click.UsageError("--picture is of a scenario: give --scenario FILE")
    if picture is not None and not picture.parent.is_dir():  # a shift takes minutes: told before it, not after
        raise click.BadParameter(f"there is no folder {str(picture.parent)!r}", param_hint="--picture")
    if scenario is not None:
        is_named = context.get_parameter_source("mode") is not ParameterSource.DEFAULT
        modes = (mode,) if is_named else ("progressive", "predictive")
        _play(scenario, modes, tuple(range(seed, seed + days)), picture, as_json)
        return
    if benchmark:
        _benchmark(tuple(range(seed, seed + days)), agents, rates, hours, pacers, as_json)
        return
    from app.agents import DialingMode
    from app.sim.faults import CHAOS, NO_FAULTS
    from app.sim.simulate import simulate as run_simulation

    dialing = DialingMode(mode)
    if agents is None:
        agents = 0 if dialing is DialingMode.BROADCAST else 10
    if not agents and dialing is not DialingMode.BROADCAST:
        raise click.UsageError(f"{mode} dialing needs agents: give --agents 1 or more")
    report = run_simulation(seed, calls, faults=CHAOS if chaos else NO_FAULTS, mode=dialing, agents=agents)
    if as_json:
        say_json(report.as_json())
    else:
        click.echo(_summary(report))
    if not report.has_passed:
        sys.exit(1)


def _play(file: Path, modes: tuple[str, ...], seeds: tuple[int, ...], picture: Path | None, as_json: bool) -> None:
    from app.agents import DialingMode
    from app.sim.laboratory import HEADER, play, row
    from app.sim.picture import picture_of
    from app.sim.scenario import MODES, ScenarioError, read_scenario

    if unknown := [mode for mode in modes if DialingMode(mode) not in MODES]:
        raise click.UsageError(f"a scenario is not dialed in the mode {unknown[0]}; only in predictive and progressive")
    try:
        scenario = read_scenario(file.read_text(encoding="utf-8"), name=file.stem)
    except (ScenarioError, UnicodeDecodeError) as error:
        raise click.ClickException(str(error)) from error
    if not as_json:
        click.echo(f"{scenario.name}: {scenario.hours:g} h, {len(seeds)} day(s)\n{HEADER}")
    played = []
    for mode in modes:
        for seed in seeds:
            played.append(play(scenario, DialingMode(mode), seed))
            if as_json:
                say_json(played[-1].as_json())
        if not as_json:
            click.echo(row([one for one in played if one.mode == mode]))
    if picture is not None:
        target = max(campaign.target for campaign in scenario.campaigns)
        picture.write_text(picture_of(played, target), encoding="utf-8")
    if any(one.violations for one in played):
        raise click.ClickException("a rule was broken on the wire: this is a mistake of the program")


def _benchmark(
    seeds: tuple[int, ...], agents: int | None, rates: tuple[float, ...], hours: float, pacers: tuple[str, ...],
    as_json: bool,
) -> None:  # fmt: skip
    from app.study.benchmark import ANSWER_RATES, HEADER, benchmark
    from app.study.contenders import CONTENDERS, OURS

    unknown = [name for name in pacers if name not in CONTENDERS]
    if unknown:
        raise click.BadParameter(
            f"no pacer is called {unknown[0]!r}: there are {', '.join(CONTENDERS)}", param_hint="--pacer"
        )
    if agents == 0:
        raise click.UsageError("a benchmark needs agents: give --agents 1 or more")
    floors = (agents,) if agents else (5, 10, 30)
    cells = [(rate, floor) for floor in floors for rate in rates or ANSWER_RATES]
    if not as_json:
        click.echo(HEADER)
    for row in benchmark(pacers or (OURS, "progressive"), cells, seeds=seeds, hours=hours):
        if as_json:
            say_json(row.as_json())
        else:
            click.echo(str(row))


def _summary(report: SimulationReport) -> str:
    """The report for people."""
    from app.sim.faults import NO_FAULTS

    days, hours = divmod(round(report.virtual_seconds / 3_600), 24)
    floor = f" with {report.agents} agents, who talked with {report.talked:,} people" if report.agents else ""
    lines = [
        f"Seed {report.seed}: {report.mode} dialing{floor}.",
        f"{report.contacts:,} contacts, {report.attempts:,} attempts, {report.placed:,} calls,"
        f" {report.answered:,} answered,",
        f"in {days} days {hours} hours of virtual time ({report.seconds:.1f} s of yours).",
        "Outcomes: " + (", ".join(f"{name} {count:,}" for name, count in report.outcomes.items()) or "none") + ".",
        f"Faults: {report.faults}" if report.faults != NO_FAULTS else "",
        *(f"BROKEN: {found.rule.value}: {found.detail} at {found.at_ms}" for found in report.violations),
        f"NOT DONE: {report.unaccounted:,} contacts without an end." if report.unaccounted else "",
        "" if report.is_finished else "NOT DONE: the campaigns did not finish.",
        "No rule was broken, and every contact has its end." if report.has_passed else "",
        f"Trace: {report.trace_lines:,} lines, sha256 {report.trace_sha256}",
    ]
    return "\n".join(line for line in lines if line)
