"""Trunks on a real PBX: limits, overflow, and what a carrier that fails costs; judged by what the carriers saw.

All scenarios run at once, each on trunks of its own, on one dialer and one PBX.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
import pytest_asyncio

from app.dialing.trunk import FAULTS_TO_LEAVE, FIRST_REST_MS, PROBATION, TrunkState
from app.model import NumberFormat, RetryPolicy, Trunk
from app.outcomes import ContactStatus, Outcome
from app.units import CampaignId
from asterisk.lab import Lab
from tests.asterisk.campaign import BYE, Site, site
from tests.asterisk.far_side import FarSide
from tests.asterisk.ledger import assert_rate
from tests.asterisk.scenarios import Played, Scenarios
from tests.asterisk.wire import Invite, Mode, Wire

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]

COMES_BACK = RetryPolicy(max_attempts=3, retry_ms=1_000, max_faults=20, fault_retry_ms=1_000)
REST_S = FIRST_REST_MS / 1_000
RING_TIMEOUT_MS = 5_000
FAULTS = (Outcome.SIP_ERROR, Outcome.NO_RINGBACK, Outcome.NO_DIAL_TONE, Outcome.RETURNED_UNDIALED)
LONG = """
name: long
start: story
nodes:
  story: {type: play, text: "This message is long enough to keep a line busy for some seconds.", next: bye}
  bye: {type: hangup}
"""
CROSSING_S = 2.5
"""Packets cross: a call that ended this lately may still be counted by the network."""
CARRIERS = (
    "refuser", "hushed", "gone", "first", "second", "broken", "sound", "narrow", "wide", "paced", "brisk",
    "shared", "calm", "british", "american", "lively", "mute", "formatted", "switched", "other",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where the scenarios play."""

    lab: Lab
    dialer: Site
    far: FarSide
    wires: dict[str, Wire]


scenario = Scenarios[Scene]()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def played(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Played]:
    """All scenarios, at once."""
    wires = {name: await Wire.open() for name in CARRIERS}
    wires["gone"].close()  # a host where nothing listens, until it is opened again
    trunks = {name: wire.uri for name, wire in wires.items()}
    folder: Path = tmp_path_factory.mktemp("site")
    async with Lab(lines=200, extra_trunks=trunks) as lab, FarSide(lab) as far, site(lab.pbx, folder) as dialer:
        for wire in wires.values():
            wire.lead_to(lab.network.sip_port)
        scene = Scene(lab=lab, dialer=dialer, far=far, wires=wires)
        yield await scenario.all_on(scene)
    for wire in wires.values():
        wire.close()


def people(start: int, count: int, country: str = "+447700") -> list[str]:
    """Numbers of people who answer and listen."""
    numbers = (f"{country}{place:06}" for place in range(start, start + 2 * count + 200))
    return [number for number in numbers if not 10 <= int(number[-2:]) <= 60][:count]


# --- a trunk that fails ----------------------------------------------------------------------------------------------


async def fails_and_heals(
    scene: Scene, trunk: Trunk, numbers: Sequence[str], heal: Callable[[], Awaitable[None]], fails_after_s: float
) -> CampaignId:
    """A campaign on a trunk that fails: out after ten contacts, none of them charged; healed, everybody is called."""
    dialer = scene.dialer
    campaign = await dialer.start(
        BYE, [trunk], numbers, retry=COMES_BACK, calls_per_second=50, ring_timeout_ms=RING_TIMEOUT_MS
    )
    await dialer.until(lambda: dialer.trunk_picture(trunk).state is TrunkState.OUT, f"{trunk.id} is out")
    assert dialer.trunk_picture(trunk).reason
    await dialer.tried(campaign, FAULTS_TO_LEAVE)
    assert all(not standing.attempts for standing in (await dialer.standings(campaign)).values())
    assert (await dialer.progress(campaign)).settled == 0
    await heal()
    await dialer.finished(campaign)
    assert {one.status for one in (await dialer.standings(campaign)).values()} == {ContactStatus.CONNECTED}
    attempts = await dialer.attempts(campaign)
    assert not any(one.is_charged for one in attempts if one.outcome in FAULTS)
    placed = [one for one in attempts if one.facts.placed_at_ms is not None]
    assert {one.facts.trunk_id for one in placed} == {trunk.id}
    assert_left_after_ten([(one.facts.placed_at_ms or 0) / 1_000 for one in placed], fails_after_s)
    return campaign


