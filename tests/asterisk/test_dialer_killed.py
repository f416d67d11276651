"""The dialer is killed: people on the line are not left in silence, nothing stays up, and nobody is called twice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from app.commands import SetCampaignStatus
from app.dialing.lease import LEASE_MS
from app.model import CampaignStatus, RetryPolicy
from app.outcomes import ContactStatus, Outcome
from app.units import CampaignId
from asterisk.lab import Lab
from tests.asterisk.campaign import PATIENCE_S, Site, records_in, site
from tests.asterisk.dialer_process import kill, start_dialer
from tests.asterisk.far_side import FarSide, sounding_ms
from tests.asterisk.ledger import assert_accounted
from tests.asterisk.scenarios import Played, Scenarios
from tests.asterisk.wire import Wire

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]

KILLS = 7
RETRY = RetryPolicy(max_attempts=2, retry_ms=1_000, max_faults=10, fault_retry_ms=1_000)
APOLOGY_MS = 4_700
"""The three sounds of the dialplan's apology in English."""
FALLBACK_MS = 30_000
"""The longest a call stays in the apology (asterisk/conf/extensions.conf)."""
SPEAKING = """
name: speaking
start: notice
nodes:
  notice: {type: play, text: "This is a message that takes a few seconds to say.", next: ask}
  ask: {type: menu, text: Press one., keys: {1: bye}, timeout_s: 1, repeats: 0, on_fail: bye}
  bye: {type: hangup, text: Goodbye.}
"""
TELLING = """
name: telling
start: story
nodes:
  story:
    type: record
    text: "This is a story that takes some time to tell, and while it is told the dialer that tells it may well die."
    into: reply
    beep: no
    max_s: 2
    next: bye
  bye: {type: hangup, text: Goodbye.}
"""
WAITING = """
name: waiting
start: ask
nodes:
  ask: {type: menu, text: Are you there?, keys: {1: bye}, timeout_s: 20, repeats: 9, on_fail: bye}
  bye: {type: hangup, text: Goodbye.}
"""
KINDS = ("00", "10", "21", "40", "55", "00", "43", "52", "00", "45")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A laboratory, a database and a carrier; the dialer is a process of its own."""

    lab: Lab
    records: Site
    far: FarSide
    wire: Wire
    folder: Path

    async def campaign(self, flow: str, numbers: list[str], **plan: object) -> CampaignId:
        """A campaign that runs as soon as there is a dialer."""
        trunk = await self.records.trunk("carrier", lines=30)
        campaign = await self.records.draft(flow, [trunk], numbers, **plan)
        running = SetCampaignStatus(campaign_id=campaign, status=CampaignStatus.RUNNING)
        await self.records.store.commit([running], self.records.operations.now_ms)
        return campaign

    async def in_hand(self, calls: int) -> None:
        """Wait until so many calls are answered and in the dialer's hands."""

        async def are_in_hand() -> bool:
            return (await self.lab.pbx.cli("core show channels concise")).count("!Stasis!") == calls

        await self.records.until(are_in_hand, f"{calls} calls are in hand")


scenario = Scenarios[Scene]()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def played(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Played]:
    """All scenarios, at once."""
    yield await scenario.all_by(lambda name, play: _play(play, tmp_path_factory.mktemp(name)))


async def _play(play: Callable[[Scene], Awaitable[None]], folder: Path) -> None:
    async with AsyncExitStack() as stack:
        wire = await Wire.open()
        stack.callback(wire.close)
        lab = await stack.enter_async_context(Lab(lines=60, extra_trunks={"carrier": wire.uri}))
        wire.lead_to(lab.network.sip_port)
        far = await stack.enter_async_context(FarSide(lab))
        records = await stack.enter_async_context(records_in(folder))
        await play(Scene(lab=lab, records=records, far=far, wire=wire, folder=folder))


@scenario
async def killed_again_and_again(scene: Scene) -> None:
    """At any moment, seven times: every attempt ends once, and nobody whose call was open is called again."""
    seed = random.randrange(10**6)
    moments = random.Random(seed)
    print(f"seed {seed}")
    numbers = [f"+447700{place:04}{kind}" for place, kind in enumerate(KINDS * 5)]
    campaign = await scene.campaign(SPEAKING, numbers, calls_per_second=6, lines=25, retry=RETRY)
    for _ in range(KILLS):
        dialer = await start_dialer(scene.lab.pbx, scene.folder)
        await asyncio.sleep(moments.uniform(0, 2.5))
        await kill(dialer)
        await assert_open_ones_are_left_alone(scene, campaign)
    dialer = await start_dialer(scene.lab.pbx, scene.folder)
    await scene.records.finished(campaign)
    await kill(dialer)
    await assert_accounted(scene.records, scene.wire, scene.far, campaign)


async def assert_open_ones_are_left_alone(scene: Scene, campaign: CampaignId) -> None:
    """Whatever was open when the dialer died was called once at the most."""
    attempts = await scene.records.attempts(campaign)
    calls = scene.wire.calls
    for one in attempts:
        assert calls[one.number] <= sum(other.number == one.number for other in attempts)


