"""`outring simulate`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
from click.core import ParameterSource

from app.cli.shell import fail, json_option, run_async, say_json, settings

if TYPE_CHECKING:
    from app.sim.scenario import Scenario
    from app.sim.simulate import SimulationReport


@click.command()
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same trace.")
@click.option("--calls", type=click.IntRange(1, 1_000_000), default=500, show_default=True, help="Contacts to dial.")
@click.option(
    "--chaos",
    is_flag=True,
    help="With faults: lost replies, broken connections, restarts of Asterisk; without agents also dialers that are "
    "killed, frozen and taken over from, a database that fills, goes and stalls, stepped clocks, edited lists.",
)
@click.option(
    "--law",
    is_flag=True,
    help="People live in many time zones, and laws say when and how often they may be called: it takes virtual days.",
)
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
    "--pacer",
    "pacers",
    multiple=True,
    help="In the benchmark: ours and progressive, unless you name others. In a scenario: progressive, predictive, or "
    "another's, as its documentation tells it: fixed-ratio=2.5, vicidial-ratio=2, vicidial-adapt, lines-corrected, "
    "erlang.",
)
@click.option(
    "--scenario",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Instead, play a shift described in this YAML file (docs/laboratory.md), --days times.",
)
@click.option(
    "--from-campaign",
    metavar="NAME",
    help="Instead, play a shift as this campaign's last days were; --agents N: with so many agents.",
)
@click.option(
    "--write-scenario",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --from-campaign: write the scenario into this file, to be changed, and play nothing.",
)
@click.option("--picture", type=click.Path(dir_okay=False, path_type=Path), help="Of a scenario, as an SVG file.")
@json_option
@click.pass_context
def simulate(
    context: click.Context, seed: int, calls: int, chaos: bool, law: bool, mode: str, agents: int | None,
    benchmark: bool, hours: float, days: int, rates: tuple[float, ...], pacers: tuple[str, ...], scenario: Path | None,
    from_campaign: str | None, write_scenario: Path | None, picture: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Run campaigns on a simulated telephone network in virtual time, and check every rule on its wire.

    Exit code 1 when a rule was broken, or a contact was left without an end.
    With --benchmark: occupancy and abandonment of pacers on lists where 15, 30 and 60% answer, for --agents or for 5,
    10 and 30; one row a line, median and range over the days.
    With --scenario or --from-campaign: what tomorrow's shift would bring, dialed progressively and predictively side
    by side; a --mode that is named is played alone, as are the pacers named by --pacer. --agents changes how many work.
    """
    is_shift = scenario is not None or from_campaign is not None
    if scenario is not None and from_campaign is not None:
        raise click.UsageError("--scenario and --from-campaign are two shifts: give one of them")
    if write_scenario is not None and from_campaign is None:
        raise click.UsageError("--write-scenario writes a campaign's own history: give --from-campaign NAME")
    if picture is not None and not is_shift:
        raise click.UsageError("--picture is of a shift: give --scenario FILE or --from-campaign NAME")
    if picture is not None and not picture.parent.is_dir():  # a shift takes minutes: told before it, not after
        raise click.BadParameter(f"there is no folder {str(picture.parent)!r}", param_hint="--picture")
    if is_shift:
        is_named = context.get_parameter_source("mode") is not ParameterSource.DEFAULT
        if is_named and pacers:
            raise click.UsageError("--mode and --pacer say both how it is dialed: give one of them")
        shift = _read(scenario) if scenario is not None else _lived(from_campaign or "")
        if agents is not None:
            shift = _with_agents(shift, agents)
        if write_scenario is not None:
            from app.sim.scenario import write_scenario as as_file

            write_scenario.write_text(as_file(shift), encoding="utf-8")
            click.echo(f"{write_scenario}: {shift.name}; play it with: outring simulate --scenario {write_scenario}")
            return
        wanted = pacers or ((mode,) if is_named else ("progressive", "predictive"))
        _play(shift, wanted, tuple(range(seed, seed + days)), picture, as_json)
        return
    if benchmark:
        _benchmark(tuple(range(seed, seed + days)), agents, rates, hours, pacers, as_json)
        return
    from app.agents import DialingMode
    from app.sim.faults import CHAOS, NO_FAULTS, STORM
    from app.sim.simulate import simulate as run_simulation

    dialing = DialingMode(mode)
    if agents is None:
        agents = 0 if dialing is DialingMode.BROADCAST else 10
    if not agents and dialing is not DialingMode.BROADCAST:
        raise click.UsageError(f"{mode} dialing needs agents: give --agents 1 or more")
    faults = (CHAOS if agents else STORM) if chaos else NO_FAULTS
    report = run_simulation(seed, calls, faults=faults, mode=dialing, agents=agents, is_under_law=law)
    if as_json:
        say_json(report.as_json())
    else:
        click.echo(_summary(report))
    if not report.has_passed:
        sys.exit(1)


