"""The REST interface: every noun in the plural, under /api/v1. See docs/rest.md and /api/v1/openapi.json."""

from __future__ import annotations

import asyncio
import tempfile
from importlib.metadata import version
from pathlib import Path

from aiohttp import BodyPartReader, web

from app.contacts.importing import import_list
from app.contacts.numbers import NumberProblem, country, reader_for
from app.contacts.problems import SheetProblem
from app.contacts.reading import ImportOptions
from app.panel import shapes
from app.panel.passwords import hash_password, new_key, token_hash
from app.panel.problems import Problem
from app.panel.routing import Call, Routes, openapi
from app.store import attempts, campaigns, dnc, flows, lists, people, trunks
from app.store.errors import NotFound
from app.store.people import Role
from app.units import ATTEMPT_ID, AttemptId, CampaignId, ContactId, FlowId, ListId, Number, TrunkId, number

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
    trunk = await call.store.read(trunks.get_trunk, TrunkId(call.text("trunk_id")))
    return shapes.TrunkAnswer.of(trunk, call.operations.snapshot())


@routes.add("PUT", "/trunks/{trunk_id}", role=Role.ADMIN, body=shapes.TrunkBody, answer=shapes.TrunkAnswer)
async def put_trunk(call: Call) -> shapes.TrunkAnswer:
    """Add or change a trunk."""
    trunk_id = call.text("trunk_id")
    if not shapes_word(trunk_id):
        raise Problem(
            422, "invalid", f"{trunk_id[:40]!r} is no trunk's id: letters, digits, . _ - and at most 64 of them"
        )
    trunk = call.body.trunk(trunk_id)
    await call.operations.save_trunk(trunk)
    return shapes.TrunkAnswer.of(trunk, call.operations.snapshot())


@routes.add("DELETE", "/trunks/{trunk_id}", role=Role.ADMIN)
async def delete_trunk(call: Call) -> None:
    """Remove a trunk that no campaign uses."""
    await call.operations.remove_trunk(TrunkId(call.text("trunk_id")))


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
    return shapes.ContactAnswer.of(await call.store.read(lists.get_contact, ContactId(call.number("contact_id"))))


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
        path = await _received(call.request, Path(folder))
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


async def _received(request: web.Request, folder: Path) -> Path:
    """The uploaded file, on disk, under its own name."""
    if not request.content_type.startswith("multipart/"):
        raise Problem(415, "not_a_form", "send the file as multipart/form-data, in a field named file")
    try:
        part = await (await request.multipart()).next()
    except ValueError as error:
        raise Problem(400, "bad_form", f"the form cannot be read: {error}") from error
    if not isinstance(part, BodyPartReader) or part.name != "file" or not part.filename:
        raise Problem(422, "invalid", "the form's first field must be the file, named file")
    path = folder / (Path(part.filename.replace("\\", "/")).name[-100:] or "upload")
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


# --- campaigns -------------------------------------------------------------------------------------------------------


@routes.add("GET", "/campaigns", answer=list[shapes.CampaignAnswer])
async def list_campaigns(call: Call) -> list[shapes.CampaignAnswer]:
    """All campaigns with their progress, newest first."""
    snapshot = call.operations.snapshot()
    return [shapes.CampaignAnswer.of(entry, snapshot) for entry in await call.store.read(campaigns.list_campaigns)]


@routes.add("POST", "/campaigns", body=shapes.CampaignBody, answer=shapes.CampaignAnswer, status=201)
async def create_campaign(call: Call) -> shapes.CampaignAnswer:
    """Make a campaign, as a draft."""
    list_ids = [ListId(list_id) for list_id in call.body.lists]
    entry = await call.operations.create_campaign(call.body.campaign(0), list_ids)
    return shapes.CampaignAnswer.of(entry, call.operations.snapshot())


