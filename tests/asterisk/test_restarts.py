"""Asterisk dies, stands still or is cut off: the campaign goes on by itself, and nobody is called twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from app.events import TelephonyUp
from app.model import RetryPolicy
from app.outcomes import ContactStatus, Outcome
from app.units import CampaignId
from asterisk.lab import Lab
from tests.asterisk.campaign import PATIENCE_S, Site, site
from tests.asterisk.far_side import FarSide, sounding_ms
from tests.asterisk.gate import Gate
from tests.asterisk.ledger import assert_accounted
from tests.asterisk.reborn import at_work
from tests.asterisk.reborn import killed as killed_under
from tests.asterisk.scenarios import Played, Scenarios
from tests.asterisk.wire import Wire

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]

RETRY = RetryPolicy(max_attempts=2, retry_ms=1_000, max_faults=10, fault_retry_ms=1_000)
SPEAKING = """
name: speaking
start: notice
nodes:
  notice: {type: play, text: "This is a message that takes a few seconds to say.", next: ask}
  ask: {type: menu, text: Press one., keys: {1: bye}, timeout_s: 1, repeats: 0, on_fail: bye}
  bye: {type: hangup, text: Goodbye.}
"""
AGAIN_S = 5.0
"""From the first answer of Asterisk's REST interface to the next call, and to every nailed-up phone being up."""
APOLOGY_MS = 4_700
"""The three sounds of the dialplan's apology in English."""
KINDS = ("00", "10", "21", "40", "55", "00", "43", "52", "00", "45")
"""People who listen, press, hang up, ring long; busy, declined, not in service: calls in every state at any moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A laboratory of one's own, with a campaign that is on its way."""

    lab: Lab
    dialer: Site
    far: FarSide
    wire: Wire
    gate: Gate
    campaign: CampaignId
    numbers: list[str]

    async def calls_are_up(self, *, ringing: int, answered: int) -> None:
        """Wait for a moment with calls in these states."""

        def are_up() -> bool:
            pictures = [one for one in self.dialer.operations.snapshot().campaigns if one.id == self.campaign]
            return bool(pictures) and pictures[0].ringing >= ringing and pictures[0].answered >= answered

        await self.dialer.until(are_up, f"{ringing} calls ring and {answered} are answered")


disturbance = Scenarios[Scene]()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def played(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Played]:
    """All disturbances, at once."""
    yield await disturbance.all_by(lambda name, play: _play(play, tmp_path_factory.mktemp(name)))


async def _play(disturb: Callable[[Scene], Awaitable[None]], folder: Path) -> None:
    async with AsyncExitStack() as stack:
        wire = await Wire.open()
        stack.callback(wire.close)
        lab = await stack.enter_async_context(Lab(lines=60, extra_trunks={"carrier": wire.uri}))
        wire.lead_to(lab.network.sip_port)
        far = await stack.enter_async_context(FarSide(lab))
        gate = await Gate.to(lab.pbx.http_port)
        stack.push_async_callback(gate.close)
        url = f"http://127.0.0.1:{gate.port}/ari"
        dialer = await stack.enter_async_context(site(lab.pbx, folder, url=url))
        trunk = await dialer.trunk("carrier", lines=30)
        numbers = [f"+447700{place:04}{kind}" for place, kind in enumerate(KINDS * 5)]
        campaign = await dialer.start(SPEAKING, [trunk], numbers, calls_per_second=8, lines=25, retry=RETRY)
        scene = Scene(lab=lab, dialer=dialer, far=far, wire=wire, gate=gate, campaign=campaign, numbers=numbers)
        await disturb(scene)
        await dialer.finished(campaign)
        # An Asterisk that is stopped politely tells us of ends that it does not tell the network.
        is_told = disturb is not stopped_politely
        await assert_accounted(dialer, wire, far if is_told else None, campaign)


@disturbance
async def killed(scene: Scene) -> None:
    """As after a crash: no BYE, no event; every call of before is lost, and nobody who was in one is called again."""
    await scene.calls_are_up(ringing=3, answered=3)
    await scene.lab.pbx.restart(kill=True)
    lost = await _lost(scene)
    assert len(lost) >= 6


@disturbance
async def killed_twice(scene: Scene) -> None:
    for _ in range(2):
        await scene.calls_are_up(ringing=1, answered=1)
        await scene.lab.pbx.restart(kill=True)
        await scene.dialer.until(lambda: scene.dialer.operations.snapshot().is_telephony_up, "Asterisk is back")


