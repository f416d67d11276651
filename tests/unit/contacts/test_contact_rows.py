"""One row: a contact, a contact with flaws, or a problem."""

from __future__ import annotations

import pytest

from app.contacts.contact_rows import ContactRow, Flaw, RowReader
from app.contacts.facts import region
from app.contacts.mapping import guess
from app.contacts.numbers import reader_for
from app.contacts.problems import RowProblem

GB = reader_for("GB")


def read(columns: list[str], *cells: str, key: str = "") -> ContactRow | Flaw | RowProblem:
    mapping = guess(columns, [], GB, told={"key": key} if key else None)
    return RowReader(columns, mapping, GB).read(7, list(cells))


def contact(columns: list[str], *cells: str, key: str = "") -> ContactRow:
    found = read(columns, *cells, key=key)
    assert isinstance(found, ContactRow), found
    return found


def test_a_row_becomes_a_contact_with_all_its_cells_as_written() -> None:
    found = contact(["name", "phone", "note"], " Bob ", "07700 900123", '{{ 7*7 }} "q" 😀 \u202eabc =1+1')
    assert (found.name, found.phone1, found.key, found.source_line) == ("Bob", "+447700900123", "+447700900123", 7)
    assert found.fields == {"name": " Bob ", "phone": "07700 900123", "note": '{{ 7*7 }} "q" 😀 \u202eabc =1+1'}


def test_a_name_is_put_together_of_its_parts() -> None:
    assert contact(["last name", "first name", "tel"], "Lee", "Ann", "07700 900123").name == "Ann Lee"
    assert contact(["last name", "first name", "tel"], "Lee", "", "07700 900123").name == "Lee"
    assert len(contact(["name", "tel"], "x" * 500, "07700 900123").name) == 200


def test_phones_keep_their_places() -> None:
    found = contact(["tel1", "tel2", "tel3"], "07700 900121", "", "07700 900123")
    assert (found.phone1, found.phone2, found.phone3) == ("+447700900121", "", "+447700900123")


def test_an_empty_first_phone_gives_its_place_to_the_next() -> None:
    found = contact(["tel1", "tel2", "tel3"], " ", "07700 900122", "07700 900123")
    assert (found.phone1, found.phone2, found.phone3) == ("+447700900122", "+447700900123", "")
    assert found.key == "+447700900122"


def test_a_broken_first_phone_rejects_the_row_even_with_a_good_second() -> None:
    found = read(["tel1", "tel2"], "12-3", "07700 900122")
    assert isinstance(found, RowProblem)
    assert (found.line, found.column, found.what) == (7, "tel1", "12-3")
    assert str(found).startswith("line 7, tel1: expected 9 to 10 digits")


def test_a_broken_second_phone_is_told_and_the_row_is_kept() -> None:
    found = read(["tel1", "tel2"], "07700 900121", "nobody")
    assert isinstance(found, Flaw)
    assert (found.row.phone1, found.row.phone2, found.row.fields["tel2"]) == ("+447700900121", "", "nobody")
    assert [problem.column for problem in found.problems] == ["tel2"]


def test_a_row_without_any_phone_is_rejected() -> None:
    found = read(["tel1", "tel2"], "", " ")
    assert isinstance(found, RowProblem)
    assert "empty" in found.why


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("en", "en"),
        ("EN_gb", "en-GB"),
        ("Russian", "ru"),
        ("русский", "ru"),
        ("рус.", "ru"),
        ("zh-hant", "zh-hant"),
        ("", ""),
    ],
)
def test_languages_are_read_as_people_write_them(written: str, tag: str) -> None:
    assert contact(["tel", "language"], "07700 900123", written).language == tag


