"""What agents and supervisors do: the verbs behind the desk, the wallboard and their REST interface.

Each is checked here against the dialer's present (`Dialer.refusal`), so that whoever asks gets a sentence at once; the
dialer checks again when its turn comes. What concerns somebody else's work is written into the audit trail.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from app.agent_events import (
    AgentJoined,
    AgentPaused,
    AgentRequest,
    AgentSignedIn,
    AgentSignedOut,
    AgentWentReady,
    HangUpAsked,
    ManualRefused,
    PreviewAccepted,
    SupervisionAsked,
    SupervisionEnded,
)
from app.agents import PauseReason, PhoneMode, Seat, SpyMode
from app.asterisk.endpoint import ENDPOINT_NAME
from app.dialing.snapshot import AgentPicture
from app.events import Event
from app.operations import NotNow, OperationError
from app.phone_trials import PhoneTrial, PhoneTrials
from app.runtime import Runtime
from app.store import agents, audit, campaigns, dnc, lists, trunks
from app.store.door import SqlStore
from app.store.errors import InUse
from app.store.ids import new_attempt_id
from app.store.people import User
from app.units import AgentId, CampaignId, LegId, Number, SessionId

MAX_MESSAGE: Final = 500
MAX_REASON: Final = 200

_DONE: Final = {
    AgentPaused: "paused agent",
    AgentWentReady: "made agent available",
    AgentSignedOut: "signed agent out",
    HangUpAsked: "ended agent's call",
}
"""What is written into the audit trail."""

Changed = Callable[[frozenset[AgentId]], None]
Told = Callable[[AgentId | None, str, str], None]
"""Hears a message: for whom (None: everybody), its text, from whom."""


class AgentOperations:
    """The floor's verbs on one running dialer."""

    def __init__(
        self,
        *,
        store: SqlStore,
        runtime: Runtime,
        watch_phone: Callable[[str], None] = lambda endpoint: None,
        phone_trials: PhoneTrials | None = None,
    ) -> None:
        """watch_phone: has the telephone tell from now on whether a phone can be reached.

        phone_trials: where phones are tried; None: they cannot be, on this telephone network.
        """
        self._phone_trials = phone_trials
        self.store = store
        self._watch_phone = watch_phone
        self._runtime = runtime
        self._listeners: list[Told] = []

    # --- agents ------------------------------------------------------------------------------------------------------

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
        """Begin an agent's session: they are paused until they go ready. Answers once it is on disk.

        Raises OperationError for a phone that is none, NotNow when the agent or the phone is at work already,
        NotFound for a campaign or the agent.
        """
        if not ENDPOINT_NAME.fullmatch(endpoint):
            raise OperationError(
                f"{endpoint[:40]!r} is not the name of a phone; use its section name in pjsip.conf, such as agent-101"
            )
        agent_id = AgentId(agent.id)
        for campaign_id in campaigns_served:
            await self.store.read(campaigns.get_campaign, campaign_id)
        session_id = SessionId(new_attempt_id(self.now_ms))
        seat = Seat(
            agent_id=agent_id,
            session_id=session_id,
            name=agent.name,
            endpoint=endpoint,
            phone_mode=phone_mode,
            skill=skill,
            has_auto_answer=has_auto_answer,
            language=language,
        )
        try:
            await self.store.write(agents.sign_in, seat, campaigns_served, now_ms=self.now_ms)
        except InUse as error:
            raise NotNow(str(error)) from error
        self._watch_phone(endpoint)
        self._runtime.post(AgentSignedIn(seat=seat, campaigns=tuple(campaigns_served)))
        return session_id

    # --- phones before a shift ---------------------------------------------------------------------------------------

    async def try_phone(self, who: User, endpoint: str, language: str) -> None:
        """Ring a phone to see whether its sound flows both ways; `phone_trial` tells how far it is.

        Raises OperationError for a phone that is none (a trunk would be called with no number), NotNow when somebody
        works at it.
        """
        if not ENDPOINT_NAME.fullmatch(endpoint):
            raise OperationError(
                f"{endpoint[:40]!r} is not the name of a phone; use its section name in pjsip.conf, such as agent-101"
            )
        if endpoint in {trunk.endpoint for trunk in await self.store.read(trunks.list_trunks)}:
            raise OperationError(f"{endpoint} is a trunk, not a phone")
        if self._phone_trials is None:
            raise NotNow("phones cannot be tried on this telephone network")
        before = self._phone_trials.trial(endpoint)
        if before is None or before.is_over:
            seats = [one.seat for one in await self.store.read(agents.open_agent_sessions)]
            sitting = next((one.name for one in seats if one.endpoint == endpoint), None)
            if sitting is not None:
                raise NotNow(f"{sitting} works at this phone now; try it after their shift")
            await self.store.write(
                audit.record, who=who.name, what="tried phone", subject=f"phone {endpoint}"[:64], details={},
                at_ms=self.now_ms,
            )  # fmt: skip
        self._phone_trials.begin_trial(endpoint, language)

    def phone_trial(self, endpoint: str) -> PhoneTrial | None:
        """How far the last trial of a phone is, or how it ended."""
        return None if self._phone_trials is None else self._phone_trials.trial(endpoint)

    async def resume(self) -> list[AgentSignedIn]:
        """The sessions that went on when the program last ended: what the dialer is told before it begins."""
        sessions = await self.store.read(agents.open_agent_sessions)
        for session in sessions:
            self._watch_phone(session.seat.endpoint)
        return [
            AgentSignedIn(
                seat=one.seat,
                campaigns=one.campaigns,
                is_resumed=True,
                before=one.present,
                pause_next=one.pause_next,
                signs_out_next=one.signs_out_next,
            )
            for one in sessions
        ]

    async def ask(self, request: AgentRequest) -> None:
        """Have something done for an agent. Raises NotNow, with words for people, when it is not possible now."""
        refusal = self._runtime.dialer.refusal(request)
        if refusal is not None:
            raise NotNow(refusal)
        picture = self.picture(request.agent_id)
        if isinstance(request, PreviewAccepted) and request.number and picture is not None:
            await self._check_other_phone(picture, request.number)
        if isinstance(request, AgentJoined) and picture is not None:
            served = request.campaigns
            for campaign_id in served:
                await self.store.read(campaigns.get_campaign, campaign_id)
            await self.store.write(agents.set_session_campaigns, picture.session_id, served)
        self._runtime.post(request)

    def refusal(self, request: AgentRequest) -> str | None:
        """Why this would not be done now, in words; None: it would. Asks for nothing."""
        return self._runtime.dialer.refusal(request)

    async def _check_other_phone(self, picture: AgentPicture, number: str) -> None:
        """Another phone than the one on the card: the contact's own, and not barred. Raises NotNow."""
        if picture.card is None:
            raise NotNow("there is no card to dial from")
        contact = await self.store.read(lists.get_contact, picture.card.contact_id)
        if number not in contact.phones:
            raise NotNow("this is not one of the contact's phones; write it into the card first")
        if await self.store.read(dnc.is_dnc, Number(number)):
            raise NotNow("this number is on the do-not-call list")

    def picture(self, agent_id: AgentId) -> AgentPicture | None:
        """An agent as they are now; None: not signed in."""
        return self._runtime.dialer.agent_picture(agent_id, self.now_ms)

    def watch(self, changed: Changed) -> Callable[[], None]:
        """Be told, once a turn, whose picture changed; returns what ends it."""
        return self._runtime.watch_agents(changed)

    def watch_refusals(self, listener: Callable[[AgentId, str], None]) -> Callable[[], None]:
        """Hear why what an agent wanted to dial by hand is not dialed after all; returns what ends it."""

        def look(event: Event) -> None:
            if isinstance(event, ManualRefused):
                listener(event.agent_id, event.reason)

        return self._runtime.watch(look)

    # --- supervisors -------------------------------------------------------------------------------------------------

    async def supervise(self, supervisor: User, agent_id: AgentId, endpoint: str, mode: SpyMode) -> None:
        """Listen to an agent, whisper to them, or join their call: the supervisor's phone is rung once.

        Raises OperationError for a phone that is none, NotNow when the agent is not signed in.
        """
        if not ENDPOINT_NAME.fullmatch(endpoint):
            raise OperationError(f"{endpoint[:40]!r} is not the name of a phone, such as supervisor-1")
        self._must_be_signed_in(agent_id)
        await self._note(supervisor, f"supervision: {mode.value}", agent_id, {"phone": endpoint})
        self._runtime.post(
            SupervisionAsked(
                supervisor_id=AgentId(supervisor.id),
                supervisor_name=supervisor.name,
                agent_id=agent_id,
                endpoint=endpoint,
                mode=mode,
                leg_id=LegId(f"{new_attempt_id(self.now_ms)}-s1"),
            )
        )

    async def end_supervision(self, supervisor: User) -> None:
        """Leave; harmless for a supervisor who listens to nobody."""
        self._runtime.post(SupervisionEnded(supervisor_id=AgentId(supervisor.id)))

    async def force_pause(self, supervisor: User, agent_id: AgentId, reason: PauseReason) -> None:
        """Pause an agent, after the call they are in. Raises NotNow."""
        await self._force(supervisor, AgentPaused(agent_id=agent_id, reason=reason, by=supervisor.name), reason.label)

    async def force_ready(self, supervisor: User, agent_id: AgentId) -> None:
        """Make an agent available. Raises NotNow."""
        await self._force(supervisor, AgentWentReady(agent_id=agent_id))

    async def force_sign_out(self, supervisor: User, agent_id: AgentId) -> None:
        """Sign an agent out, after the call they are in. Raises NotNow."""
        await self._force(supervisor, AgentSignedOut(agent_id=agent_id, by=supervisor.name))

    async def force_hang_up(self, supervisor: User, agent_id: AgentId, reason: str) -> None:
        """End an agent's call, for a reason that is written down. Raises OperationError without one, NotNow."""
        reason = reason.strip()
        if not 3 <= len(reason) <= MAX_REASON:
            raise OperationError(f"say in 3 to {MAX_REASON} characters why the call is ended; it is written down")
        await self._force(supervisor, HangUpAsked(agent_id=agent_id, by=supervisor.name, reason=reason), reason)

    async def message(self, supervisor: User, agent_id: AgentId | None, text: str) -> None:
        """Show a line on an agent's desk, or on everybody's (None). Raises OperationError, NotNow."""
        text = " ".join(text.split())
        if not 1 <= len(text) <= MAX_MESSAGE:
            raise OperationError(f"a message has 1 to {MAX_MESSAGE} characters")
        if agent_id is not None:
            self._must_be_signed_in(agent_id)
        await self._note(supervisor, "message", agent_id, {"text": text})
        for listener in list(self._listeners):
            listener(agent_id, text, supervisor.name)

    def watch_messages(self, listener: Told) -> Callable[[], None]:
        """Hear messages; returns what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # --- inside ------------------------------------------------------------------------------------------------------

    @property
    def now_ms(self) -> int:
        """The dialer's time."""
        return self._runtime.clock.now_ms()

    def _must_be_signed_in(self, agent_id: AgentId) -> None:
        if self.picture(agent_id) is None:
            raise NotNow("this agent is not signed in")

    async def _force(self, supervisor: User, request: AgentRequest, reason: str = "") -> None:
        await self.ask(request)
        details = {"reason": reason} if reason else {}
        await self._note(supervisor, _DONE[type(request)], request.agent_id, details)

    async def _note(self, who: User, what: str, agent_id: AgentId | None, details: dict[str, str]) -> None:
        subject = "everybody" if agent_id is None else f"agent {agent_id}"
        await self.store.write(
            audit.record, who=who.name, what=what, subject=subject, details=details, at_ms=self.now_ms
        )