def assert_left_after_ten(calls_at_s: Sequence[float], fails_after_s: float) -> None:
    """No more than ten calls before the trunk's first rest is over; its calls fail `fails_after_s` after they began."""
    at_s = sorted(calls_at_s)
    before_the_trial = [one for one in at_s if one < at_s[0] + fails_after_s + REST_S - 0.5]
    assert FAULTS_TO_LEAVE <= len(before_the_trial) <= PROBATION


@scenario
async def rejecting_trunk(scene: Scene) -> None:
    wire, numbers = scene.wires["refuser"], people(0, 40)
    wire.mode = Mode.REJECTING
    trunk = await scene.dialer.trunk("refuser")

    seen_before: list[int] = []

    async def heal() -> None:
        rested_until_ms = scene.dialer.trunk_picture(trunk).out_until_ms
        await scene.dialer.until(
            lambda: scene.dialer.trunk_picture(trunk).out_until_ms > rested_until_ms, "a trial has failed"
        )
        seen_before.append(len(wire.invites))
        wire.mode = Mode.CARRYING

    campaign = await fails_and_heals(scene, trunk, numbers, heal, 0)
    placed = [one for one in await scene.dialer.attempts(campaign) if one.facts.placed_at_ms is not None]
    assert {one.outcome for one in placed} >= {Outcome.SIP_ERROR, Outcome.CONNECTED_TO_IVR}
    assert len(wire.invites) == len(placed)
    at_s = [invite.at_s for invite in wire.invites]
    assert_left_after_ten(at_s, 0)
    trials_s = [one for one in at_s[: seen_before[0]] if one > at_s[0] + REST_S - 0.5]
    assert trials_s
    assert all(later - earlier > REST_S for earlier, later in pairwise(trials_s)), "one call at a time"


@scenario
async def silent_trunk(scene: Scene) -> None:
    wire, numbers = scene.wires["hushed"], people(1_000, 30)
    wire.mode = Mode.SILENT

    async def heal() -> None:
        wire.mode = Mode.CARRYING

    trunk = await scene.dialer.trunk("hushed")
    campaign = await fails_and_heals(scene, trunk, numbers, heal, RING_TIMEOUT_MS / 1_000)
    assert_left_after_ten([invite.at_s for invite in wire.invites], RING_TIMEOUT_MS / 1_000)
    placed = [one for one in await scene.dialer.attempts(campaign) if one.facts.placed_at_ms is not None]
    assert {one.outcome for one in placed} >= {Outcome.NO_RINGBACK, Outcome.CONNECTED_TO_IVR}
    assert len(wire.invites) == len(placed)


@scenario
async def dead_trunk(scene: Scene) -> None:
    numbers = people(2_000, 30)
    opened: list[Wire] = []

    async def heal() -> None:
        wire = await Wire.open(int(scene.wires["gone"].uri.rpartition(":")[2]))
        wire.lead_to(scene.lab.network.sip_port)
        opened.append(wire)

    await fails_and_heals(scene, await scene.dialer.trunk("gone"), numbers, heal, RING_TIMEOUT_MS / 1_000)
    opened[0].close()
    assert all(scene.far.to(number) for number in numbers)


@scenario
async def unreachable_trunk(scene: Scene) -> None:
    pbx, numbers = scene.lab.pbx, people(3_000, 30)
    opened: list[Wire] = []

    async def contact() -> str:
        lines = (await pbx.cli("pjsip show contacts")).splitlines()
        return next(line for line in lines if "unreachable/" in line)

    async def is_out() -> bool:
        return "Unavail" in await contact()

    async def is_back() -> bool:
        await pbx.cli("pjsip qualify unreachable")
        return "Avail" in await contact()

    async def heal() -> None:
        port = int((await contact()).split("sip:127.0.0.1:")[1].split()[0])
        wire = await Wire.open(port)
        wire.lead_to(scene.lab.network.sip_port)
        opened.append(wire)
        await scene.dialer.until(is_back, "the PBX knows that the host is back")

    await scene.dialer.until(is_out, "the PBX knows that the host is away")
    campaign = await fails_and_heals(scene, await scene.dialer.trunk("unreachable"), numbers, heal, 0)
    outcomes = {one.outcome for one in await scene.dialer.attempts(campaign) if one.facts.placed_at_ms is not None}
    assert outcomes >= {Outcome.NO_DIAL_TONE, Outcome.CONNECTED_TO_IVR}
    assert set(opened[0].numbers) == set(numbers)
    opened[0].close()


# --- overflow and limits ---------------------------------------------------------------------------------------------


