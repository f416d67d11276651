"""Lists, and importing one on one page: what was guessed, which column is what, counts, rejected rows with reasons."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from aiohttp import web

from app.contacts.importing import Preview
from app.contacts.mapping import ROLES
from app.contacts.numbers import country
from app.contacts.problems import SheetProblem
from app.contacts.reading import ImportOptions
from app.contacts.undoing import undo_import
from app.operations import Operations
from app.panel import trail
from app.panel.doorkeeper import VISITOR
from app.panel.forms import Form
from app.panel.gates import only, refused
from app.panel.import_desk import ImportDesk, Parcel
from app.panel.pages import Pages, wording
from app.panel.problems import Problem
from app.panel.rest_lists import received
from app.store import lists, undoing
from app.store.door import SqlStore
from app.store.errors import InUse, NotFound
from app.store.people import Role

ENCODINGS: Final = ("", "utf-8", "cp1251", "cp1252", "koi8-r", "cp866", "utf-16")
COLUMN: Final = "c:"
DELIMITERS: Final = {"\t": "tab", " ": "space"}


class ImportPages:
    """What answers behind the lists' addresses."""

    def __init__(self, *, operations: Operations, store: SqlStore, pages: Pages, desk: ImportDesk) -> None:
        self._operations = operations
        self._store = store
        self._pages = pages
        self._desk = desk

    def attach(self, app: web.Application) -> None:
        """Put the addresses into an aiohttp application."""
        gate = only(Role.SUPERVISOR)
        app.router.add_get("/lists", gate(self._list))
        app.router.add_get("/lists/import", gate(self._choose))
        app.router.add_post("/lists/import", gate(self._take))
        app.router.add_get("/lists/import/{key}", gate(self._look))
        app.router.add_post("/lists/import/{key}", gate(self._do))
        app.router.add_get("/lists/import/{key}/rejected", gate(self._rejected))
        app.router.add_post("/lists/imports/{import_id}/undo", gate(self._undo))

    async def _list(self, request: web.Request) -> web.StreamResponse:
        return await self._list_page(request)

    async def _list_page(self, request: web.Request, told: str = "", status: int = 200) -> web.Response:
        return self._pages.page(
            request, "lists.html", status=status, lists=await self._store.read(lists.list_lists), told=told,
            imports=await self._store.read(undoing.list_imports), is_wrong=status != 200,
        )  # fmt: skip

    async def _undo(self, request: web.Request) -> web.StreamResponse:
        """Take out what an import added; refused once one of its contacts was called."""
        text = request.match_info["import_id"]
        if not (text.isascii() and text.isdigit() and len(text) <= 15):
            raise NotFound("import", text[:40])
        entry = await self._store.read(undoing.get_import, int(text))
        try:
            removed, kept = await undo_import(self._store, entry.id, self._operations.now_ms)
        except InUse as error:
            return await self._list_page(request, str(error), 409)
        details = {"file": entry.file_name, "taken out": str(removed)} | ({"kept": str(kept)} if kept else {})
        note = trail.note(
            request[VISITOR].user, "undid import", f"list {entry.list_name}"[:64], self._operations.now_ms, details
        )
        await trail.write(self._store, note)
        return await self._list_page(request, f"{entry.file_name}: contacts taken out again: {removed}")

    async def _choose(self, request: web.Request) -> web.StreamResponse:
        form = Form({"name": request.query.get("name", "")[:128], "country": request.query.get("country", "GB")[:2]})
        known = await self._store.read(lists.list_lists)
        return self._pages.page(request, "import_file.html", lists=known, form=form)

    async def _take(self, request: web.Request) -> web.StreamResponse:
        """The file itself; its list and country come in the address, as the page's script sends them."""
        try:
            return await self._taken(request)
        except Problem as error:
            return refused(request, wording(request), error)

    async def _taken(self, request: web.Request) -> web.StreamResponse:
        name, code = " ".join(request.query.get("name", "").split()), request.query.get("country", "")
        try:
            country(code)
        except ValueError as error:
            raise Problem(422, "invalid", str(error)) from error
        if not 1 <= len(name) <= 128:
            raise Problem(422, "invalid", "a list's name has 1 to 128 characters")
        path = await received(request, self._desk.room())
        parcel = self._desk.keep(path, request[VISITOR].user.id, name, code)
        return web.json_response({"go": f"/lists/import/{parcel.key}"})

    # --- one file ----------------------------------------------------------------------------------------------------

    async def _look(self, request: web.Request) -> web.StreamResponse:
        parcel = self._parcel(request)
        if parcel.is_running or parcel.report is not None or parcel.trouble:
            return self._pages.page(request, "import_done.html", parcel=parcel, report=parcel.report)
        return await self._look_page(request, parcel, Form({"duplicates": "skip"}), ImportOptions())

    async def _as_before(self, parcel: Parcel, found: Preview, options: ImportOptions) -> tuple[Preview, int | None]:
        """The mapping of the last import of the same columns, and when that was; None: there was none, or it fits not.

        A sheet without a header is like any other without one: nothing is remembered of those.
        """
        before = await self._store.read(undoing.last_mapping, found.columns) if found.has_header else None
        if before is None:
            return found, None
        told = dict.fromkeys(ROLES, "") | dict(before.mapping)
        try:
            return await self._desk.look(parcel, replace(options, mapping=told)), before.started_at_ms
        except (SheetProblem, ValueError):  # a column's contents may have changed: what is seen is guessed anew
            return found, None

    async def _look_page(
        self, request: web.Request, parcel: Parcel, form: Form, options: ImportOptions, status: int = 200
    ) -> web.Response:
        found: Preview | None = None
        before_ms: int | None = None
        try:
            found, before_ms = await self._as_before(parcel, await self._desk.look(parcel, options), options)
        except (SheetProblem, ValueError) as error:
            form.wrong("", str(error))
            status = 422
        return self._pages.page(
            request, "import_look.html", status=status, parcel=parcel, found=found, form=form,
            columns=columns(found, form) if found else [], encodings=ENCODINGS, before_ms=before_ms,
            delimiter=DELIMITERS.get(found.facts.delimiter, found.facts.delimiter) if found else "",
        )  # fmt: skip

    async def _do(self, request: web.Request) -> web.StreamResponse:
        parcel, form = self._parcel(request), await Form.of(request)
        if form.has("drop"):
            self._desk.drop(parcel)
            return web.Response(status=303, headers={"Location": "/lists"})
        encoding = form.one_of("encoding", ENCODINGS) if form.has("encoding") else ""
        has_header = {"yes": True, "no": False}.get(form["header"])
        loose = ImportOptions(encoding=encoding or None, sheet=form["sheet"], has_header=has_header)
        if not form.has("import"):
            return await self._look_page(request, parcel, form, loose)
        try:
            found = await self._desk.look(parcel, loose)
        except (SheetProblem, ValueError):
            return await self._look_page(request, parcel, form, loose)
        told = mapping(form, found)
        if not any(role.startswith("phone") and column for role, column in told.items()):
            form.wrong("columns", "say which column is the phone")
            return await self._look_page(request, parcel, form, loose, 422)
        options = ImportOptions(
            mapping=told,
            duplicates="update" if form["duplicates"] == "update" else "skip",
            encoding=loose.encoding,
            sheet=loose.sheet,
            has_header=loose.has_header,
            rejected_to=parcel.folder / "rejected.csv",
        )
        self._desk.begin(parcel, options)
        note = trail.note(
            request[VISITOR].user, "imported", f"list {parcel.list_name}", self._operations.now_ms,
            {"file": parcel.path.name},
        )  # fmt: skip
        await trail.write(self._store, note)
        return web.Response(status=303, headers={"Location": f"/lists/import/{parcel.key}"})

    async def _rejected(self, request: web.Request) -> web.StreamResponse:
        parcel = self._parcel(request)
        path = parcel.rejected
        if path is None:
            raise NotFound("rejected row of", parcel.path.name)
        headers = {
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": 'attachment; filename="rejected.csv"',
        }
        return web.FileResponse(path, headers=headers)

    def _parcel(self, request: web.Request) -> Parcel:
        """The file of an address, for who brought it. Raises NotFound."""
        parcel = self._desk.find(request.match_info["key"])
        if parcel is None or parcel.owner_id != request[VISITOR].user.id:
            raise NotFound("import", request.match_info["key"][:40])
        return parcel


def columns(found: Preview, form: Form) -> list[dict[str, Any]]:
    """The file's columns: name, role guessed, how sure, and what the first rows have there.

    What a person chose in a form that was not taken stands as they chose it.
    """
    roles = {column: role for role, column in found.mapping.as_roles().items()}
    is_chosen = form.has("import")
    return [
        {
            "field": f"{COLUMN}{at}",
            "name": name,
            "role": form[f"{COLUMN}{at}"] if is_chosen else roles.get(name, ""),
            "sure": found.mapping.confidence.get(roles[name], 1.0) if name in roles and not is_chosen else None,
            "samples": [row[at] if at < len(row) else "" for row in found.samples],
        }
        for at, name in enumerate(found.columns)
    ]


def mapping(form: Form, found: Preview) -> dict[str, str]:
    """Role → column as chosen; a role nobody chose has none, whatever could be guessed. Phones go in columns' order."""
    told = {role: "" for role in ROLES if not role.startswith("phone")}
    phones = 0
    for at, name in enumerate(found.columns):
        role = form[f"{COLUMN}{at}"]
        if role.startswith("phone"):
            phones += 1
            if phones <= 5:
                told[f"phone{phones}"] = name
        elif role in told and not told[role]:
            told[role] = name
    return told
