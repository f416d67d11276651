"""Supervisors listen, whisper and join, and go along wherever the agent's phone goes."""

from __future__ import annotations

from app.agent_commands import LogSupervision
from app.agent_events import (
    AgentSignedOut,
    PhoneKeyPressed,
    SupervisionAsked,
    SupervisionEnded,
    TransferAsked,
)
from app.agents import AgentState, DialingMode, PhoneMode, SpyMode
from app.units import AgentId, AttemptId, LegId, RoomId
from tests.unit.dialing.build import campaign, phone, trunk
from tests.unit.dialing.floor_world import ONE, FloorWorld

FIRST = AttemptId("attempt00001")
BOSS, ME, YOU = AgentId(90), AgentId(1), AgentId(2)
EAR = LegId("supervisor1-s1")


def floor() -> FloorWorld:
    """Two agents, one of whom talks."""
    world = FloorWorld()
    world.set_trunk(trunk())
    world.start(campaign(1, mode=DialingMode.PROGRESSIVE))
    world.add_contacts(ONE, phone(0))
    world.connect()
    world.advance(100)
    world.begin(1)
    world.answer(FIRST)
    world.begin(2)
    return world


def supervise(world: FloorWorld, agent_id: AgentId = ME, mode: SpyMode = SpyMode.LISTEN, leg: LegId = EAR) -> None:
    world.inbox.append(
        SupervisionAsked(
            supervisor_id=BOSS,
            supervisor_name="The boss",
            agent_id=agent_id,
            endpoint="boss",
            mode=mode,
            leg_id=leg,
        )
    )
    world.settle()


def test_a_supervisors_phone_is_rung_once_and_keys_switch_the_mode() -> None:
    world = floor()
    supervise(world)
    assert world.legs[EAR].spies_on == world.leg_of(1)
    assert world.shown(1).spies == (("The boss", SpyMode.LISTEN),)
    for key, mode in (("5", SpyMode.WHISPER), ("6", SpyMode.BARGE), ("4", SpyMode.LISTEN)):
        world.tell(PhoneKeyPressed(leg_id=EAR, digit=key))
        world.settle()
        assert world.shown(1).spies == (("The boss", mode),)
        in_room = RoomId("session0001-room") if mode is SpyMode.BARGE else None
        assert world.legs[EAR].room_id == in_room
        assert (world.legs[EAR].spies_on is None) is (mode is SpyMode.BARGE)
    world.tell(PhoneKeyPressed(leg_id=EAR, digit="9"))
    world.settle()
    assert world.shown(1).spies == (("The boss", SpyMode.LISTEN),)


def test_who_would_join_while_the_line_to_asterisk_is_down_stops_listening_first() -> None:
    """What is asked while nothing can be done is done when the line is back, in its order."""
    world = floor()
    supervise(world)
    heard = world.leg_of(1)
    world.disconnect()
    world.settle()
    supervise(world, mode=SpyMode.BARGE)
    assert (world.legs[EAR].spies_on, world.legs[EAR].room_id) == (heard, None), "nothing reached Asterisk"
    world.connect()
    world.settle()
    assert (world.legs[EAR].spies_on, world.legs[EAR].room_id) == (None, RoomId("session0001-room"))


def test_another_agent_is_heard_on_the_same_phone() -> None:
    world = floor()
    supervise(world)
    supervise(world, YOU, SpyMode.BARGE, LegId("supervisor1-s2"))
    assert LegId("supervisor1-s2") not in world.legs
    assert (world.shown(1).spies, world.shown(2).spies) == ((), (("The boss", SpyMode.BARGE),))
    assert world.legs[EAR].room_id == RoomId("session0002-room")


def test_a_supervisor_who_hangs_up_or_leaves_is_gone() -> None:
    for how in ("hangs up", "leaves"):
        world = floor()
        supervise(world)
        if how == "hangs up":
            world.put_down(EAR)
        else:
            world.inbox.append(SupervisionEnded(supervisor_id=BOSS))
            world.settle()
        assert world.shown(1).spies == ()
        assert not world.legs[EAR].exists


