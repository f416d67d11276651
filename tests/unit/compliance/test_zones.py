"""Every zone somebody may be in: from the column, the number, the country and the region."""

from __future__ import annotations

import pytest

from app.compliance.regions import ZONES_OF_REGION
from app.compliance.rules import Callee
from app.compliance.zones import place_of, zone
from app.units import number

NEW_YORK, CHICAGO, LOS_ANGELES = "America/New_York", "America/Chicago", "America/Los_Angeles"


def found(phone: str, *, time_zone: str = "", country: str = "", region: str = "") -> tuple[str, ...]:
    return place_of(Callee(number=number(phone), time_zone=time_zone, country=country, region=region)).zones


def test_the_column_is_believed_alone() -> None:
    assert found("+12125550123", time_zone=" Europe/London ", region="CA") == ("Europe/London",)


@pytest.mark.parametrize(
    "column", ["EST", "Etc/GMT+5", "UTC", "GMT+3", "Europe/Lodon", "../etc/passwd", "europe/london"]
)
def test_a_column_that_names_no_place_is_not_passed_over(column: str) -> None:
    place = place_of(Callee(number=number("+12125550123"), time_zone=column))
    assert place.zones == ()
    assert "Europe/London" in place.why


def test_an_area_code_is_a_place() -> None:
    assert found("+12125550123") == (NEW_YORK,)
    assert found("+61891234567") == ("Australia/Adelaide", "Australia/Perth")
    assert found("+74951234567") == ("Europe/Moscow",)


def test_a_mobile_may_be_anywhere_in_its_country() -> None:
    russia = found("+79161234567")
    assert {"Europe/Kaliningrad", "Europe/Moscow", "Asia/Kamchatka"} <= set(russia)
    assert "Europe/Bucharest" not in russia
    assert found("+33612345678") == ("Europe/Paris",)
    assert set(found("+34612345678")) == {"Europe/Madrid", "Atlantic/Canary", "Africa/Ceuta"}


def test_a_number_that_is_in_no_book_is_taken_by_its_country_code() -> None:
    assert "Europe/London" in found("+447700900123")


def test_what_tells_no_place_is_unknown() -> None:
    assert found("+888123456789") == ()
    assert found("+12125550123", country="Narnia") == ()
    assert found("+12125550123", country="US", region="CA-ON") == ()


def test_a_country_narrows_a_number_of_its_own_and_widens_another() -> None:
    assert found("+12125550123", country="US") == (NEW_YORK,)
    assert "Europe/Paris" in found("+12125550123", country="FR")
    assert NEW_YORK in found("+12125550123", country="FR")
    assert found("+888123456789", country="uk") == ("Europe/London",)


def test_a_region_adds_its_zones_to_those_of_the_number() -> None:
    assert found("+12125550123", region="CA") == (LOS_ANGELES, NEW_YORK)
    assert found("+13055550123", region="us-fl") == (CHICAGO, NEW_YORK)
    assert found("+18005550123", region="US-CA") == (LOS_ANGELES,)  # the number says nothing, the region all
    assert found("+61412345678", region="QLD") == ("Australia/Brisbane", "Australia/Lindeman")


def test_a_region_nobody_has_written_down_changes_nothing() -> None:
    assert found("+12125550123", country="US", region="ZZ") == (NEW_YORK,)
    assert found("+79161234567", country="RU", region="MOW") == found("+79161234567")


def test_every_zone_of_the_table_is_one() -> None:
    assert all(zone(name) is not None for zones in ZONES_OF_REGION.values() for name in zones)
    assert len([region for region in ZONES_OF_REGION if region.startswith("US-")]) == 51


def test_a_landline_is_told_from_what_may_be_a_mobile() -> None:
    assert not place_of(Callee(number=number("+35316671234"))).may_be_mobile
    assert place_of(Callee(number=number("+353861234567"))).may_be_mobile
    assert place_of(Callee(number=number("+12125550123"))).may_be_mobile
