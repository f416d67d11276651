"""A phone is tried on a page of its own: rung, heard, and heard from, with what was seen and what mends it.

For the admin who sets it up as for the agent who is to sit at it.
"""

from __future__ import annotations

from aiohttp import web

from app.agent_operations import AgentOperations
from app.operations import OperationError, Operations
from app.panel.doorkeeper import VISITOR
from app.panel.gates import only
from app.panel.pages import Pages, PageSet, wording
from app.panel.problems import Problem
from app.panel.shapes import is_word
from app.store import phones
from app.store.door import SqlStore
from app.store.errors import NotFound
from app.store.people import Role, User


class PhonePages(PageSet):
    """The page of one phone's trial."""

    def __init__(self, *, operations: Operations, store: SqlStore, pages: Pages, agents: AgentOperations) -> None:
        super().__init__(operations=operations, store=store, pages=pages)
        self._agents = agents

    def attach(self, app: web.Application) -> None:
        """Put the address into an aiohttp application."""
        gate = only(Role.AGENT)
        app.router.add_get("/phones/{endpoint}/trial", gate(self._shown))
        app.router.add_post("/phones/{endpoint}/trial", gate(self._begin))

    async def _shown(self, request: web.Request) -> web.StreamResponse:
        endpoint = await self._endpoint(request)
        return self._page(request, endpoint)

    async def _begin(self, request: web.Request) -> web.StreamResponse:
        endpoint = await self._endpoint(request)
        try:
            await self._agents.try_phone(request[VISITOR].user, endpoint, wording(request).language)
        except OperationError as error:
            return self._page(request, endpoint, str(error), 409)
        return web.Response(status=303, headers={"Location": f"/phones/{endpoint}/trial"})

    def _page(self, request: web.Request, endpoint: str, refusal: str = "", status: int = 200) -> web.Response:
        return self._pages.page(
            request, "phone_trial.html", status=status, endpoint=endpoint, trial=self._agents.phone_trial(endpoint),
            refusal=refusal, is_admin=request[VISITOR].user.role is Role.ADMIN,
        )  # fmt: skip

    async def _endpoint(self, request: web.Request) -> str:
        """The phone of the address. Raises NotFound for what is no phone's name, Problem for somebody else's phone."""
        endpoint, user = request.match_info["endpoint"], request[VISITOR].user
        if not is_word(endpoint):
            raise NotFound("phone", endpoint[:40])
        if user.role is Role.AGENT and await self._is_of_another(endpoint, user):
            raise Problem(403, "forbidden", "this phone is somebody else's; ask an admin whose it shall be")
        return endpoint

    async def _is_of_another(self, endpoint: str, user: User) -> bool:
        try:
            phone = await self._store.read(phones.get_phone, endpoint)
        except NotFound:
            return False
        return phone.agent_id is not None and phone.agent_id != user.id
