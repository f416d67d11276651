"""A campaign at work: how many contacts it wants now, who waits for a line, and when it is finished."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Final

from app.agents import DialingMode
from app.dialing.attempt import AttemptRun
from app.dialing.floor_words import static_floor_prompts
from app.dialing.rate import Rate
from app.ivr.flow import Flow
from app.ivr.needs import static_prompts
from app.model import Audio, Campaign, CampaignStatus, Prompt
from app.units import SECOND_MS, AttemptId

STOCK_MS: Final = 400
"""Contacts are claimed this far ahead of the rate: enough to hide a commit, too little to go stale."""
STOCK_FOR_AGENTS_MS: Final = 150
"""The same for agents: one is held for each meanwhile, and a large batch would hold up whoever is just answered."""
LOOK_MS: Final = 15 * SECOND_MS
"""The waiting line is looked at this often, though nobody in it is known to be due."""
STORE_REST_MS: Final = SECOND_MS
"""After the database refused a claim, how long until the next."""
HINDRANCE_MS: Final = 15 * SECOND_MS
"""While the law keeps a campaign from calling anybody, the disk is asked this often whether it still does."""
KNOWN_PROMPTS: Final = 1_000
"""Prompts whose audio a campaign remembers (the ones that are the same for everybody)."""
KNOWN_LANGUAGES: Final = 100


class CampaignRun:
    """One campaign: counts, its rate, its waiting attempts. The dialer asks and tells."""

    __slots__ = (
        "_is_to_look", "_shared", "audio", "campaign", "claim_after_ms", "claiming", "closing",
        "first_calls", "flow", "held", "hindrance", "next_due_ms", "on_the_line", "placed", "preparing", "rate",
        "ready", "recovering", "status", "wrapping_up",
    )  # fmt: skip

    def __init__(self, campaign: Campaign, flow: Flow, now_ms: int, first_calls: int | None = None) -> None:
        self.campaign = campaign
        self.flow = flow
        self.status = CampaignStatus.RUNNING
        self.rate = Rate(campaign.calls_per_second, now_ms)
        self.audio: dict[Prompt, Audio] = {}
        self.claiming = 0  # contacts asked for and not yet heard of
        self.claim_after_ms = now_ms
        self.hindrance = ""  # why nobody at all may be called, as the last claim told
        self.next_due_ms: int | None = now_ms  # when the next waiting contact falls due; None: nobody waits
        self.held: set[AttemptId] = set()  # on an agent's card, not to be placed until they say so
        self.preparing: set[AttemptId] = set()
        self.ready: deque[AttemptRun] = deque()
        self.on_the_line: set[AttemptId] = set()
        self.wrapping_up: set[AttemptId] = set()  # their calls are over, their agents' words are awaited
        self.closing: dict[AttemptId, int | None] = {}  # ends being written, and when their contact falls due again
        self.recovering: set[AttemptId] = set()  # open since a life before this one, and not looked into yet
        self.placed = 0  # calls ever placed, for the rate shown
        self.first_calls = first_calls  # to be placed until it pauses by itself; None: it does not
        self._shared: dict[str, frozenset[Prompt]] = {}
        self._is_to_look = False  # somebody was added since the claim under way was asked for

    def set(self, campaign: Campaign, flow: Flow, now_ms: int, first_calls: int | None = None) -> None:
        """Started anew or changed: look at the waiting line again.

        A change while the first calls are made does not begin to count them anew: the disk's count is behind ours.
        """
        if self.status is not CampaignStatus.RUNNING or campaign.pause_at != self.campaign.pause_at:
            self.first_calls = first_calls
        self._shared = {}
        self.campaign = campaign
        self.flow = flow
        self.status = CampaignStatus.RUNNING
        self.rate.set(campaign.calls_per_second, now_ms)
        self.look_again(now_ms)

    def look_again(self, now_ms: int) -> None:
        """Somebody may be due now."""
        self._is_to_look = self.claiming > 0
        self.next_due_ms = now_ms if self.next_due_ms is None else min(self.next_due_ms, now_ms)

    def claimed(self, next_due_ms: int | None, now_ms: int, hindrance: str = "") -> None:
        """The claim was answered; who was added meanwhile may be missing from the answer.

        Another process may add contacts without telling: the line is looked at again after a while.
        """
        self.claiming = 0
        self.hindrance = hindrance
        if hindrance:
            self.claim_after_ms = now_ms + HINDRANCE_MS
        self.next_due_ms = None if next_due_ms is None else min(next_due_ms, now_ms + LOOK_MS)
        if self._is_to_look:
            self.look_again(now_ms)

    @property
    def stock(self) -> int:
        """Attempts that are open and have no call yet."""
        return len(self.preparing) + len(self.ready)

    @property
    def in_work(self) -> int:
        """Attempts that are not closed on disk."""
        up = self.stock + len(self.held) + len(self.on_the_line) + len(self.wrapping_up)
        return self.claiming + up + len(self.closing) + len(self.recovering)

    def wanted(self, capacity: int, now_ms: int) -> int:
        """How many contacts to claim now, when the trunks could take `capacity` more calls."""
        claim_at_ms = self.next_claim_ms()
        return 0 if claim_at_ms is None or claim_at_ms > now_ms else self.lacking(capacity)

    def lacking(self, capacity: int) -> int:
        """How many contacts the stock could take, when the trunks could take `capacity` more calls.

        A card that an agent reads keeps a line, so that it can be dialed when they say so, and wears off no rate.
        """
        free = min(self.campaign.lines - len(self.on_the_line), capacity)
        free = (free if self.first_calls is None else min(free, self.first_calls)) - self.stock - len(self.held)
        if self.campaign.mode is DialingMode.PREVIEW:
            return max(0, free)
        ahead_ms = STOCK_FOR_AGENTS_MS if self.is_for_agents else STOCK_MS
        full = math.ceil(self.campaign.calls_per_second * ahead_ms / 1_000) + 1
        return 0 if self.stock > full // 2 else max(0, min(full - self.stock, free))

    @property
    def is_for_agents(self) -> bool:
        """Whether it dials for its agents, and never without them."""
        return self.campaign.mode is not DialingMode.BROADCAST

    @property
    def is_reserving(self) -> bool:
        """Whether each of its calls is for an agent who is held for it."""
        return self.is_for_agents and not self.is_ahead

    @property
    def is_ahead(self) -> bool:
        """Whether it dials before agents are free: calls are nobody's until they are answered."""
        return self.campaign.mode is DialingMode.PREDICTIVE

    def next_claim_ms(self) -> int | None:
        """When the waiting line is to be looked at again, as far as time alone decides; by hand it never is."""
        if self.status is not CampaignStatus.RUNNING or self.claiming or self.next_due_ms is None:
            return None
        if self.campaign.mode is DialingMode.MANUAL or self.first_calls == 0:
            return None
        return max(self.next_due_ms, self.claim_after_ms)

    @property
    def may_place(self) -> bool:
        """A contact waits and a line of the campaign is free."""
        return (
            self.status is CampaignStatus.RUNNING and bool(self.ready) and len(self.on_the_line) < self.campaign.lines
        )

    @property
    def is_exhausted(self) -> bool:
        """Nobody waits, nobody is dialed, and every end is on disk."""
        return self.status is CampaignStatus.RUNNING and self.next_due_ms is None and self.in_work == 0

    @property
    def is_tried(self) -> bool:
        """The first calls it was to make are made, and every end is on disk: it is time to pause."""
        return self.status is CampaignStatus.RUNNING and self.first_calls == 0 and self.in_work == 0

    def dialed(self) -> None:
        """A call is placed."""
        self.placed += 1
        if self.first_calls:
            self.first_calls -= 1

    def remember(self, audio: Mapping[Prompt, Audio], language: str) -> None:
        """Keep of what was rendered for one contact what serves all of their language."""
        shared = {prompt: made for prompt, made in audio.items() if prompt in self._shared_prompts(language)}
        if len(self.audio) + len(shared) <= KNOWN_PROMPTS:
            self.audio.update(shared)

    def _shared_prompts(self, language: str) -> frozenset[Prompt]:
        known = self._shared.get(language)
        if known is None:
            if len(self._shared) >= KNOWN_LANGUAGES:  # a list's column may hold anything
                self._shared.clear()
            known = frozenset(static_prompts(self.flow, (language,)))
            known |= static_floor_prompts(self.campaign, self.flow, language)
            self._shared[language] = known
        return known

    def closed(self, attempt_id: AttemptId) -> None:
        """An end is on disk: its contact may wait again."""
        due_ms = self.closing.pop(attempt_id, None)
        if due_ms is not None:
            self.next_due_ms = due_ms if self.next_due_ms is None else min(self.next_due_ms, due_ms)