def test_a_supervisor_is_let_go_when_the_agent_signs_out() -> None:
    world = floor()
    supervise(world, YOU)
    world.ask(AgentSignedOut(agent_id=YOU))
    assert not world.legs[EAR].exists


def test_who_is_not_signed_in_is_not_heard() -> None:
    world = floor()
    supervise(world, AgentId(77))
    assert EAR not in world.legs


def test_a_supervisor_who_picks_up_later_hears_what_is_then() -> None:
    world = floor()
    world.phones_answer = False
    supervise(world)
    assert world.legs[EAR].spies_on is None
    world.pick_up(EAR)
    assert world.legs[EAR].spies_on == world.leg_of(1)


def test_whoever_joined_goes_along_into_the_room_of_a_consulted_colleague() -> None:
    world = floor()
    supervise(world, mode=SpyMode.BARGE)
    world.ask(TransferAsked(agent_id=ME, to_agent_id=YOU, is_attended=True))
    assert world.legs[EAR].room_id == RoomId("session0002-room")


def test_a_phone_per_call_is_heard_whenever_it_is_up() -> None:
    world = floor()
    world.begin(3, phone_mode=PhoneMode.PER_CALL)
    supervise(world, AgentId(3))
    assert world.legs[EAR].spies_on is None
    world.ask(TransferAsked(agent_id=ME, to_agent_id=AgentId(3)))
    assert world.state(3) is AgentState.TALKING
    assert world.legs[EAR].spies_on == world.leg_of(3)
    world.hang_up(FIRST)
    assert world.legs[EAR].exists
    assert world.shown(3).spies == (("The boss", SpyMode.LISTEN),)


# --- the audit trail -------------------------------------------------------------------------------------------------


def ends(world: FloorWorld) -> list[tuple[AgentId, dict[SpyMode, int]]]:
    """What was written down: whom they heard no more, and for how long in each mode."""
    world.settle()
    assert all(isinstance(one, LogSupervision) and one.supervisor_name == "The boss" for one in world.supervised)
    return [(one.agent_id, dict(one.heard_ms)) for one in world.supervised]


def test_how_long_they_listened_in_each_mode_is_written_down_at_the_end() -> None:
    world = floor()
    supervise(world)
    start_ms = world.now
    world.advance(4_000)
    world.tell(PhoneKeyPressed(leg_id=EAR, digit="5"))
    world.settle()
    turned_ms = world.now
    world.advance(3_000)
    supervise(world, mode=SpyMode.LISTEN)
    back_ms = world.now
    world.advance(1_000)
    assert ends(world) == []
    world.put_down(EAR)
    listened_ms = turned_ms - start_ms + world.now - back_ms
    assert ends(world) == [(ME, {SpyMode.LISTEN: listened_ms, SpyMode.WHISPER: back_ms - turned_ms})]
    assert listened_ms >= 5_000
    assert world.supervised[0].ended_at_ms == world.now


def test_turning_to_another_agent_ends_the_first() -> None:
    world = floor()
    supervise(world)
    world.advance(2_000)
    supervise(world, YOU, SpyMode.BARGE)
    [(first, heard_ms)] = ends(world)
    assert (first, heard_ms[SpyMode.LISTEN] >= 2_000) == (ME, True)
    world.inbox.append(SupervisionEnded(supervisor_id=BOSS))
    assert [agent_id for agent_id, _ in ends(world)] == [ME, YOU]
    assert set(ends(world)[1][1]) == {SpyMode.BARGE}
    assert len(world.supervised) == 2


def test_the_end_of_the_agents_shift_is_an_end_too() -> None:
    world = floor()
    supervise(world, YOU)
    world.ask(AgentSignedOut(agent_id=YOU))
    assert [agent_id for agent_id, _ in ends(world)] == [YOU]


def test_a_phone_that_nobody_picked_up_heard_nothing() -> None:
    world = floor()
    world.phones_answer = False
    supervise(world)
    world.advance(5_000)
    world.inbox.append(SupervisionEnded(supervisor_id=BOSS))
    assert ends(world) == [(ME, {})]
