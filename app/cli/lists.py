"""`outring import`."""

from __future__ import annotations

from pathlib import Path

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from app.cli.shell import console, fail, json_option, run_async, say_json, settings
from app.contacts.importing import import_list, preview
from app.contacts.problems import SheetProblem
from app.contacts.reading import ImportOptions
from app.contacts.report import ImportProgress, ImportReport
from app.store import SqlStore, StoreError

SHOWN = 20


@click.command("import")
@click.option("--list", "list_name", required=True, help="Name of the list; made where there is none.")
@click.option("--country", required=True, help="How numbers without a country code are read: GB, US, RU …")
@click.option("--map", "mapping", multiple=True, metavar="ROLE=COLUMN", help="Say which column is what: phone1=Tel.")
@click.option("--key", "key_column", default="", help="Column that makes a contact the same one again.")
@click.option("--duplicates", type=click.Choice(["skip", "update"]), default="skip", show_default=True)
@click.option("--encoding", help="Encoding of a text file, where the guess is wrong.")
@click.option("--sheet", default="", help="Sheet of a workbook; the first when left out.")
@click.option("--rejected", "rejected_to", type=click.Path(dir_okay=False, path_type=Path), help="Write rejected rows.")
@click.option("--dry-run", is_flag=True, help="Show how the file would be read, and load nothing.")
@json_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_(
    list_name: str, country: str, mapping: tuple[str, ...], key_column: str, duplicates: str, encoding: str | None,
    sheet: str, rejected_to: Path | None, dry_run: bool, as_json: bool, file: Path,
) -> None:  # fmt: skip
    """Load contacts from FILE (CSV, TSV, XLSX, XLS, ODS) into a list. The same file again changes nothing.

    Exit code 0 although rows were rejected; 1 when the file could not be loaded at all.
    """
    roles = dict(part.split("=", 1) for part in mapping if "=" in part)
    if len(roles) != len(mapping):
        fail("--map takes ROLE=COLUMN, such as --map phone1=Tel", code=2)
    options = ImportOptions(
        mapping=roles,
        duplicates="update" if duplicates == "update" else "skip",
        key_column=key_column,
        encoding=encoding,
        sheet=sheet,
        rejected_to=rejected_to,
    )
    try:
        if dry_run:
            _show_preview(file, country, options, as_json=as_json)
            return
        report = run_async(_import(file, list_name, country, options, as_json=as_json))
    except (SheetProblem, StoreError, ValueError) as error:
        fail(str(error))
    if as_json:
        say_json(report.to_json())
    else:
        _say(report, rejected_to)


async def _import(file: Path, list_name: str, country: str, options: ImportOptions, *, as_json: bool) -> ImportReport:
    screen = console(as_json=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rows]} rows"),
        TimeElapsedColumn(),
    )
    async with await SqlStore.open(settings().database_url) as store:
        with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
            task = bar.add_task("checking", total=None, rows=0)

            def show(now: ImportProgress) -> None:
                bar.update(task, description=now.stage, completed=now.done, total=now.total, rows=now.counts.rows)

            return await import_list(store, file, list_name, country, options, on_progress=show)


def _say(report: ImportReport, rejected_to: Path | None) -> None:
    counts = report.counts
    click.echo(
        f"{report.list_name}: {counts.imported} imported ({counts.do_not_call} of them on the do-not-call list), "
        f"{counts.duplicates} duplicates ({counts.updated} updated), {counts.rejected} rejected"
    )
    for problem in report.problems[:SHOWN]:
        click.echo(f"  {problem}")
    if report.problem_count > SHOWN:
        click.echo(f"  … and {report.problem_count - SHOWN} more")
    if counts.rejected and rejected_to is not None:
        click.echo(f"Rejected rows with their reasons: {rejected_to}. Mend them there and import that file.")
    elif counts.rejected:
        click.echo("To get the rejected rows with their reasons, add --rejected FILE.csv")


def _show_preview(file: Path, country: str, options: ImportOptions, *, as_json: bool) -> None:
    seen = preview(file, country, options)
    roles = {column: role for role, column in seen.mapping.as_roles().items()}
    if as_json:
        say_json({"columns": list(seen.columns), "mapping": seen.mapping.as_roles(), "samples": seen.samples})
        return
    for index, column in enumerate(seen.columns):
        values = ", ".join(row[index] for row in seen.samples if index < len(row))
        click.echo(f"{column:24.24} → {roles.get(column, 'kept as a field'):16} {values[:60]}")
