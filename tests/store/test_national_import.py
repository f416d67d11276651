"""Loading a register while calls go on: whole or not at all, and the opt-outs of a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.commands import AddDnc
from app.contacts.national import NothingRead, import_national, import_opt_outs
from app.contacts.number_files import PIECE, Reading, read_numbers
from app.contacts.problems import SheetProblem
from app.store import SqlStore
from app.store.dnc import dnc_page, is_dnc
from app.store.national import Honoured, all_national_lists, set_honoured
from app.store.schema import national_numbers
from app.units import CampaignId
from tests.store.world import T0, build, phone


async def load(store: SqlStore, path: Path, as_of_ms: int = T0) -> dict[str, object]:
    report = await import_national(
        store, path, name="TPS", country="GB", as_of_ms=as_of_ms, who="ann", now_ms=lambda: T0
    )
    return report.to_json()


async def count(store: SqlStore) -> int:
    return int(
        await store.read(lambda conn: conn.execute(select(func.count()).select_from(national_numbers)).scalar_one())
    )


async def test_a_newer_edition_takes_the_place_of_the_older_and_its_room(store: SqlStore, tmp_path: Path) -> None:
    [campaign_id] = await store.write(build, [phone(1), phone(2)])
    first = tmp_path / "first.txt"
    first.write_text("\n".join(phone(place) for place in range(1, 2 * PIECE + 5)) + "\n" + phone(1) + "\nx1\n")
    assert await load(store, first) == {
        "lines": 2 * PIECE + 6,
        "numbers": 2 * PIECE + 5,
        "new": 2 * PIECE + 4,
        "rejected": 1,
        "problems": await _problems(store, first),
    }
    await store.write(set_honoured, campaign_id, [Honoured(name="TPS", max_age_days=28)])
    assert await store.read(is_dnc, phone(1), campaign_id=campaign_id)
    second = tmp_path / "second.txt"
    second.write_text(phone(2))
    await load(store, second, T0 + 5)
    assert not await store.read(is_dnc, phone(1), campaign_id=campaign_id)
    assert await store.read(is_dnc, phone(2), campaign_id=campaign_id)
    assert await count(store) == 1
    [told] = await store.read(all_national_lists)
    assert (told.as_of_ms, told.numbers, told.file_name) == (T0 + 5, 1, "second.txt")


async def _problems(store: SqlStore, path: Path) -> tuple[str, ...]:

    reading = Reading()
    list(read_numbers(path, "GB", reading))
    return tuple(reading.problems)


@pytest.mark.parametrize(
    ("content", "error"), [(b"", NothingRead), (b"hello\nworld\n", NothingRead), (b"\x1f\x8b12", SheetProblem)]
)
async def test_what_cannot_be_read_leaves_the_edition_before(
    store: SqlStore, tmp_path: Path, content: bytes, error: type[Exception]
) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
    good.write_text(phone(1))
    bad.write_bytes(content)
    await load(store, good)
    await store.write(set_honoured, campaign_id, [Honoured(name="TPS", max_age_days=28)])
    with pytest.raises(error):
        await load(store, bad)
    assert await store.read(is_dnc, phone(1), campaign_id=campaign_id)
    assert await count(store) == 1


async def test_opt_outs_of_a_file_are_barred_for_whom_it_is_said(store: SqlStore, tmp_path: Path) -> None:
    [campaign_id] = await store.write(build, [phone(1)])
    path = tmp_path / "optouts.csv"
    path.write_text(f"phone,when\n{phone(1)},today\n{phone(2)},today\n{phone(1)},again\n")
    like = AddDnc(number="", source="import", campaign_id=campaign_id, who="ann", why="the old system's list")
    report = await import_opt_outs(store, path, country="GB", like=like, now_ms=lambda: T0)
    assert (report.numbers, report.new, report.rejected) == (3, 2, 0)
    entries = await store.read(dnc_page)
    assert {(one.number, one.campaign_id, one.who, one.why, one.source) for one in entries} == {
        (number, campaign_id, "ann", "the old system's list", "import") for number in (phone(1), phone(2))
    }
    assert not await store.read(is_dnc, phone(1), campaign_id=CampaignId(99))
