"""The connection to the manager interface: what is told of it, and that nothing waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.asterisk import ami as module
from app.asterisk.ami import (
    AmiClient,
    AmiDown,
    AmiDownReason,
    AmiNews,
    AmiRefused,
    AmiTimeout,
    AmiUnavailable,
    AmiUp,
    Message,
)
from app.asterisk.ami_address import AmiAddress, parse_ami_url

Answer = Callable[[dict[str, str]], str | None]
GREETING = "Asterisk Call Manager/11.0.0\r\n"


@dataclass
class Interface:
    """A manager interface as far as a test needs one: it answers by `answer`, or says nothing (None)."""

    answer: Answer
    greeting: str = GREETING
    asked: list[dict[str, str]] = field(default_factory=list)
    port: int = 0
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        writer.write(self.greeting.encode())
        try:
            while True:
                text = (await reader.readuntil(b"\r\n\r\n")).decode()
                action = dict(line.split(": ", 1) for line in text.strip().split("\r\n"))
                self.asked.append(action)
                if (words := self.answer(action)) is not None:
                    self.say(words + f"ActionID: {action['ActionID']}\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def say(self, words: str) -> None:
        self._writers[-1].write(f"{words}\r\n".encode())

    def break_off(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


@dataclass
class Desk:
    """A client and what it told."""

    client: AmiClient
    interface: Interface
    news: list[AmiNews] = field(default_factory=list)
    events: list[Message] = field(default_factory=list)

    async def until(self, is_so: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not is_so():  # noqa: ASYNC110
                await asyncio.sleep(0.005)


def welcome(action: dict[str, str]) -> str | None:
    return "Response: Success\r\nMessage: Authentication accepted\r\n"


def refuse(action: dict[str, str]) -> str | None:
    return "Response: Error\r\nMessage: Authentication failed\r\n"


def silence_after_login(action: dict[str, str]) -> str | None:
    return welcome(action) if action["Action"] == "Login" else None


@asynccontextmanager
async def desk(answer: Answer, *, greeting: str = GREETING, **settings: Any) -> AsyncIterator[Desk]:
    interface = Interface(answer, greeting)
    server = await asyncio.start_server(interface.serve, "127.0.0.1", 0)
    interface.port = server.sockets[0].getsockname()[1]
    address = AmiAddress(host="127.0.0.1", port=interface.port, user="outring", secret="s3cret")
    events: list[Message] = []
    news: list[AmiNews] = []
    client = AmiClient(address, on_event=events.append, on_news=news.append, **settings)
    client.start()
    try:
        yield Desk(client, interface, news, events)
    finally:
        await client.close()
        interface.break_off()
        server.close()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITS_S", (0.01, 0.02))
    monkeypatch.setattr(module, "WAIT_REFUSED_S", 0.05)


async def test_it_signs_in_asks_for_few_events_and_hears_them() -> None:
    async with desk(welcome) as at:
        await at.until(lambda: at.client.is_up)
        login = at.interface.asked[0]
        assert (login["Action"], login["Username"], login["Secret"], login["Events"]) == (
            "Login",
            "outring",
            "s3cret",
            "agent",
        )
        at.interface.say("Event: AgentConnect\r\nUniqueid: outring-a1b2c3d4\r\nMemberName: Анна\r\n")
        await at.until(lambda: at.events)
        assert at.events[0]["membername"] == "Анна"
        assert at.events[0]["uniqueid"] == "outring-a1b2c3d4"
    assert [type(one) for one in at.news] == [AmiUp, AmiDown]
    assert at.news[0] == AmiUp(version="11.0.0")


async def test_a_wrong_secret_is_told_once_and_mends_itself() -> None:
    answers: list[Answer] = [refuse]
    async with desk(lambda action: answers[0](action)) as at:
        await at.until(lambda: len(at.interface.asked) >= 3)
        assert len(at.news) == 1
        (down,) = at.news
        assert isinstance(down, AmiDown)
        assert down.reason is AmiDownReason.UNAUTHORIZED
        assert "manager.conf" in down.detail
        assert "s3cret" not in down.detail + at.client.trouble
        with pytest.raises(AmiUnavailable, match="refuses the user or secret"):
            await at.client.action("Ping")
        answers[0] = welcome
        await at.until(lambda: at.client.is_up)
        assert at.client.trouble == ""


async def test_a_broken_connection_comes_back() -> None:
    async with desk(welcome) as at:
        await at.until(lambda: at.client.is_up)
        at.interface.break_off()
        await at.until(lambda: len(at.news) >= 3)
        assert [type(one) for one in at.news[:3]] == [AmiUp, AmiDown, AmiUp]


async def test_an_action_that_waits_when_the_connection_breaks_fails() -> None:
    async with desk(silence_after_login, timeout_s=30) as at:
        await at.until(lambda: at.client.is_up)
        asking = asyncio.ensure_future(at.client.action("QueueStatus"))
        await at.until(lambda: at.interface.asked[-1]["Action"] == "QueueStatus")
        at.interface.break_off()
        with pytest.raises(AmiUnavailable):
            async with asyncio.timeout(10):
                await asking


async def test_an_action_that_is_not_answered_times_out() -> None:
    async with desk(silence_after_login, timeout_s=0.05) as at:
        await at.until(lambda: at.client.is_up)
        with pytest.raises(AmiTimeout, match="QueueStatus"):
            await at.client.action("QueueStatus")


async def test_an_interface_that_falls_silent_is_given_up_and_reached_anew() -> None:
    async with desk(silence_after_login, timeout_s=0.05, ping_every_s=0.02) as at:
        await at.until(lambda: sum(isinstance(one, AmiUp) for one in at.news) >= 2)
        down = at.news[1]
        assert isinstance(down, AmiDown)
        assert (down.reason, down.detail) == (AmiDownReason.LOST, "it does not answer any more")


async def test_a_no_has_its_words() -> None:
    def answer(action: dict[str, str]) -> str | None:
        return welcome(action) if action["Action"] == "Login" else "Response: Error\r\nMessage: No such queue\r\n"

    async with desk(answer) as at:
        await at.until(lambda: at.client.is_up)
        with pytest.raises(AmiRefused, match="No such queue"):
            await at.client.action("QueuePause", Interface="PJSIP/1")


@pytest.mark.parametrize("value", ["x\r\nAction: Command", "x\n", "\0"])
async def test_a_value_that_would_be_another_header_is_refused(value: str) -> None:
    async with desk(welcome) as at:
        await at.until(lambda: at.client.is_up)
        with pytest.raises(ValueError, match="cannot be sent"):
            await at.client.action("QueueStatus", Queue=value)
        assert [action["Action"] for action in at.interface.asked] == ["Login"]


async def test_what_is_no_manager_interface_is_told() -> None:
    async with desk(lambda action: None, greeting="SSH-2.0-OpenSSH_9.2\r\n", timeout_s=0.05) as at:
        await at.until(lambda: at.news)
        down = at.news[0]
        assert isinstance(down, AmiDown)
        assert down.reason is AmiDownReason.UNREACHABLE
        assert "no manager interface answers there" in down.detail


async def test_nobody_there_is_told_once() -> None:
    address = AmiAddress(host="127.0.0.1", port=1, user="u", secret="s")
    news: list[AmiNews] = []
    client = AmiClient(address, on_event=lambda message: None, on_news=news.append)
    client.start()
    try:
        async with asyncio.timeout(10):
            while not news:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.1)
        assert [one.reason for one in news if isinstance(one, AmiDown)] == [AmiDownReason.UNREACHABLE]
    finally:
        await client.close()


# --- where it is -----------------------------------------------------------------------------------------------------


def test_the_address_has_all_parts() -> None:
    address = parse_ami_url("ami://out%40ring:p%2Fw%3A@pbx.example:5039")
    assert (address.host, address.port, address.user, address.secret, address.is_tls) == (
        "pbx.example",
        5039,
        "out@ring",
        "p/w:",
        False,
    )
    assert "p/w" not in repr(address) + str(address)
    assert parse_ami_url("amis://u:s@h").is_tls
    assert parse_ami_url("ami://u:s@h").port == 5038


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://u:s@h", "must begin with ami://"),
        ("ami://h:5038", "user and secret"),
        ("ami://u@h", "user and secret"),
        ("ami://u:s@", "and the host"),
        ("ami://u:s@h:99999", "Port out of range"),
        ("ami://u:s%0d%0aAction@h", "cannot be sent"),
    ],
)
def test_an_address_that_cannot_be_used_says_what_would_be_right(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_ami_url(url)
