"""Worlds with agents: robots who work, err and vanish, in every mode, watched from the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest
from click.testing import CliRunner
from sqlalchemy import Connection, select

from app.agent_commands import CloseRoom, Connect, HangUpPhone, LogAgent, Music, RecordRoom
from app.agents import AgentState, DialingMode
from app.cli.simulate import simulate as simulate_command
from app.commands import Command
from app.dialing.dialer import Dialer
from app.events import CampaignStopped, Event
from app.outcomes import Outcome
from app.sim.faults import CHAOS, NO_FAULTS, Faults
from app.sim.floor_plan import floor_plan_of
from app.sim.plan import START_MS, WorldPlan
from app.sim.rules import Rule
from app.sim.simulate import simulate
from app.sim.temper import GOOD, Temper
from app.sim.world import World
from app.store.schema import agent_sessions, agent_stints
from app.units import HOUR_MS, MINUTE_MS, SECOND_MS, RoomId

SEEDS = range(1, 3)
CALLS, AGENTS = 30, 5
MODES = list(DialingMode)
LONGEST_MS = 72 * HOUR_MS
"""A few people's callbacks and tries, hours apart, and nothing that goes on for ever."""


def world_of(
    seed: int,
    mode: DialingMode,
    *,
    temper: Temper | None = None,
    faults: Faults = NO_FAULTS,
    change: Callable[[WorldPlan], WorldPlan] = lambda plan: plan,
) -> World:
    """A small world with agents."""
    plan = change(floor_plan_of(seed, CALLS, agents=AGENTS, mode=mode, temper=temper))
    return World(plan, seed=seed, faults=faults)


def gaps(conn: Connection) -> list[str]:
    """Where an agent's stints do not cover their session without a gap and without two at once."""
    wrong: list[str] = []
    for session in conn.execute(select(agent_sessions)):
        mine = select(agent_stints).where(agent_stints.c.session_id == session.id).order_by(agent_stints.c.from_ms)
        at_ms = session.signed_in_at_ms
        for stint in conn.execute(mine.order_by(agent_stints.c.until_ms)):
            if stint.from_ms != at_ms:
                wrong.append(f"{session.id}: {at_ms} to {stint.from_ms} before {stint.state}")
            at_ms = stint.until_ms
        if at_ms != session.signed_out_at_ms:
            wrong.append(f"{session.id}: {at_ms} to {session.signed_out_at_ms} at the end")
    return wrong


def assert_in_order(world: World, seed: int, *, may_leave_rooms: bool = False) -> None:
    """The run came to its end, no rule was broken, and nothing is left behind.

    may_leave_rooms: an empty room is no harm where nobody could close it.
    """
    assert world.run(LONGEST_MS), f"seed {seed}: not done after {(world.now_ms - START_MS) / HOUR_MS:.0f} hours"
    assert not world.checker.violations, f"seed {seed}: {world.checker.violations[:5]}"
    assert not world.network.live_phones
    assert not world.store.read(gaps), f"seed {seed}: time of agents that nobody wrote down"
    assert may_leave_rooms or not world.network.rooms, f"seed {seed}: rooms left open: {world.network.rooms}"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("faults", [NO_FAULTS, CHAOS], ids=["calm", "chaos"])
@pytest.mark.parametrize("mode", MODES, ids=[mode.value for mode in MODES])
def test_whatever_agents_do_no_rule_is_broken_and_every_contact_is_accounted_for(
    mode: DialingMode, faults: Faults, seed: int
) -> None:
    report = simulate(seed, CALLS, mode=mode, agents=AGENTS, faults=faults)
    assert report.has_passed, f"seed {seed} {faults}: {report.violations[:5]}, unaccounted {report.unaccounted}"
    assert report.talked > 0


@pytest.mark.parametrize("mode", MODES, ids=[mode.value for mode in MODES])
def test_good_agents_in_calm_leave_nothing_behind_and_nothing_to_a_lease(mode: DialingMode) -> None:
    world = world_of(1, mode, temper=GOOD)
    assert_in_order(world, 1)
    assert world.network.leases_run_out == 0
    assert Outcome.CONTROLLER_LOST not in {claim.outcome for claim in world.claims()}


