"""The wallboard's fold: who is on top, what is amber and red and from when, what is alarming, what the tiles say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.agents import AgentPlan, AgentState, DialingMode
from app.dialing.snapshot import AgentPicture, PacingPicture, Snapshot
from app.dialing.trunk import TrunkState
from app.model import CampaignStatus
from app.outcomes import Outcome
from app.panel import floor_view
from app.panel.budget_view import BudgetRow, Stage, budget_row
from app.panel.floor_meter import FloorMeter
from app.panel.floor_view import Board, Kind
from app.panel.levels import Level
from app.store.campaigns import CampaignEntry
from app.units import DAY_MS, CampaignId
from tests.unit.panel.stage import NOW_MS, agent, card, ended, entry, picture, snapshot, trunk, trunk_picture


def board_of(shot: Snapshot, *entries: CampaignEntry, meter: FloorMeter | None = None) -> Board:
    return floor_view.board(shot, entries or (entry(),), [trunk()], meter or FloorMeter(NOW_MS))


def kinds(found: Board) -> list[tuple[Kind, Level]]:
    return [(one.kind, one.level) for one in found.alerts]


PAUSED = AgentState.PAUSED


@pytest.mark.parametrize(
    ("one", "level"),
    [
        (agent(1, "A", AgentState.AVAILABLE, 59), Level.CALM),
        (agent(1, "A", AgentState.AVAILABLE, 60), Level.AMBER),
        (agent(1, "A", AgentState.AVAILABLE, 180), Level.RED),
        (agent(1, "A", AgentState.WRAP_UP, 60), Level.AMBER),
        (agent(1, "A", AgentState.WRAP_UP, 120), Level.RED),
        (agent(1, "A", PAUSED, 4_000), Level.CALM),
        (agent(1, "A", PAUSED, 899, pause_limit_ms=900_000), Level.CALM),
        (agent(1, "A", PAUSED, 900, pause_limit_ms=900_000), Level.AMBER),
        (agent(1, "A", PAUSED, 1_800, pause_limit_ms=900_000), Level.RED),
        (agent(1, "A", AgentState.TALKING, 7_200), Level.CALM),
        (agent(1, "A", AgentState.TALKING, 10, is_browser_lost=True), Level.AMBER),
        (agent(1, "A", PAUSED, 2, phone_note="phone 101 hung up"), Level.RED),
        (agent(1, "A", PAUSED, 2, phone_note="rings", reason="signed-in"), Level.AMBER),
    ],
)
def test_how_much_an_agent_asks_for_the_supervisor(one: AgentPicture, level: Level) -> None:
    assert floor_view.agent_level(one, NOW_MS) is level


def test_the_worst_are_on_top_and_the_calm_stand_still_by_name() -> None:
    found = board_of(
        snapshot(
            agent(1, "anton", AgentState.TALKING, 5, card=card()),
            agent(2, "Berta", AgentState.AVAILABLE, 70),
            agent(3, "Clara", AgentState.WRAP_UP, 130),
            agent(4, "Dora", AgentState.AVAILABLE, 100),
            agent(5, "Alma", AgentState.AVAILABLE, 3),
            agent(6, "Zoe", PAUSED, 1, phone_note="phone 106 cannot be reached"),
        )
    )
    assert [row.name for row in found.agents] == ["Clara", "Zoe", "Dora", "Berta", "Alma", "anton"]


def test_a_row_says_whom_they_talk_with_and_what_comes_next() -> None:
    talking = agent(1, "Anna", AgentState.TALKING, 40, card=card(), campaign_id=CampaignId(1), pause_next="lunch")
    row = board_of(snapshot(talking)).agents[0]
    assert (row.contact, row.number, row.campaign, row.pause_next) == (
        "Grace Hopper", "+447700900123", "Renewals", "lunch",
    )  # fmt: skip
    assert row.is_busy
    assert not row.may_go_ready


def test_the_tiles() -> None:
    meter = FloorMeter(NOW_MS - 600_000)
    for placed in (0, 200):
        meter.sample(snapshot(at_ms=NOW_MS - 300_000 + placed, campaigns=(picture(placed=placed),)))
    for _ in range(99):
        meter.ended(ended())
    meter.ended(ended(Outcome.ABANDONED_BY_DIALER, None))
    found = board_of(
        snapshot(
            agent(1, "Anna", AgentState.AVAILABLE, 61), agent(2, "Ben", AgentState.AVAILABLE, 3),
            agent(3, "Cy", AgentState.TALKING, 3, card=card()), campaigns=(picture(dialing=2, ringing=3),),
        ),
        entry(waiting=1_000, plan=AgentPlan(target_per_hour=9)),
        meter=meter,
    ).tiles  # fmt: skip
    assert (found.available, found.signed_in, found.ringing, found.lines) == (2, 3, 5, 10)
    assert (found.wait_name, found.wait_level) == ("Anna", Level.AMBER)
    assert (found.abandonment.abandoned, found.abandonment.answered, found.abandonment.left) == (1, 100, 2)
    assert (found.minutes_left, found.minutes_level) == (50.0, Level.AMBER)
    assert found.target_per_hour == 9


def test_an_empty_floor_says_nothing_wrong() -> None:
    found = floor_view.board(snapshot(campaigns=(), trunks=()), [], [], FloorMeter(NOW_MS))
    assert (found.alerts, found.campaigns, found.agents) == ((), (), ())
    assert found.tiles.minutes_left is None


@pytest.mark.parametrize(
    ("abandoned", "of", "found"),
    [(1, 100, []), (21, 1_000, [(Kind.BUDGET, Level.AMBER)]), (27, 1_000, [(Kind.BUDGET, Level.RED)]),
     (30, 1_000, [(Kind.BUDGET_GONE, Level.RED)])],
)  # fmt: skip
def test_the_abandonment_budget(abandoned: int, of: int, found: list[tuple[Kind, Level]]) -> None:
    meter = FloorMeter(NOW_MS)
    for at in range(of):
        meter.ended(ended(*((Outcome.ABANDONED_BY_DIALER, None) if at < abandoned else ())))
    assert kinds(board_of(snapshot(), meter=meter)) == found


# --- the budget of a predictive campaign ------------------------------------------------------------------------------


def pacing(answered: int, abandoned: int, target: float = 0.01, *, is_spent: bool = False) -> PacingPicture:
    """A pacer with so many people behind it."""
    left = target * answered - abandoned
    return PacingPicture(
        why="2 in flight, agents idle: 1, 2 each → 0", answered=answered, abandoned=abandoned, target=target,
        window_ms=DAY_MS, budget_left=left, is_spent=is_spent,
    )  # fmt: skip


def paced(picture_of_it: PacingPicture) -> Board:
    shot = snapshot(campaigns=(picture(pacing=picture_of_it),))
    return board_of(shot, entry(mode=DialingMode.PREDICTIVE))


def row_of(picture_of_it: PacingPicture) -> BudgetRow:
    found = budget_row(picture_of_it)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("found", "level", "alarm", "stage", "left"),
    [
        (pacing(0, 0), Level.CALM, Level.CALM, Stage.AHEAD, 0),
        (pacing(1_000, 0), Level.CALM, Level.CALM, Stage.AHEAD, 10),
        (pacing(50, 0, is_spent=True), Level.CALM, Level.CALM, Stage.EARNING, 0),
        (pacing(1_000, 6), Level.CALM, Level.CALM, Stage.AHEAD, 4),
        (pacing(1_000, 7), Level.AMBER, Level.CALM, Stage.AHEAD, 3),
        (pacing(2_000, 18), Level.RED, Level.CALM, Stage.AHEAD, 2),
        (pacing(1_000, 10, is_spent=True), Level.RED, Level.AMBER, Stage.SPENT, 0),
        (pacing(150, 2, is_spent=True), Level.RED, Level.AMBER, Stage.SPENT, -1),
        (pacing(30, 1, is_spent=True), Level.RED, Level.RED, Stage.SPENT, -1),
        (pacing(1_000, 30, 0.03, is_spent=True), Level.RED, Level.RED, Stage.SPENT, 0),
        (pacing(1_000, 0, 0.0, is_spent=True), Level.CALM, Level.CALM, Stage.NO_RISK, 0),
        (pacing(1_000, 2, 0.0, is_spent=True), Level.RED, Level.CALM, Stage.NO_RISK, -2),
    ],
)
def test_the_bar_goes_amber_and_red_and_the_alarm_waits_until_the_budget_is_spent(
    found: PacingPicture, level: Level, alarm: Level, stage: Stage, left: int
) -> None:
    row = row_of(found)
    assert (row.level, row.alarm, row.stage, row.left) == (level, alarm, stage, left)
    assert 0 <= row.width <= 100


def test_the_bar_says_how_long_dialing_is_progressive() -> None:
    assert row_of(pacing(50, 0, is_spent=True)).answers_needed == 50, "at a hundred answers one person may be risked"
    assert row_of(pacing(150, 2, is_spent=True)).answers_needed == 150
    assert row_of(pacing(1_000, 6)).answers_needed == 0
    assert row_of(pacing(1_000, 2, 0.0, is_spent=True)).answers_needed == 0


def test_a_predictive_campaign_is_judged_by_its_own_budget() -> None:
    assert paced(pacing(2_000, 19)).alerts == (), "close to its target is where the pacer is meant to be"
    spent = paced(pacing(260, 3, is_spent=True))
    assert kinds(spent) == [(Kind.BUDGET_SPENT, Level.AMBER)]
    assert spent.alerts[0].number == 3 / 260
    assert kinds(paced(pacing(100, 4, is_spent=True))) == [(Kind.BUDGET_SPENT, Level.RED)]
    assert paced(pacing(100, 0, 0.02)).tiles.abandonment_target == 0.02
    assert board_of(snapshot()).tiles.abandonment_target == 0.01
    assert board_of(snapshot()).campaigns[0].budget is None


def test_what_is_lent_is_part_of_the_budget_and_nobody_is_told_that_dialing_is_progressive_while_it_is_not() -> None:
    lent = replace(pacing(241, 8, 0.03), budget_left=0.03 * (241 + 100) - 8)
    row = row_of(lent)
    assert (row.stage, row.left, row.level) == (Stage.AHEAD, 2, Level.AMBER)
    assert row.used == pytest.approx(8 / (0.03 * 341))
    assert kinds(paced(lent)) == [(Kind.OVER_CAP, Level.RED)]
    assert kinds(paced(replace(lent, is_spent=True))) == [(Kind.BUDGET_SPENT, Level.RED)]
    assert row_of(replace(pacing(0, 0, 0.03), budget_left=3.0)).used == 0


def test_people_who_wait_too_long_for_an_agent_are_alarming() -> None:
    meter = FloorMeter(NOW_MS)
    meter.ended(ended(waited_ms=1_000))
    assert board_of(snapshot(), meter=meter).campaigns[0].wait_level is Level.AMBER
    meter.ended(ended(waited_ms=2_000))
    assert kinds(board_of(snapshot(), meter=meter)) == [(Kind.SLOW, Level.RED)]


def test_trunks_calls_that_dangle_missing_agents_and_lost_phones_are_alarming() -> None:
    out = trunk_picture(state=TrunkState.OUT, reason="busy")
    lost = agent(1, "Anna", PAUSED, 1, phone_note="phone agent-101 hung up")
    shot = snapshot(lost, trunks=(out,), campaigns=(picture(agents=0),), is_telephony_up=False, telephony_reason="gone")
    assert kinds(board_of(shot, entry(dangling=2))) == [
        (Kind.TELEPHONY, Level.RED), (Kind.DANGLING, Level.RED), (Kind.TRUNK_OUT, Level.RED),
        (Kind.PHONES_LOST, Level.RED), (Kind.NO_AGENTS, Level.AMBER),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "plan"), [(DialingMode.BROADCAST, AgentPlan()), (DialingMode.PROGRESSIVE, AgentPlan(queue="support"))]
)
def test_who_needs_no_agents_of_ours_is_not_told_to_have_none(mode: DialingMode, plan: AgentPlan) -> None:
    shot = snapshot(campaigns=(picture(agents=0, available=0),))
    assert board_of(shot, entry(mode=mode, plan=plan)).alerts == ()


@pytest.mark.parametrize(("used", "level"), [(7, Level.CALM), (8, Level.AMBER), (10, Level.RED)])
def test_a_trunk_that_fills_up(used: int, level: Level) -> None:
    assert board_of(snapshot(trunks=(trunk_picture(used=used),))).trunks[0].level is level


def test_only_campaigns_that_go_on_are_shown_running_ones_first() -> None:
    entries = (
        entry(1, "Zinnia"), entry(2, "Aster", CampaignStatus.PAUSED), entry(3, "Done", CampaignStatus.FINISHED),
        entry(4, "Draft", CampaignStatus.DRAFT), entry(5, "Ending", CampaignStatus.STOPPED),
    )  # fmt: skip
    shot = snapshot(campaigns=(picture(1), picture(5, answered=1)))
    shown = [row.card.entry.campaign.name for row in board_of(shot, *entries).campaigns]
    assert shown == ["Zinnia", "Aster", "Ending"]
