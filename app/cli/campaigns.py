"""`outring trunk`, `flow`, `campaign`, `dnc` and `export`."""

from __future__ import annotations

import click


@click.group()
def trunk() -> None:
    """Ways out: PJSIP endpoints of your Asterisk, with their limits."""


@click.group()
def flow() -> None:
    """What people hear: IVR flows."""


@click.group()
def campaign() -> None:
    """Campaigns: create, start, pause, stop, watch."""


@click.group()
def dnc() -> None:
    """The do-not-call list."""


@click.command()
def export() -> None:
    """Write a campaign's attempts to a file."""
