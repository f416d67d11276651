"""Contacts of one clock wait in one line, whatever their summer; who may be anywhere, or nowhere, in another."""

from __future__ import annotations

import pytest

from app.compliance.rules import Callee
from app.compliance.zone_lines import NOWHERE, SEVERAL, zone_line, zone_words
from app.compliance.zones import place_of
from app.units import Number


def line(number: str = "", time_zone: str = "") -> int:
    return zone_line(place_of(Callee(number=Number(number), time_zone=time_zone)))


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"time_zone": "Europe/London"}, "UTC+0"),
        ({"time_zone": "Europe/Dublin"}, "UTC+0"),
        ({"time_zone": "America/St_Johns"}, "UTC-3:30"),
        ({"time_zone": "Asia/Kathmandu"}, "UTC+5:45"),
        ({"time_zone": "Australia/Sydney"}, "UTC+10"),
        ({"time_zone": "Australia/Brisbane"}, "UTC+10"),
        ({"number": "+442079460018"}, "UTC+0"),
        ({"number": "+12125550123"}, "UTC-5"),
        ({"number": "+79161234567"}, "several time zones"),
        ({"time_zone": "EST"}, "time zone unknown"),
        ({}, "time zone unknown"),
    ],
)
def test_the_line_is_of_the_clock_in_standard_time(facts: dict[str, str], words: str) -> None:
    assert zone_words(line(**facts)) == words


def test_special_lines_are_no_clocks() -> None:
    assert line(time_zone="nowhere") == NOWHERE
    assert line("+79161234567") == SEVERAL
