"""The dialer is killed, calls end unseen, and what came of them is learned from Asterisk's own records."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.commands import SetCampaignStatus
from app.model import CampaignStatus, RetryPolicy
from app.outcomes import ContactStatus, Outcome
from app.reconciling import SOURCE, Reconciling
from asterisk.lab import Lab
from tests.asterisk.campaign import PATIENCE_S, records_in
from tests.asterisk.dialer_process import kill, start_dialer
from tests.asterisk.far_side import FarSide

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio]

PEOPLE = {
    "+447700500100": Outcome.ABANDONED_BY_DIALER,  # answers, and hears the dialplan's apology
    "+447700500141": Outcome.NO_ANSWER,
    "+447700500153": Outcome.BUSY,  # after an announcement
}
FLOW = """
name: waiting
start: ask
nodes:
  ask: {type: menu, text: Are you there?, keys: {1: bye}, timeout_s: 20, repeats: 9, on_fail: bye}
  bye: {type: hangup, text: Goodbye.}
"""


async def test_calls_that_ended_unseen_are_learned(tmp_path: Path) -> None:
    async with Lab() as lab, FarSide(lab) as far, records_in(tmp_path) as records:
        trunk = await records.trunk("network", lines=30)
        retry = RetryPolicy(max_attempts=2, retry_ms=3_600_000)
        campaign = await records.draft(
            FLOW, [trunk], list(PEOPLE), calls_per_second=50, ring_timeout_ms=6_000, retry=retry
        )
        running = SetCampaignStatus(campaign_id=campaign, status=CampaignStatus.RUNNING)
        await records.store.commit([running], records.operations.now_ms)
        dialer = await start_dialer(lab.pbx, tmp_path)
        await records.until(lambda: len(far.calls) == len(PEOPLE), "everybody is called")
        await kill(dialer)

        async def is_quiet() -> bool:
            return "0 active channels" in await lab.pbx.cli("core show channels count")

        await records.until(is_quiet, "every call has ended", 60 + PATIENCE_S)
        dialer = await start_dialer(lab.pbx, tmp_path)
        await records.finished(campaign)
        await kill(dialer)
        assert {one.outcome for one in await records.attempts(campaign)} == {Outcome.CONTROLLER_LOST}
        file = lab.pbx.directory / "log" / "cdr-csv" / "Master.csv"
        reconciling = Reconciling(records.store, records.operations, file)
        assert await reconciling.look() == len(PEOPLE), file.read_text()
        attempts = await records.attempts(campaign)
        assert {one.number: one.outcome for one in attempts} == PEOPLE
        assert {one.facts.cause_text for one in attempts} == {SOURCE}
        assert {one.status for one in (await records.standings(campaign)).values()} == {ContactStatus.PENDING}
        assert await reconciling.look() == 0, "nothing is left to be learned"
