"""Every number of the table is called for real, and ARI reports what the table says."""

import asyncio
import contextlib
import wave
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import numpy.typing as npt
import pytest
import pytest_asyncio

from asterisk.lab import BEHAVIOURS, Behaviour, Lab
from asterisk.lab.numbers import HangUp, Press, Record, Say, timeline
from asterisk.lab.server import Server
from asterisk.lab.trunks import TRUNKS, TrunkKind

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]

LONGEST_TEST_S = 60.0
ANSWERED = [behaviour for behaviour in BEHAVIOURS if behaviour.is_answered]
LEADING_NOWHERE = [trunk for trunk in TRUNKS if trunk.reported]


@dataclass(slots=True)
class Call:
    """What ARI said of one call."""

    statuses: list[str] = field(default_factory=list)
    keys: list[tuple[float, str]] = field(default_factory=list)
    started: float = 0.0
    answered: float = 0.0
    ended: float = 0.0
    ended_by_us: bool = False
    destroyed: dict[str, Any] | None = None
    arguments: list[str] = field(default_factory=list)


class Dialer:
    """The least that can place calls over ARI and watch them."""

    def __init__(self, server: Server, client: aiohttp.ClientSession) -> None:
        self.server = server
        self.client = client
        self.calls: dict[str, Call] = {}
        self._hang_up_after_s: dict[str, float | None] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def place(self, channel: str, endpoint: str, timeout_s: int, hang_up_after_s: float | None) -> None:
        self.calls[channel] = Call(started=now())
        self._hang_up_after_s[channel] = hang_up_after_s
        query: dict[str, str | int] = {"endpoint": endpoint, "channelId": channel, "timeout": timeout_s}
        query |= {"context": "outring-answered", "extension": f"attempt-{channel}", "priority": 1}
        async with self.client.post(f"{self.server.ari_url}/channels", params=query) as reply:
            assert reply.status == 200, await reply.text()

    async def watch(self, events: aiohttp.ClientWebSocketResponse) -> None:
        """Follow events until every call has ended."""
        async for message in events:
            self._take(message.json())
            if all(call.destroyed for call in self.calls.values()):
                return

    def _take(self, event: dict[str, Any]) -> None:
        channel: str = (event.get("channel") or event.get("peer") or {}).get("id", "")
        call = self.calls.get(channel)
        if call is None:
            return
        match event["type"]:
            case "Dial" if event["dialstatus"]:
                call.statuses.append(event["dialstatus"])
            case "StasisStart":
                call.answered, call.arguments = now(), event["args"]
                task = asyncio.create_task(self._talk(channel))
                self._tasks.add(task)
            case "ChannelDtmfReceived":
                call.keys.append((now() - call.answered, event["digit"]))
            case "ChannelDestroyed":
                call.destroyed, call.ended = event, now()

    async def _talk(self, channel: str) -> None:
        url = f"{self.server.ari_url}/channels/{channel}"
        await self.client.post(f"{url}/record", params={"name": channel, "format": "wav"})
        after_s = self._hang_up_after_s[channel]
        if after_s is not None:
            await asyncio.sleep(after_s)
            self.calls[channel].ended_by_us = True
            await self.client.delete(url)


def now() -> float:
    return asyncio.get_running_loop().time()


