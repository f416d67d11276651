"""A file into a list, on both databases: counts that add up, nothing twice, nothing lost."""

from __future__ import annotations

import csv
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from app.contacts import reading
from app.contacts.chunks import import_problems_page
from app.contacts.importing import import_list, preview
from app.contacts.problems import Limits, SheetProblem
from app.contacts.reading import ImportOptions
from app.contacts.report import ImportProgress, ImportReport
from app.model import Trunk
from app.store import SqlStore
from app.store.attaching import attach_list
from app.store.dnc import add_dnc_numbers
from app.store.flows import create_flow
from app.store.lists import Contact, contacts_page, list_by_name
from app.store.progress import get_progress
from app.store.schema import contacts, imports, lists
from app.store.trunks import create_trunk
from app.units import CampaignId, ListId, Number, TrunkId
from tests.store.world import T0, new_campaign

US_500 = Path(__file__).parents[3] / "shared" / "data" / "us-500.csv"
SAMPLE = Path(__file__).parents[2] / "asterisk" / "lab" / "sample-contacts.csv"


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a list of a few rows goes over several chunks."""
    monkeypatch.setattr(reading, "ROWS_AT_REST", 10)
    monkeypatch.setattr(reading, "ROWS_WHILE_DIALING", 7)


def sheet(
    folder: Path, *rows: Sequence[str], header: Sequence[str] = ("name", "phone"), name: str = "list.csv"
) -> Path:
    path = folder / name
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    return path


def people(count: int, first: int = 0) -> list[tuple[str, str]]:
    return [(f"Person {at}", f"07700 9{at:05d}") for at in range(first, first + count)]


async def load(store: SqlStore, path: Path, options: ImportOptions | None = None, country: str = "GB") -> ImportReport:
    report = await import_list(store, path, "people", country, options)
    assert report.counts.rows == report.counts.imported + report.counts.duplicates + report.counts.rejected
    assert report.counts.duplicates == report.counts.updated + report.counts.unchanged
    return report


def _all(conn: Connection) -> list[Contact]:
    found = list_by_name(conn, "people")
    return contacts_page(conn, found.id, limit=10_000) if found else []


async def stored(store: SqlStore) -> list[Contact]:
    return await store.read(_all)


def _counted(conn: Connection) -> tuple[int, int]:
    """How many contacts the list says it has, and how many it has."""
    return (
        conn.execute(select(func.coalesce(func.sum(lists.c.contacts), 0))).scalar_one(),
        conn.execute(select(func.count()).select_from(contacts)).scalar_one(),
    )


async def test_a_list_is_loaded_in_the_order_of_its_rows(store: SqlStore, tmp_path: Path) -> None:
    report = await load(store, sheet(tmp_path, *people(25)))
    assert report.counts.imported == 25
    found = await stored(store)
    assert [contact.name for contact in found] == [name for name, _ in people(25)]
    assert [contact.source_line for contact in found] == list(range(2, 27))
    assert found[3].phones == ("+447700900003",)
    assert await store.read(_counted) == (25, 25)


async def test_text_is_kept_as_it_was_written(store: SqlStore, tmp_path: Path) -> None:
    odd = [
        "{{ 7*7 }}", "${x}", '"quoted" \\ back\\slash \\u0041 \\n', "😀 👩‍👩‍👧", "\u202eright to left",
        "שלום", "a\nb\r\nc\td",
        '=HYPERLINK("http://example.com")', "'; DROP TABLE contacts; --",
        "\u2028\u0085\x7f\x01", "null", "  spaces  ", "%s",
    ]  # fmt: skip
    await load(store, sheet(tmp_path, *((text, f"07700 9{at:05d}") for at, text in enumerate(odd))))
    found = await stored(store)
    assert [contact.fields["name"] for contact in found] == odd
    assert [contact.name for contact in found] == [text.strip() for text in odd]


async def test_a_second_run_changes_nothing(store: SqlStore, tmp_path: Path) -> None:
    path = sheet(tmp_path, *people(25), ("Nobody", "12-3"), ("Twice", "+447700900001"))
    first = await load(store, path)
    before = await stored(store)
    again = await load(store, path)
    assert (first.counts.imported, first.counts.duplicates, first.counts.rejected) == (25, 1, 1)
    assert (again.counts.imported, again.counts.duplicates, again.counts.rejected) == (0, 26, 1)
    assert (first.problem_count, again.problem_count) == (2, 1)
    assert await stored(store) == before
    assert await store.read(_counted) == (25, 25)


async def test_rows_that_are_not_taken_are_told_with_line_column_why_and_mend(store: SqlStore, tmp_path: Path) -> None:
    rows = [*people(12), ("Letters", "1-800-FLOWERS"), *people(2, first=50), ("Empty", ""), ("At", "07700900123@x")]
    report = await load(store, sheet(tmp_path, *rows))
    assert (report.counts.imported, report.counts.rejected) == (14, 3)
    assert [(problem.line, problem.column, problem.what) for problem in report.problems] == [
        (14, "phone", "1-800-FLOWERS"),
        (17, "phone", ""),
        (18, "phone", "07700900123@x"),
    ]
    assert sum(report.mends.values()) == 3
    kept = await store.read(import_problems_page, report.import_id)
    assert [problem for _, problem in kept] == list(report.problems)


async def test_problems_are_all_counted_and_kept_up_to_a_limit(store: SqlStore, tmp_path: Path) -> None:
    path = sheet(tmp_path, *((f"Person {at}", "x") for at in range(300)))
    report = await load(store, path, ImportOptions(limits=Limits(kept_problems=42)))
    assert (report.counts.rejected, report.problem_count, len(report.problems)) == (300, 300, 100)
    assert len(await store.read(import_problems_page, report.import_id, limit=1_000)) == 42


async def test_rejected_rows_can_be_mended_in_their_file_and_imported(store: SqlStore, tmp_path: Path) -> None:
    rejected_to = tmp_path / "rejected.csv"
    rows = [("=1+1", "+44 7700 9"), *people(12), ("-5", "07700 900123 ext. 4"), ("Short", "2"), ('"Broken', "x")]
    await load(store, sheet(tmp_path, *rows), ImportOptions(rejected_to=rejected_to))
    text = rejected_to.read_text(encoding="utf-8-sig")
    assert "'=1+1,'+44 7700 9" in text
    mended = text.replace("'+44 7700 9", "'+44 7700 900777").replace("123 ext. 4", "888").replace("Short,2", "Short,x")
    rejected_to.write_text(mended, encoding="utf-8-sig")
    report = await load(store, rejected_to)
    assert (report.counts.imported, report.counts.rejected) == (2, 2)
    assert [contact.fields for contact in await stored(store)][-2:] == [
        {"name": "=1+1", "phone": "+44 7700 900777"},
        {"name": "-5", "phone": "07700 900888"},
    ]


async def test_rejected_rows_never_overwrite_the_list(store: SqlStore, tmp_path: Path) -> None:
    path = sheet(tmp_path, *people(3))
    with pytest.raises(ValueError, match="the list itself"):
        await load(store, path, ImportOptions(rejected_to=path))
    with pytest.raises(ValueError, match="no folder"):
        await load(store, path, ImportOptions(rejected_to=tmp_path / "no" / "where.csv"))


async def test_duplicates_within_a_file_are_told_with_the_line_they_repeat(store: SqlStore, tmp_path: Path) -> None:
    rows = [*people(3), ("Near", "+447700900001"), *people(15, first=10), ("Far", "07700900002")]
    report = await load(store, sheet(tmp_path, *rows))
    assert (report.counts.imported, report.counts.duplicates) == (18, 2)
    assert [(problem.line, problem.why) for problem in report.problems] == [
        (5, "the same contact as in line 3"),
        (21, "the same contact as in line 4"),
    ]


async def test_rows_of_contacts_from_before_are_counted_and_not_told_one_by_one(
    store: SqlStore, tmp_path: Path
) -> None:
    await load(store, sheet(tmp_path, *people(30)))
    rows = [*people(2, first=50), ("Twice", "07700 900001"), ("Thrice", "07700 900001"), *people(30)]
    report = await load(store, sheet(tmp_path, *rows))
    assert (report.counts.imported, report.counts.duplicates, report.problem_count) == (2, 32, 0)


async def test_contacts_are_told_apart_by_a_key_column_where_one_is_named(store: SqlStore, tmp_path: Path) -> None:
    rows = [("1", "07700 900123"), ("2", "07700 900123"), ("2", "07700 900124")]
    path = sheet(tmp_path, *rows, header=("id", "phone"))
    report = await load(store, path, ImportOptions(key_column="id"))
    assert (report.counts.imported, report.counts.duplicates) == (2, 1)
    with pytest.raises(SheetProblem, match="told apart by the column id, not by the phone"):
        await load(store, path)
    assert len(await stored(store)) == 2


async def test_updating_brings_contacts_up_to_date_and_loses_no_column(store: SqlStore, tmp_path: Path) -> None:
    await load(
        store,
        sheet(
            tmp_path,
            ("Ann", "07700 900001", "York"),
            ("Bob", "07700 900002", "Leeds"),
            header=("name", "phone", "city"),
        ),
    )
    newer = sheet(
        tmp_path, ("Anna", "07700 900001", "5"), ("Bob", "07700 900002", ""), ("Cy", "07700 900003", "7"),
        ("Twin", "07700 900001", "9"), *((f"P{at}", f"07700 91{at:04d}", "") for at in range(15)),
        ("Triplet", "07700 900001", "9"), header=("name", "phone", "debt"),
    )  # fmt: skip
    options = ImportOptions(duplicates="update")
    report = await load(store, newer, options)
    assert (report.counts.imported, report.counts.updated, report.counts.unchanged) == (16, 2, 2)
    assert [problem.why for problem in report.problems] == ["the same contact as in line 2"] * 2
    found = await stored(store)
    assert found[0].name == "Anna"
    assert found[0].fields == {"name": "Anna", "phone": "07700 900001", "city": "York", "debt": "5"}
    again = await load(store, newer, options)
    assert (again.counts.imported, again.counts.updated, again.counts.unchanged) == (0, 0, 20)
    assert await stored(store) == found


async def test_skipping_leaves_contacts_as_they_are(store: SqlStore, tmp_path: Path) -> None:
    await load(store, sheet(tmp_path, ("Ann", "07700 900001")))
    report = await load(store, sheet(tmp_path, ("Anna", "07700 900001")))
    assert (report.counts.duplicates, report.counts.updated, report.counts.unchanged) == (1, 0, 1)
    assert [contact.name for contact in await stored(store)] == ["Ann"]


async def test_an_import_stopped_half_way_is_finished_by_doing_it_again(store: SqlStore, tmp_path: Path) -> None:
    path = sheet(tmp_path, *people(40), ("Twice", "07700 900001"))

    def stop(progress: ImportProgress) -> None:
        if progress.counts.rows >= 20:
            raise KeyError("stopped")

    with pytest.raises(KeyError, match="stopped"):
        await import_list(store, path, "people", "GB", on_progress=stop)
    assert await store.read(_counted) == (20, 20)
    report = await load(store, path)
    assert (report.counts.imported, report.counts.duplicates) == (20, 21)
    assert [contact.name for contact in await stored(store)] == [name for name, _ in people(40)]
    assert await store.read(_counted) == (40, 40)
    assert not [thread for thread in threading.enumerate() if "workbook" in thread.name]


async def test_a_file_broken_near_its_end_loads_nothing(store: SqlStore, tmp_path: Path) -> None:
    path = sheet(tmp_path, *people(40))
    with path.open("ab") as stream:
        stream.write("Иван,".encode() + b"\xff\xfe\n")
    with pytest.raises(SheetProblem, match="line 42"):
        await load(store, path)
    assert await store.read(_counted) == (0, 0)
    assert await store.read(lambda conn: conn.execute(select(func.count()).select_from(imports)).scalar_one()) == 0


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"a,b\nx,y\n"])
async def test_what_is_no_list_makes_no_list(store: SqlStore, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    with pytest.raises(SheetProblem):
        await load(store, path)
    assert await store.read(list_by_name, "people") is None


async def test_a_file_of_nothing_but_headers_makes_an_empty_list(store: SqlStore, tmp_path: Path) -> None:
    report = await load(store, sheet(tmp_path))
    assert report.counts.rows == 0
    assert await store.read(_counted) == (0, 0)


async def test_a_file_without_headers_is_loaded(store: SqlStore, tmp_path: Path) -> None:
    report = await load(store, sheet(tmp_path, *people(3), header=("Ann", "07700 901234")))
    assert report.counts.imported == 4
    assert report.mapping == {"phone1": "column 2"}
    assert (await stored(store))[0].fields == {"column 1": "Ann", "column 2": "07700 901234"}


async def test_numbers_on_the_do_not_call_list_are_counted(store: SqlStore, tmp_path: Path) -> None:
    await store.write(add_dnc_numbers, [Number("+447700900003"), Number("+447700999999")], source="api", now_ms=T0)
    report = await load(store, sheet(tmp_path, *people(12)))
    assert (report.counts.imported, report.counts.do_not_call) == (12, 1)


async def test_contacts_join_the_campaigns_that_have_the_list(store: SqlStore, tmp_path: Path) -> None:
    first = await load(store, sheet(tmp_path, *people(3)))
    campaign_id = await store.write(_campaign, first.list_id)
    told: list[tuple[CampaignId, int]] = []
    path = sheet(tmp_path, *people(25))
    report = await import_list(
        store, path, "people", "GB", on_contacts_added=lambda campaign, count: told.append((campaign, count))
    )
    assert report.campaigns == {campaign_id: 22}
    assert sum(count for _, count in told) == 22
    assert len(told) > 1
    assert (await store.read(get_progress, campaign_id)).total == 25


def _campaign(conn: Connection, list_id: ListId) -> CampaignId:
    create_trunk(conn, Trunk(id=TrunkId("sip"), endpoint="sip", prefixes=("+44",)))
    campaign_id = new_campaign(conn, "calls", create_flow(conn, name="hello", source="say: hello", now_ms=T0).id)
    attach_list(conn, campaign_id, list_id, T0)
    return campaign_id


async def test_progress_is_told_to_the_end(store: SqlStore, tmp_path: Path) -> None:
    path = sheet(tmp_path, *people(35))
    told: list[ImportProgress] = []
    report = await import_list(store, path, "people", "GB", on_progress=told.append)
    assert {progress.stage for progress in told} == {"checking", "importing"}
    last = told[-1]
    assert last.done == last.total == path.stat().st_size
    assert last.counts == report.counts
    rows = [progress.counts.rows for progress in told]
    assert rows == sorted(rows)
    assert len(set(rows)) > 3


async def test_an_import_is_on_record(store: SqlStore, tmp_path: Path) -> None:
    report = await load(store, sheet(tmp_path, *people(12), ("x", "x")))
    row = await store.read(lambda conn: conn.execute(select(imports)).one()._mapping)
    assert (row["id"], row["file_name"], row["counts"]) == (report.import_id, "list.csv", asdict(report.counts))
    assert row["finished_at_ms"] >= row["started_at_ms"]
    assert len(row["sha256"]) == 64


async def test_columns_of_later_files_are_added_to_the_list(store: SqlStore, tmp_path: Path) -> None:
    await load(store, sheet(tmp_path, *people(1)))
    await load(store, sheet(tmp_path, ("York", "07700 900222"), header=("city", "phone")))
    found = await store.read(list_by_name, "people")
    assert found is not None
    assert found.columns == ("name", "phone", "city")


@pytest.mark.parametrize(("name", "country", "why"), [("", "GB", "1 to 128"), ("people", "UK", "GB")])
async def test_a_name_or_country_that_cannot_be_is_refused(
    store: SqlStore, tmp_path: Path, name: str, country: str, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        await import_list(store, sheet(tmp_path, *people(1)), name, country)


async def test_the_sample_list_is_clean(store: SqlStore) -> None:
    report = await load(store, SAMPLE)
    assert report.counts.imported == report.counts.rows >= 60
    assert {contact.language for contact in await stored(store)} == {"en", "ru"}
    assert all(contact.phones[0].startswith(("+447700900", "+120255501")) for contact in await stored(store))


@pytest.mark.skipif(not US_500.exists(), reason="the list of 500 people is not beside the checkout")
async def test_five_hundred_people_of_the_united_states(store: SqlStore) -> None:
    report = await load(store, US_500, country="US")
    assert (report.counts.imported, report.problem_count) == (500, 0)
    first = (await stored(store))[0]
    assert (first.name, first.phones) == ("James Butt", ("+15046218927", "+15048451427"))
    assert first.fields["company_name"] == "Benton, John B Jr"
    assert (await load(store, US_500, country="US")).counts.duplicates == 500


def test_a_preview_shows_what_an_import_would_make_of_a_file(tmp_path: Path) -> None:
    seen = preview(sheet(tmp_path, *people(9)), "GB")
    assert (seen.has_header, seen.columns, seen.mapping.phones) == (True, ("name", "phone"), ("phone",))
    assert seen.samples == tuple(people(5))
    assert seen.facts.encoding == "utf-8"


async def test_facts_and_types_are_kept_and_what_a_later_sheet_lacks_stays(store: SqlStore, tmp_path: Path) -> None:
    header = ("tel", "tel 2", "type of phone", "state", "priority", "consent", "amount")
    rows = [(f"07700 9{at:05d}", f"07700 8{at:05d}", "mobile", "", str(at), "yes", f"{at}.5") for at in range(1, 5)]
    await load(store, sheet(tmp_path, *rows, header=header))
    changed = sheet(tmp_path, ("07700 900001", "50", "new"), header=("tel", "priority", "city"), name="later.csv")
    report = await load(store, changed, ImportOptions(duplicates="update"))
    assert report.counts.updated == 1
    one, *_ = await stored(store)
    assert (one.priority, one.consent, one.phone_kinds) == (50, "prior", ("mobile", ""))
    assert one.phones == ("+447700900001", "+447700800001")
    assert one.fields["city"] == "new"
    found = await store.read(list_by_name, "people")
    assert found is not None
    assert found.column_types == {"priority": "number", "consent": "yes or no", "amount": "number"}
    assert found.columns[-1] == "city"
