"""Guessing gets slower; owners are never locked out for long; memory stays bounded."""

from __future__ import annotations

from app.panel import throttle
from app.panel.throttle import ADDRESS, NAME, Throttle


class Hands:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_delay_of_a_name_doubles_up_to_a_minute() -> None:
    assert [NAME.delay_s(failures) for failures in (1, 4, 5, 6, 7, 20, 10_000)] == [0, 0, 1, 2, 4, 60, 60]


def test_a_day_of_guessing_at_one_name_from_everywhere_is_few_guesses() -> None:
    clock = Hands()
    gate = Throttle(clock)
    made = 0
    while clock.now < 86_400:
        wait_s = gate.begin("anna", f"10.0.0.{made}")
        clock.now += wait_s
        made += wait_s == 0
    assert made < 1_500


def test_guessing_many_names_from_one_address_is_slowed_too() -> None:
    clock = Hands()
    gate = Throttle(clock)
    made = 0
    while clock.now < 3_600:
        wait_s = gate.begin(f"name{made}", "10.0.0.1")
        clock.now += wait_s
        made += wait_s == 0
    assert made < ADDRESS.free + 20


def test_tries_under_way_count_so_many_at_once_gain_nothing() -> None:
    gate = Throttle(Hands())
    assert sum(gate.begin("anna", "10.0.0.1") == 0.0 for _ in range(1_000)) == NAME.free


def test_a_right_password_starts_the_name_anew() -> None:
    gate = Throttle(Hands())
    for _ in range(100):
        assert gate.begin("anna", "10.0.0.1") == 0.0
        gate.passed("anna", "10.0.0.1")


def test_signing_in_does_not_wipe_the_addresss_other_failures() -> None:
    clock = Hands()
    gate = Throttle(clock)
    made = 0
    for at in range(ADDRESS.free * 4):
        made += gate.begin(f"victim{at}", "10.0.0.1") == 0.0
        if gate.begin("mine", "10.0.0.1") == 0.0:
            gate.passed("mine", "10.0.0.1")
    assert made <= ADDRESS.free


def test_memory_is_bounded_and_an_hour_forgets() -> None:
    clock = Hands()
    gate = Throttle(clock)
    for at in range(throttle.MAX_REMEMBERED * 2):
        gate.begin(f"n{at}", f"a{at}")
    assert len(gate._tries) <= throttle.MAX_REMEMBERED
    for _ in range(10):
        gate.begin("anna", "10.9.9.9")
    clock.now += throttle.FORGET_S + 1
    assert gate.begin("anna", "10.9.9.9") == 0.0
