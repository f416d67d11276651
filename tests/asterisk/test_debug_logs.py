"""A campaign on a real Asterisk with everything at DEBUG: each line of the log is read for numbers and secrets."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import pytest
import structlog

from app import logs
from asterisk.lab import Lab
from tests.asterisk.campaign import NOTICE, site

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session")]

NUMBERS = tuple(f"+4477001000{place}" for place in ("01", "02", "12", "41", "51"))


async def test_no_number_and_no_secret_is_in_any_line_at_debug(lab: Lab, tmp_path: Path) -> None:
    kept, root, ours = structlog.get_config(), logging.getLogger(), logging.getLogger("app")
    handlers, level, our_level = root.handlers[:], root.level, ours.level
    stream = io.StringIO()
    logs.set_up("DEBUG", stream=stream, form="json", secrets=[lab.pbx.ari_password])
    structlog.configure(cache_logger_on_first_use=False)
    root.setLevel(logging.DEBUG)
    try:
        async with site(lab.pbx, tmp_path) as dialer:
            trunk = await dialer.trunk("network")
            lost = await dialer.trunk("nowhere", endpoint="not-there")
            await dialer.finished(await dialer.start(NOTICE, [trunk], NUMBERS, ring_timeout_ms=5_000))
            await dialer.finished(await dialer.start(NOTICE, [lost, trunk], NUMBERS[:2], ring_timeout_ms=5_000))
    finally:
        structlog.configure(**kept)
        root.handlers[:] = handlers
        root.setLevel(level)
        ours.setLevel(our_level)
    text = stream.getvalue()
    lines = text.splitlines()
    assert sum('"attempt closed"' in line for line in lines) >= len(NUMBERS)
    for number in NUMBERS:
        assert [line for line in lines if number[1:] in line or number[3:] in line] == []
    assert [line for line in lines if lab.pbx.ari_password in line] == []
