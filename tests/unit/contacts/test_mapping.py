"""Columns and what they are taken for."""

from __future__ import annotations

import pytest

from app.contacts.mapping import column_names, guess, is_header
from app.contacts.numbers import reader_for
from app.contacts.problems import SheetProblem

GB = reader_for("GB")
RU = reader_for("RU")


def roles(columns: list[str], *rows: list[str], told: dict[str, str] | None = None) -> dict[str, str]:
    return guess(columns, rows, GB, told=told).as_roles()


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["Name", "Phone"], {"name": "Name", "phone1": "Phone"}),
        (
            ["first_name", "last_name", "phone1"],
            {"first_name": "first_name", "last_name": "last_name", "phone1": "phone1"},
        ),
        (["firstName", "MOBILE", "E-mail"], {"first_name": "firstName", "phone1": "MOBILE", "email": "E-mail"}),
        (["ФИО", "Телефон", "Язык"], {"name": "ФИО", "phone1": "Телефон", "language": "Язык"}),
        (["Имя", "Фамилия", "Моб. тел."], {"first_name": "Имя", "last_name": "Фамилия", "phone1": "Моб. тел."}),
        (["id", "name", "tel", "timezone"], {"name": "name", "phone1": "tel", "time_zone": "timezone"}),
        (["key", "tel"], {"key": "key", "phone1": "tel"}),
        (["phone3", "phone1", "phone2"], {"phone1": "phone1", "phone2": "phone2", "phone3": "phone3"}),
        (["Phone", "Phone (2)", "Fax"], {"phone1": "Phone", "phone2": "Phone (2)"}),
        (["Home phone", "Work phone"], {"phone1": "Home phone", "phone2": "Work phone"}),
        (["Phone type", "Customer phone, main"], {"phone1": "Customer phone, main", "kind1": "Phone type"}),
        (["Телефон 1", "Тип телефона 1"], {"phone1": "Телефон 1", "kind1": "Тип телефона 1"}),
        (["phone2 type", "phone1", "phone2"], {"phone1": "phone1", "phone2": "phone2", "kind2": "phone2 type"}),
        (
            ["tel", "State", "Priority", "Assigned to", "Opt-in", "Channels", "TZ"],
            {
                "phone1": "tel",
                "region": "State",
                "priority": "Priority",
                "owner": "Assigned to",
                "consent": "Opt-in",
                "channels": "Channels",
                "time_zone": "TZ",
            },
        ),
        (
            ["тел", "Регион", "Приоритет", "Ответственный", "Согласие", "Каналы связи", "Часовой пояс", "Эл. почта"],
            {
                "phone1": "тел",
                "region": "Регион",
                "priority": "Приоритет",
                "owner": "Ответственный",
                "consent": "Согласие",
                "channels": "Каналы связи",
                "time_zone": "Часовой пояс",
                "email": "Эл. почта",
            },
        ),
    ],
)
def test_columns_are_known_by_their_headers(columns: list[str], expected: dict[str, str]) -> None:
    assert roles(columns) == expected


def test_a_header_with_phone_in_it_needs_numbers_under_it() -> None:
    columns = ["Telephone consultation", "Contact tel. (day)"]
    assert roles(columns, ["yes", "07700 900123"], ["no", "07700 900124"]) == {"phone1": "Contact tel. (day)"}


def test_without_a_telling_header_the_contents_tell() -> None:
    columns = ["column 1", "column 2", "column 3"]
    found = guess(columns, [["1", "Bob", "07700 900123"], ["2", "Al", "+1 202 555 0123"]], GB)
    assert found.phones == ("column 3",)
    assert found.confidence["phone1"] == 0.6


def test_confidence_falls_where_the_numbers_are_bad() -> None:
    good = guess(["phone"], [["07700 900123"]], GB).confidence["phone1"]
    bad = guess(["phone"], [["yes"], ["no"]], GB).confidence["phone1"]
    assert good == 0.95
    assert bad < 0.5


def test_what_a_person_says_goes_over_all_guesses() -> None:
    columns = ["phone", "other", "name", "id"]
    told = {"phone1": "OTHER", "name": "", "key": "id"}
    assert roles(columns, told=told) == {"phone1": "other", "key": "id"}


@pytest.mark.parametrize(
    ("told", "why"), [({"phone1": "Tel"}, "no column 'Tel'"), ({"fone": "phone"}, "no role 'fone'")]
)
def test_a_mapping_to_nothing_is_refused_with_what_there_is(told: dict[str, str], why: str) -> None:
    with pytest.raises(SheetProblem, match=why) as caught:
        roles(["phone", "name"], told=told)
    assert "phone" in caught.value.mend


def test_a_sheet_without_any_phone_is_refused() -> None:
    with pytest.raises(SheetProblem, match="no column looks like a phone number among a, b"):
        roles(["a", "b"], ["1", "x"])


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (["name", "phone"], True),
        (["ФИО", "Телефон"], True),
        (["Alpha", "Beta"], True),
        (["Bob", "8 916 123-45-67"], False),
        (["8 916 123-45-67"], False),
    ],
)
def test_a_first_row_with_a_number_in_it_is_no_header(first: list[str], expected: bool) -> None:
    assert is_header(first, RU) is expected


def test_every_column_gets_a_name_of_its_own() -> None:
    assert column_names(["phone", "", "phone", " a \n b "], 5) == ("phone", "column 2", "phone (2)", "a b", "column 5")
