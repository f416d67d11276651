"""The OpenAPI 3.1 document of the table of routes: what is declared is what is checked, and how it may be refused.

`tests/fuzz/rest.py` holds the running panel against it.
"""

from __future__ import annotations

from typing import Any, Final, get_args

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from app.panel.agent_shapes import CODE
from app.panel.problems import pattern
from app.panel.repeats import HEADER, KEY_SCHEMA
from app.panel.routing import PARAMETER, PREFIX, Route, Routes
from app.panel.shapes import WORD
from app.units import ATTEMPT_ID

_ID: Final = {"type": "integer", "minimum": 1, "maximum": 2**53}
_WORD: Final = {"type": "string", "pattern": WORD}
_PLACES: Final[dict[str, dict[str, Any]]] = {
    "trunk_id": _WORD,
    "endpoint": _WORD,
    "code": {"type": "string", "pattern": CODE},
    "name": _WORD,
    "attempt_id": {"type": "string", "pattern": pattern(f"^{ATTEMPT_ID.pattern}$", "the id of an attempt")},
    "session_id": {"type": "string", "pattern": pattern(r"^[0-9a-f]{1,64}$", "a session as GET /sessions names it")},
    "dnc.number": {
        "type": "string",
        "pattern": pattern(r"^\+[1-9]([0-9]{4,14}|[0-9]{0,13}\*)$", "a number with its plus, or +4470*"),
    },
    "caller-ids.number": {"type": "string", "pattern": pattern(r"^\+?[0-9]{3,15}$", "3 to 15 digits, with their plus")},
    "national-lists.name": {"type": "string", "minLength": 1, "maxLength": 64},
    "recordings.name": {"type": "string", "minLength": 1, "maxLength": 200},
}
"""What stands in an address, by its name, or by its noun and name; any other is an id."""
_REFUSALS: Final = {
    400: "the body is not what its type says, or the request is no HTTP",
    401: "no key, or one that does not count (any more)",
    403: "the role is too small, or a browser's request is not from our page",
    404: "no such thing, or something named in the request does not exist",
    409: "not in the state it is in; the name is taken; something still uses it",
    413: "too large",
    415: "the body is of another type",
    416: "there is no such range",
    422: "it does not fit, and the places are told",
    500: "our mistake; the log has it",
    503: "the database refuses; try again",
    504: "the dialer did not confirm in time; look at the state before trying again",
}
_PROBLEM: Final = {
    "type": "object",
    "required": ["type", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "stable, for programs"},
        "detail": {"type": "string", "description": "a sentence for people"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["place", "problem"],
                "properties": {"place": {"type": "string"}, "problem": {"type": "string"}},
            },
        },
    },
}


def openapi(routes: Routes, version: str) -> dict[str, Any]:
    """The document."""
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
    return {
        "openapi": "3.1.0",
        "info": {"title": "Outring", "version": version, "description": "Outbound campaigns on Asterisk."},
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": _closed(definitions.get("$defs", {})) | {"Problem": _PROBLEM},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _closed(schema: Any) -> Any:
    """A schema in which names that fit no pattern are none: that is how such names are checked."""
    match schema:
        case dict():
            told = {name: _closed(part) for name, part in schema.items()}
            return told | {"additionalProperties": False} if "patternProperties" in told else told
        case list():
            return [_closed(part) for part in schema]
        case _:
            return schema


def _models(answer: Any) -> list[type[BaseModel]]:
    found = [answer, *get_args(answer)]
    return [one for one in found if isinstance(one, type) and issubclass(one, BaseModel)]


def _is_answer(model: type[BaseModel], routes: Routes) -> bool:
    return any(model in _models(row.answer) for row in routes.rows)


def _place(row: Route, name: str) -> dict[str, Any]:
    return _PLACES.get(f"{row.tag}.{name}") or _PLACES.get(name) or _ID


def _refused(row: Route) -> set[int]:
    """How a route may refuse."""
    found = {401, 403, 500, 503}
    is_change, has_place = row.method != "GET", bool(PARAMETER.findall(row.path))
    if is_change:
        found |= {409, 504}
    if has_place or row.body or row.query:
        found |= {404, 422}
    if row.body or row.takes_file:
        found |= {400, 413, 415, 422}
    if row.media != "application/json":
        found.add(416)
    return found


def _parameters(row: Route) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": _place(row, name)}
        for name in PARAMETER.findall(row.path)
    ]
    if row.query is not None:
        schema = row.query.model_json_schema()
        found += [
            {"name": name, "in": "query", "required": name in schema.get("required", []), "schema": part}
            for name, part in schema["properties"].items()
        ]
    if row.body is not None and row.method == "POST":
        found.append({"name": HEADER, "in": "header", "required": False, "schema": KEY_SCHEMA})
    return found


def _operation(row: Route, by_model: dict[Any, Any]) -> dict[str, Any]:
    problem = {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    operation: dict[str, Any] = {
        "operationId": row.work.__name__,
        "summary": row.summary,
        "tags": [row.tag],
        "description": f"Needs the role {row.role.value}.",
        "parameters": _parameters(row),
        "responses": {str(row.status): {"description": "done"}}
        | {str(status): {"description": _REFUSALS[status], **problem} for status in sorted(_refused(row))},
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
