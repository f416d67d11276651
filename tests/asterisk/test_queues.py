"""People in queues of the PBX's own, on the real one: taken, left, given back, lost sight of and found again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from app.agent_commands import SendToQueue, WatchQueue
from app.agent_events import QueueAgentConnected, QueueAgentLeft, QueueReturned, QueueSeen, QueueUnseen
from app.asterisk.telephony import AsteriskTelephony
from app.events import CallAnswered, CallEnded, CallLeft, CommandFailed
from app.runtime import SystemClock
from asterisk.lab import Lab
from asterisk.lab.phones import OnRing, Phone
from tests.asterisk.gate import Gate
from tests.asterisk.queue_lab import ami_of, queue_lab, queue_stage
from tests.contract.stage import PATIENCE_S, Line, Stage

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def queues() -> AsyncIterator[Lab]:
    async with queue_lab() as lab:
        yield lab


@pytest_asyncio.fixture(loop_scope="module")
async def stage(queues: Lab) -> AsyncIterator[Stage]:
    for phone in queues.phones.values():
        await phone.until_idle()
        phone.on_ring = OnRing.ANSWER
    async with queue_stage(queues, "queue") as stage:
        await until_followed(stage)
        yield stage


async def until_followed(stage: Stage) -> None:
    """Wait until the manager interface is there."""
    assert isinstance(stage.telephony, AsteriskTelephony)
    async with asyncio.timeout(PATIENCE_S):
        while await stage.telephony.queue_problem("sales"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def sent(stage: Stage, queue: str, *, wait_ms: int = 30_000) -> Line:
    """A person who answered and is in the queue."""
    line = stage.place("")
    await line.until(CallAnswered)
    line.do(SendToQueue(attempt_id=line.attempt_id, queue=queue, wait_ms=wait_ms))
    await line.until(CallLeft)
    return line


def ann(lab: Lab) -> Phone:
    return lab.phones["1001"]


async def test_a_person_talks_with_a_member_who_hangs_up(queues: Lab, stage: Stage) -> None:
    line = await sent(stage, "sales")
    connected = await line.until(QueueAgentConnected)
    assert (connected.queue, connected.member, connected.waited_ms) == ("sales", "Ann", 0)
    await ann(queues).until_up()
    await stage.after_ms(1_200)
    await ann(queues).hang_up()
    left = await line.until(QueueAgentLeft)
    assert (left.member, left.ended_by, left.waited_ms) == ("Ann", "the agent hung up", 0)
    assert left.talk_ms in (1_000, 2_000)
    returned = await line.until(QueueReturned)
    assert returned.has_talked
    line.hang_up()
    await line.until(CallEnded)
    assert line.story[-5:] == ["CallLeft", "QueueAgentConnected", "QueueAgentLeft", "QueueReturned", "CallEnded"]


async def test_the_person_hangs_up_first(queues: Lab, stage: Stage) -> None:
    line = await sent(stage, "sales")
    await ann(queues).until_up()
    await line.until(QueueAgentConnected)
    line.hang_up()
    left = await line.until(QueueAgentLeft)
    assert left.ended_by == "the person hung up"
    await line.until(CallEnded)
    assert line.story[-4:] == ["CallLeft", "QueueAgentConnected", "QueueAgentLeft", "CallEnded"]


async def test_they_hear_each_other(queues: Lab, stage: Stage) -> None:
    line = stage.place("11")
    await line.until(CallAnswered)
    line.do(SendToQueue(attempt_id=line.attempt_id, queue="sales", wait_ms=30_000))
    await line.until(QueueAgentConnected)
    await ann(queues).until_up()
    await ann(queues).until(lambda phone: "2" in phone.keys, "the person's key is not heard")
    await ann(queues).hang_up()
    await line.until(QueueReturned)
    line.hang_up()
    await line.until(CallEnded)


async def test_a_member_without_a_name_is_known_by_their_phone(queues: Lab, stage: Stage) -> None:
    line = await sent(stage, "both")
    assert (await line.until(QueueAgentConnected)).member == "PJSIP/1003"
    line.hang_up()
    await line.until(CallEnded)


async def test_a_person_who_waits_a_while_is_told_so(queues: Lab, stage: Stage) -> None:
    ann(queues).on_ring = OnRing.RING
    line = await sent(stage, "sales")
    await ann(queues).until_ringing()
    await stage.after_ms(2_100)
    await ann(queues).answer()
    assert (await line.until(QueueAgentConnected)).waited_ms in (2_000, 3_000)
    line.hang_up()
    assert (await line.until(QueueAgentLeft)).waited_ms in (2_000, 3_000)
    await line.until(CallEnded)


async def test_a_person_who_hangs_up_while_waiting(queues: Lab, stage: Stage) -> None:
    ann(queues).on_ring = OnRing.RING
    line = await sent(stage, "sales")
    await ann(queues).until_ringing()
    line.hang_up()
    await line.until(CallEnded)
    assert line.story[-2:] == ["CallLeft", "CallEnded"]


async def test_nobody_takes_them_in_time(queues: Lab, stage: Stage) -> None:
    ann(queues).on_ring = OnRing.RING
    line = await sent(stage, "sales", wait_ms=1_500)
    returned = await line.until(QueueReturned)
    assert (returned.has_talked, returned.reason) == (False, "TIMEOUT")
    line.hang_up()
    await line.until(CallEnded)
    assert line.story[-3:] == ["CallLeft", "QueueReturned", "CallEnded"]


@pytest.mark.parametrize(("queue", "reason"), [("nobody", "JOINEMPTY"), ("missing", "UNKNOWN")])
async def test_who_is_turned_away_comes_back_at_once(stage: Stage, queue: str, reason: str) -> None:
    line = await sent(stage, queue)
    returned = await line.until(QueueReturned)
    assert (returned.has_talked, returned.reason) == (False, reason)
    line.hang_up()
    await line.until(CallEnded)


async def test_a_person_may_go_to_a_queue_twice(queues: Lab, stage: Stage) -> None:
    line = await sent(stage, "nobody")
    await line.until(QueueReturned)
    line.do(SendToQueue(attempt_id=line.attempt_id, queue="sales", wait_ms=30_000))
    assert (await line.until(QueueAgentConnected)).member == "Ann"
    line.hang_up()
    await line.until(CallEnded)


@pytest.mark.parametrize("queue", ["a", "sales,c", "sales\r\nx", "", "-x", "x" * 41])
async def test_what_is_no_queues_name_is_refused(stage: Stage, queue: str) -> None:
    line = stage.place("")
    await line.until(CallAnswered)
    line.do(SendToQueue(attempt_id=line.attempt_id, queue=queue, wait_ms=1_000))
    failed = await line.until(CommandFailed)
    assert failed.command == "SendToQueue"
    line.hang_up()
    await line.until(CallEnded)


# --- the members -----------------------------------------------------------------------------------------------------


async def seen(stage: Stage, queue: str, **expected: int) -> None:
    """Wait until the queue is seen like this."""
    while True:
        news = await stage.until(QueueSeen)
        assert isinstance(news, QueueSeen)
        if news.queue == queue and all(getattr(news, name) == value for name, value in expected.items()):
            return


async def test_how_many_members_could_take_a_call(queues: Lab, stage: Stage) -> None:
    stage.telephony.perform(WatchQueue(queue="support", is_on=True))
    await seen(stage, "support", members=1, available=1, waiting=0)
    line = await sent(stage, "support")
    await seen(stage, "support", available=0)
    await queues.phones["1002"].until_up()
    line.hang_up()
    await line.until(CallEnded)
    await seen(stage, "support", members=1, available=1)


async def test_a_queue_that_is_not_there_says_so(stage: Stage) -> None:
    stage.telephony.perform(WatchQueue(queue="missing", is_on=True))
    news = await stage.until(QueueSeen)
    assert isinstance(news, QueueSeen)
    assert "no queue 'missing'" in news.trouble


# --- the manager interface goes and comes ----------------------------------------------------------------------------


async def test_who_waits_while_nobody_looks_is_followed_again(queues: Lab) -> None:
    gate = await Gate.to(queues.pbx.ami_port)
    bob = queues.phones["1002"]
    bob.on_ring = OnRing.RING
    async with queue_stage(queues, "blind", gate=gate) as stage:
        await until_followed(stage)
        waiting, talking, gone = [await sent(stage, queue) for queue in ("support", "sales", "sales")]
        await ann(queues).until_up()
        assert (await talking.until(QueueAgentConnected)).member == "Ann"
        await bob.until_ringing()
        await gate.shut()
        gone.hang_up()
        await gone.until(QueueUnseen)
        await gone.until(CallEnded)
        await bob.answer()
        await bob.until_up()
        talking.hang_up()
        await talking.until(CallEnded)
        assert "QueueUnseen" not in talking.story
        gate.open()
        assert (await waiting.until(QueueAgentConnected)).member == "Bob"
        await bob.hang_up()
        await waiting.until(QueueAgentLeft)
        await waiting.until(QueueReturned)
        waiting.hang_up()
        await waiting.until(CallEnded)
    await gate.close()


async def test_who_is_in_a_queue_when_the_dialer_comes_back_is_followed(queues: Lab) -> None:
    bob = queues.phones["1002"]
    bob.on_ring = OnRing.RING
    ann(queues).on_ring = OnRing.ANSWER
    async with queue_stage(queues, "gone") as stage:
        await until_followed(stage)
        waiting, talking = await sent(stage, "support"), await sent(stage, "sales")
        await talking.until(QueueAgentConnected)
        await bob.until_ringing()
    async with queue_stage(queues, "back") as stage:
        waiting, talking = stage.adopt(waiting.attempt_id), stage.adopt(talking.attempt_id)
        assert (await talking.until(QueueAgentConnected)).member == "Ann"
        await bob.answer()
        assert (await waiting.until(QueueAgentConnected)).member == "Bob"
        for line in (waiting, talking):
            line.hang_up()
            await line.until(QueueAgentLeft)
            await line.until(CallEnded)


async def test_without_a_login_nobody_is_sent(queues: Lab) -> None:
    pbx = queues.pbx
    telephony = AsteriskTelephony(url=pbx.ari_url, user=pbx.ari_user, password=pbx.ari_password)
    problem = await telephony.queue_problem("sales")
    assert problem is not None
    assert "ami_url" in problem


async def test_a_wrong_secret_is_told_plainly(queues: Lab) -> None:
    pbx = queues.pbx
    telephony = AsteriskTelephony(
        url=pbx.ari_url, user=pbx.ari_user, password=pbx.ari_password, ami=ami_of(pbx, secret="wrong")
    )
    stage = Stage(telephony, SystemClock(), name="wrong")
    await stage.start()
    try:
        async with asyncio.timeout(PATIENCE_S):
            while "refuses the user or secret" not in (await telephony.queue_problem("sales") or ""):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        line = stage.place("")
        await line.until(CallAnswered)
        line.do(SendToQueue(attempt_id=line.attempt_id, queue="sales", wait_ms=1_000))
        assert "manager.conf" in (await line.until(CommandFailed)).reason
        line.hang_up()
        await line.until(CallEnded)
    finally:
        await telephony.stop()


@pytest.mark.parametrize(
    ("queue", "words"),
    [("missing", "it has both, nobody, sales, support"), ("my queue", "another name in queues.conf")],
)
async def test_what_is_wrong_with_a_queue_is_told_with_its_mend(stage: Stage, queue: str, words: str) -> None:
    assert isinstance(stage.telephony, AsteriskTelephony)
    assert words in (await stage.telephony.queue_problem(queue) or "")
    assert await stage.telephony.queue_problem("sales") is None
