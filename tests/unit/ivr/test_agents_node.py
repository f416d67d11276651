"""The node that connects people with agents: its words, the floor's answers, and no deadline meanwhile."""

from __future__ import annotations

import pytest

from app.agent_commands import FloorAnswer, SeekAgent
from app.commands import HangUp
from app.events import CallEnded, CallLeft, CommandFailed, FaxHeard, PlaybackEnded, StoreFailed
from app.ivr.builtin import CONNECT_NAME, CONNECT_SOURCE
from app.ivr.load import FlowError, load_flow
from app.ivr.needs import prompts_needed
from app.ivr.result import EndedBy
from app.ivr.session import MAX_CALL_MS
from app.model import Prompt
from app.units import AttemptId
from tests.unit.ivr.build import ATTEMPT, LENGTH_MS, Phone, flow_of

WITH_WAYS = """
start: {type: menu, text: Press 1, keys: {1: person}, timeout_s: 5, repeats: 0}
person: {type: agents, text: One moment, on_none: sorry, next: survey}
sorry: {type: hangup, text: Sorry}
survey: {type: menu, text: Survey, keys: {1: bye}, into: mark, repeats: 0}
bye: {type: hangup, text: Bye}
"""
CONNECTED = FloorAnswer(attempt_id=ATTEMPT, is_connected=True)
RELEASED = FloorAnswer(attempt_id=ATTEMPT, is_released=True)
NOBODY = FloorAnswer(attempt_id=ATTEMPT)
TWO_HOURS_MS = 2 * MAX_CALL_MS


def built_in() -> Phone:
    return Phone(load_flow(CONNECT_SOURCE)).start()


def waiting() -> Phone:
    """A person who pressed 1 and heard the words."""
    phone = Phone(flow_of(WITH_WAYS)).start()
    phone.press("1", 500)
    phone.finish_playback()
    return phone


def test_the_built_in_flow_seeks_an_agent_at_once_and_says_nothing() -> None:
    phone = built_in()
    assert phone.done == [SeekAgent(attempt_id=ATTEMPT, has_way_on=False)]
    assert phone.session.is_with_floor
    assert phone.path == ["agent"]


def test_the_built_in_flow_is_a_flow_without_warnings() -> None:
    flow = load_flow(CONNECT_SOURCE)
    assert (flow.name, flow.warnings, list(flow.nodes)) == (CONNECT_NAME, (), ["agent"])
    assert flow.needs_agents
    assert not flow.needs_talk


def test_the_words_come_before_the_seeking() -> None:
    phone = Phone(flow_of(WITH_WAYS)).start()
    phone.press("1", 500)
    assert phone.said == ["Press 1", "One moment"]
    assert phone.kinds == []
    assert not phone.session.is_with_floor
    assert phone.finish_playback() == [SeekAgent(attempt_id=ATTEMPT, has_way_on=True)]
    assert Prompt(text="One moment") in prompts_needed(flow_of(WITH_WAYS), {}, "en")


def test_words_that_cannot_be_played_keep_nobody_from_an_agent() -> None:
    phone = Phone(flow_of("start: {type: agents, text: Hello}")).start()
    phone.finish_playback(10, has_failed=True)
    phone.pass_time(500)
    assert phone.kinds == ["SeekAgent"]


@pytest.mark.parametrize("answers", [[], [CONNECTED]], ids=["waiting", "talking"])
def test_nothing_ends_while_the_floor_has_the_person(answers: list[FloorAnswer]) -> None:
    phone = waiting()
    for answer in answers:
        assert phone.tell(answer, 1_000) == []
    assert phone.session.next_deadline_ms() is None
    assert phone.session.wake(phone.now_ms + TWO_HOURS_MS) == []
    assert not phone.session.is_over


def test_the_hour_of_a_call_does_not_run_while_talking() -> None:
    phone = waiting()
    phone.tell(CONNECTED, 1_000)
    phone.tell(RELEASED, TWO_HOURS_MS)
    assert phone.said[-1] == "Survey"
    phone.press("1", LENGTH_MS)
    assert phone.said[-1] == "Bye"
    assert phone.result.ended_by is EndedBy.RUNNING


def test_but_it_runs_again_afterwards() -> None:
    phone = Phone(flow_of("start: {type: agents, next: ask}\nask: {type: menu, text: Again, keys: {1: ask}}")).start()
    phone.tell(CONNECTED, 1_000)
    phone.tell(RELEASED, TWO_HOURS_MS)
    began = phone.now_ms
    while not phone.session.is_over:
        phone.press("1", 50_000) if phone.session.next_deadline_ms() is None else phone.pass_time(50_000)
        assert phone.now_ms - began <= MAX_CALL_MS + 60_000


def test_a_person_let_go_by_the_agent_goes_on() -> None:
    phone = waiting()
    phone.tell(CONNECTED, 800)
    phone.tell(RELEASED, 60_000)
    assert phone.path == ["start", "person", "survey"]


def test_without_a_next_the_call_ends_when_the_agent_lets_go() -> None:
    phone = built_in()
    phone.tell(CONNECTED, 1)
    assert phone.tell(RELEASED, 60_000) == [HangUp(attempt_id=ATTEMPT)]
    assert phone.result.ended_by is EndedBy.FLOW
    assert phone.result.length_ms == 60_001


