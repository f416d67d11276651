"""The program's own runtime on the simulated network in scaled time: the Telephony port is all it knows."""

import asyncio
from pathlib import Path

import pytest

from app.commands import RenderPrompts
from app.compliance.plan import AT_ANY_TIME
from app.dialing.dialer import Dialer
from app.events import CampaignStarted, CampaignStatusSaved, Event, PromptsRendered, TrunkSet
from app.model import Audio, Campaign, RetryPolicy, Trunk
from app.runtime import Runtime
from app.sim.network import SimNetwork
from app.sim.plan import START_MS, CampaignPlan, WorldPlan, write_down
from app.sim.rules import Rule
from app.sim.simulate import REMINDER
from app.sim.telephony import ScaledClock, SimTelephony
from app.sim.trunks import TrunkKind
from app.sim.wire import WireChecker
from app.sim.world import attempt_claims
from app.store import SqlStore
from app.units import CampaignId, FlowId, Number, TrunkId

SPEED = 50.0
LENGTH_MS = 2_000
ENDINGS = ("00", "10", "12", "20", "21", "30", "40", "41", "43", "45", "49", "53")


class InstantPrompts:
    """Every prompt is a sound of two seconds."""

    async def render(self, command: RenderPrompts) -> PromptsRendered:
        audio = {prompt: Audio(media="sound:any", length_ms=LENGTH_MS) for prompt in command.prompts}
        return PromptsRendered(attempt_id=command.attempt_id, audio=audio, failed={})


def small_plan() -> WorldPlan:
    """One campaign over one good trunk, each contact called once."""
    trunk = Trunk(id=TrunkId("main"), endpoint="main", lines=5, calls_per_second=20, prefixes=("+999",))
    campaign = Campaign(
        id=CampaignId(0),
        name="reminder",
        flow_id=FlowId(0),
        trunks=(trunk.id,),
        compliance=AT_ANY_TIME,
        lines=5,
        calls_per_second=20,
        caller_id="+99900001",
        retry=RetryPolicy(max_attempts=1),
    )
    numbers = tuple(Number(f"+999000{place:04d}{ending}") for place, ending in enumerate(ENDINGS))
    return WorldPlan(
        trunks=(trunk,),
        kinds={"main": TrunkKind.GOOD},
        campaigns=(CampaignPlan(campaign=campaign, flow=REMINDER, numbers=numbers),),
    )


async def test_the_runtime_runs_a_campaign_to_its_end_on_the_simulated_network(tmp_path: Path) -> None:
    plan = small_plan()
    # At this speed a busy machine's hiccup is seconds long: only what does not hang on milliseconds is judged.
    checker = WireChecker(trunks=plan.trunk_limits, campaigns=plan.campaign_limits)
    network = SimNetwork(
        seed=3, start_ms=START_MS, trunks=plan.kinds, length_of=lambda media: LENGTH_MS, on_wire=checker.see
    )
    clock = ScaledClock(START_MS, SPEED)
    async with await SqlStore.open(f"sqlite+aiosqlite:///{tmp_path / 'outring.db'}") as store:
        started = await store.write(write_down, plan, START_MS)
        runtime = Runtime(
            dialer=Dialer(), telephony=SimTelephony(network, clock), store=store, prompts=InstantPrompts(), clock=clock
        )
        statuses: asyncio.Queue[Event] = asyncio.Queue()
        runtime.watch(lambda event: statuses.put_nowait(event) if isinstance(event, CampaignStatusSaved) else None)
        first: list[Event] = [TrunkSet(trunk=trunk) for trunk in plan.trunks]
        first += [CampaignStarted(campaign=campaign, flow=flow) for campaign, flow in started]
        running = asyncio.create_task(runtime.run(first))
        async with asyncio.timeout(60):
            for _ in ("running", "finished"):
                await statuses.get()
        assert await runtime.wind_down()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        claims = await store.read(attempt_claims)
    assert len(claims) == checker.calls == len(ENDINGS)
    assert not [claim for claim in claims if claim.outcome is None]
    exact = {Rule.SILENCE, Rule.TRUNK_RATE, Rule.CAMPAIGN_RATE, Rule.LEASE}
    assert {found.rule for found in checker.violations} <= exact


@pytest.mark.parametrize("speed", [0.0, -1.0])
def test_time_that_does_not_pass_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        ScaledClock(START_MS, speed)


def test_a_faster_clock_waits_less() -> None:
    clock = ScaledClock(START_MS, 100.0)
    assert 9.0 < clock.wait_s(clock.now_ms() + 1_000_000) <= 10.0
    assert clock.wait_s(START_MS - 1) == 0
