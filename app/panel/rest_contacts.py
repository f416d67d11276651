"""REST: contacts made, changed and taken out while campaigns run, one by one or by thousands."""

from __future__ import annotations

from app.contacts.upserting import StaleEdit, Upserted, UpsertResult
from app.panel import agent_shapes, contact_shapes, shapes, trail
from app.panel.problems import Problem
from app.panel.routing import Call, Routes
from app.store import lists
from app.store.audit import audit_page
from app.units import ContactId, ListId

routes = Routes()


@routes.add(
    "POST",
    "/lists/{list_id}/contacts",
    body=contact_shapes.NewContactBody,
    answer=contact_shapes.OneAnswer,
    is_noted=False,
)
async def put_contact(call: Call) -> contact_shapes.OneAnswer:
    """Make a contact, or change the one with its key: a campaign that has the list may dial it at once."""
    key = call.body.key or None
    [row] = await call.contacts.upsert(ListId(call.number("list_id")), [call.body.given(key)], by=call.user.name)
    _check(row)
    assert row.contact_id is not None, "what was written has an id"
    contact = await call.store.read(lists.get_contact, row.contact_id)
    return contact_shapes.OneAnswer.model_validate(
        {"result": row.result.value, "contact": shapes.ContactAnswer.of(contact)}
    )


@routes.add(
    "POST",
    "/lists/{list_id}/contacts/bulk",
    body=contact_shapes.BulkBody,
    answer=contact_shapes.BulkAnswer,
    max_body=contact_shapes.BULK_BYTES,
    is_noted=False,
)
async def put_contacts(call: Call) -> contact_shapes.BulkAnswer:
    """Make or change up to 10,000 contacts by their key, with the result of each; those that are wrong stay out."""
    list_id = ListId(call.number("list_id"))
    given = [one.given(one.key or None) for one in call.body.contacts]
    rows = await call.contacts.upsert(list_id, given, by=call.user.name, with_updates=call.body.mode == "update")
    answer = contact_shapes.BulkAnswer.of(rows)
    counts = {name: str(getattr(answer, name)) for name in ("created", "updated", "unchanged", "rejected")}
    note = trail.note(call.user, "put contacts", f"list {list_id}", call.operations.now_ms, {"by": "REST"} | counts)
    await trail.write(call.store, note)
    return answer


@routes.add(
    "PATCH",
    "/contacts/{contact_id}",
    body=contact_shapes.ContactChange,
    answer=contact_shapes.OneAnswer,
    is_noted=False,
)
async def change_contact(call: Call) -> contact_shapes.OneAnswer:
    """Change what is given of a contact; agents who have it before them see it at once."""
    contact_id = ContactId(call.number("contact_id"))
    try:
        row, contact = await call.contacts.change(
            contact_id, call.body.given(), by=call.user.name, seen_at_ms=call.body.seen_at_ms
        )
    except StaleEdit as error:
        raise Problem(409, "changed_meanwhile", str(error)) from error
    _check(row)
    return contact_shapes.OneAnswer.model_validate(
        {"result": row.result.value, "contact": shapes.ContactAnswer.of(contact)}
    )


@routes.add("DELETE", "/contacts/{contact_id}", is_noted=False)
async def delete_contact(call: Call) -> None:
    """Take a contact out of its list: no call to it starts any more, a talk goes on, its attempts stay known."""
    await call.contacts.remove(ContactId(call.number("contact_id")), by=call.user.name)


@routes.add("GET", "/contacts/{contact_id}/changes", query=contact_shapes.ChangesQuery, answer=agent_shapes.AuditAnswer)
async def list_contact_changes(call: Call) -> agent_shapes.AuditAnswer:
    """Who changed what of a contact, newest first, with the value before and after."""
    contact_id = call.number("contact_id")
    page = await call.store.read(
        audit_page, subject=f"contact {contact_id}", before=call.query.before, limit=call.query.limit
    )
    return agent_shapes.AuditAnswer.of(page)


def _check(row: Upserted) -> None:
    if row.result is UpsertResult.REJECTED:
        errors = [
            {"place": one.field, "problem": f"{one.why}, found {one.found!r}; {one.mend}"} for one in row.problems
        ]
        raise Problem(422, "invalid", f"body, {errors[0]['place']}: {errors[0]['problem']}", errors=errors)
