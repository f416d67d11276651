"""How many members of a queue could take a call, read from what QueueStatus says; and when that is asked for."""

from __future__ import annotations

import asyncio

import pytest

from app.agent_events import QueueSeen
from app.asterisk.ami import AmiUnavailable, Message
from app.asterisk.queue_board import QueueBoard, next_free_s, seen_in
from app.events import Event

NOW_S = 1_800_000_000.0
PARAMS: Message = {"event": "QueueParams", "queue": "sales"}
WAITING: Message = {"event": "QueueEntry", "queue": "sales", "uniqueid": "outring-a1b2c3d4"}


def member(**facts: str) -> Message:
    plain = {"status": "1", "paused": "0", "incall": "0", "wrapuptime": "0", "lastcall": "0"}
    return {"event": "QueueMember", "queue": "sales", "name": "Ann"} | plain | facts


@pytest.mark.parametrize(
    ("facts", "members", "available"),
    [
        ({}, 1, 1),
        ({"status": "0"}, 1, 1),
        ({"status": "2"}, 1, 0),
        ({"status": "6"}, 1, 0),
        ({"status": "4"}, 0, 0),
        ({"status": "5"}, 0, 0),
        ({"paused": "1"}, 1, 0),
        ({"incall": "1"}, 1, 0),
        ({"wrapuptime": "30", "lastcall": str(int(NOW_S) - 10)}, 1, 0),
        ({"wrapuptime": "30", "lastcall": str(int(NOW_S) - 31)}, 1, 1),
        ({"wrapuptime": "30"}, 1, 1),
    ],
)
def test_who_could_take_a_call(facts: dict[str, str], members: int, available: int) -> None:
    seen = seen_in([{"response": "Success"}, PARAMS, member(**facts), WAITING], "sales", NOW_S)
    assert seen == QueueSeen(queue="sales", members=members, available=available, waiting=1)


def test_when_the_time_after_a_call_is_over() -> None:
    first = member(wrapuptime="30", lastcall=str(int(NOW_S) - 10))
    second = member(wrapuptime="30", lastcall=str(int(NOW_S) - 5))
    assert next_free_s([PARAMS, second, first, member()], NOW_S) == NOW_S + 20
    assert next_free_s([PARAMS, member()], NOW_S) is None
    assert next_free_s([PARAMS, member(wrapuptime="30", lastcall=str(int(NOW_S)), status="2")], NOW_S) is None


def test_a_queue_that_is_not_there() -> None:
    assert "no queue 'sales'" in seen_in([{"response": "Success"}], "sales", NOW_S).trouble


class Interface:
    """A manager interface that answers, or is away."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_away = False

    async def action(self, name: str, **fields: str) -> list[Message]:
        if self.is_away:
            raise AmiUnavailable("it is away")
        self.asked.append(fields["Queue"])
        return [{"response": "Success"}, PARAMS, member()]


async def test_what_moves_together_is_asked_for_once_and_only_what_is_watched() -> None:
    told: list[Event] = []
    board, interface = QueueBoard(told.append), Interface()
    board.watch("sales", is_on=True)
    for _ in range(5):
        board.hear({"event": "QueueMemberStatus", "queue": "sales"})
        board.hear({"event": "QueueMemberStatus", "queue": "others"})
    running = asyncio.create_task(board.run(interface))  # type: ignore[arg-type]
    async with asyncio.timeout(10):
        while not told:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert told == [QueueSeen(queue="sales", members=1, available=1)]
    assert interface.asked == ["sales"]
    interface.is_away = True
    board.hear({"event": "AgentConnect", "queue": "sales"})
    async with asyncio.timeout(10):
        while len(told) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert told[1] == QueueSeen(queue="sales", trouble="it is away")
    board.watch("sales", is_on=False)
    board.lose_sight("gone")
    assert len(told) == 2
    running.cancel()
