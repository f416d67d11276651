"""A lease: renewed in time, however long the call, and short for whoever could be left alone."""

from __future__ import annotations

from app.commands import RenewLease
from app.dialing.lease import GRACE_MS, LEASE_MS, RENEW_AGAIN_MS, TRANSFER_LEASE_MS, Lease
from app.units import MINUTE_MS, SECOND_MS, AttemptId
from tests.unit.dialing.build import T0

ID = AttemptId("attempt00001")


def begun(length_ms: int = 54_500) -> Lease:
    lease = Lease(ID)
    lease.begin(length_ms, T0)
    return lease


def test_it_is_renewed_well_before_it_runs_out_again_and_again() -> None:
    lease = begun()
    for _ in range(20):
        at_ms = lease.renew_at_ms
        assert at_ms <= lease.until_ms - LEASE_MS // 2
        assert lease.renew(at_ms) == RenewLease(attempt_id=ID, lease_ms=LEASE_MS)
        assert lease.until_ms == at_ms + LEASE_MS


def test_nobody_is_left_alone_for_longer_than_a_minute() -> None:
    assert LEASE_MS + GRACE_MS <= MINUTE_MS
    lease = begun()
    lease.renew(T0)
    assert T0 + LEASE_MS < lease.missed_at_ms <= T0 + MINUTE_MS


def test_one_that_was_not_renewed_runs_out_as_said_before_and_is_tried_again_soon() -> None:
    lease = begun()
    before_ms = lease.until_ms
    lease.renew(T0 + SECOND_MS)
    lease.failed(T0 + 2 * SECOND_MS)
    assert lease.until_ms == before_ms
    assert lease.renew_at_ms == T0 + 2 * SECOND_MS + RENEW_AGAIN_MS


def test_who_comes_back_from_the_dialplan_has_an_ordinary_one_at_once() -> None:
    lease = begun()
    lease.take(TRANSFER_LEASE_MS, T0)
    assert lease.is_long(T0)
    lease.fall_back(T0 + SECOND_MS)
    assert lease.renew_at_ms == T0 + SECOND_MS
    assert not lease.is_long(T0 + SECOND_MS)
