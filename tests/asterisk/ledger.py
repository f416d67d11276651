"""The laws that hold whatever happens to a campaign: the store's rows against the calls a carrier saw."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

from app.outcomes import ContactStatus, Outcome
from app.store.attempts import AttemptEntry
from app.units import CampaignId
from tests.asterisk.campaign import Site, Standing
from tests.asterisk.far_side import FarSide
from tests.asterisk.wire import Invite, Wire

_UNDIALED = (Outcome.RETURNED_UNDIALED, Outcome.DIAL_ERROR, Outcome.DO_NOT_CALL)
"""Outcomes that promise that no call was made."""
_OPEN = (ContactStatus.PENDING, ContactStatus.IN_PROGRESS)


async def assert_accounted(dialer: Site, wire: Wire, far: FarSide | None, campaign_id: CampaignId) -> None:
    """A finished campaign: every attempt ended once, every contact has its end, nobody was called behind our back.

    far: the network whose clock tells that nobody was in two calls; None where it is not told of calls' ends.
    """
    attempts = await dialer.attempts(campaign_id)
    standings = await dialer.standings(campaign_id)
    counts = await dialer.progress(campaign_id)
    assert all(one.closed_at_ms is not None and one.outcome is not None for one in attempts)
    assert counts.attempts == len(attempts)
    assert counts.outcomes == Counter(one.outcome for one in attempts)
    assert counts.statuses == Counter(standing.status for standing in standings.values())
    assert counts.settled == counts.total == len(standings)
    assert not [number for number, standing in standings.items() if standing.status in _OPEN]
    assert_never_called_twice(attempts, standings, wire)
    if far is not None:
        assert_no_two_calls_at_once(far, wire, attempts)


def assert_never_called_twice(attempts: list[AttemptEntry], standings: Mapping[str, Standing], wire: Wire) -> None:
    """At most once: a number is called again only after its call is known to have ended; who is lost is left alone."""
    by_number: defaultdict[str, list[AttemptEntry]] = defaultdict(list)
    for one in attempts:
        by_number[one.number].append(one)
    for number, calls in wire.calls.items():
        dialed = [one for one in by_number[number] if one.outcome not in _UNDIALED]
        assert calls <= len(dialed), f"{number}: {calls} calls for {[one.outcome for one in by_number[number]]}"
    for number, tries in by_number.items():
        lost = [one.outcome is Outcome.CONTROLLER_LOST for one in tries]
        assert not any(lost[:-1]), f"{number} was dialed again after a call whose end nobody knows"
        if lost[-1]:
            assert standings[number].status is ContactStatus.DANGLING
            assert standings[number].due_at_ms is None
        ended = [one.closed_at_ms or 0 for one in tries]
        opened = [one.opened_at_ms for one in tries]
        assert all(end <= begin for end, begin in zip(ended, opened[1:], strict=False)), f"{number}: attempts overlap"


def assert_no_two_calls_at_once(far: FarSide, wire: Wire, attempts: list[AttemptEntry]) -> None:
    """By the network's own clock no number is ever in two calls.

    A network that is overwhelmed takes one INVITE that is sent again for two calls: those are left out.
    """
    for number in {call.number for call in far.calls}:
        calls = sorted(far.to(number), key=lambda call: call.began_s)
        if len(calls) > wire.calls[f"+{number}"]:
            continue
        told = [(one.outcome, one.facts) for one in attempts if one.number == f"+{number}"]
        for earlier, later in pairwise(calls):
            assert earlier.ended_s is not None, f"called again while in a call: {calls}, we say {told}"
            assert earlier.ended_s <= later.began_s + 0.5, f"in two calls: {calls}, we say {told}"


def assert_rate(invites: Sequence[Invite], per_second: float) -> None:
    """No stretch of time holds more new calls than the rate allows; a second of slack for a machine that stutters."""
    for place, first in enumerate(invites):
        for count, last in enumerate(invites[place:], start=1):
            assert count <= per_second * (last.at_s - first.at_s + 1.0) + 2
