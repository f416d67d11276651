"""The table of REST routes: one declaration gives the work its checked input, its door-keeper, and its
line in the OpenAPI document (`openapi`).

The work behind a route is `async def f(call: Call) -> BaseModel | list | None`; None answers 204. Roles are ordered:
admin may do what a supervisor may, a supervisor what an agent may.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from aiohttp import web
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from app.agent_operations import AgentOperations
from app.contact_operations import ContactOperations
from app.operations import Operations
from app.panel import trail
from app.panel.problems import Problem, misfit
from app.panel.repeats import Repeats
from app.panel.shapes import WORD_WORDS, is_word
from app.sources.keeper import Sources
from app.store.audit import AuditNote
from app.store.door import SqlStore
from app.store.people import Role, User
from app.webhooks.courier import Courier

PREFIX: Final = "/api/v1"
RANK: Final = {Role.AGENT: 0, Role.SUPERVISOR: 1, Role.ADMIN: 2}
MAX_BODY: Final = 1 << 20
PARAMETER: Final = re.compile(r"\{(\w+)\}")
M = TypeVar("M", bound=BaseModel)


@dataclass(slots=True, kw_only=True)
class Call:
    """One request, as the work behind a route sees it: who asks, and what. play: answers with a recording."""

    request: web.Request
    user: User
    operations: Operations
    agents: AgentOperations
    store: SqlStore
    play: Callable[[web.Request, str, User], Awaitable[web.StreamResponse]]
    contacts: ContactOperations
    sources: Sources
    courier: Courier
    repeats: Repeats
    body: Any = None
    query: Any = None

    def number(self, name: str) -> int:
        """A whole number in the path. Raises Problem 404 for anything else."""
        text = self.request.match_info[name]
        if not re.fullmatch(r"[0-9]{1,18}", text) or not 1 <= int(text) <= 2**53:
            raise Problem(404, "not_found", f"{text[:40]!r} is not an id")
        return int(text)

    def text(self, name: str) -> str:
        """Whatever stands in the path."""
        return self.request.match_info[name]

    def word(self, name: str) -> str:
        """A word in the path. Raises Problem 404 for what can be no word: nothing is called that."""
        text = self.request.match_info[name]
        if not is_word(text):
            raise Problem(404, "not_found", f"{text[:40]!r} is nothing's name: {WORD_WORDS}")
        return text


Work = Callable[[Call], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One row of the table."""

    method: str
    path: str
    work: Work
    summary: str
    role: Role
    tag: str
    status: int
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    answer: Any
    takes_file: bool
    media: str
    max_body: int
    is_noted: bool
    """Whether doing it is written into the audit trail here (and not by the work itself)."""


@dataclass(slots=True)
class Routes:
    """The table, filled by decorators."""

    rows: list[Route] = field(default_factory=list)

    def add(
        self,
        method: str,
        path: str,
        *,
        role: Role = Role.SUPERVISOR,
        body: type[BaseModel] | None = None,
        query: type[BaseModel] | None = None,
        answer: Any = None,
        status: int | None = None,
        takes_file: bool = False,
        media: str = "application/json",
        max_body: int = MAX_BODY,
        is_noted: bool = True,
    ) -> Callable[[Work], Work]:
        """Declare a route; the docstring of the work is its description."""

        def declare(work: Work) -> Work:
            summary = (work.__doc__ or "").strip().split("\n")[0]
            assert summary, f"{method} {path} has no description"
            self.rows.append(
                Route(
                    method=method,
                    path=path,
                    work=work,
                    summary=summary,
                    role=role,
                    tag=path.split("/")[1],
                    status=status or (204 if answer is None else 200),
                    body=body,
                    query=query,
                    answer=answer,
                    takes_file=takes_file,
                    media=media,
                    max_body=max_body,
                    is_noted=is_noted and method != "GET" and role is not Role.AGENT,
                )
            )
            return work

        return declare

    def attach(self, app: web.Application, call_for: Callable[[web.Request], Call]) -> None:
        """Put every route into an aiohttp application."""
        for row in self.rows:
            app.router.add_route(row.method, PREFIX + self._address(row), _door(row, call_for))

    def _address(self, row: Route) -> str:
        """A path for the router: `/users/me`, which has methods of its own, is not also one of `/users/{user_id}`."""
        parts = row.path.split("/")
        for at, part in enumerate(parts):
            if PARAMETER.fullmatch(part):
                alike = [other.path.split("/") for other in self.rows if other.path.count("/") == row.path.count("/")]
                words = {
                    other[at]
                    for other in alike
                    if other[:at] == row.path.split("/")[:at] and not PARAMETER.fullmatch(other[at])
                }
                taken = "|".join(re.escape(word) for word in sorted(words))
                parts[at] = f"{{{part[1:-1]}:(?!(?:{taken})$)[^{{}}/]+}}" if taken else part
        return "/".join(parts)


