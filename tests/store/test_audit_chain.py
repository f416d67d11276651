"""The audit trail: what is changed, removed, put elsewhere or slipped in is found, and where; on both databases."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import Connection, text

from app.store import SqlStore, StoreError
from app.store.audit import AuditNote, audit_page, audited, record, record_all
from app.store.audit_chain import BEGINNING, PAGE, ChainCheck, check_chain
from app.store.migrating import downgrade, upgrade
from tests.store.world import T0

BEFORE = "0015"
"""The last version of the tables whose trail was no chain."""


def note(place: int) -> AuditNote:
    details = {"before": "é", "after": place}
    return AuditNote(who="anna", what="edited contact", subject=f"contact {place}", at_ms=T0 + place, details=details)


async def write(store: SqlStore, count: int, first: int = 1) -> None:
    await store.write(record_all, [note(place) for place in range(first, first + count)])


async def check(store: SqlStore, noted: str | None = None) -> ChainCheck:
    return await store.read(check_chain, noted)


async def tamper(store: SqlStore, *statements: str) -> None:
    def run(conn: Connection) -> None:
        for statement in statements:
            conn.execute(text(statement))

    await store.write(run)


async def ids(store: SqlStore) -> list[int]:
    return [entry.id for entry in reversed((await store.read(audit_page, limit=10_000)).entries)]


async def test_a_trail_that_nobody_touched_is_whole(store: SqlStore) -> None:
    assert await check(store) == ChainCheck(entries=0, head=BEGINNING)
    await write(store, 3)
    first = await check(store)
    await write(store, 2, first=4)
    second = await check(store)
    assert (first.is_whole, first.entries, second.is_whole, second.entries) == (True, 3, True, 5)
    assert first.head != second.head


async def test_more_than_a_page_is_looked_through(store: SqlStore) -> None:
    await write(store, PAGE + 5)
    assert (await check(store)).entries == PAGE + 5
    last = (await ids(store))[-1]
    await tamper(store, f"UPDATE audit SET who = 'boris' WHERE id = {last}")
    assert (await check(store)).broken_id == last


@pytest.mark.parametrize(
    "change",
    [
        "who = 'boris'", "what = 'read contact'", "subject = 'contact 9'", "at_ms = at_ms + 1", "details = '{}'",
        """details = '{"before": "é", "after": 4}'""", "hash = ''",
        "hash = (SELECT other.hash FROM audit AS other WHERE other.id <> audit.id ORDER BY other.id LIMIT 1)",
    ],
)  # fmt: skip
async def test_an_edited_entry_is_named(store: SqlStore, change: str) -> None:
    await write(store, 5)
    third = (await ids(store))[2]
    await tamper(store, f"UPDATE audit SET {change} WHERE id = {third}")
    found = await check(store)
    assert (found.is_whole, found.broken_id, found.entries) == (False, third, 2)
    assert f"entry {third}" in found.problem


@pytest.mark.parametrize("place", [0, 2])
async def test_a_removed_entry_shows_at_the_one_after_it(store: SqlStore, place: int) -> None:
    await write(store, 5)
    known = await ids(store)
    await tamper(store, f"DELETE FROM audit WHERE id = {known[place]}")
    assert (await check(store)).broken_id == known[place + 1]


@pytest.mark.parametrize("kept", [0, 3])
async def test_the_last_ones_removed_are_counted(store: SqlStore, kept: int) -> None:
    await write(store, 5)
    known = await ids(store)
    await tamper(store, f"DELETE FROM audit WHERE id > {known[kept - 1] if kept else 0}")
    found = await check(store)
    assert (found.is_whole, found.broken_id, found.entries) == (False, None, kept)
    assert f"the last {5 - kept} of 5 entries are gone" in found.problem
    await write(store, 1, first=6)
    assert not (await check(store)).is_whole, "what is written after does not hide it"


async def test_entries_that_changed_places_are_found(store: SqlStore) -> None:
    await write(store, 5)
    known = await ids(store)
    swap = [(known[1], 99_991), (known[2], known[1]), (99_991, known[2])]
    await tamper(store, *(f"UPDATE audit SET id = {to} WHERE id = {of}" for of, to in swap))
    assert (await check(store)).broken_id == known[1]


async def test_an_entry_slipped_in_is_found(store: SqlStore) -> None:
    await write(store, 3)
    known = await ids(store)
    columns = "id, at_ms, who, what, subject, details, hash"
    forged = f"INSERT INTO audit ({columns}) VALUES ({{}}, 1, 'a', 'b', 'c', '{{{{}}}}', '{{}}')"
    await tamper(store, forged.format(known[-1] + 1_000, "0" * 64))
    assert (await check(store)).broken_id == known[-1] + 1_000


async def test_a_changed_end_is_found(store: SqlStore) -> None:
    await write(store, 3)
    await tamper(store, "UPDATE audit_head SET entries = 2")
    assert "not the end that was noted" in (await check(store)).problem
    await tamper(store, "DELETE FROM audit_head")
    assert "audit_head" in (await check(store)).problem


async def test_a_chain_reckoned_anew_lacks_the_head_that_was_noted(store: SqlStore) -> None:
    await write(store, 3)
    noted = (await check(store)).head
    await write(store, 1, first=4)
    found = await check(store, noted)
    assert (found.is_whole, found.has_noted) == (True, True)
    await tamper(store, "DELETE FROM audit", f"UPDATE audit_head SET entries = 0, hash = '{BEGINNING}'")
    await write(store, 4, first=10)
    assert (await check(store)).is_whole, "of itself it is a chain"
    found = await check(store, noted)
    assert (found.is_whole, found.has_noted, found.problem) == (False, False, "")


async def test_several_processes_write_one_chain(url: str) -> None:
    opened = SqlStore.open
    async with await opened(url) as first, await opened(url) as second, await opened(url) as third:
        writers = [(store, place) for place in range(20) for store in (first, second, third)]
        await asyncio.gather(*(store.write(record_all, [note(place), note(place + 500)]) for store, place in writers))
        found = await check(first)
        assert (found.problem, found.entries) == ("", 120)


async def test_it_is_looked_through_while_others_write(url: str) -> None:
    async with await SqlStore.open(url) as writer, await SqlStore.open(url) as reader:
        writing = asyncio.gather(*(writer.write(record_all, [note(place)]) for place in range(100)))
        while not writing.done():
            assert (await check(reader)).problem == ""
        await writing


async def test_what_was_not_done_is_not_in_the_chain(store: SqlStore) -> None:
    await write(store, 2)

    def fails(_conn: Connection) -> None:
        raise ValueError("no")

    def fails_after(conn: Connection) -> None:
        record(conn, who="anna", what="tried", subject="x", at_ms=T0)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await store.write(audited, note(9), fails)
    with pytest.raises(ValueError, match="no"):
        await store.write(fails_after)
    await write(store, 1, first=3)
    found = await check(store)
    assert (found.problem, found.entries) == ("", 3)


async def test_any_content_is_the_same_when_it_is_read_again(store: SqlStore) -> None:
    odd: list[dict[Any, Any]] = [
        {}, {"ключ": "значение 🙂"}, {1: "one", "0": None}, {"deep": {"b": [1, 2.5, 1e-7, True], "a": ()}},
        {"big": 2**62, "quote": "\"'\\", "line": "a\nb\u2028"},
    ]  # fmt: skip
    for place, details in enumerate(odd):
        await store.write(record, who="я" * 99, what="w" * 99, subject="s" * 99, details=details, at_ms=T0 + place)
    found = await check(store)
    assert (found.problem, found.entries) == ("", len(odd))


async def test_entries_of_before_are_taken_into_the_chain(store: SqlStore) -> None:
    await store.write(downgrade, BEFORE)
    row = "INSERT INTO audit (at_ms, who, what, subject, details) VALUES ({}, 'an', 'w', 's', '{{\"ü\": [1, 0.1]}}')"
    await tamper(store, *(row.format(at_ms) for at_ms in range(1_234)))
    await store.write(upgrade)
    await write(store, 2)
    found = await check(store)
    assert (found.problem, found.entries) == ("", 1_236)
    await tamper(store, f"UPDATE audit SET at_ms = 1 WHERE id = {(await ids(store))[7]}")
    assert (await check(store)).entries == 7


INSERT = "INSERT INTO audit (at_ms, who, what, subject, details) VALUES (9, 'old', 'signed in', 'old', '{}')"
"""As a program of before the chain writes it, which knows no hash."""


async def test_a_program_of_before_the_chain_is_refused_and_breaks_nothing(store: SqlStore) -> None:
    await write(store, 2)
    with pytest.raises(StoreError):
        await tamper(store, INSERT)
    assert (await check(store)).is_whole


async def test_what_such_a_program_wrote_while_it_could_is_taken_as_it_is(store: SqlStore) -> None:
    await write(store, 2)
    await store.write(downgrade, "0020")
    await tamper(store, INSERT, INSERT)
    await store.write(upgrade)
    found = await check(store)
    assert (found.is_whole, found.entries) == (True, 4)
    await write(store, 1, first=3)
    assert (await check(store)).entries == 5


async def test_an_entry_without_a_hash_before_the_last_one_is_told_after_the_migration_too(store: SqlStore) -> None:
    await write(store, 3)
    await store.write(downgrade, "0020")
    await tamper(store, f"UPDATE audit SET hash = '' WHERE id = {(await ids(store))[0]}")
    await store.write(upgrade)
    assert not (await check(store)).is_whole
