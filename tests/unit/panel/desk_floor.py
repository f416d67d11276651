"""A floor for the desk's tests: pictures are put before it by hand, and it keeps what was asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from app.agent_events import AgentRequest
from app.agents import AgentState, PhoneMode
from app.dialing.snapshot import AgentPicture
from app.operations import NotNow
from app.store.people import User
from app.units import AgentId, CampaignId, SessionId


class StandInFloor:
    """Shows what it is told to show. said_no: what it answers to what is asked; refusals: to what would be."""

    def __init__(self) -> None:
        self.pictures: dict[AgentId, AgentPicture] = {}
        self.asked: list[AgentRequest] = []
        self.signed_in: list[dict[str, Any]] = []
        self.said_no = ""
        self.refusals: dict[type[AgentRequest], str] = {}
        self._watchers: list[Callable[[frozenset[AgentId]], None]] = []
        self._listeners: list[Callable[[AgentId | None, str, str], None]] = []

    async def sign_in(
        self,
        agent: User,
        *,
        endpoint: str,
        phone_mode: PhoneMode,
        campaigns_served: Sequence[CampaignId],
        skill: int = 0,
        has_auto_answer: bool = True,
        language: str = "en",
    ) -> SessionId:
        """Paused, as the real one."""
        if self.said_no:
            raise NotNow(self.said_no)
        self.signed_in.append({"endpoint": endpoint, "phone_mode": phone_mode, "campaigns": tuple(campaigns_served)})
        self.show(
            AgentPicture(
                agent_id=AgentId(agent.id),
                session_id=SessionId("session00001"),
                name=agent.name,
                endpoint=endpoint,
                phone_mode=phone_mode,
                state=AgentState.PAUSED,
                since_ms=0,
                reason="signed-in",
                reason_label="Signed in",
                campaigns=tuple(campaigns_served),
                is_phone_up=True,
            )
        )
        return SessionId("session00001")

    async def ask(self, request: AgentRequest) -> None:
        """Keep it."""
        if self.said_no:
            raise NotNow(self.said_no)
        self.asked.append(request)

    def refusal(self, request: AgentRequest) -> str | None:
        """Everything goes, unless it was put otherwise."""
        return self.refusals.get(type(request))

    def picture(self, agent_id: AgentId) -> AgentPicture | None:
        """As it was put."""
        return self.pictures.get(agent_id)

    def show(self, picture: AgentPicture) -> None:
        """An agent is so from now on."""
        self.pictures[picture.agent_id] = picture
        for watcher in list(self._watchers):
            watcher(frozenset({picture.agent_id}))

    def change(self, agent_id: AgentId, **news: Any) -> None:
        """Change some of an agent's picture."""
        self.show(replace(self.pictures[agent_id], **news))

    def watch(self, changed: Callable[[frozenset[AgentId]], None]) -> Callable[[], None]:
        """Be told."""
        self._watchers.append(changed)
        return lambda: self._watchers.remove(changed)

    def watch_refusals(self, listener: Callable[[AgentId, str], None]) -> Callable[[], None]:
        """Nothing is dialed here."""
        return lambda: None

    def watch_messages(self, listener: Callable[[AgentId | None, str, str], None]) -> Callable[[], None]:
        """Be told messages."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def say(self, agent_id: AgentId | None, text: str, by: str) -> None:
        """A supervisor's message."""
        for listener in list(self._listeners):
            listener(agent_id, text, by)
