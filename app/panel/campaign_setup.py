"""Making a campaign in five steps: contacts, who and when, how, what they hear and see, check and start."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from app.agents import DialingMode
from app.contacts.numbers import NumberProblem, country, reader_for
from app.model import Campaign, CampaignStatus
from app.operations import MAX_FIRST, OperationError
from app.outcomes import ContactStatus
from app.panel import campaign_forms, trail, view
from app.panel.campaign_check import check
from app.panel.campaign_forms import FIELDS, STEPS
from app.panel.doorkeeper import VISITOR
from app.panel.doors import YEAR_S
from app.panel.forms import Form
from app.panel.gates import is_scripted, only
from app.panel.pages import PageSet, campaign_id_of, wording
from app.rehearsal import rehearse
from app.store import agents, campaigns, flows, lists, mixing, people, rehearsing, strategies, trunks
from app.store.agents import CampaignAgent
from app.store.campaigns import CampaignEntry
from app.store.errors import Duplicate, NotFound
from app.store.flows import FlowVersion
from app.store.mixing import ListShare
from app.store.people import Role
from app.strategy.rows import CallStrategy
from app.units import AgentId, CampaignId, ContactId, FlowId, ListId, Number


class CampaignSetup(PageSet):
    """The campaigns' list and form."""

    def attach(self, app: web.Application) -> None:
        """Put the addresses into an aiohttp application."""
        gate = only(Role.SUPERVISOR)
        app.router.add_get("/campaigns", gate(self._list))
        app.router.add_get("/campaigns/new", gate(self._new))
        app.router.add_post("/campaigns/new", gate(self._create))
        app.router.add_get("/campaigns/{campaign_id}/setup", gate(self._first))
        step = "/campaigns/{campaign_id}/setup/{step:" + "|".join(STEPS) + "}"
        app.router.add_get(step, gate(self._step))
        app.router.add_post(step, gate(self._save))
        app.router.add_post("/campaigns/{campaign_id}/test", gate(self._test))

    # --- the list ----------------------------------------------------------------------------------------------------

    async def _list(self, request: web.Request) -> web.StreamResponse:
        snapshot = self._operations.snapshot()
        entries = await self._store.read(campaigns.list_campaigns)
        return self._pages.page(request, "campaigns.html", cards=[view.card(entry, snapshot) for entry in entries])

    # --- a new one ---------------------------------------------------------------------------------------------------

    async def _new(self, request: web.Request) -> web.StreamResponse:
        form = Form({"mode": DialingMode.PROGRESSIVE.value, "language": wording(request).language})
        return await self._new_page(request, form)

    async def _new_page(self, request: web.Request, form: Form, status: int = 200) -> web.Response:
        return self._pages.page(
            request, "campaign_new.html", status=status, form=form, lists=await self._store.read(lists.list_lists),
            flows=[_option(one) for one in await self._store.read(flows.list_flows)],
        )  # fmt: skip

    async def _create(self, request: web.Request) -> web.StreamResponse:
        form = await Form.of(request)
        name, mode = form.text("name", least=1), form.choice("mode", DialingMode)
        language = form.matching("language", r"[a-z]{2}(-[A-Z]{2})?", "a language such as en, ru or en-GB is expected")
        flow_id = FlowId(0)
        if mode is DialingMode.BROADCAST:
            flow_id = (
                FlowId(int(form["flow_id"])) if form["flow_id"].isascii() and form["flow_id"].isdigit() else flow_id
            )
            if not flow_id:
                form.wrong("flow_id", "a broadcast needs a flow: what people hear")
        if form.is_good:
            ways = tuple(trunk.id for trunk in await self._store.read(trunks.list_trunks) if trunk.is_enabled)
            plan = Campaign(id=CampaignId(0), name=name, flow_id=flow_id, trunks=ways[:1], language=language, mode=mode)
            try:
                entry = await self._operations.create_campaign(plan, [ListId(one) for one in form.ids("lists")])
            except Duplicate:
                form.wrong("name", "a campaign of this name is there already")
            except OperationError as error:
                form.wrong("", str(error))
            else:
                await self._note(request, "made campaign", entry.campaign, {"name": name, "mode": mode.value})
                return self._to(entry.campaign.id, "when")
        return await self._new_page(request, form, 422)

    def _to(self, campaign_id: CampaignId, step: str) -> web.Response:
        return web.Response(status=303, headers={"Location": f"/campaigns/{campaign_id}/setup/{step}"})

    async def _note(self, request: web.Request, what: str, plan: Campaign, details: dict[str, str]) -> None:
        told = trail.note(request[VISITOR].user, what, f"campaign {plan.id}", self._operations.now_ms, details)
        await trail.write(self._store, told)

    # --- the steps ---------------------------------------------------------------------------------------------------

    async def _first(self, request: web.Request) -> web.StreamResponse:
        return self._to(campaign_id_of(request), STEPS[0])

    async def _step(self, request: web.Request) -> web.StreamResponse:
        entry = await self._store.read(campaigns.get_campaign, campaign_id_of(request))
        step = request.match_info["step"]
        form = FIELDS[step](entry) if step in FIELDS else start_fields(request, entry)
        if step == "contacts":
            shares = await self._store.read(mixing.list_shares, entry.campaign.id)
            form = form.beside(campaign_forms.share_fields(shares))
        if step == "when":
            serving = await self._store.read(agents.list_campaign_agents, entry.campaign.id)
            form = form.along("agents", [str(one.agent_id) for one in serving])
        return await self._step_page(request, entry, form)

    async def _step_page(
        self, request: web.Request, entry: CampaignEntry, form: Form, status: int = 200
    ) -> web.Response:
        step = request.match_info["step"]
        values = await self._choices(step, entry, form)
        return self._pages.page(
            request, f"campaign_{step}.html", status=status, entry=entry, plan=entry.campaign, step=step, form=form,
            saves_itself=entry.status is CampaignStatus.DRAFT, **values,
        )  # fmt: skip

    async def _choices(self, step: str, entry: CampaignEntry, form: Form) -> dict[str, Any]:
        """What there is to choose from in a step."""
        match step:
            case "contacts":
                shares = await self._store.read(mixing.list_shares, entry.campaign.id)
                return {"lists": await self._store.read(lists.list_lists), "shares": shares if len(shares) > 1 else []}
            case "when":
                users = await self._store.read(people.list_users)
                shared = await self._store.read(strategies.list_strategies)
                return {
                    "people": [user for user in users if not user.is_disabled],
                    "strategies": [(one.name, f"{one.name} · {one.strategy.title}") for one in shared],
                    **self._laws(entry.campaign),
                }
            case "how":
                return {"trunks": await self._store.read(trunks.list_trunks)}
            case "hear":
                known = await self._store.read(flows.list_flows)
                mine = await self._store.read(flows.get_flow, entry.campaign.flow_id)
                rows = campaign_forms.typed_rows(form)
                others = [one.campaign for one in await self._store.read(campaigns.list_campaigns)]
                others = [one for one in others if one.id != entry.campaign.id]
                options = [_option(one) for one in (mine, *(one for one in known if one.id != mine.id))]
                return {"flows": options, "rows": rows, "others": others}
            case _:
                card = view.card(entry, self._operations.snapshot())
                like = await self._store.read(rehearsing.sample_contact, entry.campaign.id, contact_of(form))
                found = await check(self._store, entry)
                return {"card": card, "findings": found, "reasons": reasons(entry), "like": like}

    def _laws(self, plan: Campaign) -> dict[str, Any]:
        """The compliance profiles there are, and those of the campaign that are not there or cannot be read."""
        known = self._store.lawbook.versions()
        profiles = [(name, found.profile.title) for name, found in known.items()]
        missing = [(name, "") for name in plan.compliance.profiles if name not in known]
        return {"profiles": profiles + missing, "problems": [str(one) for one in self._store.lawbook.problems()]}

    async def _save(self, request: web.Request) -> web.StreamResponse:
        entry = await self._store.read(campaigns.get_campaign, campaign_id_of(request))
        step, form = request.match_info["step"], await Form.of(request)
        if step == "start":
            return await self._start(request, entry, form)
        plan = await self._read(step, form, entry.campaign)
        shares: list[ListShare] = []
        if step == "contacts":
            known = await self._store.read(mixing.list_shares, plan.id)
            shares = [one for one in campaign_forms.read_shares(form, known) if one not in known]
        if form.is_good:
            try:
                await self._keep(request, entry, plan, form)
                await self._share(request, plan, shares)
            except Duplicate:
                form.wrong("name", "a campaign of this name is there already")
            except NotFound as error:
                form.wrong("", str(error))
            except OperationError as error:
                form.wrong("", str(error))
        if is_scripted(request):
            words = wording(request)
            errors = {name: words.say(text) for name, text in form.errors.items()}
            return web.json_response({"errors": errors}, status=422 if errors else 200)
        if not form.is_good:
            return await self._step_page(request, entry, form, 422)
        return self._to(entry.campaign.id, STEPS[STEPS.index(step) + 1] if form.has("next") else step)

    async def _read(self, step: str, form: Form, plan: Campaign) -> Campaign:
        match step:
            case "contacts":
                return campaign_forms.contacts_step(form, plan)
            case "when":
                known = await self._store.read(strategies.list_strategies)
                return campaign_forms.when_step(form, plan, [one.strategy for one in known])
            case "how":
                ways = [trunk.id for trunk in await self._store.read(trunks.list_trunks)]
                return campaign_forms.how_step(form, plan, ways)
            case _:
                return campaign_forms.hear_step(form, plan)

    async def _keep(self, request: web.Request, entry: CampaignEntry, plan: Campaign, form: Form) -> None:
        before, step = entry.campaign, request.match_info["step"]
        details = trail.differences(_told(before), _told(plan))
        if plan != before:
            await self._operations.change_campaign(plan)
        if step == "contacts":
            for list_id in form.ids("lists"):
                if list_id not in entry.list_ids:
                    await self._operations.attach_list(plan.id, ListId(list_id))
                    details[f"list {list_id}"] = "attached"
        if step == "when":
            serving = {one.agent_id: one for one in await self._store.read(agents.list_campaign_agents, plan.id)}
            wanted = [AgentId(one) for one in form.ids("agents")]
            if set(wanted) != set(serving):
                kept = [serving.get(one, CampaignAgent(agent_id=one)) for one in wanted]
                await self._operations.serve_campaign(plan.id, kept)
                details["agents"] = f"{len(serving)} → {len(wanted)}"
        if details:
            await self._note(request, "changed campaign", plan, details)

    async def _share(self, request: web.Request, plan: Campaign, shares: list[ListShare]) -> None:
        if shares:
            await self._operations.share_lists(plan.id, shares)
            told = {
                one.name: f"weight {one.weight}, priority {one.priority}" + ("" if one.is_active else ", off")
                for one in shares
            }
            await self._note(request, "shared lists", plan, told)

    # --- check and start ---------------------------------------------------------------------------------------------

    async def _start(self, request: web.Request, entry: CampaignEntry, form: Form) -> web.StreamResponse:
        first = form.whole("first", 1, MAX_FIRST) if form.ticked("is_trial") else 0
        if not form.is_good:
            return await self._step_page(request, entry, form, 422)
        if any(one.is_in_the_way for one in await check(self._store, entry)):
            form.wrong("", "it cannot start yet: mend what is listed below")
            return await self._step_page(request, entry, form, 409)
        try:
            await self._operations.try_campaign(entry.campaign.id, first)
        except OperationError as error:
            form.wrong("", str(error))
            return await self._step_page(request, entry, form, 409)
        await self._note(request, "started campaign", entry.campaign, {"first calls": str(first)} if first else {})
        where = "/floor" if entry.campaign.mode is not DialingMode.BROADCAST else f"/campaigns/{entry.campaign.id}"
        return web.Response(status=303, headers={"Location": where})

    # --- a test call -------------------------------------------------------------------------------------------------

    async def _test(self, request: web.Request) -> web.StreamResponse:
        """Have the campaign call the number typed, and go to where the call is seen."""
        entry = await self._store.read(campaigns.get_campaign, campaign_id_of(request))
        typed = await Form.of(request)
        form = start_fields(request, entry, typed["number"], typed["contact"])
        number = await self._read_number(form, entry)
        if number is not None:
            try:
                made = await rehearse(self._operations, entry.campaign.id, number, contact_of(form))
            except OperationError as error:
                form.wrong("number", str(error))
            else:
                await self._note(request, "made test call", entry.campaign, {"to": f"…{number[-4:]}"})
                response = web.Response(status=303, headers={"Location": f"/campaigns/{made.campaign.id}"})
                is_https = request.secure or request.headers.get("X-Forwarded-Proto", "").lower() == "https"
                response.set_cookie(
                    MY_NUMBER, number, max_age=YEAR_S, path="/campaigns", httponly=True, secure=is_https,
                    samesite="Strict",
                )  # fmt: skip
                return response
        request.match_info["step"] = "start"
        return await self._step_page(request, entry, form, 422)

    async def _read_number(self, form: Form, entry: CampaignEntry) -> Number | None:
        """The number typed, as people of the campaign's first list write theirs."""
        region = (await self._store.read(lists.get_list, entry.list_ids[0])).country if entry.list_ids else "ZZ"
        is_whole = form["number"].strip().startswith("+")
        try:
            found = reader_for(country("GB" if is_whole else region)).read(form["number"])
        except ValueError:  # a list of typed numbers has no country
            found = NumberProblem(found="", why="", mend="")
        if isinstance(found, NumberProblem):
            form.wrong("number", "a telephone number is expected, with + and its country code")
            return None
        return found


