"""The ARI client on the real Asterisk: its life, its events, and what each failure means."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from app.asterisk.ari import (
    DIALER_EVENTS,
    AriClient,
    AriConflict,
    AriDown,
    AriNotFound,
    AriRefused,
    AriServerError,
    AriState,
    AriUnauthorized,
    AriUnavailable,
    AriUnknown,
    AriUp,
    ConnectionNews,
    DownReason,
    Via,
)
from app.asterisk.ari import models as ari
from asterisk.lab import Lab
from asterisk.lab.server import Server

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]

PERSON = "PJSIP/+447700900100@network"
numbered = itertools.count(1)


async def eventually(is_so: Callable[[], bool], what: str) -> None:
    deadline_s = asyncio.get_running_loop().time() + 20
    while not is_so():
        assert asyncio.get_running_loop().time() < deadline_s, what
        await asyncio.sleep(0.01)


NOBODY = ari.Playback(id="")


class Listening:
    """A client of one server, for a Stasis application of its own, whose news and events are kept."""

    def __init__(self, server: Server, app: str | None = None, **options: Any) -> None:
        self.news: list[ConnectionNews] = []
        self.events: list[Any] = []
        self.client = AriClient(
            server.ari_url,
            server.ari_user,
            options.pop("password", server.ari_password),
            app or f"client-test-{next(numbered)}",
            listener=self.news.append,
            sink=self.events.append,
            **options,
        )

    def of(self, channel: str) -> list[str]:
        """The names of the events of a channel, in order."""
        return [
            event.type
            for event in self.events
            if (getattr(event, "channel", None) or getattr(event, "peer", None) or NOBODY).id == channel
        ]

    def dialstatuses(self) -> list[str]:
        return [event.dialstatus for event in self.events if isinstance(event, ari.Dial)]

    def reasons(self) -> list[DownReason | None]:
        return [news.reason if isinstance(news, AriDown) else None for news in self.news]


@pytest_asyncio.fixture(loop_scope="module")
async def listening(lab: Lab) -> AsyncIterator[Listening]:
    one = Listening(lab.pbx)
    await one.client.connect(timeout_s=10)
    yield one
    assert one.client.unknown_events == 0, [event for event in one.events if hasattr(event, "problem")]
    await one.client.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def own_lab() -> AsyncIterator[Lab]:
    """A laboratory to kill and to freeze."""
    async with Lab() as one:
        yield one


async def test_the_first_news_is_who_is_there(listening: Listening) -> None:
    (up,) = listening.news
    assert isinstance(up, AriUp)
    info = await listening.client.asterisk.getInfo()
    assert info.status is not None
    assert info.system is not None
    assert (up.startup_time, up.asterisk_version) == (info.status.startup_time, info.system.version)
    assert not up.reconnected
    assert not up.new_life


async def test_a_call_into_the_dialplan_is_followed_from_dial_to_its_end(listening: Listening) -> None:
    """Not in our Stasis application at any time, and still nothing of it is missed."""
    channel = await listening.client.channels.originate(
        endpoint=PERSON,
        channelId="followed.1",
        context="outring-answered",
        extension="followed",
        priority=1,
        variables={"OUTRING_TEST": {"value": "x", "report_events": True}},
    )
    assert channel.id == "followed.1"
    await eventually(lambda: "ANSWER" in listening.dialstatuses(), "answered")
    await listening.client.channels.hangup(channelId="followed.1")
    await eventually(lambda: "ChannelDestroyed" in listening.of("followed.1"), "destroyed")
    assert listening.dialstatuses()[0] == ""
    assert "ChannelStateChange" in listening.of("followed.1")
    assert listening.of("followed.1")[-1] == "ChannelDestroyed"
    assert listening.of("followed.1").count("ChannelDestroyed") == 1
    destroyed = next(event for event in listening.events if isinstance(event, ari.ChannelDestroyed))
    assert destroyed.channel.channelvars == {"OUTRING_TEST": "x"}


async def test_only_what_the_filter_allows_comes(listening: Listening, lab: Lab) -> None:
    unfiltered = Listening(lab.pbx, event_filter=None)
    await unfiltered.client.connect(timeout_s=10)
    await listening.client.channels.originate(
        endpoint=PERSON, channelId="filtered.1", context="outring-answered", extension="s", priority=1
    )
    await eventually(lambda: "ChannelStateChange" in listening.of("filtered.1"), "answered")
    await listening.client.channels.hangup(channelId="filtered.1")
    for one in (listening, unfiltered):
        await eventually(lambda one=one: "ChannelDestroyed" in one.of("filtered.1"), "destroyed")  # type: ignore[misc]
    assert {"ChannelCreated", "ChannelDialplan"} <= set(unfiltered.of("filtered.1"))
    assert set(listening.of("filtered.1")) <= set(DIALER_EVENTS)
    assert unfiltered.client.unknown_events == 0
    await unfiltered.client.close()


async def test_ari_py_s_way_of_listening(listening: Listening) -> None:
    heard: list[str] = []
    client = listening.client
    client.on_channel_event("StasisStart", lambda channel, event: heard.append(channel.id))
    await client.channels.originate(endpoint=PERSON, channelId="stasis.1", app=client.app)
    await eventually(lambda: heard == ["stasis.1"], "StasisStart")
    assert (await client.channels.get(channelId="stasis.1")).state == "Up"
    await client.channels.hangup(channelId="stasis.1")


async def test_an_id_that_lives_is_a_conflict_and_certainly_not_dialed(listening: Listening) -> None:
    client = listening.client
    await client.channels.originate(endpoint=PERSON, channelId="twice.1", app=client.app)
    with pytest.raises(AriConflict) as caught:
        await client.channels.originate(endpoint=PERSON, channelId="twice.1", app=client.app)
    assert caught.value.is_certainly_not_done
    assert [channel.id for channel in await client.channels.list()].count("twice.1") == 1
    await client.channels.hangup(channelId="twice.1")


@pytest.mark.parametrize("via", [Via.HTTP, Via.WEBSOCKET])
async def test_each_refusal_is_told_apart(listening: Listening, via: Via) -> None:
    await eventually(lambda: listening.client.has_websocket_rest, "REST over the websocket")
    calling = listening.client.calling(via=via)
    with pytest.raises(AriServerError, match="Allocation failed") as failed:
        await calling.channels.originate(endpoint="PJSIP/+12025550100@no-such-trunk", app="x", channelId="none.1")
    assert failed.value.is_certainly_not_done
    with pytest.raises(AriRefused, match="Endpoint must be specified"):
        await calling.channels.originate(endpoint="", app="x")
    with pytest.raises(AriNotFound, match="Channel not found"):
        await calling.channels.hangup(channelId="gone.1")
    with pytest.raises(AriUnavailable, match="not loaded"):
        await calling.mailboxes.list()
    with pytest.raises(ValueError, match="not an ARI id"):
        await calling.channels.originate(endpoint=PERSON, app="x", channelId="a/b")


@pytest.mark.parametrize("via", [Via.HTTP, Via.WEBSOCKET])
async def test_any_text_arrives_as_it_is(listening: Listening, via: Via) -> None:
    await eventually(lambda: listening.client.has_websocket_rest, "REST over the websocket")
    client, calling, channel = listening.client, listening.client.calling(via=via), f"text-{via.value}"
    await client.channels.originate(endpoint=PERSON, channelId=channel, app=client.app)
    await eventually(lambda: "StasisStart" in listening.of(channel), "answered")
    odd = 'a&b=c d%20+"\\;ж ${x}'
    await calling.channels.setChannelVar(channelId=channel, variable="ODD", value=odd)
    assert (await calling.channels.getChannelVar(channelId=channel, variable="ODD")).value == odd
    name = f"lab/{via.value} a&b"
    await calling.channels.record(channelId=channel, name=name, format="wav")
    assert (await calling.recordings.getLive(recordingName=name)).name == name
    await calling.recordings.stop(recordingName=name)
    await client.channels.hangup(channelId=channel)
    stored = await client.recordings.getStoredFile(recordingName=name)
    assert stored.startswith(b"RIFF")


async def test_a_wrong_password_is_fatal_and_names_the_mend(lab: Lab) -> None:
    with pytest.raises(AriUnauthorized, match=r"ari\.conf"):
        await Listening(lab.pbx, password="wrong").client.connect(timeout_s=10)


async def test_a_takeover_is_told_and_the_newcomer_has_the_events(lab: Lab) -> None:
    first, second = Listening(lab.pbx, app="contested"), Listening(lab.pbx, app="contested")
    await first.client.connect(timeout_s=10)
    await second.client.connect(timeout_s=10)
    await eventually(lambda: first.client.state is AriState.REPLACED, "told")
    assert first.reasons() == [None, DownReason.REPLACED]
    with pytest.raises(AriUnavailable):
        await first.client.channels.originate(endpoint=PERSON, app="contested")
    await second.client.channels.originate(endpoint=PERSON, channelId="contested.1", app="contested")
    await eventually(lambda: "StasisStart" in second.of("contested.1"), "the newcomer hears")
    await first.client.close()
    await second.client.channels.hangup(channelId="contested.1")
    await eventually(lambda: "ChannelDestroyed" in second.of("contested.1"), "and goes on hearing")
    await second.client.close()


async def test_a_frozen_asterisk_is_noticed_and_its_thaw_too_with_no_event_lost(own_lab: Lab) -> None:
    one = Listening(own_lab.pbx)
    await one.client.connect(timeout_s=10)
    await one.client.channels.originate(endpoint=PERSON, channelId="frozen.1", app=one.client.app)
    await eventually(lambda: "StasisStart" in one.of("frozen.1"), "answered")
    await own_lab.pbx.freeze()
    try:
        hangup = asyncio.create_task(one.client.calling(via=Via.HTTP).channels.hangup(channelId="frozen.1"))
        await eventually(lambda: one.reasons() == [None, DownReason.FROZEN], "frozen")
        with pytest.raises(AriUnavailable):
            await one.client.asterisk.ping()
    finally:
        await own_lab.pbx.thaw()
    await eventually(lambda: one.reasons() == [None, DownReason.FROZEN, None], "thawed")
    await hangup  # it was only late
    await eventually(lambda: "ChannelDestroyed" in one.of("frozen.1"), "nothing is lost")
    up = one.news[-1]
    assert isinstance(up, AriUp)
    assert up.reconnected
    assert not up.new_life
    await one.client.close()


@pytest.mark.parametrize("via", [Via.HTTP, Via.WEBSOCKET])
async def test_a_request_to_a_frozen_asterisk_is_unknown(own_lab: Lab, via: Via) -> None:
    one = Listening(own_lab.pbx)
    await one.client.connect(timeout_s=10)
    await eventually(lambda: one.client.has_websocket_rest, "REST over the websocket")
    await own_lab.pbx.freeze()
    channel = f"late-{via.value}"
    try:
        with pytest.raises(AriUnknown) as caught:
            await one.client.calling(via=via, timeout_ms=300).channels.originate(
                endpoint=PERSON, channelId=channel, app=one.client.app
            )
        assert not caught.value.is_certainly_not_done
    finally:
        await own_lab.pbx.thaw()
    # And so it was: the call is placed after all.
    await eventually(lambda: "StasisStart" in one.of(channel), "placed after the thaw")
    await one.client.channels.hangup(channelId=channel)
    await one.client.close()


@pytest.mark.parametrize("is_crash", [True, False])
async def test_a_restart_is_a_new_life_and_everything_is_made_anew(own_lab: Lab, is_crash: bool) -> None:
    one = Listening(own_lab.pbx)
    await one.client.connect(timeout_s=10)
    await own_lab.pbx.restart(kill=is_crash)
    await eventually(lambda: isinstance(one.news[-1], AriUp) and len(one.news) > 1, "up again")
    first, last = one.news[0], one.news[-1]
    assert isinstance(first, AriUp)
    assert isinstance(last, AriUp)
    assert last.reconnected
    assert last.new_life
    assert last.startup_time != first.startup_time
    application = await one.client.applications.get(applicationName=one.client.app)
    assert application.channel_ids == ["__AST_CHANNEL_ALL_TOPIC"]
    assert {"type": "Dial"} in application.events_allowed
    channel = f"again-{is_crash}"
    await one.client.channels.originate(endpoint=PERSON, channelId=channel, app=one.client.app)
    await eventually(lambda: "StasisStart" in one.of(channel), "events flow again")
    await one.client.channels.hangup(channelId=channel)
    await one.client.close()


async def test_a_lost_websocket_is_replaced_at_once_in_the_same_life(own_lab: Lab) -> None:
    one = Listening(own_lab.pbx)
    await one.client.connect(timeout_s=10)
    url = f"{own_lab.pbx.ari_url}/events?app={one.client.app}"
    socket = one.client._socket
    assert socket is not None
    transport = socket._ws._response.connection
    assert transport is not None
    assert transport.transport is not None
    transport.transport.abort()
    await eventually(lambda: one.reasons() == [None, DownReason.CLOSED, None], "connected again")
    up = one.news[-1]
    assert isinstance(up, AriUp)
    assert not up.new_life
    async with aiohttp.ClientSession(headers=own_lab.pbx.ari_headers) as session, session.ws_connect(url):
        await eventually(lambda: one.client.state is AriState.REPLACED, "the new one hears of a takeover")
    await one.client.close()


async def test_a_client_started_before_asterisk_finds_it(own_lab: Lab) -> None:
    await own_lab.pbx.stop()
    one = Listening(own_lab.pbx)
    one.client.start()
    await eventually(lambda: one.reasons() == [DownReason.REFUSED], "refused")
    await own_lab.pbx.start()
    await eventually(lambda: one.client.state is AriState.CONNECTED, "found")
    up = one.news[-1]
    assert isinstance(up, AriUp)
    assert not up.reconnected
    await one.client.close()
