"""The admin's pages about trunks: the ways out, with their limits."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from app.model import NumberFormat, Trunk
from app.operations import OperationError
from app.panel import trail, view
from app.panel.admin import ENDPOINT_WORDS, AdminPages, told
from app.panel.forms import Form
from app.panel.shapes import WORD_WORDS, is_word
from app.store import trunks
from app.store.errors import InUse
from app.units import TrunkId

CALLER_ID_WORDS: Final = "3 to 15 digits are expected, with a plus or not"


class TrunkPages(AdminPages):
    """Trunks."""

    def routes(self) -> tuple[tuple[str, str, Any], ...]:
        """Method, path and what answers."""
        return (
            ("GET", "/admin/trunks", self._trunks),
            ("POST", "/admin/trunks", self._add_trunk),
            ("GET", "/admin/trunks/{trunk_id}", self._trunk),
            ("POST", "/admin/trunks/{trunk_id}", self._change_trunk),
            ("POST", "/admin/trunks/{trunk_id}/remove", self._remove_trunk),
        )

    async def _trunks(self, request: web.Request) -> web.StreamResponse:
        form = Form({"lines": "2", "calls_per_second": "1", "keep_plus": "yes", "is_enabled": "yes"})
        return await self._trunks_page(request, form)

    async def _trunks_page(
        self, request: web.Request, form: Form, trunk: Trunk | None = None, status: int = 200
    ) -> web.Response:
        rows = view.trunk_rows(await self._store.read(trunks.list_trunks), self._operations.snapshot())
        return self._pages.page(
            request, "admin_trunks.html", status=status, trunks=rows, form=form, trunk=trunk, saved=""
        )

    async def _trunk(self, request: web.Request) -> web.StreamResponse:
        trunk = await self._store.read(trunks.get_trunk, TrunkId(request.match_info["trunk_id"]))
        return await self._trunks_page(request, _trunk_form(trunk), trunk)

    async def _add_trunk(self, request: web.Request) -> web.StreamResponse:
        form = await Form.of(request)
        trunk_id = form["id"].strip()
        if not is_word(trunk_id):
            form.wrong("id", WORD_WORDS)
        elif any(one.id == trunk_id for one in await self._store.read(trunks.list_trunks)):
            form.wrong("id", "this trunk is there already")
        return await self._keep_trunk(request, form, TrunkId(trunk_id), None)

    async def _change_trunk(self, request: web.Request) -> web.StreamResponse:
        trunk = await self._store.read(trunks.get_trunk, TrunkId(request.match_info["trunk_id"]))
        return await self._keep_trunk(request, await Form.of(request), trunk.id, trunk)

    async def _keep_trunk(
        self, request: web.Request, form: Form, trunk_id: TrunkId, before: Trunk | None
    ) -> web.StreamResponse:
        prefixes = tuple(part for part in form["prefixes"].replace(";", ",").replace(" ", ",").split(",") if part)
        for prefix in prefixes:
            if not (prefix.startswith("+") and prefix[1:].isascii() and (prefix == "+" or prefix[1:].isdigit())):
                form.wrong("prefixes", "beginnings of numbers with their plus are expected, as in +44, +7916")
        trunk = Trunk(
            id=trunk_id,
            endpoint=form["endpoint"].strip(),
            lines=form.whole("lines", 1, 10_000),
            calls_per_second=form.number("calls_per_second", 0.001, 1_000),
            prefixes=prefixes,
            number_format=NumberFormat(
                keep_plus=form.ticked("keep_plus"),
                country_code=form.matching("country_code", r"[0-9]{0,4}", "up to 4 digits are expected"),
                national_prefix=form.matching("national_prefix", r"[0-9]{0,4}", "up to 4 digits are expected"),
                prefix=form.matching("prefix", r"[0-9]{0,8}", "up to 8 digits are expected"),
            ),
            caller_id=form.matching(
                "caller_id", r"(\+?[0-9]{3,15})?", "3 to 15 digits are expected, with a plus or not"
            ),
            is_enabled=form.ticked("is_enabled"),
        )
        if not is_word(trunk.endpoint):
            form.wrong("endpoint", ENDPOINT_WORDS)
        if form.is_good:
            try:
                await self._operations.save_trunk(trunk)
            except OperationError as error:
                form.wrong("", str(error))
            else:
                details = trail.differences(told(before), told(trunk))
                what = "changed trunk" if before else "added trunk"
                await self._note(request, what, f"trunk {trunk_id}", details)
                return self._back("/admin/trunks")
        return await self._trunks_page(request, form, before, 422)

    async def _remove_trunk(self, request: web.Request) -> web.StreamResponse:
        trunk = await self._store.read(trunks.get_trunk, TrunkId(request.match_info["trunk_id"]))
        try:
            await self._operations.remove_trunk(trunk.id)
        except InUse as error:
            form = _trunk_form(trunk)
            form.wrong("", str(error))
            return await self._trunks_page(request, form, trunk, 409)
        await self._note(request, "removed trunk", f"trunk {trunk.id}")
        return self._back("/admin/trunks")


def _trunk_form(trunk: Trunk) -> Form:
    form = trunk.number_format
    given = {
        "endpoint": trunk.endpoint, "lines": str(trunk.lines), "calls_per_second": f"{trunk.calls_per_second:g}",
        "prefixes": ", ".join(trunk.prefixes), "caller_id": trunk.caller_id, "country_code": form.country_code,
        "national_prefix": form.national_prefix, "prefix": form.prefix,
    }  # fmt: skip
    boxes = {"keep_plus": form.keep_plus, "is_enabled": trunk.is_enabled}
    return Form(given | {name: "yes" for name, is_on in boxes.items() if is_on})
