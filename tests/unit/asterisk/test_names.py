"""Names of channels, bridges and recordings: each tells whose it is, and nobody else's."""

import pytest

from app.asterisk import names
from app.units import AttemptId, LegId, RoomId

ATTEMPT, LEG, ROOM = AttemptId("attempt00001"), LegId("session00001-p2"), RoomId("session00001-room")


def test_each_name_leads_back() -> None:
    assert names.attempt_of(names.channel_id(ATTEMPT)) == ATTEMPT
    assert names.leg_of(names.leg_channel(LEG)) == LEG
    assert names.room_of(names.bridge_id(ROOM)) == ROOM
    assert names.helper_of(names.snoop_channel(LEG)) == LEG
    assert names.helper_of(names.say_channel(LEG, "0a1b")) == LEG
    assert names.spied_by(names.spy_bridge(LEG)) == LEG


@pytest.mark.parametrize(
    ("name", "whose"),
    [
        (names.channel_id(ATTEMPT), "attempt_of"),
        (names.leg_channel(LEG), "leg_of"),
        (names.snoop_channel(LEG), "helper_of"),
        (names.say_channel(LEG, "0a1b"), "helper_of"),
        ("1700000000.12", None),
        ("outring-session00001-x1", None),
        ("outring-session00001-p1-say-", None),
        ("another-attempt00001", None),
        ("", None),
    ],
)
def test_a_channel_is_one_thing_alone(name: str, whose: str | None) -> None:
    for of in ("attempt_of", "leg_of", "helper_of"):
        assert (getattr(names, of)(name) is not None) == (of == whose)


def test_the_bridge_of_a_supervisor_is_no_room() -> None:
    assert names.room_of(names.spy_bridge(LEG)) is None
    assert names.spied_by(names.bridge_id(ROOM)) is None
    assert names.room_of("1700000000.12") is None


@pytest.mark.parametrize(
    ("recording", "attempt"),
    [
        ("attempt00001-1", ATTEMPT),
        ("attempt00001_20260101", ATTEMPT),
        ("attempt00001", ATTEMPT),
        ("short-1", None),
        ("ATTEMPT00001-1", None),
        (f"{'a' * 41}-1", None),
    ],
)
def test_a_recording_is_named_by_its_attempt(recording: str, attempt: AttemptId | None) -> None:
    assert names.attempt_in(recording) == attempt