def test_a_language_or_time_zone_that_is_none_is_told_and_left_empty() -> None:
    found = read(["tel", "language", "time zone"], "07700 900123", "???", "Mars/Base")
    assert isinstance(found, Flaw)
    assert (found.row.language, found.row.time_zone) == ("", "")
    assert [problem.column for problem in found.problems] == ["language", "time zone"]
    assert contact(["tel", "time zone"], "07700 900123", "Europe/Moscow").time_zone == "Europe/Moscow"


def test_a_key_column_tells_contacts_apart() -> None:
    assert contact(["id", "tel"], " 17 ", "07700 900123", key="id").key == "17"
    empty = read(["id", "tel"], " ", "07700 900123", key="id")
    assert isinstance(empty, RowProblem)
    assert empty.column == "id"
    assert isinstance(read(["id", "tel"], "x" * 201, "07700 900123", key="id"), RowProblem)


def test_a_row_may_be_short_but_not_long() -> None:
    assert contact(["tel", "a", "b"], "07700 900123").fields == {"tel": "07700 900123", "a": "", "b": ""}
    assert contact(["tel", "a"], "07700 900123", "x", "", "").fields == {"tel": "07700 900123", "a": "x"}
    found = read(["tel", "a"], "07700 900123", "x", "y")
    assert isinstance(found, RowProblem)
    assert "3 cells, the header 2" in found.why


def test_what_a_sheet_says_of_a_contact_becomes_its_facts() -> None:
    columns = ["tel", "e-mail", "Region", "Priority", "Owner", "Consent", "Channels", "Language"]
    cells = ["07700 900123", " ann@example.com ", "GB-SCT", "high", " ann  lee ", "Yes", "SMS; звонок", "Russian"]
    found = contact(columns, *cells)
    assert (found.email, found.region, found.priority, found.owner) == ("ann@example.com", "GB-SCT", 10, "ann lee")
    assert (found.consent, found.channels, found.language) == ("prior", "voice,sms", "ru")


@pytest.mark.parametrize(
    ("column", "cell"),
    [("email", "ann"), ("priority", "101"), ("priority", "1e3"), ("consent", "perhaps"), ("channels", "sms, pigeon"),
     ("owner", "x" * 65)],
)  # fmt: skip
def test_a_fact_that_cannot_be_read_is_told_and_left_empty(column: str, cell: str) -> None:
    found = read(["tel", column], "07700 900123", cell)
    assert isinstance(found, Flaw)
    assert getattr(found.row, column) in ("", 0)
    assert found.row.fields[column] == cell
    assert [problem.column for problem in found.problems] == [column]


def test_a_kind_is_said_by_a_column_or_else_by_the_phones_header() -> None:
    assert contact(["Mobile", "Home phone", "Раб. тел."], *["07700 900123"] * 3).phone_kinds == "mobile,home,work"
    assert contact(["tel", "phone type"], "07700 900123", "Work").phone_kinds == "work"
    assert contact(["tel", "phone type"], "07700 900123", "yacht").phone_kinds == ""
    assert contact(["tel", "tel 2"], *["07700 900123"] * 2).phone_kinds == ""


def test_a_kind_goes_with_its_number() -> None:
    moved = contact(["Mobile", "Home phone", "Work phone"], "", "07700 900122", "07700 900123")
    assert (moved.phone1, moved.phone_kinds) == ("+447700900122", "home,work")
    gap = contact(["Mobile", "Home phone", "Work phone"], "07700 900121", "", "07700 900123")
    assert (gap.phone3, gap.phone_kinds) == ("+447700900123", "mobile,,work")


@pytest.mark.parametrize(
    ("cell", "country", "expected"),
    [("FL", "US", "US-FL"), ("florida", "US", "US-FL"), ("us-fl", "GB", "US-FL"), ("FL", "GB", ""),
     ("New  South Wales", "AU", "AU-NSW"), ("Québec", "CA", "CA-QC"), ("active", "US", ""), ("", "US", "")],
)  # fmt: skip
def test_a_region_is_known_by_code_or_name(cell: str, country: str, expected: str) -> None:
    assert region(cell, country) == expected
