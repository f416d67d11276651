"""When somebody may be called: on their clock, with all the zones they may be in, through the changes of the clock."""

from __future__ import annotations

import pytest

from app.panel.calling_time import at_local, local, nearest_allowed, zones_of
from app.units import HOUR_MS

MOSCOW = ("Europe/Moscow",)


@pytest.mark.parametrize(
    ("number", "zone", "found"),
    [
        ("+74951234567", "", ("Europe/Moscow",)),
        ("+12125550123", "", ("America/New_York",)),
        ("+12125550123", "America/Chicago", ("America/Chicago",)),
        ("+447700900123", "", ("Europe/London",)),
        ("+12125550123", "Mars/Phobos", ("America/New_York",)),
        ("nonsense", "", ()),
    ],
)
def test_the_zone_is_the_contacts_own_else_the_numbers(number: str, zone: str, found: tuple[str, ...]) -> None:
    assert zones_of(number, zone) == found


def test_a_number_that_many_zones_share_has_each_clock_once_west_to_east() -> None:
    zones = zones_of("+79161234567")
    offsets = [local(0, zone).utcoffset() for zone in zones]
    assert len(zones) == 11
    assert "Europe/Moscow" in zones
    assert len(set(offsets)) >= 10


def by_day(at_ms: int) -> bool:
    return 9 <= local(at_ms, MOSCOW[0]).hour < 20


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [
        ("2025-11-24T08:59", "2025-11-24 09:00"),
        ("2025-11-24T09:00", "2025-11-24 09:00"),
        ("2025-11-24T19:59", "2025-11-24 19:59"),
        ("2025-11-24T20:00", "2025-11-24 19:45"),
        ("2025-11-24T23:00", "2025-11-24 19:45"),
        ("2025-11-25T03:00", "2025-11-25 09:00"),
    ],
)
def test_out_of_hours_the_nearest_legal_quarter_hour_is_told(asked: str, nearest: str) -> None:
    found = nearest_allowed(at_local(asked, MOSCOW[0]), at_local("2025-11-24T06:00", MOSCOW[0]), by_day)
    assert found is not None
    assert format(local(found, MOSCOW[0]), "%Y-%m-%d %H:%M") == nearest


def test_the_nearest_time_is_never_in_the_past() -> None:
    now_ms = at_local("2025-11-24T20:30", MOSCOW[0])
    found = nearest_allowed(now_ms + 1_000, now_ms, by_day)
    assert found is not None
    assert format(local(found, MOSCOW[0]), "%Y-%m-%d %H:%M") == "2025-11-25 09:00"


def test_where_nothing_is_allowed_nothing_is_suggested() -> None:
    assert nearest_allowed(0, 0, lambda _at_ms: False) is None


@pytest.mark.parametrize(("written", "hours"), [("2026-03-29T02:30", 0), ("2026-10-25T02:30", 0)])
def test_an_hour_that_is_skipped_or_comes_twice_is_some_hour(written: str, hours: int) -> None:
    at_ms = at_local(written, "Europe/Berlin")
    assert abs(at_ms - at_local(written[:11] + "03:30", "Europe/Berlin")) <= 2 * HOUR_MS
    assert local(at_ms, "Europe/Berlin").minute == 30 - hours


@pytest.mark.parametrize("written", ["", "tomorrow", "2025-13-01T00:00", "2025-11-24T10:00+03:00"])
def test_what_is_no_time_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        at_local(written, "Europe/Moscow")


@pytest.mark.parametrize("zone", ["../../etc/passwd", "", "Europe", "\0", "x" * 100])
def test_what_is_no_zone_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match="not a time zone"):
        local(0, zone)
