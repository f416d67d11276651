"""What the desk needs of the floor's verbs; app.agent_operations has them, and tests have a floor of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from app.agent_events import AgentRequest
from app.agents import PhoneMode
from app.dialing.snapshot import AgentPicture
from app.store.people import User
from app.units import AgentId, CampaignId, SessionId


class Floor(Protocol):
    """The verbs of the floor."""

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
        """Begin an agent's session. Raises OperationError, NotNow, NotFound."""

    async def ask(self, request: AgentRequest) -> None:
        """Have something done. Raises NotNow."""

    def refusal(self, request: AgentRequest) -> str | None:
        """Why this would not be done now; None: it would."""

    def picture(self, agent_id: AgentId) -> AgentPicture | None:
        """An agent now."""

    def watch(self, changed: Callable[[frozenset[AgentId]], None]) -> Callable[[], None]:
        """Be told whose picture changed; returns what ends it."""

    def watch_refusals(self, listener: Callable[[AgentId, str], None]) -> Callable[[], None]:
        """Hear why what an agent wanted to dial by hand is not dialed after all; returns what ends it."""

    def watch_messages(self, listener: Callable[[AgentId | None, str, str], None]) -> Callable[[], None]:
        """Hear supervisors' messages (for whom, None: everybody; text; from whom); returns what ends it."""