@pytest.mark.parametrize("faults", [NO_FAULTS, CHAOS], ids=["calm", "chaos"])
def test_agents_who_give_everybody_away_lose_nobody(faults: Faults) -> None:
    for mode in (DialingMode.PROGRESSIVE, DialingMode.PREVIEW):
        world = world_of(7, mode, temper=Temper(transfers=0.7, holds=0.3, leaves=0.05), faults=faults)
        assert_in_order(world, 7, may_leave_rooms=faults is CHAOS)


def test_one_line_for_each_good_agent_abandons_nobody() -> None:
    def one_line(plan: WorldPlan) -> WorldPlan:
        assert plan.shift is not None
        campaigns = tuple(
            replace(
                each,
                campaign=replace(each.campaign, agents=replace(each.campaign.agents, lines_per_agent=1)),
            )
            for each in plan.campaigns
        )
        return replace(plan, campaigns=campaigns, shift=replace(plan.shift, per_call=0.0, misses=0.0))

    for seed in SEEDS:
        world = world_of(seed, DialingMode.PROGRESSIVE, temper=GOOD, change=one_line)
        assert_in_order(world, seed)
        outcomes = [claim.outcome for claim in world.claims()]
        assert Outcome.ABANDONED_BY_DIALER not in outcomes
        assert Outcome.CONNECTED_TO_AGENT in outcomes


@pytest.mark.parametrize("mode", MODES, ids=[mode.value for mode in MODES])
def test_after_the_faults_have_healed_the_work_is_finished(mode: DialingMode) -> None:
    world = world_of(11, mode, faults=CHAOS)
    world.plan_at(START_MS + 10 * MINUTE_MS, lambda then: then.network.heal())
    assert_in_order(world, 11, may_leave_rooms=True)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("mode", MODES, ids=[mode.value for mode in MODES])
def test_a_dialer_that_is_killed_again_and_again_finds_its_agents_and_their_people(
    mode: DialingMode, seed: int
) -> None:
    world = world_of(seed, mode)
    for place in range(1, 13):
        world.plan_at(START_MS + place * 23_456, World.kill_dialer)
    assert_in_order(world, seed, may_leave_rooms=True)


def test_the_same_seed_is_the_same_trace_with_agents_too() -> None:
    first, second = (simulate(5, 30, mode=DialingMode.PROGRESSIVE, agents=4, faults=CHAOS) for _ in range(2))
    assert first.trace_sha256 == second.trace_sha256
    other = simulate(6, 30, mode=DialingMode.PROGRESSIVE, agents=4, faults=CHAOS)
    assert other.trace_sha256 != first.trace_sha256


def test_a_stopped_campaign_calls_nobody_more_and_lets_people_talk_to_the_end() -> None:
    world = world_of(4, DialingMode.PROGRESSIVE, temper=GOOD)
    stop_ms = START_MS + 40 * SECOND_MS
    for campaign_id in world.campaign_ids:
        world.plan_at(stop_ms, CampaignStopped(campaign_id=campaign_id))
    world.run(20 * MINUTE_MS)
    assert not [claim for claim in world.claims() if claim.opened_at_ms > stop_ms + 100]
    assert not world.checker.violations
    assert world.dialer.is_at_rest
    assert Outcome.CONNECTED_TO_AGENT in {claim.outcome for claim in world.claims()}


def test_a_mode_without_its_agents_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one agent"):
        simulate(1, 10, mode=DialingMode.PREVIEW)


@pytest.mark.parametrize("mode", [mode.value for mode in MODES])
def test_the_command_runs_a_floor(mode: str) -> None:
    done = CliRunner().invoke(
        simulate_command, ["--seed", "2", "--calls", "12", "--mode", mode, "--agents", "3", "--json"]
    )
    assert done.exit_code == 0, done.output
    assert f'"mode": "{mode}"' in done.output


