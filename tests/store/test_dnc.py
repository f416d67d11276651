"""The do-not-call list: scopes, beginnings and persons, at the claim, by hand and at the end of a call; who said so."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, insert, select, update

from app.agent_commands import OpenManual
from app.agent_events import ManualRefused
from app.commands import AddDnc, ConfirmAttempt
from app.events import AttemptConfirmed, AttemptsOpened, DncAdded
from app.outcomes import ContactStatus
from app.store import InUse, NotFound, SqlStore
from app.store.dnc import BARRED, add_dnc_numbers, cursor, dnc_page, entries_of, is_dnc, remove_dnc
from app.store.door import SyncStore
from app.store.people import Role, add_user
from app.store.projects import create_project, list_projects, move_campaign, remove_project
from app.store.schema import attempts, contacts, dnc, dnc_people
from app.store.sql import execute
from app.units import AgentId, CampaignId, ContactId, ListId, Number
from tests.store.world import T0, add_contacts, build, claim, closing, ids, phone, places


async def bar(store: SqlStore, command: AddDnc, now_ms: int = T0) -> DncAdded:
    [event] = await store.commit([command], now_ms)
    assert isinstance(event, DncAdded)
    return event


async def test_a_number_barred_for_one_campaign_is_called_by_the_others(store: SqlStore) -> None:
    one, other = await store.write(build, [phone(1), phone(2)], 2)
    told = await bar(store, AddDnc(number=phone(1), source="api", campaign_id=one))
    assert (told.campaigns, told.covers(phone(1), one), told.covers(phone(1), other)) == (frozenset({one}), True, False)
    assert ids((await claim(store, one, 5)).attempts) == [2]
    assert ids((await claim(store, other, 5)).attempts) == [1]  # 2 is in a call of the first campaign
    assert await store.read(is_dnc, phone(1), campaign_id=one)
    assert not await store.read(is_dnc, phone(1), campaign_id=other)
    assert not await store.read(is_dnc, phone(1))


async def test_a_number_barred_for_a_project_is_called_by_campaigns_of_others(store: SqlStore) -> None:
    one, other, third = await store.write(build, [phone(1)], 3)
    project = await store.write(create_project, name="Charity", now_ms=T0)
    await store.write(move_campaign, one, project.id)
    await store.write(move_campaign, third, project.id)
    told = await bar(store, AddDnc(number=phone(1), source="panel", project_id=project.id))
    assert told.campaigns == frozenset({one, third})
    for campaign_id, called in ((one, []), (third, []), (other, [1])):
        assert ids((await claim(store, campaign_id, 5)).attempts) == called
    with pytest.raises(InUse, match="'Charity' has 2 campaigns"):
        await store.write(remove_project, project.id)
    assert [(found.name, found.campaigns) for found in await store.read(list_projects)] == [
        ("Default", 1),
        ("Charity", 2),
    ]


async def test_a_beginning_bars_every_number_that_begins_so(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, ["+447011222333", "+447000111222", "+441632960001", "+4470112223334"])
    told = await bar(store, AddDnc(number="+44701*", source="panel"))
    assert told.covers(Number("+447011222333"), campaign_id)
    assert not told.covers(Number("+447000111222"), campaign_id)
    assert ids((await claim(store, campaign_id, 5)).attempts) == [2, 3]
    assert (await store.read(places))[4][0] == "do-not-call"


@pytest.mark.parametrize("length", range(2, 14))
async def test_a_beginning_of_any_length_bars(store: SqlStore, length: int) -> None:
    number = Number("+447700900123")
    [campaign_id] = await store.write(build, [number, "+33140205050"])
    await bar(store, AddDnc(number=number[:length] + "*", source="panel"))
    assert ids((await claim(store, campaign_id, 5)).attempts) == [2]


def with_phones(conn: Connection, contact_id: int, *numbers: str) -> None:
    given = {f"phone{place}": number for place, number in enumerate(numbers, 1)}
    conn.execute(update(contacts).where(contacts.c.id == contact_id).values(given))


async def test_who_opts_out_in_a_call_is_not_called_on_any_of_their_phones(store: SqlStore) -> None:
    one, other = await store.write(build, [phone(1), phone(2), phone(3)], 2)
    await store.write(with_phones, 1, phone(1), phone(2), "", phone(77))
    agent = await store.write(add_user, name="ann", password_hash="x", role=Role.AGENT, now_ms=T0)
    [attempt] = (await claim(store, one, 1)).attempts
    await store.write(lambda conn: conn.execute(update(attempts).values(agent_id=agent.id)))
    told = await bar(store, AddDnc(number=phone(1), source="agent", attempt_id=attempt.attempt_id, why="angry"))
    assert told.numbers == (phone(2), phone(77))
    assert ids((await claim(store, other, 5)).attempts) == [3]  # 2 is another contact with a phone of theirs
    entries = {entry.number: entry for entry in await store.read(dnc_page)}
    assert set(entries) == {phone(1), phone(2), phone(77)}
    assert {(entry.who, entry.why, entry.source, entry.contact_id) for entry in entries.values()} == {
        ("ann", "angry", "agent", ContactId(1))
    }


async def test_a_phone_that_a_barred_person_gets_later_is_barred(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1), phone(2)])
    await bar(store, AddDnc(number=phone(1), source="api", contact_id=ContactId(1)))
    await store.write(with_phones, 1, phone(50))
    assert ids((await claim(store, campaign_id, 5)).attempts) == [2]


async def test_what_is_taken_off_is_told_whole_and_a_person_goes_with_all_phones(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1), phone(2)])
    await store.write(with_phones, 1, phone(1), phone(8))
    barred = AddDnc(number=phone(1), source="api", contact_id=ContactId(1), who="bob", why="by post")
    await bar(store, barred, T0 + 5)
    gone = await store.write(remove_dnc, phone(8))
    assert [(one.number, one.who, one.why, one.created_at_ms) for one in gone] == [
        (phone(1), "bob", "by post", T0 + 5),
        (phone(8), "bob", "by post", T0 + 5),
    ]
    assert await store.read(lambda conn: conn.execute(select(dnc_people)).all()) == []
    assert ids((await claim(store, campaign_id, 5)).attempts) == [1, 2]
    with pytest.raises(NotFound, match="do-not-call number"):
        await store.write(remove_dnc, phone(8))


async def test_taking_off_one_campaigns_entry_leaves_the_others(store: SqlStore) -> None:
    one, other = await store.write(build, [phone(1)], 2)
    await store.commit([AddDnc(number=phone(1), source="api", campaign_id=one)], T0)
    await store.commit([AddDnc(number=phone(1), source="api", campaign_id=other)], T0)
    await store.write(remove_dnc, phone(1), campaign_id=one)
    assert [entry.campaign_id for entry in await store.read(entries_of, phone(1))] == [other]


async def test_by_hand_the_same_is_refused(store: SqlStore) -> None:
    one, other = await store.write(build, [phone(1)], 2)
    await store.commit([AddDnc(number="+44770*", source="panel", campaign_id=one)], T0)
    for campaign_id, expected in ((one, ManualRefused), (other, AttemptsOpened)):
        asked = OpenManual(agent_id=AgentId(1), campaign_id=campaign_id, number=phone(1), contact_id=None)
        [event] = await store.commit([asked], T0)
        assert isinstance(event, expected)
        if isinstance(event, ManualRefused):
            assert event.reason == BARRED


async def test_a_retry_of_a_number_barred_meanwhile_is_not_waited_for(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1), phone(2)])
    opened = (await claim(store, campaign_id, 2)).attempts
    await store.commit([AddDnc(number="+4477009000*", source="panel", campaign_id=campaign_id)], T0)
    again = [closing(one, status=ContactStatus.PENDING, due_at_ms=T0 + 9) for one in opened]
    await store.commit(again, T0)
    assert {status for status, _ in (await store.read(places)).values()} == {"do-not-call"}


async def test_a_claim_is_asked_again_by_the_number_that_is_dialed_now(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1), phone(2), phone(3)])
    one, two, three = (await claim(store, campaign_id, 3)).attempts
    await store.write(add_dnc_numbers, [phone(1), phone(99)], source="import", now_ms=T0)
    asked = [
        ConfirmAttempt(attempt_id=one.attempt_id, number=one.number),
        ConfirmAttempt(attempt_id=two.attempt_id, number=two.number),
        ConfirmAttempt(attempt_id=three.attempt_id, number=phone(99)),
    ]
    events = await store.commit(asked, T0 + 7)
    assert [event.reason for event in events if isinstance(event, AttemptConfirmed)] == [BARRED, "", BARRED]
    assert {event.checked_at_ms for event in events if isinstance(event, AttemptConfirmed)} == {T0 + 7}


async def test_pages_go_through_all_entries_once_whatever_they_are_for(store: SqlStore) -> None:
    one, other = await store.write(build, [phone(1)], 2)
    for place in range(1, 6):
        for campaign_id in (None, one, other):
            await store.commit([AddDnc(number=phone(place), source="api", campaign_id=campaign_id)], T0)
    await store.commit([AddDnc(number="+33*", source="api")], T0)
    seen: list[tuple[str, int | None]] = []
    after = ""
    while page := await store.read(dnc_page, after=after, limit=4):
        seen += [(entry.number, entry.campaign_id) for entry in page]
        after = cursor(page[-1])
    assert len(seen) == len(set(seen)) == 16
    assert {entry.campaign_id for entry in await store.read(dnc_page, campaign_id=one)} == {one}
    assert [entry.number for entry in await store.read(dnc_page, beginning="+33")] == ["+33*"]
    found = await store.read(dnc_page, beginning="+447700900002")
    assert {entry.number for entry in found} == {phone(2)}
    after_number = await store.read(dnc_page, after=phone(4), limit=50)
    assert {entry.number for entry in after_number} == {phone(5)}


async def test_an_unknown_contact_is_not_barred(store: SqlStore) -> None:
    await store.write(build, [phone(1)])
    with pytest.raises(NotFound, match="contact"):
        await store.commit([AddDnc(number=phone(1), source="api", contact_id=ContactId(99))], T0)
    assert not await store.read(is_dnc, phone(1))


async def test_lists_tell_at_import_how_many_may_not_be_called(store: SqlStore) -> None:
    """See test_importing for the report; here is what it counts."""

    [campaign_id] = await store.write(build, [phone(place) for place in range(1, 6)])
    await store.commit([AddDnc(number=phone(1), source="api")], T0)
    await store.commit([AddDnc(number=phone(2), source="api", campaign_id=campaign_id)], T0)
    await store.commit([AddDnc(number=phone(3), source="api", campaign_id=CampaignId(99))], T0)
    await store.write(add_contacts, ListId(1), ["", phone(1)], 6)
    asked = {"list_id": 1, "first_id": 1, "last_id": 99}
    assert await store.read(lambda conn: execute(conn, "count_barred", asked).scalar_one()) == 3


async def test_the_first_project_is_there_and_stays(store: SqlStore) -> None:
    [first] = await store.read(list_projects)
    assert (first.id, first.name) == (1, "Default")
    with pytest.raises(InUse, match="first project stays"):
        await store.write(remove_project, first.id)


def test_a_plain_insert_is_for_everybody() -> None:
    """What rows of the first versions become."""

    store = SyncStore.open()
    store.write(lambda conn: conn.execute(insert(dnc).values(number=phone(1), source="import", created_at_ms=T0)))
    assert store.read(is_dnc, phone(1))