def _read(file: Path) -> Scenario:
    from app.sim.scenario import ScenarioError, read_scenario

    try:
        return read_scenario(file.read_text(encoding="utf-8"), name=file.stem)
    except (ScenarioError, UnicodeDecodeError) as error:
        raise click.ClickException(str(error)) from error


def _lived(name: str) -> Scenario:
    """The shift a campaign's last days were."""
    from app.sim.past_shift import scenario_of
    from app.sim.scenario import ScenarioError
    from app.store import SqlStore, StoreError
    from app.store.campaigns import campaign_by_name, list_campaigns

    async def read() -> Scenario:
        async with await SqlStore.open(settings().database_url) as store:
            entry = await store.read(campaign_by_name, name)
            if entry is None:
                names = [repr(one.campaign.name) for one in (await store.read(list_campaigns))[:20]]
                fail(f"there is no campaign {name!r}" + (f"; there are: {', '.join(names)}" if names else " at all"))
            return await store.read(scenario_of, entry.campaign, round(time.time() * 1_000))

    try:
        return run_async(read())
    except (ScenarioError, StoreError) as error:
        raise click.ClickException(str(error)) from error


def _with_agents(shift: Scenario, agents: int) -> Scenario:
    """The same shift with so many agents, from its beginning to its end."""
    from app.sim.scenario import Agents, ScenarioError, checked

    try:
        return checked(msgspec.structs.replace(shift, agents=(Agents(count=agents),) if agents else ()))
    except ScenarioError as error:
        raise click.ClickException(str(error)) from error


def _play(
    scenario: Scenario, pacers: tuple[str, ...], seeds: tuple[int, ...], picture: Path | None, as_json: bool
) -> None:
    from app.agents import DialingMode
    from app.sim.laboratory import HEADER, play, remarks, row
    from app.sim.picture import picture_of
    from app.sim.scenario import MODES
    from app.study.in_the_laboratory import another

    makers = {}
    for name in pacers:
        if name not in [mode.value for mode in MODES]:
            if name in [mode.value for mode in DialingMode]:
                known = "only in predictive and progressive"
                raise click.UsageError(f"a scenario is not dialed in the mode {name}; {known}")
            try:
                makers[name] = another(name)
            except ValueError as error:
                raise click.BadParameter(str(error), param_hint="--pacer") from error
    if not as_json:
        click.echo(f"{scenario.name}: {scenario.hours:g} h, {len(seeds)} day(s)\n{HEADER}")
    played = []
    for name in pacers:
        for seed in seeds:
            if name in makers:
                day = play(scenario, DialingMode.PREDICTIVE, seed, pacer=name, make_pacer=makers[name])
            else:
                day = play(scenario, DialingMode(name), seed)
            played.append(day)
            if as_json:
                say_json(day.as_json())
        if not as_json:
            click.echo(row([one for one in played if one.mode == name]))
    for remark in remarks(scenario, played):
        click.echo(remark, err=as_json)
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
