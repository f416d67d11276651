"""Which number is shown: fixed, near the callee or in turn, within its limits; and who waits when none is free."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.commands import CloseAttempt, ConfirmAttempt, PlaceCall
from app.dialing.attempt import FRESH_MS
from app.dialing.caller_ids import CallerIdBook
from app.events import (
    AttemptConfirmed,
    CallerIdsSet,
    CampaignStarted,
    DncAdded,
    TelephonyUp,
    TrunkSet,
)
from app.model import CallerIdChoice, CallerIdPlan, OwnedNumber
from app.outcomes import Outcome
from app.units import DAY_MS, HOUR_MS, MINUTE_MS, CampaignId, Number, TrunkId
from tests.unit.dialing.build import SILENT_FLOW, T0, campaign, opened, trunk
from tests.unit.dialing.test_shut_trunks import House

LONDON = OwnedNumber(number="+442079460001", areas=("+44", "+4420"))
LEEDS = OwnedNumber(number="+441132960001", areas=("+44", "+44113"))
NEW_YORK = OwnedNumber(number="+12125550100", areas=("+1", "+1212"))
WAY = trunk("way", prefixes=("+",), caller_id="+33100000000")
LOCAL, ROTATION = CallerIdChoice.LOCAL, CallerIdChoice.ROTATION
NOON = (T0 // HOUR_MS + 1) * HOUR_MS


def book(*owned: OwnedNumber) -> CallerIdBook:
    made = CallerIdBook()
    made.set(owned, {})
    return made


def shows(made: CallerIdBook, callee: str, plan: CallerIdPlan, *, fixed: str = "", now_ms: int = NOON) -> str | None:
    shown = made.choose(campaign(caller_id=fixed, caller_ids=plan), Number(callee), WAY, now_ms)
    if shown:
        made.take(shown, now_ms)
    return shown


@pytest.mark.parametrize(
    ("callee", "expected"),
    [
        ("+442071838750", LONDON.number),
        ("+441134960000", LEEDS.number),
        ("+12125550199", NEW_YORK.number),
        ("+14155550199", NEW_YORK.number),  # the same country will do
    ],
)
def test_the_number_nearest_to_the_callee_is_shown(callee: str, expected: str) -> None:
    assert shows(book(LONDON, LEEDS, NEW_YORK), callee, CallerIdPlan(choice=LOCAL)) == expected


def test_where_none_is_near_the_campaigns_own_is_shown_or_any() -> None:
    made = book(LONDON, NEW_YORK)
    assert shows(made, "+4930123456", CallerIdPlan(choice=LOCAL), fixed="+499999") == "+499999"
    assert shows(made, "+4930123456", CallerIdPlan(choice=LOCAL)) in (LONDON.number, NEW_YORK.number)


def test_numbers_take_turns_and_only_those_named_over_the_trunks_they_are_for() -> None:
    elsewhere = replace(LEEDS, trunks=(TrunkId("other"),))
    made = book(LONDON, elsewhere, NEW_YORK)
    everything, named = CallerIdPlan(choice=ROTATION), CallerIdPlan(choice=ROTATION, numbers=(NEW_YORK.number,))
    seen = [shows(made, "+442071838750", everything, now_ms=NOON + place) for place in range(4)]
    assert seen == [NEW_YORK.number, LONDON.number] * 2
    assert {shows(made, "+442071838750", named) for _ in range(3)} == {NEW_YORK.number}


def test_a_fixed_number_is_the_campaigns_or_the_trunks_own_and_what_is_unknown_has_no_limits() -> None:
    made = book(LONDON)
    assert shows(made, "+442071838750", CallerIdPlan(), fixed="02079") == "02079"
    assert shows(made, "+442071838750", CallerIdPlan()) == "+33100000000"
    assert made.choose(campaign(), Number("+442071838750"), trunk("bare", prefixes=("+",)), NOON) == ""


def test_an_hour_a_day_and_a_rest_are_kept() -> None:
    plan, fixed = CallerIdPlan(), LONDON.number
    made = book(replace(LONDON, per_hour=2))
    assert [shows(made, "+4420", plan, fixed=fixed, now_ms=NOON + at) for at in (0, 1, 2)] == [fixed, fixed, None]
    assert shows(made, "+4420", plan, fixed=fixed, now_ms=NOON + HOUR_MS - 1) is None
    assert made.free_at_ms(campaign(caller_id=fixed), Number("+4420"), WAY, NOON + 5) == NOON + HOUR_MS
    assert shows(made, "+4420", plan, fixed=fixed, now_ms=NOON + HOUR_MS) == fixed
    made = book(replace(LONDON, per_day=3))
    for at in (0, 2 * HOUR_MS, 5 * HOUR_MS):
        assert shows(made, "+4420", plan, fixed=fixed, now_ms=NOON + at) == fixed
    assert shows(made, "+4420", plan, fixed=fixed, now_ms=NOON + DAY_MS - 1) is None
    assert made.free_at_ms(campaign(caller_id=fixed), Number("+4420"), WAY, NOON + 6 * HOUR_MS) == NOON + DAY_MS
    assert shows(made, "+4420", plan, fixed=fixed, now_ms=NOON + DAY_MS) == fixed
    made = book(replace(LONDON, rest_after=2, rest_ms=10 * MINUTE_MS))
    assert [shows(made, "+4420", plan, fixed=fixed, now_ms=NOON + at) for at in (0, 7, 8)] == [fixed, fixed, None]
    assert shows(made, "+4420", plan, fixed=fixed, now_ms=NOON + 7 + 10 * MINUTE_MS) == fixed


def test_what_was_shown_before_a_restart_counts() -> None:
    made = CallerIdBook()
    made.set([replace(LONDON, per_hour=5)], {LONDON.number: {NOON // HOUR_MS: 5}})
    assert shows(made, "+4420", CallerIdPlan(), fixed=LONDON.number) is None
    made.set([replace(LONDON, per_hour=6)], {})
    assert shows(made, "+4420", CallerIdPlan(), fixed=LONDON.number) == LONDON.number


def test_a_number_that_rests_by_hand_is_replaced_by_the_next_nearest() -> None:
    made = book(replace(LONDON, is_resting=True), LEEDS)
    assert shows(made, "+442071838750", CallerIdPlan(choice=LOCAL)) == LEEDS.number
    assert shows(made, "+442071838750", CallerIdPlan(), fixed=LONDON.number) is None
    assert made.free_at_ms(campaign(caller_id=LONDON.number), Number("+4420"), WAY, NOON) is None


# --- in the dialer ---------------------------------------------------------------------------------------------------


class Shop(House):
    """Two numbers in turn, one call an hour each."""

    def __init__(self) -> None:
        super().__init__()
        plan = campaign(
            trunks=(TrunkId("british"),), lines=30, calls_per_second=50.0, caller_ids=CallerIdPlan(choice=ROTATION)
        )
        self.now_ms = NOON
        self.turn(
            TrunkSet(trunk=trunk("british", prefixes=("+44",), lines=30, calls_per_second=50.0)),
            CallerIdsSet(numbers=(replace(LONDON, per_hour=1), replace(LEEDS, per_hour=1))),
            CampaignStarted(campaign=plan, flow=SILENT_FLOW),
        )

    def placed(self, *places: int) -> list[str]:
        calls = [opened(place, number=Number(f"+447700900{place:03}")) for place in places]
        commands = self.claimed(*calls)
        for _ in calls:
            commands += self.turn(after_ms=100)
        return [command.caller_id for command in commands if isinstance(command, PlaceCall)]


def test_calls_beyond_the_limits_wait_and_nobody_is_claimed_for_them() -> None:
    shop = Shop()
    assert sorted(shop.placed(1, 2, 3)) == [LEEDS.number, LONDON.number]
    shop.claimed()  # what was claimed before the second number had its call
    before = len(shop.claims)
    [picture] = shop.dialer.snapshot(shop.now_ms).campaigns
    assert picture.waiting_for == "each number it may show rests, or has had its calls for now"
    shop.turn(after_ms=MINUTE_MS)
    assert len(shop.claims) == before
    assert shop.dialer.next_deadline_ms() is not None
    shop.turn(after_ms=HOUR_MS)
    assert len(shop.claims) == before + 1


def test_the_number_shown_is_written_with_the_attempt() -> None:
    shop = Shop()
    call = opened(1, number=Number("+447700900001"))
    commands = shop.claimed(call)
    [placed] = [command for command in commands if isinstance(command, PlaceCall)]
    attempt = shop.dialer._work.attempts[call.attempt_id]
    assert attempt.call is not None
    assert attempt.call.facts.caller_id == placed.caller_id != ""


# --- claims that grow old --------------------------------------------------------------------------------------------


def waiting_house() -> tuple[House, list[str]]:
    """A house in which two contacts wait for a slow trunk."""
    house = House()
    house.turn(TrunkSet(trunk=trunk("british", prefixes=("+44",), calls_per_second=0.2)))
    calls = [opened(place, number=Number(f"+447700900{place:03}")) for place in (1, 2, 3)]
    house.claimed(*calls)
    return house, [call.attempt_id for call in calls]


def test_a_claim_that_is_old_is_asked_again_before_it_is_dialed() -> None:
    house, _ids = waiting_house()
    house.turn(TelephonyUp(is_new_life=False), after_ms=FRESH_MS + 1)
    commands = house.turn(after_ms=5_000)
    asked = [command for command in commands if isinstance(command, ConfirmAttempt)]
    assert asked
    assert not any(isinstance(command, PlaceCall) for command in commands)
    assert not any(isinstance(command, ConfirmAttempt) for command in house.turn(after_ms=20))
    good, *barred = asked
    answers = [AttemptConfirmed(attempt_id=good.attempt_id, number=good.number, checked_at_ms=house.now_ms)]
    answers += [
        AttemptConfirmed(attempt_id=one.attempt_id, number=one.number, checked_at_ms=house.now_ms, reason="barred")
        for one in barred
    ]
    commands = house.turn(*answers)
    assert [command.attempt_id for command in commands if isinstance(command, PlaceCall)] == [good.attempt_id]
    closed = [command.result for command in commands if isinstance(command, CloseAttempt)]
    assert {(result.attempt_id, result.outcome) for result in closed} == {
        (one.attempt_id, Outcome.DO_NOT_CALL) for one in barred
    }


def test_an_opt_out_of_one_campaign_leaves_the_claims_of_others() -> None:
    house, _ids = waiting_house()
    others = DncAdded(number="+447700900*", campaigns=frozenset({CampaignId(99)}))
    mine = DncAdded(number="+447700900*", campaigns=frozenset({CampaignId(1)}))
    assert not house.dialer.is_about_to_call(others)
    assert len(house.turn(others)) == 0
    assert len(house.turn(mine)) >= 2
