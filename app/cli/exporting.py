"""`outring export`: every attempt of a campaign as CSV or XLSX, straight from the database, page by page."""

from __future__ import annotations

import csv
import os
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from app.cli.shell import console, counted, fail, json_option, run_async, say_json, settings
from app.contacts.rejects import neutralised
from app.store import SqlStore, StoreError
from app.store.attempts import AttemptEntry, attempts_page
from app.store.campaigns import CampaignEntry, campaign_by_name, list_campaigns
from app.units import AttemptId

PAGE: Final = 1_000
SHEET_ROWS: Final = 1_048_575
"""Rows of a sheet below its header: what Excel holds."""
COLUMNS: Final = (
    "attempt", "campaign", "contact", "name", "number", "trunk", "opened", "placed", "ringing", "answered", "ended",
    "closed", "outcome", "outcome_label", "is_charged", "talk_s", "sip_code", "cause", "cause_text", "flow_ended_by",
    "language", "keys", "last_step", "heard_s", "prompts_s", "heard_to_end", "answers", "recordings", "opted_out",
    "voicemail_left",
)  # fmt: skip
Row = list[str | int | float | None]


@click.command()
@click.option("--campaign", "name", required=True, help="The campaign's name.")
@click.option("--out", "path", required=True, type=click.Path(dir_okay=False, path_type=Path), help="FILE.csv or .xlsx")
@json_option
def export(name: str, path: Path, as_json: bool) -> None:
    """Write every attempt of a campaign to a file, newest first, one row an attempt.

    Needs no running dialer, and does not disturb one. Times are ISO 8601 in UTC. Cells that a spreadsheet would run as
    a formula get an apostrophe before them. The file appears when it is complete.
    """
    writers: dict[str, Callable[[Path], _Sheet]] = {".csv": _Csv, ".xlsx": _Xlsx}
    writer = writers.get(path.suffix.lower())
    if writer is None:
        fail(f"{path.name}: the name must end in .csv or .xlsx", code=2)
    try:
        rows = run_async(_export(name, path, writer))
    except StoreError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{path}: {error.strerror or error}")
    if as_json:
        say_json({"campaign": name, "file": str(path), "attempts": rows})
    else:
        click.echo(f"{counted(rows, 'attempt')} in {path}")


async def _export(name: str, path: Path, writer: Callable[[Path], _Sheet]) -> int:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}{path.suffix}")
    async with await SqlStore.open(settings().database_url) as store:
        entry = await store.read(campaign_by_name, name)
        if entry is None:
            names = [repr(one.campaign.name) for one in (await store.read(list_campaigns))[:20]]
            fail(f"there is no campaign {name!r}" + (f"; there are: {', '.join(names)}" if names else " at all"))
        screen = console(as_json=True)
        columns = (TextColumn("exporting"), BarColumn(), TextColumn("{task.completed} attempts"), TimeElapsedColumn())
        try:
            with (
                writer(unfinished) as sheet,
                Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar,
            ):
                task = bar.add_task("", total=entry.progress.attempts)
                rows = 0
                async for page in _pages(store, entry):
                    for attempt in page:
                        sheet.write(row_of(attempt, entry))
                    rows += len(page)
                    bar.update(task, completed=rows)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        return rows


async def _pages(store: SqlStore, entry: CampaignEntry) -> AsyncIterator[Sequence[AttemptEntry]]:
    before: AttemptId | None = None
    while True:
        page = await store.read(attempts_page, campaign_id=entry.campaign.id, before=before, limit=PAGE)
        yield page.attempts
        before = page.next_before
        if before is None:
            return


