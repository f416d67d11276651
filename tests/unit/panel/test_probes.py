"""Probes answer without sign-in and say why not; figures are for supervisors, keys and the token."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.events import TelephonyDown, TelephonyUp
from app.panel import probes
from app.panel.probes import Probes
from app.panel.standby_door import StandbyDoor
from app.settings import load
from app.store.duty import DutyEntry
from app.store.errors import StoreError
from app.store.people import Role
from tests.unit.panel.site import Site, open_site

TOKEN = "a-token-for-prometheus-alone"


@pytest.fixture
async def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    """A panel whose settings have a token for figures."""
    monkeypatch.setenv("OUTRING_METRICS_TOKEN", TOKEN)
    async with open_site(tmp_path) as opened:
        yield opened


@pytest.fixture(autouse=True)
def every_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is remembered from one probe to the next."""
    monkeypatch.setattr(probes, "FRESH_S", -1.0)


async def get(site: Site, path: str, **headers: str) -> tuple[int, str]:
    async with aiohttp.ClientSession(site.url) as http:
        answer = await http.get(path, headers=headers, allow_redirects=False)
        return answer.status, await answer.text()


async def ready(site: Site) -> tuple[int, dict[str, str]]:
    async with aiohttp.ClientSession(site.url) as http:
        answer = await http.get("/health/ready")
        told: dict[str, Any] = await answer.json()
        assert told["status"] == ("ready" if answer.status == 200 else "not ready")
        return answer.status, {one["part"]: one["reason"] for one in told.get("problems", [])}


async def come_up(site: Site) -> None:
    seen = site.runtime.expect(lambda event: isinstance(event, TelephonyUp))
    site.post(TelephonyUp(is_new_life=False))
    await seen


async def test_alive_is_alive_whatever_is_away(site: Site) -> None:
    for path in ("/health", "/health/live"):
        assert await get(site, path) == (200, '{"status": "ok"}')
        assert (await get(site, path, Authorization="Bearer nonsense"))[0] == 200


async def test_not_ready_before_asterisk_is_there_and_when_it_is_lost(site: Site) -> None:
    assert await ready(site) == (503, {"asterisk": "not connected yet"})
    await come_up(site)
    assert await ready(site) == (200, {})
    gone = site.runtime.expect(lambda event: isinstance(event, TelephonyDown))
    site.post(TelephonyDown(reason="refused: no ARI at http://10.0.0.9:8088/ari for outring"))
    await gone
    assert await ready(site) == (503, {"asterisk": "refused"}), "hosts are not told to strangers"


async def test_not_ready_while_the_database_does_not_answer(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    await come_up(site)

    async def broken(*_given: object) -> None:
        raise StoreError("the database cannot be reached: secret-host")

    with monkeypatch.context() as patched:
        patched.setattr(site.store, "read", broken)
        assert await ready(site) == (503, {"database": "does not answer"})
    assert await ready(site) == (200, {})


async def test_a_database_that_hangs_does_not_hang_the_probe(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    await come_up(site)
    monkeypatch.setattr(probes, "ANSWERS_WITHIN_S", 0.05)

    async def hanging(*_given: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(site.store, "read", hanging)
    assert await ready(site) == (503, {"database": "does not answer"})


async def test_not_ready_from_a_refused_write_to_the_next_that_is_taken(site: Site) -> None:
    await come_up(site)
    site.runtime.meter.refused("disk full", 0.1)
    assert await ready(site) == (503, {"database": "refuses to write"})
    site.runtime.meter.committed(1, 0.1)
    assert await ready(site) == (200, {})


async def test_not_ready_while_it_is_being_stopped(site: Site) -> None:
    await come_up(site)
    assert await site.runtime.wind_down(5)
    assert await ready(site) == (503, {"outring": "is being stopped"})


async def test_figures_are_for_supervisors(site: Site) -> None:
    assert (await get(site, "/metrics"))[0] in (302, 303, 401)
    for role, status in ((Role.AGENT, 403), (Role.SUPERVISOR, 200), (Role.ADMIN, 200)):
        answered, text = await get(site, "/metrics", Authorization=f"Bearer {await site.add_key(role)}")
        assert answered == status
        assert ("outring_build_info{" in text) == (status == 200)


async def test_no_token_in_the_settings_is_no_token(site: Site) -> None:
    assert (await get(site, "/metrics", Authorization="Bearer "))[0] in (302, 303, 401)


async def test_the_token_opens_figures_alone_and_needs_no_database(
    guarded: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await get(guarded, "/metrics", Authorization="Bearer wrong"))[0] in (302, 303, 401)
    assert (await get(guarded, "/api/v1/trunks", Authorization=f"Bearer {TOKEN}"))[0] == 401

    async def broken(*_given: object) -> None:
        raise StoreError("away")

    monkeypatch.setattr(guarded.store, "read", broken)
    status, text = await get(guarded, "/metrics", Authorization=f"Bearer {TOKEN}")
    assert (status, "outring_telephony_up 0.0" in text) == (200, True)


async def test_open_figures_ask_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTRING_METRICS_ACCESS", "open")
    async with open_site(tmp_path) as site:
        assert (await get(site, "/metrics"))[0] == 200
        assert (await get(site, "/api/v1/trunks"))[0] == 401


def test_the_probes_are_the_ones_that_need_no_sign_in() -> None:
    assert set(probes.PROBES) == {"/health", "/health/live", "/health/ready"}
    assert Probes.__doc__


async def test_who_stands_by_says_so_to_prometheus(monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int) -> None:
    monkeypatch.setenv("OUTRING_METRICS_TOKEN", TOKEN)
    monkeypatch.setenv("OUTRING_HTTP_PORT", str(unused_tcp_port))
    door = StandbyDoor(load())
    entry = DutyEntry(
        epoch=1, holder="other", place="other host", url="", taken_at_ms=1, renewed_at_ms=1, lease_ms=1, now_ms=1
    )
    assert await door.show(entry)
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{unused_tcp_port}") as http:
            assert (await http.get("/metrics")).status == 503
            answer = await http.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
            assert (answer.status, "outring_on_duty 0.0" in await answer.text()) == (200, True)
            assert (await http.get("/health/ready")).status == 503
    finally:
        await door.close()
