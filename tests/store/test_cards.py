"""Cards, edits by several people at once, notes, recordings, and the audit trail."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.outcomes import ContactStatus, Outcome
from app.store import NotFound, SqlStore
from app.store.audit import AuditNote, audit_page, audited
from app.store.cards import (
    ContactFact,
    add_note,
    attempt_of_recording,
    contact_card,
    edit_contact,
    notes_page,
    recordings_of,
)
from app.store.errors import Conflict
from app.store.lists import get_contact
from app.store.phones import Phone, list_phones, put_phone
from app.units import AgentId, AttemptId, ContactId
from tests.store.floor import ANN, hire, talk, talked
from tests.store.world import T0, build, claim, closing, kept_tallies, phone, places, recounted_tallies

ONE = ContactId(1)


async def test_a_card_has_all_about_a_contact(store: SqlStore) -> None:
    first, second = await store.write(build, [phone(1)], campaigns=2)
    await store.write(hire, "ann")
    for turn in range(3):
        [attempt] = (await claim(store, first, 1, T0 + turn)).attempts
        again = closing(attempt, status=ContactStatus.PENDING, due_at_ms=T0 + turn + 1)
        await store.commit([again], T0 + turn)
    [attempt] = (await claim(store, first, 1, T0 + 9)).attempts
    await store.commit([talked(attempt, talk(note="likes tea"))], T0 + 9)
    for place in range(3):
        await store.write(add_note, ONE, author="ann", text=f"note {place}", at_ms=T0 + place)
    card = await store.read(contact_card, ONE, attempts=2, notes=2)
    assert (card.contact.name, card.list_name, card.columns) == ("Person 1", "people", ("City",))
    assert [note.text for note in card.notes] == ["note 2", "note 1"]
    assert [entry.outcome for entry in card.attempts] == [Outcome.CONNECTED_TO_AGENT, Outcome.BUSY]
    last = card.attempts[0]
    assert last.conversation is not None
    assert (last.agent_name, last.conversation.disposition, last.conversation.note) == ("ann", "success", "likes tea")
    assert [(place.campaign_id, place.status, place.attempts) for place in card.places] == [
        (second, ContactStatus.PENDING, 0),
        (first, ContactStatus.CONNECTED, 4),
    ]
    with pytest.raises(NotFound, match="there is no contact 9"):
        await store.read(contact_card, ContactId(9))


async def test_notes_are_read_page_by_page(store: SqlStore) -> None:
    await store.write(build, [phone(1), phone(2)])
    about = AttemptId("attempt00001")
    for place in range(4):
        await store.write(add_note, ONE, author="ann", text=f"{place}", at_ms=T0 + place, attempt_id=about)
    await store.write(add_note, ContactId(2), author="bob", text="else", at_ms=T0)
    first = await store.read(notes_page, ONE, limit=3)
    second = await store.read(notes_page, ONE, before=first[-1].id, limit=3)
    assert [[note.text for note in page] for page in (first, second)] == [["3", "2", "1"], ["0"]]
    assert (first[0].attempt_id, first[0].author) == (about, "ann")
    with pytest.raises(NotFound):
        await store.write(add_note, ContactId(9), author="ann", text="x", at_ms=T0)


async def test_an_edit_is_written_and_remembered(store: SqlStore) -> None:
    await store.write(build, [phone(1)])
    edited = await store.write(edit_contact, ONE, "City", saw="Łódź", value="Kraków", by="ann", now_ms=T0 + 5)
    assert (edited.before, edited.contact.fields) == ("Łódź", {"City": "Kraków"})
    await store.write(edit_contact, ONE, ContactFact.NAME, saw="Person 1", value="Эва", by="bob", now_ms=T0 + 6)
    await store.write(edit_contact, ONE, ContactFact.PHONE2, saw="", value=phone(5), by="bob", now_ms=T0 + 7)
    contact = await store.read(get_contact, ONE)
    assert (contact.name, contact.phones) == ("Эва", (phone(1), phone(5)))
    assert (await store.read(contact_card, ONE)).updated_at_ms == T0 + 7
    trail = (await store.read(audit_page, subject="contact 1")).entries
    assert [(entry.who, entry.at_ms, entry.details) for entry in trail][-1] == (
        "ann",
        T0 + 5,
        {"field": "City", "before": "Łódź", "after": "Kraków"},
    )
    assert len(trail) == 3


async def test_of_two_editors_the_second_is_told_both_values_and_who_was_first(store: SqlStore) -> None:
    await store.write(build, [phone(1)])
    await store.write(edit_contact, ONE, ContactFact.NAME, saw="Person 1", value="X", by="eve", now_ms=T0 + 4)
    await store.write(edit_contact, ONE, "City", saw="Łódź", value="Kraków", by="ann", now_ms=T0 + 5)
    with pytest.raises(
        Conflict, match="'City' was changed by ann meanwhile: you saw 'Łódź', it is 'Kraków' now"
    ) as told:
        await store.write(edit_contact, ONE, "City", saw="Łódź", value="Gdańsk", by="bob", now_ms=T0 + 6)
    conflict = told.value
    assert (conflict.field, conflict.saw, conflict.found, conflict.by, conflict.at_ms) == (
        "City",
        "Łódź",
        "Kraków",
        "ann",
        T0 + 5,
    )
    assert (await store.read(get_contact, ONE)).fields == {"City": "Kraków"}
    await store.write(edit_contact, ONE, "City", saw="Kraków", value="Gdańsk", by="bob", now_ms=T0 + 7)
    assert (await store.read(get_contact, ONE)).fields == {"City": "Gdańsk"}
    same = await store.write(edit_contact, ONE, "City", saw="Łódź", value="Gdańsk", by="eve", now_ms=T0 + 8)
    assert same.before == "Gdańsk", "who wanted what is there already is not bothered"
    assert len((await store.read(audit_page, subject="contact 1")).entries) == 3


async def test_an_edit_by_nobody_known_is_told_as_an_import(store: SqlStore) -> None:
    await store.write(build, [phone(1)])
    with pytest.raises(Conflict, match="changed by an import"):
        await store.write(edit_contact, ONE, "City", saw="Kraków", value="Gdańsk", by="bob", now_ms=T0)


async def test_what_does_not_fit_is_refused_and_nothing_written(store: SqlStore) -> None:
    await store.write(build, [phone(1)])
    with pytest.raises(NotFound, match="there is no column Town"):
        await store.write(edit_contact, ONE, "Town", saw="", value="x", by="ann", now_ms=T0)
    with pytest.raises(ValueError, match=r"not a number in E\.164"):
        await store.write(edit_contact, ONE, ContactFact.PHONE3, saw="", value="07700", by="ann", now_ms=T0)
    with pytest.raises(NotFound, match="there is no contact 9"):
        await store.write(edit_contact, ContactId(9), "City", saw="", value="x", by="ann", now_ms=T0)
    assert (await store.read(audit_page)).entries == ()


async def test_a_mended_number_is_called_again(store: SqlStore) -> None:
    first, second = await store.write(build, [phone(1), ""], campaigns=2)
    assert (await store.read(places))[2] == ("invalid number", None)
    edited = await store.write(
        edit_contact, ContactId(2), ContactFact.PHONE1, saw="", value=phone(2), by="ann", now_ms=T0 + 5
    )
    assert sorted(edited.requeued) == [first, second]
    assert (await store.read(places))[2] == ("pending", T0 + 5)
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)


async def test_recordings_are_found_from_both_sides(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [phone(1), phone(2)])
    await store.write(hire, "ann")
    one, two = (await claim(store, campaign_id, 2)).attempts
    name = f"{one.attempt_id}-talk"
    conversation = talk()
    ended = talked(one, conversation)
    flow = {"recordings": [{"name": f"{one.attempt_id}-message", "node": "n", "length_ms": 5, "has_failed": False}]}
    result = replace(ended.result, conversation=replace(conversation, recordings=(name,)), flow=flow)
    await store.commit([replace(ended, result=result), closing(two)], T0 + 5)
    assert await store.read(recordings_of, one.attempt_id) == (name, f"{one.attempt_id}-message")
    assert await store.read(recordings_of, two.attempt_id) == ()
    assert (await store.read(attempt_of_recording, name)).agent_id == ANN
    for stranger in (f"{two.attempt_id}-talk", "nothing-1", "", f"{one.attempt_id}-other", "../etc/passwd"):
        with pytest.raises(NotFound):
            await store.read(attempt_of_recording, stranger)


async def test_a_change_and_its_audit_are_written_together_or_not_at_all(store: SqlStore) -> None:
    note = AuditNote(who="root", what="put phone", subject="phone 201", at_ms=T0, details={"label": "Ж"})
    await store.write(audited, note, put_phone, Phone(endpoint="201"))
    with pytest.raises(NotFound):
        await store.write(audited, note, put_phone, Phone(endpoint="202", agent_id=AgentId(9)))
    [entry] = (await store.read(audit_page)).entries
    assert (entry.who, entry.what, entry.subject, entry.at_ms, entry.details) == (
        "root",
        "put phone",
        "phone 201",
        T0,
        {"label": "Ж"},
    )
    assert len(await store.read(list_phones)) == 1


async def test_the_trail_is_read_newest_first_by_person_kind_and_subject(store: SqlStore) -> None:
    for place in range(6):
        note = AuditNote(who="ab"[place % 2], what="w" * (place % 3), subject=f"agent {place}", at_ms=T0 + place)
        await store.write(audited, note, lambda conn: None)
    first = await store.read(audit_page, limit=4)
    second = await store.read(audit_page, limit=4, before=first.next_before)
    assert [[one.at_ms - T0 for one in page.entries] for page in (first, second)] == [[5, 4, 3, 2], [1, 0]]
    assert second.next_before is None
    assert [one.at_ms - T0 for one in (await store.read(audit_page, who="a")).entries] == [4, 2, 0]
    assert [one.at_ms - T0 for one in (await store.read(audit_page, what="ww")).entries] == [5, 2]
    assert [one.at_ms - T0 for one in (await store.read(audit_page, subject="agent 3")).entries] == [3]
