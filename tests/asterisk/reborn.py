"""One death of Asterisk under the whole program, and how soon all is at work again once its REST interface answers.

A broadcast dials over a carrier of ours that notes each INVITE; beside it agents with nailed-up phones talk.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp

from app.commands import SetCampaignStatus
from app.model import CampaignStatus, RetryPolicy
from app.outcomes import Outcome
from app.reconciling import SOURCE
from app.store.attempts import AttemptEntry
from app.units import HOUR_MS, AttemptId, CampaignId
from asterisk.lab import Lab
from asterisk.lab.phones import Phone
from asterisk.lab.server import Server
from tests.asterisk.campaign import Site, records_in
from tests.asterisk.long_talks import WITHIN_S, Rest, conversations
from tests.asterisk.outring_process import OutringProcess
from tests.asterisk.wire import Wire

LOOK_S: Final = 0.005
AGAIN_WITHIN_S: Final = 30.0
"""What is not at work by then never is."""
CONTACTS: Final = 1_500
KINDS: Final = ("00", "10", "21", "40", "55", "00", "43", "52", "00", "45")
"""People who listen, press, hang up, ring long; busy, declined, not in service: calls in every state at the kill."""
COOL_DOWN: Final = RetryPolicy(max_attempts=2, retry_ms=HOUR_MS, max_faults=10, fault_retry_ms=1_000)
"""Nobody whose phone rang is called again within the hour."""
SPEAKING: Final = """
name: speaking
start: notice
nodes:
  notice: {type: play, text: "This is a message that takes a few seconds to say.", next: ask}
  ask: {type: menu, text: Press one., keys: {1: bye}, timeout_s: 1, repeats: 0, on_fail: bye}
  bye: {type: hangup, text: Goodbye.}
"""


@dataclass(slots=True, kw_only=True)
class Rebirth:
    """What was seen of one death. Times in seconds from the first answer of the new Asterisk's REST interface.

    live: calls that were open at the kill; without_outcome: those of them that still were at the end. closed_s: when
    the last of them had its outcome (0: not yet), which waits for agents to finish their cards.
    """

    boot_s: float
    dialed_s: float
    rang_s: list[float]
    up_s: list[float]
    live: int
    closed_s: float = 0.0
    without_outcome: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    from_records: int = 0
    called_twice: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The program at work on a laboratory of its own."""

    lab: Lab
    records: Site
    wire: Wire
    campaign: CampaignId

    async def open_calls(self) -> set[AttemptId]:
        """Attempts whose end is not written down; without those of the campaign that were not dialed yet."""
        dialed = set(self.wire.numbers)
        is_open = [one for one in await self.records.attempts() if one.closed_at_ms is None]
        return {one.attempt_id for one in is_open if one.campaign_id != self.campaign or one.number in dialed}

    async def of(self, wanted: set[AttemptId]) -> list[AttemptEntry]:
        """These attempts as they stand."""
        return [one for one in await self.records.attempts() if one.attempt_id in wanted]


@asynccontextmanager
async def at_work(folder: Path, talks: int) -> AsyncIterator[Scene]:
    """The whole program in a process of its own, with so many conversations up and a campaign that dials."""
    async with AsyncExitStack() as stack:
        wire = await Wire.open()
        stack.callback(wire.close)
        lab = await stack.enter_async_context(
            Lab(lines=60 + 2 * talks, phones=talks, extra_trunks={"carrier": wire.uri})
        )
        wire.lead_to(lab.network.sip_port)
        key = await conversations(lab, folder, talks)
        records = await stack.enter_async_context(records_in(folder, names_from=101))
        campaign = await _campaign(records)
        http = aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"})
        await stack.enter_async_context(http)
        database = f"sqlite+aiosqlite:///{folder / 'outring.db'}"
        cdr = str(lab.pbx.directory / "log" / "cdr-csv" / "Master.csv")
        outring = await OutringProcess.start(lab.pbx, folder, database, settings={"OUTRING_ASTERISK_CDR_FILE": cdr})
        stack.push_async_callback(outring.kill)
        rest = Rest(records, http)
        await rest.look()

        async def are_talking() -> bool:
            return [state for state, _ in (await rest.desks()).values()].count("talking") == talks

        await records.until(are_talking, f"{talks} conversations", WITHIN_S)
        await records.until(lambda: len(wire.invites) >= 20, "the campaign dials", WITHIN_S)
        yield Scene(lab=lab, records=records, wire=wire, campaign=campaign)


