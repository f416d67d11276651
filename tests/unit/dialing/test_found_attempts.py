"""Attempts of claims that seemed to fail: they go back as they were, and nothing the dialer knows of is touched."""

from __future__ import annotations

from app.commands import CloseAttempt
from app.dialing.dialer import Dialer
from app.events import AttemptClosed, AttemptsFound, AttemptsOpened, AttemptsRecovered, CampaignStarted
from app.model import OpenedAttempt
from app.outcomes import ContactStatus, Outcome
from app.units import AttemptId, CampaignId, ContactId
from tests.unit.dialing.build import FLOW, campaign, phone

NOW = 1_000_000


def opened(name: str, campaign_id: int = 1) -> OpenedAttempt:
    return OpenedAttempt(
        attempt_id=AttemptId(name), campaign_id=CampaignId(campaign_id), contact_id=ContactId(1), number=phone(1),
        language="en", fields={}, attempts=2, faults=1,
    )  # fmt: skip


def closed(commands: object) -> list[AttemptId]:
    assert isinstance(commands, list)
    return [command.result.attempt_id for command in commands if isinstance(command, CloseAttempt)]


def test_an_attempt_nobody_knows_goes_back_undialed_and_keeps_its_campaign_from_finishing() -> None:
    dialer = Dialer()
    dialer.turn([CampaignStarted(campaign=campaign(), flow=FLOW)], NOW)
    [command] = dialer.turn([AttemptsFound(attempts=(opened("lostlost"),))], NOW + 1)
    assert isinstance(command, CloseAttempt)
    result = command.result
    assert (result.outcome, result.is_charged, result.facts.placed_at_ms) == (Outcome.RETURNED_UNDIALED, False, None)
    assert (result.next.status, result.next.due_at_ms) == (ContactStatus.PENDING, NOW + 1)
    assert (result.next.attempts, result.next.faults) == (2, 1)
    assert not dialer.is_at_rest, "its end is not on disk yet"
    assert dialer.turn([AttemptsFound(attempts=(opened("lostlost"),))], NOW + 2) == [], "it is ending already"
    told = AttemptClosed(attempt_id=AttemptId("lostlost"), campaign_id=CampaignId(1), outcome=Outcome.RETURNED_UNDIALED)
    dialer.turn([told], NOW + 3)
    assert dialer.is_at_rest


def test_an_attempt_of_a_campaign_that_is_not_in_work_goes_back_too() -> None:
    assert closed(Dialer().turn([AttemptsFound(attempts=(opened("lostlost", 7),))], NOW)) == ["lostlost"]


def test_what_is_in_work_or_waits_to_be_recovered_is_left_alone() -> None:
    dialer = Dialer()
    known, recovered = opened("knownone"), opened("recovered1")
    dialer.turn([CampaignStarted(campaign=campaign(), flow=FLOW), AttemptsRecovered(attempts=(recovered,))], NOW)
    dialer.turn([AttemptsOpened(campaign_id=CampaignId(1), wanted=1, attempts=(known,), next_due_at_ms=None)], NOW + 1)
    assert closed(dialer.turn([AttemptsFound(attempts=(known, recovered))], NOW + 2)) == []
