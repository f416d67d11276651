"""The demo's floor: robots with real phones of the laboratory, who talk, note what came of it and take breaks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Final

from app.agent_events import AgentPaused, AgentWentReady, DispositionSet, HoldAsked
from app.agent_operations import AgentOperations
from app.agents import AgentState, PauseReason, PhoneMode
from app.dialing.snapshot import AgentPicture
from app.operations import NotNow
from app.store.people import User
from app.units import AgentId, AttemptId, CampaignId

NAMES: Final = ("Anna", "Boris", "Clara", "Dmitri", "Elena", "Farid", "Grace", "Hugo", "Irina", "Jonas")
TALK_S: Final = (3.0, 9.0)
WRAP_UP_S: Final = (0.5, 2.5)
BREAK_S: Final = (4.0, 8.0)
HOLDS: Final = 0.1
"""How often a robot puts a person on hold."""
BREAKS: Final = 0.06
"""How often a robot takes a break after a call."""
RESULTS: Final = (("success", 3), ("not-interested", 4), ("no-decision", 2), ("wrong-person", 1), ("other", 1))
"""What a robot notes, by weight: codes of the dispositions a campaign begins with."""
BREAK: Final = PauseReason(code="break", label="Break", limit_ms=600_000)


class RobotAgent:
    """One robot: signed in on a phone, works until it is told to stop."""

    def __init__(self, agents: AgentOperations, user: User, endpoint: str, campaigns: Sequence[CampaignId]) -> None:
        self._agents = agents
        self._user = user
        self._id = AgentId(user.id)
        self._endpoint = endpoint
        self._campaigns = campaigns
        self._chance = random.Random(user.name)
        self._changed = asyncio.Event()
        self._noted: AttemptId | None = None

    async def work(self) -> None:
        """Sign in and serve the campaigns, until cancelled."""
        forget = self._agents.watch(lambda changed: self._changed.set() if self._id in changed else None)
        try:
            await self._agents.sign_in(
                self._user, endpoint=self._endpoint, phone_mode=PhoneMode.NAILED_UP, campaigns_served=self._campaigns
            )
            while True:
                picture = self._agents.picture(self._id)
                if picture is not None:
                    with suppress(NotNow):  # the person was quicker
                        await self._act(picture)
                await self._changed.wait()
                self._changed.clear()
        finally:
            forget()

    async def _act(self, picture: AgentPicture) -> None:
        card = picture.card
        match picture.state:
            case AgentState.PAUSED if picture.is_phone_up:
                await self._rest(BREAK_S if picture.reason == BREAK.code else WRAP_UP_S)
                await self._agents.ask(AgentWentReady(agent_id=self._id))
            case AgentState.TALKING if card is not None and card.attempt_id != self._noted:
                await self._talk()
                await self._note(card.attempt_id)
            case AgentState.WRAP_UP if card is not None and card.attempt_id != self._noted:
                await self._rest(WRAP_UP_S)
                await self._note(card.attempt_id)
            case _:
                pass

    async def _talk(self) -> None:
        await self._rest(TALK_S, while_state=AgentState.TALKING)
        with suppress(NotNow):  # the person has hung up
            if self._chance.random() < HOLDS:
                await self._agents.ask(HoldAsked(agent_id=self._id, is_on=True))
                await self._rest((1.0, 2.0))
                await self._agents.ask(HoldAsked(agent_id=self._id, is_on=False))
                await self._rest((0.5, 1.0))
        if self._chance.random() < BREAKS:
            await self._agents.ask(AgentPaused(agent_id=self._id, reason=BREAK))

    async def _note(self, attempt_id: AttemptId) -> None:
        codes = [code for code, _ in RESULTS]
        code = self._chance.choices(codes, [weight for _, weight in RESULTS])[0]
        await self._agents.ask(DispositionSet(agent_id=self._id, attempt_id=attempt_id, code=code, is_done=True))
        self._noted = attempt_id

    async def _rest(self, between_s: tuple[float, float], while_state: AgentState | None = None) -> None:
        """Let time pass; less of it when the state is another before."""
        deadline = asyncio.get_running_loop().time() + self._chance.uniform(*between_s)
        while (left := deadline - asyncio.get_running_loop().time()) > 0:
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._changed.wait()
            picture = self._agents.picture(self._id)
            if while_state is not None and (picture is None or picture.state is not while_state):
                return


@asynccontextmanager
async def robots_at_work(robots: Sequence[RobotAgent]) -> AsyncIterator[None]:
    """Let robots work; they stop on leaving."""
    async with AsyncExitStack() as stack:
        for robot in robots:
            working = asyncio.create_task(robot.work(), name="robot agent")
            stack.push_async_callback(_end, working)
        yield


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
