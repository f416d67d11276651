"""A fax that answers a flow that listens, on an Asterisk that can hear tones and on one that cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.outcomes import ContactStatus, Outcome
from app.store.attempts import AttemptEntry
from asterisk.lab import Lab
from asterisk.lab.numbers import named
from tests.asterisk.campaign import Site, site

pytestmark = pytest.mark.asterisk

MESSAGE = """
name: message
start: who
nodes:
  who: {type: detect, on_person: bye, on_machine: message}
  message: {type: voicemail, text: "This is a message for you. Please call us back."}
  bye: {type: hangup}
"""
FAX = f"+4477009001{named('fax').suffix}"


async def _called(dialer: Site) -> tuple[AttemptEntry, ContactStatus]:
    """What came of a call to a fax."""
    campaign_id = await dialer.start(MESSAGE, [await dialer.trunk("network")], [FAX])
    await dialer.finished(campaign_id)
    (attempt,) = await dialer.attempts(campaign_id)
    return attempt, (await dialer.standings(campaign_id))[FAX].status


async def test_a_fax_is_hung_up_on_a_second_into_its_tone_and_not_called_again(tmp_path: Path) -> None:
    async with Lab(lines=5) as lab, site(lab.pbx, tmp_path) as dialer:
        attempt, status = await _called(dialer)
    assert (attempt.outcome, status) == (Outcome.FAX, ContactStatus.INVALID_NUMBER)
    assert attempt.flow["fax"] is True
    assert not attempt.flow["voicemail_left"]
    tone_length_ms = 3_000
    assert attempt.flow["length_ms"] < tone_length_ms


async def test_an_asterisk_without_a_tone_detector_takes_the_fax_for_a_machine(tmp_path: Path) -> None:
    """It logs an unknown function and places the call all the same."""
    async with Lab(lines=5) as lab, site(lab.pbx, tmp_path) as dialer:
        assert "Unloaded" in await lab.pbx.cli("module unload res_tonedetect.so")
        attempt, _ = await _called(dialer)
    assert attempt.outcome is Outcome.ANSWERING_MACHINE
    assert not attempt.flow["fax"]
