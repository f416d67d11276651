"""`outring why` and `outring waterfall`: read from the database, whether or not the dialer runs."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

import click
from sqlalchemy import Connection, or_, select

from app.cli.shell import fail, iso_utc, json_option, run_async, say_json, settings
from app.compliance.library import Lawbook
from app.store import SqlStore, StoreError
from app.store.campaigns import campaign_by_name
from app.store.lists import list_by_name
from app.store.owners import Waiting
from app.store.schema import contacts
from app.store.waterfall import Waterfall, waterfall
from app.store.why import CampaignWhy, why_not
from app.units import CampaignId, ContactId


@click.command("why")
@click.option("--list", "list_name", help="The contact's list; with --row.")
@click.option("--row", type=click.IntRange(min=1), help="The contact's line in the file of its list.")
@click.option("--contact", type=click.IntRange(min=1), help="The contact, by its id.")
@click.option("--number", help="The contacts with this number, in E.164.")
@click.option("--campaign", "campaign_name", help="Only in this campaign.")
@json_option
def why(
    list_name: str | None,
    row: int | None,
    contact: int | None,
    number: str | None,
    campaign_name: str | None,
    as_json: bool,
) -> None:
    """Say why a contact is not called now: every rule in turn, what would change it, and when.

    Name the contact by --list and --row, by --contact, or by --number. Exit code 1 when it may not be called in any
    campaign now. Whether a trunk is out of service at this moment is known to the running dialer alone.
    """
    if sum(1 for one in (contact, number, list_name and row) if one) != 1:
        fail("name the contact: --list NAME --row N, --contact ID, or --number NUMBER", code=2)
    found = _read(_why, list_name, row, contact, number, campaign_name)
    if as_json:
        say_json([_told(one) for one in found])
    else:
        for one in found:
            _say(one)
        if not found:
            click.echo("this contact is in no campaign: attach its list to one")
    if not any(one.is_ready for one in found):
        raise SystemExit(1)


@click.command("waterfall")
@click.argument("campaign")
@json_option
def waterfall_(campaign: str, as_json: bool) -> None:
    """Say how many contacts of CAMPAIGN are left after each rule, down to those that may be called now."""
    found: Waterfall = _read(_waterfall, campaign)
    if as_json:
        say_json(asdict(found) | {"is_sampled": found.is_sampled, "ready": found.ready})
        return
    click.echo(f"{found.total:>11,}  contacts of {found.campaign_name}")
    for step in found.steps:
        about = f" ± {step.plus_minus:,}" if step.plus_minus else ""
        click.echo(f"{step.left:>11,}{about}  after {step.lost:,}: {step.words}")
    click.echo(f"{found.ready:>11,}  ready now")
    for one in found.owners:
        click.echo(f"{one.contacts:>11,}  {_for(one, found.escalates_after_ms)}")
    if found.is_sampled:
        click.echo(
            f"Estimated from {found.asked:,} of {found.waiting:,} waiting contacts; ± holds 95 times in a hundred."
        )
    if found.problem:
        click.echo(f"Nobody is dialed: {found.problem}.")


def _for(one: Waiting, escalates_after_ms: int) -> str:
    whose = f"group {one.owner.name}" if one.owner.is_group else one.owner.name
    told = f"wait for their owner {whose} ({'signed in' if one.owner.is_here else 'signed out'})"
    if not escalates_after_ms:
        return told
    return f"{told}; the first goes to anyone on {iso_utc(one.from_ms + escalates_after_ms)}"


def _read(operation: Any, *args: object) -> Any:
    chosen = settings()

    async def read() -> Any:
        lawbook = Lawbook(chosen.compliance_dir)
        async with await SqlStore.open(chosen.database_url, lawbook=lawbook) as store:
            return await store.read(operation, lawbook, *args)

    try:
        return run_async(read())
    except StoreError as error:
        fail(str(error))


def _why(
    conn: Connection,
    lawbook: Lawbook,
    list_name: str | None,
    row: int | None,
    contact: int | None,
    number: str | None,
    campaign_name: str | None,
) -> list[CampaignWhy]:
    campaign_id = None if campaign_name is None else _campaign(conn, campaign_name)
    found = select(contacts.c.id).order_by(contacts.c.id)
    if contact is not None:
        found = found.where(contacts.c.id == contact)
    elif number is not None:
        phones = (contacts.c.phone1, contacts.c.phone2, contacts.c.phone3, contacts.c.phone4, contacts.c.phone5)
        found = found.where(or_(*(phone == number for phone in phones)))
    else:
        known = list_by_name(conn, list_name or "")
        if known is None:
            raise StoreError(f"there is no list {list_name!r}")
        found = found.where(contacts.c.list_id == known.id, contacts.c.source_line == row)
    ids = conn.execute(found.limit(100)).scalars().all()
    if not ids:
        raise StoreError("there is no such contact")
    now_ms = time.time_ns() // 1_000_000
    return [
        one
        for contact_id in ids
        for one in why_not(conn, lawbook, ContactId(contact_id), now_ms)
        if campaign_id in (None, one.campaign_id)
    ]


def _waterfall(conn: Connection, lawbook: Lawbook, name: str) -> Waterfall:
    return waterfall(conn, lawbook, _campaign(conn, name), time.time_ns() // 1_000_000)


def _campaign(conn: Connection, name: str) -> CampaignId:
    found = campaign_by_name(conn, name)
    if found is None:
        raise StoreError(f"there is no campaign {name!r}")
    return found.campaign.id


def _told(found: CampaignWhy) -> dict[str, Any]:
    facts = asdict(found) | {"status": found.status.value, "is_ready": found.is_ready, "from_ms": found.from_ms}
    return facts | {"reasons": [asdict(one) for one in found.reasons]}


def _say(found: CampaignWhy) -> None:
    verdict = "may be called now" if found.is_ready else "is not called now"
    click.echo(
        f"{found.contact_name or f'contact {found.contact_id}'} {found.number} {verdict} by {found.campaign_name}"
    )
    for one in found.reasons:
        mark = "✓" if one.is_allowed else "✗"
        click.echo(f"  {mark} {one.rule}: {one.why}")
        if not one.is_allowed:
            when = f", {iso_utc(one.from_ms)}" if one.from_ms is not None else ""
            source = f" [{one.source}]" if one.source else ""
            click.echo(f"      changes with: {one.change}{when}{source}")
