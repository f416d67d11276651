"""One signed-in agent: their states, told as one table, and how long each lasted.

A step that the table does not have is refused and changes nothing. Every step ends one stint and begins the next, at
the same moment, so that the stints of a session tile its time: what reports are folded from. A pause or sign-out asked
for during a call is latched, and taken when the call and its wrap-up are over.
"""

from __future__ import annotations

import enum
from dataclasses import replace
from typing import Final

from app.agent_commands import LogAgent
from app.agents import AgentPlan, AgentState, AgentStint, DialingMode, PauseReason, Seat
from app.dialing.consult import Consult
from app.dialing.phone import Phone
from app.units import MINUTE_MS, AgentId, AttemptId, CampaignId


class AgentStep(enum.Enum):
    """What makes an agent's state change."""

    SIGN_IN = "sign in"
    GO_READY = "go ready"
    PAUSE = "pause"
    RESERVE = "reserve"
    """A preview is put before them, or contacts are taken for them."""
    RING = "ring"
    """A call for them is on its way."""
    TALK = "talk"
    HOLD = "hold"
    RESUME = "resume"
    WRAP_UP = "wrap up"
    """The conversation is over, its card is not."""
    RELEASE = "release"
    """Nothing came of it, the person was given away with the card, or the card is finished."""
    FIND_TALK = "find talk"
    """The dialer was restarted, and found them in the conversation of before."""
    FIND_WRAP_UP = "find wrap-up"
    """The dialer was restarted, and their conversation had ended meanwhile."""
    SIGN_OUT = "sign out"


_S = AgentState
_T = AgentStep
_ROWS: Final[dict[AgentState, dict[AgentStep, AgentState]]] = {
    _S.SIGNED_OUT: {_T.SIGN_IN: _S.PAUSED},
    _S.AVAILABLE: {
        _T.PAUSE: _S.PAUSED, _T.RESERVE: _S.RESERVED, _T.RING: _S.RINGING, _T.SIGN_OUT: _S.SIGNED_OUT,
    },
    _S.RESERVED: {
        _T.PAUSE: _S.PAUSED, _T.RING: _S.RINGING, _T.RELEASE: _S.AVAILABLE, _T.SIGN_OUT: _S.SIGNED_OUT,
    },
    _S.RINGING: {
        _T.PAUSE: _S.PAUSED, _T.TALK: _S.TALKING, _T.RELEASE: _S.AVAILABLE, _T.SIGN_OUT: _S.SIGNED_OUT,
    },
    _S.TALKING: {
        _T.PAUSE: _S.PAUSED, _T.HOLD: _S.ON_HOLD, _T.WRAP_UP: _S.WRAP_UP, _T.RELEASE: _S.AVAILABLE,
        _T.SIGN_OUT: _S.SIGNED_OUT,
    },
    _S.ON_HOLD: {
        _T.PAUSE: _S.PAUSED, _T.RESUME: _S.TALKING, _T.WRAP_UP: _S.WRAP_UP, _T.RELEASE: _S.AVAILABLE,
        _T.SIGN_OUT: _S.SIGNED_OUT,
    },
    _S.WRAP_UP: {
        _T.PAUSE: _S.PAUSED, _T.RELEASE: _S.AVAILABLE, _T.SIGN_OUT: _S.SIGNED_OUT,
    },
    _S.PAUSED: {
        _T.GO_READY: _S.AVAILABLE, _T.PAUSE: _S.PAUSED, _T.RESERVE: _S.RESERVED, _T.FIND_TALK: _S.TALKING,
        _T.FIND_WRAP_UP: _S.WRAP_UP, _T.SIGN_OUT: _S.SIGNED_OUT,
    },
}  # fmt: skip

TABLE: Final[dict[tuple[AgentState, AgentStep], AgentState | None]] = {
    (state, step): _ROWS[state].get(step) for state in AgentState for step in AgentStep
}
"""Every pair of state and step: the state that follows, or None where the step is refused.

Pausing while talking is the phone's or the browser's loss; what is asked for is latched (see app.dialing.floor).
"""

SIGNED_IN: Final = PauseReason(code="signed-in", label="Signed in")
PHONE_LOST: Final = PauseReason(code="phone-lost", label="Phone lost")
PHONE_UNANSWERED: Final = PauseReason(code="phone-unanswered", label="Phone not answered")
BROWSER_LOST: Final = PauseReason(code="browser-lost", label="Browser lost")
AWAY: Final = PauseReason(code="away", label="Away")
RESTARTED: Final = PauseReason(code="restarted", label="The dialer was restarted")

BROWSER_PATIENCE_MS: Final = MINUTE_MS
"""How long an agent's page may be away before they are paused."""
IN_CALL: Final = frozenset({AgentState.TALKING, AgentState.ON_HOLD})


class IllegalStep(ValueError):
    """The table has no such step; nothing was changed."""