@routes.add("GET", "/campaigns/{campaign_id}", answer=shapes.CampaignAnswer)
async def get_campaign(call: Call) -> shapes.CampaignAnswer:
    """One campaign with its progress and its calls."""
    entry = await call.store.read(campaigns.get_campaign, CampaignId(call.number("campaign_id")))
    return shapes.CampaignAnswer.of(entry, call.operations.snapshot())


@routes.add("PUT", "/campaigns/{campaign_id}", body=shapes.CampaignBody, answer=shapes.CampaignAnswer)
async def put_campaign(call: Call) -> shapes.CampaignAnswer:
    """Change a campaign; a running one follows at once. Lists named are added, none is taken away."""
    campaign_id = CampaignId(call.number("campaign_id"))
    await call.operations.change_campaign(call.body.campaign(campaign_id))
    for list_id in call.body.lists:
        await call.operations.attach_list(campaign_id, ListId(list_id))
    entry = await call.store.read(campaigns.get_campaign, campaign_id)
    return shapes.CampaignAnswer.of(entry, call.operations.snapshot())


@routes.add("POST", "/campaigns/{campaign_id}/start", answer=shapes.CampaignAnswer)
async def start_campaign(call: Call) -> shapes.CampaignAnswer:
    """Start or resume."""
    entry = await call.operations.start_campaign(CampaignId(call.number("campaign_id")))
    return shapes.CampaignAnswer.of(entry, call.operations.snapshot())


@routes.add("POST", "/campaigns/{campaign_id}/pause", answer=shapes.CampaignAnswer)
async def pause_campaign(call: Call) -> shapes.CampaignAnswer:
    """No new calls; those up go on."""
    entry = await call.operations.pause_campaign(CampaignId(call.number("campaign_id")))
    return shapes.CampaignAnswer.of(entry, call.operations.snapshot())


@routes.add("POST", "/campaigns/{campaign_id}/stop", answer=shapes.CampaignAnswer)
async def stop_campaign(call: Call) -> shapes.CampaignAnswer:
    """No new calls; ringing ones are taken back, answered people are heard out."""
    entry = await call.operations.stop_campaign(CampaignId(call.number("campaign_id")))
    return shapes.CampaignAnswer.of(entry, call.operations.snapshot())


# --- attempts --------------------------------------------------------------------------------------------------------


@routes.add("GET", "/attempts", query=shapes.AttemptsQuery, answer=shapes.AttemptsAnswer)
async def list_attempts(call: Call) -> shapes.AttemptsAnswer:
    """Attempts, newest first, of a campaign, a contact or all."""
    query = call.query
    page = await call.store.read(
        attempts.attempts_page,
        campaign_id=query.campaign,
        contact_id=query.contact,
        before=query.before,
        limit=query.limit,
    )
    return shapes.AttemptsAnswer.of(page)


@routes.add("GET", "/attempts/{attempt_id}", answer=shapes.AttemptAnswer)
async def get_attempt(call: Call) -> shapes.AttemptAnswer:
    """One attempt with what the flow learned."""
    attempt_id = call.text("attempt_id")
    if not ATTEMPT_ID.fullmatch(attempt_id):
        raise NotFound("attempt", attempt_id[:40])
    return shapes.AttemptAnswer.of(await call.store.read(attempts.get_attempt, AttemptId(attempt_id)))


# --- do-not-call -----------------------------------------------------------------------------------------------------


@routes.add("GET", "/dnc", query=shapes.DncQuery, answer=list[shapes.DncAnswer])
async def list_dnc(call: Call) -> list[shapes.DncAnswer]:
    """The do-not-call list, by number."""
    page = await call.store.read(dnc.dnc_page, after=call.query.after, limit=call.query.limit)
    return [shapes.DncAnswer.of(entry) for entry in page]


@routes.add("POST", "/dnc", role=Role.AGENT, body=shapes.DncBody, answer=shapes.DncAnswer, status=201)
async def add_dnc(call: Call) -> shapes.DncAnswer:
    """Never call a number again: when this answers, no call to it starts any more."""
    wanted = _number(call.body.number, call.body.country)
    await call.operations.do_not_call(wanted, "api")
    return shapes.DncAnswer(number=wanted, source="api", created_at_ms=call.operations.now_ms)


