"""The table of REST routes: one declaration gives the work its checked input, its door-keeper, and its OpenAPI.

The work behind a route is `async def f(call: Call) -> BaseModel | list | None`; None answers 204. Roles are ordered:
admin may do what a supervisor may, a supervisor what an agent may.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, get_args

from aiohttp import web
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.json_schema import models_json_schema

from app.agent_operations import AgentOperations
from app.contact_operations import ContactOperations
from app.operations import Operations
from app.panel import trail
from app.panel.problems import Problem, misfit
from app.panel.repeats import HEADER, KEY_SCHEMA, Repeats
from app.sources.keeper import Sources
from app.store.audit import AuditNote
from app.store.door import SqlStore
from app.store.people import Role, User
from app.webhooks.courier import Courier

PREFIX: Final = "/api/v1"
RANK: Final = {Role.AGENT: 0, Role.SUPERVISOR: 1, Role.ADMIN: 2}
MAX_BODY: Final = 1 << 20
_PARAMETER: Final = re.compile(r"\{(\w+)\}")
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
        if not re.fullmatch(r"[0-9]{1,18}", text):
            raise Problem(404, "not_found", f"{text[:40]!r} is not an id")
        return int(text)

    def text(self, name: str) -> str:
        """A word in the path."""
        return self.request.match_info[name]


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
            app.router.add_route(row.method, PREFIX + row.path, _door(row, call_for))


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
    """The body as a model. Strict: a JSON number is no text, and a 1 is no true."""
    try:
        return model.model_validate_json(raw, strict=True)
    except ValidationError as error:
        raise misfit(error, "body") from error


def _checked(model: type[M], value: Any, where: str) -> M:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise misfit(error, where) from error


def openapi(routes: Routes, version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the table: what is declared is what is checked."""
    models = {model for row in routes.rows for model in (row.body, row.query, *_models(row.answer)) if model}
    ordered = sorted(models, key=lambda model: model.__name__)
    refs, definitions = models_json_schema(
        [(model, "serialization" if _is_answer(model, routes) else "validation") for model in ordered],
        ref_template="#/components/schemas/{model}",
    )
    by_model = {model: schema for (model, _), schema in refs.items()}
    paths: dict[str, Any] = {}
    for row in routes.rows:
        paths.setdefault(PREFIX + row.path, {})[row.method.lower()] = _operation(row, by_model)
    problem = {
        "type": "object",
        "required": ["status", "code", "detail"],
        "properties": {
            "type": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string", "description": "stable, for programs"},
            "detail": {"type": "string", "description": "a sentence for people"},
            "errors": {"type": "array", "items": {"type": "object"}},
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Outring", "version": version, "description": "Outbound campaigns on Asterisk."},
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": definitions.get("$defs", {}) | {"Problem": problem},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _models(answer: Any) -> list[type[BaseModel]]:
    found = [answer, *get_args(answer)]
    return [one for one in found if isinstance(one, type) and issubclass(one, BaseModel)]


def _is_answer(model: type[BaseModel], routes: Routes) -> bool:
    return any(model in _models(row.answer) for row in routes.rows)


def _operation(row: Route, by_model: dict[Any, Any]) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(row.path)
    ]
    if row.query is not None:
        schema = row.query.model_json_schema()
        parameters += [
            {"name": name, "in": "query", "required": name in schema.get("required", []), "schema": part}
            for name, part in schema["properties"].items()
        ]
    if row.body is not None and row.method == "POST":
        parameters.append({"name": HEADER, "in": "header", "required": False, "schema": KEY_SCHEMA})
    problem = {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    operation: dict[str, Any] = {
        "operationId": row.work.__name__,
        "summary": row.summary,
        "tags": [row.tag],
        "description": f"Needs the role {row.role.value}.",
        "parameters": parameters,
        "responses": {str(row.status): {"description": "done"}, "default": {"description": "refused", **problem}},
    }
    if row.answer is not None:
        schema = TypeAdapter(row.answer).json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
        schema.pop("$defs", None)
        operation["responses"][str(row.status)]["content"] = {row.media: {"schema": schema}}
    if row.body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": by_model[row.body]}}}
    if row.takes_file:
        form = {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}
        operation["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": form}}}
    return operation