def test_the_command_speaks_to_people_too() -> None:
    done = CliRunner().invoke(simulate_command, ["--calls", "10", "--mode", "progressive", "--agents", "2"])
    assert done.exit_code == 0, done.output
    assert "No rule was broken" in done.output
    assert "2 agents" in done.output


def test_the_command_says_what_a_mode_lacks() -> None:
    done = CliRunner().invoke(simulate_command, ["--mode", "preview", "--agents", "0"])
    assert done.exit_code == 2
    assert "--agents" in done.output


# --- mistakes planted in the dialer are found ------------------------------------------------------------------------

Spoil = Callable[[Command], Iterable[Command]]


def rules_with(monkeypatch: pytest.MonkeyPatch, spoil: Spoil, mode: DialingMode = DialingMode.PROGRESSIVE) -> set[Rule]:
    """The rules broken within minutes by a dialer whose commands are spoiled."""
    turn = Dialer.turn

    def spoiled(self: Dialer, events: Iterable[Event], now_ms: int) -> list[Command]:
        return [given for command in turn(self, events, now_ms) for given in spoil(command)]

    monkeypatch.setattr(Dialer, "turn", spoiled)
    world = world_of(1, mode, temper=GOOD)
    world.run(10 * MINUTE_MS)
    return {found.rule for found in world.checker.violations}


def test_a_dialer_whose_agents_are_not_reserved_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    reserved = (AgentState.RESERVED, AgentState.RINGING)

    def spoil(command: Command) -> Iterable[Command]:
        is_reservation = isinstance(command, LogAgent) and command.now is not None and command.now.state in reserved
        return () if is_reservation else (command,)

    assert Rule.NO_AGENT in rules_with(monkeypatch, spoil)


def test_a_dialer_that_puts_everybody_into_one_room_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    first: list[RoomId] = []

    def spoil(command: Command) -> Iterable[Command]:
        if isinstance(command, Connect):
            first.append(command.room_id)
            return (replace(command, room_id=first[0]),)
        return (command,)

    assert Rule.AGENT_TWICE in rules_with(monkeypatch, spoil)


def test_a_dialer_that_forgets_to_connect_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(command: Command) -> Iterable[Command]:
        return () if isinstance(command, Connect | Music) else (command,)

    assert Rule.SILENCE in rules_with(monkeypatch, spoil)


def test_a_dialer_that_records_everything_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(command: Command) -> Iterable[Command]:
        if isinstance(command, Connect):
            name = f"{command.attempt_id}-secret"
            recording = RecordRoom(
                attempt_id=command.attempt_id, room_id=command.room_id, name=name, max_length_ms=60_000
            )
            return (command, recording)
        return (command,)

    assert Rule.RECORDED in rules_with(monkeypatch, spoil, DialingMode.BROADCAST) | rules_with(monkeypatch, spoil)


@pytest.mark.parametrize("forgotten", [HangUpPhone, CloseRoom])
def test_what_is_left_behind_after_a_shift_is_seen(monkeypatch: pytest.MonkeyPatch, forgotten: type) -> None:
    turn = Dialer.turn

    def forgetful(self: Dialer, events: Iterable[Event], now_ms: int) -> list[Command]:
        return [command for command in turn(self, events, now_ms) if not isinstance(command, forgotten)]

    monkeypatch.setattr(Dialer, "turn", forgetful)
    world = world_of(1, DialingMode.MANUAL, temper=GOOD)
    world.run(LONGEST_MS)
    assert world.network.rooms or world.network.leases_run_out


def test_time_of_an_agent_that_is_not_written_down_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = Dialer.turn

    def forgets(command: Command) -> bool:
        return isinstance(command, LogAgent) and command.ended is not None and command.ended.state is AgentState.WRAP_UP

    def forgetful(self: Dialer, events: Iterable[Event], now_ms: int) -> list[Command]:
        return [command for command in turn(self, events, now_ms) if not forgets(command)]

    monkeypatch.setattr(Dialer, "turn", forgetful)
    world = world_of(1, DialingMode.MANUAL, temper=GOOD)
    world.run(LONGEST_MS)
    assert world.store.read(gaps)
