"""How long to wait between tries, and what a failure to open says of the other side."""

import random

import pytest

from app.asterisk.ari import AriError, AriNotFound, AriUnauthorized, AriUnavailable, AriUnknown, DownReason
from app.asterisk.ari.connection import Backoff, down_reason


def test_the_first_try_is_at_once_and_the_waits_double_to_the_most() -> None:
    backoff = Backoff(0.1, 5.0, random.Random(1))
    waits = [backoff.next_wait_s() for _ in range(12)]
    assert waits[0] == 0
    for tries, wait in enumerate(waits[1:]):
        whole = min(5.0, 0.1 * 2**tries)
        assert whole / 2 <= wait <= whole
    backoff.reset()
    assert backoff.next_wait_s() == 0


def test_two_clients_do_not_wait_in_step() -> None:
    one, other = Backoff(chance=random.Random(1)), Backoff(chance=random.Random(2))
    assert [one.next_wait_s() for _ in range(5)] != [other.next_wait_s() for _ in range(5)]


def test_any_number_of_tries_keeps_the_most() -> None:
    backoff = Backoff(0.1, 5.0)
    assert all(backoff.next_wait_s() <= 5.0 for _ in range(5000))


def test_an_asterisk_that_is_back_after_long_is_met_within_a_second() -> None:
    backoff = Backoff()
    assert max(backoff.next_wait_s() for _ in range(5000)) <= 1.0


def timed_out() -> AriError:
    error = AriUnknown("no answer")
    error.__cause__ = TimeoutError()
    return error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (AriUnavailable("could not connect"), DownReason.REFUSED),
        (AriUnavailable("not booted", status=503), DownReason.BOOTING),
        (AriUnauthorized("no", status=401), DownReason.UNAUTHORIZED),
        (AriNotFound("Application not found", status=404), DownReason.FAILED),
        (timed_out(), DownReason.FROZEN),
        (AriUnknown("broke"), DownReason.CLOSED),
    ],
)
def test_a_failed_opening_says_why(error: AriError, reason: DownReason) -> None:
    assert down_reason(error) is reason
