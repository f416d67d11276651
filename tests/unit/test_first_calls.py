"""How many of the first calls are left, told from the disk: while it runs, after a restart, and when it is resumed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.model import CampaignStatus
from app.operations import first_calls
from app.store.progress import Progress
from tests.unit.panel.stage import entry

RUNNING, PAUSED, DRAFT = CampaignStatus.RUNNING, CampaignStatus.PAUSED, CampaignStatus.DRAFT


@pytest.mark.parametrize(
    ("pause_at", "made", "status", "left"),
    [
        (0, 0, DRAFT, None), (0, 70, RUNNING, None), (50, 0, DRAFT, 50), (50, 20, RUNNING, 30), (50, 20, PAUSED, 30),
        (50, 50, RUNNING, 0), (50, 53, RUNNING, 0), (50, 50, PAUSED, None), (50, 53, PAUSED, None),
    ],
)  # fmt: skip
def test_what_is_left_of_the_first_calls(pause_at: int, made: int, status: CampaignStatus, left: int | None) -> None:
    found = entry()
    plan = replace(found.campaign, pause_at=pause_at)
    assert first_calls(replace(found, campaign=plan, status=status, progress=Progress(attempts=made))) == left
