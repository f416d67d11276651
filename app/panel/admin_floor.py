"""The admin's pages about the floor: phones, pause reasons, and the audit trail of everything."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy import Connection

from app.agents import PauseReason, PhoneMode
from app.panel import trail
from app.panel.admin import ENDPOINT_WORDS, MAX_NAME, AdminPages, told
from app.panel.forms import Form
from app.panel.shapes import is_word
from app.store import audit, pauses, people, phones
from app.store.errors import NotFound
from app.store.phones import Phone
from app.units import MINUTE_MS, AgentId

CODE: Final = r"[a-z0-9][a-z0-9-]{0,31}"
CODE_WORDS: Final = "small letters, digits and hyphens are expected, as in lunch-break"


class FloorSettingsPages(AdminPages):
    """Phones, pause reasons, the trail."""

    def routes(self) -> tuple[tuple[str, str, Any], ...]:
        """Method, path and what answers."""
        return (
            ("GET", "/admin/phones", self._phones),
            ("POST", "/admin/phones", self._add_phone),
            ("GET", "/admin/phones/{endpoint}", self._phone),
            ("POST", "/admin/phones/{endpoint}", self._change_phone),
            ("POST", "/admin/phones/{endpoint}/remove", self._remove_phone),
            ("GET", "/admin/pauses", self._pauses),
            ("POST", "/admin/pauses", self._add_pause),
            ("GET", "/admin/pauses/{code}", self._pause),
            ("POST", "/admin/pauses/{code}", self._change_pause),
            ("POST", "/admin/pauses/{code}/remove", self._remove_pause),
            ("GET", "/admin/audit", self._audit),
        )

    # --- phones ------------------------------------------------------------------------------------------------------

    async def _phones(self, request: web.Request) -> web.StreamResponse:
        return await self._phones_page(request, Form({"phone_mode": "nailed up", "has_auto_answer": "yes"}))

    async def _phones_page(
        self, request: web.Request, form: Form, phone: Phone | None = None, status: int = 200
    ) -> web.Response:
        users = await self._store.read(people.list_users)
        return self._pages.page(
            request, "admin_phones.html", status=status, phones=await self._store.read(phones.list_phones), form=form,
            phone=phone, saved="", names={user.id: user.name for user in users},
            people=[(str(user.id), user.name) for user in users if not user.is_disabled],
        )  # fmt: skip

    async def _phone(self, request: web.Request) -> web.StreamResponse:
        phone = await self._store.read(phones.get_phone, request.match_info["endpoint"])
        given = {
            "label": phone.label, "agent_id": str(phone.agent_id or ""), "phone_mode": phone.phone_mode.value,
        } | ({"has_auto_answer": "yes"} if phone.has_auto_answer else {})  # fmt: skip
        return await self._phones_page(request, Form(given), phone)

    async def _add_phone(self, request: web.Request) -> web.StreamResponse:
        form = await Form.of(request)
        endpoint = form["endpoint"].strip()
        if not is_word(endpoint):
            form.wrong("endpoint", ENDPOINT_WORDS)
        elif any(one.endpoint == endpoint for one in await self._store.read(phones.list_phones)):
            form.wrong("endpoint", "this phone is there already")
        return await self._keep_phone(request, form, endpoint, None)

    async def _change_phone(self, request: web.Request) -> web.StreamResponse:
        phone = await self._store.read(phones.get_phone, request.match_info["endpoint"])
        return await self._keep_phone(request, await Form.of(request), phone.endpoint, phone)

    async def _keep_phone(
        self, request: web.Request, form: Form, endpoint: str, before: Phone | None
    ) -> web.StreamResponse:
        label, mode = form.text("label"), form.choice("phone_mode", PhoneMode)
        owner = form["agent_id"]
        if owner and not (owner.isascii() and owner.isdigit() and len(owner) <= 15):
            form.wrong("agent_id", "choose one of the list")
        if form.is_good:
            phone = Phone(
                endpoint=endpoint,
                label=label,
                agent_id=AgentId(int(owner)) if owner else None,
                phone_mode=mode,
                has_auto_answer=form.ticked("has_auto_answer"),
            )
            details = trail.differences(told(before), told(phone))
            try:
                what = "changed phone" if before else "added phone"
                await self._audited(
                    request, what, f"phone {endpoint}", details, lambda conn: phones.put_phone(conn, phone)
                )
                return self._back("/admin/phones")
            except NotFound:
                form.wrong("agent_id", "choose one of the list")
        return await self._phones_page(request, form, before, 422)

    async def _remove_phone(self, request: web.Request) -> web.StreamResponse:
        endpoint = request.match_info["endpoint"]
        await self._audited(
            request, "removed phone", f"phone {endpoint}"[:64], {}, lambda conn: phones.remove_phone(conn, endpoint)
        )
        return self._back("/admin/phones")

    # --- pause reasons -----------------------------------------------------------------------------------------------

    async def _pauses(self, request: web.Request) -> web.StreamResponse:
        reasons = await self._store.read(pauses.list_pause_reasons)
        form = Form({"limit_min": "0", "position": str(len(reasons) + 1), "is_paid": "yes"})
        return await self._pauses_page(request, form)

    async def _pauses_page(
        self, request: web.Request, form: Form, reason: PauseReason | None = None, status: int = 200
    ) -> web.Response:
        reasons = await self._store.read(pauses.list_pause_reasons)
        return self._pages.page(
            request, "admin_pauses.html", status=status, reasons=reasons, form=form, reason=reason, saved=""
        )

    async def _pause(self, request: web.Request) -> web.StreamResponse:
        reasons = await self._store.read(pauses.list_pause_reasons)
        reason = await self._store.read(pauses.get_pause_reason, request.match_info["code"])
        given = {
            "label": reason.label, "limit_min": f"{reason.limit_ms / MINUTE_MS:g}",
            "position": str(1 + [one.code for one in reasons].index(reason.code)),
        } | ({"is_paid": "yes"} if reason.is_paid else {})  # fmt: skip
        return await self._pauses_page(request, Form(given), reason)

    async def _add_pause(self, request: web.Request) -> web.StreamResponse:
        form = await Form.of(request)
        code = form.matching("code", CODE, CODE_WORDS)
        if any(one.code == code for one in await self._store.read(pauses.list_pause_reasons)):
            form.wrong("code", "this code is there already")
        return await self._keep_pause(request, form, code, None)

    async def _change_pause(self, request: web.Request) -> web.StreamResponse:
        reason = await self._store.read(pauses.get_pause_reason, request.match_info["code"])
        return await self._keep_pause(request, await Form.of(request), reason.code, reason)

    async def _keep_pause(
        self, request: web.Request, form: Form, code: str, before: PauseReason | None
    ) -> web.StreamResponse:
        reason = PauseReason(
            code=code,
            label=form.text("label", least=1, most=MAX_NAME),
            is_paid=form.ticked("is_paid"),
            limit_ms=form.length_ms("limit_min", 0, 1_440, MINUTE_MS),
        )
        position = form.whole("position", 1, 1_000)
        if form.is_good:
            details = trail.differences(told(before), told(reason))
            what = "changed pause reason" if before else "added pause reason"
            await self._audited(
                request, what, f"pause reason {code}", details, lambda conn: put_reason_at(conn, reason, position)
            )
            return self._back("/admin/pauses")
        return await self._pauses_page(request, form, before, 422)

    async def _remove_pause(self, request: web.Request) -> web.StreamResponse:
        code = request.match_info["code"]
        await self._audited(
            request,
            "removed pause reason",
            f"pause reason {code}"[:64],
            {},
            lambda conn: pauses.remove_pause_reason(conn, code),
        )
        return self._back("/admin/pauses")

    # --- the audit trail ---------------------------------------------------------------------------------------------

    async def _audit(self, request: web.Request) -> web.StreamResponse:
        asked = {name: request.query.get(name, "")[:64] or None for name in ("who", "subject")}
        before = request.query.get("before", "")
        found = await self._store.read(
            audit.audit_page,
            who=asked["who"],
            subject=asked["subject"],
            before=int(before) if before.isascii() and before.isdigit() and len(before) <= 15 else None,
        )
        query = urlencode({name: value for name, value in asked.items() if value})
        return self._pages.page(request, "admin_audit.html", audit=found, asked=asked, query=query, is_first=not before)


def put_reason_at(conn: Connection, reason: PauseReason, position: int) -> None:
    """Keep a reason at a place of the list, and number the others around it."""
    others = [one for one in pauses.list_pause_reasons(conn) if one.code != reason.code]
    others.insert(position - 1, reason)
    for at, one in enumerate(others, 1):
        pauses.put_pause_reason(conn, one, position=at)
