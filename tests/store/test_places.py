"""Contacts found by name and number, whatever the capitals and whichever of their phones."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, event, update

from app.store import SqlStore
from app.store.door import SyncStore
from app.store.places import find_contacts, places_page
from app.store.schema import contacts
from tests.store.world import build, phone


def change(conn: Connection, /, contact_id: int, **columns: str) -> None:
    conn.execute(update(contacts).where(contacts.c.id == contact_id).values(columns))


async def found(store: SqlStore, search: str) -> list[int]:
    page, _ = await store.read(find_contacts, search)
    return [one.contact_id for one in page]


@pytest.mark.parametrize("search", ["ёлкина", "ЁЛКИНА", "Ёлк", "кинА"])
async def test_a_cyrillic_name_is_found_whatever_the_capitals(store: SqlStore, search: str) -> None:
    [campaign_id] = await store.write(build, [phone(place) for place in range(3)], 1)
    await store.write(change, 2, name="Мария Ёлкина")
    assert await found(store, search) == [2]
    page = await store.read(places_page, campaign_id, search=search)
    assert [one.contact_id for one in page.places] == [2]


async def test_a_number_is_found_by_its_beginning_in_any_of_the_phones(store: SqlStore) -> None:
    await store.write(build, [phone(place) for place in range(3)], 1)
    await store.write(change, 2, phone5="+14155550199")
    await store.write(change, 3, phone2="+14155550200")
    assert await found(store, "+1 (415) 555-01") == [2]
    assert await found(store, "1415555") == [2, 3]
    assert await found(store, "415555") == []
    assert await found(store, "14155550199") == [2]


def test_a_number_is_looked_up_along_the_indexes_of_phones_on_sqlite() -> None:
    steps: list[str] = []

    def explain(conn: Connection, _cursor: object, statement: str, parameters: tuple[Any, ...], *_: object) -> None:
        if statement.startswith("SELECT contacts"):
            steps.extend(row[3] for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters))

    store = SyncStore.open("sqlite://")
    store.write(build, [phone(place) for place in range(3)], 1)
    event.listen(store.engine, "before_cursor_execute", explain)
    assert store.read(find_contacts, "1415555") == ([], None)
    store.close()
    assert "MULTI-INDEX OR" in steps, steps
    assert not [step for step in steps if step.startswith("SCAN contacts")], steps
