"""HTTP requests: certainly not done, or unknown. Never made twice."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from app.asterisk.ari import AriNotFound, AriUnavailable, AriUnknown
from app.asterisk.ari.operations import Resources
from app.asterisk.ari.rest import HttpCalls, new_session

if TYPE_CHECKING:
    from tests.unit.asterisk.ari.conftest import FakeAri

POST = ("POST", "/channels", {"endpoint": "x", "variables": {"a": "b"}})


@pytest.fixture
async def calls(fake: FakeAri) -> AsyncIterator[HttpCalls]:
    session = new_session("user", "pass:wörd", pool_limit=2)
    yield HttpCalls(fake.url, session)
    await session.close()


async def test_where_nothing_listens_nothing_was_done() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        session = new_session("user", "x", pool_limit=1)
        with pytest.raises(AriUnavailable) as caught:
            await HttpCalls(f"http://127.0.0.1:{taken.getsockname()[1]}/ari", session).request(*POST, timeout_s=5)
        await session.close()
    assert caught.value.is_certainly_not_done


async def test_a_request_without_an_answer_is_unknown(fake: FakeAri, calls: HttpCalls) -> None:
    fake.hold = asyncio.Event()
    with pytest.raises(AriUnknown, match=r"no answer in 0\.2 s") as caught:
        await calls.request(*POST, timeout_s=0.2)
    assert not caught.value.is_certainly_not_done
    assert fake.paths() == ["POST /channels"]


async def test_a_connection_cut_after_sending_is_unknown_and_not_tried_again(fake: FakeAri, calls: HttpCalls) -> None:
    await calls.request("GET", "/asterisk/ping", None, timeout_s=5)  # so that the next goes on a kept connection
    fake.drops_requests = True
    with pytest.raises(AriUnknown, match="the connection broke"):
        await calls.request(*POST, timeout_s=5)
    assert fake.paths().count("POST /channels") == 1


@pytest.mark.parametrize("method", ["DELETE", "PUT", "GET"])
async def test_no_method_is_tried_again(fake: FakeAri, calls: HttpCalls, method: str) -> None:
    await calls.request("GET", "/asterisk/ping", None, timeout_s=5)
    fake.drops_requests = True
    with pytest.raises(AriUnknown):
        await calls.request(method, "/channels/x", None, timeout_s=5)
    assert fake.paths().count(f"{method} /channels/x") == 1


async def test_a_request_that_never_got_a_place_in_the_pool_was_not_done(fake: FakeAri, calls: HttpCalls) -> None:
    fake.hold = asyncio.Event()
    held = [asyncio.create_task(calls.request("GET", f"/held/{n}", None, timeout_s=30)) for n in range(2)]
    await fake.has_received(2)
    with pytest.raises(AriUnavailable) as caught:
        await calls.request(*POST, timeout_s=0.2)
    assert caught.value.is_certainly_not_done
    fake.hold.set()
    await asyncio.gather(*held)
    assert "POST /channels" not in fake.paths()


async def test_an_html_404_is_not_a_channel_that_is_gone(fake: FakeAri, calls: HttpCalls) -> None:
    fake.answer = lambda request: web.Response(status=404, text="<html></html>", content_type="text/html")
    with pytest.raises(AriUnavailable):
        await calls.request("GET", "/channels/x", None, timeout_s=5)
    fake.answer = lambda request: web.json_response({"message": "Channel not found"}, status=404)
    with pytest.raises(AriNotFound, match="Channel not found"):
        await calls.request("GET", "/channels/x", None, timeout_s=5)


async def test_an_answer_that_is_no_channel_leaves_the_result_unknown(fake: FakeAri, calls: HttpCalls) -> None:
    async def call(operation: str, method: str, path: str, parameters: object = None, /) -> bytes:
        return await calls.request(method, path, None, timeout_s=5)

    fake.answer = lambda request: web.json_response({"id": 7})
    with pytest.raises(AriUnknown, match="not as described"):
        await Resources(call).channels.originate(endpoint="x")


async def test_parameters_travel_where_they_belong(fake: FakeAri, calls: HttpCalls) -> None:
    await calls.request("POST", "/channels", {"endpoint": "a&b=c", "variables": {"X": "y"}}, timeout_s=5)
    await calls.request("DELETE", "/channels/x", {"reason": "a&b=c d"}, timeout_s=5)
    assert fake.requests == [
        ("POST", "/channels", b'{"endpoint":"a&b=c","variables":{"X":"y"}}'),
        ("DELETE", "/channels/x?reason=a%26b%3Dc%20d", b""),
    ]


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(
    ("parameters", "query"),
    [
        (
            {"channel": "outring-1", "inhibitConnectedLineUpdates": True},
            "?channel=outring-1&inhibitConnectedLineUpdates=true",
        ),
        ({"value": "1&x=2 +\r\nü"}, "?value=1%26x%3D2%20%2B%0D%0A%C3%BC"),
        ({"skipms": 250}, "?skipms=250"),
    ],
)
async def test_short_plain_parameters_are_a_query_and_need_no_body(
    fake: FakeAri, calls: HttpCalls, method: str, parameters: dict[str, object], query: str
) -> None:
    await calls.request(method, "/bridges/b/addChannel", parameters, timeout_s=5)
    assert fake.requests[-1] == (method, f"/bridges/b/addChannel{query}", b"")


@pytest.mark.parametrize(
    "parameters",
    [
        {"media": ["sound:a", "sound:b"]},
        {"media": "sound:one,two"},  # a query would make two sounds of it
        {"variables": {"a": "b"}},
        {"value": ""},
        {"value": "x" * 129},
    ],
)
async def test_structure_length_and_commas_go_into_the_body(
    fake: FakeAri, calls: HttpCalls, parameters: dict[str, object]
) -> None:
    await calls.request("POST", "/channels/c/play", parameters, timeout_s=5)
    method, path, body = fake.requests[-1]
    assert (method, path, json.loads(body)) == ("POST", "/channels/c/play", parameters)
