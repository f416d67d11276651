"""Campaigns whose agents are members of a queue of the PBX's own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from app.agent_commands import SendToQueue, WatchQueue
from app.agent_events import QueueAgentConnected, QueueAgentLeft, QueueReturned, QueueSeen, QueueUnseen
from app.agents import AgentPlan, DialingMode
from app.commands import Command, Play
from app.dialing.snapshot import CampaignPicture
from app.events import CallAnswered, CallLeft, CommandFailed, LiveCall, PlaybackEnded, TelephonyUp
from app.ivr.builtin import CONNECT_SOURCE
from app.ivr.flow import Flow
from app.ivr.load import load_flow
from app.model import AttemptResult, CampaignStatus
from app.outcomes import ContactStatus, Outcome
from app.units import AttemptId, CampaignId
from tests.unit.dialing.build import campaign, phone, trunk
from tests.unit.dialing.world import Wire, World, status_of

ONE: Final = CampaignId(1)
CONNECT: Final = load_flow(CONNECT_SOURCE)
SURVEY: Final = load_flow(
    """
    name: offer
    start: person
    nodes:
      person: {type: agents, on_none: sorry, next: mark}
      mark: {type: menu, text: "How was it?", keys: {1: bye}, into: mark, repeats: 0}
      sorry: {type: hangup, text: "We call you again."}
      bye: {type: hangup}
    """
)
TRANSFER: Final = load_flow("nodes: {start: {type: transfer, context: agents, extension: '1000'}}")
PLAN: Final = AgentPlan(queue="sales", hold_ms=10_000, connect_within_ms=2_000)


class QueueWorld(World):
    """The world with a queue `sales`: who is sent there waits until a member takes them."""

    def __init__(self, flow: Flow = CONNECT, *, members: int = 5) -> None:
        super().__init__(flow)
        self.queue = QueueSeen(queue="sales", members=members, available=members)
        self.watched: list[WatchQueue] = []
        self.sent: dict[AttemptId, SendToQueue] = {}
        self.waiting: set[AttemptId] = set()
        self.played: list[str] = []
        self.is_followed = True

    def begin(self, *, people: int = 1, lines: int = 5, mode: DialingMode = DialingMode.PROGRESSIVE) -> None:
        """A campaign of so many people begins."""
        self.connect()
        self.set_trunk(trunk())
        self.add_contacts(ONE, *(phone(place) for place in range(1, people + 1)))
        self.start(campaign(1, lines=lines, mode=mode, agents=PLAN))
        self.settle()

    def _perform(self, command: Command) -> None:
        match command:
            case WatchQueue():
                self.watched.append(command)
                if command.is_on:
                    self.inbox.append(self.queue)
            case SendToQueue():
                self._send(command)
            case Play():
                super()._perform(command)
                self.played.append(command.playback_id)
            case _:
                super()._perform(command)

    def _send(self, command: SendToQueue) -> None:
        wire = self.calls[command.attempt_id]
        if not wire.exists or not self.is_followed:
            name = type(command).__name__
            self.inbox.append(CommandFailed(attempt_id=command.attempt_id, command=name, reason="not followed"))
            return
        assert wire.is_in_hand, f"{command.attempt_id} is sent to a queue and is not in hand"
        wire.is_in_hand, wire.asked_away = False, True
        self.sent[command.attempt_id] = command
        self.waiting.add(command.attempt_id)
        self.tell(CallLeft(attempt_id=command.attempt_id))

    def _live(self, attempt_id: AttemptId, wire: Wire) -> LiveCall:
        found = super()._live(attempt_id, wire)
        return replace(found, is_in_queue=wire.is_up and not wire.is_in_hand)

    # --- what happens ------------------------------------------------------------------------------------------------

    def see(self, **changes: Any) -> None:
        """The queue is seen as it is now."""
        self.queue = replace(self.queue, **changes)
        self.inbox.append(self.queue)
        self.settle()

    def answer(self, *attempts: AttemptId) -> None:
        """People pick up."""
        for attempt_id in attempts:
            wire = self.calls[attempt_id]
            wire.exists = wire.is_up = wire.is_in_hand = wire.is_told_in_hand = True
            self.tell(CallAnswered(attempt_id=attempt_id))
        self.settle()

    def take(self, attempt_id: AttemptId, member: str = "Ann", waited_ms: int = 0) -> None:
        """A member and the person hear each other."""
        self.waiting.discard(attempt_id)
        self.tell(QueueAgentConnected(attempt_id=attempt_id, queue="sales", member=member, waited_ms=waited_ms))
        self.settle()

    def part(self, attempt_id: AttemptId, talk_ms: int, ended_by: str = "the agent hung up") -> None:
        """The conversation is over."""
        self.tell(
            QueueAgentLeft(
                attempt_id=attempt_id, queue="sales", member="Ann", waited_ms=0, talk_ms=talk_ms, ended_by=ended_by
            )
        )
        self.settle()

    def give_back(self, attempt_id: AttemptId, *, has_talked: bool, reason: str = "TIMEOUT") -> None:
        """The queue hands the person back."""
        wire = self.calls[attempt_id]
        wire.is_in_hand, wire.asked_away = True, False
        self.waiting.discard(attempt_id)
        self.tell(QueueReturned(attempt_id=attempt_id, has_talked=has_talked, reason=reason))
        self.settle()

    def hang_up(self, attempt_id: AttemptId) -> None:
        """The person hangs up."""
        self.end(attempt_id)
        self.settle()

    def finish_playback(self) -> None:
        """What is played is over."""
        [attempt_id] = [one for one, wire in self.calls.items() if wire.exists]
        self.tell(PlaybackEnded(attempt_id=attempt_id, playback_id=self.played[-1]))
        self.settle()

    # --- looking -----------------------------------------------------------------------------------------------------

    @property
    def only(self) -> AttemptId:
        """The one call there is."""
        [attempt_id] = self.calls
        return attempt_id

    @property
    def up(self) -> list[AttemptId]:
        """Calls that exist, as far as anybody knows."""
        return [attempt_id for attempt_id, wire in self.calls.items() if wire.may_exist]

    def result(self, attempt_id: AttemptId) -> AttemptResult:
        """How an attempt ended."""
        return self.disk.closed[attempt_id]

    @property
    def picture(self) -> CampaignPicture:
        """The campaign as pages show it."""
        [picture] = self.dialer.snapshot(self.now).campaigns
        return picture


def in_queue(flow: Flow = CONNECT) -> tuple[QueueWorld, AttemptId]:
    """Somebody has answered, and is in the queue."""
    world = QueueWorld(flow)
    world.begin()
    world.answer(world.only)
    return world, world.only


# --- the way there ---------------------------------------------------------------------------------------------------


def test_who_answers_goes_to_the_queue_at_once_for_as_long_as_people_may_wait() -> None:
    world, attempt_id = in_queue()
    assert world.sent == {attempt_id: SendToQueue(attempt_id=attempt_id, queue="sales", wait_ms=10_000)}
    assert (world.picture.seeking, world.picture.with_agents) == (1, 0)
    world.advance(3_000)
    assert world.picture.longest_wait_ms == 3_000


def test_a_conversation_lands_in_the_attempt() -> None:
    world, attempt_id = in_queue()
    world.advance(3_200)
    world.take(attempt_id)
    assert (world.picture.seeking, world.picture.with_agents) == (0, 1)
    world.advance(45_600)
    world.part(attempt_id, talk_ms=45_000, ended_by="the person hung up")
    world.hang_up(attempt_id)
    result = world.result(attempt_id)
    assert (result.outcome, result.is_charged, result.next.status) == (
        Outcome.CONNECTED_TO_AGENT,
        True,
        ContactStatus.CONNECTED,
    )
    talk = result.conversation
    assert talk is not None
    assert (talk.agent_id, talk.queue_member, talk.waited_ms, talk.talk_ms) == (None, "Ann", 3_200, 45_600)
    assert talk.connected_at_ms - talk.waited_ms == result.facts.answered_at_ms
    assert talk.transfers == ("queue sales", "the person hung up")
    assert status_of(world) is CampaignStatus.FINISHED


def test_a_conversation_of_hours_is_not_cut_off() -> None:
    world, attempt_id = in_queue()
    world.take(attempt_id)
    world.advance(3 * 3_600_000)
    assert world.up == [attempt_id]


def test_when_the_agent_hangs_up_first_the_call_ends() -> None:
    world, attempt_id = in_queue()
    world.take(attempt_id)
    world.advance(5_000)
    world.part(attempt_id, talk_ms=5_000)
    world.give_back(attempt_id, has_talked=True, reason="CONTINUE")
    assert world.calls[attempt_id].is_hung_up
    world.hang_up(attempt_id)
    assert world.result(attempt_id).outcome is Outcome.CONNECTED_TO_AGENT


def test_or_the_flow_goes_on_where_it_has_something_left_to_say() -> None:
    world, attempt_id = in_queue(SURVEY)
    world.take(attempt_id)
    world.advance(5_000)
    world.part(attempt_id, talk_ms=5_000)
    world.give_back(attempt_id, has_talked=True, reason="CONTINUE")
    assert not world.calls[attempt_id].is_hung_up
    assert len(world.played) == 1
    world.advance(30_000)
    world.hang_up(attempt_id)
    result = world.result(attempt_id)
    assert result.outcome is Outcome.CONNECTED_TO_AGENT
    assert [step["node"] for step in result.flow["path"]] == ["person", "mark"]
    assert result.conversation is not None
    assert result.conversation.talk_ms == 5_000, "the survey is no talk"


# --- nobody there ----------------------------------------------------------------------------------------------------


def test_who_is_taken_by_nobody_hears_the_safe_harbor_message_and_counts_as_abandoned() -> None:
    world, attempt_id = in_queue()
    world.advance(10_000)
    world.give_back(attempt_id, has_talked=False)
    assert world.played == [f"{attempt_id}-harbor"]
    assert not world.calls[attempt_id].is_hung_up
    world.finish_playback()
    assert world.calls[attempt_id].is_hung_up
    world.hang_up(attempt_id)
    assert world.result(attempt_id).outcome is Outcome.ABANDONED_BY_DIALER
    assert world.result(attempt_id).conversation is None


def test_the_end_of_the_message_is_not_waited_for_for_ever() -> None:
    world, attempt_id = in_queue()
    world.give_back(attempt_id, has_talked=False, reason="JOINEMPTY")
    world.advance(20_000)
    assert world.calls[attempt_id].is_hung_up


def test_or_takes_the_flows_own_way() -> None:
    world, attempt_id = in_queue(SURVEY)
    world.advance(10_000)
    world.give_back(attempt_id, has_talked=False)
    assert f"{attempt_id}-harbor" not in world.played
    world.finish_playback()
    world.hang_up(attempt_id)
    assert world.result(attempt_id).outcome is Outcome.ABANDONED_TO_IVR


@pytest.mark.parametrize(
    ("waited_ms", "outcome"), [(1_500, Outcome.CUSTOMER_HUNG_UP), (2_500, Outcome.ABANDONED_BY_DIALER)]
)
def test_who_hangs_up_while_waiting(waited_ms: int, outcome: Outcome) -> None:
    world, attempt_id = in_queue()
    world.advance(waited_ms)
    world.hang_up(attempt_id)
    assert world.result(attempt_id).outcome is outcome


def test_a_queue_that_cannot_be_followed_leaves_nobody_in_silence() -> None:
    world = QueueWorld()
    world.begin()
    world.is_followed = False
    world.answer(world.only)
    assert world.played == [f"{world.only}-harbor"]
    world.finish_playback()
    world.hang_up(world.only)
    assert world.result(world.only).outcome is Outcome.ABANDONED_BY_DIALER


# --- out of sight ----------------------------------------------------------------------------------------------------


def test_an_end_out_of_sight_is_not_guessed_at() -> None:
    world, attempt_id = in_queue()
    world.advance(5_000)
    world.tell(QueueUnseen(attempt_id=attempt_id, reason="the manager interface was away"))
    world.hang_up(attempt_id)
    result = world.result(attempt_id)
    assert result.outcome is Outcome.CONTROLLER_LOST
    assert "manager interface was away" in result.facts.cause_text


def test_a_talk_whose_end_was_not_seen_lasted_until_the_call_ended() -> None:
    world, attempt_id = in_queue()
    world.take(attempt_id)
    world.advance(7_000)
    world.hang_up(attempt_id)
    talk = world.result(attempt_id).conversation
    assert talk is not None
    assert talk.talk_ms == 7_000


def test_a_talk_whose_beginning_was_not_seen_is_as_long_as_asterisk_says() -> None:
    world, attempt_id = in_queue()
    world.advance(60_000)
    world.part(attempt_id, talk_ms=50_000)
    world.hang_up(attempt_id)
    talk = world.result(attempt_id).conversation
    assert talk is not None
    assert (talk.talk_ms, talk.waited_ms) == (50_000, 10_000)


def test_who_came_back_from_a_talk_nobody_saw_talked_all_the_same() -> None:
    world, attempt_id = in_queue()
    world.give_back(attempt_id, has_talked=True, reason="CONTINUE")
    world.hang_up(attempt_id)
    assert world.result(attempt_id).outcome is Outcome.CONNECTED_TO_AGENT


@pytest.mark.parametrize("is_taken", [True, False])
def test_a_new_dialer_follows_who_is_in_a_queue(is_taken: bool) -> None:
    world, attempt_id = in_queue()
    world.crash()
    world.connect()
    world.settle()
    assert len(world.sent) == 1, "nobody is sent to a queue they are in"
    world.advance(5_000)
    if is_taken:
        world.take(attempt_id, waited_ms=6_000)
        world.advance(1_000)
        world.part(attempt_id, talk_ms=1_000)
    world.hang_up(attempt_id)
    result = world.result(attempt_id)
    assert result.outcome is (Outcome.CONNECTED_TO_AGENT if is_taken else Outcome.ABANDONED_BY_DIALER)
    assert (result.conversation is not None) is is_taken


def test_a_broken_line_to_asterisk_sends_nobody_twice() -> None:
    world, attempt_id = in_queue()
    world.disconnect()
    world.settle()
    world.connect()
    world.settle()
    assert world.up == [attempt_id]
    world.take(attempt_id)
    world.part(attempt_id, talk_ms=1_000)
    world.hang_up(attempt_id)
    assert world.result(attempt_id).outcome is Outcome.CONNECTED_TO_AGENT


def test_news_of_strangers_mean_nothing() -> None:
    world, attempt_id = in_queue()
    for event in (
        QueueUnseen(attempt_id=AttemptId("nobody01"), reason="x"),
        QueueReturned(attempt_id=AttemptId("nobody01"), has_talked=False, reason="TIMEOUT"),
        QueueSeen(queue="another", members=9, available=9),
    ):
        world.tell(event)
    world.settle()
    assert world.up == [attempt_id]


def test_a_transfer_into_a_queue_of_the_admins_own_dialplan_is_followed_too() -> None:
    world = QueueWorld(TRANSFER)
    world.connect()
    world.set_trunk(trunk())
    world.add_contacts(ONE, phone(1))
    world.start(campaign(1))
    world.settle()
    world.answer(world.only)
    world.calls[world.only].is_in_hand = False
    world.tell(CallLeft(attempt_id=world.only))
    world.settle()
    world.advance(4_000)
    world.take(world.only, waited_ms=3_000)
    world.advance(20_000)
    world.part(world.only, talk_ms=20_000)
    world.hang_up(world.only)
    result = world.result(world.only)
    assert result.outcome is Outcome.CONNECTED_TO_AGENT
    assert result.conversation is not None
    assert (result.conversation.waited_ms, result.conversation.talk_ms) == (3_000, 20_000)


# --- the pace --------------------------------------------------------------------------------------------------------


def test_the_queue_is_watched_while_a_campaign_uses_it() -> None:
    world = QueueWorld()
    world.begin()
    assert world.watched == [WatchQueue(queue="sales", is_on=True)]
    world.answer(world.only)
    world.hang_up(world.only)
    world.advance(120_000)
    world.run_to_the_end()
    world.advance(1_000)
    assert world.watched[-1] == WatchQueue(queue="sales", is_on=False)


def test_nobody_is_dialed_without_members_who_could_take_them() -> None:
    world = QueueWorld(members=0)
    world.begin(people=3)
    world.advance(5_000)
    assert world.up == []
    assert world.picture.waiting_for == "no agent serves it"
    world.see(members=2, available=0)
    assert world.picture.waiting_for == "no agent is available"
    world.see(members=0, trouble="the manager interface refuses the user or secret")
    assert "refuses the user or secret" in world.picture.waiting_for
    world.see(members=2, available=1, trouble="")
    world.advance(2_000)
    assert len(world.up) == 1


def test_no_more_calls_than_members_who_are_free() -> None:
    world = QueueWorld(members=2)
    world.begin(people=6)
    world.advance(3_000)
    assert len(world.up) == 2
    first, second = world.up
    world.answer(first)
    world.advance(3_000)
    assert world.up == [first, second], "whoever waits in the queue needs a member too"
    world.see(available=1)
    world.take(first)
    world.advance(3_000)
    assert world.up == [first, second], "one talks, the other is promised to the call that rings"
    world.see(available=2)
    world.advance(3_000)
    assert len(world.up) == 3


def test_a_member_who_just_took_somebody_is_not_free_though_the_queue_was_not_looked_at_since() -> None:
    world = QueueWorld(members=1)
    world.begin(people=3)
    world.answer(world.only)
    world.take(world.only)
    world.advance(3_000)
    assert len(world.up) == 1
    world.see(available=1)
    world.advance(3_000)
    assert len(world.up) == 2


def test_lines_for_each_member() -> None:
    world = QueueWorld(members=2)
    world.connect()
    world.set_trunk(trunk())
    world.add_contacts(ONE, *(phone(place) for place in range(1, 9)))
    world.start(campaign(1, lines=8, mode=DialingMode.PROGRESSIVE, agents=replace(PLAN, lines_per_agent=2)))
    world.settle()
    world.advance(3_000)
    assert len(world.up) == 4


def test_a_broadcast_does_not_wait_for_members() -> None:
    world = QueueWorld(SURVEY, members=0)
    world.begin(people=2, mode=DialingMode.BROADCAST)
    world.advance(3_000)
    assert len(world.up) == 2


def test_all_is_accounted_for_in_the_end() -> None:
    world = QueueWorld(SURVEY)
    world.begin(people=8, mode=DialingMode.BROADCAST)
    world.answer(*world.up)
    for attempt_id in list(world.waiting)[::2]:
        world.take(attempt_id)
    world.run_to_the_end()
    assert not world.disk.open
    assert len(world.disk.closed) >= 8


def test_up_again_means_nothing_new() -> None:
    world, attempt_id = in_queue()
    world.inbox.append(TelephonyUp(is_new_life=False, live=(world._live(attempt_id, world.calls[attempt_id]),)))
    world.settle()
    assert len(world.sent) == 1
