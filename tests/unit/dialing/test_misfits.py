"""A number that is none, past all checks of the import: it is not dialed, and speaks against no trunk."""

from __future__ import annotations

import pytest

from app.commands import CloseAttempt, PlaceCall
from app.dialing.dialer import Dialer
from app.dialing.trunk import TrunkState
from app.events import AttemptsOpened, CampaignStarted, Event, TelephonyUp, TrunkSet
from app.outcomes import ContactStatus, Outcome
from app.units import CampaignId, Number
from tests.unit.dialing.build import SILENT_FLOW, T0, campaign, opened, trunk


@pytest.mark.parametrize(
    "text", ["+447700900061@evil", "+4477009000611\r\nX: y", "447700900061", "+" + "4" * 40, "+٤٤٧٧٠"]
)
def test_what_is_no_number_is_told_so_and_kept(text: str) -> None:
    dialer = Dialer()
    start: list[Event] = [TrunkSet(trunk=trunk()), CampaignStarted(campaign=campaign(), flow=SILENT_FLOW)]
    dialer.turn([*start, TelephonyUp(is_new_life=True)], T0)
    attempts = tuple(opened(place, number=Number(text)) for place in range(1, 8))
    found = AttemptsOpened(campaign_id=CampaignId(1), wanted=7, attempts=attempts, next_due_at_ms=None)
    commands = dialer.turn([found], T0)
    assert not [command for command in commands if isinstance(command, PlaceCall)]
    results = [command.result for command in commands if isinstance(command, CloseAttempt)]
    assert len(results) == 7
    for result in results:
        assert (result.outcome, result.next.status) == (Outcome.INVALID_NUMBER, ContactStatus.INVALID_NUMBER)
        assert result.facts.cause_text.startswith("not a number in E.164")
    assert dialer.snapshot(T0).trunks[0].state is TrunkState.IN_SERVICE