def start_fields(request: web.Request, entry: CampaignEntry, number: str = "", contact: str = "") -> Form:
    """The last step's fields: the first calls before a pause (ticked before the first of all), and the test call's."""
    given = {
        "first": str(FIRST), "number": number or request.cookies.get(MY_NUMBER, ""),
        "contact": contact or request.query.get("contact", ""),
    }  # fmt: skip
    return Form(given if entry.progress.attempts else given | {"is_trial": "yes"})


def contact_of(form: Form) -> ContactId | None:
    """The contact whose data a test call says; None: the first."""
    text = form["contact"]
    return ContactId(int(text)) if text.isascii() and text.isdigit() and len(text) <= 15 else None


FIRST: Final = 50
"""Calls that show whether a campaign is right, before the rest of its list is called."""
MY_NUMBER: Final = "outring_my_number"


_CHANGES = {
    ContactStatus.PENDING: "called as soon as it is their turn",
    ContactStatus.IN_PROGRESS: "being called now",
    ContactStatus.CONNECTED: "done",
    ContactStatus.NOT_CONNECTED: "given up: the trunk failed too often",
    ContactStatus.RETRIES_COMPLETED: "given up: tried as often as allowed",
    ContactStatus.DO_NOT_CALL: "never: they asked not to be called",
    ContactStatus.INVALID_NUMBER: "when the number is mended",
    ContactStatus.NOT_ALLOWED: "when what a compliance profile misses is there, and they are called again",
    ContactStatus.DANGLING: "when somebody says what came of the call",
}


def reasons(entry: CampaignEntry) -> list[tuple[str, int, str]]:
    """Contacts by status, with what changes it; together the total."""
    statuses = entry.progress.statuses
    return [(status.value, statuses[status], _CHANGES[status]) for status in view.STATUS_ORDER if statuses.get(status)]


def _option(flow: FlowVersion) -> tuple[str, str]:
    return str(flow.id), f"{flow.name} · {flow.version}"


def _told(plan: Campaign) -> dict[str, object]:
    """A campaign's settings by name, flat, for the trail."""
    flat: dict[str, object] = {}
    for part in (plan, plan.retry, plan.compliance, plan.ownership, plan.order, plan.agents, plan.agents.pacing):
        for name in part.__dataclass_fields__:
            if name not in ("retry", "agents", "pacing", "compliance", "ownership", "order"):
                flat[name] = _plain(getattr(part, name))
    return flat


def _plain(value: Any) -> object:
    if isinstance(value, CallStrategy):
        return value.name
    if isinstance(value, tuple):
        return ", ".join(str(getattr(one, "code", one)) for one in value)
    return getattr(value, "value", value)
