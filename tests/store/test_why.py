"""Why somebody is not called is what claiming does: who is said to be ready is claimed, and nobody else."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import Update, select, update

from app.agents import CallbackPlan, DialingMode
from app.compliance.library import Lawbook
from app.compliance.plan import CompliancePlan
from app.compliance.rules import Consent
from app.model import CampaignStatus
from app.outcomes import Outcome
from app.store import NotFound, SqlStore
from app.store.callbacks import book_callback
from app.store.dnc import add_dnc_numbers
from app.store.schema import attempts, campaigns, trunks
from app.store.waterfall import waterfall
from app.store.why import CampaignWhy, why_not
from app.units import DAY_MS, HOUR_MS, CampaignId, ContactId, Number
from tests.store.test_law import MORNING, NIGHT, OPENS, call, know, under
from tests.store.world import claim, ids, phone

BOOK = Lawbook()


async def ask(store: SqlStore, contact: int, now_ms: int, campaign: int = 1) -> CampaignWhy:
    [found] = await store.read(why_not, BOOK, ContactId(contact), now_ms, campaign_id=CampaignId(campaign))
    return found


async def run(store: SqlStore) -> None:
    await store.write(lambda conn: conn.execute(update(campaigns).values(status=CampaignStatus.RUNNING.value)))


async def test_every_rule_is_told_and_what_would_change_it(store: SqlStore) -> None:
    [campaign_id] = await under(store, [phone(1)], CompliancePlan(profiles=("uk",)))
    found = await ask(store, 1, NIGHT)
    told = {reason.rule: reason for reason in found.reasons}
    assert list(told) == [
        "campaign", "status", "number", "due", "do-not-call", "trunk", "in a call", "tries", "zone", "uk: hours",
        "uk: after_abandonment", "uk: after_machine", "uk: prerecorded_consent",
    ]  # fmt: skip
    assert {rule for rule, reason in told.items() if not reason.is_allowed} == {
        "campaign", "uk: hours", "uk: prerecorded_consent",
    }  # fmt: skip
    assert (told["campaign"].why, told["campaign"].change) == ("the campaign is draft", "starting it")
    assert (told["uk: hours"].from_ms, told["uk: hours"].change) == (OPENS, "time")
    consent = told["uk: prerecorded_consent"]
    assert (consent.from_ms, consent.change) == (None, "another profile, or consent")
    assert consent.source.startswith("Privacy and Electronic Communications Regulations")
    assert (found.is_ready, found.from_ms) == (False, None)
    await run(store)
    await know(store, 1, consent="prior")
    assert (await ask(store, 1, NIGHT)).from_ms == OPENS
    assert (await ask(store, 1, OPENS)).is_ready
    assert campaign_id == 1


async def test_states_of_a_contact_are_told(store: SqlStore) -> None:
    phones = [phone(1), phone(2), "", phone(4), "+12125550101", phone(6)]
    [campaign_id] = await under(store, phones, CompliancePlan(profiles=("careful",)))
    await run(store)
    await store.write(add_dnc_numbers, [phone(2)], source="import", now_ms=1)
    plan = CallbackPlan(at_ms=MORNING + HOUR_MS, agent_id=None)
    await store.write(book_callback, campaign_id, ContactId(4), plan)
    await claim(store, campaign_id, 1, MORNING)

    async def first(contact: int, **at: int) -> str:
        found = await ask(store, contact, at.get("now_ms", MORNING))
        return next(f"{reason.rule}: {reason.why}" for reason in found.reasons if not reason.is_allowed)

    assert await first(1) == "status: in progress: is being called now"
    assert await first(2) == "do-not-call: the number is on a do-not-call list"
    assert (await first(3)).startswith("status: invalid number")
    assert await first(4) == "due: waits for the callback that was promised"
    assert await first(5) == "trunk: no trunk of the campaign carries this number"
    assert (await ask(store, 6, MORNING)).is_ready
    with pytest.raises(NotFound):
        await ask(store, 77, MORNING)
    out = await store.read(why_not, BOOK, ContactId(6), MORNING, out_of_service=["sip"])
    assert [reason.why for reason in out[0].reasons if not reason.is_allowed] == [
        "sip would carry it, and is out of service"
    ]


@pytest.mark.parametrize("seed", range(3))
async def test_who_is_said_to_be_ready_is_claimed_and_nobody_else(store: SqlStore, seed: int) -> None:
    """A list of chance, at an hour of chance, with a past: both doors say the same of each."""
    chance = random.Random(seed)
    numbers = [
        chance.choice([phone(place), f"+1212555{place:04d}", f"+1213555{place:04d}", f"+7912345{place:04d}", ""])
        for place in range(60)
    ]
    law = CompliancePlan(profiles=("uk", "us_ok"), consent=chance.choice(list(Consent)))
    [campaign_id] = await under(store, numbers, law, mode=DialingMode.PREVIEW)
    await store.write(lambda conn: conn.execute(_all_numbers()))
    await run(store)
    for contact in range(1, 61):
        if chance.random() < 0.3:
            await know(store, contact, consent=chance.choice(["none", "prior", "written"]))
        if chance.random() < 0.2:
            await know(store, contact, time_zone=chance.choice(["Asia/Tokyo", "Europe/London", "nowhere"]))
    barred = [Number(number) for number in numbers if number and chance.random() < 0.2]
    for contact in range(1, 61):
        if chance.random() < 0.4:
            other = chance.choice([phone(900 + contact), f"+1215555{contact:04d}"])
            barred += [Number(other)] * chance.choice([0, 0, 1])
            await know(store, contact, phone3=other)
    await store.write(add_dnc_numbers, barred, source="import", now_ms=1)
    now_ms = MORNING + chance.randint(0, 24) * HOUR_MS
    for hour in range(3):
        await call(store, campaign_id, now_ms - (hour + 1) * HOUR_MS, Outcome.NO_ANSWER)
    said = {contact for contact in range(1, 61) if (await ask(store, contact, now_ms)).is_ready}
    fall = await store.read(waterfall, BOOK, campaign_id, now_ms)
    claimed: list[int] = []
    for _ in range(20):
        claimed += ids((await claim(store, campaign_id, 10, now_ms)).attempts)
    assert sorted(claimed) == sorted(said)
    assert fall.ready == len(said)
    assert fall.total == 60


def _all_numbers() -> Update:
    return update(trunks).values(prefixes=["+"])


async def test_the_waterfall_of_a_long_list_is_a_sample_and_says_so(store: SqlStore) -> None:
    phones = [f"+1213555{place:04d}" if place % 4 else f"+1212555{place:04d}" for place in range(4_000)]
    law = CompliancePlan(profiles=("us_telemarketing",))
    [campaign_id] = await under(store, phones, law, mode=DialingMode.PREVIEW)
    await store.write(lambda conn: conn.execute(_all_numbers()))
    await store.write(add_dnc_numbers, [Number(one) for one in phones[:400]], source="import", now_ms=1)
    now_ms = NIGHT - NIGHT % DAY_MS + 13 * HOUR_MS + 30 * 60_000  # half past eight in New York
    exact = await store.read(waterfall, BOOK, campaign_id, now_ms)
    assert [(step.rule, step.lost, step.left) for step in exact.steps] == [
        ("do-not-call", 400, 3_600),
        ("hours", 2_700, 900),
    ]
    assert (exact.is_sampled, exact.ready, exact.problem) == (False, 900, "the campaign is draft")
    guess = await store.read(waterfall, BOOK, campaign_id, now_ms, sample=1_000)
    assert guess.is_sampled
    assert 900 <= guess.asked <= 1_100
    [hours] = [step for step in guess.steps if step.rule == "hours"]
    assert 0 < hours.plus_minus < 150
    assert abs(hours.left - 900) <= 2 * hours.plus_minus


async def test_a_contact_that_was_settled_by_law_says_by_which(store: SqlStore) -> None:
    [campaign_id] = await under(store, [phone(1)], CompliancePlan(profiles=("uk",)))
    await run(store)
    await claim(store, campaign_id, 1, MORNING)
    found = await ask(store, 1, MORNING)
    status = next(reason for reason in found.reasons if reason.rule == "status")
    assert "needs prior consent, given: none" in status.why
    assert status.change == "what the rule below asks for, then calling them again"
    assert await store.read(lambda conn: conn.scalar(select(attempts.c.id))) is None