@scenario
async def killed_and_back_at_once(scene: Scene) -> None:
    """The calls that are up live on, and the new dialer takes them over: nobody notices much."""
    people = [f"+4477001000{place:02}" for place in range(8)]
    campaign = await scene.campaign(TELLING, people)
    dialer = await start_dialer(scene.lab.pbx, scene.folder)
    await scene.in_hand(8)
    await kill(dialer)
    dialer = await start_dialer(scene.lab.pbx, scene.folder)
    assert scene.far.live == 8, "they are all still there"
    await scene.records.finished(campaign)
    await kill(dialer)
    await assert_accounted(scene.records, scene.wire, scene.far, campaign)
    assert scene.wire.calls == dict.fromkeys(people, 1)
    for one in await scene.records.attempts(campaign):
        assert one.outcome is Outcome.CONNECTED_TO_IVR
        assert one.facts.trunk_id == "carrier"
        assert one.flow["ended_by"] == "flow"
        story = one.flow["heard"][0]
        assert story["heard_ms"] == story["length_ms"] > 3_000, "it was told anew, to its end"
        assert "reply" in one.flow["answers"], f"{one.flow}"
        assert (scene.lab.pbx.recordings_dir / f"{one.flow['answers']['reply']}.wav").is_file()


@scenario
async def killed_for_good(scene: Scene) -> None:
    """Nobody comes back: everybody who is on the line hears the apology, and no call outlives its lease."""
    people = [f"+4477002000{place:02}" for place in range(6)]
    scene.far.listen_to(*people)
    campaign = await scene.campaign(WAITING, people, ring_timeout_ms=5_000)
    dialer = await start_dialer(scene.lab.pbx, scene.folder)
    await scene.in_hand(6)
    loop = asyncio.get_running_loop()
    await kill(dialer)
    killed_s = loop.time()
    longest_s = (5_000 + LEASE_MS + FALLBACK_MS) / 1_000
    await scene.records.until(lambda: scene.far.live == 0, "every call has ended", longest_s + PATIENCE_S)
    assert loop.time() - killed_s < longest_s
    assert "0 active channels" in await scene.lab.pbx.cli("core show channels count")
    for number in people:
        heard = await scene.far.until_heard(number)
        assert sounding_ms(heard[-8 * (APOLOGY_MS + 1_000) :]) > APOLOGY_MS - 1_500
    # A dialer that comes back the next day finds nobody: it knows that they were called, and does not call again.
    dialer = await start_dialer(scene.lab.pbx, scene.folder)
    await scene.records.finished(campaign)
    await kill(dialer)
    await assert_accounted(scene.records, scene.wire, scene.far, campaign)
    assert scene.wire.calls == dict.fromkeys(people, 1)
    standings = await scene.records.standings(campaign)
    assert {one.status for one in standings.values()} == {ContactStatus.DANGLING}


@scenario
async def killed_while_people_answer(scene: Scene) -> None:
    """Phones ring when the dialer dies: whoever answers hears the apology at once."""
    people = [f"+4477003000{place:02}" for place in range(6)]
    scene.far.listen_to(*people)
    campaign = await scene.campaign(SPEAKING, people, calls_per_second=50)
    dialer = await start_dialer(scene.lab.pbx, scene.folder)
    await scene.records.until(lambda: len(scene.far.calls) >= 4, "phones ring")
    await kill(dialer)
    called = {f"+{call.number}" for call in scene.far.calls}
    for number in called:
        heard = await scene.far.until_heard(number)
        assert APOLOGY_MS - 1_500 < sounding_ms(heard) < APOLOGY_MS + 500
    dialer = await start_dialer(scene.lab.pbx, scene.folder)
    await scene.records.finished(campaign)
    await kill(dialer)
    await assert_accounted(scene.records, scene.wire, scene.far, campaign)
    assert set(scene.wire.calls.values()) == {1}, "one whose call was asked for at the last moment may never be called"


@scenario
async def wound_down_and_started_again(scene: Scene) -> None:
    """Ended in order, as for an upgrade: who talks is heard out, who rings is taken back and called later."""
    people = [f"+4477004{place:03}{kind}" for place, kind in enumerate(KINDS * 3)]
    async with site(scene.lab.pbx, scene.folder) as dialer:
        trunk = await dialer.trunk("carrier", lines=30)
        campaign = await dialer.start(SPEAKING, [trunk], people, calls_per_second=6, lines=20, retry=RETRY)
        await dialer.until(lambda: _is_busy(dialer), "some phones ring and some people talk")
        assert await dialer.runtime.wind_down(PATIENCE_S)
        assert "0 active channels" in await scene.lab.pbx.cli("core show channels count")
    attempts = await scene.records.attempts(campaign)
    assert all(one.closed_at_ms is not None for one in attempts)
    assert {Outcome.DIALER_STOPPED, Outcome.CONNECTED_TO_IVR} <= {one.outcome for one in attempts}
    async with site(scene.lab.pbx, scene.folder) as dialer:
        await dialer.finished(campaign)
        await assert_accounted(dialer, scene.wire, scene.far, campaign)
        assert Outcome.CONTROLLER_LOST not in (await dialer.progress(campaign)).outcomes


def _is_busy(dialer: Site) -> bool:
    pictures = dialer.operations.snapshot().campaigns
    return any(picture.ringing >= 2 and picture.answered >= 2 for picture in pictures)


@pytest.mark.parametrize("name", scenario)
async def test_the_dialer_may_die(played: Played, name: str) -> None:
    played.judge(name)
