"""REST: trunks, contact lists, contacts and flows."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from aiohttp import BodyPartReader, web

from app.contacts.importing import import_list
from app.contacts.numbers import country
from app.contacts.problems import SheetProblem
from app.contacts.reading import ImportOptions
from app.panel import shapes
from app.panel.problems import Problem
from app.panel.routing import Call, Routes
from app.store import flows, lists, trunks
from app.store.errors import NotFound
from app.store.people import Role
from app.units import ContactId, FlowId, ListId, TrunkId

routes = Routes()
MAX_UPLOAD = 4 << 30

# --- trunks ----------------------------------------------------------------------------------------------------------


@routes.add("GET", "/trunks", answer=list[shapes.TrunkAnswer])
async def list_trunks(call: Call) -> list[shapes.TrunkAnswer]:
    """All trunks, with their state."""
    snapshot = call.operations.snapshot()
    return [shapes.TrunkAnswer.of(trunk, snapshot) for trunk in await call.store.read(trunks.list_trunks)]


@routes.add("GET", "/trunks/{trunk_id}", answer=shapes.TrunkAnswer)
async def get_trunk(call: Call) -> shapes.TrunkAnswer:
    """One trunk."""
    trunk = await call.store.read(trunks.get_trunk, TrunkId(call.word("trunk_id")))
    return shapes.TrunkAnswer.of(trunk, call.operations.snapshot())


@routes.add("PUT", "/trunks/{trunk_id}", role=Role.ADMIN, body=shapes.TrunkBody, answer=shapes.TrunkAnswer)
async def put_trunk(call: Call) -> shapes.TrunkAnswer:
    """Add or change a trunk."""
    trunk_id = call.text("trunk_id")
    if not shapes.is_word(trunk_id):
        raise Problem(422, "invalid", f"{trunk_id[:40]!r} is no trunk's id: {shapes.WORD_WORDS}")
    trunk = call.body.trunk(trunk_id)
    await call.operations.save_trunk(trunk)
    return shapes.TrunkAnswer.of(trunk, call.operations.snapshot())


@routes.add("DELETE", "/trunks/{trunk_id}", role=Role.ADMIN)
async def delete_trunk(call: Call) -> None:
    """Remove a trunk that no campaign uses."""
    await call.operations.remove_trunk(TrunkId(call.word("trunk_id")))


# --- lists and contacts ----------------------------------------------------------------------------------------------


@routes.add("GET", "/lists", answer=list[shapes.ListAnswer])
async def list_lists(call: Call) -> list[shapes.ListAnswer]:
    """All contact lists."""
    return [shapes.ListAnswer.of(found) for found in await call.store.read(lists.list_lists)]


@routes.add("POST", "/lists", body=shapes.ListBody, answer=shapes.ListAnswer, status=201)
async def create_list(call: Call) -> shapes.ListAnswer:
    """Add an empty list."""
    _check_country(call.body.country)
    found = await call.store.write(
        lists.create_list, name=call.body.name, country=call.body.country, now_ms=call.operations.now_ms
    )
    return shapes.ListAnswer.of(found)


@routes.add("GET", "/lists/{list_id}", answer=shapes.ListAnswer)
async def get_list(call: Call) -> shapes.ListAnswer:
    """One list."""
    return shapes.ListAnswer.of(await call.store.read(lists.get_list, ListId(call.number("list_id"))))


@routes.add("GET", "/lists/{list_id}/contacts", query=shapes.PageQuery, answer=list[shapes.ContactAnswer])
async def list_contacts(call: Call) -> list[shapes.ContactAnswer]:
    """A list's contacts, after the id `after`."""
    list_id = ListId(call.number("list_id"))
    await call.store.read(lists.get_list, list_id)
    page = await call.store.read(lists.contacts_page, list_id, after_id=call.query.after, limit=call.query.limit)
    return [shapes.ContactAnswer.of(contact) for contact in page]