def patience_s(behaviour: Behaviour) -> float | None:
    """How long to stay after the answer: into the last step; None where the other side ends the call."""
    steps = timeline(behaviour)
    ends_itself = isinstance(steps[-1][1], HangUp) and not any(isinstance(step, Record) for _, step in steps)
    last_ms = next((at for at, step in steps if isinstance(step, Record)), steps[-1][0])
    return None if ends_itself else last_ms / 1_000 + 0.6


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def calls(lab: Lab) -> AsyncIterator[dict[str, Call]]:
    """All behaviours and all trunks that lead nowhere, called at once."""
    async with aiohttp.ClientSession(headers=lab.pbx.ari_headers) as client:
        dialer = Dialer(lab.pbx, client)
        async with client.ws_connect(f"{lab.pbx.ari_url}/events?app=outring&subscribeAll=true") as events:
            for index, behaviour in enumerate(BEHAVIOURS):
                number = f"+44770090{index % 10}1{behaviour.suffix or '00'}"
                gives_up_s = 40 if behaviour.final_reply_ms is not None else 6
                hang_up_after_s = patience_s(behaviour) if behaviour.is_answered else None
                await dialer.place(behaviour.name, f"PJSIP/{number}@network", gives_up_s, hang_up_after_s)
            for trunk in LEADING_NOWHERE:
                await dialer.place(trunk.name, f"PJSIP/+12025550100@{trunk.name}", 40, None)
            # A call that never ends fails in its own test, by name.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_TEST_S):
                    await dialer.watch(events)
        yield dialer.calls


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.name)
async def test_ari_reports_what_the_table_says(calls: dict[str, Call], behaviour: Behaviour) -> None:
    call = calls[behaviour.name]
    assert call.destroyed is not None
    reported = behaviour.reported
    assert tuple(call.statuses) == reported.dial_statuses
    assert (call.destroyed["cause"], call.destroyed.get("tech_cause")) == (reported.cause, reported.tech_cause)
    assert bool(call.arguments) == behaviour.is_answered
    if behaviour.final_reply_ms is not None:
        replied = call.answered or call.ended
        assert (replied - call.started) * 1_000 > behaviour.final_reply_ms - 100


@pytest.mark.parametrize("trunk", LEADING_NOWHERE, ids=lambda trunk: trunk.name)
async def test_ari_reports_what_the_table_says_of_trunks(calls: dict[str, Call], trunk: TrunkKind) -> None:
    call = calls[trunk.name]
    assert call.destroyed is not None
    assert trunk.reported is not None
    assert tuple(call.statuses) == trunk.reported.dial_statuses
    assert (call.destroyed["cause"], call.destroyed.get("tech_cause")) == (
        trunk.reported.cause,
        trunk.reported.tech_cause,
    )


@pytest.mark.parametrize("behaviour", ANSWERED, ids=lambda behaviour: behaviour.name)
async def test_answered_calls_come_to_the_program_with_the_attempt(
    calls: dict[str, Call], behaviour: Behaviour
) -> None:
    assert calls[behaviour.name].arguments == ["answered", f"attempt-{behaviour.name}"]


@pytest.mark.parametrize("behaviour", ANSWERED, ids=lambda behaviour: behaviour.name)
async def test_keys_arrive_in_order_and_not_before_their_time(calls: dict[str, Call], behaviour: Behaviour) -> None:
    presses = [(at_ms, step) for at_ms, step in timeline(behaviour) if isinstance(step, Press)]
    keys = calls[behaviour.name].keys
    assert [key for _, key in keys] == [step.key for _, step in presses]
    for (heard_s, _), (at_ms, step) in zip(keys, presses, strict=True):
        # Asterisk tells of a key when it is let go.
        assert heard_s * 1_000 > at_ms + step.lead_ms + step.duration_ms - 150


@pytest.mark.parametrize("behaviour", ANSWERED, ids=lambda behaviour: behaviour.name)
async def test_the_side_the_table_names_ends_the_call(calls: dict[str, Call], behaviour: Behaviour) -> None:
    assert calls[behaviour.name].ended_by_us == (patience_s(behaviour) is not None)


@pytest.mark.parametrize("behaviour", ANSWERED, ids=lambda behaviour: behaviour.name)
async def test_who_speaks_is_heard_and_who_is_silent_is_not(
    lab: Lab, calls: dict[str, Call], behaviour: Behaviour
) -> None:
    sound = samples(recording_of(lab, behaviour.name))
    speaks = any(isinstance(step, Say) for step in behaviour.steps)
    loudest = int(np.abs(sound).max(initial=0))
    assert (loudest > 1_000) == (speaks or behaviour.name == "fax")


async def test_a_fax_answers_with_its_tone(lab: Lab, calls: dict[str, Call]) -> None:
    sound = samples(recording_of(lab, "fax"))
    strength = np.abs(np.fft.rfft(sound[8_000:24_000]))
    assert abs(int(strength.argmax()) * 8_000 / 16_000 - 2_100) < 5


def recording_of(lab: Lab, channel: str) -> Path:
    return lab.pbx.recordings_dir / f"{channel}.wav"


def samples(path: Path) -> npt.NDArray[np.int16]:
    with wave.open(str(path)) as recording:
        return np.frombuffer(recording.readframes(recording.getnframes()), dtype=np.int16)
