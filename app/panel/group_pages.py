"""The page of groups of agents: who is in which, for campaigns whose contacts are groups'."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from app.panel import trail
from app.panel.doorkeeper import VISITOR
from app.panel.forms import Form
from app.panel.gates import only
from app.panel.pages import PageSet
from app.store import groups, people
from app.store.errors import Duplicate, NotFound
from app.store.groups import AgentGroup
from app.store.people import Role
from app.units import AgentId

_PATH: Final = "/groups"
TAKEN: Final = "a group of this name is there already; choose it in the list to change it"


class GroupPages(PageSet):
    """The list of groups of agents, and one of them."""

    def attach(self, app: web.Application) -> None:
        """Put the addresses into an aiohttp application."""
        gate = only(Role.SUPERVISOR)
        one = _PATH + "/{group_id:[0-9]{1,15}}"
        app.router.add_get(_PATH, gate(self._new))
        app.router.add_post(_PATH, gate(self._create))
        app.router.add_get(one, gate(self._one))
        app.router.add_post(one, gate(self._change))
        app.router.add_post(f"{one}/remove", gate(self._remove))

    async def _new(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request, Form({}))

    async def _one(self, request: web.Request) -> web.StreamResponse:
        found = await self._store.read(groups.get_group, _id(request))
        form = Form({"name": found.name}, {"agents": [str(one) for one in found.agents]})
        return await self._page(request, form, found)

    async def _page(
        self, request: web.Request, form: Form, found: AgentGroup | None = None, status: int = 200
    ) -> web.Response:
        users = [user for user in await self._store.read(people.list_users) if not user.is_disabled]
        return self._pages.page(
            request, "groups.html", status=status, form=form, found=found, people=users,
            known=await self._store.read(groups.list_groups), names={user.id: user.name for user in users},
        )  # fmt: skip

    async def _create(self, request: web.Request) -> web.StreamResponse:
        return await self._keep(request, await Form.of(request), None)

    async def _change(self, request: web.Request) -> web.StreamResponse:
        found = await self._store.read(groups.get_group, _id(request))
        return await self._keep(request, await Form.of(request), found)

    async def _keep(self, request: web.Request, form: Form, found: AgentGroup | None) -> web.StreamResponse:
        name = form.text("name", least=1, most=64)
        agents = [AgentId(one) for one in form.ids("agents")]
        if form.is_good:
            try:
                if found is None:
                    now_ms = self._operations.now_ms
                    await self._store.write(groups.create_group, name=name, agents=agents, now_ms=now_ms)
                else:
                    await self._store.write(groups.change_group, found.id, name=name, agents=agents)
            except Duplicate:
                form.wrong("name", TAKEN)
            except NotFound as error:
                form.wrong("", str(error))
            else:
                await self._operations.give_contacts()
                await self._note(request, "saved group", name, {"agents": str(len(agents))})
                return web.Response(status=303, headers={"Location": _PATH})
        return await self._page(request, form, found, 422)

    async def _remove(self, request: web.Request) -> web.StreamResponse:
        found = await self._store.read(groups.get_group, _id(request))
        await self._store.write(groups.remove_group, found.id)
        await self._operations.give_contacts()
        await self._note(request, "removed group", found.name, {})
        return web.Response(status=303, headers={"Location": _PATH})

    async def _note(self, request: web.Request, what: str, name: str, details: dict[str, str]) -> None:
        told = trail.note(request[VISITOR].user, what, f"group {name}"[:64], self._operations.now_ms, details)
        await trail.write(self._store, told)


def _id(request: web.Request) -> int:
    return int(request.match_info["group_id"])
