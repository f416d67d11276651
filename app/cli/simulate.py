"""`outring simulate`."""

from __future__ import annotations

import sys

import click

from app.cli.shell import json_option, say_json


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
        click.echo(str(report))
    if not report.has_passed:
        sys.exit(1)