@disturbance
async def stopped_politely(scene: Scene) -> None:
    """`core stop now` says BYE to everybody and tells us of the ends it has time for."""
    await scene.calls_are_up(ringing=2, answered=2)
    await scene.lab.pbx.restart()


@disturbance
async def frozen(scene: Scene) -> None:
    """Three seconds of standing still: nothing is lost at all."""
    await scene.calls_are_up(ringing=2, answered=2)
    await scene.lab.pbx.freeze()
    await scene.dialer.until(lambda: not scene.dialer.operations.snapshot().is_telephony_up, "the freeze is noticed")
    seen = len(scene.wire.invites)
    await asyncio.sleep(1)
    await scene.lab.pbx.thaw()
    await scene.dialer.until(lambda: scene.dialer.operations.snapshot().is_telephony_up, "the thaw is noticed")
    await scene.dialer.until(lambda: len(scene.wire.invites) > seen, "calls go out again")
    await scene.dialer.finished(scene.campaign)
    attempts = await scene.dialer.attempts(scene.campaign)
    assert not [one for one in attempts if one.outcome is Outcome.CONTROLLER_LOST]


@disturbance
async def frozen_for_long(scene: Scene) -> None:
    """Standing still for so long that requests are given up: Asterisk carries them out when it thaws all the same."""
    await scene.calls_are_up(ringing=2, answered=2)
    await scene.lab.pbx.freeze()
    await asyncio.sleep(12.5)  # longer than any request is waited for
    await scene.lab.pbx.thaw()
    await scene.dialer.until(lambda: scene.dialer.operations.snapshot().is_telephony_up, "the thaw is noticed")


@disturbance
async def cut_off(scene: Scene) -> None:
    """Every connection broken, again and again: calls go on meanwhile, and are found again."""
    for _ in range(3):
        await scene.calls_are_up(ringing=1, answered=1)
        is_back = scene.dialer.runtime.expect(lambda event: isinstance(event, TelephonyUp), PATIENCE_S)
        await scene.gate.cut()
        await is_back
    await _lost(scene)


@disturbance
async def shut_out(scene: Scene) -> None:
    """Asterisk out of reach for some seconds: who answers meanwhile hears the apology, and nobody new is called."""
    scene.far.listen_to(*(number for number in scene.numbers if number.endswith(("52", "55"))))  # they ring for long
    await scene.calls_are_up(ringing=4, answered=2)
    await scene.gate.shut()
    seen = len(scene.wire.invites)
    sorry: list[str] = []

    async def has_heard_the_apology() -> bool:
        sorry[:] = [call.number for call in scene.far.calls if scene.far.is_heard(call.number)]
        return bool(sorry)

    await scene.dialer.until(has_heard_the_apology, "somebody has answered and heard the apology")
    assert len(scene.wire.invites) <= seen + 2, "nobody is called while the line is down"
    scene.gate.open()
    await scene.dialer.until(lambda: scene.dialer.operations.snapshot().is_telephony_up, "the line is back")
    lost = await _lost(scene)
    assert f"+{sorry[0]}" in lost
    assert APOLOGY_MS - 1_500 < sounding_ms(scene.far.heard(sorry[0])) < APOLOGY_MS + 500


async def _lost(scene: Scene) -> list[str]:
    """Who was in a call whose end nobody saw, once the campaign is over."""
    await scene.dialer.finished(scene.campaign)
    standings = await scene.dialer.standings(scene.campaign)
    lost = [number for number, one in standings.items() if one.status is ContactStatus.DANGLING]
    assert all(scene.wire.calls[number] <= 2 for number in lost)
    return lost


@pytest.mark.parametrize("name", disturbance)
async def test_the_campaign_goes_on_by_itself(played: Played, name: str) -> None:
    played.judge(name)


async def test_soon_after_asterisk_answers_the_campaign_dials_and_nailed_up_phones_are_back(tmp_path: Path) -> None:
    """Away for long enough that tries to reach it have become rare."""
    async with at_work(tmp_path, 2) as scene:
        seen = await killed_under(scene, away_s=8, watch_s=5)
    assert seen.dialed_s <= AGAIN_S
    assert max(seen.up_s) <= AGAIN_S
    assert seen.without_outcome == 2, f"two cards that their agents have yet to finish: {seen}"
    assert seen.live > 2
    assert not seen.called_twice
