"""`outring national` and `outring project`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from app.cli.dnc import column_option, now_ms, operator, say_report
from app.cli.remote import Remote, ask, by_name, path_part
from app.cli.shell import console, counted, fail, json_option, run_async, say_rows, settings
from app.contacts.national import NothingRead, NumbersReport, import_national
from app.contacts.number_files import Reading
from app.contacts.numbers import country
from app.contacts.problems import SheetProblem
from app.store import SqlStore, StoreError
from app.store.national import DEFAULT_AGE_DAYS
from app.units import DAY_MS


@click.group()
def national() -> None:
    """National do-not-call lists (TPS, DNC registry …): millions of numbers, which campaigns honour."""


@national.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", required=True, help="The list's name, such as TPS; made where there is none.")
@click.option("--country", "region", required=True, help="Whose numbers: GB, US, RU …")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="The day the register was so; today when left out.")
@column_option
@json_option
def import_edition(
    file: Path, name: str, region: str, as_of: datetime | None, column: int | None, as_json: bool
) -> None:
    """Load an edition from FILE: plain text or CSV, .gz or .zip of them. It replaces the edition before at its end.

    Calls go on meanwhile, by the edition before; a file that cannot be read leaves that as it is.
    """
    as_of_ms = now_ms() if as_of is None else int(as_of.replace(tzinfo=UTC).timestamp() * 1_000)
    if as_of_ms > now_ms() + DAY_MS:
        fail("--as-of is in the future", code=2)
    if not 1 <= len(name.strip()) <= 64:
        fail("--name has 1 to 64 letters", code=2)
    report = run_async(_import(file, name.strip(), region, as_of_ms, column or 0))
    say_report(report, f"in {name}", as_json=as_json)


async def _import(file: Path, name: str, region: str, as_of_ms: int, column: int) -> NumbersReport:
    try:
        async with await SqlStore.open(settings().database_url) as store:
            with console(as_json=True).status(f"reading {file.name}") as status:

                def show(reading: Reading) -> None:
                    status.update(f"{reading.numbers:,} numbers read")

                return await import_national(
                    store,
                    file,
                    name=name,
                    country=country(region),
                    as_of_ms=as_of_ms,
                    who=operator(),
                    now_ms=now_ms,
                    column=column,
                    on_progress=show,
                )
    except (SheetProblem, StoreError, NothingRead, ValueError) as error:
        fail(str(error))


@national.command("list")
@json_option
def list_national(as_json: bool) -> None:
    """All national lists, with their age and how many campaigns honour them."""
    found = ask(lambda remote: remote.get("/national-lists"))
    say_rows(
        found, _line, "No national list yet: outring national import FILE --name TPS --country GB", as_json=as_json
    )


def _line(one: dict[str, Any]) -> str:
    age = "no edition yet" if one["age_days"] is None else f"{counted(one['age_days'], 'day')} old"
    numbers, honoured = counted(one["numbers"], "number"), counted(one["campaigns"], "campaign")
    return f"{one['name']:20} {one['country']}  {numbers:>20}  {age}  {honoured}"


@national.command("remove")
@click.argument("name")
def remove_national(name: str) -> None:
    """Remove the list NAME, which no campaign honours any more. Its numbers go with the next import."""
    ask(lambda remote: remote.delete(f"/national-lists/{path_part(name)}"))
    click.echo(f"{name} removed")


@national.command("honour")
@click.argument("campaign")
@click.argument("name")
@click.option("--max-age-days", type=click.IntRange(1, 3_650), default=DEFAULT_AGE_DAYS, show_default=True,
              help="When the list is as old, the campaign calls nobody until a newer one is there.")  # fmt: skip
def honour(campaign: str, name: str, max_age_days: int) -> None:
    """Have CAMPAIGN call nobody who is on the national list NAME."""
    told = ask(lambda remote: _set(remote, campaign, name, max_age_days))
    click.echo(f"{campaign} honours {', '.join(one['name'] for one in told['lists'])}")
    if told["waiting_for"]:
        click.echo(f"It calls nobody now: {told['waiting_for']}")


@national.command("ignore")
@click.argument("campaign")
@click.argument("name")
def ignore(campaign: str, name: str) -> None:
    """Have CAMPAIGN honour the national list NAME no more."""
    ask(lambda remote: _set(remote, campaign, name, None))
    click.echo(f"{campaign} does not honour {name}")


async def _set(remote: Remote, campaign: str, name: str, max_age_days: int | None) -> Any:
    found = await by_name(remote, "campaign", campaign)
    path = f"/campaigns/{found['id']}/national-lists"
    before = {one["name"]: one["max_age_days"] for one in (await remote.get(path))["lists"]}
    after = {one: age for one, age in before.items() if one != name}
    if max_age_days is not None:
        after[name] = max_age_days
    return await remote.put(path, {"lists": [{"name": one, "max_age_days": age} for one, age in after.items()]})


# --- projects --------------------------------------------------------------------------------------------------------


@click.group()
def project() -> None:
    """Projects: campaigns that belong together and share a do-not-call list."""


@project.command("list")
@json_option
def list_projects(as_json: bool) -> None:
    """All projects."""
    found = ask(lambda remote: remote.get("/projects"))
    say_rows(
        found,
        lambda one: f"{one['name']:40} {counted(one['campaigns'], 'campaign')}",
        "No project yet: outring project create NAME",
        as_json=as_json,
    )


@project.command("create")
@click.argument("name")
def create_project(name: str) -> None:
    """Make the project NAME."""
    ask(lambda remote: remote.post("/projects", {"name": name}))
    click.echo(f"project {name} made")


@project.command("rename")
@click.argument("name")
@click.argument("new_name")
def rename_project(name: str, new_name: str) -> None:
    """Call the project NAME by another name."""

    async def rename(remote: Remote) -> Any:
        found = await by_name(remote, "project", name)
        return await remote.put(f"/projects/{found['id']}", {"name": new_name})

    ask(rename)
    click.echo(f"project {new_name}")


@project.command("remove")
@click.argument("name")
def remove_project(name: str) -> None:
    """Remove the project NAME, which has no campaigns, with its do-not-call list."""

    async def take_away(remote: Remote) -> None:
        found = await by_name(remote, "project", name)
        await remote.delete(f"/projects/{found['id']}")

    ask(take_away)
    click.echo(f"project {name} removed")


@project.command("move")
@click.argument("campaign")
@click.argument("name")
def move_campaign(campaign: str, name: str) -> None:
    """Put CAMPAIGN into the project NAME, whose do-not-call list counts for it from now on."""

    async def move(remote: Remote) -> Any:
        found = await by_name(remote, "campaign", campaign)
        into = await by_name(remote, "project", name)
        return await remote.put(f"/campaigns/{found['id']}/project", {"project": into["id"]})

    ask(move)
    click.echo(f"{campaign} is in project {name}")