@routes.add("DELETE", "/dnc/{number}", role=Role.ADMIN)
async def delete_dnc(call: Call) -> None:
    """Take a number off the list, where it was put by mistake."""
    await call.store.write(dnc.remove_dnc, _number(call.text("number"), ""))


# --- people ----------------------------------------------------------------------------------------------------------


@routes.add("GET", "/users", role=Role.ADMIN, answer=list[shapes.UserAnswer])
async def list_users(call: Call) -> list[shapes.UserAnswer]:
    """People who may sign in."""
    return [shapes.UserAnswer.of(user) for user in await call.store.read(people.list_users)]


@routes.add("POST", "/users", role=Role.ADMIN, body=shapes.UserBody, answer=shapes.UserAnswer, status=201)
async def create_user(call: Call) -> shapes.UserAnswer:
    """Add a person."""
    hashed = await asyncio.to_thread(hash_password, call.body.password)
    role = Role(call.body.role)
    user = await call.store.write(
        people.add_user, name=call.body.name, password_hash=hashed, role=role, now_ms=call.operations.now_ms
    )
    return shapes.UserAnswer.of(user)


@routes.add("GET", "/users/me", role=Role.AGENT, answer=shapes.UserAnswer)
async def get_me(call: Call) -> shapes.UserAnswer:
    """Who you are."""
    return shapes.UserAnswer.of(call.user)


@routes.add("GET", "/apikeys", role=Role.AGENT, answer=list[shapes.KeyAnswer])
async def list_api_keys(call: Call) -> list[shapes.KeyAnswer]:
    """Your own API keys, without the keys themselves."""
    return [shapes.KeyAnswer.of(found) for found in await call.store.read(people.list_api_keys, call.user.id)]


@routes.add("POST", "/apikeys", role=Role.AGENT, body=shapes.KeyBody, answer=shapes.KeyAnswer, status=201)
async def create_api_key(call: Call) -> shapes.KeyAnswer:
    """Make an API key of your own; it is shown this once."""
    key = new_key()
    found = await call.store.write(
        people.add_api_key,
        user_id=call.user.id,
        name=call.body.name[:64],
        key_hash=token_hash(key),
        now_ms=call.operations.now_ms,
    )
    return shapes.KeyAnswer.of(found, key)


@routes.add("DELETE", "/apikeys/{key_id}", role=Role.AGENT)
async def delete_api_key(call: Call) -> None:
    """Revoke an API key of your own."""
    key_id = call.number("key_id")
    mine = await call.store.read(people.list_api_keys, call.user.id)
    if key_id not in {found.id for found in mine}:
        raise NotFound("API key", key_id)
    await call.store.write(people.revoke_api_key, key_id, call.operations.now_ms)


# --- checks ----------------------------------------------------------------------------------------------------------


def document() -> dict[str, object]:
    """The OpenAPI document."""
    return openapi(routes, version("outring"))


def shapes_word(text: str) -> bool:
    """Whether it can be a trunk's id."""
    return (
        bool(text)
        and len(text) <= 64
        and text.isascii()
        and text.replace("_", "").replace("-", "").replace(".", "").isalnum()
    )


def _check_country(code: str) -> None:
    try:
        country(code)
    except ValueError as error:
        raise Problem(422, "invalid", str(error)) from error


def _number(text: str, country_code: str) -> Number:
    """A number as written. Raises Problem."""
    try:
        if not country_code:
            return number(text)
        found = reader_for(country(country_code)).read(text)
    except ValueError as error:
        raise Problem(422, "invalid", str(error)) from error
    if isinstance(found, NumberProblem):
        raise Problem(422, "invalid", f"{found.why}, found {found.found!r}; {found.mend}")
    return found
