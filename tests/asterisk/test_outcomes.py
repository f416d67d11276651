"""What came of a call, for every behaviour of the laboratory's table: outcome, charge, the contact's status, next try.

One campaign calls every number there is with a flow that hangs up after a word; a second one calls those who answer
with a flow that listens, asks and leaves messages. Each row below is judged from the store.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from app.model import RetryPolicy
from app.outcomes import ContactStatus, Outcome
from app.store.attempts import AttemptEntry
from app.units import HOUR_MS, MINUTE_MS, CampaignId
from asterisk.lab import BEHAVIOURS, Behaviour, Lab
from asterisk.lab.numbers import named
from tests.asterisk.campaign import NOTICE, Site, Standing, site
from tests.asterisk.far_side import FarCall, FarSide

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]

RETRY = RetryPolicy(max_attempts=2, retry_ms=2 * HOUR_MS, max_faults=3, fault_retry_ms=7 * MINUTE_MS)
LATER, SOON, NEVER = RETRY.retry_ms, RETRY.fault_retry_ms, None

LISTENING = """
name: listening
start: who
nodes:
  who:
    type: detect
    on_person: ask
    on_machine: message
    on_silence: ask
  ask:
    type: menu
    text: To hear more, press 1. For no more calls, press 9.
    keys: {1: more, 9: no_more}
    timeout_s: 3
    repeats: 0
    on_fail: bye
  more: {type: play, text: "There is no more.", next: bye}
  no_more: {type: opt_out, text: "You will not be called again."}
  message: {type: voicemail, text: "This is a message for you. Please call us back."}
  bye: {type: hangup}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table. retry_ms: from the end of the attempt to the next try; None: no more."""

    outcome: Outcome
    status: ContactStatus
    retry_ms: int | None = NEVER
    is_charged: bool = True


def _fix(outcome: Outcome) -> Row:
    return Row(outcome=outcome, status=ContactStatus.INVALID_NUMBER)


def _later(outcome: Outcome) -> Row:
    return Row(outcome=outcome, status=ContactStatus.PENDING, retry_ms=LATER)


def _soon(outcome: Outcome) -> Row:
    return Row(outcome=outcome, status=ContactStatus.PENDING, retry_ms=SOON, is_charged=False)


CONNECTED = Row(outcome=Outcome.CONNECTED_TO_IVR, status=ContactStatus.CONNECTED)

NETWORK: dict[str, Row] = {
    **{behaviour.name: CONNECTED for behaviour in BEHAVIOURS if behaviour.is_answered},
    "hangs-up-at-once": _later(Outcome.CUSTOMER_HUNG_UP),
    "busy": _later(Outcome.BUSY),
    "busy-everywhere": _later(Outcome.BUSY),
    "declined": _later(Outcome.BUSY),
    "announcement-then-busy": _later(Outcome.BUSY),
    "no-answer": _later(Outcome.NO_ANSWER),
    "unavailable": _later(Outcome.NO_ANSWER),
    "rings-then-unavailable": _later(Outcome.NO_ANSWER),
    "unwanted": _later(Outcome.CALL_SCREENED),
    "screened": _later(Outcome.CALL_SCREENED),
    "invalid-number": _fix(Outcome.INVALID_NUMBER),
    "not-in-service": _fix(Outcome.NOT_IN_SERVICE),
    "announcement-then-not-in-service": _fix(Outcome.NOT_IN_SERVICE),
    "number-changed": _fix(Outcome.NOT_IN_SERVICE),
    "no-reply": _soon(Outcome.NO_RINGBACK),
    "congestion": _soon(Outcome.SIP_ERROR),
    "server-error": _soon(Outcome.SIP_ERROR),
    "forbidden": _soon(Outcome.UNAUTHORIZED),
    "no-codec": _soon(Outcome.UNSUPPORTED),
}
"""With a flow that only speaks: whoever answers was connected, machines too, for nobody listened."""

LISTENED: dict[str, Row] = {
    "person": CONNECTED,
    "presses-1": CONNECTED,
    "presses-9": Row(outcome=Outcome.CONNECTED_TO_IVR, status=ContactStatus.DO_NOT_CALL),
    "hangs-up-at-once": _later(Outcome.CUSTOMER_HUNG_UP),
    "hangs-up-mid-prompt": CONNECTED,
    "says-nothing": _later(Outcome.DEAD_AIR),
    "answering-machine": _later(Outcome.ANSWERING_MACHINE),
    "fax": _fix(Outcome.FAX),
    "screening-robot": _later(Outcome.ANSWERING_MACHINE),
    "announcement-then-person": CONNECTED,
}
"""With a flow that listens who answered."""

TRUNKS: dict[str, Row] = {
    "rejecting": _soon(Outcome.SIP_ERROR),
    "dead": _soon(Outcome.NO_RINGBACK),
    "silent": _soon(Outcome.NO_RINGBACK),
    "unreachable": _soon(Outcome.NO_DIAL_TONE),
}
"""A person called over a trunk that leads nowhere, with less patience than Asterisk has (ring timeout 8 s)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What came of one contact: in the store, and on the network."""

    attempts: list[AttemptEntry]
    standing: Standing
    far: list[FarCall]


Results = dict[str, dict[str, Came]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def results(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Results]:
    """Everybody called at once."""
    async with Lab(lines=120) as lab, FarSide(lab) as far, site(lab.pbx, tmp_path_factory.mktemp("site")) as dialer:
        yield await _call_everybody(lab, dialer, far)


async def _call_everybody(lab: Lab, dialer: Site, far: FarSide) -> Results:
    network = await dialer.trunk("network", lines=120)
    everybody = {name: f"+4477009001{named(name).suffix or '00'}" for name in NETWORK}
    listened = {name: f"+4477009002{named(name).suffix or '00'}" for name in LISTENED}
    called = {"network": everybody, "listened": listened}
    campaigns = {
        "network": await dialer.start(NOTICE, [network], everybody.values(), retry=RETRY),
        "listened": await dialer.start(LISTENING, [network], listened.values(), retry=RETRY),
    }
    await dialer.until(lambda: _is_out(lab), "the PBX knows that the trunk is unreachable")
    for place, name in enumerate(TRUNKS):
        trunk = await dialer.trunk(name)
        called[name] = {name: f"+44770090030{place}"}
        campaigns[name] = await dialer.start(NOTICE, [trunk], called[name].values(), retry=RETRY, ring_timeout_ms=8_000)
    for kind, campaign_id in campaigns.items():
        await dialer.tried(campaign_id, len(called[kind]))
    await dialer.until(lambda: not far.live, "the network has no call left")
    return {kind: await _came(dialer, far, campaigns[kind], numbers) for kind, numbers in called.items()}


async def _is_out(lab: Lab) -> bool:
    return "Unavail" in await lab.pbx.cli("pjsip show contacts")


async def _came(dialer: Site, far: FarSide, campaign_id: CampaignId, numbers: dict[str, str]) -> dict[str, Came]:
    attempts, standings = await dialer.attempts(campaign_id), await dialer.standings(campaign_id)
    return {
        name: Came(
            attempts=[one for one in attempts if one.number == number],
            standing=standings[number],
            far=far.to(number),
        )
        for name, number in numbers.items()
    }


def judge(came: Came, row: Row) -> None:
    """The attempt and its contact are as the row says."""
    (attempt,) = came.attempts
    assert attempt.outcome is row.outcome
    assert attempt.is_charged is row.is_charged
    standing = came.standing
    assert (standing.status, standing.last_outcome) == (row.status, row.outcome)
    assert (standing.attempts, standing.faults) == (int(row.is_charged), int(not row.is_charged))
    assert attempt.closed_at_ms is not None
    if row.retry_ms is None:
        assert standing.due_at_ms is None
    else:
        assert standing.due_at_ms is not None
        assert 0 <= attempt.closed_at_ms - (standing.due_at_ms - row.retry_ms) < 5_000


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.name)
async def test_every_behaviour_of_the_network_has_its_outcome(results: Results, behaviour: Behaviour) -> None:
    judge(results["network"][behaviour.name], NETWORK[behaviour.name])


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.name)
async def test_the_store_and_the_network_tell_the_same_of_a_call(results: Results, behaviour: Behaviour) -> None:
    came = results["network"][behaviour.name]
    (attempt,) = came.attempts
    if not behaviour.replies:
        assert not came.far, "the network never saw it"
        assert attempt.facts.sip_code == 480, "Asterisk's own invention"
        return
    (far,) = came.far
    facts = attempt.facts
    assert (facts.answered_at_ms is not None) is (far.answered_s is not None) is behaviour.is_answered
    assert (facts.sip_code, facts.cause) == (behaviour.reported.tech_cause, behaviour.reported.cause)
    assert (facts.ringing_at_ms is not None) is ("RINGING" in behaviour.reported.dial_statuses)
    assert (facts.progress_at_ms is not None) is ("PROGRESS" in behaviour.reported.dial_statuses)
    assert facts.placed_at_ms is not None
    assert facts.ended_at_ms is not None
    assert abs(facts.placed_at_ms / 1_000 - far.began_s) < 5
    assert facts.placed_at_ms <= (facts.answered_at_ms or facts.ended_at_ms) <= facts.ended_at_ms


@pytest.mark.parametrize("name", LISTENED)
async def test_a_flow_that_listens_finds_out_who_answered(results: Results, name: str) -> None:
    judge(results["listened"][name], LISTENED[name])


@pytest.mark.parametrize("name", TRUNKS)
async def test_a_trunk_that_leads_nowhere_costs_the_contact_nothing(results: Results, name: str) -> None:
    judge(results[name][name], TRUNKS[name])
    assert not results[name][name].far
