"""What a column holds, seen from a sample."""

from __future__ import annotations

import datetime as dt

import pytest

from app.contacts.column_types import ColumnType, date_of, number_of, seen_type, seen_types


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "2,50", "-3.5", ""], ColumnType.NUMBER),
        (["007", "008", "009"], ColumnType.TEXT),
        (["1", "2"], ColumnType.TEXT),
        (["2026-11-22", "2026-01-01 00:00:00", "2025-02-28"], ColumnType.DATE),
        (["22.11.2026", "01.02.2026", "3.3.2026"], ColumnType.DATE),
        (["2026-02-30", "2026-01-01", "2026-01-02"], ColumnType.TEXT),
        (["Yes", "no", "да"], ColumnType.YES_NO),
        (["http://example.com/1", "https://example.com", "https://example.com/x"], ColumnType.URL),
        (["a@example.com", "b@example.com", "c@example.com"], ColumnType.EMAIL),
        (["a@example.com", "b@example.com", "none"], ColumnType.TEXT),
        (["", " ", ""], ColumnType.TEXT),
    ],
)
def test_a_type_is_seen_where_all_cells_have_it(cells: list[str], expected: ColumnType) -> None:
    assert seen_type(cells) is expected


def test_columns_of_text_are_not_named() -> None:
    assert seen_types(["city", "amount"], [["Bonn", "1"], ["Rome", "2"], ["Oslo", "3"]]) == {"amount": "number"}


def test_cells_of_a_type_have_a_value() -> None:
    assert (number_of(" 2,5 "), number_of("1e5"), number_of("12 apples")) == (2.5, None, None)
    assert date_of("05/06/2026") == dt.date(2026, 6, 5)
    assert date_of("06/25/2026") == dt.date(2026, 6, 25)
    assert date_of("25 June") is None