class AgentRun:
    """A signed-in agent. `step` changes the state; everything else is what they are busy with, set by the floor."""

    __slots__ = (
        "_latch_logged", "browser_lost_at_ms", "busy_since_ms", "calls", "calls_taken", "campaigns", "consult",
        "consulted_by", "deadline_ms", "extensions", "id", "is_muted", "is_touched", "mode", "pause_next",
        "person_id", "phone", "promised_to", "reason", "returns_ready", "seat", "signs_out_next", "state", "stint",
        "talked_ms", "untouched",
    )  # fmt: skip

    def __init__(self, seat: Seat, campaigns: tuple[CampaignId, ...]) -> None:
        self.id: AgentId = seat.agent_id
        self.seat = seat
        self.campaigns = campaigns
        self.state = AgentState.SIGNED_OUT
        self.stint: AgentStint | None = None
        self.phone = Phone(seat)
        self.reason: PauseReason | None = None
        self.pause_next: PauseReason | None = None
        self.signs_out_next = False
        self._latch_logged: tuple[PauseReason | None, bool] = (None, False)
        self.browser_lost_at_ms: int | None = None
        self.promised_to: CampaignId | None = None  # contacts are being claimed for them
        self.mode = DialingMode.PROGRESSIVE  # how what is on its way to them came about
        self.calls: dict[AttemptId, None] = {}  # on their way to them, oldest first
        self.person_id: AttemptId | None = None  # whose card is before them: talking, or to be disposed
        self.consult: Consult | None = None  # with whom they speak about the person
        self.consulted_by: AgentId | None = None  # whom they are asked by to take a person over
        self.deadline_ms: int | None = None  # of the preview or the wrap-up
        self.extensions = 0
        self.is_touched = False  # they did something since the wrap-up began
        self.untouched = 0  # wrap-ups in a row that ran out without a touch
        self.returns_ready = False  # a restart alone paused them: they go on as soon as phone and page are there
        self.is_muted = False
        self.calls_taken = 0
        self.talked_ms = 0
        self.busy_since_ms = 0  # when the present conversation began, holds and consultations included

    def step(
        self,
        step: AgentStep,
        now_ms: int,
        *,
        reason: PauseReason | None = None,
        campaign_id: CampaignId | None = None,
        attempt_id: AttemptId | None = None,
    ) -> LogAgent:
        """Take a step; what is to be written down. Raises IllegalStep, and changes nothing, when the table has none."""
        target = TABLE[self.state, step]
        if target is None:
            raise IllegalStep(f"agent {self.id} is {self.state.value}: no step “{step.value}” from there")
        assert (reason is not None) is (target is AgentState.PAUSED), "a pause has a reason, and nothing else has"
        ended = None if self.stint is None else replace(self.stint, until_ms=now_ms)
        self.stint = None
        if target is not AgentState.SIGNED_OUT:
            self.stint = AgentStint(
                agent_id=self.id,
                session_id=self.seat.session_id,
                state=target,
                from_ms=now_ms,
                reason="" if reason is None else reason.code,
                is_paid=reason is None or reason.is_paid,
                campaign_id=campaign_id,
                attempt_id=attempt_id,
            )
        if target in IN_CALL and self.state not in IN_CALL:
            self.busy_since_ms = now_ms
        if self.state in IN_CALL and ended is not None:
            self.talked_ms += now_ms - ended.from_ms
        self.state, self.reason = target, reason
        self.deadline_ms = None
        if target is not AgentState.AVAILABLE:
            self.promised_to = None
        return self._log(ended)

    def _log(self, ended: AgentStint | None) -> LogAgent:
        self._latch_logged = (self.pause_next, self.signs_out_next)
        return LogAgent(
            agent_id=self.id,
            session_id=self.seat.session_id,
            ended=ended,
            now=self.stint,
            pause_next=self.pause_next,
            signs_out_next=self.signs_out_next,
        )

    def log_latch(self) -> list[LogAgent]:
        """What they asked for to come after this call is written down, where it changed: a restart must not lose it."""
        is_noted = self.stint is None or self._latch_logged == (self.pause_next, self.signs_out_next)
        return [] if is_noted else [self._log(None)]

    def may(self, step: AgentStep) -> bool:
        """Whether the table has this step now."""
        return TABLE[self.state, step] is not None

    @property
    def since_ms(self) -> int:
        """When the present state began."""
        assert self.stint is not None, f"agent {self.id} is signed out"
        return self.stint.from_ms

    @property
    def is_free(self) -> bool:
        """Whether they could take a person now: available, with a phone and a page that are there."""
        return self.state is AgentState.AVAILABLE and self.browser_lost_at_ms is None and self.phone.is_fit

    @property
    def is_leaving(self) -> bool:
        """Whether they asked to take no more calls after this one."""
        return self.signs_out_next or self.pause_next is not None

    def next_deadline_ms(self) -> int | None:
        """When something about them is due by time alone: their card, their page, their phone's lease."""
        times = [time for time in (self.deadline_ms, self.phone.next_deadline_ms(), self._page_due_ms()) if time]
        return min(times, default=None)

    def _page_due_ms(self) -> int | None:
        if self.browser_lost_at_ms is None or self.pause_next is not None or self.state is AgentState.PAUSED:
            return None
        return self.browser_lost_at_ms + BROWSER_PATIENCE_MS

    def is_page_overdue(self, now_ms: int) -> bool:
        """Whether their page has been away too long for an agent who takes calls."""
        due_ms = self._page_due_ms()
        return due_ms is not None and now_ms >= due_ms

    def begin_wrap_up(self, plan: AgentPlan, now_ms: int) -> None:
        """Their time to finish the card begins."""
        self.deadline_ms = now_ms + plan.wrap_up_ms
        self.extensions = 0
        self.is_touched = False

    def extend_wrap_up(self, plan: AgentPlan) -> None:
        """A little more of it; the floor has seen that it may be."""
        assert self.deadline_ms is not None, f"agent {self.id} has no wrap-up to extend"
        self.deadline_ms += plan.wrap_up_extension_ms
        self.extensions += 1
