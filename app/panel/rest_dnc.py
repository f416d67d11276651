"""REST: who is not called (the do-not-call list, national lists), projects, and the numbers that are shown."""

from __future__ import annotations

from app.commands import AddDnc
from app.contacts.numbers import NumberProblem, country, reader_for
from app.panel import dnc_shapes, trail
from app.panel.problems import Problem
from app.panel.routing import Call, Routes
from app.store import caller_ids, dnc, national, projects
from app.store.dnc import DncEntry
from app.store.people import Role
from app.units import DAY_MS, CampaignId, ContactId, Number, ProjectId, beginning, number

routes = Routes()

# --- do-not-call -----------------------------------------------------------------------------------------------------


@routes.add("GET", "/dnc", query=dnc_shapes.DncQuery, answer=list[dnc_shapes.DncAnswer])
async def list_dnc(call: Call) -> list[dnc_shapes.DncAnswer]:
    """The do-not-call list, by number."""
    query = call.query
    page = await call.store.read(
        dnc.dnc_page,
        after=query.after,
        limit=query.limit,
        beginning=query.beginning,
        project_id=query.project,
        campaign_id=query.campaign,
    )
    return [dnc_shapes.DncAnswer.of(entry, dnc.cursor(entry)) for entry in page]


@routes.add("GET", "/dnc/check", query=dnc_shapes.DncCheckQuery, answer=dnc_shapes.DncCheckAnswer)
async def check_dnc(call: Call) -> dnc_shapes.DncCheckAnswer:
    """Whether a number may be called, by anyone or by one campaign."""
    wanted = _number(call.query.number, call.query.country)
    campaign_id = None if call.query.campaign is None else CampaignId(call.query.campaign)
    is_barred = await call.store.read(dnc.is_dnc, wanted, campaign_id=campaign_id)
    entries = await call.store.read(dnc.entries_of, wanted)
    return dnc_shapes.DncCheckAnswer(
        number=wanted, is_barred=is_barred, entries=[dnc_shapes.DncAnswer.of(entry) for entry in entries]
    )


@routes.add("POST", "/dnc", role=Role.AGENT, body=dnc_shapes.DncBody, answer=dnc_shapes.DncAnswer, status=201)
async def add_dnc(call: Call) -> dnc_shapes.DncAnswer:
    """Never call a number or a person again: when this answers, no call to them starts any more, in any process."""
    body = call.body
    wanted = body.number.strip()
    if wanted and not wanted.endswith("*"):
        wanted = _number(wanted, body.country)
    added = AddDnc(
        number=wanted,
        source=body.source,
        contact_id=None if body.contact is None else ContactId(body.contact),
        project_id=None if body.project is None else ProjectId(body.project),
        campaign_id=None if body.campaign is None else CampaignId(body.campaign),
        who=call.user.name,
        why=body.why,
    )
    told = await call.operations.barring.bar(added)
    entry = DncEntry(
        number=told.number,
        source=added.source,
        attempt_id=None,
        created_at_ms=call.operations.now_ms,
        project_id=added.project_id,
        campaign_id=added.campaign_id,
        contact_id=added.contact_id,
        who=added.who,
        why=added.why,
    )
    answer = dnc_shapes.DncAnswer.of(entry)
    return answer.model_copy(update={"numbers": list(told.numbers)})


@routes.add("DELETE", "/dnc/{number}", role=Role.ADMIN, query=dnc_shapes.DncWhereQuery, is_noted=False)
async def delete_dnc(call: Call) -> None:
    """Take a number off the list, where it was put by mistake; a person goes with all of their phones."""
    text = call.text("number")
    wanted = text if text.endswith("*") else _number(text, "")
    gone = await call.store.write(
        dnc.remove_dnc, wanted, project_id=call.query.project, campaign_id=call.query.campaign
    )
    for entry in gone:
        details = {"by": "REST"} | removed(entry)
        told = trail.note(call.user, "removed do-not-call", f"dnc {entry.number}", call.operations.now_ms, details)
        await trail.write(call.store, told)


def removed(entry: DncEntry) -> dict[str, str]:
    """What the trail keeps of an entry that is gone: all there was."""
    where = {"project": entry.project_id, "campaign": entry.campaign_id, "contact": entry.contact_id}
    told = {"source": entry.source, "who": entry.who, "why": entry.why, "since_ms": str(entry.created_at_ms)}
    told |= {name: str(value) for name, value in where.items() if value is not None}
    return {name: trail.short(value) for name, value in told.items() if value}


def _number(text: str, country_code: str) -> Number:
    """A number as written. Raises Problem."""
    try:
        if text.endswith("*"):
            return Number(beginning(text))
        if not country_code:
            return number(text)
        found = reader_for(country(country_code)).read(text)
    except ValueError as error:
        raise Problem(422, "invalid", str(error)) from error
    if isinstance(found, NumberProblem):
        raise Problem(422, "invalid", f"{found.why}, found {found.found!r}; {found.mend}")
    return found


# --- national lists --------------------------------------------------------------------------------------------------


@routes.add("GET", "/national-lists", answer=list[dnc_shapes.NationalListAnswer])
async def list_national_lists(call: Call) -> list[dnc_shapes.NationalListAnswer]:
    """National do-not-call lists, with the age of the edition that counts."""
    found = await call.store.read(national.all_national_lists)
    return [dnc_shapes.NationalListAnswer.of(one, call.operations.now_ms) for one in found]


