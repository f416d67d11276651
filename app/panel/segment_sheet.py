"""Whom a segment means, as a CSV file: streamed some hundreds at a time, and no cell of it is a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Final

from aiohttp import web
from sqlalchemy import Connection, select

from app.contacts.rejects import neutralised
from app.segment_operations import SegmentOperations
from app.store.door import SqlStore
from app.store.lists import get_list, list_lists
from app.store.schema import contacts, lists
from app.units import CampaignId, ContactId, ListId, is_number

OWN: Final = (
    "list", "key", "name", "phone 1", "phone 2", "phone 3", "phone 4", "phone 5", "email", "language", "time zone",
    "region", "owner", "consent", "priority",
)  # fmt: skip
"""The columns before those of the lists."""
_PAGE: Final = 500


async def answer_sheet(
    request: web.Request,
    verbs: SegmentOperations,
    store: SqlStore,
    name: str,
    *,
    list_id: ListId | None = None,
    campaign_id: CampaignId | None = None,
) -> web.StreamResponse:
    """Send the file. Raises NotFound before anything is sent."""
    lines = sheet(verbs, store, name, list_id=list_id, campaign_id=campaign_id)
    first = await anext(lines)
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{name}.csv"',
            "Cache-Control": "no-store",
        }
    )
    await response.prepare(request)
    await response.write(first.encode("utf-8-sig"))  # spreadsheets know by the mark that it is UTF-8
    async for piece in lines:
        await response.write(piece.encode())
    await response.write_eof()
    return response


async def sheet(
    verbs: SegmentOperations,
    store: SqlStore,
    name: str,
    *,
    list_id: ListId | None = None,
    campaign_id: CampaignId | None = None,
) -> AsyncIterator[str]:
    """The file, piece by piece, the row of names first."""
    asked = await store.read(list_lists) if list_id is None else [await store.read(get_list, list_id)]
    columns = tuple(dict.fromkeys(column for one in asked for column in one.columns))
    after_id: int | None = 0
    page, after_id = await verbs.page(name, list_id=list_id, campaign_id=campaign_id, after_id=0, limit=_PAGE)
    yield _lines([(*OWN, *columns)])
    while True:
        if page:
            yield _lines(await store.read(_rows, page, columns))
        if after_id is None:
            return
        page, after_id = await verbs.page(
            name, list_id=list_id, campaign_id=campaign_id, after_id=after_id, limit=_PAGE
        )


def _rows(conn: Connection, ids: Sequence[ContactId], columns: Sequence[str]) -> list[tuple[str, ...]]:
    of = contacts.c
    found = select(contacts, lists.c.name.label("list_name")).join(lists, lists.c.id == of.list_id)
    rows = conn.execute(found.where(of.id.in_(ids)).order_by(of.id))
    return [
        (
            row.list_name, row.key, row.name, row.phone1, row.phone2, row.phone3, row.phone4, row.phone5, row.email,
            row.language, row.time_zone, row.region, row.owner, row.consent, str(row.priority or ""),
            *(str(row.fields.get(column, "")) for column in columns),
        )
        for row in rows
    ]  # fmt: skip


def _lines(rows: Sequence[Sequence[str]]) -> str:
    """A number that is one is left as it is: a plus and digits make no formula."""
    written = io.StringIO()
    csv.writer(written).writerows([cell if is_number(cell) else neutralised(cell) for cell in row] for row in rows)
    return written.getvalue()
