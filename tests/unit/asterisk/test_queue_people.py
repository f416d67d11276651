"""What is told of people in queues, in which order, whichever of the two connections speaks first."""

from __future__ import annotations

import asyncio

import pytest

from app.agent_events import QueueAgentConnected, QueueAgentLeft, QueueReturned, QueueUnseen
from app.asterisk import queue_people
from app.asterisk.ami import Message
from app.asterisk.queue_people import QueuePeople
from app.events import CallEnded, Event
from app.units import AttemptId

WHO = AttemptId("a1b2c3d4")
ENDED = CallEnded(attempt_id=WHO)
BACK = QueueReturned(attempt_id=WHO, has_talked=True, reason="CONTINUE")
TURNED_AWAY = QueueReturned(attempt_id=WHO, has_talked=False, reason="UNKNOWN")
CONNECTED = QueueAgentConnected(attempt_id=WHO, queue="sales", member="Ann", waited_ms=3_000)
LEFT = QueueAgentLeft(
    attempt_id=WHO, queue="sales", member="Ann", waited_ms=3_000, talk_ms=7_000, ended_by="the agent hung up"
)


def said(event: str, **fields: str) -> Message:
    plain = {"uniqueid": f"outring-{WHO}", "queue": "sales", "membername": "Ann", "interface": "PJSIP/1001"}
    return {"event": event} | plain | fields


JOINED = said("QueueCallerJoin")
TAKEN = said("AgentConnect", holdtime="3")
DONE = said("AgentComplete", holdtime="3", talktime="7", reason="agent")
GIVEN_UP = said("QueueCallerAbandon", holdtime="3")


@pytest.fixture
def told() -> list[Event]:
    return []


@pytest.fixture
def people(told: list[Event]) -> QueuePeople:
    people = QueuePeople(told.append)
    people.see()
    people.begin(WHO)
    return people


async def test_in_order_all_is_told_at_once(people: QueuePeople, told: list[Event]) -> None:
    for message in (JOINED, TAKEN, DONE):
        people.hear(message)
    people.pass_on(ENDED)
    assert told == [CONNECTED, LEFT, ENDED]


@pytest.mark.parametrize("ending", [ENDED, BACK], ids=["ended", "back"])
async def test_the_end_waits_for_the_queues_last_word(
    people: QueuePeople, told: list[Event], ending: CallEnded | QueueReturned
) -> None:
    people.hear(JOINED)
    people.hear(TAKEN)
    people.pass_on(ending)
    assert told == [CONNECTED]
    people.hear(DONE)
    assert told == [CONNECTED, LEFT, ending]
    assert WHO not in people


async def test_the_end_waits_even_before_anything_was_said(people: QueuePeople, told: list[Event]) -> None:
    people.pass_on(ENDED)
    assert told == []
    people.hear(JOINED)
    people.hear(GIVEN_UP)
    assert told == [ENDED]


async def test_who_gives_up_waiting_has_ended(people: QueuePeople, told: list[Event]) -> None:
    people.hear(JOINED)
    people.hear(GIVEN_UP)
    people.pass_on(ENDED)
    assert told == [ENDED]


async def test_who_is_turned_away_at_the_door_is_back_at_once(people: QueuePeople, told: list[Event]) -> None:
    people.pass_on(TURNED_AWAY)
    assert told == [TURNED_AWAY]


async def test_a_last_word_that_never_comes_is_not_waited_for_for_ever(
    people: QueuePeople, told: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_people, "LAST_WORD_S", 0.01)
    people.hear(JOINED)
    people.pass_on(ENDED)
    async with asyncio.timeout(5):
        while len(told) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    assert [type(event) for event in told] == [QueueUnseen, CallEnded]


async def test_who_never_came_to_the_queue_is_not_unseen(
    people: QueuePeople, told: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_people, "LAST_WORD_S", 0.01)
    people.pass_on(ENDED)
    async with asyncio.timeout(5):
        while not told:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    assert told == [ENDED]


# --- out of sight ----------------------------------------------------------------------------------------------------


