"""The command line: `outring COMMAND`. Each command is thin: settings in, one operation, words or JSON out.

Exit codes: 0 done; 1 it did not work out (a check failed, rows were rejected, a violation was found); 2 what was asked
makes no sense (wrong options, settings, files); 130 interrupted.
"""

from __future__ import annotations

import click

from app.cli.audit import audit
from app.cli.backups import backup, restore
from app.cli.bench import bench
from app.cli.caller_ids import caller_ids
from app.cli.campaigns import campaign
from app.cli.demo import demo
from app.cli.dnc import dnc
from app.cli.doctor import doctor
from app.cli.duty import duty
from app.cli.exporting import export
from app.cli.fixes import fix
from app.cli.flows import flow
from app.cli.groups import group
from app.cli.lists import import_
from app.cli.national import national, project
from app.cli.people import apikey, user
from app.cli.profiles import profiles
from app.cli.renewing import upgrade
from app.cli.running import migrate, run
from app.cli.segments import segment
from app.cli.simulate import simulate
from app.cli.sounds import sound
from app.cli.strategies import strategy
from app.cli.trunks import trunk
from app.cli.webhooks import results, webhook
from app.cli.why import waterfall_, why


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="outring", prog_name="outring")
def outring() -> None:
    """Outring: an outbound-campaign dialer that lives beside Asterisk."""


for command in (
    run, upgrade, duty, demo, doctor, import_, export, trunk, flow, strategy, sound, campaign, project, dnc, national,
    caller_ids, profiles, user, group, segment, fix, apikey, simulate, bench, migrate, backup, restore, audit, why,
    waterfall_, webhook, results,
):  # fmt: skip
    outring.add_command(command)


def main() -> None:
    """The entry point of the `outring` program."""
    outring(prog_name="outring")
