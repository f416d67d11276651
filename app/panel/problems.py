"""Errors of the REST interface as problem+json (RFC 9457), each with a stable code."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web
from pydantic import ValidationError


class Problem(Exception):
    """Something a request cannot have. code: stable, for programs; detail: a sentence for people, with the mend.

    errors: where in the request, for a body or query that does not fit.
    """

    def __init__(self, status: int, code: str, detail: str, *, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors

    def response(self) -> web.Response:
        """As it goes over the wire."""
        body: dict[str, Any] = {"type": "about:blank", "status": self.status, "code": self.code, "detail": self.detail}
        if self.errors is not None:
            body["errors"] = self.errors
        return web.Response(
            status=self.status, text=json.dumps(body, ensure_ascii=False), content_type="application/problem+json"
        )


def misfit(error: ValidationError, where: str) -> Problem:
    """A body or query that does not fit its model."""
    errors = [
        {
            "place": ".".join(str(part) for part in item["loc"]) or where,
            "problem": item["msg"].removeprefix("Value error, "),
        }
        for item in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    first = errors[0]
    return Problem(422, "invalid", f"{where}, {first['place']}: {first['problem']}", errors=errors)