async def _campaign(records: Site) -> CampaignId:
    trunk = await records.trunk("carrier", lines=30)
    numbers = [f"+447800{place:04}{KINDS[place % len(KINDS)]}" for place in range(CONTACTS)]
    campaign = await records.draft(SPEAKING, [trunk], numbers, calls_per_second=8, lines=25, retry=COOL_DOWN)
    running = SetCampaignStatus(campaign_id=campaign, status=CampaignStatus.RUNNING)
    await records.store.commit([running], records.operations.now_ms)
    return campaign


async def killed(scene: Scene, *, away_s: float, watch_s: float) -> Rebirth:
    """Kill Asterisk, start it anew after `away_s`, and look on for `watch_s` from its first answer on.

    The phones end their dead calls meanwhile, as phones do that hear nothing any more.
    """
    loop = asyncio.get_running_loop()
    pbx, phones, invites = scene.lab.pbx, list(scene.lab.phones.values()), scene.wire.invites
    live = await scene.open_calls()
    await pbx.kill()
    for phone in phones:
        await phone.hang_up()
        await phone.until_idle()
    calls = [phone.calls for phone in phones]
    await asyncio.sleep(away_s)
    started_s, dialed = loop.time(), len(invites)
    starting = asyncio.create_task(pbx.start())
    answers_s = await _first_answer_s(pbx)

    async def when(is_so: Callable[[], object]) -> float:
        async with asyncio.timeout(AGAIN_WITHIN_S):
            while not is_so():  # noqa: ASYNC110
                await asyncio.sleep(LOOK_S)
        return loop.time() - answers_s

    def rings_again(phone: Phone, before: int) -> Callable[[], bool]:
        return lambda: phone.calls > before

    def is_up(phone: Phone) -> Callable[[], bool]:
        return lambda: phone.is_up

    found = await asyncio.gather(
        when(lambda: len(invites) > dialed),
        *(when(rings_again(phone, before)) for phone, before in zip(phones, calls, strict=True)),
        *(when(is_up(phone)) for phone in phones),
    )
    await starting
    seen = Rebirth(
        boot_s=answers_s - started_s,
        dialed_s=invites[dialed].at_s - answers_s,
        rang_s=found[1 : 1 + len(phones)],
        up_s=found[1 + len(phones) :],
        live=len(live),
    )
    await _look_on(scene, seen, live, answers_s, watch_s)
    return seen


async def _look_on(scene: Scene, seen: Rebirth, live: set[AttemptId], answers_s: float, watch_s: float) -> None:
    loop = asyncio.get_running_loop()
    while loop.time() < answers_s + watch_s:
        if not seen.closed_s and not await _without_outcome(scene, live):
            seen.closed_s = loop.time() - answers_s
        await asyncio.sleep(0.1)
    of_before = await scene.of(live)
    seen.without_outcome = len(await _without_outcome(scene, live))
    seen.outcomes = Counter(one.outcome for one in of_before if one.outcome is not None)
    seen.from_records = sum(one.facts.cause_text == SOURCE for one in of_before)
    seen.called_twice = [number for number, times in scene.wire.calls.items() if times > 1]


async def _without_outcome(scene: Scene, wanted: set[AttemptId]) -> list[AttemptEntry]:
    return [one for one in await scene.of(wanted) if one.outcome is None]


async def _first_answer_s(pbx: Server) -> float:
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession(headers=pbx.ari_headers) as http, asyncio.timeout(WITHIN_S):
        while True:
            try:
                async with http.get(f"{pbx.ari_url}/asterisk/info") as answer:
                    if answer.status == 200:
                        return loop.time()
            except (aiohttp.ClientError, OSError):
                pass
            await asyncio.sleep(LOOK_S)
