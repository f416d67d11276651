"""The floor keeps count, and the same seed is the same day."""

from __future__ import annotations

import pytest

from app.pacing import PacingDecision, PacingEvent, PacingPolicy, PacingSnapshot, make_pacer
from app.pacing.predictive import PredictivePacer
from app.study.baselines import Erlang, LinesPerIdleAgent, LinesWithCorrection, VicidialAdapt, VicidialRatio
from app.study.benchmark import measure
from app.study.campaign import Pacer
from app.study.day import HOUR_MS, MINUTE_MS, Day, plain_day
from app.study.floor import Floor, play


class Watched:
    """A pacer whose every snapshot is checked against the last."""

    def __init__(self, inner: Pacer, agents: int) -> None:
        self.inner, self.agents = inner, agents

    def observe(self, event: PacingEvent) -> None:
        self.inner.observe(event)

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        busy = len(snapshot.talking_ms) + len(snapshot.wrapping_ms)
        assert snapshot.idle_agents + busy == self.agents
        assert not (snapshot.people_waiting and snapshot.idle_agents), "a person waits while an agent is idle"
        return self.inner.decide(snapshot)


def test_progressive_never_abandons_and_matches_the_arithmetic() -> None:
    """One call after the other: a connection takes (1 − p)/p failures of 22.9 s and an answer of 12 s."""
    day = plain_day(0.3, 20, length_ms=3 * HOUR_MS)
    result = Floor(day, 5, Watched(LinesPerIdleAgent(), 20)).play()
    assert result.abandoned == 0
    assert result.occupancy == pytest.approx(140 / (140 + 12 + 7 / 3 * 22.85), abs=0.03)
    assert result.connected == result.answered


def test_the_same_seed_is_the_same_day() -> None:
    day = plain_day(0.3, 5, length_ms=HOUR_MS // 2)
    one, again = (play(day, 7, lambda: make_pacer(PacingPolicy())) for _ in range(2))
    assert one == again
    assert play(day, 8, lambda: make_pacer(PacingPolicy())) != one


def test_agents_leave_when_their_call_is_done_and_come_back() -> None:
    day = Day(
        answer_rate=((0, 0.5),),
        agents=((0, 6), (20 * MINUTE_MS, 2), (40 * MINUTE_MS, 6)),
        length_ms=HOUR_MS,
    )
    result = play(day, 1, LinesPerIdleAgent)
    assert 6 * 40 + 2 * 20 <= result.signed_in_ms / MINUTE_MS <= 6 * 40 + 2 * 20 + 4 * 5


class Headcount(LinesPerIdleAgent):
    """Keeps how many agents it saw, by time."""

    def __init__(self) -> None:
        super().__init__()
        self.saw: list[tuple[int, int]] = []

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        agents = snapshot.idle_agents + len(snapshot.talking_ms) + len(snapshot.wrapping_ms)
        self.saw.append((snapshot.now_ms, agents))
        return super().decide(snapshot)


@pytest.mark.parametrize("do_tell", [False, True])
def test_agents_who_tell_that_they_go_are_counted_on_no_more(do_tell: bool) -> None:
    day = Day(
        answer_rate=((0, 0.5),),
        agents=((0, 12), (20 * MINUTE_MS, 3), (40 * MINUTE_MS, 12)),
        length_ms=HOUR_MS,
        do_agents_tell=do_tell,
    )
    counted = Headcount()
    result = Floor(day, 1, counted).play()
    first = next(agents for at_ms, agents in counted.saw if at_ms > 20 * MINUTE_MS)
    assert (first == 3) is do_tell
    assert [agents for at_ms, agents in counted.saw if at_ms < 40 * MINUTE_MS][-1] == 3
    assert counted.saw[-1][1] == 12
    assert 12 * 40 + 3 * 20 <= result.signed_in_ms / MINUTE_MS <= 12 * 40 + 3 * 20 + 9 * 5


def test_nothing_is_answered_while_the_trunk_is_out() -> None:
    day = plain_day(0.5, 4, length_ms=HOUR_MS, outages=((0, HOUR_MS),))
    assert play(day, 1, LinesPerIdleAgent).answered == 0


@pytest.mark.parametrize(
    "make", [lambda: VicidialRatio(1.5), VicidialAdapt, LinesWithCorrection, Erlang, lambda: LinesPerIdleAgent(2.0)]
)
def test_every_baseline_works_a_floor(make: type[LinesPerIdleAgent]) -> None:
    day = plain_day(0.3, 10, length_ms=HOUR_MS)
    result = Floor(day, 1, Watched(make(), 10)).play()
    assert result.occupancy > 0.4
    assert result.answered == pytest.approx(result.connected + result.abandoned, abs=10)


def test_ours_beats_progressive_within_the_target() -> None:
    ours = measure("ours", answer_rate=0.3, agents=10, seeds=(301,), hours=1.5)
    progressive = measure("progressive", answer_rate=0.3, agents=10, seeds=(301,), hours=1.5)
    assert ours.spread("abandonment").most <= 0.03
    assert ours.spread("occupancy").median > progressive.spread("occupancy").median + 0.05


def test_two_campaigns_share_agents_and_lines() -> None:
    """Each has its own list and ledger; together they use no more lines and agents than there are."""
    day = Day(answer_rate=((0, 0.2),), beside=(((0, 0.5),),), agents=((0, 8),), lines=9, length_ms=HOUR_MS // 2)
    floor = Floor(day, 3, PredictivePacer(PacingPolicy()), PredictivePacer(PacingPolicy()))
    floor.play()
    poor, rich = (campaign.result for campaign in floor.campaigns)
    assert poor.connected > 20
    assert rich.connected > 20
    assert poor.answered / poor.attempts < 0.25 < 0.3 < rich.answered / rich.attempts
    assert floor.result.most_lines == 9
    assert poor.signed_in_ms == rich.signed_in_ms == 8 * day.length_ms
    assert 0.5 < (poor.worked_ms + rich.worked_ms) / poor.signed_in_ms <= 1
    for campaign in floor.campaigns:
        assert campaign.pacer.budget.ledger.answered == campaign.result.answered  # type: ignore[attr-defined]


def test_every_campaign_needs_its_pacer() -> None:
    with pytest.raises(ValueError, match="2 campaigns need as many pacers, not 1"):
        Floor(Day(answer_rate=((0, 0.2),), beside=(((0, 0.5),),), agents=((0, 8),)), 3, LinesPerIdleAgent())