def _door(
    row: Route, call_for: Callable[[web.Request], Call]
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        call = call_for(request)
        if RANK[call.user.role] < RANK[row.role]:
            raise Problem(403, "forbidden", f"this needs the role {row.role.value}; you are {call.user.role.value}")
        if row.query is not None:
            call.query = _checked(row.query, dict(request.query), "query")
        if row.body is None:
            return await _answered(row, call)
        raw = await _raw_body(row, request)
        call.body = _read_body(row.body, raw)
        return await call.repeats.once(request, call.user, raw, lambda: _answered(row, call))

    return answer


async def _answered(row: Route, call: Call) -> web.StreamResponse:
    """Do what the route is for."""
    result = await row.work(call)
    if row.is_noted:
        await trail.write(call.store, _noted(row, call))
    if isinstance(result, web.StreamResponse):
        return result
    if row.answer is None:
        return web.Response(status=204)
    text = TypeAdapter(row.answer).dump_json(result).decode()
    return web.Response(status=row.status, text=text, content_type="application/json")


def _noted(row: Route, call: Call) -> AuditNote:
    """What a program did, for the trail: the route's name, what of, and what it gave but for secrets."""
    subject = " ".join([row.tag.rstrip("s"), *call.request.match_info.values()])
    given = call.body.model_dump(exclude_unset=True, exclude={"password"}) if call.body is not None else {}
    details = {name: trail.short(value) for name, value in given.items()}
    return trail.note(
        call.user, row.work.__name__.replace("_", " "), subject, call.operations.now_ms, {"by": "REST"} | details
    )


async def _raw_body(row: Route, request: web.Request) -> bytes:
    if request.content_type != "application/json":
        raise Problem(415, "not_json", "send the body as application/json")
    return await request.clone(client_max_size=row.max_body).read()


def _read_body(model: type[M], raw: bytes) -> M:
    """The body as a model. Strict: a JSON number is no text, and a 1 is no true; but 1.0 is a whole number."""
    try:
        return model.model_validate_json(raw, strict=True)
    except ValidationError as error:
        refused = error
    if any(one["type"] == "int_type" and _is_whole(one["input"]) for one in refused.errors(include_url=False)):
        try:
            return model.model_validate_json(to_json(_whole(from_json(raw))), strict=True)
        except ValidationError as error:
            refused = error
    raise misfit(refused, "body") from refused


def _is_whole(value: Any) -> bool:
    """Whether a number written with a fraction or an exponent is whole all the same, as JSON Schema counts."""
    return isinstance(value, float) and value.is_integer() and abs(value) <= 2**53


def _whole(value: Any) -> Any:
    match value:
        case dict():
            return {name: _whole(one) for name, one in value.items()}
        case list():
            return [_whole(one) for one in value]
        case _:
            return int(value) if _is_whole(value) else value


def _checked(model: type[M], value: Any, where: str) -> M:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise misfit(error, where) from error
