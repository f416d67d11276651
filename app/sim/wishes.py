"""What robot agents may ask for: the sensible, and what makes no sense at the moment."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from app.agent_events import (
    AgentRequest,
    AgentWentReady,
    DispositionSet,
    HangUpAsked,
    HoldAsked,
    KeysAsked,
    MuteAsked,
    PhoneAsked,
    PreviewAccepted,
    PreviewRefused,
    RecordAsked,
    TransferAsked,
    TransferCancelled,
    TransferFinished,
    WrapUpExtended,
)
from app.agents import CallbackPlan, DialingMode, Disposition, DispositionEffect, PauseReason
from app.dialing.snapshot import AgentPicture
from app.units import HOUR_MS, MINUTE_MS, AgentId, CampaignId, Number

BREAKS: Final = (
    PauseReason(code="coffee", label="Coffee", limit_ms=10 * MINUTE_MS),
    PauseReason(code="lunch", label="Lunch", is_paid=False, limit_ms=HOUR_MS),
    PauseReason(code="meeting", label="Meeting"),
)


@dataclass(slots=True, kw_only=True)
class Surroundings:
    """What robots know of the floor beside their own desks.

    numbers: still to be dialed by hand; outside: numbers of third parties. is_closing: the shift is over.
    """

    dispositions: Sequence[Disposition]
    modes: dict[CampaignId, DialingMode]
    agents: list[AgentId] = field(default_factory=list)
    numbers: list[tuple[CampaignId, Number]] = field(default_factory=list)
    outside: Sequence[Number] = ()
    is_closing: bool = False


class Wishes:
    """The wishes of one agent, by chance."""

    def __init__(self, agent_id: AgentId, around: Surroundings, rng: random.Random) -> None:
        self.agent_id = agent_id
        self._around = around
        self._rng = rng

    def nonsense(self, picture: AgentPicture) -> AgentRequest:
        """Something anybody might ask for at any moment."""
        agent_id = self.agent_id
        wishes: list[AgentRequest] = [
            AgentWentReady(agent_id=agent_id),
            HangUpAsked(agent_id=agent_id),
            HoldAsked(agent_id=agent_id, is_on=self._strikes(0.5)),
            MuteAsked(agent_id=agent_id, is_on=self._strikes(0.5)),
            RecordAsked(agent_id=agent_id, is_on=self._strikes(0.5)),
            KeysAsked(agent_id=agent_id, digits="x"),
            TransferFinished(agent_id=agent_id, is_conference=self._strikes(0.5)),
            TransferCancelled(agent_id=agent_id),
            WrapUpExtended(agent_id=agent_id),
            PhoneAsked(agent_id=agent_id),
            self.transfer(picture),
            TransferAsked(agent_id=agent_id),
            TransferAsked(agent_id=agent_id, to_agent_id=agent_id, is_attended=True),
        ]
        if picture.card is not None:
            attempt_id = picture.card.attempt_id
            wishes += [
                PreviewAccepted(agent_id=agent_id, attempt_id=attempt_id),
                PreviewRefused(agent_id=agent_id, attempt_id=attempt_id),
                DispositionSet(agent_id=agent_id, attempt_id=attempt_id, code="no-such-code", is_done=True),
            ]
        return self._rng.choice(wishes)

    def transfer(self, picture: AgentPicture) -> TransferAsked:
        """Give the person to somebody else, in one of the ways there are."""
        others = [other for other in self._around.agents if other != self.agent_id]
        is_attended = self._strikes(0.6)
        kinds = (
            ["outside"] * bool(self._around.outside) + ["agent"] * bool(others) + ["queue"] * bool(picture.campaigns)
        )
        match self._rng.choice(kinds or ["nobody"]):
            case "outside":
                number = self._rng.choice(self._around.outside)
                return TransferAsked(agent_id=self.agent_id, to_number=number, is_attended=is_attended)
            case "agent":
                other = self._rng.choice(others)
                return TransferAsked(agent_id=self.agent_id, to_agent_id=other, is_attended=is_attended)
            case "queue":
                return TransferAsked(agent_id=self.agent_id, to_campaign_id=self._rng.choice(picture.campaigns))
            case _:
                return TransferAsked(agent_id=self.agent_id)

    def result(self, picture: AgentPicture, *, is_done: bool, now_ms: int) -> DispositionSet:
        """What came of the conversation; the picture has a card."""
        assert picture.card is not None
        chosen = self._rng.choice(self._around.dispositions)
        callback = None
        if chosen.effect is DispositionEffect.CALLBACK:
            is_own = self._strikes(0.5)
            at_ms = now_ms + self._rng.randint(10, 180) * MINUTE_MS
            until_ms = at_ms + 30 * MINUTE_MS
            callback = CallbackPlan(at_ms=at_ms, agent_id=self.agent_id if is_own else None, until_ms=until_ms)
        return DispositionSet(
            agent_id=self.agent_id,
            attempt_id=picture.card.attempt_id,
            code=chosen.code,
            note="noted",
            callback=callback,
            is_done=is_done,
        )

    def _strikes(self, share: float) -> bool:
        return self._rng.random() < share
