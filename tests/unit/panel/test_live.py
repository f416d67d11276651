"""The live page's wire: pictures when something changed, only the time else; an end with the session."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from app.dialing.snapshot import CampaignPicture, Snapshot
from app.events import TelephonyDown
from app.model import CampaignStatus
from app.panel import live
from app.panel.view import RateMeter
from app.store import people
from app.units import CampaignId
from tests.unit.panel.site import Site


async def picture(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    """The next message."""
    message = await socket.receive(timeout=20)
    assert message.type is aiohttp.WSMsgType.TEXT, message
    found: dict[str, Any] = json.loads(message.data)
    return found


async def until(socket: aiohttp.ClientWebSocketResponse, words: str) -> dict[str, Any]:
    """The first picture with these words."""
    async with asyncio.timeout(20):
        while True:
            found = await picture(socket)
            if words in found.get("html", ""):
                return found


async def test_what_happens_shows_and_what_does_not_is_not_sent_again(site: Site) -> None:
    async with site.browser() as http, http.ws_connect("/live") as socket:
        assert "No campaign yet." in (await picture(socket))["html"]
        while "html" in (still := await picture(socket)):
            pass
        assert set(still) == {"as_of"}
        await site.add_campaign("Winter reminders", contacts=3)
        shown = await until(socket, "Winter reminders")
        assert "<strong>0</strong> / 3" in shown["html"]


async def test_an_order_shows_at_once_without_waiting_for_the_second(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "TICK_S", 3600.0)
    entry = await site.add_campaign(contacts=3)
    await site.operations.start_campaign(entry.campaign.id)
    async with site.browser() as http, http.ws_connect(f"/live/campaigns/{entry.campaign.id}") as socket:
        await site.panel._live.poke()
        first = await picture(socket)
        token = first["html"].split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
        order = {"csrf_token": token}
        answer = await http.post(
            f"/campaigns/{entry.campaign.id}/pause", data=order, headers={"X-Requested-With": "live"}
        )
        assert answer.status == 204
        assert "chip-paused" in (await until(socket, "chip-paused"))["html"]


async def test_a_telephone_network_that_is_gone_is_an_alarm(site: Site) -> None:
    async with site.browser() as http, http.ws_connect("/live") as socket:
        site.post(TelephonyDown(reason="<b>refused</b>"))
        shown = await until(socket, "&lt;b&gt;refused&lt;/b&gt;")
        assert "Asterisk cannot be reached" in shown["html"]


async def test_the_socket_ends_with_the_session(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "CHECK_EVERY", 1)
    async with site.browser("anna") as http, http.ws_connect("/live") as socket:
        user = await site.store.read(people.user_by_name, "anna")
        assert user is not None
        await site.store.write(people.set_password, user.id, user.password_hash)
        async with asyncio.timeout(20):
            while (message := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
        assert message.type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == live.SIGNED_OUT


async def test_a_plain_visit_to_the_socket_is_told_what_it_is(site: Site) -> None:
    async with site.browser() as http:
        assert (await http.get("/live")).status == 426
        assert (await http.get("/live/campaigns/7", headers={"Upgrade": "websocket"})).status in (404, 400)


async def test_stopping_sends_viewers_away(site: Site) -> None:
    async with site.browser() as http, http.ws_connect("/live") as socket:
        await picture(socket)
        stopping = asyncio.create_task(site.panel.stop())
        async with asyncio.timeout(20):
            while (await socket.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
        await stopping
        assert socket.close_code == aiohttp.WSCloseCode.GOING_AWAY


def snapshot(at_ms: int, placed: dict[int, int]) -> Snapshot:
    pictures = tuple(
        CampaignPicture(
            id=CampaignId(key), status=CampaignStatus.RUNNING, preparing=0, ready=0, dialing=0, ringing=0, answered=0,
            closing=0, placed=count, waiting_for="",
        )
        for key, count in placed.items()
    )  # fmt: skip
    return Snapshot(
        at_ms=at_ms, is_telephony_up=True, telephony_reason="", campaigns=pictures, trunks=(), late_events=0
    )


def test_the_rate_is_of_the_last_seconds_and_survives_campaigns_coming_and_going() -> None:
    meter = RateMeter()
    assert meter.calls_per_second == 0.0
    for second, placed in enumerate(({1: 10}, {1: 20}, {1: 30, 2: 4}, {2: 8}, {2: 12}, {2: 16})):
        meter.sample(snapshot(1_000 * second, placed))
    assert meter.calls_per_second == pytest.approx((10 + 14 + 4 + 4 + 4) / 5)
    assert len(meter.history) == 60
    assert meter.history[-5:] == [10.0, 14.0, 4.0, 4.0, 4.0]