def test_nobody_came_and_the_flow_has_a_way_for_it() -> None:
    phone = waiting()
    phone.tell(NOBODY, 10_000)
    assert phone.said[-1] == "Sorry"


def test_nobody_came_and_the_flow_has_none() -> None:
    phone = built_in()
    assert phone.tell(NOBODY, 10_000) == [HangUp(attempt_id=ATTEMPT)]
    assert phone.result.notes == ("no agent came in time",)


def test_an_agent_lost_in_the_conversation_and_no_other_found() -> None:
    phone = waiting()
    phone.tell(CONNECTED, 800)
    phone.tell(NOBODY, 30_000)
    assert phone.said[-1] == "Sorry"


def test_a_second_agent_is_no_second_beginning() -> None:
    phone = waiting()
    assert phone.tell(CONNECTED, 800) == []
    assert phone.tell(CONNECTED, 30_000) == []
    assert phone.session.is_with_floor


def test_keys_pressed_in_conversation_are_neither_kept_nor_answers() -> None:
    phone = waiting()
    assert phone.press("7", 300) == []
    phone.tell(CONNECTED, 800)
    for key in "4111":
        assert phone.press(key, 200) == []
    phone.tell(RELEASED, 1_000)
    assert phone.said[-1] == "Survey", "a key typed while talking has answered the survey"
    assert [(key.node, key.key) for key in phone.result.keys] == [("start", "1"), ("person", "7")]
    assert phone.press("1", 100)
    assert phone.result.answers == {"mark": "1"}


def test_a_person_who_hangs_up_while_waiting() -> None:
    phone = waiting()
    assert phone.tell(CallEnded(attempt_id=ATTEMPT), 3_000) == []
    assert phone.result.ended_by is EndedBy.PERSON
    assert phone.tell(CONNECTED) == []


def test_a_call_sent_on_by_the_floor_was_handed_over() -> None:
    phone = waiting()
    phone.tell(CallLeft(attempt_id=ATTEMPT), 100)
    assert phone.result.ended_by is EndedBy.TRANSFER
    assert phone.result.notes == ()


@pytest.mark.parametrize("answer", [CONNECTED, RELEASED, NOBODY], ids=["connected", "released", "nobody"])
def test_answers_nobody_asked_for_mean_nothing(answer: FloorAnswer) -> None:
    phone = Phone(flow_of(WITH_WAYS)).start()
    assert phone.tell(answer) == []
    phone.press("1", 500)
    assert phone.tell(answer) == [], "before the words are over nobody is sought"
    phone.finish_playback()
    assert phone.tell(FloorAnswer(attempt_id=AttemptId("zzzzzzzz"), is_released=True)) == []
    phone.tell(RELEASED)
    assert phone.path[-1] == "survey"
    assert phone.tell(answer) == []
    assert phone.path[-1] == "survey"


def test_what_the_floor_does_with_the_person_is_not_the_flows() -> None:
    phone = waiting()
    for event in (
        PlaybackEnded(attempt_id=ATTEMPT, playback_id="the-floors"),
        CommandFailed(attempt_id=ATTEMPT, command="Play", reason="gone"),
        CommandFailed(attempt_id=ATTEMPT, command="Connect", reason="gone"),
        FaxHeard(attempt_id=ATTEMPT),
        StoreFailed(reason="locked"),
    ):
        assert phone.tell(event) == []
    assert phone.session.is_with_floor


def test_waiting_again_after_being_asked() -> None:
    phone = Phone(
        flow_of(
            """
            start: {type: agents, on_none: ask}
            ask: {type: menu, text: Wait on, keys: {1: start}, repeats: 0}
            """
        )
    ).start()
    phone.tell(NOBODY, 10_000)
    phone.press("1", 100)
    assert phone.kinds == ["SeekAgent", "SeekAgent"]
    assert phone.path == ["start", "ask", "start"]


# --- the file --------------------------------------------------------------------------------------------------------


def test_a_round_that_only_an_agent_ends_is_refused() -> None:
    with pytest.raises(FlowError) as caught:
        flow_of("start: {type: agents, on_none: hold}\nhold: {type: play, text: Hold the line, next: start}")
    (problem,) = caught.value.problems
    assert (problem.line, problem.node) == (3, "start")
    assert "if no agent comes the call goes round for ever: start → hold → start" in problem.reason
    assert problem.mend


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ("{type: agents, on_non: bye}", "did you mean `on_none`"),
        ("{type: agents, on_none: buy}", "did you mean `bye`"),
        ("{type: agents, text: Hi, sound: hi}", "keep one of them"),
        ("{type: agent, next: bye}", "did you mean `agents`"),
        ("{type: agents, queue: sales}", "there is no field `queue`"),
    ],
)
def test_mistakes_are_told_with_their_mend(node: str, words: str) -> None:
    with pytest.raises(FlowError) as caught:
        flow_of(f"start: {{type: menu, text: Hi, keys: {{1: person, 2: bye}}}}\nperson: {node}\nbye: {{type: hangup}}")
    assert any(words in str(problem) and problem.line == 4 for problem in caught.value.problems), str(caught.value)


def test_a_broadcast_that_leads_to_agents_still_needs_its_own_opt_out() -> None:
    assert ["no more calls" in warning.reason for warning in flow_of(WITH_WAYS).warnings] == [True]
