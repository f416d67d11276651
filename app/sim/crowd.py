"""The people behind a scenario's numbers: who answers, after how long, and what becomes of everybody else."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final, NamedTuple

from app.sim.scenario import ScenarioCampaign
from app.units import HOUR_MS, SECOND_MS, Number
from asterisk.lab.numbers import Behaviour, Listen, Reported

PLACES: Final = 10_000_000
"""Numbers a campaign of a scenario may have."""
LONGEST_TALK_MS: Final = 2 * HOUR_MS
SILENT_MS: Final = 18 * SECOND_MS
"""After so long without a sound the network gives up on a phone that is off."""
POST_DIAL_MS: Final = 2 * SECOND_MS
"""From the INVITE to the first ring."""
_NOTHING: Final = Reported(dial_statuses=(), cause=0, tech_cause=None)
_PERSON: Final = {"name": "person", "suffix": "", "description": "Answers, and stays.", "reported": _NOTHING}


class Crowd:
    """What becomes of each call, by chance that comes from a seed. now_ms: the world's time, since `start_ms`."""

    def __init__(
        self, campaigns: tuple[ScenarioCampaign, ...], *, seed: int, start_ms: int, now_ms: Callable[[], int]
    ) -> None:
        self._campaigns = campaigns
        self._rng = random.Random(f"crowd {seed}")
        self._start_ms = start_ms
        self._now_ms = now_ms

    def behaviour_of(self, number: str) -> Behaviour:
        """What becomes of a call to this number, placed now."""
        of, place = divmod(int(number.removeprefix("+999")), PLACES)
        campaign = self._campaigns[of]
        hour = (self._now_ms() - self._start_ms) / HOUR_MS
        if self._rng.random() < min(0.98, campaign.rate_at(hour) * ways_of(campaign, of, place).factor):
            rings_ms = campaign.rings.median_ms * self._rng.lognormvariate(0, campaign.rings.sigma)
            ring_ms = max(500, round(rings_ms) - POST_DIAL_MS)
            person = Listen(longest_ms=LONGEST_TALK_MS)
            return Behaviour(**_PERSON, trying_ms=POST_DIAL_MS, ring_ms=ring_ms, steps=(person,))  # type: ignore[arg-type]
        parts = campaign.otherwise
        kind = self._rng.choices(("no answer", "busy", "invalid"), (parts.no_answer, parts.busy, parts.invalid))[0]
        match kind:
            case "busy":
                return _refusal(486, 17, self._rng.randint(500, 2_500))
            case "invalid":
                return _refusal(404, 1, self._rng.randint(200, 800))
            case _ if self._rng.random() < campaign.silent:
                return _refusal(480, 20, SILENT_MS)
            case _:
                return _refusal(None, 0, None)


class Ways(NamedTuple):
    """What is so of one contact. factor: how often they answer, against the list's rate. answered: yesterday's call."""

    phone_kind: str = ""
    answered: bool | None = None
    factor: float = 1.0


def ways_of(campaign: ScenarioCampaign, of: int, place: int) -> Ways:
    """The same for a contact whenever it is asked for; over the list the factors' mean is 1."""
    if not campaign.phones and campaign.history is None:
        return Ways()
    rng = random.Random(f"contact {of} {place}")
    kind, factor, answered = "", 1.0, None
    if campaign.phones:
        one = rng.choices(campaign.phones, [each.share for each in campaign.phones])[0]
        kind, factor = one.phone, one.answers / sum(each.share * each.answers for each in campaign.phones)
    if (history := campaign.history) is not None:
        answered = rng.random() < history.answered
        mean = history.answered * history.answers + 1 - history.answered
        factor *= (history.answers if answered else 1.0) / mean
    return Ways(kind, answered, factor)


def number_of(campaign: int, place: int) -> Number:
    """The number of a contact: a country that is none, and which campaign it is of."""
    return Number(f"+999{campaign * PLACES + place:010d}")


def _refusal(sip_code: int | None, cause: int, after_ms: int | None) -> Behaviour:
    """Rings out (no code), or is refused after a while."""
    return Behaviour(
        name="nobody",
        suffix="",
        description="Does not answer.",
        trying_ms=POST_DIAL_MS if sip_code is None else (after_ms or 0),
        ring_ms=None if sip_code is None else 0,
        sip_code=sip_code,
        steps=(),
        reported=Reported(dial_statuses=(), cause=cause, tech_cause=sip_code),
    )
