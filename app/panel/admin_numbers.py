"""The admin's pages about numbers: those that are shown, and those that are not called."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from aiohttp import web

from app.commands import AddDnc
from app.model import OwnedNumber
from app.operations import OperationError
from app.panel import trail
from app.panel.admin import AdminPages, told
from app.panel.doorkeeper import VISITOR
from app.panel.forms import Form
from app.panel.rest_dnc import removed
from app.store import caller_ids, campaigns, dnc, national, projects, trunks
from app.store.errors import InUse, NotFound
from app.units import DAY_MS, MINUTE_MS, CampaignId, ProjectId, TrunkId

PAGE: Final = 50
MOST: Final = 1_000_000
NUMBER_WORDS: Final = "3 to 15 digits are expected, with a plus or not"
AREA_WORDS: Final = "beginnings of numbers with their plus are expected, as in +44, +4420"


class NumberPages(AdminPages):
    """Caller IDs and do-not-call."""

    def routes(self) -> tuple[tuple[str, str, Any], ...]:
        """Method, path and what answers."""
        return (
            ("GET", "/admin/caller-ids", self._shown),
            ("POST", "/admin/caller-ids", self._add_shown),
            ("GET", "/admin/caller-ids/{number}", self._one_shown),
            ("POST", "/admin/caller-ids/{number}", self._change_shown),
            ("POST", "/admin/caller-ids/{number}/remove", self._remove_shown),
            ("GET", "/admin/dnc", self._barred),
            ("POST", "/admin/dnc", self._bar),
            ("POST", "/admin/dnc/remove", self._unbar),
        )

    # --- caller IDs --------------------------------------------------------------------------------------------------

    async def _shown(self, request: web.Request) -> web.StreamResponse:
        nothing = dict.fromkeys(("per_hour", "per_day", "rest_after", "rest_min"), "0")
        return await self._shown_page(request, Form(nothing))

    async def _shown_page(
        self, request: web.Request, form: Form, number: str = "", status: int = 200
    ) -> web.StreamResponse:
        rows = await self._store.read(caller_ids.list_caller_ids, self._operations.now_ms)
        ways = [(trunk.id, trunk.id, "") for trunk in await self._store.read(trunks.list_trunks)]
        return self._pages.page(
            request, "admin_caller_ids.html", status=status, rows=rows, ways=ways, form=form, number=number, saved=""
        )

    async def _one_shown(self, request: web.Request) -> web.StreamResponse:
        number = request.match_info["number"]
        entry = await self._store.read(caller_ids.get_caller_id, number, self._operations.now_ms)
        return await self._shown_page(request, _shown_form(entry.owned), number)

    async def _add_shown(self, request: web.Request) -> web.StreamResponse:
        form = await Form.of(request)
        number = form.matching("number", r"\+?[0-9]{3,15}", NUMBER_WORDS)
        is_there = await self._store.read(caller_ids.owns, number)
        if is_there:
            form.wrong("number", "this number is there already")
        return await self._keep_shown(request, form, number, None)

    async def _change_shown(self, request: web.Request) -> web.StreamResponse:
        number = request.match_info["number"]
        before = await self._store.read(caller_ids.get_caller_id, number, self._operations.now_ms)
        return await self._keep_shown(request, await Form.of(request), number, before.owned)

    async def _keep_shown(
        self, request: web.Request, form: Form, number: str, before: OwnedNumber | None
    ) -> web.StreamResponse:
        areas = tuple(part for part in form["areas"].replace(";", ",").replace(" ", ",").split(",") if part)
        if not all(area.startswith("+") and area[1:].isascii() and area[1:].isdigit() for area in areas):
            form.wrong("areas", AREA_WORDS)
        owned = OwnedNumber(
            number=number,
            label=form.text("label", most=64),
            trunks=tuple(TrunkId(one) for one in form.all("trunks")),
            areas=areas,
            per_hour=form.whole("per_hour", 0, MOST),
            per_day=form.whole("per_day", 0, MOST),
            rest_after=form.whole("rest_after", 0, MOST),
            rest_ms=form.length_ms("rest_min", 0, 43_200, MINUTE_MS),
            is_resting=form.ticked("is_resting"),
        )
        if form.is_good:
            try:
                await self._operations.shown_numbers.save(owned)
            except (OperationError, NotFound) as error:
                form.wrong("", str(error))
            else:
                details = trail.differences(told(before), told(owned))
                what = "changed caller ID" if before else "added caller ID"
                await self._note(request, what, f"caller ID {number}", details)
                return self._back("/admin/caller-ids")
        return await self._shown_page(request, form, "" if before is None else number, 422)

    async def _remove_shown(self, request: web.Request) -> web.StreamResponse:
        number = request.match_info["number"]
        try:
            await self._operations.shown_numbers.remove(number)
        except InUse as error:
            entry = await self._store.read(caller_ids.get_caller_id, number, self._operations.now_ms)
            form = _shown_form(entry.owned)
            form.wrong("", str(error))
            return await self._shown_page(request, form, number, 409)
        await self._note(request, "removed caller ID", f"caller ID {number}")
        return self._back("/admin/caller-ids")

    # --- do-not-call -------------------------------------------------------------------------------------------------

    async def _barred(self, request: web.Request) -> web.StreamResponse:
        return await self._barred_page(request, Form({"where": "all"}))

    async def _barred_page(self, request: web.Request, form: Form, status: int = 200) -> web.StreamResponse:
        after = request.query.get("after", "")[:64]
        wanted = "".join(sign for sign in request.query.get("beginning", "")[:24] if sign in "+0123456789")
        if wanted and not wanted.startswith("+"):
            wanted = "+" + wanted
        page = await self._store.read(dnc.dnc_page, after=after, beginning=wanted, limit=PAGE + 1)
        groups = await self._store.read(projects.list_projects)
        plans = await self._store.read(campaigns.list_campaigns)
        now_ms = self._operations.now_ms
        registers = [
            (one, None if one.as_of_ms is None else (now_ms - one.as_of_ms) // DAY_MS)
            for one in await self._store.read(national.all_national_lists)
        ]
        return self._pages.page(
            request,
            "admin_dnc.html",
            status=status,
            entries=page[:PAGE],
            next_after=quote(dnc.cursor(page[PAGE - 1]), safe="") if len(page) > PAGE else "",
            beginning=wanted,
            form=form,
            saved="",
            projects={one.id: one.name for one in groups},
            campaigns={one.campaign.id: one.campaign.name for one in plans},
            registers=registers,
        )

    async def _bar(self, request: web.Request) -> web.StreamResponse:
        form = await Form.of(request)
        kind, _, place = form["where"].partition(":")
        where = int(place) if place.isascii() and place.isdigit() and len(place) <= 15 else None
        command = AddDnc(
            number=form.text("number", least=1, most=16).replace(" ", ""),
            source="panel",
            project_id=ProjectId(where) if kind == "project" and where is not None else None,
            campaign_id=CampaignId(where) if kind == "campaign" and where is not None else None,
            who=request[VISITOR].user.name,
            why=form.text("why", most=500),
        )
        if form.is_good:
            try:
                await self._operations.barring.bar(command)
            except (OperationError, NotFound) as error:
                form.wrong("number", str(error))
            else:
                await self._note(request, "added do-not-call", f"dnc {command.number}", {"why": command.why or "–"})
                return self._back("/admin/dnc")
        return await self._barred_page(request, form, 422)

    async def _unbar(self, request: web.Request) -> web.StreamResponse:
        form = await Form.of(request)
        number, project, campaign = (*form["entry"].split(":"), "", "")[:3]
        places = [int(part) if part.isascii() and part.isdigit() else 0 for part in (project[:15], campaign[:15])]
        gone = await self._store.write(
            dnc.remove_dnc, number[:16], project_id=ProjectId(places[0]), campaign_id=CampaignId(places[1])
        )
        for entry in gone:
            await self._note(request, "removed do-not-call", f"dnc {entry.number}", removed(entry))
        return self._back("/admin/dnc")


def _shown_form(owned: OwnedNumber) -> Form:
    given = {
        "label": owned.label, "areas": ", ".join(owned.areas), "per_hour": str(owned.per_hour),
        "per_day": str(owned.per_day), "rest_after": str(owned.rest_after),
        "rest_min": f"{owned.rest_ms / MINUTE_MS:g}",
    }  # fmt: skip
    return Form(given | ({"is_resting": "yes"} if owned.is_resting else {}), {"trunks": list(owned.trunks)})