@routes.add("DELETE", "/national-lists/{name}", role=Role.ADMIN)
async def delete_national_list(call: Call) -> None:
    """Remove a national list that no campaign honours."""
    await call.store.write(national.remove_national_list, call.text("name"))


@routes.add("GET", "/campaigns/{campaign_id}/national-lists", answer=dnc_shapes.HonouredListsAnswer)
async def list_honoured(call: Call) -> dnc_shapes.HonouredListsAnswer:
    """The national lists a campaign honours, and whether they are fresh enough to call at all."""
    campaign_id = CampaignId(call.number("campaign_id"))
    await call.store.read(projects.project_of, campaign_id)
    honoured = await call.store.read(national.honoured_by, campaign_id)
    return dnc_shapes.HonouredListsAnswer(
        lists=[
            dnc_shapes.HonouredAnswer(name=one.name, max_age_days=one.max_age_days, as_of_ms=one.as_of_ms)
            for one in honoured
        ],
        waiting_for=await call.store.read(national.stale_list, campaign_id, call.operations.now_ms),
    )


@routes.add(
    "PUT",
    "/campaigns/{campaign_id}/national-lists",
    body=dnc_shapes.HonouredListsBody,
    answer=dnc_shapes.HonouredListsAnswer,
)
async def put_honoured(call: Call) -> dnc_shapes.HonouredListsAnswer:
    """Say which national lists a campaign honours, and how old they may be; from the next call on."""
    await call.store.write(national.set_honoured, CampaignId(call.number("campaign_id")), call.body.honoured())
    found: dnc_shapes.HonouredListsAnswer = await list_honoured(call)
    return found


# --- projects --------------------------------------------------------------------------------------------------------


@routes.add("GET", "/projects", answer=list[dnc_shapes.ProjectAnswer])
async def list_projects(call: Call) -> list[dnc_shapes.ProjectAnswer]:
    """Projects, which campaigns are in, and which have do-not-call lists of their own."""
    return [dnc_shapes.ProjectAnswer.of(one) for one in await call.store.read(projects.list_projects)]


@routes.add("POST", "/projects", body=dnc_shapes.ProjectBody, answer=dnc_shapes.ProjectAnswer, status=201)
async def create_project(call: Call) -> dnc_shapes.ProjectAnswer:
    """Make a project."""
    made = await call.store.write(projects.create_project, name=call.body.name, now_ms=call.operations.now_ms)
    return dnc_shapes.ProjectAnswer.of(made)


@routes.add("PUT", "/projects/{project_id}", body=dnc_shapes.ProjectBody, answer=dnc_shapes.ProjectAnswer)
async def put_project(call: Call) -> dnc_shapes.ProjectAnswer:
    """Rename a project."""
    project_id = ProjectId(call.number("project_id"))
    return dnc_shapes.ProjectAnswer.of(await call.store.write(projects.rename_project, project_id, call.body.name))


@routes.add("DELETE", "/projects/{project_id}", role=Role.ADMIN)
async def delete_project(call: Call) -> None:
    """Remove a project that has no campaigns, with its do-not-call list."""
    await call.store.write(projects.remove_project, ProjectId(call.number("project_id")))


@routes.add("GET", "/campaigns/{campaign_id}/project", answer=dnc_shapes.ProjectAnswer)
async def get_campaign_project(call: Call) -> dnc_shapes.ProjectAnswer:
    """The project a campaign is in."""
    found = await call.store.read(projects.project_of, CampaignId(call.number("campaign_id")))
    return dnc_shapes.ProjectAnswer.of(found)


@routes.add(
    "PUT",
    "/campaigns/{campaign_id}/project",
    body=dnc_shapes.CampaignProjectBody,
    answer=dnc_shapes.ProjectAnswer,
)
async def put_campaign_project(call: Call) -> dnc_shapes.ProjectAnswer:
    """Put a campaign into a project, whose do-not-call list counts for it from now on."""
    campaign_id = CampaignId(call.number("campaign_id"))
    await call.store.write(projects.move_campaign, campaign_id, ProjectId(call.body.project))
    return dnc_shapes.ProjectAnswer.of(await call.store.read(projects.project_of, campaign_id))


# --- caller IDs ------------------------------------------------------------------------------------------------------


@routes.add("GET", "/caller-ids", query=dnc_shapes.CallerIdsQuery, answer=list[dnc_shapes.CallerIdAnswer])
async def list_caller_ids(call: Call) -> list[dnc_shapes.CallerIdAnswer]:
    """The numbers that are yours to show, with how often people answered them."""
    found = await call.store.read(caller_ids.list_caller_ids, call.operations.now_ms, call.query.days * DAY_MS)
    return [dnc_shapes.CallerIdAnswer.of(one) for one in found]


@routes.add(
    "PUT",
    "/caller-ids/{number}",
    role=Role.ADMIN,
    body=dnc_shapes.CallerIdBody,
    answer=dnc_shapes.CallerIdAnswer,
)
async def put_caller_id(call: Call) -> dnc_shapes.CallerIdAnswer:
    """Add a number that is yours to show, or change what it may be used for."""
    shown = call.text("number")
    await call.operations.shown_numbers.save(call.body.owned(shown))
    return dnc_shapes.CallerIdAnswer.of(await call.store.read(caller_ids.get_caller_id, shown, call.operations.now_ms))


@routes.add("DELETE", "/caller-ids/{number}", role=Role.ADMIN)
async def delete_caller_id(call: Call) -> None:
    """Show a number no more; refused while a campaign or a trunk names it."""
    await call.operations.shown_numbers.remove(call.text("number"))
