"""The page of call strategies: what each says, and its text to be changed."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from app.operations import OperationError
from app.panel import trail
from app.panel.doorkeeper import VISITOR
from app.panel.forms import Form
from app.panel.gates import only
from app.panel.pages import PageSet
from app.panel.shapes import WORD_WORDS, is_word
from app.panel.strategy_view import step_rows
from app.store import strategies
from app.store.people import Role
from app.store.strategies import StrategyVersion

SAMPLE: Final = """\
title: Households in the evening
limits: {attempts: 6, per phone: 3, per day: 2}
after:
  busy:
    - {wait: 5m, times: 3}
    - {wait: 1h, phone: next}
  no answer:
    - {wait: 4h}
    - {wait: 30m, phone: next}
    - {between: "18:00-20:00", wait: 12h}
  answering machine: {wait: tomorrow}
  anything else: {wait: 4h, times: 5}
"""
"""What a new strategy begins with."""
_PATH: Final = "/strategies"


class StrategyPages(PageSet):
    """The list of call strategies, and one of them."""

    def attach(self, app: web.Application) -> None:
        """Put the addresses into an aiohttp application."""
        gate = only(Role.SUPERVISOR)
        app.router.add_get(_PATH, gate(self._new))
        app.router.add_post(_PATH, gate(self._create))
        app.router.add_get(f"{_PATH}/{{name}}", gate(self._one))
        app.router.add_post(f"{_PATH}/{{name}}", gate(self._change))
        app.router.add_post(f"{_PATH}/{{name}}/remove", gate(self._remove))

    async def _new(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request, Form({"source": SAMPLE}))

    async def _one(self, request: web.Request) -> web.StreamResponse:
        found = await self._store.read(strategies.get_strategy, request.match_info["name"][:64])
        return await self._page(request, Form({"source": found.source}), found)

    async def _page(
        self, request: web.Request, form: Form, found: StrategyVersion | None = None, status: int = 200
    ) -> web.Response:
        known = await self._store.read(strategies.list_strategies)
        following = {one.name: await self._store.read(strategies.campaigns_of_strategy, one.name) for one in known}
        return self._pages.page(
            request, "strategies.html", status=status, known=known, following=following, form=form, found=found,
            rows=[] if found is None else list(step_rows(found.strategy)),
        )  # fmt: skip

    async def _create(self, request: web.Request) -> web.StreamResponse:
        form = await Form.of(request)
        name = form["name"].strip()
        if not is_word(name):
            form.wrong("name", WORD_WORDS)
        elif await self._store.read(strategies.latest_strategy, name) is not None:
            form.wrong("name", "a strategy of this name is there already; choose it in the list to change it")
        return await self._keep(request, form, name, None)

    async def _change(self, request: web.Request) -> web.StreamResponse:
        found = await self._store.read(strategies.get_strategy, request.match_info["name"][:64])
        return await self._keep(request, await Form.of(request), found.name, found)

    async def _keep(
        self, request: web.Request, form: Form, name: str, before: StrategyVersion | None
    ) -> web.StreamResponse:
        if form.is_good:
            try:
                saved = await self._operations.save_strategy(name, form["source"])
            except OperationError as error:
                form.wrong("source", str(error))
            else:
                if before is None or saved.version != before.version:
                    await self._note(request, "saved strategy", name, {"version": str(saved.version)})
                return web.Response(status=303, headers={"Location": f"{_PATH}/{name}"})
        return await self._page(request, form, before, 422)

    async def _remove(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"][:64]
        await self._store.write(strategies.remove_strategy, name)
        await self._note(request, "removed strategy", name, {})
        return web.Response(status=303, headers={"Location": _PATH})

    async def _note(self, request: web.Request, what: str, name: str, details: dict[str, str]) -> None:
        told = trail.note(request[VISITOR].user, what, f"strategy {name}"[:64], self._operations.now_ms, details)
        await trail.write(self._store, told)
