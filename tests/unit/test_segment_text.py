"""A segment's conditions mean what is written, values with commas, signs and leading zeros among them."""

from __future__ import annotations

import pytest

from app.plain_yaml import FileError
from app.segments.conditions import Known
from app.segments.load import load_segment


def holds(condition: str, **columns: str) -> bool:
    return load_segment(f"title: Some\nall:\n  - {condition}\n", "some").root.holds(Known(facts={}, columns=columns))


@pytest.mark.parametrize(
    ("condition", "value", "met"),
    [
        ("""'City in "Moscow, Region", Kazan'""", "Moscow, Region", True),
        ("""'City in "Moscow, Region", Kazan'""", "Moscow", False),
        ("""'City in "Moscow, Region", Kazan'""", "kazan", True),
        ("""'City not in "Moscow, Region"'""", "Moscow", True),
        ("City contains a=b", "xa=by", True),
        ("City contains a=b", "ab", False),
        ("City = in town", "In town", True),
        ("City = 7", "7,0", True),
        ("City = 7", "007", False),
        ("City = 01234", "1234", False),
        ("City < 3", "-2", True),
        ("""'"City" = Kazan'""", "Kazan", True),
    ],
)
def test_a_condition_means_what_is_written(condition: str, value: str, met: bool) -> None:
    assert holds(condition, City=value) is met


@pytest.mark.parametrize("condition", ["'City not in ,'", "'City in ,,'", "City in"])
def test_a_list_without_values_is_refused(condition: str) -> None:
    with pytest.raises(FileError):
        holds(condition, City="Kazan")