@routes.add("GET", "/contacts/{contact_id}", answer=shapes.ContactAnswer)
async def get_contact(call: Call) -> shapes.ContactAnswer:
    """One contact."""
    contact = await call.store.read(lists.get_contact, ContactId(call.number("contact_id")))
    if contact.deleted_at_ms is not None:
        raise NotFound("contact", contact.id)
    return shapes.ContactAnswer.of(contact)


@routes.add("POST", "/lists/{list_id}/import", query=shapes.ImportQuery, answer=shapes.ImportAnswer, takes_file=True)
async def import_contacts(call: Call) -> shapes.ImportAnswer:
    """Load a file (CSV, TSV, XLSX, XLS, ODS) into a list; the same file again changes nothing."""
    found = await call.store.read(lists.get_list, ListId(call.number("list_id")))
    options = ImportOptions(
        duplicates=call.query.mode,
        key_column=call.query.key,
        encoding=call.query.encoding or None,
        sheet=call.query.sheet,
    )
    with tempfile.TemporaryDirectory(prefix="outring-upload-") as folder:
        path = await received(call.request, Path(folder))
        try:
            report = await import_list(
                call.store,
                path,
                found.name,
                found.country,
                options,
                on_contacts_added=lambda campaign_id, _count: call.operations.contacts_added([campaign_id]),
            )
        except SheetProblem as error:
            raise Problem(422, "bad_file", str(error)) from error
        except ValueError as error:
            raise Problem(422, "invalid", str(error)) from error
    return shapes.ImportAnswer.model_validate(report.to_json())


async def received(request: web.Request, folder: Path) -> Path:
    """The uploaded file, on disk, under its own name."""
    if not request.content_type.startswith("multipart/"):
        raise Problem(415, "not_a_form", "send the file as multipart/form-data, in a field named file")
    try:
        part = await (await request.multipart()).next()
    except ValueError as error:
        raise Problem(400, "bad_form", f"the form cannot be read: {error}") from error
    if not isinstance(part, BodyPartReader) or part.name != "file" or not part.filename:
        raise Problem(422, "invalid", "the form's first field must be the file, named file")
    name = Path(part.filename.replace("\\", "/")).name[-60:]
    name = "".join(letter if letter.isprintable() else "_" for letter in name)
    path = folder / (name if name.strip(".") else "upload")
    size = 0
    with path.open("wb") as target:
        while chunk := await part.read_chunk(1 << 16):
            size += len(chunk)
            if size > MAX_UPLOAD:
                raise Problem(413, "too_large", f"a file has at most {MAX_UPLOAD >> 30} GB")
            await asyncio.to_thread(target.write, chunk)
    return path


# --- flows -----------------------------------------------------------------------------------------------------------


@routes.add("GET", "/flows", answer=list[shapes.FlowAnswer])
async def list_flows(call: Call) -> list[shapes.FlowAnswer]:
    """The newest version of each flow."""
    return [shapes.FlowAnswer.of(found) for found in await call.store.read(flows.list_flows)]


@routes.add("POST", "/flows", body=shapes.FlowBody, answer=shapes.FlowAnswer, status=201)
async def create_flow(call: Call) -> shapes.FlowAnswer:
    """Keep a flow as a new version; all its problems are told at once."""
    found, flow = await call.operations.save_flow(call.body.name, call.body.source)
    return shapes.FlowAnswer.of(found, flow)


@routes.add("GET", "/flows/{flow_id}", answer=shapes.FlowAnswer)
async def get_flow(call: Call) -> shapes.FlowAnswer:
    """One version of a flow."""
    return shapes.FlowAnswer.of(await call.store.read(flows.get_flow, FlowId(call.number("flow_id"))))


# --- checks ----------------------------------------------------------------------------------------------------------


def _check_country(code: str) -> None:
    try:
        country(code)
    except ValueError as error:
        raise Problem(422, "invalid", str(error)) from error
