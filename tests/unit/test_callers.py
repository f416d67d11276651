"""What a caller's number may be, and what a dialplan is told of a contact."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.callers import numbers_of, variables_of
from app.outcomes import Outcome
from app.store.callers import Caller
from app.units import CampaignId, ContactId, Number

GUIDE = (Path(__file__).parents[2] / "docs" / "fastagi.md").read_text(encoding="utf-8")

WHO = Caller(
    contact_id=ContactId(7),
    number=Number("+447700900123"),
    name="Ann",
    language="",
    list_name="May",
    columns=("Name", "Plan type", "Сумма", "plan-type", "name"),
    fields={"Name": "Ann", "Plan type": "gold", "Сумма": "12", "plan-type": "other", "name": "x"},
    is_dnc=False,
)


@pytest.mark.parametrize(
    ("text", "country", "numbers"),
    [
        ("+447700900123", "", ["+447700900123"]),
        ("447700900123", "", ["+447700900123"]),
        ("00447700900123", "", ["+447700900123"]),
        ("+44 7700 900-123", "", ["+447700900123"]),
        ("07700900123", "", []),
        ("07700900123", "GB", ["+447700900123"]),
        ("07700900123", "gb", ["+447700900123"]),
        ("89161234567", "RU", ["+79161234567", "+89161234567"]),
        ("447700900123", "GB", ["+447700900123"]),
        ("12025550123", "GB", ["+12025550123"]),
        ("+12025550123", "GB", ["+12025550123"]),
        ("07700900123", "XX", []),
        ("anonymous", "GB", []),
        ("unknown", "", []),
        ("", "", []),
        ("1000", "GB", []),
        ('+447700900123"', "", []),
        ("+447700900123\r\nX: y", "GB", []),
        ("+447700900123; DROP TABLE contacts", "", []),
        ("4477009001234567890123", "", []),
    ],
)
def test_what_number_a_callers_may_be(text: str, country: str, numbers: list[str]) -> None:
    assert list(numbers_of(text, country)) == numbers


def test_a_contact_as_variables() -> None:
    assert variables_of(WHO) == {
        "OUTRING_FOUND": "1",
        "OUTRING_CONTACT": "7",
        "OUTRING_NUMBER": "+447700900123",
        "OUTRING_NAME": "Ann",
        "OUTRING_LANGUAGE": "",
        "OUTRING_LIST": "May",
        "OUTRING_CAMPAIGN": "",
        "OUTRING_OUTCOME": "",
        "OUTRING_CALLED_AT": "",
        "OUTRING_DNC": "",
        "OUTRING_FIELD_NAME": "Ann",
        "OUTRING_FIELD_PLAN_TYPE": "gold",
        "OUTRING_FIELD_3": "12",
    }


def test_the_last_call_as_variables() -> None:
    called = Caller(
        contact_id=WHO.contact_id,
        number=WHO.number,
        name="",
        language="ru",
        list_name="May",
        columns=(),
        fields={},
        is_dnc=True,
        campaign_id=CampaignId(1),
        campaign_name="Spring",
        last_outcome=Outcome.NO_ANSWER,
        last_called_at_ms=1_800_000_000_999,
    )
    told = variables_of(called)
    assert (told["OUTRING_CAMPAIGN"], told["OUTRING_OUTCOME"], told["OUTRING_CALLED_AT"], told["OUTRING_DNC"]) == (
        "Spring",
        "no answer",
        "1800000000",
        "1",
    )


def test_the_guide_names_every_variable() -> None:
    assert [name for name in variables_of(WHO) if f"`{name}`" not in GUIDE and "_FIELD_" not in name] == []
