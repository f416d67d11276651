"""`outring simulate`."""

from __future__ import annotations

import sys

import click

from app.cli.shell import json_option, say_json


@click.command()
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same trace.")
@click.option("--calls", type=click.IntRange(1, 1_000_000), default=500, show_default=True, help="Contacts to dial.")
@click.option("--chaos", is_flag=True, help="With faults: lost replies, broken connections, restarts of Asterisk.")
@json_option
def simulate(seed: int, calls: int, chaos: bool, as_json: bool) -> None:
    """Run a campaign on a simulated telephone network in virtual time, and check every rule on its wire.

    Exit code 1 when a rule was broken, or a contact was left without an end.
    """
    from app.sim.faults import CHAOS, NO_FAULTS
    from app.sim.simulate import simulate as run_simulation

    report = run_simulation(seed, calls, faults=CHAOS if chaos else NO_FAULTS)
    if as_json:
        say_json(report.as_json())
    else:
        click.echo(str(report))
    if not report.has_passed:
        sys.exit(1)
