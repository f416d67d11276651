"""The client's life against a server that can be put into any state."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from app.asterisk.ari import (
    AriClient,
    AriDown,
    AriState,
    AriUnauthorized,
    AriUnavailable,
    AriUnknown,
    AriUp,
    ConnectionNews,
    DownReason,
    UnknownEvent,
    Via,
)

if TYPE_CHECKING:
    from tests.unit.asterisk.ari.conftest import FakeAri

CHANNEL = {
    "id": "c1",
    "protocol_id": "",
    "name": "PJSIP/x-1",
    "state": "Up",
    "caller": {"name": "", "number": ""},
    "connected": {"name": "", "number": ""},
    "accountcode": "",
    "dialplan": {"context": "d", "exten": "s", "priority": 1, "app_name": "", "app_data": ""},
    "creationtime": "now",
    "language": "en",
}


async def eventually(is_so: Callable[[], bool]) -> None:
    deadline_s = asyncio.get_running_loop().time() + 15
    while not is_so():
        assert asyncio.get_running_loop().time() < deadline_s, "it did not come"
        await asyncio.sleep(0.005)


class Listening:
    """A client whose news and events are kept."""

    def __init__(self, fake: FakeAri, **options: Any) -> None:
        self.news: list[ConnectionNews] = []
        self.events: list[Any] = []
        options = {"listener": self.news.append, "sink": self.events.append} | options
        self.client = AriClient(fake.url, "user", "pass", "test", **options)

    def reasons(self) -> list[DownReason | None]:
        return [news.reason if isinstance(news, AriDown) else None for news in self.news]


@pytest.fixture
async def listening(fake: FakeAri) -> AsyncIterator[Listening]:
    one = Listening(fake)
    yield one
    await one.client.close()


async def test_each_phase_of_a_boot_is_told_once(fake: FakeAri, listening: Listening) -> None:
    def html(request: web.Request) -> web.StreamResponse:
        return web.Response(status=404, text="<html></html>", content_type="text/html")

    def not_booted(request: web.Request) -> web.StreamResponse:
        return web.json_response({"message": "Asterisk not booted"}, status=503)

    fake.answer = html
    listening.client.start()
    await eventually(lambda: len(fake.requests) >= 2)
    assert listening.client.state is AriState.BOOTING
    fake.answer, seen = not_booted, len(fake.requests)
    await eventually(lambda: len(fake.requests) >= seen + 2)
    fake.answer = None
    await eventually(lambda: listening.client.state is AriState.CONNECTED)
    assert listening.reasons() == [DownReason.BOOTING, None]
    assert listening.news[-1] == AriUp(startup_time="life-1", asterisk_version="22", reconnected=False, new_life=False)


async def test_closing_by_ourselves_is_told_and_is_no_warning(
    fake: FakeAri, listening: Listening, caplog: pytest.LogCaptureFixture
) -> None:
    await listening.client.connect(timeout_s=10)
    await listening.client.close()
    assert listening.reasons() == [None, DownReason.STOPPED]
    assert [entry.message for entry in caplog.records if entry.levelno >= logging.WARNING] == []


async def test_nothing_is_sent_before_the_connection_stands(fake: FakeAri, listening: Listening) -> None:
    with pytest.raises(AriUnavailable, match="nothing was sent"):
        await listening.client.channels.originate(endpoint="x")
    assert fake.requests == []


async def test_filter_and_subscription_are_made_anew_after_every_reconnect(fake: FakeAri, listening: Listening) -> None:
    await listening.client.connect(timeout_s=10)
    fake.requests.clear()
    await fake.sockets[-1].close()
    await eventually(lambda: len(listening.news) == 3)
    assert "PUT /applications/test/eventFilter" in fake.paths()
    assert "POST /applications/test/subscription" in fake.paths()
    bodies = b"".join(body for _, _, body in fake.requests)
    assert b'{"type":"ApplicationReplaced"}' in bodies
    assert b'{"type":"RESTResponse"}' in bodies
    assert listening.reasons() == [None, DownReason.CLOSED, None]
    up = listening.news[-1]
    assert isinstance(up, AriUp)
    assert up.reconnected
    assert not up.new_life


async def test_another_startup_time_is_a_new_life(fake: FakeAri, listening: Listening) -> None:
    await listening.client.connect(timeout_s=10)
    fake.startup_time = "life-2"
    await fake.sockets[-1].close()
    await eventually(lambda: len(listening.news) == 3)
    up = listening.news[-1]
    assert isinstance(up, AriUp)
    assert up.new_life


async def test_a_refused_password_ends_connect_and_names_the_mend(fake: FakeAri, listening: Listening) -> None:
    fake.answer = lambda request: web.json_response({"message": "Authentication required"}, status=401)
    with pytest.raises(AriUnauthorized, match=r"ari\.conf"):
        await listening.client.connect(timeout_s=10)
    assert listening.client.state is AriState.IDLE


async def test_started_without_waiting_a_refused_password_is_told_and_tried_again(
    fake: FakeAri, listening: Listening
) -> None:
    fake.answer = lambda request: web.json_response({"message": "Authentication required"}, status=401)
    listening.client.start()
    await eventually(lambda: listening.reasons() == [DownReason.UNAUTHORIZED])
    fake.answer = None
    await eventually(lambda: listening.client.state is AriState.CONNECTED)


async def test_connect_within_a_time_says_what_was_in_the_way(fake: FakeAri, listening: Listening) -> None:
    fake.answer = lambda request: web.json_response({"message": "Asterisk not booted"}, status=503)
    with pytest.raises(AriUnavailable, match="Asterisk not booted"):
        await listening.client.connect(timeout_s=0.2)


async def test_a_silent_asterisk_is_frozen_until_it_speaks(fake: FakeAri, listening: Listening) -> None:
    await listening.client.connect(timeout_s=10)
    fake.answers_pings = False
    await eventually(lambda: listening.reasons() == [None, DownReason.FROZEN])
    assert listening.client.state is AriState.LOST
    with pytest.raises(AriUnavailable):
        await listening.client.channels.list()
    fake.answers_pings = True
    await eventually(lambda: listening.reasons() == [None, DownReason.FROZEN, None])
    assert len(fake.sockets) == 1, "the websocket and what waits in it are kept"


async def test_one_silent_for_too_long_is_left(
    fake: FakeAri, listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.asterisk.ari.client.ABANDONED_AFTER_S", 2.0)
    await listening.client.connect(timeout_s=10)
    fake.answers_pings = False
    await eventually(lambda: len(fake.sockets) == 2)


async def test_a_takeover_is_told_and_not_fought_over(fake: FakeAri, listening: Listening) -> None:
    await listening.client.connect(timeout_s=10)
    await fake.send_event("ApplicationReplaced", application="another")
    await fake.send_event("ApplicationReplaced")
    await eventually(lambda: listening.reasons() == [None, DownReason.REPLACED])
    assert listening.client.state is AriState.REPLACED
    seen = len(fake.requests)
    with pytest.raises(AriUnavailable, match="replaced"):
        await listening.client.channels.originate(endpoint="x")
    assert listening.client._life is not None
    await listening.client._life
    assert len(fake.requests) == seen


async def test_what_is_not_understood_does_not_stop_the_events_after_it(fake: FakeAri, listening: Listening) -> None:
    await listening.client.connect(timeout_s=10)
    await fake.send_event("ChannelTeleported")
    await fake.send("not json")
    await fake.send_event("ChannelHold", channel=CHANNEL)
    await eventually(lambda: len(listening.events) == 3)
    assert [type(event) for event in listening.events[:2]] == [UnknownEvent, UnknownEvent]
    assert listening.events[2].channel.id == "c1"
    assert listening.client.unknown_events == 2


async def test_an_event_nested_too_deep_stops_nothing_and_the_log_is_bounded(
    fake: FakeAri, listening: Listening, caplog: pytest.LogCaptureFixture
) -> None:
    await listening.client.connect(timeout_s=10)
    await fake.send(f'{{"type":"Novelty","novelty":{"[" * 5_000}{"]" * 5_000}}}')
    await fake.send_event("N" * 10_000)
    await fake.send_event("ChannelHold", channel=CHANNEL)
    await eventually(lambda: len(listening.events) == 3)
    assert listening.client.unknown_events == 2
    told = [line for line in caplog.messages if "not understood" in line]
    assert len(told) == 2
    assert max(map(len, told)) < 400


async def test_a_sink_or_a_callback_that_fails_stops_nothing(fake: FakeAri) -> None:
    def fail(event: object) -> None:
        raise RuntimeError("planted")

    heard: list[str] = []
    one = Listening(fake, sink=fail)
    one.client.on_event("ChannelHold", fail)
    subscription = one.client.on_channel_event("ChannelHold", lambda channel, event: heard.append(channel.id))
    await one.client.connect(timeout_s=10)
    await fake.send_event("ChannelHold", channel=CHANNEL)
    await fake.send_event("ChannelUnhold", channel=CHANNEL)
    await eventually(lambda: one.client.sink_failures == 2)
    assert (heard, one.client.failures) == (["c1"], 1)
    subscription.close()
    await fake.send_event("ChannelHold", channel=CHANNEL)
    await eventually(lambda: one.client.sink_failures == 3)
    assert heard == ["c1"]
    assert one.client.state is AriState.CONNECTED
    await one.client.close()


async def test_a_server_that_cannot_do_rest_over_the_websocket_gets_it_over_http(
    fake: FakeAri, listening: Listening
) -> None:
    await listening.client.connect(timeout_s=10)
    fake.requests.clear()
    await listening.client.calling(via=Via.WEBSOCKET).asterisk.ping()
    assert fake.paths() == ["GET /asterisk/ping"]


async def test_a_server_that_can_gets_it_over_the_websocket(fake: FakeAri, listening: Listening) -> None:
    fake.answers_rest = True
    await listening.client.connect(timeout_s=10)
    await eventually(lambda: listening.client.has_websocket_rest)
    fake.requests.clear()
    await listening.client.calling(via=Via.WEBSOCKET).asterisk.ping()
    assert fake.paths() == []


async def test_a_request_on_a_websocket_that_closes_is_unknown(fake: FakeAri, listening: Listening) -> None:
    fake.answers_rest = True
    await listening.client.connect(timeout_s=10)
    await eventually(lambda: listening.client.has_websocket_rest)
    fake.answers_rest = False
    request = asyncio.create_task(listening.client.channels.hangup(channelId="c1"))
    await asyncio.sleep(0)
    await fake.sockets[-1].close()
    with pytest.raises(AriUnknown, match="the websocket closed before the answer"):
        await request
    assert "DELETE /channels/c1" not in fake.paths(), "an unknown one is not made again over HTTP"


async def test_a_request_on_the_websocket_has_its_time(fake: FakeAri, listening: Listening) -> None:
    fake.answers_rest = True
    await listening.client.connect(timeout_s=10)
    await eventually(lambda: listening.client.has_websocket_rest)
    fake.answers_rest = False
    with pytest.raises(AriUnknown, match=r"no answer in 0\.05 s"):
        await listening.client.calling(timeout_ms=50).channels.hangup(channelId="c1")


async def test_closing_leaves_no_task_behind(fake: FakeAri, listening: Listening) -> None:
    await listening.client.connect(timeout_s=10)
    await listening.client.close()
    await listening.client.close()
    assert listening.reasons() == [None, DownReason.STOPPED]
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("ari ")]
    await listening.client.connect(timeout_s=10)
    assert listening.client.state is AriState.CONNECTED


async def test_a_started_client_is_not_started_twice(fake: FakeAri, listening: Listening) -> None:
    await listening.client.connect(timeout_s=10)
    with pytest.raises(RuntimeError):
        listening.client.start()


async def test_a_mistake_of_ours_is_told_loudly_and_the_next_connection_is_tried(
    fake: FakeAri, listening: Listening, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(message: Any) -> Any:
        raise AttributeError("nobody thought of this")

    await listening.client.connect(timeout_s=10)
    with monkeypatch.context() as patch:
        patch.setattr(listening.client, "_judge_silence", broken)
        await eventually(lambda: DownReason.FAILED in listening.reasons())
    await eventually(lambda: listening.client.state is AriState.CONNECTED)
    assert listening.reasons()[:2] == [None, DownReason.FAILED]
    assert "mistake of the program" in caplog.text
    assert "nobody thought of this" in caplog.text


async def test_a_mistake_while_somebody_waits_for_the_first_connection_is_theirs_to_see(
    fake: FakeAri, listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(info: Any) -> Any:
        raise AttributeError("nobody thought of this")

    monkeypatch.setattr(listening.client, "_up", broken)
    with pytest.raises(AttributeError, match="nobody thought"):
        await listening.client.connect(timeout_s=10)