async def test_an_end_out_of_sight_is_told_as_such(people: QueuePeople, told: list[Event]) -> None:
    people.hear(JOINED)
    people.lose_sight("it was restarted")
    people.pass_on(ENDED)
    assert told == [QueueUnseen(attempt_id=WHO, reason="it was restarted"), ENDED]


async def test_an_end_that_is_held_when_sight_is_lost_is_told_then(people: QueuePeople, told: list[Event]) -> None:
    people.hear(JOINED)
    people.pass_on(ENDED)
    people.lose_sight("gone")
    assert [type(event) for event in told] == [QueueUnseen, CallEnded]


async def test_who_was_seen_talking_is_not_unseen(people: QueuePeople, told: list[Event]) -> None:
    people.hear(JOINED)
    people.hear(TAKEN)
    people.lose_sight("gone")
    people.pass_on(ENDED)
    assert told == [CONNECTED, ENDED]


async def test_who_came_back_to_us_out_of_sight_is_just_back(people: QueuePeople, told: list[Event]) -> None:
    people.hear(JOINED)
    people.lose_sight("gone")
    people.pass_on(BACK)
    assert told == [BACK]


async def test_found_waiting_nothing_was_missed(people: QueuePeople, told: list[Event]) -> None:
    people.hear(JOINED)
    people.lose_sight("gone")
    people.see()
    assert people.unclear == (WHO,)
    people.found_waiting(WHO)
    assert not people.unclear
    people.hear(GIVEN_UP)
    people.pass_on(ENDED)
    assert told == [ENDED]


async def test_found_talking_is_told_once(people: QueuePeople, told: list[Event]) -> None:
    people.hear(JOINED)
    people.lose_sight("gone")
    people.see()
    people.found_talking(WHO, "Ann")
    people.found_talking(WHO, "Ann")
    people.hear(TAKEN)
    assert told == [QueueAgentConnected(attempt_id=WHO, queue="sales", member="Ann", waited_ms=0)]
    people.hear(DONE)
    people.pass_on(ENDED)
    assert told[1:] == [LEFT, ENDED]


# --- others ----------------------------------------------------------------------------------------------------------


async def test_what_is_not_of_our_people_means_nothing(people: QueuePeople, told: list[Event]) -> None:
    people.hear(said("AgentConnect", uniqueid="pbx-1795352734.1"))
    people.hear(said("AgentConnect", uniqueid="outring-zzzzzzzz"))
    people.hear(said("AgentCalled"))
    people.hear({"response": "Success"})
    people.pass_on(CallEnded(attempt_id=AttemptId("zzzzzzzz")))
    assert told == [CallEnded(attempt_id=AttemptId("zzzzzzzz"))]


async def test_a_queue_of_the_admins_own_dialplan_is_followed_too(told: list[Event]) -> None:
    people = QueuePeople(told.append)
    people.see()
    for message in (JOINED, TAKEN, DONE):
        people.hear(message)
    people.pass_on(ENDED)
    assert told == [CONNECTED, LEFT, ENDED]


async def test_a_late_word_after_the_end_leaves_nothing_behind(people: QueuePeople, told: list[Event]) -> None:
    people.lose_sight("gone")
    people.pass_on(ENDED)
    people.hear(DONE)
    assert WHO not in people
    assert told[-1] == ENDED


async def test_a_second_time_in_a_queue_is_a_new_beginning(people: QueuePeople, told: list[Event]) -> None:
    people.pass_on(TURNED_AWAY)
    people.begin(WHO)
    people.hear(JOINED)
    people.pass_on(ENDED)
    assert told == [TURNED_AWAY], "the end was told before the queue's last word"


async def test_calls_that_are_gone_after_a_broken_line_are_forgotten(people: QueuePeople) -> None:
    people.adopt({AttemptId("zzzzzzzz")}, [AttemptId("zzzzzzzz")])
    assert WHO not in people
    assert people.unclear == (AttemptId("zzzzzzzz"),)


@pytest.mark.parametrize("text", ["", "x", "-1", "3.5"])
async def test_a_length_that_is_no_number_is_none(people: QueuePeople, told: list[Event], text: str) -> None:
    people.hear(said("AgentConnect", holdtime=text))
    assert told == [QueueAgentConnected(attempt_id=WHO, queue="sales", member="Ann", waited_ms=0)]