@scenario
async def overflow_by_lines(scene: Scene) -> None:
    """The first trunk is filled first, the second takes what does not fit."""
    dialer, numbers = scene.dialer, people(4_000, 16)
    first, second = await dialer.trunk("first", lines=2), await dialer.trunk("second", lines=3)
    campaign = await dialer.start(LONG, [first, second], numbers, calls_per_second=10)
    await dialer.finished(campaign)
    on_first, on_second = scene.wires["first"].invites, scene.wires["second"].invites
    order = sorted([(one.at_s, "first") for one in on_first] + [(one.at_s, "second") for one in on_second])
    assert Counter(name for _, name in order[:5]) == {"first": 2, "second": 3}
    assert sorted(one.number for one in (*on_first, *on_second)) == sorted(numbers)
    assert most_at_once(scene, on_first) == 2
    assert most_at_once(scene, on_second) == 3


@scenario
async def overflow_by_fault(scene: Scene) -> None:
    """The first trunk rejects everything: its ten contacts at the most come back and go out by the second."""
    dialer, numbers = scene.dialer, people(5_000, 40)
    scene.wires["broken"].mode = Mode.REJECTING
    trunks = [await dialer.trunk("broken"), await dialer.trunk("sound")]
    campaign = await dialer.start(BYE, trunks, numbers, retry=COMES_BACK, calls_per_second=40)
    await dialer.finished(campaign)
    rejected = scene.wires["broken"].invites
    assert_left_after_ten([invite.at_s for invite in rejected], 0)
    assert set(scene.wires["sound"].numbers) == set(numbers)
    assert {one.status for one in (await dialer.standings(campaign)).values()} == {ContactStatus.CONNECTED}


@scenario
async def lines_of_a_trunk(scene: Scene) -> None:
    dialer = scene.dialer
    narrow = await dialer.trunk("narrow", lines=6)
    await dialer.finished(await dialer.start(LONG, [narrow], people(6_000, 16), calls_per_second=50))
    assert most_at_once(scene, scene.wires["narrow"].invites) == 6


@scenario
async def lines_of_a_campaign(scene: Scene) -> None:
    dialer = scene.dialer
    wide = await dialer.trunk("wide")
    await dialer.finished(await dialer.start(LONG, [wide], people(6_500, 16), lines=6, calls_per_second=50))
    assert most_at_once(scene, scene.wires["wide"].invites) == 6


@scenario
async def rate_of_a_trunk(scene: Scene) -> None:
    dialer = scene.dialer
    paced = await dialer.trunk("paced", calls_per_second=4)
    await dialer.finished(await dialer.start(BYE, [paced], people(7_000, 28), calls_per_second=50))
    assert_rate(scene.wires["paced"].invites, 4)


@scenario
async def rate_of_a_campaign(scene: Scene) -> None:
    dialer = scene.dialer
    brisk = await dialer.trunk("brisk")
    await dialer.finished(await dialer.start(BYE, [brisk], people(7_500, 28), calls_per_second=4))
    assert_rate(scene.wires["brisk"].invites, 4)


@scenario
async def limits_shared_by_campaigns(scene: Scene) -> None:
    """Two campaigns on one trunk get its lines and its rate once, not twice."""
    dialer = scene.dialer
    shared = await dialer.trunk("shared", lines=6)
    calm = await dialer.trunk("calm", calls_per_second=4)
    campaigns = [
        await dialer.start(flow, [trunk], people(place, 14), calls_per_second=20)
        for place, (flow, trunk) in zip(
            (8_000, 8_500, 9_000, 9_500), ((LONG, shared), (LONG, shared), (BYE, calm), (BYE, calm)), strict=True
        )
    ]
    for campaign in campaigns:
        await dialer.finished(campaign)
    assert most_at_once(scene, scene.wires["shared"].invites) == 6
    assert_rate(scene.wires["calm"].invites, 4)


def most_at_once(scene: Scene, invites: Sequence[Invite]) -> int:
    """The most calls up at once among these, by the network's clock."""
    numbers = {invite.number.removeprefix("+") for invite in invites}
    return scene.far.most_at_once(CROSSING_S, lambda call: call.number in numbers)


# --- who may be called by which trunk --------------------------------------------------------------------------------


