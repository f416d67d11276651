"""Everything at DEBUG, every library too: a campaign, its panel and its mistakes, and then each line is read.

The same on a real Asterisk is in tests/asterisk/test_debug_logs.py.
"""

from __future__ import annotations

import asyncio
import io
import logging
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
import structlog

from app import logs
from app.commands import PlaceCall
from app.events import CallAnswered, CallEnded, CallPlaced, CallRinging, DigitPressed, TelephonyUp
from app.model import CampaignStatus
from app.panel.routing import PREFIX
from app.store.campaigns import get_campaign
from app.units import CampaignId
from tests.unit.panel.site import PASSWORD, Site, open_site

WHOLE = re.compile(r"\+?44\s?7700\s?9\d{5}|\b0?77009\d{5}")
"""The numbers of these worlds, however they may be written."""
SECRETS = {
    "OUTRING_ARI_PASSWORD": "ari-password-of-the-pbx", "OUTRING_METRICS_TOKEN": "token-of-prometheus-1234",
    "OUTRING_AMI_URL": "ami://outring:password-of-ami@127.0.0.1:5038",
}  # fmt: skip
PEOPLE = 12


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that is logged, by anybody, at DEBUG."""
    kept = structlog.get_config()
    root = logging.getLogger()
    handlers, levels = root.handlers[:], {name: logging.getLogger(name).level for name in (None, "app")}
    stream = io.StringIO()
    logs.set_up("DEBUG", stream=stream, form="json", secrets=["ari-password-of-the-pbx", "password-of-ami"])
    structlog.configure(cache_logger_on_first_use=False)
    root.setLevel(logging.DEBUG)
    yield stream
    structlog.configure(**kept)
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
async def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: io.StringIO) -> AsyncIterator[Site]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    async with open_site(tmp_path) as opened:
        yield opened


async def play(site: Site, campaign_id: CampaignId) -> None:
    """Be everybody who is called: one presses 9, one is busy, and so on."""
    seen = 0
    async with asyncio.timeout(60):
        while (await site.store.read(get_campaign, campaign_id)).status is not CampaignStatus.FINISHED:
            placed = [one for one in site.telephony.commands if isinstance(one, PlaceCall)]
            for count, call in enumerate(placed[seen:], seen):
                one = call.attempt_id
                site.post(CallPlaced(attempt_id=one), CallRinging(attempt_id=one))
                if count % 3 == 0:
                    site.post(CallAnswered(attempt_id=one), DigitPressed(attempt_id=one, digit="9"))
                site.post(CallEnded(attempt_id=one, sip_code=486 if count % 3 else None, cause=17 if count % 3 else 16))
            seen = len(placed)
            await asyncio.sleep(0.01)
    assert seen == PEOPLE


async def ask_wrongly(site: Site, key: str) -> None:
    """What people and programs get wrong, with numbers and keys in it."""
    async with aiohttp.ClientSession(site.url) as http:
        bearer = {"Authorization": f"Bearer {key}"}
        for body in ({"number": "+447700900077"}, {"number": "no +447700900078"}, {"numbers": ["07700900079"]}):
            await http.post(f"{PREFIX}/dnc", json=body, headers=bearer)
        await http.get(f"{PREFIX}/dnc/+447700900077", headers=bearer)
        await http.get(f"{PREFIX}/trunks", headers={"Authorization": "Bearer outring_" + "x" * 40})
        await http.get("/metrics", headers={"Authorization": f"Bearer {SECRETS['OUTRING_METRICS_TOKEN']}"})
        await http.post("/sign-in", data={"name": "anna", "password": "not " + PASSWORD}, headers={"Origin": site.url})


async def test_no_number_and_no_secret_is_in_any_line_at_debug(site: Site, log: io.StringIO) -> None:
    key = await site.add_key()
    entry = await site.add_campaign(contacts=PEOPLE)
    plan = replace(entry.campaign, calls_per_second=100.0, retry=replace(entry.campaign.retry, max_attempts=1))
    await site.operations.change_campaign(plan)
    site.post(TelephonyUp(is_new_life=False))
    await site.operations.start_campaign(entry.campaign.id)
    await play(site, entry.campaign.id)
    async with site.browser() as browser:
        assert (await browser.get(f"/campaigns/{entry.campaign.id}")).status == 200
    await ask_wrongly(site, key)
    logging.getLogger("some.library").debug("sent %r with %s to %s", "+447700900123", key, SECRETS["OUTRING_AMI_URL"])
    try:
        raise ConnectionError(f"no route to +447700900124 for {SECRETS['OUTRING_ARI_PASSWORD']}")
    except ConnectionError:
        structlog.get_logger().exception("broken", error="of +447700900125")

    text = log.getvalue()
    lines = text.splitlines()
    assert sum('"attempt closed"' in line for line in lines) == PEOPLE
    assert any("aiosqlite" in line for line in lines), "libraries are not at DEBUG"
    assert text.count("+44********") >= 5, "numbers came by and were masked"
    assert [line for line in lines if WHOLE.search(line)] == []
    secrets = [key, PASSWORD, "password-of-ami", *SECRETS.values()]
    assert [line for line in lines if any(secret in line for secret in secrets)] == []


def test_a_number_that_is_written_otherwise_would_be_seen() -> None:
    for written in ("+447700900123", "447700900123", "07700900123", "7700900123", "+44 7700 900123"):
        assert WHOLE.search(f"calling {written}.")
