"""`outring simulate`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from app.cli.shell import json_option, say_json

if TYPE_CHECKING:
    from app.sim.simulate import SimulationReport


@click.command()
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same trace.")
@click.option("--calls", type=click.IntRange(1, 1_000_000), default=500, show_default=True, help="Contacts to dial.")
@click.option("--chaos", is_flag=True, help="With faults: lost replies, broken connections, restarts of Asterisk.")
@click.option(
    "--mode",
    type=click.Choice(["broadcast", "preview", "progressive", "manual"]),
    default="broadcast",
    show_default=True,
    help="How the campaigns dial.",
)
@click.option(
    "--agents",
    type=click.IntRange(0, 1_000),
    help="Robot agents who serve the campaigns: none in a broadcast unless you say how many, 10 otherwise.",
)
@json_option
def simulate(seed: int, calls: int, chaos: bool, mode: str, agents: int | None, as_json: bool) -> None:
    """Run campaigns on a simulated telephone network in virtual time, and check every rule on its wire.

    Exit code 1 when a rule was broken, or a contact was left without an end.
    """
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
