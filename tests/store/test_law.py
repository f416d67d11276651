"""The law is asked within the claim: who may not be called now sleeps until they may be, whatever the list holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, select, text, update

from app.agent_commands import OpenManual
from app.agent_events import ManualRefused
from app.agents import DialingMode
from app.compliance.library import Lawbook
from app.compliance.plan import CompliancePlan
from app.compliance.rules import Consent
from app.events import AttemptsOpened
from app.model import CallFacts, OpenedAttempt
from app.outcomes import ContactStatus, Outcome
from app.store import SqlStore
from app.store.audit import audit_page
from app.store.campaigns import get_campaign, update_campaign
from app.store.law import campaign_law, note_use
from app.store.requeueing import requeue_contacts
from app.store.schema import campaign_contacts, contacts
from app.units import DAY_MS, HOUR_MS, MINUTE_MS, AgentId, CampaignId, ContactId, Number
from tests.store.world import build, claim, closing, ids, kept_tallies, phone, places, recounted_tallies


def at(written: str, zone: str = "Europe/London") -> int:
    return int(datetime.fromisoformat(written).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1_000)


MORNING = at("2027-01-12 10:00")  # a Tuesday
NIGHT = at("2027-01-12 23:30")
OPENS = at("2027-01-13 08:00")
UK = CompliancePlan(profiles=("uk",), consent=Consent.PRIOR)


async def under(
    store: SqlStore, phones: Sequence[str], law: CompliancePlan = UK, campaigns: int = 1, **changes: Any
) -> list[CampaignId]:
    """Campaigns under a law, with a list of these numbers that is due since long ago."""
    made = await store.write(build, phones, campaigns)
    for campaign_id in made:
        await govern(store, campaign_id, law, **changes)
    await store.write(lambda conn: conn.execute(update(campaign_contacts).values(due_at_ms=1)))
    return made


async def govern(store: SqlStore, campaign_id: CampaignId, law: CompliancePlan, **changes: Any) -> None:
    plan = (await store.read(get_campaign, campaign_id)).campaign
    await store.write(update_campaign, replace(plan, compliance=law, **changes))


async def know(store: SqlStore, contact_id: int, **columns: str) -> None:
    await store.write(lambda conn: conn.execute(update(contacts).where(contacts.c.id == contact_id).values(columns)))


def ended(attempt: OpenedAttempt, at_ms: int, outcome: Outcome) -> Any:
    """The end of a call that rang at an hour; the contact waits again, and is due."""
    close = closing(attempt, outcome=outcome, status=ContactStatus.PENDING, due_at_ms=1)
    facts = CallFacts(placed_at_ms=at_ms, ringing_at_ms=at_ms + 1, ended_at_ms=at_ms + 2)
    return replace(close, result=replace(close.result, facts=facts))


async def call(store: SqlStore, campaign_id: CampaignId, at_ms: int, outcome: Outcome = Outcome.NO_ANSWER) -> int:
    """Call whoever is due, once, to be due again at once; answers how many were."""
    opened = (await claim(store, campaign_id, 5, at_ms)).attempts
    await store.commit([ended(one, at_ms, outcome) for one in opened], at_ms)
    return len(opened)


async def test_at_night_everybody_sleeps_until_the_morning(store: SqlStore) -> None:
    [campaign_id] = await under(store, [phone(place) for place in range(30)])
    event = await claim(store, campaign_id, 5, NIGHT)
    assert event.attempts == ()
    while event.next_due_at_ms is not None and event.next_due_at_ms <= NIGHT:
        event = await claim(store, campaign_id, 5, NIGHT)
        assert event.attempts == ()
    assert event.next_due_at_ms == OPENS
    assert set((await store.read(places)).values()) == {("pending", OPENS)}
    opened = (await claim(store, campaign_id, 5, OPENS)).attempts
    assert ids(opened) == [1, 2, 3, 4, 5]
    assert {one.allowed_until_ms for one in opened} == {at("2027-01-13 21:00")}
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)


async def test_who_is_awake_is_found_behind_those_who_sleep(store: SqlStore) -> None:
    """08:30 in New York is 05:30 in Los Angeles."""
    sleepers = [f"+1213555{place:04d}" for place in range(300)]
    [campaign_id] = await under(store, [*sleepers, "+12125550101", "+12125550102"], CompliancePlan(profiles=("us_fl",)),
                                mode=DialingMode.PREVIEW)  # fmt: skip
    now_ms = at("2027-01-12 08:30", "America/New_York")
    opened: list[int] = []
    for _ in range(10):
        event = await claim(store, campaign_id, 2, now_ms)
        opened += ids(event.attempts)
        if event.next_due_at_ms is None or event.next_due_at_ms > now_ms:
            break
    assert opened == [301, 302]
    assert event.next_due_at_ms == at("2027-01-12 08:00", "America/Los_Angeles")


async def test_more_that_may_be_called_than_are_wanted_stay_where_they_were(store: SqlStore) -> None:
    phones = [f"+1213555{place:04d}" for place in range(5)] + [f"+1212555{place:04d}" for place in range(20)]
    [campaign_id] = await under(store, phones, CompliancePlan(profiles=("us_fl",)), mode=DialingMode.PREVIEW)
    event = await claim(store, campaign_id, 3, at("2027-01-12 08:30", "America/New_York"))
    assert ids(event.attempts) == [6, 7, 8]
    kept = await store.read(places)
    assert {kept[place] for place in range(9, 26)} == {("pending", 1)}
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)


async def test_a_zone_of_the_contact_is_believed_before_the_number(store: SqlStore) -> None:
    [campaign_id] = await under(store, [phone(1), phone(2)])
    await know(store, 1, time_zone="America/Los_Angeles")
    assert ids((await claim(store, campaign_id, 5, MORNING)).attempts) == [2]
    assert (await store.read(places))[1] == ("pending", at("2027-01-12 08:00", "America/Los_Angeles"))


async def test_a_region_adds_its_zones(store: SqlStore) -> None:
    [campaign_id] = await under(store, ["+12125550101", "+12125550102"], CompliancePlan(profiles=("us_fl",)),
                                mode=DialingMode.PREVIEW)  # fmt: skip
    await know(store, 1, region="US-CA")
    now_ms = at("2027-01-12 08:30", "America/New_York")
    assert ids((await claim(store, campaign_id, 5, now_ms)).attempts) == [2]


async def test_nobody_is_called_whose_place_nobody_knows(store: SqlStore) -> None:
    [campaign_id] = await under(store, ["+888123456789", phone(1)], CompliancePlan(profiles=("anytime",)))
    assert ids((await claim(store, campaign_id, 5, MORNING)).attempts) == [2]
    assert (await store.read(places))[1] == ("not allowed", None)
    of_the_first = select(campaign_contacts.c.reason).where(campaign_contacts.c.contact_id == 1)
    assert "time zone unknown" in str(await store.read(lambda conn: conn.scalar(of_the_first)))
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)


async def test_who_has_not_agreed_to_a_recording_is_settled_with_a_reason_and_may_be_brought_back(
    store: SqlStore,
) -> None:
    [campaign_id] = await under(store, [phone(1), phone(2), phone(3)], CompliancePlan(profiles=("uk",)))
    await know(store, 1, consent="prior")
    await know(store, 2, consent="none")
    assert ids((await claim(store, campaign_id, 5, MORNING)).attempts) == [1]
    assert {(await store.read(places))[place] for place in (2, 3)} == {("not allowed", None)}
    row = await store.read(
        lambda conn: conn.execute(select(campaign_contacts).where(campaign_contacts.c.contact_id == 2)).one()
    )
    assert row.last_outcome == Outcome.NOT_ALLOWED
    assert row.reason.startswith("uk, prerecorded consent: needs prior consent, given: none (Privacy and Electronic")
    progress = (await store.read(get_campaign, campaign_id)).progress
    assert (progress.statuses[ContactStatus.NOT_ALLOWED], progress.settled) == (2, 2)
    assert progress.outcomes[Outcome.NOT_ALLOWED] == 2
    await know(store, 2, consent="prior")
    assert await store.write(requeue_contacts, campaign_id, ContactStatus.NOT_ALLOWED, MORNING) == 2
    assert ids((await claim(store, campaign_id, 5, MORNING)).attempts) == [2]


async def test_what_everybody_agreed_to_goes_for_who_does_not_say(store: SqlStore) -> None:
    [campaign_id] = await under(store, [phone(1), phone(2)], UK)
    await know(store, 2, consent="none")
    assert ids((await claim(store, campaign_id, 5, MORNING)).attempts) == [1]


async def test_an_agent_who_speaks_needs_no_consent_to_recordings(store: SqlStore) -> None:
    [campaign_id] = await under(store, [phone(1)], CompliancePlan(profiles=("uk",)), mode=DialingMode.PREVIEW)
    assert ids((await claim(store, campaign_id, 5, MORNING)).attempts) == [1]


async def test_calls_of_every_campaign_count(store: SqlStore) -> None:
    """Oklahoma: three a day to one number, whichever campaign makes them."""
    law = CompliancePlan(profiles=("us_ok",))
    one, other = await under(store, ["+14055550101"], law, campaigns=2, mode=DialingMode.PREVIEW)
    began = at("2027-01-12 10:00", "America/Chicago")
    assert [await call(store, who, began + hour * HOUR_MS) for hour, who in enumerate([one, other, one])] == [1, 1, 1]
    assert await call(store, other, began + 3 * HOUR_MS) == 0
    due = await store.read(
        lambda conn: conn.scalar(select(campaign_contacts.c.due_at_ms).where(campaign_contacts.c.campaign_id == other))
    )
    assert due == began + DAY_MS
    assert await call(store, other, began + DAY_MS - 1) == 0
    assert await call(store, other, began + DAY_MS) == 1


async def test_a_call_counts_from_when_it_was_placed_not_from_when_its_contact_was_claimed(store: SqlStore) -> None:
    """An agent may read a preview for long: twenty-four hours begin with the call."""
    law = CompliancePlan(profiles=("us_ok",))
    [campaign_id] = await under(store, ["+14055550101"], law, mode=DialingMode.PREVIEW)
    began = at("2027-01-12 10:00", "America/Chicago")
    for place in range(3):
        [opened] = (await claim(store, campaign_id, 1, began + place)).attempts
        placed_at_ms = began + (place + 1) * 10 * MINUTE_MS
        await store.commit([ended(opened, placed_at_ms, Outcome.NO_ANSWER)], placed_at_ms)
    assert await call(store, campaign_id, began + DAY_MS + 10 * MINUTE_MS - 1) == 0
    assert await call(store, campaign_id, began + DAY_MS + 10 * MINUTE_MS) == 1


async def test_a_call_to_another_phone_of_the_same_person_counts(store: SqlStore) -> None:
    law = CompliancePlan(profiles=("us_fl",))
    [campaign_id] = await under(store, ["+13055550101", "+13055550102"], law, mode=DialingMode.PREVIEW)
    await know(store, 2, phone2="+13055550101", phone1="+13055550103")
    began = at("2027-01-12 10:00", "America/New_York")
    for hour in range(3):
        await know(store, 1, phone1="+13055550101")
        await store.write(lambda conn: conn.execute(text("UPDATE campaign_contacts SET due_at_ms = 1")))
        await store.write(
            lambda conn: conn.execute(
                update(campaign_contacts).where(campaign_contacts.c.contact_id == 2).values(due_at_ms=began * 2)
            )
        )
        assert await call(store, campaign_id, began + hour * HOUR_MS) == 1
    await store.write(lambda conn: conn.execute(text("UPDATE campaign_contacts SET due_at_ms = 1")))
    assert await call(store, campaign_id, began + 3 * HOUR_MS) == 0
    assert {due for _, due in (await store.read(places)).values()} == {began + DAY_MS}


@pytest.mark.parametrize(
    ("outcome", "counts"),
    [
        (Outcome.NO_ANSWER, True),
        (Outcome.CONTROLLER_LOST, True),
        (Outcome.RETURNED_UNDIALED, False),
        (Outcome.SIP_ERROR, False),
    ],
)
async def test_what_counts_as_a_call(store: SqlStore, outcome: Outcome, counts: bool) -> None:
    """What rang, and what nobody knows of; not what was never placed, or what a trunk turned away at once."""
    law = CompliancePlan(profiles=("us_ok",))
    [campaign_id] = await under(store, ["+14055550101"], law, mode=DialingMode.PREVIEW)
    began = at("2027-01-12 10:00", "America/Chicago")
    placed = None if outcome is Outcome.RETURNED_UNDIALED else began
    for minute in range(3):
        [opened] = (await claim(store, campaign_id, 1, began + minute)).attempts
        close = closing(opened, outcome=outcome, status=ContactStatus.PENDING, due_at_ms=1)
        facts = CallFacts(placed_at_ms=placed, ringing_at_ms=began if outcome is Outcome.NO_ANSWER else None)
        await store.commit([replace(close, result=replace(close.result, facts=facts))], began + minute)
    assert len((await claim(store, campaign_id, 1, began + 5)).attempts) == (0 if counts else 1)


async def test_who_was_abandoned_rests(store: SqlStore) -> None:
    [campaign_id] = await under(store, [phone(1)], UK, mode=DialingMode.PREDICTIVE)
    assert await call(store, campaign_id, MORNING, Outcome.ABANDONED_BY_DIALER) == 1
    assert await call(store, campaign_id, MORNING + 71 * HOUR_MS) == 0
    assert (await store.read(places))[1] == ("pending", MORNING + 72 * HOUR_MS)


async def test_debts_are_told_apart_where_the_list_names_them(store: SqlStore) -> None:
    """Regulation F: seven days after a conversation about one debt; another of the same person may be called about."""
    law = CompliancePlan(profiles=("us_reg_f_debt",), debt_column="City")
    one, other = await under(store, ["+12125550101"], law, campaigns=2, mode=DialingMode.PREVIEW)
    began = at("2027-01-12 10:00", "America/New_York")
    assert await call(store, one, began, Outcome.CONNECTED_TO_AGENT) == 1
    assert await call(store, other, began + HOUR_MS) == 0
    await store.write(lambda conn: conn.execute(update(contacts).values(fields={"City": "another debt"})))
    await store.write(lambda conn: conn.execute(text("UPDATE campaign_contacts SET due_at_ms = 1")))
    assert await call(store, other, began + HOUR_MS) == 1


# --- by hand ---------------------------------------------------------------------------------------------------------


async def dial(store: SqlStore, campaign_id: CampaignId, to: str, now_ms: int, contact: int | None = None) -> Any:
    asked = OpenManual(
        agent_id=AgentId(1),
        campaign_id=campaign_id,
        number=Number(to),
        contact_id=None if contact is None else ContactId(contact),
    )
    [event] = await store.commit([asked], now_ms)
    return event


async def test_an_agent_may_not_dial_by_night_either(store: SqlStore) -> None:
    [campaign_id] = await under(store, [phone(1)])
    for contact in (1, None):
        refused = await dial(store, campaign_id, phone(1), NIGHT, contact)
        assert isinstance(refused, ManualRefused)
        assert "not allowed by law: uk, hours: outside 08:00–21:00" in refused.reason
        assert "opens 2027-01-13 08:00 of their clock" in refused.reason
    assert (await store.read(places))[1] == ("pending", 1)
    opened = await dial(store, campaign_id, phone(1), MORNING, 1)
    assert isinstance(opened, AttemptsOpened)
    assert opened.attempts[0].allowed_until_ms == at("2027-01-12 21:00")


# --- profiles --------------------------------------------------------------------------------------------------------

OURS = """title: Ours
rules:
  - id: hours
    kind: window
    source: our own
    hours: [{days: mon-sun, from: "12:00", to: "13:00"}]
