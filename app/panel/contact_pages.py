"""A contact's own page, for supervisors: all that is known, what was done, changed and taken out while calls go on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from app.contact_operations import ContactOperations
from app.contacts.keys import is_keyed_by_phone
from app.contacts.upserting import StaleEdit, UpsertResult
from app.panel import contact_form
from app.panel.doorkeeper import VISITOR
from app.panel.forms import Form
from app.panel.gates import only
from app.panel.pages import PageSet, wording
from app.store import lists, people
from app.store.audit import audit_page
from app.store.cards import ContactCard, contact_card
from app.store.errors import InUse
from app.store.people import Role
from app.units import ContactId, ListId

_ONE: Final = "/contacts/{contact_id:[0-9]{1,15}}"
_OF_LIST: Final = "/lists/{list_id:[0-9]{1,15}}/contacts"
CHANGES: Final = 20
ATTEMPTS: Final = 10


class ContactPages(PageSet):
    """One contact, and a new one of a list."""

    contacts: ContactOperations
    """Given by the panel."""

    def attach(self, app: web.Application) -> None:
        """Put the addresses into an aiohttp application."""
        gate = only(Role.SUPERVISOR)
        app.router.add_get(_ONE, gate(self._one))
        app.router.add_post(_ONE, gate(self._change))
        app.router.add_post(f"{_ONE}/remove", gate(self._remove))
        app.router.add_get(f"{_OF_LIST}/new", gate(self._new))
        app.router.add_post(_OF_LIST, gate(self._add))

    # --- one that is there -------------------------------------------------------------------------------------------

    async def _one(self, request: web.Request) -> web.StreamResponse:
        card = await self._store.read(contact_card, _contact_id(request), attempts=ATTEMPTS)
        return await self._page(request, card, contact_form.form_of(card.contact, card.columns))

    async def _page(
        self, request: web.Request, card: ContactCard, form: Form, *, status: int = 200,
        others: Mapping[str, str] | None = None,
    ) -> web.Response:  # fmt: skip
        subject = f"contact {card.contact.id}"
        return self._pages.page(
            request, "contact.html", status=status, card=card, form=form, others=others or {},
            columns=card.columns[: contact_form.MOST_COLUMNS], owners=await self._agents(),
            audit=await self._store.read(audit_page, subject=subject, limit=CHANGES),
            is_saved="saved" in request.query and not form.errors,
        )  # fmt: skip

    async def _change(self, request: web.Request) -> web.StreamResponse:
        form = await Form.of(request)
        contact_id = _contact_id(request)
        card = await self._store.read(contact_card, contact_id, attempts=ATTEMPTS)
        seen = form["seen_at_ms"]
        given = contact_form.read_form(form, card.contact, card.columns)
        if not form.is_good:
            return await self._page(request, card, form, status=422)
        seen_at_ms = int(seen) if seen.isascii() and seen.isdigit() and len(seen) <= 15 else -1
        try:
            row, _ = await self.contacts.change(contact_id, given, by=_name(request), seen_at_ms=seen_at_ms)
        except StaleEdit:
            card = await self._store.read(contact_card, contact_id, attempts=ATTEMPTS)
            others = contact_form.note_others(form, card.contact, card.columns)
            form = form.beside({"seen_at_ms": str(card.contact.updated_at_ms)})
            return await self._page(request, card, form, status=409, others=others)
        if row.result is UpsertResult.REJECTED:
            contact_form.note_problems(form, row.problems, wording(request).say)
            return await self._page(request, card, form, status=422)
        return web.Response(status=303, headers={"Location": f"/contacts/{contact_id}?saved=1"})

    async def _remove(self, request: web.Request) -> web.StreamResponse:
        contact_id = _contact_id(request)
        card = await self._store.read(contact_card, contact_id, attempts=ATTEMPTS)
        try:
            await self.contacts.remove(contact_id, by=_name(request))
        except InUse as error:
            form = contact_form.form_of(card.contact, card.columns)
            form.wrong("", str(error))
            return await self._page(request, card, form, status=409)
        return web.Response(status=303, headers={"Location": f"/contacts/{contact_id}"})

    # --- a new one ---------------------------------------------------------------------------------------------------

    async def _new(self, request: web.Request) -> web.StreamResponse:
        of_list = await self._store.read(lists.get_list, _list_id(request))
        return await self._new_page(request, of_list, contact_form.form_of(contact_form.NOBODY, of_list.columns))

    async def _new_page(
        self, request: web.Request, of_list: lists.ContactList, form: Form, status: int = 200
    ) -> web.Response:
        is_keyed = await self._store.read(is_keyed_by_phone, of_list.id) is False
        return self._pages.page(
            request, "contact_new.html", status=status, of_list=of_list, form=form, is_keyed=is_keyed, others={},
            columns=of_list.columns[: contact_form.MOST_COLUMNS], owners=await self._agents(),
        )  # fmt: skip

    async def _add(self, request: web.Request) -> web.StreamResponse:
        form = await Form.of(request)
        of_list = await self._store.read(lists.get_list, _list_id(request))
        given = contact_form.as_new(
            contact_form.read_form(form, contact_form.NOBODY, of_list.columns), form.text("key", most=200)
        )
        if not given.phones:
            form.wrong("phone0", "give at least one phone")
        if not form.is_good:
            return await self._new_page(request, of_list, form, 422)
        try:
            [row] = await self.contacts.upsert(of_list.id, [given], by=_name(request), with_updates=False)
        except InUse as error:
            form.wrong("", str(error))
            return await self._new_page(request, of_list, form, 409)
        if row.result is UpsertResult.REJECTED:
            contact_form.note_problems(form, row.problems, wording(request).say)
        elif row.result is UpsertResult.UNCHANGED:
            form.wrong("key" if given.key else "phone0", "a contact of this list has it already; find and change it")
        if not form.is_good:
            return await self._new_page(request, of_list, form, 422)
        return web.Response(status=303, headers={"Location": f"/contacts/{row.contact_id}?saved=1"})

    async def _agents(self) -> list[str]:
        """Names that may be written as owners."""
        return [one.name for one in await self._store.read(people.list_users) if not one.is_disabled]


def _contact_id(request: web.Request) -> ContactId:
    return ContactId(int(request.match_info["contact_id"]))


def _list_id(request: web.Request) -> ListId:
    return ListId(int(request.match_info["list_id"]))


def _name(request: web.Request) -> str:
    return request[VISITOR].user.name
