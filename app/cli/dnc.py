"""`outring dnc`."""

from __future__ import annotations

import asyncio
import getpass
import time
from pathlib import Path
from typing import Any

import click

from app.barring import OTHERS_MS
from app.cli.remote import Remote, ask, by_name, path_part
from app.cli.shell import console, fail, iso_utc, json_option, say_json, settings
from app.cli.shell import run_async as run_here
from app.commands import AddDnc
from app.contacts.national import NothingRead, NumbersReport, import_opt_outs
from app.contacts.number_files import Reading
from app.contacts.numbers import NumberProblem, country, reader_for
from app.contacts.problems import SheetProblem
from app.store import SqlStore, StoreError, campaigns, projects
from app.store.dnc import is_dnc
from app.units import CampaignId, Number, ProjectId, beginning, number

country_option = click.option("--country", default="", help="How numbers without a country code are read: GB, US, RU.")
project_option = click.option("--project", default="", help="Only for the campaigns of this project.")
campaign_option = click.option("--campaign", default="", help="Only for this campaign.")
column_option = click.option("--column", type=click.IntRange(1, 1_000), help="The field with the number, from 1.")


@click.group()
def dnc() -> None:
    """The do-not-call list: numbers, beginnings of numbers (+4470*) and people that are not called.

    For all campaigns, those of a project, or one.
    """


@dnc.command("add")
@click.argument("numbers", nargs=-1)
@click.option("--contact", type=click.IntRange(min=1), help="A contact by its id, with all of their phones.")
@click.option("--why", default="", help="In your words; kept with the entry.")
@country_option
@project_option
@campaign_option
@json_option
def add(
    numbers: tuple[str, ...], contact: int | None, why: str, country: str, project: str, campaign: str, as_json: bool
) -> None:
    """Put NUMBERS on the list of the running dialer; when it answers, no call to them starts any more.

    +4470* (in quotes, for your shell) is every number that begins so.
    """
    if bool(numbers) is (contact is not None):
        fail("give numbers, or --contact ID", code=2)
    bodies: list[dict[str, Any]] = [{"number": _read(text, country)} for text in numbers] or [{"contact": contact}]

    async def add_all(remote: Remote) -> list[Any]:
        where = await _where(remote, project, campaign)
        return [await remote.post("/dnc", body | where | {"why": why}) for body in bodies]

    added = ask(add_all)
    if as_json:
        say_json(added)
    else:
        count = sum(1 + len(one["numbers"]) for one in added)
        click.echo(f"{count} on the do-not-call list")


@dnc.command("remove")
@click.argument("wanted", metavar="NUMBER")
@country_option
@project_option
@campaign_option
def remove(wanted: str, country: str, project: str, campaign: str) -> None:
    """Take NUMBER off the list, where it was put by mistake; a person goes with all of their phones."""
    found = _read(wanted, country)

    async def take_off(remote: Remote) -> None:
        where = await _where(remote, project, campaign)
        query = "&".join(f"{name}={value}" for name, value in where.items())
        await remote.delete(f"/dnc/{path_part(found)}" + (f"?{query}" if query else ""))

    ask(take_off)
    click.echo(f"{found} is off the list")


