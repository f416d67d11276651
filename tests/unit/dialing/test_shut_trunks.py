"""A trunk that is out of service keeps nobody waiting but those who can be reached over no other."""

from __future__ import annotations

from collections.abc import Iterable

from app.commands import ClaimContacts, CloseAttempt, Command, PlaceCall
from app.dialing.dialer import Dialer
from app.dialing.placing import SHUT_MS
from app.dialing.trunk import FIRST_REST_MS
from app.events import AttemptsOpened, CallEnded, CampaignStarted, Event, TelephonyUp, TrunkSet
from app.model import OpenedAttempt
from app.outcomes import ContactStatus, Outcome
from app.units import CampaignId, Number, TrunkId
from tests.unit.dialing.build import SILENT_FLOW, T0, campaign, opened, trunk

BRITISH, AMERICAN = "+447700900{:03}", "+1202555{:04}"


class House:
    """A dialer with a trunk for Britain and one for America, and one campaign on both."""

    def __init__(self) -> None:
        self.dialer = Dialer()
        self.now_ms = T0
        plan = campaign(trunks=(TrunkId("british"), TrunkId("american")), lines=30, calls_per_second=50.0)
        self.claims: list[ClaimContacts] = []
        self._act(
            [
                TrunkSet(trunk=trunk("british", prefixes=("+44",))),
                TrunkSet(trunk=trunk("american", prefixes=("+1",))),
                CampaignStarted(campaign=plan, flow=SILENT_FLOW),
                TelephonyUp(is_new_life=True),
            ]
        )

    def _act(self, events: Iterable[Event]) -> list[Command]:
        commands = self.dialer.turn(events, self.now_ms)
        self.claims += [command for command in commands if isinstance(command, ClaimContacts)]
        return commands

    def turn(self, *events: Event, after_ms: int = 0) -> list[Command]:
        self.now_ms += after_ms
        return self._act(events)

    def claimed(self, *attempts: OpenedAttempt) -> list[Command]:
        """The claim under way is answered with these; more are waiting."""
        return self.turn(
            AttemptsOpened(
                campaign_id=CampaignId(1), wanted=len(attempts), attempts=attempts, next_due_at_ms=self.now_ms
            )
        )

    def next_claim(self) -> ClaimContacts:
        """The claim that follows when the one under way found nobody."""
        self.claimed()
        return self.claims[-1]

    def break_american(self) -> None:
        """Five calls over the American trunk fail."""
        for place in range(1, 6):
            contact = opened(place, number=Number(AMERICAN.format(place)))
            commands = self.claimed(contact)
            while not any(isinstance(command, PlaceCall) for command in commands):
                commands = self.turn(after_ms=100)
            self.turn(CallEnded(attempt_id=contact.attempt_id, sip_code=503, cause=34))


def returned(commands: list[Command]) -> list[tuple[str, int | None]]:
    """Who went back to the line undialed, and until when."""
    return [
        (command.result.attempt_id, command.result.next.due_at_ms)
        for command in commands
        if isinstance(command, CloseAttempt) and command.result.outcome is Outcome.RETURNED_UNDIALED
    ]


def test_with_all_trunks_in_service_everybody_is_claimed() -> None:
    claim = House().claims[-1]
    assert (claim.shut_prefixes, claim.open_prefixes) == ((), ())


def test_a_trunk_out_of_service_is_left_out_of_the_claim_until_it_is_tried_again() -> None:
    house = House()
    house.break_american()
    claim = house.next_claim()
    assert (claim.shut_prefixes, claim.open_prefixes) == (("+1",), ("+44",))
    assert claim.shut_until_ms == house.now_ms + FIRST_REST_MS
    house.turn(after_ms=FIRST_REST_MS)
    assert house.next_claim().shut_prefixes == (), "one call may try it"


def test_while_one_call_is_on_trial_nobody_else_waits_for_the_trunk() -> None:
    house = House()
    house.break_american()
    house.turn(after_ms=FIRST_REST_MS)
    trial, other, british = (
        opened(11, number=Number(AMERICAN.format(11))),
        opened(12, number=Number(AMERICAN.format(12))),
        opened(13, number=Number(BRITISH.format(13))),
    )
    commands = house.claimed(trial, other, british)
    commands += house.turn(after_ms=100)
    assert {command.attempt_id for command in commands if isinstance(command, PlaceCall)} == {
        trial.attempt_id,
        british.attempt_id,
    }
    assert returned(commands) == [(other.attempt_id, house.now_ms + SHUT_MS)]
    assert house.next_claim().shut_prefixes == ("+1",)


def test_who_was_claimed_for_a_trunk_that_goes_out_goes_back_as_they_were() -> None:
    house = House()
    house.turn(TrunkSet(trunk=trunk("american", prefixes=("+1",), calls_per_second=0.1)))
    waiting = [opened(place, number=Number(AMERICAN.format(place))) for place in (1, 2, 3)]
    house.claimed(*waiting)
    commands = house.turn(TrunkSet(trunk=trunk("american", prefixes=("+1",), is_enabled=False)))
    assert {attempt_id for attempt_id, _ in returned(commands)} == {one.attempt_id for one in waiting[1:]}
    for command in commands:
        if isinstance(command, CloseAttempt):
            assert not command.result.is_charged
            assert command.result.next.status is ContactStatus.PENDING
            assert command.result.next.due_at_ms == house.now_ms + SHUT_MS


def test_a_number_that_another_trunk_carries_too_does_not_go_back() -> None:
    house = House()
    house.turn(TrunkSet(trunk=trunk("british", prefixes=("+44", "+1"), calls_per_second=0.1)))
    house.claimed(*(opened(place, number=Number(AMERICAN.format(place))) for place in (1, 2, 3)))
    commands = house.turn(TrunkSet(trunk=trunk("american", prefixes=("+1",), is_enabled=False)))
    assert returned(commands) == []