def row_of(attempt: AttemptEntry, entry: CampaignEntry) -> Row:
    """An attempt as a row of COLUMNS."""
    facts, flow = attempt.facts, attempt.flow
    heard: list[dict[str, Any]] = flow.get("heard", [])
    talk_ms = None
    if facts.answered_at_ms is not None and facts.ended_at_ms is not None:
        talk_ms = facts.ended_at_ms - facts.answered_at_ms
    times = (
        attempt.opened_at_ms, facts.placed_at_ms, facts.ringing_at_ms, facts.answered_at_ms, facts.ended_at_ms,
        attempt.closed_at_ms,
    )  # fmt: skip
    return [
        attempt.attempt_id,
        entry.campaign.name,
        attempt.contact_id,
        attempt.contact_name,
        attempt.number,
        facts.trunk_id or "",
        *(_iso(at_ms) for at_ms in times),
        None if attempt.outcome is None else int(attempt.outcome),
        "open" if attempt.outcome is None else attempt.outcome.label,
        _yes(attempt.is_charged),
        None if talk_ms is None else talk_ms / 1_000,
        facts.sip_code,
        facts.cause,
        facts.cause_text,
        str(flow.get("ended_by", "")),
        str(flow.get("language", "")),
        " ".join(str(key["key"]) for key in flow.get("keys", [])),
        str(heard[-1]["node"]) if heard else "",
        sum(one["heard_ms"] for one in heard) / 1_000 if heard else None,
        sum(one["length_ms"] for one in heard) / 1_000 if heard else None,
        _yes(_is_heard_out(heard[-1])) if heard else "",
        _pairs(flow.get("answers", {})),
        " ".join(str(one["name"]) for one in flow.get("recordings", [])),
        _yes(flow.get("opted_out")),
        _yes(flow.get("voicemail_left")),
    ]


def _is_heard_out(last: dict[str, Any]) -> bool:
    """Whether the last thing played was heard to its end."""
    return not last["has_failed"] and last["heard_ms"] >= last["length_ms"]


def _iso(at_ms: int | None) -> str:
    if at_ms is None:
        return ""
    moment = datetime.fromtimestamp(at_ms / 1_000, tz=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _yes(value: object) -> str:
    return "" if value is None else "yes" if value else "no"


def _pairs(answers: dict[str, Any]) -> str:
    return "; ".join(f"{name}={value}" for name, value in answers.items())


class _Sheet(AbstractContextManager["_Sheet"]):
    """A file being written."""

    def write(self, row: Row) -> None:
        """Add a row of COLUMNS."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self


class _Csv(_Sheet):
    def __init__(self, path: Path) -> None:
        # The byte order mark tells Excel that it is UTF-8.
        self._stream = path.open("w", encoding="utf-8-sig", newline="")
        self._rows = csv.writer(self._stream)
        self._rows.writerow(COLUMNS)

    def write(self, row: Row) -> None:
        self._rows.writerow(_safe(row))

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._stream.close()


def _safe(row: Row) -> Iterable[str | int | float | None]:
    for column, cell in zip(COLUMNS, row, strict=True):
        # An attempt's number is checked when it is taken: a plus and digits, which no formula is made of.
        yield neutralised(cell) if isinstance(cell, str) and column != "number" else cell


class _Xlsx(_Sheet):
    """In XLSX a text is a text: nothing in it is run, and no apostrophe is needed."""

    def __init__(self, path: Path) -> None:
        import xlsxwriter

        self._book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_urls": False})
        self._bold = self._book.add_format({"bold": True})
        self._sheets = 0
        self._begin()

    def _begin(self) -> None:
        self._sheets += 1
        self._sheet = self._book.add_worksheet(f"attempts {self._sheets}")
        self._sheet.freeze_panes(1, 0)
        for at, name in enumerate(COLUMNS):
            self._sheet.write_string(0, at, name, self._bold)
        self._used = 0

    def write(self, row: Row) -> None:
        if self._used == SHEET_ROWS:
            self._begin()
        self._used += 1
        for at, cell in enumerate(row):
            if isinstance(cell, str):
                self._sheet.write_string(self._used, at, _printable(cell))
            elif cell is not None:
                self._sheet.write_number(self._used, at, cell)

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._book.close()


def _printable(cell: str) -> str:
    """What XML can hold of a text, and Excel of a cell."""
    if not cell.isprintable():
        cell = "".join(letter for letter in cell if letter >= " " or letter in "\t\n\r")
    return cell[:32_767]