"""


async def test_a_profile_of_ones_own_holds_from_the_moment_its_file_is_changed(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "ours"
    folder.mkdir()
    file = folder / "lunch.yaml"
    file.write_text(OURS)
    async with await SqlStore.open(url, lawbook=Lawbook(folder)) as store:
        [campaign_id] = await under(store, [phone(1), phone(2)], CompliancePlan(profiles=("lunch",)))
        assert (await claim(store, campaign_id, 1, MORNING)).attempts == ()
        file.write_text(OURS.replace("12:00", "09:00"))
        await store.write(lambda conn: conn.execute(update(campaign_contacts).values(due_at_ms=1)))
        assert ids((await claim(store, campaign_id, 1, MORNING + 7)).attempts) == [1]
        entries = (await store.read(audit_page)).entries
        assert [(one.what, one.subject, one.at_ms) for one in entries] == [
            ("compliance profile first used", "profile lunch", MORNING + 7),
            ("compliance profile first used", "profile lunch", MORNING),
        ]
        assert len({one.details["sha256"] for one in entries}) == 2
        await claim(store, campaign_id, 1, MORNING + 8)
        assert len((await store.read(audit_page)).entries) == 2


async def test_the_first_use_of_a_profile_is_written_down_even_when_the_first_claim_is_undone(store: SqlStore) -> None:
    [campaign_id] = await under(store, [phone(1), phone(2)])

    def ask_and_fail(conn: Connection) -> None:
        for _ in range(2):
            note_use(conn, store.lawbook, campaign_law(conn, store.lawbook, campaign_id), MORNING)
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        await store.write(ask_and_fail)
    assert ids((await claim(store, campaign_id, 1, MORNING)).attempts) == [1]
    assert [one.subject for one in (await store.read(audit_page)).entries] == ["profile uk"]


async def test_a_profile_that_cannot_be_read_lets_nobody_be_called(url: str, tmp_path: Path) -> None:
    file = tmp_path / "lunch.yaml"
    file.write_text(OURS.replace("09:00", "9"))
    async with await SqlStore.open(url, lawbook=Lawbook(tmp_path)) as store:
        [campaign_id] = await under(store, [phone(1)], CompliancePlan(profiles=("lunch",)))
        file.write_text(OURS.replace("12:00", "twelve"))
        event = await claim(store, campaign_id, 1, MORNING)
        assert event.attempts == ()
        assert event.next_due_at_ms is not None
        assert event.next_due_at_ms > MORNING
        assert "profile cannot be used: " in event.hindrance
        assert "lunch.yaml: line 6: `hours.0.from`: 'twelve' is no time of day" in event.hindrance
        refused = await dial(store, campaign_id, phone(1), MORNING, 1)
        assert isinstance(refused, ManualRefused)
        assert "lunch.yaml: line 6: `hours.0.from`: 'twelve' is no time of day" in refused.reason
        file.unlink()
        assert (await claim(store, campaign_id, 1, MORNING)).attempts == ()
