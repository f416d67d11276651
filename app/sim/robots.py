"""Agents in virtual time: they work, err and vanish as people do, all by chance that comes from a seed.

A robot sees its own picture, as an agent sees the desk, and what it means to do next is a plan of deeds with their
moments. When the picture changes in what matters to it, the plan is made anew.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from app.agent_events import (
    AgentJoined,
    AgentPaused,
    AgentRequest,
    AgentSignedOut,
    AgentWentReady,
    BrowserLost,
    DeskTold,
    DeskWord,
    HangUpAsked,
    HoldAsked,
    KeysAsked,
    ManualDialAsked,
    MuteAsked,
    PhoneAsked,
    PreviewAccepted,
    PreviewRefused,
    RecordAsked,
    TransferCancelled,
    TransferFinished,
    WrapUpExtended,
)
from app.agents import AgentState, DialingMode, PhoneMode
from app.dialing.snapshot import AgentPicture
from app.sim.legs import Legs
from app.sim.temper import Temper
from app.sim.wishes import BREAKS, Surroundings, Wishes
from app.units import MINUTE_MS, SECOND_MS, AgentId, CampaignId

TRIES_BY_HAND: Final = 500
"""Numbers an agent takes one after the other, a minute apart, when nothing comes of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something a robot does at a moment: it asks for something, signs in, or does something with its phone.

    dials: it takes the next number there is and dials it by hand.
    """

    at_ms: int
    request: AgentRequest | None = None
    with_phone: Callable[[Legs], None] | None = None
    signs_in: bool = False
    dials: bool = False


Hours = tuple[tuple[float, float], ...]
"""When an agent works: from and until, in milliseconds since the epoch."""
ALWAYS: Final[Hours] = ((0, math.inf),)
Matters = tuple[object, ...]
"""What of a picture makes a robot think again."""


class RobotAgent:
    """One agent. `see` takes its picture (None: not signed in), `due` gives the deeds whose moment has come."""

    def __init__(
        self, agent_id: AgentId, temper: Temper, around: Surroundings, rng: random.Random, hours: Hours = ALWAYS
    ) -> None:
        self.agent_id = agent_id
        self._hours = hours
        self.temper = temper
        self._around = around
        self._rng = rng
        self._wishes = Wishes(agent_id, around, rng)
        self._campaigns: tuple[CampaignId, ...] = ()
        self._matters: Matters | None = None
        self._plan: list[Deed] = []

    def see(self, picture: AgentPicture | None, now_ms: int) -> None:
        """Look at the desk."""
        matters = _matters(picture, is_closing=self._around.is_closing)
        if matters != self._matters:
            self._matters = matters
            self._campaigns = () if picture is None else picture.campaigns
            self._plan = []
            self._think(picture, now_ms)
            self._plan.sort(key=lambda deed: deed.at_ms)

    def forget(self) -> None:
        """The dialer died: whatever the desk shows next is new."""
        self._matters = None

    def next_ms(self) -> int | None:
        """When it does something next."""
        return self._plan[0].at_ms if self._plan else None

    def due(self, now_ms: int) -> list[Deed]:
        """What it does now."""
        deeds = [deed for deed in self._plan if deed.at_ms <= now_ms]
        self._plan = self._plan[len(deeds) :]
        return [self._dialing(deed) if deed.dials else deed for deed in deeds]

    def _dialing(self, deed: Deed) -> Deed:
        """The next number of the campaigns it serves, if any is left."""
        for place, (campaign_id, number) in enumerate(self._around.numbers):
            if campaign_id in self._campaigns:
                del self._around.numbers[place]
                request = ManualDialAsked(agent_id=self.agent_id, campaign_id=campaign_id, number=number)
                return Deed(at_ms=deed.at_ms, request=request)
        return deed

    # --- thinking ----------------------------------------------------------------------------------------------------

    def _think(self, picture: AgentPicture | None, now_ms: int) -> None:
        if picture is None:
            begins_ms = self._begins_ms(now_ms)
            if begins_ms is not None and not self._around.is_closing:
                for again in range(1, 100):  # the session before may still be open on disk
                    self._plan.append(Deed(at_ms=begins_ms + again * self._some(10 * SECOND_MS), signs_in=True))
            return
        if (ends_ms := self._ends_ms(now_ms)) is not None and not picture.signs_out_next:
            self._ask(max(ends_ms, now_ms), AgentSignedOut(agent_id=self.agent_id))
        if picture.is_browser_lost:
            away_ms = self._some(SECOND_MS if self._strikes(0.7) else 2 * MINUTE_MS)
            self._ask(now_ms + away_ms, BrowserLost(agent_id=self.agent_id, is_lost=False))
        if self._around.is_closing and not picture.signs_out_next:
            self._ask(now_ms + self._rng.randint(0, 5_000), AgentSignedOut(agent_id=self.agent_id))
        if self._strikes(self.temper.errs):
            self._ask(now_ms + self._some(3 * SECOND_MS), self._wishes.nonsense(picture))
        match picture.state:
            case AgentState.PAUSED:
                self._in_pause(picture, now_ms)
            case AgentState.AVAILABLE:
                self._when_available(picture, now_ms)
            case AgentState.RESERVED if picture.card is not None and picture.card.is_preview:
                self._with_preview(picture, now_ms)
            case AgentState.RESERVED | AgentState.RINGING:
                self._while_ringing(now_ms)
            case AgentState.TALKING:
                self._while_talking(picture, now_ms)
            case AgentState.ON_HOLD:
                self._while_holding(picture, now_ms)
            case AgentState.WRAP_UP:
                self._in_wrap_up(picture, now_ms)
            case AgentState.SIGNED_OUT:
                pass

    def _in_pause(self, picture: AgentPicture, now_ms: int) -> None:
        rest_ms = self._some(SECOND_MS if picture.reason == "signed-in" else self.temper.pause_ms)
        if picture.phone_mode is PhoneMode.NAILED_UP and not picture.is_phone_up:
            for again in range(1, 20):  # until it is there: then the picture is another
                self._ask(now_ms + again * self._some(20 * SECOND_MS), PhoneAsked(agent_id=self.agent_id))
        if not self._around.is_closing:
            for again in range(1, 200):
                self._ask(now_ms + again * rest_ms, AgentWentReady(agent_id=self.agent_id))

    def _when_available(self, picture: AgentPicture, now_ms: int) -> None:
        self._misbehave(now_ms + self._some(20 * SECOND_MS))
        times = TRIES_BY_HAND if DialingMode.MANUAL in self._modes(picture) else self._strikes(self.temper.dials)
        for again in range(times):
            self._plan.append(Deed(at_ms=now_ms + self._some(4 * SECOND_MS) + again * MINUTE_MS, dials=True))

    def _with_preview(self, picture: AgentPicture, now_ms: int) -> None:
        assert picture.card is not None
        attempt_id, at_ms = picture.card.attempt_id, now_ms + self._some(self.temper.preview_ms)
        if self._strikes(self.temper.ignores):
            return
        if self._strikes(self.temper.closes):
            self._ask(
                at_ms,
                PreviewRefused(agent_id=self.agent_id, attempt_id=attempt_id, is_closed=True, reason="they moved away"),
            )
        elif self._strikes(self.temper.skips):
            self._ask(at_ms, PreviewRefused(agent_id=self.agent_id, attempt_id=attempt_id))
        else:
            self._ask(at_ms, PreviewAccepted(agent_id=self.agent_id, attempt_id=attempt_id))
        self._misbehave(at_ms + self._rng.randint(-1_000, 1_000))

    def _while_ringing(self, now_ms: int) -> None:
        self._misbehave(now_ms + self._some(5 * SECOND_MS))
        if self._strikes(self.temper.leaves):
            self._ask(now_ms + self._some(5 * SECOND_MS), HangUpAsked(agent_id=self.agent_id))

    def _while_talking(self, picture: AgentPicture, now_ms: int) -> None:
        ends_ms = now_ms + self._some(self.temper.talk_ms, self.temper.talk_spread)
        self._ask(ends_ms, HangUpAsked(agent_id=self.agent_id))
        if picture.card is not None and self.temper.closing_ms:
            pressed_ms = max(now_ms, ends_ms - self._some(self.temper.closing_ms, 0.3))
            told = DeskTold(agent_id=self.agent_id, attempt_id=picture.card.attempt_id, word=DeskWord.CLOSING)
            self._ask(pressed_ms, told)
        if picture.card is not None and self._strikes(self.temper.results):
            self._ask(self._between(now_ms, ends_ms), self._wishes.result(picture, is_done=False, now_ms=now_ms))
        if picture.is_conference:
            return
        if self._strikes(self.temper.holds):
            self._ask(self._between(now_ms, ends_ms), HoldAsked(agent_id=self.agent_id, is_on=True))
        if self._strikes(self.temper.mutes):
            at_ms = self._between(now_ms, ends_ms)
            self._ask(at_ms, MuteAsked(agent_id=self.agent_id, is_on=True))
            self._ask(self._between(at_ms, ends_ms), MuteAsked(agent_id=self.agent_id, is_on=False))
        if self._strikes(self.temper.records):
            at_ms = self._between(now_ms, ends_ms)
            self._ask(at_ms, RecordAsked(agent_id=self.agent_id, is_on=True))
            self._ask(self._between(at_ms, ends_ms), RecordAsked(agent_id=self.agent_id, is_on=False))
        if self._strikes(self.temper.mutes):
            self._ask(self._between(now_ms, ends_ms), KeysAsked(agent_id=self.agent_id, digits="12#"))
        if self._strikes(self.temper.transfers):
            self._ask(self._between(now_ms, ends_ms), self._wishes.transfer(picture))
        self._misbehave(self._between(now_ms, ends_ms))

    def _while_holding(self, picture: AgentPicture, now_ms: int) -> None:
        at_ms = now_ms + self._some(8 * SECOND_MS)
        if not picture.consult:
            self._ask(at_ms, HoldAsked(agent_id=self.agent_id, is_on=False))
            self._ask(at_ms + 30 * SECOND_MS, HangUpAsked(agent_id=self.agent_id))
        elif picture.is_consult_up:
            self._ask(
                at_ms,
                self._rng.choice(
                    (
                        TransferFinished(agent_id=self.agent_id),
                        TransferFinished(agent_id=self.agent_id, is_conference=True),
                        TransferCancelled(agent_id=self.agent_id),
                    )
                ),
            )
            self._ask(at_ms + 30 * SECOND_MS, HangUpAsked(agent_id=self.agent_id))
        else:
            self._ask(now_ms + self._some(20 * SECOND_MS), TransferCancelled(agent_id=self.agent_id))
        self._misbehave(at_ms)

    def _in_wrap_up(self, picture: AgentPicture, now_ms: int) -> None:
        at_ms = now_ms + self._some(self.temper.wrap_up_ms, self.temper.wrap_up_spread)
        if self._strikes(self.temper.walks_away):
            return
        if self._strikes(self.temper.holds):
            self._ask(at_ms, WrapUpExtended(agent_id=self.agent_id))
            at_ms += self._some(20 * SECOND_MS)
        if picture.card is None or self._strikes(0.1):
            self._ask(at_ms, AgentWentReady(agent_id=self.agent_id))
        else:
            self._ask(at_ms, self._wishes.result(picture, is_done=True, now_ms=now_ms))
        self._misbehave(at_ms - 100)

    # --- mischief ----------------------------------------------------------------------------------------------------

    def _misbehave(self, at_ms: int) -> None:
        """Some of what people do whatever they are at."""
        agent_id = self.agent_id
        if self._strikes(self.temper.breaks):
            self._ask(at_ms, AgentPaused(agent_id=agent_id, reason=self._rng.choice(BREAKS)))
        if self._strikes(self.temper.leaves):
            self._ask(at_ms, AgentSignedOut(agent_id=agent_id))
        if self._strikes(self.temper.joins):
            served = tuple(campaign_id for campaign_id in self._around.modes if self._strikes(0.7))
            self._ask(at_ms, AgentJoined(agent_id=agent_id, campaigns=served or tuple(self._around.modes)))
        if self._strikes(self.temper.reloads):
            self._ask(at_ms, BrowserLost(agent_id=agent_id, is_lost=True))
        if self._strikes(self.temper.drops_phone):
            self._plan.append(Deed(at_ms=at_ms, with_phone=self._rng.choice(self._with_phone())))

    def _with_phone(self) -> tuple[Callable[[Legs], None], ...]:
        endpoint, away_ms = endpoint_of(self.agent_id), self._some(30 * SECOND_MS)
        return (
            lambda legs: legs.put_down(endpoint),
            lambda legs: legs.lose_sound(endpoint),
            lambda legs: legs.lose_phone(endpoint, away_ms),
        )

    # --- hours -------------------------------------------------------------------------------------------------------

    def _begins_ms(self, now_ms: int) -> int | None:
        """When work begins, or goes on; None: never again."""
        return min((max(now_ms, int(from_ms)) for from_ms, until_ms in self._hours if until_ms > now_ms), default=None)

    def _ends_ms(self, now_ms: int) -> int | None:
        """When the present hours of work end; None: they do not."""
        ends = [until_ms for from_ms, until_ms in self._hours if from_ms <= now_ms < until_ms]
        is_always = math.inf in ends
        return None if is_always else int(max(ends, default=now_ms))

    # --- chance ------------------------------------------------------------------------------------------------------

    def _ask(self, at_ms: int, request: AgentRequest) -> None:
        self._plan.append(Deed(at_ms=at_ms, request=request))
        if self._strikes(self.temper.doubles):
            self._plan.append(Deed(at_ms=at_ms + self._rng.choice((0, 0, 80)), request=request))

    def _strikes(self, share: float) -> bool:
        return self._rng.random() < share

    def _some(self, median_ms: int, spread: float = 0.6) -> int:
        return max(1, min(20 * median_ms, int(median_ms * self._rng.lognormvariate(0, spread))))

    def _between(self, from_ms: int, to_ms: int) -> int:
        return self._rng.randint(from_ms, max(from_ms, to_ms))

    def _modes(self, picture: AgentPicture) -> set[DialingMode]:
        return {
            self._around.modes[campaign_id] for campaign_id in picture.campaigns if campaign_id in self._around.modes
        }


def _matters(picture: AgentPicture | None, *, is_closing: bool) -> Matters:
    if picture is None:
        return (None, is_closing)
    return (
        picture.session_id,
        picture.state,
        picture.since_ms,
        None if picture.card is None else picture.card.attempt_id,
        picture.is_phone_up,
        picture.is_browser_lost,
        picture.is_consult_up,
        bool(picture.consult),
        picture.is_conference,
        picture.signs_out_next,
        is_closing,
    )


def endpoint_of(agent_id: AgentId) -> str:
    """The phone of an agent."""
    return f"desk-{agent_id}"
