"""The file of named queries, and how it is read."""

from __future__ import annotations

import re

import pytest

from app.store.sql import clause, parse, queries

ONE = """
-- name: one
-- What it is for.
SELECT 1;
"""


def test_a_query_has_a_name_a_description_and_sql() -> None:
    [query] = parse(ONE)
    assert (query.name, query.dialect, query.description, query.sql) == ("one", "", "What it is for.", "SELECT 1")


def test_a_variant_is_for_one_database() -> None:
    general, variant = parse(ONE + "-- name: one [postgresql]\nSELECT 2;")
    assert (general.dialect, variant.dialect, variant.sql) == ("", "postgresql", "SELECT 2")


@pytest.mark.parametrize(
    ("source", "what"),
    [
        (ONE + ONE, "given twice"),
        ("-- name: bare\nSELECT 1;", "no description"),
        ("-- name: empty\n-- Nothing follows.\n", "no SQL"),
    ],
)
def test_a_mistake_in_the_file_is_told(source: str, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        parse(source)


def test_every_variant_takes_what_the_general_query_takes() -> None:
    for (name, dialect), query in queries().items():
        if dialect:
            general = queries()[name, ""]
            assert set(re.findall(r"(?<!:):([a-z_]+)", query.sql)) == set(re.findall(r"(?<!:):([a-z_]+)", general.sql))


def test_a_name_that_is_not_in_the_file_is_an_error() -> None:
    with pytest.raises(KeyError):
        clause("no_such_query", "sqlite")
