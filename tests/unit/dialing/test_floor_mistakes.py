"""The floor's laws can fail: mistakes planted in the dialer are found, each by the law that is there for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from app.agent_commands import LogAgent
from app.agent_events import AgentPaused, AgentSignedOut, AgentWentReady
from app.agents import AgentState, DialingMode, RecordingPolicy
from app.commands import CloseAttempt, Command
from app.dialing import floor as floor_module
from app.dialing.agent import AgentRun
from app.dialing.attempt import AttemptRun
from app.dialing.crew import Crew
from app.dialing.farewell import Farewells
from app.dialing.floor import Floor
from app.dialing.leaving import Leaving
from app.dialing.losses import Losses
from app.dialing.person import Person
from app.dialing.recording import Recordings
from app.dialing.talk import Talk
from app.units import AgentId, AttemptId
from tests.unit.dialing.floor_world import CONNECT
from tests.unit.dialing.test_floor_laws import LUNCH, FloorLaws

Plant = pytest.MonkeyPatch
ME = AgentId(1)


def laws(mode: DialingMode = DialingMode.PROGRESSIVE) -> FloorLaws:
    """Three agents at work, and the laws that watch them."""
    watched = FloorLaws()
    watched.begin(mode=mode, lines=1, recording=RecordingPolicy.ALWAYS, flow=CONNECT)
    return watched


def answered(watched: FloorLaws) -> AttemptId:
    """Somebody has answered."""
    attempt_id = next(one for one, wire in watched.world.calls.items() if wire.exists)
    watched.world.answer(attempt_id)
    return attempt_id


def checked(watched: FloorLaws) -> None:
    """What must hold between commands."""
    watched.an_agent_is_in_at_most_one_call_and_says_so()
    watched.the_picture_and_the_log_agree()
    watched.nobody_who_is_in_hand_hears_nothing()
    watched.nobody_is_recorded_who_is_not_there()
    watched.nobody_waits_for_ever()


def in_order(watched: FloorLaws) -> None:
    """A stretch of work in which all is well without a mistake."""
    answered(watched)
    checked(watched)
    watched.world.advance(500)
    checked(watched)
    watched.teardown()


@pytest.mark.parametrize("mode", list(DialingMode), ids=lambda mode: mode.value)
def test_without_a_mistake_nothing_is_found(mode: DialingMode) -> None:
    watched = laws(mode)
    if any(wire.exists for wire in watched.world.calls.values()):
        in_order(watched)


def test_calls_without_a_reserved_agent(monkeypatch: Plant) -> None:
    monkeypatch.setattr(Floor, "room", lambda self, run, most: most)
    monkeypatch.setattr(Floor, "assign", lambda self, run, attempt, now_ms: (True, []))
    with pytest.raises(AssertionError, match="a call that no agent waits for"):
        laws()


def test_two_people_in_one_room(monkeypatch: Plant) -> None:
    def same_for_all(self: Floor, person: Person) -> None:
        self._parts.talk.join(person, self.crew.agents[ME])

    monkeypatch.setattr(Floor, "_serve", same_for_all)
    watched = laws(DialingMode.BROADCAST)
    answered(watched)
    with pytest.raises(AssertionError, match="enters session0001-room, where"):
        watched.two_answer_at_once()


def shifted(self: AgentRun, step: Any, now_ms: int, *, real: Callable[..., LogAgent], **why: Any) -> LogAgent:
    logged = real(self, step, now_ms, **why)
    if logged.ended is None:
        return logged
    return replace(logged, ended=replace(logged.ended, until_ms=now_ms - 1))


def test_time_of_an_agent_that_is_lost(monkeypatch: Plant) -> None:
    real = AgentRun.step
    monkeypatch.setattr(
        AgentRun, "step", lambda self, step, now_ms, **why: shifted(self, step, now_ms, real=real, **why)
    )
    with pytest.raises(AssertionError):
        laws()


def test_a_state_that_is_not_written_down(monkeypatch: Plant) -> None:
    turn = floor_module.Floor._settled

    def forgetful(self: Floor) -> list[Command]:
        return [one for one in turn(self) if not (isinstance(one, LogAgent) and one.now and one.now.reason == "lunch")]

    watched = laws()
    monkeypatch.setattr(Floor, "_settled", forgetful)
    answered(watched)
    watched.an_agent_is_paused(agent_id=AgentId(3), by="")
    watched.world.end(next(one for one, wire in watched.world.calls.items() if wire.exists and not wire.is_up))
    watched.world.settle()
    watched.world.ask(AgentPaused(agent_id=AgentId(2), reason=LUNCH))
    with pytest.raises(AssertionError):
        checked(watched)


def test_a_conversation_that_is_not_kept(monkeypatch: Plant) -> None:
    conclude = AttemptRun.conclude

    def without(
        self: AttemptRun, outcome: Any, then: Any, conversation: Any, now_ms: int, **more: Any
    ) -> list[Command]:
        closed = conclude(self, outcome, then, conversation, now_ms, **more)
        return [CloseAttempt(result=replace(closed[-1].result, conversation=None))]  # type: ignore[union-attr]

    monkeypatch.setattr(AttemptRun, "conclude", without)
    with pytest.raises(AssertionError, match="a conversation is lost"):
        in_order(laws())


def test_an_attempt_that_is_never_closed(monkeypatch: Plant) -> None:
    monkeypatch.setattr(Talk, "conclude", lambda self, person: None)
    with pytest.raises(AssertionError, match=r"never closed|never goes home"):
        in_order(laws())


def test_an_attempt_that_is_closed_twice(monkeypatch: Plant) -> None:
    did = Crew.did

    def twice(self: Crew, attempt: AttemptRun, commands: list[Command]) -> None:
        did(self, attempt, [*commands, *(one for one in commands if isinstance(one, CloseAttempt))])

    monkeypatch.setattr(Crew, "did", twice)
    with pytest.raises(AssertionError, match="ends twice"):
        in_order(laws())


def waiting() -> FloorLaws:
    """Somebody waits for an agent, and none is there."""
    watched = laws(DialingMode.BROADCAST)
    for place in (1, 2, 3):
        watched.world.ask(AgentSignedOut(agent_id=AgentId(place)))
    answered(watched)
    return watched


def test_somebody_who_hears_nothing(monkeypatch: Plant) -> None:
    checked(waiting())
    monkeypatch.setattr(Talk, "soothe", lambda self, person: None)
    with pytest.raises(AssertionError, match="hears nothing"):
        checked(waiting())


def test_somebody_who_waits_for_ever(monkeypatch: Plant) -> None:
    monkeypatch.setattr(Farewells, "give_up", lambda self, person: None)
    watched = waiting()
    watched.world.advance(61_000)
    with pytest.raises(AssertionError, match="waits for ever"):
        checked(watched)


def test_a_refused_request_that_changes_something(monkeypatch: Plant) -> None:
    watched = laws()
    monkeypatch.setattr("app.dialing.floor.why_not", lambda event, crew: None)
    monkeypatch.setattr(
        "app.dialing.dialer.Dialer.refusal", lambda self, event: "no" if isinstance(event, AgentPaused) else None
    )
    with pytest.raises(AssertionError, match="was refused, and changed something"):
        watched.an_agent_is_paused(agent_id=ME, by="")


def test_an_agent_who_is_available_with_somebody_in_the_room(monkeypatch: Plant) -> None:
    watched = laws()
    attempt_id = answered(watched)
    [place] = [one for one in (1, 2, 3) if watched.world.state(one) is AgentState.TALKING]
    agent = watched.world.dialer._floor.crew.agents[AgentId(place)]
    Leaving(watched.world.dialer._floor.crew).free(agent)
    watched.world.settle()
    assert attempt_id in watched.world.where
    with pytest.raises(AssertionError):
        checked(watched)


def test_a_phone_that_is_left_connected(monkeypatch: Plant) -> None:
    monkeypatch.setattr("app.dialing.phone.Phone.hang_up", lambda self, note="": [])
    with pytest.raises(AssertionError, match="a phone is left connected"):
        in_order(laws())


def test_a_recording_that_never_ends(monkeypatch: Plant) -> None:
    monkeypatch.setattr(Recordings, "end", lambda self, person: None)
    watched = laws()
    attempt_id = answered(watched)
    checked(watched)
    watched.world.hang_up(attempt_id)
    with pytest.raises(AssertionError, match="still recorded"):
        checked(watched)


def test_an_agent_who_never_goes_home(monkeypatch: Plant) -> None:
    monkeypatch.setattr(Losses, "leave", lambda self, agent: None)
    with pytest.raises(AssertionError, match="never goes home"):
        in_order(laws())


def test_a_line_that_is_not_given_back(monkeypatch: Plant) -> None:
    monkeypatch.setattr("app.dialing.trunk.TrunkLine.release", lambda self: None)
    with pytest.raises(AssertionError):
        in_order(laws())


def test_ready_agents_are_dialed_for_at_all() -> None:
    watched = laws()
    assert watched.world.dialer.refusal(AgentWentReady(agent_id=ME)) is not None
    assert len([wire for wire in watched.world.calls.values() if wire.exists]) == 3