@scenario
async def prefixes(scene: Scene) -> None:
    """Each number goes out by the trunk that carries it; a number nobody carries is told so, and not dialed."""
    dialer = scene.dialer
    british = await dialer.trunk("british", prefixes=("+44",))
    american = await dialer.trunk("american", prefixes=("+1202", "+1504"))
    at_home, abroad = people(10_000, 5), people(10_000, 5, "+120255")
    nowhere = ["+79161234500", "+13105550100"]
    campaign = await dialer.start(BYE, [british, american], [*at_home, *abroad, *nowhere], retry=COMES_BACK)
    await dialer.finished(campaign)
    assert sorted(scene.wires["british"].numbers) == sorted(at_home)
    assert sorted(scene.wires["american"].numbers) == sorted(abroad)
    standings = await dialer.standings(campaign)
    assert {standings[number].status for number in nowhere} == {ContactStatus.NOT_CONNECTED}
    refused = [one for one in await dialer.attempts(campaign) if one.number in nowhere]
    assert len(refused) == 2
    for one in refused:
        assert (one.outcome, one.is_charged, one.facts.placed_at_ms) == (Outcome.UNSUPPORTED, False, None)
        assert "no trunk of the campaign carries this number" in one.facts.cause_text


@scenario
async def number_formats(scene: Scene) -> None:
    """A trunk gets numbers and caller ids the way it wants them."""
    dialer = scene.dialer
    form = NumberFormat(keep_plus=False, country_code="44", national_prefix="0", prefix="9")
    formatted = await dialer.trunk("formatted", number_format=form, caller_id="+442079460000")
    await dialer.finished(await dialer.start(BYE, [formatted], ["+447700011000", "+12025551000"]))
    await dialer.operations.shown_numbers.keep("02079460001")
    await dialer.finished(await dialer.start(BYE, [formatted], ["+447700011001"], caller_id="02079460001"))
    wire = scene.wires["formatted"]
    assert sorted(wire.numbers) == ["907700011000", "907700011001", "912025551000"]
    callers = {invite.number: invite.caller for invite in wire.invites}
    assert "sip:+442079460000@" in callers["907700011000"]
    assert "sip:02079460001@" in callers["907700011001"]


@scenario
async def a_bad_trunk_does_not_hold_up_a_good_one(scene: Scene) -> None:
    """One campaign, two countries, the trunk of one of them silent: the other country is called as if alone."""
    dialer = scene.dialer
    lively = await dialer.trunk("lively", prefixes=("+44",))
    mute = await dialer.trunk("mute", prefixes=("+1",))
    scene.wires["mute"].mode = Mode.SILENT
    good, bad = people(12_000, 60), people(12_000, 60, "+120255")
    mixed = [number for pair in zip(bad, good, strict=True) for number in pair]
    campaign = await dialer.start(
        BYE, [lively, mute], mixed, retry=COMES_BACK, calls_per_second=20, ring_timeout_ms=RING_TIMEOUT_MS
    )
    wire, mute_wire = scene.wires["lively"], scene.wires["mute"]
    await dialer.until(lambda: len(wire.invites) == len(good), "all of the good country are called")
    assert_left_after_ten([invite.at_s for invite in mute_wire.invites], RING_TIMEOUT_MS / 1_000)
    scene.wires["mute"].mode = Mode.CARRYING
    await dialer.finished(campaign)
    assert {one.status for one in (await dialer.standings(campaign)).values()} == {ContactStatus.CONNECTED}


@scenario
async def switched_off(scene: Scene) -> None:
    """A trunk that is switched off for a while: the others go on, its contacts wait and are called when it is back."""
    dialer = scene.dialer
    on = await dialer.trunk("switched", prefixes=("+44",), calls_per_second=4)
    other = await dialer.trunk("other", prefixes=("+1",))
    british, american = people(13_000, 30), people(13_000, 30, "+120255")
    mixed = [number for pair in zip(british, american, strict=True) for number in pair]
    campaign = await dialer.start(BYE, [on, other], mixed)
    wire, other_wire = scene.wires["switched"], scene.wires["other"]
    await dialer.until(lambda: len(wire.invites) >= 4, "a few calls have gone out")
    await dialer.trunk("switched", prefixes=("+44",), calls_per_second=4, is_enabled=False)
    await dialer.until(lambda: dialer.trunk_picture(on).lines_used == 0, "its calls have ended")
    seen = len(wire.invites)
    await dialer.until(lambda: len(other_wire.invites) == len(american), "the other trunk goes on")
    assert len(wire.invites) == seen
    await dialer.trunk("switched", prefixes=("+44",), calls_per_second=4)
    await dialer.finished(campaign)
    assert sorted(wire.numbers) == sorted(british)
    assert {one.status for one in (await dialer.standings(campaign)).values()} == {ContactStatus.CONNECTED}


@pytest.mark.parametrize("name", scenario)
async def test_trunks(played: Played, name: str) -> None:
    played.judge(name)
