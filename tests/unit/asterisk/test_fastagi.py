"""The FastAGI server: what a dialplan may send it, what it sends back, and what it does not put up with."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from app.asterisk import fastagi as module
from app.asterisk.fastagi import MAX_VALUE, Asked, FastAgi, harmless

HEAD = "agi_network: yes\nagi_network_script: {script}\nagi_request: agi://x/{script}\nagi_callerid: {caller}\n"


class Dialplan:
    """Asterisk's side of a request."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self.commands: list[str] = []

    async def ask(self, script: str, caller: str = "+447700900123", *, extra: str = "") -> list[str]:
        """Ask for a script and answer all of its commands; answers with them."""
        self.writer.write((HEAD.format(script=script, caller=caller) + extra + "\n").encode())
        return await self.answer()

    async def answer(self, words: str = "200 result=1") -> list[str]:
        with contextlib.suppress(ConnectionError):  # turned away with something unread
            async with asyncio.timeout(10):
                while line := await self._reader.readline():
                    self.commands.append(line.decode().removesuffix("\n"))
                    self.writer.write(f"{words}\n".encode())
        return self.commands


@asynccontextmanager
async def server(answers: Mapping[str, str], asked: list[Asked] | None = None) -> AsyncIterator[FastAgi]:
    async def lookup(question: Asked) -> Mapping[str, str]:
        if asked is not None:
            asked.append(question)
        return answers

    agi = FastAgi({"lookup": lookup}, port=0)
    await agi.start()
    try:
        yield agi
    finally:
        await agi.stop()


@asynccontextmanager
async def call(agi: FastAgi) -> AsyncIterator[Dialplan]:
    reader, writer = await asyncio.open_connection("127.0.0.1", agi.port)
    try:
        yield Dialplan(reader, writer)
    finally:
        writer.close()


async def test_variables_are_set_on_the_channel() -> None:
    asked: list[Asked] = []
    async with server({"OUTRING_NAME": "Анна", "OUTRING_LIST": "may"}, asked) as agi, call(agi) as dialplan:
        assert await dialplan.ask("lookup?country=GB&list=my%20list") == [
            'SET VARIABLE OUTRING_NAME "Анна"',
            'SET VARIABLE OUTRING_LIST "may"',
        ]
    assert asked == [Asked(caller="+447700900123", options={"country": "GB", "list": "my list"})]


async def test_an_argument_counts_before_the_caller_id() -> None:
    asked: list[Asked] = []
    async with server({}, asked) as agi, call(agi) as dialplan:
        assert await dialplan.ask("lookup", extra="agi_arg_1: 07700900124\n") == []
    assert asked[0].caller == "07700900124"


@pytest.mark.parametrize("script", ["", "look", "../lookup", "lookup/x", "lookup\x00"])
async def test_what_is_no_script_does_nothing(script: str) -> None:
    async with server({"OUTRING_NAME": "Ann"}) as agi, call(agi) as dialplan:
        assert await dialplan.ask(script) == []


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ('Ann"\nSET VARIABLE X "1', "Ann' SET VARIABLE X '1"),
        ("a\r\nEXEC System x", "a EXEC System x"),
        ("back\\slash", "back/slash"),
        ("${SHELL(id)}", "(SHELL(id))"),
        ("$[1+1] `x`", "(1+1) 'x'"),
        ("tab\there\x7f\u2028end", "tab here end"),
        ("  many   spaces ", "many spaces"),
        ("Łódź, Smith & Sons", "Łódź, Smith & Sons"),
        ("", ""),
    ],
)
async def test_a_value_is_text_and_nothing_else(value: str, sent: str) -> None:
    assert harmless(value) == sent.strip()
    async with server({"OUTRING_NAME": value}) as agi, call(agi) as dialplan:
        assert await dialplan.ask("lookup") == [f'SET VARIABLE OUTRING_NAME "{sent.strip()}"']


def test_a_long_value_is_cut() -> None:
    assert len(harmless("ж" * 10_000)) == MAX_VALUE


async def test_a_name_that_is_none_is_never_sent() -> None:
    async with server({'X "1"\nEXEC': "y"}) as agi, call(agi) as dialplan:
        assert await dialplan.ask("lookup") == []


async def test_a_call_that_is_gone_ends_the_request() -> None:
    async with server({f"OUTRING_{n}": "x" for n in range(1, 9)}) as agi, call(agi) as dialplan:
        dialplan.writer.write((HEAD.format(script="lookup", caller="1") + "\n").encode())
        assert len(await dialplan.answer("511 Command Not Permitted on a dead channel")) == 1


@pytest.mark.parametrize("head", ["", "x" * 40_000, "agi_network: yes\n"])
async def test_a_request_that_never_comes_to_its_end_is_let_go(head: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEAD_TIMEOUT_S", 0.05)
    async with server({"OUTRING_NAME": "Ann"}) as agi, call(agi) as dialplan:
        dialplan.writer.write(head.encode())
        assert await dialplan.answer() == []


async def test_a_dialplan_that_does_not_answer_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REQUEST_TIMEOUT_S", 0.1)
    async with server({"OUTRING_NAME": "Ann"}) as agi:
        reader, writer = await asyncio.open_connection("127.0.0.1", agi.port)
        writer.write((HEAD.format(script="lookup", caller="1") + "\n").encode())
        async with asyncio.timeout(10):
            assert await reader.read() == b'SET VARIABLE OUTRING_NAME "Ann"\n'
        writer.close()


async def test_whoever_hangs_up_in_the_middle_costs_nothing() -> None:
    async with server({"OUTRING_NAME": "Ann"}) as agi:
        for _ in range(20):
            _, writer = await asyncio.open_connection("127.0.0.1", agi.port)
            writer.write(b"agi_network: yes\n")
            writer.transport.abort()
        async with call(agi) as dialplan:
            assert len(await dialplan.ask("lookup")) == 1


async def test_too_many_at_once_are_turned_away_and_the_next_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CONNECTIONS", 2)
    async with server({"OUTRING_NAME": "Ann"}) as agi:
        async with call(agi) as first, call(agi) as second:
            for dialplan in (first, second):
                dialplan.writer.write(b"agi_network: yes\n")
                await dialplan.writer.drain()
            async with asyncio.timeout(10):
                while agi.connections < 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
            async with call(agi) as third:
                assert await third.ask("lookup") == []
            for dialplan in (first, second):
                assert len(await dialplan.ask("lookup")) == 1
        async with call(agi) as fourth:
            assert len(await fourth.ask("lookup")) == 1


async def test_a_script_that_fails_leaves_the_others_alone() -> None:
    async def broken(asked: Asked) -> Mapping[str, str]:
        raise ValueError("no")

    agi = FastAgi({"lookup": broken}, port=0)
    await agi.start()
    async with call(agi) as dialplan:
        assert await dialplan.ask("lookup") == []
    async with call(agi) as dialplan:
        assert await dialplan.ask("lookup") == []
    await agi.stop()