@dnc.command("list")
@click.option("--after", default="", help="Begin after this number.")
@click.option("--beginning", default="", help="Only numbers that begin so: +4420.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=100, show_default=True)
@project_option
@campaign_option
@json_option
def list_numbers(after: str, beginning: str, limit: int, project: str, campaign: str, as_json: bool) -> None:
    """Numbers on the list, in their order, with who put them there, when and why."""

    async def page(remote: Remote) -> Any:
        where = await _where(remote, project, campaign)
        asked = {name: value for name, value in {"after": after, "beginning": beginning}.items() if value}
        return await remote.get("/dnc", limit=limit, **asked, **where)

    found = ask(page)
    if as_json:
        say_json(found)
        return
    for one in found:
        of = f"project {one['project']}" if one["project"] else f"campaign {one['campaign']}" if one["campaign"] else ""
        parts = (one["number"], one["source"], iso_utc(one["created_at_ms"]), one["who"], of, one["why"])
        click.echo("\t".join(parts).rstrip())
    if len(found) == limit:
        click.echo(f"… more: --after {found[-1]['cursor']}", err=True)


@dnc.command("check")
@click.argument("wanted", metavar="NUMBER")
@country_option
@campaign_option
@json_option
def check(wanted: str, country: str, campaign: str, as_json: bool) -> None:
    """Whether NUMBER is on the list: exit code 0 when it is, 1 when it may be called. Needs no running dialer.

    With --campaign its own and its project's lists count, and the national lists it honours.
    """
    found = _read(wanted, country)
    is_listed = run_here(_is_listed(found, campaign))
    if as_json:
        say_json({"number": found, "do_not_call": is_listed})
    else:
        click.echo(f"{found} is {'' if is_listed else 'not '}on the do-not-call list")
    if not is_listed:
        raise SystemExit(1)


async def _is_listed(wanted: str, campaign: str) -> bool:
    try:
        async with await SqlStore.open(settings().database_url) as store:
            campaign_id = None if not campaign else (await _campaign(store, campaign))
            return await store.read(is_dnc, wanted, campaign_id=campaign_id)
    except StoreError as error:
        fail(str(error))


# --- files -----------------------------------------------------------------------------------------------------------


@dnc.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--country", required=True, help="How numbers without a country code are read: GB, US, RU …")
@click.option("--why", default="", help="In your words; kept with the entries.")
@column_option
@project_option
@campaign_option
@json_option
def import_file(
    file: Path, country: str, why: str, column: int | None, project: str, campaign: str, as_json: bool
) -> None:
    """Put the numbers of FILE on the list: plain text or CSV, .gz or .zip of them, of any length.

    Needs no running dialer. One that runs calls none of them from the end of this command on.
    """
    if project and campaign:
        fail("give --project or --campaign, not both", code=2)
    report = run_here(_import(file, country, why, column or 0, project, campaign))
    say_report(report, "on the do-not-call list", as_json=as_json)


async def _import(file: Path, region: str, why: str, column: int, project: str, campaign: str) -> NumbersReport:
    screen = console(as_json=True)
    try:
        async with await SqlStore.open(settings().database_url) as store:
            like = AddDnc(
                number="",
                source="import",
                who=operator(),
                why=why or f"from {file.name}"[:200],
                project_id=await _project(store, project) if project else None,
                campaign_id=await _campaign(store, campaign) if campaign else None,
            )
            with screen.status(f"reading {file.name}") as status:

                def show(reading: Reading) -> None:
                    status.update(f"{reading.numbers:,} numbers read")

                report = await import_opt_outs(
                    store, file, country=country(region), like=like, now_ms=now_ms, column=column, on_progress=show
                )
                status.update("waiting for claims of before")
                await asyncio.sleep(OTHERS_MS / 1_000)
            return report
    except (SheetProblem, StoreError, NothingRead, ValueError) as error:
        fail(str(error))


def say_report(report: NumbersReport, words: str, *, as_json: bool) -> None:
    """What an import of numbers did."""
    if as_json:
        say_json(report.to_json())
        return
    click.echo(f"{report.numbers:,} numbers {words}, {report.new:,} of them new; {report.rejected:,} lines rejected")
    for problem in report.problems:
        click.echo(f"  {problem}")


def now_ms() -> int:
    """The time."""
    return time.time_ns() // 1_000_000


def operator() -> str:
    """Who types this, as the machine knows them."""
    try:
        return getpass.getuser()[:64]
    except (KeyError, OSError):
        return ""


async def _project(store: SqlStore, name: str) -> ProjectId:
    found = [one.id for one in await store.read(projects.list_projects) if one.name == name]
    if not found:
        raise ValueError(f"there is no project {name!r}")
    return found[0]


async def _campaign(store: SqlStore, name: str) -> CampaignId:
    entry = await store.read(campaigns.campaign_by_name, name)
    if entry is None:
        fail(f"there is no campaign {name!r}")
    return entry.campaign.id


async def _where(remote: Remote, project: str, campaign: str) -> dict[str, int]:
    """Whom an entry is for, by name."""
    where: dict[str, int] = {}
    if project:
        where["project"] = (await by_name(remote, "project", project))["id"]
    if campaign:
        where["campaign"] = (await by_name(remote, "campaign", campaign))["id"]
    return where


def _read(text: str, country_code: str) -> Number:
    """A number as people write it, or a beginning of numbers, or the end."""
    try:
        if text.endswith("*"):
            return Number(beginning(text))
        found = reader_for(country(country_code)).read(text) if country_code else number(text)
    except ValueError as error:
        fail(str(error) + ("" if country_code else "; written otherwise, it needs --country"), code=2)
    if isinstance(found, NumberProblem):
        fail(f"{found.why}, found {found.found!r}; {found.mend}", code=2)
    return found
